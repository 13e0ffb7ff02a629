//! What is wrong with the whole set-up, why, and what cures it.
//!
//! The checks ask and judge nothing; [`rules`] judge what was answered and ask nothing. Nothing is
//! written anywhere: a look at a table and a queue is a read.
//! Who calls it: `tieline doctor` and the console.

use std::time::Duration;

use crate::clock;
use crate::clock::Deadline;
use crate::config::Config;
use crate::config::ConfigError;
use crate::lambda::Service;
use crate::lambda::Stores;
use crate::row::Key;
use crate::salesforce::Client;
use crate::store::Table;

mod rules;

pub use rules::Check;
pub use rules::Status;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Objects that most flows write or read; asked about where nobody names others.
pub const OBJECTS: [&str; 3] = ["Contact", "Case", "Task"];

/// An environment that cannot be used leaves nothing else to ask.
#[must_use]
pub fn environment(errors: &[ConfigError]) -> Vec<Check> {
    let failed = |e: &ConfigError| {
        Check::failed(
            &format!("environment: {}", e.name),
            e.to_string(),
            "set the variable as the message says",
        )
    };
    errors.iter().map(failed).collect()
}

/// Asks everything, in the order in which one thing needs another.
pub async fn examine(service: &Service, objects: &[String]) -> Vec<Check> {
    let (Some(config), Some(client), Some(stores)) = (service.config(), service.client(), service.stores())
    else {
        return Vec::new();
    };
    let mut checks: Vec<_> = config
        .warnings
        .iter()
        .map(|w| Check::warned("environment", w.clone(), "see the table of variables"))
        .collect();
    checks.push(rules::version(&config.salesforce.version));
    if salesforce(client, &mut checks).await {
        of_objects(config, client, objects, &mut checks).await;
    }
    kept(stores, &mut checks).await;
    checks
}

/// Secret, login, limits. Whether further questions are worth asking.
async fn salesforce(client: &Client, checks: &mut Vec<Check>) -> bool {
    match client.auth().credentials(Deadline::after(PATIENCE)).await {
        Ok(credentials) => checks.push(rules::login_flow(credentials.login.name())),
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

async fn of_objects(config: &Config, client: &Client, objects: &[String], checks: &mut Vec<Check>) {
    let unique = &config.delivery.modes.unique_fields;
    let mut names: Vec<&String> = unique.keys().chain(objects).collect();
    names.sort_unstable();
    names.dedup();
    for object in names {
        match client.describe(object, Deadline::after(PATIENCE)).await.result {
            Ok(description) => {
                checks.push(rules::permissions(object, &description));
                checks
                    .extend(unique.get(object).map(|field| rules::unique_field(object, field, &description)));
            }
            Err(fault) => checks.push(rules::no_object(object, &fault)),
        }
    }
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
            Ok(depth) => rules::depth(name, depth.visible + depth.in_flight),
            Err(error) => rules::unreachable(name, &error.to_string()),
        });
    }
}

async fn look(name: &str, table: &dyn Table) -> Check {
    let nowhere = Key { partition: "doctor".to_owned(), sort: "doctor".to_owned() };
    match table.get(&nowhere, clock::now()).await {
        Ok(_) => Check::good(name, "it answers"),
        Err(error) => rules::unreachable(name, &error.to_string()),
    }
}

#[cfg(test)]
mod tests;
