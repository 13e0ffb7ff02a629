//! The environment, read once and understood as a whole.
//!
//! What it is: variables in, a [`Config`] of every room's own settings out, or *all* faults at once.
//! The one place that reads the environment is [`of_process`]; [`Config::from_vars`] is pure.
//! What it never does: print a secret, or guess. An unknown `TIELINE_` name is a warning, because a
//! newer version's name must not stop an older build that somebody rolls back to.
//! Who calls it: `main`, `bootstrap` and the command line. No path and no rule can: it is a door.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::connect;
use crate::event;
use crate::event::{Format, Matches, Mode, OnError};
use crate::flow_host;
use crate::outcome::Modes;
use crate::read;
use crate::salesforce;
use crate::salesforce::{Hidden, Vault};
use crate::telemetry::Level;
use crate::time::Timestamp;
use crate::write;

mod parse;
mod variables;

use parse::Reader;
pub use variables::{VARIABLES, Variable, table};

/// Every room's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which org.
    pub salesforce: salesforce::Settings,
    /// Where its credentials are.
    pub vault: Vault,
    /// How events are read.
    pub event: event::Settings,
    /// How reads are answered.
    pub read: read::Settings,
    /// How writes are taken.
    pub write: write::Settings,
    /// How the worker delivers them.
    pub delivery: Delivery,
    /// Where Amazon Connect is.
    pub connect: connect::Settings,
    /// How CTI Flows are run.
    pub flows: flow_host::Settings,
    /// What is kept where.
    pub stores: Stores,
    /// How long a call may take, and how its reply is written.
    pub reply: Reply,
    /// How much is logged.
    pub level: Level,
    /// Whose metrics these are.
    pub stack: Option<String>,
    /// What the process was started as.
    pub process: Process,
    /// What is odd and not wrong.
    pub warnings: Vec<String>,
    /// Variables of the list that the environment gives, as it gives them; none of them is a secret.
    pub given: BTreeMap<&'static str, String>,
}

/// The worker's part.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Until when a write is tried.
    pub max_age: Duration,
    /// How often a write is tried.
    pub max_attempts: u32,
    /// Records in one collection.
    pub width: u32,
    /// The same for single objects.
    pub widths: BTreeMap<String, u32>,
    /// How second effects are prevented.
    pub modes: Modes,
    /// Plain text comments travel as `FeedComment` records, in company.
    pub comments_as_records: bool,
    /// How long a small batch waits for company.
    pub linger: Duration,
    /// Calls a second, at most.
    pub rate_per_sec: Option<f64>,
    /// Calls at once, at most.
    pub concurrency: Option<u32>,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(7 * 86_400),
            max_attempts: 12,
            width: 200,
            widths: BTreeMap::new(),
            modes: Modes::default(),
            comments_as_records: false,
            linger: Duration::from_millis(250),
            rate_per_sec: None,
            concurrency: None,
        }
    }
}

/// Names of what is kept on AWS; all `None` behaves as upstream does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stores {
    /// The table of outcomes, dead letters, token and budget.
    pub state_table: Option<String>,
    /// The table of the read cache.
    pub cache_table: Option<String>,
    /// The queue of accepted writes.
    pub queue_url: Option<String>,
    /// Its dead-letter queue.
    pub dlq_url: Option<String>,
}

/// Deadlines and forms of a reply; a call's `tl_` parameters come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// By when a call replies that has something to reply.
    pub soft: Duration,
    /// By when a call ends.
    pub hard: Duration,
    /// How values are written.
    pub format: Format,
    /// What a rejected write does.
    pub on_error: OnError,
}

/// What the surroundings say about this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// `_HANDLER`: which role a Lambda function has.
    pub handler: Option<String>,
    /// Whether the Lambda Runtime API is there.
    pub lambda: bool,
    /// Whether this environment is started before any call waits for it (provisioned concurrency).
    pub ahead: bool,
    /// `AWS_LAMBDA_FUNCTION_VERSION`.
    pub function_version: Option<String>,
    /// `SSL_CERT_FILE`.
    pub trusted_roots: Option<PathBuf>,
    /// `TEST_NOW_MS`: the fixed time of debug builds under test.
    pub fixed_now: Option<Timestamp>,
}

/// One thing that is wrong with the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The variable.
    pub name: String,
    /// What is wrong, and what to write instead; begins with upstream's text where it has one.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

/// The configuration of this process.
///
/// # Errors
/// All that is wrong with it.
pub fn of_process() -> Result<Config, Vec<ConfigError>> {
    Config::from_vars(environment())
}

/// The configuration of this process against a simulated org, which accepts any credentials: what
/// the environment says wins, but the org needs nothing of it.
///
/// # Errors
/// All that is wrong with it.
pub fn of_process_with_org(origin: &str) -> Result<Config, Vec<ConfigError>> {
    let defaults = [("SF_HOST", origin), ("SF_VERSION", "v66.0"), ("TIELINE_SECRET_FILE", "")];
    let defaults = defaults.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let given = r#"{"ConsumerKey":"simulated","ConsumerSecret":"simulated"}"#;
    let vault = Vault::Given(Hidden::new(given));
    Config::read(defaults.into_iter().chain(environment()), Some(vault))
}

/// The file of trusted roots that the environment names: it counts also where the rest of the
/// configuration is not read, or is wrong.
#[must_use]
pub fn trusted_roots() -> Option<PathBuf> {
    Reader::new(environment()).process().trusted_roots
}

/// Whether the environment names an org of one's own (a sandbox, say); else the simulated one answers.
#[must_use]
pub fn names_an_org() -> bool {
    environment().any(|(name, value)| name == "SF_HOST" && !value.trim().is_empty())
}

/// The environment as it is; the one place that reads it. Names and values that are no text are
/// nothing of ours.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

impl Config {
    /// Understands variables; a later one of the same name wins.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn from_vars(vars: impl Iterator<Item = (String, String)>) -> Result<Self, Vec<ConfigError>> {
        Self::read(vars, None)
    }

    fn read(
        vars: impl Iterator<Item = (String, String)>,
        vault: Option<Vault>,
    ) -> Result<Self, Vec<ConfigError>> {
        let mut vars = Reader::new(vars);
        let salesforce = vars.salesforce();
        let found = vars.vault();
        let vault = match (found, vault) {
            (Some(found), _) => found,
            (None, Some(given)) => given,
            (None, None) => {
                vars.missing(
                    "SF_CREDENTIALS_SECRETS_MANAGER_ARN",
                    "name the secret, or set TIELINE_SECRET_FILE",
                );
                Vault::Given(Hidden::new(""))
            }
        };
        let stores = vars.stores();
        let config = Self {
            salesforce,
            vault,
            event: event::Settings {
                namespace: vars.namespace(),
                region: vars.parsed("TIELINE_DEFAULT_REGION", "must be a country's two letters, such as US"),
                strict: vars.choice(
                    "TIELINE_BARE_REPLACEMENT",
                    [("upstream", false), ("strict", true)],
                    false,
                ),
                matches: vars.choice(
                    "TIELINE_MATCHES",
                    [
                        ("first", Matches::First),
                        ("none", Matches::None),
                        ("most_recent", Matches::MostRecent),
                    ],
                    Matches::First,
                ),
            },
            read: vars.read(),
            write: write::Settings {
                mode: vars.mode(stores.queue_url.is_some()),
                wait: vars.millis("TIELINE_WRITE_WAIT_MS", 1500, 0..=60_000),
                duplicate_window: vars.secs("TIELINE_DUPLICATE_WINDOW_SECS", 90, 0..=86_400),
                sensitive: vars.names("TIELINE_SENSITIVE_FIELDS"),
            },
            delivery: vars.delivery(),
            connect: vars.connect(),
            flows: vars.flows(),
            stores,
            reply: vars.reply(),
            level: vars.level(),
            stack: vars.text("TIELINE_STACK"),
            process: vars.process(),
            warnings: Vec::new(),
            given: BTreeMap::new(),
        };
        if config.reply.soft > config.reply.hard {
            vars.wrong("TIELINE_SOFT_DEADLINE_MS", "must not be later than TIELINE_DEADLINE_MS");
        }
        vars.finish(config)
    }

    /// The configuration in force, without secrets, for `version`: the org, what is kept anywhere, how
    /// writes are taken and by when calls reply, and every other variable of ours that the environment
    /// gives. Of tables, queues and files only that they are set: a reply goes to whoever calls.
    #[must_use]
    pub fn in_force(&self) -> Vec<(&'static str, String)> {
        let set = |o: &Option<String>| if o.is_some() { "set" } else { "none" }.to_owned();
        let mode = match self.write.mode {
            Mode::Wait => "wait",
            Mode::Queue => "queue",
            Mode::Sync => "sync",
        };
        let mut told = vec![
            ("SF_HOST", self.salesforce.host.clone()),
            ("SF_VERSION", self.salesforce.version.clone()),
            ("SF_PRODUCTION", self.salesforce.is_production().to_string()),
            ("TIELINE_STATE_TABLE", set(&self.stores.state_table)),
            ("TIELINE_CACHE_TABLE", set(&self.stores.cache_table)),
            ("TIELINE_QUEUE_URL", set(&self.stores.queue_url)),
            ("TIELINE_WRITE_MODE", mode.to_owned()),
            ("TIELINE_SOFT_DEADLINE_MS", self.reply.soft.as_millis().to_string()),
            ("TIELINE_DEADLINE_MS", self.reply.hard.as_millis().to_string()),
        ];
        for (&name, value) in &self.given {
            if name.starts_with("TIELINE_") && !told.iter().any(|(n, _)| *n == name) {
                let place = matches!(name, "TIELINE_DLQ_URL" | "TIELINE_SECRET_FILE");
                told.push((name, if place { "set".to_owned() } else { value.clone() }));
            }
        }
        told
    }
}

#[cfg(test)]
mod tests;
