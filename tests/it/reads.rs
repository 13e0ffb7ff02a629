//! Reads through the whole product: `bootstrap` over the emulator's DynamoDB, and the same service
//! over SQLite, each as two processes that share a cache table, a state table and an org.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tieline::{
    clock,
    config::Config,
    lambda::{Service, Stores},
    org::{self, Org},
    salesforce::Http,
    store::sqlite::{CACHE, STATE, Sqlite},
};
use tokio::net::TcpListener;

use crate::{
    emulator::Emulator,
    support::lambda::{Answer, Function},
};

const TIME: Duration = Duration::from_secs(8);

/// What a caller is known by, and nobody else is.
const NUMBER: &str = "+12065550147";
const NAME: &str = "Zuckmantel";

/// One process of the product.
enum Process {
    Bootstrap(Box<Function>),
    Service(Service),
}

/// Two processes, what they share, and what was written by those that ended.
struct Fleet {
    processes: Vec<Process>,
    org: Salesforce,
    _folder: tempfile::TempDir,
}

/// The simulated org, over HTTP.
struct Salesforce {
    origin: String,
    client: reqwest::Client,
}

impl Salesforce {
    async fn start() -> Self {
        let settings = org::Settings { sample: false, ..org::Settings::default() };
        let org = Org::new(settings, clock::now()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(org::serve(org, listener, std::future::pending()));
        Self { origin, client: reqwest::Client::new() }
    }

    async fn calls(&self) -> u64 {
        let limits = self.client.get(format!("{}/_org/limits", self.origin)).send().await.unwrap();
        limits.json::<Value>().await.unwrap()["used"].as_u64().unwrap()
    }

    async fn fault(&self, rule: &str) {
        let faults = format!("{}/_org/faults", self.origin);
        self.client.post(faults).body(rule.to_owned()).send().await.unwrap().error_for_status().unwrap();
    }

    /// A record that nobody made through Tieline: its Id.
    async fn has(&self, object: &str, fields: Value) -> Value {
        let form = [("grant_type", "client_credentials"), ("client_id", "k"), ("client_secret", "s")];
        let login = self.client.post(format!("{}/services/oauth2/token", self.origin)).form(&form);
        let token = login.send().await.unwrap().json::<Value>().await.unwrap();
        let rows = format!("{}/services/data/v66.0/sobjects/{object}", self.origin);
        let made = self.client.post(rows).bearer_auth(token["access_token"].as_str().unwrap()).json(&fields);
        made.send().await.unwrap().json::<Value>().await.unwrap()["id"].clone()
    }

    async fn well(&self) {
        self.client.delete(format!("{}/_org/faults", self.origin)).send().await.unwrap();
    }
}

impl Fleet {
    /// Two functions over two tables of DynamoDB, cache and state.
    async fn of_functions(endpoint: &str, [cache, state]: [String; 2]) -> Self {
        let org = Salesforce::start().await;
        let folder = tempfile::tempdir().unwrap();
        let mut variables = variables(&org, &folder);
        for (name, value) in [
            ("TIELINE_CACHE_TABLE", cache.as_str()),
            ("TIELINE_STATE_TABLE", &state),
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_REGION", "us-east-1"),
            ("LOGGING_LEVEL", "DEBUG"),
        ] {
            variables.push((name.to_owned(), value.to_owned()));
        }
        let mut processes = Vec::new();
        for _ in 0..2 {
            processes.push(Process::Bootstrap(Box::new(Function::start(&variables, TIME).await)));
        }
        Self { processes, org, _folder: folder }
    }

    /// Two services over one database.
    async fn on_sqlite() -> (Self, PathBuf) {
        let org = Salesforce::start().await;
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::own(folder.path(), clock::now()).unwrap();
        let config = Config::from_vars(variables(&org, &folder).into_iter()).unwrap();
        let stores = || Stores {
            state: Some(store.table(STATE)),
            cache: Some(store.table(CACHE)),
            ..Stores::default()
        };
        let service = || Process::Service(Service::with(config.clone(), stores(), Arc::new(Http)));
        let path = folder.path().to_owned();
        (Self { processes: vec![service(), service()], org, _folder: folder }, path)
    }

    async fn answer(&mut self, process: usize, contact: &str, parameters: Value) -> Answer {
        let event = json!({"Details": {"ContactData": {"ContactId": contact}, "Parameters": parameters}});
        match &mut self.processes[process] {
            Process::Bootstrap(function) => function.invoke(event).await,
            Process::Service(service) => match service.invoke(event, TIME).await {
                Ok(reply) => Answer::Reply(reply),
                Err(error) => Answer::Error(error.error_type, error.error_message),
            },
        }
    }

    async fn ask(&mut self, process: usize, contact: &str, parameters: Value) -> Value {
        match self.answer(process, contact, parameters).await {
            Answer::Reply(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    /// Ends all, and gives what they logged.
    async fn end(self) -> String {
        let mut logs = String::new();
        for process in self.processes {
            if let Process::Bootstrap(function) = process {
                logs.push_str(&function.end().await);
            }
        }
        logs
    }
}

fn variables(org: &Salesforce, folder: &tempfile::TempDir) -> Vec<(String, String)> {
    let secret = folder.path().join("secret.json");
    std::fs::write(&secret, r#"{"ConsumerKey": "k", "ConsumerSecret": "s"}"#).unwrap();
    [
        ("SF_HOST", org.origin.as_str()),
        ("SF_VERSION", "v66.0"),
        ("TIELINE_SECRET_FILE", &secret.display().to_string()),
        ("TIELINE_SENSITIVE_FIELDS", "Contact.Department"),
        // Cases are old at once, so that no test has to wait.
        ("TIELINE_CACHE_FRESH_SECS", "60,Case=0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

fn by_phone() -> Value {
    json!({"sf_operation": "phoneLookup", "sf_phone": NUMBER, "sf_fields": "Id, LastName, Phone"})
}

fn cases(who: &Value) -> Value {
    json!({"sf_operation": "query", "query": "SELECT Id, Subject FROM Case WHERE ContactId = 'who'", "who": who})
}

/// What both backends must do.
async fn promises(fleet: &mut Fleet) {
    let id = fleet.org.has("Contact", json!({"LastName": NAME, "Phone": NUMBER})).await;
    fleet.org.has("Case", json!({"Subject": "Late", "ContactId": id})).await;

    // One process asks; the other has it from the table, and both then from memory.
    let before = fleet.org.calls().await;
    for (process, word) in [(0, "miss"), (1, "hit"), (1, "hit"), (0, "hit")] {
        let reply = fleet.ask(process, "a", by_phone()).await;
        assert_eq!((&reply["LastName"], &reply["tl_cache"]), (&json!(NAME), &json!(word)), "{reply}");
    }
    assert_eq!(fleet.org.calls().await, before + 1);

    // What a contact changed it never sees unchanged; nor does another, for longer than a moment.
    let longer = json!({"sf_operation": "update", "sf_object": "Contact", "sf_id": id, "LastName": format!("{NAME}-Ott")});
    assert_eq!(fleet.ask(1, "a", longer).await["Status"], 204);
    for process in [0, 1] {
        assert_eq!(fleet.ask(process, "a", by_phone()).await["LastName"], format!("{NAME}-Ott"));
    }

    // Nor where nothing remembers the write, because it holds what is never stored.
    fleet.ask(0, "s", by_phone()).await;
    let longest = json!({
        "sf_operation": "update", "sf_object": "Contact", "sf_id": id, "LastName": format!("{NAME}-Rau"),
        "Department": "Claims",
    });
    let reply = fleet.ask(1, "s", longest).await;
    assert_eq!((&reply["Status"], &reply["tl_id"]), (&json!(204), &Value::Null), "{reply}");
    for process in [0, 1] {
        assert_eq!(fleet.ask(process, "s", by_phone()).await["LastName"], format!("{NAME}-Rau"));
    }

    // With the org gone, what is old stands in and says so, and what is not known is an error that
    // says what to do.
    for process in [0, 1] {
        assert_eq!(fleet.ask(process, "a", cases(&id)).await["sf_count"], 1);
    }
    fleet.org.fault("cut=before").await;
    for process in [0, 1, 1, 0] {
        let reply = fleet.ask(process, "b", cases(&id)).await;
        assert_eq!((&reply["tl_cache"], &reply["sf_count"]), (&json!("stale"), &json!(1)), "{reply}");
    }
    let unknown =
        json!({"sf_operation": "lookup", "sf_object": "Account", "sf_fields": "Id", "Name": "Nobody"});
    match fleet.answer(0, "b", unknown.clone()).await {
        Answer::Error(kind, message) => {
            assert_eq!(kind, "SalesforceUnavailable");
            assert!(message.contains("SF_HOST") || message.contains("doctor"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    let mut only = unknown.clone();
    only["tl_cache"] = "only-if-cached".into();
    assert!(
        matches!(fleet.answer(1, "b", only).await, Answer::Error(_, message) if message.starts_with("NOT_CACHED"))
    );

    // It is back, and the first who asks without anything to fall back on finds out for all.
    fleet.org.well().await;
    assert_eq!(fleet.ask(1, "b", unknown).await["sf_count"], 0);
    let reply = fleet.ask(1, "b", cases(&id)).await;
    assert_eq!(reply["tl_cache"], "miss", "{reply}");

    // Above the limit nobody asks.
    let limits = format!("{}/_org/limits", fleet.org.origin);
    let few = json!({"left": 100});
    fleet.org.client.post(limits).json(&few).send().await.unwrap().error_for_status().unwrap();
    fleet.ask(1, "c", cases(&id)).await;
    let used = fleet.org.calls().await;
    let reply = fleet.ask(1, "c", cases(&id)).await;
    assert_eq!(reply["tl_cache"], "stale", "{reply}");
    let unseen =
        json!({"sf_operation": "lookup", "sf_object": "Account", "sf_fields": "Id", "Name": "Unseen"});
    match fleet.answer(1, "c", unseen).await {
        Answer::Error(_, message) => assert!(message.contains("98 %"), "{message}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(fleet.org.calls().await, used);

    // What Salesforce refuses is told as it said it, and is in no log.
    let wrong = json!({
        "sf_operation": "queryOne", "query": "SELECT Nothing__c FROM Contact WHERE Phone = 'number'", "number": NUMBER,
        "tl_cache": "no-store",
    });
    drop(fleet.answer(1, "d", wrong).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn promises_over_sqlite() {
    let (mut fleet, folder) = Fleet::on_sqlite().await;
    promises(&mut fleet).await;
    fleet.end().await;
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        tells_nothing("the database", &String::from_utf8_lossy(&bytes));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promises_over_dynamodb() {
    let Some(emulator) = Emulator::start().await else { return };
    let tables = [emulator.new_table().await, emulator.new_table().await];
    let mut fleet = Fleet::of_functions(emulator.endpoint(), tables.clone()).await;
    promises(&mut fleet).await;
    let logs = fleet.end().await;
    assert!(logs.contains("\"invocation\""), "{logs}");
    tells_nothing("the log", &logs);
    let client = aws_sdk_dynamodb::Client::new(&emulator.config().await);
    for table in tables {
        let items = client.scan().table_name(&table).send().await.unwrap().items.unwrap();
        assert!(!items.is_empty());
        for item in items {
            tells_nothing("a key", &format!("{:?} {:?}", item["PK"], item["SK"]));
            let data = item.get("d").and_then(|data| data.as_b().ok());
            let data = data.map(|data| String::from_utf8_lossy(data.as_ref()).into_owned());
            tells_nothing("an item", &data.unwrap_or_default());
        }
    }
}

/// Nobody can be told from it. A kept answer is compressed, so that not even its text is to be seen.
fn tells_nothing(what: &str, text: &str) {
    for canary in [NUMBER, &NUMBER[2..], NAME] {
        if let Some(at) = text.find(canary) {
            let from = text.floor_char_boundary(at.saturating_sub(200));
            panic!("{what} holds {canary}: …{}…", &text[from..text.floor_char_boundary(at + 100)]);
        }
    }
}

/// A table that is not there, and a DynamoDB that nobody reaches, cost the cache and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_dynamodb_never_breaks_a_read() {
    let Some(emulator) = Emulator::start().await else { return };
    let missing = || ["no-such-cache".to_owned(), "no-such-state".to_owned()];
    let unreachable = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for endpoint in [emulator.endpoint().to_owned(), format!("http://{unreachable}")] {
        let mut fleet = Fleet::of_functions(&endpoint, missing()).await;
        for _ in 0..2 {
            let reply = fleet
                .ask(
                    0,
                    "a",
                    json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "Email": "a@example.com"}),
                )
                .await;
            assert_eq!((&reply["sf_count"], &reply["tl_cache"]), (&json!(0), &json!("miss")), "{reply}");
        }
        fleet.end().await;
    }
}
