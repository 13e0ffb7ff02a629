//! `tieline doctor` over a set-up with one fault at a time: each is named, and is told apart from
//! what is well.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tieline::{clock, org::Settings};
use tokio::process::Command;

use crate::support::org::Served;

const SECRET: &str = r#"{"ConsumerKey": "key", "ConsumerSecret": "secret"}"#;

/// A set-up in which all is well.
struct Setup {
    org: Served,
    folder: tempfile::TempDir,
    variables: BTreeMap<&'static str, String>,
}

impl Setup {
    async fn new(settings: Settings) -> Self {
        let org = Served::start(settings, clock::now()).await;
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret.json");
        std::fs::write(&secret, SECRET).unwrap();
        let variables = BTreeMap::from([
            ("SF_HOST", org.base.clone()),
            ("SF_VERSION", "v66.0".to_owned()),
            ("TIELINE_SECRET_FILE", secret.display().to_string()),
            ("TIELINE_UNIQUE_FIELDS", "Case=WriteKey__c".to_owned()),
        ]);
        Self { org, folder, variables }
    }

    fn secret(&self, text: &str) {
        std::fs::write(self.folder.path().join("secret.json"), text).unwrap();
    }

    /// Exit code, and the checks that are not good: status, name, cause and cure.
    async fn examined(&self, more: &[&str]) -> (i32, Vec<(String, String, String)>) {
        let output = Command::new(env!("CARGO_BIN_EXE_tieline"))
            .args(["doctor", "--format", "json"])
            .args(more)
            .env_clear()
            .envs(&self.variables)
            .envs([("AWS_REGION", "us-east-1"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:9")])
            .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
            .output()
            .await
            .unwrap();
        let checks: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let text = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
        let ill = checks.iter().filter(|check| check["status"] != "good");
        assert!(ill.clone().all(|check| check["link"].is_string() && check["cure"] != ""), "{checks:?}");
        let told = |c: &Value| {
            (text(c, "status"), text(c, "name"), format!("{} {}", text(c, "cause"), text(c, "cure")))
        };
        (output.status.code().unwrap(), ill.map(told).collect())
    }
}

/// What is planted: a change of the set-up, and further arguments.
type Plant = fn(&mut Setup) -> &'static [&'static str];

#[tokio::test(flavor = "multi_thread")]
async fn each_planted_fault_is_named_and_nothing_else() {
    // What is planted, how it is called, and a word of what is told.
    let planted: [(Plant, &str, &str, &str); 15] = [
        (|s| put(s, "SF_HOST", "ftp://org"), "failed", "environment: SF_HOST", "http"),
        (|s| put(s, "TIELINE_UNIQE_FIELDS", "x"), "warned", "environment", "TIELINE_UNIQE_FIELDS"),
        (|s| put(s, "TIELINE_SECRET_FILE", "/nonexistent/secret"), "failed", "secret", "secret"),
        (|s| secret(s, r#"{"ConsumerKey": "key"}"#), "failed", "secret", "ConsumerSecret"),
        (|s| secret(s, "no JSON"), "failed", "secret", "JSON"),
        (|s| put(s, "SF_HOST", "http://127.0.0.1:9"), "failed", "login", "SF_HOST"),
        (|s| put(s, "SF_VERSION", "v35.0"), "warned", "API version", "Summer '28"),
        (|s| put(s, "SF_VERSION", "v99.0"), "failed", "served version", "SF_VERSION"),
        (
            |s| put(s, "TIELINE_UNIQUE_FIELDS", "Case=Subject"),
            "failed",
            "unique field Case.Subject",
            "not unique",
        ),
        (
            |s| put(s, "TIELINE_UNIQUE_FIELDS", "Case=Key__c"),
            "failed",
            "unique field Case.Key__c",
            "no such field",
        ),
        (|_| &["--objects", "Cse"], "failed", "object Cse", "API name"),
        (|_| &["--fields", "Case.Orgin"], "failed", "field Case.Orgin", "API name"),
        (|s| put(s, "TIELINE_STATE_TABLE", "gone"), "failed", "state table", "name and region"),
        (
            |s| put(s, "TIELINE_DLQ_URL", "http://127.0.0.1:9/0/d.fifo"),
            "failed",
            "dead-letter queue",
            "name and region",
        ),
        (|_| &["--function", "sfInvokeAPI"], "failed", "Amazon Connect", "lambda:GetPolicy"),
    ];
    for (plant, status, name, said) in planted {
        let mut setup = Setup::new(Settings::default()).await;
        let arguments = plant(&mut setup);
        let (code, ill) = setup.examined(arguments).await;
        assert_eq!(code, i32::from(status == "failed"), "{name}: {ill:?}");
        let found = ill.iter().find(|(s, n, _)| (s.as_str(), n.as_str()) == (status, name));
        assert!(found.is_some_and(|(_, _, told)| told.contains(said)), "{name}, {said}: {ill:?}");
        // A version that is not served is refused by everything behind it.
        let more = usize::from(name == "served version");
        assert!(ill.len() == 1 || more == 1, "{name} alone: {ill:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_org_withholds_is_named_too() {
    let setup = Setup::new(Settings::default()).await;
    assert_eq!(setup.examined(&["--fields", "Case.Origin"]).await, (0, Vec::new()), "all is well");

    setup
        .secret(r#"{"ConsumerKey": "key", "ConsumerSecret": "secret", "Password": "p", "AccessToken": "t"}"#);
    let mut by_password = setup;
    by_password.variables.insert("SF_USERNAME", "api@example.com".to_owned());
    by_password.variables.insert("SF_PRODUCTION", "false".to_owned());
    let (code, ill) = by_password.examined(&[]).await;
    assert!(code == 0 && ill.len() == 1 && ill[0].1 == "login flow", "{ill:?}");

    by_password.secret(SECRET);
    by_password.org.fault("status=403,path=/limits,count=100").await;
    let (code, ill) = by_password.examined(&[]).await;
    assert!(code == 1 && ill.iter().any(|(_, name, _)| name == "login"), "{ill:?}");

    let schema = by_password.folder.path().join("schema.json");
    let text = |name: &str| json!({"name": name, "type": "string", "length": 255});
    let fields = [text("Name"), text("TableEnumOrId"), text("Status")];
    let object = json!({"name": "ApexTrigger", "prefix": "01q", "fields": fields});
    std::fs::write(&schema, json!({"objects": [object]}).to_string()).unwrap();
    let with_triggers = Setup::new(Settings { schema: Some(schema), ..Settings::default() }).await;
    let trigger = json!({"Name": "CaseBefore", "TableEnumOrId": "Case", "Status": "Active"});
    let url = format!("{}/services/data/v66.0/sobjects/ApexTrigger", with_triggers.org.base);
    let made = reqwest::Client::new().post(url).bearer_auth("any").json(&trigger).send().await.unwrap();
    assert_eq!(made.status(), 201, "{}", made.text().await.unwrap());
    let (code, ill) = with_triggers.examined(&[]).await;
    assert!(code == 0 && ill.len() == 1 && ill[0].2.contains("CaseBefore (Case)"), "{ill:?}");
}

fn put(setup: &mut Setup, name: &'static str, value: &str) -> &'static [&'static str] {
    setup.variables.insert(name, value.to_owned());
    &[]
}

fn secret(setup: &mut Setup, text: &str) -> &'static [&'static str] {
    setup.secret(text);
    &[]
}
