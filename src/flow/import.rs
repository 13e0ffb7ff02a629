//! A text from outside becomes a flow, or is kept as it came; a report says what was found.

use std::collections::HashSet;

use serde::Serialize;

use super::catalogue;
use super::json::Json;
use super::model::Document;
use super::validate::{Around, Diagnostic, check_text};

/// What became of a text.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema))]
pub struct Import {
    /// The flow, where the text holds one.
    pub document: Option<Document>,
    /// The text, always.
    pub raw: String,
    /// What was found.
    pub report: Report,
}

/// What a person should know before taking it over.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = ImportReport))]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Types that the catalogue does not know, each once.
    pub unknown_types: Vec<String>,
    /// Ids that were handed out anew because they stood twice.
    pub renumbered: Vec<Renumbered>,
    /// Whatever else was noticed.
    pub notes: Vec<String>,
    /// What the validator says.
    pub diagnostics: Vec<Diagnostic>,
}

/// An id that stood twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema))]
pub struct Renumbered {
    /// What it was.
    pub from: String,
    /// What it is now.
    pub to: String,
}

/// Takes a text in. Never fails, and never loses what it does not understand.
#[must_use]
pub fn import(text: &str) -> Import {
    let mut report = Report::default();
    if text.starts_with('\u{feff}') {
        report.notes.push("A byte order mark before the file was passed over.".to_owned());
    }
    let (document, findings) = check_text(text, &Around::default());
    report.diagnostics = findings;
    let Some(mut document) = document else {
        report.notes.push("The text is no JSON that can be read; it is kept as it came.".to_owned());
        return Import { document: None, raw: text.to_owned(), report };
    };
    if let Some(inner) = inside(&document) {
        report.notes.push(
            "The flow stood inside a record and was taken out; the record's other keys are in the raw text."
                .to_owned(),
        );
        document = inner;
        report.diagnostics = super::validate::check(&document, &Around::default());
    }
    if !document.is_flow() {
        report.notes.push("The text is JSON, but no flow; it is kept as it came.".to_owned());
        return Import { document: None, raw: text.to_owned(), report };
    }
    if let Some(name) = document.name() {
        report.notes.push(format!("The file names the flow {name}."));
    }
    report.renumbered = separate(&mut document);
    if !report.renumbered.is_empty() {
        report.notes.push("Ids stood twice. Connections and expressions mean the first action of each; look whether that is right.".to_owned());
        report.diagnostics = super::validate::check(&document, &Around::default());
    }
    let mut seen = HashSet::new();
    for action in document.actions() {
        if let Some(kind) = action.kind()
            && catalogue::block(kind).is_none()
            && seen.insert(kind.to_owned())
        {
            report.unknown_types.push(kind.to_owned());
        }
    }
    if report.diagnostics.iter().any(|d| d.code == "F007") {
        report.notes.push("Written in the older dialect; it is kept so until it is repaired.".to_owned());
    }
    Import { document: Some(document), raw: text.to_owned(), report }
}

/// The flow inside a record of ours, or of a list of actions alone.
fn inside(document: &Document) -> Option<Document> {
    if document.is_flow() {
        return None;
    }
    if let Json::Array(items) = document.json()
        && !items.is_empty()
        && items.iter().all(|i| i.get("type").and_then(Json::as_str).is_some_and(|t| t.starts_with("SE_")))
    {
        return Some(Document::new(Json::Object(vec![("actions".to_owned(), document.json().clone())])));
    }
    ["flow", "document"]
        .iter()
        .filter_map(|key| document.json().get(key))
        .map(|json| Document::new(json.clone()))
        .find(Document::is_flow)
}

/// Gives later actions of an id that stands twice an id of their own.
fn separate(document: &mut Document) -> Vec<Renumbered> {
    let mut next: u64 = document.free_id().trim_start_matches("uid-").parse().unwrap_or(0);
    let mut seen = HashSet::new();
    let mut renumbered = Vec::new();
    for action in document.actions_mut() {
        if let Some(Json::Text(id)) = action.get_mut("id")
            && !seen.insert(id.clone())
        {
            let to = format!("uid-{next}");
            next = next.wrapping_add(1);
            renumbered.push(Renumbered { from: std::mem::replace(id, to.clone()), to });
        }
    }
    renumbered
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: &str = r#"{"actions":[{"id":"uid-0","type":"SE_Start"},{"id":"uid-0","type":"SE_New"},{"id":"uid-4","type":"SE_New"}]}"#;

    #[test]
    fn ids_that_stand_twice_are_told_apart() {
        let import = import(FLOW);
        assert_eq!(import.report.renumbered, [Renumbered { from: "uid-0".into(), to: "uid-5".into() }]);
        assert_eq!(import.report.unknown_types, ["SE_New"]);
        assert!(import.report.diagnostics.iter().all(|d| d.code != "F004"));
    }

    #[test]
    fn a_record_around_the_flow_is_opened() {
        for text in [
            format!(r#"{{"id":"x","flow":{FLOW}}}"#),
            format!(r#"{{"name":"x","document":{FLOW}}}"#),
            r#"[{"id":"uid-0","type":"SE_Start"}]"#.to_owned(),
        ] {
            assert!(import(&text).document.is_some_and(|d| d.is_flow()), "{text}");
        }
    }

    #[test]
    fn what_is_no_flow_is_kept() {
        for text in ["", "not json", "7", "[]", "[1]", r#"{"a":1}"#, "\u{feff}{", &"[".repeat(1000)] {
            let import = import(text);
            assert!(import.document.is_none(), "{text}");
            assert_eq!(import.raw, text);
            assert!(!import.report.notes.is_empty() && !import.report.diagnostics.is_empty(), "{text}");
        }
    }
}
