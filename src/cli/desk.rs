//! Opens what the commands of the person in charge work on: the deployment that the environment
//! names, else the folder of local mode.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};

use super::DataDir;
use crate::config;
use crate::replay::Desk;
use crate::salesforce::{Auth, Client, Http};
use crate::store::aws::Aws;
use crate::store::sqlite::Sqlite;
use crate::store::{Queue, sqlite};
use crate::time::Timestamp;

pub(super) struct Opened {
    pub(super) desk: Desk,
    /// The queue's own dead-letter queue.
    pub(super) dead: Option<Arc<dyn Queue>>,
}

pub(super) fn open(data: &DataDir) -> anyhow::Result<Opened> {
    let environment: BTreeMap<_, _> = config::environment().collect();
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    let by = person();
    let client = |config: &config::Config| {
        let auth = Auth::new(config.salesforce.clone(), config.vault.clone(), None);
        Client::new(config.salesforce.clone(), auth, Arc::new(Http))
    };
    if set("TIELINE_STATE_TABLE").is_some() {
        let config = config::of_process().map_err(|errors| {
            let all: Vec<_> = errors.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("the configuration is wrong: {}", all.join("; "))
        })?;
        let aws = Aws::new();
        let stores = &config.stores;
        let state = stores.state_table.as_ref().context("TIELINE_STATE_TABLE is empty")?;
        let desk = Desk {
            state: aws.table(state),
            queue: stores.queue_url.as_ref().map(|url| aws.queue(url)),
            cache: stores.cache_table.as_ref().map(|name| aws.table(name)),
            client: Some(client(&config)),
            by,
        };
        return Ok(Opened { desk, dead: stores.dlq_url.as_ref().map(|url| aws.queue(url)) });
    }
    if !data.data_dir.is_dir() {
        bail!(
            "there is no folder {} and TIELINE_STATE_TABLE is not set: run this where `tieline local` runs, name \
             its folder with --data-dir, or set the variables of the deployment",
            data.data_dir.display()
        );
    }
    let store = Sqlite::visit(&data.data_dir)?;
    // Without SF_HOST the org is the simulated one, which nobody else changes.
    let client = set("SF_HOST").and_then(|_| config::of_process().ok()).map(|config| client(&config));
    let desk = Desk {
        state: store.table(sqlite::STATE),
        queue: Some(store.queue(sqlite::WRITES)),
        cache: Some(store.table(sqlite::CACHE)),
        client,
        by,
    };
    Ok(Opened { desk, dead: Some(store.queue(sqlite::DEAD_WRITES)) })
}

/// Who runs this command, as the history names them.
pub(super) fn person() -> String {
    let environment: BTreeMap<_, _> = config::environment().collect();
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    set("USER").or_else(|| set("LOGNAME")).cloned().unwrap_or_else(|| "somebody".to_owned())
}

/// A point in time as people type it: RFC 3339 or a date, or how long ago (`90s`, `15m`, `2h`, `3d`).
pub(super) fn parse_time(text: &str) -> Result<Timestamp, String> {
    time_at(text, crate::clock::now())
}

fn time_at(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let wrong = || {
        format!("`{text}` is no time: write 2026-11-20T09:00:00Z, 2026-11-20, or how long ago: 15m, 2h, 3d")
    };
    let unit = |unit: char| match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(86_400),
        _ => None,
    };
    let mut digits = text.chars();
    if let Some(seconds) = digits.next_back().and_then(unit)
        && let Ok(count) = digits.as_str().parse::<u64>()
    {
        return Ok(now.minus(Duration::from_secs(count.saturating_mul(seconds))));
    }
    let at: jiff::Timestamp =
        text.parse().or_else(|_| format!("{text}T00:00:00Z").parse()).map_err(|_| wrong())?;
    Ok(Timestamp::from_millis(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_type_them() {
        let now = Timestamp::from_millis(1_795_170_000_000);
        let read = |text| time_at(text, now).unwrap();
        assert_eq!(read("2026-11-20T10:20:00Z").to_rfc3339(), "2026-11-20T10:20:00.000Z");
        assert_eq!(read("2026-11-20").to_rfc3339(), "2026-11-20T00:00:00.000Z");
        assert_eq!(now.since(read("2h")), Duration::from_secs(7200));
        for bad in ["", "h", "yesterday", "-2h", "2w", "é", "99999999999999999999d"] {
            assert!(time_at(bad, now).is_err(), "{bad}");
        }
    }
}
