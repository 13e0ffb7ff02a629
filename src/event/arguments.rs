//! The parameters of one operation, asked for by name.

use serde_json::{Map, Value};

use super::Refusal;

/// `Details.Parameters` without the `tl_` ones, read for one operation.
pub(super) struct Arguments<'a> {
    pub(super) operation: &'a str,
    pub(super) given: &'a Map<String, Value>,
}

impl<'a> Arguments<'a> {
    /// Every parameter of `names` must be there. All that are missing are named at once, in
    /// upstream's words.
    pub(super) fn demand(&self, names: &[&str]) -> Result<(), Refusal> {
        let missing: Vec<String> = names
            .iter()
            .filter(|name| !self.given.contains_key(**name))
            .map(|name| format!("'{name}'"))
            .collect();
        let list = match missing.as_slice() {
            [] => return Ok(()),
            [one] => one.clone(),
            [one, two] => format!("{one} and {two}"),
            [all @ .., last] => format!("{}, and {last}", all.join(", ")),
        };
        let plural = if missing.len() == 1 { "" } else { "s" };
        Err(Refusal::missing(format!(
            "{operation}() missing {n} required positional argument{plural}: {list}. Add the parameter{plural} to \
             the block that invokes {operation}",
            operation = self.operation,
            n = missing.len(),
        )))
    }

    /// A parameter as text, where it says something: not null and not blank. Numbers and booleans
    /// are read as their text.
    pub(super) fn optional(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.given.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(value) => text_of(name, value).map(Some),
        }
    }

    /// A parameter that must say something.
    pub(super) fn text(&self, name: &str) -> Result<String, Refusal> {
        self.optional(name)?.ok_or_else(|| {
            Refusal::invalid(format!(
                "the parameter {name} is blank: {operation} needs a value there. Check the attribute from which the \
                 block takes it",
                operation = self.operation
            ))
        })
    }

    /// A text that may be blank, such as a message.
    pub(super) fn any_text(&self, name: &str) -> Result<String, Refusal> {
        self.given.get(name).map_or_else(|| Ok(String::new()), |value| text_of(name, value))
    }

    /// A list of fields: a JSON list, or a text with commas.
    pub(super) fn list(&self, name: &str) -> Result<Vec<String>, Refusal> {
        let items: Vec<String> = match self.given.get(name) {
            Some(Value::Array(items)) => {
                items.iter().map(|item| text_of(name, item)).collect::<Result<_, _>>()?
            }
            _ => self.text(name)?.split(',').map(str::to_owned).collect(),
        };
        let items: Vec<String> =
            items.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect();
        if items.is_empty() {
            return Err(Refusal::invalid(format!(
                "the parameter {name} names no field: write API names with commas between them, such as \"Id, Name\""
            )));
        }
        Ok(items)
    }

    /// All other parameters, in their order.
    pub(super) fn others(
        &self,
        named: &'a [&str],
    ) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        self.given
            .iter()
            .filter(move |(name, _)| name.as_str() != "sf_operation" && !named.contains(&name.as_str()))
    }
}

/// A value as text; null is nothing.
pub(super) fn text_of(name: &str, value: &Value) -> Result<String, Refusal> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Ok(String::new()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Array(_) | Value::Object(_) => Err(Refusal::invalid(format!(
            "the parameter {name} holds an object or a list where a text is needed: give a text"
        ))),
    }
}
