//! `tieline flow …`: CTI Flows checked, run, kept.

use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::Value;
use serde_json::json;

use super::DataDir;
use super::Format;
use crate::clock;
use crate::flow::catalogue;
use crate::flow::diff::diff;
use crate::flow::explain::explain;
use crate::flow::model::Document;
use crate::flow::validate;
use crate::flow::validate::Around;
use crate::flow::validate::Severity;
use crate::flow_host::Host;
use crate::flow_host::Settings;
use crate::store::sqlite::Sqlite;

mod kept;
mod run;
mod scripted;

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
    Check(Check),
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
struct Check {
    /// Flow files; `-` reads standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Warnings count as errors.
    #[arg(long)]
    strict: bool,
    /// Make the safe repairs in the files, then check what is left.
    #[arg(long)]
    fix: bool,
    /// The source that the flows are for, such as voiceContact.
    #[arg(long)]
    source: Option<String>,
    /// The event that the flows are for, such as onConnecting.
    #[arg(long)]
    event: Option<String>,
    /// How the findings are printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
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
        Command::Check(check) => check.run(),
        Command::Run(command) => command.run().await,
        Command::Fmt(fmt) => fmt.run(),
        Command::Explain { file } => {
            print!("{}", explain(&document(&file)?));
            Ok(ExitCode::SUCCESS)
        }
        Command::Diff { a, b, format } => differences(&document(&a)?, &document(&b)?, format),
        Command::Catalogue { term, format } => blocks(term.as_deref(), format),
        Command::Import(command) => command.run(&kept_host(&args.data)?).await,
        Command::Export(command) => command.run(&kept_host(&args.data)?).await,
        Command::Activate(command) => command.run(&kept_host(&args.data)?).await,
        Command::List(command) => command.run(&kept_host(&args.data)?).await,
        Command::Runs(command) => command.run(&kept_host(&args.data)?).await,
    }
}

/// The host of commands that run nothing.
fn kept_host(data: &DataDir) -> anyhow::Result<Host> {
    Ok(Host::new(Settings::default(), Sqlite::visit(&data.data_dir)?.table("state"), None, None))
}

impl Check {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let around = Around { source: self.source.clone(), event: self.event.clone(), ..Around::default() };
        let mut all = Vec::new();
        let mut bad = false;
        for file in &self.files {
            let mut text = text(file)?;
            if self.fix {
                text = repaired(file, text, &around)?;
            }
            let (_, findings) = validate::check_text(&text, &around);
            bad |= findings
                .iter()
                .any(|d| d.severity == Severity::Error || (self.strict && d.severity == Severity::Warning));
            for finding in findings {
                let mut row = serde_json::to_value(&finding)?;
                row["file"] = json!(file.display().to_string());
                all.push(row);
            }
        }
        print_rows(self.format, &all, &["file", "severity", "code", "action", "message"])?;
        if self.format == Format::Table && all.is_empty() {
            eprintln!("Nothing to say.");
        }
        Ok(ExitCode::from(u8::from(bad)))
    }
}

/// Makes the safe repairs of a file, and says which.
fn repaired(file: &Path, text: String, around: &Around) -> anyhow::Result<String> {
    let Ok(mut document) = Document::parse(&text) else { return Ok(text) };
    let applied = validate::fix::apply(&mut document, around, None);
    if applied.is_empty() {
        return Ok(text);
    }
    for fix in &applied {
        eprintln!("{}: {} {}: {}", file.display(), fix.code, fix.action.as_deref().unwrap_or("-"), fix.label);
    }
    // A file on one line stays on one line.
    let new = if text.trim_end().contains('\n') { document.to_pretty() } else { document.to_exact() };
    if file.as_os_str() != "-" {
        std::fs::write(file, &new).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(new)
}

impl Fmt {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let document = document(&self.file)?;
        print!("{}", if self.exact { document.to_exact() } else { document.to_pretty() });
        Ok(ExitCode::SUCCESS)
    }
}

fn differences(a: &Document, b: &Document, format: Format) -> anyhow::Result<ExitCode> {
    let found = diff(a, b);
    let mut rows = Vec::new();
    rows.extend(found.added.iter().map(|id| json!({"action": id, "difference": "added"})));
    rows.extend(found.removed.iter().map(|id| json!({"action": id, "difference": "removed"})));
    rows.extend(found.changed.iter().map(
        |c| json!({"action": c.id, "difference": "changed", "what": c.what.join(", "), "moved": c.moved}),
    ));
    rows.extend(found.moved.iter().map(|id| json!({"action": id, "difference": "moved"})));
    print_rows(format, &rows, &["action", "difference", "what"])?;
    Ok(ExitCode::from(u8::from(!found.is_empty())))
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
    print_rows(format, &rows, &["type", "title", "executor", "description"])?;
    Ok(ExitCode::SUCCESS)
}

/// The text of a file, or of standard input.
fn text(file: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes).context("standard input cannot be read")?;
    } else {
        bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A flow file as a document.
fn document(file: &Path) -> anyhow::Result<Document> {
    let document = Document::parse(&text(file)?)
        .with_context(|| format!("{} is no JSON that can be read as a flow", file.display()))?;
    anyhow::ensure!(document.is_flow(), "{} is JSON, but no flow: it has no list `actions`", file.display());
    Ok(document)
}

/// Rows as columns, as one array, or one a line.
fn print_rows(format: Format, rows: &[Value], columns: &[&str]) -> anyhow::Result<()> {
    match format {
        Format::Json => println!("{}", serde_json::to_string_pretty(rows)?),
        Format::Jsonl => rows.iter().for_each(|row| println!("{row}")),
        Format::Table => {
            let cell = |row: &Value, column: &str| match row.get(column) {
                None | Some(Value::Null) => "-".to_owned(),
                Some(Value::String(text)) => text.replace('\n', " "),
                Some(other) => other.to_string(),
            };
            let width =
                |column: &str| rows.iter().map(|r| cell(r, column).chars().count()).max().unwrap_or(0);
            let widths: Vec<usize> = columns.iter().map(|c| width(c)).collect();
            for row in rows {
                let mut line = String::new();
                for (at, (column, width)) in columns.iter().zip(&widths).enumerate() {
                    let text = cell(row, column);
                    let pad = if at + 1 == columns.len() {
                        0
                    } else {
                        width.saturating_sub(text.chars().count()) + 2
                    };
                    line.push_str(&text);
                    line.extend(std::iter::repeat_n(' ', pad));
                }
                println!("{}", line.trim_end());
            }
        }
    }
    Ok(())
}

/// The time, for the rows of the registry.
fn now() -> crate::time::Timestamp {
    clock::now()
}
