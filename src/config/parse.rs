//! One variable at a time: each is taken, understood, and its fault noted.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::{Config, ConfigError, Delivery, Process, Reply, Stores, variables};
use crate::connect;
use crate::event::{Format, Mode, OnError};
use crate::flow::run::Limits;
use crate::flow_host;
use crate::outcome::{Effect, Modes};
use crate::read;
use crate::salesforce;
use crate::salesforce::Vault;
use crate::telemetry::Level;
use crate::time::Timestamp;

/// Writes are dead letters a day before SQS would drop them.
const OLDEST: u64 = 13 * 86_400;

pub(super) struct Reader {
    vars: BTreeMap<String, String>,
    errors: Vec<ConfigError>,
    warnings: Vec<String>,
}

impl Reader {
    pub(super) fn new(vars: impl Iterator<Item = (String, String)>) -> Self {
        let vars: BTreeMap<_, _> = vars.collect();
        let ours = vars.keys().filter(|name| name.starts_with("TIELINE_"));
        let warnings = ours
            .filter(|name| !variables::known(name))
            .map(|name| format!("{name} is no variable of this version; it has no effect"))
            .collect();
        Self { vars, errors: Vec::new(), warnings }
    }

    /// The faults, if there are any; else the configuration with its warnings.
    pub(super) fn finish(self, config: Config) -> Result<Config, Vec<ConfigError>> {
        if self.errors.is_empty() {
            let given = variables::VARIABLES.iter().filter_map(|v| Some((v.name, self.text(v.name)?)));
            Ok(Config { given: given.collect(), warnings: self.warnings, ..config })
        } else {
            Err(self.errors)
        }
    }

    pub(super) fn wrong(&mut self, name: &str, why: &str) {
        self.errors.push(ConfigError {
            name: name.to_owned(),
            message: format!("'{name}' environment variable {why}"),
        });
    }

    pub(super) fn missing(&mut self, name: &str, cure: &str) {
        self.wrong(name, &format!("is missing: {cure}"));
    }

    /// The text; blank is the same as absent.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.vars.get(name).map(|v| v.trim()).filter(|v| !v.is_empty()).map(str::to_owned)
    }

    pub(super) fn parsed<T: FromStr>(&mut self, name: &str, rule: &str) -> Option<T> {
        let text = self.text(name)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.wrong(name, rule);
        }
        value
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy, const N: usize>(
        &mut self,
        name: &str,
        words: [(&str, T); N],
        default: T,
    ) -> T {
        let Some(text) = self.text(name) else { return default };
        if let Some((_, value)) = words.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)) {
            return *value;
        }
        let words = words.map(|(word, _)| word).join(", ");
        self.wrong(name, &format!("must be one of {words}"));
        default
    }

    fn number(&mut self, name: &str, default: u64, allowed: RangeInclusive<u64>) -> u64 {
        let Some(text) = self.text(name) else { return default };
        match text.parse() {
            Ok(number) if allowed.contains(&number) => number,
            _ => {
                let rule = format!("must be a whole number from {} to {}", allowed.start(), allowed.end());
                self.wrong(name, &rule);
                default
            }
        }
    }

    fn small(&mut self, name: &str, default: u32, allowed: RangeInclusive<u32>) -> u32 {
        let allowed = u64::from(*allowed.start())..=u64::from(*allowed.end());
        u32::try_from(self.number(name, default.into(), allowed)).unwrap_or(default)
    }

    pub(super) fn millis(&mut self, name: &str, default: u64, allowed: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.number(name, default, allowed))
    }

    pub(super) fn secs(&mut self, name: &str, default: u64, allowed: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.number(name, default, allowed))
    }

    /// Names behind commas.
    pub(super) fn names(&self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned).collect()
    }

    /// `Name=value` behind commas, and what stands there without a name.
    fn pairs(&mut self, name: &str, rule: &str) -> (Vec<String>, BTreeMap<String, String>) {
        let (mut alone, mut pairs) = (Vec::new(), BTreeMap::new());
        for entry in self.names(name) {
            match entry.split_once('=').map(|(n, v)| (n.trim(), v.trim())) {
                None => alone.push(entry),
                Some((n, v)) if !n.is_empty() && !v.is_empty() => {
                    if pairs.insert(n.to_owned(), v.to_owned()).is_some() {
                        self.wrong(name, &format!("names {n} twice"));
                    }
                }
                Some(_) => self.wrong(name, rule),
            }
        }
        (alone, pairs)
    }

    pub(super) fn salesforce(&mut self) -> salesforce::Settings {
        let host = match self.text("SF_HOST") {
            None => {
                self.missing("SF_HOST", "set it to the org's own address, https://….my.salesforce.com");
                String::new()
            }
            Some(host) => self.host(host.trim_end_matches('/')),
        };
        let version = match self.text("SF_VERSION") {
            None => {
                self.missing("SF_VERSION", "set it to an API version such as v66.0");
                String::new()
            }
            Some(version) => {
                if !is_version(&version) {
                    self.wrong("SF_VERSION", "must be an API version such as v66.0");
                }
                version
            }
        };
        salesforce::Settings {
            host,
            version,
            production: self.production(),
            username: self.text("SF_USERNAME"),
        }
    }

    /// Upstream's rule: `true` in any case, and all else is none.
    fn production(&mut self) -> Option<bool> {
        let text = self.text("SF_PRODUCTION")?;
        if !["true", "false"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
            self.warnings.push("SF_PRODUCTION is neither true nor false; it counts as false".to_owned());
        }
        Some(text.eq_ignore_ascii_case("true"))
    }

    /// Scheme, host and port, nothing else.
    fn host(&mut self, text: &str) -> String {
        let address = text.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
        let Some((scheme, rest)) = address else {
            self.wrong("SF_HOST", "must begin with https://");
            return text.to_owned();
        };
        let odd = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '@');
        if rest.is_empty() || rest.contains(odd) {
            self.wrong("SF_HOST", "must be https:// and a host, without a path: https://….my.salesforce.com");
        }
        match scheme.as_str() {
            "https" => {}
            "http" => {
                let name = rest.rsplit_once(':').map_or(rest, |(name, _)| name);
                if !matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
                    self.warnings
                        .push("SF_HOST begins with http://: credentials travel in the clear".to_owned());
                }
            }
            _ => self.wrong("SF_HOST", "must begin with https://"),
        }
        let host = rest.to_ascii_lowercase();
        if host.contains(".lightning.force.com") {
            self.wrong(
                "SF_HOST",
                "is a page's address, not the interface's; use My Domain: https://….my.salesforce.com",
            );
        }
        format!("{scheme}://{host}")
    }

    pub(super) fn vault(&self) -> Option<Vault> {
        let file = self.text("TIELINE_SECRET_FILE").map(|path| Vault::File(PathBuf::from(path)));
        file.or_else(|| self.text("SF_CREDENTIALS_SECRETS_MANAGER_ARN").map(Vault::Manager))
    }

    /// Upstream's rule: `-` and blank mean none, else the package's objects begin with it and `__`.
    pub(super) fn namespace(&self) -> String {
        match self.text("SF_ADAPTER_NAMESPACE") {
            Some(namespace) if namespace != "-" => format!("{namespace}__"),
            _ => String::new(),
        }
    }

    pub(super) fn level(&mut self) -> Level {
        let rule = "must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL";
        self.parsed("LOGGING_LEVEL", rule).unwrap_or_default()
    }

    pub(super) fn stores(&mut self) -> Stores {
        let stores = Stores {
            state_table: self.text("TIELINE_STATE_TABLE"),
            cache_table: self.text("TIELINE_CACHE_TABLE"),
            queue_url: self.text("TIELINE_QUEUE_URL"),
            dlq_url: self.text("TIELINE_DLQ_URL"),
        };
        if stores.queue_url.is_some() && stores.state_table.is_none() {
            self.missing(
                "TIELINE_STATE_TABLE",
                "a queue (TIELINE_QUEUE_URL) needs it for what became of each write",
            );
        }
        for name in ["TIELINE_QUEUE_URL", "TIELINE_DLQ_URL"] {
            if self.text(name).is_some_and(|url| !url.ends_with(".fifo")) {
                self.wrong(
                    name,
                    "must be the URL of a FIFO queue, which ends in .fifo: order is kept by contact",
                );
            }
        }
        if stores.queue_url.is_some() && stores.dlq_url.is_none() {
            self.warnings.push(
                "TIELINE_DLQ_URL is not set: what kills the worker again and again is not turned into dead letters"
                    .to_owned(),
            );
        }
        stores
    }

    /// `wait` is the default where there is a queue; without one there is only `sync`.
    pub(super) fn mode(&mut self, queue: bool) -> Mode {
        let words = [("wait", Mode::Wait), ("queue", Mode::Queue), ("sync", Mode::Sync)];
        let mode = self.choice("TIELINE_WRITE_MODE", words, if queue { Mode::Wait } else { Mode::Sync });
        if !queue && mode != Mode::Sync {
            self.wrong("TIELINE_WRITE_MODE", "needs TIELINE_QUEUE_URL; without a queue there is only sync");
        }
        mode
    }

    pub(super) fn reply(&mut self) -> Reply {
        let hard = self.number("TIELINE_DEADLINE_MS", 6500, 100..=900_000);
        Reply {
            // Where an earlier end is set and nothing else, a call that has something replies by then.
            soft: self.millis("TIELINE_SOFT_DEADLINE_MS", hard.min(2200), 100..=60_000),
            hard: Duration::from_millis(hard),
            format: self.choice(
                "TIELINE_FORMAT",
                [("native", Format::Native), ("string", Format::String), ("json", Format::Json)],
                Format::Native,
            ),
            on_error: self.choice(
                "TIELINE_ON_ERROR",
                [("raise", OnError::Raise), ("reply", OnError::Reply)],
                OnError::Raise,
            ),
        }
    }

    pub(super) fn delivery(&mut self) -> Delivery {
        Delivery {
            max_age: self.secs("TIELINE_MAX_AGE_SECS", 7 * 86_400, 60..=OLDEST),
            max_attempts: self.small("TIELINE_MAX_ATTEMPTS", 12, 1..=1000),
            linger: self.millis("TIELINE_LINGER_MS", 250, 0..=20_000),
            rate_per_sec: self.rate(),
            concurrency: self
                .text("TIELINE_CONCURRENCY")
                .is_some()
                .then(|| self.small("TIELINE_CONCURRENCY", 1, 1..=100)),
            modes: Modes { unique_fields: self.unique_fields(), others: self.doubtful() },
            comments_as_records: self.choice(
                "TIELINE_COMMENTS_AS_RECORDS",
                [("true", true), ("false", false)],
                false,
            ),
            ..self.widths()
        }
    }

    fn rate(&mut self) -> Option<f64> {
        let rate: f64 = self.parsed("TIELINE_RATE_PER_SEC", "must be a number above 0, such as 2.5")?;
        if rate.is_finite() && rate > 0.0 {
            return Some(rate);
        }
        self.wrong("TIELINE_RATE_PER_SEC", "must be a number above 0, such as 2.5");
        None
    }

    fn unique_fields(&mut self) -> BTreeMap<String, String> {
        let rule = "must list objects and fields: Case=WriteKey__c,Task=WriteKey__c";
        let (alone, pairs) = self.pairs("TIELINE_UNIQUE_FIELDS", rule);
        let named = pairs.iter().all(|(object, field)| is_identifier(object) && is_identifier(field));
        if !alone.is_empty() || !named {
            self.wrong("TIELINE_UNIQUE_FIELDS", rule);
        }
        pairs
    }

    fn doubtful(&mut self) -> BTreeMap<String, Effect> {
        let rule = "must list objects and how they are treated, reconcile, at_most_once or at_least_once: \
                    FeedItem=at_most_once,Task=at_least_once";
        let (alone, pairs) = self.pairs("TIELINE_DOUBT", rule);
        let effect = |word: &str| match word {
            "reconcile" => Some(Effect::Reconcile),
            "at_most_once" => Some(Effect::AtMostOnce),
            "at_least_once" => Some(Effect::AtLeastOnce),
            _ => None,
        };
        let effects: BTreeMap<_, _> = pairs
            .iter()
            .filter(|(object, _)| is_identifier(object))
            .filter_map(|(object, word)| Some((object.clone(), effect(&word.to_ascii_lowercase())?)))
            .collect();
        if !alone.is_empty() || effects.len() != pairs.len() {
            self.wrong("TIELINE_DOUBT", rule);
        }
        effects
    }

    fn widths(&mut self) -> Delivery {
        let rule = "must be a number from 1 to 200, with exceptions behind commas: 200,Case=25";
        let (alone, pairs) = self.pairs("TIELINE_WIDTH", rule);
        let width = |text: &str| text.parse::<u32>().ok().filter(|w| (1..=200).contains(w));
        let general = match alone.as_slice() {
            [] => Some(200),
            [one] => width(one),
            _ => None,
        };
        let widths: BTreeMap<_, _> =
            pairs.iter().filter_map(|(object, text)| Some((object.clone(), width(text)?))).collect();
        if general.is_none() || widths.len() != pairs.len() {
            self.wrong("TIELINE_WIDTH", rule);
        }
        Delivery { width: general.unwrap_or(200), widths, ..Delivery::default() }
    }

    pub(super) fn read(&mut self) -> read::Settings {
        let rule = "must be a whole number from 0 to 86400, with exceptions behind commas: 60,Case=5";
        let (alone, pairs) = self.pairs("TIELINE_CACHE_FRESH_SECS", rule);
        let age = |text: &str| text.parse().ok().filter(|secs| *secs <= 86_400).map(Duration::from_secs);
        let general = match alone.as_slice() {
            [] => Some(Duration::from_secs(60)),
            [one] => age(one),
            _ => None,
        };
        let objects: BTreeMap<_, _> = pairs
            .iter()
            .filter_map(|(object, text)| Some((object.to_ascii_lowercase(), age(text)?)))
            .collect();
        if general.is_none() || objects.len() != pairs.len() {
            self.wrong("TIELINE_CACHE_FRESH_SECS", rule);
        }
        read::Settings {
            fresh: general.unwrap_or_default(),
            objects,
            stale: self.secs("TIELINE_CACHE_STALE_SECS", 86_400, 0..=30 * 86_400),
            negative: self.secs("TIELINE_CACHE_NEGATIVE_SECS", 15, 0..=3600),
            sensitive: self.names("TIELINE_SENSITIVE_FIELDS"),
        }
    }

    pub(super) fn connect(&self) -> connect::Settings {
        let endpoint = self.text("AWS_ENDPOINT_URL_CONNECT").or_else(|| self.text("AWS_ENDPOINT_URL"));
        connect::Settings { endpoint: endpoint.map(|url| url.trim_end_matches('/').to_owned()) }
    }

    pub(super) fn flows(&mut self) -> flow_host::Settings {
        let http_hosts = self.names("TIELINE_FLOW_HTTP_HOSTS");
        let odd = |c: char| c.is_whitespace() || matches!(c, '/' | '@' | '?' | '#');
        // A star stands for whole labels in front of a domain, and nowhere else.
        let host = |entry: &str| {
            let name = entry.strip_prefix("*.").unwrap_or(entry);
            !name.is_empty() && !name.contains('*') && !name.contains(odd)
        };
        if !http_hosts.iter().all(|entry| host(entry)) {
            self.wrong(
                "TIELINE_FLOW_HTTP_HOSTS",
                "must list hosts without scheme or path: api.example.com,*.example.org,10.0.0.5:8443",
            );
        }
        let run = self.secs("TIELINE_FLOW_RUN_SECS", 60, 1..=240);
        // A function ends at its time, with whatever it waits for, and a run is put away only when its
        // drive ends; each of several blocks of Salesforce may take 20 s besides.
        let function = self.text("AWS_LAMBDA_RUNTIME_API").is_some();
        let patience = Duration::from_secs(if function { 8 } else { 60 });
        flow_host::Settings { limits: Limits { run, ..Limits::default() }, http_hosts, patience }
    }

    pub(super) fn process(&mut self) -> Process {
        Process {
            handler: self.text("_HANDLER"),
            lambda: self.text("AWS_LAMBDA_RUNTIME_API").is_some(),
            ahead: self.text("AWS_LAMBDA_INITIALIZATION_TYPE").as_deref() == Some("provisioned-concurrency"),
            function_version: self.text("AWS_LAMBDA_FUNCTION_VERSION"),
            trusted_roots: self.text("SSL_CERT_FILE").map(PathBuf::from),
            fixed_now: self.text("TEST_NOW_MS").and_then(|ms| ms.parse().ok()).map(Timestamp::from_millis),
        }
    }
}

fn is_version(text: &str) -> bool {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    text.strip_prefix('v').and_then(|v| v.split_once('.')).is_some_and(|(a, b)| digits(a) && digits(b))
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
