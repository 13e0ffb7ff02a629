//! The Bulk API: jobs, their batches and what is wrong with them.

use serde_json::json;
use tieline::org::wire::Method;

use super::{Client, Got};

fn post(client: &Client, path: &str, body: &str) -> Got {
    client.with("X-SFDC-SESSION", "any").raw(
        Method::Post,
        &format!("/services/async/66.0{path}"),
        body.to_owned(),
    )
}

fn get(client: &Client, path: &str) -> String {
    let got =
        client.with("X-SFDC-SESSION", "any").raw(Method::Get, &format!("/services/async/66.0{path}"), "");
    String::from_utf8(got.response.body.to_vec()).unwrap()
}

fn text(got: &Got) -> String {
    String::from_utf8(got.response.body.to_vec()).unwrap()
}

fn element(xml: &str, name: &str) -> String {
    let after = xml.split(&format!("<{name}>")).nth(1).unwrap_or_else(|| panic!("{name}: {xml}"));
    after.split('<').next().unwrap().to_owned()
}

fn open(client: &Client, verb: &str, object: &str) -> String {
    let got = post(
        client,
        "/job",
        &format!("<jobInfo><operation>{verb}</operation><object>{object}</object></jobInfo>"),
    );
    assert_eq!(got.status, 201, "{}", text(&got));
    element(&text(&got), "id")
}

#[test]
fn a_job_tells_each_record_its_own() {
    let client = Client::empty();
    client.create("Account", &json!({"Name": "Kestrel", "CustomerNumber__c": "C-1"}));
    let job = open(&client, "insert", "Contact");
    assert!(job.starts_with("750"));
    let csv = "LastName,FirstName,Account.CustomerNumber__c\n\"Okafor, Ann\",Ann,C-1\n,Nobody,C-1\nPrasad,#N/A,C-2\n";
    let batch = element(&text(&post(&client, &format!("/job/{job}/batch"), csv)), "id");
    let info = get(&client, &format!("/job/{job}/batch/{batch}"));
    assert_eq!(
        ["state", "numberRecordsProcessed", "numberRecordsFailed"].map(|n| element(&info, n)),
        ["Completed", "3", "2"]
    );
    assert!(get(&client, &format!("/job/{job}/batch")).contains(&batch));
    let result = get(&client, &format!("/job/{job}/batch/{batch}/result"));
    let lines: Vec<&str> = result.lines().collect();
    assert!(lines[1].starts_with("\"003") && lines[1].ends_with(",\"true\",\"true\",\"\""), "{result}");
    assert_eq!(
        lines[2],
        "\"\",\"false\",\"false\",\"REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --\""
    );
    assert!(lines[3].contains("INVALID_FIELD:Foreign key external ID: C-2 not found"), "{result}");
    let found = client.query("SELECT LastName, Account.Name FROM Contact");
    assert_eq!(
        (&found["totalSize"], &found["records"][0]["LastName"], &found["records"][0]["Account"]["Name"]),
        (&json!(1), &json!("Okafor, Ann"), &json!("Kestrel"))
    );
    assert_eq!(client.get("/_org/journal").body.as_array().unwrap().len(), 2);
    let closed = post(&client, &format!("/job/{job}"), "<jobInfo><state>Closed</state></jobInfo>");
    assert_eq!(element(&text(&closed), "state"), "Closed");
    let late = post(&client, &format!("/job/{job}/batch"), "LastName\nx\n");
    assert_eq!((late.status, element(&text(&late), "exceptionCode").as_str()), (400, "InvalidJobState"));
}

#[test]
fn what_is_no_job_or_no_batch_is_refused_in_xml() {
    let client = Client::empty();
    let job = open(&client, "update", "account");
    let many = format!("Id\n{}", "x\n".repeat(10_001));
    let upsert = "<jobInfo><operation>upsert</operation><object>Case</object></jobInfo>";
    let of = |verb: &str, object: &str| {
        format!("<jobInfo><operation>{verb}</operation><object>{object}</object></jobInfo>")
    };
    for (path, body, code) in [
        ("/job".to_owned(), String::new(), "InvalidJob"),
        ("/job".to_owned(), of("query", "Account"), "FeatureNotEnabled"),
        ("/job".to_owned(), of("shred", "Account"), "InvalidJob"),
        ("/job".to_owned(), of("insert", "Nothing__c"), "InvalidEntity"),
        ("/job".to_owned(), upsert.to_owned(), "InvalidJob"),
        ("/job/750Tl0000000099AAA".to_owned(), of("insert", "Case"), "InvalidJob"),
        (format!("/job/{job}"), "<jobInfo/>".to_owned(), "InvalidJob"),
        (format!("/job/{job}/batch"), "Id,Name\n1,2,3\n".to_owned(), "InvalidBatch"),
        (format!("/job/{job}/batch"), many, "ExceededQuota"),
        ("/nothing".to_owned(), String::new(), "InvalidUrl"),
    ] {
        let got = post(&client, &path, &body);
        assert_eq!((got.status, element(&text(&got), "exceptionCode")), (400, code.to_owned()), "{path}");
    }
    assert!(get(&client, &format!("/job/{job}/batch/751Tl0000000099AAA")).contains("InvalidBatch"));
    let nobody = client.raw(Method::Post, "/services/async/66.0/job", "");
    assert!(
        text(&nobody).contains("<exceptionCode>InvalidSessionId</exceptionCode>"),
        "its own header is asked for"
    );
    assert_eq!(client.get("/limits").status, 200, "the org goes on");
}
