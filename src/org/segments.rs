//! The body of a post or comment: segments in, text and segments out.

use serde_json::{Value, json};

use crate::org::ask::{Refusal, unreadable};
use crate::org::error::OrgError;
use crate::org::feed::Feed;
use crate::org::id;

/// Mentions in one body, and characters.
const MOST_MENTIONS: usize = 25;
const LONGEST: usize = 10_000;

/// A body that was read.
pub(super) struct Body {
    pub(super) text: String,
    pub(super) rich: bool,
    /// As they are told back; empty where the text says it all.
    pub(super) segments: Vec<Value>,
}

/// Reads `{"messageSegments": […]}`.
pub(super) fn read(feed: &Feed<'_>, body: Option<&Value>) -> Result<Body, Refusal> {
    let Some(list) = body.and_then(|b| b.get("messageSegments")).and_then(Value::as_array) else {
        return Err(unreadable("The body has no messageSegments").into());
    };
    let mut out = Body { text: String::new(), rich: false, segments: Vec::new() };
    let mut open: Vec<String> = Vec::new();
    let mut mentions = 0;
    for segment in list {
        let kind = segment.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        let given = |name: &str| {
            segment.get(name).and_then(Value::as_str).filter(|v| !v.is_empty()).ok_or_else(|| {
                OrgError::new(
                    "MISSING_ARGUMENT",
                    format!("The segment of type {kind} needs a value for {name}"),
                )
            })
        };
        let told = match kind.as_str() {
            "text" => {
                let text = segment.get("text").and_then(Value::as_str).unwrap_or_default();
                json!({"type": "Text", "text": text})
            }
            "mention" => {
                mentions += 1;
                mention(feed, segment)?
            }
            "link" => json!({"type": "Link", "text": given("url")?, "url": given("url")?}),
            "hashtag" => {
                json!({"type": "Hashtag", "text": format!("#{}", given("tag")?), "tag": given("tag")?})
            }
            "markupbegin" => {
                out.rich = true;
                let markup = given("markupType")?;
                open.push(markup.to_ascii_lowercase());
                json!({"type": "MarkupBegin", "markupType": markup, "text": ""})
            }
            "markupend" => {
                let markup = given("markupType")?;
                if open.pop().as_deref() != Some(markup.to_ascii_lowercase().as_str()) {
                    return Err(OrgError::new(
                        "INVALID_MARKUP",
                        format!("The markup {markup} is closed where it is not open"),
                    )
                    .into());
                }
                json!({"type": "MarkupEnd", "markupType": markup, "text": if markup.eq_ignore_ascii_case("paragraph") { "\n" } else { "" }})
            }
            "inlineimage" => {
                json!({"type": "InlineImage", "text": given("fileId")?, "altText": segment.get("altText")})
            }
            "entitylink" => json!({"type": "EntityLink", "text": given("entityId")?}),
            _ => return Err(unreadable(format!("There is no message segment of type {kind}")).into()),
        };
        out.text.push_str(told["text"].as_str().unwrap_or_default());
        out.segments.push(told);
    }
    if let Some(markup) = open.pop() {
        return Err(OrgError::new("INVALID_MARKUP", format!("The markup {markup} is not closed")).into());
    }
    if mentions > MOST_MENTIONS {
        return Err(
            OrgError::new("LIMIT_EXCEEDED", format!("A body may mention at most {MOST_MENTIONS}")).into()
        );
    }
    if out.text.chars().count() > LONGEST {
        return Err(OrgError::new(
            "STRING_TOO_LONG",
            format!("The body is longer than {LONGEST} characters"),
        )
        .into());
    }
    if out.text.trim().is_empty() {
        return Err(OrgError::new("MISSING_ARGUMENT", "The body has no text").into());
    }
    if out.segments.iter().all(|s| s["type"] == "Text") {
        out.segments.clear();
    }
    Ok(out)
}

/// A user or group by `id`, or a user by `username`.
fn mention(feed: &Feed<'_>, segment: &Value) -> Result<Value, Refusal> {
    let text = |name: &str| segment.get(name).and_then(Value::as_str).filter(|v| !v.is_empty());
    let whom = match (text("id"), text("username")) {
        (Some(given), _) => id::normalise(given),
        (None, Some(name)) => feed.user_named(name)?,
        (None, None) => {
            return Err(OrgError::new("MISSING_ARGUMENT", "A mention needs an id or a username").into());
        }
    };
    let wrong = || {
        let text = format!("Invalid identifier: {}", text("id").or(text("username")).unwrap_or_default());
        OrgError::new("INVALID_ID_FIELD", text)
    };
    let whom = whom.ok_or_else(wrong)?;
    let object = feed.tx.schema.object_of_id(&whom).ok_or_else(wrong)?;
    if !matches!(object.name.as_str(), "User" | "CollaborationGroup") {
        return Err(wrong().into());
    }
    let record = feed.row(&object.name, &whom, &["Id", "Name"])?;
    let name = record["Name"].as_str().unwrap_or_default();
    Ok(json!({
        "type": "Mention", "text": format!("@{name}"), "name": name, "accessible": true,
        "record": {"id": whom, "url": format!("{}/chatter/{}/{whom}", feed.ask.root(), if object.name == "User" { "users" } else { "groups" })},
    }))
}
