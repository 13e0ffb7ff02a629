//! A Salesforce that says what it is told to, for tests of the paths.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::salesforce::wire::{Cut, Exchange, Request, Response, Usage};
use crate::salesforce::{Auth, Client, Hidden, Settings, Vault};

/// What it is told to do with a call.
#[derive(Debug)]
enum Answer {
    Says(u16, Value),
    /// The call is carried out, perhaps, and gets no answer.
    Lost,
    /// Whoever asked waits for ever.
    Hangs,
}

/// The org. It fails the test that asks it more often than it was told answers.
#[derive(Debug, Default)]
pub(crate) struct Told {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<(String, Value)>>,
    usage: Mutex<Option<Usage>>,
}

impl Told {
    pub(crate) fn answers(&self, answers: impl IntoIterator<Item = (u16, Value)>) {
        self.answers.lock().unwrap().extend(answers.into_iter().map(|(s, b)| Answer::Says(s, b)));
    }

    pub(crate) fn loses_the_answer(&self) {
        self.answers.lock().unwrap().push_back(Answer::Lost);
    }

    pub(crate) fn hangs(&self) {
        self.answers.lock().unwrap().push_back(Answer::Hangs);
    }

    /// Every answer from now on tells this usage.
    pub(crate) fn tells_usage(&self, used: u64, limit: u64) {
        *self.usage.lock().unwrap() = Some(Usage { used, limit });
    }

    /// Targets and bodies of the calls so far, logins left out.
    pub(crate) fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn client(self: &Arc<Self>) -> Client {
        let settings = Settings {
            host: "https://org.example.com".to_owned(),
            production: Some(false),
            username: None,
            version: "v66.0".to_owned(),
        };
        let vault = Vault::Given(Hidden::new(r#"{"ConsumerKey":"k","ConsumerSecret":"s"}"#));
        let auth = Auth::new(settings.clone(), vault, None);
        Client::new(settings, auth, Arc::clone(self) as Arc<dyn Exchange>)
    }
}

#[async_trait]
impl Exchange for Told {
    async fn exchange(&self, _: &str, request: Request, _: Duration) -> Result<Response, Cut> {
        let answer = if request.target.contains("/oauth2/token") {
            Answer::Says(200, json!({"access_token": "token", "instance_url": "https://org.example.com"}))
        } else {
            let body = request.body.map(|(_, body)| serde_json::from_slice(&body).unwrap_or_default());
            self.asked.lock().unwrap().push((request.target, body.unwrap_or_default()));
            self.answers.lock().unwrap().pop_front().expect("the org was asked more often than the test says")
        };
        let (status, body) = match answer {
            Answer::Says(status, body) => (status, body),
            Answer::Lost => return Err(Cut::After("no answer".to_owned())),
            Answer::Hangs => std::future::pending().await,
        };
        let content_type = "application/json".to_owned();
        let body = if body.is_null() { bytes::Bytes::new() } else { body.to_string().into() };
        Ok(Response { status, usage: *self.usage.lock().unwrap(), content_type, body })
    }
}
