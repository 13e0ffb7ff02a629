//! Dates: read in the forms in which Salesforce, Amazon Connect and people write them, written by
//! a pattern.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned, civil};
use serde_json::Value;

use super::super::Exception;
use super::super::value::{number, text};

/// Writes a date by a pattern of `YYYY MM DD HH mm ss` and their kin, in a zone (UTC where none is
/// named).
pub(super) fn format(date: Option<&Value>, pattern: &str, zone: &str) -> Result<String, Exception> {
    let zone = if zone.trim().is_empty() {
        TimeZone::UTC
    } else {
        TimeZone::get(zone.trim()).map_err(|_| {
            Exception::new(
                "UnknownTimeZone",
                "The time zone is not known; give a name such as Europe/Berlin.",
            )
        })?
    };
    Ok(write(&read(date, &zone)?, pattern))
}

/// The date as RFC 3339 in UTC.
pub(super) fn iso(date: Option<&Value>) -> Result<String, Exception> {
    let at = read(date, &TimeZone::UTC)?.timestamp();
    Ok(crate::time::Timestamp::from_millis(at.as_millisecond()).to_rfc3339())
}

/// Reads RFC 3339, a date and time or a date without zone (then of `zone`), or milliseconds since
/// 1970.
fn read(date: Option<&Value>, zone: &TimeZone) -> Result<Zoned, Exception> {
    let bad = || {
        Exception::new(
            "BadDate",
            "The value is no date; give a form such as 2026-11-20 or 2026-11-20T10:20:00Z.",
        )
    };
    let written = text(date);
    let written = written.trim();
    if let Ok(at) = written.parse::<Timestamp>() {
        return Ok(at.to_zoned(zone.clone()));
    }
    if let Ok(at) = written
        .parse::<civil::DateTime>()
        .or_else(|_| Ok::<_, jiff::Error>(written.parse::<civil::Date>()?.at(0, 0, 0, 0)))
    {
        return at.to_zoned(zone.clone()).map_err(|_| bad());
    }
    let millis = number(date).ok_or_else(bad)?;
    #[expect(clippy::cast_possible_truncation, reason = "a float beyond i64 saturates, and is then no date")]
    let at = Timestamp::from_millisecond(millis as i64).map_err(|_| bad())?;
    Ok(at.to_zoned(zone.clone()))
}

/// Longest first, so that `MM` is not read as two `M`.
const TOKENS: [&str; 21] = [
    "YYYY", "MMMM", "dddd", "MMM", "ddd", "SSS", "YY", "MM", "DD", "HH", "hh", "mm", "ss", "ZZ", "M", "D",
    "H", "h", "m", "s", "A",
];

fn write(at: &Zoned, pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if let Some((literal, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
            out.push_str(literal);
            rest = after;
        } else if let Some(token) = TOKENS.iter().find(|t| rest.starts_with(**t)) {
            out.push_str(&one(at, token));
            rest = rest.strip_prefix(token).unwrap_or_default();
        } else if let Some(after) = rest.strip_prefix('a') {
            out.push_str(&one(at, "A").to_lowercase());
            rest = after;
        } else if let Some(after) = rest.strip_prefix('Z') {
            out.push_str(&at.strftime("%:z").to_string());
            rest = after;
        } else {
            out.push(first);
            rest = rest.strip_prefix(first).unwrap_or_default();
        }
    }
    out
}

fn one(at: &Zoned, token: &str) -> String {
    let hour = |h: i8| if h % 12 == 0 { 12 } else { h % 12 };
    match token {
        "YYYY" => format!("{:04}", at.year()),
        "YY" => format!("{:02}", at.year().rem_euclid(100)),
        "MMMM" => at.strftime("%B").to_string(),
        "MMM" => at.strftime("%b").to_string(),
        "MM" => format!("{:02}", at.month()),
        "M" => at.month().to_string(),
        "DD" => format!("{:02}", at.day()),
        "D" => at.day().to_string(),
        "dddd" => at.strftime("%A").to_string(),
        "ddd" => at.strftime("%a").to_string(),
        "HH" => format!("{:02}", at.hour()),
        "H" => at.hour().to_string(),
        "hh" => format!("{:02}", hour(at.hour())),
        "h" => hour(at.hour()).to_string(),
        "mm" => format!("{:02}", at.minute()),
        "m" => at.minute().to_string(),
        "ss" => format!("{:02}", at.second()),
        "s" => at.second().to_string(),
        "SSS" => format!("{:03}", at.millisecond()),
        "A" => if at.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        _ => at.strftime("%z").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(date: Value, pattern: &str, zone: &str) -> String {
        format(Some(&date), pattern, zone).unwrap_or_else(|e| e.name)
    }

    #[test]
    fn dates_are_read_in_the_forms_that_flows_meet() {
        for date in [
            json!("2026-11-20T10:20:00.123Z"),
            json!("2026-11-20T10:20:00.123+0000"),
            json!("2026-11-20T11:20:00.123+01:00"),
            json!("2026-11-20T10:20:00.123"),
            json!(1_795_170_000_123_i64),
            json!("1795170000123"),
        ] {
            assert_eq!(
                written(date.clone(), "YYYY-MM-DD HH:mm:ss.SSS", ""),
                "2026-11-20 10:20:00.123",
                "{date}"
            );
        }
        assert_eq!(iso(Some(&json!("2026-11-20"))).unwrap(), "2026-11-20T00:00:00.000Z");
        for bad in [json!("soon"), json!(""), json!(null), json!([]), json!(1e300)] {
            assert_eq!(written(bad.clone(), "YYYY", ""), "BadDate", "{bad}");
        }
    }

    #[test]
    fn patterns_are_written_as_people_write_them() {
        let date = json!("2026-03-05T13:04:09Z");
        assert_eq!(
            written(date.clone(), "dddd, D. MMMM YY [at] h:mm a", ""),
            "Thursday, 5. March 26 at 1:04 pm"
        );
        assert_eq!(written(date.clone(), "ddd MMM M/DD H hh A s m", ""), "Thu Mar 3/05 13 01 PM 9 4");
        assert_eq!(written(date.clone(), "HH:mm Z ZZ", ""), "13:04 +00:00 +0000");
        assert_eq!(written(date, "HH:mm", "Nowhere/At"), "UnknownTimeZone");
    }

    #[cfg(feature = "local")]
    #[test]
    fn zones_move_the_clock() {
        assert_eq!(
            written(json!("2026-03-05T13:04:09Z"), "YYYY-MM-DD HH:mm Z", "Europe/Berlin"),
            "2026-03-05 14:04 +01:00"
        );
        assert_eq!(
            written(json!("2026-03-05"), "YYYY-MM-DD", "America/New_York"),
            "2026-03-05",
            "a date stays a date"
        );
    }
}
