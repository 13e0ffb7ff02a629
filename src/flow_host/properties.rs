//! The property store and the counters of an agent, which all flows of that agent share.
//!
//! What flows write stands under keys of its own (`user.`), apart from anything that the desktop
//! may keep for itself: clearing all properties must not break it.

use serde_json::{Map, Value, json};

use super::rows::{decode, encode};
use super::{Error, Host};
use crate::flow::run::{Event, Exception, StoreCall};
use crate::row::{Key, Row};
use crate::store::{Expect, PutError};
use crate::time::Timestamp;

const USER: &str = "user.";
const COUNTER: &str = "counter.";
/// Most properties of an agent that a run is given, and that are read at once.
const MOST: usize = 1000;
/// Longest value of a property, in bytes of JSON.
const LONGEST: usize = 64 << 10;
/// How often a counter is tried when others count at the same time.
const TRIES: usize = 20;
/// What flows may read and not write.
const BUILT_IN: [&str; 1] = ["userProfile"];

/// Whose store a run works on.
pub(super) fn owner(event: &Event) -> String {
    ["username", "agentARN", "name"]
        .iter()
        .find_map(|key| event.agent.get(key)?.as_str())
        .filter(|name| !name.is_empty())
        .unwrap_or("-")
        .to_owned()
}

impl Host {
    /// Everything that flows of this agent have stored.
    pub(super) async fn properties(&self, owner: &str, now: Timestamp) -> Result<Map<String, Value>, Error> {
        let rows = self.0.table.list(&partition(owner), USER, None, MOST, now).await?;
        rows.iter()
            .map(|row| {
                let name = row.key.sort.strip_prefix(USER).unwrap_or_default();
                Ok((name.to_owned(), decode(&row.data)?))
            })
            .collect()
    }

    /// Carries out a call to the store.
    pub(super) async fn store(
        &self,
        owner: &str,
        call: &StoreCall,
        event: &Event,
        now: Timestamp,
    ) -> Result<Option<Value>, Exception> {
        self.try_store(owner, call, event, now).await.map_err(|error| match error {
            Error::Asked(why) => Exception::new("Refused", why),
            other => Exception::new("StoreUnavailable", other.to_string()),
        })
    }

    async fn try_store(
        &self,
        owner: &str,
        call: &StoreCall,
        event: &Event,
        now: Timestamp,
    ) -> Result<Option<Value>, Error> {
        let table = &self.0.table;
        match call {
            StoreCall::Get { key } if BUILT_IN.contains(&key.as_str()) => Ok(event.agent.get(key).cloned()),
            StoreCall::Get { key } => {
                let row = table.get(&at(owner, USER, key), now).await?;
                Ok(row.map(|row| decode(&row.data)).transpose()?)
            }
            StoreCall::Set { key, .. } if BUILT_IN.contains(&key.as_str()) => {
                Err(Error::Asked(format!("The property {key} is read-only; use another key.")))
            }
            StoreCall::Set { key, value } => {
                let data = encode(value)?;
                if value.to_string().len() > LONGEST {
                    return Err(Error::Asked(format!("A property holds up to {LONGEST} bytes.")));
                }
                let row = Row {
                    key: at(owner, USER, key),
                    version: version(now),
                    data,
                    index: None,
                    expires: None,
                };
                match table.put(&row, Expect::Anything, now).await {
                    Ok(()) | Err(PutError::Conflict(_)) => Ok(None),
                    Err(PutError::Store(error)) => Err(error.into()),
                }
            }
            StoreCall::Unset { key } => {
                table.remove(&at(owner, USER, key), now).await?;
                Ok(None)
            }
            StoreCall::All => Ok(Some(Value::Object(self.properties(owner, now).await?))),
            StoreCall::Clear => loop {
                let rows = table.list(&partition(owner), USER, None, MOST, now).await?;
                for row in &rows {
                    table.remove(&row.key, now).await?;
                }
                if rows.len() < MOST {
                    return Ok(None);
                }
            },
            StoreCall::Counter { name } => {
                let row = table.get(&at(owner, COUNTER, name), now).await?;
                Ok(row.map(|row| decode(&row.data)).transpose()?)
            }
            StoreCall::Count { name, step } => {
                self.count(&at(owner, COUNTER, name), *step, now).await.map(Some)
            }
        }
    }

    /// Adds to a counter; two that count at once are both counted.
    async fn count(&self, key: &Key, step: f64, now: Timestamp) -> Result<Value, Error> {
        let mut stands = self.0.table.get(key, now).await?;
        for _ in 0..TRIES {
            let (before, expect, next) = match &stands {
                Some(row) => (decode::<f64>(&row.data)?, Expect::Version(row.version), row.version + 1),
                None => (0.0, Expect::Absent, 1),
            };
            let value = crate::flow::run::value::from_number(before + step).unwrap_or_else(|| json!(0));
            let row =
                Row { key: key.clone(), version: next, data: encode(&value)?, index: None, expires: None };
            match self.0.table.put(&row, expect, now).await {
                Ok(()) => return Ok(value),
                Err(PutError::Conflict(other)) => stands = other.map(|row| *row),
                Err(PutError::Store(error)) => return Err(error.into()),
            }
        }
        Err(Error::Asked("Too many runs count at once; try again.".to_owned()))
    }
}

fn partition(owner: &str) -> String {
    format!("flow-properties#{owner}")
}

fn at(owner: &str, kind: &str, name: &str) -> Key {
    Key { partition: partition(owner), sort: format!("{kind}{name}") }
}

/// The last write wins; versions must rise, and time does.
fn version(now: Timestamp) -> u64 {
    now.as_millis().unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow_host::Settings;
    use crate::store::sqlite::Sqlite;

    const NOW: Timestamp = Timestamp::from_millis(1_795_170_000_000);

    #[tokio::test]
    async fn clearing_takes_all_that_flows_have_put_there_and_no_counter() {
        let host = Host::new(Settings::default(), Sqlite::in_memory().unwrap().table("state"), None, None);
        let ask = async |call: StoreCall| host.store("ada", &call, &Event::default(), NOW).await.unwrap();
        for number in 0..=MOST {
            ask(StoreCall::Set { key: format!("k{number}"), value: json!(number) }).await;
        }
        ask(StoreCall::Count { name: "calls".to_owned(), step: 2.0 }).await;
        ask(StoreCall::Clear).await;
        assert_eq!(ask(StoreCall::All).await, Some(json!({})));
        assert_eq!(ask(StoreCall::Counter { name: "calls".to_owned() }).await, Some(json!(2)));
    }

    #[tokio::test]
    async fn the_last_of_two_writes_at_once_stands() {
        let host = Host::new(Settings::default(), Sqlite::in_memory().unwrap().table("state"), None, None);
        let ask = async |call: StoreCall| host.store("ada", &call, &Event::default(), NOW).await.unwrap();
        for value in [json!(1), json!(2)] {
            ask(StoreCall::Set { key: "k".to_owned(), value }).await;
        }
        assert_eq!(ask(StoreCall::Get { key: "k".to_owned() }).await, Some(json!(2)));
    }
}
