//! The stack, deployed: `infra/template.yaml` as CloudFormation makes it on the emulator, with the
//! real binary in its functions, and with every policy enforced.
//!
//! One story is told through what the stack made: a read, a queued write carried out by the worker
//! behind the queue, a failure that becomes a dead letter, its repair and replay by the command
//! line; a contact event whose CTI Flow acts, a look around and a replay in the console. What each
//! function asked of AWS meanwhile is noted; its role allows that, and nothing else.
//!
//! Where the emulator is not AWS: it wants a right of its own for each batch call of SQS, where AWS
//! asks for the right to the single one, so its copy of the template names both; it knows no alarm on
//! metric math, so there that one looks at the plain metric; it compares the concurrency of an event
//! source as text where it comes from a parameter. `SF_HOST` is set after the deployment,
//! because the template takes `https` alone and the simulated org speaks HTTP, and with it a rate, so
//! that the fleet's counters are used. Amazon Connect is not there, so that its calls are seen and
//! answered with an error.

mod cloud;
mod steps;
mod template;
mod watch;

use std::{process::Command, time::Duration};

use serde_json::{Map, Value, json};
use tieline::{clock, org};

use self::{
    cloud::{Cloud, REGION},
    watch::{Watch, difference},
};
use crate::{emulator::Emulator, support::org::Served};

const INVOKE: &str = "tieline-sfInvokeAPI";
const WORKER: &str = "tieline-worker";
const EVENTS: &str = "tieline-events";
const CONSOLE: &str = "tieline-console";
const INSTANCE: &str = "0e1f2a3b-0000-4000-8000-000000000001";
const CONTACT: &str = "4a573372-1f28-4e26-b97b-000000000001";

#[tokio::test(flavor = "multi_thread")]
async fn the_deployed_stack_reads_writes_fails_and_replays_with_no_right_too_many() {
    let watch = Watch::start().await;
    let enforcing = [("AUTH", "true".to_owned()), ("AWS_ENDPOINT_URL", watch.server.url())];
    let Some(emulator) = Emulator::start_with(&enforcing).await else { return };
    watch.lead_to(emulator.endpoint());
    let cloud = Cloud::new(emulator.endpoint());
    let org = Served::start(org::Settings::default(), clock::now()).await;
    deploy(&cloud, &org.base).await;

    // A read, and the same read again.
    let lookup = json!({"sf_operation": "phoneLookup", "sf_phone": "+12065550102", "sf_fields": "Id, Name"});
    let first = cloud.invoke(INVOKE, &event(&lookup)).await.unwrap();
    assert_eq!((&first["sf_count"], &first["tl_cache"]), (&json!(1), &json!("miss")), "{first}");
    let invoke_key = watch.keys().remove(0);
    let again = cloud.invoke(INVOKE, &event(&lookup)).await.unwrap();
    assert_eq!((&again["Id"], &again["tl_cache"]), (&first["Id"], &json!("hit")), "{again}");

    // A queued write; the worker behind the queue carries it out, when the record is free.
    org.fault("lock,object=Case,count=1").await;
    let create = json!({
        "sf_operation": "create", "sf_object": "Case", "Subject": "Deployed", "ContactId": first["Id"],
        "tl_mode": "queue", "tl_key": "open", "tl_ref": "case", "tl_attribute": "caseId"});
    let queued = cloud.invoke(INVOKE, &event(&create)).await.unwrap();
    assert_eq!(queued["tl_status"], "queued", "{queued}");
    let case = settled(&cloud, &queued["tl_id"]).await;
    assert_eq!(case["tl_status"], "succeeded", "{case}");
    let repeated = cloud.invoke(INVOKE, &event(&create)).await.unwrap();
    assert_eq!(repeated["Id"], case["Id"], "the same write is answered from its record: {repeated}");

    // A failure becomes a dead letter; a person mends and replays it.
    let update = json!({
        "sf_operation": "update", "sf_object": "Case", "sf_id": "@{case.Id}", "Subject": "x".repeat(256),
        "tl_mode": "queue", "tl_key": "mend"});
    let bad = cloud.invoke(INVOKE, &event(&update)).await.unwrap();
    let dead = settled(&cloud, &bad["tl_id"]).await;
    assert_eq!((&dead["tl_status"], &dead["tl_error_code"]), (&json!("failed"), &json!("STRING_TOO_LONG")));
    let id = bad["tl_id"].as_str().unwrap();
    let environment = cloud.configuration(WORKER).await["Environment"]["Variables"].clone();
    let desk = Desk { environment: environment.as_object().unwrap(), endpoint: emulator.endpoint() };
    let listed = desk.run(&["dlq", "list", "--format", "json"]);
    assert!(listed.contains(id) && listed.contains("STRING_TOO_LONG"), "{listed}");
    desk.run(&["dlq", "edit", id, "--set", "Subject=Mended"]);
    desk.run(&["dlq", "replay", id]);
    let mended = settled(&cloud, &bad["tl_id"]).await;
    assert_eq!(mended["tl_status"], "succeeded", "{mended}");
    let told = desk.run(&["outcomes", CONTACT]);
    assert!(told.contains("Case") && told.contains("replay"), "{told}");
    let journal = org.journal().await;
    let subjects: Vec<_> = journal.iter().filter_map(|effect| effect["fields"]["Subject"].as_str()).collect();
    assert_eq!(subjects, ["Deployed", "Mended"], "each took effect once, in order: {journal:?}");

    // A write that must not wait.
    let now = json!({"sf_operation": "create", "sf_object": "Case", "Subject": "At once", "tl_mode": "sync"});
    let made = cloud.invoke(INVOKE, &event(&now)).await.unwrap();
    assert_eq!(made["tl_status"], "succeeded", "{made}");

    // The whole set-up, as the person in charge sees it.
    let told = desk.run(&["doctor", "--function", INVOKE, "--fields", "Case.Subject"]);
    for check in ["state table", "cache table", "queue: 0 waiting", "dead-letter queue: 0 waiting"] {
        assert!(told.contains(check), "{check} in {told}");
    }
    assert!(told.contains("0 failed, 0 warned"), "{told}");

    let (seen, events_key) = (watch.keys(), contact_event(&cloud, &desk, &watch).await);
    assert_eq!(seen.len(), 2, "two roles asked");
    let worker_key = seen.into_iter().find(|key| *key != invoke_key).unwrap();
    let console_key = console(&cloud, &watch, &first["Id"]).await;

    // Least privilege, both ways.
    let mut differences = Vec::new();
    let roles = [(INVOKE, invoke_key), (WORKER, worker_key), (EVENTS, events_key), (CONSOLE, console_key)];
    for (function, key) in &roles {
        let (function, mut used) = (*function, watch.used(key));
        if matches!(function, WORKER | EVENTS) {
            // Lambda's own poller takes and deletes the messages, with the function's role.
            used.extend(
                ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"].map(|a| format!("sqs:{a}")),
            );
        }
        let configuration = cloud.configuration(function).await;
        let role = configuration["Role"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        // The log and the traces are written by Lambda itself.
        let mut allowed = cloud.allowed(&role).await;
        allowed.retain(|action| !action.starts_with("logs:") && !action.starts_with("xray:"));
        if used != allowed {
            differences.push(format!("{function}: {:?}", difference(&used, &allowed)));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

/// A flow of these blocks, and behind them every one that Amazon Connect is asked for.
fn flow(blocks: &[(&str, Value)]) -> Value {
    let task = json!({"quickConnectName": "0e1f2a3b-0000-4000-8000-000000000002", "name": "Call back"});
    let connect = [
        ("SE_ContactUpdateAttributes", json!({"attributes": {"seen": "$.payload.eventType"}})),
        ("SE_ContactStartRecording", json!({})),
        ("SE_ContactStopRecording", json!({})),
        ("SE_AgentCreateTaskContact", task),
    ];
    let mut actions = vec![
        json!({"id": "uid-0", "type": "SE_Start", "meta": {}, "controls": {}, "ports": {"done": "uid-1"}, "position": [0, 0]}),
    ];
    for (kind, controls) in blocks.iter().chain(&connect) {
        let (id, next) = (format!("uid-{}", actions.len()), format!("uid-{}", actions.len() + 1));
        actions.push(json!({"id": id, "type": kind, "meta": {}, "controls": controls,
            "ports": {"success": next, "failure": next}, "position": [0, 0]}));
    }
    let end = format!("uid-{}", actions.len());
    actions.push(
        json!({"id": end, "type": "SE_End", "meta": {}, "controls": {}, "ports": {}, "position": [0, 0]}),
    );
    json!({ "actions": actions })
}

/// A contact event as EventBridge puts it into the queue, and the calls of its flow. Gives the key of
/// the role that asked.
async fn contact_event(cloud: &Cloud, desk: &Desk<'_>, watch: &Watch) -> String {
    let flow = flow(&[
        ("SE_SFGetContactId", json!({"formattedPhoneNumber": "+12065550103"})),
        ("SE_SFCreateTask", json!({"subject1": "Never stored", "CallDisposition": "Sale"})),
        ("SE_SFCreateTask", json!({"subject1": "From an event"})),
    ]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), flow.to_string()).unwrap();
    let path = file.path().display().to_string();
    let id = desk.run(&["flow", "import", &path, "--source", "voiceContact", "--event", "onEnded"]);
    desk.run(&["flow", "activate", id.trim()]);

    let before = watch.keys();
    let contact = "4a573372-1f28-4e26-b97b-000000000002";
    let detail = json!({"eventType": "DISCONNECTED", "contactId": contact, "channel": "VOICE",
        "initiationMethod": "INBOUND", "initiationTimestamp": "2026-11-20T10:20:00.000Z",
        "instanceArn": format!("arn:aws:connect:{REGION}:000000000000:instance/{INSTANCE}")});
    let happened = json!({"version": "0", "id": "e-1", "detail-type": "Amazon Connect Contact Event",
        "source": "aws.connect", "account": "000000000000", "time": "2026-11-20T10:20:00Z", "region": REGION,
        "resources": [], "detail": detail});
    cloud.message("tieline-events", &happened).await;
    let last = "connect:StartTaskContact";
    for _ in 0..300 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let asked = |key: &String| !before.contains(key) && watch.used(key).contains(last);
        if let Some(key) = watch.keys().into_iter().find(asked) {
            return key;
        }
    }
    panic!("the flow of the contact event did not come to its last block");
}

/// A look around in the console, and a replay. Gives the key of the role that asked.
async fn console(cloud: &Cloud, watch: &Watch, record: &Value) -> String {
    let before = watch.keys();
    let update = json!({
        "sf_operation": "update", "sf_object": "Case", "sf_id": "@{case.Id}", "Subject": "y".repeat(256),
        "tl_mode": "queue", "tl_key": "again"});
    let bad = cloud.invoke(INVOKE, &event(&update)).await.unwrap();
    settled(cloud, &bad["tl_id"]).await;
    let item = json!({"contact": CONTACT, "id": bad["tl_id"]});
    let flow = flow(&[
        ("SE_SFGetContactId", json!({"formattedPhoneNumber": "+12065550104"})),
        ("SE_SFCreateTask", json!({"subject1": "From the console"})),
    ]);
    let contact = json!({"contactId": "4a573372-1f28-4e26-b97b-000000000003",
        "instanceArn": format!("arn:aws:connect:{REGION}:000000000000:instance/{INSTANCE}")});
    // Of no contact, so that the write is synchronous; and of one, which Amazon Connect is asked for.
    let write = json!({"document": flow, "mode": "live"});
    let run = json!({"document": flow, "mode": "live", "event": {"contact": contact}});
    for (method, path, body) in [
        ("GET", "/api/overview", Value::Null),
        ("GET", &*format!("/api/doctor?function={INVOKE}"), Value::Null),
        ("GET", &*format!("/api/contacts/{CONTACT}"), Value::Null),
        ("POST", "/api/runs", write),
        ("POST", "/api/runs", run),
        ("POST", "/api/cache/forget", json!({"record": record})),
        ("POST", "/api/dead-letters/replay", json!({"items": [item], "dryRun": false, "overwrite": true})),
    ] {
        let host = "abc123.lambda-url.us-east-1.on.aws";
        let signer = "arn:aws:sts::000000000000:assumed-role/Operators/sam";
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut asked = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": {"host": host, "content-type": "application/json"}, "isBase64Encoded": false,
            "requestContext": {
                "accountId": "000000000000", "apiId": "abc123", "domainName": host, "domainPrefix": "abc123",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"},
                "authorizer": {"iam": {"userArn": signer}}, "requestId": "id", "routeKey": "$default",
                "stage": "$default", "time": "21/Nov/2026:02:00:00 +0000", "timeEpoch": 1_795_226_400_000_i64}});
        if !body.is_null() {
            asked["body"] = body.to_string().into();
        }
        let reply = cloud.invoke(CONSOLE, &asked).await.unwrap();
        assert!(reply["statusCode"].as_u64().is_some_and(|code| code < 300), "{path}: {reply}");
        let denied = reply["body"].as_str().unwrap().contains("not authorized");
        assert!(!denied, "{path}: {reply}");
    }
    watch.keys().into_iter().find(|key| !before.contains(key)).unwrap()
}

async fn deploy(cloud: &Cloud, org: &str) {
    let secret = cloud.secret("salesforce", &json!({"ConsumerKey": "key", "ConsumerSecret": "secret"})).await;
    cloud.bucket("code").await;
    let (bootstrap, tieline) = (env!("CARGO_BIN_EXE_bootstrap"), env!("CARGO_BIN_EXE_tieline"));
    for (program, name) in [(bootstrap, "bootstrap.zip"), (tieline, "console.zip")] {
        cloud.upload("code", name, package(program)).await;
    }
    let parameters = [
        ("SalesforceHost", "https://org.example.com"),
        ("SalesforceCredentialsSecretsManagerARN", &secret),
        ("CacheEnabled", "true"),
        ("WriteQueueEnabled", "true"),
        ("UniqueFields", "Case=WriteKey__c"),
        ("SensitiveFields", "Task.CallDisposition"),
        ("AmazonConnectInstanceId", INSTANCE),
        ("FlowEventsEnabled", "true"),
        ("ConsoleEnabled", "true"),
        ("Architecture", "x86_64"),
    ];
    cloud.stack("tieline", &template(), &parameters).await;
    for function in [INVOKE, WORKER, EVENTS, CONSOLE] {
        let mut variables = cloud.configuration(function).await["Environment"]["Variables"].clone();
        variables["SF_HOST"] = org.into();
        variables["TIELINE_RATE_PER_SEC"] = "50".into();
        cloud.set_environment(function, &variables).await;
    }
}

/// The template as the emulator takes it.
fn template() -> String {
    let template = include_str!("../../../infra/template.yaml")
        .replace("../target/lambda/bootstrap.zip", "s3://code/bootstrap.zip")
        .replace("../target/lambda/console.zip", "s3://code/console.zip")
        .replace("MaximumConcurrency: !Ref WorkerMaximumConcurrency", "MaximumConcurrency: 5");
    let (before, math) = template.split_once("      Metrics:\n").unwrap();
    let (_, after) = math.split_once("      EvaluationPeriods:").unwrap();
    let plain =
        "Namespace: Tieline\n      MetricName: ApiUsagePercent\n      Statistic: Maximum\n      Period: 3600";
    let template = format!("{before}      {plain}\n      EvaluationPeriods:{after}");
    ["SendMessage", "DeleteMessage", "ChangeMessageVisibility"].iter().fold(template, |text, name| {
        let (one, both) = (format!("sqs:{name}"), format!("sqs:{name}, sqs:{name}Batch"));
        text.replace(&format!("Action: {one}\n"), &format!("Action: [{both}]\n"))
            .replace(&format!("{one},"), &format!("{both},"))
    })
}

/// A binary as `make package` zips it, without its line tables: the emulator unpacks it.
fn package(program: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (binary, zip) = (folder.path().join("bootstrap"), folder.path().join("bootstrap.zip"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/infra/zip.py");
    let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
    run(Command::new("strip").arg("-o").arg(&binary).arg(program));
    run(Command::new("python3").arg(script).arg(&binary).arg(&zip));
    std::fs::read(zip).unwrap()
}

fn event(parameters: &Value) -> Value {
    let instance = format!("arn:aws:connect:{REGION}:000000000000:instance/{INSTANCE}");
    json!({"Name": "ContactFlowEvent", "Details": {
        "ContactData": {"ContactId": CONTACT, "InitialContactId": CONTACT, "InstanceARN": instance},
        "Parameters": parameters}})
}

/// What became of a write, once it is known.
async fn settled(cloud: &Cloud, id: &Value) -> Value {
    let ask = json!({"sf_operation": "outcome", "tl_id": id, "tl_wait_ms": "2000"});
    for _ in 0..60 {
        // A slow table is told as an error that says to ask again.
        match cloud.invoke(INVOKE, &event(&ask)).await {
            Ok(outcome) if outcome["tl_done"] == "true" || outcome["tl_done"] == true => return outcome,
            Err(error) if !error["errorMessage"].as_str().unwrap().starts_with("STATE_UNAVAILABLE") => {
                panic!("{error}")
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the write was not carried out; now it is {:?}", clock::now());
}

/// The command line of the person in charge, with the stack's names in the environment.
struct Desk<'a> {
    environment: &'a Map<String, Value>,
    endpoint: &'a str,
}

impl Desk<'_> {
    fn run(&self, arguments: &[&str]) -> String {
        let variables = self.environment.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
        let output = Command::new(env!("CARGO_BIN_EXE_tieline"))
            .args(arguments)
            .env_clear()
            .envs(variables)
            .envs([("AWS_REGION", REGION), ("AWS_ENDPOINT_URL", self.endpoint), ("USER", "sam")])
            .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{arguments:?}: {} {}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }
}
