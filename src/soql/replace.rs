//! A flow's values put into a query, in one pass.

use serde_json::{Map, Value};

use super::Problem;
use super::guard::{field_of_equal, field_of_like, finds_anything, is_phone, matches_anybody};
use super::literal::{escape, escape_term, literal};
use super::scan::{Dialect, Place, Scanner, survey};
use super::select::is_name;
use crate::phone;

/// A query after replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// To be asked.
    Query(String),
    /// To be asked, but a value left nothing to compare a field with: those are found of whom nothing
    /// is known. A list of them is a fair question; one record that is found so is a stranger's.
    Blank(String),
    /// A pattern, a number or a term was left that says nothing: it would match everybody, or whoever
    /// else withholds their number, so nobody is meant.
    Nobody,
}

/// Puts each value where its key stands in `template`: the longest key first, in one pass over the
/// template, so that no value is searched for keys. A key that begins or ends in a word character
/// does not match inside a word. Between quotes and braces a value is escaped; outside it goes in
/// as it is, if it closes what it opens and comments nothing out, or, if `strict`, is simple.
///
/// # Errors
/// A value that cannot stand where its key does.
pub fn replace(
    template: &str,
    values: &Map<String, Value>,
    dialect: Dialect,
    strict: bool,
) -> Result<Replaced, Problem> {
    let mut keys: Vec<(&str, &Value)> =
        values.iter().filter(|(key, _)| !key.is_empty()).map(|(key, value)| (key.as_str(), value)).collect();
    keys.sort_by_key(|(key, _)| std::cmp::Reverse(key.len()));

    let text = String::with_capacity(template.len() + 64);
    let mut out = Output { text, dialect, strict, open: 0, put: Vec::new() };
    let mut scanner = Scanner::new(dialect);
    let (mut at, mut previous) = (0, ' ');
    while let Some(rest) = template.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some((key, value)) = keys.iter().find(|(key, _)| stands_alone(rest, key, previous)) {
            out.put(key, value, scanner.place)?;
            at += key.len();
            previous = key.chars().next_back().unwrap_or(' ');
        } else if let Some(atom) = scanner.next(rest) {
            if atom.sent == "'" {
                out.open = out.text.len();
            }
            out.text.push_str(atom.sent);
            previous = rest.get(..atom.len).and_then(|atom| atom.chars().next_back()).unwrap_or(' ');
            at += atom.len;
        }
    }
    out.finish(template)
}

/// Whether `key` stands at the start of `rest`, and not inside of a word.
fn stands_alone(rest: &str, key: &str, previous: char) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let Some(behind) = rest.strip_prefix(key) else { return false };
    let begins_in_word = key.starts_with(is_word) && is_word(previous);
    let ends_in_word = key.ends_with(is_word) && behind.starts_with(is_word);
    !begins_in_word && !ends_in_word
}

struct Output<'a> {
    text: String,
    dialect: Dialect,
    strict: bool,
    /// Where the quote stands that was met last.
    open: usize,
    /// What was put where: the byte range, and the parameter.
    put: Vec<(std::ops::Range<usize>, &'a str)>,
}

impl<'a> Output<'a> {
    fn put(&mut self, key: &'a str, value: &Value, place: Place) -> Result<(), Problem> {
        let from = self.text.len();
        match place {
            Place::Bare => {
                let value = match value {
                    Value::String(text) => text.clone(),
                    value => literal(value).ok_or_else(|| Problem::Nested(key.to_owned()))?,
                };
                self.put_bare(key, &value)?;
            }
            Place::Literal { .. } => {
                let text = as_text(value).ok_or_else(|| Problem::Nested(key.to_owned()))?;
                let pattern =
                    self.text.get(..self.open).is_some_and(|before| field_of_like(before).is_some());
                self.text.push_str(&escape(&text, pattern));
            }
            Place::Term => {
                let text = as_text(value).ok_or_else(|| Problem::Nested(key.to_owned()))?;
                self.text.push_str(&escape_term(&text));
            }
        }
        self.put.push((from..self.text.len(), key));
        Ok(())
    }

    fn put_bare(&mut self, key: &str, value: &str) -> Result<(), Problem> {
        if self.strict && !is_simple(value) {
            return Err(Problem::NotSimple(key.to_owned()));
        }
        let mut scanner = Scanner::new(self.dialect);
        let from = self.text.len();
        let mut rest = value;
        while let Some(atom) = scanner.next(rest) {
            self.text.push_str(atom.sent);
            rest = rest.get(atom.len..).unwrap_or_default();
        }
        let seen = survey(self.text.get(from..).unwrap_or_default(), self.dialect);
        if !seen.balanced {
            return Err(Problem::Unbalanced(key.to_owned()));
        }
        if seen.comment {
            return Err(Problem::Comment(key.to_owned()));
        }
        Ok(())
    }

    /// The last look, at the whole: what two harmless pieces make together, and what is left of
    /// the patterns.
    fn finish(self, template: &str) -> Result<Replaced, Problem> {
        let seen = survey(&self.text, self.dialect);
        let wrote = survey(template, self.dialect);
        let last = || self.put.last().map_or_else(String::new, |(_, key)| (*key).to_owned());
        if seen.comment && !wrote.comment {
            return Err(Problem::Comment(last()));
        }
        if !seen.balanced && wrote.balanced {
            return Err(Problem::Unbalanced(last()));
        }
        let (mut nobody, mut blank) = (false, false);
        for (place, inside) in seen.insides {
            if !self.put.iter().any(|(put, _)| put.start <= inside.end && inside.start <= put.end) {
                continue;
            }
            let before = self.text.get(..inside.start.saturating_sub(1)).unwrap_or_default();
            let text = self.text.get(inside).unwrap_or_default();
            if place == Place::Term {
                nobody |= finds_anything(text);
            } else if let Some(field) = field_of_like(before) {
                nobody |= matches_anybody(field, text);
            } else if let Some(field) = field_of_equal(before) {
                nobody |= is_phone(field) && phone::is_withheld(text);
                blank |= text.trim().is_empty();
            }
        }
        Ok(match (nobody, blank) {
            (true, _) => Replaced::Nobody,
            (false, true) => Replaced::Blank(self.text),
            (false, false) => Replaced::Query(self.text),
        })
    }
}

/// A value as text inside of quotes; null is nothing.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => Some(String::new()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Names, numbers, dates, quoted texts, and lists of them with or without parentheses.
fn is_simple(value: &str) -> bool {
    let value = value.trim();
    let list = value.strip_prefix('(').and_then(|v| v.strip_suffix(')')).unwrap_or(value);
    let quoted = survey(list, Dialect::Soql);
    let mut from = 0;
    let commas = list
        .char_indices()
        .filter(|(at, c)| *c == ',' && !quoted.insides.iter().any(|(_, inside)| inside.contains(at)));
    let ends: Vec<usize> = commas.map(|(at, _)| at).chain([list.len()]).collect();
    quoted.balanced
        && ends.into_iter().all(|end| {
            let item = list.get(from..end).unwrap_or_default().trim();
            from = end + 1;
            is_simple_item(item)
        })
}

fn is_simple_item(item: &str) -> bool {
    let seen = survey(item, Dialect::Soql);
    let one_text =
        matches!(seen.insides.as_slice(), [(_, inside)] if inside.start == 1 && inside.end + 1 == item.len());
    let number_or_date = item.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+'))
        && !seen.comment
        && item.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | ':'));
    let date_literal = item
        .split_once(':')
        .is_some_and(|(name, n)| is_name(name) && !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    is_name(item) || one_text || number_or_date || date_literal
}

#[cfg(test)]
mod tests;
