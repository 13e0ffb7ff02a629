//! The one list of variables; the table in the README is made from it.

use std::fmt::Write as _;

/// One environment variable.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What holds when it is not set, as a person reads it.
    pub default: &'static str,
    /// What it means; Markdown.
    pub meaning: &'static str,
}

const fn variable(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default, meaning }
}

/// Everything that Tieline reads from its environment.
pub const VARIABLES: &[Variable] = &[
    variable("SF_HOST", "required", "the org's own address (My Domain), `https://….my.salesforce.com`"),
    variable("SF_VERSION", "required", "API version, `v66.0`"),
    variable(
        "SF_CREDENTIALS_SECRETS_MANAGER_ARN",
        "required, or `TIELINE_SECRET_FILE`",
        "the secret; its keys choose the login",
    ),
    variable(
        "SF_PRODUCTION",
        "none",
        "`true`: password and JWT logins go to `login.salesforce.com`, else to `SF_HOST`; needed for password logins",
    ),
    variable("SF_USERNAME", "none", "the API user; needed for password and JWT logins"),
    variable(
        "SF_ADAPTER_NAMESPACE",
        "none",
        "namespace of the adapter's package, `amazonconnect`; empty or `-` for none",
    ),
    variable("LOGGING_LEVEL", "`INFO`", "`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`"),
    variable(
        "TIELINE_STACK",
        "none",
        "whose metrics these are: the dimension `Stack` of the namespace `Tieline` in CloudWatch; the template sets it",
    ),
    variable(
        "TIELINE_STATE_TABLE",
        "none",
        "DynamoDB table of outcomes, dead letters, token and budget; adds shared tokens, and with a queue asynchronous writes",
    ),
    variable("TIELINE_CACHE_TABLE", "none", "DynamoDB table of the read cache; adds the cache"),
    variable("TIELINE_QUEUE_URL", "none", "SQS FIFO queue of accepted writes; adds asynchronous writes"),
    variable(
        "TIELINE_DLQ_URL",
        "none",
        "the queue's dead-letter queue, which the worker drains into dead-letter records",
    ),
    variable(
        "TIELINE_WRITE_MODE",
        "`wait`",
        "`wait`: accepted, then waited for; `queue`: accepted; `sync`: straight to Salesforce. Without a queue: `sync`",
    ),
    variable("TIELINE_WRITE_WAIT_MS", "1500", "how long `wait` waits for the outcome"),
    variable(
        "TIELINE_SOFT_DEADLINE_MS",
        "2200, at most `TIELINE_DEADLINE_MS`",
        "by when a call replies that has something to reply: a stale copy, a ticket",
    ),
    variable("TIELINE_DEADLINE_MS", "6500", "by when a call ends that has nothing to fall back on"),
    variable("TIELINE_FORMAT", "`native`", "form of replies: `native`, `string` or `json`, see `tl_format`"),
    variable(
        "TIELINE_ON_ERROR",
        "`raise`",
        "a rejected write: `raise` an error as upstream, or `reply` with `tl_status: failed`",
    ),
    variable(
        "TIELINE_BARE_REPLACEMENT",
        "`upstream`",
        "text put into queries outside quotes: `upstream` admits whole clauses, `strict` identifiers, numbers, literals and lists alone",
    ),
    variable(
        "TIELINE_SENSITIVE_FIELDS",
        "none",
        "fields that are never stored, `Contact.Passport__c, Pin__c`: writes with one of them are synchronous, answers with one of them are not cached",
    ),
    variable(
        "TIELINE_MAX_AGE_SECS",
        "604800",
        "how long a write is tried again after it came into the queue; thrice at least",
    ),
    variable("TIELINE_MAX_ATTEMPTS", "12", "how often one write is tried before it becomes a dead letter"),
    variable("TIELINE_WIDTH", "200", "records in one collection; per object behind commas, `200,Case=25`"),
    variable(
        "TIELINE_DUPLICATE_WINDOW_SECS",
        "90",
        "how long an equal write of the same contact counts as the same write",
    ),
    variable(
        "TIELINE_UNIQUE_FIELDS",
        "none",
        "unique text fields that carry a write's identity, `Case=WriteKey__c,Task=WriteKey__c`",
    ),
    variable(
        "TIELINE_DOUBT",
        "`reconcile`",
        "what follows when nobody knows whether a create without a unique field, a post or a comment was carried out: it is looked up (`reconcile`), left to a person (`at_most_once`) or sent again (`at_least_once`); per object, `FeedItem=at_most_once,Task=at_least_once`",
    ),
    variable(
        "TIELINE_COMMENTS_AS_RECORDS",
        "`false`",
        "`true`: plain text Chatter comments travel as `FeedComment` records, many in a call, instead of one call each",
    ),
    variable(
        "TIELINE_LINGER_MS",
        "250",
        "how long the worker waits for company before it sends a small batch",
    ),
    variable("TIELINE_RATE_PER_SEC", "from the daily allowance", "calls to Salesforce a second, at most"),
    variable("TIELINE_CONCURRENCY", "from what works", "calls to Salesforce at once, at most"),
    variable(
        "TIELINE_CACHE_FRESH_SECS",
        "60",
        "how long a cached answer is as good as new; per object behind commas, `60,Case=5`",
    ),
    variable(
        "TIELINE_CACHE_STALE_SECS",
        "86400",
        "how long a cached answer may stand in while Salesforce gives none",
    ),
    variable("TIELINE_CACHE_NEGATIVE_SECS", "15", "how long it is remembered that nobody matched"),
    variable(
        "TIELINE_MATCHES",
        "`first`",
        "a lookup that matches several records gives the `first`, as upstream, `none`, or the one changed last, `most_recent`",
    ),
    variable(
        "TIELINE_DEFAULT_REGION",
        "none",
        "country of phone numbers without `+`, two letters: `US`, `DE`",
    ),
    variable(
        "TIELINE_FLOW_HTTP_HOSTS",
        "none",
        "hosts that the HTTP block of CTI Flows may call, `api.example.com,*.example.org`; a private address must be named itself, `10.0.0.5:8443`",
    ),
    variable("TIELINE_FLOW_RUN_SECS", "60", "how long one run of a CTI Flow may take, its delays included"),
    variable("TIELINE_SECRET_FILE", "none", "a file with the secret, where there is no Secrets Manager"),
    variable("SSL_CERT_FILE", "compiled in", "PEM file of trusted roots, in place of the public ones"),
    variable("AWS_ENDPOINT_URL", "none", "as in every AWS SDK, `AWS_ENDPOINT_URL_<SERVICE>` too"),
];

/// Whether a name that begins with `TIELINE_` is one of ours.
#[must_use]
pub(super) fn known(name: &str) -> bool {
    VARIABLES.iter().any(|v| v.name == name)
}

/// The list as a Markdown table: the text between the README's markers.
#[must_use]
pub fn table() -> String {
    let mut table = "| variable | default | meaning |\n|---|---|---|\n".to_owned();
    for Variable { name, default, meaning } in VARIABLES {
        // Writing to a text cannot fail.
        let _written = writeln!(table, "| `{name}` | {default} | {meaning} |");
    }
    table
}
