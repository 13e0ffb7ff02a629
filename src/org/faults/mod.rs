//! Faults on demand: what goes wrong, for which requests, how often and when.
//!
//! A [`Rule`] is data, read from JSON (`/_org/faults`) or from one line of text (`--fault`):
//!
//! ```text
//! status=503,path=/composite,share=0.2       every fifth composite call is answered 503
//! latency=300ms,jitter=100ms                 every call takes 300 to 400 ms
//! cut=after,method=POST,count=1              the next POST takes effect, its answer is lost
//! late=5s,object=Case                        Case calls are cut; their effect comes 5 s later
//! lock,object=Contact,share=0.05             one Contact write in twenty cannot lock its record
//! record=INSUFFICIENT_ACCESS_OR_READONLY,object=Task,share=0.5    half of the Task writes fail
//! session,count=1                            the session of the next call has expired
//! limit=daily,from=10s,until=70s             the allowance is used up for a minute
//! ```
//!
//! `lock` and `record` strike single records, so that a collection fails in part; all others strike
//! a whole call. The first rule that matches and is drawn decides; `latency` adds to any other.
//! Every draw comes from the org's seed.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::org::limits::Exceeded;
use crate::org::wire::{Chance, Method};
use crate::time::Timestamp;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Strike {
    /// The call does nothing and is answered with this status; `code` and `message` make the body
    /// where `body` does not.
    Status(u16),
    /// The answer comes this much later, plus up to `jitter`.
    Latency(Duration),
    /// The connection ends before the call took effect.
    CutBefore,
    /// The call takes effect; the connection ends before the answer.
    CutAfter,
    /// The connection ends at once; the effect takes place this much later.
    Late(Duration),
    /// The record is locked by somebody else.
    Lock,
    /// The record is refused with this code.
    Record(&'static str),
    /// The session has expired and stays so.
    Session,
    /// This limit is reached.
    Limit(Exceeded),
}

/// One rule, in the words in which it is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `status=503`, `latency=300ms`, `cut=before`, `cut=after`, `late=5s`, `lock`, `record=CODE`,
    /// `session`, `limit=daily`, `limit=concurrent` or `limit=chatter`.
    #[serde(rename = "do")]
    pub action: String,
    /// Only calls whose path contains this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only calls by this verb.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only calls (or records) of this object: named in the path, or anywhere in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The share of matching calls, 0 to 1; all of them where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// The rule ends after striking this often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The first so many matching calls are spared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<u64>,
    /// Begins this long after it was given (`10s`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Ends this long after it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// For `latency`: up to this much more, drawn evenly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<String>,
    /// For `status` and `record`: the error's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// For `status` and `record`: the error's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// For `status`: the whole body instead, as it stands; HTML where it begins with `<`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl Rule {
    /// Reads the one-line form. Values hold no comma; what needs one is told as JSON.
    ///
    /// # Errors
    /// A sentence that names the word at fault and what may stand there.
    pub fn parse(line: &str) -> Result<Self, String> {
        let mut parts = line.split(',').map(str::trim);
        let mut map = Map::new();
        map.insert("do".to_owned(), Value::from(parts.next().unwrap_or_default()));
        for part in parts.filter(|p| !p.is_empty()) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| format!("`{part}` of the fault `{line}` needs a value: `{part}=…`"))?;
            let value = match name {
                "share" => value.parse::<f64>().map(Value::from).map_err(|e| e.to_string()),
                "count" | "skip" => value.parse::<u64>().map(Value::from).map_err(|e| e.to_string()),
                _ => Ok(Value::from(value)),
            };
            map.insert(name.to_owned(), value.map_err(|e| format!("`{part}` of the fault `{line}`: {e}"))?);
        }
        let rule: Self = serde_json::from_value(Value::Object(map))
            .map_err(|e| format!("the fault `{line}` cannot be read: {e}"))?;
        rule.compile(Timestamp::EPOCH)?;
        Ok(rule)
    }

    fn compile(&self, now: Timestamp) -> Result<Compiled, String> {
        let at = |text: &Option<String>| text.as_deref().map(duration).transpose();
        if self.share.is_some_and(|s| !(0.0..=1.0).contains(&s)) {
            return Err("`share` is a number from 0 to 1".to_owned());
        }
        let method = match self.method.as_deref().map(str::to_ascii_uppercase).as_deref().map(Method::parse) {
            Some(Method::Other) => return Err("`method` is GET, POST, PATCH, PUT, DELETE or HEAD".to_owned()),
            method => method,
        };
        Ok(Compiled {
            strike: self.strike()?,
            method,
            jitter: at(&self.jitter)?.unwrap_or_default(),
            from: now.plus(at(&self.from)?.unwrap_or_default()),
            until: at(&self.until)?.map(|d| now.plus(d)),
        })
    }

    fn strike(&self) -> Result<Strike, String> {
        let (kind, value) = self.action.split_once('=').unwrap_or((self.action.as_str(), ""));
        Ok(match (kind, value) {
            ("status", status) => match status.parse() {
                Ok(status @ 200..=599) => Strike::Status(status),
                _ => return Err(format!("`status={status}` is not an HTTP status from 200 to 599")),
            },
            ("latency", time) => Strike::Latency(duration(time)?),
            ("cut", "before") => Strike::CutBefore,
            ("cut", "after") => Strike::CutAfter,
            ("late", time) => Strike::Late(duration(time)?),
            ("lock", "") => Strike::Lock,
            ("record", code) => match RECORD_CODES.iter().find(|known| **known == code) {
                Some(known) => Strike::Record(known),
                None => {
                    return Err(format!(
                        "`{code}` is no code of a record; there are {}",
                        RECORD_CODES.join(", ")
                    ));
                }
            },
            ("session", "") => Strike::Session,
            ("limit", "daily") => Strike::Limit(Exceeded::Daily),
            ("limit", "concurrent") => Strike::Limit(Exceeded::Concurrent),
            ("limit", "chatter") => Strike::Limit(Exceeded::Chatter),
            _ => {
                return Err(format!(
                    "`{}` is no fault; there are status=N, latency=TIME, cut=before, cut=after, late=TIME, \
                     lock, record=CODE, session, limit=daily, limit=concurrent, limit=chatter",
                    self.action
                ));
            }
        })
    }
}

/// The codes with which a rule may refuse a record.
const RECORD_CODES: &[&str] = &[
    "UNABLE_TO_LOCK_ROW",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "DUPLICATE_VALUE",
    "DUPLICATES_DETECTED",
    "REQUIRED_FIELD_MISSING",
    "STRING_TOO_LONG",
    "INVALID_FIELD",
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    "INVALID_EMAIL_ADDRESS",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    "INVALID_CROSS_REFERENCE_KEY",
    "FIELD_INTEGRITY_EXCEPTION",
    "ENTITY_IS_DELETED",
    "NOT_FOUND",
    "INSUFFICIENT_ACCESS_OR_READONLY",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
    "STORAGE_LIMIT_EXCEEDED",
    "UNKNOWN_EXCEPTION",
    "SERVER_UNAVAILABLE",
    "LIMIT_EXCEEDED",
];

/// The status of a call that did nothing but fail with this code.
#[must_use]
pub fn status_of(code: &str) -> u16 {
    match code {
        "ENTITY_IS_DELETED" | "NOT_FOUND" => 404,
        "INSUFFICIENT_ACCESS_OR_READONLY" | "STORAGE_LIMIT_EXCEEDED" => 403,
        "UNKNOWN_EXCEPTION" => 500,
        "SERVER_UNAVAILABLE" => 503,
        _ => 400,
    }
}

/// Reads `300`, `300ms`, `5s`, `2m`, `1h`: a bare number is milliseconds.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let factor = match unit {
        "" | "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    match number.parse::<u64>() {
        Ok(n) if factor > 0 => Ok(Duration::from_millis(n.saturating_mul(factor))),
        _ => Err(format!("`{text}` is no time; write 300ms, 5s, 2m or 1h")),
    }
}

#[derive(Clone, Debug)]
struct Compiled {
    strike: Strike,
    method: Option<Method>,
    jitter: Duration,
    from: Timestamp,
    until: Option<Timestamp>,
}

#[derive(Debug)]
struct Live {
    id: u64,
    rule: Rule,
    compiled: Compiled,
    seen: u64,
    struck: u64,
}

/// What a rule is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The verb.
    pub method: Method,
    /// The path, as it was written.
    pub path: &'a str,
    /// The body, decompressed.
    pub body: &'a [u8],
}

/// What the rules decided for one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// The rule that decides, if one does.
    pub strike: Option<(Strike, Rule)>,
    /// How much later the answer comes.
    pub latency: Duration,
}

/// The rules in force.
#[derive(Debug)]
pub struct Faults {
    rules: Vec<Live>,
    chance: Chance,
    next_id: u64,
}

impl Faults {
    /// No rules yet.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { rules: Vec::new(), chance: Chance::new(seed, 0xFA), next_id: 1 }
    }

    /// Adds a rule, whose times count from `now`, and tells its number.
    ///
    /// # Errors
    /// A sentence that says what about the rule cannot be read.
    pub fn add(&mut self, rule: Rule, now: Timestamp) -> Result<u64, String> {
        let compiled = rule.compile(now)?;
        let id = self.next_id;
        self.next_id += 1;
        self.rules.push(Live { id, rule, compiled, seen: 0, struck: 0 });
        Ok(id)
    }

    /// Removes one rule; `false` where there is none of this number.
    pub fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|live| live.id != id);
        self.rules.len() < before
    }

    /// Removes all rules.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// The rules with what they have done so far.
    #[must_use]
    pub fn list(&self) -> Value {
        self.rules
            .iter()
            .map(|live| {
                let mut rule = serde_json::to_value(&live.rule).unwrap_or_default();
                rule["id"] = live.id.into();
                rule["matched"] = live.seen.into();
                rule["struck"] = live.struck.into();
                rule
            })
            .collect()
    }

    /// What happens to a call as a whole.
    pub fn call(&mut self, call: Call<'_>, now: Timestamp) -> Verdict {
        let mut verdict = Verdict::default();
        let Self { rules, chance, .. } = self;
        for live in rules {
            let latency = matches!(live.compiled.strike, Strike::Latency(_));
            if matches!(live.compiled.strike, Strike::Lock | Strike::Record(_))
                || (verdict.strike.is_some() && !latency)
                || !live.concerns(call)
                || !live.drawn(chance, now)
            {
                continue;
            }
            if let Strike::Latency(base) = live.compiled.strike {
                let jitter = u64::try_from(live.compiled.jitter.as_millis()).unwrap_or(u64::MAX);
                verdict.latency += base + Duration::from_millis(chance.below(jitter.saturating_add(1)));
            } else {
                verdict.strike = Some((live.compiled.strike.clone(), live.rule.clone()));
            }
        }
        verdict
    }

    /// Whether one record's write fails, and with what code and message.
    pub fn record(&mut self, object: &str, call: Call<'_>, now: Timestamp) -> Option<(&'static str, String)> {
        let Self { rules, chance, .. } = self;
        rules.iter_mut().find_map(|live| {
            let code = match &live.compiled.strike {
                Strike::Lock => "UNABLE_TO_LOCK_ROW",
                Strike::Record(code) => code,
                _ => return None,
            };
            let told = match &live.rule.message {
                Some(message) => message.clone(),
                None if code == "UNABLE_TO_LOCK_ROW" => {
                    "unable to obtain exclusive access to this record".to_owned()
                }
                None => format!("refused by a fault rule: {code}"),
            };
            let meant = live.rule.object.as_deref().is_none_or(|o| o.eq_ignore_ascii_case(object));
            (meant && live.reaches(call) && live.drawn(chance, now)).then_some((code, told))
        })
    }

    /// Whether any rule strikes single records: most orgs skip the question.
    #[must_use]
    pub fn strikes_records(&self) -> bool {
        self.rules.iter().any(|live| matches!(live.compiled.strike, Strike::Lock | Strike::Record(_)))
    }
}

impl Live {
    fn reaches(&self, call: Call<'_>) -> bool {
        self.compiled.method.is_none_or(|m| m == call.method)
            && self.rule.path.as_deref().is_none_or(|p| call.path.contains(p))
    }

    fn concerns(&self, call: Call<'_>) -> bool {
        self.reaches(call)
            && self.rule.object.as_deref().is_none_or(|object| {
                call.path.split('/').any(|s| s.eq_ignore_ascii_case(object)) || quoted(call.body, object)
            })
    }

    fn drawn(&mut self, chance: &mut Chance, now: Timestamp) -> bool {
        if now < self.compiled.from || self.compiled.until.is_some_and(|end| now >= end) {
            return false;
        }
        if self.rule.count.is_some_and(|max| self.struck >= max) {
            return false;
        }
        self.seen += 1;
        if self.seen <= self.rule.skip.unwrap_or(0) || !chance.happens(self.rule.share.unwrap_or(1.0)) {
            return false;
        }
        self.struck += 1;
        true
    }
}

/// Whether a JSON body names an object as a value or inside a URL.
fn quoted(body: &[u8], object: &str) -> bool {
    let object = object.as_bytes();
    let edge = |b: Option<&u8>| b.is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_');
    body.windows(object.len().max(1)).enumerate().any(|(at, w)| {
        w.eq_ignore_ascii_case(object)
            && edge(at.checked_sub(1).and_then(|i| body.get(i)))
            && edge(body.get(at + object.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_170_000_000);

    fn call<'a>(method: Method, path: &'a str, body: &'a str) -> Call<'a> {
        Call { method, path, body: body.as_bytes() }
    }

    #[test]
    fn a_line_says_the_same_as_json() {
        let line = Rule::parse("status=503,path=/composite,share=0.2,count=5").unwrap();
        let json =
            serde_json::from_str(r#"{"do":"status=503","path":"/composite","share":0.2,"count":5}"#).unwrap();
        assert_eq!(line, json);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (line, part) in [
            ("stat=5", "stat=5"),
            ("status=99", "status=99"),
            ("latency=soon", "soon"),
            ("lock,share=2", "share"),
            ("record=OOPS", "OOPS"),
            ("lock,colour=red", "colour"),
            ("lock,count=many", "count=many"),
            ("lock,object", "object"),
            ("session,method=STEAL", "method"),
        ] {
            let told = Rule::parse(line).unwrap_err();
            assert!(told.contains(part), "{line}: {told}");
        }
    }

    #[test]
    fn a_rule_strikes_what_it_names_as_often_as_it_says() {
        let mut faults = Faults::new(1);
        faults.add(Rule::parse("cut=after,method=POST,object=Case,count=1,skip=1").unwrap(), NOW).unwrap();
        let post = call(Method::Post, "/services/data/v66.0/composite", r#"{"type":"Case"}"#);
        assert_eq!(
            faults.call(call(Method::Get, "/services/data/v66.0/sobjects/Case/1", ""), NOW).strike,
            None
        );
        assert_eq!(faults.call(call(Method::Post, "/x", r#"{"type":"CaseComment"}"#), NOW).strike, None);
        assert_eq!(faults.call(post, NOW).strike, None, "the first is spared");
        assert_eq!(faults.call(post, NOW).strike.unwrap().0, Strike::CutAfter);
        assert_eq!(faults.call(post, NOW).strike, None, "once");
    }

    #[test]
    fn a_rule_lives_from_one_time_to_another() {
        let mut faults = Faults::new(1);
        faults.add(Rule::parse("status=503,from=10s,until=20s").unwrap(), NOW).unwrap();
        let get = call(Method::Get, "/", "");
        let struck =
            |faults: &mut Faults, s| faults.call(get, NOW.plus(Duration::from_secs(s))).strike.is_some();
        assert_eq!([9, 10, 19, 20].map(|s| struck(&mut faults, s)), [false, true, true, false]);
    }

    #[test]
    fn latency_adds_to_the_rule_that_decides() {
        let mut faults = Faults::new(1);
        faults.add(Rule::parse("latency=300ms").unwrap(), NOW).unwrap();
        faults.add(Rule::parse("limit=daily").unwrap(), NOW).unwrap();
        let verdict = faults.call(call(Method::Get, "/", ""), NOW);
        assert_eq!(verdict.latency, Duration::from_millis(300));
        assert_eq!(verdict.strike.unwrap().0, Strike::Limit(Exceeded::Daily));
    }

    #[test]
    fn the_same_seed_strikes_the_same_records() {
        let run = |seed| {
            let mut faults = Faults::new(seed);
            faults.add(Rule::parse("lock,object=Contact,share=0.3").unwrap(), NOW).unwrap();
            (0..50)
                .map(|_| faults.record("Contact", call(Method::Post, "/", ""), NOW).is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(run(5), run(5));
        assert_ne!(run(5), run(6));
        let mut faults = Faults::new(5);
        faults.add(Rule::parse("lock,object=Contact").unwrap(), NOW).unwrap();
        assert_eq!(faults.record("Case", call(Method::Post, "/", ""), NOW), None);
    }
}
