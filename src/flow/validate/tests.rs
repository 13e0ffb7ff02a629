use std::collections::BTreeSet;
use std::path::PathBuf;

use super::codes::CODES;
use super::*;

mod near;

fn around(source: &str, event: &str) -> Around {
    Around { source: Some(source.to_owned()), event: Some(event.to_owned()), ..Around::default() }
}

/// `CODE id.last` of each finding.
fn short(findings: &[Diagnostic]) -> Vec<String> {
    findings
        .iter()
        .map(|d| {
            let last = d.pointer.rsplit('/').next().unwrap_or_default();
            format!("{} {}.{last}", d.code, d.action.as_deref().unwrap_or("-"))
        })
        .collect()
}

fn fixture(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/flows").join(name);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_shapes_of_published_flows_get_exactly_their_codes() {
    for (file, expected) in [
        ("walkthrough.json", &[][..]),
        ("task-three-paths.json", &["C306 uid-10.TaskSubType", "X406 uid-10.WhoId", "X405 uid-10.WhatId"]),
        ("constant-condition.json", &["C301 uid-6.value", "S501 uid-6.controls"]),
        ("open-failures.json", &["G111 uid-3.ports", "G111 uid-5.ports", "G111 uid-7.ports"]),
        ("text-null.json", &["C307 uid-4.recordId"]),
        ("lost-hyphens.json", &["F008 uid1.id", "F008 uid4.id"]),
        (
            "older-dialect.json",
            &[
                "F007 0.0",
                "F008 0.id",
                "F007 4.1",
                "F008 4.id",
                "X409 4.searchParams",
                "F007 1.2",
                "F008 1.id",
            ],
        ),
        (
            "damaged-references.json",
            &[
                "F008 uid10.id",
                "G111 uid-14.ports",
                "C306 uid-14.TaskSubType",
                "X403 uid-14.CallObject",
                "X401 uid-14.subject1",
                "G111 uid-16.ports",
            ],
        ),
        (
            "uid-nan.json",
            &["F008 uid-NaN.id", "G111 uid-NaN.ports", "C306 uid-NaN.TaskSubType", "X403 uid-NaN.CallObject"],
        ),
    ] {
        let (_, findings) = check_text(&fixture(file), &Around::default());
        assert_eq!(short(&findings), expected, "{file}");
    }
}

#[test]
fn the_two_shared_flows_get_exactly_their_codes() {
    let shared = std::env::vars_os()
        .find(|(name, _)| name == "SHARED_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), |(_, dir)| dir.into());
    let folder = shared.join("flows");
    if !folder.exists() {
        eprintln!("SKIPPED: {} does not exist, so the published flows were not checked", folder.display());
        return;
    }
    for (file, expected) in [
        ("01-legacy.json", &[][..]),
        ("08-create-task.json", &["C306 uid-3.TaskSubType", "X406 uid-3.WhoId", "X405 uid-3.WhatId"]),
    ] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let (document, findings) = check_text(&text, &Around::default());
        assert_eq!(short(&findings), expected, "{file}");
        let document = document.unwrap();
        assert_eq!(Document::parse(&document.to_exact()).unwrap(), document, "{file}");
    }
}

const START: &str =
    r#"{"id":"uid-0","type":"SE_Start","meta":{},"controls":{},"ports":{"done":"uid-1"},"position":[0,0]}"#;
const END: &str = r#"{"id":"uid-9","type":"SE_End","meta":{},"controls":{},"ports":{},"position":[0,0]}"#;

/// A block `uid-<n>` with these controls and ports.
fn node(n: u32, kind: &str, controls: &str, ports: &str) -> String {
    format!(
        r#"{{"id":"uid-{n}","type":"{kind}","meta":{{}},"controls":{controls},"ports":{ports},"position":[0,0]}}"#
    )
}

/// Start → these blocks … End.
fn flow(nodes: &[String]) -> String {
    format!(r#"{{"actions":[{START},{},{END}]}}"#, nodes.join(","))
}

fn one(kind: &str, controls: &str, ports: &str) -> String {
    flow(&[node(1, kind, controls, ports)])
}

/// A flow for each code, with what is known around it.
fn shown() -> Vec<(&'static str, String, Around)> {
    let none = Around::default;
    let log = |message: &str| {
        one("SE_Log", &format!(r#"{{"level":"info","message":{message}}}"#), r#"{"done":"uid-9"}"#)
    };
    let two_logs = |a: &str, b: &str| {
        flow(&[node(1, "SE_Log", r#"{"message":"a"}"#, a), node(2, "SE_Log", r#"{"message":"b"}"#, b)])
    };
    let find = r#"{"formattedPhoneNumber":"+12065550142"}"#;
    vec![
        ("F001", "[1]".into(), none()),
        ("F001", "{\"actions\":[}".into(), none()),
        ("F002", r#"{"action":[]}"#.into(), none()),
        ("F003", format!(r#"{{"actions":[{START},{END},{{"id":7,"type":"SE_Log"}}]}}"#), none()),
        ("F004", format!(r#"{{"actions":[{START},{END},{END}]}}"#), none()),
        ("F005", flow(&[r#"{"id":"uid-1","type":"SE_Log","meta":{},"controls":{},"ports":{"done":"uid-9"},"position":["a",1]}"#.into()]), none()),
        ("F006", flow(&[r#"{"id":"uid-1","type":"SE_Log","meta":{"colour":1},"controls":{},"ports":{"done":"uid-9"},"position":[0,1]}"#.into()]), none()),
        ("F007", flow(&[r#"{"id":"uid-1","type":"SE_Log","controls":null,"ports":{"done":"uid-9"},"position":[0,1]}"#.into()]), none()),
        ("F008", fixture("lost-hyphens.json"), none()),
        ("F009", one("SE_Log", "[]", r#"{"done":"uid-9"}"#), none()),
        ("G101", format!(r#"{{"actions":[{END}]}}"#), none()),
        ("G102", format!(r#"{{"actions":[{START},{},{END}]}}"#, START.replace("uid-0", "uid-1").replace("\"uid-1\"}", "\"uid-9\"}")), none()),
        ("G103", format!(r#"{{"actions":[{START},{}]}}"#, node(1, "SE_Log", "{}", "{}")), none()),
        ("G104", format!(r#"{{"actions":[{START},{},{END}]}}"#, node(1, "SE_End", "{}", "{}")), none()),
        ("G105", one("SE_Log", "{}", r#"{"done":"uid-77"}"#), none()),
        ("G106", one("SE_Log", "{}", r#"{"done":"uid-9","success":"uid-9"}"#), none()),
        ("G107", one("SE_Log", "{}", r#"{"done":"uid-0"}"#), none()),
        ("G108", one("SE_Log", "{}", r#"{"done":"uid-1"}"#), none()),
        ("G109", two_logs(r#"{"done":"uid-2"}"#, r#"{"done":"uid-1"}"#), none()),
        ("G110", flow(&[node(1, "SE_Log", "{}", r#"{"done":"uid-9"}"#), node(2, "SE_Log", "{}", r#"{"done":"uid-9"}"#)]), none()),
        ("G111", one("SE_Log", "{}", "{}"), none()),
        ("G112", two_logs(r#"{"done":"uid-2"}"#, "{}"), none()),
        ("G113", one("SE_Log", "{}", r#"{"done":["uid-9","uid-0"]}"#), none()),
        ("G113", one("SE_Log", "{}", r#"{"done":"uid-0","done":"uid-9"}"#), none()),
        ("G114", flow(&[node(1, "SE_SFGetContactId", find, r#"{"success":"uid-2","failure":"uid-2"}"#), node(2, "SE_GetPayload", "{}", r#"{"done":"uid-9"}"#)]), none()),
        ("T201", one("SE_FromTheFuture", "{}", r#"{"done":"uid-9"}"#), none()),
        ("T202", one("SE_CoreDelay", "{}", r#"{"done":"uid-9"}"#), none()),
        ("T203", one("SE_ContactDestroyAgentConnection", "{}", r#"{"success":"uid-9","failure":"uid-9"}"#), none()),
        ("T204", one("SE_ContactProperties", "{}", r#"{"done":"uid-9"}"#), around("initialization", "onInit")),
        ("T205", one("SE_JQueryMethod", r##"{"selector":"#a","method":"hide"}"##, r#"{"success":"uid-9","failure":"uid-9"}"#), none()),
        ("C301", one("SE_CoreTruthy", "{}", r#"{"true":"uid-9","false":"uid-9"}"#), none()),
        ("C302", one("SE_Log", r#"{"mesage":"x"}"#, r#"{"done":"uid-9"}"#), none()),
        ("C303", one("SE_SFScreenpopObject", r#"{"recordId":"003","noPopOnEmpty":"true"}"#, r#"{"success":"uid-9","failure":"uid-9"}"#), none()),
        ("C304", one("SE_Log", r#"{"level":"loud"}"#, r#"{"done":"uid-9"}"#), none()),
        ("C305", one("SE_CoreDelay", r#"{"milliseconds":"soon"}"#, r#"{"done":"uid-9"}"#), none()),
        ("C306", fixture("task-three-paths.json"), none()),
        ("C307", log(r#""undefined""#), none()),
        ("C308", flow(&[node(1, "SE_CoreStringTemplate", r#"{"variables":{"n":"$.payload.n"},"template":"SELECT Id FROM Contact WHERE Name = '${n}'"}"#, r#"{"done":"uid-2"}"#), node(2, "SE_SFQueryValue", r#"{"query":"$.actions.uid-1.results.string"}"#, r#"{"success":"uid-9","failure":"uid-9"}"#)]), none()),
        ("C309", one("SE_ContactUpdateAttributes", r#"{"attributes":{"a":"1","a":"2"}}"#, r#"{"success":"uid-9","failure":"uid-9"}"#), none()),
        ("C309", one("SE_Log", r#"{"message":"a","message":"b"}"#, r#"{"done":"uid-9"}"#), none()),
        ("X401", log(r#""$5 off""#), none()),
        ("X402", log(r#""$.caller.phone""#), none()),
        ("X403", log(r#""$.actions.uid-4.results.x""#), none()),
        ("X404", flow(&[node(1, "SE_Log", r#"{"message":"$.actions.uid-2.results.value"}"#, r#"{"done":"uid-2"}"#), node(2, "SE_GetPayload", "{}", r#"{"done":"uid-9"}"#)]), none()),
        ("X405", fixture("task-three-paths.json"), none()),
        ("X406", fixture("task-three-paths.json"), none()),
        ("X407", flow(&[node(1, "SE_GetPayload", "{}", r#"{"done":"uid-2"}"#), node(2, "SE_Log", r#"{"message":"$.actions.uid-1.results.number"}"#, r#"{"done":"uid-9"}"#)]), none()),
        ("X408", log(r#""$.contact.phone""#), around("initialization", "onInit")),
        ("X409", log(r#""$.contact.parsedNumber.phone""#), none()),
        ("X410", log(r#""Call from $.contact.phone""#), none()),
        ("X411", one("SE_CoreStringTemplate", r#"{"variables":{"a":"1"},"template":"${b}"}"#, r#"{"done":"uid-9"}"#), none()),
        ("X412", flow(&[node(1, "SE_Log", "{}", r#"{"done":"uid-2"}"#), node(2, "SE_Log", r#"{"message":"$.actions.uid-1.results.x"}"#, r#"{"done":"uid-9"}"#)]), none()),
        ("S501", fixture("constant-condition.json"), none()),
        ("S502", one("SE_SFCreateTask", r#"{"subject1":"Call"}"#, r#"{"success":"uid-9","failure":"uid-9"}"#), around("chatContact", "onViewContact")),
        ("S503", flow(&[node(1, "SE_CoreDelay", r#"{"milliseconds":"40000"}"#, r#"{"done":"uid-2"}"#), node(2, "SE_CoreDelay", r#"{"milliseconds":40000}"#, r#"{"done":"uid-9"}"#)]), none()),
        ("S504", fixture("walkthrough.json"), Around { also_active: vec!["Other".into()], ..none() }),
        ("S505", one("SE_GetProperty", r#"{"key":"taskId"}"#, r#"{"done":"uid-9"}"#), Around { properties_written: Some(BTreeSet::new()), ..none() }),
        ("S506", format!(r#"{{"actions":[{},{END}]}}"#, START.replace("\"uid-1\"}", "\"uid-9\"}")), none()),
        ("S507", one("SE_SFScreenpopObject", r#"{"recordId":"$.payload.id"}"#, r#"{"success":"uid-9","failure":"uid-9"}"#), around("voiceContact", "onRefresh")),
        ("S508", log(r#""$.payload.phone""#), around("salesforceUi", "onClickToDial")),
        ("L601", "[".repeat(100), none()),
    ]
}

#[test]
fn every_code_is_shown_by_a_flow_and_by_nothing_milder_than_it_says() {
    let mut seen = BTreeSet::new();
    for (code, text, around) in shown() {
        let (_, findings) = check_text(&text, &around);
        let (_, worst, _) = CODES.iter().find(|(c, _, _)| *c == code).unwrap();
        let finding = findings.iter().find(|d| d.code == code);
        let finding = finding.unwrap_or_else(|| panic!("{code} is missing: {:?}", short(&findings)));
        assert!(finding.severity >= *worst, "{code} is given worse than the list says");
        assert!(!finding.message.is_empty() && !finding.hint.is_empty(), "{code}");
        for finding in &findings {
            assert!(CODES.iter().any(|(c, _, _)| *c == finding.code), "{} is not in the list", finding.code);
        }
        seen.insert(code);
    }
    for (code, _, _) in CODES {
        assert!(seen.contains(code), "{code} is shown by no flow");
    }
}

#[test]
fn severities_follow_what_is_at_stake() {
    let of = |text: &str, code: &str| {
        let (_, findings) = check_text(text, &Around::default());
        findings.into_iter().find(|d| d.code == code).map(|d| d.severity)
    };
    let pop = |ports: &str| one("SE_SFScreenpopObject", r#"{"recordId":"003"}"#, ports);
    assert_eq!(of(&pop(r#"{"success":"uid-9"}"#), "G111"), Some(Severity::Info));
    assert_eq!(of(&pop(r#"{"failure":"uid-9"}"#), "G111"), Some(Severity::Warning));
    assert_eq!(
        of(&pop(r#"{"success":"uid-9","failure":"uid-9"}"#), "G114"),
        None,
        "both to End is how flows end"
    );
    // A cycle with a way out and a wait is a warning, without either an error.
    let around = |inner: &str, controls: &str, ports: &str| {
        flow(&[
            node(1, inner, controls, ports),
            node(2, "SE_CoreTruthy", r#"{"value":"$.payload.x"}"#, r#"{"true":"uid-1","false":"uid-9"}"#),
        ])
    };
    assert_eq!(of(&around("SE_CoreDelay", "{}", r#"{"done":"uid-2"}"#), "G109"), Some(Severity::Warning));
    assert_eq!(of(&around("SE_GetPayload", "{}", r#"{"done":"uid-2"}"#), "G109"), Some(Severity::Error));
    // Required and empty is a warning, required and absent an error.
    assert_eq!(
        of(&one("SE_CoreTruthy", r#"{"value":""}"#, r#"{"true":"uid-9"}"#), "C301"),
        Some(Severity::Warning)
    );
    assert_eq!(of(&one("SE_CoreTruthy", "{}", r#"{"true":"uid-9"}"#), "C301"), Some(Severity::Error));
}

#[test]
fn repairs_leave_nothing_that_they_repair_and_change_nothing_else() {
    for file in ["lost-hyphens.json", "older-dialect.json", "damaged-references.json", "uid-nan.json"] {
        let mut document = Document::parse(&fixture(file)).unwrap();
        let kinds: Vec<String> = document.actions().filter_map(|a| a.kind().map(str::to_owned)).collect();
        let applied = fix::apply(&mut document, &Around::default(), None);
        assert!(!applied.is_empty(), "{file}");
        let left = check(&document, &Around::default());
        assert!(left.iter().all(|d| d.fix.is_none()), "{file}: {:?}", short(&left));
        assert!(left.iter().all(|d| d.code != "G105" && d.code != "F004"), "{file}: {:?}", short(&left));
        let after: Vec<&str> = document.actions().filter_map(|a| a.kind()).collect();
        assert_eq!(after, kinds, "{file}");
    }
    let mut document = Document::parse(&fixture("damaged-references.json")).unwrap();
    fix::apply(&mut document, &Around::default(), None);
    let exact = document.to_exact();
    assert!(exact.contains(r#""CallObject":"$.actions.uid-12.results.contactId""#), "{exact}");
    assert!(exact.contains(r#""done":"uid-10""#), "the lost hyphen is back where the id is free: {exact}");
    assert!(exact.contains("$12.results.type"), "what has no safe repair stays");
}

#[test]
fn of_what_stands_twice_a_repair_leaves_the_one_that_counts() {
    let ports = r#"{"done":"uid9","done":"uid-9"}"#;
    let text = one("SE_Log", r#"{"message":"$.actions.uid0.results","message":"b"}"#, ports);
    let mut document = Document::parse(&text).unwrap();
    fix::apply(&mut document, &Around::default(), None);
    assert_eq!(document.to_exact(), text);
}

#[test]
fn an_action_of_many_thousand_arguments_is_repaired_in_one_pass() {
    let arguments: Vec<String> =
        (0..100_000).map(|n| format!(r#""a/{n}":"$.actions.uid0.success""#)).collect();
    let controls = format!("{{{}}}", arguments.join(","));
    let mut document = Document::parse(&one("SE_Log", &controls, r#"{"done":"uid-9"}"#)).unwrap();
    fix::apply(&mut document, &Around::default(), Some(&["X403".to_owned()]));
    assert!(check(&document, &Around::default()).iter().all(|d| d.code != "X403"));
    assert!(document.to_exact().contains(r#""a/99999":"$.actions.uid-0.success""#));
}

#[test]
fn a_template_of_many_places_is_checked_in_one_pass() {
    let places: String = (0..50_000).map(|n| format!("${{a{n}}}")).collect();
    let variables: Vec<String> = (0..50_000).map(|n| format!(r#""b{n}":"x""#)).collect();
    let controls = format!(r#"{{"template":"{places}","variables":{{{}}}}}"#, variables.join(","));
    let (_, findings) =
        check_text(&one("SE_CoreStringTemplate", &controls, r#"{"done":"uid-9"}"#), &Around::default());
    assert_eq!(findings.iter().filter(|d| d.code == "X411").count(), MAX_LISTED + 1);
}

#[test]
fn only_the_codes_asked_for_are_repaired() {
    let mut document = Document::parse(&fixture("older-dialect.json")).unwrap();
    let applied = fix::apply(&mut document, &Around::default(), Some(&["X409".to_owned()]));
    assert_eq!(applied.len(), 1);
    assert_eq!(
        short(&check(&document, &Around::default())),
        ["F007 0.0", "F008 0.id", "F007 4.1", "F008 4.id", "F007 1.2", "F008 1.id"]
    );
}

#[test]
fn a_clean_document_is_not_touched_by_repairs() {
    let text = fixture("walkthrough.json");
    let mut document = Document::parse(&text).unwrap();
    assert_eq!(fix::apply(&mut document, &Around::default(), None), []);
    assert_eq!(document.to_exact(), text);
}

#[test]
fn hostile_files_end_in_findings() {
    let chain = |count: usize, control: &str| {
        let actions: Vec<String> = (0..count)
            .map(|n| format!(r#"{{"id":"uid-{n}","type":"SE_Log","controls":{{"message":"{control}"}},"ports":{{"done":"uid-{}"}},"position":[0,0]}}"#, n + 1))
            .collect();
        format!(r#"{{"actions":[{}]}}"#, actions.join(","))
    };
    let (document, findings) = check_text(&chain(100_000, "$.actions.uid5x.results.x"), &Around::default());
    assert_eq!(document.unwrap().actions().len(), 100_000);
    assert!(findings.iter().any(|d| d.code == "L601"));
    assert!(findings.iter().any(|d| d.code == "X403"));

    let mut broken = Document::parse(&chain(20_000, "x").replace("uid-", "u")).unwrap();
    assert!(fix::apply(&mut broken, &Around::default(), None).len() >= 20_000);

    let (document, findings) = check_text(&" ".repeat(MAX_READ_BYTES + 1), &Around::default());
    assert!(document.is_none());
    assert_eq!(short(&findings), ["L601 -."]);
}

#[test]
fn a_flow_of_many_thousand_faults_gives_a_list_that_can_be_read() {
    let actions: Vec<String> = (0..20_000)
        .map(|n| {
            format!(r#"{{"id":"uid{n}","type":"SE_Nope{n}","controls":null,"ports":{{"x":"gone-{n}"}}}}"#)
        })
        .collect();
    let text = format!(r#"{{"actions":[{}]}}"#, actions.join(","));
    let (document, findings) = check_text(&text, &Around::default());
    assert!(document.is_some());
    assert!(findings.len() < 10 * MAX_LISTED, "{}", findings.len());
    for code in ["F008", "T201", "G105"] {
        assert_eq!(findings.iter().filter(|d| d.code == code).count(), MAX_LISTED + 1, "{code}");
    }
    let last = findings.iter().rfind(|d| d.code == "G105").unwrap();
    assert!(last.message.starts_with("19000 more") && last.severity == Severity::Error, "{}", last.message);
    // Repairs are made whole: nothing of theirs is left behind the list.
    let mut document = document.unwrap();
    fix::apply(&mut document, &Around::default(), Some(&["F008".to_owned()]));
    assert!(check(&document, &Around::default()).iter().all(|d| d.code != "F008"));
}
