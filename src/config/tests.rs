use super::*;
use crate::outcome::Effect;

const UPSTREAM: &[(&str, &str)] = &[
    ("SF_HOST", "https://Acme.my.salesforce.com/"),
    ("SF_PRODUCTION", "TRUE"),
    ("SF_USERNAME", "svc@example.com"),
    ("SF_VERSION", "v66.0"),
    ("SF_ADAPTER_NAMESPACE", "amazonconnect"),
    ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "arn:aws:secretsmanager:eu-west-2:123456789012:secret:sf-AbCdEf"),
    ("LOGGING_LEVEL", "WARNING"),
];

fn from(extra: &[(&str, &str)]) -> Result<Config, Vec<ConfigError>> {
    let vars = UPSTREAM.iter().chain(extra).map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    Config::from_vars(vars)
}

fn faults(extra: &[(&str, &str)]) -> String {
    let faults = from(extra).expect_err("these variables are wrong");
    faults.iter().map(|f| format!("{f}\n")).collect()
}

#[test]
fn upstreams_own_environment_behaves_as_upstream() {
    let config = from(&[]).unwrap();
    assert_eq!(config.salesforce.host, "https://acme.my.salesforce.com");
    assert_eq!(config.salesforce.organisation(), "acme.my.salesforce.com");
    assert_eq!(config.salesforce.production, Some(true));
    assert_eq!(config.event.namespace, "amazonconnect__");
    assert_eq!((config.level, &config.stack), (Level::Warning, &None));
    assert_eq!(config.stores, Stores::default());
    assert_eq!(config.write.mode, Mode::Sync);
    assert_eq!(config.warnings, Vec::<String>::new());
    for none in ["", "-", " "] {
        assert_eq!(from(&[("SF_ADAPTER_NAMESPACE", none)]).unwrap().event.namespace, "");
    }
}

#[test]
fn production_is_the_word_true_and_nothing_else() {
    for (text, production, warnings) in
        [("TRUE", Some(true), 0), ("False", Some(false), 0), ("yes", Some(false), 1), ("", None, 0)]
    {
        let config = from(&[("SF_PRODUCTION", text)]).unwrap();
        assert_eq!((config.salesforce.production, config.warnings.len()), (production, warnings), "{text}");
    }
}

#[test]
fn every_fault_is_told_at_once() {
    let faults = Config::from_vars(std::iter::empty()).unwrap_err();
    let names: Vec<_> = faults.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["SF_HOST", "SF_VERSION", "SF_CREDENTIALS_SECRETS_MANAGER_ARN"]);
    assert!(faults[1].to_string().starts_with("'SF_VERSION' environment variable is missing"));
}

#[test]
fn every_value_that_cannot_be_is_told_with_what_can() {
    insta::assert_snapshot!(faults(&[
        ("SF_HOST", "acme.my.salesforce.com"),
        ("SF_VERSION", "66"),
        ("LOGGING_LEVEL", "VERBOSE"),
        ("TIELINE_WRITE_MODE", "queue"),
        ("TIELINE_WRITE_WAIT_MS", "-1"),
        ("TIELINE_SOFT_DEADLINE_MS", "9000"),
        ("TIELINE_DEADLINE_MS", "3 s"),
        ("TIELINE_FORMAT", "xml"),
        ("TIELINE_ON_ERROR", "ignore"),
        ("TIELINE_BARE_REPLACEMENT", "lenient"),
        ("TIELINE_MAX_AGE_SECS", "1209600"),
        ("TIELINE_MAX_ATTEMPTS", "0"),
        ("TIELINE_WIDTH", "200,100,Case=250"),
        ("TIELINE_UNIQUE_FIELDS", "Case,Task=Write Key"),
        ("TIELINE_DOUBT", "reconcile,Case=maybe"),
        ("TIELINE_COMMENTS_AS_RECORDS", "yes"),
        ("TIELINE_RATE_PER_SEC", "NaN"),
        ("TIELINE_CONCURRENCY", "0"),
        ("TIELINE_DEFAULT_REGION", "Europe"),
        ("TIELINE_CACHE_FRESH_SECS", "99999999999999999999"),
        ("TIELINE_DLQ_URL", "https://sqs.example.com/1/letters"),
        ("TIELINE_FLOW_HTTP_HOSTS", "https://api.example.com"),
        ("TIELINE_FLOW_RUN_SECS", "0"),
    ]));
}

#[test]
fn an_address_that_is_not_the_orgs_own_is_told() {
    for host in [
        "https://acme.lightning.force.com",
        "https://acme.my.salesforce.com/services",
        "https://user@acme.my.salesforce.com",
        "https://",
        "ftp://acme.my.salesforce.com",
    ] {
        assert!(faults(&[("SF_HOST", host)]).contains("'SF_HOST'"), "{host}");
    }
    assert_eq!(from(&[("SF_HOST", "http://127.0.0.1:8701")]).unwrap().warnings.len(), 0);
    assert_eq!(from(&[("SF_HOST", "http://org.example.com")]).unwrap().warnings.len(), 1);
}

#[test]
fn lists_are_understood() {
    let config = from(&[
        ("TIELINE_WIDTH", " 100 , Case=25"),
        ("TIELINE_UNIQUE_FIELDS", "Case=WriteKey__c, Task=WriteKey__c"),
        ("TIELINE_DOUBT", "FeedItem=at_most_once, Task=AT_LEAST_ONCE"),
        ("TIELINE_SENSITIVE_FIELDS", "Contact.Passport__c, Pin__c,"),
        ("TIELINE_RATE_PER_SEC", "2.5"),
        ("TIELINE_CONCURRENCY", "4"),
        ("TIELINE_FLOW_HTTP_HOSTS", "api.example.com, *.example.org,10.0.0.5:8443"),
    ])
    .unwrap();
    assert_eq!((config.delivery.width, config.delivery.widths.get("Case")), (100, Some(&25)));
    assert_eq!(config.delivery.modes.unique_fields.len(), 2);
    let others = &config.delivery.modes.others;
    assert_eq!(others.get("FeedItem"), Some(&Effect::AtMostOnce));
    assert_eq!(others.get("Task"), Some(&Effect::AtLeastOnce));
    assert_eq!(config.write.sensitive, ["Contact.Passport__c", "Pin__c"]);
    assert_eq!((config.delivery.rate_per_sec, config.delivery.concurrency), (Some(2.5), Some(4)));
    assert_eq!(from(&[]).unwrap().delivery, Delivery::default());
}

#[test]
fn a_queue_changes_the_mode_and_needs_its_table() {
    let queue = ("TIELINE_QUEUE_URL", "https://sqs.eu-west-2.amazonaws.com/123456789012/writes.fifo");
    assert!(faults(&[queue]).contains("TIELINE_STATE_TABLE"));
    let config = from(&[queue, ("TIELINE_STATE_TABLE", "state")]).unwrap();
    assert_eq!(config.write.mode, Mode::Wait);
    assert_eq!(config.warnings.len(), 1, "without a dead-letter queue: {:?}", config.warnings);
}

#[test]
fn an_earlier_end_brings_the_reply_forward() {
    let deadlines = |given: &[(&str, &str)]| {
        let reply = from(given).unwrap().reply;
        (reply.soft.as_millis(), reply.hard.as_millis())
    };
    assert_eq!(deadlines(&[]), (2200, 6500));
    assert_eq!(deadlines(&[("TIELINE_DEADLINE_MS", "2000")]), (2000, 2000));
    let both = [("TIELINE_DEADLINE_MS", "2000"), ("TIELINE_SOFT_DEADLINE_MS", "2100")];
    assert!(faults(&both).contains("must not be later than TIELINE_DEADLINE_MS"));
}

#[test]
fn what_is_given_is_told_and_no_name_of_a_place() {
    let config = from(&[
        ("TIELINE_STATE_TABLE", "prod-state"),
        ("TIELINE_QUEUE_URL", "https://sqs.eu-west-2.amazonaws.com/123456789012/writes.fifo"),
        ("TIELINE_DLQ_URL", "https://sqs.eu-west-2.amazonaws.com/123456789012/dead.fifo"),
        ("TIELINE_SECRET_FILE", "/etc/secret.json"),
        ("TIELINE_CACHE_FRESH_SECS", "60,Case=5"),
        ("TIELINE_DEADLINE_MS", "2000"),
    ])
    .unwrap();
    let told = config.in_force();
    let value = |name: &str| {
        let mut all = told.iter().filter(|(n, _)| *n == name);
        let first = all.next().map(|(_, value)| value.as_str());
        assert_eq!(all.next(), None, "{name} is told once");
        first
    };
    for (name, said) in [
        ("TIELINE_STATE_TABLE", "set"),
        ("TIELINE_CACHE_TABLE", "none"),
        ("TIELINE_DLQ_URL", "set"),
        ("TIELINE_SECRET_FILE", "set"),
        ("TIELINE_CACHE_FRESH_SECS", "60,Case=5"),
        ("TIELINE_SOFT_DEADLINE_MS", "2000"),
        ("TIELINE_DEADLINE_MS", "2000"),
    ] {
        assert_eq!(value(name), Some(said), "{name}");
    }
    assert_eq!(value("TIELINE_WIDTH"), None, "what is not given is the README's default");
    assert_eq!(value("SF_CREDENTIALS_SECRETS_MANAGER_ARN"), None);
}

#[test]
fn an_unknown_name_of_ours_is_a_warning() {
    let config = from(&[("TIELINE_CASHE_TABLE", "x"), ("OTHER", "y")]).unwrap();
    assert_eq!(config.warnings, ["TIELINE_CASHE_TABLE is no variable of this version; it has no effect"]);
}

#[test]
fn the_secret_is_found_in_a_file_before_the_manager() {
    let config = from(&[("TIELINE_SECRET_FILE", "secret.json")]).unwrap();
    assert!(matches!(config.vault, Vault::File(_)));
    assert!(matches!(from(&[]).unwrap().vault, Vault::Manager(_)));
}

#[test]
fn the_simulated_org_needs_nothing_of_the_environment() {
    let given = Vault::Given(Hidden::new("{}"));
    let vars = [("SF_HOST", "http://127.0.0.1:8701"), ("SF_VERSION", "v66.0")];
    let vars = vars.map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert!(matches!(Config::read(vars.into_iter(), Some(given)).unwrap().vault, Vault::Given(_)));
}

#[test]
fn the_list_is_whole_and_its_table_can_be_read() {
    let source = include_str!("parse.rs").to_owned() + include_str!("mod.rs");
    for variable in VARIABLES {
        let quoted = format!("\"{}\"", variable.name);
        assert!(source.contains(&quoted), "{} is listed and nobody reads it", variable.name);
    }
    for name in source.split('"').filter(|word| word.starts_with("TIELINE_") && !word.contains(' ')) {
        assert!(name == "TIELINE_" || variables::known(name), "{name} is read and not listed");
    }
    assert_eq!(table().lines().count(), VARIABLES.len() + 2);
}

#[test]
fn the_readme_holds_the_same_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once("<!-- configuration -->\n").expect("the README has the markers");
    let (_, after) = rest.split_once("<!-- /configuration -->").expect("the README has the markers");
    let whole = format!("{before}<!-- configuration -->\n{}<!-- /configuration -->{after}", table());
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    let update = std::env::var_os("UPDATE_README").is_some();
    if update {
        std::fs::write(path, whole).unwrap();
    } else {
        assert!(readme == whole, "the README's table is not the list's; make it anew with UPDATE_README=1");
    }
}
