//! `tieline outcomes CONTACT_ID`: the story of a contact's writes, as a person reads it.

use std::process::ExitCode;

use serde_json::json;

use super::{DataDir, Format, desk};
use crate::clock;
use crate::outcome::{Moment, Outcome, State};
use crate::replay::Audit;
use crate::time::Timestamp;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The contact; of a transferred one the first of its chain (`InitialContactId`).
    #[arg(value_name = "CONTACT_ID")]
    contact: String,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    data: DataDir,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let now = clock::now();
    let (outcomes, audits) = desk::open(&args.data)?.desk.timeline(&args.contact, now).await?;
    match args.format {
        Format::Table => print!("{}", story(&outcomes, &audits, now)),
        Format::Json | Format::Jsonl => {
            let values: Vec<_> = outcomes
                .iter()
                .map(|outcome| {
                    let by_people: Vec<_> =
                        audits.iter().filter(|audit| audit.id == Some(outcome.id)).collect();
                    json!({"status": outcome.status().word(), "outcome": outcome, "audit": by_people})
                })
                .collect();
            super::print::list(args.format, &[], &[], &values);
        }
    }
    if outcomes.is_empty() {
        eprintln!(
            "tieline: no write of this contact is recorded; of a transferred contact ask for the first \
             (InitialContactId)"
        );
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}

/// One paragraph for each write: what it was, what happened to it and when, where it stands.
fn story(outcomes: &[Outcome], audits: &[Audit], now: Timestamp) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let mut events = vec![(outcome.accepted_at, "accepted".to_owned())];
        events.extend(outcome.first_sent_at.map(|at| (at, "first claimed by a worker".to_owned())));
        let of_a_person = |moment: &&Moment| {
            let deeds = audits.iter().filter(|audit| audit.id == Some(outcome.id) && audit.at == moment.at);
            deeds.count() > 0
        };
        // What a person did is told once, with the name.
        events.extend(outcome.history.iter().filter(|moment| !of_a_person(moment)).map(|moment| {
            let code = if moment.code.is_empty() { String::new() } else { format!(" {}", moment.code) };
            (moment.at, format!("{}{code}", moment.what))
        }));
        let by_people = audits.iter().filter(|audit| audit.id == Some(outcome.id));
        events.extend(by_people.map(|audit| (audit.at, format!("{} (by {})", audit.what, audit.by))));
        events.extend(outcome.done_at.map(|at| (at, outcome.status().word().to_owned())));
        events.sort_by_key(|(at, _)| *at);
        let name = outcome.name.as_ref().map(|name| format!(" `{name}`")).unwrap_or_default();
        let record = outcome.record_id.as_deref().or(outcome.target.as_deref()).unwrap_or_default();
        line(&mut text, &format!("{} {}{name} {record}", outcome.verb, outcome.object));
        line(&mut text, &format!("  {}", outcome.id));
        for (at, what) in events {
            line(&mut text, &format!("  {}  {}  {what}", at.to_rfc3339(), since(outcome.accepted_at, at)));
        }
        let tries = match outcome.attempts {
            0 => String::new(),
            1 => ", 1 failed attempt".to_owned(),
            n => format!(", {n} failed attempts"),
        };
        let why = match outcome.state {
            State::Dead { reason } => format!(" ({})", reason.code()),
            _ => String::new(),
        };
        line(&mut text, &format!("  = {}{why}{tries}", outcome.status().word()));
        if let (Some(_), Some(fault)) = (outcome.error_code(), &outcome.fault) {
            line(&mut text, &format!("    {fault}"));
        }
        if let Some(next) = outcome.next_at() {
            let when = if next > now { format!("in {}", since(now, next).trim()) } else { "due".to_owned() };
            line(&mut text, &format!("    next step {when}"));
        }
        text.push('\n');
    }
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

/// Seconds with thousandths up to a minute, then whole ones.
fn since(from: Timestamp, at: Timestamp) -> String {
    let passed = at.since(from);
    let text = match passed.as_secs() {
        0..60 => format!("{:.3} s", passed.as_secs_f64()),
        60..3600 => format!("{} min {:02} s", passed.as_secs() / 60, passed.as_secs() % 60),
        secs => format!("{} h {:02} min", secs / 3600, secs / 60 % 60),
    };
    format!("{text:>14}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::WriteId;

    #[test]
    fn the_story_of_a_write_reads_from_top_to_bottom() {
        let t = |millis: i64| Timestamp::from_millis(1_795_170_000_000 + millis);
        let outcome: Outcome = serde_json::from_value(serde_json::json!({
            "id": WriteId::keyed("o", "g", "k"), "group": "g", "version": 4, "generation": 2, "hash": "",
            "verb": "create", "object": "Case", "name": "case", "state": {"is": "succeeded"},
            "attempts": 1, "accepted_at": t(0), "first_sent_at": t(260), "done_at": t(3_720_000),
            "record_id": "5005g00000AAAAAAA1",
        }))
        .unwrap();
        assert_eq!(outcome.state, State::Succeeded);
        let rejected =
            Moment { at: t(812), what: "rejected".to_owned(), code: "REQUIRED_FIELD_MISSING".to_owned() };
        let outcome = Outcome { history: vec![rejected], ..outcome };
        let audit = Audit {
            at: t(95_000),
            by: "sam".to_owned(),
            id: Some(outcome.id),
            what: "edited fields.Subject".to_owned(),
        };
        let story = story(std::slice::from_ref(&outcome), &[audit], t(4_000_000));
        let expected = format!(
            "create Case `case` 5005g00000AAAAAAA1\n  {}\n  \
             2026-11-20T10:20:00.000Z         0.000 s  accepted\n  \
             2026-11-20T10:20:00.260Z         0.260 s  first claimed by a worker\n  \
             2026-11-20T10:20:00.812Z         0.812 s  rejected REQUIRED_FIELD_MISSING\n  \
             2026-11-20T10:21:35.000Z      1 min 35 s  edited fields.Subject (by sam)\n  \
             2026-11-20T11:22:00.000Z      1 h 02 min  succeeded\n  = succeeded, 1 failed attempt\n\n",
            outcome.id
        );
        assert_eq!(story, expected);
    }
}
