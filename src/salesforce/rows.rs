//! What a single call looks like on the wire, and how its answer reads. Pure.
//!
//! Bodies and addresses are upstream's, byte for byte where it matters: an administrator who
//! compares logs of the two sees the same requests.

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::classify;
use super::wire::{Method, Request, Usage};
use crate::event::{Found, Write, Written};
use crate::fault::{Class, Fault};

/// Everything but RFC 3986's unreserved characters.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const JSON: &str = "application/json";

/// One part of a `/composite` answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// `referenceId`.
    pub reference: String,
    /// `httpStatusCode`.
    pub status: u16,
    /// `body`.
    pub body: Value,
}

/// `GET /query`.
#[must_use]
pub fn query(version: &str, soql: &str) -> Request {
    get(format!("/services/data/{}/query?q={}", escape(version), escape(soql)))
}

/// `GET /search`.
#[must_use]
pub fn search(version: &str, sosl: &str) -> Request {
    get(format!("/services/data/{}/search?q={}", escape(version), escape(sosl)))
}

/// The page at a `nextRecordsUrl`.
#[must_use]
pub fn page(target: &str) -> Request {
    get(target.to_owned())
}

/// `GET` of any resource below the version: `limits`, `sobjects`.
#[must_use]
pub fn resource(version: &str, path: &str) -> Request {
    get(format!("/services/data/{}/{path}", escape(version)))
}

/// `GET` of who the token's user is.
#[must_use]
pub fn userinfo() -> Request {
    get("/services/oauth2/userinfo".to_owned())
}

/// `POST` of a body to a resource below the version: `composite`, `parameterizedSearch`.
#[must_use]
pub fn post(version: &str, path: &str, body: &Value) -> Request {
    with_body(Method::Post, format!("/services/data/{}/{path}", escape(version)), body)
}

/// `POST /services/apexrest/<class>/<method>`; a namespace stands before the class, with a dot or a
/// slash.
///
/// # Errors
/// When a name can stand in no address.
pub fn apex(class: &str, method: &str, parameters: &Map<String, Value>) -> Result<Request, Fault> {
    let class = segments("apexClass", &class.replace('.', "/"))?;
    let target = format!("/services/apexrest/{class}/{}", segments("methodName", method)?);
    Ok(with_body(Method::Post, target, parameters))
}

/// `GET /sobjects/<object>/describe`.
///
/// # Errors
/// When the name can stand in no address.
pub fn describe(version: &str, object: &str) -> Result<Request, Fault> {
    Ok(resource(version, &format!("sobjects/{}/describe", segment("sf_object", object)?)))
}

/// The request of a single write.
///
/// # Errors
/// When a name or an id can stand in no address.
pub fn write(version: &str, write: &Write) -> Result<Request, Fault> {
    let rows = |rest: &str| format!("/services/data/{}/sobjects/{rest}", escape(version));
    Ok(match write {
        Write::Create { object, fields } => {
            with_body(Method::Post, rows(&segments("sf_object", object)?), fields)
        }
        Write::Update { object, id, fields } => {
            let target = rows(&format!("{}/{}", segments("sf_object", object)?, segment("sf_id", id)?));
            with_body(Method::Patch, target, fields)
        }
        Write::Delete { object, id } => {
            let target = rows(&format!("{}/{}", segments("sf_object", object)?, segment("sf_id", id)?));
            Request { method: Method::Delete, target, headers: Vec::new(), body: None }
        }
        Write::Upsert { object, external_field, external_id, fields } => {
            let target = rows(&format!(
                "{}/{}/{}",
                segment("sf_object", object)?,
                segment("sf_external_field", external_field)?,
                segment("sf_external_id", external_id)?
            ));
            with_body(Method::Patch, target, fields)
        }
        Write::Post { element_type, subject_id, message_type, text, mention } => {
            let body = post_body(element_type, subject_id, message_type, text, mention.as_deref());
            post(version, "chatter/feed-elements", &body)
        }
        Write::Comment { element_id, comment_type, text } => {
            let path = format!(
                "chatter/feed-elements/{}/capabilities/comments/items",
                segment("sf_feedElementId", element_id)?
            );
            post(
                version,
                &path,
                &json!({"body": {"messageSegments": [{"type": comment_type, "text": text}]}}),
            )
        }
    })
}

/// The body of a Chatter post: alone, or as one `richInput` of a batch.
#[must_use]
pub fn post_body(
    element_type: &str,
    subject: &str,
    message_type: &str,
    text: &str,
    mention: Option<&str>,
) -> Value {
    let mut segments = vec![json!({"type": message_type, "text": text})];
    segments.extend(mention.map(|id| json!({"type": "Mention", "id": id})));
    json!({"body": {"messageSegments": segments}, "feedElementType": element_type, "subjectId": subject})
}

/// Reads one page of the answer to a query, `{totalSize, done, records, nextRecordsUrl}`: what it
/// holds, and where the next page is.
///
/// # Errors
/// When it has another shape.
pub fn found(body: Value) -> Result<(Found, Option<String>), Fault> {
    let Value::Object(mut body) = body else { return Err(strange("a query is answered by an object")) };
    let records = records(body.remove("records"), "a query is answered with `records`")?;
    let total = body.get("totalSize").and_then(Value::as_u64).unwrap_or(records.len() as u64);
    let next = match body.remove("nextRecordsUrl") {
        Some(Value::String(next)) if next.starts_with("/services/data/") => Some(next),
        None | Some(Value::Null) => None,
        Some(_) => return Err(strange("`nextRecordsUrl` begins with /services/data/")),
    };
    Ok((Found { records, total }, next))
}

/// Reads the answer to a search: `{searchRecords}`, or a bare array as versions before 37 gave.
///
/// # Errors
/// When it has another shape.
pub fn searched(body: Value) -> Result<Found, Fault> {
    let found = match body {
        // A stand-in for Salesforce may answer a search in the form of a query.
        Value::Object(mut body) => body.remove("searchRecords").or_else(|| body.remove("records")),
        bare => Some(bare),
    };
    let records = records(found, "a search is answered with `searchRecords`")?;
    Ok(Found { total: records.len() as u64, records })
}

fn records(value: Option<Value>, expected: &str) -> Result<Vec<Map<String, Value>>, Fault> {
    let Some(Value::Array(values)) = value else { return Err(strange(expected)) };
    let record = |value| match value {
        Value::Object(record) => Ok(record),
        _ => Err(strange("a record is an object")),
    };
    values.into_iter().map(record).collect()
}

/// Reads the answer to a single write that was applied.
///
/// # Errors
/// When an Id should be there and is not: the write took effect, but nobody knows as what.
pub fn written(write: &Write, status: u16, body: &Value) -> Result<Written, Fault> {
    let id = body.get("id").and_then(Value::as_str).map(str::to_owned);
    Ok(match write {
        // Before version 46 an upsert that updated is answered by 204, without an Id.
        Write::Upsert { .. } => Written::Upserted {
            id: id.unwrap_or_default(),
            created: body.get("created").and_then(Value::as_bool).unwrap_or(status == 201),
        },
        Write::Create { .. } | Write::Post { .. } | Write::Comment { .. } => {
            Written::Created { id: id.ok_or_else(|| strange("a create is answered with `id`"))? }
        }
        Write::Update { .. } => Written::Updated { status },
        Write::Delete { .. } => Written::Deleted,
    })
}

/// Reads the answer to `/composite`, part by part in the order of the request.
///
/// # Errors
/// When it has another shape, or another number of parts than were asked.
pub fn parts(body: &Value, asked: usize) -> Result<Vec<Part>, Fault> {
    let parts = body.get("compositeResponse").and_then(Value::as_array);
    let parts = parts.ok_or_else(|| strange("a composite call is answered with `compositeResponse`"))?;
    if parts.len() != asked {
        return Err(strange("a composite call is answered with as many parts as it asked"));
    }
    parts.iter().map(part).collect()
}

fn part(part: &Value) -> Result<Part, Fault> {
    let reference = part.get("referenceId").and_then(Value::as_str);
    let status = part.get("httpStatusCode").and_then(Value::as_u64).and_then(|s| u16::try_from(s).ok());
    match (reference, status) {
        (Some(reference), Some(status)) => Ok(Part {
            reference: reference.to_owned(),
            status,
            body: part.get("body").cloned().unwrap_or(Value::Null),
        }),
        _ => Err(strange("a part of a composite answer has `referenceId` and `httpStatusCode`")),
    }
}

/// Reads the answer to a batch of Chatter posts: the Id or the fault of each, in order.
///
/// # Errors
/// When it has another shape, or another number of results than were asked.
pub fn posted(body: &Value, asked: usize) -> Result<Vec<Result<String, Fault>>, Fault> {
    let results = body.get("results").and_then(Value::as_array);
    let results = results.ok_or_else(|| strange("a batch of posts is answered with `results`"))?;
    if results.len() != asked {
        return Err(strange("a batch of posts is answered with as many results as it asked"));
    }
    Ok(results.iter().map(posted_one).collect())
}

fn posted_one(result: &Value) -> Result<String, Fault> {
    let status = result.get("statusCode").and_then(Value::as_u64).and_then(|s| u16::try_from(s).ok());
    let status = status.ok_or_else(|| strange("a result of a batch has `statusCode`"))?;
    let body = classify::part(status, result.get("result").unwrap_or(&Value::Null))?;
    let id = body.get("id").and_then(Value::as_str);
    id.map(str::to_owned).ok_or_else(|| strange("a post is answered with `id`"))
}

/// `Sforce-Limit-Info: api-usage=18/5000`, perhaps with more parts behind it.
#[must_use]
pub fn usage(header: &str) -> Option<Usage> {
    header.split([',', ';']).find_map(|part| {
        let (used, limit) = part.trim().strip_prefix("api-usage=")?.split_once('/')?;
        Some(Usage { used: used.trim().parse().ok()?, limit: limit.trim().parse().ok()? })
    })
}

/// An answer that Salesforce does not give: whatever was asked may have taken effect.
fn strange(expected: &str) -> Fault {
    Fault::new(
        Class::Unknown,
        "UNEXPECTED_RESPONSE",
        format!(
            "the answer is not in the form of Salesforce's REST interface ({expected}); check that SF_HOST is the org's own address and nothing between rewrites answers"
        ),
    )
}

fn get(target: String) -> Request {
    Request { method: Method::Get, target, headers: Vec::new(), body: None }
}

fn with_body(method: Method, target: String, body: &impl serde::Serialize) -> Request {
    let body = serde_json::to_vec(body).unwrap_or_default();
    Request { method, target, headers: Vec::new(), body: Some((JSON, Bytes::from(body))) }
}

/// Percent-encoded for a path segment or a query value.
#[must_use]
pub fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// One segment of a path. Dots alone would climb out of the resource, however they are encoded.
fn segment(parameter: &str, text: &str) -> Result<String, Fault> {
    if matches!(text, "" | "." | "..") {
        return Err(Fault::new(
            Class::Rejected,
            "MALFORMED_ID",
            format!("{parameter} is empty or only dots: give the name or id that Salesforce shows"),
        ));
    }
    Ok(escape(text))
}

/// An object's name; a slash in it is kept, because upstream's flows write `Object/ExternalField`
/// there to update by external id.
fn segments(parameter: &str, text: &str) -> Result<String, Fault> {
    let segments: Vec<_> = text.split('/').map(|s| segment(parameter, s)).collect::<Result<_, _>>()?;
    Ok(segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: Value) -> Map<String, Value> {
        json.as_object().cloned().unwrap()
    }

    fn line(request: &Request) -> String {
        let body = request.body.as_ref().map(|(_, b)| String::from_utf8_lossy(b).into_owned());
        format!("{:?} {} {}", request.method, request.target, body.unwrap_or_default())
    }

    #[test]
    fn requests_are_those_of_upstream() {
        let version = "v59.0";
        let written = [
            Write::Create { object: "My Object".into(), fields: fields(json!({"Subject": "Ü \"q\""})) },
            Write::Update { object: "Case".into(), id: "50 01".into(), fields: fields(json!({"A": null})) },
            Write::Update {
                object: "Contact/Ext__c".into(),
                id: "a/b".into(),
                fields: fields(json!({"Name": "x"})),
            },
            Write::Delete { object: "Case".into(), id: "5001r000023P6WQAA0".into() },
            Write::Upsert {
                object: "Contact".into(),
                external_field: "Ext__c".into(),
                external_id: "a/b?c".into(),
                fields: Map::new(),
            },
            Write::Post {
                element_type: "FeedItem".into(),
                subject_id: "0015g0000000001".into(),
                message_type: "Text".into(),
                text: "Hello".into(),
                mention: Some("0055g00000DDDDDDD1".into()),
            },
            Write::Comment {
                element_id: "0D5/../../x".into(),
                comment_type: "Text".into(),
                text: "x".into(),
            },
        ]
        .map(|w| line(&write(version, &w).unwrap()));
        insta::assert_snapshot!(written.join("\n"), @r#"
        Post /services/data/v59.0/sobjects/My%20Object {"Subject":"Ü \"q\""}
        Patch /services/data/v59.0/sobjects/Case/50%2001 {"A":null}
        Patch /services/data/v59.0/sobjects/Contact/Ext__c/a%2Fb {"Name":"x"}
        Delete /services/data/v59.0/sobjects/Case/5001r000023P6WQAA0 
        Patch /services/data/v59.0/sobjects/Contact/Ext__c/a%2Fb%3Fc {}
        Post /services/data/v59.0/chatter/feed-elements {"body":{"messageSegments":[{"type":"Text","text":"Hello"},{"type":"Mention","id":"0055g00000DDDDDDD1"}]},"feedElementType":"FeedItem","subjectId":"0015g0000000001"}
        Post /services/data/v59.0/chatter/feed-elements/0D5%2F..%2F..%2Fx/capabilities/comments/items {"body":{"messageSegments":[{"type":"Text","text":"x"}]}}
        "#);
        assert_eq!(
            query(version, "SELECT Id FROM Contact WHERE Email='a+b@example.com'").target,
            "/services/data/v59.0/query?q=SELECT%20Id%20FROM%20Contact%20WHERE%20Email%3D%27a%2Bb%40example.com%27"
        );
    }

    #[test]
    fn no_name_climbs_out_of_its_resource() {
        for (object, id) in [("Case", ".."), ("Case", "."), ("..", "x"), ("Case/../..", "x"), ("Case", "")] {
            let refused = write("v59.0", &Write::Delete { object: object.into(), id: id.into() });
            assert_eq!(refused.unwrap_err().class, Class::Rejected, "{object} {id}");
        }
    }

    #[test]
    fn usage_is_read_with_whatever_follows_it() {
        let read = Some(Usage { used: 18, limit: 5000 });
        assert_eq!(usage("api-usage=18/5000"), read);
        assert_eq!(usage("api-usage=18/5000; per-app-api-usage=17/250(appName=my-app)"), read);
        assert_eq!(usage("per-app-api-usage=17/250(appName=x), api-usage=18/5000"), read);
        assert_eq!(usage("api-usage=many"), None);
    }

    #[test]
    fn answers_of_another_shape_are_unknown_and_never_a_panic() {
        for body in [
            json!(null),
            json!([]),
            json!({"records": 5}),
            json!("x"),
            json!({"records": [], "nextRecordsUrl": "https://elsewhere/"}),
        ] {
            assert_eq!(found(body.clone()).unwrap_err().class, Class::Unknown, "{body}");
        }
        for body in [json!(null), json!({"searchRecords": 5}), json!(5)] {
            assert_eq!(searched(body.clone()).unwrap_err().class, Class::Unknown, "{body}");
        }
        for body in [
            json!(null),
            json!({"compositeResponse": []}),
            json!({"compositeResponse": [{}]}),
            json!({"compositeResponse": [{"referenceId": "a", "httpStatusCode": 70000}]}),
        ] {
            assert_eq!(parts(&body, 1).unwrap_err().class, Class::Unknown, "{body}");
        }
        let create = Write::Create { object: "Case".into(), fields: Map::new() };
        assert_eq!(written(&create, 201, &json!({"id": 5})).unwrap_err().class, Class::Unknown);
    }
}
