//! Dates relative to the call: `2d | date`, `|datetime`, `-30m|time`.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Refusal;
use crate::time::Timestamp;

const UNITS: &str =
    "Supported delta types are 'd' for days, 'h' for hours and 'm' for minutes, example '2h|date'";
const FORMATS: &str = "Supported formats are 'date', 'time' and 'datetime', example '2h|date'";
const NUMBER: &str = "invalid literal for int() with base 10";
const RANGE: &str = "date value out of range";

/// A field's text with a date expression resolved at `now` (UTC), or the text as it is.
///
/// It is an expression when its second part is exactly `date`, `time` or `datetime`, or its first
/// is a number with a unit (`w`, `d`, `h`, `m`, in any case). If the other half is then malformed
/// it is upstream's error, provided that the first half looks meant: it begins with a sign or a
/// digit, or is a lone unit. All else with a `|` is ordinary text (`Sales | Billing`).
///
/// # Errors
/// Upstream's text, and what to change in the parameter `name`.
pub(super) fn resolve(name: &str, text: &str, now: Timestamp) -> Result<String, Refusal> {
    let mut parts = text.split('|').map(str::trim);
    let (Some(delta), Some(format)) = (parts.next(), parts.next()) else { return Ok(text.to_owned()) };
    let meant = delta.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'))
        || (delta.len() == 1 && unit(delta).is_some());
    let refuse = |upstream: &str, cure: &str| {
        Err(Refusal::invalid(format!("{upstream}. Change the parameter {name}: {cure}")))
    };
    match (seconds(delta), matches!(format, "date" | "time" | "datetime")) {
        (Ok(seconds), true) => match moved(now, seconds) {
            Some(moment) => Ok(written(moment, format)),
            None => refuse(RANGE, "dates end with the year 9999"),
        },
        (Err(NotADelta::TooLong), true) => refuse(RANGE, "dates end with the year 9999"),
        (Err(NotADelta::Unit), true) if meant => refuse(UNITS, "end its first part in w, d, h or m"),
        (Err(NotADelta::Number), true) if meant => {
            refuse(NUMBER, "write a whole number before the unit in its first part, such as 2h")
        }
        (Ok(0), false) if delta.is_empty() => Ok(text.to_owned()),
        (Ok(_) | Err(NotADelta::TooLong), false) => {
            refuse(FORMATS, "end it in |date, |time or |datetime, or leave out the |")
        }
        _ => Ok(text.to_owned()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NotADelta {
    Unit,
    Number,
    TooLong,
}

/// `2d`, `-1_000 m`, or nothing, in seconds.
fn seconds(delta: &str) -> Result<i64, NotADelta> {
    if delta.is_empty() {
        return Ok(0);
    }
    let (number, seconds) = unit(delta).ok_or(NotADelta::Unit)?;
    let number = number.trim();
    let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
    // As Python reads whole numbers: underscores between digits, none at the ends or in a row.
    let well_formed = !digits.is_empty()
        && digits.split('_').all(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()));
    if !well_formed {
        return Err(NotADelta::Number);
    }
    let number: i64 = number.replace('_', "").parse().map_err(|_| NotADelta::TooLong)?;
    number.checked_mul(seconds).ok_or(NotADelta::TooLong)
}

/// What stands before the unit, and the unit's seconds.
fn unit(delta: &str) -> Option<(&str, i64)> {
    let unit = delta.chars().next_back()?;
    let seconds = match unit.to_ascii_lowercase() {
        'w' => 7 * 86_400,
        'd' => 86_400,
        'h' => 3_600,
        'm' => 60,
        _ => return None,
    };
    Some((delta.strip_suffix(unit)?, seconds))
}

fn moved(now: Timestamp, seconds: i64) -> Option<DateTime> {
    let moment = jiff::Timestamp::from_millisecond(now.as_millis()).ok()?;
    let moment = moment.checked_add(SignedDuration::from_secs(seconds)).ok()?;
    let moment = TimeZone::UTC.to_datetime(moment);
    (1..=9999).contains(&moment.year()).then_some(moment)
}

fn written(t: DateTime, format: &str) -> String {
    let date = format!("{:04}-{:02}-{:02}", t.year(), t.month(), t.day());
    let time = format!("{:02}:{:02}:{:02}", t.hour(), t.minute(), t.second());
    match format {
        "date" => date,
        "time" => time,
        _ => format!("{date}T{time}Z"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn at(rfc3339: &str) -> Timestamp {
        Timestamp::from_millis(rfc3339.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn resolved(text: &str) -> Result<String, String> {
        resolve("When__c", text, at("2024-03-10T12:34:56.789Z")).map_err(|refusal| refusal.message)
    }

    #[test]
    fn upstream_dates_come_out_as_upstream_has_them() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../tests/fixtures/upstream-vectors.json")).unwrap();
        let dates = &vectors["parse_date"];
        let base = at(&format!("{}Z", dates["base"].as_str().unwrap().replace(' ', "T")));
        let mut tried = 0;
        for pair in dates["pairs"].as_array().unwrap() {
            let (Some(text), Some(expected)) = (pair[0].as_str(), pair[1].as_str()) else { continue };
            let ours = resolve("F", text, base).map_err(|refusal| refusal.message);
            match expected.strip_prefix("ERR ").and_then(|e| e.split_once(": ")) {
                // Upstream fails on every text with a bar; where no date is meant, ours is the text.
                Some(_) if matches!(text, "|Date" | "a|b") => assert_eq!(ours, Ok(text.to_owned())),
                // Python's own text holds the value; ours names the parameter.
                Some(("ValueError", _)) => assert!(ours.unwrap_err().starts_with(NUMBER), "{text}"),
                Some((_, message)) => assert!(ours.unwrap_err().starts_with(message), "{text}"),
                None => assert_eq!(ours.as_deref(), Ok(expected), "{text}"),
            }
            tried += 1;
        }
        assert_eq!(tried, 20);
    }

    #[test]
    fn spaces_signs_underscores_and_weeks() {
        assert_eq!(resolved(" 2 d | date ").as_deref(), Ok("2024-03-12"));
        assert_eq!(resolved("+1_0d|date").as_deref(), Ok("2024-03-20"));
        assert_eq!(resolved("1W|datetime").as_deref(), Ok("2024-03-17T12:34:56Z"));
        assert_eq!(resolved("-401775d|date").as_deref(), Ok("0924-03-02"));
        assert_eq!(resolved("|date|ignored").as_deref(), Ok("2024-03-10"));
    }

    #[test]
    fn ordinary_text_stays() {
        for text in
            ["Billing | Sales", "||", "2d date|", "word|date", "no bar", "", "|", "|Date", "w|x", "é|date"]
        {
            assert_eq!(resolved(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn half_a_date_is_an_error_that_says_which_half() {
        for (text, upstream) in [
            ("3x|date", UNITS),
            ("5|date", UNITS),
            ("-|date", UNITS),
            ("d|date", NUMBER),
            ("2.5d|date", NUMBER),
            ("--2d|date", NUMBER),
            ("1__0d|date", NUMBER),
            ("2d|Date", FORMATS),
            ("2d|dates", FORMATS),
            ("2d|", FORMATS),
            ("9999999d|date", RANGE),
            ("99999999999999999999d|date", RANGE),
            ("-9999999d|date", RANGE),
        ] {
            let message = resolved(text).unwrap_err();
            assert!(message.starts_with(upstream), "{text}: {message}");
            assert!(message.contains("When__c") && !message.contains(text), "{message}");
        }
    }
}
