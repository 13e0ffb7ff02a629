//! What a contact flow may meet when it changes over, or meets already. Each rule is one function.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::graph::{Block, Flow, ID, Invoke, Kind, dynamic, references};
use crate::event;
use crate::time::Timestamp;

/// One finding.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Finding {
    /// The file.
    pub(super) file: String,
    /// Stable name of the rule.
    pub(super) code: &'static str,
    /// `error`: the call fails as it stands; `warning`: it can go wrong; `note`: worth knowing.
    pub(super) severity: &'static str,
    /// The block.
    pub(super) block: String,
    /// What is so.
    pub(super) message: String,
    /// What to change.
    pub(super) hint: &'static str,
}

/// Records that fit a reply with three short fields each.
const MANY: u64 = 100;

type Rule = fn(&Flow, &mut Vec<Found>);

/// A finding, before it is told of which file it is.
struct Found {
    code: &'static str,
    severity: &'static str,
    block: String,
    message: String,
    hint: &'static str,
}

const RULES: &[Rule] = &[
    refused,
    query_text,
    chained_id,
    status_204,
    loop_without_key,
    reply_size,
    short_timeout,
    superseded,
    no_error_branch,
];

/// All findings, in the order of the flow's blocks.
pub(super) fn check(file: &str, flow: &Flow) -> Vec<Finding> {
    let mut found = Vec::new();
    for rule in RULES {
        rule(flow, &mut found);
    }
    let place = |name: &str| flow.blocks.iter().position(|b| b.name == name);
    found.sort_by_key(|f| place(&f.block));
    let finding = |Found { code, severity, block, message, hint }| Finding {
        file: file.to_owned(),
        code,
        severity,
        block,
        message,
        hint,
    };
    found.into_iter().map(finding).collect()
}

fn add(
    found: &mut Vec<Found>,
    code: &'static str,
    severity: &'static str,
    block: &Block,
    message: String,
    hint: &'static str,
) {
    found.push(Found { code, severity, block: block.name.clone(), message, hint });
}

/// What the function would refuse, as far as it does not depend on the contact.
fn refused(flow: &Flow, found: &mut Vec<Found>) {
    for (block, invoke) in flow.invokes().filter(|(_, i)| !dynamic(i.operation())) {
        let parameters: Map<String, Value> = invoke
            .parameters
            .iter()
            .filter(|(name, value)| !(name.starts_with("tl_") && dynamic(value)))
            .map(|(name, value)| {
                // What comes from the contact is taken to be right.
                let value = if !dynamic(value) {
                    value.as_str()
                } else if name == "sf_phone" {
                    "+12065550100"
                } else {
                    "Value1"
                };
                (name.clone(), value.into())
            })
            .collect();
        let contact = json!({"ContactId": "lint", "InitialContactId": "lint"});
        let event = json!({"Details": {"ContactData": contact, "Parameters": parameters}});
        if let Err(refusal) = event::parse(&event, &event::Settings::default(), Timestamp::EPOCH) {
            add(
                found,
                "refused",
                "error",
                block,
                refusal.message,
                "this call fails every time; mend it in the block",
            );
        }
    }
}

/// Text of the contact that becomes part of a query outside quotes.
fn query_text(flow: &Flow, found: &mut Vec<Found>) {
    const HINT: &str = "put the name of the parameter into quotes in the query, where values are escaped; TIELINE_BARE_REPLACEMENT=strict refuses clauses";
    for (block, invoke) in flow.invokes() {
        if matches!(invoke.operation(), "search" | "searchOne") && invoke.get("where").is_some_and(dynamic) {
            let message =
                "the condition of the search, where, comes from the contact and is taken as it is".to_owned();
            let hint = "write the condition in the block, or use queryOne with the values as parameters";
            add(found, "query-text", "warning", block, message, hint);
        }
        let queries = matches!(invoke.operation(), "query" | "queryOne" | "searchSOSL" | "searchOneSOSL");
        let Some(query) = invoke.get("query").filter(|_| queries) else { continue };
        if dynamic(query) {
            let message = "the whole query comes from the contact".to_owned();
            add(
                found,
                "query-text",
                "warning",
                block,
                message,
                "write the query in the block and hand in the values as parameters",
            );
            continue;
        }
        for reference in references(query) {
            let message = format!(
                "the query holds {reference} within its text, which is pasted in unescaped or not replaced at all"
            );
            add(
                found,
                "query-text",
                "warning",
                block,
                message,
                "hand the value in as a parameter, and write its name, in quotes, in the query",
            );
        }
        let bare = outside_quotes(query);
        for (name, value) in &invoke.parameters {
            if name != "query" && !name.starts_with("sf_") && dynamic(value) && bare.contains(name.as_str()) {
                let message = format!("{name} comes from the contact and stands in the query outside quotes");
                add(found, "query-text", "warning", block, message, HINT);
            }
        }
    }
}

/// The text of a query without its literals; `\'` outside of one is a quote, as people type it.
fn outside_quotes(query: &str) -> String {
    let mut outside = String::new();
    let mut inside = false;
    let mut escaped = false;
    for c in query.chars() {
        match c {
            '\'' if !(inside && escaped) => {
                inside = !inside;
                outside.push(' ');
            }
            _ if inside => {}
            '\\' => {}
            c => outside.push(c),
        }
        escaped = c == '\\' && !escaped && inside;
    }
    outside
}

/// Where the Id of a new record goes while the write is only accepted.
fn chained_id(flow: &Flow, found: &mut Vec<Found>) {
    let mut told = BTreeSet::new();
    for (from, _) in flow.invokes().filter(|(_, invoke)| invoke.creates()) {
        let until_the_next_call = |b: &Block| !matches!(b.kind, Kind::Invoke(_));
        for block in flow.after(from, until_the_next_call) {
            let uses = |pairs: &[(String, String)]| pairs.iter().any(|(_, v)| v == ID);
            let (severity, message, hint) = match &block.kind {
                Kind::Invoke(invoke) if uses(&invoke.parameters) => (
                    "note",
                    format!(
                        "uses the Id of \"{}\"; while that write is queued it is a ticket (tl-…), which is as good in later calls of this contact",
                        from.name
                    ),
                    "nothing, if the writes are of one contact; else tl_mode sync in the first",
                ),
                Kind::SetAttributes(pairs) if uses(pairs) => (
                    "warning",
                    format!(
                        "keeps the Id of \"{}\" in an attribute; while that write is queued it is a ticket, which screen pops and reports cannot open",
                        from.name
                    ),
                    "name the attribute in tl_attribute of the write: the real Id is put there once it is known",
                ),
                Kind::Other | Kind::Compare { .. } if block.uses_id => (
                    "warning",
                    format!(
                        "hands the Id of \"{}\" on; while that write is queued it is a ticket, which nothing outside this contact's calls can open",
                        from.name
                    ),
                    "take the Id from the attribute that tl_attribute of the write names, or set tl_mode sync in it",
                ),
                _ => continue,
            };
            if told.insert(block.id.clone()) {
                add(found, "chained-id", severity, block, message, hint);
            }
        }
    }
}

/// A comparison of `Status` that takes a queued update for a failed one.
fn status_204(flow: &Flow, found: &mut Vec<Found>) {
    let copies = flow.blocks.iter().filter_map(|b| match &b.kind {
        Kind::SetAttributes(pairs) => Some(pairs),
        _ => None,
    });
    let copied: Vec<_> = copies
        .flatten()
        .filter(|(_, v)| v == "$.External.Status")
        .map(|(name, _)| format!("$.Attributes.{name}"))
        .collect();
    for block in &flow.blocks {
        let Kind::Compare { value, with } = &block.kind else { continue };
        let status = value == "$.External.Status" || copied.contains(value);
        let only = with.iter().any(|w| w == "204") && !with.iter().any(|w| w == "202");
        if status && only {
            let message = "compares Status with 204 only; an update that is accepted and not yet carried out replies 202".to_owned();
            add(found, "status-204", "warning", block, message, "let 202 go the same way as 204");
        }
    }
}

/// A write that the same contact can come to again.
fn loop_without_key(flow: &Flow, found: &mut Vec<Found>) {
    for (block, invoke) in flow.invokes() {
        let keyed = invoke.get("tl_key").is_some_and(dynamic);
        if invoke.writes() && !keyed && flow.in_a_loop(block) {
            let message = "this write stands in a loop without a tl_key of its own for every round; within 90 seconds an equal write is taken for a repeat".to_owned();
            add(
                found,
                "loop-without-key",
                "warning",
                block,
                message,
                "set tl_key to an attribute that counts the rounds",
            );
        } else if invoke.writes() && invoke.asynchronous && invoke.get("tl_key").is_none() {
            let message = "this write is invoked asynchronously without tl_key: the flow moves on, and a repeat cannot be told from the next write".to_owned();
            add(found, "loop-without-key", "warning", block, message, "set tl_key");
        }
    }
}

/// A reply that may grow beyond 32 KB.
fn reply_size(flow: &Flow, found: &mut Vec<Found>) {
    for (block, invoke) in flow.invokes() {
        let risk = match invoke.operation() {
            "lookup_all" => Some("every record that matches is replied"),
            "query" | "searchSOSL" => {
                let query = invoke.get("query").unwrap_or_default();
                let limited = dynamic(query) || limit(query).is_some_and(|n| n <= MANY);
                (!limited).then_some("the query has no LIMIT of 100 or less")
            }
            "search" => {
                let wide =
                    invoke.get("overallLimit").and_then(|l| l.parse::<u64>().ok()).is_some_and(|l| l > MANY);
                wide.then_some("overallLimit is above 100")
            }
            _ => None,
        };
        if let Some(why) = risk {
            let message = format!(
                "the reply may pass the 32 KB that Amazon Connect takes ({why}); what does not fit is left out, and tl_truncated says so"
            );
            add(
                found,
                "reply-size",
                "warning",
                block,
                message,
                "ask for fewer records and fields, or branch on tl_truncated",
            );
        }
    }
}

/// The number behind the last LIMIT; a parameter in its place counts as small.
fn limit(query: &str) -> Option<u64> {
    let lower = query.to_ascii_lowercase();
    let mut words = lower.split_whitespace().rev();
    let mut behind = words.next()?;
    for word in words {
        if word == "limit" {
            return Some(behind.parse().unwrap_or(0));
        }
        behind = word;
    }
    None
}

fn short_timeout(flow: &Flow, found: &mut Vec<Found>) {
    for (block, invoke) in flow.invokes() {
        if let Some(seconds) = invoke.seconds.filter(|s| *s < 3) {
            let message =
                format!("the block waits {seconds} s; a cold start and a slow Salesforce need more");
            add(found, "short-timeout", "warning", block, message, "wait 3 s at least, 8 s at most");
        }
    }
}

/// Operations that have a better one.
fn superseded(flow: &Flow, found: &mut Vec<Found>) {
    for (block, invoke) in flow.invokes() {
        let phone = |(name, _): &(String, String)| {
            matches!(name.to_ascii_lowercase().as_str(), "homephone" | "mobilephone")
        };
        let looks_up = matches!(invoke.operation(), "lookup" | "lookup_all");
        if looks_up && invoke.parameters.iter().any(phone) {
            let message = "looks for a phone number by pattern, which reads the whole table and takes ten digits for an American number".to_owned();
            add(
                found,
                "superseded",
                "warning",
                block,
                message,
                "use phoneLookup, with sf_object if it is not Contact",
            );
        }
        let query = invoke.get("query").unwrap_or_default().trim_start();
        let soql = query.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"));
        if matches!(invoke.operation(), "searchSOSL" | "searchOneSOSL") && soql {
            let message = format!("gives a SELECT to {}, which asks for SOSL", invoke.operation());
            add(found, "superseded", "warning", block, message, "use query or queryOne for SOQL");
        }
        if invoke.operation() == "update" && object(invoke).contains('/') {
            let message = "updates by an external id through a slash in sf_object".to_owned();
            add(
                found,
                "superseded",
                "note",
                block,
                message,
                "use upsert with sf_external_field and sf_external_id",
            );
        }
    }
}

fn object(invoke: &Invoke) -> &str {
    invoke.get("sf_object").unwrap_or_default()
}

fn no_error_branch(flow: &Flow, found: &mut Vec<Found>) {
    for (block, _) in flow.invokes() {
        if block.errors.iter().all(String::is_empty) {
            let message = "has no way for an error: the contact ends there".to_owned();
            add(
                found,
                "no-error-branch",
                "error",
                block,
                message,
                "lead the error branch somewhere: a prompt, a queue",
            );
        } else if block.errors.iter().all(|e| block.next.contains(e)) {
            let message = "goes the same way on an error and on an answer".to_owned();
            add(
                found,
                "no-error-branch",
                "warning",
                block,
                message,
                "after an error $.External holds nothing; branch before it is used",
            );
        }
    }
}
