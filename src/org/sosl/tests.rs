use serde_json::{Value, json};

use super::parse;
use crate::org::data::Data;
use crate::org::data::tests::{context, empty, make};

pub(crate) fn grammar(sosl: &str) -> Result<(), String> {
    parse::sosl(sosl).map(drop).map_err(|e| e.to_string())
}

fn company() -> Data {
    let data = empty();
    for (name, phone) in [
        ("Kestrel Håndverk", "+47 22 85 55 01"),
        ("Merlin Freight", "(206) 555-0142"),
        ("Joe's Garage", "+44 20 7946 0123"),
    ] {
        make(&data, "Account", json!({"Name": name, "Phone": phone, "Description": "A fine company."}));
    }
    for (first, last, email) in [
        ("Joe", "Smith", "joe.smith@example.com"),
        ("Joe", "Smythe", "jsmythe@example.com"),
        ("Ann", "Okafor", "ann@example.org"),
    ] {
        make(
            &data,
            "Contact",
            json!({"FirstName": first, "LastName": last, "Email": email, "MobilePhone": "+1 206 555 0100"}),
        );
    }
    let case = make(
        &data,
        "Case",
        json!({"Subject": "Joe's invoice 4711", "Description": "Wrong amount, says Merlin"}),
    );
    make(&data, "FeedItem", json!({"ParentId": case, "Body": "Joe called again"}));
    data
}

fn names(data: &Data, sosl: &str) -> Result<Vec<String>, String> {
    let found = data.read(|tx| tx.search(&context(), sosl)).map_err(|e| e.to_string())?;
    let name = |r: &Value| ["Name", "Subject", "Body"].iter().find_map(|f| r[f].as_str().map(str::to_owned));
    Ok(found
        .iter()
        .map(|r| name(r).unwrap_or_else(|| r["attributes"]["type"].as_str().unwrap().to_owned()))
        .collect())
}

#[test]
fn words_phrases_and_operators_find_their_records() {
    let data = company();
    for (sosl, found) in [
        ("FIND {merlin} RETURNING Account(Name)", vec!["Merlin Freight"]),
        (
            "FIND {MERLIN} RETURNING Account(Name), Case(Subject)",
            vec!["Merlin Freight", "Joe's invoice 4711"],
        ),
        ("FIND {merlin} IN NAME FIELDS RETURNING Account(Name), Case(Subject)", vec!["Merlin Freight"]),
        ("FIND {joe smith} RETURNING Contact(Name)", vec!["Joe Smith"]),
        ("FIND {smith joe} RETURNING Contact(Name)", vec!["Joe Smith"]),
        ("FIND {\"smith joe\"} RETURNING Contact(Name)", vec![]),
        ("FIND {\"Joe Smith\" OR \"Joe Smythe\"} RETURNING Contact(Name)", vec!["Joe Smith", "Joe Smythe"]),
        ("FIND {joe AND NOT smythe} RETURNING Contact(Name)", vec!["Joe Smith"]),
        ("FIND {okafor OR joe AND smythe} RETURNING Contact(Name)", vec!["Joe Smythe", "Ann Okafor"]),
        ("FIND {(okafor OR joe) AND smythe} RETURNING Contact(Name)", vec!["Joe Smythe"]),
        ("FIND {Sm*} RETURNING Contact(Name)", vec!["Joe Smith", "Joe Smythe"]),
        ("FIND {Sm?th} RETURNING Contact(Name)", vec!["Joe Smith"]),
        ("FIND {Sm?th*} RETURNING Contact(Name)", vec!["Joe Smith", "Joe Smythe"]),
        ("FIND {joe.smith@example.com} IN EMAIL FIELDS RETURNING Contact(Name)", vec!["Joe Smith"]),
        ("FIND {example.com} IN EMAIL FIELDS RETURNING Contact(Name)", vec!["Joe Smith", "Joe Smythe"]),
        ("FIND {joe\\'s} IN NAME FIELDS RETURNING Account(Name)", vec!["Joe's Garage"]),
        ("FIND {håndverk} RETURNING Account(Name)", vec!["Kestrel Håndverk"]),
        ("FIND {fine} IN SIDEBAR FIELDS RETURNING Account(Name)", vec![]),
        ("FIND {nobody} RETURNING Account(Name)", vec![]),
        ("FIND {joe} RETURNING FeedItem(Body)", vec!["Joe called again"]),
        ("FIND {joe} IN NAME FIELDS RETURNING FeedItem(Body)", vec!["Joe called again"]),
        ("FIND {joe} IN NAME FIELDS", vec!["Account", "Contact", "Contact", "Case"]),
    ] {
        assert_eq!(names(&data, sosl).unwrap(), found, "{sosl}");
    }
}

#[test]
fn phones_are_found_however_they_are_typed() {
    let data = company();
    for (term, found) in [
        ("2065550142", "Merlin Freight"),
        ("12065550142", ""),
        ("206 555 0142", "Merlin Freight"),
        ("\\(206\\) 555\\-0142", "Merlin Freight"),
        ("5550142", "Merlin Freight"),
        ("442079460123", "Joe's Garage"),
        ("\\+442079460123", "Joe's Garage"),
        ("0044 20 7946 0123", "Joe's Garage"),
        ("020 7946 0123", "Joe's Garage"),
        ("02079460123", "Joe's Garage"),
        ("22855501", "Kestrel Håndverk"),
        ("2285*", "Kestrel Håndverk"),
        ("9999999", ""),
    ] {
        let sosl = format!("FIND {{{term}}} IN PHONE FIELDS RETURNING Account(Name)");
        assert_eq!(names(&data, &sosl).unwrap().join(", "), found, "{term}");
    }
    assert_eq!(
        names(&data, "FIND {2065550100} IN EMAIL FIELDS RETURNING Contact(Name)").unwrap(),
        Vec::<String>::new()
    );
}

#[test]
fn returning_narrows_sorts_and_pages() {
    let data = company();
    for (sosl, found) in [
        ("FIND {joe} RETURNING Contact(Name ORDER BY LastName DESC)", vec!["Joe Smythe", "Joe Smith"]),
        ("FIND {joe} RETURNING Contact(Name WHERE Email LIKE 'js%')", vec!["Joe Smythe"]),
        ("FIND {joe} RETURNING Contact(Name ORDER BY Name LIMIT 1 OFFSET 1)", vec!["Joe Smythe"]),
        ("FIND {joe} RETURNING Contact(Name LIMIT 0), Account(Name)", vec!["Joe's Garage"]),
        ("FIND {joe} RETURNING Contact(Name), Account(Name) LIMIT 2", vec!["Joe Smith", "Joe's Garage"]),
        ("FIND {joe} RETURNING Contact", vec!["Contact", "Contact"]),
    ] {
        assert_eq!(names(&data, sosl).unwrap(), found, "{sosl}");
    }
    let id = make(&data, "Contact", json!({"LastName": "Newman"}));
    let found = data
        .read(|tx| tx.search(&context(), "FIND {newman} RETURNING Contact(LastName, Account.Name)"))
        .unwrap();
    assert_eq!(
        found,
        [
            json!({"attributes": {"type": "Contact", "url": format!("/services/data/v66.0/sobjects/Contact/{id}")}, "LastName": "Newman", "Account": null})
        ]
    );
    let change = json!({"LastName": "Oldman"}).as_object().unwrap().clone();
    data.transaction(|tx| tx.update(&context(), "Contact", &id, &change)).unwrap().unwrap();
    assert_eq!(names(&data, "FIND {newman} RETURNING Contact(Name)").unwrap(), Vec::<String>::new());
    assert_eq!(names(&data, "FIND {oldman} RETURNING Contact(Name)").unwrap(), ["Oldman"]);
    data.transaction(|tx| tx.delete(&context(), None, &id)).unwrap().unwrap();
    assert_eq!(names(&data, "FIND {oldman} RETURNING Contact(Name)").unwrap(), Vec::<String>::new());
}

#[test]
fn what_is_no_search_is_refused() {
    let data = company();
    for (sosl, expected) in [
        (
            "FIND joe",
            "MALFORMED_SEARCH: \nFIND joe\n     ^\nERROR at Row:1:Column:6\nunexpected token: 'joe'",
        ),
        ("FIND {a}", "MALFORMED_SEARCH: search term must be longer than one character: a"),
        ("FIND {\\*\\*}", "MALFORMED_SEARCH: search term must be longer than one character"),
        ("FIND {joe} RETURNING Foo", "INVALID_TYPE: \nFIND {joe} RETURNING Foo\n                     ^\n"),
        ("FIND {joe} RETURNING BigTable__c", "INVALID_TYPE: entity type BigTable__c does not support search"),
        (
            "FIND {joe} RETURNING Contact, Contact",
            "MALFORMED_SEARCH: duplicate object in the RETURNING clause: Contact",
        ),
        (
            "FIND {joe} RETURNING Contact(Foo)",
            "INVALID_FIELD: \nFIND {joe} RETURNING Contact(Foo)\n                             ^\n",
        ),
        ("FIND {joe} RETURNING Contact(Id OFFSET 1), Account", "MALFORMED_SEARCH: OFFSET can only"),
        ("FIND {joe} RETURNING Contact(Id OFFSET 2001)", "NUMBER_OUTSIDE_VALID_RANGE: Maximum SOSL offset"),
        ("FIND {joe} LIMIT 2001", "MALFORMED_SEARCH: SOSL queries can return up to 2000 records"),
        ("FIND {(joe} ", "MALFORMED_SEARCH: "),
        ("FIND {joe)}", "MALFORMED_SEARCH: "),
        ("FIND {joe OR}", "MALFORMED_SEARCH: "),
        (
            "FIND {joe} RETURNING Contact(Name WHERE Name = 'a' AND Name = 'b' OR Name = 'c')",
            "MALFORMED_SEARCH: ",
        ),
        ("SELECT Id FROM Account", "MALFORMED_SEARCH: "),
        ("", "MALFORMED_SEARCH: "),
    ] {
        let told = names(&data, sosl);
        assert!(told.as_ref().is_err_and(|e| e.starts_with(expected)), "{sosl}\n{told:?}");
    }
}

#[test]
fn hostile_text_finds_nothing_and_breaks_nothing() {
    let data = company();
    let nested = format!("{}joe{}", "(".repeat(4_000), ")".repeat(4_000));
    let many = "joe AND ann OR ".repeat(250) + "smith";
    for term in [
        nested.as_str(),
        &many,
        "\" OR \"\" *",
        "name : joe",
        "joe\" NOT \"x",
        "NEAR(joe smith)",
        "joe ^2",
        "{{joe}}",
        "\u{1f}\u{1f}joe",
        "joe\\",
        "''--joe",
        "***joe",
        "日本",
    ] {
        let answered = data.read(|tx| {
            tx.parameterized_search(&context(), &json!({"q": term, "sobjects": [{"name": "Contact"}]}))
        });
        let fault = answered.err().map(|e| e.code);
        assert!(fault.is_none_or(|code| code == "MALFORMED_SEARCH"), "{term}: {fault:?}");
    }
}

#[test]
fn parameterized_search_takes_its_parts_as_json() {
    let data = company();
    let ask =
        |body: Value| data.read(|tx| tx.parameterized_search(&context(), &body)).map_err(|e| e.to_string());
    let found = ask(json!({
        "q": "joe", "in": "name", "fields": ["Id"], "overallLimit": "50", "defaultLimit": 1, "metadata": "LABELS",
        "sobjects": [
            {"name": "Contact", "fields": ["Name", "toLabel(LeadSource) src"], "where": "Email LIKE '%example.com'", "orderBy": "LastName DESC NULLS_LAST", "limit": "5"},
            {"name": "Account"},
        ],
    }))
    .unwrap();
    let records = found["searchRecords"].as_array().unwrap();
    assert_eq!(records.len(), 3, "{found}");
    assert_eq!((&records[0]["Name"], &records[0]["src"]), (&json!("Joe Smythe"), &Value::Null));
    assert!(records[2]["Id"].as_str().unwrap().starts_with("001"));
    assert_eq!(
        found["metadata"]["entityMetadata"][0]["fieldMetadata"],
        json!([{"label": "Name", "name": "Name"}])
    );
    let phones = ask(json!({"q": "0044 20 7946 0123", "in": "PHONE", "sobjects": [{"name": "Account", "fields": ["Name"]}]})).unwrap();
    assert_eq!(phones["searchRecords"][0]["Name"], "Joe's Garage");
    assert_eq!(ask(json!({"q": "joe"})).unwrap()["searchRecords"].as_array().unwrap().len(), 4);
    for (body, expected) in [
        (json!({}), "MISSING_ARGUMENT: "),
        (json!([1]), "JSON_PARSER_ERROR: "),
        (json!({"q": "joe", "in": "SHOES"}), "INVALID_SEARCH_SCOPE: "),
        (json!({"q": "joe", "fields": ["Id"]}), "INVALID_FIELD: fields needs at least one sobject"),
        (json!({"q": "joe", "overallLimit": 2001}), "NUMBER_OUTSIDE_VALID_RANGE: overallLimit"),
        (json!({"q": "joe", "offset": 1}), "MALFORMED_SEARCH: offset needs exactly one sobject"),
        (
            json!({"q": "joe", "sobjects": [{"name": "Contact", "where": "Name = 'a' LIMIT 1"}]}),
            "MALFORMED_SEARCH: ",
        ),
        (
            json!({"q": "joe", "sobjects": [{"name": "Account"}, {"name": "Contact", "where": "Foo = 1"}]}),
            "INVALID_FIELD: \nSELECT Id FROM Contact WHERE Foo = 1\n                             ^\n",
        ),
        (json!({"q": "joe", "sobjects": [{"name": "Contact", "fields": ["Foo"]}]}), "INVALID_FIELD: "),
    ] {
        let told = ask(body.clone());
        assert!(told.as_ref().is_err_and(|e| e.starts_with(expected)), "{body}\n{told:?}");
    }
}
