//! The template as it stands: without a warning of its linter, its alarms on metrics that are
//! counted, each with a place in the runbook.

use std::fs;
use std::process::Command;

use tieline::config::VARIABLES;
use tieline::telemetry::Metric;

use crate::emulator::tool;

const TEMPLATE: &str = include_str!("../../../infra/template.yaml");
const RUNBOOK: &str = include_str!("../../../infra/README.md");

#[test]
fn the_linter_has_nothing_to_say() {
    let Some(program) = tool("cfn-lint") else { return };
    let output = Command::new(program)
        .arg("infra/template.yaml")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.is_empty(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// What stands behind each occurrence of a text, up to the end of the name.
fn names_behind(text: &str) -> Vec<&'static str> {
    let name = |rest: &'static str| rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap();
    TEMPLATE.split(text).skip(1).map(name).collect()
}

#[test]
fn alarms_and_dashboard_name_what_is_counted() {
    let counted = Metric::ALL.map(Metric::name);
    let alarms = names_behind("\n      Namespace: Tieline\n      MetricName: ");
    let maths = names_behind("Metric:\n              Namespace: Tieline\n              MetricName: ");
    let plots = names_behind(r#"["Tieline",""#);
    assert_eq!(TEMPLATE.matches("Namespace: Tieline").count(), alarms.len() + maths.len());
    assert!(plots.len() >= 5, "{plots:?}");
    for name in alarms.iter().chain(&maths).chain(&plots) {
        assert!(counted.contains(name), "{name} is counted nowhere");
    }
    for metric in [Metric::DeadLetters, Metric::InDoubt, Metric::CredentialsRefused, Metric::ApiUsagePercent]
    {
        assert!(alarms.contains(&metric.name()), "{} raises no alarm", metric.name());
    }
}

/// Two stacks of one account and region count in one namespace: what watches over one of them looks
/// at its own, which is what its processes name themselves.
#[test]
fn alarms_and_dashboard_look_at_their_own_stack() {
    for watched in TEMPLATE.split("Namespace: Tieline\n").skip(1) {
        let own = watched.lines().nth(1).unwrap().trim();
        assert_eq!(own, "Dimensions: [{ Name: Stack, Value: !Ref AWS::StackName }]");
    }
    for widget in TEMPLATE.lines().filter(|line| line.contains(r#"["Tieline","#)) {
        let (_, metrics) = widget.split_once(r#""metrics":["#).unwrap();
        for (at, metric) in metrics.split("],[").enumerate() {
            let own = if at == 0 { r#","Stack","${AWS::StackName}",{"# } else { r#",".",".",{"# };
            assert!(metric.contains(own), "{metric}");
        }
    }
    for said in ["TIELINE_STACK: !Ref AWS::StackName", "{ Name: TIELINE_STACK, Value: !Ref AWS::StackName }"]
    {
        assert!(TEMPLATE.contains(said), "{said}");
    }
}

#[test]
fn every_alarm_has_its_cause_and_cure_in_the_runbook() {
    let alarms = TEMPLATE.matches("Type: AWS::CloudWatch::Alarm").count();
    let headings: Vec<_> = TEMPLATE
        .split("AlarmDescription: ")
        .skip(1)
        .map(|text| {
            text.lines().next().unwrap().rsplit_once("Runbook, \"").unwrap().1.trim_end_matches("\".")
        })
        .collect();
    assert_eq!(headings.len(), alarms);
    for heading in headings {
        let text = RUNBOOK.split_once(&format!("**{heading}** — ")).map(|(_, rest)| rest);
        let text = text.unwrap_or_else(|| panic!("{heading} is missing")).split("\n\n").next().unwrap();
        assert!(text.contains("*Cure*"), "{heading} has no cure");
    }
}

/// What documentation and tools advise to set can be set on a stack: `TIELINE_WIDTH` by `Width`. The
/// worker gets what it reads, whether it is a function or a service.
#[test]
fn every_variable_is_a_parameter_of_its_name() {
    // Named by the template itself, or of use outside AWS alone.
    let others = ["STATE_TABLE", "CACHE_TABLE", "QUEUE_URL", "DLQ_URL", "STACK", "SECRET_FILE"];
    let ours = VARIABLES.iter().filter_map(|variable| variable.name.strip_prefix("TIELINE_"));
    for name in ours.filter(|name| !others.contains(name)) {
        let parameter: String =
            name.split('_').map(|word| word[..1].to_owned() + &word[1..].to_ascii_lowercase()).collect();
        assert!(TEMPLATE.contains(&format!("\n  {parameter}:")), "{name} has no parameter {parameter}");
        assert!(TEMPLATE.contains(&format!("TIELINE_{name}: !")), "{name} does not come to the functions");
    }
    for read in ["MAX_AGE_SECS", "MAX_ATTEMPTS", "WIDTH", "DOUBT", "COMMENTS_AS_RECORDS", "LINGER_MS"]
        .iter()
        .chain(&["RATE_PER_SEC", "CONCURRENCY", "UNIQUE_FIELDS"])
    {
        assert!(TEMPLATE.contains(&format!("{{ Name: TIELINE_{read}, Value: !Ref ")), "{read}");
    }
}

/// What the runbook has a person search the worker's log for is what the worker writes there.
#[test]
fn the_runbook_searches_the_log_for_what_is_written() {
    let (_, query) = RUNBOOK.split_once("filter message in [").unwrap();
    let searched = query.split_once(']').unwrap().0.split('"').skip(1).step_by(2);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/worker");
    let source: String =
        fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    for message in searched {
        assert!(source.contains(&format!("Line::new(\"{message}\")")), "the worker writes no {message}");
    }
}

/// The smallest stack is upstream's function, with what watches over it.
#[test]
fn without_conditions_stands_the_function_alone() {
    let resources = TEMPLATE.split_once("\nResources:\n").unwrap().1.split_once("\nOutputs:\n").unwrap().0;
    let mut always = Vec::new();
    let lines: Vec<_> = resources.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let head = line.strip_prefix("  ").filter(|rest| !rest.starts_with([' ', '#']) && !rest.is_empty());
        let Some(name) = head.and_then(|rest| rest.strip_suffix(':')) else { continue };
        if !lines[at + 2].starts_with("    Condition: ") {
            always.push(name);
        }
    }
    let expected = [
        "sfInvokeAPI",
        "InvokeLogGroup",
        "InvokeRole",
        "ErrorsAlarm",
        "ThrottlesAlarm",
        "CredentialsAlarm",
        "DailyLimitAlarm",
        "DailyForecastAlarm",
    ];
    assert_eq!(always, expected);
}

/// An administrator's parameters of AWS's package go on to mean what they meant.
#[test]
fn parameters_of_upstream_keep_names_and_patterns() {
    let kept = [
        ("SalesforceProduction", Some("^([Tt]rue|[Ff]alse)$")),
        ("SalesforceHost", Some("(^$|^https(.*))")),
        ("SalesforceUsername", Some(r"(^$|^.+@.+\\..+$)")),
        ("SalesforceVersion", Some(r"^v[0-9]+\\.[0-9]+$")),
        ("SalesforceAdapterNamespace", None),
        ("SalesforceCredentialsSecretsManagerARN", None),
        ("SalesforceCredentialsKMSKeyARN", None),
        ("AmazonConnectInstanceId", None),
        ("LambdaLoggingLevel", None),
        ("PrivateVpcEnabled", Some("^([Tt]rue|[Ff]alse)$")),
        ("VpcSecurityGroupList", None),
        ("VpcSubnetList", None),
    ];
    for (name, pattern) in kept {
        let text = TEMPLATE.split_once(&format!("\n  {name}:")).unwrap_or_else(|| panic!("{name}")).1;
        let Some(pattern) = pattern else { continue };
        let own = text.split_once("AllowedPattern: ").unwrap().1.lines().next().unwrap();
        assert_eq!(own, format!("\"{pattern}\""), "{name}");
    }
}
