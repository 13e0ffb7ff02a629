//! From text to [`Search`], by the published grammar.

use tree_sitter::Node;

use super::super::error::OrgError;
use super::super::soql::ast::{Path, Query};
use super::super::soql::lower::Lower;
use super::super::soql::parse::{child, children, tree};
use super::{Search, only_id};

/// The longest search that Salesforce reads, in characters.
const LONGEST: usize = 100_000;

/// Reads SOSL.
pub(super) fn sosl(text: &str) -> Result<Search, OrgError> {
    let refuse = |what: String| OrgError::new("MALFORMED_SEARCH", what);
    if text.chars().count() > LONGEST {
        return Err(refuse("SOSL statements cannot be longer than 100000 characters.".to_owned()));
    }
    let tree = tree(text, &tree_sitter_sfapex::sosl::LANGUAGE.into()).map_err(|e| refuse(e.told(text)))?;
    let lower = Lower { text };
    let Some(body) = child(tree.root_node(), "sosl_query_body") else {
        return Err(refuse("No search term found. The search term must be enclosed in braces.".to_owned()));
    };
    let slice = |node: Node<'_>| text.get(node.byte_range()).unwrap_or_default();
    let mut search = Search { group: "ALL".to_owned(), ..Search::default() };
    for node in children(body) {
        match node.kind() {
            "find_clause" => search.term = child(node, "term").map(slice).unwrap_or_default().to_owned(),
            "in_clause" => {
                search.group = child(node, "in_type").map(slice).unwrap_or("ALL").to_ascii_uppercase();
            }
            "returning_clause" => {
                for object in children(node) {
                    search.returning.push(returning(&lower, object, slice).map_err(as_search)?);
                }
            }
            "limit_clause" | "offset_clause" => {
                let mut query = Query::default();
                lower.clause(node, &mut query).map_err(as_search)?;
                search.limit = search.limit.or(query.limit);
                search.offset = search.offset.or(query.offset);
            }
            // Highlights, snippets, networks and tracking change no row of this org.
            _ => {}
        }
    }
    if search.term.trim().is_empty() {
        return Err(refuse("No search term found. The search term must be enclosed in braces.".to_owned()));
    }
    Ok(search)
}

fn returning<'t>(
    lower: &Lower<'_>,
    node: Node<'_>,
    slice: impl Fn(Node<'_>) -> &'t str,
) -> Result<Query, OrgError> {
    let mut query = only_id(Path::default());
    for part in children(node) {
        match part.kind() {
            "identifier" => query.from = Path { parts: vec![slice(part).to_owned()], at: part.start_byte() },
            "selected_fields" => query.select = lower.items(part)?,
            _ => lower.clause(part, &mut query)?,
        }
    }
    Ok(query)
}

/// A mistake of grammar within a search is the search's.
fn as_search(mut error: OrgError) -> OrgError {
    if error.code == "MALFORMED_QUERY" {
        error.code = "MALFORMED_SEARCH";
    }
    error
}
