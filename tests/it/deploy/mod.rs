//! The stack, deployed: `infra/template.yaml` as CloudFormation makes it on the emulator, with the
//! real binary in its functions, and with every policy enforced.
//!
//! One story is told through what the stack made: a read, a queued write carried out by the worker
//! behind the queue, a failure that becomes a dead letter, its repair and replay by the command
//! line. What each function asked of AWS meanwhile is noted; its role allows that, and nothing else.
//!
//! Where the emulator is not AWS: it wants a right of its own for each batch call of SQS, where AWS
//! asks for the right to the single one, so its copy of the template names both; it knows no alarm on
//! metric math, so there that one looks at the plain metric. `SF_HOST` is set after the deployment,
//! because the template takes `https` alone and the simulated org speaks HTTP, and with it a rate, so
//! that the fleet's counters are used. Amazon Connect is not there, so that its calls are seen and
//! answered with an error.

mod cloud;
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

    // Least privilege, both ways.
    let keys = watch.keys();
    assert_eq!(keys.len(), 2, "two roles asked");
    let worker_key = keys.iter().find(|key| **key != invoke_key).unwrap();
    let mut differences = Vec::new();
    for (function, key) in [(INVOKE, &invoke_key), (WORKER, worker_key)] {
        let mut used = watch.used(key);
        if function == WORKER {
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

async fn deploy(cloud: &Cloud, org: &str) {
    let secret = cloud.secret("salesforce", &json!({"ConsumerKey": "key", "ConsumerSecret": "secret"})).await;
    cloud.upload("code", "bootstrap.zip", package()).await;
    let template = include_str!("../../../infra/template.yaml");
    // The console is another package; here it is switched off.
    let template = template
        .replace("../target/lambda/bootstrap.zip", "s3://code/bootstrap.zip")
        .replace("../target/lambda/console.zip", "s3://code/bootstrap.zip");
    let (before, math) = template.split_once("      Metrics:\n").unwrap();
    let (_, after) = math.split_once("      EvaluationPeriods:").unwrap();
    let plain =
        "Namespace: Tieline\n      MetricName: ApiUsagePercent\n      Statistic: Maximum\n      Period: 3600";
    let template = format!("{before}      {plain}\n      EvaluationPeriods:{after}");
    let template =
        ["SendMessage", "DeleteMessage", "ChangeMessageVisibility"].iter().fold(template, |text, name| {
            let (one, both) = (format!("sqs:{name}"), format!("sqs:{name}, sqs:{name}Batch"));
            text.replace(&format!("Action: {one}\n"), &format!("Action: [{both}]\n"))
                .replace(&format!("{one},"), &format!("{both},"))
        });
    let parameters = [
        ("SalesforceHost", "https://org.example.com"),
        ("SalesforceCredentialsSecretsManagerARN", &secret),
        ("CacheEnabled", "true"),
        ("WriteQueueEnabled", "true"),
        ("UniqueFields", "Case=WriteKey__c"),
        ("AmazonConnectInstanceId", "0e1f2a3b-0000-4000-8000-000000000001"),
        ("Architecture", "x86_64"),
    ];
    cloud.stack("tieline", &template, &parameters).await;
    for function in [INVOKE, WORKER] {
        let mut variables = cloud.configuration(function).await["Environment"]["Variables"].clone();
        variables["SF_HOST"] = org.into();
        variables["TIELINE_RATE_PER_SEC"] = "50".into();
        cloud.set_environment(function, &variables).await;
    }
}

/// The binary as `make package` zips it, without its line tables: the emulator unpacks it.
fn package() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (binary, zip) = (folder.path().join("bootstrap"), folder.path().join("bootstrap.zip"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/infra/zip.py");
    let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
    run(Command::new("strip").arg("-o").arg(&binary).arg(env!("CARGO_BIN_EXE_bootstrap")));
    run(Command::new("python3").arg(script).arg(&binary).arg(&zip));
    std::fs::read(zip).unwrap()
}

fn event(parameters: &Value) -> Value {
    let instance =
        format!("arn:aws:connect:{REGION}:000000000000:instance/0e1f2a3b-0000-4000-8000-000000000001");
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
