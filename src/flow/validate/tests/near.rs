//! For each code a flow that comes near it and does not earn it.

use super::*;

const FIND: &str = r#"{"formattedPhoneNumber":"+12065550142"}"#;
const BOTH_END: &str = r#"{"success":"uid-9","failure":"uid-9"}"#;
const DONE: &str = r#"{"done":"uid-9"}"#;

fn log(message: &str) -> String {
    one("SE_Log", &format!(r#"{{"level":"info","message":{message}}}"#), DONE)
}

/// The block, and a Log that reads this of it.
fn read_after(kind: &str, controls: &str, ports: &str, path: &str) -> String {
    let message = format!(r#"{{"level":"info","message":"$.actions.uid-1.{path}"}}"#);
    flow(&[node(1, kind, controls, ports), node(2, "SE_Log", &message, DONE)])
}

/// An action that is written out.
fn written(action: &str) -> String {
    flow(&[action.to_owned()])
}

fn near() -> Vec<(&'static str, String, Around)> {
    let none = Around::default;
    let clean = || fixture("walkthrough.json");
    let decide = |yes: &str, no: &str| {
        node(
            1,
            "SE_CoreTruthy",
            r#"{"value":"$.payload.x"}"#,
            &format!(r#"{{"true":"{yes}","false":"{no}"}}"#),
        )
    };
    let plain = |n: u32, to: &str| {
        node(n, "SE_Log", r#"{"level":"info","message":"m"}"#, &format!(r#"{{"done":"{to}"}}"#))
    };
    let delay = |n: u32, to: &str| {
        node(n, "SE_CoreDelay", r#"{"milliseconds":"40000"}"#, &format!(r#"{{"done":"{to}"}}"#))
    };
    let pop = |id: &str| one("SE_SFScreenpopObject", &format!(r#"{{"recordId":"{id}"}}"#), BOTH_END);
    vec![
        ("F001", format!("\u{feff}\r\n{}", clean()), none()),
        ("F002", r#"{"actions":[]}"#.into(), none()),
        ("F003", written(r#"{"id":"","type":"SE_FromTheFuture"}"#), none()),
        ("F004", flow(&[plain(1, "UID-1"), plain(2, "uid-9").replace("uid-2", "UID-1")]), none()),
        ("F005", written(r#"{"id":"uid-1","type":"SE_Log","position":[-450.5,1e3]}"#), none()),
        (
            "F006",
            clean().replacen('{', r#"{"name":"n","#, 1).replacen(
                r#""meta":{}"#,
                r#""meta":{"title":"t"}"#,
                1,
            ),
            none(),
        ),
        (
            "F007",
            written(r#"{"id":"uid-1","type":"SE_Log","meta":{},"controls":{"message":""},"ports":{}}"#),
            none(),
        ),
        ("F008", written(&plain(7, "uid-9").replace("uid-7", "uid-007")), none()),
        (
            "F009",
            written(r#"{"id":"uid-1","type":"SE_Log","meta":null,"controls":null,"ports":null}"#),
            none(),
        ),
        ("G101", format!(r#"{{"actions":[{}]}}"#, START.replace(r#"{"done":"uid-1"}"#, "{}")), none()),
        ("G102", clean(), none()),
        ("G103", clean(), none()),
        ("G104", clean(), none()),
        ("G105", one("SE_Log", "{}", r#"{"done":null}"#), none()),
        ("G106", one("SE_FromTheFuture", "{}", r#"{"whatever":"uid-9"}"#), none()),
        ("G107", flow(&[plain(1, "uid-2"), plain(2, "uid-1")]), none()),
        ("G108", flow(&[plain(1, "uid-2"), plain(2, "uid-1")]), none()),
        ("G109", flow(&[decide("uid-2", "uid-3"), plain(2, "uid-3"), plain(3, "uid-9")]), none()),
        (
            "G110",
            flow(&[node(1, "SE_SFGetContactId", FIND, r#"{"failure":"uid-2"}"#), plain(2, "uid-9")]),
            none(),
        ),
        ("G111", one("SE_FromTheFuture", "{}", "{}"), none()),
        ("G112", flow(&[decide("uid-9", "uid-2"), node(2, "SE_Log", "{}", "{}")]), none()),
        ("G113", one("SE_SFGetContactId", FIND, BOTH_END), none()),
        ("G114", one("SE_SFGetContactId", FIND, BOTH_END), none()),
        ("T201", one("SE_CoreDelay", "{}", DONE), none()),
        ("T202", clean(), none()),
        ("T203", one("SE_ContactClear", "{}", BOTH_END), none()),
        ("T204", one("SE_ContactProperties", "{}", DONE), around("chatContact", "onConnected")),
        ("T205", one("SE_Alert", r#"{"message":"<b>"}"#, DONE), none()),
        ("C301", one("SE_SFSearchAndScreenpop", r#"{"searchParams":"$.payload.x"}"#, BOTH_END), none()),
        ("C302", one("SE_FromTheFuture", r#"{"anything":"x"}"#, DONE), none()),
        (
            "C303",
            one("SE_SFScreenpopObject", r#"{"recordId":"$.payload.id","noPopOnEmpty":true}"#, BOTH_END),
            none(),
        ),
        ("C304", one("SE_Log", r#"{"level":"$.payload.level","message":"m"}"#, DONE), none()),
        ("C305", one("SE_CoreDelay", r#"{"milliseconds":" 1e3 "}"#, DONE), none()),
        ("C306", one("SE_SFCreateTask", r#"{"subject1":"Call","TaskSubtype":"Call"}"#, BOTH_END), none()),
        ("C307", log(r#""Null and undefined""#), none()),
        (
            "C308",
            flow(&[
                node(
                    1,
                    "SE_SFRetrieve",
                    r#"{"type":"Setting__c","fields":"Query__c","id":"a01"}"#,
                    r#"{"success":"uid-2"}"#,
                ),
                node(
                    2,
                    "SE_SFQueryValue",
                    r#"{"query":"$.actions.uid-1.results.record.Query__c"}"#,
                    BOTH_END,
                ),
            ]),
            none(),
        ),
        ("C309", one("SE_ContactUpdateAttributes", r#"{"attributes":{"a":"1","A":"1"}}"#, BOTH_END), none()),
        ("X401", log(r#""5 $ off""#), none()),
        ("X402", log(r#""$['agent'].name""#), none()),
        ("X403", read_after("SE_GetPayload", "{}", r#"{"done":"uid-2"}"#, "results.value[0]['a b']"), none()),
        ("X404", read_after("SE_GetPayload", "{}", r#"{"done":"uid-2"}"#, "results.value"), none()),
        // Both ways meet again before the reader: what stands before the fork runs on every path.
        (
            "X405",
            flow(&[
                decide("uid-2", "uid-3"),
                plain(2, "uid-3"),
                node(3, "SE_Log", r#"{"level":"info","message":"$.actions.uid-1.results"}"#, DONE),
            ]),
            none(),
        ),
        (
            "X406",
            read_after(
                "SE_SFGetContactId",
                FIND,
                r#"{"success":"uid-2","failure":"uid-9"}"#,
                "results.sfContactId",
            ),
            none(),
        ),
        (
            "X407",
            read_after(
                "SE_SFGetContactId",
                FIND,
                r#"{"success":"uid-2","failure":"uid-2"}"#,
                "exception.message",
            ),
            none(),
        ),
        ("X408", log(r#""$.contact.phone""#), around("voiceContact", "onConnecting")),
        ("X409", log(r#""$.contact.parsedNumber.number""#), none()),
        (
            "X410",
            one("SE_CoreStringTemplate", r#"{"variables":{"a":"1"},"template":"costs $5, ${a}"}"#, DONE),
            none(),
        ),
        (
            "X411",
            one("SE_CoreStringTemplate", r#"{"variables":{"a":"1"},"template":"${ a } ${a}"}"#, DONE),
            none(),
        ),
        ("X412", read_after("SE_Log", r#"{"message":"m"}"#, r#"{"done":"uid-2"}"#, "success"), none()),
        (
            "S501",
            one(
                "SE_CoreDecision",
                r#"{"value1":"a","operator":"equals","value2":"$.payload.x"}"#,
                r#"{"true":"uid-9","false":"uid-9"}"#,
            ),
            none(),
        ),
        (
            "S502",
            one("SE_SFCreateTask", r#"{"subject1":"Call"}"#, BOTH_END),
            around("voiceContact", "onConnecting"),
        ),
        // Forty seconds on either way, never both.
        ("S503", flow(&[decide("uid-2", "uid-3"), delay(2, "uid-9"), delay(3, "uid-9")]), none()),
        ("S504", clean(), around("voiceContact", "onConnecting")),
        (
            "S505",
            flow(&[
                node(1, "SE_SetProperty", r#"{"key":"taskId","value":"x"}"#, r#"{"done":"uid-2"}"#),
                node(2, "SE_GetProperty", r#"{"key":"taskId"}"#, DONE),
            ]),
            Around { properties_written: Some(BTreeSet::new()), ..none() },
        ),
        ("S506", log(r#""m""#), none()),
        ("S507", pop("$.payload.id"), around("voiceContact", "onConnecting")),
        ("S508", log(r#""$.payload.number""#), around("salesforceUi", "onClickToDial")),
        ("L601", format!(r#"{{"actions":[],"x":{}{}}}"#, "[".repeat(31), "]".repeat(31)), none()),
    ]
}

#[test]
fn every_code_is_withheld_from_what_only_comes_near_it() {
    let mut seen = BTreeSet::new();
    for (code, text, around) in near() {
        let (_, findings) = check_text(&text, &around);
        assert!(findings.iter().all(|finding| finding.code != code), "{code}: {findings:#?}\n{text}");
        assert!(seen.insert(code), "{code} stands twice");
    }
    for (code, _, _) in CODES {
        assert!(seen.contains(code), "nothing comes near {code}");
    }
}
