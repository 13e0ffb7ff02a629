//! References: places in a write where another write's Id will stand.
//!
//! Two spellings: a ticket (`tl-…`), and a name (`@{name.Id}`) for a write that was given `tl_ref:
//! name`. Both may stand alone or inside a text. Names are bound to tickets when a write is
//! accepted ([`bind`]); tickets become Ids when it is sent ([`resolve`]).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::WriteId;
use crate::event::Write;

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'t> {
    /// As it is.
    Text(&'t str),
    /// A ticket.
    Ticket(WriteId),
    /// `@{name.Id}`.
    Name(&'t str),
}

/// Cuts a text at its references. Joined again, the parts are the text.
#[must_use]
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut plain_from = 0;
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(found) = rest.find(['t', '@']) else { break };
        at += found;
        let Some((len, part)) = reference_at(text, at) else {
            at += 1;
            continue;
        };
        push_text(&mut parts, text.get(plain_from..at));
        parts.push(part);
        at += len;
        plain_from = at;
    }
    push_text(&mut parts, text.get(plain_from..));
    parts
}

fn push_text<'t>(parts: &mut Vec<Part<'t>>, text: Option<&'t str>) {
    if let Some(text) = text.filter(|t| !t.is_empty()) {
        parts.push(Part::Text(text));
    }
}

fn reference_at(text: &str, at: usize) -> Option<(usize, Part<'_>)> {
    let rest = text.get(at..)?;
    if let Some(inner) = rest.strip_prefix("@{") {
        let end = inner.find('}')?;
        let (name, field) = inner.get(..end)?.rsplit_once('.')?;
        return (is_name(name) && field.eq_ignore_ascii_case("id")).then_some((end + 3, Part::Name(name)));
    }
    let candidate = rest.get(..29)?;
    let id = candidate.parse().ok()?;
    let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let alone = !in_word(text.get(..at)?.chars().next_back()) && !in_word(rest.get(29..)?.chars().next());
    alone.then_some((29, Part::Ticket(id)))
}

/// Whether a write may be called this: letters, digits, `_` and `-`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// What a write refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Names still to be bound.
    pub names: BTreeSet<String>,
    /// Tickets.
    pub tickets: BTreeSet<WriteId>,
}

impl References {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.tickets.is_empty()
    }
}

/// What this write refers to, wherever in it.
#[must_use]
pub fn references(write: &Write) -> References {
    let mut found = References::default();
    each_text(write, &mut |text| {
        if !text.contains("tl-") && !text.contains("@{") {
            return;
        }
        for part in parts(text) {
            match part {
                Part::Text(_) => {}
                Part::Ticket(id) => {
                    found.tickets.insert(id);
                }
                Part::Name(name) => {
                    found.names.insert(name.to_owned());
                }
            }
        }
    });
    found
}

/// Why a reference cannot hold; nothing was accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReference {
    /// No write of this contact has the name.
    #[error(
        "@{{{0}.Id}} refers to nothing: no earlier write of this contact was given tl_ref `{0}`; names hold \
         within the chain of one contact and its transfers"
    )]
    UnknownName(String),
    /// No write of this contact has the ticket.
    #[error(
        "the ticket {0} belongs to no write of this contact: tickets hold within the chain of one contact and \
         its transfers; elsewhere use the real Id (tl_attribute puts it into a contact attribute)"
    )]
    UnknownTicket(WriteId),
    /// The write refers to itself.
    #[error("the write refers to itself ({0}); its Id is not known before it is carried out")]
    Itself(String),
    /// The write waits for one that waits for it.
    #[error("the writes {0} and {1} wait for each other; neither could ever be sent")]
    Circle(WriteId, WriteId),
}

impl BadReference {
    /// The stable code for replies and dead letters.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownName(_) | Self::UnknownTicket(_) => "REFERENCE_UNKNOWN",
            Self::Itself(_) => "REFERENCE_TO_ITSELF",
            Self::Circle(..) => "REFERENCE_CIRCLE",
        }
    }
}

/// Binds names to tickets in place and checks every reference. `names` holds the names of the
/// contact's chain, `known` its writes with what each of them refers to. Gives the tickets, sorted.
///
/// # Errors
/// [`BadReference`] for the first that cannot hold; `write` is then only partly bound.
pub fn bind(
    write: &mut Write,
    own: WriteId,
    own_name: Option<&str>,
    names: &BTreeMap<String, WriteId>,
    known: &BTreeMap<WriteId, Vec<WriteId>>,
) -> Result<Vec<WriteId>, BadReference> {
    replace_parts(write, &mut |part| {
        let Part::Name(name) = part else { return Ok(None) };
        match names.get(*name) {
            Some(id) if *id != own => Ok(Some(id.to_string())),
            None if own_name != Some(*name) => Err(BadReference::UnknownName((*name).to_owned())),
            _ => Err(BadReference::Itself((*name).to_owned())),
        }
    })?;
    let tickets: Vec<_> = references(write).tickets.into_iter().collect();
    for ticket in &tickets {
        if *ticket == own {
            return Err(BadReference::Itself(own.to_string()));
        }
        if !known.contains_key(ticket) {
            return Err(BadReference::UnknownTicket(*ticket));
        }
        if reaches(*ticket, own, known) {
            return Err(BadReference::Circle(own, *ticket));
        }
    }
    Ok(tickets)
}

fn reaches(from: WriteId, to: WriteId, known: &BTreeMap<WriteId, Vec<WriteId>>) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        if id == to {
            return true;
        }
        if seen.insert(id) {
            open.extend(known.get(&id).into_iter().flatten());
        }
    }
    false
}

/// The write with real Ids in the place of its tickets.
///
/// # Errors
/// The first ticket whose Id is not among `ids`.
pub fn resolve(write: &Write, ids: &BTreeMap<WriteId, String>) -> Result<Write, WriteId> {
    let mut resolved = write.clone();
    replace_parts(&mut resolved, &mut |part| match part {
        Part::Ticket(id) => ids.get(id).cloned().map(Some).ok_or(*id),
        Part::Text(_) | Part::Name(_) => Ok(None),
    })?;
    Ok(resolved)
}

/// Calls `replace` for each part of each text; `None` leaves the part as it is.
fn replace_parts<E>(
    write: &mut Write,
    replace: &mut impl FnMut(&Part<'_>) -> Result<Option<String>, E>,
) -> Result<(), E> {
    let mut failed = None;
    each_text_mut(write, &mut |text| {
        if failed.is_some() || (!text.contains("tl-") && !text.contains("@{")) {
            return;
        }
        let mut joined = String::with_capacity(text.len());
        for part in parts(text) {
            match (replace(&part), &part) {
                (Ok(Some(by)), _) => joined.push_str(&by),
                (Ok(None), Part::Text(t)) => joined.push_str(t),
                (Ok(None), Part::Ticket(id)) => joined.push_str(id.as_str()),
                (Ok(None), Part::Name(name)) => {
                    joined.push_str("@{");
                    joined.push_str(name);
                    joined.push_str(".Id}");
                }
                (Err(error), _) => {
                    failed = Some(error);
                    return;
                }
            }
        }
        *text = joined;
    });
    failed.map_or(Ok(()), Err)
}

fn each_text(write: &Write, visit: &mut impl FnMut(&str)) {
    fn in_value(value: &Value, visit: &mut impl FnMut(&str)) {
        match value {
            Value::String(text) => visit(text),
            Value::Array(items) => items.iter().for_each(|v| in_value(v, visit)),
            Value::Object(object) => object.values().for_each(|v| in_value(v, visit)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    match write {
        Write::Create { object: _, fields } => fields.values().for_each(|v| in_value(v, visit)),
        Write::Update { object: _, id, fields } => {
            visit(id);
            fields.values().for_each(|v| in_value(v, visit));
        }
        Write::Delete { object: _, id } => visit(id),
        Write::Upsert { object: _, external_field: _, external_id, fields } => {
            visit(external_id);
            fields.values().for_each(|v| in_value(v, visit));
        }
        Write::Post { element_type: _, subject_id, message_type: _, text, mention } => {
            visit(subject_id);
            visit(text);
            mention.iter().for_each(|m| visit(m));
        }
        Write::Comment { element_id, comment_type: _, text } => {
            visit(element_id);
            visit(text);
        }
    }
}

fn each_text_mut(write: &mut Write, visit: &mut impl FnMut(&mut String)) {
    fn in_value(value: &mut Value, visit: &mut impl FnMut(&mut String)) {
        match value {
            Value::String(text) => visit(text),
            Value::Array(items) => items.iter_mut().for_each(|v| in_value(v, visit)),
            Value::Object(object) => object.values_mut().for_each(|v| in_value(v, visit)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    match write {
        Write::Create { object: _, fields } => fields.values_mut().for_each(|v| in_value(v, visit)),
        Write::Update { object: _, id, fields } => {
            visit(id);
            fields.values_mut().for_each(|v| in_value(v, visit));
        }
        Write::Delete { object: _, id } => visit(id),
        Write::Upsert { object: _, external_field: _, external_id, fields } => {
            visit(external_id);
            fields.values_mut().for_each(|v| in_value(v, visit));
        }
        Write::Post { element_type: _, subject_id, message_type: _, text, mention } => {
            visit(subject_id);
            visit(text);
            mention.iter_mut().for_each(visit);
        }
        Write::Comment { element_id, comment_type: _, text } => {
            visit(element_id);
            visit(text);
        }
    }
}
