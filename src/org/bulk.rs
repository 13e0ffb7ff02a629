//! `/services/async`: the Bulk API in its first edition, to which clients turn by themselves where
//! they have hundreds of records. A job is of one verb and object, its batches are CSV.
//!
//! A batch is worked off as it comes in, so that it is complete whenever it is asked after; bulk
//! queries are refused.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use crate::org::ask::{Call, Refusal};
use crate::org::data::{Context, Tx, Upserted};
use crate::org::error::OrgError;
use crate::org::schema::Object;
use crate::org::wire::{Method, Request, Response};
use crate::org::xml::{element, escape};
use crate::org::{hold, id, rows};

/// Records of one batch.
const MOST: usize = 10_000;
/// As many jobs are remembered.
const REMEMBERED: usize = 100;

/// The jobs so far.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    all: VecDeque<Job>,
    jobs: u64,
    batches: u64,
}

#[derive(Clone, Debug)]
struct Job {
    id: String,
    verb: String,
    object: String,
    /// For upsert: the field by which records are found.
    key: Option<String>,
    state: &'static str,
    batches: Vec<Batch>,
}

#[derive(Clone, Debug)]
struct Batch {
    id: String,
    records: usize,
    failed: usize,
    /// The answer to each record, as CSV.
    result: String,
}

/// Why a request is refused: Salesforce's code and text.
pub(super) struct Refused(pub(super) &'static str, pub(super) String);

impl Refused {
    pub(super) fn response(&self) -> Response {
        let Self(code, text) = self;
        let text = escape(text);
        xml(
            400,
            "error",
            &format!("<exceptionCode>{code}</exceptionCode><exceptionMessage>{text}</exceptionMessage>"),
        )
    }
}

fn xml(status: u16, name: &str, inner: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><{name} xmlns=\"http://www.force.com/2009/06/asyncapi/dataload\">{inner}</{name}>"
    );
    Response::raw(status, "application/xml", body)
}

/// Answers a request whose path goes on after `/services/async/66.0`.
pub(super) fn answer(call: &Call<'_>, tx: &Tx<'_>, request: &Request, rest: &[&str]) -> Response {
    let jobs = &call.org.jobs;
    let told = match (request.method, rest) {
        (Method::Post, ["job"]) => hold(jobs).open(tx, &text(request)),
        (Method::Get, ["job", job]) => hold(jobs).find(job).map(|job| job.told(200)),
        (Method::Post, ["job", job]) => hold(jobs).find(job).and_then(|job| job.change(&text(request))),
        (Method::Post, ["job", job, "batch"]) => add(call, tx, job, &request.body),
        (Method::Get, ["job", job, "batch"]) => hold(jobs).find(job).map(|job| {
            let all: String =
                job.batches.iter().map(|b| format!("<batchInfo>{}</batchInfo>", b.told(job))).collect();
            xml(200, "batchInfoList", &all)
        }),
        (Method::Get, ["job", job, "batch", batch]) => {
            hold(jobs).find(job).and_then(|job| Ok(xml(200, "batchInfo", &job.batch(batch)?.told(job))))
        }
        (Method::Get, ["job", job, "batch", batch, "result"]) => hold(jobs)
            .find(job)
            .and_then(|job| Ok(Response::raw(200, "text/csv", job.batch(batch)?.result.clone()))),
        _ => Err(Refused("InvalidUrl", format!("Destination URL not reset. The URL is {}", request.target))),
    };
    told.unwrap_or_else(|refused| refused.response())
}

fn text(request: &Request) -> String {
    String::from_utf8_lossy(&request.body).into_owned()
}

impl Jobs {
    fn open(&mut self, tx: &Tx<'_>, body: &str) -> Result<Response, Refused> {
        let wanted = |name: &str| {
            element(body, name)
                .ok_or_else(|| Refused("InvalidJob", format!("{name} is required to create a job")))
        };
        let (verb, object) = (wanted("operation")?, wanted("object")?);
        if matches!(verb.as_str(), "query" | "queryAll") {
            return Err(Refused(
                "FeatureNotEnabled",
                "Bulk queries are not enabled for this organization".to_owned(),
            ));
        }
        if !matches!(verb.as_str(), "insert" | "update" | "upsert" | "delete" | "hardDelete") {
            return Err(Refused("InvalidJob", format!("Invalid operation: {verb}")));
        }
        if element(body, "contentType").is_some_and(|kind| kind != "CSV") {
            return Err(Refused("InvalidJob", "The content type of a job must be CSV".to_owned()));
        }
        let Some(object) = tx.schema.object(&object).filter(|o| o.writable) else {
            return Err(Refused(
                "InvalidEntity",
                format!("Entity '{object}' is not supported by the Bulk API."),
            ));
        };
        let key = element(body, "externalIdFieldName");
        if verb == "upsert" && key.is_none() {
            return Err(Refused("InvalidJob", "External ID was blank for an upsert".to_owned()));
        }
        self.jobs += 1;
        let job = Job {
            id: id::compose("750", self.jobs),
            verb,
            object: object.name.clone(),
            key,
            state: "Open",
            batches: Vec::new(),
        };
        let told = job.told(201);
        self.all.push_back(job);
        if self.all.len() > REMEMBERED {
            self.all.pop_front();
        }
        Ok(told)
    }

    fn find(&mut self, given: &str) -> Result<&mut Job, Refused> {
        let wanted = id::normalise(given);
        self.all
            .iter_mut()
            .find(|job| wanted.as_ref() == Some(&job.id))
            .ok_or_else(|| Refused("InvalidJob", format!("Invalid job id: {given}")))
    }
}

impl Job {
    fn told(&self, status: u16) -> Response {
        let Self { id, verb, object, state, batches, .. } = self;
        let (count, records) = (batches.len(), batches.iter().map(|b| b.records).sum::<usize>());
        xml(
            status,
            "jobInfo",
            &format!(
                "<id>{id}</id><operation>{verb}</operation><object>{object}</object><state>{state}</state>\
                 <concurrencyMode>Parallel</concurrencyMode><contentType>CSV</contentType>\
                 <numberBatchesTotal>{count}</numberBatchesTotal><numberBatchesCompleted>{count}</numberBatchesCompleted>\
                 <numberRecordsProcessed>{records}</numberRecordsProcessed>"
            ),
        )
    }

    fn change(&mut self, body: &str) -> Result<Response, Refused> {
        self.state = match element(body, "state").as_deref() {
            _ if self.state != "Open" => {
                return Err(Refused("InvalidJobState", format!("The job {} is {}", self.id, self.state)));
            }
            Some("Closed") => "Closed",
            Some("Aborted") => "Aborted",
            _ => return Err(Refused("InvalidJob", "state must be Closed or Aborted".to_owned())),
        };
        Ok(self.told(200))
    }

    fn batch(&self, given: &str) -> Result<&Batch, Refused> {
        let wanted = id::normalise(given);
        self.batches
            .iter()
            .find(|batch| wanted.as_ref() == Some(&batch.id))
            .ok_or_else(|| Refused("InvalidBatch", format!("Invalid batch id: {given}")))
    }
}

impl Batch {
    fn told(&self, job: &Job) -> String {
        let Self { id, records, failed, .. } = self;
        format!(
            "<id>{id}</id><jobId>{}</jobId><state>Completed</state>\
             <numberRecordsProcessed>{records}</numberRecordsProcessed><numberRecordsFailed>{failed}</numberRecordsFailed>",
            job.id
        )
    }
}

/// Works off a batch and adds it to its job.
fn add(call: &Call<'_>, tx: &Tx<'_>, given: &str, body: &[u8]) -> Result<Response, Refused> {
    let job = hold(&call.org.jobs).find(given)?.clone();
    if job.state != "Open" {
        return Err(Refused("InvalidJobState", format!("The job {} is {}", job.id, job.state)));
    }
    let records = records(body)?;
    let Some(object) = tx.schema.object(&job.object) else {
        return Err(Refused(
            "InvalidEntity",
            format!("Entity '{}' is not supported by the Bulk API.", job.object),
        ));
    };
    let unsaid = |_| Refused("Unknown", "The result cannot be written".to_owned());
    let mut result = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
    result.write_record(["Id", "Success", "Created", "Error"]).map_err(unsaid)?;
    let mut failed = 0;
    for record in &records {
        let (id, created, error) = match one(call, tx, &job, object, record) {
            Ok((id, created)) => (id, created, String::new()),
            Err(Refusal(errors)) => (String::new(), false, errors.first().map(told).unwrap_or_default()),
        };
        failed += usize::from(!error.is_empty());
        let success = error.is_empty().to_string();
        result.write_record([&id, &success, &created.to_string(), &error]).map_err(unsaid)?;
    }
    let result = result.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let mut jobs = hold(&call.org.jobs);
    jobs.batches += 1;
    let batch = Batch { id: id::compose("751", jobs.batches), records: records.len(), failed, result };
    let job = jobs.find(given)?;
    let said = xml(201, "batchInfo", &batch.told(job));
    job.batches.push(batch);
    Ok(said)
}

/// `REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --`.
fn told(error: &OrgError) -> String {
    format!("{}:{}:{} --", error.code, error.message, error.fields.join(","))
}

/// The lines of a batch by the names in its first; an empty cell says nothing, `#N/A` empties a
/// field, `Account.CustomerNumber__c` refers to a record by its external id.
fn records(body: &[u8]) -> Result<Vec<Map<String, Value>>, Refused> {
    let refused = |error: csv::Error| Refused("InvalidBatch", format!("Failed to parse the CSV: {error}"));
    let mut reader = csv::Reader::from_reader(body);
    let names = reader.headers().map_err(refused)?.clone();
    let mut records = Vec::new();
    for line in reader.records() {
        let line = line.map_err(refused)?;
        let mut record = Map::new();
        for (name, cell) in names.iter().zip(&line).filter(|(_, cell)| !cell.is_empty()) {
            let value = if cell == "#N/A" { Value::Null } else { cell.into() };
            match name.split_once('.') {
                Some((parent, key)) => {
                    record.insert(parent.to_owned(), Map::from_iter([(key.to_owned(), value)]).into())
                }
                None => record.insert(name.to_owned(), value),
            };
        }
        records.push(record);
        if records.len() > MOST {
            return Err(Refused("ExceededQuota", format!("A batch may hold at most {MOST} records")));
        }
    }
    Ok(records)
}

/// Works off one record; tells its id and whether it was made.
fn one(
    call: &Call<'_>,
    tx: &Tx<'_>,
    job: &Job,
    object: &Object,
    record: &Map<String, Value>,
) -> Result<(String, bool), Refusal> {
    let ctx: &Context = &call.context;
    let mut fields = record.clone();
    let mut take = |wanted: &str| {
        let name = fields.keys().find(|name| name.eq_ignore_ascii_case(wanted)).cloned();
        let value = name.and_then(|name| fields.shift_remove(&name)).filter(|value| !value.is_null());
        value.ok_or_else(|| OrgError::new("MISSING_ARGUMENT", format!("{wanted} not specified")))
    };
    match job.verb.as_str() {
        "insert" => Ok((call.create(tx, ctx, object, &fields)?, true)),
        "upsert" => {
            let key = job.key.as_deref().unwrap_or("Id");
            let value = take(key)?;
            match rows::upsert_row(call, tx, ctx, object, (key, &value), &fields, false)? {
                Upserted::Created(id) => Ok((id, true)),
                Upserted::Updated(id) => Ok((id, false)),
                Upserted::Several(_) => Err(OrgError::new(
                    "DUPLICATE_EXTERNAL_ID",
                    format!("{key}: more than one record found for external id field"),
                )
                .into()),
            }
        }
        verb => {
            let id = take("Id")?;
            let id = id.as_str().unwrap_or_default();
            if verb == "update" {
                call.update(tx, ctx, object, id, &fields)?;
            } else {
                call.delete(tx, ctx, object, id)?;
            }
            Ok((id::normalise(id).unwrap_or_else(|| id.to_owned()), false))
        }
    }
}
