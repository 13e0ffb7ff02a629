//! What SQLite does not know and SOQL asks for: LIKE in any alphabet, parts of dates, picklists.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;

/// Adds them to a connection.
pub(crate) fn register(db: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    db.create_scalar_function("sf_like", 2, flags, |ctx| {
        let (ValueRef::Text(value), Some(pattern)) = (ctx.get_raw(0), text(ctx, 1)) else { return Ok(false) };
        Ok(like(&String::from_utf8_lossy(value), pattern))
    })?;
    // A multi-picklist has all values of `a;b`.
    db.create_scalar_function("sf_includes", 2, flags, |ctx| {
        let (Some(value), Some(wanted)) = (text(ctx, 0), text(ctx, 1)) else { return Ok(false) };
        let has = |one: &str| value.split(';').any(|v| v.trim().eq_ignore_ascii_case(one.trim()));
        Ok(wanted.split(';').all(has))
    })?;
    // The part of a date, or of a point in time as the zone's clocks show it.
    db.create_scalar_function("sf_part", 3, flags, |ctx| {
        let (Some(part), Some(zone)) = (text(ctx, 1), text(ctx, 2)) else { return Ok(None) };
        Ok(moment(ctx.get_raw(0), zone).and_then(|(day, hour)| number(part, day, hour)))
    })?;
    db.create_scalar_function("sf_day", 2, flags, |ctx| {
        let Some(zone) = text(ctx, 1) else { return Ok(None) };
        Ok(moment(ctx.get_raw(0), zone).map(|(day, _)| day.to_string()))
    })
}

fn text<'c>(ctx: &'c Context<'_>, at: usize) -> Option<&'c str> {
    ctx.get_raw(at).as_str_or_null().ok().flatten()
}

/// Whether the text fits the pattern: `%` anything, `_` one character, `\` takes the next as it is.
/// Letters compare in any case.
pub(crate) fn like(value: &str, pattern: &str) -> bool {
    let value: Vec<char> = value.chars().flat_map(char::to_lowercase).collect();
    let mut parts = Vec::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => parts.push(Part::Any),
            '_' => parts.push(Part::One),
            '\\' => parts.extend(chars.next().into_iter().flat_map(char::to_lowercase).map(Part::This)),
            other => parts.extend(other.to_lowercase().map(Part::This)),
        }
    }
    let (mut v, mut p) = (0, 0);
    // Where the last `%` stood, and how much it has taken so far.
    let mut back: Option<(usize, usize)> = None;
    while v < value.len() {
        match parts.get(p) {
            Some(Part::Any) => {
                back = Some((p, v));
                p += 1;
            }
            Some(Part::One) => {
                v += 1;
                p += 1;
            }
            Some(Part::This(c)) if value.get(v) == Some(c) => {
                v += 1;
                p += 1;
            }
            _ => match back {
                Some((star, taken)) => {
                    back = Some((star, taken + 1));
                    v = taken + 1;
                    p = star + 1;
                }
                None => return false,
            },
        }
    }
    parts.iter().skip(p).all(|part| *part == Part::Any)
}

#[derive(PartialEq)]
enum Part {
    Any,
    One,
    This(char),
}

/// Day and hour of a date (text) or a point in time (milliseconds).
fn moment(value: ValueRef<'_>, zone: &str) -> Option<(Date, i8)> {
    match value {
        ValueRef::Text(_) => Some((value.as_str().ok()?.parse().ok()?, 0)),
        ValueRef::Integer(millis) => {
            let zone = if zone == "UTC" { TimeZone::UTC } else { TimeZone::get(zone).ok()? };
            let at = jiff::Timestamp::from_millisecond(millis).ok()?.to_zoned(zone);
            Some((at.date(), at.hour()))
        }
        _ => None,
    }
}

fn number(part: &str, day: Date, hour: i8) -> Option<i64> {
    let month = i64::from(day.month());
    Some(match part {
        "CALENDAR_YEAR" | "FISCAL_YEAR" => i64::from(day.year()),
        "CALENDAR_QUARTER" | "FISCAL_QUARTER" => (month - 1) / 3 + 1,
        "CALENDAR_MONTH" | "FISCAL_MONTH" => month,
        "DAY_IN_MONTH" => i64::from(day.day()),
        "DAY_IN_WEEK" => i64::from(day.weekday().to_sunday_zero_offset()) + 1,
        "DAY_IN_YEAR" => i64::from(day.day_of_year()),
        "WEEK_IN_MONTH" => (i64::from(day.day()) - 1) / 7 + 1,
        "WEEK_IN_YEAR" => (i64::from(day.day_of_year()) - 1) / 7 + 1,
        "HOUR_IN_DAY" => i64::from(hour),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_knows_its_signs() {
        for (value, pattern, fits) in [
            ("Acme", "acme", true),
            ("Acme", "%M%", true),
            ("Acme", "_cme", true),
            ("Acme", "cme", false),
            ("50% off", r"50\%%", true),
            ("500 off", r"50\%%", false),
            ("a_b", r"a\_b", true),
            ("axb", r"a\_b", false),
            (r"C:\temp", r"c:\\%", true),
            ("Ærø Håndværk", "ærø HÅND%", true),
            ("+1 206 555 0142", "%206%555%0142%", true),
            ("aaab", "%aab", true),
            ("", "%", true),
            ("", "_", false),
        ] {
            assert_eq!(like(value, pattern), fits, "{value} LIKE {pattern}");
        }
    }

    #[test]
    fn parts_are_of_the_zones_day() {
        let new_year = ValueRef::Integer(1_798_761_600_000); // 2027-01-01T00:00:00Z
        let (day, hour) = moment(new_year, "America/Los_Angeles").unwrap();
        assert_eq!(
            (number("CALENDAR_YEAR", day, hour), number("HOUR_IN_DAY", day, hour)),
            (Some(2026), Some(16))
        );
        let (day, hour) = moment(new_year, "UTC").unwrap();
        assert_eq!((number("DAY_IN_WEEK", day, hour), number("WEEK_IN_YEAR", day, hour)), (Some(6), Some(1)));
        assert_eq!(moment(ValueRef::Text(b"2026-02-30"), "UTC"), None);
        assert_eq!(moment(new_year, "Middle/Earth"), None);
    }
}
