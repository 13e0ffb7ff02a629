//! Where in a query a character stands.

/// Which language a text is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `SELECT …`: literals between quotes.
    Soql,
    /// `FIND {…} …`: search terms between braces too.
    Sosl,
}

/// What stands around a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing: names, keywords, operators.
    Bare,
    /// Quotes. `typed`: they were typed as `\'`, as the source document prints them.
    Literal { typed: bool },
    /// The braces of a search term.
    Term,
}

/// Reads a text from left to right, one atom (a character, or a backslash with the character it
/// escapes) at a time, and knows where the next one stands.
#[derive(Clone, Debug)]
pub(super) struct Scanner {
    dialect: Dialect,
    pub(super) place: Place,
}

/// One atom: how many bytes of the text it takes, and how it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Atom<'a> {
    pub(super) len: usize,
    pub(super) sent: &'a str,
}

impl Scanner {
    pub(super) const fn new(dialect: Dialect) -> Self {
        Self { dialect, place: Place::Bare }
    }

    /// The next atom of `rest`, after which [`Scanner::place`] is where the one behind it stands.
    pub(super) fn next<'a>(&mut self, rest: &'a str) -> Option<Atom<'a>> {
        let mut chars = rest.chars();
        let first = chars.next()?;
        let pair = (first == '\\').then(|| chars.next()).flatten();
        let len = first.len_utf8() + pair.map_or(0, char::len_utf8);
        let whole = Atom { len, sent: rest.get(..len)? };
        let quote = Atom { len, sent: "'" };
        let (place, atom) = match (self.place, first, pair) {
            (Place::Bare, '\\', Some('\'')) => (Place::Literal { typed: true }, quote),
            (Place::Bare, '\'', _) => (Place::Literal { typed: false }, whole),
            (Place::Bare, '{', _) if self.dialect == Dialect::Sosl => (Place::Term, whole),
            (Place::Literal { typed: true }, '\\', Some('\'')) => (Place::Bare, quote),
            (Place::Literal { .. }, '\'', _) | (Place::Term, '}', _) => (Place::Bare, whole),
            (place, ..) => (place, whole),
        };
        self.place = place;
        Some(atom)
    }
}

/// What a whole text holds, seen from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    /// Every quote and brace has its partner, and no backslash stands outside of them.
    pub(super) balanced: bool,
    /// Something outside of quotes and braces begins or ends a comment.
    pub(super) comment: bool,
    /// The insides of quotes and braces, as byte ranges.
    pub(super) insides: Vec<(Place, std::ops::Range<usize>)>,
}

pub(super) fn survey(text: &str, dialect: Dialect) -> Survey {
    let mut scanner = Scanner::new(dialect);
    let mut survey = Survey { balanced: true, ..Survey::default() };
    let (mut at, mut inside, mut last) = (0, 0, ' ');
    while let Some(rest) = text.get(at..) {
        let before = scanner.place;
        let Some(atom) = scanner.next(rest) else { break };
        let c = rest.chars().next().unwrap_or(' ');
        match (before, scanner.place) {
            (Place::Bare, Place::Bare) => {
                survey.comment |= matches!((last, c), ('-', '-') | ('/', '*' | '/') | ('*', '/'));
                survey.balanced &= c != '\\' && !(c == '}' && dialect == Dialect::Sosl);
                last = c;
            }
            (Place::Bare, _) => inside = at + atom.len,
            (place, Place::Bare) => {
                survey.insides.push((place, inside..at));
                last = ' ';
            }
            _ => {}
        }
        at += atom.len;
    }
    survey.balanced &= scanner.place == Place::Bare;
    survey
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insides(text: &str, dialect: Dialect) -> Vec<&str> {
        survey(text, dialect).insides.into_iter().map(|(_, range)| text.get(range).unwrap()).collect()
    }

    #[test]
    fn literals_end_where_salesforce_ends_them() {
        assert_eq!(insides(r"A='it\'s' AND B='x\\'", Dialect::Soql), [r"it\'s", r"x\\"]);
        assert_eq!(insides(r"Phone LIKE \'%number%\' AND A = 'b'", Dialect::Soql), ["%number%", "b"]);
        assert_eq!(
            insides("FIND {O'Brien \\} x} RETURNING C(Id WHERE A='b')", Dialect::Sosl),
            ["O'Brien \\} x", "b"]
        );
        assert_eq!(insides("A = '{n}'", Dialect::Soql), ["{n}"]);
    }

    #[test]
    fn partners_and_comments_are_seen() {
        let of = |text| survey(text, Dialect::Soql);
        assert!(of("A = 'b' ORDER BY C").balanced);
        assert!(!of("A = 'b").balanced);
        assert!(!of("A \\ b").balanced);
        assert!(of("A = 'http://x -- y'").balanced && !of("A = 'http://x -- y'").comment);
        for text in ["a -- b", "a /* b", "a */ b", "a // b"] {
            assert!(of(text).comment, "{text}");
        }
        assert!(!survey("x} y", Dialect::Sosl).balanced);
        assert!(!survey("{x", Dialect::Sosl).balanced);
    }
}
