//! A simulated Salesforce org that real clients believe.
//!
//! It is a faithful small Salesforce which tells no lies: what it cannot do, it refuses in
//! Salesforce's words. [`Org::handle`] answers one request at a time that is handed in, without
//! sockets, clocks or tasks, so that a simulation of years runs in seconds; [`serve`] puts it on
//! HTTP. Every draw of chance comes from one seed.
//!
//! It shares no type with the product: what it believes of Salesforce's wire was written
//! independently of the client, so that a misreading on one side shows.
//!
//! * [`schema`] what objects there are · [`data`] their rows by Salesforce's rules, SOQL and SOSL ·
//!   [`error`] what is refused · [`id`] how records are called
//! * [`wire`] requests and responses as values · [`server`] the only file that knows sockets ·
//!   [`call`] the way of every call: sizes, faults, session, limits, resource, journal
//! * [`rest`] which path is which resource: [`rows`], [`query`] with its [`pages`], [`collections`], [`composite`] with
//!   its [`reference`]s, [`graph`], [`tree`], [`batch`], [`chatter`] with [`segments`] and [`feed`]; beside it
//!   [`bulk`] and [`soap`] in [`xml`]
//! * [`auth`] sessions · [`limits`] · [`faults`] what goes wrong on demand · [`journal`] what was
//!   done · [`admin`] the paths under `/_org/` · [`sample`] the sample company

mod admin;
mod ask;
pub mod auth;
mod batch;
mod bulk;
mod call;
mod chatter;
mod collections;
mod composite;
pub mod data;
pub mod error;
pub mod faults;
mod feed;
mod graph;
pub mod id;
pub mod journal;
pub mod limits;
mod pages;
mod query;
mod reference;
mod rest;
mod rows;
mod sample;
pub mod schema;
mod segments;
mod server;
mod soap;
mod soql;
mod sosl;
mod tree;
pub mod wire;
mod xml;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::org::auth::{Auth, Credentials};
use crate::org::data::{Context, Data};
use crate::org::faults::{Faults, Rule};
use crate::org::journal::Journal;
use crate::org::limits::Limits;
use crate::org::schema::Schema;
use crate::org::wire::{Handled, Request};
use crate::time::Timestamp;

pub use server::serve;

/// How an org is made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where its rows are kept; in memory where there is no path.
    pub path: Option<PathBuf>,
    /// A file of objects, fields and rules that the org has beside the standard ones.
    pub schema: Option<PathBuf>,
    /// With the sample company; else with the full schema and no rows but its own user.
    pub sample: bool,
    /// What every draw of chance comes from.
    pub seed: u64,
    /// Whom it lets in; anybody where there is nothing.
    pub credentials: Option<Credentials>,
    /// What it allows.
    pub limits: limits::Settings,
    /// What goes wrong from the start.
    pub faults: Vec<Rule>,
    /// A file to which every effect is appended as a line of JSON.
    pub journal: Option<PathBuf>,
    /// What stands before paths in answers (`instance_url`); by default what `Host` says.
    pub base: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            path: None,
            schema: None,
            sample: true,
            seed: 1,
            credentials: None,
            limits: limits::Settings::default(),
            faults: Vec::new(),
            journal: None,
            base: None,
        }
    }
}

/// The org; clones are the same org.
#[derive(Clone, Debug)]
pub struct Org(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    base: Option<String>,
    /// When the org was made; its metadata is of that time.
    born: Timestamp,
    /// Whose session every session is.
    context: Context,
    data: Data,
    auth: Mutex<Auth>,
    limits: Mutex<Limits>,
    faults: Mutex<Faults>,
    journal: Mutex<Journal>,
    pages: Mutex<pages::Pages>,
    recent: Mutex<VecDeque<(String, String)>>,
    segments: Mutex<HashMap<String, Vec<Value>>>,
    late: Mutex<Vec<(Timestamp, Request)>>,
    jobs: Mutex<bulk::Jobs>,
}

fn hold<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Org {
    /// Makes an org; `now` is when its sample company was last touched and its faults begin.
    ///
    /// # Errors
    /// A sentence that names the file or the fault rule which cannot be used.
    pub fn new(settings: Settings, now: Timestamp) -> Result<Self, String> {
        let copy = settings.journal.as_deref().map(|path| {
            std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .map_err(|e| format!("the journal {} cannot be written: {e}", path.display()))
        });
        let mut faults = Faults::new(settings.seed);
        for rule in settings.faults {
            faults.add(rule, now)?;
        }
        let schema = match settings.schema.as_deref() {
            None => Schema::standard()?,
            Some(path) => std::fs::read_to_string(path)
                .map_err(|e| e.to_string())
                .and_then(|text| Schema::standard_and(&text))
                .map_err(|e| format!("the schema {} cannot be used: {e}", path.display()))?,
        };
        let data = Data::open(settings.path.as_deref(), schema).map_err(|e| e.to_string())?;
        let (context, identity) = sample::fill(&data, settings.sample, settings.seed, now)?;
        Ok(Self(Arc::new(Inner {
            base: settings.base,
            born: now,
            context,
            data,
            auth: Mutex::new(Auth::new(settings.credentials, identity, settings.seed)),
            limits: Mutex::new(Limits::new(settings.limits)),
            faults: Mutex::new(faults),
            journal: Mutex::new(Journal::new(copy.transpose()?)),
            pages: Mutex::default(),
            recent: Mutex::default(),
            segments: Mutex::default(),
            late: Mutex::default(),
            jobs: Mutex::default(),
        })))
    }

    /// The org as a router, to be served beside others.
    pub fn router(&self) -> axum::Router {
        server::router(self.clone())
    }

    /// Answers one request at the time `now`. Never fails and never waits: what the caller has to
    /// wait for, and whether it gets an answer at all, is told in [`Handled`].
    #[must_use]
    pub fn handle(&self, request: &Request, now: Timestamp) -> Handled {
        call::handle(self, request, now)
    }
}

impl Inner {
    fn base(&self, request: &Request) -> String {
        self.base.clone().unwrap_or_else(|| match request.header("host") {
            Some(host) => format!("http://{host}"),
            None => "https://tieline.my.salesforce.com".to_owned(),
        })
    }
}
