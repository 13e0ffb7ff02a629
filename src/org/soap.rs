//! `/services/Soap/u/X`: login and logout, by which older clients open and end their sessions.
//! Whatever else SOAP offers is refused as an operation that is not there, and so is login from
//! version 65 on.

use crate::org::call::VERSIONS;
use crate::org::wire::{Method, Request, Response};
use crate::org::xml::{element, escape};
use crate::org::{Inner, hold};
use crate::time::Timestamp;

/// The last version that knows `login()`.
const LAST_LOGIN: u32 = 64;

/// Answers a request to this version, such as `50.0`.
pub(super) fn answer(org: &Inner, request: &Request, version: &str, base: &str, now: Timestamp) -> Response {
    if request.method != Method::Post {
        return Response::raw(405, "text/html;charset=UTF-8", "SOAP requests must be sent by POST");
    }
    let number = version.strip_suffix(".0").unwrap_or(version).parse().ok();
    let Some(number) = number.filter(|n| VERSIONS.contains(n)) else {
        return fault(
            "UNSUPPORTED_API_VERSION",
            "Invalid Api version specified on URL",
            "UnexpectedErrorFault",
        );
    };
    let body = String::from_utf8_lossy(&request.body);
    match operation(&body) {
        "login" if number <= LAST_LOGIN => login(org, &body, version, base, now),
        "logout" => logout(org, &body, now),
        unknown => client_fault(&format!(
            "No operation available for request {{urn:partner.soap.sforce.com}}{unknown}, please check the WSDL for the service."
        )),
    }
}

fn login(org: &Inner, body: &str, version: &str, base: &str, now: Timestamp) -> Response {
    let (user, password) = (element(body, "username"), element(body, "password"));
    let (user, password) = (user.unwrap_or_default(), password.unwrap_or_default());
    let mut auth = hold(&org.auth);
    let Some(session) = auth.login(&user, &password, now) else {
        let text = "Invalid username, password, security token; or user locked out.";
        return fault("INVALID_LOGIN", text, "LoginFault");
    };
    let who = auth.identity();
    let place = format!("{version}/{}", who.org_id.get(..15).unwrap_or_default());
    let (base, org_id, user_id, name) = (escape(base), &who.org_id, &who.user_id, escape(&who.username));
    envelope(
        200,
        &format!(
            "<loginResponse><result><metadataServerUrl>{base}/services/Soap/m/{place}</metadataServerUrl>\
             <passwordExpired>false</passwordExpired><sandbox>false</sandbox>\
             <serverUrl>{base}/services/Soap/u/{place}</serverUrl><sessionId>{session}</sessionId>\
             <userId>{user_id}</userId><userInfo><organizationId>{org_id}</organizationId>\
             <userId>{user_id}</userId><userName>{name}</userName></userInfo></result></loginResponse>"
        ),
    )
}

fn logout(org: &Inner, body: &str, now: Timestamp) -> Response {
    let session = element(body, "sessionId").unwrap_or_default();
    let mut auth = hold(&org.auth);
    if auth.session(&session, now).is_none() {
        let text = "Invalid Session ID found in SessionHeader: Illegal Session. Session not found";
        return fault("INVALID_SESSION_ID", text, "UnexpectedErrorFault");
    }
    auth.end(&session);
    envelope(200, "<logoutResponse/>")
}

/// What stands first in the body of the envelope.
fn operation(xml: &str) -> &str {
    let body = xml.split_once("Body").and_then(|(_, rest)| rest.split_once('>')).map_or("", |(_, body)| body);
    let tag = body.trim_start().strip_prefix('<').unwrap_or_default();
    let called = tag.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next().unwrap_or_default();
    called.rsplit(':').next().unwrap_or_default()
}

fn envelope(status: u16, inner: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope \
         xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"urn:partner.soap.sforce.com\" \
         xmlns:sf=\"urn:fault.partner.soap.sforce.com\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>{inner}</soapenv:Body></soapenv:Envelope>"
    );
    Response::raw(status, "text/xml;charset=UTF-8", body)
}

/// A fault of Salesforce's own.
fn fault(code: &str, text: &str, kind: &str) -> Response {
    envelope(
        500,
        &format!(
            "<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {text}</faultstring>\
             <detail><sf:{kind} xsi:type=\"sf:{kind}\"><sf:exceptionCode>{code}</sf:exceptionCode>\
             <sf:exceptionMessage>{text}</sf:exceptionMessage></sf:{kind}></detail></soapenv:Fault>"
        ),
    )
}

/// A fault of the protocol.
fn client_fault(text: &str) -> Response {
    let text = escape(text);
    let inner = format!(
        "<soapenv:Fault><faultcode>soapenv:Client</faultcode><faultstring>{text}</faultstring></soapenv:Fault>"
    );
    envelope(500, &inner)
}
