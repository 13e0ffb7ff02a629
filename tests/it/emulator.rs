//! AWS on this machine: an emulator on a port of its own, started by a test and ended with it.
//!
//! `tests/tools/setup.sh` installs it. Without it the tests that need it say loudly that they skip;
//! with `REQUIRE_EMULATOR=1` they fail.

use std::{
    collections::BTreeMap,
    env, fs,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use aws_config::{Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use aws_sdk_sqs::types::QueueAttributeName;
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use reqwest::Method;
use serde_json::{Value, json};

/// A running emulator; ends when dropped.
pub(crate) struct Emulator {
    process: Child,
    endpoint: String,
    names: AtomicU32,
}

impl Emulator {
    /// Starts one. `None`: it is not installed, and nobody insists.
    pub(crate) async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// Starts one with these variables besides.
    pub(crate) async fn start_with(variables: &[(&str, String)]) -> Option<Self> {
        let program = tool("ministack")?;
        // Another process may take the port before the emulator does; then the next one.
        for _ in 0..5 {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            let log = fs::File::create(env::temp_dir().join(format!("tieline-emulator-{port}.log"))).unwrap();
            let process = Command::new(&program)
                .env_clear()
                .env("PATH", setting("PATH").unwrap_or_default())
                .env("GATEWAY_PORT", port.to_string())
                .env("BIND_HOST", "127.0.0.1")
                .env("MINISTACK_HOST", "127.0.0.1")
                .env("LOG_LEVEL", "WARNING")
                .envs(variables.iter().map(|(name, value)| (name, value)))
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log)
                .spawn()
                .unwrap();
            let endpoint = format!("http://127.0.0.1:{port}");
            let mut emulator = Self { process, endpoint, names: AtomicU32::new(0) };
            if emulator.is_up().await {
                return Some(emulator);
            }
        }
        panic!(
            "the emulator did not start; its logs are tieline-emulator-*.log in {}",
            env::temp_dir().display()
        )
    }

    /// Where it is asked.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    async fn is_up(&mut self) -> bool {
        let url = format!("{}/_ministack/health", self.endpoint);
        for _ in 0..600 {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            if reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }

    /// A configuration of AWS clients that leads to it.
    pub(crate) async fn config(&self) -> SdkConfig {
        let credentials = Credentials::new("test", "test", None, None, "tests");
        tieline::net::aws::config()
            .await
            .to_builder()
            .endpoint_url(&self.endpoint)
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }

    /// A function with this code, which it runs as a process of its own.
    pub(crate) async fn new_function(
        &self,
        name: &str,
        handler: &str,
        zip: &[u8],
        variables: &[(String, String)],
    ) {
        let variables: BTreeMap<_, _> = variables.iter().cloned().collect();
        let function = json!({
            "FunctionName": name, "Runtime": "provided.al2023", "Handler": handler, "Timeout": 30,
            "Role": "arn:aws:iam::000000000000:role/tieline", "Code": {"ZipFile": BASE64.encode(zip)},
            "Environment": {"Variables": variables},
        });
        self.lambda(Method::POST, "functions", &function).await;
    }

    /// Takes a function away, and with it its processes.
    pub(crate) async fn no_function(&self, name: &str) {
        self.lambda(Method::DELETE, &format!("functions/{name}"), &Value::Null).await;
    }

    /// Puts a function behind a queue, as the stack's template does.
    pub(crate) async fn map(&self, function: &str, queue_url: &str) {
        let name = queue_url.rsplit('/').next().unwrap();
        let mapping = json!({
            "FunctionName": function, "BatchSize": 10, "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "EventSourceArn": format!("arn:aws:sqs:us-east-1:000000000000:{name}"),
        });
        self.lambda(Method::POST, "event-source-mappings", &mapping).await;
    }

    /// Lambda's own interface. Its SDK would be built for this alone.
    async fn lambda(&self, method: Method, path: &str, body: &Value) {
        let url = format!("{}/2015-03-31/{path}", self.endpoint);
        let request = reqwest::Client::new().request(method, url).header("authorization", LAMBDA).json(body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    fn name(&self) -> String {
        format!("tieline-{}", self.names.fetch_add(1, Ordering::Relaxed))
    }

    /// A new FIFO queue, as the stack's template makes it.
    pub(crate) async fn new_queue(&self) -> String {
        let client = aws_sdk_sqs::Client::new(&self.config().await);
        let create = client
            .create_queue()
            .queue_name(format!("{}.fifo", self.name()))
            .attributes(QueueAttributeName::FifoQueue, "true")
            .attributes(QueueAttributeName::DeduplicationScope, "messageGroup")
            .attributes(QueueAttributeName::FifoThroughputLimit, "perMessageGroupId")
            .attributes(QueueAttributeName::MessageRetentionPeriod, "1209600")
            .attributes(QueueAttributeName::VisibilityTimeout, "360");
        create.send().await.unwrap().queue_url.unwrap()
    }

    /// A new table, as the stack's template makes it.
    pub(crate) async fn new_table(&self) -> String {
        let name = self.name();
        let client = aws_sdk_dynamodb::Client::new(&self.config().await);
        let key = |name: &str, kind| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
        };
        let mut create = client.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
        for attribute in ["PK", "SK", "GSI1PK", "GSI1SK"] {
            create = create.attribute_definitions(
                AttributeDefinition::builder()
                    .attribute_name(attribute)
                    .attribute_type(ScalarAttributeType::S)
                    .build()
                    .unwrap(),
            );
        }
        let created = create
            .key_schema(key("PK", KeyType::Hash))
            .key_schema(key("SK", KeyType::Range))
            .global_secondary_indexes(
                GlobalSecondaryIndex::builder()
                    .index_name("GSI1")
                    .key_schema(key("GSI1PK", KeyType::Hash))
                    .key_schema(key("GSI1SK", KeyType::Range))
                    .projection(Projection::builder().projection_type(ProjectionType::All).build())
                    .build()
                    .unwrap(),
            )
            .send()
            .await;
        if let Err(error) = created {
            // What was slow to answer was asked again, and the name is ours alone.
            let again = error.as_service_error().is_some_and(|e| e.is_resource_in_use_exception());
            assert!(again, "{error:?}");
        }
        name
    }
}

/// By this it knows which service is meant; it checks no signature.
pub(crate) const LAMBDA: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0";

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A program that `tests/tools/setup.sh` installs. `None`: it did not, and nobody insists.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/venv/bin").join(name);
    if program.exists() {
        return Some(program);
    }
    let why = format!("there is no {}: run tests/tools/setup.sh", program.display());
    assert!(setting("REQUIRE_EMULATOR").as_deref() != Some("1"), "{why}");
    eprintln!("\n******** SKIPPED: {why} ********\n");
    None
}

#[expect(clippy::disallowed_methods, reason = "a switch of the tests, not of the product")]
fn setting(name: &str) -> Option<String> {
    env::var(name).ok()
}
