//! An exported contact flow as its blocks and the ways between them.
//!
//! Amazon Connect exports two forms: the flow language (`Actions`), and the designer's older one
//! (`modules`). Both become the same [`Flow`]; what is not needed is passed over.

use std::collections::BTreeSet;

use serde_json::Value;

/// A contact flow.
#[derive(Debug, Default)]
pub(super) struct Flow {
    pub(super) blocks: Vec<Block>,
}

/// One block.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) id: String,
    /// What a person calls it: its own name, else its kind and id.
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Where it goes when all is well.
    pub(super) next: Vec<String>,
    /// Where it goes on an error.
    pub(super) errors: Vec<String>,
    /// Whether it uses the Id that the last call replied.
    pub(super) uses_id: bool,
}

/// How a flow names the Id that the last call replied.
pub(super) const ID: &str = "$.External.Id";

#[derive(Debug)]
pub(super) enum Kind {
    /// Invokes our function.
    Invoke(Invoke),
    /// Compares a value with constants.
    Compare { value: String, with: Vec<String> },
    /// Copies values to attributes: name and value.
    SetAttributes(Vec<(String, String)>),
    /// Anything else.
    Other,
}

#[derive(Debug)]
pub(super) struct Invoke {
    /// The block's time-out in seconds.
    pub(super) seconds: Option<u64>,
    /// Whether the flow goes on before the answer.
    pub(super) asynchronous: bool,
    /// Parameters in their order; a value that begins with `$` is taken from the contact.
    pub(super) parameters: Vec<(String, String)>,
}

impl Invoke {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub(super) fn operation(&self) -> &str {
        self.get("sf_operation").unwrap_or_default()
    }

    /// Whether it changes something.
    pub(super) fn writes(&self) -> bool {
        self.creates() || matches!(self.operation(), "update" | "delete")
    }

    /// Whether its reply holds the Id of something new.
    pub(super) fn creates(&self) -> bool {
        matches!(self.operation(), "create" | "upsert" | "createChatterPost" | "createChatterComment")
    }
}

/// Whether a value is taken from the contact when the block runs.
pub(super) fn dynamic(value: &str) -> bool {
    value.starts_with("$.") || value.starts_with("$[")
}

/// The references to the contact that stand within a text.
pub(super) fn references(text: &str) -> impl Iterator<Item = &str> {
    let end = |c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '$'));
    text.match_indices("$.").map(move |(at, _)| {
        let from = text.get(at..).unwrap_or_default();
        from.split(end).next().unwrap_or_default().trim_end_matches('.')
    })
}

impl Flow {
    /// The blocks of an exported flow; `None` where this is none.
    pub(super) fn read(text: &Value) -> Option<Self> {
        let blocks = match (text.get("Actions"), text.get("modules")) {
            (Some(Value::Array(actions)), _) => actions.iter().filter_map(action).collect(),
            (_, Some(Value::Array(modules))) => modules.iter().filter_map(module).collect(),
            _ => return None,
        };
        Some(Self { blocks })
    }

    pub(super) fn invokes(&self) -> impl Iterator<Item = (&Block, &Invoke)> {
        self.blocks.iter().filter_map(|block| match &block.kind {
            Kind::Invoke(invoke) => Some((block, invoke)),
            _ => None,
        })
    }

    fn block(&self, id: &str) -> Option<&Block> {
        self.blocks.iter().find(|b| b.id == id)
    }

    /// The blocks that can come after this one, as far as `on` lets one pass through a block.
    pub(super) fn after(&self, from: &Block, on: impl Fn(&Block) -> bool) -> Vec<&Block> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        let mut ahead: Vec<&String> = from.next.iter().chain(&from.errors).collect();
        while let Some(id) = ahead.pop() {
            if !seen.insert(id.clone()) {
                continue;
            }
            let Some(block) = self.block(id) else { continue };
            found.push(block);
            if on(block) {
                ahead.extend(block.next.iter().chain(&block.errors));
            }
        }
        found
    }

    /// Whether a contact can come to this block again.
    pub(super) fn in_a_loop(&self, block: &Block) -> bool {
        self.after(block, |_| true).iter().any(|b| b.id == block.id)
    }
}

fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn pairs(value: Option<&Value>) -> Vec<(String, String)> {
    let Some(Value::Object(object)) = value else { return Vec::new() };
    object.keys().map(|key| (key.clone(), text(&Value::Object(object.clone()), key))).collect()
}

/// Whether a block that invokes a function invokes ours.
fn ours(arn: &str, parameters: &[(String, String)]) -> bool {
    arn.contains("sfInvokeAPI") || parameters.iter().any(|(name, _)| name == "sf_operation")
}

/// A block of the flow language.
fn action(action: &Value) -> Option<Block> {
    let id = text(action, "Identifier");
    if id.is_empty() {
        return None;
    }
    let parameters = action.get("Parameters").cloned().unwrap_or_default();
    let next = std::iter::once(text(&action["Transitions"], "NextAction"))
        .chain(list(action, "/Transitions/Conditions").map(|c| text(c, "NextAction")))
        .filter(|id| !id.is_empty())
        .collect();
    let errors = list(action, "/Transitions/Errors").map(|e| text(e, "NextAction")).collect();
    let kind = match text(action, "Type").as_str() {
        "InvokeLambdaFunction" => {
            let given = pairs(parameters.get("LambdaInvocationAttributes"));
            if ours(&text(&parameters, "LambdaFunctionARN"), &given) {
                Kind::Invoke(Invoke {
                    seconds: text(&parameters, "InvocationTimeLimitSeconds").parse().ok(),
                    asynchronous: text(&parameters, "InvocationType").eq_ignore_ascii_case("ASYNCHRONOUS"),
                    parameters: given,
                })
            } else {
                Kind::Other
            }
        }
        "Compare" => Kind::Compare {
            value: text(&parameters, "ComparisonValue"),
            with: list(action, "/Transitions/Conditions")
                .flat_map(|c| list(c, "/Condition/Operands"))
                .filter_map(|o| o.as_str().map(str::to_owned))
                .collect(),
        },
        "UpdateContactAttributes" => Kind::SetAttributes(pairs(parameters.get("Attributes"))),
        _ => Kind::Other,
    };
    let name = named(&id, &text(action, "Type"));
    let uses_id = references(&parameters.to_string()).any(|reference| reference == ID);
    Some(Block { id, name, kind, next, errors, uses_id })
}

/// A block of the designer's older form.
fn module(module: &Value) -> Option<Block> {
    let id = text(module, "id");
    if id.is_empty() {
        return None;
    }
    let (mut next, mut errors, mut with) = (Vec::new(), Vec::new(), Vec::new());
    for branch in list(module, "/branches") {
        let to = text(branch, "transition");
        match text(branch, "condition").as_str() {
            "Error" => errors.push(to),
            _ => {
                with.extend(Some(text(branch, "conditionValue")).filter(|v| !v.is_empty()));
                next.push(to);
            }
        }
    }
    let one = |name: &str| {
        let found = list(module, "/parameters").find(|p| text(p, "name") == name);
        found.map(value_of).unwrap_or_default()
    };
    let many = |name: &str| -> Vec<(String, String)> {
        let found = list(module, "/parameters").filter(|p| text(p, "name") == name);
        found.map(|p| (text(p, "key"), value_of(p))).collect()
    };
    let kind = match text(module, "type").as_str() {
        "InvokeExternalResource" => {
            let given = many("Parameter");
            if ours(&one("FunctionArn"), &given) {
                let seconds = one("TimeLimit").parse().ok();
                Kind::Invoke(Invoke { seconds, asynchronous: false, parameters: given })
            } else {
                Kind::Other
            }
        }
        "CheckAttribute" => Kind::Compare { value: spelled(&one("Namespace"), &one("Attribute")), with },
        "SetAttributes" => Kind::SetAttributes(many("Attribute")),
        _ => Kind::Other,
    };
    let own = module.pointer("/metadata/name").and_then(Value::as_str).filter(|n| !n.is_empty());
    let name = own.map_or_else(|| named(&id, &text(module, "type")), str::to_owned);
    let uses_id = list(module, "/parameters").any(|p| value_of(p) == ID);
    Some(Block { id, name, kind, next, errors, uses_id })
}

/// The value of an older form's parameter, spelled as the flow language does.
fn value_of(parameter: &Value) -> String {
    match text(parameter, "namespace") {
        namespace if namespace.is_empty() => text(parameter, "value"),
        namespace => spelled(&namespace, &text(parameter, "value")),
    }
}

fn spelled(namespace: &str, name: &str) -> String {
    match namespace {
        "External" => format!("$.External.{name}"),
        "User Defined" => format!("$.Attributes.{name}"),
        _ => format!("$.{name}"),
    }
}

/// A generated id says nothing to a person; then the kind of block goes before it.
fn named(id: &str, kind: &str) -> String {
    let generated = id.len() == 36 && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if generated { format!("{kind} {id}") } else { id.to_owned() }
}
