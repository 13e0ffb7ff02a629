"""simple-salesforce against the simulated org: python simple_salesforce_client.py http://127.0.0.1:PORT"""

import sys
from urllib.parse import urlsplit

import requests
from simple_salesforce import Salesforce, SalesforceLogin, format_soql
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

BASE = sys.argv[1]


class Local(requests.adapters.HTTPAdapter):
    """The client knows https only: every call goes to the org on this machine instead."""

    def send(self, request, **options):
        parts = urlsplit(request.url)
        request.url = BASE + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().send(request, **options)


def raises(kind, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except kind as error:
        return error
    raise AssertionError(f"{call} raised no {kind.__name__}")


def login(session):
    credentials = {"consumer_key": "key", "consumer_secret": "secret"}
    for flow in (
        {"username": "robin@example.com", "password": "password", "security_token": "token"},
        {"username": "robin@example.com", "password": "password", **credentials},
        {"domain": "tieline.my", **credentials},
    ):
        token, instance = SalesforceLogin(session=session, **flow)
        assert token.startswith("00D"), token
        assert instance, flow
    error = raises(SalesforceAuthenticationFailed, SalesforceLogin, session=session, domain="tieline.my",
                   consumer_key="", consumer_secret="secret")
    assert "invalid_client_id" in str(error), error
    return Salesforce(session_id=token, instance=urlsplit(BASE).netloc, session=session, version="62.0")


def rows(sf):
    made = sf.Contact.create({"LastName": "Okafor", "Email": "okafor@example.com"})
    assert made["success"], made
    assert sf.Contact.get(made["id"])["LastName"] == "Okafor"
    assert sf.Contact.update(made["id"], {"FirstName": "Ada"}) == 204
    assert sf.Contact.get(made["id"])["Name"] == "Ada Okafor"
    assert sf.Contact.delete(made["id"]) == 204
    raises(SalesforceResourceNotFound, sf.Contact.get, made["id"])
    error = raises(SalesforceMalformedRequest, sf.Contact.create, {"FirstName": "nobody"})
    assert error.content[0]["errorCode"] == "REQUIRED_FIELD_MISSING", error.content


def upsert(sf):
    table = sf.UpsertTable__c
    assert table.upsert("ExtId__c/a%2Fb", {"Name": "one"}) == 201
    assert table.upsert("ExtId__c/a%2Fb", {"Name": "two"}) == 200
    assert table.get_by_custom_id("ExtId__c", "a/b")["Name"] == "two"
    table.create({"Name": "twin", "ExtId__c": "a/b"})
    raises(SalesforceMoreThanOneRecord, table.get_by_custom_id, "ExtId__c", "a/b")


def queries(sf):
    total = sf.query("SELECT COUNT() FROM BigTable__c")["totalSize"]
    assert len(sf.query("SELECT Id FROM BigTable__c")["records"]) == 2000
    assert len(sf.query_all("SELECT Id FROM BigTable__c")["records"]) == total
    assert sum(1 for _ in sf.query_all_iter("SELECT Id FROM BigTable__c")) == total
    quoted = format_soql("SELECT Id FROM Account WHERE Name = {}", "it's \\ % _")
    assert sf.query(quoted)["totalSize"] == 0
    error = raises(SalesforceMalformedRequest, sf.query, "SELECT Nope FROM Account")
    assert error.content[0]["errorCode"] == "INVALID_FIELD", error.content
    found = sf.search("FIND {Acorn} RETURNING Account(Id, Name)")
    assert found["searchRecords"][0]["Name"] == "Acorn Hill Logistics", found
    assert sf.quick_search("Acorn")["searchRecords"], "the whole org is searched"
    assert sf.api_usage["api-usage"].used > 0


def metadata(sf):
    assert any(o["name"] == "Case" for o in sf.describe()["sobjects"])
    assert any(f["name"] == "LastName" for f in sf.Contact.describe()["fields"])
    assert sf.Account.metadata()["objectDescribe"]["name"] == "Account"
    assert sf.limits()["DailyApiRequests"]["Max"] > 0


def composite(sf):
    root = "/services/data/v62.0"
    records = [{"attributes": {"type": "Account"}, "Name": f"Many {n}"} for n in range(200)]
    body = {"allOrNone": False, "compositeRequest": [
        {"method": "POST", "url": f"{root}/composite/sobjects", "referenceId": "ins", "body": {"records": records}},
        {"method": "POST", "url": f"{root}/sobjects/Account", "referenceId": "acc", "body": {"Name": "One"}},
        {"method": "POST", "url": f"{root}/sobjects/Contact", "referenceId": "con",
         "body": {"LastName": "Member", "AccountId": "@{acc.id}"}},
    ]}
    said = sf.restful("composite", method="POST", json=body)["compositeResponse"]
    assert [s["httpStatusCode"] for s in said] == [200, 201, 201], said
    assert all(r["success"] for r in said[0]["body"])
    ids = ",".join(r["id"] for r in said[0]["body"][:200])
    gone = sf.restful("composite/sobjects", params={"ids": ids, "allOrNone": "true"}, method="DELETE")
    assert all(r["success"] for r in gone), gone


def chatter(sf):
    def body(text):
        return {"messageSegments": [{"type": "Text", "text": text}]}

    case = sf.Case.create({"Subject": "Missed call"})["id"]
    post = sf.restful("chatter/feed-elements", method="POST",
                      json={"feedElementType": "FeedItem", "subjectId": case, "body": body("hello")})
    comment = sf.restful(f"chatter/feed-elements/{post['id']}/capabilities/comments/items", method="POST",
                         json={"body": body("and again")})
    assert comment["id"].startswith("0D7"), comment
    assert sf.query(f"SELECT Body FROM FeedItem WHERE ParentId = '{case}'")["records"][0]["Body"] == "hello"


def main():
    session = requests.Session()
    session.mount("https://", Local())
    sf = login(session)
    for part in (rows, upsert, queries, metadata, composite, chatter):
        part(sf)
        print(f"simple-salesforce: {part.__name__}")
    print("simple-salesforce: every part passed")


main()
