//! What is known about blocks, sources and events: data, embedded and read once.
//!
//! The engine, the validator, the editor and the reference page read the same two files,
//! `schemas/cti-catalogue.json` and `schemas/cti-sources.json`. Names seen in real flow files are
//! marked `example`; `inferred` ones follow the pattern of those and may turn out otherwise.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

const BLOCKS: &str = include_str!("../../schemas/cti-catalogue.json");
const SOURCES: &str = include_str!("../../schemas/cti-sources.json");

/// The catalogue, whole.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Catalogue {
    /// Groups of blocks, in their order.
    pub categories: Vec<Entry>,
    /// Who carries a block out.
    pub executors: Vec<Entry>,
    /// How sure a name is.
    pub evidence: Vec<Entry>,
    /// What an argument takes.
    pub control_types: Vec<Entry>,
    /// All blocks.
    pub blocks: Vec<Block>,
    /// All sources with their events.
    pub sources: Vec<Source>,
    #[serde(skip)]
    by_type: HashMap<&'static str, usize>,
}

/// A word of the catalogue and what it means.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = CatalogueEntry))]
pub struct Entry {
    /// The word.
    pub id: String,
    /// Its title, where it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it means.
    pub description: String,
}

/// One kind of action.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = CatalogueBlock))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Block {
    /// `SE_…`, as it stands in a flow file.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name for people.
    pub title: String,
    /// What it does.
    pub description: String,
    /// Its group.
    pub category: String,
    /// Who carries it out.
    pub executor: Executor,
    /// `rect`, `diamond`, `circle`.
    pub shape: String,
    /// Its arguments.
    pub controls: Vec<Control>,
    /// What it returns.
    pub results: Vec<ResultField>,
    /// Its outputs.
    pub ports: Vec<String>,
    /// The sources in whose flows it makes sense.
    pub sources: Vec<String>,
    /// Other titles it goes by.
    pub aliases: Vec<String>,
    /// Words it is found by.
    pub tags: Vec<String>,
    /// The interfaces it calls.
    pub calls: Vec<String>,
    /// Why it should no longer be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
    /// What whoever carries it out must take care of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety: Option<String>,
    /// Whether it can do harm by what is written into it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dangerous: bool,
    /// How sure its names are.
    pub evidence: Evidence,
}

/// How sure the names of a block are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// Of the type name.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of the block.
    pub block: String,
    /// Of its outputs.
    pub ports: String,
}

/// Who carries a block out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Executor {
    /// The run itself.
    Engine,
    /// The server, by HTTP.
    EngineHttp,
    /// The server, in Salesforce.
    ServerSalesforce,
    /// The server, in Amazon Connect.
    ServerConnect,
    /// The browser, on Salesforce pages.
    BrowserSalesforce,
    /// The browser, in the contact control panel.
    BrowserStreams,
    /// The browser, on the desktop's own page.
    BrowserDom,
}

impl Executor {
    /// Whether only a browser can do it.
    #[must_use]
    pub const fn is_browser(self) -> bool {
        matches!(self, Self::BrowserSalesforce | Self::BrowserStreams | Self::BrowserDom)
    }

    /// As the catalogue writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::EngineHttp => "engine-http",
            Self::ServerSalesforce => "server-salesforce",
            Self::ServerConnect => "server-connect",
            Self::BrowserSalesforce => "browser-salesforce",
            Self::BrowserStreams => "browser-streams",
            Self::BrowserDom => "browser-dom",
        }
    }
}

/// One argument of a block.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = BlockControl))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Control {
    /// Its name in the file.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// What it takes.
    #[serde(rename = "type")]
    pub kind: ControlType,
    /// Whether it must be there.
    pub required: bool,
    /// What counts where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// What may be chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// A sentence for the editor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// How sure its name is.
    pub evidence: String,
}

/// What an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ControlType {
    /// Text or an expression.
    Text,
    /// Any plain value or an expression.
    Any,
    /// A number, as text too.
    Number,
    /// A check box.
    Boolean,
    /// One of the options.
    Select,
    /// Names with values.
    Map,
    /// Values one after the other.
    List,
}

/// One value that a block returns.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ResultField {
    /// Its name in `results`.
    pub name: String,
    /// Its type, in words.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is.
    pub description: String,
    /// How sure its name is.
    pub evidence: String,
}

/// Where a flow can begin.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = FlowSource))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {
    /// Its name in our records.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// What it is.
    pub description: String,
    /// Whether it is one of the seven that the adapter's document lists.
    pub in_document: bool,
    /// Since which version of the adapter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// What expressions can read.
    pub context: Vec<ContextRoot>,
    /// The contact type in Amazon Connect's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_type: Option<String>,
    /// What can happen there.
    pub events: Vec<Event>,
}

/// A root of expressions that a source offers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema))]
pub struct ContextRoot {
    /// `agent`, `contact`, `payload`.
    pub root: String,
    /// Whether it is always there.
    pub always: bool,
}

/// What can start a flow.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = SourceEvent))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// When it comes.
    pub meaning: String,
    /// Since which version of the adapter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// What `$.payload` holds.
    pub payload: Vec<PayloadField>,
    /// Whether `$.payload` holds what its author put there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open_payload: bool,
    /// Whether it comes several times for one contact.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeats: bool,
    /// Whether it can come every second.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub often: bool,
    /// How the browser learns of it.
    pub subscription: String,
    /// An example: `payload`, `contact`, `agent`.
    pub sample: Map<String, Value>,
}

/// One field of an event's payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema))]
pub struct PayloadField {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// How sure its name is.
    pub evidence: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockFile {
    categories: Vec<Entry>,
    executors: Vec<Entry>,
    evidence: Vec<Entry>,
    control_types: Vec<Entry>,
    blocks: Vec<Block>,
}

#[derive(Deserialize)]
struct SourceFile {
    sources: Vec<Source>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "compiled into the program and read by a test")]
    let file: BlockFile = serde_json::from_str(BLOCKS).expect("schemas/cti-catalogue.json");
    #[expect(clippy::expect_used, reason = "compiled into the program and read by a test")]
    let sources: SourceFile = serde_json::from_str(SOURCES).expect("schemas/cti-sources.json");
    let mut catalogue = Catalogue {
        categories: file.categories,
        executors: file.executors,
        evidence: file.evidence,
        control_types: file.control_types,
        blocks: file.blocks,
        sources: sources.sources,
        by_type: HashMap::new(),
    };
    // Leaked once per process: the index borrows the names of a catalogue that lives as long.
    for (at, block) in catalogue.blocks.iter().enumerate() {
        catalogue.by_type.insert(Box::leak(block.kind.clone().into_boxed_str()), at);
    }
    catalogue
});

/// The catalogue.
#[must_use]
pub fn catalogue() -> &'static Catalogue {
    &CATALOGUE
}

/// The block of that type, if it is known.
#[must_use]
pub fn block(kind: &str) -> Option<&'static Block> {
    CATALOGUE.by_type.get(kind).and_then(|at| CATALOGUE.blocks.get(*at))
}

/// The source of that id or label, if it is known.
#[must_use]
pub fn source(id: &str) -> Option<&'static Source> {
    CATALOGUE.sources.iter().find(|s| s.id == id || s.label == id)
}

impl Block {
    /// The argument of that name.
    #[must_use]
    pub fn control(&self, name: &str) -> Option<&Control> {
        self.controls.iter().find(|c| c.name == name)
    }

    /// Whether it has an output of that name.
    #[must_use]
    pub fn has_port(&self, name: &str) -> bool {
        self.ports.iter().any(|p| p == name)
    }

    /// Whether it can leave by `failure`.
    #[must_use]
    pub fn can_fail(&self) -> bool {
        self.has_port("failure")
    }
}

impl Source {
    /// The event of that name.
    #[must_use]
    pub fn event(&self, name: &str) -> Option<&Event> {
        self.events.iter().find(|e| e.name == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn holds_every_block_source_and_event() {
        let catalogue = catalogue();
        assert_eq!(catalogue.blocks.len(), 114);
        assert_eq!(catalogue.by_type.len(), 114, "a type stands twice");
        assert_eq!(catalogue.blocks.iter().filter(|b| b.evidence.kind == "example").count(), 23);
        assert_eq!(catalogue.sources.len(), 9);
        assert_eq!(catalogue.sources.iter().filter(|s| s.in_document).count(), 7);
        assert_eq!(catalogue.sources.iter().map(|s| s.events.len()).sum::<usize>(), 59);
    }

    #[test]
    fn every_word_is_one_that_the_catalogue_explains() {
        let catalogue = catalogue();
        let known = |list: &[Entry], word: &str| list.iter().any(|e| e.id == word);
        for block in &catalogue.blocks {
            assert!(known(&catalogue.categories, &block.category), "{}", block.kind);
            assert!(known(&catalogue.executors, block.executor.name()), "{}", block.kind);
            assert!(known(&catalogue.evidence, &block.evidence.block), "{}", block.kind);
            assert!(matches!(block.shape.as_str(), "rect" | "diamond" | "circle"), "{}", block.kind);
            let ports: Vec<_> = block.ports.iter().map(String::as_str).collect();
            assert!(
                matches!(ports.as_slice(), [] | ["done"] | ["success", "failure"] | ["true", "false"]),
                "{}",
                block.kind
            );
            for source in &block.sources {
                assert!(catalogue.sources.iter().any(|s| &s.id == source), "{} {source}", block.kind);
            }
            let mut names = HashSet::new();
            for control in &block.controls {
                assert!(names.insert(&control.name), "{} {}", block.kind, control.name);
                assert_eq!(
                    control.kind == ControlType::Select,
                    !control.options.is_empty(),
                    "{} {}",
                    block.kind,
                    control.name
                );
            }
        }
    }

    #[test]
    fn samples_hold_the_fields_they_are_said_to_hold() {
        for source in &catalogue().sources {
            for event in &source.events {
                let payload = event.sample["payload"].as_object().unwrap();
                for field in &event.payload {
                    assert!(payload.contains_key(&field.name), "{} {} {}", source.id, event.name, field.name);
                }
                let contact = source.context.iter().any(|c| c.root == "contact" && c.always);
                assert_eq!(contact, event.sample.contains_key("contact"), "{} {}", source.id, event.name);
            }
        }
    }
}
