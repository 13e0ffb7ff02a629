//! The registry and the runs that are kept.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::{Format, known, now, print_rows, text};
use crate::cli::desk::person;
use crate::flow::import::{Renumbered, import};
use crate::flow_host::registry::{Draft, Summary};
use crate::flow_host::{Error, Host};
use crate::time::Timestamp;

#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// The flow file; `-` reads standard input.
    file: PathBuf,
    /// Its name; else that in the file, else that of the file.
    #[arg(long)]
    name: Option<String>,
    /// Its source, such as voiceContact.
    #[arg(long)]
    source: Option<String>,
    /// Its event, such as onConnecting.
    #[arg(long)]
    event: Option<String>,
    /// Save it as a new version of this flow.
    #[arg(long, value_name = "ID")]
    into: Option<String>,
    /// Why it is saved.
    #[arg(long)]
    note: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// The flow's id.
    id: String,
    /// A version; else the draft.
    #[arg(long)]
    version: Option<u64>,
    /// For people, instead of the adapter's own form.
    #[arg(long)]
    pretty: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Activate {
    /// The flow's id.
    id: String,
    /// A version; else the draft.
    #[arg(long)]
    version: Option<u64>,
    /// Let no version run.
    #[arg(long)]
    off: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Deleted flows, too.
    #[arg(long)]
    deleted: bool,
    /// How the list is printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
pub(super) struct Runs {
    /// Only runs of this flow.
    #[arg(long)]
    flow: Option<String>,
    /// Only runs of this contact.
    #[arg(long)]
    contact: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 200)]
    limit: usize,
    /// How the list is printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Import {
    pub(super) async fn run(self, host: &Host) -> anyhow::Result<ExitCode> {
        if self.into.is_none() || self.source.is_some() {
            known(self.source.as_deref(), self.event.as_deref())?;
        }
        let read = import(&text(&self.file)?);
        for note in &read.report.notes {
            eprintln!("{note}");
        }
        for kind in &read.report.unknown_types {
            eprintln!("The block {kind} is not known; it is kept.");
        }
        for Renumbered { from, to } in &read.report.renumbered {
            eprintln!("The id {from} stood twice; the later action is {to} now.");
        }
        let raw = read.document.is_none().then_some(read.raw);
        let draft = Draft {
            name: self.name,
            source: self.source,
            event: self.event,
            document: read.document,
            raw,
            note: self.note,
            ..Draft::default()
        };
        let flow = if let Some(id) = &self.into {
            host.update_flow(id, draft, &person(), now()).await?
        } else {
            let of_file = self.file.file_stem().map(|s| s.to_string_lossy().into_owned());
            let in_file = draft.document.as_ref().and_then(|d| d.name().map(str::to_owned));
            let name = draft.name.or(in_file).or(of_file);
            let draft = Draft { name, ..draft };
            host.create_flow(draft, &person(), now()).await?
        };
        println!("{}", flow.summary.id);
        let problems = flow.summary.problems;
        eprintln!(
            "{} is saved as version {}: {} errors, {} warnings.",
            flow.summary.name, flow.summary.draft_version, problems.errors, problems.warnings
        );
        Ok(ExitCode::SUCCESS)
    }
}

impl Export {
    pub(super) async fn run(self, host: &Host) -> anyhow::Result<ExitCode> {
        let flow = match self.version {
            Some(version) => host.flow_at(&self.id, version, now()).await?,
            None => host.flow(&self.id, now()).await?,
        };
        match (&flow.document, &flow.raw) {
            (Some(document), _) if self.pretty => print!("{}", document.to_pretty()),
            (Some(document), _) => print!("{}", document.to_exact()),
            (None, raw) => print!("{}", raw.as_deref().unwrap_or_default()),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Activate {
    pub(super) async fn run(self, host: &Host) -> anyhow::Result<ExitCode> {
        let done = if self.off {
            host.deactivate(&self.id, &person(), now()).await
        } else {
            host.activate(&self.id, self.version, &person(), now()).await
        };
        match done {
            Ok(flow) => {
                match flow.summary.active_version {
                    Some(version) => eprintln!("Version {version} of {} runs.", flow.summary.name),
                    None => eprintln!("No version of {} runs.", flow.summary.name),
                }
                let Summary { id, source, event, active, .. } = flow.summary;
                let around = host.surroundings(Some(source), Some(event), Some(&id), now()).await?;
                for other in around.also_active.iter().filter(|_| active) {
                    eprintln!("{other} is active for the same source and event: both run, in their order.");
                }
                Ok(ExitCode::SUCCESS)
            }
            Err(Error::Faulty(findings)) => {
                let rows: Vec<Value> = findings.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
                let columns =
                    [("SEVERITY", "severity"), ("CODE", "code"), ("ACTION", "action"), ("WHAT", "message")];
                print_rows(Format::Table, &rows, &columns);
                eprintln!("The flow has errors, so it cannot be activated.");
                Ok(ExitCode::from(1))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl List {
    pub(super) async fn run(self, host: &Host) -> anyhow::Result<ExitCode> {
        let mut flows = host.flows(now()).await?;
        flows.retain(|flow| self.deleted || flow.deleted_at.is_none());
        let mut rows: Vec<Value> = flows.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
        if self.format == Format::Table {
            for (row, flow) in rows.iter_mut().zip(&flows) {
                row["saved"] = json!(flow.updated_at.to_rfc3339());
            }
        }
        if rows.is_empty() && self.format == Format::Table {
            eprintln!("No flow is kept here; `tieline flow import FILE` takes one in.");
            return Ok(ExitCode::SUCCESS);
        }
        let columns = [
            ("ID", "id"),
            ("NAME", "name"),
            ("SOURCE", "source"),
            ("EVENT", "event"),
            ("DRAFT", "draftVersion"),
            ("ACTIVE", "activeVersion"),
            ("SAVED", "saved"),
            ("BY", "author"),
        ];
        print_rows(self.format, &rows, &columns);
        Ok(ExitCode::SUCCESS)
    }
}

impl Runs {
    pub(super) async fn run(self, host: &Host) -> anyhow::Result<ExitCode> {
        let mut runs = host.runs(self.flow.as_deref(), self.contact.as_deref(), self.limit, now()).await?;
        if self.format == Format::Table {
            for run in &mut runs {
                let started = run.get("startedAt").and_then(Value::as_i64).map(Timestamp::from_millis);
                run["started"] = json!(started.map(Timestamp::to_rfc3339));
                let contact = run.pointer("/event/contact/contactId").cloned().unwrap_or(Value::Null);
                run["contact"] = contact;
                run["event"] = json!(format!(
                    "{} {}",
                    run.pointer("/event/source").and_then(Value::as_str).unwrap_or("-"),
                    run.pointer("/event/name").and_then(Value::as_str).unwrap_or("-")
                ));
            }
        }
        if runs.is_empty() && self.format == Format::Table {
            eprintln!("No run is kept here that fits.");
            return Ok(ExitCode::SUCCESS);
        }
        let columns = [
            ("ID", "id"),
            ("STARTED", "started"),
            ("FLOW", "flowName"),
            ("EVENT", "event"),
            ("CONTACT", "contact"),
            ("STATUS", "status"),
            ("ERROR", "error"),
        ];
        print_rows(self.format, &runs, &columns);
        Ok(ExitCode::SUCCESS)
    }
}
