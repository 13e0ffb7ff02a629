//! Search And Screenpop: the server searches, the browser opens.

use serde_json::{Map, Value, json};

use super::Host;
use super::salesforce::{Found, found, object_of};
use crate::flow::run::value::{text, truthy};
use crate::flow::run::{Event, Exception, Outcome, Pending};
use crate::phone::Phone;
use crate::soql::escape_term;

/// What a softphone layout searches unless it says otherwise, and Case for its number.
const RETURNING: &str = "Contact(Id, Name), Account(Id, Name), Lead(Id, Name), Case(Id, CaseNumber)";
/// SOSL finds nothing for less.
const SHORTEST: usize = 2;

/// What a search means for the block: an outcome at once, or a page for the browser to open.
pub(super) enum Searched {
    Outcome(Outcome),
    Pop { request: Map<String, Value>, results: Value },
}

impl Host {
    /// Searches for the block and says what is to be opened.
    pub(super) async fn search(&self, pending: &Pending, event: &Event) -> Searched {
        let inputs = &pending.inputs;
        let searched = text(inputs.get("searchParams"));
        let records = match self.find(&searched, event).await {
            Ok(records) => records,
            Err(exception) => return Searched::Outcome(Outcome::Failure { exception }),
        };
        let value: Map<String, Value> = records
            .iter()
            .map(|r| (r.id.clone(), json!({"Id": r.id, "Name": r.name, "RecordType": r.object})))
            .collect();
        let single = match records.as_slice() {
            [one] => json!(one.id),
            _ => Value::Null,
        };
        let defaults = inputs.get("defaultFieldValues").and_then(Value::as_object).filter(|d| !d.is_empty());
        let pop = match (records.as_slice(), defaults) {
            ([one], _) => {
                json!({"kind": "record", "recordId": one.id, "object": one.object, "name": one.name})
            }
            ([], Some(defaults)) => {
                json!({"kind": "newRecord", "object": "Contact", "defaultFieldValues": defaults})
            }
            _ => json!({"kind": "search", "text": searched}),
        };
        let mut results = json!({ "count": records.len(), "id": single, "value": value });
        if truthy(inputs.get("deferred")) {
            results["screenPopData"] = pop;
            return Searched::Outcome(Outcome::Success { results });
        }
        let mut request = Map::new();
        request.insert("pop".to_owned(), pop);
        Searched::Pop { request, results }
    }

    /// The records that a text finds. A phone number is looked for in phone fields, by the digits
    /// that its spellings share.
    pub(super) async fn find(&self, searched: &str, event: &Event) -> Result<Vec<Found>, Exception> {
        let country = event.contact.get("country").and_then(Value::as_str).unwrap_or("US");
        let phone = Phone::read(searched, country.parse().ok()).filter(Phone::identifies);
        let (term, fields) = match &phone {
            Some(phone) => (phone.national().to_owned(), "PHONE"),
            None => (escape_term(searched.trim()), "ALL"),
        };
        if term.chars().filter(|c| c.is_alphanumeric()).count() < SHORTEST {
            return Ok(Vec::new());
        }
        let query = format!("FIND {{{term}}} IN {fields} FIELDS RETURNING {RETURNING}");
        let records = self.records(json!({"sf_operation": "searchSOSL", "query": query}), event).await?;
        Ok(records
            .iter()
            .filter_map(Value::as_object)
            .map(|fields| {
                let id = fields.get("Id").and_then(Value::as_str).unwrap_or_default();
                found(object_of(id).unwrap_or("Record"), fields)
            })
            .collect())
    }
}
