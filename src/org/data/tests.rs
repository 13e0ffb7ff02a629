use serde_json::{Value, json};

use super::*;

/// 2026-11-20T10:20:00Z, a Friday.
pub(crate) const NOW: i64 = 1_795_170_000_000;

pub(crate) fn context() -> Context {
    Context {
        user_id: "005Tl000000000XIAQ".to_owned(),
        now: Timestamp::from_millis(NOW),
        api_version: 66,
        time_zone: jiff::tz::TimeZone::get("America/Los_Angeles").unwrap(),
        allow_duplicates: false,
    }
}

pub(crate) fn empty() -> Data {
    Data::open(None, Schema::standard().unwrap()).unwrap()
}

/// Makes a record that has to be right.
pub(crate) fn make(data: &Data, object: &str, fields: Value) -> String {
    let fields = fields.as_object().unwrap().clone();
    data.transaction(|tx| tx.insert(&context(), object, &fields)).unwrap().unwrap()
}

pub(crate) fn ask(data: &Data, soql: &str) -> Result<Rows, String> {
    data.read(|tx| tx.query(&context(), soql, false)).map_err(|e| e.to_string())
}

fn told(result: Result<impl std::fmt::Debug, Vec<OrgError>>) -> Vec<String> {
    result.unwrap_err().iter().map(ToString::to_string).collect()
}

fn insert(data: &Data, object: &str, fields: Value) -> Result<String, Vec<OrgError>> {
    let fields = fields.as_object().unwrap().clone();
    data.transaction(|tx| tx.insert(&context(), object, &fields)).unwrap()
}

fn update(data: &Data, object: &str, id: &str, fields: Value) -> Result<(), Vec<OrgError>> {
    let fields = fields.as_object().unwrap().clone();
    data.transaction(|tx| tx.update(&context(), object, id, &fields)).unwrap()
}

fn delete(data: &Data, id: &str) -> Result<(), Vec<OrgError>> {
    data.transaction(|tx| tx.delete(&context(), None, id)).unwrap()
}

fn read(data: &Data, object: &str, id: &str, fields: &[&str]) -> Value {
    data.read(|tx| tx.retrieve(&context(), object, id, Some(fields))).unwrap()
}

#[test]
fn a_record_is_made_changed_read_and_deleted() {
    let data = empty();
    let id =
        make(&data, "contact", json!({"LASTNAME": "Okafor", "FirstName": "Ann", "Email": "ann@example.com"}));
    assert!(id.starts_with("003") && id.len() == 18);
    update(&data, "Contact", id.get(..15).unwrap(), json!({"FirstName": null, "Phone": "+1 206 555 0142"}))
        .unwrap();
    assert_eq!(
        read(&data, "Contact", &id, &["Id", "name", "FirstName", "Account.Name", "CreatedDate", "OwnerId"]),
        json!({
            "attributes": {"type": "Contact", "url": format!("/services/data/v66.0/sobjects/Contact/{id}")},
            "Id": id, "Name": "Okafor", "FirstName": null, "Account": null,
            "CreatedDate": "2026-11-20T10:20:00.000+0000", "OwnerId": context().user_id,
        })
    );
    delete(&data, &id).unwrap();
    assert_eq!(told(delete(&data, &id)), ["ENTITY_IS_DELETED: entity is deleted"]);
    assert_eq!(told(update(&data, "Contact", &id, json!({}))), ["ENTITY_IS_DELETED: entity is deleted"]);
    assert_eq!(data.read(|tx| tx.retrieve(&context(), "Contact", &id, None)).unwrap_err().status, 404);
    data.transaction(|tx| tx.undelete(&context(), &id)).unwrap().unwrap();
    assert_eq!(read(&data, "Contact", &id, &["IsDeleted"])["IsDeleted"], false);
}

#[test]
fn all_that_is_wrong_is_told_and_nothing_written() {
    let data = empty();
    for (object, fields, expected) in [
        (
            "Contact",
            json!({"FirstName": "Ann"}),
            "REQUIRED_FIELD_MISSING: Required fields are missing: [LastName]",
        ),
        ("Lead", json!({}), "REQUIRED_FIELD_MISSING: Required fields are missing: [LastName, Company]"),
        (
            "Contact",
            json!({"LastName": "x", "Foo": 1}),
            "INVALID_FIELD: No such column 'Foo' on sobject of type Contact",
        ),
        ("Nothing__c", json!({}), "NOT_FOUND: The requested resource does not exist"),
        (
            "Contact",
            json!({"LastName": "x", "AccountId": "003Tl0000000001"}),
            "MALFORMED_ID: Account ID: id value of incorrect type: 003Tl0000000001",
        ),
        (
            "Contact",
            json!({"LastName": "x", "AccountId": "001Tl0000000999"}),
            "INVALID_CROSS_REFERENCE_KEY: invalid cross reference id",
        ),
        (
            "Contact",
            json!({"LastName": "x", "Id": "003Tl0000000001"}),
            "INVALID_FIELD_FOR_INSERT_UPDATE: cannot specify Id in an insert call",
        ),
        (
            "Contact",
            json!({"LastName": "x", "Name": "y", "CreatedDate": null}),
            "INVALID_FIELD_FOR_INSERT_UPDATE: Unable to create/update fields: Name, CreatedDate. Please check",
        ),
        (
            "Contact",
            json!({"LastName": "x", "Account": {"CustomerNumber__c": "C-0"}}),
            "INVALID_FIELD: Foreign key external ID: C-0 not found for field CustomerNumber__c in entity Account",
        ),
    ] {
        let told = told(insert(&data, object, fields));
        assert!(told.len() == 1 && told[0].starts_with(expected), "{told:?} is not {expected}");
    }
    let several = told(insert(&data, "Contact", json!({"LastName": "x".repeat(81), "Email": "no"})));
    assert_eq!(several.len(), 2, "{several:?}");
    assert_eq!(ask(&data, "SELECT COUNT() FROM Contact").unwrap().total_size, 0);
}

#[test]
fn ids_of_any_shape_are_refused_by_their_fault() {
    let data = empty();
    let case = make(&data, "Case", json!({}));
    for (id, expected) in [
        ("nothing", "NOT_FOUND: Provided external ID field does not exist or is not accessible: nothing"),
        ("500Tl00000000999", "NOT_FOUND: Provided external ID"),
        ("500Tl0000000999", "NOT_FOUND: The requested resource does not exist"),
        ("500Tl0000000001ZZZ", "MALFORMED_ID: malformed id 500Tl0000000001ZZZ"),
        ("003Tl0000000001", "MALFORMED_ID: Case ID: id value of incorrect type: 003"),
    ] {
        let told = told(update(&data, "Case", id, json!({})));
        assert!(told[0].starts_with(expected), "{told:?}");
    }
    update(&data, "Case", &case.to_lowercase(), json!({"Subject": "case lost, id found"})).unwrap();
}

#[test]
fn unique_fields_name_the_record_that_holds_the_value() {
    let data = empty();
    let first = make(&data, "Task", json!({"WriteKey__c": "k-1"}));
    let expected = format!(
        "DUPLICATE_VALUE: duplicate value found: WriteKey__c duplicates value on record with id: {}",
        first.get(..15).unwrap()
    );
    assert_eq!(told(insert(&data, "Task", json!({"WriteKey__c": "k-1"}))), std::slice::from_ref(&expected));
    make(&data, "Task", json!({"WriteKey__c": "K-1"})); // case-sensitive
    let other = make(&data, "Task", json!({}));
    assert_eq!(told(update(&data, "Task", &other, json!({"WriteKey__c": "k-1"}))), [expected]);
    update(&data, "Task", &first, json!({"WriteKey__c": "k-1"})).unwrap();
    delete(&data, &first).unwrap();
    update(&data, "Task", &other, json!({"WriteKey__c": "k-1"})).unwrap();
    assert!(
        told(data.transaction(|tx| tx.undelete(&context(), &first)).unwrap())[0]
            .starts_with("DUPLICATE_VALUE")
    );
}

#[test]
fn upsert_makes_changes_and_tells_several() {
    let data = empty();
    let upsert = |object: &str, field: &str, value: Value, fields: Value, only: bool| {
        let fields = fields.as_object().unwrap().clone();
        data.transaction(|tx| tx.upsert(&context(), object, field, &value, &fields, only)).unwrap()
    };
    let Ok(Upserted::Created(id)) =
        upsert("UpsertTable__c", "extid__c", json!("e-1"), json!({"Name": "New"}), false)
    else {
        panic!("not created")
    };
    let again =
        upsert("UpsertTable__c", "ExtId__c", json!("E-1"), json!({"Name": "Old", "ExtId__c": "e-1"}), true);
    assert_eq!(again, Ok(Upserted::Updated(id.clone())));
    assert_eq!(read(&data, "UpsertTable__c", &id, &["Name", "ExtId__c"])["Name"], "Old");
    let twin = make(&data, "UpsertTable__c", json!({"ExtId__c": "e-1"}));
    let several = upsert("UpsertTable__c", "ExtId__c", json!("e-1"), json!({"Name": "?"}), false);
    assert_eq!(several, Ok(Upserted::Several(vec![id.clone(), twin])));
    assert_eq!(
        told(upsert("UpsertTable__c", "ExtId__c", json!("none"), json!({}), true)),
        ["NOT_FOUND: The requested resource does not exist"]
    );
    assert_eq!(
        told(upsert("UpsertTable__c", "Value__c", json!("x"), json!({}), false)),
        ["NOT_FOUND: Provided external ID field does not exist or is not accessible: Value__c"]
    );
    assert_eq!(
        upsert("UpsertTable__c", "Id", json!(id), json!({"Value__c": "v"}), false),
        Ok(Upserted::Updated(id))
    );
}

#[test]
fn parents_may_be_named_by_their_external_id() {
    let data = empty();
    let account = make(&data, "Account", json!({"Name": "Kestrel", "CustomerNumber__c": "C-7"}));
    let contact =
        make(&data, "Contact", json!({"LastName": "Okafor", "Account": {"CustomerNumber__c": "c-7"}}));
    assert_eq!(read(&data, "Contact", &contact, &["AccountId"])["AccountId"], json!(account));
}

#[test]
fn the_org_works_out_what_follows() {
    let data = empty();
    let account = make(&data, "Account", json!({"Name": "Kestrel"}));
    let contact =
        make(&data, "Contact", json!({"LastName": "Okafor", "AccountId": account, "Email": "o@example.com"}));
    let case = make(&data, "Case", json!({"ContactId": contact, "Status": "closed"}));
    let row = read(
        &data,
        "Case",
        &case,
        &["CaseNumber", "IsClosed", "Status", "ClosedDate", "AccountId", "ContactEmail", "Priority"],
    );
    assert_eq!(row["CaseNumber"], "00001000");
    assert_eq!(
        (&row["IsClosed"], &row["Status"], &row["Priority"]),
        (&json!(true), &json!("Closed"), &json!("Medium"))
    );
    assert_eq!((&row["AccountId"], &row["ContactEmail"]), (&json!(account), &json!("o@example.com")));
    assert!(row["ClosedDate"].is_string());
    update(&data, "Case", &case, json!({"Status": "New"})).unwrap();
    assert_eq!(read(&data, "Case", &case, &["ClosedDate"])["ClosedDate"], Value::Null);
    let task = make(&data, "Task", json!({"WhatId": case, "WhoId": contact, "Priority": "High"}));
    let row = read(&data, "Task", &task, &["AccountId", "IsClosed", "IsHighPriority", "Status"]);
    assert_eq!((&row["AccountId"], &row["IsClosed"]), (&json!(account), &json!(false)));
    assert_eq!((&row["IsHighPriority"], &row["Status"]), (&json!(true), &json!("Not Started")));
    let event =
        make(&data, "Event", json!({"StartDateTime": "2026-11-21T02:00:00Z", "DurationInMinutes": 30}));
    let row = read(&data, "Event", &event, &["ActivityDate", "EndDateTime"]);
    assert_eq!(
        (&row["ActivityDate"], &row["EndDateTime"]),
        (&json!("2026-11-20"), &json!("2026-11-21T02:30:00.000+0000"))
    );
    let deal = make(
        &data,
        "Opportunity",
        json!({"Name": "Deal", "StageName": "Closed Won", "CloseDate": "2026-08-01", "Amount": 10}),
    );
    let row =
        read(&data, "Opportunity", &deal, &["IsWon", "Probability", "ExpectedRevenue", "FiscalQuarter"]);
    assert_eq!((&row["IsWon"], &row["Probability"]), (&json!(true), &json!(100.0)));
    assert_eq!((&row["ExpectedRevenue"], &row["FiscalQuarter"]), (&json!(10.0), &json!(3)));
    let post = make(&data, "FeedItem", json!({"ParentId": case, "Body": "Missed call"}));
    let comment = make(&data, "FeedComment", json!({"FeedItemId": post, "CommentBody": "Called back"}));
    assert_eq!(read(&data, "FeedItem", &post, &["CommentCount"])["CommentCount"], 1);
    assert_eq!(read(&data, "FeedComment", &comment, &["ParentId"])["ParentId"], json!(case));
}

#[test]
fn what_hangs_on_a_record_goes_and_comes_with_it() {
    let data = empty();
    let account = make(&data, "Account", json!({"Name": "Kestrel"}));
    let contact = make(&data, "Contact", json!({"LastName": "Okafor", "AccountId": account}));
    let case = make(&data, "Case", json!({"ContactId": contact}));
    let comment = make(&data, "CaseComment", json!({"ParentId": case, "CommentBody": "?"}));
    delete(&data, &account).unwrap();
    assert_eq!(told(delete(&data, &contact)), ["ENTITY_IS_DELETED: entity is deleted"]);
    assert_eq!(read(&data, "Case", &case, &["ContactId"])["ContactId"], Value::Null);
    delete(&data, &case).unwrap();
    assert_eq!(told(delete(&data, &comment)), ["ENTITY_IS_DELETED: entity is deleted"]);
    data.transaction(|tx| tx.undelete(&context(), &account)).unwrap().unwrap();
    assert_eq!(read(&data, "Contact", &contact, &["AccountId"])["AccountId"], json!(account));
    assert_eq!(ask(&data, "SELECT Id FROM CaseComment").unwrap().total_size, 0);
    let user = make(
        &data,
        "User",
        json!({"LastName": "a", "Username": "a@example.com", "Alias": "a", "Email": "a@example.com"}),
    );
    assert_eq!(
        told(delete(&data, &user)),
        ["INVALID_TYPE_FOR_OPERATION: entity type User does not support delete"]
    );
}

#[test]
fn rules_and_locks_refuse_while_they_are_in_force() {
    let data = empty();
    let case = make(&data, "Case", json!({"Status": "Escalated"}));
    assert!(data.enforce("Escalated_needs_reason", true) && !data.enforce("No such rule", true));
    let told_ = told(update(&data, "Case", &case, json!({"Subject": "x"})));
    assert_eq!(told_, ["FIELD_CUSTOM_VALIDATION_EXCEPTION: An escalated case needs a reason."]);
    assert_eq!(read(&data, "Case", &case, &["Subject"])["Subject"], Value::Null, "taken back");
    update(&data, "Case", &case, json!({"Reason": "Billing"})).unwrap();
    let lead = json!({"LastName": "Okafor", "Company": "Kestrel", "Email": "o@example.com"});
    make(&data, "Lead", lead.clone());
    make(&data, "Lead", lead.clone());
    data.enforce("Standard_Lead_Duplicate_Rule", true);
    let refused = insert(&data, "Lead", lead.clone()).unwrap_err();
    assert_eq!(refused[0].to_string(), "DUPLICATES_DETECTED: Use one of these records?");
    let matched = &refused[0].duplicates.as_ref().unwrap()["matchResults"][0];
    assert_eq!(matched["size"], 2);
    let url = matched["matchRecords"][0]["record"]["attributes"]["url"].as_str().unwrap();
    assert!(url.starts_with("/services/data/v66.0/sobjects/Lead/00Q"), "{url}");
    let allowed = Context { allow_duplicates: true, ..context() };
    data.transaction(|tx| tx.insert(&allowed, "Lead", lead.as_object().unwrap())).unwrap().unwrap();
    data.hold(&case, true);
    let short = case.get(..15).unwrap();
    let expected =
        format!("UNABLE_TO_LOCK_ROW: unable to obtain exclusive access to this record or 1 records: {short}");
    assert_eq!(told(update(&data, "Case", &case, json!({}))), std::slice::from_ref(&expected));
    assert_eq!(told(delete(&data, &case)), std::slice::from_ref(&expected));
    assert_eq!(told(insert(&data, "Task", json!({"WhatId": case}))), [expected]);
    data.hold(short, false);
    update(&data, "Case", &case, json!({})).unwrap();
}

#[test]
fn what_fails_within_an_attempt_is_taken_back_alone() {
    let data = empty();
    let fields = |name: &str| json!({"Name": name}).as_object().unwrap().clone();
    data.transaction(|tx| {
        tx.insert(&context(), "Account", &fields("kept")).unwrap();
        let failed: Result<(), OrgError> = tx.attempt(|tx| {
            tx.insert(&context(), "Account", &fields("gone")).map_err(|mut e| e.remove(0))?;
            Err(OrgError::not_found())
        });
        assert_eq!(failed, Err(OrgError::not_found()));
    })
    .unwrap();
    let rows = ask(&data, "SELECT Name FROM Account").unwrap();
    assert_eq!((rows.total_size, &rows.records[0]["Name"]), (1, &json!("kept")));
}

#[test]
fn rows_in_a_file_are_there_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("org.db");
    let open = || Data::open(Some(&path), Schema::standard().unwrap()).unwrap();
    let first = make(&open(), "Account", json!({"Name": "Kestrel"}));
    let data = open();
    let second = make(&data, "Account", json!({"Name": "Merlin"}));
    assert_ne!(first, second);
    assert_eq!(ask(&data, "SELECT COUNT() FROM Account").unwrap().total_size, 2);
}
