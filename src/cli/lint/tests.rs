use serde_json::json;

use super::*;

const OURS: &str = "arn:aws:lambda:eu-west-2:123456789012:function:sfInvokeAPI";

/// A block of the flow language that calls us, goes to `next`, and on an error to `error`.
fn call(id: &str, parameters: Value, next: &str, error: &str) -> Value {
    json!({
        "Identifier": id, "Type": "InvokeLambdaFunction",
        "Parameters": {"LambdaFunctionARN": OURS, "InvocationTimeLimitSeconds": "8", "LambdaInvocationAttributes": parameters},
        "Transitions": {"NextAction": next, "Errors": [{"NextAction": error, "ErrorType": "NoMatchingError"}], "Conditions": []}
    })
}

fn other(id: &str, kind: &str, parameters: Value, next: &str) -> Value {
    json!({"Identifier": id, "Type": kind, "Parameters": parameters, "Transitions": {"NextAction": next}})
}

fn flow(actions: Vec<Value>) -> Value {
    json!({"Version": "2019-10-30", "StartAction": "start", "Metadata": {"kept": [1]}, "Actions": actions})
}

fn codes(flow: &Value) -> Vec<(&'static str, &'static str, String)> {
    let findings = rules::check("flow.json", &Flow::read(flow).unwrap());
    findings.into_iter().map(|f| (f.severity, f.code, f.block)).collect()
}

fn end() -> Value {
    other("end", "DisconnectParticipant", json!({}), "")
}

fn sorry() -> Value {
    other("sorry", "MessageParticipant", json!({"Text": "Sorry"}), "end")
}

#[test]
fn a_clean_flow_is_passed_in_silence() {
    let clean = flow(vec![
        call(
            "Who calls",
            json!({"sf_operation": "phoneLookup", "sf_phone": "$.CustomerEndpoint.Address", "sf_fields": "Id, Name"}),
            "Their case",
            "sorry",
        ),
        call(
            "Their case",
            json!({"sf_operation": "queryOne", "query": "SELECT Id FROM Case WHERE ContactId = '{id}' LIMIT 2", "{id}": "$.Attributes.contact"}),
            "New case",
            "sorry",
        ),
        call(
            "New case",
            json!({"sf_operation": "create", "sf_object": "Case", "Subject": "Call", "tl_attribute": "case"}),
            "end",
            "sorry",
        ),
        other(
            "Other function",
            "InvokeLambdaFunction",
            json!({"LambdaFunctionARN": "arn:aws:lambda:x:1:function:another"}),
            "end",
        ),
        sorry(),
        end(),
    ]);
    assert_eq!(codes(&clean), []);
}

#[test]
fn each_planted_fault_is_found_where_it_is() {
    let planted: Vec<(&str, &str, Vec<Value>)> = vec![
        (
            "error",
            "refused",
            vec![call("B", json!({"sf_operation": "lookup", "sf_object": "Contact"}), "end", "sorry")],
        ),
        ("error", "refused", vec![call("B", json!({"sf_operation": "Lookup"}), "end", "sorry")]),
        (
            "warning",
            "query-text",
            vec![call(
                "B",
                json!({"sf_operation": "queryOne", "query": "SELECT Id FROM Case WHERE clause", "clause": "$.Attributes.where"}),
                "end",
                "sorry",
            )],
        ),
        (
            "warning",
            "query-text",
            vec![call(
                "B",
                json!({"sf_operation": "queryOne", "query": "$.Attributes.query"}),
                "end",
                "sorry",
            )],
        ),
        (
            "warning",
            "chained-id",
            vec![
                call("Create", json!({"sf_operation": "create", "sf_object": "Case"}), "Say", "sorry"),
                other("Say", "MessageParticipant", json!({}), "B"),
                other(
                    "B",
                    "UpdateContactAttributes",
                    json!({"Attributes": {"case": "$.External.Id"}}),
                    "end",
                ),
            ],
        ),
        (
            "note",
            "chained-id",
            vec![
                call("Create", json!({"sf_operation": "create", "sf_object": "Case"}), "B", "sorry"),
                call(
                    "B",
                    json!({"sf_operation": "update", "sf_object": "Case", "sf_id": "$.External.Id", "Status": "Closed"}),
                    "end",
                    "sorry",
                ),
            ],
        ),
        (
            "warning",
            "status-204",
            vec![
                json!({"Identifier": "B", "Type": "Compare", "Parameters": {"ComparisonValue": "$.External.Status"}, "Transitions": {"NextAction": "sorry", "Conditions": [{"NextAction": "end", "Condition": {"Operator": "Equals", "Operands": ["204"]}}]}}),
            ],
        ),
        (
            "warning",
            "status-204",
            vec![
                other(
                    "Copy",
                    "UpdateContactAttributes",
                    json!({"Attributes": {"s": "$.External.Status"}}),
                    "B",
                ),
                json!({"Identifier": "B", "Type": "Compare", "Parameters": {"ComparisonValue": "$.Attributes.s"}, "Transitions": {"NextAction": "sorry", "Conditions": [{"NextAction": "end", "Condition": {"Operator": "Equals", "Operands": ["204"]}}]}}),
            ],
        ),
        (
            "warning",
            "loop-without-key",
            vec![
                call(
                    "B",
                    json!({"sf_operation": "create", "sf_object": "Task", "tl_key": "always the same"}),
                    "Again",
                    "sorry",
                ),
                other("Again", "Loop", json!({"LoopCount": "3"}), "B"),
            ],
        ),
        (
            "warning",
            "reply-size",
            vec![call(
                "B",
                json!({"sf_operation": "lookup_all", "sf_object": "Case", "sf_fields": "Id"}),
                "end",
                "sorry",
            )],
        ),
        (
            "warning",
            "reply-size",
            vec![call(
                "B",
                json!({"sf_operation": "query", "query": "SELECT Id FROM Case LIMIT 500"}),
                "end",
                "sorry",
            )],
        ),
        (
            "warning",
            "reply-size",
            vec![call(
                "B",
                json!({"sf_operation": "search", "q": "x", "sf_fields": "Id", "sf_object": "Case", "overallLimit": "2000"}),
                "end",
                "sorry",
            )],
        ),
        (
            "warning",
            "superseded",
            vec![call(
                "B",
                json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "MobilePhone": "$.CustomerEndpoint.Address"}),
                "end",
                "sorry",
            )],
        ),
        (
            "note",
            "superseded",
            vec![call(
                "B",
                json!({"sf_operation": "update", "sf_object": "Contact/Ext__c", "sf_id": "1", "Name": "x"}),
                "end",
                "sorry",
            )],
        ),
        ("warning", "no-error-branch", vec![call("B", json!({"sf_operation": "version"}), "end", "end")]),
        ("error", "no-error-branch", vec![call("B", json!({"sf_operation": "version"}), "end", "")]),
    ];
    for (severity, code, mut actions) in planted {
        let told = serde_json::to_string(&actions).unwrap();
        actions.extend([sorry(), end()]);
        assert_eq!(codes(&flow(actions)), [(severity, code, "B".to_owned())], "{told}");
    }
}

#[test]
fn a_block_that_waits_too_briefly_or_not_at_all_is_found() {
    let mut hasty = call("B", json!({"sf_operation": "version"}), "end", "sorry");
    hasty["Parameters"]["InvocationTimeLimitSeconds"] = json!(2);
    assert_eq!(codes(&flow(vec![hasty, sorry(), end()])), [("warning", "short-timeout", "B".to_owned())]);
    let mut aside = call("B", json!({"sf_operation": "create", "sf_object": "Case"}), "end", "sorry");
    aside["Parameters"]["InvocationType"] = json!("ASYNCHRONOUS");
    assert_eq!(codes(&flow(vec![aside, sorry(), end()])), [("warning", "loop-without-key", "B".to_owned())]);
}

#[test]
fn a_loop_with_a_key_for_every_round_is_passed() {
    let round = flow(vec![
        call(
            "B",
            json!({"sf_operation": "create", "sf_object": "Task", "tl_key": "$.Attributes.round"}),
            "Again",
            "sorry",
        ),
        other("Again", "Loop", json!({"LoopCount": "3"}), "B"),
        sorry(),
        end(),
    ]);
    assert_eq!(codes(&round), []);
}

/// The designer's older form of export.
fn older() -> Value {
    json!({
        "modules": [
            {"id": "1", "type": "InvokeExternalResource", "metadata": {"name": "Close it"},
             "branches": [{"condition": "Success", "transition": "2"}, {"condition": "Error", "transition": "3"}],
             "parameters": [
                {"name": "FunctionArn", "value": OURS, "namespace": null},
                {"name": "TimeLimit", "value": "1"},
                {"name": "Parameter", "key": "sf_operation", "value": "update", "namespace": null},
                {"name": "Parameter", "key": "sf_object", "value": "Case", "namespace": null},
                {"name": "Parameter", "key": "sf_id", "value": "case", "namespace": "User Defined"}
             ]},
            {"id": "2", "type": "CheckAttribute",
             "branches": [{"condition": "Evaluate", "conditionType": "Equals", "conditionValue": "204", "transition": "3"}, {"condition": "NoMatch", "transition": "3"}],
             "parameters": [{"name": "Attribute", "value": "Status"}, {"name": "Namespace", "value": "External"}]},
            {"id": "3", "type": "Disconnect", "branches": [], "parameters": []}
        ],
        "version": "1", "type": "contactFlow", "start": "1"
    })
}

#[test]
fn the_older_form_is_read_as_well() {
    assert_eq!(
        codes(&older()),
        [("warning", "short-timeout", "Close it".to_owned()), ("warning", "status-204", "2".to_owned())]
    );
}

#[test]
fn retargeting_changes_our_calls_and_nothing_else() {
    let arn = "arn:aws:lambda:eu-west-2:123456789012:function:tieline:live";
    let another = other(
        "Other",
        "InvokeLambdaFunction",
        json!({"LambdaFunctionARN": "arn:aws:lambda:x:1:function:another"}),
        "end",
    );
    let before =
        flow(vec![call("B", json!({"sf_operation": "version"}), "end", "sorry"), another, sorry(), end()]);
    let mut after = before.clone();
    assert_eq!(lead(&mut after, arn), 1);
    assert_eq!(after.to_string(), before.to_string().replace(OURS, arn));
    let mut old = older();
    assert_eq!(lead(&mut old, arn), 1);
    assert_eq!(old.to_string(), older().to_string().replace(OURS, arn));
}

#[test]
fn what_is_no_flow_is_told_and_strange_flows_are_no_panic() {
    for odd in [json!(null), json!([]), json!({"actions": []}), json!({"Actions": 5})] {
        assert!(Flow::read(&odd).is_none(), "{odd}");
    }
    for odd in [
        json!({"Actions": [null, 5, {}, {"Identifier": 5, "Type": "InvokeLambdaFunction"}]}),
        json!({"modules": [null, {"id": "x", "parameters": {}, "branches": 5}]}),
    ] {
        assert_eq!(codes(&odd), [], "{odd}");
    }
}
