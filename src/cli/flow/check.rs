//! `tieline flow check`: everything that is wrong with flow files, and the safe repairs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{Format, bytes, decoded, known, print_rows};
use crate::flow::model::Document;
use crate::flow::validate;
use crate::flow::validate::{Around, Diagnostic, Severity};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Flow files; `-` reads standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Warnings count as errors.
    #[arg(long)]
    strict: bool,
    /// Make the safe repairs in the files, then check what is left.
    #[arg(long)]
    fix: bool,
    /// The source that the flows are for, such as voiceContact.
    #[arg(long)]
    source: Option<String>,
    /// The event that the flows are for, such as onConnecting.
    #[arg(long)]
    event: Option<String>,
    /// How the findings are printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Args {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        known(self.source.as_deref(), self.event.as_deref())?;
        let around = Around { source: self.source.clone(), event: self.event.clone(), ..Around::default() };
        let mut all = Vec::new();
        let mut unread = 0;
        for file in &self.files {
            match self.look(file, &around) {
                Ok(findings) => all.extend(findings.into_iter().map(|finding| (file.clone(), finding))),
                Err(error) => {
                    eprintln!("tieline: {error:#}");
                    unread += 1;
                }
            }
        }
        if self.format == Format::Table {
            tell(&all, self.files.len() - unread);
        } else {
            let rows: Vec<Value> = all.iter().map(|(file, finding)| row(file, finding)).collect();
            print_rows(self.format, &rows, &[]);
        }
        let bad = |d: &Diagnostic| {
            d.severity == Severity::Error || (self.strict && d.severity == Severity::Warning)
        };
        Ok(ExitCode::from(match (unread, all.iter().any(|(_, finding)| bad(finding))) {
            (0, bad) => u8::from(bad),
            _ => 2,
        }))
    }

    fn look(&self, file: &Path, around: &Around) -> anyhow::Result<Vec<Diagnostic>> {
        // What is no text is no JSON either: the validator says so. It is not written back.
        let text = match decoded(bytes(file)?) {
            Ok(text) if self.fix => repaired(file, text, around)?,
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        Ok(validate::check_text(&text, around).1)
    }
}

fn row(file: &Path, finding: &Diagnostic) -> Value {
    let mut row = serde_json::to_value(finding).unwrap_or_default();
    row["file"] = json!(file.display().to_string());
    row
}

/// The findings for people: what is wrong, and below it what to do.
fn tell(all: &[(PathBuf, Diagnostic)], files: usize) {
    for (file, finding) in all {
        let action = finding.action.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
        let severity = serde_json::to_value(finding.severity).unwrap_or_default();
        let severity = severity.as_str().unwrap_or_default();
        println!("{}:{action} {severity} {}: {}", file.display(), finding.code, finding.message);
        if !finding.hint.is_empty() {
            println!("    {}", finding.hint);
        }
    }
    let count = |severity| all.iter().filter(|(_, d)| d.severity == severity).count();
    let fixable = all.iter().filter(|(_, d)| d.fix.is_some()).count();
    let several = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut summary = format!(
        "{}: {}, {}, {}",
        several(files, "file"),
        several(count(Severity::Error), "error"),
        several(count(Severity::Warning), "warning"),
        several(count(Severity::Info), "remark")
    );
    if fixable > 0 {
        summary.push_str(&format!("; --fix mends {fixable}"));
    }
    eprintln!("{summary}");
}

/// Makes the safe repairs of a file, and says which.
fn repaired(file: &Path, text: String, around: &Around) -> anyhow::Result<String> {
    let Ok(mut document) = Document::parse(&text) else { return Ok(text) };
    let applied = validate::fix::apply(&mut document, around, None);
    if applied.is_empty() {
        return Ok(text);
    }
    for fix in &applied {
        eprintln!("{}: {} {}: {}", file.display(), fix.code, fix.action.as_deref().unwrap_or("-"), fix.label);
    }
    // A file on one line stays on one line.
    let new = if text.trim_end().contains('\n') { document.to_pretty() } else { document.to_exact() };
    if file.as_os_str() == "-" {
        println!("{new}");
    } else {
        std::fs::write(file, &new).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(new)
}
