//! The secret: where it is kept, what must be in it, and which login its keys choose.

use std::fmt;
use std::path::PathBuf;

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Settings;
use crate::net;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// Hides a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: for a form body or a header, nowhere else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Where the secret is.
#[derive(Clone, Debug)]
pub enum Vault {
    /// In Secrets Manager, under this ARN or name.
    Manager(String),
    /// In a file, with the same keys: `TIELINE_SECRET_FILE`.
    File(PathBuf),
    /// Handed in: the simulated org accepts any credentials.
    Given(Hidden),
}

/// What is wrong with the secret. Never holds a part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It may not be read, or is not there.
    #[error("{0}")]
    Unreadable(String),
    /// Secrets Manager gave no answer, or had no room: the next try may succeed.
    #[error("{0}")]
    Unanswered(String),
    /// It is not what it must be.
    #[error("{0}")]
    Unusable(String),
}

/// How to log in, as the keys of the secret say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// The app's own user; always at `SF_HOST`.
    ClientCredentials {
        /// `ConsumerKey`.
        key: Hidden,
        /// `ConsumerSecret`.
        secret: Hidden,
    },
    /// An assertion signed with the app's private key.
    JwtBearer {
        /// `ConsumerKey`.
        key: Hidden,
        /// `SF_USERNAME`.
        username: String,
        /// `PrivateKey`.
        pem: Hidden,
    },
    /// User name and password; Salesforce calls it deprecated.
    Password {
        /// `ConsumerKey`.
        key: Hidden,
        /// `ConsumerSecret`.
        secret: Hidden,
        /// `SF_USERNAME`.
        username: String,
        /// `Password`.
        password: Hidden,
        /// `AccessToken`, the user's security token; blank where the network is trusted.
        security_token: Hidden,
    },
}

impl Login {
    /// The flow's name, as `AuthFlow` spells it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ClientCredentials { .. } => "client_credentials",
            Self::JwtBearer { .. } => "jwt_bearer",
            Self::Password { .. } => "password",
        }
    }

    /// A text without what this login keeps secret, should it be there: an answer may echo what was sent.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let kept = match self {
            Self::ClientCredentials { key, secret } => vec![key, secret],
            Self::JwtBearer { key, pem, .. } => vec![key, pem],
            Self::Password { key, secret, password, security_token, .. } => {
                vec![key, secret, password, security_token]
            }
        };
        // A shorter one is no secret, and would be found in ordinary words.
        let kept = kept.into_iter().map(Hidden::reveal).filter(|kept| kept.len() >= 5);
        kept.fold(text.to_owned(), |text, kept| text.replace(kept, "(hidden)"))
    }

    /// Who logs in, as a digest: tokens of other users are not shared.
    #[must_use]
    pub fn identity(&self) -> String {
        let (key, username) = match self {
            Self::ClientCredentials { key, .. } => (key, ""),
            Self::JwtBearer { key, username, .. } | Self::Password { key, username, .. } => {
                (key, username.as_str())
            }
        };
        digest(&format!("{}\n{}\n{username}", self.name(), key.reveal()))
    }
}

/// The secret, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// How to log in.
    pub login: Login,
    /// `AuthToken`: a token that somebody left there; worth one try.
    pub token: Option<Hidden>,
    /// Which version of the secret this is.
    pub version: String,
}

impl Vault {
    /// Reads the secret and understands it.
    ///
    /// # Errors
    /// When it cannot be read, or lacks what its login needs.
    pub async fn open(&self, settings: &Settings) -> Result<Credentials, SecretError> {
        match self {
            Self::Manager(id) => {
                let (text, version) = fetch(id).await?;
                Credentials::parse(&text, version, settings)
            }
            Self::File(path) => {
                let text = std::fs::read_to_string(path).map_err(|e| {
                    SecretError::Unreadable(format!(
                        "TIELINE_SECRET_FILE={} cannot be read: {e}",
                        path.display()
                    ))
                })?;
                Credentials::parse(&text, digest(&text), settings)
            }
            Self::Given(text) => Credentials::parse(text.reveal(), digest(text.reveal()), settings),
        }
    }
}

async fn fetch(id: &str) -> Result<(String, String), SecretError> {
    let client = aws_sdk_secretsmanager::Client::new(net::aws::config().await);
    let answer = client.get_secret_value().secret_id(id).send().await.map_err(|e| unread(&e))?;
    let version = answer.version_id().unwrap_or_default().to_owned();
    match answer.secret_string() {
        Some(text) if version.is_empty() => Ok((text.to_owned(), digest(text))),
        Some(text) => Ok((text.to_owned(), version)),
        None => Err(SecretError::Unusable("the secret is binary; it must be a text in JSON".to_owned())),
    }
}

fn unread(error: &SdkError<GetSecretValueError, HttpResponse>) -> SecretError {
    let what = "the secret named by SF_CREDENTIALS_SECRETS_MANAGER_ARN cannot be read";
    let why = match error.as_service_error() {
        Some(service) => service.to_string(),
        None => format!("{}", aws_smithy_types::error::display::DisplayErrorContext(error)),
    };
    if passes(error) {
        return SecretError::Unanswered(format!(
            "{what} now: {why}; it is asked again. Where it lasts, look whether this function reaches Secrets Manager (its subnets and endpoints)"
        ));
    }
    SecretError::Unreadable(format!(
        "{what}: {why}; check its name, its region, and that this role may call secretsmanager:GetSecretValue (and kms:Decrypt on its key)"
    ))
}

/// Whether nobody need change anything: no answer came, or one that says "later".
fn passes(error: &SdkError<GetSecretValueError, HttpResponse>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        // What is neither is ours: no AWS credentials, a file of roots that cannot be used.
        SdkError::DispatchFailure(failure) => failure.is_timeout() || failure.is_io(),
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let code = answer.err().code().unwrap_or_default();
            status == 429
                || status >= 500
                || ["Throttl", "TooManyRequests", "RequestLimitExceeded"]
                    .iter()
                    .any(|word| code.contains(word))
        }
        _ => false,
    }
}

impl Credentials {
    /// Understands the secret's text: a JSON object with upstream's keys.
    ///
    /// # Errors
    /// When it is none, or lacks a key that its login needs; every missing key is named.
    pub fn parse(text: &str, version: String, settings: &Settings) -> Result<Self, SecretError> {
        let unusable = |why: String| SecretError::Unusable(why);
        let Ok(Value::Object(secret)) = serde_json::from_str::<Value>(text) else {
            return Err(unusable(
                "the secret is not a JSON object; it must hold ConsumerKey and, for its login, ConsumerSecret, PrivateKey or Password".to_owned(),
            ));
        };
        let find = |key: &str| match secret.get(key) {
            Some(Value::String(text)) if !text.trim().is_empty() => Some(text.clone()),
            _ => None,
        };
        let pem = find("PrivateKey").and_then(|text| pem(&text));
        let flow = match find("AuthFlow") {
            Some(flow) => flow_named(&flow).ok_or_else(|| {
                unusable(
                    "AuthFlow in the secret must be client_credentials, jwt_bearer or password".to_owned(),
                )
            })?,
            None if pem.is_some() => Flow::JwtBearer,
            None if find("Password").is_some() => Flow::Password,
            None => Flow::ClientCredentials,
        };
        let (mut lacking, mut unset) = (Vec::new(), Vec::new());
        let mut need = |key: &'static str, value: Option<String>| {
            if value.is_none() {
                lacking.push(key);
            }
            Hidden::new(value.unwrap_or_default())
        };
        let mut username = || {
            if settings.username.is_none() {
                unset.push(("SF_USERNAME", "the API user's name"));
            }
            settings.username.clone().unwrap_or_default()
        };
        let key = need("ConsumerKey", find("ConsumerKey"));
        let login = match flow {
            Flow::ClientCredentials => {
                Login::ClientCredentials { key, secret: need("ConsumerSecret", find("ConsumerSecret")) }
            }
            Flow::JwtBearer => {
                Login::JwtBearer { key, pem: need("PrivateKey (a PEM key)", pem), username: username() }
            }
            Flow::Password => {
                let security_token = secret.get("AccessToken").and_then(Value::as_str).map(str::to_owned);
                let login = Login::Password {
                    key,
                    secret: need("ConsumerSecret", find("ConsumerSecret")),
                    username: username(),
                    password: need("Password", find("Password")),
                    security_token: need(
                        "AccessToken (the user's security token; it alone may be blank, where the network is trusted)",
                        security_token,
                    ),
                };
                if settings.production.is_none() {
                    unset.push(("SF_PRODUCTION", "true (login.salesforce.com) or false (SF_HOST)"));
                }
                login
            }
        };
        let name = login.name();
        let mut faults: Vec<String> = unset
            .iter()
            .map(|(unset, to)| {
                format!(
                    "'{unset}' environment variable is missing: the login {name} needs it; set it to {to}"
                )
            })
            .collect();
        if !lacking.is_empty() {
            let keys = lacking.join(" and ");
            faults.push(format!("the login {name} needs {keys}, which the secret lacks or holds blank"));
        }
        if !faults.is_empty() {
            return Err(unusable(faults.join("; ")));
        }
        Ok(Self { login, token: find("AuthToken").map(Hidden::new), version })
    }
}

enum Flow {
    ClientCredentials,
    JwtBearer,
    Password,
}

fn flow_named(name: &str) -> Option<Flow> {
    match name.trim().to_ascii_lowercase().replace(['-', ' '], "_").as_str() {
        "client_credentials" => Some(Flow::ClientCredentials),
        "jwt" | "jwt_bearer" => Some(Flow::JwtBearer),
        "password" | "username_password" => Some(Flow::Password),
        _ => None,
    }
}

/// A PEM private key in its own form again: forms and consoles turn its line breaks into spaces or
/// into `\n`. `None` where it is no such key.
fn pem(text: &str) -> Option<String> {
    let text = text.replace("\\n", "\n");
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    if !label.ends_with("PRIVATE KEY") {
        return None;
    }
    let body: Vec<char> = body.chars().filter(|c| !c.is_whitespace()).collect();
    let lines: Vec<String> = body.chunks(64).map(|line| line.iter().collect()).collect();
    Some(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n")))
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(12).map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::result::ConnectorError;

    use super::*;

    fn settings(username: Option<&str>) -> Settings {
        Settings {
            host: "https://acme.my.salesforce.com".into(),
            production: Some(true),
            username: username.map(str::to_owned),
            version: "v66.0".into(),
        }
    }

    fn parse(text: &str) -> Result<Credentials, SecretError> {
        Credentials::parse(text, "1".into(), &settings(Some("svc@example.com")))
    }

    const KEY: &str = "-----BEGIN PRIVATE KEY----- TUlJ TUlJ -----END PRIVATE KEY-----";

    #[test]
    fn the_keys_choose_the_login() {
        let cases = [
            (r#"{"ConsumerKey":"k","ConsumerSecret":"s"}"#.to_owned(), "client_credentials"),
            (
                r#"{"ConsumerKey":"k","ConsumerSecret":"s","Password":"p","AccessToken":""}"#.to_owned(),
                "password",
            ),
            (
                format!(r#"{{"ConsumerKey":"k","ConsumerSecret":"s","Password":"p","PrivateKey":"{KEY}"}}"#),
                "jwt_bearer",
            ),
            (
                r#"{"ConsumerKey":"k","ConsumerSecret":"s","Password":"p","AccessToken":"t","PrivateKey":"x"}"#
                    .to_owned(),
                "password",
            ),
            (
                r#"{"ConsumerKey":"k","ConsumerSecret":"s","Password":"p","AuthFlow":"Client-Credentials"}"#
                    .to_owned(),
                "client_credentials",
            ),
        ];
        for (secret, flow) in cases {
            assert_eq!(parse(&secret).unwrap().login.name(), flow, "{secret}");
        }
    }

    #[test]
    fn every_missing_key_is_named_at_once() {
        let unset = Settings { production: None, ..settings(None) };
        let said = |text: &str| Credentials::parse(text, "1".into(), &unset).unwrap_err().to_string();
        assert!(said("{}").contains("ConsumerKey and ConsumerSecret"), "{}", said("{}"));
        let password = said(r#"{"Password":"p"}"#);
        assert!(password.starts_with("'SF_USERNAME' environment variable is missing"), "{password}");
        assert!(password.contains("'SF_PRODUCTION' environment variable is missing"), "{password}");
        assert!(password.contains("ConsumerKey and ConsumerSecret and AccessToken"), "{password}");
        let jwt = said(r#"{"AuthFlow":"jwt","ConsumerKey":"k","PrivateKey":"x"}"#);
        assert!(jwt.starts_with("'SF_USERNAME' environment variable is missing"), "{jwt}");
        assert!(jwt.contains("PrivateKey (a PEM key)") && !jwt.contains("SF_PRODUCTION"), "{jwt}");
        assert!(said(r#"{"AuthFlow":"magic"}"#).contains("client_credentials, jwt_bearer or password"));
        for text in ["", "[]", "p@ss", "null"] {
            assert!(said(text).contains("not a JSON object"), "{text}");
        }
        assert!(said(r#"{"ConsumerKey":5,"ConsumerSecret":" "}"#).contains("ConsumerKey and ConsumerSecret"));
    }

    #[test]
    fn a_key_whose_line_breaks_were_lost_is_a_key_again() {
        let whole = "-----BEGIN RSA PRIVATE KEY-----\nTUlJTUlJ\n-----END RSA PRIVATE KEY-----\n";
        assert_eq!(pem(&whole.replace('\n', " ")).as_deref(), Some(whole));
        assert_eq!(pem(&whole.replace('\n', "\\n")).as_deref(), Some(whole));
        assert_eq!(pem(whole).as_deref(), Some(whole));
        assert_eq!(pem("-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----"), None);
        assert_eq!(pem("-----BEGIN PRIVATE KEY-----\nTUlJ"), None);
    }

    #[test]
    fn what_passes_by_itself_is_told_from_what_somebody_must_mend() {
        let said = |code: &str, status: u16| {
            let meta = aws_smithy_types::error::ErrorMetadata::builder().code(code).message("said").build();
            let raw = HttpResponse::new(status.try_into().unwrap(), "".into());
            unread(&SdkError::service_error(GetSecretValueError::generic(meta), raw))
        };
        for (code, status) in [("ThrottlingException", 400), ("InternalServiceError", 500), ("", 503)] {
            assert!(matches!(said(code, status), SecretError::Unanswered(_)), "{code} {status}");
        }
        for code in ["AccessDeniedException", "ResourceNotFoundException", "DecryptionFailure"] {
            assert!(matches!(said(code, 400), SecretError::Unreadable(_)), "{code}");
        }
        let connector = |error| unread(&SdkError::dispatch_failure(error));
        assert!(matches!(connector(ConnectorError::io("cut".into())), SecretError::Unanswered(_)));
        assert!(matches!(connector(ConnectorError::timeout("late".into())), SecretError::Unanswered(_)));
        assert!(matches!(connector(ConnectorError::user("roots".into())), SecretError::Unreadable(_)));
        assert!(matches!(unread(&SdkError::timeout_error("late")), SecretError::Unanswered(_)));
    }

    #[test]
    fn nothing_of_the_secret_is_ever_printed() {
        let secret = r#"{"ConsumerKey":"CANARY-k","ConsumerSecret":"CANARY-s","Password":"CANARY-p","AccessToken":"CANARY-a","AuthToken":"CANARY-t"}"#;
        let printed = format!("{:?}", parse(secret).unwrap());
        assert!(!printed.contains("CANARY"), "{printed}");
        let printed = format!("{:?}", Vault::Given(Hidden::new(secret)));
        assert!(!printed.contains("CANARY"), "{printed}");
        let wrong = parse(r#"{"Password":"CANARY-p"}"#).unwrap_err();
        assert!(!format!("{wrong} {wrong:?}").contains("CANARY"));
    }
}
