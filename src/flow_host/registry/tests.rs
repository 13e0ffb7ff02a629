use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::flow_host::Settings;
use crate::flow_host::long::tests::noise;
use crate::replay::Desk;
use crate::store::sqlite::Sqlite;

const NOW: Timestamp = Timestamp::from_millis(1_795_170_000_000);

fn host() -> Host {
    Host::new(Settings::default(), Sqlite::in_memory().unwrap().table("state"), None, None)
}

fn log(message: &str) -> Document {
    let flow = json!({"actions": [
        {"id": "uid-0", "type": "SE_Start", "meta": {}, "controls": {}, "ports": {"done": "uid-1"}, "position": [0, 0]},
        {"id": "uid-1", "type": "SE_Log", "meta": {}, "controls": {"level": "info", "message": message}, "ports": {"done": "uid-2"}, "position": [0, 0]},
        {"id": "uid-2", "type": "SE_End", "meta": {}, "controls": {}, "ports": {}, "position": [0, 0]}]});
    Document::parse(&flow.to_string()).unwrap()
}

fn draft(message: &str) -> Draft {
    Draft { document: Some(log(message)), note: Some(message.to_owned()), ..Draft::default() }
}

async fn flow(host: &Host) -> String {
    let fields = Draft {
        name: Some("Flow".to_owned()),
        source: Some("voiceContact".to_owned()),
        event: Some("onConnected".to_owned()),
        ..draft("first")
    };
    host.create_flow(fields, "ada", NOW).await.unwrap().summary.id
}

#[tokio::test]
async fn of_two_saves_at_once_one_stands_with_its_own_text() {
    for _ in 0..20 {
        let host = host();
        let id = flow(&host).await;
        let save = |author: &'static str| {
            let (host, id) = (host.clone(), id.clone());
            let draft = Draft { base_version: Some(1), ..draft(author) };
            async move { host.update_flow(&id, draft, author, NOW).await }
        };
        let (a, b) = futures::join!(save("ada"), save("bob"));
        assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1, "{a:?} {b:?}");
        let stands = host.flow(&id, NOW).await.unwrap();
        let versions = host.versions(&id, NOW).await.unwrap();
        assert_eq!(versions.len(), 2);
        let author = &stands.summary.author;
        assert_eq!((&versions[0].author, versions[0].note.as_ref()), (author, Some(author)));
        assert_eq!(stands.document.unwrap(), log(author), "the text is the author's own");
    }
}

#[tokio::test]
async fn what_a_save_left_that_did_not_come_to_its_end_stops_no_other() {
    let host = host();
    let id = flow(&host).await;
    // As if a process had died between the text of version 2 and the record.
    let (record, row) = host.record(&id, NOW).await.unwrap();
    host.save(record.clone(), row, draft("lost"), "eve", NOW).await.unwrap();
    host.change(&id, "eve", "put back", NOW, |standing| *standing = record).await.unwrap();

    let saved = host.update_flow(&id, draft("second"), "ada", NOW).await.unwrap();
    assert_eq!(saved.document, Some(log("second")));
    assert_eq!(host.flow_at(&id, 1, NOW).await.unwrap().document, Some(log("first")));
    let again = host.update_flow(&id, draft("second"), "ada", NOW).await.unwrap();
    assert_eq!(again.summary.draft_version, saved.summary.draft_version, "the same text is no version");
}

#[tokio::test]
async fn a_deleted_flow_keeps_its_versions_and_comes_back_inactive() {
    let host = host();
    let id = flow(&host).await;
    host.update_flow(&id, draft("second"), "bob", NOW).await.unwrap();
    host.activate(&id, Some(1), "bob", NOW).await.unwrap();
    assert_eq!(
        host.active("voiceContact", "onConnected", NOW).await.unwrap()[0].document,
        Some(log("first"))
    );
    host.delete_flow(&id, true, "bob", NOW).await.unwrap();
    assert!(host.active("voiceContact", "onConnected", NOW).await.unwrap().is_empty());
    assert!(matches!(host.activate(&id, None, "bob", NOW).await, Err(Error::Asked(_))));
    let back = host.delete_flow(&id, false, "bob", NOW).await.unwrap().summary;
    assert_eq!((back.deleted_at, back.active, back.active_version), (None, false, None));
    let notes: Vec<_> = host.versions(&id, NOW).await.unwrap().into_iter().map(|v| v.note.unwrap()).collect();
    assert_eq!(notes, ["second", "first"]);
}

#[tokio::test]
async fn who_lets_a_flow_run_or_not_is_kept() {
    let table = Sqlite::in_memory().unwrap().table("state");
    let host = Host::new(Settings::default(), Arc::clone(&table), None, None);
    let id = flow(&host).await;
    let at = |second: u64| NOW.plus(Duration::from_secs(second));
    host.activate(&id, None, "ann", at(1)).await.unwrap();
    host.deactivate(&id, "ben", at(2)).await.unwrap();
    host.delete_flow(&id, true, "cem", at(3)).await.unwrap();
    host.delete_flow(&id, false, "dot", at(4)).await.unwrap();
    let desk = Desk { state: table, queue: None, cache: None, client: None, by: "eve".to_owned() };
    let (deeds, _) = desk.history(None, 10, at(5)).await.unwrap();
    let told: Vec<_> = deeds.into_iter().map(|(_, deed)| format!("{} {}", deed.by, deed.what)).collect();
    let of = |deed: &str| format!("{deed} the CTI Flow Flow ({id})");
    let deeds = ["dot restored", "cem deleted", "ben deactivated", "ann activated version 1 of"];
    assert_eq!(told, deeds.map(of));
}

#[tokio::test]
async fn an_active_flow_keeps_an_event_and_findings_follow_it() {
    let host = host();
    let id = flow(&host).await;
    host.activate(&id, None, "bob", NOW).await.unwrap();
    let to = |source: &str, event: &str| Draft {
        source: Some(source.to_owned()),
        event: Some(event.to_owned()),
        ..Draft::default()
    };
    let nowhere = host.update_flow(&id, to("voiceContact", ""), "ada", NOW).await;
    assert!(matches!(nowhere, Err(Error::Asked(_))), "{nowhere:?}");
    host.update_flow(&id, to("voiceContact", "onEnded"), "ada", NOW).await.unwrap();
    assert_eq!(host.active("voiceContact", "onEnded", NOW).await.unwrap().len(), 1);

    let pops = Document::parse(&json!({"actions": [
        {"id": "uid-0", "type": "SE_Start", "meta": {}, "controls": {}, "ports": {"done": "uid-1"}, "position": [0, 0]},
        {"id": "uid-1", "type": "SE_SFScreenpopObject", "meta": {}, "controls": {"recordId": "$.payload.id", "noPopOnEmpty": true},
         "ports": {"success": "uid-2", "failure": "uid-2"}, "position": [0, 0]},
        {"id": "uid-2", "type": "SE_End", "meta": {}, "controls": {}, "ports": {}, "position": [0, 0]}]}).to_string());
    host.deactivate(&id, "bob", NOW).await.unwrap();
    let before = host
        .update_flow(&id, Draft { document: pops.ok(), ..to("voiceContact", "onConnected") }, "ada", NOW)
        .await
        .unwrap();
    let after = host.update_flow(&id, to("voiceContact", "onRefresh"), "ada", NOW).await.unwrap();
    assert!(after.summary.problems.warnings > before.summary.problems.warnings, "a pop on every refresh");
}

#[tokio::test]
async fn a_long_file_is_kept_whole_and_one_beyond_all_measure_is_refused_in_words() {
    let host = host();
    let noise = noise(900_000);
    let file = |raw: String| Draft { name: Some("Long".to_owned()), raw: Some(raw), ..Draft::default() };
    let kept = host.create_flow(file(noise.clone()), "ada", NOW).await.unwrap();
    assert_eq!(host.flow(&kept.summary.id, NOW).await.unwrap().raw, Some(noise));
    let refused = host.create_flow(file(" ".repeat(validate::MAX_READ_BYTES + 1)), "ada", NOW).await;
    assert!(matches!(&refused, Err(Error::Asked(why)) if why.contains("too large")), "{refused:?}");
}

#[tokio::test]
async fn a_list_is_whole() {
    let host = host();
    for n in 0..=PAGE {
        let fields = Draft { name: Some(format!("Flow {n}")), ..Draft::default() };
        host.create_flow(fields, "ada", NOW).await.unwrap();
    }
    assert_eq!(host.flows(NOW).await.unwrap().len(), PAGE + 1);
}

#[tokio::test]
async fn what_other_flows_write_is_known_around_a_flow() {
    let host = host();
    let keep = async |name: &str, kind: &str, key: &str| {
        let flow =
            json!({"actions": [{"id": "uid-0", "type": kind, "controls": {"key": key, "value": "x"}}]});
        let document = Document::parse(&flow.to_string()).ok();
        let draft = Draft { name: Some(name.to_owned()), document, ..Draft::default() };
        host.create_flow(draft, "ada", NOW).await.unwrap().summary.id
    };
    let codes = async |own: &str| {
        let around = host.surroundings(None, None, Some(own), NOW).await.unwrap();
        let document = host.flow(own, NOW).await.unwrap().document.unwrap();
        let found = validate::check(&document, &around);
        found.iter().any(|finding| finding.code == "S505")
    };
    let reader = keep("Reads", "SE_GetProperty", "taskId").await;
    assert!(codes(&reader).await, "nobody writes it");
    let writer = keep("Writes", "SE_SetProperty", "taskId").await;
    assert!(!codes(&reader).await);
    host.delete_flow(&writer, true, "bob", NOW).await.unwrap();
    assert!(codes(&reader).await, "who wrote it is gone");
    keep("Computes", "SE_SetProperty", "$.payload.key").await;
    assert!(!codes(&reader).await, "it may be any key");
}

#[tokio::test]
async fn notes_are_kept_by_version_beside_the_file_and_never_in_it() {
    let host = host();
    let id = flow(&host).await;
    let note = |text: &str| Note { id: "note-0".to_owned(), text: text.to_owned(), position: (16.0, -32.0) };
    let with = |notes| Draft { notes: Some(notes), base_version: Some(1), ..Draft::default() };
    let noted = host.update_flow(&id, with(vec![note("Ask Grace")]), "ada", NOW).await.unwrap();
    assert_eq!((noted.version, &noted.notes), (2, &vec![note("Ask Grace")]));
    assert_eq!(
        noted.document.unwrap().to_exact(),
        log("first").to_exact(),
        "the file is the same to the byte"
    );

    let blind = host.update_flow(&id, with(vec![]), "bob", NOW).await;
    assert!(matches!(blind, Err(Error::Conflict { current: 2, .. })), "{blind:?}");
    let kept = host.update_flow(&id, draft("second"), "ada", NOW).await.unwrap();
    assert_eq!((kept.version, &kept.notes), (3, &vec![note("Ask Grace")]), "who names none changes none");
    let fields = Draft { name: Some("Named anew".to_owned()), ..Draft::default() };
    assert_eq!(host.update_flow(&id, fields, "ada", NOW).await.unwrap().version, 3, "a field is no version");

    assert!(host.flow_at(&id, 1, NOW).await.unwrap().notes.is_empty());
    assert_eq!(host.clone_flow(&id, "ada", NOW).await.unwrap().notes, vec![note("Ask Grace")]);
    let long = Draft { notes: Some(vec![note(&"x".repeat(300_000))]), ..Draft::default() };
    let refused = host.update_flow(&id, long, "ada", NOW).await;
    assert!(matches!(&refused, Err(Error::Asked(why)) if why.contains("Shorten")), "{refused:?}");
}
