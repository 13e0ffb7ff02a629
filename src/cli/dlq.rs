//! `tieline dlq …`: writes that wait for a person.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use clap::{Args as Arguments, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use super::desk::{self, Opened};
use super::{DataDir, Format, print};
use crate::clock;
use crate::envelope::WriteId;
use crate::outcome::rows::DeadLetter;
use crate::replay::{Filter, Options, Verdict, drain, heads, object};
use crate::time::Timestamp;

#[derive(Debug, Arguments)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    data: DataDir,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List dead letters, oldest first.
    List {
        #[command(flatten)]
        which: Which,
        /// How many at most.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show one dead letter whole: its history, its payload, what people did to it.
    Show {
        /// The write (`tl-…`).
        id: WriteId,
    },
    /// Repair a dead letter; `replay` then sends it as it is now.
    Edit {
        /// The write (`tl-…`).
        id: WriteId,
        /// Set a field: `Subject=text`, `Amount:=12.5` for JSON, `Field:=null` takes it away.
        #[arg(long = "set", value_name = "FIELD=VALUE", required_unless_present = "file")]
        set: Vec<String>,
        /// Put this write (JSON, as `show` prints it under `write`) in its place.
        #[arg(long, conflicts_with = "set")]
        file: Option<PathBuf>,
    },
    /// Send dead letters again. Interrupted, it is finished by running it again.
    Replay {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        care: Care,
        /// Send updates although their record changed since.
        #[arg(long)]
        overwrite: bool,
        /// How many a second at most.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        rate: u32,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Give dead letters up: they will not be sent.
    Discard {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        care: Care,
        /// Why; the history keeps it.
        #[arg(long, value_name = "TEXT", required_unless_present = "dry_run", value_parser = reason)]
        reason: Option<String>,
    },
    /// Empty the queue's own dead-letter queue into records, as the worker does.
    Drain,
}

/// Which dead letters: all that is given must hold.
#[derive(Debug, Arguments)]
struct Which {
    /// Writes (`tl-…`).
    ids: Vec<WriteId>,
    /// Of this contact (the first of its chain of transfers).
    #[arg(long, value_name = "CONTACT_ID")]
    contact: Option<String>,
    /// Of this object.
    #[arg(long, value_name = "NAME")]
    object: Option<String>,
    /// With this error code or reason.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Where Salesforce names this field.
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
    /// Died at or after this: a time, a date, or how long ago (2h).
    #[arg(long, value_name = "TIME", value_parser = desk::parse_time)]
    since: Option<Timestamp>,
    /// Died before this.
    #[arg(long, value_name = "TIME", value_parser = desk::parse_time)]
    until: Option<Timestamp>,
}

/// What keeps a slip of the hand from touching everything.
#[derive(Debug, Arguments)]
struct Care {
    /// Every dead letter there is.
    #[arg(long)]
    all: bool,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
}

impl Which {
    fn filter(&self) -> Filter {
        Filter {
            ids: self.ids.iter().copied().collect::<BTreeSet<_>>(),
            contact: self.contact.clone(),
            object: self.object.clone(),
            code: self.code.clone(),
            field: self.field.clone(),
            since: self.since,
            until: self.until,
        }
    }

    /// For what changes something: a filter, or `--all` in so many words.
    fn careful(&self, care: &Care) -> anyhow::Result<Filter> {
        let filter = self.filter();
        if filter == Filter::default() && !care.all {
            bail!("name the writes (tl-…), or filter them, or say --all");
        }
        Ok(filter)
    }
}

fn reason(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let why = "say why: somebody will ask what became of this write";
    if text.is_empty() { Err(why) } else { Ok(text.to_owned()) }
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let opened = desk::open(&args.data)?;
    match args.action {
        Action::List { which, limit, format } => list(&opened, &which, limit, format).await,
        Action::Show { id } => {
            let letter = opened.desk.show(id, None, clock::now()).await?;
            println!("{}", serde_json::to_string_pretty(&shown(&letter))?);
            Ok(ExitCode::SUCCESS)
        }
        Action::Edit { id, set, file } => edit(&opened, id, &set, file).await,
        Action::Replay { which, care, overwrite, rate, format } => {
            let options = Options { dry: care.dry_run, overwrite };
            replay(&opened, which.careful(&care)?, options, rate, format).await
        }
        Action::Discard { which, care, reason } => {
            let why = reason.unwrap_or_default();
            discard(&opened, which.careful(&care)?, &why, care.dry_run).await
        }
        Action::Drain => empty(&opened).await,
    }
}

async fn list(opened: &Opened, which: &Which, limit: usize, format: Format) -> anyhow::Result<ExitCode> {
    let (letters, more) = opened.desk.list(&which.filter(), None, limit, clock::now()).await?;
    let rows: Vec<_> = letters
        .iter()
        .map(|letter| {
            vec![
                letter.failed_at.to_rfc3339(),
                letter.id.to_string(),
                letter.group.clone(),
                object(letter).to_owned(),
                letter.reason.code().to_owned(),
                letter.attempts.to_string(),
                letter.fault.to_string(),
            ]
        })
        .collect();
    let values: Vec<_> = letters.iter().map(shown).collect();
    print::list(format, &["DIED", "WRITE", "CONTACT", "OBJECT", "REASON", "TRIES", "WHY"], &rows, &values);
    if letters.is_empty() {
        eprintln!("tieline: {NONE}");
    } else if more.is_some() {
        eprintln!("tieline: there are more; narrow it with a filter or raise --limit");
    }
    for line in causes(&letters) {
        eprintln!("tieline: {line}");
    }
    Ok(ExitCode::SUCCESS)
}

/// What many have in common, most first, and how to get hold of it: a night's thousand letters have one
/// or two causes.
fn causes(letters: &[DeadLetter]) -> Vec<String> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for letter in letters {
        *counts.entry((&letter.fault.code, object(letter))).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 1).collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    let shown = counts.into_iter().take(CAUSES);
    let named = |object: &str| if object.is_empty() { String::new() } else { format!(" --object {object}") };
    shown.map(|((code, object), count)| format!("{count} of them: --code {code}{}", named(object))).collect()
}

/// How many causes a list ends with at most.
const CAUSES: usize = 5;

const NONE: &str = "no dead letter waits that fits; what was sent again or discarded is told by `tieline outcomes CONTACT_ID`";

/// A dead letter for a reader: times as people read them.
fn shown(letter: &DeadLetter) -> Value {
    let write = letter.envelope.get("write").cloned().unwrap_or_else(|| letter.envelope.clone());
    json!({
        "id": letter.id, "contact": letter.group, "object": object(letter),
        "reason": letter.reason.code(), "code": letter.fault.code, "message": letter.fault.message,
        "failed_at": letter.failed_at.to_rfc3339(), "attempts": letter.attempts,
        "history": letter.history.iter().map(|moment| json!({
            "at": moment.at.to_rfc3339(), "what": moment.what, "code": moment.code })).collect::<Vec<_>>(),
        "edits": letter.edits.iter().map(|edit| json!({
            "at": edit.at.to_rfc3339(), "by": edit.by, "what": edit.what })).collect::<Vec<_>>(),
        "write": write,
    })
}

async fn edit(
    opened: &Opened,
    id: WriteId,
    set: &[String],
    file: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    let now = clock::now();
    let letter = opened.desk.show(id, None, now).await?;
    let difference = match file {
        Some(file) => {
            let text = std::fs::read_to_string(&file)
                .with_context(|| format!("{} cannot be read", file.display()))?;
            let write = serde_json::from_str(&text)
                .with_context(|| format!("{} holds no write as `show` prints it", file.display()))?;
            opened.desk.set_write(&letter, write, now).await?
        }
        None => {
            let fields = set.iter().map(|text| field(text)).collect::<anyhow::Result<Map<_, _>>>()?;
            opened.desk.set_fields(&letter, &fields, now).await?
        }
    };
    if difference.changed.is_empty() {
        println!("{id} is as it was");
    } else {
        println!("{id}: changed {}; `tieline dlq replay {id}` sends it", difference.changed.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

/// `Field=text` or `Field:=JSON`.
fn field(text: &str) -> anyhow::Result<(String, Value)> {
    let (name, value) =
        text.split_once('=').with_context(|| "write --set Field=value, or Field:=JSON".to_owned())?;
    match name.strip_suffix(':') {
        Some(name) => {
            let value = serde_json::from_str(value)
                .with_context(|| format!("the value of {name} is no JSON; for text write {name}=…"))?;
            Ok((name.to_owned(), value))
        }
        None => Ok((name.to_owned(), value.into())),
    }
}

async fn replay(
    opened: &Opened,
    filter: Filter,
    options: Options,
    rate: u32,
    format: Format,
) -> anyhow::Result<ExitCode> {
    let (letters, _) = opened.desk.list(&filter, None, usize::MAX, clock::now()).await?;
    if letters.is_empty() {
        eprintln!("tieline: {NONE}");
    }
    let bar = bar(letters.len(), if options.dry { "looking at" } else { "replaying" });
    let mut verdicts: Vec<(WriteId, Verdict)> = Vec::new();
    let mut failed = None;
    for letter in heads(letters) {
        match opened.desk.replay(&letter, options, clock::now()).await {
            Ok(done) => {
                bar.inc(done.len() as u64);
                tokio::time::sleep(Duration::from_secs(1) * u32::try_from(done.len()).unwrap_or(1) / rate)
                    .await;
                verdicts.extend(done);
            }
            Err(error) => {
                failed = Some((letter.id, error));
                break;
            }
        }
    }
    bar.finish_and_clear();
    let rows: Vec<_> = verdicts
        .iter()
        .map(|(id, v)| vec![id.to_string(), v.word().to_owned(), why(v, options.dry)])
        .collect();
    let values: Vec<_> = verdicts
        .iter()
        .map(|(id, v)| json!({"id": id, "verdict": v.word(), "why": why(v, options.dry), "dry_run": options.dry}))
        .collect();
    print::list(format, &["WRITE", if options.dry { "WOULD BE" } else { "WAS" }, "WHY"], &rows, &values);
    let sent = verdicts.iter().filter(|(_, verdict)| verdict.is_sent()).count();
    eprintln!("tieline: {sent} of {} {}", verdicts.len(), if options.dry { "would be sent" } else { "sent" });
    if let Some((id, error)) = failed {
        bail!("stopped at {id}: {error}; what was sent stands, run it again for the rest");
    }
    Ok(if sent == verdicts.len() && sent > 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn why(verdict: &Verdict, dry: bool) -> String {
    match verdict {
        Verdict::Replayed { generation } | Verdict::Finished { generation } if dry => {
            format!("it would go into the queue as generation {generation}")
        }
        Verdict::Replayed { generation } => format!("generation {generation} is in the queue"),
        Verdict::Finished { generation } => format!("generation {generation} is in the queue (once more)"),
        Verdict::AlreadyDone => "it was carried out after all".to_owned(),
        Verdict::Superseded => "its record changed since; --overwrite sends it all the same".to_owned(),
        Verdict::ParentDead(parent) => format!("it refers to {parent}, which is dead: replay that one"),
        Verdict::Unfit(why) => why.clone(),
    }
}

async fn discard(opened: &Opened, filter: Filter, why: &str, dry: bool) -> anyhow::Result<ExitCode> {
    let (letters, _) = opened.desk.list(&filter, None, usize::MAX, clock::now()).await?;
    if letters.is_empty() {
        eprintln!("tieline: {NONE}");
        return Ok(ExitCode::from(1));
    }
    let bar = bar(letters.len(), "discarding");
    let mut discarded = 0;
    for letter in &letters {
        if !dry && let Err(error) = opened.desk.discard(letter, why, clock::now()).await {
            eprintln!("tieline: {}: {error}", letter.id);
            continue;
        }
        discarded += 1;
        bar.inc(1);
    }
    bar.finish_and_clear();
    println!("{discarded} of {} {}", letters.len(), if dry { "would be discarded" } else { "discarded" });
    Ok(if discarded == letters.len() && discarded > 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn empty(opened: &Opened) -> anyhow::Result<ExitCode> {
    let Some(dead) = &opened.dead else { bail!("no dead-letter queue is configured (TIELINE_DLQ_URL)") };
    let (mut buried, mut settled, mut left) = (0, 0, 0);
    loop {
        let drained = drain(&**dead, &*opened.desk.state, 100, clock::now()).await?;
        (buried, settled, left) = (buried + drained.buried, settled + drained.settled, left + drained.left);
        if drained.buried + drained.settled == 0 {
            break;
        }
    }
    println!("{buried} became dead letters, {settled} had ended already, {left} stay");
    Ok(if left == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// On a terminal only; a program that reads us sees nothing of it.
fn bar(length: usize, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
    let bar = ProgressBar::new(length as u64).with_message(what.to_owned());
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Class, Fault};
    use crate::outcome::Reason;

    fn letter(code: &str, object: &str) -> DeadLetter {
        DeadLetter {
            id: WriteId::keyed("acme", "contact-1", code),
            group: "contact-1".to_owned(),
            version: 1,
            reason: Reason::Rejected,
            fault: Fault::new(Class::Rejected, code, "refused"),
            failed_at: Timestamp::from_millis(0),
            attempts: 1,
            history: Vec::new(),
            envelope: json!({"write": {"operation": "create", "object": object, "fields": {}}}),
            edits: Vec::new(),
        }
    }

    #[test]
    fn what_many_have_in_common_is_told_most_first() {
        let of = |code, object, count| std::iter::repeat_with(move || letter(code, object)).take(count);
        let letters: Vec<_> = of("EXPIRED", "Case", 1)
            .chain(of("REQUIRED_FIELD_MISSING", "Case", 2))
            .chain(of("REQUIRED_FIELD_MISSING", "Task", 3))
            .collect();
        let told = causes(&letters);
        assert_eq!(told.len(), 2, "one alone has nothing in common: {told:?}");
        assert_eq!(told[0], "3 of them: --code REQUIRED_FIELD_MISSING --object Task");
    }

    #[test]
    fn a_write_is_given_up_with_a_reason() {
        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(subcommand)]
            _action: Action,
        }
        let takes = |more: &[&str]| {
            <Line as clap::Parser>::try_parse_from([&["dlq", "discard", "--all"], more].concat()).is_ok()
        };
        assert!(!takes(&[]) && !takes(&["--reason", " "]));
        assert!(takes(&["--reason", "entered by hand"]) && takes(&["--dry-run"]));
    }

    #[test]
    fn fields_are_text_or_json() {
        assert_eq!(field("Subject=a=b").unwrap(), ("Subject".to_owned(), json!("a=b")));
        assert_eq!(field("Amount:=12.5").unwrap(), ("Amount".to_owned(), json!(12.5)));
        assert_eq!(field("Gone:=null").unwrap(), ("Gone".to_owned(), Value::Null));
        assert!(field("Subject").is_err());
        assert!(field("Amount:=twelve").is_err());
    }
}
