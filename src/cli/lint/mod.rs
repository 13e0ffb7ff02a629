//! `tieline lint FLOW.json`: what an exported Amazon Connect contact flow should change.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use anyhow::bail;
use serde_json::Value;

use super::Format;

mod graph;
mod rules;

use graph::Flow;
use rules::Finding;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Flows as Amazon Connect exports them.
    #[arg(value_name = "FLOW.json", required = true)]
    files: Vec<PathBuf>,
    /// Print the flow with every call of sfInvokeAPI led to this ARN, in place of findings.
    #[arg(long, value_name = "ARN")]
    retarget: Option<String>,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// A warning counts as an error.
    #[arg(long)]
    strict: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut findings = Vec::new();
    for file in &args.files {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(|| format!("{name} cannot be read"))?;
        let mut flow: Value = serde_json::from_str(&text).with_context(|| format!("{name} is not JSON"))?;
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
        Format::Table => {
            for f in findings {
                println!(
                    "{}: {} [{}] {}: {}\n    {}",
                    f.file, f.severity, f.code, f.block, f.message, f.hint
                );
            }
            let of = |severity| findings.iter().filter(|f| f.severity == severity).count();
            println!("{} errors, {} warnings, {} notes", of("error"), of("warning"), of("note"));
        }
    }
    Ok(())
}

/// The same flow, with every call of ours led to another function.
fn retarget(name: &str, flow: &mut Value, arn: &str) -> anyhow::Result<ExitCode> {
    if !(arn.starts_with("arn:") && arn.contains(":lambda:") && arn.contains(":function:")) {
        bail!(
            "--retarget needs the ARN of a Lambda function or of its alias: arn:aws:lambda:REGION:ACCOUNT:function:NAME:live"
        );
    }
    read(name, flow)?;
    let changed = lead(flow, arn);
    println!("{}", serde_json::to_string_pretty(flow)?);
    eprintln!(
        "{changed} blocks now call {arn}; import the flow, and allow Amazon Connect to invoke the function"
    );
    Ok(ExitCode::from(u8::from(changed == 0)))
}

/// Leads our calls elsewhere and counts them. Everything else stays as it is, unknown keys included.
fn lead(flow: &mut Value, arn: &str) -> usize {
    let mut changed = 0;
    let actions = flow.get_mut("Actions").and_then(Value::as_array_mut).into_iter().flatten();
    for action in actions {
        let ours = action.pointer("/Parameters/LambdaInvocationAttributes/sf_operation").is_some();
        if let Some(Value::String(target)) = action.pointer_mut("/Parameters/LambdaFunctionARN")
            && (ours || target.contains("sfInvokeAPI"))
        {
            arn.clone_into(target);
            changed += 1;
        }
    }
    let modules = flow.get_mut("modules").and_then(Value::as_array_mut).into_iter().flatten();
    for parameters in modules.filter_map(|m| m.get_mut("parameters")?.as_array_mut()) {
        let ours = parameters.iter().any(|p| p["key"] == "sf_operation");
        for parameter in parameters.iter_mut().filter(|p| p["name"] == "FunctionArn") {
            if let Some(Value::String(target)) = parameter.get_mut("value")
                && (ours || target.contains("sfInvokeAPI"))
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
