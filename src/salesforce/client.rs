//! The client: typed calls, each within a deadline, each telling what it cost.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::auth::Auth;
use super::rows::Part;
use super::wire::{Cut, Exchange, Request, Usage};
use super::{Settings, classify, rows};
use crate::clock::{Deadline, Stopwatch};
use crate::event::{Found, Write, Written};
use crate::fault::{Class, Fault};

/// The least that a second attempt needs: a new connection, and an answer.
const AGAIN: Duration = Duration::from_millis(100);

/// Salesforce, for one organisation. Cheap to clone; all clones share the token.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    auth: Auth,
    exchange: Arc<dyn Exchange>,
    usage: Mutex<Option<Usage>>,
}

/// What calls cost, whether or not they worked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Requests that Salesforce may have counted; logins are not among them.
    pub calls: u32,
    /// The last `Sforce-Limit-Info` seen.
    pub usage: Option<Usage>,
    /// How long their answers were waited for, together.
    pub waited: Duration,
}

/// A result, and what it cost.
#[derive(Clone, Debug)]
pub struct Called<T> {
    /// What came of it.
    pub result: Result<T, Fault>,
    /// What it cost.
    pub spent: Spent,
}

/// Whether a request may be sent again when its connection breaks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
}

impl Client {
    /// Joins the parts; connects to nothing.
    #[must_use]
    pub fn new(settings: Settings, auth: Auth, exchange: Arc<dyn Exchange>) -> Self {
        Self(Arc::new(Inner { settings, auth, exchange, usage: Mutex::default() }))
    }

    /// The settings it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The keeper of the token.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.0.auth
    }

    /// The last `Sforce-Limit-Info` that any call of this process saw.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        *self.0.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gets a token ready before it is needed.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn warm(&self, deadline: Deadline) -> Result<(), Fault> {
        self.0.auth.token(&*self.0.exchange, deadline).await.map(drop)
    }

    /// Asks a query and follows its pages until `max` records are there.
    pub async fn query(&self, soql: &str, max: usize, deadline: Deadline) -> Called<Found> {
        let mut spent = Spent::default();
        let mut request = rows::query(&self.0.settings.version, soql);
        let mut all: Option<Found> = None;
        loop {
            let page = self.send(request, Kind::Read, deadline, &mut spent).await;
            let (mut found, next) = match page.and_then(|(_, body)| rows::found(body)) {
                Ok(page) => page,
                Err(fault) => return Called { result: Err(read_fault(fault)), spent },
            };
            let found = match all.take() {
                None => found,
                Some(mut before) => {
                    before.records.append(&mut found.records);
                    before
                }
            };
            match next {
                Some(next) if found.records.len() < max => request = rows::page(&next),
                _ => return Called { result: Ok(found), spent },
            }
            all = Some(found);
        }
    }

    /// Asks a search in SOSL.
    pub async fn search(&self, sosl: &str, deadline: Deadline) -> Called<Found> {
        let request = rows::search(&self.0.settings.version, sosl);
        self.call(request, Kind::Read, deadline, |_, body| rows::searched(body)).await
    }

    /// Asks a parameterized search.
    pub async fn parameterized_search(&self, body: &Value, deadline: Deadline) -> Called<Found> {
        let request = rows::post(&self.0.settings.version, "parameterizedSearch", body);
        self.call(request, Kind::Read, deadline, |_, body| rows::searched(body)).await
    }

    /// Carries out one write by its own call.
    pub async fn apply(&self, write: &Write, deadline: Deadline) -> Called<Written> {
        match rows::write(&self.0.settings.version, write) {
            Err(fault) => Called { result: Err(fault), spent: Spent::default() },
            Ok(request) => {
                self.call(request, Kind::Write, deadline, |status, body| rows::written(write, status, &body))
                    .await
            }
        }
    }

    /// Sends a `/composite` body; its parts come back in the order of the request.
    pub async fn composite(&self, body: &Value, deadline: Deadline) -> Called<Vec<Part>> {
        let asked = body.get("compositeRequest").and_then(Value::as_array).map_or(0, Vec::len);
        let request = rows::post(&self.0.settings.version, "composite", body);
        self.call(request, Kind::Write, deadline, |_, body| rows::parts(&body, asked)).await
    }

    /// Sends up to 500 Chatter posts (bodies as [`rows::post_body`] makes them) in one call. One
    /// result per post, in order; each Ok is the new post's Id.
    pub async fn post_batch(
        &self,
        posts: &[Value],
        deadline: Deadline,
    ) -> Called<Vec<Result<String, Fault>>> {
        let inputs: Vec<_> = posts.iter().map(|post| json!({"richInput": post})).collect();
        let request =
            rows::post(&self.0.settings.version, "chatter/feed-elements/batch", &json!({"inputs": inputs}));
        self.call(request, Kind::Write, deadline, |_, body| rows::posted(&body, posts.len())).await
    }

    /// Calls a method of an Apex class that the org exposes by REST, once.
    pub async fn apex(
        &self,
        class: &str,
        method: &str,
        parameters: &Map<String, Value>,
        deadline: Deadline,
    ) -> Called<Value> {
        match rows::apex(class, method, parameters) {
            Err(fault) => Called { result: Err(fault), spent: Spent::default() },
            Ok(request) => self.call(request, Kind::Write, deadline, |_, body| Ok(body)).await,
        }
    }

    /// The description of an object: its fields and what may be done with them.
    pub async fn describe(&self, object: &str, deadline: Deadline) -> Called<Value> {
        match rows::describe(&self.0.settings.version, object) {
            Err(fault) => Called { result: Err(fault), spent: Spent::default() },
            Ok(request) => self.call(request, Kind::Read, deadline, |_, body| Ok(body)).await,
        }
    }

    /// The Id of the user in whose name we call.
    pub async fn user(&self, deadline: Deadline) -> Called<String> {
        self.call(rows::userinfo(), Kind::Read, deadline, |_, body| {
            let id = body.get("user_id").and_then(Value::as_str);
            id.map(str::to_owned).ok_or_else(|| {
                Fault::new(Class::Rejected, "UNEXPECTED_RESPONSE", "userinfo does not name the user")
            })
        })
        .await
    }

    /// What is left of every limit of the org.
    pub async fn limits(&self, deadline: Deadline) -> Called<Value> {
        let request = rows::resource(&self.0.settings.version, "limits");
        self.call(request, Kind::Read, deadline, |_, body| Ok(body)).await
    }

    async fn call<T>(
        &self,
        request: Request,
        kind: Kind,
        deadline: Deadline,
        read: impl FnOnce(u16, Value) -> Result<T, Fault>,
    ) -> Called<T> {
        let mut spent = Spent::default();
        let answer = self.send(request, kind, deadline, &mut spent).await;
        let result = answer.and_then(|(status, body)| read(status, body));
        let result = if kind == Kind::Read { result.map_err(read_fault) } else { result };
        Called { result, spent }
    }

    /// One request: with a token, renewed once if it is refused; a read is repeated once if its
    /// connection breaks and there is time for as much again.
    async fn send(
        &self,
        request: Request,
        kind: Kind,
        deadline: Deadline,
        spent: &mut Spent,
    ) -> Result<(u16, Value), Fault> {
        let Inner { settings, auth, exchange, usage } = &*self.0;
        if deadline.passed() {
            return Err(too_late());
        }
        let mut token = auth.token(&**exchange, deadline).await?;
        let mut renewed = false;
        let mut repeated = false;
        loop {
            let remaining = deadline.remaining();
            if remaining.is_zero() {
                return Err(Fault::new(
                    Class::Retryable,
                    "TIMEOUT",
                    "the time was up before Salesforce was asked",
                ));
            }
            let mut sent = request.clone();
            sent.headers.push(("authorization", format!("Bearer {}", token.value.reveal())));
            let asked = Stopwatch::start();
            let answered = exchange.exchange(&settings.host, sent, remaining).await;
            let took = asked.elapsed();
            spent.waited += took;
            match answered {
                Err(cut) => {
                    spent.calls += u32::from(matches!(cut, Cut::After(_)));
                    let fits = deadline.remaining() > took.max(AGAIN);
                    if kind == Kind::Write || repeated || !fits {
                        return Err(classify::cut(&cut));
                    }
                    repeated = true;
                }
                Ok(response) => {
                    spent.calls += 1;
                    if let Some(seen) = response.usage {
                        spent.usage = Some(seen);
                        *usage.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
                    }
                    let refused = classify::token_refused(&response);
                    if refused && !renewed {
                        token = auth.renew(&**exchange, Some(&token), deadline).await?;
                        renewed = true;
                        continue;
                    }
                    let mut result = classify::response(&response);
                    if let Err(fault) = &mut result {
                        fault.message = fault.message.replace(token.value.reveal(), "(hidden)");
                        if refused {
                            fault.message.push_str(" (after re-login)");
                            auth.hopeless(fault).await;
                        }
                    }
                    return result.map(|body| (response.status, body));
                }
            }
        }
    }
}

fn too_late() -> Fault {
    Fault::new(
        Class::Retryable,
        "TIMEOUT",
        "the time was up before Salesforce was asked; see TIELINE_DEADLINE_MS",
    )
}

/// A read changes nothing: where a write would be in doubt, a read may simply be asked again.
fn read_fault(fault: Fault) -> Fault {
    match fault.class {
        Class::Unknown => Fault { class: Class::Retryable, ..fault },
        _ => fault,
    }
}

#[cfg(test)]
#[path = "tests/client.rs"]
mod tests;
