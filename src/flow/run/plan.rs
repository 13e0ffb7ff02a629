//! A document made ready to run: connections resolved, expressions read, defaults filled in.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::MAX_INPUTS;
use super::value::weight;
use crate::flow::catalogue::{self, Block, ControlType, Executor};
use crate::flow::json::Json;
use crate::flow::model::{Action, Document};
use crate::flow::path::{self, Path, Root, Step};
use crate::flow::validate::null_value;

/// A flow that can be run. Built from any document: what is broken in it fails when it is reached.
#[derive(Debug)]
pub struct Flow {
    pub(super) nodes: Vec<Node>,
    by_id: HashMap<String, usize>,
    pub(super) start: Option<usize>,
    name: Option<String>,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) title: String,
    pub(super) block: Option<&'static Block>,
    inputs: Vec<(String, Input)>,
    ports: Vec<(String, Result<usize, String>)>,
}

#[derive(Debug)]
enum Input {
    Literal(Value),
    Path(Path, String),
    Map(Vec<(String, Self)>),
    List(Vec<Self>),
}

/// Where an output leads.
pub(super) enum Next<'f> {
    To(&'f str),
    Nowhere,
    Missing(&'f str),
}

/// Arguments of an action, with their expressions replaced.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) inputs: Map<String, Value>,
    /// Expressions that found nothing.
    pub(super) unresolved: Vec<String>,
    /// What expressions found, in bytes.
    read: usize,
}

impl Resolved {
    /// Whether there was more than an action may be given.
    pub(super) const fn too_large(&self) -> bool {
        self.read > MAX_INPUTS
    }
}

/// What expressions read.
pub(super) struct Scope<'s> {
    pub(super) actions: &'s Map<String, Value>,
    pub(super) payload: &'s Value,
    pub(super) contact: &'s Value,
    pub(super) agent: &'s Value,
    pub(super) properties: &'s Map<String, Value>,
}

impl Flow {
    /// Makes a document ready.
    #[must_use]
    pub fn new(document: &Document) -> Self {
        let mut by_id = HashMap::new();
        for (index, action) in document.actions().enumerate() {
            if let Some(id) = action.id() {
                by_id.entry(id.to_owned()).or_insert(index);
            }
        }
        let nodes: Vec<Node> = document.actions().map(|action| Node::new(action, &by_id)).collect();
        let start = nodes.iter().position(|n| n.kind == "SE_Start");
        Self { nodes, by_id, start, name: document.name().map(str::to_owned) }
    }

    /// The name in the file, if it carries one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.get(*self.by_id.get(id)?)
    }
}

impl Node {
    fn new(action: Action<'_>, by_id: &HashMap<String, usize>) -> Self {
        let kind = action.kind().unwrap_or_default();
        let block = catalogue::block(kind);
        let dead = |name: &str| kind == "SE_SFCreateTask" && name == "TaskSubType";
        let mut inputs: Vec<(String, Input)> = action
            .controls()
            .iter()
            .filter(|(name, _)| !dead(name))
            .map(|(name, value)| {
                let kind = block.and_then(|b| b.control(name)).map(|c| c.kind);
                let value = if *value == Json::Null { &null_value(kind) } else { value };
                (name.clone(), Input::new(value, kind))
            })
            .collect();
        for control in block.map_or(&[][..], |b| &b.controls) {
            if let Some(default) = &control.default
                && !inputs.iter().any(|(name, _)| *name == control.name)
            {
                inputs.push((control.name.clone(), Input::Literal(default.clone())));
            }
        }
        let ports = action
            .ports()
            .map(|(port, target)| {
                let id = target.as_str().unwrap_or_default();
                (port.to_owned(), by_id.get(id).copied().ok_or_else(|| id.to_owned()))
            })
            .collect();
        Self {
            id: action.id().unwrap_or_default().to_owned(),
            kind: kind.to_owned(),
            title: action.title().or(block.map(|b| b.title.as_str())).unwrap_or(kind).to_owned(),
            block,
            inputs,
            ports,
        }
    }

    pub(super) fn executor(&self) -> Option<Executor> {
        self.block.map(|b| b.executor)
    }

    /// Whether it has this output, by the catalogue or, for unknown blocks, by its connections.
    pub(super) fn has_port(&self, port: &str) -> bool {
        match self.block {
            Some(block) => block.has_port(port),
            None => self.ports.iter().any(|(p, _)| p == port),
        }
    }

    pub(super) fn next<'f>(&'f self, flow: &'f Flow, port: &str) -> Next<'f> {
        match self.ports.iter().rev().find(|(p, _)| p == port) {
            Some((_, Ok(index))) => flow.nodes.get(*index).map_or(Next::Nowhere, |n| Next::To(&n.id)),
            Some((_, Err(id))) => Next::Missing(id),
            None => Next::Nowhere,
        }
    }

    /// The arguments with their expressions replaced, and the expressions that found nothing.
    pub(super) fn resolve(&self, scope: &Scope<'_>) -> Resolved {
        let mut resolved = Resolved::default();
        for (name, input) in &self.inputs {
            if let Some(value) = input.resolve(scope, &mut resolved) {
                resolved.inputs.insert(name.clone(), value);
            }
        }
        resolved
    }

    /// The first required argument that is absent. What takes any value can do with nothing.
    pub(super) fn missing(&self, inputs: &Map<String, Value>) -> Option<&'static str> {
        let block = self.block?;
        block
            .controls
            .iter()
            .filter(|c| c.required && !(block.executor == Executor::Engine && c.kind == ControlType::Any))
            .find(|c| !inputs.contains_key(&c.name))
            .map(|c| c.name.as_str())
    }
}

impl Input {
    fn new(value: &Json, kind: Option<ControlType>) -> Self {
        match value {
            Json::Text(text) => match Path::parse(text).filter(|p| p.root().is_some()) {
                Some(path) => Self::Path(path, text.clone()),
                // A map or a list that is not given is written as empty text by old files.
                None if text.is_empty() && kind == Some(ControlType::Map) => Self::Map(Vec::new()),
                None => Self::Literal(match (kind, text.as_str()) {
                    // A check box that somebody wrote by hand: it means what it says.
                    (Some(ControlType::Boolean), "true") => Value::Bool(true),
                    (Some(ControlType::Boolean), "false") => Value::Bool(false),
                    _ => Value::String(text.clone()),
                }),
            },
            Json::Object(members) => {
                Self::Map(members.iter().map(|(k, v)| (k.clone(), Self::new(v, None))).collect())
            }
            Json::Array(items) => Self::List(items.iter().map(|v| Self::new(v, None)).collect()),
            plain => Self::Literal(plain.to_value()),
        }
    }

    fn resolve(&self, scope: &Scope<'_>, all: &mut Resolved) -> Option<Value> {
        match self {
            Self::Literal(value) => Some(value.clone()),
            // One value may be named thousands of times.
            Self::Path(..) if all.read > MAX_INPUTS => None,
            Self::Path(path, text) => {
                let found = scope.read(path);
                match &found {
                    Some(value) => all.read += weight(value, MAX_INPUTS),
                    None => all.unresolved.push(text.clone()),
                }
                found
            }
            Self::Map(members) => Some(Value::Object(
                members.iter().filter_map(|(k, v)| Some((k.clone(), v.resolve(scope, all)?))).collect(),
            )),
            Self::List(items) => {
                Some(Value::Array(items.iter().filter_map(|v| v.resolve(scope, all)).collect()))
            }
        }
    }
}

impl Scope<'_> {
    fn read(&self, path: &Path) -> Option<Value> {
        let root = path.root()?;
        let steps = path.steps().get(1..)?;
        let found = match (root, steps) {
            (Root::Actions, []) => return Some(Value::Object(self.actions.clone())),
            (Root::Properties, []) => return Some(Value::Object(self.properties.clone())),
            _ => self.find(root, steps),
        };
        found.or_else(|| self.find(root, &renamed(steps)?)).cloned()
    }

    fn find(&self, root: Root, steps: &[Step]) -> Option<&Value> {
        let map = match root {
            Root::Actions => self.actions,
            Root::Properties => self.properties,
            Root::Payload => return path::walk(self.payload, steps),
            Root::Agent => return path::walk(self.agent, steps),
            Root::Contact => return path::walk(self.contact, steps),
        };
        let [Step::Key(key), rest @ ..] = steps else { return None };
        path::walk(map.get(key)?, rest)
    }
}

/// The path to a parsed number by its other name: `phone` before version 5.22, `number` since.
fn renamed(steps: &[Step]) -> Option<Vec<Step>> {
    let [.., Step::Key(parsed), Step::Key(name)] = steps else { return None };
    let other = match (parsed.as_str(), name.as_str()) {
        ("parsedNumber", "phone") => "number",
        ("parsedNumber", "number") => "phone",
        _ => return None,
    };
    let mut steps = steps.to_vec();
    *steps.last_mut()? = Step::Key(other.to_owned());
    Some(steps)
}
