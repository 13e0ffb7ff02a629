//! Example flows to begin with.

use std::sync::LazyLock;

use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{TAG, ok};
use crate::flow::model::Document;

/// A flow to begin with.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Template {
    /// Its name in addresses.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// The source that it is for.
    pub source: String,
    /// The event that it is for.
    pub event: String,
    /// The flow.
    pub document: Document,
}

const FILES: [&str; 7] = [
    include_str!("../../../schemas/templates/screenpop-by-phone.json"),
    include_str!("../../../schemas/templates/screenpop-by-case.json"),
    include_str!("../../../schemas/templates/screenpop-by-email.json"),
    include_str!("../../../schemas/templates/task-on-call.json"),
    include_str!("../../../schemas/templates/click-to-dial.json"),
    include_str!("../../../schemas/templates/callback-task.json"),
    include_str!("../../../schemas/templates/chat-switching.json"),
];

/// All of them.
pub static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    FILES
        .iter()
        .map(|file| {
            #[expect(clippy::expect_used, reason = "compiled into the program and read by a test")]
            serde_json::from_str(file).expect("schemas/templates")
        })
        .collect()
});

/// All of them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Templates {
    templates: &'static [Template],
}

/// Flows to begin with.
#[utoipa::path(get, path = "/templates", operation_id = "templates", tag = TAG, responses((status = 200, body = Templates)))]
pub(super) async fn list() -> Response {
    ok(&Templates { templates: &TEMPLATES })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::validate::{Around, Severity, check};

    #[test]
    fn every_template_is_a_flow_without_fault_for_its_event() {
        for template in TEMPLATES.iter() {
            let around = Around {
                source: Some(template.source.clone()),
                event: Some(template.event.clone()),
                ..Around::default()
            };
            let bad: Vec<_> = check(&template.document, &around)
                .into_iter()
                .filter(|d| d.severity != Severity::Info)
                .map(|d| format!("{} {}", d.code, d.message))
                .collect();
            assert!(bad.is_empty(), "{}: {bad:?}", template.id);
        }
    }
}
