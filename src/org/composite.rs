//! `/composite`: up to 25 subrequests in one call, where later ones may use what earlier ones said.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use crate::org::ask::{Answer, Ask, Call, Headers, Said, unreadable};
use crate::org::call::version_of;
use crate::org::data::Tx;
use crate::org::error::OrgError;
use crate::org::wire::{Method, Target};
use crate::org::{reference, rest};

/// Subrequests in one call.
const MOST: usize = 25;
/// Collections and queries among them.
const MOST_WIDE: usize = 5;

/// One subrequest as it was given.
#[derive(Debug)]
pub(super) struct Sub<'a> {
    method: Method,
    target: Target,
    version: u32,
    pub(super) reference: &'a str,
    body: Option<&'a Value>,
    headers: Option<&'a Map<String, Value>>,
}

pub(super) fn answer(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>) -> Answer {
    let body = ask.object()?;
    let flag = |name: &str, default: bool| match body.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(unreadable(format!("{name} is no boolean"))),
    };
    let all_or_none = flag("allOrNone", false)?;
    let collate = flag("collateSubrequests", ask.version >= 49)?;
    let subs = match read(body).and_then(|subs| few_enough(&subs).map(|()| subs)) {
        Ok(subs) => subs,
        // JSON of another shape never becomes a composite; the rest is refused in its shape.
        Err(error) if error.code == "JSON_PARSER_ERROR" => return Err(error.into()),
        Err(error) => {
            let said = Said::refused(&[error]);
            let all = json!([told(said.clone(), None)]);
            return Ok(Said::new(said.status, json!({"compositeResponse": all})));
        }
    };
    let order = if collate { collated(&subs) } else { (0..subs.len()).collect() };
    let (results, _) = run(call, tx, &subs, &order, all_or_none)?;
    Ok(Said::ok(json!({"compositeResponse": results})))
}

fn few_enough(subs: &[Sub<'_>]) -> Result<(), OrgError> {
    if subs.len() > MOST {
        let text = format!("The request can’t contain more than {MOST} operations.");
        return Err(OrgError::new("LIMIT_EXCEEDED", text));
    }
    if subs.iter().filter(|s| s.is_wide()).count() > MOST_WIDE {
        let text = format!("The request can’t contain more than {MOST_WIDE} collections and queries.");
        return Err(OrgError::new("LIMIT_EXCEEDED", text));
    }
    match subs.iter().find(|s| !s.is_allowed()) {
        Some(sub) => {
            Err(invalid(format!("The resource {} is not supported in a composite request", sub.target.path)))
        }
        None => Ok(()),
    }
}

/// Reads `compositeRequest`; a subrequest that is not well-formed refuses the whole call.
pub(super) fn read(body: &Map<String, Value>) -> Result<Vec<Sub<'_>>, OrgError> {
    let Some(Value::Array(list)) = body.get("compositeRequest") else {
        return Err(unreadable("The body has no list compositeRequest"));
    };
    let mut names = HashSet::new();
    list.iter()
        .map(|item| {
            let sub = read_one(item)?;
            if names.insert(sub.reference) {
                Ok(sub)
            } else {
                Err(invalid(format!("The referenceId {} is used twice", sub.reference)))
            }
        })
        .collect()
}

fn invalid(message: String) -> OrgError {
    OrgError::new("INVALID_INPUT", message)
}

fn read_one(item: &Value) -> Result<Sub<'_>, OrgError> {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let item = item.as_object().map(|_| item).ok_or_else(|| unreadable("A subrequest is no object"))?;
    let reference = text("referenceId").unwrap_or_default();
    let mut letters = reference.chars();
    let named = letters.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !named {
        return Err(invalid(format!(
            "Provided referenceId ('{reference}') must start with a letter or a number, and it can contain only letters, numbers and underscores ('_')."
        )));
    }
    let url = text("url").ok_or_else(|| invalid(format!("The subrequest {reference} has no url")))?;
    let target = Target::parse(url);
    let version = match target.segments.as_slice() {
        [services, data, version, ..] if services == "services" && data == "data" => version_of(version).ok(),
        _ => None,
    };
    let version = version.ok_or_else(|| {
        invalid(format!("The url of the subrequest {reference} does not begin with /services/data/vXX.X/"))
    })?;
    let method = Method::parse(text("method").unwrap_or_default());
    if matches!(method, Method::Other | Method::Head) {
        return Err(invalid(format!(
            "The method of the subrequest {reference} is not one of GET, POST, PUT, PATCH, DELETE"
        )));
    }
    let headers = item.get("httpHeaders").and_then(Value::as_object);
    let forbidden = ["accept", "authorization", "content-type"];
    if let Some(name) =
        headers.and_then(|h| h.keys().find(|n| forbidden.contains(&n.to_ascii_lowercase().as_str())))
    {
        return Err(invalid(format!("The header {name} is not allowed in the subrequest {reference}")));
    }
    Ok(Sub { method, target, version, reference, body: item.get("body").filter(|b| !b.is_null()), headers })
}

impl Sub<'_> {
    fn segment(&self, at: usize) -> &str {
        self.target.segments.get(at + 3).map_or("", String::as_str)
    }

    /// Collections, queries and their further pages.
    fn is_wide(&self) -> bool {
        matches!(self.segment(0), "composite" | "query" | "queryAll")
    }

    fn is_allowed(&self) -> bool {
        match self.segment(0) {
            "sobjects" | "query" | "queryAll" => true,
            "composite" => self.segment(1) == "sobjects",
            _ => false,
        }
    }

    /// Whether the rows it names are single ones, as graphs want it.
    pub(super) fn is_row(&self) -> bool {
        let rows = !matches!(self.segment(2), "describe" | "updated" | "deleted");
        self.segment(0) == "sobjects" && !self.segment(1).is_empty() && rows
    }

    /// What graphs count as of one kind: the verb, the version and the object.
    pub(super) fn kind(&self) -> (Method, u32, String) {
        (self.method, self.version, self.segment(1).to_ascii_lowercase())
    }

    /// The subrequests whose answers it uses.
    pub(super) fn references(&self) -> Vec<String> {
        let mut names = Vec::new();
        for text in self.target.segments.iter().chain(self.target.params.iter().map(|(_, v)| v)) {
            reference::names(text, &mut names);
        }
        if let Some(body) = self.body {
            reference::names_in(body, &mut names);
        }
        names
    }
}

/// The order in which Salesforce works where it may collate: subrequests of one verb and version on
/// single rows are drawn together to the first of them, unless they are tied by a reference or
/// carry headers.
fn collated(subs: &[Sub<'_>]) -> Vec<usize> {
    let tied: HashSet<String> = subs.iter().flat_map(Sub::references).collect();
    let loose = |s: &Sub<'_>| {
        s.is_row()
            && s.headers.is_none_or(Map::is_empty)
            && s.references().is_empty()
            && !tied.contains(s.reference)
    };
    let mut order = Vec::with_capacity(subs.len());
    let mut placed = vec![false; subs.len()];
    for (at, sub) in subs.iter().enumerate() {
        if std::mem::replace(&mut placed[at], true) {
            continue;
        }
        order.push(at);
        if !loose(sub) {
            continue;
        }
        for (later, other) in subs.iter().enumerate().skip(at + 1) {
            if !placed[later] && loose(other) && other.method == sub.method && other.version == sub.version {
                placed[later] = true;
                order.push(later);
            }
        }
    }
    order
}

/// Runs subrequests; tells their results in the order of the request, and whether all went well.
pub(super) fn run(
    call: &Call<'_>,
    tx: &Tx<'_>,
    subs: &[Sub<'_>],
    order: &[usize],
    all_or_none: bool,
) -> Result<(Vec<Value>, bool), OrgError> {
    let mut said: Vec<Option<Said>> = vec![None; subs.len()];
    let outer = call.whole.replace(all_or_none);
    let failed = call.trial(tx, || {
        let mut bodies: HashMap<&str, Value> = HashMap::new();
        let mut failed = None;
        for &at in order {
            let (Some(sub), Some(place)) = (subs.get(at), said.get_mut(at)) else { continue };
            let answer = one(call, tx, sub, &bodies);
            let bad = answer.status >= 300 && answer.status != 304
                || all_or_none
                    && answer.body.as_array().is_some_and(|l| l.iter().any(|r| r["success"] == false));
            if !bad {
                bodies.insert(sub.reference, answer.body.clone());
            }
            *place = Some(answer);
            if bad {
                failed = Some(at);
                if all_or_none {
                    break;
                }
            }
        }
        (failed, !(all_or_none && failed.is_some()))
    });
    call.whole.set(outer);
    let failed = failed?;
    let results = said
        .into_iter()
        .zip(subs)
        .enumerate()
        .map(|(at, (said, sub))| {
            let said = match said {
                Some(said) if !all_or_none || failed.is_none_or(|f| f == at) => said,
                _ => return halted(sub),
            };
            told(said, Some(sub.reference))
        })
        .collect();
    Ok((results, failed.is_none()))
}

/// What a subrequest is answered that is taken back, or never made, because another failed.
pub(super) fn halted(sub: &Sub<'_>) -> Value {
    let error = OrgError::new(
        "PROCESSING_HALTED",
        "The transaction was rolled back since another operation in the same transaction failed.",
    );
    told(Said::refused(&[error]), Some(sub.reference))
}

/// What a subrequest was answered.
fn told(said: Said, reference: Option<&str>) -> Value {
    let headers: Map<String, Value> = said
        .headers
        .into_iter()
        .filter(|(name, _)| *name == "Location")
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    json!({
        "body": said.body, "httpHeaders": headers,
        "httpStatusCode": said.status, "referenceId": reference,
    })
}

fn one(call: &Call<'_>, tx: &Tx<'_>, sub: &Sub<'_>, bodies: &HashMap<&str, Value>) -> Said {
    let ask = match resolved(sub, bodies) {
        Ok(ask) => ask,
        Err(error) => return Said::refused(&[error]),
    };
    // Alone, a subrequest leaves nothing behind where it fails.
    call.trial(tx, || {
        let said = rest::answer(call, tx, &ask);
        let keep = said.status < 300;
        (said, keep)
    })
    .unwrap_or_else(|error| Said::refused(&[error]))
}

/// The subrequest with its references replaced.
fn resolved<'a>(sub: &Sub<'a>, bodies: &HashMap<&str, Value>) -> Result<Ask<'a>, OrgError> {
    let text = |t: &String| reference::resolve_text(t, bodies);
    let target = Target {
        path: sub.target.path.clone(),
        segments: sub.target.segments.iter().map(text).collect::<Result<_, _>>()?,
        params: sub
            .target
            .params
            .iter()
            .map(|(name, value)| Ok((name.clone(), text(value)?)))
            .collect::<Result<_, OrgError>>()?,
    };
    let body = sub.body.map(|b| reference::resolve(b, bodies)).transpose()?;
    Ok(Ask { method: sub.method, target, version: sub.version, headers: Headers::Sub(sub.headers), body })
}
