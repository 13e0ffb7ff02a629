//! A small client of AWS: what deploying needs, by signed requests.

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use serde_json::{Value, json};

pub(super) const REGION: &str = "us-east-1";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// The account's owner, at an endpoint.
pub(super) struct Cloud {
    endpoint: String,
    http: reqwest::Client,
}

impl Cloud {
    pub(super) fn new(endpoint: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), http: reqwest::Client::new() }
    }

    /// One request. What is not a success fails the test with what was said.
    async fn send(
        &self,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> reqwest::Response {
        let response = self.exchange(service, method, path, headers, body).await;
        assert!(response.status().is_success(), "{service} {path}: {}", response.text().await.unwrap());
        response
    }

    /// One request.
    async fn exchange(
        &self,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> reqwest::Response {
        let url = format!("{}{path}", self.endpoint);
        let identity = Credentials::new("test", "test", None, None, "tests").into();
        let mut settings = SigningSettings::default();
        if service == "s3" {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(service)
            .time(UNIX_EPOCH + Duration::from_millis(tieline::clock::now().as_millis().unsigned_abs()))
            .settings(settings)
            .build()
            .unwrap();
        let host = self.endpoint.trim_start_matches("http://");
        let signed = [("host", host)].into_iter().chain(headers.iter().copied());
        let request = SignableRequest::new(method, &url, signed, SignableBody::Bytes(&body)).unwrap();
        let (instructions, _) = sign(request, &parameters.into()).unwrap().into_parts();
        let mut request = self.http.request(method.parse().unwrap(), &url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in instructions.headers() {
            request = request.header(name, value);
        }
        request.send().await.unwrap()
    }

    /// An action of the older services, which are asked by forms and answer XML.
    async fn query(&self, service: &str, version: &str, form: &[(String, String)]) -> String {
        let body = encoded(version, form);
        self.send(service, "POST", "/", &[FORM], body).await.text().await.unwrap()
    }

    pub(super) async fn secret(&self, name: &str, keys: &Value) -> String {
        let headers =
            [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "secretsmanager.CreateSecret")];
        let token = format!("{:032}", name.len());
        let body = json!({"Name": name, "SecretString": keys.to_string(), "ClientRequestToken": token});
        let made = self.send("secretsmanager", "POST", "/", &headers, body.to_string().into_bytes()).await;
        made.json::<Value>().await.unwrap()["ARN"].as_str().unwrap().to_owned()
    }

    /// Puts a message into a queue.
    pub(super) async fn message(&self, queue: &str, text: &Value) {
        let headers =
            [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", "AmazonSQS.SendMessage")];
        let url = format!("{}/000000000000/{queue}", self.endpoint);
        let body = json!({"QueueUrl": url, "MessageBody": text.to_string()}).to_string().into_bytes();
        self.send("sqs", "POST", "/", &headers, body).await;
    }

    pub(super) async fn bucket(&self, name: &str) {
        self.send("s3", "PUT", &format!("/{name}"), &[], Vec::new()).await;
    }

    pub(super) async fn upload(&self, bucket: &str, name: &str, bytes: Vec<u8>) {
        self.send("s3", "PUT", &format!("/{bucket}/{name}"), &[], bytes).await;
    }

    /// What a stack is made of, by its names in the template.
    pub(super) async fn resources(&self, stack: &str) -> BTreeSet<String> {
        let form = [("Action", "ListStackResources"), ("StackName", stack)];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let listed = self.query("cloudformation", "2010-05-15", &form).await;
        all(&listed, "LogicalResourceId").into_iter().collect()
    }

    /// Creates a stack, and waits until it stands.
    pub(super) async fn stack(&self, name: &str, template: &str, parameters: &[(&str, &str)]) {
        self.query("cloudformation", "2010-05-15", &creation(name, template, parameters)).await;
        let form =
            [("Action".to_owned(), "DescribeStacks".to_owned()), ("StackName".to_owned(), name.to_owned())];
        for _ in 0..600 {
            let described = self.query("cloudformation", "2010-05-15", &form).await;
            match &all(&described, "StackStatus")[..] {
                [status] if status == "CREATE_IN_PROGRESS" => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                [status] if status == "CREATE_COMPLETE" => return,
                _ => panic!("{name}: {described}"),
            }
        }
        panic!("{name} was not made within a minute");
    }

    /// Why a stack is not made.
    pub(super) async fn refused(&self, template: &str, parameters: &[(&str, &str)]) -> String {
        let form = encoded("2010-05-15", &creation("refused", template, parameters));
        let answer = self.exchange("cloudformation", "POST", "/", &[FORM], form).await;
        assert_eq!(answer.status(), 400);
        answer.text().await.unwrap()
    }

    /// A function's configuration, as Lambda tells it.
    pub(super) async fn configuration(&self, function: &str) -> Value {
        let path = format!("/2015-03-31/functions/{function}/configuration");
        self.send("lambda", "GET", &path, &[], Vec::new()).await.json().await.unwrap()
    }

    pub(super) async fn set_environment(&self, function: &str, variables: &Value) {
        let path = format!("/2015-03-31/functions/{function}/configuration");
        let body = json!({"Environment": {"Variables": variables}}).to_string().into_bytes();
        self.send("lambda", "PUT", &path, &[("content-type", "application/json")], body).await;
    }

    /// What the function replied, or the error that it raised.
    pub(super) async fn invoke(&self, function: &str, event: &Value) -> Result<Value, Value> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let body = event.to_string().into_bytes();
        let answer = self.send("lambda", "POST", &path, &[("content-type", "application/json")], body).await;
        let failed = answer.headers().contains_key("x-amz-function-error");
        let said = answer.json().await.unwrap();
        if failed { Err(said) } else { Ok(said) }
    }

    /// Every action that the inline policies of a role allow; a batch counts as its single call.
    pub(super) async fn allowed(&self, role: &str) -> BTreeSet<String> {
        let ask = |action: &str| {
            vec![("Action".to_owned(), action.to_owned()), ("RoleName".to_owned(), role.to_owned())]
        };
        let listed = self.query("iam", "2010-05-08", &ask("ListRolePolicies")).await;
        let mut actions = BTreeSet::new();
        for policy in all(&listed, "member") {
            let mut form = ask("GetRolePolicy");
            form.push(("PolicyName".to_owned(), policy));
            let told = self.query("iam", "2010-05-08", &form).await;
            let document = all(&told, "PolicyDocument").remove(0);
            let document =
                percent_encoding::percent_decode_str(&document).decode_utf8().unwrap().into_owned();
            let document = document.replace("&quot;", "\"");
            let document: Value = serde_json::from_str(&document).unwrap();
            for statement in document["Statement"].as_array().unwrap() {
                assert_eq!(statement["Effect"], "Allow");
                let named = match &statement["Action"] {
                    Value::Array(all) => all.clone(),
                    one => vec![one.clone()],
                };
                actions.extend(
                    named.iter().map(|action| action.as_str().unwrap().trim_end_matches("Batch").to_owned()),
                );
            }
        }
        actions
    }
}

/// The form that asks for a stack.
fn creation(name: &str, template: &str, parameters: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut form = vec![
        ("Action".to_owned(), "CreateStack".to_owned()),
        ("StackName".to_owned(), name.to_owned()),
        ("TemplateBody".to_owned(), template.to_owned()),
        ("Capabilities.member.1".to_owned(), "CAPABILITY_IAM".to_owned()),
        ("Capabilities.member.2".to_owned(), "CAPABILITY_AUTO_EXPAND".to_owned()),
    ];
    for (at, (key, value)) in (1..).zip(parameters) {
        form.push((format!("Parameters.member.{at}.ParameterKey"), (*key).to_owned()));
        form.push((format!("Parameters.member.{at}.ParameterValue"), (*value).to_owned()));
    }
    form
}

/// A form as the older services want it.
fn encoded(version: &str, form: &[(String, String)]) -> Vec<u8> {
    let form = form.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let encode = |text| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
    let body =
        form.chain([("Version", version)]).map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    body.collect::<Vec<_>>().join("&").into_bytes()
}

/// The texts of every element of this name.
fn all(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open)
        .skip(1)
        .filter_map(|rest| rest.split_once(&close))
        .map(|(text, _)| text.to_owned())
        .collect()
}
