//! What the description of the interface says of a flow file. Nothing is read or written by it:
//! a [`Document`] keeps everything, named here or not.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::model::Document;

/// A flow file as the Amazon Connect CTI Adapter writes it; other keys are kept.
#[derive(Serialize, ToSchema)]
struct FlowDocument {
    /// The blocks, in no order that means anything.
    actions: Vec<FlowAction>,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

/// One block of a flow; other keys are kept.
#[derive(Serialize, ToSchema)]
struct FlowAction {
    /// Unique in the file and opaque; the editor writes `uid-N`.
    id: String,
    /// The kind of block; see `/catalogue`.
    #[serde(rename = "type")]
    kind: String,
    /// Its title, and what else editors keep there.
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Map<String, Value>>,
    /// Arguments by name; null in the older dialect.
    #[serde(skip_serializing_if = "Option::is_none")]
    controls: Option<Map<String, Value>>,
    /// Outputs by name, each with the id of the one action it leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    ports: Option<BTreeMap<String, Option<String>>>,
    /// The top left corner on the stage, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<[f64; 2]>,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

impl PartialSchema for Document {
    fn schema() -> RefOr<Schema> {
        FlowDocument::schema()
    }
}

impl ToSchema for Document {
    fn name() -> Cow<'static, str> {
        FlowDocument::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        FlowDocument::schemas(schemas);
    }
}
