//! `tieline doctor`: what is wrong, why, and what cures it.

use std::process::ExitCode;

use serde_json::json;

use super::{Format, print};
use crate::config;
use crate::doctor;
use crate::doctor::{Check, Status};
use crate::lambda::Service;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Objects that flows write or read, besides those with a unique field.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_values = doctor::OBJECTS)]
    objects: Vec<String>,
    /// Fields that flows write or read, `Case.Origin,Contact.Phone`.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = field)]
    fields: Vec<String>,
    /// The deployed function, name or ARN: may Amazon Connect invoke it?
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
    /// How the checks are printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn field(text: &str) -> Result<String, &'static str> {
    match text.split_once('.') {
        Some((object, field)) if !object.is_empty() && !field.is_empty() => Ok(text.to_owned()),
        _ => Err("a field is named with its object: Case.Origin"),
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let checks = match config::of_process() {
        Ok(config) => {
            let asked = doctor::Asked { objects: args.objects, fields: args.fields, function: args.function };
            doctor::examine(&Service::new(Ok(config)), &asked).await
        }
        Err(errors) => doctor::environment(&errors),
    };
    match args.format {
        Format::Table => print!("{}", story(&checks)),
        Format::Json | Format::Jsonl => {
            let values: Vec<_> = checks.iter().map(|c| json!(c)).collect();
            print::list(args.format, &[], &[], &values);
        }
    }
    Ok(ExitCode::from(u8::from(checks.iter().any(|c| c.status == Status::Failed))))
}

/// A line for what is well; for anything else also what cures it, and the page that says more.
fn story(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        text.push_str(&format!("{:<6}  {}: {}\n", check.status.word(), check.name, check.cause));
        if !check.cure.is_empty() {
            text.push_str(&format!("        cure: {}\n", check.cure));
        }
        text.extend(check.link.map(|link| format!("        see:  {link}\n")));
    }
    let of = |status| checks.iter().filter(|c| c.status == status).count();
    let (failed, warned, good) = (of(Status::Failed), of(Status::Warned), of(Status::Good));
    text + &format!("{failed} failed, {warned} warned, {good} good\n")
}
