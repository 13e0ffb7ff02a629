//! Chatter, the Connect interface's part of it: posts, comments, likes, feeds, users and groups.
//!
//! Posts are FeedItem rows, comments FeedComment, likes FeedLike: SOQL finds them. What rows cannot
//! hold, the segments of a body, is read back from the text.

use serde_json::{Map, Value, json};

use crate::org::ask::{Answer, Ask, Call, Refusal, Said, not_allowed, unreadable};
use crate::org::data::{Fields, Tx};
use crate::org::error::OrgError;
use crate::org::wire::Method;
use crate::org::{feed, hold, id, segments};

/// Posts in one batch.
const MOST: usize = 500;

/// Answers a question whose path goes on after `/chatter`.
pub(super) fn answer(call: &Call<'_>, tx: &Tx<'_>, ask: &Ask<'_>, rest: &[&str]) -> Answer {
    let reads = matches!(ask.method, Method::Get | Method::Head);
    let feed = feed::Feed { call, tx, ask, ctx: call.context(ask) };
    match (ask.method, rest) {
        (_, []) if reads => Ok(Said::ok(directory(ask))),
        (_, ["users", "me"]) if reads => Ok(Said::ok(feed.user(&me(call))?)),
        (_, ["users"]) if reads => Ok(Said::ok(feed.users()?)),
        (_, ["users", user]) if reads => Ok(Said::ok(feed.user(user)?)),
        (_, ["groups"]) if reads => Ok(Said::ok(feed.groups()?)),
        (_, ["groups", group]) if reads => Ok(Said::ok(feed.group(group)?)),
        (_, ["feeds"]) if reads => Ok(Said::ok(feeds(call, ask))),
        (_, ["feeds", kind, rest @ ..]) if reads => match rest {
            ["feed-elements"] => Ok(Said::ok(feed.elements(kind, None)?)),
            [subject, "feed-elements"] => Ok(Said::ok(feed.elements(kind, Some(subject))?)),
            _ => Err(OrgError::not_found().into()),
        },
        (Method::Post, ["feed-elements"]) => {
            let id = post(&feed, ask.object()?)?;
            Ok(Said::new(201, feed.new_element(&id)?))
        }
        (Method::Post, ["feed-elements", "batch"]) => post_batch(&feed),
        (_, ["feed-elements", item]) if reads => Ok(Said::ok(feed.element(item)?)),
        (Method::Delete, ["feed-elements", item]) => remove(&feed, "FeedItem", item),
        (Method::Post, ["feed-elements", item, "capabilities", "comments", "items"]) => {
            let id = comment(&feed, item)?;
            Ok(Said::new(201, feed.comment(&id)?))
        }
        (_, ["feed-elements", item, "capabilities", "comments", "items"]) if reads => {
            Ok(Said::ok(feed.comments(item)?))
        }
        (Method::Post, ["feed-elements", item, "capabilities", "chatter-likes", "items"]) => {
            like(&feed, item, item)
        }
        (_, ["feed-elements", item, "capabilities", "chatter-likes", "items"]) if reads => {
            Ok(Said::ok(feed.likes(item)?))
        }
        (_, ["comments", comment]) if reads => Ok(Said::ok(feed.comment(comment)?)),
        (Method::Delete, ["comments", comment]) => remove(&feed, "FeedComment", comment),
        (Method::Post, ["comments", comment, "likes"]) => {
            let row = feed.row("FeedComment", comment, &["Id", "FeedItemId"])?;
            like(&feed, comment, row["FeedItemId"].as_str().unwrap_or_default())
        }
        (_, ["comments", comment, "likes"]) if reads => Ok(Said::ok(feed.likes(comment)?)),
        (_, ["likes", like]) if reads => Ok(Said::ok(feed.like(like)?)),
        (Method::Delete, ["likes", like]) => remove(&feed, "FeedLike", like),
        (method, [] | ["users" | "groups" | "feeds" | "feed-elements" | "comments" | "likes", ..])
            if method != Method::Get =>
        {
            Err(not_allowed(method, "GET,HEAD,POST,DELETE"))
        }
        _ => Err(OrgError::not_found().into()),
    }
}

/// The session's user.
pub(super) fn me(call: &Call<'_>) -> String {
    call.context.user_id.clone()
}

fn directory(ask: &Ask<'_>) -> Value {
    ["feeds", "groups", "users"]
        .into_iter()
        .map(|name| (name.to_owned(), Value::from(format!("{}/chatter/{name}", ask.root()))))
        .collect::<Map<_, _>>()
        .into()
}

fn feeds(call: &Call<'_>, ask: &Ask<'_>) -> Value {
    let root = ask.root();
    let feed = |label: &str, kind: &str, path: &str| {
        json!({
            "label": label, "feedType": kind, "feedUrl": format!("{root}/chatter/feeds/{path}"),
            "feedElementsUrl": format!("{root}/chatter/feeds/{path}/feed-elements"), "keyPrefix": null,
        })
    };
    let user = me(call);
    json!({
        "favorites": [], "favoritesUrl": format!("{root}/chatter/users/{user}/favorites"),
        "feeds": [
            feed("What I Follow", "News", &format!("news/{user}")),
            feed("To Me", "To", &format!("to/{user}")),
            feed("My Posts", "UserProfile", &format!("user-profile/{user}")),
            feed("Company", "Company", "company"),
        ],
    })
}

/// Makes a post of an input; tells its id.
fn post(feed: &feed::Feed<'_>, input: &Map<String, Value>) -> Result<String, Refusal> {
    let kind = input.get("feedElementType").and_then(Value::as_str).unwrap_or_default();
    if !kind.eq_ignore_ascii_case("FeedItem") {
        return Err(OrgError::new("JSON_PARSER_ERROR", "feedElementType must be FeedItem").into());
    }
    let subject = match input.get("subjectId").and_then(Value::as_str) {
        Some("me") => me(feed.call),
        Some(id) => id.to_owned(),
        None => return Err(OrgError::new("MISSING_ARGUMENT", "subjectId is required").into()),
    };
    let wrong = || OrgError::new("INVALID_ID_FIELD", format!("Invalid identifier: {subject}"));
    let subject = id::normalise(&subject).ok_or_else(wrong)?;
    let object = feed.tx.schema.object_of_id(&subject).ok_or_else(wrong)?;
    feed.tx.retrieve(&feed.ctx, &object.name, &subject, Some(&["Id"])).map_err(|_| missing(&subject))?;
    let body = segments::read(feed, input.get("body"))?;
    let mut fields = Fields::from_iter([
        ("ParentId".to_owned(), subject.into()),
        ("Body".to_owned(), body.text.into()),
        ("IsRichText".to_owned(), body.rich.into()),
    ]);
    if let Some(visibility) = input.get("visibility").filter(|v| !v.is_null()) {
        fields.insert("Visibility".to_owned(), visibility.clone());
    }
    make(feed, "FeedItem", "post", &fields, body.segments)
}

fn missing(id: &str) -> Refusal {
    OrgError::new("NOT_FOUND", format!("The requested resource does not exist: {id}")).status(404).into()
}

fn make(
    feed: &feed::Feed<'_>,
    object: &str,
    verb: &'static str,
    fields: &Fields,
    segments: Vec<Value>,
) -> Result<String, Refusal> {
    let object = feed.tx.schema.object(object).ok_or_else(OrgError::not_found)?;
    feed.call.struck(object)?;
    let id = feed.tx.insert(&feed.ctx, &object.name, fields)?;
    feed.call.note(verb, object, &id, fields);
    if !segments.is_empty() {
        hold(&feed.call.org.segments).insert(id.clone(), segments);
    }
    Ok(id)
}

fn comment(feed: &feed::Feed<'_>, item: &str) -> Result<String, Refusal> {
    feed.row("FeedItem", item, &["Id"])?;
    let input = feed.ask.object()?;
    let body = segments::read(feed, input.get("body"))?;
    let fields = Fields::from_iter([
        ("FeedItemId".to_owned(), item.into()),
        ("CommentBody".to_owned(), body.text.into()),
        ("IsRichText".to_owned(), body.rich.into()),
    ]);
    make(feed, "FeedComment", "comment", &fields, body.segments)
}

fn like(feed: &feed::Feed<'_>, entity: &str, item: &str) -> Answer {
    feed.row("FeedItem", item, &["Id"])?;
    if let Some(there) = feed.like_of(entity, &me(feed.call))? {
        return Ok(Said::new(201, feed.like(&there)?));
    }
    let fields = Fields::from_iter([
        ("FeedItemId".to_owned(), Value::from(item)),
        ("FeedEntityId".to_owned(), Value::from(entity)),
    ]);
    let id = make(feed, "FeedLike", "like", &fields, Vec::new())?;
    Ok(Said::new(201, feed.like(&id)?))
}

fn remove(feed: &feed::Feed<'_>, object: &str, id: &str) -> Answer {
    let object = feed.tx.schema.object(object).ok_or_else(OrgError::not_found)?;
    feed.row(&object.name, id, &["Id"])?;
    feed.call.delete(feed.tx, &feed.ctx, object, id)?;
    Ok(Said::nothing())
}

/// `POST /chatter/feed-elements/batch`: up to 500 posts, each with a status of its own.
fn post_batch(feed: &feed::Feed<'_>) -> Answer {
    let Some(Value::Array(inputs)) = feed.ask.object()?.get("inputs") else {
        return Err(unreadable("The body has no list of inputs").into());
    };
    if inputs.len() > MOST {
        let text = format!("A batch of posts may hold {MOST}; this one holds {}", inputs.len());
        return Err(OrgError::new("LIMIT_EXCEEDED", text).into());
    }
    let mut errors = false;
    let mut results = Vec::with_capacity(inputs.len());
    for input in inputs {
        let made = feed.call.trial(feed.tx, || {
            let made = match input.get("richInput").and_then(Value::as_object) {
                Some(input) => post(feed, input),
                None => Err(unreadable("An input has no richInput").into()),
            };
            let keep = made.is_ok();
            (made, keep)
        })?;
        let (status, result) = match made.and_then(|id| Ok(feed.new_element(&id)?)) {
            Ok(element) => (201, element),
            Err(refusal) => {
                errors = true;
                let said = Said::refused(&refusal.0);
                (said.status, said.body)
            }
        };
        results.push(json!({"statusCode": status, "result": result}));
    }
    Ok(Said::ok(json!({"hasErrors": errors, "results": results})))
}
