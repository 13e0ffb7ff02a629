//! Sessions: the token endpoint with its flows, SOAP's login, revocation, and who a token is.
//!
//! Any credentials are accepted unless [`Credentials`] are set; what Salesforce refuses for its
//! form (a missing client, a stale assertion, a foreign audience) is refused always. Parameters
//! may stand in the body, in the query string, and the client's in a Basic header.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::org::wire::{Chance, Request, Response, Target, form};
use crate::time::Timestamp;

/// What a login must show, where the org was told to look. What is `None` is not compared.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The consumer key.
    pub client_id: Option<String>,
    /// The consumer secret.
    pub client_secret: Option<String>,
    /// The user, for the flows that name one.
    pub username: Option<String>,
    /// The password, security token included.
    pub password: Option<String>,
    /// The public key of JWT assertions, as PEM. Without one, signatures are not looked at.
    pub public_key: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// Who the org is to its callers.
#[derive(Clone, Debug)]
pub struct Identity {
    /// 18 characters, `00D…`.
    pub org_id: String,
    /// The user every session runs as.
    pub user_id: String,
    /// That user's login name.
    pub username: String,
}

/// Why a login is refused: OAuth's code and description.
type Refusal = (u16, &'static str, &'static str);

const IDLE: Duration = Duration::from_hours(2);
const REFUSED: Refusal = (400, "invalid_grant", "authentication failure");
const BAD_CLIENT: Refusal = (400, "invalid_client_id", "client identifier invalid");
const BAD_SECRET: Refusal = (400, "invalid_client", "invalid client credentials");
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

#[derive(Clone, Debug)]
struct Session {
    app: String,
    used: Timestamp,
}

/// The sessions of the org.
#[derive(Debug)]
pub struct Auth {
    credentials: Option<Credentials>,
    identity: Identity,
    sessions: HashMap<String, Session>,
    refresh: HashMap<String, String>,
    ended: HashSet<String>,
    chance: Chance,
    logins: u64,
}

impl Auth {
    /// No session yet.
    #[must_use]
    pub fn new(credentials: Option<Credentials>, identity: Identity, seed: u64) -> Self {
        Self {
            credentials,
            identity,
            sessions: HashMap::new(),
            refresh: HashMap::new(),
            ended: HashSet::new(),
            chance: Chance::new(seed, 0xA0),
            logins: 0,
        }
    }

    /// Who the org is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Logins that were granted.
    #[must_use]
    pub const fn logins(&self) -> u64 {
        self.logins
    }

    /// `POST /services/oauth2/token`.
    pub fn token(&mut self, request: &Request, target: &Target, base: &str, now: Timestamp) -> Response {
        let params = Params::read(request, target);
        match self.grant(&params, base, now) {
            Ok(body) => Response::json(200, &body).with("Cache-Control", "no-store"),
            Err((status, error, description)) => {
                Response::json(status, &json!({"error": error, "error_description": description}))
            }
        }
    }

    fn grant(&mut self, params: &Params, base: &str, now: Timestamp) -> Result<Value, Refusal> {
        let (app, refreshable) = match params.get("grant_type") {
            Some("password") => {
                let app = self.client(params, true)?;
                let given = |name| params.get(name).unwrap_or_default();
                if !self.knows(given("username"), given("password")) {
                    return Err(REFUSED);
                }
                (app, false)
            }
            Some("client_credentials") => (self.client(params, true)?, false),
            Some(JWT_BEARER) => (self.assertion(params.get("assertion"), now)?, false),
            Some("refresh_token") => {
                self.client(params, false)?;
                let token = params.get("refresh_token").unwrap_or_default();
                let app = self.refresh.get(token).cloned().ok_or((
                    400,
                    "invalid_grant",
                    "expired access/refresh token",
                ))?;
                (app, false)
            }
            Some("authorization_code") => (self.client(params, false)?, true),
            _ => return Err((400, "unsupported_grant_type", "grant type not supported")),
        };
        let token = self.open(&app, now);
        let id = format!("{base}/id/{}/{}", self.identity.org_id, self.identity.user_id);
        let issued = now.as_millis().to_string();
        let mut body = json!({
            "access_token": token,
            "signature": sign(params.get("client_secret").unwrap_or_default(), &format!("{id}{issued}")),
            "scope": "api",
            "instance_url": base,
            "id": id,
            "token_type": "Bearer",
            "issued_at": issued,
        });
        if refreshable {
            let token = format!("5Aep{}", self.random(40));
            self.refresh.insert(token.clone(), app);
            body["refresh_token"] = token.into();
        }
        Ok(body)
    }

    /// SOAP's `login()`, which needs no app: the new session.
    pub fn login(&mut self, user: &str, password: &str, now: Timestamp) -> Option<String> {
        self.knows(user, password).then(|| self.open("SOAP", now))
    }

    fn knows(&self, user: &str, password: &str) -> bool {
        let fits = |expected: &Option<String>, given| expected.as_deref().is_none_or(|e| e == given);
        let known = self.credentials.as_ref();
        !user.is_empty()
            && !password.is_empty()
            && known.is_none_or(|c| fits(&c.username, user) && fits(&c.password, password))
    }

    fn open(&mut self, app: &str, now: Timestamp) -> String {
        let token = self.new_token();
        self.logins += 1;
        self.sessions.insert(token.clone(), Session { app: app.to_owned(), used: now });
        token
    }

    fn client(&self, params: &Params, secret: bool) -> Result<String, Refusal> {
        let id = params.get("client_id").filter(|v| !v.is_empty()).ok_or(BAD_CLIENT)?;
        let given = params.get("client_secret").filter(|v| !v.is_empty());
        if secret && given.is_none() {
            return Err(BAD_SECRET);
        }
        if let Some(known) = &self.credentials {
            if known.client_id.as_deref().is_some_and(|k| k != id) {
                return Err(BAD_CLIENT);
            }
            if secret && known.client_secret.as_deref().is_some_and(|k| Some(k) != given) {
                return Err(BAD_SECRET);
            }
        }
        Ok(id.to_owned())
    }

    fn assertion(&self, assertion: Option<&str>, now: Timestamp) -> Result<String, Refusal> {
        const INVALID: Refusal = (400, "invalid_grant", "invalid assertion");
        let token = assertion.ok_or(INVALID)?;
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(INVALID);
        };
        let read = |part: &str| -> Option<Value> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?).ok()
        };
        let (header, claims) = (read(header).ok_or(INVALID)?, read(claims).ok_or(INVALID)?);
        if header["alg"] != "RS256" {
            return Err((400, "invalid_grant", "algorithm not supported"));
        }
        let app = claims["iss"].as_str().ok_or(BAD_CLIENT)?;
        let user =
            claims["sub"].as_str().ok_or((400, "invalid_grant", "user hasn't approved this consumer"))?;
        let audience = claims["aud"].as_str().unwrap_or_default();
        let host = audience.split("://").nth(1).unwrap_or_default();
        let salesforce = host.trim_end_matches('/').ends_with(".salesforce.com");
        let local = host.starts_with("127.0.0.1") || host.starts_with("localhost");
        if !salesforce && !local {
            return Err((400, "invalid_grant", "Audience validation failed"));
        }
        let seconds = now.as_millis().div_euclid(1000);
        // Salesforce asks for at most three minutes and lets a little more pass.
        if claims["exp"].as_f64().is_none_or(|exp| {
            #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a float exactly")]
            let now = seconds as f64;
            exp <= now || exp > now + 330.0
        }) {
            return Err((
                400,
                "invalid_grant",
                "token expired or not yet valid: exp must lie within the next 3 minutes",
            ));
        }
        if let Some(known) = &self.credentials {
            if known.client_id.as_deref().is_some_and(|k| k != app) {
                return Err(BAD_CLIENT);
            }
            if known.username.as_deref().is_some_and(|k| k != user) {
                return Err((400, "invalid_grant", "user hasn't approved this consumer"));
            }
            if known.public_key.as_deref().is_some_and(|key| !signed(token, key)) {
                return Err(INVALID);
            }
        }
        Ok(app.to_owned())
    }

    /// `POST /services/oauth2/revoke`.
    pub fn revoke(&mut self, request: &Request, target: &Target) -> Response {
        let params = Params::read(request, target);
        let Some(token) = params.get("token").filter(|t| !t.is_empty()) else {
            return Response::json(
                400,
                &json!({"error": "invalid_token", "error_description": "token is missing"}),
            );
        };
        if self.sessions.contains_key(token) {
            self.end(token);
            return Response::empty(200);
        }
        // An org that takes any token has no session behind one that it did not give: nothing ends.
        if self.refresh.remove(token).is_some() || self.credentials.is_none() {
            return Response::empty(200);
        }
        Response::json(
            400,
            &json!({"error": "unsupported_token_type", "error_description": "this token type is not supported"}),
        )
    }

    /// Ends a session: the token is refused from now on.
    pub fn end(&mut self, token: &str) {
        self.sessions.remove(token);
        self.ended.insert(token.to_owned());
    }

    /// Ends every session there is, as a restart of the org or a changed policy would.
    pub fn end_all(&mut self) {
        let tokens: Vec<_> = self.sessions.drain().map(|(token, _)| token).collect();
        self.ended.extend(tokens);
    }

    /// The app of a living session, and keeps it alive.
    pub fn session(&mut self, token: &str, now: Timestamp) -> Option<String> {
        if token.is_empty() || self.ended.contains(token) {
            return None;
        }
        match self.sessions.get_mut(token) {
            Some(session) if now.since(session.used) <= IDLE => {
                session.used = now;
                Some(session.app.clone())
            }
            Some(_) => {
                self.end(token);
                None
            }
            // Unless told whom to know, the org takes any token as one it gave long ago.
            None => self.credentials.is_none().then(|| "unknown".to_owned()),
        }
    }

    fn new_token(&mut self) -> String {
        let org = self.identity.org_id.get(..15).unwrap_or_default().to_owned();
        format!("{org}!AQ{}", self.random(90))
    }

    fn random(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
        (0..length)
            .map(|_| {
                let at = usize::try_from(self.chance.below(LETTERS.len() as u64)).unwrap_or_default();
                LETTERS.get(at).map_or('A', |&b| char::from(b))
            })
            .collect()
    }
}

/// The token of `Authorization: Bearer …` or `OAuth …`.
#[must_use]
pub fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth")).then_some(token.trim())
}

/// Parameters of an OAuth request, the body's before the query string's before the Basic header's.
struct Params(Vec<(String, String)>);

impl Params {
    fn read(request: &Request, target: &Target) -> Self {
        let mut all = form(&String::from_utf8_lossy(&request.body));
        all.extend(target.params.iter().cloned());
        let basic = request
            .header("authorization")
            .and_then(|h| h.strip_prefix("Basic "))
            .and_then(|b| STANDARD.decode(b.trim()).ok())
            .and_then(|b| String::from_utf8(b).ok());
        if let Some((id, secret)) = basic.as_deref().and_then(|b| b.split_once(':')) {
            all.push(("client_id".to_owned(), id.to_owned()));
            all.push(("client_secret".to_owned(), secret.to_owned()));
        }
        Self(all)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

fn sign(secret: &str, text: &str) -> String {
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map(|mut mac| {
            mac.update(text.as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        })
        .unwrap_or_default()
}

fn signed(token: &str, key: &str) -> bool {
    let Ok(key) = jsonwebtoken::DecodingKey::from_rsa_pem(key.as_bytes()) else { return false };
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    // Audience and expiry were looked at already, by the time that was handed in.
    rules.validate_aud = false;
    rules.validate_exp = false;
    rules.required_spec_claims.clear();
    jsonwebtoken::decode::<Value>(token, &key, &rules).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::wire::Method;

    const NOW: Timestamp = Timestamp::from_millis(1_795_170_000_000);

    fn auth(credentials: Option<Credentials>) -> Auth {
        let identity = Identity {
            org_id: "00DTl0000000001MAA".to_owned(),
            user_id: "005Tl0000000001MAA".to_owned(),
            username: "robin@example.com".to_owned(),
        };
        Auth::new(credentials, identity, 1)
    }

    fn ask(auth: &mut Auth, target: &str, body: &str) -> (u16, Value) {
        let request = Request {
            method: Method::Post,
            target: target.to_owned(),
            headers: Vec::new(),
            body: body.to_owned().into(),
        };
        let response = auth.token(&request, &Target::parse(target), "http://127.0.0.1:1", NOW);
        (response.status, serde_json::from_slice(&response.body).unwrap())
    }

    #[test]
    fn upstream_form_puts_the_parameters_in_the_query_string() {
        let mut auth = auth(None);
        let target = "/services/oauth2/token?grant_type=password&client_id=k&client_secret=s&username=u%40x&password=p";
        let (status, body) = ask(&mut auth, target, "null");
        assert_eq!(status, 200, "{body}");
        assert!(auth.session(body["access_token"].as_str().unwrap(), NOW).is_some());
        assert_eq!(body["issued_at"], "1795170000000");
        assert!(body.get("expires_in").is_none());
    }

    #[test]
    fn what_is_missing_or_unknown_is_refused_by_its_own_code() {
        let known = Credentials {
            client_id: Some("k".to_owned()),
            client_secret: Some("s".to_owned()),
            username: Some("u".to_owned()),
            password: Some("p".to_owned()),
            public_key: None,
        };
        let mut auth = auth(Some(known));
        for (body, error) in [
            ("", "unsupported_grant_type"),
            ("grant_type=magic", "unsupported_grant_type"),
            ("grant_type=client_credentials", "invalid_client_id"),
            ("grant_type=client_credentials&client_id=other&client_secret=s", "invalid_client_id"),
            ("grant_type=client_credentials&client_id=k&client_secret=other", "invalid_client"),
            ("grant_type=password&client_id=k&client_secret=s&username=u&password=other", "invalid_grant"),
            ("grant_type=refresh_token&client_id=k&refresh_token=none", "invalid_grant"),
            (
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b",
                "invalid_grant",
            ),
        ] {
            let (status, told) = ask(&mut auth, "/services/oauth2/token", body);
            assert_eq!((status, &told["error"]), (400, &Value::from(error)), "{body}");
        }
        let body = "grant_type=client_credentials&client_id=k&client_secret=s";
        assert_eq!(ask(&mut auth, "/services/oauth2/token", body).0, 200);
        assert_eq!(auth.session("made up", NOW), None, "told whom to know");
    }

    #[test]
    fn an_assertion_must_be_for_salesforce_and_for_now() {
        let token = |claims: Value| {
            let part = |v: Value| URL_SAFE_NO_PAD.encode(v.to_string());
            let header = part(json!({"alg": "RS256"}));
            format!("grant_type={}&assertion={header}.{}.c2ln", JWT_BEARER.replace(':', "%3A"), part(claims))
        };
        let exp = NOW.as_millis() / 1000 + 180;
        let good = json!({"iss": "k", "sub": "u", "aud": "https://test.salesforce.com", "exp": exp});
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            claims
        };
        let mut auth = auth(None);
        let mut status = |claims| ask(&mut auth, "/services/oauth2/token", &token(claims)).0;
        assert_eq!(status(good.clone()), 200);
        assert_eq!(status(with("aud", "https://elsewhere.example".into())), 400);
        assert_eq!(status(with("exp", (exp - 180).into())), 400, "expired");
        assert_eq!(status(with("exp", (exp + 3600).into())), 400, "too far ahead");
        assert_eq!(status(with("sub", Value::Null)), 400);
    }

    #[test]
    fn sessions_end_by_idleness_and_by_revocation() {
        let mut auth = auth(None);
        let (_, body) = ask(
            &mut auth,
            "/services/oauth2/token",
            "grant_type=client_credentials&client_id=k&client_secret=s",
        );
        let token = body["access_token"].as_str().unwrap().to_owned();
        let later = NOW.plus(Duration::from_secs(7000));
        assert_eq!(auth.session(&token, later).as_deref(), Some("k"));
        assert!(auth.session(&token, later.plus(Duration::from_secs(7000))).is_some(), "use keeps it alive");
        assert!(auth.session(&token, later.plus(Duration::from_secs(20_000))).is_none());
        assert!(auth.session(&token, NOW).is_none(), "and it stays ended");
        let (_, body) = ask(
            &mut auth,
            "/services/oauth2/token",
            "grant_type=client_credentials&client_id=k&client_secret=s",
        );
        let given = body["access_token"].as_str().unwrap().to_owned();
        let lenient = "any token of a lenient org";
        assert!(auth.session(lenient, NOW).is_some());
        let mut revoked = |token: &str| {
            let request = Request {
                method: Method::Post,
                target: "/services/oauth2/revoke".to_owned(),
                headers: Vec::new(),
                body: format!("token={token}").into(),
            };
            assert_eq!(auth.revoke(&request, &Target::parse(&request.target)).status, 200);
            auth.session(token, NOW).is_none()
        };
        assert!(revoked(&given) && !revoked(lenient));
        assert!(auth.session("", NOW).is_none());
    }
}
