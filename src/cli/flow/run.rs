//! `tieline flow run`: one run of a file, from the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::Value;

use super::scripted::Script;
use super::tell::{record, tell, unanswered};
use super::{document, now, text};
use crate::config;
use crate::flow::catalogue;
use crate::flow::run::Event;
use crate::flow_host::{Host, Mode, Settings, Started, contact_event};
use crate::lambda::{Service, events};
use crate::store::sqlite::Sqlite;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The flow file; `-` reads standard input.
    file: PathBuf,
    /// The event: {source, name, payload, contact, agent}, or a contact event as EventBridge carries it.
    #[arg(long, value_name = "E.json", conflicts_with = "sample")]
    event: Option<PathBuf>,
    /// A sample of the catalogue instead, such as voiceContact/onConnecting.
    #[arg(long, value_name = "SOURCE/EVENT")]
    sample: Option<String>,
    /// Outcomes of actions that nobody else can give, and what is expected of the run.
    ///
    /// By action id or type: {"uid-3": {"success": {"id": "003…"}}, "SE_AgentDialNumber": {"failure":
    /// "Busy"}, "SE_SFIsDoNotCall": true, "expect": {"status": "completed", "asked": ["uid-3"]}}. A list
    /// is taken one by one, its last for ever. What differs from `expect` is told, and the exit code is 1.
    #[arg(long, value_name = "A.json")]
    answers: Option<PathBuf>,
    /// The simulated org at this address (`tieline org`), instead of the one configured.
    #[arg(long, value_name = "URL")]
    org: Option<String>,
    /// Call no Salesforce, also where one is configured.
    #[arg(long, conflicts_with = "org")]
    offline: bool,
    /// Print the run as JSON instead of telling it.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let document = document(&self.file)?;
        let script = match &self.answers {
            Some(file) => Script::parse(&text(file)?).with_context(|| format!("{}", file.display()))?,
            None => Script::default(),
        };
        for name in script.strangers(&document) {
            eprintln!("The answers name {name}: the flow has no action of this id or type.");
        }
        let configured = config::environment().any(|(name, value)| name == "SF_HOST" && !value.is_empty());
        let config = match &self.org {
            Some(origin) => Some(config::of_process_with_org(origin.trim_end_matches('/'))),
            None => (configured && !self.offline).then(config::of_process),
        };
        let settings = match &config {
            Some(Ok(config)) => config.flows.clone(),
            _ => Settings::default(),
        };
        let salesforce = config.map(|config| events::salesforce(Service::new(config)));
        let host = Host::new(settings, Sqlite::in_memory()?.table("state"), salesforce, None);
        let started = Started {
            flow_id: None,
            flow_version: None,
            flow_name: document.name().map(str::to_owned),
            document,
            event: self.given()?,
            mode: Mode::Unattended,
            answers: script.answers.clone(),
            hurried: true,
        };
        let run = host.start(started, now()).await?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&run)?);
        } else {
            tell(&run);
            println!("\n{}", record(&run));
            unanswered(&run);
        }
        let failures = script.failures(&run);
        for failure in &failures {
            eprintln!("expectation failed: {failure}");
        }
        Ok(ExitCode::from(u8::from(!failures.is_empty())))
    }

    /// The event: from the file, from the catalogue, or an empty one.
    fn given(&self) -> anyhow::Result<Event> {
        if let Some(file) = &self.event {
            let text = text(file)?;
            let mut value: Value =
                serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?;
            if value.get("detail-type").is_some() {
                return Ok(contact_event::read(&text).with_context(|| format!("{}", file.display()))?.event);
            }
            // The interface calls the name of an event by `event`; both are read.
            if let (None, Some(name)) = (value.get("name"), value.get("event").cloned()) {
                value["name"] = name;
            }
            return serde_json::from_value(value).with_context(|| format!("{} is no event", file.display()));
        }
        let Some(sample) = &self.sample else {
            eprintln!(
                "No event is given, so the flow finds no contact and no payload; --sample voiceContact/onConnecting gives one."
            );
            return Ok(Event::default());
        };
        let (source, name) = sample.split_once(['/', '.']).unwrap_or((sample, ""));
        let event = catalogue::source(source).and_then(|s| s.event(name)).with_context(|| {
            format!("{sample} is no event of a source; an example is voiceContact/onConnecting")
        })?;
        let part = |name: &str| event.sample.get(name).cloned().unwrap_or(Value::Null);
        Ok(Event {
            id: None,
            source: source.to_owned(),
            name: name.to_owned(),
            payload: part("payload"),
            contact: part("contact"),
            agent: part("agent"),
        })
    }
}
