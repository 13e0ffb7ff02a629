use proptest::prelude::*;

use super::super::{CacheControl, Found, Written, reply};
use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_710_074_096_000); // 2024-03-10T12:34:56Z

fn settings() -> Settings {
    Settings { namespace: "amazonconnect__".to_owned(), ..Settings::default() }
}

fn invoked(event: &Value) -> Result<Invocation, Refusal> {
    parse(event, &settings(), NOW)
}

fn asked(parameters: Value) -> Result<Request, Refusal> {
    invoked(&json!({"Details": {"Parameters": parameters}})).map(|invocation| invocation.request)
}

fn refused(parameters: Value) -> String {
    asked(parameters).unwrap_err().message
}

/// What upstream's recording stub would have written down.
fn call_of(request: &Request) -> Value {
    match request {
        Request::Read(Read::Nobody { .. }) => json!([]),
        Request::Read(Read::Query { soql, .. }) => json!([["query", folded(soql)]]),
        Request::Read(Read::Search { sosl, .. }) => json!([["search", sosl]]),
        Request::Read(Read::ParameterizedSearch { body, .. }) => json!([["ps", body]]),
        Request::Write(Write::Create { object, fields }) => json!([["create", object, fields]]),
        Request::Write(Write::Update { object, id, fields }) => json!([["update", object, id, fields]]),
        Request::Write(Write::Delete { object, id }) => json!([["delete", object, id]]),
        Request::Write(Write::Post { element_type, subject_id, message_type, text, mention }) => {
            json!([["post", {
                "sf_feedElementType": element_type, "sf_subjectId": subject_id, "sf_messageType": message_type,
                "sf_message": text, "sf_mention": mention.clone().unwrap_or_default(),
            }]])
        }
        Request::Write(Write::Comment { element_id, comment_type, text }) => json!([["cmt", element_id, {
            "sf_feedElementId": element_id, "sf_commentType": comment_type, "sf_commentMessage": text,
        }]]),
        other => panic!("{other:?}"),
    }
}

/// White space folded, as the vectors are compared.
fn folded(soql: &str) -> String {
    soql.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn reply_to(request: &Request, records: &Value) -> Value {
    let found = |records: &Value| {
        let records: Vec<Map<String, Value>> = serde_json::from_value(records.clone()).unwrap();
        Found { total: records.len() as u64, records }
    };
    let written = |w| Value::from(reply::written(&w, Map::new(), super::super::Format::Native));
    let shown = |found: &Found, shape| {
        Value::from(reply::found(found, shape, Map::new(), super::super::Format::Native))
    };
    match request {
        Request::Read(Read::Nobody { shape }) => shown(&Found::default(), *shape),
        Request::Read(
            Read::Query { shape, .. } | Read::Search { shape, .. } | Read::ParameterizedSearch { shape, .. },
        ) => shown(&found(records), *shape),
        Request::Write(Write::Create { .. }) => written(Written::Created { id: "001X".to_owned() }),
        Request::Write(Write::Update { .. }) => written(Written::Updated { status: 204 }),
        Request::Write(Write::Delete { .. }) => written(Written::Deleted),
        Request::Write(Write::Post { .. }) => written(Written::Created { id: "0D5".to_owned() }),
        Request::Write(Write::Comment { .. }) => written(Written::Created { id: "0D7".to_owned() }),
        other => panic!("{other:?}"),
    }
}

/// Where upstream is wrong, ours: by the number of the case, the call and the reply.
fn better(case: usize) -> Option<(Value, Value)> {
    let first = json!({"Id": "1", "Name": "A", "sf_count": 2});
    let nobody = (json!([]), json!({"sf_count": 0}));
    Some(match case {
        0 => (json!([["query", "SELECT Id, Name FROM Contact WHERE Email='o\\'brien@x.com'"]]), first),
        2 | 3 | 11 | 31 | 32 | 36 | 37 | 40..=42 => nobody,
        6 => (
            json!([["query", "SELECT Id, Account.Name FROM Contact WHERE Id='1'"]]),
            json!({"Id": "1", "Account.Name": "Acme", "sf_count": 1}),
        ),
        9 => (
            json!([["query", "SELECT Name FROM Contact WHERE A='b' AND C='d'"]]),
            json!({"sf_records_0_Name": "A", "sf_records_1_Name": "A", "sf_records_2_Name": "B", "sf_count": 3}),
        ),
        13 => (json!([["query", "select Id, Name from Contact where Name = 'x'"]]), json!({"sf_count": 0})),
        14 => (
            json!([["query", "select Name from Contact"]]),
            json!({"sf_records_0_Name": "A", "sf_records_1_Name": "A", "sf_records_2_Name": "B", "sf_count": 3}),
        ),
        15 => (
            json!([["query", "q"]]),
            json!({"sf_records_0_Id": "1", "sf_records_0_Account.Name": "Acme", "sf_count": 1}),
        ),
        16 => (
            json!([["query", "q"]]),
            json!({
                "sf_records_0_Id": "1", "sf_records_0_Cases.totalSize": 2, "sf_records_0_Cases.done": true,
                "sf_records_0_Cases.records.Id": "c2", "sf_records_0_Cases.records.0.Id": "c1",
                "sf_records_0_Cases.records.1.Id": "c2", "sf_count": 1,
            }),
        ),
        17 => (
            json!([["query", "q"]]),
            json!({
                "sf_records_0_Id": "1", "sf_records_0_Name": null, "sf_records_0_F": true, "sf_records_0_G": 1.5,
                "sf_records_0_Tags": "b", "sf_records_0_Tags.0": "a", "sf_records_0_Tags.1": "b", "sf_count": 1,
            }),
        ),
        18 => (
            json!([["query", "q"]]),
            json!({
                "sf_records_0_Id": "1", "sf_records_0_Name": "A", "sf_records_1_Id": "2", "sf_records_1_Name": "B",
                "sf_count": 2,
            }),
        ),
        22 => (json!([["query", "q"]]), json!({"Id": "1", "Account.Name": "Acme", "sf_count": 1})),
        24 => (
            json!([["ps", {
                "q": "x", "fields": ["Id", "Name"], "sobjects": [{"name": "Contact", "where": "a='b'"}], "overallLimit": 5,
            }]]),
            json!({"sf_count": 0}),
        ),
        27 => (json!([["search", "FIND {x}"]]), json!({"sf_records_0_Id": "1", "sf_count": 1})),
        28 => (json!([["search", "FIND {x}"]]), json!({"Id": "1", "Name": "A", "sf_count": 1})),
        38 => (
            json!([["ps", {"q": "0612345678", "sobjects": [{"name": "Contact"}], "fields": ["Id", "Name"]}]]),
            first,
        ),
        43 => (
            json!([["ps", {"q": "2065550100", "sobjects": [{"name": "Contact"}], "fields": ["Id", "Name"]}]]),
            json!({"sf_count": 0}),
        ),
        45 => (
            json!([["create", "Case", {"Subject": "hi", "Description": "Sales | Billing"}]]),
            json!({"Id": "001X"}),
        ),
        46 => (json!([["create", "Case", {"Subject": "a|b"}]]), json!({"Id": "001X"})),
        52 => (json!([["delete", "Case", "500"]]), json!({"Response": null})),
        _ => return None,
    })
}

#[test]
fn every_observed_call_is_answered_as_upstream_or_better() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../tests/fixtures/upstream-vectors.json")).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 60);
    for (at, case) in cases.iter().enumerate() {
        let mut parameters = json!({"sf_operation": case["op"]});
        parameters.as_object_mut().unwrap().extend(case["params"].as_object().unwrap().clone());
        let ours = asked(parameters);
        let (calls, result) = match better(at) {
            Some(better) => better,
            None if case.get("error").is_some() || at == 5 => {
                let message = ours.expect_err(&format!("case {at}")).message;
                let upstream =
                    case["error"].as_str().and_then(|e| e.split_once(": ")).map_or("", |(_, text)| text);
                assert!(message.starts_with(upstream), "{at}: {message}");
                continue;
            }
            None => {
                let mut calls = case["calls"].clone();
                if let Some(soql) = calls[0][1].as_str().filter(|_| calls[0][0] == "query") {
                    calls[0][1] = folded(soql).into();
                }
                (calls, case["result"].clone())
            }
        };
        let ours = ours.unwrap_or_else(|refusal| panic!("{at}: {refusal}"));
        assert_eq!(call_of(&ours), calls, "call of case {at}");
        assert_eq!(reply_to(&ours, &case["records"]), result, "reply of case {at}");
    }
}

#[test]
fn where_several_match_the_configuration_chooses() {
    let lookup = json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "A": "b"});
    let by_phone = json!({"sf_operation": "phoneLookup", "sf_phone": "+12065550100", "sf_fields": "Id"});
    let read = |parameters: &Value, matches| {
        let settings = Settings { matches, ..settings() };
        match parse(&json!({"Details": {"Parameters": parameters}}), &settings, NOW).unwrap().request {
            Request::Read(read) => read,
            other => panic!("{other:?}"),
        }
    };
    let soql = "SELECT Id FROM Contact WHERE A='b'".to_owned();
    assert_eq!(read(&lookup, Matches::None), Read::Query { soql: soql.clone(), shape: Shape::Only });
    let soql = format!("{soql} ORDER BY LastModifiedDate DESC");
    assert_eq!(read(&lookup, Matches::MostRecent), Read::Query { soql, shape: Shape::First });
    assert_eq!(
        read(&by_phone, Matches::MostRecent),
        Read::ParameterizedSearch {
            body: json!({
                "q": "2065550100", "fields": ["Id"],
                "sobjects": [{"name": "Contact", "orderBy": "LastModifiedDate DESC"}],
            }),
            shape: Shape::First,
        }
    );
    assert!(matches!(read(&by_phone, Matches::None), Read::ParameterizedSearch { shape: Shape::Only, .. }));
}

#[test]
fn what_says_nothing_of_whom_it_looks_for_finds_nobody() {
    let of = |operation: &str, mut parameters: Value| {
        parameters["sf_operation"] = operation.into();
        parameters["sf_object"] = "Contact".into();
        parameters["sf_fields"] = "Id".into();
        matches!(asked(parameters), Ok(Request::Read(Read::Nobody { .. })))
    };
    for blank in ["", " ", "\t"] {
        assert!(of("lookup", json!({ "CustomerNumber__c": blank })));
        assert!(of("lookup", json!({ "Email": blank, "LastName": "Smith" })));
        assert!(of("phoneLookup", json!({ "sf_phone": blank })));
        assert!(of("lookup_all", json!({ "Phone": blank })));
        assert!(!of("lookup_all", json!({ "Email": blank })), "a list of those without is a fair question");
    }
    for withheld in ["anonymous", "+anonymous", "Unavailable", "Restricted"] {
        assert!(of("lookup", json!({ "Phone": withheld })), "{withheld}");
        assert!(of("lookup_all", json!({ "MobilePhone": withheld })), "{withheld}");
        assert!(of("phoneLookup", json!({ "sf_phone": withheld })), "{withheld}");
    }
    for short in ["911", "+1", "%12345%"] {
        assert!(of("lookup", json!({ "MobilePhone": short })), "{short}");
        assert!(of("phoneLookup", json!({ "sf_phone": short })), "{short}");
    }
    for anything in ["*", "**", "?", "\"\""] {
        assert!(of("searchOne", json!({ "q": anything })), "{anything}");
    }
    for named in [
        json!({"Phone": "911"}),
        json!({"Phone_Type__c": "Home"}),
        json!({"Phone": "+1 206 555 0100"}),
        json!({"Email": null}),
    ] {
        assert!(!of("lookup", named.clone()), "{named}");
    }
    assert!(!of("search", json!({ "q": "ann" })));
}

#[test]
fn a_query_with_nothing_in_its_quotes_finds_no_single_record() {
    let nobody = |operation: &str, query: &str, value: Value| {
        let parameters = json!({"sf_operation": operation, "query": query, "number": value});
        matches!(asked(parameters), Ok(Request::Read(Read::Nobody { .. })))
    };
    let by = |field: &str| format!("SELECT Id FROM Contact WHERE {field} = 'number'");
    for blank in [json!(""), json!(" "), json!(null)] {
        assert!(nobody("queryOne", &by("Email"), blank.clone()), "{blank}");
        assert!(nobody("query", &by("Account.Phone"), blank.clone()), "{blank}");
        assert!(!nobody("query", &by("Email"), blank.clone()), "a list of those without is a fair question");
        assert!(
            !nobody("queryOne", "SELECT Id FROM Contact WHERE Email != 'number'", blank),
            "its opposite too"
        );
    }
    assert!(nobody("queryOne", &by("Phone"), json!("anonymous")));
    assert!(!nobody("queryOne", &by("Email"), json!("a@example.com")));
    assert!(!nobody("queryOne", "SELECT Id FROM Contact WHERE Email = ''", json!("x")), "the author's own");
}

#[test]
fn an_event_needs_parameters_and_nothing_else() {
    for (event, named) in [
        (json!(null), "'Details'"),
        (json!([1]), "'Details'"),
        (json!("text"), "'Details'"),
        (json!({}), "'Details'"),
        (json!({"Details": null}), "'Parameters'"),
        (json!({"Details": {}}), "'Parameters'"),
        (json!({"Details": {"Parameters": null}}), "'Parameters'"),
        (json!({"Details": {"Parameters": []}}), "'Parameters'"),
        (json!({"Details": {"Parameters": {}}}), "'sf_operation'"),
    ] {
        let message = invoked(&event).unwrap_err().message;
        assert!(message.starts_with(named), "{event}: {message}");
    }
    for operation in [json!(""), json!(null), json!(5), json!("query "), json!("Lookup"), json!({"a": 1})] {
        assert!(refused(json!({ "sf_operation": operation })).starts_with("sf_operation unknown"));
    }
}

#[test]
fn a_contact_is_found_however_it_is_spelled() {
    let contact = |data: Value| {
        invoked(&json!({"Details": {"ContactData": data, "Parameters": {"sf_operation": "version"}}}))
            .unwrap()
            .contact
    };
    let full = contact(json!({
        "ContactId": "c2", "InitialContactId": "c1", "InstanceARN": "arn:x", "Queue": null, "CustomerEndpoint": null,
    }))
    .unwrap();
    assert_eq!(
        (full.group(), full.contact_id.as_str(), full.instance_arn.as_deref()),
        ("c1", "c2", Some("arn:x"))
    );
    assert_eq!(contact(json!({"contactId": "c2", "initialcontactid": null})).unwrap().group(), "c2");
    assert_eq!(contact(json!({"CONTACTID": "c2", "InitialContactId": ""})).unwrap().group(), "c2");
    for nobody in [
        json!(null),
        json!({}),
        json!([]),
        json!({"ContactId": null}),
        json!({"ContactId": " "}),
        json!({"ContactId": 5}),
    ] {
        assert_eq!(contact(nobody), None);
    }
}

#[test]
fn control_parameters_are_no_parameters() {
    let invocation = invoked(&json!({"Details": {"Parameters": {
        "sf_operation": "lookup", "tl_cache": "no-store", "sf_object": "Contact", "sf_fields": "Id", "Email": "a@example.com",
        "tl_format": "json",
    }}}))
    .unwrap();
    assert_eq!(invocation.control.cache, Some(CacheControl::NoStore));
    let names: Vec<&str> = invocation.parameters.keys().map(String::as_str).collect();
    assert_eq!(names, ["sf_operation", "sf_object", "sf_fields", "Email"]);
    let soql = "SELECT Id FROM Contact WHERE Email='a@example.com'".to_owned();
    assert_eq!(invocation.request, Request::Read(Read::Query { soql, shape: Shape::First }));
    let refused = refused(
        json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "tl_cache": "no-store"}),
    );
    assert!(refused.starts_with("at least one condition is required"), "{refused}");
}

#[test]
fn dates_are_those_of_the_call() {
    let create = |object: &str, value: Value| match asked(
        json!({"sf_operation": "create", "sf_object": object, "When__c": value}),
    )
    .unwrap()
    {
        Request::Write(Write::Create { fields, .. }) => fields["When__c"].clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(create("Case", json!("2d | date")), "2024-03-12");
    assert_eq!(create("Case", json!(["2d|date"])), json!(["2d|date"]));
    assert_eq!(create("Case", json!(null)), json!(null));
    assert_eq!(create("amazonconnect__AC_ContactChannelAnalytics__c", json!("2d|date")), "2d|date");
    assert_eq!(create("AC_ContactChannelAnalytics__c", json!("2d|date")), "2024-03-12");
    assert!(
        refused(json!({"sf_operation": "update", "sf_object": "A", "sf_id": "1", "F__c": "3x|date"}))
            .contains("F__c")
    );
    // Identity is of what the flow said, not of the day on which it said it.
    let invocation = invoked(
        &json!({"Details": {"Parameters": {"sf_operation": "create", "sf_object": "A", "D": "|date"}}}),
    );
    assert_eq!(invocation.unwrap().parameters["D"], "|date");
}

#[test]
fn missing_parameters_are_named_at_once() {
    for (parameters, message) in [
        (
            json!({"sf_operation": "lookup", "Email": "a"}),
            "lookup() missing 2 required positional arguments: 'sf_object' and 'sf_fields'",
        ),
        (
            json!({"sf_operation": "search"}),
            "search() missing 3 required positional arguments: 'q', 'sf_fields', and 'sf_object'",
        ),
        (
            json!({"sf_operation": "create", "Subject": "x"}),
            "create() missing 1 required positional argument: 'sf_object'",
        ),
        (json!({"sf_operation": "phoneLookup", "sf_fields": "Id"}), "'sf_phone'"),
        (json!({"sf_operation": "phoneLookup", "sf_phone": "+1"}), "'sf_fields'"),
        (json!({"sf_operation": "queryOne"}), "queryOne() missing 1 required positional argument: 'query'"),
        (
            json!({"sf_operation": "upsert", "sf_object": "A"}),
            "upsert() missing 2 required positional arguments: 'sf_external_field' and 'sf_external_id'",
        ),
        (json!({"sf_operation": "outcome"}), "the event names no contact"),
    ] {
        let ours = refused(parameters);
        assert!(ours.starts_with(message), "{ours}");
    }
}

#[test]
fn blank_null_and_nested_values_are_refused_by_name() {
    for (parameters, name) in [
        (json!({"sf_operation": "delete", "sf_object": "Case", "sf_id": ""}), "sf_id"),
        (json!({"sf_operation": "update", "sf_object": "Case", "sf_id": null, "A": "b"}), "sf_id"),
        (json!({"sf_operation": "create", "sf_object": " "}), "sf_object"),
        (json!({"sf_operation": "create", "sf_object": {"a": "Case"}}), "sf_object"),
        (json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "", "A": "b"}), "sf_fields"),
        (json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": [], "A": "b"}), "sf_fields"),
        (json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": [{}], "A": "b"}), "sf_fields"),
        (
            json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id FROM User", "A": "b"}),
            "sf_fields",
        ),
        (
            json!({"sf_operation": "lookup", "sf_object": "Contact WHERE Id", "sf_fields": "Id", "A": "b"}),
            "sf_object",
        ),
        (json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "A": {"b": 1}}), "A"),
        (
            json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "Name = 'x' OR Name": "b"}),
            "Name",
        ),
        (json!({"sf_operation": "query", "query": ""}), "query"),
        (json!({"sf_operation": "query", "query": ["x"]}), "query"),
        (json!({"sf_operation": "query", "query": "A = 'n'", "n": {"x": 1}}), "n"),
        (json!({"sf_operation": "query", "query": "A = n", "n": "secret'"}), "n"),
        (json!({"sf_operation": "search", "q": "", "sf_fields": "Id", "sf_object": "Contact"}), "q"),
        (json!({"sf_operation": "phoneLookup", "sf_phone": {"secret": 1}, "sf_fields": "Id"}), "sf_phone"),
        (
            json!({"sf_operation": "createChatterComment", "sf_feedElementId": "", "sf_commentType": "Text",
                "sf_commentMessage": "x"}),
            "sf_feedElementId",
        ),
        (
            json!({"sf_operation": "createChatterPost", "sf_feedElementType": "FeedItem", "sf_subjectId": "0",
                "sf_messageType": "Text", "sf_message": "{{secret}}"}),
            "sf_message",
        ),
    ] {
        let message = refused(parameters);
        assert!(message.contains(name), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
}

#[test]
fn numbers_and_lists_serve_where_texts_do() {
    let id = asked(json!({"sf_operation": "delete", "sf_object": "Case", "sf_id": 500})).unwrap();
    assert_eq!(id, Request::Write(Write::Delete { object: "Case".to_owned(), id: "500".to_owned() }));
    let fields = |fields: Value| match asked(
        json!({"sf_operation": "search", "q": "x", "sf_object": "A", "sf_fields": fields}),
    ) {
        Ok(Request::Read(Read::ParameterizedSearch { body, .. })) => body["fields"].clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(fields(json!(["Id", " Name"])), json!(["Id", "Name"]));
    assert_eq!(fields(json!("Id,  Name,")), json!(["Id", "Name"]));
}

#[test]
fn soql_in_search_one_sosl_goes_where_it_works() {
    let asked =
        |operation: &str, query: &str| asked(json!({"sf_operation": operation, "query": query})).unwrap();
    assert!(matches!(
        asked("searchOneSOSL", " select Id FROM A"),
        Request::Read(Read::Query { shape: Shape::Only, .. })
    ));
    assert!(matches!(
        asked("searchOneSOSL", "FIND {a}"),
        Request::Read(Read::Search { shape: Shape::Only, .. })
    ));
    assert!(matches!(
        asked("searchSOSL", "SELECT Id FROM A"),
        Request::Read(Read::Search { shape: Shape::All, .. })
    ));
}

#[test]
fn outcomes_are_asked_by_id_by_name_or_for_the_latest() {
    let outcome = |parameters: Value| {
        let mut event = json!({"Details": {"ContactData": {"ContactId": "c"}, "Parameters": {"sf_operation": "outcome"}}});
        event["Details"]["Parameters"]
            .as_object_mut()
            .unwrap()
            .extend(parameters.as_object().unwrap().clone());
        invoked(&event).unwrap().request
    };
    assert_eq!(outcome(json!({"tl_id": "tl-1"})), Request::Outcome(OutcomeQuery::Id("tl-1".to_owned())));
    assert_eq!(outcome(json!({"tl_ref": "case"})), Request::Outcome(OutcomeQuery::Name("case".to_owned())));
    assert_eq!(outcome(json!({"tl_id": "", "tl_wait_ms": "0"})), Request::Outcome(OutcomeQuery::Latest));
}

proptest! {
    #[test]
    fn never_panics(
        operation in prop::sample::select(OPERATIONS.split(", ").map(str::trim).collect::<Vec<_>>()),
        names in prop::collection::vec("(sf_[a-zA-Z_]{2,18}|q|query|where|tl_[a-z_]{3,10}|[A-Za-z_.' ]{0,8})", 0..8),
        known in prop::sample::subsequence(vec!["sf_object", "sf_fields", "sf_id", "sf_phone", "query", "q", "sf_message",
            "sf_feedElementType", "sf_subjectId", "sf_messageType", "overallLimit"], 0..11),
        texts in prop::collection::vec("\\PC{0,30}", 19),
        odd in prop::collection::vec(prop::sample::select(vec![json!(null), json!(1.5), json!([1, [2]]), json!({"a": []}), json!(true)]), 19),
        choose in prop::collection::vec(any::<bool>(), 19),
    ) {
        let mut parameters = Map::from_iter([("sf_operation".to_owned(), json!(operation))]);
        for (at, name) in known.into_iter().map(str::to_owned).chain(names).enumerate() {
            parameters.insert(name, if choose[at] { texts[at].clone().into() } else { odd[at].clone() });
        }
        let _result = invoked(&json!({"Details": {"Parameters": parameters, "ContactData": odd[0]}}));
    }
}
