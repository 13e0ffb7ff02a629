//! The token: found, tried, renewed once however many callers see it refused.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::lease::{Shared, Turn};
use super::rows::escape;
use super::secret::{Credentials, Hidden, Login, SecretError, Vault};
use super::wire::{Exchange, Method, Request};
use super::{Settings, classify};
use crate::clock;
use crate::clock::{Deadline, Stopwatch};
use crate::fault::{Class, Fault};
use crate::store::Table;

/// How long a refused login is believed: a wave of calls must not lock the user out.
const BELIEVED: Duration = Duration::from_secs(10);
/// What a JWT assertion may live; Salesforce admits three minutes.
const ASSERTED: Duration = Duration::from_secs(170);
const PRODUCTION: &str = "https://login.salesforce.com";
const SANDBOX: &str = "https://test.salesforce.com";

/// Keeps the token of one organisation for one process.
#[derive(Debug)]
pub struct Auth {
    settings: Settings,
    vault: Vault,
    table: Option<Arc<dyn Table>>,
    current: RwLock<Option<Token>>,
    flight: Mutex<Flight>,
}

/// A token, and which of this process's tokens it is.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) value: Hidden,
    generation: u64,
}

/// What only the one who renews may touch.
#[derive(Debug, Default)]
struct Flight {
    credentials: Option<Credentials>,
    /// The version of the secret whose `AuthToken` was tried.
    tried: Option<String>,
    refused: Option<(Stopwatch, Fault)>,
    generation: u64,
}

impl Auth {
    /// For one organisation; `table` is the state table, where there is one.
    #[must_use]
    pub fn new(settings: Settings, vault: Vault, table: Option<Arc<dyn Table>>) -> Self {
        Self { settings, vault, table, current: RwLock::new(None), flight: Mutex::new(Flight::default()) }
    }

    /// The secret as it is now: for whoever examines it (`doctor`), read afresh.
    ///
    /// # Errors
    /// When it cannot be read or lacks what its login needs.
    pub async fn credentials(&self, deadline: Deadline) -> Result<Credentials, Fault> {
        self.open(deadline).await
    }

    /// The token to use now.
    pub(super) async fn token(&self, exchange: &dyn Exchange, deadline: Deadline) -> Result<Token, Fault> {
        if let Some(token) = self.current() {
            return Ok(token);
        }
        self.renew(exchange, None, deadline).await
    }

    /// A token other than `bad`. Whoever comes while somebody renews waits for that one's result.
    pub(super) async fn renew(
        &self,
        exchange: &dyn Exchange,
        bad: Option<&Token>,
        deadline: Deadline,
    ) -> Result<Token, Fault> {
        let Ok(mut flight) = timeout(deadline.remaining(), self.flight.lock()).await else {
            return Err(late());
        };
        match (self.current(), bad) {
            (Some(token), None) => return Ok(token),
            (Some(token), Some(bad)) if token.generation != bad.generation => return Ok(token),
            _ => {}
        }
        if let Some((since, fault)) = &flight.refused {
            if since.elapsed() < BELIEVED {
                return Err(fault.clone());
            }
            flight.refused = None;
        }
        let value = self.obtain(&mut flight, exchange, bad.map(|b| &b.value), deadline).await?;
        flight.generation += 1;
        let token = Token { value, generation: flight.generation };
        self.keep(Some(token.clone()));
        Ok(token)
    }

    /// A token fresh from a login was refused: nobody tries again for a while.
    pub(super) async fn hopeless(&self, fault: &Fault) {
        self.flight.lock().await.refused = Some((Stopwatch::start(), fault.clone()));
        self.keep(None);
    }

    async fn obtain(
        &self,
        flight: &mut Flight,
        exchange: &dyn Exchange,
        bad: Option<&Hidden>,
        deadline: Deadline,
    ) -> Result<Hidden, Fault> {
        let credentials = match flight.credentials.take() {
            Some(credentials) => credentials,
            None => self.open(deadline).await?,
        };
        let credentials = flight.credentials.insert(credentials).clone();
        let shared = self.table.as_ref().map(|table| {
            let identity = credentials.login.identity();
            Shared::new(Arc::clone(table), self.settings.organisation(), &identity)
        });
        if let Some(found) = Self::lying_about(flight, &credentials, shared.as_ref(), bad).await {
            return Ok(found);
        }
        let Some(shared) = shared else { return self.log_in(flight, exchange, &credentials, deadline).await };
        match shared.turn(bad, deadline).await {
            Turn::Use(token) => Ok(token),
            Turn::Late => Err(late()),
            Turn::Alone => self.log_in(flight, exchange, &credentials, deadline).await,
            Turn::LogIn { version } => {
                let result = self.log_in(flight, exchange, &credentials, deadline).await;
                shared.done(version, result.as_ref().ok()).await;
                result
            }
        }
    }

    /// A token that need not be asked for: the table's, else the one in the secret, once.
    async fn lying_about(
        flight: &mut Flight,
        credentials: &Credentials,
        shared: Option<&Shared>,
        bad: Option<&Hidden>,
    ) -> Option<Hidden> {
        let left = credentials.token.as_ref()?;
        if flight.tried.as_ref() == Some(&credentials.version) || bad == Some(left) {
            return None;
        }
        if let Some(shared) = shared
            && let Some(token) = shared.peek().await
        {
            return (bad != Some(&token)).then_some(token);
        }
        flight.tried = Some(credentials.version.clone());
        Some(left.clone())
    }

    async fn log_in(
        &self,
        flight: &mut Flight,
        exchange: &dyn Exchange,
        credentials: &Credentials,
        deadline: Deadline,
    ) -> Result<Hidden, Fault> {
        let first = self.ask(exchange, &credentials.login, deadline).await;
        let Err(fault) = first else { return first };
        if fault.class != Class::Ours {
            return Err(fault);
        }
        // Somebody may have changed the secret since it was read.
        let again = match self.open(deadline).await {
            Ok(new) if new.login != credentials.login => {
                let login = flight.credentials.insert(new).login.clone();
                self.ask(exchange, &login, deadline).await
            }
            _ => Err(fault),
        };
        if let Err(fault) = &again
            && fault.class == Class::Ours
        {
            flight.refused = Some((Stopwatch::start(), fault.clone()));
        }
        again
    }

    async fn ask(&self, exchange: &dyn Exchange, login: &Login, deadline: Deadline) -> Result<Hidden, Fault> {
        let form = self.form(login)?;
        let request = Request {
            method: Method::Post,
            target: "/services/oauth2/token".to_owned(),
            headers: vec![("accept", "application/json".to_owned())],
            body: Some(("application/x-www-form-urlencoded", Bytes::from(form))),
        };
        let remaining = deadline.remaining();
        if remaining.is_zero() {
            return Err(late());
        }
        let answer = exchange.exchange(self.login_host(login), request, remaining).await;
        // A login that got no answer has changed nothing that matters.
        let answer = answer.map_err(|cut| Fault { class: Class::Retryable, ..classify::cut(&cut) })?;
        let body = classify::login(&answer)
            .map_err(|fault| Fault { message: login.hide(&fault.message), ..fault })?;
        Ok(Hidden::new(body.get("access_token").and_then(|t| t.as_str()).unwrap_or_default()))
    }

    /// Where a login goes. Client credentials are known to the org's own address alone.
    fn login_host(&self, login: &Login) -> &str {
        match login {
            Login::ClientCredentials { .. } => &self.settings.host,
            Login::JwtBearer { .. } | Login::Password { .. } if self.settings.is_production() => PRODUCTION,
            Login::JwtBearer { .. } | Login::Password { .. } => &self.settings.host,
        }
    }

    fn form(&self, login: &Login) -> Result<String, Fault> {
        let fields = match login {
            Login::ClientCredentials { key, secret } => vec![
                ("grant_type", "client_credentials"),
                ("client_id", key.reveal()),
                ("client_secret", secret.reveal()),
            ],
            Login::Password { key, secret, username, password, security_token } => {
                let password = format!("{}{}", password.reveal(), security_token.reveal());
                return Ok(encoded(&[
                    ("grant_type", "password"),
                    ("client_id", key.reveal()),
                    ("client_secret", secret.reveal()),
                    ("username", username),
                    ("password", &password),
                ]));
            }
            Login::JwtBearer { key, username, pem } => {
                let assertion = self.assertion(key, username, pem)?;
                return Ok(encoded(&[
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    ("assertion", &assertion),
                ]));
            }
        };
        Ok(encoded(&fields))
    }

    fn assertion(&self, key: &Hidden, username: &str, pem: &Hidden) -> Result<String, Fault> {
        let unusable = |_| {
            let message = "PrivateKey in the secret is no RSA key in PEM form that can sign; use the key whose certificate the app holds";
            Fault::new(Class::Ours, "PRIVATE_KEY_UNUSABLE", message)
        };
        let signing = jsonwebtoken::EncodingKey::from_rsa_pem(pem.reveal().as_bytes()).map_err(unusable)?;
        let claims = json!({
            "iss": key.reveal(),
            "sub": username,
            "aud": audience(&self.settings),
            "exp": clock::now().plus(ASSERTED).as_millis() / 1000,
        });
        let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
        jsonwebtoken::encode(&header, &claims, &signing).map_err(unusable)
    }

    async fn open(&self, deadline: Deadline) -> Result<Credentials, Fault> {
        match timeout(deadline.remaining(), self.vault.open(&self.settings)).await {
            Ok(Ok(credentials)) => Ok(credentials),
            // Nobody's credentials were refused.
            Ok(Err(error @ SecretError::Unanswered(_))) => {
                Err(Fault::new(Class::Retryable, "SECRET_UNREADABLE", error.to_string()))
            }
            Ok(Err(error)) => Err(Fault::new(Class::Ours, "SECRET_UNUSABLE", error.to_string())),
            Err(_) => Err(late()),
        }
    }

    fn current(&self) -> Option<Token> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, token: Option<Token>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

/// Whom a JWT assertion is meant for: sandboxes and scratch orgs have their own login.
fn audience(settings: &Settings) -> &'static str {
    let host = settings.organisation();
    let sandbox = host == "test.salesforce.com" || host.split('.').any(|l| l == "sandbox" || l == "scratch");
    if settings.is_production() || !sandbox && host.ends_with(".salesforce.com") {
        PRODUCTION
    } else {
        SANDBOX
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
    pairs.join("&")
}

fn late() -> Fault {
    let message = "no token in time; the login or the secret was slow";
    Fault::new(Class::Retryable, "TIMEOUT", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: &str, production: bool) -> Settings {
        Settings {
            host: host.to_owned(),
            production: Some(production),
            username: Some("svc@example.com".to_owned()),
            version: "v66.0".to_owned(),
        }
    }

    fn auth(settings: Settings) -> Auth {
        Auth::new(settings, Vault::Given(Hidden::new("{}")), None)
    }

    fn jwt(pem: &str) -> Login {
        Login::JwtBearer { key: Hidden::new("k"), username: "svc@example.com".into(), pem: Hidden::new(pem) }
    }

    #[test]
    fn every_login_goes_where_it_is_known() {
        let own = "https://acme.my.salesforce.com";
        let client = Login::ClientCredentials { key: Hidden::new("k"), secret: Hidden::new("s") };
        assert_eq!(auth(at(own, true)).login_host(&client), own, "client credentials know My Domain alone");
        assert_eq!(auth(at(own, true)).login_host(&jwt("")), "https://login.salesforce.com");
        assert_eq!(auth(at(own, false)).login_host(&jwt("")), own);
    }

    #[test]
    fn an_assertion_is_meant_for_the_login_of_its_org() {
        for (host, production, expected) in [
            ("https://acme.my.salesforce.com", true, PRODUCTION),
            ("https://acme.my.salesforce.com", false, PRODUCTION),
            ("https://acme-dev-ed.develop.my.salesforce.com", false, PRODUCTION),
            ("https://acme--uat.sandbox.my.salesforce.com", false, SANDBOX),
            ("https://acme.scratch.my.salesforce.com", false, SANDBOX),
            ("https://test.salesforce.com", false, SANDBOX),
            ("http://127.0.0.1:8701", false, SANDBOX),
        ] {
            assert_eq!(audience(&at(host, production)), expected, "{host} {production}");
        }
    }

    #[test]
    fn a_key_that_cannot_sign_is_told_without_its_text() {
        for pem in ["", "CANARY", "-----BEGIN PRIVATE KEY-----\nQ0FOQVJZ\n-----END PRIVATE KEY-----\n"] {
            let fault = auth(at("https://acme.my.salesforce.com", true)).form(&jwt(pem)).unwrap_err();
            assert_eq!(fault.class, Class::Ours);
            assert!(fault.message.contains("PrivateKey") && !fault.message.contains("CANARY"), "{fault}");
        }
    }
}
