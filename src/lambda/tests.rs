use serde_json::json;

use super::*;
use crate::config::Config;

/// A service whose Salesforce refuses every connection: port 9 of this machine.
fn alone(extra: &[(&str, &str)]) -> Service {
    let vars = [
        ("SF_HOST", "http://127.0.0.1:9"),
        ("SF_VERSION", "v66.0"),
        ("TIELINE_SECRET_FILE", "/nonexistent/secret"),
    ];
    let vars = vars.iter().chain(extra).map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    Service::new(Config::from_vars(vars))
}

async fn invoke(service: &Service, event: Value) -> Result<Value, FunctionError> {
    service.invoke(event, Duration::from_secs(5)).await
}

fn event(parameters: Value) -> Value {
    json!({"Details": {"Parameters": parameters}})
}

#[tokio::test]
async fn events_of_every_wrong_kind_are_errors_that_say_what_to_change() {
    let service = alone(&[]);
    for odd in [
        json!(null),
        json!([]),
        json!("text"),
        json!(5),
        json!({}),
        json!({"Details": null}),
        json!({"Details": {}}),
        json!({"Details": {"Parameters": null}}),
        json!({"Details": {"Parameters": []}}),
        json!({"Details": {"Parameters": {}}}),
        event(json!({"sf_operation": {"nested": true}})),
        event(json!({"sf_operation": "no such operation"})),
        event(json!({"sf_operation": "lookup"})),
        event(json!({"sf_operation": "lookup", "sf_object": null, "sf_fields": 5, "x": {}})),
        event(json!({"sf_operation": "version", "tl_deadline_ms": "soon"})),
    ] {
        let error = invoke(&service, odd.clone()).await.expect_err(&odd.to_string());
        assert!(error.error_message.len() > 10, "{odd}: {error}");
        assert!(!error.error_type.is_empty());
    }
}

#[tokio::test]
async fn a_wrong_environment_is_told_whole_and_version_still_answers() {
    let service = Service::new(Config::from_vars(std::iter::empty()));
    let error = invoke(&service, event(json!({"sf_operation": "lookup"}))).await.unwrap_err();
    assert_eq!(error.error_type, "ConfigurationError");
    for name in ["SF_HOST", "SF_VERSION", "SF_CREDENTIALS_SECRETS_MANAGER_ARN"] {
        assert!(
            error.error_message.contains(&format!("'{name}' environment variable is missing")),
            "{error}"
        );
    }
    let version = invoke(&service, event(json!({"sf_operation": "version"}))).await.unwrap();
    assert_eq!(version["tl_version"], env!("CARGO_PKG_VERSION"));
    assert!(version["tl_error_message"].as_str().unwrap().contains("SF_HOST"));
}

#[tokio::test]
async fn version_tells_the_configuration_and_no_secret() {
    let reply = invoke(&alone(&[]), event(json!({"sf_operation": "version"}))).await.unwrap();
    assert_eq!(reply["SF_HOST"], "http://127.0.0.1:9");
    assert_eq!(reply["TIELINE_WRITE_MODE"], "sync");
    assert!(!reply.to_string().contains("secret"), "{reply}");
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_named_and_nobody_is_asked() {
    let asked = event(json!({"sf_operation": "query", "query": "SELECT Id FROM Contact"}));
    let error = invoke(&alone(&[]), asked).await.unwrap_err();
    assert_eq!(error.error_type, "SalesforceConnectionError");
    assert!(
        error.error_message.contains("TIELINE_SECRET_FILE=/nonexistent/secret cannot be read"),
        "{error}"
    );
}

#[tokio::test]
async fn what_matches_nobody_needs_neither_secret_nor_call() {
    for phone in ["anonymous", "", "12345", "Unavailable"] {
        let asked = event(json!({"sf_operation": "phoneLookup", "sf_phone": phone, "sf_fields": "Id"}));
        assert_eq!(invoke(&alone(&[]), asked).await.unwrap(), json!({"sf_count": 0}), "{phone}");
    }
}

#[tokio::test]
async fn a_failure_is_a_reply_where_the_flow_asks_for_one() {
    let parameters = json!({"sf_operation": "create", "sf_object": "Case", "tl_on_error": "reply"});
    let reply = invoke(&alone(&[]), event(parameters)).await.unwrap();
    assert_eq!(reply["tl_status"], "failed");
    assert_eq!(reply["tl_error_code"], "SECRET_UNUSABLE");
}

#[tokio::test]
async fn without_time_nothing_is_sent() {
    let asked = event(json!({"sf_operation": "query", "query": "SELECT Id FROM Contact"}));
    let error = alone(&[]).invoke(asked, Duration::from_millis(200)).await.unwrap_err();
    assert!(error.error_message.starts_with("TIMEOUT"), "{error}");
}
