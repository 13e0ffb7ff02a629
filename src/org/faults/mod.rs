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

use serde_json::Value;

use crate::org::wire::{Chance, Method};
use crate::time::Timestamp;

mod rule;

pub use self::rule::{Rule, Strike, status_of};

#[derive(Debug)]
struct Live {
    id: u64,
    rule: Rule,
    compiled: rule::Compiled,
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
    use crate::org::limits::Exceeded;

    const NOW: Timestamp = Timestamp::from_millis(1_795_170_000_000);

    fn call<'a>(method: Method, path: &'a str, body: &'a str) -> Call<'a> {
        Call { method, path, body: body.as_bytes() }
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
