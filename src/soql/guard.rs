//! Patterns that would match everybody.

use crate::phone;

/// Whether a LIKE pattern says nothing about whom it looks for: nothing but wildcards, or, of a
/// field that holds phone numbers, fewer digits than identify a person.
pub(super) fn matches_anybody(field: &str, pattern: &str) -> bool {
    let wild = pattern.chars().all(|c| matches!(c, '%' | '_') || c.is_whitespace());
    wild || (is_phone(field) && is_no_number(pattern))
}

/// Words look for something else (`PhoneType__c LIKE 'Mob%'`), unless they stand for a number withheld.
fn is_no_number(pattern: &str) -> bool {
    if pattern.chars().any(char::is_alphabetic) {
        return phone::is_withheld(pattern);
    }
    pattern.chars().filter(|c| c.is_numeric()).count() < phone::MIN_DIGITS
}

/// Whether a search term says nothing: blank, or nothing but wildcards.
pub fn finds_anything(term: &str) -> bool {
    term.chars().all(|c| matches!(c, '*' | '?' | '"') || c.is_whitespace())
}

/// Whether a field holds phone numbers, by its name.
pub(super) fn is_phone(field: &str) -> bool {
    let name = field.rsplit('.').next().unwrap_or(field).to_ascii_lowercase();
    name.contains("phone") || name.contains("mobile")
}

/// The field whose pattern follows, if `before` ends in `field LIKE`.
pub(super) fn field_of_like(before: &str) -> Option<&str> {
    let before = before.trim_end();
    let head = before.get(..before.len().checked_sub(4)?)?;
    if !before.get(head.len()..)?.eq_ignore_ascii_case("like") {
        return None;
    }
    head.ends_with(char::is_whitespace).then(|| last_name(head))
}

/// The field whose value follows, if `before` ends in `field =`.
pub(super) fn field_of_equal(before: &str) -> Option<&str> {
    let head = before.trim_end().strip_suffix('=')?;
    (!head.ends_with(['!', '<', '>'])).then(|| last_name(head))
}

/// The name, perhaps a path of them, in which a text ends.
fn last_name(text: &str) -> &str {
    let text = text.trim_end();
    let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    text.get(text.trim_end_matches(name).len()..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_who_is_anybody() {
        for (field, pattern) in [
            ("Name", "%%"),
            ("Name", "% _"),
            ("Phone", "%555%"),
            ("Owner.MobilePhone", "%12345%"),
            ("Phone", "%Anonymous%"),
        ] {
            assert!(matches_anybody(field, pattern), "{field} {pattern}");
        }
        for (field, pattern) in
            [("Name", "A%"), ("Phone", "%5551234%"), ("Name", "%12%"), ("PhoneType__c", "Mob%")]
        {
            assert!(!matches_anybody(field, pattern), "{field} {pattern}");
        }
    }

    #[test]
    fn finds_the_field_before_a_pattern() {
        assert_eq!(field_of_like("WHERE (Account.Phone  like "), Some("Account.Phone"));
        assert_eq!(field_of_like("WHERE Alike"), None);
        assert_eq!(field_of_like("WHERE A = "), None);
        assert_eq!(field_of_like("é"), None);
        assert_eq!(field_of_equal("WHERE (Account.Phone = "), Some("Account.Phone"));
        assert_eq!(field_of_equal("WHERE é="), Some("é"));
        for before in ["A !=", "A <= ", "A >=", "A LIKE ", "", "A = ("] {
            assert_eq!(field_of_equal(before), None, "{before}");
        }
    }
}
