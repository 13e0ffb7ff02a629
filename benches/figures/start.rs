//! Size and start of the function, beside the least that a function can be.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};

use crate::{
    BARE, BOOTSTRAP, Environment,
    function::Function,
    relay::Relay,
    table::{Table, ms, percentile},
};

/// How many processes of each kind are started; their starts alternate, so that a machine which
/// changes its speed changes it for all.
const ROUNDS: usize = 21;

/// Sizes, and times from start to first reply.
pub async fn measure(table: &mut Table, environment: &Environment) -> anyhow::Result<()> {
    let size = |path: &str| Path::new(path).metadata().map(|m| m.len() as f64 / 1e6);
    let (bare, full) = (size(BARE)?, size(BOOTSTRAP)?);
    table.add("start: size of a bare lambda_runtime program", bare, "MB");
    table.add("start: size of bootstrap", full, "MB");
    table.at_most("start: size of bootstrap above bare", full - bare, "MB", 11.0);

    let relay = Relay::tls(environment).await?;
    let (plain, tls) = (&environment.variables, &relay.variables);
    let version = parameters(json!({"sf_operation": "version"}));
    let mut cases = vec![
        ("bare", environment.bare(), plain, json!({})),
        ("version", environment.bootstrap(), plain, version),
        ("lookup", environment.bootstrap(), plain, lookup()),
        ("first phoneLookup", environment.bootstrap(), plain, phone_lookup()),
        ("lookup over TLS", environment.bootstrap(), tls, lookup()),
    ];
    if let Some(command) = &environment.against {
        cases.push(("lookup of the other program", command.clone(), plain, lookup()));
    }
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); cases.len()];
    for _ in 0..ROUNDS {
        for (i, (name, command, variables, event)) in cases.iter().enumerate() {
            let mut function = Function::start(command, variables).await?;
            let reply = function.invoke(event).await?;
            times[i].push(function.since_start());
            anyhow::ensure!(reply.is_ok(), "{name}: {}", reply.unwrap_err());
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|t| ms(percentile(t, 0.5))).collect();
    let bare = medians[0];
    table.add("start: bare, to first reply", bare, "ms");
    table.at_most("start: version, to first reply", medians[1], "ms", bare * 1.5);
    table.at_most("start: lookup, to first reply", medians[2], "ms", bare + 4.0);
    table.at_most("start: first phoneLookup, to first reply", medians[3], "ms", bare + 14.0);
    table.add("start: lookup over TLS, to first reply", medians[4], "ms");
    if let Some(other) = medians.get(5) {
        table.add("start: lookup of the other program, to first reply", *other, "ms");
        table.at_least("start: the other program's lookup over ours", other / medians[2], "×", 30.0);
    }
    Ok(())
}

/// An event with parameters alone.
pub fn parameters(parameters: Value) -> Value {
    json!({"Details": {"Parameters": parameters}})
}

pub fn lookup() -> Value {
    parameters(
        json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id, Name", "Email": "nobody@example.com"}),
    )
}

pub fn phone_lookup() -> Value {
    parameters(json!({"sf_operation": "phoneLookup", "sf_phone": "+12065550100", "sf_fields": "Id, Name"}))
}
