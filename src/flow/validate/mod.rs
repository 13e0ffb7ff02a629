//! Everything that is wrong with a flow, said at once.
//!
//! What it is: one pass of each kind over a [`Document`]: the file ([`file`]), its [`connections`] as
//! a [`graph`], blocks and arguments ([`blocks`]), expressions ([`data`]), and what makes no sense
//! although it is well-formed ([`sense`]). Codes are stable; [`codes::CODES`] lists them.
//! What it never does: stop at the first finding, refuse a file, or change it ([`fix`] does, on
//! demand, and only where one thing alone can be meant).
//! Who calls it: `tieline flow check`, the editor, and activation, which errors block.
//! Its laws: linear in the size of the file but for data flow, which is left out above
//! [`FLOW_LIMIT`] actions, where an error stands anyway.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::catalogue::ControlType;
use super::json::{Json, Unreadable};
use super::model::Document;

mod blocks;
pub mod codes;
mod connections;
mod data;
mod file;
pub mod fix;
mod graph;
mod layout;
mod sense;

use graph::Graph;

/// Largest file that may be activated, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// Largest file that is read at all, in bytes; beyond it only its size is reported.
pub const MAX_READ_BYTES: usize = 16 << 20;
/// Most actions of a flow that may be activated.
pub const MAX_ACTIONS: usize = 500;
/// Above this many actions data flow is not looked at.
pub const FLOW_LIMIT: usize = 2_000;

/// Most findings of one code that are listed; beyond it only their number is told.
pub const MAX_LISTED: usize = 1_000;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Blocks activation; never import, never saving a draft.
    Error,
    /// Probably not what was meant.
    Warning,
    /// Worth knowing.
    Info,
}

/// One finding.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema))]
pub struct Diagnostic {
    /// Its stable code, such as `G105`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The id of the action, where it is about one.
    pub action: Option<String>,
    /// Where in the file, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Offered where only one thing can be meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    #[serde(skip)]
    order: usize,
}

/// A safe repair.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = DiagnosticFix))]
pub struct Fix {
    /// What it does, for a button.
    pub label: String,
    #[serde(skip)]
    repair: Repair,
}

#[derive(Clone, Debug, PartialEq)]
enum Repair {
    /// Put the second where the pointer points, if the first stands there: of a key that stands
    /// twice only the last one can be pointed at.
    Replace(Json, Json),
    /// Write the action in the newer dialect.
    Normalise,
    /// Give the action a place.
    Place,
    /// Give the action an id of the editor's form, and say so everywhere.
    Renumber,
}

/// What is known about a flow beside its file. Checks that need what is not known are left out.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The id of its source.
    pub source: Option<String>,
    /// The name of its event.
    pub event: Option<String>,
    /// The names of other active flows for the same source and event.
    pub also_active: Vec<String>,
    /// Keys that other flows write to the property store, all flows together.
    pub properties_written: Option<BTreeSet<String>>,
    /// For a CTI Action: the keys of its payload and its form.
    pub form_fields: Option<BTreeSet<String>>,
}

/// The keys that a flow writes to the property store; none where one of them is computed.
#[must_use]
pub fn properties_written(document: &Document) -> Option<BTreeSet<String>> {
    sense::written(document.actions())
}

/// Whether a finding stands against activation.
#[must_use]
pub fn blocks_activation(finding: &Diagnostic) -> bool {
    finding.severity == Severity::Error || finding.code == "T201"
}

/// Reads a text and says everything about it. Without a document the text is no JSON.
#[must_use]
pub fn check_text(text: &str, around: &Around) -> (Option<Document>, Vec<Diagnostic>) {
    let mut report = Report::new(MAX_LISTED);
    if text.len() > MAX_READ_BYTES {
        report.size(text.len());
        return (None, report.found);
    }
    match Document::parse(text) {
        Ok(document) => {
            if text.len() > MAX_BYTES {
                report.size(text.len());
            }
            report.document(&document, around);
            (Some(document), report.sorted())
        }
        Err(unreadable) => {
            match unreadable {
                Unreadable::TooDeep => {
                    report.add(
                        "L601",
                        Severity::Error,
                        &At::FILE,
                        format!("The file cannot be read: {unreadable}."),
                        "A flow needs five levels. The file may be damaged; its text is kept.",
                    );
                }
                Unreadable::Syntax(reason) => {
                    report.add(
                        "F001",
                        Severity::Error,
                        &At::FILE,
                        format!("The file is no JSON: {reason}."),
                        "Export the flow again, or mend the place named. Its text is kept.",
                    );
                }
            }
            (None, report.found)
        }
    }
}

/// Says everything about a document.
#[must_use]
pub fn check(document: &Document, around: &Around) -> Vec<Diagnostic> {
    let mut report = Report::new(MAX_LISTED);
    report.document(document, around);
    report.sorted()
}

/// The same without an end to the list, for repairs.
fn whole(document: &Document, around: &Around) -> Vec<Diagnostic> {
    let mut report = Report::new(usize::MAX);
    report.document(document, around);
    report.sorted()
}

/// What null stands for in an argument of that type.
#[must_use]
pub fn null_value(kind: Option<ControlType>) -> Json {
    file::nothing(kind)
}

/// Where a finding is.
#[derive(Clone, Debug)]
struct At {
    /// The place of its action in the list, for sorting.
    order: usize,
    action: Option<String>,
    pointer: String,
}

impl At {
    const FILE: Self = Self { order: 0, action: None, pointer: String::new() };

    fn action(index: usize, id: Option<&str>) -> Self {
        Self { order: index + 1, action: id.map(str::to_owned), pointer: format!("/actions/{index}") }
    }

    fn below(&self, key: &str) -> Self {
        Self { pointer: format!("{}/{}", self.pointer, escaped(key)), ..self.clone() }
    }
}

/// A key as a JSON pointer spells it.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

struct Report {
    found: Vec<Diagnostic>,
    /// Most findings of one code.
    most: usize,
    counts: BTreeMap<&'static str, (usize, Severity)>,
    /// Whether the last finding is listed.
    listed: bool,
}

impl Report {
    const fn new(most: usize) -> Self {
        Self { found: Vec::new(), most, counts: BTreeMap::new(), listed: false }
    }

    /// Whether no more findings of this code are listed, so that no repair need be thought of.
    fn is_full(&self, code: &str) -> bool {
        self.counts.get(code).is_some_and(|(count, _)| *count >= self.most)
    }

    /// Whether there are so many findings of this code that guesses help nobody.
    fn has_many(&self, code: &str) -> bool {
        self.counts.get(code).is_some_and(|(count, _)| *count >= MAX_LISTED)
    }

    fn document(&mut self, document: &Document, around: &Around) {
        if !file::look(self, document) {
            return;
        }
        let count = document.actions().len();
        if count > MAX_ACTIONS {
            self.add(
                "L601",
                Severity::Error,
                &At::FILE.below("actions"),
                format!("The flow has {count} actions; {MAX_ACTIONS} may be activated."),
                "Divide it into several flows for the same event, or hand over through properties.",
            );
        }
        let graph = Graph::new(document);
        connections::look(self, &graph);
        blocks::look(self, &graph, around);
        data::look(self, &graph, around);
        sense::look(self, &graph, around);
    }

    fn size(&mut self, bytes: usize) {
        self.add(
            "L601",
            Severity::Error,
            &At::FILE,
            format!("The file has {bytes} bytes; a flow of at most {MAX_BYTES} may be activated."),
            "Flows are small. Look for values that belong into a record or an attribute.",
        );
    }

    fn add(
        &mut self,
        code: &'static str,
        severity: Severity,
        at: &At,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let (count, _) = self.counts.entry(code).or_insert((0, severity));
        *count += 1;
        self.listed = *count <= self.most;
        if !self.listed {
            return;
        }
        self.found.push(Diagnostic {
            code,
            severity,
            action: at.action.clone(),
            pointer: at.pointer.clone(),
            message: message.into(),
            hint: hint.into(),
            fix: None,
            order: at.order,
        });
    }

    /// Offers a repair of the finding just added.
    fn fixable(&mut self, label: impl Into<String>, repair: Repair) {
        if self.listed
            && let Some(last) = self.found.last_mut()
        {
            last.fix = Some(Fix { label: label.into(), repair });
        }
    }

    fn sorted(mut self) -> Vec<Diagnostic> {
        for (code, (count, severity)) in std::mem::take(&mut self.counts) {
            if let Some(more) = count.checked_sub(self.most).filter(|more| *more > 0) {
                self.found.push(Diagnostic {
                    code,
                    severity,
                    action: None,
                    pointer: "/actions".to_owned(),
                    message: format!("{more} more findings of this kind are not listed."),
                    hint: "Mend those that are; check again.".to_owned(),
                    fix: None,
                    order: usize::MAX,
                });
            }
        }
        self.found.sort_by_key(|d| d.order);
        self.found
    }
}

/// Of `names`, the one that was probably meant by `wrong`: the same but for hyphens and case, else
/// one letter away.
fn nearest<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<(&'n str, bool)> {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let wrong_plain = plain(wrong);
    let mut alike = None;
    let mut same = None;
    for name in names {
        let name_plain = plain(name);
        if name_plain == wrong_plain {
            if same.is_some() {
                return None;
            }
            same = Some(name);
        } else if alike.is_none() && one_away(&name_plain, &wrong_plain) {
            alike = Some(name);
        }
    }
    same.map(|name| (name, true)).or(alike.map(|name| (name, false)))
}

fn one_away(a: &str, b: &str) -> bool {
    let (a, b): (Vec<_>, Vec<_>) = (a.chars().collect(), b.chars().collect());
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    if long.len() - short.len() > 1 || long.len() < 4 {
        return false;
    }
    let head = short.iter().zip(long.iter()).take_while(|(x, y)| x == y).count();
    let tail = short.iter().rev().zip(long.iter().rev()).take_while(|(x, y)| x == y).count();
    head + tail + 1 >= long.len()
}

#[cfg(test)]
mod tests;
