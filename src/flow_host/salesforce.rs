//! Salesforce blocks as calls of the product's own invoke path.
//!
//! A block becomes the event that a contact flow would send: the same reading of phone numbers,
//! the same escaping, cache, queue, order and record. Writes carry `tl_key`, so that a run that is
//! taken up again writes nothing twice. Apex alone goes by a call of its own: what a class does
//! is neither a read that may be kept nor a write that may wait.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Ask, Host};
use crate::flow::run::salesforce::{Save, save_target, task_fields};
use crate::flow::run::value::{text, truthy};
use crate::flow::run::{Event, Exception, Outcome, Pending, e164};

/// How often, and how far apart, a read is tried that names a record which is still being written.
const LOOKS: usize = 12;
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// A record found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "local", derive(utoipa::ToSchema), schema(as = RecordRow))]
pub struct Found {
    /// Its object.
    pub object: String,
    /// Its Id.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl Host {
    /// Carries out a Salesforce block.
    pub(super) async fn salesforce(&self, pending: &Pending, event: &Event) -> Outcome {
        match self.block(pending, event).await {
            Ok(outcome) => outcome,
            Err(exception) => Outcome::Failure { exception },
        }
    }

    async fn block(&self, pending: &Pending, event: &Event) -> Result<Outcome, Exception> {
        let inputs = &pending.inputs;
        let given = |name: &str| text(inputs.get(name));
        let success = |results: Value| Ok(Outcome::Success { results });
        match pending.kind.as_str() {
            "SE_SFQueryValue" | "SE_SFSoqlQuery" => {
                let records =
                    self.records(json!({"sf_operation": "query", "query": given("query")}), event).await?;
                success(json!({ "value": records }))
            }
            "SE_SFRetrieve" => {
                let record = self.one(&given("type"), &given("fields"), &given("id"), event).await?;
                success(json!({ "record": record }))
            }
            "SE_SFGetContactId" => {
                success(json!({ "sfContactId": self.by_phone("Contact", pending, event).await? }))
            }
            "SE_SFGetLeadId" => success(json!({ "sfLeadId": self.by_phone("Lead", pending, event).await? })),
            "SE_SFIsDoNotCall" => {
                let record = self.one("Contact", "DoNotCall", &given("contactId"), event).await?;
                Ok(Outcome::Branch { value: truthy(record.get("DoNotCall")) })
            }
            "SE_SFCreateTask" => {
                let id = self.write("create", "Task", None, task_fields(inputs), pending, event).await?;
                success(json!({ "id": id }))
            }
            "SE_SFSaveLog" => {
                let fields =
                    inputs.get("fieldValues").and_then(Value::as_object).cloned().unwrap_or_default();
                let id = match save_target(inputs) {
                    Save::Create(object) => {
                        self.write("create", &object, None, fields, pending, event).await?
                    }
                    Save::Update(id) => {
                        let object = object_of(&id).map_or_else(|| given("entityType"), str::to_owned);
                        if object.is_empty() {
                            return Err(Exception::new(
                                "MissingInput",
                                "The object of this record id is not known; give entityType.",
                            ));
                        }
                        self.write("update", &object, Some(&id), fields, pending, event).await?
                    }
                };
                success(json!({ "id": id }))
            }
            "SE_SFRunApex" => success(json!({ "value": self.apex(inputs).await? })),
            other => Err(Exception::new(
                "NotAvailable",
                format!(
                    "{other} is not available here; connect its failure, or run it in the agent's browser."
                ),
            )),
        }
    }

    /// The Id of the record of a caller. No match is a failure: the block has a name for one.
    async fn by_phone(&self, object: &str, pending: &Pending, event: &Event) -> Result<Value, Exception> {
        // Flows pass on what they show: the national form, which means something in its country alone.
        let country = event.contact.get("country").and_then(Value::as_str).unwrap_or_default();
        let phone = e164(&text(pending.inputs.get("formattedPhoneNumber")), country);
        let parameters =
            json!({"sf_operation": "phoneLookup", "sf_object": object, "sf_phone": phone, "sf_fields": "Id"});
        let records = self.records(parameters, event).await?;
        let id = records.first().and_then(|r| r.get("Id")).cloned();
        id.ok_or_else(|| Exception::new("NoMatch", format!("No {object} has this phone number.")))
    }

    async fn one(&self, object: &str, fields: &str, id: &str, event: &Event) -> Result<Value, Exception> {
        let parameters =
            json!({"sf_operation": "lookup", "sf_object": object, "sf_fields": fields, "Id": id});
        let mut records = self.records(parameters, event).await?;
        if records.is_empty() {
            return Err(Exception::new(
                "NOT_FOUND",
                format!("There is no {object} with this id, or it may not be seen."),
            ));
        }
        Ok(records.swap_remove(0))
    }

    /// A write, and the Id that it made or changed. One that is accepted and not yet carried out
    /// gives its ticket, which stands for the Id in later writes of the contact.
    async fn write(
        &self,
        operation: &str,
        object: &str,
        id: Option<&str>,
        fields: Map<String, Value>,
        pending: &Pending,
        event: &Event,
    ) -> Result<Value, Exception> {
        let mut parameters = Map::new();
        parameters.insert("sf_operation".to_owned(), json!(operation));
        parameters.insert("sf_object".to_owned(), json!(object));
        parameters.extend(id.map(|id| ("sf_id".to_owned(), json!(id))));
        parameters.extend(
            fields.into_iter().filter(|(name, _)| !name.starts_with("tl_") && !name.starts_with("sf_")),
        );
        parameters.insert("tl_key".to_owned(), json!(pending.key));
        let reply = self.invoke(parameters, event).await?;
        Ok(id.map(|id| json!(id)).or_else(|| reply.get("Id").cloned()).unwrap_or(Value::Null))
    }

    /// The records that a read finds, nested as Salesforce gave them.
    pub(super) async fn records(&self, parameters: Value, event: &Event) -> Result<Vec<Value>, Exception> {
        let mut parameters = parameters.as_object().cloned().unwrap_or_default();
        parameters.insert("tl_format".to_owned(), json!("json"));
        for _ in 0..LOOKS {
            let reply = self.invoke(parameters.clone(), event).await?;
            match (reply.get("sf_records"), reply.get("tl_pending")) {
                // It names a record that an earlier block of the flow is still writing.
                (_, Some(Value::Bool(true))) => tokio::time::sleep(BETWEEN_LOOKS).await,
                (Some(Value::Array(records)), _) => return Ok(records.clone()),
                _ => return Ok(Vec::new()),
            }
        }
        Err(Exception::new(
            "Pending",
            "The record that it names is not written yet; ask for it later, or in another flow.",
        ))
    }

    /// A method of a class that the org exposes by REST. It is asked once: nobody knows whether it
    /// only reads.
    async fn apex(&self, inputs: &Map<String, Value>) -> Result<Value, Exception> {
        let given = |name: &str| text(inputs.get(name)).trim().to_owned();
        let asked = Ask::Apex {
            class: given("apexClass"),
            method: given("methodName"),
            parameters: parameters(&given("methodParams")),
        };
        self.ask(asked).await.map_err(|mut exception| {
            if exception.name == "NOT_FOUND" {
                exception.message = format!(
                    "The org exposes no Apex class at /services/apexrest/{}/{}: give it @RestResource with this path.",
                    given("apexClass").replace('.', "/"),
                    given("methodName")
                );
            }
            exception
        })
    }

    async fn ask(&self, asked: Ask) -> Result<Value, Exception> {
        let salesforce = self.0.salesforce.as_ref().ok_or_else(|| {
            Exception::new(
                "NotAvailable",
                "Salesforce is not configured here; set SF_HOST and its credentials.",
            )
        })?;
        salesforce(asked).await
    }

    async fn invoke(&self, parameters: Map<String, Value>, event: &Event) -> Result<Value, Exception> {
        let mut details = Map::new();
        details.insert("Parameters".to_owned(), Value::Object(parameters));
        if let Some(id) = event.contact_id() {
            let text = |name: &str| event.contact.get(name).and_then(Value::as_str);
            details.insert(
                "ContactData".to_owned(),
                json!({
                    "ContactId": id,
                    "InitialContactId": text("originalContactId").or(text("initialContactId")),
                    "InstanceARN": text("instanceArn"),
                }),
            );
        }
        self.ask(Ask::Event(json!({ "Details": details }))).await
    }

    /// A record for a page: its fields, by the read path.
    ///
    /// # Errors
    /// What Salesforce said.
    pub async fn record_page(&self, id: &str) -> Result<(Found, Map<String, Value>), Exception> {
        let object = object_of(id)
            .ok_or_else(|| Exception::new("UnknownObject", "The object of this record id is not known."))?;
        let record = self.one(object, &fields_of(object).join(", "), id, &Event::default()).await?;
        let fields = record.as_object().cloned().unwrap_or_default();
        Ok((found(object, &fields), fields))
    }

    /// Records that a text finds, for a page.
    ///
    /// # Errors
    /// What Salesforce said.
    pub async fn record_search(&self, text: &str) -> Result<Vec<Found>, Exception> {
        self.find(text, &Event::default()).await
    }
}

/// The parameters of a method, which are written as a query string is.
fn parameters(text: &str) -> Map<String, Value> {
    let decoded = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), Value::String(decoded(value))))
        .collect()
}

/// Fields that a page of an object shows.
fn fields_of(object: &str) -> &'static [&'static str] {
    match object {
        "Contact" => &[
            "Id",
            "Name",
            "FirstName",
            "LastName",
            "Phone",
            "MobilePhone",
            "Email",
            "Title",
            "AccountId",
            "Account.Name",
        ],
        "Account" => &["Id", "Name", "Phone", "Industry", "Website", "BillingCity"],
        "Lead" => &["Id", "Name", "Company", "Phone", "Email", "Status"],
        "Case" => &[
            "Id",
            "CaseNumber",
            "Subject",
            "Status",
            "Priority",
            "Origin",
            "Description",
            "ContactId",
            "AccountId",
        ],
        "Task" => &[
            "Id",
            "Subject",
            "Status",
            "Priority",
            "Description",
            "CallType",
            "CallObject",
            "WhoId",
            "WhatId",
        ],
        "User" => &["Id", "Name", "Username", "Email"],
        _ => &["Id", "Name"],
    }
}

/// The object of a record, by the first three letters of its Id.
pub(super) fn object_of(id: &str) -> Option<&'static str> {
    Some(match id.get(..3)? {
        "001" => "Account",
        "003" => "Contact",
        "005" => "User",
        "006" => "Opportunity",
        "00Q" => "Lead",
        "00T" => "Task",
        "00U" => "Event",
        "500" => "Case",
        "701" => "Campaign",
        _ => return None,
    })
}

pub(super) fn found(object: &str, fields: &Map<String, Value>) -> Found {
    let field = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = ["Name", "CaseNumber", "Subject"].iter().map(|n| field(n)).find(|n| !n.is_empty());
    Found { object: object.to_owned(), id: field("Id"), name: name.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_method_are_a_query_string() {
        let read = |text: &str| Value::Object(parameters(text));
        assert_eq!(
            read("name=Acme+Ltd&note=a%26b%3Dc&flag"),
            json!({"name": "Acme Ltd", "note": "a&b=c", "flag": ""})
        );
        assert_eq!(read(""), json!({}));
        assert_eq!(read("&&=x&a=b=c"), json!({"": "x", "a": "b=c"}));
    }
}
