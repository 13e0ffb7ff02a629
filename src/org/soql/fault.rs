//! Salesforce's way to point at the place of a mistake.

use super::super::error::OrgError;

/// The line of the text around a place, a caret beneath it, row and column, and what is wrong.
pub(crate) fn pointing(text: &str, at: usize, what: &str) -> String {
    let before = text.get(..at).unwrap_or(text);
    let row = before.matches('\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    let line = text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
    let column = before.get(line_start..).unwrap_or_default().chars().count();
    // A long line is shown in the part that matters.
    let skip = column.saturating_sub(60);
    let shown: String = line.chars().skip(skip).take(120).collect();
    let caret = " ".repeat(column - skip);
    format!("\n{shown}\n{caret}^\nERROR at Row:{row}:Column:{}\n{what}", column + 1)
}

/// A refusal that points at its place.
pub(crate) fn at(code: &'static str, text: &str, at: usize, what: &str) -> OrgError {
    OrgError::new(code, pointing(text, at, what))
}

/// `MALFORMED_QUERY` without a place.
pub(crate) fn malformed(what: impl Into<String>) -> OrgError {
    OrgError::new("MALFORMED_QUERY", what)
}

/// The token that stands at a place: a word, a literal, a sign, or the end.
pub(crate) fn token(text: &str, at: usize) -> String {
    let rest = text.get(at..).unwrap_or_default();
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    match (word.is_empty(), rest.chars().next()) {
        (false, _) => word,
        (true, Some(sign)) => sign.to_string(),
        (true, None) => "<EOF>".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_place() {
        let told = pointing("SELECT Id,Foo FROM Account", 10, "No such column 'Foo'");
        assert_eq!(
            told,
            "\nSELECT Id,Foo FROM Account\n          ^\nERROR at Row:1:Column:11\nNo such column 'Foo'"
        );
        let told = pointing("SELECT Id\nFROM Accoünt x y", 25, "?");
        assert_eq!(told, "\nFROM Accoünt x y\n              ^\nERROR at Row:2:Column:15\n?");
    }

    #[test]
    fn tokens_are_words_signs_or_the_end() {
        assert_eq!(token("a FORM b", 2), "FORM");
        assert_eq!(token("a = :b", 4), ":");
        assert_eq!(token("a", 1), "<EOF>");
    }
}
