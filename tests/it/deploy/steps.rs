//! Each step of the template by itself: what it makes, and what it refuses to make.

use super::{cloud::Cloud, template};
use crate::emulator::Emulator;

type Parameters = [(&'static str, &'static str)];

const HOST: (&str, &str) = ("SalesforceHost", "https://org.example.com");
const SUBNETS: (&str, &str) = ("VpcSubnetList", "subnet-0a1b2c3d");
const GROUPS: (&str, &str) = ("VpcSecurityGroupList", "sg-0a1b2c3d");
const QUEUE: (&str, &str) = ("WriteQueueEnabled", "true");
const POLLER: (&str, &str) = ("PollerEnabled", "true");
const IMAGE: (&str, &str) = ("PollerImage", "123456789012.dkr.ecr.us-east-1.amazonaws.com/tieline:1");

const NETWORK: [(&str, &str); 5] = [
    ("PrivateVpcEnabled", "true"),
    SUBNETS,
    GROUPS,
    ("SfInvokeApiReservedConcurrency", "7"),
    ("TracingEnabled", "false"),
];

/// What the smallest stack is made of; `sfInvokeAPI` brings its alias and a version.
const SMALLEST: [&str; 10] = [
    "Credentials",
    "CredentialsAlarm",
    "DailyForecastAlarm",
    "DailyLimitAlarm",
    "ErrorsAlarm",
    "InvokeLogGroup",
    "InvokeRole",
    "ThrottlesAlarm",
    "sfInvokeAPI",
    "sfInvokeAPIAliaslive",
];

#[tokio::test(flavor = "multi_thread")]
async fn each_step_adds_what_it_says() {
    let Some(emulator) = Emulator::start().await else { return };
    let cloud = Cloud::new(emulator.endpoint());
    cloud.bucket("code").await;
    // Nothing of it is called.
    cloud.upload("code", "bootstrap.zip", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec()).await;
    let steps: [(&str, &Parameters, &[&str]); 5] = [
        ("smallest", &[], &[]),
        ("network", &NETWORK, &[]),
        ("cache", &[("CacheEnabled", "true")], &["CacheTable", "InvokeCachePolicy"]),
        (
            "queue",
            &[QUEUE],
            &[
                "Dashboard",
                "DeadLettersAlarm",
                "DeadQueueAlarm",
                "DoubtAlarm",
                "InvokeQueuePolicy",
                "OldestWriteAlarm",
                "StateTable",
                "TielineWorker",
                "TielineWorkerDeadWrites",
                "TielineWorkerWrites",
                "WorkerErrorsAlarm",
                "WorkerLogGroup",
                "WorkerRole",
                "WriteDeadLetterQueue",
                "WriteQueue",
            ],
        ),
        (
            "volume",
            &[QUEUE, POLLER, IMAGE, SUBNETS, GROUPS],
            &[
                "Dashboard",
                "DeadLettersAlarm",
                "DeadQueueAlarm",
                "DoubtAlarm",
                "InvokeQueuePolicy",
                "OldestWriteAlarm",
                "PollerCluster",
                "PollerExecutionRole",
                "PollerService",
                "PollerTask",
                "StateTable",
                "WorkerLogGroup",
                "WorkerRole",
                "WriteDeadLetterQueue",
                "WriteQueue",
            ],
        ),
    ];
    for (name, parameters, added) in steps {
        let parameters: Vec<_> = parameters.iter().copied().chain([HOST]).collect();
        cloud.stack(name, &template(), &parameters).await;
        let made = cloud.resources(name).await;
        let made: Vec<_> =
            made.iter().map(String::as_str).filter(|n| !n.starts_with("sfInvokeAPIVersion")).collect();
        let mut expected: Vec<_> = SMALLEST.iter().chain(added).copied().collect();
        expected.sort_unstable();
        assert_eq!(made, expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_together_is_refused_with_the_reason() {
    let Some(emulator) = Emulator::start().await else { return };
    let cloud = Cloud::new(emulator.endpoint());
    let instance = ("AmazonConnectInstanceId", super::INSTANCE);
    let refused: [(&Parameters, &str); 6] = [
        (&[], "SalesforceHost is needed"),
        (&[HOST, POLLER, IMAGE, SUBNETS, GROUPS], "PollerEnabled needs WriteQueueEnabled"),
        (&[HOST, QUEUE, POLLER, SUBNETS, GROUPS], "PollerEnabled needs PollerImage"),
        (&[HOST, ("ConsoleEnabled", "true")], "ConsoleEnabled needs WriteQueueEnabled"),
        (&[HOST, QUEUE, ("FlowEventsEnabled", "true")], "FlowEventsEnabled needs AmazonConnectInstanceId"),
        (&[HOST, instance, ("FlowEventsEnabled", "true")], "FlowEventsEnabled needs WriteQueueEnabled"),
    ];
    for (parameters, why) in refused {
        let said = cloud.refused(&template(), parameters).await;
        assert!(said.contains(why), "{why}: {said}");
    }
}
