//! The query of a `lookup`: a list of fields, an object, conditions joined by AND.

use serde_json::Value;

use super::Problem;
use super::guard::{is_phone, matches_anybody};
use super::literal::{escape, literal, quote};
use super::scan::{Dialect, survey};
use crate::phone;

/// What came of the parameters of a `lookup`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// To be asked.
    Query(String),
    /// A condition says nothing about whom it looks for: nobody is meant.
    Nobody,
}

/// Whether a text is an API name, perhaps a path of them: `Id`, `Account.Owner.Name`, `Ref__c`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.split('.').all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// `SELECT fields FROM object [WHERE …]`, the conditions in their order. The fields are sent as
/// they were written.
///
/// # Errors
/// A name that is no identifier, or a condition that is neither text, number nor list.
pub fn select<'a>(
    object: &str,
    fields: &str,
    conditions: impl IntoIterator<Item = (&'a String, &'a Value)>,
) -> Result<Selected, Problem> {
    let object = object.trim();
    if !is_name(object) {
        return Err(Problem::NotAName("sf_object".to_owned()));
    }
    if !are_fields(fields) {
        return Err(Problem::NotFields("sf_fields".to_owned()));
    }
    let mut query = format!("SELECT {} FROM {object}", fields.trim());
    let mut joint = " WHERE ";
    for (name, value) in conditions {
        let Some(condition) = condition(name, value)? else { return Ok(Selected::Nobody) };
        query.push_str(joint);
        query.push_str(&condition);
        joint = " AND ";
    }
    Ok(Selected::Query(query))
}

/// One condition. A text with `%` is a pattern, as upstream has it (`\%` is a per cent sign);
/// mobile and home phones are looked for by their last ten digits in any punctuation. `None`: it
/// would match anybody, or whoever else withholds their number.
fn condition(name: &str, value: &Value) -> Result<Option<String>, Problem> {
    let field = name.trim();
    if !is_name(field) {
        return Err(Problem::NotAName(name.to_owned()));
    }
    let text = match value {
        Value::String(text) => text,
        _ if is_fuzzy(field) && !value.is_array() && !value.is_object() => &value.to_string(),
        Value::Array(_) => {
            let list = literal(value).ok_or_else(|| Problem::Nested(name.to_owned()))?;
            return Ok(Some(format!("{field} IN {list}")));
        }
        _ => {
            let value = literal(value).ok_or_else(|| Problem::Nested(name.to_owned()))?;
            return Ok(Some(format!("{field}={value}")));
        }
    };
    if is_fuzzy(field) {
        let digits = phone::digits(text);
        return Ok(
            (digits.len() >= phone::MIN_DIGITS).then(|| format!("{field} LIKE '{}'", fuzzy_pattern(&digits)))
        );
    }
    if has_wildcard(text) {
        let pattern = escape(text, true);
        return Ok((!matches_anybody(field, &pattern)).then(|| format!("{field} LIKE '{pattern}'")));
    }
    if is_phone(field) && phone::is_withheld(text) {
        return Ok(None);
    }
    Ok(Some(format!("{field}={}", quote(&text.replace("\\%", "%")))))
}

/// The fields that upstream looks for in any punctuation.
fn is_fuzzy(field: &str) -> bool {
    field.eq_ignore_ascii_case("mobilephone") || field.eq_ignore_ascii_case("homephone")
}

/// The last ten digits, cut 3-3-4: `%206%555%0123%`.
fn fuzzy_pattern(digits: &str) -> String {
    let from_end = |n: usize| digits.len().saturating_sub(n);
    let cut = |from: usize, to: usize| digits.get(from_end(from)..from_end(to)).unwrap_or_default();
    format!("%{}%{}%{}%", cut(10, 7), cut(7, 4), cut(4, 0))
}

/// A `%` that is not written `\%`.
fn has_wildcard(text: &str) -> bool {
    text.replace("\\%", "").contains('%')
}

/// Field paths, functions of them (`toLabel(Status)`, `COUNT(Id) total`, `FIELDS(ALL)`) and
/// subqueries in parentheses, with commas between them: nothing that could end the list.
fn are_fields(fields: &str) -> bool {
    let seen = survey(fields, Dialect::Soql);
    let mut depth = 0_i32;
    let mut items = vec![String::new()];
    for (at, c) in fields.char_indices() {
        let quoted = seen.insides.iter().any(|(_, inside)| inside.contains(&at));
        match c {
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                items.push(String::new());
                continue;
            }
            _ => {}
        }
        if depth < 0 {
            return false;
        }
        if let Some(item) = items.last_mut() {
            item.push(c);
        }
    }
    depth == 0 && seen.balanced && !seen.comment && items.iter().all(|item| is_field(item.trim()))
}

fn is_field(item: &str) -> bool {
    if is_name(item) {
        return true;
    }
    let Some((head, tail)) = item.split_once('(') else { return false };
    let Some((_, alias)) = tail.rsplit_once(')') else { return false };
    let (head, alias) = (head.trim(), alias.trim());
    // `(SELECT …)` has no alias; two parentheses side by side are no field.
    let one_group = closes_at_end(item.strip_suffix(alias).unwrap_or(item).trim());
    one_group
        && if head.is_empty() {
            alias.is_empty()
        } else {
            is_name(head) && (alias.is_empty() || is_name(alias))
        }
}

/// Whether the first parenthesis of a text closes with its last character.
fn closes_at_end(text: &str) -> bool {
    let seen = survey(text, Dialect::Soql);
    let mut depth = 0_i32;
    for (at, c) in text.char_indices() {
        if seen.insides.iter().any(|(_, inside)| inside.contains(&at)) {
            continue;
        }
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return at + 1 == text.len();
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selected(conditions: &Value) -> Result<Option<String>, Problem> {
        let conditions = conditions.as_object().unwrap();
        Ok(match select("Contact", "Id", conditions)? {
            Selected::Query(query) => {
                Some(query.strip_prefix("SELECT Id FROM Contact").unwrap().trim().to_owned())
            }
            Selected::Nobody => None,
        })
    }

    fn where_(conditions: Value) -> String {
        selected(&conditions).unwrap().unwrap()
    }

    #[test]
    fn conditions_are_as_upstream_writes_them() {
        assert_eq!(where_(json!({})), "");
        assert_eq!(
            where_(json!({"Email": "a@b.c", "Status__c": "New"})),
            "WHERE Email='a@b.c' AND Status__c='New'"
        );
        assert_eq!(where_(json!({"Rate__c": "50%"})), "WHERE Rate__c LIKE '50%'");
        assert_eq!(where_(json!({"Rate__c": "50\\%"})), "WHERE Rate__c='50%'");
        assert_eq!(where_(json!({"Rate__c": "50\\%%"})), r"WHERE Rate__c LIKE '50\%%'");
        assert_eq!(where_(json!({"Name": "A_n"})), "WHERE Name='A_n'");
        assert_eq!(where_(json!({"LastName": "O'Brien"})), r"WHERE LastName='O\'Brien'");
        assert_eq!(where_(json!({"NumberOfEmployees": 5})), "WHERE NumberOfEmployees=5");
        assert_eq!(where_(json!({"IsClosed": false, "X__c": null})), "WHERE IsClosed=false AND X__c=null");
        assert_eq!(where_(json!({"Status": ["a", "b"]})), "WHERE Status IN ('a', 'b')");
        assert_eq!(where_(json!({"Email": ""})), "WHERE Email=''");
    }

    #[test]
    fn phones_are_looked_for_by_their_digits() {
        assert_eq!(
            where_(json!({"MobilePhone": "+447700900123"})),
            "WHERE MobilePhone LIKE '%770%090%0123%'"
        );
        assert_eq!(where_(json!({"homephone": "(206) 555-0123"})), "WHERE homephone LIKE '%206%555%0123%'");
        assert_eq!(where_(json!({"MobilePhone": "555'0123"})), "WHERE MobilePhone LIKE '%%555%0123%'");
        assert_eq!(
            where_(json!({"MobilePhone": 2_065_550_123_u64})),
            "WHERE MobilePhone LIKE '%206%555%0123%'"
        );
    }

    #[test]
    fn what_says_nothing_means_nobody() {
        for conditions in [
            json!({"MobilePhone": "7"}),
            json!({"MobilePhone": ""}),
            json!({"MobilePhone": null}),
            json!({"HomePhone": "12345"}),
            json!({"Name": "%"}),
            json!({"Name": " %% "}),
            json!({"Phone": "%555%"}),
        ] {
            assert_eq!(selected(&conditions).unwrap(), None, "{conditions}");
        }
    }

    #[test]
    fn names_are_names() {
        for name in ["Name = 'x' OR Name", "A-B", "1A", "", "a..b", "Näme"] {
            let conditions = json!({ name: "x" });
            assert_eq!(selected(&conditions), Err(Problem::NotAName(name.to_owned())));
        }
        assert!(select("Contact, User", "Id", []).is_err());
        assert_eq!(selected(&json!({"A": {"b": 1}})), Err(Problem::Nested("A".to_owned())));
    }

    #[test]
    fn fields_end_where_the_list_does() {
        for fields in [
            "Id",
            "Id,Name , Email",
            "Id, Account.Owner.Name",
            "toLabel(Status), COUNT(Id) total",
            "FIELDS(ALL)",
            "Id, (SELECT Id FROM Cases WHERE Subject = 'a)b' AND (IsClosed = false))",
        ] {
            assert!(are_fields(fields), "{fields}");
        }
        for fields in [
            "",
            "Id,",
            "Id FROM User",
            "Id FROM User WHERE (A = 1)",
            "Id, *",
            "Id -- x",
            "f(a",
            "(SELECT Id) FROM (x)",
            "count(Id) from User where (Id)",
            "Id'",
            "a) FROM User WHERE (b",
        ] {
            assert!(!are_fields(fields), "{fields}");
        }
    }
}
