//! Repair of dead letters: edit, replay, discard. Everything is audited under the caller's name.
//!
//! Every command may be given twice: what is done already is answered as `already done`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{post, put};
use axum::{Extension, Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::view::DeadLetterView;
use crate::clock;
use crate::http::App;
use crate::http::guard::Caller;
use crate::http::problem::Problem;
use crate::outcome::rows::DeadLetter;
use crate::replay::{Desk, DeskError, Options, Verdict, heads};

/// The most dead letters of one command.
const MOST: usize = 200;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/dead-letters/{contact}/{id}", put(edit))
        .route("/dead-letters/replay", post(replay))
        .route("/dead-letters/discard", post(discard))
}

/// What shall stand in a dead letter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    /// The version that was looked at.
    version: u64,
    /// Fields of a create, update or upsert; `null` takes one away.
    #[serde(default)]
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
    /// The whole write in place of the one that died, in the form of `payload`: for posts, comments
    /// and deletes, and for another record or object.
    #[schema(value_type = Option<Object>)]
    write: Option<Value>,
}

impl Edit {
    /// Whether it stands so already: an edit whose answer was lost is given twice.
    fn stands(&self, letter: &DeadLetter) -> bool {
        let write = letter.envelope.get("write");
        let fields = write.and_then(|write| write.get("fields"));
        let value = |name: &str| fields.and_then(|fields| fields.get(name)).unwrap_or(&Value::Null);
        match &self.write {
            Some(whole) => write == Some(whole),
            None => self.fields.iter().all(|(name, wanted)| value(name) == wanted),
        }
    }
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

/// The desk at which this caller sits.
pub(super) fn desk(app: &App, caller: &Caller) -> Result<Desk, Problem> {
    let stores = app.service.stores().cloned().unwrap_or_default();
    let Some(state) = stores.state else { return Err(super::no_state()) };
    let client = app.service.client().cloned();
    let by = caller.0.to_string();
    Ok(Desk { state, queue: stores.queue, cache: stores.cache, client, by })
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

/// The letter, or what there is to say of one that waits no longer.
async fn take(desk: &Desk, item: Item) -> Result<DeadLetter, Done> {
    let Ok(id) = item.id.parse() else { return Err(failed(item, "that is no ticket (`tl-…`)".to_owned())) };
    match desk.show(id, Some(&item.contact), clock::now()).await {
        Ok(letter) => Ok(letter),
        Err(error) => Err(match (error, desk.last_edit(&item.contact, id, clock::now()).await) {
            (DeskError::NoSuch(_), Ok(Some(edit))) => {
                let message = format!("{} by {} already", edit.what, edit.by);
                Done {
                    contact: item.contact,
                    id: item.id,
                    verdict: "already done".to_owned(),
                    message: Some(message),
                }
            }
            (error, _) => failed(item, Problem::from(error).detail),
        }),
    }
}

/// Sets fields of a dead letter, or puts another write in its place. It is not sent: replay it.
#[utoipa::path(put, path = "/dead-letters/{contact}/{id}", tag = "dead letters", params(("contact" = String, Path), ("id" = String, Path, description = "the ticket")), request_body = Edit, responses((status = 200, body = DeadLetterView), (status = 404), (status = 400, description = "that is no ticket"), (status = 409, description = "somebody else changed it"), (status = 422, description = "the write has no fields to set, or may not be so"), (status = 503)))]
pub async fn edit(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((contact, id)): Path<(String, String)>,
    Json(edit): Json<Edit>,
) -> Result<Json<DeadLetterView>, Problem> {
    let desk = desk(&app, &caller)?;
    let letter = find(&desk, &contact, &id).await?;
    if edit.stands(&letter) {
        return Ok(Json(letter.into()));
    }
    if letter.version != edit.version {
        let problem = Problem::new(
            StatusCode::CONFLICT,
            "conflict",
            "It has changed meanwhile",
            "Somebody else changed this dead letter; look at it again.",
        );
        return Err(problem.with("current", letter.version.into()));
    }
    match edit.write {
        Some(write) => {
            let write = serde_json::from_value(write).map_err(|e| {
                Problem::refused(format!("That is no write: {e}. `tieline schema envelope` describes one."))
            })?;
            desk.set_write(&letter, write, clock::now()).await?
        }
        None => desk.set_fields(&letter, &edit.fields, clock::now()).await?,
    };
    Ok(Json(find(&desk, &contact, &id).await?.into()))
}

/// Sends dead letters again, and those that died with them; or says what would be done.
#[utoipa::path(post, path = "/dead-letters/replay", tag = "dead letters", request_body = Replay, responses((status = 200, body = Results), (status = 400), (status = 503)))]
pub async fn replay(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(asked): Json<Replay>,
) -> Result<Json<Results>, Problem> {
    let desk = desk(&app, &caller)?;
    let (mut letters, mut results) = (Vec::new(), Vec::new());
    few(&asked.items)?;
    for item in asked.items {
        match take(&desk, item).await {
            Ok(letter) => letters.push(letter),
            Err(done) => results.push(done),
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
#[utoipa::path(post, path = "/dead-letters/discard", tag = "dead letters", request_body = Discard, responses((status = 200, body = Results), (status = 400, description = "without a reason, or too many at once"), (status = 503)))]
pub async fn discard(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(asked): Json<Discard>,
) -> Result<Json<Results>, Problem> {
    if asked.reason.trim().is_empty() {
        return Err(Problem::bad_request("Say why (`reason`): somebody will ask what became of this write."));
    }
    few(&asked.items)?;
    let desk = desk(&app, &caller)?;
    let mut results = Vec::new();
    for item in asked.items {
        let letter = match take(&desk, item.clone()).await {
            Ok(letter) => letter,
            Err(done) => {
                results.push(done);
                continue;
            }
        };
        results.push(match desk.discard(&letter, asked.reason.trim(), clock::now()).await {
            Ok(()) => {
                Done { contact: item.contact, id: item.id, verdict: "discarded".to_owned(), message: None }
            }
            Err(why) => failed(item, why.to_string()),
        });
    }
    Ok(Json(Results { results }))
}

/// So that one call ends within the time of any proxy.
fn few(items: &[Item]) -> Result<(), Problem> {
    if items.len() > MOST {
        return Err(Problem::bad_request(format!("Name at most {MOST} dead letters in one call.")));
    }
    Ok(())
}
