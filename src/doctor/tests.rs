use serde_json::{Value, json};

use super::*;
use crate::fault::{Class, Fault};
use crate::store::Depth;

/// A queue with so much in it, whose messages wait for so many days at most.
fn holds(visible: u64, days: u64) -> Depth {
    Depth { visible, keeps: Duration::from_secs(days * 86_400), ..Depth::default() }
}

/// Pages of others are taken at their word; of ours the file and the heading must be there.
fn leads_somewhere(link: &str) -> bool {
    if link.starts_with("https://") {
        return true;
    }
    let (file, heading) = link.split_once('#').unwrap();
    let page = std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let headings = page.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
    headings.map(|text| text.to_lowercase().replace(' ', "-")).any(|slug| slug == heading)
}

#[test]
fn each_planted_fault_is_found_and_named() {
    let field = |unique: bool, kind: &str, length: u64, createable: bool| json!({"fields": [{"name": "WriteKey__c", "unique": unique, "type": kind, "length": length, "createable": createable}]});
    let busy = Fault::new(Class::Retryable, "SERVER_UNAVAILABLE", "busy");
    let unique = |description: &Value| rules::unique_field("Case", "writekey__c", description);
    let served =
        |version: &str| rules::served(version, &json!([{"version": "65.0"}, {"version": "66.0"}])).unwrap();
    let trigger = json!({"Name": "CaseBefore", "TableEnumOrId": "Case"}).as_object().unwrap().clone();
    let triggers = |object: &str| rules::triggers(&[object], Ok(std::slice::from_ref(&trigger)));
    let ours = |code: &str| Fault::new(Class::Ours, code, "no");
    let planted = [
        (rules::secret(&ours("SECRET_UNUSABLE")), Status::Failed, "secret"),
        (rules::login(&ours("invalid_grant")), Status::Failed, "user is set for client credentials"),
        (rules::login(&ours("invalid_client_id")), Status::Failed, "ConsumerKey"),
        (rules::login(&Fault::new(Class::Retryable, "UNREACHABLE", "no")), Status::Failed, "SF_HOST"),
        (rules::login_flow("password", Timestamp::EPOCH), Status::Warned, "20 February 2027"),
        (
            rules::login_flow("password", Timestamp::from_millis(1_900_000_000_000)),
            Status::Failed,
            "External Client App",
        ),
        (rules::version("v29.0"), Status::Failed, "410"),
        (rules::version("v40.0"), Status::Warned, "Summer '28"),
        (rules::version("v42.0"), Status::Warned, "collections"),
        (
            rules::limits(&json!({"DailyApiRequests": {"Max": 15000, "Remaining": 0}})),
            Status::Failed,
            "0 of 15000",
        ),
        (
            rules::limits(&json!({"DailyApiRequests": {"Max": 15000, "Remaining": 2999}})),
            Status::Warned,
            "API Usage",
        ),
        (rules::limits(&json!({})), Status::Warned, "View Setup"),
        (rules::no_object("Cse", &ours("NOT_FOUND")), Status::Failed, "API name"),
        (rules::no_object("Case", &busy), Status::Failed, "look again when Salesforce answers"),
        (rules::triggers(&["Case"], Err(&busy)), Status::Warned, "look again when Salesforce answers"),
        (
            rules::permissions("Case", &json!({"queryable": true, "createable": false})),
            Status::Warned,
            "create nor edit",
        ),
        (unique(&json!({"fields": []})), Status::Failed, "no such field"),
        (unique(&field(false, "string", 32, true)), Status::Failed, "not unique"),
        (unique(&field(true, "string", 20, true)), Status::Failed, "29 characters"),
        (unique(&field(true, "double", 32, true)), Status::Failed, "must be a text"),
        (unique(&field(true, "string", 32, false)), Status::Failed, "may not fill"),
        (served("v99.0"), Status::Failed, "newest is v66.0"),
        (
            rules::clock(Timestamp::from_millis(60_000), Timestamp::from_millis(0)),
            Status::Warned,
            "60 seconds ahead",
        ),
        (
            rules::clock(Timestamp::from_millis(0), Timestamp::from_millis(600_000)),
            Status::Failed,
            "600 seconds behind",
        ),
        (rules::field("Case", "Orgin", &field(true, "string", 32, true)), Status::Failed, "no such field"),
        (
            rules::field("Case", "WriteKey__c", &field(true, "string", 32, false)),
            Status::Warned,
            "not filled",
        ),
        (triggers("case"), Status::Warned, "CaseBefore (Case)"),
        (rules::invoked_by_connect("f", &Ok(Value::Null)), Status::Failed, "may not invoke f"),
        (rules::invoked_by_connect("f", &Err("AccessDenied".to_owned())), Status::Failed, "lambda:GetPolicy"),
        (rules::unreachable("queue", "AccessDenied"), Status::Failed, "what this role may do"),
        (rules::queue("dead-letter queue", holds(3, 14)), Status::Warned, "3 waiting"),
        (rules::queue("queue", holds(0, 4)), Status::Failed, "longer than 4 days"),
    ];
    for (check, status, said) in planted {
        assert_eq!(check.status, status, "{check:?}");
        assert!(
            format!("{} {} {}", check.name, check.cause, check.cure).contains(said),
            "{said} in {check:?}"
        );
        assert!(!check.cure.is_empty(), "{check:?}");
        assert!(leads_somewhere(check.link.unwrap()), "{check:?}");
    }
}

#[test]
fn what_is_well_is_called_well() {
    let all = json!({"queryable": true, "createable": true, "updateable": true, "fields": [{"name": "WriteKey__c", "unique": true, "type": "string", "length": 32, "createable": true}]});
    for check in [
        rules::login_flow("client_credentials", Timestamp::EPOCH),
        rules::version("v66.0"),
        rules::limits(&json!({"DailyApiRequests": {"Max": 15000, "Remaining": 14998}})),
        rules::permissions("Case", &all),
        rules::unique_field("Case", "WriteKey__c", &all),
        rules::queue("dead-letter queue", holds(0, 14)),
        rules::queue("queue", holds(7, 14)),
        rules::served("v66.0", &json!([{"version": "66.0"}])).unwrap(),
        rules::clock(Timestamp::from_millis(0), Timestamp::from_millis(2_000)),
        rules::triggers(&["Case"], Ok(&[])),
        rules::triggers(&["Case"], Err(&Fault::new(Class::Rejected, "INVALID_TYPE", "no"))),
        rules::invoked_by_connect(
            "f",
            &Ok(json!({"Statement": [{
            "Effect": "Allow", "Principal": {"Service": "connect.amazonaws.com"}, "Action": "lambda:InvokeFunction"}]})),
        ),
    ] {
        assert_eq!(check.status, Status::Good, "{check:?}");
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_ends_the_questions_to_salesforce() {
    let vars = [
        ("SF_HOST", "http://127.0.0.1:9"),
        ("SF_VERSION", "v66.0"),
        ("TIELINE_SECRET_FILE", "/nonexistent/secret"),
        ("TIELINE_TYPO", "x"),
    ];
    let vars = vars.map(|(n, v)| (n.to_owned(), v.to_owned())).into_iter();
    let service = Service::new(Config::from_vars(vars));
    let checks = examine(&service, &Asked { objects: vec!["Case".to_owned()], ..Asked::default() }).await;
    let names: Vec<_> = checks.iter().map(|c| (c.name.as_str(), c.status)).collect();
    assert_eq!(
        names,
        [("environment", Status::Warned), ("API version", Status::Good), ("secret", Status::Failed)]
    );
}

#[test]
fn every_fault_of_the_environment_is_a_check() {
    let errors = Config::from_vars(std::iter::empty()).unwrap_err();
    let checks = environment(&errors);
    assert_eq!(checks.len(), 3);
    assert!(checks.iter().all(|c| c.status == Status::Failed && c.name.starts_with("environment: ")));
    for check in checks {
        assert!(leads_somewhere(check.link.unwrap()), "{check:?}");
        assert!(check.cause.contains("is missing") && check.cure.contains("set"), "{check:?}");
    }
}
