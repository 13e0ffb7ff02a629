//! AWS on this machine: an emulator on a port of its own, started by a test and ended with it.
//!
//! `tests/tools/setup.sh` installs it. Without it the tests that need it say loudly that they skip;
//! with `REQUIRE_EMULATOR=1` they fail.

use std::{
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
        let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/venv/bin/ministack");
        if !program.exists() {
            let why = format!("no emulator at {}: run tests/tools/setup.sh", program.display());
            assert!(setting("REQUIRE_EMULATOR").as_deref() != Some("1"), "{why}");
            eprintln!("\n******** SKIPPED: {why} ********\n");
            return None;
        }
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
        create
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
            .await
            .unwrap();
        name
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[expect(clippy::disallowed_methods, reason = "a switch of the tests, not of the product")]
fn setting(name: &str) -> Option<String> {
    env::var(name).ok()
}
