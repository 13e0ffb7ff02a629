//! Single rows, describe, queries and their pages, the small resources.

use std::time::Duration;

use serde_json::{Value, json};
use tieline::org::Settings;

use super::Client;

#[test]
fn a_row_is_made_read_changed_and_deleted() {
    let client = Client::empty();
    let made = client.post("/sobjects/Account", &json!({"Name": "Kestrel"}));
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.body["id"].as_str().unwrap().to_owned();
    assert_eq!(made.body, json!({"id": id, "success": true, "errors": []}));
    assert_eq!(made.header("Location"), Some(format!("/services/data/v66.0/sobjects/Account/{id}").as_str()));
    assert!(made.header("Sforce-Limit-Info").unwrap().starts_with("api-usage=1/"));

    let url = format!("/sobjects/Account/{id}");
    let read = client.get(&format!("{url}?fields=Id,Name"));
    assert_eq!(
        read.body,
        json!({"attributes": {"type": "Account", "url": format!("/services/data/v66.0{url}")}, "Id": id, "Name": "Kestrel"})
    );
    let patched = client.patch(&url, &json!({"Name": "Kestrel & Co"}));
    assert_eq!((patched.status, patched.response.body.len()), (204, 0));
    assert_eq!(client.get(&url).body["Name"], "Kestrel & Co");
    let short = format!("/sobjects/account/{}", &id[..15]);
    assert_eq!(client.get(&short).body["Id"], id.as_str(), "15 characters do");
    assert_eq!(client.delete(&url).status, 204);
    assert_eq!(client.delete(&url).code(), (404, "ENTITY_IS_DELETED"));
    assert_eq!(client.get(&url).code().0, 404);
}

#[test]
fn upsert_answers_by_what_it_found() {
    let client = Client::empty();
    let url = "/sobjects/UpsertTable__c/ExtId__c/a%2Fb";
    let made = client.patch(url, &json!({"Name": "one"}));
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["created"], true);
    let id = made.body["id"].clone();
    let again = client.patch(url, &json!({"Name": "two"}));
    assert_eq!(again.status, 200);
    assert_eq!(again.body, json!({"id": id, "success": true, "errors": [], "created": false}));
    let old = client.patch(&format!("/services/data/v45.0{url}"), &json!({"Name": "three"}));
    assert_eq!((old.status, old.response.body.len()), (204, 0), "up to v45 without a body");
    assert_eq!(client.get(url).body["Name"], "three");
    let absent =
        client.patch("/sobjects/UpsertTable__c/ExtId__c/none?updateOnly=true", &json!({"Name": "x"}));
    assert_eq!(absent.code(), (404, "NOT_FOUND"));
    client.create("UpsertTable__c", &json!({"ExtId__c": "a/b"}));
    let several = client.patch(url, &json!({"Name": "four"}));
    assert_eq!(several.status, 300);
    assert!(several.body[0].as_str().unwrap().starts_with("/services/data/v66.0/sobjects/UpsertTable__c/a0"));
    assert_eq!(several.body.as_array().unwrap().len(), 2);
    assert_eq!(client.get(url).status, 300);
    assert_eq!(client.patch("/sobjects/UpsertTable__c/Name/x", &json!({})).code(), (404, "NOT_FOUND"));
    let url = "/sobjects/UpsertTable__c/ExtId__c/own";
    assert_eq!(client.patch(url, &json!({"ExtId__c": "own"})).status, 201, "the same value says nothing new");
    assert_eq!(client.patch(url, &json!({"extid__c": "other"})).code(), (400, "INVALID_FIELD"));
}

#[test]
fn describe_tells_objects_and_fields_and_knows_what_the_caller_has() {
    let client = Client::empty();
    let global = client.get("/sobjects");
    assert_eq!(global.body["maxBatchSize"], 200);
    let names: Vec<&str> =
        global.body["sobjects"].as_array().unwrap().iter().map(|o| o["name"].as_str().unwrap()).collect();
    for name in
        ["Account", "Contact", "Case", "Task", "FeedItem", "UpsertTable__c", "amazonconnect__AC_CtiScript__c"]
    {
        assert!(names.contains(&name), "{name}");
    }
    let one = client.get("/sobjects/Contact/describe");
    let field = |name: &str| {
        one.body["fields"].as_array().unwrap().iter().find(|f| f["name"] == name).cloned().unwrap_or_default()
    };
    assert_eq!(field("AccountId")["referenceTo"], json!(["Account"]));
    assert_eq!(field("AccountId")["relationshipName"], "Account");
    assert_eq!(field("LastName")["nillable"], false);
    let modified = one.header("Last-Modified").unwrap().to_owned();
    assert_eq!(client.with("If-Modified-Since", &modified).get("/sobjects/Contact/describe").status, 304);
    let before = client.with("If-Modified-Since", "Wed, 01 Jan 2025 00:00:00 GMT");
    assert_eq!(before.get("/sobjects/Contact/describe").status, 200);
    assert!(client.get("/sobjects/Contact").body["objectDescribe"]["keyPrefix"] == "003");
    assert_eq!(client.get("/sobjects/Nothing__c/describe").code(), (404, "NOT_FOUND"));
}

#[test]
fn a_long_result_comes_in_pages() {
    let client = Client::new(Settings::default());
    let first =
        client.with("Sforce-Query-Options", "batchSize=500").get("/query?q=SELECT+Id+FROM+BigTable__c");
    assert_eq!((&first.body["done"], first.body["records"].as_array().unwrap().len()), (&json!(false), 500));
    let total = first.body["totalSize"].as_u64().unwrap();
    let ends = client.query("SELECT MAX(Name) hi, COUNT_DISTINCT(Name) n FROM BigTable__c");
    assert_eq!(ends["records"][0]["n"], total);
    let next = client.create("BigTable__c", &json!({"Value__c": 1}));
    let made = client.get(&format!("/sobjects/BigTable__c/{next}")).body;
    assert!(made["Name"].as_str() > ends["records"][0]["hi"].as_str(), "the numbers go on: {made}");
    let total = total + 1;
    assert!(total >= 25_000);
    let mut seen = std::collections::HashSet::new();
    let mut page = client.get("/query?q=SELECT+Id+FROM+BigTable__c").body;
    assert_eq!(page["records"].as_array().unwrap().len(), 2_000, "the default");
    loop {
        for record in page["records"].as_array().unwrap() {
            assert!(seen.insert(record["Id"].as_str().unwrap().to_owned()));
        }
        match page["nextRecordsUrl"].as_str() {
            Some(next) => page = client.get(next).body,
            None => break,
        }
    }
    assert_eq!(page["done"], true);
    assert_eq!(seen.len() as u64, total);
    assert_eq!(client.get("/query/01gTl0000000009AAA-2000").code(), (400, "INVALID_QUERY_LOCATOR"));
    assert_eq!(client.get("/query/nonsense").code(), (400, "INVALID_QUERY_LOCATOR"));
}

#[test]
fn many_children_are_a_result_of_their_own() {
    let client = Client::empty();
    let account = client.create("Account", &json!({"Name": "Kestrel"}));
    let contacts: Vec<Value> = (0..450)
        .map(|n| json!({"attributes": {"type": "Contact"}, "LastName": format!("c{n:03}"), "AccountId": account}))
        .collect();
    for records in contacts.chunks(200) {
        assert_eq!(client.post("/composite/sobjects", &json!({"records": records})).status, 200);
    }
    let found = client.query(
        "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName), (SELECT Id FROM Cases) FROM Account",
    );
    assert_eq!((&found["done"], found.get("nextRecordsUrl")), (&json!(true), None));
    let record = &found["records"][0];
    assert_eq!(record["Cases"], Value::Null);
    let mut page = record["Contacts"].clone();
    let mut names = Vec::new();
    loop {
        assert_eq!(page["totalSize"], 450);
        names.extend(page["records"].as_array().unwrap().iter().map(|c| c["LastName"].clone()));
        match page["nextRecordsUrl"].as_str() {
            Some(next) => page = client.with("Sforce-Query-Options", "batchSize=200").get(next).body,
            None => break,
        }
    }
    assert_eq!(page["done"], true);
    assert_eq!(names, (0..450).map(|n| json!(format!("c{n:03}"))).collect::<Vec<_>>());
}

#[test]
fn the_sample_company_reads_like_one_and_is_the_same_for_a_seed() {
    let client = Client::new(Settings::default());
    let count =
        |object: &str| client.query(&format!("SELECT COUNT() FROM {object}"))["totalSize"].as_u64().unwrap();
    assert_eq!(count("Account"), 60);
    assert!((180..=240).contains(&count("Contact")), "{}", count("Contact"));
    for object in [
        "Case",
        "Task",
        "Opportunity",
        "Lead",
        "Event",
        "CaseComment",
        "Campaign",
        "CampaignMember",
        "FeedItem",
        "User",
    ] {
        assert!(count(object) > 2, "{object}: {}", count(object));
    }
    let caller = client.query("SELECT Name, Phone FROM Contact WHERE MobilePhone = '+1234567890'");
    assert_eq!(caller["totalSize"], 1, "whom the documented event calls from");
    let countries = client.query("SELECT BillingCountry FROM Account GROUP BY BillingCountry");
    assert_eq!(countries["totalSize"], 7);
    let names = "SELECT Name, Phone, MobilePhone, Email, CreatedDate FROM Contact ORDER BY Id";
    let same = Client::new(Settings::default()).query(names);
    assert_eq!(client.query(names), same);
    let mut emails: Vec<&Value> = same["records"].as_array().unwrap().iter().map(|r| &r["Email"]).collect();
    let before = emails.len();
    emails.sort_by_key(|e| e.as_str());
    emails.dedup();
    assert_eq!(emails.len(), before);
}

#[test]
fn what_was_looked_at_is_recent_and_what_was_changed_is_replicated() {
    let client = Client::new(Settings::default());
    client.query("SELECT Id, Name FROM Account ORDER BY Name LIMIT 2 FOR VIEW");
    let recent = client.get("/recent?limit=2").body;
    assert_eq!(recent.as_array().unwrap().len(), 2);
    assert_eq!(recent[0]["attributes"]["type"], "Account");
    assert_eq!(client.get("/sobjects/Account").body["recentItems"], recent);
    let id = client.create("Account", &json!({"Name": "Short-lived"}));
    client.delete(&format!("/sobjects/Account/{id}"));
    let span = "start=2026-11-20T00:00:00%2B00:00&end=2026-11-21T00:00:00%2B00:00";
    let deleted = client.get(&format!("/sobjects/Account/deleted?{span}")).body;
    assert!(
        deleted["deletedRecords"].as_array().unwrap().iter().any(|r| r["id"] == id.as_str()),
        "{deleted}"
    );
    let kept = client.create("Account", &json!({"Name": "Kept"}));
    let updated = client.get(&format!("/sobjects/Account/updated?{span}")).body;
    assert!(updated["ids"].as_array().unwrap().contains(&json!(kept)), "{updated}");
    assert_eq!(client.get("/sobjects/Account/updated?start=x&end=y").status, 400);
}

#[test]
fn the_small_resources_answer() {
    let client = Client::new(Settings::default());
    let versions = client.get("/services/data").body;
    assert_eq!(
        versions.as_array().unwrap().last().unwrap(),
        &json!({"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"})
    );
    assert_eq!(versions[0]["version"], "31.0");
    let map = client.get("").body;
    assert_eq!(map["sobjects"], "/services/data/v66.0/sobjects");
    let identity = map["identity"].as_str().unwrap().split_once("salesforce.com").unwrap().1.to_owned();
    let me = client.get(&identity).body;
    assert_eq!(me["username"], "integration@example.com");
    assert!(me["id"].as_str().unwrap().starts_with("https://"));
    let limits = client.get("/limits").body;
    let daily = &limits["DailyApiRequests"];
    assert_eq!(
        daily["Max"].as_u64().unwrap() - daily["Remaining"].as_u64().unwrap(),
        2,
        "this call and the map"
    );
    assert!(client.get("/tabs").body.as_array().unwrap().len() > 5);
    assert!(client.get("/theme").body["themeItems"].is_array());
    let plan = client.get("/query?explain=SELECT+Id+FROM+Account+LIMIT+1").body;
    assert_eq!(plan["plans"][0]["sobjectType"], "Account");
    assert_eq!(plan["plans"][0]["sobjectCardinality"], 60);
}

#[test]
fn search_finds_by_words_and_by_parameters() {
    let client = Client::new(Settings::default());
    let sosl = "/search?q=FIND+%7BAc*%7D+IN+ALL+FIELDS+RETURNING+Account(Id,Name)";
    let found = client.get(sosl).body;
    assert_eq!(found["searchRecords"][0]["Name"], "Acorn Hill Logistics", "{found}");
    assert!(client.get(&format!("/services/data/v36.0{sosl}")).body.is_array(), "a bare list up to v36");
    let body = json!({"q": "2065550100", "in": "PHONE", "fields": ["Id", "Name"], "sobjects": [{"name": "Contact"}]});
    let posted = client.post("/parameterizedSearch", &body).body;
    assert_eq!(posted["searchRecords"].as_array().unwrap().len(), 1, "{posted}");
    let got = client.get("/parameterizedSearch?q=2065550100&in=PHONE&fields=Id,Name&sobject=Contact").body;
    assert_eq!(got, posted);
    let documented =
        json!({"q": "234567890", "in": "PHONE", "fields": ["Id"], "sobjects": [{"name": "Contact"}]});
    assert_eq!(
        client.post("/parameterizedSearch", &documented).body["searchRecords"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn a_session_is_needed_and_ends() {
    let mut client = Client::empty();
    client.headers.clear();
    let login = client.raw(
        tieline::org::wire::Method::Post,
        "/services/oauth2/token",
        "grant_type=client_credentials&client_id=k&client_secret=s",
    );
    assert_eq!(client.get("/limits").code(), (401, "INVALID_SESSION_ID"));
    let token = login.body["access_token"].as_str().unwrap().to_owned();
    let client = client.with("Authorization", &format!("Bearer {token}"));
    assert_eq!(client.get("/limits").status, 200);
    let revoked =
        client.raw(tieline::org::wire::Method::Post, "/services/oauth2/revoke", format!("token={token}"));
    assert_eq!(revoked.status, 200);
    assert_eq!(client.get("/limits").code(), (401, "INVALID_SESSION_ID"));
    let mut later = Client::empty();
    later.now = later.now.plus(Duration::from_hours(3));
    assert_eq!(later.get("/limits").status, 200, "a token that was not given here has no age");
}

#[test]
fn a_schema_file_adds_what_an_org_of_ones_own_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schema.json");
    let file = json!({"objects": [
        {"name": "Case", "fields": [{"name": "Crew__c", "type": "reference", "to": ["Crew__c"], "children": "Cases"}],
         "validation_rules": [{"name": "Crew_needed", "when": "Crew__c = null", "message": "Who goes there?", "active": true}]},
        {"name": "Crew__c", "prefix": "a9Z", "owner": ["User"], "searchable": true, "fields": [
            {"name": "Name", "type": "string", "length": 80, "required": true, "name_field": true},
            {"name": "Number__c", "type": "double", "precision": 5, "unique": true}]},
    ]});
    let settings = || Settings { sample: false, schema: Some(path.clone()), ..Settings::default() };
    std::fs::write(&path, file.to_string()).unwrap();
    let client = Client::new(settings());
    assert_eq!(
        client.post("/sobjects/Case", &json!({"Subject": "x"})).code(),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    );
    let crew = client.create("Crew__c", &json!({"Name": "Night", "Number__c": 7}));
    assert!(crew.starts_with("a9Z"));
    let twin = client.post("/sobjects/Crew__c", &json!({"Name": "Day", "Number__c": 7.0}));
    assert_eq!(twin.code(), (400, "DUPLICATE_VALUE"), "numbers are unique, too");
    client.create("Case", &json!({"Subject": "x", "Crew__c": crew}));
    let found = client.query("SELECT Name, (SELECT Crew__r.Name FROM Cases) FROM Crew__c");
    assert_eq!(found["records"][0]["Cases"]["records"][0]["Crew__r"]["Name"], "Night");
    let fields = client.get("/sobjects/Case/describe").body["fields"].clone();
    assert!(fields.as_array().unwrap().iter().any(|f| f["name"] == "Crew__c" && f["custom"] == true));

    std::fs::write(&path, r#"{"objects": [{"name": "Crew__c"}]}"#).unwrap();
    let told = tieline::org::Org::new(settings(), super::NOW).unwrap_err();
    assert!(told.contains("schema.json") && told.contains("Crew__c: the prefix ''"), "{told}");
}
