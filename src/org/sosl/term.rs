//! The search language: words, phrases, operators and wildcards as an expression of the index.

use super::super::data::Tx;
use super::super::error::OrgError;

/// Longer ones find nothing.
const LONGEST: usize = 10_000;
/// In longer ones operators are words.
const LONGEST_WITH_OPERATORS: usize = 4_000;

/// The deepest nesting of parentheses.
const DEEPEST: usize = 50;
const NOTHING_TO_JOIN: &str = "an operator of the search text has nothing to join";

/// One sign of the language.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    /// Letters; `*` and `?` that were not escaped stand as `%` and `_` of a LIKE pattern.
    Word {
        text: String,
        pattern: Option<String>,
    },
    Phrase(String),
}

/// The expression for a search text within a group of fields (`ALL`, `NAME`, …); `None` where it
/// can match nothing.
pub(super) fn expression(tx: &Tx<'_>, text: &str, group: &str) -> Result<Option<String>, OrgError> {
    let letters = text.chars().count();
    if letters > LONGEST {
        return Ok(None);
    }
    let mut tokens = tokens(text);
    if letters > LONGEST_WITH_OPERATORS {
        tokens.retain(|t| matches!(t, Token::Word { .. } | Token::Phrase(_)));
    }
    let longest = tokens.iter().map(length).max().unwrap_or_default();
    if longest < 2 {
        let what = format!("search term must be longer than one character: {}", text.trim());
        return Err(OrgError::new("MALFORMED_SEARCH", what));
    }
    let mut reader = Reader { tx, tokens: &tokens, at: 0, depth: 0 };
    let mut sql = reader.either()?;
    if reader.at < tokens.len() {
        return Err(OrgError::new("MALFORMED_SEARCH", "unexpected token: ')'"));
    }
    if let Some(digits) = as_phone(text) {
        let phone = format!("phone : \"{digits}\" *");
        sql = Some(sql.map_or_else(|| phone.clone(), |sql| format!("({sql}) OR {phone}")));
    }
    Ok(sql.map(|sql| match group {
        "NAME" => format!("name : ({sql})"),
        "EMAIL" => format!("email : ({sql})"),
        "PHONE" => format!("phone : ({sql})"),
        "SIDEBAR" => format!("{{name email phone}} : ({sql})"),
        _ => sql,
    }))
}

fn length(token: &Token) -> usize {
    match token {
        Token::Word { text, .. } | Token::Phrase(text) => {
            text.chars().filter(|c| c.is_alphanumeric()).count()
        }
        _ => 0,
    }
}

/// The digits of a text that is a phone number and nothing else, without what is dialled before the
/// number itself: `+`, `00`, a national `0`.
fn as_phone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let only = text.chars().all(|c| c.is_ascii_digit() || " +-()./\\*\"".contains(c));
    let digits = digits.trim_start_matches('0');
    (only && digits.len() >= 5).then(|| digits.to_owned())
}

fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        match c {
            '(' => out.push(Token::Open),
            ')' => out.push(Token::Close),
            '"' => {
                chars.next();
                let mut phrase = String::new();
                while let Some(c) = chars.next() {
                    match c {
                        '"' => break,
                        '\\' => phrase.extend(chars.next()),
                        other => phrase.push(other),
                    }
                }
                out.push(Token::Phrase(phrase));
                continue;
            }
            c if is_gap(c) => {}
            _ => {
                out.push(word(&mut chars));
                continue;
            }
        }
        chars.next();
    }
    operators(out)
}

/// White space, and signs that part words without meaning anything here.
fn is_gap(c: char) -> bool {
    c.is_whitespace() || "&|!{}[]^~:+-".contains(c)
}

fn word(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Token {
    let mut text = String::new();
    let mut pattern = String::new();
    let mut wild = false;
    let plain = |text: &mut String, pattern: &mut String, c: char| {
        text.push(c);
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    };
    while let Some(&c) = chars.peek() {
        if is_gap(c) || "()\"".contains(c) {
            break;
        }
        chars.next();
        match c {
            '\\' => {
                if let Some(c) = chars.next() {
                    plain(&mut text, &mut pattern, c);
                }
            }
            '*' | '?' => {
                wild = true;
                pattern.push(if c == '*' { '%' } else { '_' });
            }
            c => plain(&mut text, &mut pattern, c),
        }
    }
    Token::Word { text, pattern: wild.then_some(pattern) }
}

/// `AND`, `OR` and `AND NOT` among the words.
fn operators(words: Vec<Token>) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(words.len());
    for token in words {
        let name = match &token {
            Token::Word { text, pattern: None } => text.to_ascii_uppercase(),
            _ => String::new(),
        };
        match (name.as_str(), out.last()) {
            ("AND", _) => out.push(Token::And),
            ("OR", _) => out.push(Token::Or),
            ("NOT", Some(Token::And)) => {
                out.pop();
                out.push(Token::Not);
            }
            _ => out.push(token),
        }
    }
    out
}

/// Reads tokens: OR binds least, then AND and AND NOT, words side by side are joined by AND.
struct Reader<'r, 'd> {
    tx: &'r Tx<'d>,
    tokens: &'r [Token],
    at: usize,
    /// Parentheses around the place.
    depth: usize,
}

impl Reader<'_, '_> {
    fn either(&mut self) -> Result<Option<String>, OrgError> {
        let mut sides = vec![self.all()?];
        while self.tokens.get(self.at) == Some(&Token::Or) {
            self.at += 1;
            sides.push(self.all()?);
        }
        let sides: Vec<String> = sides.into_iter().flatten().collect();
        Ok((!sides.is_empty()).then(|| format!("({})", sides.join(" OR "))))
    }

    fn all(&mut self) -> Result<Option<String>, OrgError> {
        let mut wanted: Vec<String> = Vec::new();
        let mut barred: Vec<String> = Vec::new();
        let mut nothing = false;
        let before = self.at;
        loop {
            let not = match self.tokens.get(self.at) {
                Some(Token::And) => {
                    self.at += 1;
                    false
                }
                Some(Token::Not) => {
                    self.at += 1;
                    true
                }
                Some(Token::Open | Token::Word { .. } | Token::Phrase(_)) => false,
                _ => break,
            };
            match (self.one()?, not) {
                (Found::Expression(one), false) => wanted.push(one),
                (Found::Expression(one), true) => barred.push(one),
                (Found::Nothing, false) => nothing = true,
                (Found::Nothing, true) | (Found::Skip, _) => {}
            }
        }
        if self.at == before {
            return Err(OrgError::new("MALFORMED_SEARCH", NOTHING_TO_JOIN));
        }
        if nothing || wanted.is_empty() {
            return Ok(None);
        }
        let mut sql = format!("({})", wanted.join(" AND "));
        for one in barred {
            sql = format!("({sql} NOT {one})");
        }
        Ok(Some(sql))
    }

    fn one(&mut self) -> Result<Found, OrgError> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        match token {
            Some(Token::Open) => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(OrgError::new("MALFORMED_SEARCH", "the search text nests too deep"));
                }
                let inner = self.either()?;
                self.depth -= 1;
                if self.tokens.get(self.at) != Some(&Token::Close) {
                    return Err(OrgError::new("MALFORMED_SEARCH", "unexpected token: '<EOF>'"));
                }
                self.at += 1;
                Ok(inner.map_or(Found::Nothing, Found::Expression))
            }
            Some(Token::Phrase(text)) => Ok(quoted(&text)),
            Some(Token::Word { text, pattern: None }) => Ok(quoted(&text)),
            Some(Token::Word { text, pattern: Some(pattern) }) => {
                if pattern == format!("{text}%") {
                    return Ok(match quoted(&text) {
                        Found::Expression(sql) => Found::Expression(format!("{sql} *")),
                        other => other,
                    });
                }
                let words: Vec<String> =
                    self.tx.words_like(&pattern)?.iter().map(|w| format!("\"{w}\"")).collect();
                Ok(if words.is_empty() {
                    Found::Nothing
                } else {
                    Found::Expression(format!("({})", words.join(" OR ")))
                })
            }
            _ => Err(OrgError::new("MALFORMED_SEARCH", NOTHING_TO_JOIN)),
        }
    }
}

enum Found {
    Expression(String),
    /// No record can have it.
    Nothing,
    /// It says nothing: signs alone.
    Skip,
}

/// A phrase of the index; the index parts it into words as it did the records.
fn quoted(text: &str) -> Found {
    let clean: String = text.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let clean = clean.trim();
    if clean.is_empty() { Found::Skip } else { Found::Expression(format!("\"{clean}\"")) }
}
