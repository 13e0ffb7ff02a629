//! The document of the interface (OpenAPI 3.1), made from the handlers it describes.
//!
//! What it never does: repeat what a handler says. What holds for every operation, the token and the
//! form of a refusal, is said here once.

use axum::Json;
use axum::http::StatusCode;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr};

use super::problem::Problem;
use super::{flows, ops};

/// The document of the interface.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Tieline",
        description = "Tieline: writes by contact, dead letters, the line, the simulated org, CTI Flows. \
                       Errors are problem details (RFC 9457). Every call but health needs `Authorization: Bearer TOKEN`.",
    ),
    servers((url = "/api")),
    paths(
        ops::writes::contact, ops::writes::waiting, ops::writes::doubt,
        ops::letters::dead_letters, ops::letters::dead_letter,
        ops::repair::edit, ops::repair::replay, ops::repair::discard, ops::history::history,
        ops::overview::overview, ops::overview::queue, ops::overview::budget, ops::overview::series,
        ops::pulse::events,
        ops::line::settings, ops::line::doctor, ops::line::worker, ops::line::pause, ops::line::resume,
        ops::cache::cache, ops::cache::forget,
        ops::faults::list, ops::faults::add, ops::faults::clear, ops::faults::remove, ops::faults::journal,
    ),
    components(schemas(Problem)),
    security(("token" = [])),
)]
struct Document;

/// The whole document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi().merge_from(flows::Description::openapi());
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "Printed at the start of `tieline local`, or given by `--token`. On AWS IAM's signature takes its place.",
    ));
    if let Some(components) = &mut document.components {
        components.add_security_scheme("token", SecurityScheme::Http(token.build()));
    }
    document.paths.paths.values_mut().flat_map(operations).for_each(tell_refusals);
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten()
}

/// Every answer says what it is, and every refusal is a problem: those that a handler names, the
/// token's, and whatever else a request may have wrong.
fn tell_refusals(operation: &mut Operation) {
    let answers = &mut operation.responses.responses;
    answers.insert("401".to_owned(), RefOr::T(Response::new("the token is missing or wrong")));
    answers.insert(
        "default".to_owned(),
        RefOr::T(Response::new("the request cannot be read, or a part does not answer")),
    );
    for (status, answer) in answers {
        let RefOr::T(answer) = answer else { continue };
        let code = status.parse::<StatusCode>().ok();
        if answer.description.is_empty() {
            let reason = code.and_then(|code| code.canonical_reason()).unwrap_or("Answered");
            answer.description = reason.to_owned();
        }
        if code.is_none_or(|code| !code.is_success()) && answer.content.is_empty() {
            let content = Content::new(Some(Ref::from_schema_name("Problem")));
            let refusal = ResponseBuilder::from(std::mem::take(answer));
            *answer = refusal.content("application/problem+json", content).build();
        }
    }
}

pub(super) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page's types are made from this file (`npm run types` in `web/`).
    #[test]
    fn the_document_that_is_kept_is_the_one_that_is_served() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/openapi.json");
        let served = format!("{}\n", document().to_pretty_json().unwrap());
        if std::env::vars_os().any(|(name, _)| name == "UPDATE_OPENAPI") {
            std::fs::write(path, &served).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap();
        let cure = "schemas/openapi.json is old: UPDATE_OPENAPI=1 cargo test the_document_that_is_kept, \
                    then `npm run types` in web/";
        assert!(kept == served, "{cure}");
    }

    #[test]
    fn every_answer_says_what_it_is_and_every_refusal_is_a_problem() {
        let document = serde_json::to_value(document()).unwrap();
        let mut names = std::collections::BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert!(
                    names.insert(operation["operationId"].to_string()),
                    "{method} {path} has another's name"
                );
                for (status, answer) in operation["responses"].as_object().unwrap() {
                    let of = format!("{method} {path} {status}");
                    assert!(answer["description"].as_str().is_some_and(|text| !text.is_empty()), "{of}");
                    if !status.starts_with('2') {
                        let problem = &answer["content"]["application/problem+json"]["schema"]["$ref"];
                        assert_eq!(problem, "#/components/schemas/Problem", "{of}");
                    }
                }
            }
        }
        assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    }
}
