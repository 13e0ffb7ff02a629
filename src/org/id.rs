//! Record ids: 15 characters that mean something, 3 that check them.
//!
//! A prefix of three characters names the object, the rest counts in base 62. The last three keep
//! the letters' case, so that an id survives programs which lose it.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// What stands between prefix and counter in every id of this org: its instance.
const INSTANCE: &str = "Tl000";

/// The 18 characters of the `n`th record of the object with this prefix.
#[must_use]
pub fn compose(prefix: &str, n: u64) -> String {
    let mut id = String::with_capacity(18);
    id.push_str(prefix);
    id.push_str(INSTANCE);
    let mut counter = [b'0'; 7];
    let mut rest = n;
    for place in counter.iter_mut().rev() {
        let at = usize::try_from(rest % 62).unwrap_or_default();
        *place = DIGITS.get(at).copied().unwrap_or(b'0');
        rest /= 62;
    }
    id.extend(counter.iter().map(|&b| char::from(b)));
    let checks = checks(id.as_bytes());
    id.extend(checks);
    id
}

/// The 18-character form of a well-formed id of 15 or 18 characters; `None` for anything else,
/// wrong check characters among it. An id all of whose letters lost their case gets it back.
#[must_use]
pub fn normalise(text: &str) -> Option<String> {
    if !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    match text.len() {
        15 => {
            let mut id = text.to_owned();
            id.extend(checks(text.as_bytes()));
            Some(id)
        }
        18 => {
            let (body, suffix) = text.split_at_checked(15)?;
            let suffix = suffix.to_ascii_uppercase();
            let fits = checks(body.as_bytes()).eq(suffix.chars());
            let mixed =
                body.bytes().any(|b| b.is_ascii_lowercase()) && body.bytes().any(|b| b.is_ascii_uppercase());
            if fits || mixed {
                return fits.then(|| format!("{body}{suffix}"));
            }
            let mut given = String::with_capacity(18);
            for (at, c) in body.chars().enumerate() {
                let bits = suffix.as_bytes().get(at / 5).and_then(|s| CHECKS.iter().position(|c| c == s))?;
                let upper = bits >> (at % 5) & 1 == 1;
                if upper && !c.is_ascii_alphabetic() {
                    return None;
                }
                given.push(if upper { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
            }
            given.push_str(&suffix);
            Some(given)
        }
        _ => None,
    }
}

/// The three characters that name the object.
#[must_use]
pub fn prefix(id: &str) -> &str {
    id.get(..3).unwrap_or_default()
}

fn checks(body: &[u8]) -> impl Iterator<Item = char> + use<> {
    let mut out = ['A'; 3];
    for (place, five) in out.iter_mut().zip(body.chunks(5)) {
        let bits =
            five.iter().enumerate().fold(0, |bits, (at, b)| bits | usize::from(b.is_ascii_uppercase()) << at);
        *place = CHECKS.get(bits).map_or('A', |&b| char::from(b));
    }
    out.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_characters_are_those_of_published_ids() {
        // Ids printed in Salesforce's public guides.
        for id in ["001D000000IRFmaIAH", "001D000000IqhSLIAZ", "01sxx0000002MffAAE", "006R00000024gDtIAI"] {
            assert_eq!(normalise(id.get(..15).unwrap()).as_deref(), Some(id));
            assert_eq!(normalise(&id.to_lowercase()).as_deref(), Some(id), "case comes back");
        }
    }

    #[test]
    fn an_id_of_ours_is_one() {
        let id = compose("a0B", 3_843);
        assert_eq!(id.len(), 18);
        assert_eq!(prefix(&id), "a0B");
        assert_eq!(normalise(&id), Some(id.clone()));
        assert_eq!(normalise(id.get(..15).unwrap()), Some(id));
        assert_ne!(compose("001", 1), compose("001", 2));
    }

    #[test]
    fn what_is_no_id_is_none() {
        for text in
            ["", "001", "001D000000IRFm-", "001D000000IRFmaIA", "001D000000IRFma!!!", "1230000000000005AA"]
        {
            assert_eq!(normalise(text), None, "{text}");
        }
    }
}
