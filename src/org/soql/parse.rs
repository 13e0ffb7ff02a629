//! From text to [`Query`](super::ast::Query), by the published grammar.
//!
//! The grammar is `tree-sitter-sfapex`; what it lets pass and Salesforce does not is refused here.

use std::sync::{Arc, Mutex, PoisonError};

use tree_sitter::{Language, LogType, Node, Parser, Tree};

use super::super::error::OrgError;
use super::ast::Query;
use super::fault;
use super::lower::Lower;

/// The longest query that Salesforce reads, in characters.
const LONGEST: usize = 100_000;
/// The deepest nesting of parts within parts.
const DEEPEST: usize = 100;

/// Reads SOQL.
pub(crate) fn soql(text: &str) -> Result<Query, OrgError> {
    let refuse = |what: String| fault::malformed(what);
    if text.chars().count() > LONGEST {
        return Err(refuse("SOQL statements cannot be longer than 100000 characters.".to_owned()));
    }
    let tree = tree(text, &tree_sitter_sfapex::soql::LANGUAGE.into()).map_err(|e| refuse(e.told(text)))?;
    let body = child(tree.root_node(), "soql_query_body")
        .ok_or_else(|| refuse("unexpected token: '<EOF>'".to_owned()))?;
    Lower { text }.query(body)
}

/// A place where the text stops being the language.
pub(crate) struct Unexpected(usize);

impl Unexpected {
    pub(crate) fn told(&self, text: &str) -> String {
        let token = fault::token(text, self.0);
        if token == ":" {
            return fault::pointing(text, self.0, "Bind variables only allowed in Apex code");
        }
        fault::pointing(text, self.0, &format!("unexpected token: '{token}'"))
    }
}

/// The whole text as a tree without errors.
pub(crate) fn tree(text: &str, language: &Language) -> Result<Tree, Unexpected> {
    let start = Unexpected(0);
    let mut parser = Parser::new();
    if parser.set_language(language).is_err() {
        return Err(start);
    }
    let Some(tree) = parser.parse(text, None) else { return Err(start) };
    if tree.root_node().has_error() {
        return Err(Unexpected(first_error(&mut parser, text)));
    }
    match glued(tree.root_node(), text) {
        Some(at) => Err(Unexpected(at)),
        None => Ok(tree),
    }
}

/// Parses again and listens for where the parser first finds no way on.
fn first_error(parser: &mut Parser, text: &str) -> usize {
    // (where the parser is, where it first found an error); a Mutex because the logger must be Sync.
    let places = Arc::new(Mutex::new(((0, 0), None)));
    let seen = Arc::clone(&places);
    parser.set_logger(Some(Box::new(move |kind, message| {
        let mut places = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if kind != LogType::Parse || places.1.is_some() {
            return;
        }
        if message.starts_with("detect_error") {
            places.1 = Some(places.0);
        } else if message.starts_with("process ") {
            let number = |key: &str| -> Option<usize> {
                let rest = message.split_once(key)?.1;
                rest.split(',').next()?.trim().parse().ok()
            };
            if let (Some(row), Some(column)) = (number("row:"), number("col:")) {
                places.0 = (row, column);
            }
        }
    })));
    parser.reset();
    // Only its log is of interest.
    drop(parser.parse(text, None));
    parser.set_logger(None);
    let (last, first) = *places.lock().unwrap_or_else(PoisonError::into_inner);
    let (row, column) = first.unwrap_or(last);
    let line_start: usize = text.split_inclusive('\n').take(row).map(str::len).sum();
    let at = (line_start + column).min(text.len());
    let rest = text.get(at..).unwrap_or_default();
    let at = at + (rest.len() - rest.trim_start().len());
    misread_alias(text, at).unwrap_or(at)
}

/// `SELECT Id FORM Account`: the grammar takes FORM for Id's alias and stumbles over Account, the
/// mistake is FORM.
fn misread_alias(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?.trim_end();
    let word_start =
        |s: &str| s.len() - s.chars().rev().take_while(|c| c.is_alphanumeric() || *c == '_').count();
    let alias = word_start(before);
    let earlier = before.get(..alias)?;
    let field = earlier.trim_end();
    let gap = earlier.len() > field.len();
    let (first, name) = (word_start(field), field.get(word_start(field)..)?);
    let keyword = [
        "SELECT", "FROM", "WHERE", "BY", "LIMIT", "OFFSET", "AND", "OR", "NOT", "IN", "LIKE", "FOR", "WITH",
        "SCOPE", "HAVING",
    ];
    let plain = |w: &str| !w.is_empty() && !keyword.iter().any(|k| k.eq_ignore_ascii_case(w));
    let in_select = !before.to_ascii_uppercase().split_whitespace().any(|w| w == "FROM");
    let ends = first == 0 || field.get(..first)?.ends_with([' ', ',', '.', '\n', '\t', '(']);
    let follows = text.get(at..)?.starts_with(|c: char| c.is_alphanumeric());
    (gap && in_select && ends && follows && plain(name) && plain(before.get(alias..)?)).then_some(alias)
}

/// The first place where two words touch without space, where a comment stands, or a word of the
/// language for a name: what the grammar lets pass and Salesforce does not. Also the place where
/// it nests too deep: whoever walks the tree afterwards may do so by recursion.
fn glued(root: Node<'_>, text: &str) -> Option<usize> {
    let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut cursor = root.walk();
    let (mut end, mut depth) = (0, 0);
    loop {
        let node = cursor.node();
        if matches!(node.kind(), "header_comment" | "formatting_comment" | "bound_apex_expression") {
            return Some(node.start_byte());
        }
        if node.kind() == "identifier" && is_reserved(node, text) {
            return Some(node.start_byte());
        }
        if node.child_count() == 0 {
            let start = node.start_byte();
            let touching = start == end && start > 0;
            if touching
                && word(text.get(..start).and_then(|s| s.chars().next_back()))
                && word(text.get(start..).and_then(|s| s.chars().next()))
            {
                return Some(start);
            }
            end = node.end_byte();
        }
        if cursor.goto_first_child() {
            depth += 1;
            if depth > DEEPEST {
                return Some(cursor.node().start_byte());
            }
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return None;
            }
            depth -= 1;
        }
    }
}

/// A word of the language where the name of a field or an alias should be.
fn is_reserved(node: Node<'_>, text: &str) -> bool {
    const WORDS: [&str; 19] = [
        "AND", "ASC", "DESC", "EXCLUDES", "FIRST", "FROM", "GROUP", "HAVING", "IN", "INCLUDES", "LAST",
        "LIKE", "LIMIT", "NOT", "NULLS", "OR", "SELECT", "WHERE", "WITH",
    ];
    let word = text.get(node.byte_range()).unwrap_or_default();
    let named = match node.parent().map(|p| p.kind()) {
        Some("alias_expression" | "field_identifier" | "storage_alias") => true,
        // There is an object Group.
        Some("storage_identifier") => !word.eq_ignore_ascii_case("Group"),
        _ => false,
    };
    named && WORDS.iter().any(|w| w.eq_ignore_ascii_case(word))
}

/// The first named child of a kind.
pub(crate) fn child<'t>(node: Node<'t>, kind: &str) -> Option<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).find(|c| c.kind() == kind)
}

/// All named children.
pub(crate) fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect()
}
