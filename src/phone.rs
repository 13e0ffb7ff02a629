//! What a caller's number says, and when it says nothing.
//!
//! What it is: a phone text read by the same rules as the library that upstream uses, down to the
//! national significant number, which is what a search index of customers' numbers is asked for.
//! What it never does: keep a number, print one, or guess. A text that cannot be read, or is too
//! short to mean one person, identifies nobody; the caller is then a stranger, never somebody else.
//! Who calls it: [`crate::event`] for `phoneLookup`, [`crate::soql`] for conditions on phone fields, and
//! [`crate::flow_host`] for the searches of CTI Flows.

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::{PHONE_NUMBER_UTIL, get_national_significant_number_owned};

/// How many digits a number needs to identify a person, unless it is valid as it stands.
pub const MIN_DIGITS: usize = 7;

/// The country that a number without `+` is taken to be of (`DE`, `US`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region(rlibphonenumber::Region);

impl FromStr for Region {
    type Err = UnknownRegion;

    /// Two letters of ISO 3166, in any case, of a country whose numbering plan is known.
    fn from_str(text: &str) -> Result<Self, UnknownRegion> {
        let region = rlibphonenumber::Region::from_str(text.trim()).map_err(|_| UnknownRegion)?;
        PHONE_NUMBER_UTIL.get_country_code_for_region(region).map(|_| Self(region)).ok_or(UnknownRegion)
    }
}

/// Not two letters of a country with a numbering plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the two letters of a country with phone numbers, such as US or DE")]
pub struct UnknownRegion;

/// A number that was read. Its digits are never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone {
    national: String,
    valid: bool,
}

impl Phone {
    /// Reads a phone text in any usual form. `None`: it is no number (`anonymous`, blank, a SIP
    /// address, a country's code alone), or one without `+` and no region to read it by.
    #[must_use]
    pub fn read(text: &str, region: Option<Region>) -> Option<Self> {
        let number = PHONE_NUMBER_UTIL.parse(text, region.map(|r| r.0)).ok()?;
        Some(Self {
            national: get_national_significant_number_owned(&number),
            valid: PHONE_NUMBER_UTIL.is_valid_number(&number),
        })
    }

    /// The national significant number: no country code, no trunk prefix, Italy's zero kept.
    #[must_use]
    pub fn national(&self) -> &str {
        &self.national
    }

    /// Whether it is long enough to mean one person: seven national digits, or fewer where the
    /// numbering plan of its country says that such a number exists.
    #[must_use]
    pub fn identifies(&self) -> bool {
        self.valid || self.national.len() >= MIN_DIGITS
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phone").field("digits", &self.national.len()).field("valid", &self.valid).finish()
    }
}

/// What stands in place of a number that a caller withholds, or that a carrier does not know.
const WITHHELD: &[&str] =
    &["", "anonymous", "blocked", "private", "restricted", "unavailable", "unknown", "withheld"];

/// Whether a phone text is blank, or says that there is no number to tell.
#[must_use]
pub fn is_withheld(text: &str) -> bool {
    let text = text.trim_matches(|c: char| !c.is_alphanumeric());
    WITHHELD.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// The digits of a phone text in ASCII, whatever script and punctuation they were written in, up
/// to an extension (`;ext=5`, `x 12`, `#3`).
#[must_use]
pub fn digits(text: &str) -> String {
    let text = text.trim_start_matches(|c: char| !c.is_numeric());
    let number = text.split(|c: char| matches!(c, ';' | '#') || c.is_alphabetic()).next().unwrap_or(text);
    if number.is_ascii() {
        number.chars().filter(char::is_ascii_digit).collect()
    } else {
        PHONE_NUMBER_UTIL.normalize_digits_only(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn searched(text: &str) -> Option<String> {
        Phone::read(text, None).filter(Phone::identifies).map(|p| p.national().to_owned())
    }

    #[test]
    fn agrees_with_the_library_upstream_uses_in_every_row() {
        let rows: Vec<(String, Option<String>)> =
            serde_json::from_str(include_str!("../tests/fixtures/phones.json")).unwrap();
        assert!(rows.len() > 1700);
        for (text, expected) in rows {
            let national = Phone::read(&text, None).map(|p| p.national().to_owned());
            assert_eq!(national, expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_means_nobody() {
        for text in [
            "",
            " ",
            "anonymous",
            " anonymous ",
            "+anonymous",
            "Unavailable",
            "private",
            "Restricted",
            "+",
            "+1",
            "+44",
            "sip:joe@example.com",
            "' OR 1=1",
            "01122334455",
            "4155550123",
            "+999123456789",
            "+1234",
            "+123",
            "\u{0}",
            "😀",
        ] {
            assert_eq!(searched(text), None, "{text}");
        }
        assert_eq!(searched(&"a".repeat(300)), None);
    }

    #[test]
    fn short_numbers_count_where_the_country_has_them() {
        assert_eq!(searched("+247 62889").as_deref(), Some("62889"));
        assert_eq!(searched("+1 62889"), None);
    }

    #[test]
    fn a_region_reads_what_has_no_plus() {
        let gb = "gb".parse().unwrap();
        let phone = Phone::read("020 7946 0123", Some(gb)).unwrap();
        assert_eq!(phone.national(), "2079460123");
        assert!("ZZ".parse::<Region>().is_err());
        assert!("Germany".parse::<Region>().is_err());
    }

    #[test]
    fn a_number_that_is_withheld_is_told_from_a_word() {
        for text in ["", " ", "+", "anonymous", "+Anonymous", "UNKNOWN", " Unavailable "] {
            assert!(is_withheld(text), "{text}");
        }
        for text in ["Home", "Business", "911", "+1 206 555 0100", "é"] {
            assert!(!is_withheld(text), "{text}");
        }
    }

    #[test]
    fn digits_are_those_of_the_number_alone() {
        assert_eq!(digits("+1 (206) 555-0123 ext. 5"), "12065550123");
        assert_eq!(digits("+12065550123;ext=5"), "12065550123");
        assert_eq!(digits("+４４１１２２"), "441122");
        assert_eq!(digits("555'0123"), "5550123");
        assert_eq!(digits("tel:+1-206-555-0123"), "12065550123");
        assert_eq!(digits("anonymous"), "");
    }

    #[test]
    fn a_number_is_not_printed() {
        let phone = Phone::read("+1 206 555 0123", None).unwrap();
        assert!(!format!("{phone:?}").contains("555"));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*", region in "[A-Za-z]{0,3}") {
            let region = region.parse().ok();
            let _phone = Phone::read(&text, region);
            prop_assert!(digits(&text).bytes().all(|b| b.is_ascii_digit()));
        }
    }
}
