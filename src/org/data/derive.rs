//! What the org works out by itself: names, closed flags, activity dates, counts.

use jiff::Timestamp;
use rusqlite::params;
use rusqlite::types::Value as Sql;

use super::super::error::OrgError;
use super::super::schema::PicklistValue;
use super::row::Row;
use super::{Context, Tx};

/// Fills in what follows from the rest of the record.
pub(super) fn complete(
    tx: &Tx<'_>,
    ctx: &Context,
    row: &mut Row<'_>,
    before: Option<&Row<'_>>,
) -> Result<(), OrgError> {
    match row.object.name.as_str() {
        "Contact" | "Lead" | "User" => person(row),
        "Case" => case(tx, ctx, row, before)?,
        "Task" => task(tx, ctx, row, before)?,
        "Event" => event(tx, ctx, row, before)?,
        "Opportunity" => opportunity(row, before),
        "FeedComment" => {
            let parent = follow(tx, row, "FeedItemId", "FeedItem", "ParentId")?;
            row.set("ParentId", parent);
        }
        _ => {
            // An auto-named object's records are called by their id where no name was given.
            if let (Some(Sql::Null), Some(id)) =
                (row.object.field("Name").map(|f| row.get(&f.name)), row.text("Id"))
                && row.object.field("Name").is_some_and(|f| !f.required)
            {
                let id = id.to_owned();
                row.set_text("Name", id);
            }
        }
    }
    Ok(())
}

/// Counts kept on other records.
pub(super) fn after_insert(tx: &Tx<'_>, row: &Row<'_>) -> Result<(), OrgError> {
    let (parent, object, counter) = match row.object.name.as_str() {
        "FeedComment" => ("FeedItemId", "FeedItem", "CommentCount"),
        "FeedLike" => ("FeedItemId", "FeedItem", "LikeCount"),
        "CollaborationGroupMember" => ("CollaborationGroupId", "CollaborationGroup", "MemberCount"),
        _ => return Ok(()),
    };
    let sql = format!("UPDATE {object} SET {counter} = {counter} + 1 WHERE Id = ?1");
    tx.db.prepare_cached(&sql)?.execute(params![row.text(parent)])?;
    Ok(())
}

fn person(row: &mut Row<'_>) {
    let parts: Vec<&str> = [row.text("FirstName"), row.text("LastName")].into_iter().flatten().collect();
    let name = parts.join(" ");
    row.set_text("Name", name);
}

fn case(tx: &Tx<'_>, ctx: &Context, row: &mut Row<'_>, before: Option<&Row<'_>>) -> Result<(), OrgError> {
    let closed = means(row, "Status", "closed");
    row.set("IsClosed", flag(closed));
    if closed != before.is_some_and(|b| b.integer("IsClosed") == Some(1)) {
        row.set("ClosedDate", if closed { now(ctx) } else { Sql::Null });
    }
    let contact_changed = before.is_none_or(|b| b.get("ContactId") != row.get("ContactId"));
    if contact_changed {
        for (mine, theirs) in
            [("ContactPhone", "Phone"), ("ContactMobile", "MobilePhone"), ("ContactEmail", "Email")]
        {
            let value = follow(tx, row, "ContactId", "Contact", theirs)?;
            row.set(mine, value);
        }
        if *row.get("AccountId") == Sql::Null {
            let account = follow(tx, row, "ContactId", "Contact", "AccountId")?;
            row.set("AccountId", account);
        }
    }
    Ok(())
}

fn task(tx: &Tx<'_>, ctx: &Context, row: &mut Row<'_>, before: Option<&Row<'_>>) -> Result<(), OrgError> {
    let closed = means(row, "Status", "closed");
    row.set("IsClosed", flag(closed));
    if closed != before.is_some_and(|b| b.integer("IsClosed") == Some(1)) {
        row.set("CompletedDateTime", if closed { now(ctx) } else { Sql::Null });
    }
    let high = row.text("Priority").is_some_and(|p| p.eq_ignore_ascii_case("High"));
    row.set("IsHighPriority", flag(high));
    activity_account(tx, row, before)
}

fn event(tx: &Tx<'_>, ctx: &Context, row: &mut Row<'_>, before: Option<&Row<'_>>) -> Result<(), OrgError> {
    let changed =
        |name: &str| before.is_none_or(|b| b.get(name) != row.get(name)) && *row.get(name) != Sql::Null;
    let start =
        if changed("StartDateTime") { row.get("StartDateTime") } else { row.get("ActivityDateTime") }.clone();
    let start = if start == Sql::Null { row.get("StartDateTime").clone() } else { start };
    if let Sql::Integer(millis) = start {
        let end = match (row.integer("EndDateTime"), row.integer("DurationInMinutes")) {
            (Some(end), _) if changed("EndDateTime") => Some(end),
            (_, Some(minutes)) => Some(millis.saturating_add(minutes.saturating_mul(60_000))),
            (end, None) => end,
        };
        if end.is_some_and(|end| end < millis) {
            return Err(OrgError::new("FIELD_INTEGRITY_EXCEPTION", "Event duration can not be negative")
                .field("EndDateTime"));
        }
        row.set("StartDateTime", Sql::Integer(millis));
        row.set("ActivityDateTime", Sql::Integer(millis));
        if let Some(end) = end {
            row.set("EndDateTime", Sql::Integer(end));
            row.set("DurationInMinutes", Sql::Integer((end - millis) / 60_000));
        }
        if let Ok(at) = Timestamp::from_millisecond(millis) {
            let day = at.to_zoned(ctx.time_zone.clone()).date();
            row.set_text("ActivityDate", day.to_string());
        }
    }
    activity_account(tx, row, before)
}

/// The account of what an activity is about, else of whom it is with.
fn activity_account(tx: &Tx<'_>, row: &mut Row<'_>, before: Option<&Row<'_>>) -> Result<(), OrgError> {
    if before.is_some_and(|b| b.get("WhatId") == row.get("WhatId") && b.get("WhoId") == row.get("WhoId")) {
        return Ok(());
    }
    let what = row.text("WhatId").map(|id| (super::super::id::prefix(id).to_owned(), id.to_owned()));
    let account = match what {
        Some((prefix, id)) if prefix == "001" => Sql::Text(id),
        Some((prefix, _)) if prefix == "006" => follow(tx, row, "WhatId", "Opportunity", "AccountId")?,
        Some((prefix, _)) if prefix == "500" => follow(tx, row, "WhatId", "Case", "AccountId")?,
        _ => Sql::Null,
    };
    let account =
        if account == Sql::Null { follow(tx, row, "WhoId", "Contact", "AccountId")? } else { account };
    row.set("AccountId", account);
    Ok(())
}

fn opportunity(row: &mut Row<'_>, before: Option<&Row<'_>>) {
    let stage = choice(row, "StageName");
    let (closed, won) = (has(stage, "closed"), has(stage, "won"));
    let likely = stage.and_then(|s| s.probability);
    row.set("IsClosed", flag(closed));
    row.set("IsWon", flag(won));
    let moved = before.is_none_or(|b| b.get("StageName") != row.get("StageName"));
    let given = before.map_or_else(
        || row.get("Probability") != &Sql::Null,
        |b| b.get("Probability") != row.get("Probability"),
    );
    if moved
        && !given
        && let Some(likely) = likely
    {
        row.set("Probability", Sql::Real(likely));
    }
    let expected = match (row.real("Amount"), row.real("Probability")) {
        (Some(amount), Some(likely)) => Sql::Real(amount * likely / 100.0),
        _ => Sql::Null,
    };
    row.set("ExpectedRevenue", expected);
    if let Some(close) = row.text("CloseDate").and_then(super::value::date) {
        row.set("FiscalYear", Sql::Integer(i64::from(close.year())));
        row.set("FiscalQuarter", Sql::Integer(i64::from((close.month() - 1) / 3 + 1)));
    }
}

/// A field of the record that a reference field of this one points to.
fn follow(tx: &Tx<'_>, row: &Row<'_>, reference: &str, object: &str, field: &str) -> Result<Sql, OrgError> {
    let Some(id) = row.text(reference) else { return Ok(Sql::Null) };
    let sql = format!("SELECT {field} FROM {object} WHERE Id = ?1");
    let sql = if object == "Case" { format!("SELECT {field} FROM \"Case\" WHERE Id = ?1") } else { sql };
    let mut statement = tx.db.prepare_cached(&sql)?;
    let mut rows = statement.query(params![id])?;
    Ok(match rows.next()? {
        Some(found) => found.get(0)?,
        None => Sql::Null,
    })
}

fn choice<'s>(row: &Row<'s>, field: &str) -> Option<&'s PicklistValue> {
    let text = row.text(field)?;
    row.object.field(field)?.values.iter().find(|v| v.value.eq_ignore_ascii_case(text))
}

fn has(choice: Option<&PicklistValue>, meaning: &str) -> bool {
    choice.is_some_and(|v| v.means.iter().any(|m| m == meaning))
}

fn means(row: &Row<'_>, field: &str, meaning: &str) -> bool {
    has(choice(row, field), meaning)
}

fn flag(on: bool) -> Sql {
    Sql::Integer(i64::from(on))
}

fn now(ctx: &Context) -> Sql {
    Sql::Integer(ctx.now.as_millis().div_euclid(1000) * 1000)
}
