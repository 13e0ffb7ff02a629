//! The reference page of blocks and events, made from the catalogue.

use std::fmt::Write as _;

use super::catalogue::{Block, Catalogue, Source, catalogue};
use super::validate::Severity;
use super::validate::codes::CODES;

/// The JSON Schema of a flow file.
pub const SCHEMA: &str = include_str!("../../schemas/flow.json");

/// `schemas/README.md`, whole. A test holds the file to it.
#[must_use]
pub fn markdown() -> String {
    let catalogue = catalogue();
    let mut out = String::from(
        "# Schemas and catalogue\n\n\
         `flow.json` is the JSON Schema of a flow file. `cti-catalogue.json` and `cti-sources.json` say which \
         blocks, sources and events there are; engine, validator, editor and this page read them. `templates/` \
         holds flows to begin with.\n\n\
         This page is made from those files (`UPDATE_REFERENCE=1 cargo test reference`); do not edit it.\n\n\
         A name is *known* when it was seen in a flow file that the adapter wrote. *Inferred* names follow the \
         pattern of those that were; the adapter may know the block by another.\n",
    );
    for category in &catalogue.categories {
        writeln!(
            out,
            "\n## {}\n\n{}",
            category.title.as_deref().unwrap_or(&category.id),
            category.description
        )
        .ok();
        for block in catalogue.blocks.iter().filter(|b| b.category == category.id) {
            one(&mut out, block, catalogue);
        }
    }
    out.push_str("\n## Sources and events\n");
    catalogue.sources.iter().for_each(|source| events(&mut out, source));
    out.push_str("\n## Codes of the validator\n\n| code | at worst | meaning |\n|---|---|---|\n");
    for (code, severity, meaning) in CODES {
        let severity = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "information",
        };
        writeln!(out, "| {code} | {severity} | {} |", cell(meaning)).ok();
    }
    out
}

fn one(out: &mut String, block: &Block, catalogue: &Catalogue) {
    let known = if block.evidence.kind == "example" { "known" } else { "inferred" };
    writeln!(out, "\n### {}\n\n`{}`, {known}. {}\n", block.title, block.kind, block.description).ok();
    if let Some(why) = &block.deprecated {
        writeln!(out, "Deprecated: {why}\n").ok();
    }
    if let Some(safety) = &block.safety {
        writeln!(out, "Mind: {safety}\n").ok();
    }
    let by = catalogue.executors.iter().find(|e| e.id == block.executor.name());
    let by = by.map_or("", |e| e.description.as_str());
    let ports = if block.ports.is_empty() { "none".to_owned() } else { block.ports.join(", ") };
    writeln!(out, "{by} Outputs: {ports}.").ok();
    if !block.calls.is_empty() {
        writeln!(
            out,
            "Calls: {}.",
            block.calls.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ")
        )
        .ok();
    }
    if block.sources.len() < catalogue.sources.len() {
        writeln!(out, "For flows of: {}.", block.sources.join(", ")).ok();
    }
    if !block.controls.is_empty() {
        out.push_str("\n| argument | type | needed | default | |\n|---|---|---|---|---|\n");
        for control in &block.controls {
            let kind = serde_json::to_value(control.kind).ok().and_then(|v| v.as_str().map(str::to_owned));
            let default = control.default.as_ref().map(|d| format!("`{d}`")).unwrap_or_default();
            let mut told = control.help.clone().unwrap_or_else(|| format!("{}.", control.label));
            if !control.options.is_empty() {
                write!(told, " One of {}.", control.options.join(", ")).ok();
            }
            let needed = if control.required { "yes" } else { "" };
            writeln!(
                out,
                "| `{}` | {} | {needed} | {} | {} |",
                control.name,
                kind.unwrap_or_default(),
                cell(&default),
                cell(&told)
            )
            .ok();
        }
    }
    if !block.results.is_empty() {
        out.push_str("\n| result | type | |\n|---|---|---|\n");
        for result in &block.results {
            writeln!(out, "| `{}` | {} | {} |", result.name, result.kind, cell(&result.description)).ok();
        }
    }
}

fn events(out: &mut String, source: &Source) {
    let roots: Vec<String> = source
        .context
        .iter()
        .map(|c| format!("`$.{}`{}", c.root, if c.always { "" } else { " (not always)" }))
        .collect();
    let roots = if roots.is_empty() { "nothing".to_owned() } else { roots.join(", ") };
    writeln!(
        out,
        "\n### {} (`{}`)\n\n{} Expressions can read {roots}.\n",
        source.label, source.id, source.description
    )
    .ok();
    out.push_str("| event | when | payload |\n|---|---|---|\n");
    for event in &source.events {
        let payload: Vec<String> = event.payload.iter().map(|f| format!("`{}`", f.name)).collect();
        let payload = if event.open_payload { "what its author set".to_owned() } else { payload.join(", ") };
        writeln!(out, "| `{}` | {} | {payload} |", event.name, cell(&event.meaning)).ok();
    }
}

/// Text inside a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_page_is_the_one_of_the_catalogue() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/README.md");
        if std::env::vars_os().any(|(name, _)| name == "UPDATE_REFERENCE") {
            std::fs::write(path, markdown()).unwrap();
        }
        let stands = std::fs::read_to_string(path).unwrap_or_default();
        assert!(stands == markdown(), "schemas/README.md is old: UPDATE_REFERENCE=1 cargo test reference");
    }

    #[test]
    fn the_schema_is_json_and_names_what_a_flow_holds() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        assert!(schema.pointer("/properties/actions").is_some());
        for key in crate::flow::model::ACTION_KEYS {
            assert!(schema.pointer(&format!("/$defs/action/properties/{key}")).is_some(), "{key}");
        }
    }
}
