//! The blocks that a run carries out itself, and what it settles before it asks anybody.

use serde_json::{Map, Value, json};

use super::value::{from_number, items, number, same, text, truthy};
use super::{Exception, MAX_RESULT, StoreCall};
use crate::flow::path::{self, Path};

mod date;
mod phone;

pub use phone::e164;

/// What came of looking at a block.
#[derive(Debug)]
pub(super) enum Effect {
    /// It is done, with these results.
    Done(Value),
    /// It decided.
    Branch(bool),
    /// It failed.
    Fail(Exception),
    /// The property store or a counter is needed.
    Store(StoreCall),
    /// It waits, in milliseconds.
    Delay(f64),
    /// A line for the log.
    Log {
        /// `debug`, `info`, `warn`, `error`.
        level: String,
        /// The line.
        message: String,
    },
    /// Somebody else must do it.
    Perform,
}

/// Inputs of a block, resolved. What is absent was missing or not given.
pub(super) struct Inputs<'i>(pub(super) &'i Map<String, Value>);

impl Inputs<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    fn text(&self, name: &str) -> String {
        text(self.get(name))
    }

    /// A number argument: `None` where it is not given, an exception where it is no number.
    fn number(&self, name: &str) -> Result<Option<f64>, Exception> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(s)) if s.trim().is_empty() => Ok(None),
            given => number(given)
                .map(Some)
                .ok_or_else(|| Exception::new("NotANumber", format!("{name} is not a number; give digits."))),
        }
    }
}

fn value(value: impl Into<Value>) -> Effect {
    Effect::Done(json!({ "value": value.into() }))
}

/// Looks at a block whose required inputs are there.
pub(super) fn look(kind: &str, inputs: &Inputs<'_>, payload: &Value) -> Effect {
    try_look(kind, inputs, payload).unwrap_or_else(Effect::Fail)
}

fn try_look(kind: &str, inputs: &Inputs<'_>, payload: &Value) -> Result<Effect, Exception> {
    Ok(match kind {
        "SE_CoreDecision" => Effect::Branch(decide(inputs)?),
        "SE_CoreTruthy" => Effect::Branch(truthy(inputs.get("value"))),
        "SE_CoreIsOneOf" => {
            let found = inputs.get("value");
            Effect::Branch(
                found.is_some() && items(inputs.get("values")).iter().any(|v| same(found, Some(v))),
            )
        }
        "SE_CoreStartsWith" => Effect::Branch(affix(inputs, |whole, part| whole.starts_with(part))),
        "SE_CoreEndsWith" => Effect::Branch(affix(inputs, |whole, part| whole.ends_with(part))),
        "SE_GetProperty" => Effect::Store(StoreCall::Get { key: inputs.text("key") }),
        "SE_SetProperty" => Effect::Store(StoreCall::Set {
            key: inputs.text("key"),
            value: inputs.get("value").cloned().unwrap_or(Value::Null),
        }),
        "SE_UnsetProperty" => Effect::Store(StoreCall::Unset { key: inputs.text("key") }),
        "SE_GetAllProperties" => Effect::Store(StoreCall::All),
        "SE_ClearProperties" => Effect::Store(StoreCall::Clear),
        "SE_UpdateCounter" => Effect::Store(StoreCall::Count {
            name: inputs.text("name"),
            step: inputs.number("step")?.unwrap_or(1.0),
        }),
        "SE_GetCounter" => Effect::Store(StoreCall::Counter { name: inputs.text("name") }),
        "SE_GetPayload" => value(payload.clone()),
        "SE_CoreFormatPhoneNumber" => {
            value(phone::national(&inputs.text("phoneNumber"), &inputs.text("countryCode")))
        }
        "SE_CoreFormatPhoneNumberE164" => {
            value(e164(&inputs.text("phoneNumber"), &inputs.text("countryCode")))
        }
        "SE_CoreFormatDate" => {
            value(date::format(inputs.get("date"), &inputs.text("format"), &inputs.text("timeZone"))?)
        }
        "SE_CoreReplaceString" => {
            value(inputs.text("text").replacen(&inputs.text("search"), &inputs.text("replacement"), 1))
        }
        "SE_CoreJoinStrings" => {
            value(format!("{}{}{}", inputs.text("value1"), inputs.text("separator"), inputs.text("value2")))
        }
        "SE_CoreStringTemplate" => {
            let filled = fill(&inputs.text("template"), inputs.get("variables"))?;
            Effect::Done(json!({ "string": filled, "value": filled }))
        }
        "SE_CoreExtractValue" => extract(inputs)?,
        "SE_CoreLength" => value(length(inputs.get("value"))),
        "SE_CoreSlice" => slice(inputs)?,
        "SE_CoreCast" => value(cast(inputs.get("value"), &inputs.text("type"))?),
        "SE_CoreMultiply" => value(product(inputs, |a, b| Ok(a * b))?),
        "SE_CoreDivide" => value(product(inputs, |a, b| {
            if b == 0.0 {
                return Err(Exception::new("DivisionByZero", "The second number is zero; test it before."));
            }
            Ok(a / b)
        })?),
        "SE_CoreDelay" => Effect::Delay(inputs.number("milliseconds")?.unwrap_or(0.0)),
        "SE_Log" => Effect::Log { level: inputs.text("level"), message: inputs.text("message") },
        _ => settled(kind, inputs).unwrap_or(Effect::Perform),
    })
}

/// What needs nobody although somebody else carries out the block: an empty search, an empty pop.
pub(super) fn settled(kind: &str, inputs: &Inputs<'_>) -> Option<Effect> {
    let empty = |name: &str| inputs.text(name).trim().is_empty();
    match kind {
        "SE_SFScreenpopObject" if empty("recordId") => Some(if truthy(inputs.get("noPopOnEmpty")) {
            Effect::Done(Value::Null)
        } else {
            Effect::Fail(Exception::new(
                "EmptyRecordId",
                "The record id is empty, so no record can be opened.",
            ))
        }),
        "SE_SFSearchAndScreenpop" if empty("searchParams") => {
            Some(Effect::Done(json!({ "count": 0, "id": null, "value": {} })))
        }
        "SE_SFSaveLog" if empty("recordId") && empty("entityType") => Some(Effect::Fail(Exception::new(
            "MissingInput",
            "Without a record id, entityType must name the object to create.",
        ))),
        _ => None,
    }
}

fn affix(inputs: &Inputs<'_>, test: impl Fn(&str, &str) -> bool) -> bool {
    let Some(whole) = inputs.get("text") else { return false };
    let whole = text(Some(whole));
    items(inputs.get("values")).iter().any(|part| test(&whole, &text(Some(part))))
}

/// The operators of If-else, however they are spelled: `notEquals`, `not equals`, `!=`.
fn decide(inputs: &Inputs<'_>) -> Result<bool, Exception> {
    let (a, b) = (inputs.get("value1"), inputs.get("value2"));
    let operator = inputs.text("operator");
    let plain: String = operator.chars().filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-')).collect();
    let empty = || match a {
        None | Some(Value::Null) => true,
        Some(Value::String(s)) => s.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(map)) => map.is_empty(),
        Some(_) => false,
    };
    Ok(match plain.to_lowercase().as_str() {
        "equals" | "=" | "==" | "===" => same(a, b),
        "notequals" | "!=" | "!==" | "<>" => !same(a, b),
        "contains" => match a {
            Some(Value::Array(items)) => items.iter().any(|v| same(Some(v), b)),
            Some(Value::Object(map)) => map.contains_key(&text(b)),
            _ => a.is_some() && text(a).contains(&text(b)),
        },
        "startswith" => a.is_some() && text(a).starts_with(&text(b)),
        "endswith" => a.is_some() && text(a).ends_with(&text(b)),
        "greaterthan" | ">" => order(a, b) == Some(std::cmp::Ordering::Greater),
        "greaterorequal" | ">=" => order(a, b).is_some_and(std::cmp::Ordering::is_ge),
        "lessthan" | "<" => order(a, b) == Some(std::cmp::Ordering::Less),
        "lessorequal" | "<=" => order(a, b).is_some_and(std::cmp::Ordering::is_le),
        "isempty" => empty(),
        "isnotempty" => !empty(),
        _ => {
            return Err(Exception::new("UnknownOperator", format!("The operator {operator} is not known.")));
        }
    })
}

/// Numbers by value, other texts by their letters; with nothing there is no order.
fn order(a: Option<&Value>, b: Option<&Value>) -> Option<std::cmp::Ordering> {
    if let (Some(x), Some(y)) = (number(a), number(b)) {
        return x.partial_cmp(&y);
    }
    match (a?, b?) {
        (Value::Null, _) | (_, Value::Null) => None,
        _ => Some(text(a).cmp(&text(b))),
    }
}

/// Stops where nobody could keep it: a short template may name a long value often.
fn fill(template: &str, variables: Option<&Value>) -> Result<String, Exception> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, then)) = after.split_once('}') else { break };
        out.push_str(before);
        match variables.and_then(|v| v.get(name.trim())) {
            Some(found) => out.push_str(&text(Some(found))),
            None => out.push_str(&format!("${{{name}}}")),
        }
        if out.len() > MAX_RESULT {
            return Err(Exception::new(
                "ResultTooLarge",
                format!("The text is longer than {MAX_RESULT} bytes; put less into it."),
            ));
        }
        rest = then;
    }
    Ok(out + rest)
}

fn extract(inputs: &Inputs<'_>) -> Result<Effect, Exception> {
    let written = inputs.text("keyPath");
    let path = Path::parse_key_path(&written).ok_or_else(|| {
        Exception::new("BadKeyPath", "The key path has the form 0.Id: names and positions with dots between.")
    })?;
    // Some blocks give JSON as text; a key path into text can mean nothing else.
    let target = match inputs.get("targetField") {
        Some(Value::String(s)) => serde_json::from_str(s).unwrap_or(Value::Null),
        Some(target) => target.clone(),
        None => Value::Null,
    };
    Ok(match path::walk(&target, path.steps()) {
        Some(found) => value(found.clone()),
        None => Effect::Done(json!({})),
    })
}

fn length(given: Option<&Value>) -> usize {
    match given {
        Some(Value::Array(items)) => items.len(),
        Some(Value::Object(map)) => map.len(),
        other => text(other).encode_utf16().count(),
    }
}

fn slice(inputs: &Inputs<'_>) -> Result<Effect, Exception> {
    let (start, end) = (inputs.number("start")?.unwrap_or(0.0), inputs.number("end")?);
    let range = |length: usize| {
        #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^52")]
        let whole = length as f64;
        let bound = |n: f64| if n < 0.0 { (whole + n.trunc()).max(0.0) } else { n.trunc().min(whole) };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the length"
        )]
        let (from, to) = (bound(start) as usize, end.map_or(length, |e| bound(e) as usize));
        from..to.max(from)
    };
    Ok(match inputs.get("value") {
        Some(Value::Array(items)) => value(items.get(range(items.len())).unwrap_or_default().to_vec()),
        other => {
            let units: Vec<u16> = text(other).encode_utf16().collect();
            value(String::from_utf16_lossy(units.get(range(units.len())).unwrap_or_default()))
        }
    })
}

/// The texts `true` and `false` mean what they say; everything else follows JavaScript.
fn cast(given: Option<&Value>, kind: &str) -> Result<Value, Exception> {
    Ok(match kind.to_lowercase().as_str() {
        "string" => Value::String(text(given)),
        "number" => {
            let n = match given {
                None | Some(Value::Null) => Some(0.0),
                Some(Value::String(s)) if s.trim().is_empty() => Some(0.0),
                given => number(given),
            };
            n.and_then(from_number)
                .ok_or_else(|| Exception::new("NotANumber", "The value is not a number; test it before."))?
        }
        "boolean" => match given {
            Some(Value::String(s)) if s.eq_ignore_ascii_case("false") => Value::Bool(false),
            given => Value::Bool(truthy(given)),
        },
        "date" => Value::String(date::iso(given)?),
        _ => return Err(Exception::new("UnknownType", "The type is one of String, Number, Boolean, Date.")),
    })
}

fn product(
    inputs: &Inputs<'_>,
    compute: impl Fn(f64, f64) -> Result<f64, Exception>,
) -> Result<Value, Exception> {
    let operand = |name: &str| {
        inputs
            .number(name)?
            .ok_or_else(|| Exception::new("NotANumber", format!("{name} is empty; give digits.")))
    };
    let n = compute(operand("value1")?, operand("value2")?)?;
    from_number(n).ok_or_else(|| Exception::new("NotANumber", "The result is too large to be written."))
}
