//! Phone numbers written in the form of a country. What is no number stays as it came: a withheld
//! caller id must not end a run.

use std::str::FromStr;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

/// The national form of the number's own country.
pub(super) fn national(text: &str, country: &str) -> String {
    written(text, country, PhoneNumberFormat::National)
}

/// `+12065550100`, for a number without `+` by this country.
#[must_use]
pub fn e164(text: &str, country: &str) -> String {
    written(text, country, PhoneNumberFormat::E164)
}

fn written(text: &str, country: &str, format: PhoneNumberFormat) -> String {
    let region = rlibphonenumber::Region::from_str(country.trim()).ok();
    match PHONE_NUMBER_UTIL.parse(text, region) {
        Ok(number) => PHONE_NUMBER_UTIL.format(&number, format).to_string(),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_form_of_their_country_and_other_texts_stay() {
        assert_eq!(national("+12065550142", "US"), "(206) 555-0142");
        assert_eq!(national("2065550142", "us"), "(206) 555-0142");
        assert_eq!(national("+442079460123", "US"), "020 7946 0123");
        assert_eq!(e164("(206) 555-0142", "US"), "+12065550142");
        assert_eq!(e164("030 23125123", "DE"), "+493023125123");
        for other in ["anonymous", "", "sip:a@example.com", "12"] {
            assert_eq!(e164(other, "ZZ"), other);
            assert_eq!(national(other, ""), other);
        }
    }
}
