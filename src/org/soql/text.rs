//! String literals: escapes as they were typed → text, or pattern.

/// The text that a literal stands for.
pub(crate) fn unescape(raw: &str) -> String {
    read(raw, |out, c, _| out.push(c))
}

/// The pattern that a literal stands for, in the signs of `sf_like`: typed escapes of `%` and `_`
/// stay escapes.
pub(crate) fn pattern(raw: &str) -> String {
    read(raw, |out, c, escaped| {
        if c == '\\' || escaped && matches!(c, '%' | '_') {
            out.push('\\');
        }
        out.push(c);
    })
}

fn read(raw: &str, mut push: impl FnMut(&mut String, char, bool)) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            push(&mut out, c, false);
            continue;
        }
        match chars.next() {
            Some('n' | 'N') => push(&mut out, '\n', true),
            Some('r' | 'R') => push(&mut out, '\r', true),
            Some('t' | 'T') => push(&mut out, '\t', true),
            Some('b' | 'B') => push(&mut out, '\u{8}', true),
            Some('f' | 'F') => push(&mut out, '\u{c}', true),
            Some('u' | 'U') => {
                let digits: String = chars.by_ref().take(4).collect();
                let c = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                push(&mut out, c.unwrap_or('\u{fffd}'), true);
            }
            Some(other) => push(&mut out, other, true),
            None => push(&mut out, '\\', true),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read() {
        assert_eq!(unescape(r"O\'Brien \\ \n\u00e9 50\%"), "O'Brien \\ \né 50%");
        assert_eq!(pattern(r"50\%%\_x\\y_"), r"50\%%\_x\\y_");
        assert_eq!(pattern(r"O\'B%"), "O'B%");
    }
}
