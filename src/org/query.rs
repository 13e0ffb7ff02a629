//! `/query`, `/queryAll`, `/search` and `/parameterizedSearch`: the engine answers, this pages.

use serde_json::{Map, Value, json};

use crate::org::ask::{Answer, Ask, Call, Said, unreadable};
use crate::org::data::Tx;
use crate::org::error::OrgError;
use crate::org::wire::Method;
use crate::org::{hold, pages};

/// A query, a further page of one, or its plan.
pub(super) fn answer(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>, rest: &[&str]) -> Answer {
    let all = ask.path().first().is_some_and(|s| *s == "queryAll");
    match rest {
        [] => {}
        [place] => return Ok(Said::ok(hold(&call.org.pages).further(&ask.root(), place, page_size(ask))?)),
        _ => return Err(OrgError::not_found().into()),
    }
    if let Some(soql) = ask.target.param("explain") {
        return explain(call, tx, ask, soql);
    }
    let soql = ask
        .target
        .param("q")
        .ok_or_else(|| OrgError::new("MALFORMED_QUERY", "A query string has to be specified"))?;
    let rows = tx.query(&call.context(ask), soql, all)?;
    if rows.viewed {
        for id in rows.records.iter().rev().filter_map(|record| record["Id"].as_str()) {
            call.org.view(&rows.object, id);
        }
    }
    let size = page_size(ask);
    Ok(Said::ok(hold(&call.org.pages).first(&ask.root(), rows, size)))
}

fn page_size(ask: &Ask<'_>) -> usize {
    let wanted = ask.headers.option("sforce-query-options", "batchSize").and_then(|n| n.parse().ok());
    wanted.unwrap_or(pages::MOST).clamp(pages::FEWEST, pages::MOST)
}

/// `?explain=`: the query must be right; the plan is always the same, a scan.
fn explain(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>, soql: &str) -> Answer {
    let rows = tx.query(&call.context(ask), soql, false)?;
    let count = format!("SELECT COUNT() FROM {}", rows.object);
    let all = tx.query(&call.context(ask), &count, false)?.total_size;
    Ok(Said::ok(json!({
        "plans": [{
            "cardinality": rows.total_size, "fields": [], "leadingOperationType": "TableScan", "notes": [],
            "relativeCost": 1.0, "sobjectCardinality": all, "sobjectType": rows.object,
        }],
        "sourceQuery": soql,
    })))
}

/// `GET /search?q=FIND…`.
pub(super) fn search(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>) -> Answer {
    let sosl = ask
        .target
        .param("q")
        .ok_or_else(|| OrgError::new("MALFORMED_SEARCH", "A search string has to be specified"))?;
    let found = tx.search(&call.context(ask), sosl)?;
    // Up to version 36 the answer was the bare list.
    Ok(Said::ok(if ask.version < 37 { Value::Array(found) } else { json!({"searchRecords": found}) }))
}

/// `/parameterizedSearch`, whose parameters may also stand in the URL.
pub(super) fn parameterized(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>) -> Answer {
    if ask.version < 36 {
        return Err(OrgError::not_found().into());
    }
    let body = if ask.method == Method::Post {
        Value::Object(ask.object()?.clone())
    } else {
        Value::Object(from_parameters(&ask.target.params)?)
    };
    let found = tx.parameterized_search(&call.context(ask), &body)?;
    Ok(Said::ok(if ask.version < 37 { found["searchRecords"].clone() } else { found }))
}

/// Brings `?q=…&sobject=Account&Account.fields=Id,Name` into the form of the POST body.
fn from_parameters(params: &[(String, String)]) -> Result<Map<String, Value>, OrgError> {
    let list = |text: &str| -> Value { text.split(',').map(|f| Value::from(f.trim())).collect() };
    let number = |name: &str, text: &str| {
        text.parse::<u64>().map(Value::from).map_err(|_| unreadable(format!("{name} is no whole number")))
    };
    let mut body = Map::new();
    let mut objects: Vec<Map<String, Value>> = Vec::new();
    for (name, value) in params {
        let value = match name.as_str() {
            "sobject" => {
                objects.push(Map::from_iter([("name".to_owned(), Value::from(value.as_str()))]));
                continue;
            }
            "fields" => list(value),
            "overallLimit" | "defaultLimit" | "offset" => number(name, value)?,
            "spellCorrection" => value.eq_ignore_ascii_case("true").into(),
            "q" | "in" | "metadata" => value.as_str().into(),
            // Others of the documented parameters change nothing that this org knows.
            _ => continue,
        };
        body.insert(name.clone(), value);
    }
    for (name, value) in params {
        let Some((object, part)) = name.split_once('.') else { continue };
        let place = objects
            .iter_mut()
            .find(|o| o.get("name").and_then(Value::as_str).is_some_and(|n| n.eq_ignore_ascii_case(object)));
        let place = place.ok_or_else(|| {
            unreadable(format!("{name} concerns an object that no sobject parameter names"))
        })?;
        let value = match part {
            "fields" => list(value),
            "limit" => number(name, value)?,
            _ => value.as_str().into(),
        };
        place.insert(part.to_owned(), value);
    }
    if !objects.is_empty() {
        body.insert("sobjects".to_owned(), objects.into_iter().map(Value::Object).collect());
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::wire::form;

    #[test]
    fn parameters_of_a_url_take_the_form_of_the_body() {
        let params = form(
            "q=Acme&in=NAME&sobject=Account&sobject=Contact&Account.fields=Id,Name&Account.limit=5&overallLimit=9",
        );
        let body = Value::Object(from_parameters(&params).unwrap());
        assert_eq!(
            body,
            json!({"q": "Acme", "in": "NAME", "overallLimit": 9, "sobjects": [
                {"name": "Account", "fields": ["Id", "Name"], "limit": 5}, {"name": "Contact"}]})
        );
        assert!(from_parameters(&form("q=a&Lead.limit=1")).is_err());
        assert!(from_parameters(&form("q=a&overallLimit=many")).is_err());
    }
}
