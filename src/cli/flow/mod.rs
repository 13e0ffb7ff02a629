//! `tieline flow …`: CTI Flows checked, run, kept.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::string::FromUtf8Error;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::{Value, json};

use super::print::list;
use super::{DataDir, Format};
use crate::clock;
use crate::config;
use crate::flow::catalogue;
use crate::flow::diff::diff;
use crate::flow::explain::explain;
use crate::flow::model::Document;
use crate::flow_host::{Host, Settings};
use crate::store::aws::Aws;
use crate::store::sqlite;
use crate::store::sqlite::Sqlite;

mod check;
mod kept;
mod run;
mod scripted;
mod tell;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    data: DataDir,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say everything that is wrong with flow files. Exit code 1 when there is an error.
    Check(check::Args),
    /// Run a flow file on an event, with scripted answers where nobody else can give them.
    Run(run::Args),
    /// Print a flow file in one form.
    Fmt(Fmt),
    /// Tell a flow as an outline.
    Explain {
        /// The flow file; `-` reads standard input.
        file: PathBuf,
    },
    /// Say what differs between two flow files. Exit code 1 when they differ.
    Diff {
        /// The first file.
        a: PathBuf,
        /// The second file.
        b: PathBuf,
        /// How the list is printed.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// List the blocks that are known.
    Catalogue {
        /// Only blocks whose title, type or tags hold this.
        term: Option<String>,
        /// How the list is printed.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Take a flow file into the registry, as a draft.
    Import(kept::Import),
    /// Print a flow of the registry.
    Export(kept::Export),
    /// Let a version of a flow run on its event.
    Activate(kept::Activate),
    /// List the flows of the registry.
    List(kept::List),
    /// List the runs that are kept, newest first.
    Runs(kept::Runs),
}

#[derive(Debug, clap::Args)]
struct Fmt {
    /// The flow file; `-` reads standard input.
    file: PathBuf,
    /// One line, as the adapter exports it.
    #[arg(long, conflicts_with = "pretty")]
    exact: bool,
    /// For people; the default.
    #[arg(long)]
    pretty: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Check(command) => command.run(),
        Command::Run(command) => command.run().await,
        Command::Fmt(fmt) => fmt.run(),
        Command::Explain { file } => {
            print!("{}", explain(&document(&file)?));
            Ok(ExitCode::SUCCESS)
        }
        Command::Diff { a, b, format } => Ok(differences(&document(&a)?, &document(&b)?, format)),
        Command::Catalogue { term, format } => blocks(term.as_deref(), format),
        Command::Import(command) => command.run(&kept_host(&args.data)?).await,
        Command::Export(command) => command.run(&kept_host(&args.data)?).await,
        Command::Activate(command) => command.run(&kept_host(&args.data)?).await,
        Command::List(command) => command.run(&kept_host(&args.data)?).await,
        Command::Runs(command) => command.run(&kept_host(&args.data)?).await,
    }
}

/// The host of commands that run nothing: of the deployment that the environment names, else of
/// local mode.
fn kept_host(data: &DataDir) -> anyhow::Result<Host> {
    let named = |(name, value): (String, String)| (name == "TIELINE_STATE_TABLE").then_some(value);
    let table = match config::environment().find_map(named).filter(|name| !name.trim().is_empty()) {
        Some(name) => Aws::new().table(name.trim()),
        None => Sqlite::visit(&data.data_dir)?.table(sqlite::STATE),
    };
    Ok(Host::new(Settings::default(), table, None, None))
}

impl Fmt {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let document = document(&self.file)?;
        print!("{}", if self.exact { document.to_exact() } else { document.to_pretty() });
        Ok(ExitCode::SUCCESS)
    }
}

fn differences(a: &Document, b: &Document, format: Format) -> ExitCode {
    let found = diff(a, b);
    let mut rows = Vec::new();
    rows.extend(found.file.iter().map(|key| json!({"difference": "changed", "what": key})));
    rows.extend(found.added.iter().map(|id| json!({"action": id, "difference": "added"})));
    rows.extend(found.removed.iter().map(|id| json!({"action": id, "difference": "removed"})));
    rows.extend(found.changed.iter().map(
        |c| json!({"action": c.id, "difference": "changed", "what": c.what.join(", "), "moved": c.moved}),
    ));
    rows.extend(found.moved.iter().map(|id| json!({"action": id, "difference": "moved"})));
    if !rows.is_empty() || format != Format::Table {
        print_rows(format, &rows, &[("ACTION", "action"), ("DIFFERENCE", "difference"), ("WHAT", "what")]);
    }
    ExitCode::from(u8::from(!found.is_empty()))
}

fn blocks(term: Option<&str>, format: Format) -> anyhow::Result<ExitCode> {
    let term = term.map(str::to_lowercase);
    let mut rows = Vec::new();
    for block in &catalogue::catalogue().blocks {
        let words =
            format!("{} {} {} {}", block.kind, block.title, block.tags.join(" "), block.aliases.join(" "));
        if term.as_ref().is_none_or(|t| words.to_lowercase().contains(t)) {
            rows.push(serde_json::to_value(block)?);
        }
    }
    if rows.is_empty() && format == Format::Table {
        eprintln!("No block goes by {}.", term.unwrap_or_default());
        return Ok(ExitCode::from(1));
    }
    let columns =
        [("TYPE", "type"), ("TITLE", "title"), ("EXECUTOR", "executor"), ("DESCRIPTION", "description")];
    print_rows(format, &rows, &columns);
    Ok(ExitCode::SUCCESS)
}

/// The source and the event that a flow is for, refused where there is none of that name.
fn known(source: Option<&str>, event: Option<&str>) -> anyhow::Result<()> {
    let (source, event) = (source.filter(|id| !id.is_empty()), event.filter(|name| !name.is_empty()));
    let all = &catalogue::catalogue().sources;
    let names = |names: Vec<&str>| names.join(", ");
    let Some(id) = source else {
        anyhow::ensure!(event.is_none(), "an event belongs to a source: give --source, too");
        return Ok(());
    };
    let source = all.iter().find(|source| source.id == id).with_context(|| {
        format!("there is no source {id}; there are {}", names(all.iter().map(|s| s.id.as_str()).collect()))
    })?;
    if let Some(name) = event {
        source.event(name).with_context(|| {
            let events = source.events.iter().map(|event| event.name.as_str()).collect();
            format!("{id} has no event {name}; it has {}", names(events))
        })?;
    }
    Ok(())
}

/// The bytes of a file, or of standard input.
fn bytes(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes).context("standard input cannot be read")?;
    } else {
        bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    }
    Ok(bytes)
}

/// The text of a file. Windows writes UTF-16 behind a mark; anything else that is no UTF-8 would
/// lose letters, and is refused.
fn text(file: &Path) -> anyhow::Result<String> {
    decoded(bytes(file)?).map_err(|_| {
        anyhow::anyhow!("{} is no text in UTF-8: save it as UTF-8, or export the flow again", file.display())
    })
}

fn decoded(bytes: Vec<u8>) -> Result<String, FromUtf8Error> {
    let pair: Option<fn([u8; 2]) -> u16> = match bytes.get(..2) {
        Some([0xff, 0xfe]) => Some(u16::from_le_bytes),
        Some([0xfe, 0xff]) => Some(u16::from_be_bytes),
        _ => None,
    };
    if let Some(pair) = pair {
        let units = bytes.chunks_exact(2).skip(1).filter_map(|two| Some(pair(two.try_into().ok()?)));
        if let Ok(text) = char::decode_utf16(units).collect::<Result<String, _>>() {
            return Ok(text);
        }
    }
    String::from_utf8(bytes)
}

/// A flow file as a document.
fn document(file: &Path) -> anyhow::Result<Document> {
    let document = Document::parse(&text(file)?)
        .with_context(|| format!("{} is no JSON that can be read as a flow", file.display()))?;
    anyhow::ensure!(document.is_flow(), "{} is JSON, but no flow: it has no list `actions`", file.display());
    Ok(document)
}

/// Rows as columns under heads, as one array, or one a line.
fn print_rows(format: Format, rows: &[Value], columns: &[(&str, &str)]) {
    let cell = |row: &Value, column: &str| match row.get(column) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.replace('\n', " "),
        Some(other) => other.to_string(),
    };
    let heads: Vec<&str> = columns.iter().map(|(head, _)| *head).collect();
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| columns.iter().map(|(_, name)| cell(row, name)).collect()).collect();
    list(format, &heads, &cells, rows);
}

/// The time, for the rows of the registry.
fn now() -> crate::time::Timestamp {
    clock::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_or_event_that_is_none_is_told_with_those_there_are() {
        for (source, event) in
            [(None, None), (Some(""), Some("")), (Some("voiceContact"), Some("onConnecting"))]
        {
            known(source, event).unwrap();
        }
        for (source, event, told) in [
            (Some("voice"), None, "voiceContact"),
            (Some("voiceContact"), Some("onInit"), "onConnecting"),
            (None, Some("onInit"), "--source"),
        ] {
            let error = known(source, event).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn what_windows_writes_is_read_and_what_would_lose_letters_is_not() {
        let text = r#"{"actions":[],"name":"grün"}"#;
        let wide = |mark: [u8; 2], pair: fn(u16) -> [u8; 2]| {
            [mark.to_vec(), text.encode_utf16().flat_map(pair).collect()].concat()
        };
        assert_eq!(decoded(text.as_bytes().to_vec()).unwrap(), text);
        assert_eq!(decoded(wide([0xff, 0xfe], u16::to_le_bytes)).unwrap(), text);
        assert_eq!(decoded(wide([0xfe, 0xff], u16::to_be_bytes)).unwrap(), text);
        assert!(decoded(b"{\"name\":\"gr\xfcn\"}".to_vec()).is_err());
        assert!(decoded(vec![0xff, 0xfe, 0x00, 0xd8]).is_err());
    }
}
