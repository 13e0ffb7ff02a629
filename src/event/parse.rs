//! From the JSON of an event to an [`Invocation`].

use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::{
    Contact, Invocation, Matches, OutcomeQuery, Read, Refusal, Request, Settings, Shape, Write, control,
    dates, template,
};
use crate::phone::Phone;
use crate::soql;
use crate::soql::{Dialect, Problem, Replaced, Selected};
use crate::time::Timestamp;

/// What every operation is called, for those who mistype one.
const OPERATIONS: &str = "lookup, lookup_all, phoneLookup, query, queryOne, search, searchOne, searchSOSL, \
                          searchOneSOSL, create, update, delete, upsert, createChatterPost, createChatterComment, \
                          outcome, version";

/// The object whose values are lists with bars, so that no date is looked for in them.
const ANALYTICS: &str = "AC_ContactChannelAnalytics__c";

/// How many records a `search` gives at most unless the flow says otherwise; upstream's number.
const SEARCH_LIMIT: u64 = 100;

/// Understands one event, at `now`. Nothing but `Details.Parameters` with an `sf_operation` is
/// needed; whatever else is missing, null or spelled otherwise is lived with.
///
/// # Errors
/// What the flow must change; see [`Refusal`].
pub fn parse(event: &Value, settings: &Settings, now: Timestamp) -> Result<Invocation, Refusal> {
    let details = event.get("Details").ok_or_else(|| {
        Refusal::event(
            "'Details'. The event is not one that Amazon Connect sends: it has no Details.Parameters",
        )
    })?;
    let given = details.get("Parameters").and_then(Value::as_object).ok_or_else(|| {
        Refusal::event("'Parameters'. Details.Parameters of the event is missing or no object: add parameters to the block")
    })?;
    let (control, parameters): (Map<String, Value>, Map<String, Value>) = given
        .iter()
        .map(|(k, v)| (k.clone(), v.clone()))
        .partition(|(name, _)| name.starts_with(control::PREFIX));
    let (control, id) = control::read(&control)?;
    let contact = contact(event);

    let operation = parameters.get("sf_operation").ok_or_else(|| {
        Refusal::missing(format!("'sf_operation'. Add the parameter sf_operation: one of {OPERATIONS}"))
    })?;
    let arguments = Arguments { operation: operation.as_str().unwrap_or_default(), given: &parameters };
    let request = match arguments.operation {
        "lookup" => Request::Read(lookup(&arguments, one_of(settings), settings)?),
        "lookup_all" => Request::Read(lookup(&arguments, Shape::All, settings)?),
        "phoneLookup" => Request::Read(phone_lookup(&arguments, settings)?),
        "query" => Request::Read(query(&arguments, Dialect::Soql, Shape::All, settings)?),
        "queryOne" => Request::Read(query(&arguments, Dialect::Soql, Shape::Only, settings)?),
        "search" => Request::Read(search(&arguments, Shape::All)?),
        "searchOne" => Request::Read(search(&arguments, Shape::Only)?),
        "searchSOSL" => Request::Read(query(&arguments, Dialect::Sosl, Shape::All, settings)?),
        "searchOneSOSL" => Request::Read(query(&arguments, Dialect::Sosl, Shape::Only, settings)?),
        "create" => Request::Write(create(&arguments, settings, now)?),
        "update" => Request::Write(update(&arguments, settings, now)?),
        "delete" => Request::Write(delete(&arguments)?),
        "upsert" => Request::Write(upsert(&arguments, settings, now)?),
        "createChatterPost" => Request::Write(post(&arguments)?),
        "createChatterComment" => Request::Write(comment(&arguments)?),
        "outcome" => Request::Outcome(outcome(id, control.name.as_deref(), contact.as_ref())?),
        "version" => Request::Version,
        _ => {
            return Err(Refusal {
                kind: "UnknownOperation",
                message: format!(
                    "sf_operation unknown. Set sf_operation to one of {OPERATIONS}, spelled exactly so"
                ),
            });
        }
    };
    Ok(Invocation { contact, parameters, control, request })
}

/// The operation that an event asks for, if it is one: for logs, also of events that are refused.
#[must_use]
pub fn operation(event: &Value) -> Option<&'static str> {
    let asked = event.pointer("/Details/Parameters/sf_operation")?.as_str()?;
    OPERATIONS.split(", ").find(|operation| *operation == asked)
}

/// The contact, where the event names one. Keys are found in any case.
#[must_use]
pub fn contact(event: &Value) -> Option<Contact> {
    let data = event.pointer("/Details/ContactData")?.as_object()?;
    let text = |name: &str| {
        let (_, value) = data.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(value.as_str()?.trim().to_owned()).filter(|text| !text.is_empty())
    };
    Some(Contact {
        contact_id: text("ContactId")?,
        initial_contact_id: text("InitialContactId"),
        instance_arn: text("InstanceARN"),
    })
}

/// The form of the reply to a lookup.
fn one_of(settings: &Settings) -> Shape {
    if settings.matches == Matches::None { Shape::Only } else { Shape::First }
}

fn lookup(arguments: &Arguments<'_>, shape: Shape, settings: &Settings) -> Result<Read, Refusal> {
    const NAMED: &[&str] = &["sf_object", "sf_fields"];
    arguments.demand(NAMED)?;
    let object = arguments.text("sf_object")?;
    let fields = match arguments.given.get("sf_fields") {
        Some(Value::Array(_)) => arguments.list("sf_fields")?.join(", "),
        _ => arguments.text("sf_fields")?,
    };
    if !shape.shows_all() && arguments.others(NAMED).next().is_none() {
        return Err(Problem::NoCondition.into());
    }
    let selected = soql::select(&object, &fields, arguments.others(NAMED))?;
    // One record is looked for by what is known of it. A blank, from an attribute that was never set,
    // would find the first stranger of whom as little is known.
    let blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
    if !shape.shows_all() && arguments.others(NAMED).any(|(_, value)| blank(value)) {
        return Ok(Read::Nobody { shape });
    }
    Ok(match selected {
        Selected::Query(soql) if shape == Shape::First && settings.matches == Matches::MostRecent => {
            Read::Query { soql: format!("{soql} ORDER BY LastModifiedDate DESC"), shape }
        }
        Selected::Query(soql) => Read::Query { soql, shape },
        Selected::Nobody => Read::Nobody { shape },
    })
}

fn phone_lookup(arguments: &Arguments<'_>, settings: &Settings) -> Result<Read, Refusal> {
    for name in ["sf_phone", "sf_fields"] {
        if !arguments.given.contains_key(name) {
            return Err(Refusal::missing(format!(
                "'{name}'. Add the parameter {name} to the block that invokes phoneLookup"
            )));
        }
    }
    let shape = one_of(settings);
    let fields = arguments.list("sf_fields")?;
    let mut object =
        json!({"name": arguments.optional("sf_object")?.unwrap_or_else(|| "Contact".to_owned())});
    if settings.matches == Matches::MostRecent {
        object["orderBy"] = "LastModifiedDate DESC".into();
    }
    let text = arguments.any_text("sf_phone")?;
    Ok(match Phone::read(&text, settings.region).filter(Phone::identifies) {
        Some(phone) => Read::ParameterizedSearch {
            body: json!({"q": phone.national(), "sobjects": [object], "fields": fields}),
            shape,
        },
        None => Read::Nobody { shape },
    })
}

fn query(
    arguments: &Arguments<'_>,
    dialect: Dialect,
    shape: Shape,
    settings: &Settings,
) -> Result<Read, Refusal> {
    arguments.demand(&["query"])?;
    let template = arguments.text("query")?;
    // Upstream sent the SOSL of searchOneSOSL to the endpoint for SOQL; a flow that gave it SOQL
    // worked, and still does.
    let selects = template.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"));
    let dialect = if shape == Shape::Only && selects { Dialect::Soql } else { dialect };
    let values: Map<String, Value> =
        arguments.others(&["query"]).map(|(name, value)| (name.clone(), value.clone())).collect();
    let statement = match soql::replace(&template, &values, dialect, settings.strict)? {
        Replaced::Query(statement) => statement,
        Replaced::Blank(statement) if shape.shows_all() => statement,
        Replaced::Blank(_) | Replaced::Nobody => return Ok(Read::Nobody { shape }),
    };
    Ok(match dialect {
        Dialect::Soql => Read::Query { soql: statement, shape },
        Dialect::Sosl => Read::Search { sosl: statement, shape },
    })
}

fn search(arguments: &Arguments<'_>, shape: Shape) -> Result<Read, Refusal> {
    arguments.demand(&["q", "sf_fields", "sf_object"])?;
    let fields = arguments.list("sf_fields")?;
    let term = arguments.text("q")?;
    let mut object = json!({"name": arguments.text("sf_object")?});
    if soql::finds_anything(&term) {
        return Ok(Read::Nobody { shape });
    }
    if let Some(clause) = arguments.optional("where")? {
        object["where"] = clause.into();
    }
    let mut body = json!({"q": term, "fields": fields, "sobjects": [object]});
    if shape.shows_all() {
        body["overallLimit"] = match arguments.optional("overallLimit")? {
            None => SEARCH_LIMIT.into(),
            Some(text) => text.trim().parse::<i64>().map_or_else(|_| text.into(), Value::from),
        };
    }
    Ok(Read::ParameterizedSearch { body, shape })
}

fn create(arguments: &Arguments<'_>, settings: &Settings, now: Timestamp) -> Result<Write, Refusal> {
    const NAMED: &[&str] = &["sf_object"];
    arguments.demand(NAMED)?;
    let object = arguments.text("sf_object")?;
    let fields = fields(arguments, NAMED, &object, settings, now)?;
    Ok(Write::Create { object, fields })
}

fn update(arguments: &Arguments<'_>, settings: &Settings, now: Timestamp) -> Result<Write, Refusal> {
    const NAMED: &[&str] = &["sf_object", "sf_id"];
    arguments.demand(NAMED)?;
    let object = arguments.text("sf_object")?;
    let fields = fields(arguments, NAMED, &object, settings, now)?;
    Ok(Write::Update { object, id: arguments.text("sf_id")?, fields })
}

fn delete(arguments: &Arguments<'_>) -> Result<Write, Refusal> {
    arguments.demand(&["sf_object", "sf_id"])?;
    Ok(Write::Delete { object: arguments.text("sf_object")?, id: arguments.text("sf_id")? })
}

fn upsert(arguments: &Arguments<'_>, settings: &Settings, now: Timestamp) -> Result<Write, Refusal> {
    const NAMED: &[&str] = &["sf_object", "sf_external_field", "sf_external_id"];
    arguments.demand(NAMED)?;
    let object = arguments.text("sf_object")?;
    let fields = fields(arguments, NAMED, &object, settings, now)?;
    Ok(Write::Upsert {
        object,
        external_field: arguments.text("sf_external_field")?,
        external_id: arguments.text("sf_external_id")?,
        fields,
    })
}

/// The parameters that are fields, dates resolved.
fn fields(
    arguments: &Arguments<'_>,
    named: &[&str],
    object: &str,
    settings: &Settings,
    now: Timestamp,
) -> Result<Map<String, Value>, Refusal> {
    let has_bars = object == format!("{}{ANALYTICS}", settings.namespace);
    let mut fields = Map::new();
    for (name, value) in arguments.given {
        if name == "sf_operation" || named.contains(&name.as_str()) {
            continue;
        }
        let value = match value {
            Value::String(text) if !has_bars => dates::resolve(name, text, now)?.into(),
            value => value.clone(),
        };
        fields.insert(name.clone(), value);
    }
    Ok(fields)
}

fn post(arguments: &Arguments<'_>) -> Result<Write, Refusal> {
    const NAMED: &[&str] = &["sf_feedElementType", "sf_subjectId", "sf_messageType", "sf_message"];
    arguments.demand(NAMED)?;
    Ok(Write::Post {
        element_type: arguments.text("sf_feedElementType")?,
        subject_id: arguments.text("sf_subjectId")?,
        message_type: arguments.text("sf_messageType")?,
        text: message(arguments, "sf_message", NAMED)?,
        mention: arguments.optional("sf_mention")?,
    })
}

fn comment(arguments: &Arguments<'_>) -> Result<Write, Refusal> {
    const NAMED: &[&str] = &["sf_feedElementId", "sf_commentType", "sf_commentMessage"];
    arguments.demand(NAMED)?;
    Ok(Write::Comment {
        element_id: arguments.text("sf_feedElementId")?,
        comment_type: arguments.text("sf_commentType")?,
        text: message(arguments, "sf_commentMessage", NAMED)?,
    })
}

/// A message with its names filled from the other parameters.
fn message(arguments: &Arguments<'_>, name: &str, named: &'static [&'static str]) -> Result<String, Refusal> {
    let words: Map<String, Value> =
        arguments.others(named).map(|(name, value)| (name.clone(), value.clone())).collect();
    template::fill(name, &arguments.any_text(name)?, &words)
}

fn outcome(
    id: Option<String>,
    name: Option<&str>,
    contact: Option<&Contact>,
) -> Result<OutcomeQuery, Refusal> {
    match (id, name, contact) {
        (Some(id), ..) => Ok(OutcomeQuery::Id(id)),
        (None, Some(name), Some(_)) => Ok(OutcomeQuery::Name(name.to_owned())),
        (None, None, Some(_)) => Ok(OutcomeQuery::Latest),
        (None, _, None) => Err(Refusal::missing(
            "the event names no contact, so its writes are not known by name: add the parameter tl_id with the id \
             that the write replied"
                .to_owned(),
        )),
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::invalid(problem.to_string())
    }
}

#[cfg(test)]
mod tests;
