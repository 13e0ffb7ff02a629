//! The story of a write as the person in charge lives it: accepted while Salesforce is down, carried
//! out once and in order when it is back, refused, repaired and sent again.
//!
//! Told twice. By `tieline local`, the process that `make run` starts; and by the Lambda functions
//! on the emulator, `sfInvokeAPI` invoked through Lambda's own interface and the worker *behind an
//! event source mapping of the FIFO queue*, both the real `bootstrap`, with the emulator's SQS and
//! DynamoDB, and `tieline dlq` and `outcomes` beside them. The simulated org is Salesforce in both.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tieline::{
    clock,
    org::{self, Org},
};
use tokio::net::TcpListener;

use crate::emulator::{Emulator, LAMBDA};

const CONTACT: &str = "7b0f0f5e-5a3b-4d0e-9f38-3f1c9d3f0001";
/// How long anything of the story may take before the test gives up on it.
const PATIENCE: u32 = 600;

/// Where the story is told.
struct Stage {
    client: reqwest::Client,
    /// Lambda's Invoke call is answered here.
    invoke: String,
    /// The simulated org.
    org: String,
    /// What the commands need: variables and arguments.
    variables: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl Stage {
    /// One call of the contact's flow.
    async fn ask(&self, parameters: Value) -> Value {
        let event = json!({"Details": {
            "ContactData": {"ContactId": CONTACT, "InitialContactId": CONTACT, "Channel": "VOICE"},
            "Parameters": parameters,
        }});
        let url = format!("{}/2015-03-31/functions/sfInvokeAPI/invocations", self.invoke);
        let answer = self.client.post(url).header("authorization", LAMBDA).json(&event).send().await.unwrap();
        let failed = answer.headers().contains_key("x-amz-function-error");
        let reply: Value = answer.json().await.unwrap();
        assert!(!failed, "{reply}");
        reply
    }

    /// Asks for an outcome until it is as it shall be.
    async fn until(&self, ticket: &str, is: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..PATIENCE {
            last = self.ask(json!({"sf_operation": "outcome", "tl_id": ticket})).await;
            if is(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("it stays {last}")
    }

    async fn fault(&self, rule: &'static str) {
        let url = format!("{}/_org/faults", self.org);
        let added = self.client.post(url).body(rule).send().await.unwrap();
        assert!(added.status().is_success(), "{}", added.text().await.unwrap());
    }

    async fn heal(&self) {
        let url = format!("{}/_org/faults", self.org);
        assert!(self.client.delete(url).send().await.unwrap().status().is_success());
    }

    /// What took effect in the org, in order: verb, object, Id.
    async fn effects(&self) -> Vec<(String, String, String)> {
        let url = format!("{}/_org/journal", self.org);
        let journal: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let entries = journal.as_array().unwrap();
        entries.iter().map(|e| (text(e, "verb"), text(e, "object"), text(e, "id"))).collect()
    }

    /// A command of the person in charge; its standard output.
    fn tieline(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_tieline"))
            .args(arguments)
            .args(&self.arguments)
            .env_clear()
            .env("USER", "sam")
            .envs(self.variables.iter().cloned())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (out, err) = (text(output.stdout), text(output.stderr));
        assert!(output.status.success(), "tieline {arguments:?}: {out}\n{err}");
        out
    }

    async fn tell(&self) {
        // Salesforce is down, and the flow goes on.
        self.fault("status=503").await;
        let create = json!({
            "sf_operation": "create", "sf_object": "Case", "Subject": "Printer on fire", "Origin": "Phone",
            "Status": "New", "tl_ref": "case", "tl_mode": "queue",
        });
        let case = self.ask(create.clone()).await;
        assert_eq!((&case["tl_status"], &case["Id"]), (&json!("queued"), &case["tl_id"]));
        let again = self.ask(create).await;
        assert_eq!((&again["tl_id"], &again["tl_duplicate"]), (&case["tl_id"], &json!("true")));
        let update = self
            .ask(json!({
                "sf_operation": "update", "sf_object": "Case", "sf_id": case["Id"], "Priority": "High",
                "tl_mode": "queue",
            }))
            .await;
        assert_eq!(update["Status"], 202);
        let post = self
            .ask(json!({
                "sf_operation": "createChatterPost", "sf_feedElementType": "FeedItem",
                "sf_subjectId": "@{case.Id}", "sf_messageType": "Text", "sf_message": "Called; see @{case.Id}.",
                "tl_mode": "queue",
            }))
            .await;
        let ticket = |reply: &Value| reply["tl_id"].as_str().unwrap().to_owned();
        let (case, update, post) = (ticket(&case), ticket(&update), ticket(&post));
        self.until(&case, |o| o["tl_status"] == "retrying").await;
        assert_eq!(self.effects().await, []);

        // It returns: each took effect once, in their order.
        self.heal().await;
        let done = |outcome: &Value| outcome["tl_done"] == "true";
        for ticket in [&case, &update, &post] {
            assert_eq!(self.until(ticket, done).await["tl_status"], "succeeded");
        }
        let id = self.until(&case, done).await["Id"].as_str().unwrap().to_owned();
        let effects = self.effects().await;
        let told: Vec<_> = effects.iter().map(|(verb, object, _)| (verb.as_str(), object.as_str())).collect();
        assert_eq!(told, [("create", "Case"), ("update", "Case"), ("post", "FeedItem")]);
        assert!(effects[0].2 == id && effects[1].2 == id, "{effects:?}");

        // One is refused, found, repaired and sent again.
        let refused = self
            .ask(json!({
                "sf_operation": "create", "sf_object": "Case", "Subject": "Toner", "Colour__c": "Magenta",
                "tl_mode": "queue",
            }))
            .await;
        let refused = ticket(&refused);
        let outcome = self.until(&refused, done).await;
        assert_eq!(outcome["tl_status"], "failed");
        let code = outcome["tl_error_code"].as_str().unwrap();
        let listed = self.tieline(&["dlq", "list", "--contact", CONTACT]);
        assert!(listed.contains(&refused) && listed.contains(code), "{listed}");
        self.tieline(&["dlq", "edit", &refused, "--set", "Colour__c:=null", "--set", "Description=Magenta"]);
        self.tieline(&["dlq", "replay", &refused]);
        let repaired = self.until(&refused, |o| o["tl_status"] == "succeeded").await;
        let effects = self.effects().await;
        let last = effects.last().unwrap();
        assert_eq!((effects.len(), Some(last.2.as_str())), (4, repaired["Id"].as_str()));

        // And the story can be read.
        let story = self.tieline(&["outcomes", CONTACT]);
        for part in [
            format!("create Case `case` {id}"),
            format!("update Case {id}"),
            format!("rejected {code}"),
            "edited fields.Colour__c, fields.Description (by sam)".to_owned(),
            "replayed as generation 2 (by sam)".to_owned(),
        ] {
            assert!(story.contains(&part), "`{part}` is missing in:\n{story}");
        }
        assert_eq!(story.matches("= succeeded").count(), 4, "{story}");
    }
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test]
async fn it_is_told_by_the_process_that_make_run_starts() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap().to_owned();
    let child = Command::new(env!("CARGO_BIN_EXE_tieline"))
        .args(["local", "--port", "0", "--org-port", "0", "--data-dir", &folder])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut address = |of: &str| {
        let line = lines.find_map(|line| line.ok().filter(|line| line.starts_with(of))).unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
        url.split('/').take(3).collect::<Vec<_>>().join("/")
    };
    let stage = Stage {
        client: reqwest::Client::new(),
        invoke: address("Tieline "),
        org: address("Salesforce org "),
        variables: Vec::new(),
        arguments: vec!["--data-dir".to_owned(), folder],
    };
    stage.tell().await;
}

#[tokio::test]
async fn it_is_told_by_the_functions_behind_the_queue() {
    let Some(emulator) = Emulator::start().await else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let org = format!("http://{}", listener.local_addr().unwrap());
    let simulated = Org::new(org::Settings::default(), clock::now()).unwrap();
    tokio::spawn(org::serve(simulated, listener, std::future::pending()));
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    secret.write_all(br#"{"ConsumerKey": "key", "ConsumerSecret": "secret"}"#).unwrap();

    let queue = emulator.new_queue().await;
    let mut variables = [
        ("SF_HOST", org.as_str()),
        ("SF_VERSION", "v66.0"),
        ("TIELINE_SECRET_FILE", secret.path().to_str().unwrap()),
        ("TIELINE_QUEUE_URL", &queue),
        ("TIELINE_STATE_TABLE", &emulator.new_table().await),
        ("TIELINE_CACHE_TABLE", &emulator.new_table().await),
        ("TIELINE_UNIQUE_FIELDS", "Case=WriteKey__c"),
        ("AWS_ENDPOINT_URL", emulator.endpoint()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let folder = tempfile::tempdir().unwrap();
    let code = zipped(folder.path());
    emulator.new_function("sfInvokeAPI", "sfInvokeAPI.lambda_handler", &code, &variables).await;
    emulator.new_function("tieline-worker", "worker", &code, &variables).await;
    emulator.map("tieline-worker", &queue).await;

    for (name, value) in
        [("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")]
    {
        variables.push((name.to_owned(), value.to_owned()));
    }
    let stage = Stage {
        client: reqwest::Client::new(),
        invoke: emulator.endpoint().to_owned(),
        org,
        variables,
        arguments: Vec::new(),
    };
    stage.tell().await;
    // With them end their processes.
    emulator.no_function("tieline-worker").await;
    emulator.no_function("sfInvokeAPI").await;
}

/// `bootstrap` as it is deployed: without its symbols, zipped.
fn zipped(folder: &Path) -> Vec<u8> {
    let (bare, zip) = (folder.join("bootstrap"), folder.join("bootstrap.zip"));
    let run = |command: &mut Command| {
        let status = command.status().unwrap();
        assert!(status.success(), "{command:?}: {status}");
    };
    run(Command::new("strip").arg("-o").arg(&bare).arg(env!("CARGO_BIN_EXE_bootstrap")));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    run(Command::new("python3").arg(root.join("infra/zip.py")).arg(&bare).arg(&zip));
    fs::read(zip).unwrap()
}
