use bytes::Bytes;
use serde_json::json;

use super::*;

/// Every code of the REST guide's tables, with the status and text with which it comes.
const CODES: &[(u16, &str, &str)] = &[
    (401, "INVALID_SESSION_ID", "Session expired or invalid"),
    (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."),
    (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
    (503, "REQUEST_LIMIT_EXCEEDED", "You have exceeded the Connect API hourly request limit"),
    (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: 001"),
    (503, "SERVER_UNAVAILABLE", "server too busy"),
    (500, "UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId"),
    (400, "UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId"),
    (400, "QUERY_TIMEOUT", "Your query request was running for too long."),
    (400, "DUPLICATES_DETECTED", "Use one of these records?"),
    (
        400,
        "DUPLICATE_VALUE",
        "duplicate value found: Ext__c duplicates value on record with id: 001xx0000000001",
    ),
    (300, "DUPLICATE_EXTERNAL_ID", "more than one record found for external id field"),
    (404, "ENTITY_IS_DELETED", "entity is deleted"),
    (404, "NOT_FOUND", "The requested resource does not exist"),
    (404, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
    (400, "MALFORMED_ID", "Account ID: id value of incorrect type: 003"),
    (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Close date must be in the future"),
    (400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]"),
    (400, "INVALID_FIELD", "No such column 'X' on sobject of type Account"),
    (400, "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: X."),
    (400, "STRING_TOO_LONG", "Subject: data value too large"),
    (400, "INVALID_EMAIL_ADDRESS", "Email: invalid email address"),
    (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value for restricted picklist field"),
    (400, "FIELD_INTEGRITY_EXCEPTION", "Account ID: id value of incorrect type"),
    (400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"),
    (400, "JSON_PARSER_ERROR", "Unexpected character"),
    (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CaseTrigger: execution of BeforeInsert"),
    (
        400,
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "CaseTrigger: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access",
    ),
    (400, "MALFORMED_QUERY", "unexpected token: 'FORM'"),
    (400, "INVALID_TYPE", "sObject type 'Foo' is not supported"),
    (400, "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on id field"),
    (400, "QUERY_TOO_COMPLICATED", "query is either selecting too many fields"),
    (400, "INVALID_QUERY_LOCATOR", "invalid query locator"),
    (400, "MALFORMED_SEARCH", "No search term found"),
    (403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id"),
    (
        400,
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "insufficient access rights on cross-reference id",
    ),
    (403, "STORAGE_LIMIT_EXCEEDED", "storage limit exceeded"),
    (403, "API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner"),
    (403, "API_CURRENTLY_DISABLED", "API is disabled for this User"),
    (405, "METHOD_NOT_ALLOWED", "HTTP Method 'DELETE' not allowed"),
    (415, "UNSUPPORTED_MEDIA_TYPE", "unsupported media type"),
    (410, "GONE", "Requested version is no longer available"),
    (400, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records into this call"),
    (400, "PROCESSING_HALTED", "Invalid reference specified. No value for acc.id found in acc."),
    (412, "BATCH_PROCESSING_HALTED", "Batch processing halted per request"),
    (400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back"),
    (400, "INVALID_ID_FIELD", "Invalid identifier: x"),
    (400, "SOMETHING_NEW", "a code of tomorrow"),
    (500, "SOMETHING_NEW", "a code of tomorrow"),
];

fn answer(status: u16, content_type: &str, body: &str) -> Response {
    Response {
        status,
        usage: None,
        content_type: content_type.to_owned(),
        body: Bytes::from(body.to_owned()),
    }
}

fn said(status: u16, body: &Value) -> Fault {
    response(&answer(status, "application/json", &body.to_string())).unwrap_err()
}

#[test]
fn every_code_has_its_class() {
    let mut table = String::new();
    for (status, code, message) in CODES {
        let whole = said(*status, &json!([{"errorCode": code, "message": message}]));
        let bare = said(*status, &json!({"errorCode": code, "message": message}));
        assert_eq!(whole, bare, "an array of one and the object itself mean the same: {code}");
        let result =
            json!({"success": false, "errors": [{"statusCode": code, "message": message, "fields": []}]});
        let one = record(&result).unwrap_err();
        assert_eq!((&one.code, &one.message), (&whole.code, &whole.message));
        table.push_str(&format!(
            "{status} {code:<46} {:<24} record: {:?}\n",
            format!("{:?}", whole.class),
            one.class
        ));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn every_status_without_a_code_has_its_class() {
    let mut table = String::new();
    for status in [
        300, 301, 302, 304, 400, 401, 403, 404, 405, 407, 408, 409, 410, 412, 413, 414, 415, 420, 421, 428,
        429, 431, 451, 499, 500, 501, 502, 503, 504, 520, 599,
    ] {
        for (content_type, body) in [("text/html", "<html><body>Server Error</body></html>"), ("", "")] {
            let fault = response(&answer(status, content_type, body)).unwrap_err();
            table.push_str(&format!("{status} {:<24} {fault}\n", format!("{:?}", fault.class)));
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn the_login_never_blames_a_record_and_never_quotes_its_answer() {
    let mut table = String::new();
    let forms = [
        (400, json!({"error": "invalid_grant", "error_description": "authentication failure"})),
        (400, json!({"error": "invalid_grant", "error_description": "user hasn't approved this consumer"})),
        (400, json!({"error": "invalid_client_id", "error_description": "client identifier invalid"})),
        (401, json!({"error": "invalid_client", "error_description": "invalid client credentials"})),
        (400, json!({"error": "unsupported_grant_type", "error_description": "grant type not supported"})),
        (400, json!({"error": "invalid_request"})),
        (400, json!({"error": "unauthorized_client"})),
        (400, json!({"error": "invalid_app_access"})),
        (400, json!({"error": "inactive_user", "error_description": "user is inactive"})),
        (400, json!({"error": "inactive_org"})),
        (400, json!({"error": "rate_limit_exceeded", "error_description": "login rate exceeded"})),
        (403, json!([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}])),
        (503, json!({"error": "temporarily_unavailable"})),
        (200, json!({"token_type": "Bearer"})),
        (200, json!({"access_token": 5})),
    ];
    for (status, body) in forms {
        let fault = login(&answer(status, "application/json", &body.to_string())).unwrap_err();
        table.push_str(&format!("{status} {:<24} {fault}\n", format!("{:?}", fault.class)));
    }
    for (status, body) in
        [(200, ""), (302, ""), (404, "<html>CANARY"), (429, "CANARY"), (500, "CANARY"), (503, "<html>CANARY")]
    {
        let fault = login(&answer(status, "text/html", body)).unwrap_err();
        table.push_str(&format!("{status} {:<24} {fault}\n", format!("{:?}", fault.class)));
    }
    assert!(!table.contains("CANARY"));
    insta::assert_snapshot!(table);
    assert!(login(&answer(200, "application/json", r#"{"access_token":"t"}"#)).is_ok());
}

#[test]
fn an_answer_that_is_applied_but_cannot_be_read_is_in_doubt() {
    for (status, body) in
        [(200, "<html>Maintenance</html>"), (201, ""), (200, "{\"records\": ["), (200, "\u{1}\u{2}")]
    {
        let fault = response(&answer(status, "", body)).unwrap_err();
        assert_eq!(fault.class, Class::Unknown, "{status} {body:?}");
        assert!(fault.message.contains("SF_HOST"), "{fault}");
    }
    assert_eq!(response(&answer(204, "", "")), Ok(Value::Null));
    assert_eq!(response(&answer(200, "", "[]")), Ok(json!([])));
}

#[test]
fn foreign_bodies_are_quoted_briefly_and_without_their_tags() {
    let long = format!("<html><head>\r\n<title>Bad\tGateway</title></head>{}", "x".repeat(9000));
    let fault = response(&answer(502, "text/html", &long)).unwrap_err();
    assert!(fault.message.starts_with("request returned status code: 502 (Bad Gateway xxx"), "{fault}");
    assert!(fault.message.len() < 250);
    let cut_in_a_letter =
        response(&Response { body: Bytes::from_static(b"\xE2\x82"), ..answer(500, "", "") });
    assert!(cut_in_a_letter.is_err());
}

#[test]
fn damaged_json_is_told_by_its_length_alone() {
    for body in
        [&b"{\"records\": [{\"Name\": \"CANARY"[..], b" \xEF\xBB\xBF[\"CANARY\"", b"{\"CANARY\": \"\xE9\"}"]
    {
        for status in [200, 500] {
            let damaged = Response { body: Bytes::from_static(body), ..answer(status, "", "") };
            let fault = response(&damaged).unwrap_err();
            assert!(!fault.message.contains("CANARY"), "{fault}");
        }
    }
}

#[test]
fn duplicates_are_read_in_every_spelling() {
    for key in ["duplicateResult", "duplicateResut"] {
        let fault = said(
            400,
            &json!([{key: {"errorMessage": "Use one of these records?"}, "errorCode": "DUPLICATES_DETECTED"}]),
        );
        assert_eq!((fault.class, fault.message.as_str()), (Class::Rejected, "Use one of these records?"));
    }
    let several =
        said(300, &json!(["/services/data/v67.0/sobjects/X/a01", "/services/data/v67.0/sobjects/X/a02"]));
    assert_eq!((several.class, several.code.as_str()), (Class::Rejected, "DUPLICATE_EXTERNAL_ID"));
    let value = said(
        400,
        &json!([{"errorCode": "DUPLICATE_VALUE", "message": "duplicate value found: Ext__c duplicates value on record with id: 001xx0000000001", "fields": []}]),
    );
    assert_eq!(duplicate_of(&value), Some(("Ext__c", Some("001xx0000000001"))));
    let brief = Fault::new(
        Class::Rejected,
        "DUPLICATE_VALUE",
        "duplicate value found: Ext__c duplicates value on record",
    );
    assert_eq!(duplicate_of(&brief), Some(("Ext__c", None)));
    assert_eq!(duplicate_of(&Fault { code: "OTHER".into(), ..value }), None);
}

#[test]
fn a_rolled_back_transaction_names_its_cause() {
    let fault = said(
        400,
        &json!([{"errorCode": "PROCESSING_HALTED", "message": "rolled back"}, {"errorCode": "INVALID_FIELD", "message": "No such column", "fields": ["X", 5]}]),
    );
    assert_eq!((fault.code.as_str(), fault.fields), ("INVALID_FIELD", vec!["X".to_owned()]));
}

#[test]
fn a_record_never_stops_the_line() {
    for code in ["INVALID_SESSION_ID", "API_DISABLED_FOR_ORG", "invalid_grant"] {
        let fault =
            record(&json!({"success": false, "errors": [{"statusCode": code, "message": "m"}]})).unwrap_err();
        assert_eq!(fault.class, Class::Rejected, "{code}");
    }
    for odd in [
        json!({"success": false}),
        json!({"success": false, "errors": []}),
        json!({"success": false, "errors": 5}),
    ] {
        assert_eq!(record(&odd).unwrap_err().class, Class::Rejected, "{odd}");
    }
    for odd in [json!(null), json!({}), json!([]), json!({"success": "yes"})] {
        assert_eq!(record(&odd).unwrap_err().class, Class::Unknown, "{odd}");
    }
    assert!(record(&json!({"id": "001", "success": true, "errors": []})).is_ok());
}

#[test]
fn a_refused_token_is_told_from_a_hopeless_one() {
    let refused = |status, body: &str| token_refused(&answer(status, "", body));
    assert!(refused(401, r#"[{"errorCode":"INVALID_SESSION_ID","message":"Session expired or invalid"}]"#));
    assert!(refused(401, ""));
    assert!(refused(403, "Bad_OAuth_Token"));
    assert!(!refused(401, "This session is not valid for use with the REST API"));
    assert!(!refused(401, "Connected app is not attached to Agent"));
    assert!(!refused(403, r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#));
    assert!(!refused(200, "Bad_OAuth_Token"));
}

#[test]
fn strange_bodies_are_faults_and_never_panics() {
    for body in [
        "null",
        "5",
        "\"x\"",
        "[]",
        "[null]",
        "{}",
        "[[]]",
        r#"[{"message":5}]"#,
        r#"{"error":5}"#,
        r#"[{"message":"no code"}]"#,
    ] {
        let fault = response(&answer(400, "application/json", body)).unwrap_err();
        assert_eq!(fault.class, Class::Rejected, "{body}");
        let part = part(400, &serde_json::from_str(body).unwrap()).unwrap_err();
        assert_eq!(part.class, Class::Rejected, "{body}");
    }
    let fault = response(&answer(400, "application/json", r#"[{"message":"no code"}]"#)).unwrap_err();
    assert_eq!((fault.code.as_str(), fault.message.as_str()), ("HTTP_400", "no code"));
}
