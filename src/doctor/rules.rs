//! What an answer says about the health of the set-up. Pure.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::fault::{Class, Fault};
use crate::store::{Depth, RETENTION};
use crate::time::Timestamp;

/// Pages that say more: addresses of others, and paths of ours within the repository.
pub(super) mod page {
    pub(crate) const CONFIGURATION: &str = "README.md#configuration";
    pub(super) const SECRET: &str = "infra/README.md#the-secret";
    pub(super) const KEY_FIELD: &str = "infra/README.md#the-key-field";
    pub(super) const DEPLOY: &str = "infra/README.md#deploy";
    pub(super) const ALARMS: &str = "infra/README.md#alarms";
    pub(super) const PASSWORD_ENDS: &str = "https://help.salesforce.com/s/articleView?id=release-notes.rn_security_unpw_flow_retirement.htm&release=262&type=5";
    pub(super) const LOGIN: &str =
        "https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_flow_errors.htm&type=5";
    pub(super) const VERSIONS_END: &str = "https://help.salesforce.com/s/articleView?id=005321531&type=1";
    pub(super) const VERSIONS: &str =
        "https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_versions.htm";
    pub(super) const CLOCK: &str =
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html";
    pub(super) const LIMITS: &str = "https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm";
    pub(super) const PERMISSIONS: &str =
        "https://help.salesforce.com/s/articleView?id=sf.perm_sets_overview.htm&type=5";
    pub(super) const TRIGGERS: &str = "https://developer.salesforce.com/docs/atlas.en-us.apexcode.meta/apexcode/apex_triggers_bulk_idioms.htm";
    pub(super) const CONNECT: &str =
        "https://docs.aws.amazon.com/connect/latest/adminguide/connect-lambda-functions.html";
}

/// One check, as it came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// How it is.
    pub status: Status,
    /// What is so, and why.
    pub cause: String,
    /// What to do.
    pub cure: String,
    /// The page that says more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<&'static str>,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it should be.
    Good,
    /// Works, and will not for ever, or not always.
    Warned,
    /// Does not work.
    Failed,
}

impl Status {
    /// For a table in a terminal.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warned => "warned",
            Self::Failed => "FAILED",
        }
    }
}

impl Check {
    pub(super) fn good(name: &str, cause: impl Into<String>) -> Self {
        let (status, cause) = (Status::Good, cause.into());
        Self { name: name.to_owned(), status, cause, cure: String::new(), link: None }
    }

    pub(super) fn warned(name: &str, cause: impl Into<String>, cure: &str, link: &'static str) -> Self {
        Self { status: Status::Warned, cure: cure.to_owned(), link: Some(link), ..Self::good(name, cause) }
    }

    pub(super) fn failed(name: &str, cause: impl Into<String>, cure: &str, link: &'static str) -> Self {
        Self { status: Status::Failed, ..Self::warned(name, cause, cure, link) }
    }
}

pub(super) fn secret(fault: &Fault) -> Check {
    Check::failed(
        "secret",
        &fault.message,
        "put the keys that its login needs into the secret, or let this role read it",
        page::SECRET,
    )
}

/// Salesforce ends the password login; the others stay.
pub(super) fn login_flow(flow: &str, now: Timestamp) -> Check {
    /// 20 February 2027, with Spring '27; it was first told for Winter '27.
    const ENDS: Timestamp = Timestamp::from_millis(1_803_081_600_000);
    const NAME: &str = "login flow";
    const CURE: &str = "make an External Client App with client credentials, then take Password out of the secret or set AuthFlow";
    if flow != "password" {
        return Check::good(NAME, format!("{flow}, which stays"));
    }
    if now >= ENDS {
        let cause =
            "the secret chooses the username-password login, which Salesforce ended on 20 February 2027";
        return Check::failed(NAME, cause, CURE, page::PASSWORD_ENDS);
    }
    let days = ENDS.since(now).as_secs() / 86_400;
    let cause = format!(
        "the secret chooses the username-password login, which Salesforce ends on 20 February 2027 (in {days} days) and blocks in new orgs"
    );
    Check::warned(NAME, cause, CURE, page::PASSWORD_ENDS)
}

pub(super) fn login(fault: &Fault) -> Check {
    let cure = match (fault.class, fault.code.as_str()) {
        (Class::Retryable, _) => "check SF_HOST and the way out of the network, then look again",
        (Class::Throttled(_), _) => "wait; too many logins or calls were made",
        (_, "invalid_client" | "invalid_client_id") => {
            "check ConsumerKey and ConsumerSecret, and that the app is of this org"
        }
        (_, "invalid_grant") => {
            "check user, password and security token, that the app may log in this way, and that a user is set for client credentials"
        }
        (_, "PRIVATE_KEY_UNUSABLE") => {
            "put the PEM of the key whose certificate the app holds into PrivateKey"
        }
        (_, "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED") => "give the user the permission API Enabled",
        _ => "check SF_HOST, SF_PRODUCTION and the app's policies",
    };
    Check::failed("login", fault.to_string(), cure, page::LOGIN)
}

/// Versions 7 to 30 are gone; 31 to 40 go in two steps.
pub(super) fn version(version: &str) -> Check {
    let number = version.trim_start_matches('v').split('.').next().and_then(|n| n.parse::<u32>().ok());
    let cure = "set SF_VERSION to a newer version, v62.0 or above";
    match number {
        Some(0..=30) => Check::failed(
            "API version",
            format!("{version} was retired in Summer '25; calls are answered with 410"),
            cure,
            page::VERSIONS_END,
        ),
        Some(31..=40) => Check::warned(
            "API version",
            format!("{version} is unsupported from Summer '27 and removed in Summer '28"),
            cure,
            page::VERSIONS_END,
        ),
        Some(41..=45) => Check::warned(
            "API version",
            format!("{version} knows neither collections by external id nor whether an upsert created"),
            cure,
            page::VERSIONS,
        ),
        _ => Check::good("API version", version),
    }
}

/// Whether the org itself serves the version; the list names them all.
pub(super) fn served(version: &str, versions: &Value) -> Option<Check> {
    let served: Vec<_> = versions.as_array()?.iter().filter_map(|v| v.get("version")?.as_str()).collect();
    let (newest, asked) = (served.last()?, version.trim_start_matches('v'));
    Some(if served.contains(&asked) {
        Check::good("served version", format!("the org serves {version}; its newest is v{newest}"))
    } else {
        let cause = format!("the org does not serve {version}; its newest is v{newest}");
        Check::failed(
            "served version",
            cause,
            "set SF_VERSION to a version that the org serves",
            page::VERSIONS,
        )
    })
}

/// AWS refuses signatures, and Salesforce JWTs, of clocks that are minutes wrong.
pub(super) fn clock(ours: Timestamp, theirs: Timestamp) -> Check {
    let apart = (ours.as_millis() - theirs.as_millis()) / 1000;
    let cause =
        format!("{} seconds {} Salesforce's", apart.abs(), if apart < 0 { "behind" } else { "ahead of" });
    match apart.abs() {
        0..=5 => Check::good("clock", "agrees with Salesforce's"),
        6..=120 => Check::warned("clock", cause, "let this machine's clock be set by NTP", page::CLOCK),
        _ => Check::failed(
            "clock",
            cause,
            "let this machine's clock be set by NTP: signatures and JWTs are refused",
            page::CLOCK,
        ),
    }
}

pub(super) fn limits(limits: &Value) -> Check {
    const NAME: &str = "daily calls";
    let number = |key: &str| limits.pointer(&format!("/DailyApiRequests/{key}")).and_then(Value::as_u64);
    let (Some(max), Some(left)) = (number("Max"), number("Remaining")) else {
        let cure = "give the API user the permission View Setup and Configuration";
        let cause = "the org does not tell this user how many calls are left";
        return Check::warned(NAME, cause, cure, page::LIMITS);
    };
    let cause = format!("{left} of {max} left in these 24 hours");
    if left == 0 {
        Check::failed(
            NAME,
            cause,
            "find out who spends them (Setup, API Usage), or buy more; writes wait until there are some",
            page::LIMITS,
        )
    } else if left < max / 5 {
        Check::warned(NAME, cause, "find out who spends them: Setup, API Usage", page::LIMITS)
    } else {
        Check::good(NAME, cause)
    }
}

pub(super) fn no_object(object: &str, fault: &Fault) -> Check {
    let (cure, page) = if tells_nothing(fault) {
        (LATER, page::ALARMS)
    } else {
        let cure = "check the API name, and that the API user's permission set gives access to the object";
        (cure, page::PERMISSIONS)
    };
    Check::failed(&format!("object {object}"), fault.to_string(), cure, page)
}

const LATER: &str = "look again when Salesforce answers; until then nothing is known of this";

/// Whether a fault is about the call and says nothing of what was asked.
fn tells_nothing(fault: &Fault) -> bool {
    matches!(fault.class, Class::Throttled(_) | Class::Retryable | Class::Unknown)
}

/// What this user may do with an object.
pub(super) fn permissions(object: &str, description: &Value) -> Check {
    let name = format!("object {object}");
    let may = |flag: &str| description.get(flag).and_then(Value::as_bool).unwrap_or(false);
    let missing: Vec<_> = [("queryable", "read"), ("createable", "create"), ("updateable", "edit")]
        .into_iter()
        .filter(|(flag, _)| !may(flag))
        .map(|(_, right)| right)
        .collect();
    if missing.is_empty() {
        return Check::good(&name, "may be read, created and edited");
    }
    Check::warned(
        &name,
        format!("the API user may not {} it", missing.join(" nor ")),
        "give the rights in the API user's permission set, if flows need them",
        page::PERMISSIONS,
    )
}

/// What this user may do with a field that flows name.
pub(super) fn field(object: &str, field: &str, description: &Value) -> Check {
    let name = format!("field {object}.{field}");
    let Some(found) = named(field, description) else {
        let cause = "the object has no such field, or this user cannot see it";
        let cure = "check the API name, and the field's permissions in the API user's permission set";
        return Check::failed(&name, cause, cure, page::PERMISSIONS);
    };
    let may = |flag: &str| found.get(flag).and_then(Value::as_bool).unwrap_or(false);
    match (may("createable"), may("updateable")) {
        (true, true) => Check::good(&name, "may be read, filled and edited"),
        (create, _) => Check::warned(
            &name,
            if create { "may be filled at creation and not edited" } else { "may be read and not filled" },
            "give edit access to the field, if flows write it",
            page::PERMISSIONS,
        ),
    }
}

fn named<'a>(field: &str, description: &'a Value) -> Option<&'a Value> {
    let named =
        |f: &&Value| f.get("name").and_then(Value::as_str).is_some_and(|n| n.eq_ignore_ascii_case(field));
    description.get("fields")?.as_array()?.iter().find(named)
}

/// Triggers may be written for one record at a time; a batch of two hundred then meets limits.
pub(super) fn triggers(objects: &[&str], found: Result<&[Map<String, Value>], &Fault>) -> Check {
    const NAME: &str = "triggers";
    let found = match found {
        Ok(found) => found,
        Err(fault) if tells_nothing(fault) => {
            return Check::warned(NAME, fault.to_string(), LATER, page::ALARMS);
        }
        Err(_) => {
            return Check::good(
                NAME,
                "the org does not tell this user of Apex triggers (permission View Setup and Configuration)",
            );
        }
    };
    let text = |row: &Map<String, Value>, key: &str| {
        row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let of_ours =
        found.iter().filter(|row| objects.iter().any(|o| text(row, "TableEnumOrId").eq_ignore_ascii_case(o)));
    let named: Vec<_> =
        of_ours.map(|row| format!("{} ({})", text(row, "Name"), text(row, "TableEnumOrId"))).collect();
    if named.is_empty() {
        return Check::good(NAME, "none on the objects looked at");
    }
    Check::warned(
        NAME,
        format!("run on every write: {}", named.join(", ")),
        "make sure that each handles 200 records at once, or narrow the object: TIELINE_WIDTH=200,Case=25",
        page::TRIGGERS,
    )
}

/// Whether Amazon Connect may invoke the function; `policy` is the function's own.
pub(super) fn invoked_by_connect(function: &str, policy: &Result<Value, String>) -> Check {
    const NAME: &str = "Amazon Connect";
    let cure = "add the function in the Amazon Connect console (Flows, AWS Lambda), or set AmazonConnectInstanceId in the template";
    let policy = match policy {
        Ok(policy) => policy,
        Err(why) => {
            let cure = "check the function's name and region, and that you may call lambda:GetPolicy";
            let cause = format!("who may invoke {function} cannot be read: {why}");
            return Check::failed(NAME, cause, cure, page::CONNECT);
        }
    };
    let allows = |statement: &Value| {
        statement["Effect"] == "Allow"
            && statement["Principal"]["Service"] == "connect.amazonaws.com"
            && statement["Action"].as_str().is_some_and(|a| a.starts_with("lambda:Invoke") || a == "lambda:*")
    };
    let statements = policy.get("Statement").and_then(Value::as_array);
    if statements.into_iter().flatten().any(allows) {
        Check::good(NAME, format!("may invoke {function}"))
    } else {
        let cause = format!("may not invoke {function}: its flows take their error branch");
        Check::failed(NAME, cause, cure, page::CONNECT)
    }
}

/// A field that carries a write's identity must refuse a second record, and take the whole identity.
pub(super) fn unique_field(object: &str, field: &str, description: &Value) -> Check {
    const LONG_ENOUGH: u64 = 29;
    let name = format!("unique field {object}.{field}");
    let Some(found) = named(field, description) else {
        let cure = "make a text field of 32 characters, unique, and let the API user edit it; or take it out of TIELINE_UNIQUE_FIELDS";
        let cause = "the object has no such field, or this user cannot see it";
        return Check::failed(&name, cause, cure, page::KEY_FIELD);
    };
    let is = |flag: &str| found.get(flag).and_then(Value::as_bool).unwrap_or(false);
    let length = found.get("length").and_then(Value::as_u64).unwrap_or_default();
    let text = found.get("type").and_then(Value::as_str) == Some("string");
    if !is("unique") {
        Check::failed(
            &name,
            "the field is not unique, so a repeated create makes a second record",
            "mark it as unique",
            page::KEY_FIELD,
        )
    } else if !text || length < LONG_ENOUGH {
        let cause = format!("the field must be a text of {LONG_ENOUGH} characters or more");
        Check::failed(&name, cause, "make it a text of 32 characters", page::KEY_FIELD)
    } else if !is("createable") {
        let cure = "let the API user edit it";
        Check::failed(&name, "the API user may not fill the field", cure, page::KEY_FIELD)
    } else {
        Check::good(&name, "is there, unique, and may be filled")
    }
}

pub(super) fn unreachable(name: &str, error: &str) -> Check {
    let cure = "check its name and region, and what this role may do with it";
    Check::failed(name, error, cure, page::DEPLOY)
}

/// What waits in a queue, and whether it may wait for as long as the promises of writes need.
pub(super) fn queue(name: &str, depth: Depth) -> Check {
    if depth.keeps < RETENTION {
        let cause = format!(
            "it drops what waits longer than {} days; what still waits after 13 days would become a dead letter",
            depth.keeps.as_secs() / 86_400
        );
        return Check::failed(name, cause, "set its MessageRetentionPeriod to 1209600 seconds", page::DEPLOY);
    }
    let waiting = depth.visible + depth.in_flight;
    let cause = format!("{waiting} waiting");
    if name == "dead-letter queue" && waiting > 0 {
        let cure = "the worker turns them into dead letters; if they stay, look at its log";
        return Check::warned(name, cause, cure, page::ALARMS);
    }
    Check::good(name, cause)
}
