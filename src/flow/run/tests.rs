use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::flow::catalogue::{Block, ControlType, catalogue};
use crate::flow::model::Document;

const T0: Timestamp = Timestamp::from_millis(1_795_170_000_000);

fn after(millis: u64) -> Timestamp {
    T0.plus(Duration::from_millis(millis))
}

fn compile(document: &Value) -> Flow {
    Flow::new(&Document::parse(&document.to_string()).unwrap())
}

/// Start → the block → an own Log after each output → End.
fn around(kind: &str, controls: &Value, ports: &[&str]) -> Flow {
    let mut actions = vec![
        json!({"id": "s", "type": "SE_Start", "controls": {}, "ports": {"done": "b"}}),
        json!({"id": "e", "type": "SE_End"}),
    ];
    let mut out = Map::new();
    for port in ports {
        out.insert((*port).to_owned(), json!(format!("by-{port}")));
        actions.push(json!({"id": format!("by-{port}"), "type": "SE_Log", "controls": {"message": port}, "ports": {"done": "e"}}));
    }
    actions.push(json!({"id": "b", "type": kind, "controls": controls, "ports": out}));
    compile(&json!({ "actions": actions }))
}

fn event() -> Event {
    Event {
        source: "voiceContact".into(),
        name: "onConnecting".into(),
        payload: json!({"number": "+12065550142", "yes": true, "no": false, "list": [1, 2, 3], "text": "a,b"}),
        contact: json!({"contactId": "c-1", "attributes": {"language": "en"}}),
        agent: json!({"name": "Ada Example"}),
        ..Event::default()
    }
}

fn start(flow: &Flow) -> Run {
    Run::start("run-1", flow, event(), Map::new(), Limits::default(), T0)
}

/// Runs to the end: what is asked for gets `outcome`, the store is an empty one, delays pass.
fn drive(flow: &Flow, outcome: &Outcome) -> Run {
    let mut run = start(flow);
    let mut store = Map::new();
    let mut now = T0;
    loop {
        // Put away and taken up again between any two steps.
        run = serde_json::from_str(&serde_json::to_string(&run).unwrap()).unwrap();
        match run.advance(flow, now) {
            Step::Perform(pending) => {
                assert!(run.complete(flow, &pending.action_id, None, outcome.clone(), now));
            }
            Step::Store(call) => {
                let answer = match call {
                    StoreCall::Get { key } => store.get(&key).cloned(),
                    StoreCall::Set { key, value } => store.insert(key, value).and(None),
                    StoreCall::Unset { key } => store.shift_remove(&key).and(None),
                    StoreCall::All => Some(Value::Object(store.clone())),
                    StoreCall::Clear => {
                        store.clear();
                        None
                    }
                    StoreCall::Count { step, .. } => value::from_number(step),
                    StoreCall::Counter { .. } => Some(json!(0)),
                };
                run.stored(flow, Ok(answer), now);
            }
            Step::Wait(until) => now = until,
            Step::Over(_) => return run,
        }
    }
}

fn results(kind: &str, controls: &Value) -> Value {
    let run = drive(
        &around(kind, controls, &["done", "success", "failure", "true", "false"]),
        &Outcome::Success { results: Value::Null },
    );
    run.actions["b"]["results"].clone()
}

fn exception(kind: &str, controls: &Value) -> String {
    let run = drive(&around(kind, controls, &["done"]), &Outcome::Success { results: Value::Null });
    run.actions["b"]["exception"]["name"].as_str().unwrap_or("none").to_owned()
}

/// Required arguments filled with something of their type.
fn filled(block: &Block) -> Value {
    let mut controls = Map::new();
    for control in block.controls.iter().filter(|c| c.required) {
        let value = match control.kind {
            ControlType::Text | ControlType::Any => json!("x"),
            ControlType::Number => json!("1"),
            ControlType::Boolean => json!(true),
            ControlType::Select => json!(control.options[0]),
            ControlType::Map => json!({"a": "x"}),
            ControlType::List => json!(["x"]),
        };
        controls.insert(control.name.clone(), value);
    }
    if block.kind == "SE_SFSaveLog" {
        controls.insert("entityType".into(), json!("Contact"));
    }
    Value::Object(controls)
}

/// Arguments that make a block of the engine take this output, where [`filled`] would not.
fn controls_for(block: &Block, port: &str) -> Option<Value> {
    Some(match (block.kind.as_str(), port) {
        ("SE_CoreDecision", "true") => json!({"value1": "a", "operator": "equals", "value2": "a"}),
        ("SE_CoreDecision", "false") => json!({"value1": "a", "operator": "equals", "value2": "b"}),
        ("SE_CoreTruthy", "false") => json!({"value": "$.payload.no"}),
        ("SE_CoreIsOneOf", "false") => json!({"value": "x", "values": ["y"]}),
        ("SE_CoreStartsWith" | "SE_CoreEndsWith", "false") => json!({"text": "x", "values": ["y"]}),
        ("SE_CoreFormatDate", _) => json!({"date": "2026-11-20", "format": "YYYY"}),
        ("SE_CoreMultiply" | "SE_CoreDivide", _) => json!({"value1": "6", "value2": 2}),
        _ => return None,
    })
}

#[test]
fn every_block_leaves_by_every_one_of_its_outputs() {
    let mut taken = BTreeSet::new();
    for block in &catalogue().blocks {
        if block.ports.is_empty() || block.kind == "SE_Start" {
            continue;
        }
        let ports: Vec<&str> = block.ports.iter().map(String::as_str).collect();
        for port in &ports {
            let controls = controls_for(block, port).unwrap_or_else(|| filled(block));
            let outcome = match *port {
                "failure" => Outcome::failure("Refused", "It was refused."),
                "true" | "false" => Outcome::Branch { value: *port == "true" },
                _ => Outcome::Success { results: json!({"value": 1}) },
            };
            let run = drive(&around(&block.kind, &controls, &ports), &outcome);
            assert_eq!(run.status, Status::Completed, "{} {port}: {:?}", block.kind, run.error);
            assert!(
                run.actions.contains_key(&format!("by-{port}")),
                "{} does not leave by {port}",
                block.kind
            );
            let record = &run.actions["b"];
            assert_eq!(record["success"], json!(*port != "failure"), "{} {port}", block.kind);
            assert_eq!(record["exception"].is_null(), *port != "failure", "{} {port}", block.kind);
            if matches!(*port, "true" | "false") {
                assert_eq!(record["results"], json!(*port == "true"), "{}", block.kind);
            }
            taken.insert((block.kind.clone(), (*port).to_owned()));
        }
    }
    let all =
        catalogue().blocks.iter().filter(|b| b.kind != "SE_Start").map(|b| b.ports.len()).sum::<usize>();
    assert_eq!(taken.len(), all);
}

#[test]
fn blocks_of_the_engine_compute_what_they_say() {
    for (kind, controls, expected) in [
        ("SE_GetPayload", json!({}), json!({"value": event().payload})),
        (
            "SE_CoreFormatPhoneNumber",
            json!({"phoneNumber": "$.payload.number"}),
            json!({"value": "(206) 555-0142"}),
        ),
        (
            "SE_CoreFormatPhoneNumberE164",
            json!({"phoneNumber": "206-555-0142"}),
            json!({"value": "+12065550142"}),
        ),
        (
            "SE_CoreFormatDate",
            json!({"date": "2026-11-20T10:20:00Z", "format": "DD.MM.YYYY"}),
            json!({"value": "20.11.2026"}),
        ),
        (
            "SE_CoreReplaceString",
            json!({"text": "a-b-c", "search": "-", "replacement": "+"}),
            json!({"value": "a+b-c"}),
        ),
        (
            "SE_CoreJoinStrings",
            json!({"value1": "$.payload.no", "value2": 2, "separator": "/"}),
            json!({"value": "false/2"}),
        ),
        (
            "SE_CoreStringTemplate",
            json!({"template": "Call ${n}, ${gone}, ${ x", "variables": {"n": "$.payload.number", "gone": "$.payload.none"}}),
            json!({"string": "Call +12065550142, ${gone}, ${ x", "value": "Call +12065550142, ${gone}, ${ x"}),
        ),
        (
            "SE_CoreExtractValue",
            json!({"targetField": "$.payload.list", "keyPath": "1"}),
            json!({"value": 2}),
        ),
        (
            "SE_CoreExtractValue",
            json!({"targetField": "{\"a\":[{\"b\":1}]}", "keyPath": "a.0.b"}),
            json!({"value": 1}),
        ),
        ("SE_CoreExtractValue", json!({"targetField": "$.payload.list", "keyPath": "9.x"}), json!({})),
        ("SE_CoreExtractValue", json!({"targetField": "$.payload.gone", "keyPath": "x"}), json!({})),
        ("SE_CoreLength", json!({"value": "$.payload.list"}), json!({"value": 3})),
        ("SE_CoreLength", json!({"value": "grün😀"}), json!({"value": 6})),
        ("SE_CoreLength", json!({"value": "$.payload.gone"}), json!({"value": 0})),
        ("SE_CoreSlice", json!({"value": "$.payload.list", "start": 1}), json!({"value": [2, 3]})),
        ("SE_CoreSlice", json!({"value": "abcdef", "start": "-3", "end": "-1"}), json!({"value": "de"})),
        ("SE_CoreSlice", json!({"value": "abc", "start": 9, "end": ""}), json!({"value": ""})),
        ("SE_CoreSlice", json!({"value": "abc", "start": 2, "end": 1}), json!({"value": ""})),
        ("SE_CoreCast", json!({"value": "12.50", "type": "Number"}), json!({"value": 12.5})),
        ("SE_CoreCast", json!({"value": "false", "type": "Boolean"}), json!({"value": false})),
        ("SE_CoreCast", json!({"value": 5.0, "type": "String"}), json!({"value": "5"})),
        (
            "SE_CoreCast",
            json!({"value": "2026-11-20", "type": "Date"}),
            json!({"value": "2026-11-20T00:00:00.000Z"}),
        ),
        ("SE_CoreMultiply", json!({"value1": "3", "value2": "1.5"}), json!({"value": 4.5})),
        ("SE_CoreDivide", json!({"value1": 7, "value2": "2"}), json!({"value": 3.5})),
        ("SE_GetProperty", json!({"key": "k", "defaultValue": "d"}), json!({"value": "d"})),
        ("SE_GetProperty", json!({"key": "k"}), json!({"value": ""})),
        ("SE_GetAllProperties", json!({}), json!({"value": {}})),
        ("SE_UpdateCounter", json!({"name": "c", "step": "-2"}), json!({"value": -2})),
        ("SE_UpdateCounter", json!({"name": "c"}), json!({"value": 1})),
        ("SE_GetCounter", json!({"name": "c"}), json!({"value": 0})),
        (
            "SE_SFSearchAndScreenpop",
            json!({"searchParams": ""}),
            json!({"count": 0, "id": null, "value": {}}),
        ),
        ("SE_SFScreenpopObject", json!({"recordId": "$.payload.gone", "noPopOnEmpty": true}), json!(null)),
    ] {
        assert_eq!(results(kind, &controls), expected, "{kind} {controls}");
    }
}

#[test]
fn every_operator_decides_as_it_reads() {
    let decide = |a: Value, operator: &str, b: Value| {
        results("SE_CoreDecision", &json!({"value1": a, "operator": operator, "value2": b}))
    };
    for (a, operator, b, expected) in [
        (json!("5"), "equals", json!(5), true),
        (json!("a"), "notEquals", json!("b"), true),
        (json!("hello"), "contains", json!("ell"), true),
        (json!("$.payload.list"), "contains", json!("2"), true),
        (json!("hello"), "startsWith", json!("he"), true),
        (json!("hello"), "ends with", json!("lo"), true),
        (json!("10"), "greaterThan", json!("9"), true),
        (json!("b"), ">", json!("a"), true),
        (json!("9"), "greaterOrEqual", json!(9), true),
        (json!("9"), "less_than", json!("10"), true),
        (json!("10"), "lessOrEqual", json!("9"), false),
        (json!("$.payload.gone"), "lessThan", json!("9"), false),
        (json!("$.payload.gone"), "isEmpty", json!(""), true),
        (json!(""), "isNotEmpty", json!(""), false),
        (json!("$.payload.gone"), "equals", json!(""), false),
    ] {
        assert_eq!(decide(a.clone(), operator, b), json!(expected), "{a} {operator}");
    }
    assert_eq!(
        exception("SE_CoreDecision", &json!({"value1": "a", "operator": "resembles"})),
        "UnknownOperator"
    );
}

#[test]
fn what_cannot_be_computed_is_an_exception_with_a_name() {
    for (kind, controls, name) in [
        ("SE_CoreDivide", json!({"value1": 1, "value2": 0}), "DivisionByZero"),
        ("SE_CoreMultiply", json!({"value1": "x", "value2": 1}), "NotANumber"),
        ("SE_CoreMultiply", json!({"value1": 1e308, "value2": 1e308}), "NotANumber"),
        ("SE_CoreFormatDate", json!({"date": "soon", "format": "YYYY"}), "BadDate"),
        ("SE_CoreExtractValue", json!({"targetField": "x", "keyPath": "a..b"}), "BadKeyPath"),
        ("SE_CoreCast", json!({"value": "x", "type": "Colour"}), "UnknownType"),
        ("SE_FromTheFuture", json!({}), "UnknownBlock"),
    ] {
        let run = drive(&around(kind, &controls, &["done"]), &Outcome::Success { results: Value::Null });
        assert_eq!(run.actions["b"]["exception"]["name"], name, "{kind}");
        assert_eq!(run.status, Status::Failed, "{kind}: nothing else is there to go on by");
    }
}

#[test]
fn a_missing_value_is_left_out_and_stops_nothing() {
    let flow = around(
        "SE_SFCreateTask",
        &json!({"subject1": "Call", "WhoId": "$.actions.x.results.id", "otherTaskFields": {"A": "$.payload.gone", "B": "b"}}),
        &["success"],
    );
    let mut run = start(&flow);
    let Step::Perform(pending) = run.advance(&flow, T0) else { panic!("asks for nothing") };
    assert!(!pending.inputs.contains_key("WhoId"));
    assert_eq!(pending.inputs["otherTaskFields"], json!({"B": "b"}));
    assert_eq!(pending.inputs["Priority"], "High", "the catalogue's default fills what the file leaves out");
    let entry = run.trace.last().unwrap();
    assert_eq!(entry.unresolved, ["$.actions.x.results.id", "$.payload.gone"]);

    // Required and missing: no call, and the failure output, or `done` where there is none.
    let run = drive(
        &around("SE_SFGetContactId", &json!({"formattedPhoneNumber": "$.payload.gone"}), &["failure"]),
        &Outcome::Success { results: Value::Null },
    );
    assert_eq!(
        (run.status, &run.actions["b"]["exception"]["name"]),
        (Status::Completed, &json!("MissingInput"))
    );
    let run = drive(
        &around("SE_CoreFormatPhoneNumber", &json!({"phoneNumber": "$.payload.gone"}), &["done"]),
        &Outcome::Success { results: Value::Null },
    );
    assert_eq!((run.status, &run.actions["b"]["success"]), (Status::Completed, &json!(false)));
    let run = drive(
        &around("SE_CoreStartsWith", &json!({"text": "$.payload.gone", "values": ["a"]}), &["false"]),
        &Outcome::Success { results: Value::Null },
    );
    assert_eq!(run.status, Status::Completed);
    // Who must not be called is never decided by what is missing.
    let run = drive(
        &around("SE_SFIsDoNotCall", &json!({"contactId": "$.payload.gone"}), &["true", "false"]),
        &Outcome::Success { results: Value::Null },
    );
    assert_eq!(run.status, Status::Failed);
}

#[test]
fn older_dialects_read_null_as_not_given() {
    let flow = around(
        "SE_SFSearchAndScreenpop",
        &json!({"searchParams": "x", "queryParams": null, "defaultFieldValues": null, "deferred": null}),
        &["success"],
    );
    let mut run = start(&flow);
    let Step::Perform(pending) = run.advance(&flow, T0) else { panic!("asks for nothing") };
    assert_eq!(
        Value::Object(pending.inputs),
        json!({"searchParams": "x", "queryParams": "", "defaultFieldValues": {}, "deferred": false, "callType": "inbound"})
    );
}

#[test]
fn texts_that_begin_with_a_dollar_survive() {
    assert_eq!(
        results("SE_CoreJoinStrings", &json!({"value1": "$5 off", "value2": "$.caller.x"})),
        json!({"value": "$5 off$.caller.x"})
    );
}

#[test]
fn records_can_be_read_whole() {
    let flow = compile(&json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "a"}},
        {"id": "a", "type": "SE_SFRetrieve", "controls": {"fields": "Id", "type": "Contact", "id": "003"}, "ports": {"success": "b", "failure": "b"}},
        {"id": "b", "type": "SE_CoreJoinStrings", "controls": {"value1": "$.actions.a.exception.message", "value2": "$.actions.a.success"}, "ports": {"done": "e"}},
        {"id": "e", "type": "SE_End"}]}));
    let run = drive(&flow, &Outcome::failure("NOT_FOUND", "gone"));
    assert_eq!(run.actions["b"]["results"]["value"], "gonefalse");
    assert_eq!(run.actions["s"], json!({"success": true, "results": null, "exception": null}));
}

#[test]
fn the_contacts_number_is_read_by_its_old_and_its_new_name() {
    let mut event = event();
    event.contact = json!({"parsedNumber": {"number": "+12065550142", "country": "US"}});
    let flow = around(
        "SE_CoreJoinStrings",
        &json!({"value1": "$.contact.parsedNumber.phone", "value2": "$.contact.parsedNumber.country"}),
        &["done"],
    );
    let mut run = Run::start("r", &flow, event, Map::new(), Limits::default(), T0);
    assert_eq!(run.advance(&flow, T0), Step::Over(Status::Completed));
    assert_eq!(run.actions["b"]["results"]["value"], "+12065550142US");

    // Of a block's results, too: the repair of the old name changes no run.
    for (has, asked) in [("phone", "number"), ("number", "phone")] {
        let flow = compile(&json!({"actions": [
            {"id": "s", "type": "SE_Start", "ports": {"done": "a"}},
            {"id": "a", "type": "SE_AgentGetConfiguration", "ports": {"done": "b", "success": "b"}},
            {"id": "b", "type": "SE_CoreJoinStrings", "controls": {"value1": format!("$.actions.a.results.parsedNumber.{asked}"), "value2": ""}, "ports": {"done": "e"}},
            {"id": "e", "type": "SE_End"}]}));
        let run = drive(&flow, &Outcome::Success { results: json!({"parsedNumber": {has: "+12065550142"}}) });
        assert_eq!(run.actions["b"]["results"]["value"], "+12065550142", "{asked}");
    }
}

#[test]
fn outcomes_that_are_not_waited_for_change_nothing() {
    let flow = around("SE_AgentDialNumber", &json!({"phoneNumber": "+12065550142"}), &["success", "failure"]);
    let mut run = start(&flow);
    let done = Outcome::Success { results: Value::Null };
    assert!(!run.complete(&flow, "b", None, done.clone(), T0), "before it was asked for");
    let Step::Perform(pending) = run.advance(&flow, T0) else { panic!("asks for nothing") };
    assert_eq!(run.advance(&flow, T0), Step::Perform(pending), "asked again, the same is asked for");
    assert!(!run.complete(&flow, "other", None, done.clone(), T0));
    let before = run.actions.clone();
    for _ in 0..1000 {
        run.complete(&flow, "other", None, done.clone(), T0);
    }
    assert_eq!(run.actions, before);
    assert!(run.trace.len() < 60, "resending does not fill the trace");
    assert!(run.complete(&flow, "b", None, done.clone(), T0));
    assert!(!run.complete(&flow, "b", None, done.clone(), T0), "a second time");
    assert_eq!(run.advance(&flow, T0), Step::Over(Status::Completed));
    assert!(!run.complete(&flow, "b", None, done, T0), "after the end");
}

#[test]
fn an_outcome_of_an_earlier_round_is_not_taken_for_that_of_the_next() {
    let flow = compile(&json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "a"}},
        {"id": "a", "type": "SE_AgentDialNumber", "controls": {"phoneNumber": "1"}, "ports": {"success": "e", "failure": "d"}},
        {"id": "d", "type": "SE_CoreDelay", "controls": {"milliseconds": "10"}, "ports": {"done": "a"}},
        {"id": "e", "type": "SE_End"}]}));
    let mut run = start(&flow);
    let Step::Perform(first) = run.advance(&flow, T0) else { panic!("asks for nothing") };
    let busy = Outcome::failure("Busy", "The line is busy.");
    assert!(run.complete(&flow, "a", Some(&first.key), busy.clone(), T0));
    assert!(matches!(run.advance(&flow, T0), Step::Wait(_)));
    let Step::Perform(second) = run.advance(&flow, after(10)) else { panic!("does not ask again") };
    assert!(!run.complete(&flow, "a", Some(&first.key), busy, after(11)), "it was sent twice");
    assert_eq!(run.advance(&flow, after(11)), Step::Perform(second.clone()));
    let done = Outcome::Success { results: Value::Null };
    assert!(run.complete(&flow, "a", Some(&second.key), done, after(12)));
    assert_eq!(run.advance(&flow, after(12)), Step::Over(Status::Completed));
}

#[test]
fn a_call_that_takes_too_long_leaves_by_failure_and_a_late_outcome_is_ignored() {
    let flow = around("SE_AgentDialNumber", &json!({"phoneNumber": "1"}), &["success", "failure"]);
    let mut run = start(&flow);
    run.advance(&flow, T0);
    assert!(!run.complete(&flow, "b", None, Outcome::Success { results: Value::Null }, after(10_000)));
    assert_eq!(run.advance(&flow, after(10_000)), Step::Over(Status::Completed));
    assert_eq!(run.actions["b"]["exception"]["name"], "Timeout");
    assert!(run.actions.contains_key("by-failure"));
}

#[test]
fn a_run_ends_after_its_time_and_says_where_it_was() {
    let flow = around("SE_CoreDelay", &json!({"milliseconds": 59_000}), &["done"]);
    let mut run = start(&flow);
    assert_eq!(run.advance(&flow, T0), Step::Wait(after(59_000)));
    assert_eq!(run.advance(&flow, after(10)), Step::Wait(after(59_000)));
    assert_eq!(run.advance(&flow, after(60_000)), Step::Over(Status::TimedOut));
    assert!(run.error.unwrap().contains("Delay (b)"));

    let flow = around("SE_CoreDelay", &json!({"milliseconds": 60_000}), &["done"]);
    let mut run = start(&flow);
    assert_eq!(
        run.advance(&flow, T0),
        Step::Over(Status::TimedOut),
        "a delay beyond the end is not waited for"
    );
}

#[test]
fn a_flow_that_goes_round_ends_at_its_limit() {
    let flow = compile(&json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "a"}},
        {"id": "a", "type": "SE_GetPayload", "ports": {"done": "b"}},
        {"id": "b", "type": "SE_CoreTruthy", "controls": {"value": "$.payload.no"}, "ports": {"true": "s", "false": "a"}}]}));
    let run = drive(&flow, &Outcome::Success { results: Value::Null });
    assert_eq!((run.status, run.steps()), (Status::Limit, 1000));
    assert_eq!(run.trace.len(), 1001);
}

#[test]
fn results_are_bounded_one_by_one_and_together() {
    let flow = around("SE_SFQueryValue", &json!({"query": "x"}), &["success", "failure"]);
    let run = drive(&flow, &Outcome::Success { results: json!({"value": "x".repeat(MAX_RESULT + 1)}) });
    assert_eq!(run.actions["b"]["exception"]["name"], "ResultTooLarge");
    assert!(run.actions.contains_key("by-failure"));

    let mut actions = vec![
        json!({"id": "s", "type": "SE_Start", "ports": {"done": "q0"}}),
        json!({"id": "q10", "type": "SE_End"}),
    ];
    for n in 0..10 {
        actions.push(json!({"id": format!("q{n}"), "type": "SE_SFQueryValue", "controls": {"query": "x"}, "ports": {"success": format!("q{}", n + 1)}}));
    }
    let run = drive(
        &compile(&json!({ "actions": actions })),
        &Outcome::Success { results: json!({"value": "x".repeat(MAX_RESULT - 100)}) },
    );
    assert_eq!(run.status, Status::Limit);
    assert!(
        serde_json::to_string(&run.trace).unwrap().len() < MAX_TRACE,
        "the trace keeps no more than it may"
    );
}

#[test]
fn ends_are_told_apart() {
    let open =
        around("SE_SFRetrieve", &json!({"fields": "Id", "type": "Contact", "id": "003"}), &["success"]);
    let run = drive(&open, &Outcome::failure("NOT_FOUND", "gone"));
    assert_eq!(run.status, Status::Stopped, "a failure that is not connected just ends the run");
    assert_eq!(run.trace.last().unwrap().phase, Phase::End);

    let broken = compile(&json!({"actions": [{"id": "s", "type": "SE_Start", "ports": {"done": "gone"}}]}));
    assert_eq!(drive(&broken, &Outcome::Branch { value: true }).status, Status::Failed);
    let empty = compile(&json!({"actions": []}));
    assert_eq!(start(&empty).status, Status::Failed);

    let flow = around("SE_Alert", &json!({"message": "x"}), &["done"]);
    let mut run = start(&flow);
    run.advance(&flow, T0);
    run.cancel("The contact is gone.", after(5));
    assert_eq!(run.advance(&flow, after(6)), Step::Over(Status::Cancelled));
    assert_eq!(run.ended_ms, Some(after(5)));
}

#[test]
fn what_the_server_found_is_joined_with_what_the_browser_tells() {
    let flow = around("SE_SFSearchAndScreenpop", &json!({"searchParams": "x"}), &["success"]);
    for (told, expected) in [
        (Value::Null, json!({"count": 1, "id": "003"})),
        (json!({}), json!({"count": 1, "id": "003"})),
        (json!({"opened": true}), json!({"count": 1, "id": "003", "opened": true})),
    ] {
        let mut run = start(&flow);
        run.advance(&flow, T0);
        run.prepare(Map::new(), json!({"count": 1, "id": "003"}));
        assert!(run.complete(&flow, "b", None, Outcome::Success { results: told }, T0));
        assert_eq!(run.actions["b"]["results"], expected);
    }
}

#[test]
fn attributes_written_in_a_run_are_read_by_it() {
    let flow = compile(&json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "a"}},
        {"id": "a", "type": "SE_ContactUpdateAttributes", "controls": {"attributes": {"id": "003", "n": 7}}, "ports": {"success": "b"}},
        {"id": "b", "type": "SE_CoreJoinStrings", "controls": {"value1": "$.contact.attributes.id", "value2": "$.contact.attributes.n"}, "ports": {"done": "e"}},
        {"id": "e", "type": "SE_End"}]}));
    let run = drive(&flow, &Outcome::Success { results: Value::Null });
    assert_eq!(run.actions["b"]["results"]["value"], "0037");
    assert_eq!(run.event.contact["attributes"]["language"], "en", "the others stay");
}

#[test]
fn attributes_written_without_end_end_the_run() {
    let flow = compile(&json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "n"}},
        {"id": "n", "type": "SE_CoreJoinStrings", "controls": {"value1": "$.actions.n.results.value", "value2": "x"}, "ports": {"done": "a"}},
        {"id": "a", "type": "SE_ContactUpdateAttributes", "controls": {"attributes": {"long": "$.payload.text"}}, "ports": {"success": "n"}}]}));
    let mut event = event();
    event.payload["text"] = json!("x".repeat(MAX_RESULT / 2));
    let mut run = Run::start("r", &flow, event, Map::new(), Limits::default(), T0);
    while let Step::Perform(pending) = run.advance(&flow, T0) {
        run.complete(&flow, &pending.action_id, None, Outcome::Success { results: Value::Null }, T0);
    }
    assert_eq!(run.status, Status::Limit);
    assert!(run.steps() < 100, "{}", run.steps());
}

#[test]
fn a_check_box_written_as_text_means_what_it_says() {
    for (written, opens_nothing) in [(json!("false"), false), (json!("true"), true), (json!(false), false)] {
        let controls = json!({"recordId": "", "noPopOnEmpty": written});
        let run = drive(
            &around("SE_SFScreenpopObject", &controls, &["success", "failure"]),
            &Outcome::Branch { value: true },
        );
        assert_eq!(run.actions["b"]["success"], json!(opens_nothing), "{written}");
    }
}

#[test]
fn properties_written_in_a_run_are_seen_by_its_expressions() {
    let flow = compile(&json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "a"}},
        {"id": "a", "type": "SE_SetProperty", "controls": {"key": "k", "value": "new"}, "ports": {"done": "b"}},
        {"id": "b", "type": "SE_CoreJoinStrings", "controls": {"value1": "$.properties.k", "value2": "$.properties.old"}, "ports": {"done": "e"}},
        {"id": "e", "type": "SE_End"}]}));
    let properties = json!({"old": "!"}).as_object().unwrap().clone();
    let mut run = Run::start("r", &flow, event(), properties, Limits::default(), T0);
    assert!(matches!(run.advance(&flow, T0), Step::Store(StoreCall::Set { .. })));
    run.stored(&flow, Ok(None), T0);
    assert_eq!(run.advance(&flow, T0), Step::Over(Status::Completed));
    assert_eq!(run.actions["b"]["results"]["value"], "new!");
}

#[test]
fn the_shapes_of_published_flows_run_on_every_path() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/flows");
    let mut ran = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Ok(document) = Document::parse(&std::fs::read_to_string(&path).unwrap()) else { continue };
        let flow = Flow::new(&document);
        for outcome in [
            Outcome::Success {
                results: json!({"value": "x", "id": "00T1", "phone": "+12065550142", "sfContactId": "003"}),
            },
            Outcome::failure("Refused", "no"),
        ] {
            let run = drive(&flow, &outcome);
            assert!(
                run.status.is_over() && run.status != Status::Limit,
                "{}: {:?}",
                path.display(),
                run.status
            );
        }
        ran += 1;
    }
    assert!(ran >= 9);
}

#[test]
fn what_a_flow_may_gather_is_bounded() {
    let long = json!("x".repeat(MAX_RESULT / 2));
    let many = |n: usize, text: &str| -> Map<String, Value> {
        (0..n).map(|i| (format!("k{i}"), json!(text))).collect()
    };
    let with = |kind: &str, controls: Value| {
        let flow = around(kind, &controls, &["done", "success", "failure"]);
        let mut event = event();
        event.payload["long"] = long.clone();
        let mut run = Run::start("run-1", &flow, event, Map::new(), Limits::default(), T0);
        run.advance(&flow, T0);
        run
    };
    // One value named ten thousand times; a template that names it often, and one that is never closed.
    let run = with("SE_ContactUpdateAttributes", json!({"attributes": many(10_000, "$.payload.long")}));
    assert_eq!(run.actions["b"]["exception"]["name"], "InputTooLarge");
    let often = json!({"template": "${a}".repeat(50_000), "variables": {"a": "$.payload.long"}});
    assert_eq!(with("SE_CoreStringTemplate", often).actions["b"]["exception"]["name"], "ResultTooLarge");
    let open = json!({"template": "${".repeat(200_000), "variables": {}});
    assert_eq!(with("SE_CoreStringTemplate", open).status, Status::Completed);
    // What is read in vain, and what is logged, fills no trace.
    let run = with("SE_ContactUpdateAttributes", json!({"attributes": many(10_000, "$.payload.gone")}));
    assert!(serde_json::to_string(&run.trace).unwrap().len() < 50_000);
    let run = with("SE_Log", json!({"message": "$.payload.long"}));
    assert!(serde_json::to_string(&run.trace).unwrap().len() < 50_000);
}

#[test]
fn a_flow_that_gathers_without_end_is_ended() {
    // Round and round: a longer name each time, and half a megabyte under it.
    let flow = compile(&json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": "n"}},
        {"id": "n", "type": "SE_CoreJoinStrings", "controls": {"value1": "$.actions.n.results.value", "value2": "x"}, "ports": {"done": "p"}},
        {"id": "p", "type": "SE_SetProperty", "controls": {"key": "$.actions.n.results.value", "value": "$.payload.long"}, "ports": {"done": "n"}}]}));
    let mut event = event();
    event.payload["long"] = json!("x".repeat(MAX_RESULT / 2));
    let mut run = Run::start("run-1", &flow, event, Map::new(), Limits::default(), T0);
    while let Step::Store(_) = run.advance(&flow, T0) {
        run.stored(&flow, Ok(None), T0);
    }
    assert_eq!(run.status, Status::Limit);
    assert!(serde_json::to_string(run.all_properties()).unwrap().len() < 2 * MAX_HELD);

    let id = "i".repeat(300_000);
    let flow = compile(&json!({"actions": [
        {"id": "s", "type": "SE_Start", "ports": {"done": id}},
        {"id": id, "type": "SE_Log", "meta": {"title": id}, "controls": {"message": id}, "ports": {"done": id}}]}));
    let mut run = start(&flow);
    assert_eq!(run.advance(&flow, T0), Step::Over(Status::Limit));
    assert!(serde_json::to_string(&run.trace).unwrap().len() < 2 * MAX_TRACE);
}
