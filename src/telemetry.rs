//! Logs and metrics: where they go, and the closed list of what is counted.
//!
//! In Lambda every line is one JSON object on standard output; CloudWatch reads the metrics out of
//! the same lines (embedded metric format), so that counting costs no call. On a terminal logs go to
//! standard error.
//!
//! What it never does: take a field value, a name, a number or an address of a person, or a secret.
//! Its callers hand it operations, objects, codes, counts and times; an event is never logged.
//! The libraries below us are heard from warnings on only: at their chattiest they print requests.

use std::collections::{BTreeMap, VecDeque};
use std::io::{IsTerminal, Write};
use std::str::FromStr;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::{Map, Value, json};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::clock;
use crate::time::Timestamp;

/// `LOGGING_LEVEL`, with upstream's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What is asked and answered, step by step.
    Debug,
    /// One line per invocation.
    #[default]
    Info,
    /// What went wrong and was mended, and every invocation that failed.
    Warning,
    /// What a person must act on.
    Error,
    /// Nothing but what ends the process.
    Critical,
}

impl FromStr for Level {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text.trim().to_ascii_uppercase().as_str() {
            "DEBUG" => Self::Debug,
            "INFO" => Self::Info,
            "WARNING" | "WARN" => Self::Warning,
            "ERROR" => Self::Error,
            "CRITICAL" => Self::Critical,
            _ => return Err(()),
        })
    }
}

/// Where lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// JSON with metrics, to standard output.
    Lambda,
    /// Standard error: text where it is a terminal, else JSON; no metrics.
    Terminal,
}

static RUNNING: OnceLock<(Level, Sink, Option<String>)> = OnceLock::new();

/// The dimension of CloudWatch's metrics that says whose they are.
const STACK: &str = "Stack";

/// Starts logging; only the first call of a process counts. A stack's name keeps its metrics apart
/// from those of another one in the same account and region.
pub fn start(level: Level, sink: Sink, stack: Option<String>) {
    if RUNNING.set((level, sink, stack)).is_err() {
        return;
    }
    let ours = match level {
        Level::Debug => LevelFilter::DEBUG,
        Level::Info => LevelFilter::INFO,
        Level::Warning => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
        Level::Critical => LevelFilter::OFF,
    };
    let filter = Targets::new()
        .with_default(ours.min(LevelFilter::WARN))
        .with_target("tieline", ours)
        // It prints every error that a call is answered with, and Salesforce's may quote a person.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF);
    let json = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
    let layer = match sink {
        Sink::Lambda => json.with_writer(std::io::stdout).boxed(),
        Sink::Terminal if std::io::stderr().is_terminal() => {
            tracing_subscriber::fmt::layer().compact().with_ansi(false).with_writer(std::io::stderr).boxed()
        }
        Sink::Terminal => json.with_writer(std::io::stderr).boxed(),
    };
    // Whoever embeds this crate may have a subscriber of its own; then theirs stands.
    if tracing_subscriber::registry().with(layer.with_filter(filter)).try_init().is_err() {
        tracing::debug!("logging was started by somebody else");
    }
}

/// Everything that is counted. Alarms and the dashboard of the stack are built on these names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// How long an invocation took.
    Duration,
    /// Requests spent on Salesforce.
    ApiCalls,
    /// Invocations that raised an error.
    Failures,
    /// Reads answered without Salesforce.
    CacheHits,
    /// Reads for which Salesforce was asked although there is a cache.
    CacheMisses,
    /// Reads answered with an old copy because Salesforce gave no answer.
    StaleReplies,
    /// Writes accepted into the queue.
    Accepted,
    /// Records carried by one call of the worker; their sum is the attempts.
    RecordsPerCall,
    /// Repeats of a call that were recognised, and second effects that were kept from happening.
    DuplicatesPrevented,
    /// Writes that wait in the queue, those in flight among them.
    QueueDepth,
    /// How old the oldest write is that a worker holds.
    OldestAgeSeconds,
    /// Writes that a person must look at.
    DeadLetters,
    /// Writes of which nobody knows whether they took effect.
    InDoubt,
    /// Logins refused: the line is stopped until a person has mended the credentials.
    CredentialsRefused,
    /// The part of the rolling daily allowance that is used.
    ApiUsagePercent,
}

impl Metric {
    /// The whole list.
    pub const ALL: [Self; 15] = [
        Self::Duration,
        Self::ApiCalls,
        Self::Failures,
        Self::CacheHits,
        Self::CacheMisses,
        Self::StaleReplies,
        Self::Accepted,
        Self::RecordsPerCall,
        Self::DuplicatesPrevented,
        Self::QueueDepth,
        Self::OldestAgeSeconds,
        Self::DeadLetters,
        Self::InDoubt,
        Self::CredentialsRefused,
        Self::ApiUsagePercent,
    ];

    /// Its name in the namespace `Tieline`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Duration => "Duration",
            Self::ApiCalls => "ApiCalls",
            Self::Failures => "Failures",
            Self::CacheHits => "CacheHits",
            Self::CacheMisses => "CacheMisses",
            Self::StaleReplies => "StaleReplies",
            Self::Accepted => "Accepted",
            Self::RecordsPerCall => "RecordsPerCall",
            Self::DuplicatesPrevented => "DuplicatesPrevented",
            Self::QueueDepth => "QueueDepth",
            Self::OldestAgeSeconds => "OldestAgeSeconds",
            Self::DeadLetters => "DeadLetters",
            Self::InDoubt => "InDoubt",
            Self::CredentialsRefused => "CredentialsRefused",
            Self::ApiUsagePercent => "ApiUsagePercent",
        }
    }

    const fn unit(self) -> &'static str {
        match self {
            Self::Duration => "Milliseconds",
            Self::OldestAgeSeconds => "Seconds",
            Self::ApiUsagePercent => "Percent",
            _ => "Count",
        }
    }

    /// Whether its last value says more than its sum.
    #[must_use]
    pub const fn is_gauge(self) -> bool {
        matches!(self, Self::QueueDepth | Self::OldestAgeSeconds | Self::ApiUsagePercent)
    }
}

/// What this process has counted of one metric since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Total {
    /// How often it was counted.
    pub count: u64,
    /// The sum of what was counted.
    pub sum: f64,
    /// What was counted last.
    pub last: f64,
}

#[derive(Debug)]
struct Counter(Mutex<Total>);

impl Counter {
    fn add(&self, value: f64) {
        let mut total = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *total = Total { count: total.count + 1, sum: total.sum + value, last: value };
    }
}

static TOTALS: [Counter; Metric::ALL.len()] =
    [const { Counter(Mutex::new(Total { count: 0, sum: 0.0, last: 0.0 })) }; Metric::ALL.len()];

/// What this process has counted since it started, for pages and for `/metrics`.
#[must_use]
pub fn total(metric: Metric) -> Total {
    *TOTALS[metric as usize].0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The newest lines of a process that was told to remember them; empty in Lambda, where CloudWatch does.
static RECENT: Mutex<(usize, VecDeque<Remembered>)> = Mutex::new((0, VecDeque::new()));

/// A line that was written, and when.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// When.
    pub at: Timestamp,
    /// What it said.
    pub fields: Map<String, Value>,
    /// What it counted.
    pub metrics: Vec<(Metric, f64)>,
}

/// Keeps the newest lines from now on, at most so many, for the pages of this process.
pub fn remember(most: usize) {
    RECENT.lock().unwrap_or_else(PoisonError::into_inner).0 = most;
}

/// Lines that are remembered and that this admits, oldest first.
pub fn remembered(admits: impl Fn(&Map<String, Value>) -> bool) -> Vec<Remembered> {
    let recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    recent.1.iter().filter(|line| admits(&line.fields)).cloned().collect()
}

/// Metric, label, and one of the label's few words.
type Labelled = (&'static str, &'static str, &'static str);

static BY_LABEL: Mutex<BTreeMap<Labelled, f64>> = Mutex::new(BTreeMap::new());

/// The sums of what was counted by a label ([`Line::by`]).
#[must_use]
pub fn by_label() -> BTreeMap<Labelled, f64> {
    BY_LABEL.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// One structured line.
#[derive(Clone, Debug)]
pub struct Line {
    level: Level,
    fields: Map<String, Value>,
    metrics: Vec<(Metric, f64)>,
    label: Option<(&'static str, &'static str)>,
}

impl Line {
    /// A line of this kind (`invocation`, `batch`, …).
    #[must_use]
    pub fn new(kind: &'static str) -> Self {
        let mut fields = Map::new();
        fields.insert("message".to_owned(), kind.into());
        Self { level: Level::Info, fields, metrics: Vec::new(), label: None }
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Adds to a metric.
    #[must_use]
    pub fn count(mut self, metric: Metric, value: f64) -> Self {
        self.metrics.push((metric, value));
        self
    }

    /// Counts its metrics also apart, by a word of a short and closed list.
    #[must_use]
    pub fn by(self, label: &'static str, word: &'static str) -> Self {
        Self { label: Some((label, word)), ..self.with(label, word) }
    }

    /// Marks the line as worth reading where only warnings are.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.level = Level::Warning;
        self
    }

    /// Counts its metrics, and writes the line if the level lets it pass. What carries metrics to
    /// CloudWatch always passes: alarms are built on it. A standard output that is closed is no
    /// reason to fail a call.
    pub fn write(&self) {
        for (metric, value) in &self.metrics {
            TOTALS[*metric as usize].add(*value);
            if let Some((label, word)) = self.label {
                let mut sums = BY_LABEL.lock().unwrap_or_else(PoisonError::into_inner);
                *sums.entry((metric.name(), label, word)).or_default() += value;
            }
        }
        self.keep();
        let Some((level, sink, stack)) = RUNNING.get() else { return };
        let carries_metrics = *sink == Sink::Lambda && !self.metrics.is_empty();
        if self.level < *level && !carries_metrics {
            return;
        }
        let line = format!("{}\n", self.text(*sink, stack.as_deref()));
        let written = match sink {
            Sink::Lambda => std::io::stdout().lock().write_all(line.as_bytes()),
            Sink::Terminal => std::io::stderr().lock().write_all(line.as_bytes()),
        };
        drop(written);
    }

    fn keep(&self) {
        let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        let (most, lines) = &mut *recent;
        if *most == 0 {
            return;
        }
        if lines.len() >= *most {
            lines.pop_front();
        }
        let (fields, metrics) = (self.fields.clone(), self.metrics.clone());
        lines.push_back(Remembered { at: clock::now(), fields, metrics });
    }

    fn text(&self, sink: Sink, stack: Option<&str>) -> Value {
        let now = clock::now();
        let level = if self.level == Level::Warning { "WARN" } else { "INFO" };
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), now.to_rfc3339().into());
        line.insert("level".to_owned(), level.into());
        line.extend(self.fields.clone());
        if sink == Sink::Lambda && !self.metrics.is_empty() {
            let names: Vec<_> =
                self.metrics.iter().map(|(m, _)| json!({"Name": m.name(), "Unit": m.unit()})).collect();
            // Alarms look at one stack: its name is in every set, in place of none, since each set is
            // a metric to pay for. The label is a dimension beside that.
            let named = stack.map(|_| STACK);
            let mut dimensions = vec![json!(Vec::from_iter(named))];
            dimensions
                .extend(self.label.map(|(label, _)| json!(Vec::from_iter(named.into_iter().chain([label])))));
            line.extend(stack.map(|stack| (STACK.to_owned(), stack.into())));
            line.insert(
                "_aws".to_owned(),
                json!({
                    "Timestamp": now.as_millis(),
                    "CloudWatchMetrics": [{"Namespace": "Tieline", "Dimensions": dimensions, "Metrics": names}],
                }),
            );
        }
        line.extend(self.metrics.iter().map(|(m, v)| (m.name().to_owned(), json!(v))));
        Value::Object(line)
    }
}

/// The W3C trace context of a header: `traceparent` as it stands, or X-Ray's
/// `Root=1-…;Parent=…;Sampled=…`. `None`: it is neither.
#[must_use]
pub fn traceparent(header: &str) -> Option<String> {
    let hex = |text: &str, digits: usize| {
        let is =
            text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        is.then(|| text.to_owned())
    };
    let header = header.trim();
    if let [version, trace, parent, flags] = header.split('-').collect::<Vec<_>>()[..] {
        let whole = [hex(version, 2), hex(trace, 32), hex(parent, 16), hex(flags, 2)];
        return whole.iter().all(Option::is_some).then(|| header.to_owned());
    }
    let part =
        |name: &str| header.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let (epoch, unique) = part("Root")?.strip_prefix("1-")?.split_once('-')?;
    let trace = hex(epoch, 8)? + &hex(unique, 24)?;
    // A call that nobody traces has no parent; the trace is known all the same.
    let parent = part("Parent").and_then(|parent| hex(parent, 16)).or_else(|| hex(trace.get(16..)?, 16))?;
    let flags = if part("Sampled") == Some("1") { "01" } else { "00" };
    Some(format!("00-{trace}-{parent}-{flags}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_of_both_kinds_are_carried_and_others_are_none() {
        let xray = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1";
        let w3c = "00-5bef4de7ad49b0e87f6ef6c87fc2e700-9a9197af755a6419-01";
        assert_eq!(traceparent(xray).as_deref(), Some(w3c));
        assert_eq!(traceparent(w3c).as_deref(), Some(w3c));
        let alone = traceparent("Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700");
        assert_eq!(alone.as_deref(), Some("00-5bef4de7ad49b0e87f6ef6c87fc2e700-7f6ef6c87fc2e700-00"));
        for none in
            ["", "Root=1-x-y", "Root=", "a-b-c-d", "Root=1-5bef4de7-ad49", "Self=1;Root=2-5bef4de7-ad"]
        {
            assert_eq!(traceparent(none), None, "{none}");
        }
    }

    #[test]
    fn a_line_is_read_by_people_and_by_cloudwatch() {
        let line = Line::new("invocation").with("operation", "lookup").count(Metric::Duration, 12.5);
        let text = line.text(Sink::Lambda, None);
        assert_eq!(text["message"], "invocation");
        assert_eq!(text["Duration"], 12.5);
        let metrics = &text["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(metrics["Namespace"], "Tieline");
        assert_eq!(metrics["Metrics"], json!([{"Name": "Duration", "Unit": "Milliseconds"}]));
        assert_eq!(metrics["Dimensions"], json!([[]]), "of nobody's stack");
        assert!(text["_aws"]["Timestamp"].is_i64());
        assert!(line.text(Sink::Terminal, None).get("_aws").is_none());
        let line = Line::new("buried").by("reason", "EXPIRED").count(Metric::DeadLetters, 1.0);
        let text = line.text(Sink::Lambda, None);
        assert_eq!(text["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([[], ["reason"]]));
        assert_eq!(text["reason"], "EXPIRED");
    }

    #[test]
    fn what_a_stack_counts_is_counted_for_it_alone() {
        let dimensions = |line: &Line| {
            let text = line.text(Sink::Lambda, Some("sandbox"));
            assert_eq!(text["Stack"], "sandbox", "every dimension has its value in the line");
            text["_aws"]["CloudWatchMetrics"][0]["Dimensions"].clone()
        };
        let line = Line::new("buried").count(Metric::DeadLetters, 1.0);
        assert_eq!(dimensions(&line), json!([["Stack"]]), "no metric that another stack shares");
        assert_eq!(dimensions(&line.by("reason", "EXPIRED")), json!([["Stack"], ["Stack", "reason"]]));
        let quiet = Line::new("batch").text(Sink::Lambda, Some("sandbox"));
        assert!(quiet.get("Stack").is_none(), "what counts nothing needs no name");
    }

    #[test]
    fn levels_have_upstreams_names_and_order() {
        let levels = ["DEBUG", "info", " WARNING ", "ERROR", "CRITICAL"].map(|l| l.parse::<Level>().unwrap());
        assert!(levels.is_sorted());
        assert!("VERBOSE".parse::<Level>().is_err());
    }

    #[test]
    fn only_the_newest_lines_are_remembered_and_none_unasked() {
        let of_this_test = |fields: &Map<String, Value>| fields.get("test").is_some();
        Line::new("a").with("test", 0).write();
        assert!(remembered(of_this_test).is_empty(), "nobody asked");
        remember(2);
        (1..=3).for_each(|n| Line::new("a").with("test", n).count(Metric::ApiCalls, 1.0).write());
        let kept: Vec<_> = remembered(of_this_test).iter().map(|line| line.fields["test"].clone()).collect();
        remember(0);
        assert!(kept.len() <= 2 && kept.iter().all(|n| *n != json!(1)), "{kept:?}");
    }

    #[test]
    fn every_metric_has_a_name_of_its_own() {
        let mut names = Metric::ALL.map(Metric::name);
        names.sort_unstable();
        assert!(names.windows(2).all(|w| w[0] != w[1]));
    }
}
