//! FORMAT(): values as an American user reads them.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::super::data::value;
use super::super::schema::Kind;

/// `$1,234.50`, `11/20/2026`, `11/20/2026, 2:20 AM`; what has no other form as it is.
pub(crate) fn shown(kind: Kind, plain: &Value, zone: &TimeZone) -> Value {
    let text = match (kind, plain) {
        (Kind::Currency, Value::Number(n)) => n.as_f64().map(|n| {
            if n < 0.0 { format!("-${}", grouped(-n, 2, 2)) } else { format!("${}", grouped(n, 2, 2)) }
        }),
        (Kind::Percent, Value::Number(n)) => n.as_f64().map(|n| format!("{}%", grouped(n, 0, 2))),
        (Kind::Int | Kind::Double, Value::Number(n)) => n.as_f64().map(|n| grouped(n, 0, 3)),
        (Kind::Date, Value::String(day)) => {
            value::date(day).map(|d| format!("{}/{}/{}", d.month(), d.day(), d.year()))
        }
        (Kind::DateTime, Value::String(at)) => value::datetime(at).and_then(|millis| {
            let t = jiff::Timestamp::from_millisecond(millis).ok()?.to_zoned(zone.clone());
            let (half, hour) = if t.hour() < 12 { ("AM", t.hour()) } else { ("PM", t.hour() - 12) };
            let hour = if hour == 0 { 12 } else { hour };
            Some(format!("{}/{}/{}, {hour}:{:02} {half}", t.month(), t.day(), t.year(), t.minute()))
        }),
        _ => None,
    };
    text.map_or_else(|| plain.clone(), Value::String)
}

/// Digits in threes, with at least and at most so many after the point.
fn grouped(number: f64, least: usize, most: usize) -> String {
    let fixed = format!("{number:.most$}");
    let (whole, fraction) = fixed.split_once('.').unwrap_or((&fixed, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut out = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    let mut fraction = fraction.to_owned();
    while fraction.len() > least && fraction.ends_with('0') {
        fraction.pop();
    }
    if fraction.is_empty() { out } else { format!("{out}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_read_as_in_america() {
        let zone = TimeZone::get("America/Los_Angeles").unwrap();
        for (kind, plain, reads) in [
            (Kind::Currency, json!(1_234_567.5), "$1,234,567.50"),
            (Kind::Currency, json!(-12), "-$12.00"),
            (Kind::Percent, json!(7.25), "7.25%"),
            (Kind::Int, json!(1_000), "1,000"),
            (Kind::Date, json!("2026-11-20"), "11/20/2026"),
            (Kind::DateTime, json!("2026-11-20T10:20:00.000+0000"), "11/20/2026, 2:20 AM"),
            (Kind::String, json!("as it is"), "as it is"),
        ] {
            assert_eq!(shown(kind, &plain, &zone), json!(reads));
        }
        assert_eq!(shown(Kind::Currency, &Value::Null, &zone), Value::Null);
    }
}
