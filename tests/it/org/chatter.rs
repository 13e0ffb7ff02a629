//! Posts, comments, likes, feeds, users and groups.

use serde_json::{Value, json};
use tieline::org::{Settings, limits};

use super::Client;

fn text(text: &str) -> Value {
    json!({"messageSegments": [{"type": "Text", "text": text}]})
}

fn post_to(subject: &str, body: &Value) -> Value {
    json!({"feedElementType": "FeedItem", "subjectId": subject, "body": body})
}

#[test]
fn a_post_is_told_whole_and_is_a_row() {
    let client = Client::empty();
    let case = client.create("Case", &json!({"Subject": "Missed call"}));
    let body = json!({"messageSegments": [
        {"type": "Text", "text": "Missed call "},
        {"type": "mention", "username": "integration@example.com"},
    ]});
    let posted = client.post("/chatter/feed-elements", &post_to(&case, &body));
    assert_eq!(posted.status, 201, "{}", posted.body);
    let id = posted.body["id"].as_str().unwrap();
    assert!(id.starts_with("0D5"));
    assert_eq!(posted.body["type"], "TextPost");
    assert_eq!(posted.body["body"]["text"], "Missed call @Integration User");
    assert_eq!(posted.body["body"]["messageSegments"][1]["type"], "Mention");
    let row = client.query("SELECT Id, ParentId, Body FROM FeedItem");
    assert_eq!((&row["records"][0]["Id"], &row["records"][0]["ParentId"]), (&json!(id), &json!(case)));
    let journal = client.get("/_org/journal?object=FeedItem").body;
    assert_eq!(journal[0]["verb"], "post");

    let comments = posted.body["capabilities"]["comments"]["page"]["currentPageUrl"].as_str().unwrap();
    let comment = client.post(comments, &json!({"body": text("Called back")}));
    assert_eq!(comment.status, 201, "{}", comment.body);
    assert!(comment.body["id"].as_str().unwrap().starts_with("0D7"));
    let again = client.get(posted.body["url"].as_str().unwrap()).body;
    assert_eq!(again["capabilities"]["comments"]["page"]["total"], 1);

    for url in [
        posted.body["capabilities"]["chatterLikes"]["page"]["currentPageUrl"].as_str().unwrap(),
        comment.body["likes"]["currentPageUrl"].as_str().unwrap(),
    ] {
        let like = client.raw(tieline::org::wire::Method::Post, url, "");
        assert_eq!(like.status, 201, "{}", like.body);
        assert_eq!(client.get(url).body["total"], 1);
        assert_eq!(client.delete(like.body["url"].as_str().unwrap()).status, 204);
        assert_eq!(client.get(url).body["total"], 0);
    }
    assert_eq!(client.delete(posted.body["url"].as_str().unwrap()).status, 204);
    assert_eq!(
        client.query("SELECT COUNT() FROM FeedComment")["totalSize"],
        0,
        "comments go with their post"
    );
}

#[test]
fn feeds_show_the_newest_first_and_people_and_groups_are_there() {
    let client = Client::new(Settings::default());
    let first = client.post("/chatter/feed-elements", &post_to("me", &text("one"))).body;
    let second = client.post("/chatter/feed-elements", &post_to("me", &text("two"))).body;
    for feed in ["company", "news/me", "user-profile/me"] {
        let got = client.get(&format!("/chatter/feeds/{feed}/feed-elements?pageSize=2")).body;
        assert_eq!(got["elements"][0]["id"], second["id"], "{feed}");
        assert_eq!(got["elements"][1]["id"], first["id"], "{feed}");
    }
    let feeds = client.get("/chatter/feeds").body;
    for feed in feeds["feeds"].as_array().unwrap() {
        assert_eq!(client.get(feed["feedElementsUrl"].as_str().unwrap()).status, 200, "{feed}");
    }
    assert!(client.get("/chatter/users").body["users"].as_array().unwrap().len() > 5);
    assert_eq!(client.get("/chatter/users/me").body["username"], "integration@example.com");
    assert!(client.get("/chatter/groups").body["groups"].as_array().unwrap().len() > 1);
}

#[test]
fn a_batch_of_posts_gives_each_its_status() {
    let client = Client::empty();
    let case = client.create("Case", &json!({"Subject": "x"}));
    let input = |subject: &str| json!({"richInput": post_to(subject, &text("hello"))});
    let body = json!({"inputs": [input(&case), input("500Tl0000000999"), input("me"), {}]});
    let got = client.post("/chatter/feed-elements/batch", &body);
    let statuses: Vec<u64> =
        got.body["results"].as_array().unwrap().iter().map(|r| r["statusCode"].as_u64().unwrap()).collect();
    assert_eq!(
        (&got.body["hasErrors"], statuses.as_slice()),
        (&json!(true), &[201, 404, 201, 400][..]),
        "{}",
        got.body
    );
    assert_eq!(client.query("SELECT COUNT() FROM FeedItem")["totalSize"], 2);
    let many = json!({"inputs": vec![input("me"); 501]});
    assert_eq!(client.post("/chatter/feed-elements/batch", &many).code(), (400, "LIMIT_EXCEEDED"));
}

#[test]
fn what_chatter_cannot_post_it_refuses() {
    let client = Client::empty();
    let post = |body: Value| client.post("/chatter/feed-elements", &body);
    for (body, code) in [
        (json!({}), (400, "JSON_PARSER_ERROR")),
        (json!({"feedElementType": "FeedItem", "body": text("x")}), (400, "MISSING_ARGUMENT")),
        (post_to("nonsense", &text("x")), (400, "INVALID_ID_FIELD")),
        (post_to("500Tl0000000999", &text("x")), (404, "NOT_FOUND")),
        (post_to("me", &text("")), (400, "MISSING_ARGUMENT")),
        (post_to("me", &json!({"messageSegments": [{"type": "Dance"}]})), (400, "JSON_PARSER_ERROR")),
        (
            post_to("me", &json!({"messageSegments": [{"type": "Mention", "username": "nobody"}]})),
            (400, "INVALID_ID_FIELD"),
        ),
        (
            post_to(
                "me",
                &json!({"messageSegments": [{"type": "MarkupBegin", "markupType": "Bold"}, {"type": "Text", "text": "x"}]}),
            ),
            (400, "INVALID_MARKUP"),
        ),
        (post_to("me", &text(&"x".repeat(10_001))), (400, "STRING_TOO_LONG")),
    ] {
        assert_eq!(post(body.clone()).code(), code, "{body}");
    }
    let comment = client.post(
        "/chatter/feed-elements/0D5Tl0000000999/capabilities/comments/items",
        &json!({"body": text("x")}),
    );
    assert_eq!(comment.code(), (404, "NOT_FOUND"));
    assert_eq!(client.get("/_org/journal").body, json!([]));
}

#[test]
fn chatter_has_its_own_hour_outside_the_daily_allowance() {
    let limits = limits::Settings { chatter_hourly: 3, ..limits::Settings::default() };
    let client = Client::new(Settings { sample: false, limits, ..Settings::default() });
    for _ in 0..3 {
        assert_eq!(client.post("/chatter/feed-elements", &post_to("me", &text("x"))).status, 201);
    }
    assert_eq!(client.get("/chatter/users").code(), (503, "REQUEST_LIMIT_EXCEEDED"));
    assert_eq!(client.get("/_org/limits").body["used"], 0);
    let requests = json!([{"method": "GET", "url": "/v66.0/chatter/users"}]);
    let batch = client.post("/connect/batch", &json!({"batchRequests": requests}));
    let first = &batch.body["results"][0];
    assert_eq!((batch.status, &first["statusCode"]), (200, &json!(503)), "a batch is no way round the hour");
    let other = client.with("x", "y");
    assert_eq!(other.get("/limits").status, 200, "other calls go on");
}
