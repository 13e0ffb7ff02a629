//! What Chatter shows: elements, comments, likes, users and groups in the Connect interface's shape.

use serde_json::{Value, json};

use crate::org::ask::{Ask, Call};
use crate::org::data::{Context, Tx};
use crate::org::error::OrgError;
use crate::org::{hold, id};

/// One question about a feed.
pub(super) struct Feed<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) tx: &'a Tx<'a>,
    pub(super) ask: &'a Ask<'a>,
    pub(super) ctx: Context,
}

const ITEM: &[&str] =
    &["Id", "Type", "Body", "IsRichText", "ParentId", "CreatedById", "CreatedDate", "Visibility"];
const COMMENT: &[&str] = &["Id", "CommentBody", "IsRichText", "FeedItemId", "CreatedById", "CreatedDate"];

impl Feed<'_> {
    fn url(&self, path: &str) -> String {
        format!("{}/chatter/{path}", self.ask.root())
    }

    /// A row by its id; what is none, or is of another object, does not exist here.
    pub(super) fn row(&self, object: &str, given: &str, fields: &[&str]) -> Result<Value, OrgError> {
        let known = id::normalise(given).filter(|id| {
            self.tx.schema.object_of_id(id).is_some_and(|o| o.name.eq_ignore_ascii_case(object))
        });
        let id = known.ok_or_else(OrgError::not_found)?;
        self.tx
            .retrieve(&self.ctx, object, &id, Some(fields))
            .map_err(|error| if error.status == 404 { OrgError::not_found() } else { error })
    }

    fn rows(&self, soql: &str) -> Result<Vec<Value>, OrgError> {
        Ok(self.tx.query(&self.ctx, soql, false)?.records)
    }

    fn page(&self) -> usize {
        self.ask.target.param("pageSize").and_then(|p| p.parse().ok()).unwrap_or(25).clamp(1, 250)
    }

    /// A post, whole.
    pub(super) fn element(&self, given: &str) -> Result<Value, OrgError> {
        let row = self.row("FeedItem", given, ITEM)?;
        self.element_of(&row, false)
    }

    /// A post that was made a moment ago: nobody can have answered it.
    pub(super) fn new_element(&self, id: &str) -> Result<Value, OrgError> {
        let row = self.row("FeedItem", id, ITEM)?;
        self.element_of(&row, true)
    }

    fn element_of(&self, row: &Value, fresh: bool) -> Result<Value, OrgError> {
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        let id = text("Id");
        let parent = text("ParentId");
        let header = self.name_of(parent);
        let (comments, likes, liked) = if fresh {
            (self.comments_page(id, &[]), self.likes_page(id, &[]), false)
        } else {
            (self.comments(id)?, self.likes(id)?, self.like_of(id, &self.ctx.user_id)?.is_some())
        };
        Ok(json!({
            "id": id, "type": text("Type"), "feedElementType": "FeedItem", "url": self.url(&format!("feed-elements/{id}")),
            "body": self.body(id, text("Body"), &row["IsRichText"]),
            "actor": self.user_summary(text("CreatedById")),
            "parent": {"id": parent, "name": header, "url": self.record_url(parent), "type": self.type_of(parent)},
            "header": {"text": header, "isRichText": false, "messageSegments": [{"type": "Text", "text": header}]},
            "createdDate": iso(&row["CreatedDate"]), "modifiedDate": iso(&row["CreatedDate"]),
            "relativeCreatedDate": "Just now", "visibility": row["Visibility"], "event": false,
            "isDeleteRestricted": false, "isSharable": true, "originalFeedItem": null, "clientInfo": null,
            "capabilities": {
                "comments": {"page": comments},
                "chatterLikes": {"isLikedByCurrentUser": liked, "likesMessage": null, "myLike": null, "page": likes},
                "bookmarks": {"isBookmarkedByCurrentUser": false},
                "topics": {"canAssignTopics": true, "items": []},
            },
        }))
    }

    fn body(&self, id: &str, text: &str, rich: &Value) -> Value {
        let segments = hold(&self.call.org.segments).get(id).cloned();
        let segments = segments.unwrap_or_else(|| vec![json!({"type": "Text", "text": text})]);
        json!({"text": text, "isRichText": rich, "messageSegments": segments})
    }

    /// The elements of a feed, newest first.
    pub(super) fn elements(&self, kind: &str, subject: Option<&str>) -> Result<Value, OrgError> {
        let subject = match subject {
            Some("me") => Some(self.ctx.user_id.clone()),
            Some(given) => Some(id::normalise(given).ok_or_else(OrgError::not_found)?),
            None => None,
        };
        let condition = match (kind, subject) {
            ("company", None) => String::new(),
            ("news" | "people" | "home", Some(_)) => String::new(),
            ("user-profile", Some(user)) => format!(" WHERE CreatedById = '{user}' OR ParentId = '{user}'"),
            ("record" | "to" | "groups" | "filter", Some(id)) => format!(" WHERE ParentId = '{id}'"),
            _ => return Err(OrgError::not_found()),
        };
        let size = self.page();
        let soql = format!(
            "SELECT {} FROM FeedItem{condition} ORDER BY CreatedDate DESC, Id DESC LIMIT {size}",
            ITEM.join(", ")
        );
        let elements =
            self.rows(&soql)?.iter().map(|row| self.element_of(row, false)).collect::<Result<Vec<_>, _>>()?;
        Ok(json!({
            "elements": elements, "currentPageToken": null, "currentPageUrl": self.ask.target.path,
            "nextPageToken": null, "nextPageUrl": null, "updatesToken": null, "updatesUrl": null,
            "isModifiedToken": null, "isModifiedUrl": null,
        }))
    }

    /// A comment, whole.
    pub(super) fn comment(&self, given: &str) -> Result<Value, OrgError> {
        let row = self.row("FeedComment", given, COMMENT)?;
        self.comment_of(&row)
    }

    fn comment_of(&self, row: &Value) -> Result<Value, OrgError> {
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        let id = text("Id");
        let item = text("FeedItemId");
        Ok(json!({
            "id": id, "type": "TextComment", "url": self.url(&format!("comments/{id}")),
            "body": self.body(id, text("CommentBody"), &row["IsRichText"]),
            "user": self.user_summary(text("CreatedById")), "createdDate": iso(&row["CreatedDate"]),
            "relativeCreatedDate": "Just now", "isDeleteRestricted": false, "parent": {"id": item, "url": self.record_url(item)},
            "feedElement": {"id": item, "url": self.url(&format!("feed-elements/{item}"))},
            "likes": self.likes(id)?, "likesMessage": null, "myLike": null, "clientInfo": null,
        }))
    }

    /// The comments of a post.
    pub(super) fn comments(&self, item: &str) -> Result<Value, OrgError> {
        let item = id::normalise(item).ok_or_else(OrgError::not_found)?;
        let soql = format!(
            "SELECT {} FROM FeedComment WHERE FeedItemId = '{item}' ORDER BY CreatedDate, Id",
            COMMENT.join(", ")
        );
        let rows = self.rows(&soql)?;
        let items = rows.iter().map(|row| self.comment_of(row)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.comments_page(&item, &items))
    }

    fn comments_page(&self, item: &str, items: &[Value]) -> Value {
        json!({
            "total": items.len(), "items": items, "nextPageUrl": null,
            "currentPageUrl": self.url(&format!("feed-elements/{item}/capabilities/comments/items")),
        })
    }

    /// A like.
    pub(super) fn like(&self, given: &str) -> Result<Value, OrgError> {
        let row = self.row("FeedLike", given, &["Id", "FeedEntityId", "CreatedById"])?;
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        Ok(json!({
            "id": text("Id"), "url": self.url(&format!("likes/{}", text("Id"))),
            "likedItem": {"id": text("FeedEntityId"), "url": self.record_url(text("FeedEntityId"))},
            "user": self.user_summary(text("CreatedById")),
        }))
    }

    /// Who likes a post or comment.
    pub(super) fn likes(&self, entity: &str) -> Result<Value, OrgError> {
        let entity = id::normalise(entity).ok_or_else(OrgError::not_found)?;
        let rows = self.rows(&format!(
            "SELECT Id FROM FeedLike WHERE FeedEntityId = '{entity}' ORDER BY CreatedDate, Id"
        ))?;
        let items = rows
            .iter()
            .map(|row| self.like(row["Id"].as_str().unwrap_or_default()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(self.likes_page(&entity, &items))
    }

    fn likes_page(&self, entity: &str, items: &[Value]) -> Value {
        let url = if id::prefix(entity) == "0D7" {
            format!("comments/{entity}/likes")
        } else {
            format!("feed-elements/{entity}/capabilities/chatter-likes/items")
        };
        json!({
            "total": items.len(), "items": items, "currentPageToken": 0, "currentPageUrl": self.url(&url),
            "nextPageToken": null, "nextPageUrl": null, "previousPageToken": null, "previousPageUrl": null,
        })
    }

    /// The like that a user gave, if one did.
    pub(super) fn like_of(&self, entity: &str, user: &str) -> Result<Option<String>, OrgError> {
        let rows = self.rows(&format!(
            "SELECT Id FROM FeedLike WHERE FeedEntityId = '{entity}' AND CreatedById = '{user}' LIMIT 1"
        ))?;
        Ok(rows.first().and_then(|row| row["Id"].as_str()).map(str::to_owned))
    }

    /// The user of a login name.
    pub(super) fn user_named(&self, name: &str) -> Result<Option<String>, OrgError> {
        let name = name.replace('\\', "\\\\").replace('\'', "\\'");
        let rows = self.rows(&format!("SELECT Id FROM User WHERE Username = '{name}' LIMIT 1"))?;
        Ok(rows.first().and_then(|row| row["Id"].as_str()).map(str::to_owned))
    }

    /// A user as Chatter tells one.
    pub(super) fn user(&self, given: &str) -> Result<Value, OrgError> {
        let row = self.row(
            "User",
            given,
            &["Id", "Name", "FirstName", "LastName", "Username", "Email", "Title", "IsActive"],
        )?;
        let mut user = self.user_summary(row["Id"].as_str().unwrap_or_default());
        for (name, field) in
            [("username", "Username"), ("email", "Email"), ("title", "Title"), ("isActive", "IsActive")]
        {
            user[name] = row[field].clone();
        }
        Ok(user)
    }

    pub(super) fn users(&self) -> Result<Value, OrgError> {
        let rows = self.rows(&format!(
            "SELECT Id FROM User WHERE IsActive = true ORDER BY Name LIMIT {}",
            self.page()
        ))?;
        let users = rows
            .iter()
            .map(|r| self.user(r["Id"].as_str().unwrap_or_default()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(json!({
            "users": users, "currentPageUrl": self.url("users"), "nextPageUrl": null, "previousPageUrl": null,
        }))
    }

    fn user_summary(&self, user: &str) -> Value {
        let row = self.row("User", user, &["Name", "FirstName", "LastName"]).unwrap_or_default();
        json!({
            "id": user, "type": "User", "name": row["Name"], "displayName": row["Name"],
            "firstName": row["FirstName"], "lastName": row["LastName"], "url": self.url(&format!("users/{user}")),
            "userType": "Internal", "isActive": true, "isInThisCommunity": true, "companyName": null, "photo": self.photo(),
        })
    }

    fn photo(&self) -> Value {
        let photo = |size: &str| format!("{}/profilephoto/005/{size}", self.call.base);
        json!({
            "url": self.url("users/photo"), "smallPhotoUrl": photo("T"), "largePhotoUrl": photo("F"),
            "fullEmailPhotoUrl": photo("F"), "standardEmailPhotoUrl": photo("T"), "photoVersionId": null,
        })
    }

    pub(super) fn groups(&self) -> Result<Value, OrgError> {
        let rows =
            self.rows(&format!("SELECT Id FROM CollaborationGroup ORDER BY Name LIMIT {}", self.page()))?;
        let groups = rows
            .iter()
            .map(|r| self.group(r["Id"].as_str().unwrap_or_default()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(json!({
            "groups": groups, "currentPageUrl": self.url("groups"), "nextPageUrl": null, "previousPageUrl": null,
        }))
    }

    pub(super) fn group(&self, given: &str) -> Result<Value, OrgError> {
        let row = self.row(
            "CollaborationGroup",
            given,
            &["Id", "Name", "Description", "CollaborationType", "MemberCount"],
        )?;
        let id = row["Id"].as_str().unwrap_or_default();
        Ok(json!({
            "id": id, "type": "CollaborationGroup", "name": row["Name"], "description": row["Description"],
            "url": self.url(&format!("groups/{id}")), "visibility": row["CollaborationType"],
            "memberCount": row["MemberCount"], "canHaveChatterGuests": false, "isArchived": false, "photo": self.photo(),
        }))
    }

    fn type_of(&self, record: &str) -> &str {
        self.tx.schema.object_of_id(record).map_or("", |o| o.name.as_str())
    }

    fn record_url(&self, record: &str) -> String {
        match self.type_of(record) {
            "User" => self.url(&format!("users/{record}")),
            "CollaborationGroup" => self.url(&format!("groups/{record}")),
            _ => self.url(&format!("records/{record}")),
        }
    }

    fn name_of(&self, record: &str) -> String {
        let Some(object) = self.tx.schema.object_of_id(record) else { return String::new() };
        let Some(field) = object.name_field() else { return String::new() };
        let row = self.row(&object.name, record, &[field.name.as_str()]).unwrap_or_default();
        row[field.name.as_str()].as_str().unwrap_or_default().to_owned()
    }
}

/// The Connect interface writes times with a `Z`.
fn iso(date: &Value) -> Value {
    date.as_str().map_or(Value::Null, |d| d.replace("+0000", "Z").into())
}
