//! What TODAY and LAST_N_WEEKS:4 mean on a given day: from the first day to before the last.
//!
//! Weeks begin on Sunday, fiscal years are calendar years: the defaults of an American org.

use jiff::Span;
use jiff::civil::Date;

/// The first day of the range and the day after its end; `None` for what is no date literal, or
/// lies outside the calendar.
pub(crate) fn range(name: &str, n: Option<u32>, today: Date) -> Option<(Date, Date)> {
    let n = i32::try_from(n.unwrap_or(1)).ok()?;
    let name = name.replace("FISCAL_", "");
    match name.as_str() {
        "TODAY" => return days(today, 0, 1),
        "YESTERDAY" => return days(today, -1, 0),
        "TOMORROW" => return days(today, 1, 2),
        "LAST_90_DAYS" => return days(today, -90, 1),
        "NEXT_90_DAYS" => return days(today, 1, 91),
        "LAST_N_DAYS" => return days(today, n.checked_neg()?, 1),
        "NEXT_N_DAYS" => return days(today, 1, n.checked_add(1)?),
        "N_DAYS_AGO" => return days(today, n.checked_neg()?, 1 - n),
        _ => {}
    }
    let (from, to, unit) = if let Some(unit) = name.strip_prefix("LAST_N_") {
        (-n, 0, unit.strip_suffix('S')?)
    } else if let Some(unit) = name.strip_prefix("NEXT_N_") {
        (1, n.checked_add(1)?, unit.strip_suffix('S')?)
    } else if let Some(unit) = name.strip_prefix("N_") {
        (-n, 1 - n, unit.strip_suffix("S_AGO")?)
    } else if let Some(unit) = name.strip_prefix("LAST_") {
        (-1, 0, unit)
    } else if let Some(unit) = name.strip_prefix("THIS_") {
        (0, 1, unit)
    } else {
        (1, 2, name.strip_prefix("NEXT_")?)
    };
    Some((start(unit, from, today)?, start(unit, to, today)?))
}

fn days(today: Date, from: i32, to: i32) -> Option<(Date, Date)> {
    let day = |away: i32| today.checked_add(Span::new().try_days(away).ok()?).ok();
    Some((day(from)?, day(to)?))
}

/// The first day of the unit so many units from today's.
fn start(unit: &str, away: i32, today: Date) -> Option<Date> {
    let months = |first: Date, each: i32| {
        first.checked_add(Span::new().try_months(away.checked_mul(each)?).ok()?).ok()
    };
    match unit {
        "WEEK" => {
            let since_sunday = i32::from(today.weekday().to_sunday_zero_offset());
            let days = away.checked_mul(7)?.checked_sub(since_sunday)?;
            today.checked_add(Span::new().try_days(days).ok()?).ok()
        }
        "MONTH" => months(today.first_of_month(), 1),
        "QUARTER" => {
            let month = (today.month() - 1) / 3 * 3 + 1;
            months(Date::new(today.year(), month, 1).ok()?, 3)
        }
        "YEAR" => months(Date::new(today.year(), 1, 1).ok()?, 12),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn every_literal_has_its_days() {
        let today = date(2026, 11, 20); // a Friday
        for (name, n, from, to) in [
            ("TODAY", None, "2026-11-20", "2026-11-21"),
            ("YESTERDAY", None, "2026-11-19", "2026-11-20"),
            ("TOMORROW", None, "2026-11-21", "2026-11-22"),
            ("LAST_WEEK", None, "2026-11-08", "2026-11-15"),
            ("THIS_WEEK", None, "2026-11-15", "2026-11-22"),
            ("NEXT_WEEK", None, "2026-11-22", "2026-11-29"),
            ("LAST_MONTH", None, "2026-10-01", "2026-11-01"),
            ("THIS_MONTH", None, "2026-11-01", "2026-12-01"),
            ("NEXT_MONTH", None, "2026-12-01", "2027-01-01"),
            ("LAST_QUARTER", None, "2026-07-01", "2026-10-01"),
            ("THIS_FISCAL_QUARTER", None, "2026-10-01", "2027-01-01"),
            ("NEXT_FISCAL_YEAR", None, "2027-01-01", "2028-01-01"),
            ("LAST_YEAR", None, "2025-01-01", "2026-01-01"),
            ("LAST_90_DAYS", None, "2026-08-22", "2026-11-21"),
            ("NEXT_90_DAYS", None, "2026-11-21", "2027-02-19"),
            ("LAST_N_DAYS", Some(7), "2026-11-13", "2026-11-21"),
            ("NEXT_N_DAYS", Some(7), "2026-11-21", "2026-11-28"),
            ("N_DAYS_AGO", Some(7), "2026-11-13", "2026-11-14"),
            ("LAST_N_WEEKS", Some(2), "2026-11-01", "2026-11-15"),
            ("N_WEEKS_AGO", Some(2), "2026-11-01", "2026-11-08"),
            ("NEXT_N_MONTHS", Some(3), "2026-12-01", "2027-03-01"),
            ("N_MONTHS_AGO", Some(11), "2025-12-01", "2026-01-01"),
            ("LAST_N_QUARTERS", Some(5), "2025-07-01", "2026-10-01"),
            ("N_FISCAL_QUARTERS_AGO", Some(1), "2026-07-01", "2026-10-01"),
            ("NEXT_N_FISCAL_YEARS", Some(2), "2027-01-01", "2029-01-01"),
            ("N_YEARS_AGO", Some(3), "2023-01-01", "2024-01-01"),
        ] {
            let got = range(name, n, today).map(|(a, b)| (a.to_string(), b.to_string()));
            assert_eq!(got, Some((from.to_owned(), to.to_owned())), "{name}");
        }
    }

    #[test]
    fn what_lies_outside_the_calendar_is_none() {
        let today = date(2026, 11, 20);
        for name in ["LAST_N_DAYS", "NEXT_N_YEARS", "N_WEEKS_AGO", "LAST_N_FISCAL_QUARTERS"] {
            assert_eq!(range(name, Some(u32::MAX), today), None);
            assert_eq!(range(name, Some(999_999_999), today), None);
        }
        assert_eq!(range("SOMEDAY", None, today), None);
    }
}
