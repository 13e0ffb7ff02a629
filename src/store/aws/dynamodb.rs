//! The table as a DynamoDB table: `PK`, `SK`, the version `v`, the bytes `d`, the end `e` in
//! milliseconds (and `ttl` in seconds, for DynamoDB's own sweeping), `GSI1PK` and `GSI1SK` where the
//! row is indexed, and for counters the sum `n` instead of version and bytes.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld;
use aws_sdk_dynamodb::types::{AttributeValue as Value, ReturnValue};

use super::{Aws, failed};
use crate::store::{AddError, Expect, Key, PutError, Row, StoreError, Table, check_row};
use crate::time::Timestamp;

type Item = HashMap<String, Value>;

#[derive(Debug)]
pub(super) struct DynamoTable {
    aws: Aws,
    name: String,
}

impl DynamoTable {
    pub(super) fn new(aws: Aws, name: String) -> Self {
        Self { aws, name }
    }

    /// What stands under a key, expired or not.
    async fn item(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let get = self.aws.dynamodb().await.get_item().table_name(&self.name).consistent_read(true);
        let get = get.key("PK", text(&key.partition)).key("SK", text(&key.sort));
        Ok(get.send().await.map_err(|e| failed("GetItem", e))?.item)
    }

    async fn query(&self) -> QueryFluentBuilder {
        self.aws.dynamodb().await.query().table_name(&self.name)
    }
}

#[async_trait]
impl Table for DynamoTable {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Row>, StoreError> {
        Ok(self.item(key).await?.and_then(|item| standing(&item, now)))
    }

    async fn put(&self, row: &Row, expect: Expect, now: Timestamp) -> Result<(), PutError> {
        check_row(row)?;
        let put = self
            .aws
            .dynamodb()
            .await
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item_of(row)))
            .return_values_on_condition_check_failure(AllOld);
        let put = match expect {
            Expect::Anything => put,
            Expect::Absent => put
                .condition_expression("attribute_not_exists(PK) OR e <= :now")
                .expression_attribute_values(":now", number(now.as_millis())),
            Expect::Version(version) => put
                .condition_expression("v = :v AND (attribute_not_exists(e) OR e > :now)")
                .expression_attribute_values(":v", number(version))
                .expression_attribute_values(":now", number(now.as_millis())),
        };
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) => match old_of_put(&error) {
                Some(old) => Err(PutError::Conflict(standing(&old, now).map(Box::new))),
                None => Err(failed("PutItem", error).into()),
            },
        }
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        let mut query = self.query().await.consistent_read(true);
        // One condition on the sort key is all there is; from `after` on, the prefix is ours to check.
        let condition = if let Some(after) = after.filter(|after| *after >= prefix) {
            query = query.expression_attribute_values(":s", text(after));
            "PK = :p AND SK > :s"
        } else if prefix.is_empty() {
            "PK = :p"
        } else {
            query = query.expression_attribute_values(":s", text(prefix));
            "PK = :p AND begins_with(SK, :s)"
        };
        let query =
            query.key_condition_expression(condition).expression_attribute_values(":p", text(partition));
        page(query, limit, now, |row| row.key.sort.starts_with(prefix)).await
    }

    async fn list_index(
        &self,
        partition: &str,
        after: Option<&str>,
        descending: bool,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        let mut query = self.query().await.index_name("GSI1").scan_index_forward(!descending);
        let mut condition = "GSI1PK = :p".to_owned();
        if let Some(after) = after {
            condition.push_str(if descending { " AND GSI1SK < :s" } else { " AND GSI1SK > :s" });
            query = query.expression_attribute_values(":s", text(after));
        }
        let query =
            query.key_condition_expression(condition).expression_attribute_values(":p", text(partition));
        page(query, limit, now, |_| true).await
    }

    async fn add_if_below(
        &self,
        key: &Key,
        amount: u64,
        limit: u64,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<u64, AddError> {
        let Some(room) = limit.checked_sub(amount) else {
            // Cannot be added whatever it holds; what it holds is still the answer.
            return Err(AddError::Above(self.counter(key, now).await?));
        };
        let update = self
            .aws
            .dynamodb()
            .await
            .update_item()
            .table_name(&self.name)
            .key("PK", text(&key.partition))
            .key("SK", text(&key.sort))
            .update_expression("ADD n :amount SET e = if_not_exists(e, :e), #ttl = if_not_exists(#ttl, :ttl)")
            .condition_expression("attribute_not_exists(n) OR (n <= :room AND e > :now)")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":amount", number(amount))
            .expression_attribute_values(":room", number(room))
            .expression_attribute_values(":e", number(expires.as_millis()))
            .expression_attribute_values(":ttl", number(expires.as_millis() / 1000 + 1))
            .expression_attribute_values(":now", number(now.as_millis()))
            .return_values(ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(AllOld)
            .send()
            .await;
        match update {
            Ok(answer) => Ok(answer.attributes.as_ref().and_then(|item| count(item, "n")).unwrap_or(amount)),
            Err(error) => match old_of_update(&error) {
                Some(old) if ends_at(&old).is_some_and(|end| end <= now) => {
                    self.begin_again(key, &old, amount, expires).await
                }
                Some(old) => Err(AddError::Above(count(&old, "n").unwrap_or_default())),
                None => Err(failed("UpdateItem", error).into()),
            },
        }
    }

    async fn remove(&self, key: &Key, _now: Timestamp) -> Result<(), StoreError> {
        self.aws
            .dynamodb()
            .await
            .delete_item()
            .table_name(&self.name)
            .key("PK", text(&key.partition))
            .key("SK", text(&key.sort))
            .send()
            .await
            .map(drop)
            .map_err(|e| failed("DeleteItem", e))
    }
}

impl DynamoTable {
    async fn counter(&self, key: &Key, now: Timestamp) -> Result<u64, StoreError> {
        let item = self.item(key).await?;
        let live = item.filter(|item| ends_at(item).is_none_or(|end| end > now));
        Ok(live.and_then(|item| count(&item, "n")).unwrap_or_default())
    }

    /// An expired counter that DynamoDB has not yet swept out begins at zero, once.
    async fn begin_again(
        &self,
        key: &Key,
        old: &Item,
        amount: u64,
        expires: Timestamp,
    ) -> Result<u64, AddError> {
        let mut item = Item::from([
            ("PK".to_owned(), text(&key.partition)),
            ("SK".to_owned(), text(&key.sort)),
            ("n".to_owned(), number(amount)),
        ]);
        end(&mut item, expires);
        let put = self
            .aws
            .dynamodb()
            .await
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item))
            .condition_expression("e = :e")
            .set_expression_attribute_values(
                old.get("e").map(|e| HashMap::from([(":e".to_owned(), e.clone())])),
            )
            .return_values_on_condition_check_failure(AllOld)
            .send()
            .await;
        match put {
            Ok(_) => Ok(amount),
            // Somebody else began it in between: the caller asks again if it wants to.
            Err(error) => match old_of_put(&error) {
                Some(old) => Err(AddError::Above(count(&old, "n").unwrap_or_default())),
                None => Err(failed("PutItem", error).into()),
            },
        }
    }
}

/// Asks page by page until there are enough rows or no more.
async fn page(
    query: QueryFluentBuilder,
    limit: usize,
    now: Timestamp,
    belongs: impl Fn(&Row) -> bool + Send,
) -> Result<Vec<Row>, StoreError> {
    let mut rows = Vec::new();
    let mut from = None;
    while rows.len() < limit {
        // Some of a page may have expired; the next page brings the rest.
        let wanted = i32::try_from(limit - rows.len()).unwrap_or(i32::MAX);
        let answer = query
            .clone()
            .limit(wanted)
            .set_exclusive_start_key(from.take())
            .send()
            .await
            .map_err(|e| failed("Query", e))?;
        let items = answer.items.unwrap_or_default();
        let before = items.len();
        let of_ours: Vec<_> =
            items.iter().map(row_of).take_while(|row| row.as_ref().is_none_or(&belongs)).collect();
        let beyond = of_ours.len() < before;
        rows.extend(of_ours.into_iter().flatten().filter(|row| row.expires.is_none_or(|end| end > now)));
        from = answer.last_evaluated_key.filter(|key| !key.is_empty());
        if beyond || from.is_none() {
            break;
        }
    }
    Ok(rows)
}

fn text(text: &str) -> Value {
    Value::S(text.to_owned())
}

fn number(number: impl ToString) -> Value {
    Value::N(number.to_string())
}

fn end(item: &mut Item, expires: Timestamp) {
    item.insert("e".to_owned(), number(expires.as_millis()));
    // Whole seconds, later rather than earlier.
    item.insert("ttl".to_owned(), number(expires.as_millis() / 1000 + 1));
}

fn item_of(row: &Row) -> Item {
    let mut item = Item::from([
        ("PK".to_owned(), text(&row.key.partition)),
        ("SK".to_owned(), text(&row.key.sort)),
        ("v".to_owned(), number(row.version)),
        ("d".to_owned(), Value::B(Blob::new(row.data.as_slice()))),
    ]);
    if let Some((partition, sort)) = &row.index {
        item.insert("GSI1PK".to_owned(), text(partition));
        item.insert("GSI1SK".to_owned(), text(sort));
    }
    if let Some(expires) = row.expires {
        end(&mut item, expires);
    }
    item
}

/// The row of an item; `None` for a counter.
fn row_of(item: &Item) -> Option<Row> {
    let string = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    Some(Row {
        key: Key { partition: string("PK")?, sort: string("SK")? },
        version: count(item, "v")?,
        data: item.get("d")?.as_b().ok()?.as_ref().to_vec(),
        index: string("GSI1PK").zip(string("GSI1SK")),
        expires: ends_at(item),
    })
}

/// The row of an item, unless it has expired.
fn standing(item: &Item, now: Timestamp) -> Option<Row> {
    row_of(item).filter(|row| row.expires.is_none_or(|end| end > now))
}

fn count(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn ends_at(item: &Item) -> Option<Timestamp> {
    item.get("e")?.as_n().ok()?.parse().ok().map(Timestamp::from_millis)
}

/// The item that stood where a condition failed (empty: none stood); `None` for any other error.
fn old_of_put<R>(error: &SdkError<PutItemError, R>) -> Option<Item> {
    match error.as_service_error()? {
        PutItemError::ConditionalCheckFailedException(failure) => {
            Some(failure.item.clone().unwrap_or_default())
        }
        _ => None,
    }
}

fn old_of_update<R>(error: &SdkError<UpdateItemError, R>) -> Option<Item> {
    match error.as_service_error()? {
        UpdateItemError::ConditionalCheckFailedException(failure) => {
            Some(failure.item.clone().unwrap_or_default())
        }
        _ => None,
    }
}
