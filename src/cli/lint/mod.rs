//! `tieline lint FLOW.json`: what an exported Amazon Connect contact flow should change.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::Format;

mod graph;
mod rules;

use graph::Flow;
use rules::Finding;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Flows as Amazon Connect exports them, or as `aws connect describe-contact-flow` prints them.
    #[arg(value_name = "FLOW.json", required = true)]
    files: Vec<PathBuf>,
    /// Print the flow with every call of sfInvokeAPI led to this ARN; findings go to standard error.
    #[arg(long, value_name = "ARN")]
    retarget: Option<String>,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// A warning counts as an error: exit code 1.
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut findings = Vec::new();
    for file in &args.files {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(|| format!("{name} cannot be read"))?;
        let flow: Value = serde_json::from_str(&text).with_context(|| format!("{name} is not JSON"))?;
        let mut flow = content(&name, flow)?;
        if let Some(arn) = &args.retarget {
            if args.files.len() > 1 {
                bail!("--retarget prints one flow; give one file");
            }
            return retarget(&name, &mut flow, arn);
        }
        findings.extend(rules::check(&name, &read(&name, &flow)?));
    }
    print(&findings, args.format)?;
    let counts = |f: &Finding| f.severity == "error" || args.strict && f.severity == "warning";
    Ok(ExitCode::from(u8::from(findings.iter().any(counts))))
}

/// The flow itself: the AWS command line hands it over as a text within what it describes.
fn content(name: &str, flow: Value) -> anyhow::Result<Value> {
    let within = ["/ContactFlow/Content", "/ContactFlowModule/Content"];
    match within.iter().find_map(|pointer| flow.pointer(pointer)?.as_str()) {
        Some(text) => {
            serde_json::from_str(text).with_context(|| format!("the Content of {name} is not JSON"))
        }
        None => Ok(flow),
    }
}

fn read(name: &str, flow: &Value) -> anyhow::Result<Flow> {
    Flow::read(flow).with_context(|| {
        format!("{name} is no contact flow as Amazon Connect exports it: it has neither Actions nor modules")
    })
}

fn print(findings: &[Finding], format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => println!("{}", serde_json::to_string_pretty(findings)?),
        Format::Jsonl => {
            for finding in findings {
                println!("{}", serde_json::to_string(finding)?);
            }
        }
        Format::Table => print!("{}", told(findings)),
    }
    Ok(())
}

/// Findings for people; of a flow without any there is nothing to say.
fn told(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let line = |f: &Finding| {
        format!("{}: {} [{}] {}: {}\n    {}\n", f.file, f.severity, f.code, f.block, f.message, f.hint)
    };
    let of = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let counts = format!("{} errors, {} warnings, {} notes\n", of("error"), of("warning"), of("note"));
    findings.iter().map(line).chain([counts]).collect()
}

/// The same flow, with every call of ours led to another function.
fn retarget(name: &str, flow: &mut Value, arn: &str) -> anyhow::Result<ExitCode> {
    if !(arn.starts_with("arn:") && arn.contains(":lambda:") && arn.contains(":function:")) {
        bail!(
            "--retarget needs the ARN of a Lambda function or of its alias: arn:aws:lambda:REGION:ACCOUNT:function:NAME:live"
        );
    }
    let findings = rules::check(name, &read(name, flow)?);
    let changed = lead(flow, arn);
    println!("{}", serde_json::to_string_pretty(flow)?);
    eprint!("{}", told(&findings));
    if changed == 0 {
        eprintln!("tieline: no block of {name} calls sfInvokeAPI by a fixed ARN; nothing was changed");
        return Ok(ExitCode::from(1));
    }
    eprintln!(
        "tieline: {changed} blocks now call {arn}; import the flow, and allow Amazon Connect to invoke the function"
    );
    Ok(ExitCode::SUCCESS)
}

/// Whether a block names our function; one that takes the ARN from the contact names none.
fn is_ours(target: &str, asks_ours: bool) -> bool {
    !graph::dynamic(target) && (asks_ours || target.contains("sfInvokeAPI"))
}

/// Leads our calls elsewhere and counts them. Everything else stays as it is, unknown keys included.
fn lead(flow: &mut Value, arn: &str) -> usize {
    let (mut changed, mut led) = (0, BTreeSet::new());
    let actions = flow.get_mut("Actions").and_then(Value::as_array_mut).into_iter().flatten();
    for action in actions {
        let ours = action.pointer("/Parameters/LambdaInvocationAttributes/sf_operation").is_some();
        if let Some(Value::String(target)) = action.pointer_mut("/Parameters/LambdaFunctionARN")
            && is_ours(target, ours)
        {
            arn.clone_into(target);
            changed += 1;
            led.extend(action.get("Identifier").and_then(Value::as_str).map(str::to_owned));
        }
    }
    // What the designer shows in the block's place of the ARN.
    let name = arn.split_once(":function:").map_or(arn, |(_, name)| name);
    let shown = flow.pointer_mut("/Metadata/ActionMetadata").and_then(Value::as_object_mut);
    for (_, about) in shown.into_iter().flatten().filter(|(id, _)| led.contains(*id)) {
        if let Some(Value::String(shown)) = about.pointer_mut("/parameters/LambdaFunctionARN/displayName") {
            name.clone_into(shown);
        }
    }
    let modules = flow.get_mut("modules").and_then(Value::as_array_mut).into_iter().flatten();
    for parameters in modules.filter_map(|m| m.get_mut("parameters")?.as_array_mut()) {
        let ours = parameters.iter().any(|p| p["key"] == "sf_operation");
        for parameter in parameters.iter_mut().filter(|p| p["name"] == "FunctionArn") {
            if let Some(Value::String(target)) = parameter.get_mut("value")
                && is_ours(target, ours)
            {
                arn.clone_into(target);
                changed += 1;
            }
        }
    }
    changed
}

#[cfg(test)]
mod tests;
