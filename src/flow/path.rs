//! Expressions of a CTI Flow: `$.actions.uid-5.results.value.[0].Name`.
//!
//! A value that begins with `$` and reads as a whole by this grammar is an expression; anything
//! else is the text that it is.
//!
//! ```text
//! expr = "$" ( "." name | [ "." ] "[" digits "]" | [ "." ] "['" text "']" )+
//! name = ( letter | digit | "_" | "-" )+
//! ```

use std::fmt;

use serde_json::Value;

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into a member of an object (or, where it is digits, an item of a list).
    Key(String),
    /// Into an item of a list.
    Index(usize),
}

/// An expression: the steps after `$`. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
}

/// The first step of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// `$.actions.<id>…`: the record of an action of this run.
    Actions,
    /// `$.payload…`: the data of the event.
    Payload,
    /// `$.contact…`: the contact as it was when the event came.
    Contact,
    /// `$.agent…`: the agent.
    Agent,
    /// `$.properties…`: the property store. Ours; the adapter does not read it.
    Properties,
}

impl Root {
    /// All of them, as they are written.
    pub const NAMES: [&'static str; 5] = ["actions", "payload", "contact", "agent", "properties"];

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "actions" => Self::Actions,
            "payload" => Self::Payload,
            "contact" => Self::Contact,
            "agent" => Self::Agent,
            "properties" => Self::Properties,
            _ => return None,
        })
    }
}

impl Path {
    /// Reads a text that begins with `$`. `None`: it is no expression.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let dotted = rest.strip_prefix('.');
            let (step, after) = bracket(dotted.unwrap_or(rest)).or_else(|| name(dotted?))?;
            steps.push(step);
            rest = after;
        }
        (!steps.is_empty()).then_some(Self { steps })
    }

    /// The key path of Extract Value: names and list positions with dots between, such as
    /// `0.Id`; brackets are read too.
    #[must_use]
    pub fn parse_key_path(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix("$.").unwrap_or(text);
        let mut steps = Vec::new();
        for part in text.split('.') {
            let (key, mut rest) = part.find('[').map_or((part, ""), |at| part.split_at(at));
            if key.is_empty() && rest.is_empty() {
                return None;
            }
            if !key.is_empty() {
                steps.push(Step::Key(key.to_owned()));
            }
            while !rest.is_empty() {
                let (step, after) = bracket(rest)?;
                steps.push(step);
                rest = after;
            }
        }
        Some(Self { steps })
    }

    /// Its steps after `$`.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What it begins with; `None` where the first name is none of the five.
    #[must_use]
    pub fn root(&self) -> Option<Root> {
        Root::named(self.key(0)?)
    }

    /// The name at a step, if that step is a name.
    #[must_use]
    pub fn key(&self, at: usize) -> Option<&str> {
        match self.steps.get(at)? {
            Step::Key(key) => Some(key),
            Step::Index(_) => None,
        }
    }

    /// The action whose record it reads.
    #[must_use]
    pub fn action(&self) -> Option<&str> {
        (self.root() == Some(Root::Actions)).then(|| self.key(1)).flatten()
    }

    /// The result that it reads of that action.
    #[must_use]
    pub fn result(&self) -> Option<&str> {
        (self.action().is_some() && self.key(2) == Some("results")).then(|| self.key(3)).flatten()
    }

    /// The same with another action read.
    #[must_use]
    pub fn with_action(&self, id: &str) -> Self {
        let mut steps = self.steps.clone();
        if let Some(step) = steps.get_mut(1) {
            *step = Step::Key(id.to_owned());
        }
        Self { steps }
    }

    /// The same with the name at a step replaced.
    #[must_use]
    pub fn with_key(&self, at: usize, key: &str) -> Self {
        let mut steps = self.steps.clone();
        if let Some(step) = steps.get_mut(at) {
            *step = Step::Key(key.to_owned());
        }
        Self { steps }
    }
}

impl fmt::Display for Path {
    /// As the editor writes it; reading it again gives the same steps.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        for step in &self.steps {
            match step {
                Step::Index(n) => write!(f, ".[{n}]")?,
                Step::Key(key) if !key.is_empty() && key.chars().all(is_name) => write!(f, ".{key}")?,
                Step::Key(key) => write!(f, "['{key}']")?,
            }
        }
        Ok(())
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

fn name(rest: &str) -> Option<(Step, &str)> {
    let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    (!name.is_empty()).then(|| (Step::Key(name.to_owned()), after))
}

fn bracket(rest: &str) -> Option<(Step, &str)> {
    let inner = rest.strip_prefix('[')?;
    if let Some(quoted) = inner.strip_prefix('\'') {
        let (key, after) = quoted.split_once("']")?;
        return Some((Step::Key(key.to_owned()), after));
    }
    let (digits, after) = inner.split_once(']')?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    Some((Step::Index(plain.then(|| digits.parse().ok()).flatten()?), after))
}

/// The names of the `${name}` places of a template, in their order.
#[must_use]
pub fn places(template: &str) -> Vec<&str> {
    let mut places = Vec::new();
    let mut rest = template;
    while let Some((_, after)) = rest.split_once("${") {
        let Some((name, then)) = after.split_once('}') else { break };
        places.push(name.trim());
        rest = then;
    }
    places
}

/// What stands at the end of the steps; `None` where something on the way is missing.
///
/// Contact attributes come as text or as `{name, value}`; both `attributes.K` and
/// `attributes.K.value` give the text of either.
#[must_use]
pub fn walk<'v>(value: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    let mut here = value;
    let mut attribute = 0;
    for step in steps {
        attribute = match step {
            Step::Key(key) if key == "attributes" => 1,
            _ if attribute == 1 => 2,
            Step::Key(key) if attribute == 2 && key == "value" && here.is_string() => continue,
            _ => 0,
        };
        here = match (here, step) {
            (Value::Object(map), Step::Key(key)) => map.get(key)?,
            (Value::Object(map), Step::Index(n)) => map.get(&n.to_string())?,
            (Value::Array(items), Step::Index(n)) => items.get(*n)?,
            (Value::Array(items), Step::Key(key)) => items.get(key.parse::<usize>().ok()?)?,
            _ => return None,
        };
        if attribute == 2
            && let Value::Object(map) = here
            && let (Some(text @ Value::String(_)), true) = (map.get("value"), map.contains_key("name"))
        {
            here = text;
        }
    }
    Some(here)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read<'v>(value: &'v Value, text: &str) -> Option<&'v Value> {
        walk(value, Path::parse(text)?.steps())
    }

    #[test]
    fn reads_the_spellings_of_real_files() {
        let run = json!({"actions": {"uid-5": {"results": {"value": [{"My_Field__c": 7, "a b": 8}]}}}});
        for text in [
            "$.actions.uid-5.results.value.[0].My_Field__c",
            "$.actions.uid-5.results.value[0].My_Field__c",
            "$['actions']['uid-5'].results.value.0.My_Field__c",
        ] {
            assert_eq!(read(&run, text), Some(&json!(7)), "{text}");
        }
        assert_eq!(read(&run, "$.actions.uid-5.results.value[0]['a b']"), Some(&json!(8)));
        assert_eq!(read(&run, "$.actions.uid-6.results.value"), None);
    }

    #[test]
    fn other_texts_are_no_expressions() {
        for text in [
            "$",
            "$5 off",
            "$12.results.type",
            "$.",
            "$.a..b",
            "$.a[x]",
            "$.a[*]",
            "$.a b",
            "$..a",
            "$.a[1",
            "$[-1]",
            "a.b",
            "",
        ] {
            assert_eq!(Path::parse(text), None, "{text}");
        }
        assert!(Path::parse(&format!("$.a[{}]", "9".repeat(40))).is_none(), "an index beyond counting");
    }

    #[test]
    fn attributes_are_text_in_either_form() {
        let plain = json!({"contact": {"attributes": {"lang": "en"}}});
        let named = json!({"contact": {"attributes": {"lang": {"name": "lang", "value": "en"}}}});
        for run in [&plain, &named] {
            assert_eq!(read(run, "$.contact.attributes.lang"), Some(&json!("en")));
            assert_eq!(read(run, "$.contact.attributes.lang.value"), Some(&json!("en")));
        }
        assert_eq!(read(&json!({"a": "text"}), "$.a.value"), None, "only attributes are read twice");
    }

    #[test]
    fn key_paths_are_read_as_extract_value_writes_them() {
        let value = json!([{"Id": "003", "contact": {"name": "x"}}]);
        for (text, found) in
            [("0.Id", json!("003")), ("[0].Id", json!("003")), ("0.contact.name", json!("x"))]
        {
            let path = Path::parse_key_path(text).unwrap();
            assert_eq!(walk(&value, path.steps()), Some(&found), "{text}");
        }
        assert_eq!(Path::parse_key_path("a..b"), None);
        assert_eq!(Path::parse_key_path(""), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_left_and_never_panics(text in "\\PC{0,40}") {
            if let Some(path) = Path::parse(&text) {
                prop_assert_eq!(Path::parse(&path.to_string()), Some(path));
            }
            drop(Path::parse_key_path(&text));
        }

        #[test]
        fn what_is_written_reads_the_same(text in "\\$((\\.[a-z_-]{1,4})|(\\.?\\[[0-9]{1,3}\\])|(\\['[a-z .$]{0,4}'\\])){1,5}") {
            let path = Path::parse(&text).unwrap();
            prop_assert_eq!(Path::parse(&path.to_string()).unwrap(), path);
        }
    }
}
