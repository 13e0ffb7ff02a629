//! `/composite/batch` and `/connect/batch`: up to 25 subrequests that know nothing of each other.
//! They save round trips and no calls: each counts against its limit.

use serde_json::{Value, json};

use crate::org::ask::{Answer, Ask, Call, Headers, Said, unreadable};
use crate::org::call::{count, exceeded, version_of};
use crate::org::data::Tx;
use crate::org::error::OrgError;
use crate::org::rest;
use crate::org::wire::{Method, Target};

const MOST: usize = 25;

pub(super) fn answer(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>) -> Answer {
    let connect = ask.path().first().is_some_and(|s| *s == "connect");
    let body = ask.object()?;
    let halt = body.get("haltOnError").and_then(Value::as_bool).unwrap_or(false);
    let Some(Value::Array(list)) = body.get("batchRequests") else {
        return Err(unreadable("The body has no list batchRequests").into());
    };
    if list.len() > MOST {
        let text = format!("A batch may hold {MOST} subrequests; this one holds {}", list.len());
        return Err(OrgError::new("LIMIT_EXCEEDED", text).into());
    }
    // One that is malformed refuses them all.
    let asks = list.iter().map(|item| read(item, connect)).collect::<Result<Vec<_>, _>>()?;
    let mut halted = false;
    let mut errors = false;
    let mut results = Vec::with_capacity(asks.len());
    for (at, ask) in asks.iter().enumerate() {
        let said = if halted {
            let text = "Batch processing was halted because an earlier request failed";
            Said::refused(&[OrgError::new("BATCH_PROCESSING_HALTED", text).status(412)])
        } else {
            // The call itself was counted at the door and stands for the first; Chatter's hour is
            // another matter.
            let counted = at == 0 && ask.path().first() != Some(&"chatter");
            let room =
                if counted { Ok(()) } else { count(call.org, &ask.target, call.session, call.context.now) };
            match room {
                Err(which) => exceeded(which),
                Ok(()) => one(call, tx, ask),
            }
        };
        let failed = said.status >= 300;
        errors |= failed;
        halted |= failed && halt;
        results.push(json!({"statusCode": said.status, "result": said.body}));
    }
    Ok(Said::ok(json!({"hasErrors": errors, "results": results})))
}

fn one(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>) -> Said {
    call.trial(tx, || {
        let said = rest::answer(call, tx, ask);
        let keep = said.status < 300;
        (said, keep)
    })
    .unwrap_or_else(|error| Said::refused(&[error]))
}

/// Reads one subrequest. Its URL may begin with `/services/data/vXX.X/`, `/vXX.X/` or `vXX.X/`.
fn read(item: &Value, connect: bool) -> Result<Ask<'static>, OrgError> {
    let invalid = |text: String| OrgError::new("INVALID_INPUT", text);
    let url = item
        .get("url")
        .and_then(Value::as_str)
        .ok_or_else(|| invalid("A subrequest has no url".to_owned()))?;
    let tail = url.trim_start_matches('/');
    let tail = tail.strip_prefix("services/data/").unwrap_or(tail);
    let target = Target::parse(&format!("/services/data/{tail}"));
    let version = target.segments.get(2).map_or("", String::as_str);
    let version =
        version_of(version).map_err(|_| invalid(format!("The url {url} does not begin with a version")))?;
    let verb = item.get("method").and_then(Value::as_str).unwrap_or_default();
    let method = Method::parse(&verb.to_ascii_uppercase());
    if method == Method::Other {
        return Err(invalid(format!(
            "The method of the subrequest {url} is not one of GET, POST, PUT, PATCH, DELETE"
        )));
    }
    let resource = target.segments.get(3).map_or("", String::as_str);
    let nested = target.segments.get(4).is_some_and(|s| s == "batch");
    let allowed = match resource {
        "chatter" | "connect" => !nested,
        "composite" => false,
        _ => !connect,
    };
    if !allowed {
        return Err(invalid(format!("The resource {url} is not supported in a batch request")));
    }
    let body = item.get("richInput").filter(|b| !b.is_null() && b.as_str() != Some("")).cloned();
    Ok(Ask { method, target, version, headers: Headers::Sub(None), body })
}
