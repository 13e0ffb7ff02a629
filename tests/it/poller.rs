//! `tieline worker` as a service: what it does beside draining the queue.

use std::{process::Stdio, time::Duration};

use tieline::{
    clock,
    store::{Message, aws::Aws},
};
use tokio::process::Command;

use crate::emulator::Emulator;

/// A message that killed workers again and again becomes a dead letter by the poller alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_dead_letter_queue_is_emptied_into_records() {
    let Some(emulator) = Emulator::start().await else { return };
    let (queue, dead) = (emulator.new_queue().await, emulator.new_queue().await);
    let table = emulator.new_table().await;
    let letters = Aws::with(emulator.config().await).queue(&dead);
    let message = Message {
        group: "g".to_owned(),
        deduplication_id: "garbage".to_owned(),
        body: "no envelope".to_owned(),
    };
    for sent in letters.send(&[message], clock::now()).await {
        sent.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.json");
    std::fs::write(&secret, r#"{"ConsumerKey":"k","ConsumerSecret":"s"}"#).unwrap();
    let tieline = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieline"));
        command.args(arguments).env_clear().envs([
            ("SF_HOST", "http://127.0.0.1:9"),
            ("SF_VERSION", "v66.0"),
            ("TIELINE_SECRET_FILE", secret.to_str().unwrap()),
            ("TIELINE_STATE_TABLE", table.as_str()),
            ("TIELINE_QUEUE_URL", queue.as_str()),
            ("TIELINE_DLQ_URL", dead.as_str()),
            ("AWS_ENDPOINT_URL", emulator.endpoint()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]);
        command
    };
    let quiet = |command: &mut Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn()
    };
    let _poller = quiet(&mut tieline(&["worker"])).unwrap();
    for _ in 0..100 {
        let listed = tieline(&["dlq", "list"]).output().await.unwrap();
        if String::from_utf8_lossy(&listed.stdout).contains("MALFORMED") {
            let depth = letters.depth(clock::now()).await.unwrap();
            assert_eq!(depth.visible, 0);
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("the message is no dead letter");
}
