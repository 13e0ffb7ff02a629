//! The house's rules, held by reading the source.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Rooms in their order, and whether each is of the pure first group.
fn rooms() -> Vec<(String, bool)> {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut pure = true;
    let mut rooms = Vec::new();
    for line in lib.lines() {
        if line.starts_with("// ── edges") {
            pure = false;
        }
        if let Some(name) = line.strip_prefix("pub mod ") {
            rooms.push((name.trim_end_matches(';').to_owned(), pure));
        }
    }
    assert!(rooms.len() > 10, "the map in lib.rs could not be read");
    rooms
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_of(room: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let single = root().join(format!("src/{room}.rs"));
    if single.exists() {
        files.push(single);
    }
    walk(&root().join("src").join(room), &mut files);
    files
}

fn walk(dir: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// The code of a file: no comments, nothing from `#[cfg(test)]` at the left margin on.
fn code_of(file: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(file).unwrap();
    let tests = file.file_name().is_some_and(|n| n == "tests.rs")
        || file.components().any(|c| c.as_os_str() == "tests");
    if tests {
        return Vec::new();
    }
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(n, line)| (n + 1, line.to_owned()))
        .collect()
}

#[test]
fn a_room_imports_only_rooms_declared_above_it() {
    let rooms = rooms();
    let mut breaches = Vec::new();
    for (at, (room, _)) in rooms.iter().enumerate() {
        for file in files_of(room) {
            for (n, line) in code_of(&file) {
                for (below, _) in &rooms[at + 1..] {
                    let path = format!("crate::{below}");
                    if line.match_indices(&path).any(|(i, _)| {
                        !line[i + path.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
                    }) {
                        breaches.push(format!(
                            "{}:{n} names {path}, which is declared below {room}",
                            file.display()
                        ));
                    }
                }
                if line.contains("crate::{") {
                    breaches.push(format!(
                        "{}:{n}: write one `use crate::room::…` a line, so that this test can read it",
                        file.display()
                    ));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn the_simulated_org_shares_nothing_with_the_product_but_time() {
    let mut breaches = Vec::new();
    for file in files_of("org") {
        for (n, line) in code_of(&file) {
            for (i, _) in line.match_indices("crate::") {
                let rest = &line[i + 7..];
                if !rest.starts_with("time") && !rest.starts_with("org") && !rest.starts_with("clock") {
                    breaches.push(format!("{}:{n}: {}", file.display(), line.trim()));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn the_rooms_of_words_and_rules_are_pure() {
    const OUTSIDE: &[&str] = &[
        "tokio", "aws_", "reqwest", "rusqlite", "axum", "std::env", "std::fs", "::now(", "async fn",
        "thread::",
    ];
    let mut breaches = Vec::new();
    for (room, pure) in rooms() {
        if !pure {
            continue;
        }
        for file in files_of(&room) {
            for (n, line) in code_of(&file) {
                for word in OUTSIDE.iter().filter(|w| line.contains(**w)) {
                    breaches.push(format!("{}:{n} names {word}", file.display()));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn no_file_is_longer_than_one_can_hold_in_mind() {
    let mut long = Vec::new();
    let mut files = Vec::new();
    walk(&root().join("src"), &mut files);
    for file in files {
        let lines = code_of(&file).len();
        if lines > 500 {
            long.push(format!("{} has {lines} lines of code", file.display()));
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_room_says_what_it_is() {
    for (room, _) in rooms() {
        let file =
            files_of(&room).into_iter().find(|f| f.ends_with(format!("{room}.rs")) || f.ends_with("mod.rs"));
        let text = fs::read_to_string(file.unwrap()).unwrap();
        assert!(text.starts_with("//!"), "{room} has no doc");
    }
}
