//! Repair of dead letters: edit, replay, discard. Everything is audited under the name `console`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::view::DeadLetterView;
use crate::clock;
use crate::http::App;
use crate::http::problem::Problem;
use crate::outcome::rows::DeadLetter;
use crate::replay::{Desk, DeskError, Options, Verdict, heads};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/dead-letters/{contact}/{id}", put(edit))
        .route("/dead-letters/replay", post(replay))
        .route("/dead-letters/discard", post(discard))
}

/// Fields to set in a dead create, update or upsert.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    /// The version that was looked at.
    version: u64,
    /// The fields; `null` takes one away.
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
}

/// Dead letters to send again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// Which.
    items: Vec<Item>,
    /// Only say what would be done.
    #[serde(default)]
    dry_run: bool,
    /// Send updates although their record changed since.
    #[serde(default)]
    overwrite: bool,
}

/// Dead letters to give up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Discard {
    /// Which.
    items: Vec<Item>,
    /// Why, for whoever asks later.
    reason: String,
}

/// One dead letter.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// The contact's chain.
    contact: String,
    /// The ticket.
    id: String,
}

/// What became of each.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Results {
    /// In the order of what was done: dependants behind their parents.
    results: Vec<Done>,
}

/// What became of one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// The contact's chain.
    contact: String,
    /// The ticket.
    id: String,
    /// `replayed`, `finished`, `already done`, `superseded`, `parent dead`, `unfit`, `discarded` or `failed`.
    verdict: String,
    /// What there is to say of it.
    message: Option<String>,
}

fn desk(app: &App) -> Result<Desk, Problem> {
    let stores = app.service.stores().cloned().unwrap_or_default();
    let Some(state) = stores.state else { return Err(super::state(None).err().unwrap_or_else(nowhere)) };
    let client = app.service.client().cloned();
    Ok(Desk {
        state: Arc::clone(&state),
        queue: stores.queue,
        cache: stores.cache,
        client,
        by: "console".to_owned(),
    })
}

fn nowhere() -> Problem {
    Problem::unavailable("There is no state table.")
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Store(error) => error.into(),
            DeskError::Changed(_) => Self::conflict(error.to_string()),
            DeskError::NoSuch(_) => {
                Self::not_found("There is no such dead letter; it was replayed or discarded meanwhile.")
            }
            DeskError::Refused(why) => Self::refused(why),
        }
    }
}

async fn find(desk: &Desk, contact: &str, id: &str) -> Result<DeadLetter, Problem> {
    let id = id.parse().map_err(|e| Problem::bad_request(format!("{e}")))?;
    Ok(desk.show(id, Some(contact), clock::now()).await?)
}

/// Sets fields of a dead letter. It is not sent: replay it.
#[utoipa::path(put, path = "/dead-letters/{contact}/{id}", params(("contact" = String, Path), ("id" = String, Path, description = "the ticket")), request_body = Edit, responses((status = 200, body = DeadLetterView), (status = 404), (status = 409, description = "somebody else changed it"), (status = 422)))]
pub async fn edit(
    State(app): State<App>,
    Path((contact, id)): Path<(String, String)>,
    Json(edit): Json<Edit>,
) -> Result<Json<DeadLetterView>, Problem> {
    let desk = desk(&app)?;
    let letter = find(&desk, &contact, &id).await?;
    if letter.version != edit.version {
        let problem = Problem::new(
            StatusCode::CONFLICT,
            "conflict",
            "It has changed meanwhile",
            "Somebody else changed this dead letter; look at it again.",
        );
        return Err(problem.with("current", letter.version.into()));
    }
    desk.set_fields(&letter, &edit.fields, clock::now()).await?;
    Ok(Json(find(&desk, &contact, &id).await?.into()))
}

/// Sends dead letters again, and those that died with them; or says what would be done.
#[utoipa::path(post, path = "/dead-letters/replay", request_body = Replay, responses((status = 200, body = Results)))]
pub async fn replay(State(app): State<App>, Json(asked): Json<Replay>) -> Result<Json<Results>, Problem> {
    let desk = desk(&app)?;
    let (mut letters, mut results) = (Vec::new(), Vec::new());
    for item in asked.items {
        match find(&desk, &item.contact, &item.id).await {
            Ok(letter) => letters.push(letter),
            Err(problem) => results.push(failed(item, problem.detail)),
        }
    }
    let options = Options { dry: asked.dry_run, overwrite: asked.overwrite };
    for letter in heads(letters) {
        match desk.replay(&letter, options, clock::now()).await {
            Ok(verdicts) => results.extend(verdicts.into_iter().map(|(id, verdict)| Done {
                contact: letter.group.clone(),
                id: id.to_string(),
                message: message(&verdict),
                verdict: verdict.word().to_owned(),
            })),
            Err(error) => {
                let item = Item { contact: letter.group.clone(), id: letter.id.to_string() };
                results.push(failed(item, error.to_string()));
            }
        }
    }
    Ok(Json(Results { results }))
}

fn message(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Replayed { generation } | Verdict::Finished { generation } => {
            Some(format!("as generation {generation}"))
        }
        Verdict::AlreadyDone => Some("it was carried out after all".to_owned()),
        Verdict::Superseded => {
            Some("the record changed since; replay with overwrite to send it all the same".to_owned())
        }
        Verdict::ParentDead(parent) => Some(format!("{parent} must go first")),
        Verdict::Unfit(why) => Some(why.clone()),
    }
}

fn failed(item: Item, why: String) -> Done {
    Done { contact: item.contact, id: item.id, verdict: "failed".to_owned(), message: Some(why) }
}

/// Gives dead letters up: they will not be sent.
#[utoipa::path(post, path = "/dead-letters/discard", request_body = Discard, responses((status = 200, body = Results), (status = 400, description = "without a reason")))]
pub async fn discard(State(app): State<App>, Json(asked): Json<Discard>) -> Result<Json<Results>, Problem> {
    if asked.reason.trim().is_empty() {
        return Err(Problem::bad_request("Say why (`reason`): somebody will ask what became of this write."));
    }
    let desk = Desk { by: format!("console ({})", asked.reason.trim()), ..desk(&app)? };
    let mut results = Vec::new();
    for item in asked.items {
        let done = match find(&desk, &item.contact, &item.id).await {
            Ok(letter) => desk.discard(&letter, clock::now()).await.map_err(|e| e.to_string()),
            Err(problem) => Err(problem.detail),
        };
        results.push(match done {
            Ok(()) => {
                Done { contact: item.contact, id: item.id, verdict: "discarded".to_owned(), message: None }
            }
            Err(why) => failed(item, why),
        });
    }
    Ok(Json(Results { results }))
}
