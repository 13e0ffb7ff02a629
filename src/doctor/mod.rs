//! What is wrong with the whole set-up, why, and what cures it.
//!
//! The checks ask and judge nothing; [`rules`] judge what was answered and ask nothing. Nothing is
//! written anywhere: a look at a table and a queue is a read.
//! Who calls it: `tieline doctor` and the console.

use std::time::Duration;

use serde_json::Value;

use crate::clock;
use crate::clock::Deadline;
use crate::config::{Config, ConfigError};
use crate::lambda::{Service, Stores};
use crate::net;
use crate::row::Key;
use crate::salesforce::Client;
use crate::store::Table;
use crate::time::Timestamp;

mod rules;

use rules::page;
pub use rules::{Check, Status};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// An org has hundreds of triggers, not thousands.
const MOST_TRIGGERS: usize = 2000;

/// Objects that most flows write or read; asked about where nobody names others.
pub const OBJECTS: [&str; 3] = ["Contact", "Case", "Task"];

/// What shall be looked at, besides what the configuration names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Objects that flows read or write.
    pub objects: Vec<String>,
    /// Fields that flows read or write, `Case.Origin`.
    pub fields: Vec<String>,
    /// The deployed function that contact flows invoke: name or ARN.
    pub function: Option<String>,
}

/// An environment that cannot be used leaves nothing else to ask.
#[must_use]
pub fn environment(errors: &[ConfigError]) -> Vec<Check> {
    let failed = |e: &ConfigError| {
        let message = e.to_string();
        let (cause, cure) = message.split_once(": ").unwrap_or((&message, "set it as the table says"));
        Check::failed(&format!("environment: {}", e.name), cause, cure, page::CONFIGURATION)
    };
    errors.iter().map(failed).collect()
}

/// Asks everything, in the order in which one thing needs another.
pub async fn examine(service: &Service, asked: &Asked) -> Vec<Check> {
    let (Some(config), Some(client), Some(stores)) = (service.config(), service.client(), service.stores())
    else {
        return Vec::new();
    };
    let mut checks: Vec<_> = config
        .warnings
        .iter()
        .map(|w| {
            Check::warned("environment", w.clone(), "look at the table of variables", page::CONFIGURATION)
        })
        .collect();
    checks.push(rules::version(&config.salesforce.version));
    checks.extend(served(&config.salesforce).await);
    if salesforce(client, &mut checks).await {
        of_objects(config, client, asked, &mut checks).await;
    }
    kept(stores, &mut checks).await;
    if let Some(function) = &asked.function {
        checks.push(rules::invoked_by_connect(function, &policy(function).await));
    }
    checks
}

/// Secret, login, limits. Whether further questions are worth asking.
async fn salesforce(client: &Client, checks: &mut Vec<Check>) -> bool {
    match client.auth().credentials(Deadline::after(PATIENCE)).await {
        Ok(credentials) => checks.push(rules::login_flow(credentials.login.name(), clock::now())),
        Err(fault) => {
            checks.push(rules::secret(&fault));
            return false;
        }
    }
    if let Err(fault) = client.warm(Deadline::after(PATIENCE)).await {
        checks.push(rules::login(&fault));
        return false;
    }
    match client.limits(Deadline::after(PATIENCE)).await.result {
        Ok(limits) => checks.push(rules::limits(&limits)),
        Err(fault) => {
            let reached = !matches!(fault.class, crate::fault::Class::Ours);
            checks.push(rules::login(&fault));
            return reached;
        }
    }
    true
}

/// The versions that the org serves, and its time: it tells both to anyone. Where nothing answers,
/// the login says so.
async fn served(settings: &crate::salesforce::Settings) -> Vec<Check> {
    let ask = async {
        let http = net::client(&settings.host).ok()?;
        let answer =
            http.get(format!("{}/services/data", settings.host)).timeout(PATIENCE).send().await.ok()?;
        let date = answer.headers().get("date").and_then(|date| date.to_str().ok()).map(str::to_owned);
        let now = clock::now();
        Some((answer.json::<Value>().await.unwrap_or_default(), date, now))
    };
    let Some((versions, date, now)) = ask.await else { return Vec::new() };
    let theirs = date.and_then(|date| jiff::fmt::rfc2822::parse(&date).ok());
    let theirs = theirs.map(|date| Timestamp::from_millis(date.timestamp().as_millisecond()));
    let clock = theirs.map(|theirs| rules::clock(now, theirs));
    rules::served(&settings.version, &versions).into_iter().chain(clock).collect()
}

async fn of_objects(config: &Config, client: &Client, asked: &Asked, checks: &mut Vec<Check>) {
    let unique = &config.delivery.modes.unique_fields;
    let fields: Vec<_> = asked.fields.iter().filter_map(|name| name.split_once('.')).collect();
    let mut names: Vec<&str> = unique.keys().chain(&asked.objects).map(String::as_str).collect();
    names.extend(fields.iter().map(|(object, _)| *object));
    names.sort_unstable();
    names.dedup();
    for object in &names {
        match client.describe(object, Deadline::after(PATIENCE)).await.result {
            Ok(description) => {
                checks.push(rules::permissions(object, &description));
                let of_it = fields.iter().filter(|(of, _)| of == object);
                checks.extend(of_it.map(|(_, field)| rules::field(object, field, &description)));
                let key = unique.get(*object);
                checks.extend(key.map(|field| rules::unique_field(object, field, &description)));
            }
            Err(fault) => checks.push(rules::no_object(object, &fault)),
        }
    }
    let triggers = "SELECT Name, TableEnumOrId FROM ApexTrigger WHERE Status = 'Active'";
    let found = client.query(triggers, MOST_TRIGGERS, Deadline::after(PATIENCE)).await.result;
    checks.push(rules::triggers(&names, found.as_ref().map(|found| &found.records[..])));
}

/// The tables and queues that are configured.
async fn kept(stores: &Stores, checks: &mut Vec<Check>) {
    let now = clock::now();
    for (name, table) in [("state table", &stores.state), ("cache table", &stores.cache)] {
        let Some(table) = table else { continue };
        checks.push(look(name, &**table).await);
    }
    for (name, queue) in [("queue", &stores.queue), ("dead-letter queue", &stores.letters)] {
        let Some(queue) = queue else { continue };
        checks.push(match queue.depth(now).await {
            Ok(depth) => rules::queue(name, depth),
            Err(error) => rules::unreachable(name, &error.to_string()),
        });
    }
}

/// What may invoke a function: its policy, or why it cannot be read.
async fn policy(function: &str) -> Result<Value, String> {
    let deadline = Deadline::after(PATIENCE);
    let config = net::aws::config().await;
    let region = config.region().map(ToString::to_string).ok_or("AWS_REGION is not set")?;
    let origin = match config.endpoint_url() {
        Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
        None => format!("https://lambda.{region}.amazonaws.com"),
    };
    let name = percent_encoding::utf8_percent_encode(function, percent_encoding::NON_ALPHANUMERIC);
    let url = format!("{origin}/2015-03-31/functions/{name}/policy");
    let identity = net::aws::identity(deadline).await?;
    let signature = net::aws::signed(&identity, "lambda", &region, "GET", &url, "", clock::now())?;
    let mut request = net::client(&url).map_err(|e| e.to_string())?.get(&url);
    request = request.header("content-type", "application/json").timeout(PATIENCE);
    for (name, value) in signature {
        request = request.header(name, value);
    }
    let answer = request.send().await.map_err(reason)?;
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.map_err(reason)?;
    match (status, body.get("Policy").and_then(Value::as_str)) {
        (200, Some(policy)) => serde_json::from_str(policy).map_err(|e| e.to_string()),
        // A function without a policy has none to show.
        (404, _) if body.to_string().contains("policy") => Ok(Value::Null),
        _ => {
            Err(format!("Lambda answers {status}: {}", body["Message"].as_str().unwrap_or("no reason given")))
        }
    }
}

/// The innermost cause says what happened; what is around it says that something did.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Dead letters, doubts and runs are found by the index of the state table alone.
async fn look(name: &str, table: &dyn Table) -> Check {
    let (now, nowhere) = (clock::now(), Key { partition: "doctor".to_owned(), sort: "doctor".to_owned() });
    let answered = match table.get(&nowhere, now).await {
        Ok(_) if name == "state table" => table.list_index("doctor", None, false, 1, now).await.map(drop),
        answered => answered.map(drop),
    };
    match answered {
        Ok(()) => Check::good(name, "it answers"),
        Err(error) => rules::unreachable(name, &error.to_string()),
    }
}

#[cfg(test)]
mod tests;
