//! SOAP's login and logout, by which older clients open and end their sessions.

use serde_json::json;
use tieline::org::Settings;
use tieline::org::auth::Credentials;
use tieline::org::wire::Method;

use super::{Client, Got};

fn soap(client: &Client, version: &str, body: &str) -> (u16, String) {
    let envelope = format!(
        "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Header/><e:Body>{body}</e:Body></e:Envelope>"
    );
    let got: Got = client.raw(Method::Post, &format!("/services/Soap/u/{version}"), envelope);
    (got.status, String::from_utf8(got.response.body.to_vec()).unwrap())
}

fn login(user: &str, password: &str) -> String {
    format!(
        "<n1:login xmlns:n1=\"urn:partner.soap.sforce.com\"><n1:username>{user}</n1:username><n1:password>{password}</n1:password></n1:login>"
    )
}

fn element<'x>(xml: &'x str, name: &str) -> &'x str {
    let after = xml.split(&format!("<{name}>")).nth(1).unwrap_or_else(|| panic!("{name}: {xml}"));
    after.split('<').next().unwrap()
}

#[test]
fn a_session_is_opened_used_and_ended() {
    let known = Credentials {
        username: Some("robin@example.com".to_owned()),
        password: Some("p<&>w".to_owned()),
        ..Credentials::default()
    };
    let client = Client::new(Settings { sample: false, credentials: Some(known), ..Settings::default() });
    let (status, said) = soap(&client, "50.0", &login("robin@example.com", "p&lt;&amp;&gt;w"));
    assert_eq!(status, 200, "{said}");
    assert!(element(&said, "serverUrl").contains("/services/Soap/u/50.0/00D"), "{said}");
    assert!(
        element(&said, "userId").starts_with("005") && element(&said, "organizationId").starts_with("00D")
    );
    let token = element(&said, "sessionId").to_owned();
    let session = Client { headers: vec![("Authorization".to_owned(), format!("Bearer {token}"))], ..client };
    assert_eq!(session.get("/limits").status, 200);

    let logout =
        format!("<logout xmlns=\"urn:partner.soap.sforce.com\"><sessionId>{token}</sessionId></logout>");
    assert_eq!(soap(&session, "50.0", &logout).0, 200);
    assert_eq!(session.get("/limits").code(), (401, "INVALID_SESSION_ID"));
    let (status, said) = soap(&session, "50.0", &logout);
    assert_eq!((status, element(&said, "faultcode")), (500, "sf:INVALID_SESSION_ID"));

    for (user, password) in [("robin@example.com", "other"), ("other", "p&lt;&amp;&gt;w"), ("", "")] {
        let (status, said) = soap(&session, "50.0", &login(user, password));
        assert_eq!((status, element(&said, "sf:exceptionCode")), (500, "INVALID_LOGIN"), "{user}");
        assert!(element(&said, "faultstring").starts_with("INVALID_LOGIN: Invalid username, password"));
    }
}

#[test]
fn what_soap_does_not_offer_is_told_as_a_fault() {
    let client = Client::empty();
    let told = |version, body: &str| {
        let (status, said) = soap(&client, version, body);
        assert_eq!(status, 500, "{said}");
        element(&said, "faultstring").to_owned()
    };
    let login = login("robin@example.com", "pw");
    let gone = "No operation available for request {urn:partner.soap.sforce.com}login, please check the WSDL for the service.";
    assert_eq!(told("65.0", &login), gone, "login() ends with version 64");
    assert!(
        told("50.0", "<query xmlns=\"urn:x\"><queryString>login</queryString></query>").contains("}query,")
    );
    for body in ["", "<", "text"] {
        assert!(told("50.0", body).starts_with("No operation available"), "{body}");
    }
    for version in ["20.0", "99.0", "x"] {
        assert!(told(version, &login).starts_with("UNSUPPORTED_API_VERSION"), "{version}");
    }
    assert_eq!(client.get("/services/Soap/u/50.0").status, 405);
    assert_eq!(client.get("/_org/journal").body, json!([]));
}
