//! One spelling for questions that mean the same.

use super::scan::{Dialect, Place, Scanner};

/// The statement in a spelling that equal statements share: white space, the case of names, the
/// order of plain fields and the two lengths of record Ids make no difference. Never sent, only
/// compared, so that what is not understood may stay as it is.
#[must_use]
pub fn canonical(statement: &str, dialect: Dialect) -> String {
    // Where records are summed up there may be aliases, and an alias comes back as it was spelled.
    let fold_case = !statement.contains('(') && !holds_word(statement, "group");
    let mut out = String::with_capacity(statement.len());
    let mut scanner = Scanner::new(dialect);
    let (mut rest, mut gap, mut inside) = (statement.trim(), false, None);
    while let (before, Some(atom)) = (scanner.place, scanner.next(rest)) {
        let (text, behind) = rest.split_at_checked(atom.len).unwrap_or((rest, ""));
        rest = behind;
        match (before, scanner.place) {
            (Place::Bare, Place::Bare) if text.chars().all(char::is_whitespace) => gap = true,
            (Place::Bare, after) => {
                let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':');
                if gap && out.ends_with(is_word) && text.starts_with(is_word) {
                    out.push(' ');
                }
                gap = false;
                let text = atom.sent;
                out.extend(text.chars().map(|c| if fold_case { c.to_ascii_lowercase() } else { c }));
                inside = (after != Place::Bare).then_some(out.len());
            }
            (_, Place::Bare) => {
                if let Some(id) =
                    inside.take().and_then(|from| short_id(out.get(from..)?).map(|len| from + len))
                {
                    out.truncate(id);
                }
                out.push_str(atom.sent);
            }
            _ => out.push_str(text),
        }
    }
    sorted_fields(&out).unwrap_or(out)
}

/// `select b,a from …` with its fields in order.
fn sorted_fields(statement: &str) -> Option<String> {
    let (verb, behind) = statement.split_at_checked("select ".len())?;
    let from = behind.to_ascii_lowercase().find(" from ")?;
    let (fields, behind) = behind.split_at_checked(from)?;
    // The fields inside of a TYPEOF belong to their WHEN.
    if !verb.eq_ignore_ascii_case("select ") || fields.contains(['(', '\'']) || holds_word(fields, "typeof") {
        return None;
    }
    let mut fields: Vec<&str> = fields.split(',').collect();
    fields.sort_unstable();
    Some(format!("{verb}{}{behind}", fields.join(",")))
}

fn holds_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|found| found.eq_ignore_ascii_case(word))
}

/// The length of the case-sensitive spelling, if this is a record Id in the other one: 15
/// characters, and three that say which of them are capitals.
fn short_id(text: &str) -> Option<usize> {
    const CODES: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let bytes: &[u8; 18] = text.as_bytes().try_into().ok()?;
    let (id, check) = bytes.split_at(15);
    let matches = id.chunks(5).zip(check).all(|(five, check)| {
        let code = five.iter().rev().fold(0, |code, b| code << 1 | usize::from(b.is_ascii_uppercase()));
        CODES.get(code) == Some(check)
    });
    (matches && bytes.iter().all(u8::is_ascii_alphanumeric)).then_some(15)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(statement: &str) -> String {
        canonical(statement, Dialect::Soql)
    }

    #[test]
    fn equal_questions_meet() {
        let one = of("SELECT Id, Name FROM Contact WHERE Email = 'A b@x' AND OwnerId='0055g00000DDDDDDD1'");
        for other in [
            "select name,id\n from contact   where email='A b@x' and ownerid = '0055g00000DDDDDDD1'",
            " SELECT Name , Id FROM Contact WHERE Email ='A b@x' AND OwnerId = '0055g00000DDDDDDD1' ",
        ] {
            assert_eq!(of(other), one);
        }
        assert_eq!(
            of("SELECT Id FROM A WHERE Id='0035000000AbCdEAAV'"),
            of("SELECT Id FROM A WHERE Id='0035000000AbCdE'")
        );
    }

    #[test]
    fn different_questions_do_not() {
        let one = of("SELECT Id FROM Contact WHERE Name = 'Ann  B'");
        for other in [
            "SELECT Id FROM Contact WHERE Name = 'Ann B'",
            "SELECT Id FROM Contact WHERE Name = 'ann  b'",
            "SELECT Id FROM Contact WHERE Name != 'Ann  B'",
            "SELECT Id, Name FROM Contact WHERE Name = 'Ann  B'",
        ] {
            assert_ne!(of(other), one);
        }
        assert_ne!(of("SELECT COUNT(Id) Total FROM A"), of("SELECT COUNT(Id) total FROM A"));
        assert_ne!(of("SELECT Name N FROM A GROUP BY Name"), of("SELECT Name n FROM A GROUP BY Name"));
        assert_ne!(
            of("SELECT TYPEOF What WHEN Account THEN Phone, Name END, Id FROM Task"),
            of("SELECT TYPEOF What WHEN Account THEN Phone, Id, Name END FROM Task")
        );
        // A text of 18 characters that is no Id.
        assert_ne!(of("A = '0035000000AbCdEAAA'"), of("A = '0035000000AbCdE'"));
    }

    proptest! {
        #[test]
        fn never_panics_and_keeps_what_is_quoted(value in "[a-zA-Z0-9 ,é]{0,20}", text in "\\PC*") {
            let _canonical = canonical(&text, Dialect::Sosl);
            let quoted = format!("'{value}'");
            let statement = format!("SELECT B, A FROM C WHERE D = {quoted}");
            prop_assume!(short_id(&value).is_none());
            prop_assert!(of(&statement).ends_with(&quoted));
        }
    }
}
