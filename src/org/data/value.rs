//! One value on its way in (JSON → column, by the field's type) and out again.

use jiff::civil;
use jiff::tz::Offset;
use rusqlite::types::{Value as Sql, ValueRef};
use serde_json::Value;

use super::super::error::OrgError;
use super::super::id;
use super::super::schema::{Field, Kind};

/// What is stored for a value that a request gives to a field. Empty text is no value.
pub(super) fn store(field: &Field, value: &Value) -> Result<Sql, OrgError> {
    match value {
        Value::Null => return Ok(if field.kind == Kind::Boolean { Sql::Integer(0) } else { Sql::Null }),
        Value::Array(_) | Value::Object(_) => return Err(unreadable(field, value)),
        _ => {}
    }
    if let Value::String(text) = value
        && text.trim().is_empty()
        && field.kind != Kind::Boolean
    {
        return Ok(Sql::Null);
    }
    let stored = match field.kind {
        Kind::Boolean => boolean(value).map(|b| Sql::Integer(i64::from(b))),
        Kind::Int => integer(value).map(Sql::Integer),
        Kind::Double | Kind::Currency | Kind::Percent => number(value).map(Sql::Real),
        Kind::Date => value.as_str().and_then(date).map(|d| Sql::Text(d.to_string())),
        Kind::DateTime => value.as_str().and_then(datetime).map(Sql::Integer),
        Kind::Time => value.as_str().and_then(time).map(Sql::Text),
        Kind::Address => None,
        _ => value.as_str().map(|text| Sql::Text(text.trim().to_owned())),
    };
    let stored = stored.ok_or_else(|| unreadable(field, value))?;
    fits(field, stored)
}

/// Length, range, form and choice.
fn fits(field: &Field, stored: Sql) -> Result<Sql, OrgError> {
    let fault =
        |code, text: String| Err(OrgError::new(code, format!("{}: {text}", field.label)).field(&field.name));
    match (&stored, field.kind) {
        (Sql::Text(text), Kind::Id | Kind::Reference) => match id::normalise(text) {
            Some(id) => return Ok(Sql::Text(id)),
            None => return fault("MALFORMED_ID", format!("id value of incorrect type: {text}")),
        },
        (Sql::Text(text), Kind::Email) if !email(text) => {
            return fault("INVALID_EMAIL_ADDRESS", format!("invalid email address: {text}"));
        }
        (Sql::Text(text), Kind::Picklist | Kind::MultiPicklist) => {
            let known = |choice: &str| field.values.iter().find(|v| v.value.eq_ignore_ascii_case(choice));
            let choices: Vec<&str> = match field.kind {
                Kind::MultiPicklist => text.split(';').map(str::trim).filter(|c| !c.is_empty()).collect(),
                _ => vec![text.as_str()],
            };
            if field.restricted
                && let Some(wrong) = choices.iter().find(|c| known(c).is_none())
            {
                return fault(
                    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                    format!("bad value for restricted picklist field: {wrong}"),
                );
            }
            let spelt: Vec<&str> =
                choices.iter().map(|c| known(c).map_or(*c, |v| v.value.as_str())).collect();
            return Ok(Sql::Text(spelt.join(";")));
        }
        (Sql::Text(text), _) if field.length > 0 && text.chars().count() > field.length as usize => {
            let shown: String = text.chars().take(255).collect();
            return fault(
                "STRING_TOO_LONG",
                format!("data value too large: {shown} (max length={})", field.length),
            );
        }
        (Sql::Real(number), _) if field.precision > 0 => {
            let digits = i32::try_from(field.precision.saturating_sub(field.scale)).unwrap_or(18);
            if number.abs() >= 10f64.powi(digits) {
                return fault(
                    "NUMBER_OUTSIDE_VALID_RANGE",
                    format!("value outside of valid range on numeric field: {number}"),
                );
            }
        }
        (Sql::Integer(number), Kind::Int) => {
            let digits = field.precision.min(18);
            if number.unsigned_abs() >= 10u64.pow(digits) {
                return fault(
                    "NUMBER_OUTSIDE_VALID_RANGE",
                    format!("value outside of valid range on numeric field: {number}"),
                );
            }
        }
        _ => {}
    }
    Ok(stored)
}

/// Salesforce's words for JSON of another type than the field's.
fn unreadable(field: &Field, value: &Value) -> OrgError {
    let (token, shown) = match value {
        Value::String(text) => ("VALUE_STRING", text.clone()),
        Value::Number(n) if n.is_f64() => ("VALUE_NUMBER_FLOAT", n.to_string()),
        Value::Number(n) => ("VALUE_NUMBER_INT", n.to_string()),
        Value::Bool(true) => ("VALUE_TRUE", "true".to_owned()),
        Value::Bool(false) => ("VALUE_FALSE", "false".to_owned()),
        Value::Object(_) => ("START_OBJECT", "{".to_owned()),
        Value::Array(_) => ("START_ARRAY", "[".to_owned()),
        Value::Null => ("VALUE_NULL", "null".to_owned()),
    };
    let kind = match field.kind {
        Kind::Boolean => "boolean",
        Kind::Int => "int",
        Kind::Double | Kind::Currency | Kind::Percent => "double",
        Kind::Date => "date",
        Kind::DateTime => "datetime",
        Kind::Time => "time",
        Kind::Id | Kind::Reference => "reference",
        Kind::Address => "address",
        _ => "string",
    };
    OrgError::new(
        "JSON_PARSER_ERROR",
        format!(
            "Cannot deserialize instance of {kind} from {token} value {shown} or request may be missing a required field at [line:1, column:1]"
        ),
    )
    .field(&field.name)
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" | "" => Some(false),
            _ => None,
        },
        Value::Number(n) => match n.as_i64() {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn integer(value: &Value) -> Option<i64> {
    let number = number(value)?;
    // Exact up to 2^53; a whole number field holds at most nine digits.
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|n: &f64| n.is_finite())
}

/// `2026-11-20`, or the date of a date and time.
pub(crate) fn date(text: &str) -> Option<civil::Date> {
    let date: civil::Date = text.get(..10)?.parse().ok()?;
    let rest = text.get(10..)?;
    let fits = rest.is_empty() || rest.starts_with('T') && datetime(text).is_some();
    (fits && (1700..=4000).contains(&date.year())).then_some(date)
}

/// Milliseconds since 1970 of a date and time with its offset (`Z`, `+01:00`, `+0100`), or of a
/// date's midnight in UTC. Seconds are the finest that is kept.
pub(crate) fn datetime(text: &str) -> Option<i64> {
    let text = text.trim();
    let at = if text.len() == 10 {
        let date: civil::Date = text.parse().ok()?;
        Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?
    } else {
        if !matches!(text.as_bytes().get(10), Some(b'T' | b' ')) {
            return None;
        }
        text.parse().ok()?
    };
    let year = Offset::UTC.to_datetime(at).year();
    (1700..=4000).contains(&year).then(|| at.as_second().saturating_mul(1000))
}

/// `10:04:00.000Z`, with or without fraction and `Z`.
pub(crate) fn time(text: &str) -> Option<String> {
    let time: civil::Time = text.strip_suffix('Z').unwrap_or(text).parse().ok()?;
    Some(format!("{:02}:{:02}:{:02}.{:03}Z", time.hour(), time.minute(), time.second(), time.millisecond()))
}

/// One `@`, something before it, a dotted name after it, nothing that mail forbids.
fn email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain =
        |s: &str| !s.is_empty() && s.chars().all(|c| !c.is_whitespace() && !"@,;:<>()[]\\\"".contains(c));
    plain(local)
        && plain(domain)
        && domain.contains('.')
        && !local.starts_with('.')
        && !local.ends_with('.')
        && domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-'))
}

/// A column's value as Salesforce writes it.
pub(crate) fn load(kind: Kind, value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
        ValueRef::Integer(n) => match kind {
            Kind::Boolean => Value::Bool(n != 0),
            Kind::DateTime => Value::String(datetime_text(n)),
            Kind::Double | Kind::Currency | Kind::Percent => {
                #[expect(clippy::cast_precision_loss, reason = "a column of floats read as it was written")]
                let real = n as f64;
                Value::from(real)
            }
            _ => Value::from(n),
        },
        ValueRef::Real(n) => match kind {
            #[expect(clippy::cast_possible_truncation, reason = "a sum of whole numbers is whole")]
            Kind::Int if n.fract() == 0.0 => Value::from(n as i64),
            #[expect(clippy::cast_possible_truncation, reason = "a date is kept in whole milliseconds")]
            Kind::DateTime => Value::String(datetime_text(n as i64)),
            _ => Value::from(n),
        },
        ValueRef::Text(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
    }
}

/// `2026-11-20T10:04:54.000+0000`.
pub(crate) fn datetime_text(millis: i64) -> String {
    let Ok(at) = jiff::Timestamp::from_millisecond(millis) else { return String::new() };
    let t = Offset::UTC.to_datetime(at);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}+0000",
        t.year(),
        t.month(),
        t.day(),
        t.hour(),
        t.minute(),
        t.second(),
        t.millisecond()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::org::schema::Schema;

    fn try_store(path: &str, value: Value) -> Result<Sql, String> {
        let schema = Schema::standard().unwrap();
        let (object, field) = path.split_once('.').unwrap();
        store(schema.object(object).unwrap().field(field).unwrap(), &value).map_err(|e| e.to_string())
    }

    #[test]
    fn text_is_taken_for_what_the_field_is() {
        assert_eq!(try_store("Account.NumberOfEmployees", json!("12")), Ok(Sql::Integer(12)));
        assert_eq!(try_store("Account.AnnualRevenue", json!(" 1.5 ")), Ok(Sql::Real(1.5)));
        assert_eq!(try_store("Account.Active__c", json!("TRUE")), Ok(Sql::Integer(1)));
        assert_eq!(try_store("Contact.Birthdate", json!("1980-02-29")), Ok(Sql::Text("1980-02-29".into())));
        assert_eq!(try_store("Account.OpensAt__c", json!("08:30:00")), Ok(Sql::Text("08:30:00.000Z".into())));
        assert_eq!(try_store("Contact.LastName", json!("  Okafor ")), Ok(Sql::Text("Okafor".into())));
        assert_eq!(try_store("Contact.LastName", json!("")), Ok(Sql::Null));
        for zone in ["2026-11-20T10:20:00Z", "2026-11-20T11:20:00+01:00", "2026-11-20T11:20:00.999+0100"] {
            assert_eq!(
                try_store("Task.ReminderDateTime", json!(zone)),
                Ok(Sql::Integer(1_795_170_000_000)),
                "{zone}"
            );
        }
        assert_eq!(datetime_text(1_795_170_000_000), "2026-11-20T10:20:00.000+0000");
    }

    #[test]
    fn what_does_not_fit_is_told_in_salesforces_words() {
        for (path, value, said) in [
            (
                "Contact.LastName",
                json!(7),
                "JSON_PARSER_ERROR: Cannot deserialize instance of string from VALUE_NUMBER_INT value 7 or",
            ),
            (
                "Account.NumberOfEmployees",
                json!("many"),
                "JSON_PARSER_ERROR: Cannot deserialize instance of int from VALUE_STRING value many or",
            ),
            (
                "Contact.Birthdate",
                json!("20/11/2026"),
                "JSON_PARSER_ERROR: Cannot deserialize instance of date from VALUE_STRING",
            ),
            (
                "Contact.LastName",
                json!("x".repeat(81)),
                "STRING_TOO_LONG: Last Name: data value too large: xxx",
            ),
            (
                "Contact.Email",
                json!("ann at example.com"),
                "INVALID_EMAIL_ADDRESS: Email: invalid email address: ann at example.com",
            ),
            (
                "Account.Tier__c",
                json!("Tin"),
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: Tier: bad value for restricted picklist field: Tin",
            ),
            (
                "Contact.AccountId",
                json!("acme"),
                "MALFORMED_ID: Account ID: id value of incorrect type: acme",
            ),
            (
                "Account.Discount__c",
                json!(1e6),
                "NUMBER_OUTSIDE_VALID_RANGE: Discount: value outside of valid range",
            ),
            (
                "Contact.LastName",
                json!({"a": 1}),
                "JSON_PARSER_ERROR: Cannot deserialize instance of string from START_OBJECT",
            ),
        ] {
            let told = try_store(path, value).unwrap_err();
            assert!(told.starts_with(said), "{told}");
        }
    }
}
