use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::refs::{BadReference, Part, bind, parts, references, resolve};
use super::*;

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn create(value: Value) -> Write {
    Write::Create { object: "Case".to_owned(), fields: fields(value) }
}

fn sample() -> Envelope {
    Envelope {
        v: VERSION,
        id: WriteId::keyed("acme.example.com", "group-1", "open case"),
        generation: 1,
        org: "acme.example.com".to_owned(),
        group: "group-1".to_owned(),
        contact: None,
        write: create(json!({"Subject": "Missed call"})),
        refs: Vec::new(),
        unbound: Vec::new(),
        name: Some("case".to_owned()),
        attribute: None,
        hash: "00".to_owned(),
        flush: true,
        accepted_at: Timestamp::from_millis(1_795_170_000_123),
        traceparent: None,
        rest: Map::new(),
    }
}

#[test]
fn the_key_of_an_upsert_holds_no_value_and_is_that_of_the_record() {
    let key = |object: &str, field: &str, value: &str| {
        let (object, external_field, external_id) = (object.to_owned(), field.to_owned(), value.to_owned());
        overwritten(&Write::Upsert { object, external_field, external_id, fields: Map::new() }).unwrap()
    };
    let one = key("Contact", "Email__c", "ann@example.com");
    assert!(!one.contains("ann") && !one.contains("example"), "{one}");
    assert_eq!(one, key("contact", "EMAIL__c", "Ann@example.com"));
    for other in [key("Lead", "Email__c", "ann@example.com"), key("Contact", "Email__c", "bob@example.com")] {
        assert_ne!(one, other);
    }
    assert_ne!(key("A", "Bc", "d"), key("Ab", "c", "d"), "parts do not run into each other");
}

#[test]
fn the_value_of_an_external_id_is_no_target() {
    let target = |object: &str, id: &str| {
        let write = Write::Update { object: object.to_owned(), id: id.to_owned(), fields: Map::new() };
        Envelope { write, ..sample() }.target().map(str::to_owned)
    };
    assert_eq!(target("Contact", "0035g00000AAAAAAA1").as_deref(), Some("0035g00000AAAAAAA1"));
    assert_eq!(target("Contact", sample().id.as_str()).as_deref(), Some(sample().id.as_str()));
    assert_eq!(target("Contact/Phone__c", "+12065550100"), None);
}

#[test]
fn an_id_is_one_of_its_call_and_no_other() {
    let id = WriteId::keyed("org", "group", "key");
    assert_eq!(id, WriteId::keyed("org", "group", "key"));
    let others = [
        WriteId::keyed("org", "grou", "pkey"),
        WriteId::keyed("org2", "group", "key"),
        WriteId::implicit("org", "group", "key", 0),
        WriteId::implicit("org", "group", "key", 1),
        WriteId::single("org", "group"),
    ];
    for (n, other) in others.iter().enumerate() {
        assert_ne!(id, *other, "{n}");
        assert!(!others[..n].contains(other), "{n}");
    }
    // Fixed for ever: outcomes of an older build must be found by a newer one.
    assert_eq!(id.as_str(), "tl-un5uias3jdfxbznsgm3t3afrpi");
    assert_eq!(id.as_str().parse(), Ok(id));
}

#[test]
fn what_is_no_ticket_is_refused() {
    for text in [
        "",
        "tl-",
        "tl-abcdefghijklmnopqrstuvwxy",
        "tl-abcdefghijklmnopqrstuvwxyz2",
        "tl-abcdefghijklmnopqrstuvwxy1",
        "TL-abcdefghijklmnopqrstuvwxyz",
        "tl-äbcdefghijklmnopqrstuvwxy",
    ] {
        assert_eq!(text.parse::<WriteId>(), Err(id::NotATicket), "{text}");
    }
}

#[test]
fn the_hash_ignores_order_and_nothing_else() {
    let hash = |v| id::canonical_hash(&fields(v));
    assert_eq!(hash(json!({"a": 1, "b": {"c": 1, "d": 2}})), hash(json!({"b": {"d": 2, "c": 1}, "a": 1})));
    assert_ne!(hash(json!({"a": 1})), hash(json!({"a": "1"})));
    assert_ne!(hash(json!({"a": ["x", "y"]})), hash(json!({"a": ["y", "x"]})));
    assert_ne!(hash(json!({"a": "b"})), hash(json!({"ab": ""})));
    assert_ne!(hash(json!({"a": null})), hash(json!({})));
}

#[test]
fn a_group_id_is_plain_or_hashed() {
    assert_eq!(id::group_id("5ca32fbd-8f92-46af-92a5-6b0f970f0efe"), "5ca32fbd-8f92-46af-92a5-6b0f970f0efe");
    for odd in ["", "grüße", "a b", &"x".repeat(129)] {
        let hashed = id::group_id(odd);
        assert!(hashed.starts_with("h-") && hashed.len() == 34, "{hashed}");
    }
    assert_ne!(id::group_id("ä"), id::group_id("ö"));
}

#[test]
fn an_envelope_survives_its_text_and_keeps_what_it_does_not_know() {
    let text = sample().encode().unwrap();
    assert_eq!(Envelope::decode(&text).unwrap(), sample());

    let mut value: Value = serde_json::from_str(&text).unwrap();
    value["priority"] = json!("high");
    let later = Envelope::decode(&value.to_string()).unwrap();
    let again: Value = serde_json::from_str(&later.encode().unwrap()).unwrap();
    assert_eq!(again["priority"], "high");
}

#[test]
fn newer_garbage_and_cut_are_told_apart_and_quote_nothing() {
    let text = sample().encode().unwrap();
    let newer = r#"{"v":2,"shape":"unlike anything"}"#;
    assert_eq!(Envelope::decode(newer), Err(Undecodable::Newer(2)));
    assert_eq!(Envelope::decode(&text.replace("\"v\":1", "\"v\":7")), Err(Undecodable::Newer(7)));
    let cut: String = text.chars().take(60).collect();
    for (bad, word) in [
        ("", "cut short"),
        (cut.as_str(), "cut short"),
        ("Missed call", "no JSON"),
        (r#"{"v":1,"id":"secret"}"#, "missing"),
        (r#"{"v":0}"#, "missing"),
        ("[]", "missing"),
        ("{\"v\":-1}", "missing"),
    ] {
        let message = Envelope::decode(bad).unwrap_err().to_string();
        assert!(message.contains(word) || message.contains("no version 0"), "{bad}: {message}");
        assert!(!message.contains("secret"), "{message}");
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let mut envelope = sample();
    envelope.write = create(json!({"Description": ""}));
    let bare = envelope.encode().unwrap().len();
    let filled = |n: usize| {
        let mut envelope = envelope.clone();
        envelope.write = create(json!({"Description": "x".repeat(n)}));
        envelope.encode()
    };
    assert!(filled(MAX_BYTES - bare).is_ok());
    assert_eq!(filled(MAX_BYTES - bare + 1), Err(TooLarge { bytes: MAX_BYTES + 1 }));
}

#[test]
fn references_are_found_inside_texts_too() {
    let id = WriteId::single("o", "1");
    let text = format!("see {id}, @{{case.Id}} and x{id} @{{case.Name}} @{{}}");
    let found = parts(&text);
    assert_eq!(found[1], Part::Ticket(id));
    assert_eq!(found[3], Part::Name("case"));
    assert_eq!(found.len(), 5, "{found:?}");

    let write = Write::Comment {
        element_id: "@{post.id}".to_owned(),
        comment_type: "Text".to_owned(),
        text: format!("for {id}."),
    };
    let refs = references(&write);
    assert_eq!(refs.names.into_iter().collect::<Vec<_>>(), ["post"]);
    assert_eq!(refs.tickets.into_iter().collect::<Vec<_>>(), [id]);
}

#[test]
fn names_become_tickets_and_tickets_become_ids() {
    let [own, case] = ["own", "case"].map(|key| WriteId::keyed("o", "g", key));
    let mut write = create(json!({"ParentId": "@{case.Id}", "Deep": [{"Text": "of @{case.Id}!"}]}));
    let names = BTreeMap::from([("case".to_owned(), case)]);
    let known = BTreeMap::from([(case, Vec::new())]);
    assert_eq!(bind(&mut write, own, Some("x"), &names, &known), Ok(vec![case]));
    assert_eq!(write, create(json!({"ParentId": case, "Deep": [{"Text": format!("of {case}!")}]})));

    let ids = BTreeMap::from([(case, "500000000000001AAA".to_owned())]);
    let sent = resolve(&write, &ids).unwrap();
    assert_eq!(
        sent,
        create(json!({"ParentId": "500000000000001AAA", "Deep": [{"Text": "of 500000000000001AAA!"}]}))
    );
    assert_eq!(resolve(&write, &BTreeMap::new()), Err(case));
}

#[test]
fn references_that_cannot_hold_are_refused() {
    let [own, a, b, foreign] = ["own", "a", "b", "foreign"].map(|key| WriteId::keyed("o", "g", key));
    let known = BTreeMap::from([(a, vec![b]), (b, vec![own])]);
    let names = BTreeMap::from([("mine".to_owned(), own)]);
    let refuse = |text: String| {
        let mut write = create(json!({ "ParentId": text }));
        bind(&mut write, own, Some("me"), &names, &known).unwrap_err()
    };
    assert_eq!(refuse("@{ghost.Id}".to_owned()), BadReference::UnknownName("ghost".to_owned()));
    assert_eq!(refuse("@{me.Id}".to_owned()), BadReference::Itself("me".to_owned()));
    assert_eq!(refuse("@{mine.Id}".to_owned()), BadReference::Itself("mine".to_owned()));
    assert_eq!(refuse(own.to_string()), BadReference::Itself(own.to_string()));
    assert_eq!(refuse(foreign.to_string()), BadReference::UnknownTicket(foreign));
    assert_eq!(refuse(a.to_string()), BadReference::Circle(own, a));
    assert!(refuse("@{ghost.Id}".to_owned()).to_string().contains("tl_ref `ghost`"));
}

proptest! {
    #[test]
    fn cutting_and_joining_gives_the_text_back(text in "(tl-[a-z2-7]{26}|@\\{[a-z]{1,3}\\.Id\\}|[ -~äß€]{0,6}){0,6}") {
        let joined: String = parts(&text)
            .iter()
            .map(|part| match part {
                Part::Text(t) => (*t).to_owned(),
                Part::Ticket(id) => id.to_string(),
                Part::Name(name) => format!("@{{{name}.Id}}"),
            })
            .collect();
        // `@{x.iD}` is spelled `@{x.Id}` again: names are compared without case of the field.
        prop_assert_eq!(joined.to_lowercase(), text.to_lowercase());
    }

    #[test]
    fn no_text_makes_decoding_panic(text in ".{0,200}") {
        if let Err(refused) = Envelope::decode(&text) {
            prop_assert!(!refused.to_string().is_empty());
        }
    }
}

#[cfg(feature = "local")]
#[test]
fn the_schema_on_file_is_the_schema_of_the_code() {
    crate::outcome::tests::assert_schema("envelope", &schema());
}
