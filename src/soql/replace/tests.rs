use proptest::prelude::*;
use serde_json::json;

use super::*;

fn soql(template: &str, values: Value) -> Result<Replaced, Problem> {
    replace(template, values.as_object().unwrap(), Dialect::Soql, false)
}

fn sosl(template: &str, values: Value) -> Result<Replaced, Problem> {
    replace(template, values.as_object().unwrap(), Dialect::Sosl, false)
}

fn query(text: &str) -> Result<Replaced, Problem> {
    Ok(Replaced::Query(text.to_owned()))
}

#[test]
fn the_examples_of_the_source_document_work() {
    assert_eq!(
        soql("select field from object", json!({"field": "Id", "object": "Task"})),
        query("select Id from Task")
    );
    assert_eq!(
        soql(r"select Id from Contact where Phone LIKE \'%number%\'", json!({"number": "5551234"})),
        query("select Id from Contact where Phone LIKE '%5551234%'")
    );
}

#[test]
fn a_key_is_no_part_of_a_word_and_no_value_holds_keys() {
    assert_eq!(
        soql("select Id, Name from Contact where Name = 'n'", json!({"n": "x"})),
        query("select Id, Name from Contact where Name = 'x'")
    );
    assert_eq!(soql("a b", json!({"a": "b", "b": "a"})), query("b a"));
    assert_eq!(
        soql("x.number, number2", json!({"num": "0", "number": "N", "number2": "M"})),
        query("x.N, M")
    );
    assert_eq!(soql("A='.*'", json!({".*": "lit$1"})), query("A='lit$1'"));
    assert_eq!(soql("N='«naïve»'", json!({"«naïve»": "日本"})), query("N='日本'"));
    assert_eq!(soql("q", json!({"n": 5, "": "x"})), query("q"));
}

#[test]
fn between_quotes_values_are_escaped() {
    assert_eq!(soql("A='{n}'", json!({"{n}": "it's"})), query(r"A='it\'s'"));
    assert_eq!(soql(r"A=\'n\'", json!({"n": "it's"})), query(r"A='it\'s'"));
    assert_eq!(soql("A='n'", json!({"n": "x' OR Name != '"})), query(r"A='x\' OR Name != \''"));
    assert_eq!(soql("A='n'", json!({"n": "end\\"})), query(r"A='end\\'"));
    assert_eq!(soql("A LIKE 'n'", json!({"n": "5\\%%"})), query(r"A LIKE '5\%%'"));
    assert_eq!(soql("A LIKE '%m%n'", json!({"m": "'", "n": "5\\%"})), query(r"A LIKE '%\'%5\%'"));
    assert_eq!(
        soql("A='n' AND B=n AND C=true_", json!({"n": 5, "true_": true})),
        query("A='5' AND B=5 AND C=true")
    );
    assert_eq!(soql("A='n'", json!({"n": null})), Ok(Replaced::Blank("A=''".to_owned())));
    // A key directly behind a backslash would take that backslash for its own first character.
    assert_eq!(soql(r"A='\n'", json!({"n": "'x"})), query(r"A='\n'"));
}

#[test]
fn outside_of_quotes_whole_clauses_are_welcome() {
    assert_eq!(
        soql("SELECT {f} FROM {o}", json!({"{f}": "Id, Name", "{o}": "Contact WHERE Name != 'x -- y'"})),
        query("SELECT Id, Name FROM Contact WHERE Name != 'x -- y'")
    );
    assert_eq!(soql("Id IN ids", json!({"ids": ["a", "b'"]})), query(r"Id IN ('a', 'b\'')"));
}

#[test]
fn outside_of_quotes_nothing_opens_or_hides_the_rest() {
    let unbalanced = Err(Problem::Unbalanced("n".to_owned()));
    let comment = Err(Problem::Comment("n".to_owned()));
    for value in ["x'", "'x", "a\\", "a\\b", "'a\\'"] {
        assert_eq!(soql("A = n AND B='c'", json!({ "n": value })), unbalanced, "{value}");
    }
    for value in ["x -- y", "x /* y", "x */", "x // y"] {
        assert_eq!(soql("A = n AND B='c'", json!({ "n": value })), comment, "{value}");
    }
    assert_eq!(soql("A = -n", json!({"n": "-1"})), comment);
    assert_eq!(soql("A = n", json!({"n": {"x": 1}})), Err(Problem::Nested("n".to_owned())));
    assert_eq!(soql("A = 'n'", json!({"n": [1]})), Err(Problem::Nested("n".to_owned())));
}

#[test]
fn strict_admits_simple_things_alone() {
    let strict = |value: &str| {
        replace("A = n", json!({ "n": value }).as_object().unwrap(), Dialect::Soql, true).is_ok()
    };
    for value in [
        "Id",
        "Account.Name",
        "5",
        "-1.5",
        "'it\\'s'",
        "('a', 'b,c', 3)",
        "Id, Name",
        "2026-11-20T10:00:00Z",
        "TODAY",
        "LAST_N_DAYS:30",
        "true",
    ] {
        assert!(strict(value), "{value}");
    }
    for value in ["", "Id FROM User", "1 OR A = 1", "'a' OR 'b'", "(1) OR (2)", "5 -- x", "1--2", "x(y)"] {
        assert!(!strict(value), "{value}");
    }
}

#[test]
fn a_pattern_of_wildcards_means_nobody() {
    let like = "select Id from Contact where Phone LIKE '%number%'";
    for number in ["", " ", "%", "123456", "anonymous"] {
        assert_eq!(soql(like, json!({ "number": number })), Ok(Replaced::Nobody), "{number}");
    }
    assert_eq!(soql("where Name LIKE '%n%'", json!({"n": ""})), Ok(Replaced::Nobody));
    assert_eq!(soql("where Name LIKE '%n%'", json!({"n": null})), Ok(Replaced::Nobody));
    assert_eq!(soql("where {c}", json!({"{c}": "Name LIKE '%%'"})), Ok(Replaced::Nobody));
    // What the author wrote is the author's.
    assert_eq!(
        soql("where Name LIKE '%' and A = 'n'", json!({"n": "x"})),
        query("where Name LIKE '%' and A = 'x'")
    );
    assert_eq!(soql("where Name = 'n'", json!({"n": "%"})), query("where Name = '%'"));
}

#[test]
fn search_terms_stay_between_their_braces() {
    let find = "FIND {term} IN ALL FIELDS RETURNING Contact(Id WHERE LastName = 'n')";
    assert_eq!(
        sosl(find, json!({"term": "x} RETURNING User(Id)", "n": "O'Brien"})),
        query(
            r"FIND {x\} RETURNING User\(Id\)} IN ALL FIELDS RETURNING Contact(Id WHERE LastName = 'O\'Brien')"
        )
    );
    assert_eq!(sosl("FIND {O'Brien n}", json!({"n": "ann*"})), query("FIND {O'Brien ann*}"));
    assert_eq!(sosl("FIND {n}", json!({"n": " "})), Ok(Replaced::Nobody));
    assert_eq!(sosl("FIND {n}", json!({"n": "**"})), Ok(Replaced::Nobody));
    assert_eq!(sosl("FIND n", json!({"n": "{a}"})), query("FIND {a}"));
    assert_eq!(sosl("FIND {a} x", json!({"x": "b}"})), Err(Problem::Unbalanced("x".to_owned())));
}

proptest! {
    /// Whatever a value holds, the text around it means what it meant: the literal that holds the
    /// value is the only difference.
    #[test]
    fn no_value_leaves_its_quotes(value in "[\\\\'{}%_/*a-c -]*") {
        let like = soql("A = 'n' AND B = 'c'", json!({ "n": value })).unwrap();
        let Replaced::Query(text) = like else { return Ok(()) };
        let seen = survey(&text, Dialect::Soql);
        prop_assert!(seen.balanced && !seen.comment);
        prop_assert_eq!(seen.insides.len(), 2);
        prop_assert!(text.starts_with("A = '") && text.ends_with("' AND B = 'c'"));
    }

    #[test]
    fn no_value_leaves_its_braces(value in "\\PC*") {
        if let Replaced::Query(text) = sosl("FIND {[n]} RETURNING C(Id)", json!({ "[n]": value })).unwrap() {
            let seen = survey(&text, Dialect::Sosl);
            prop_assert!(seen.balanced);
            prop_assert_eq!(seen.insides.len(), 1);
            let ends = text.ends_with("} RETURNING C(Id)");
            prop_assert!(ends);
        }
    }

    #[test]
    fn never_panics(template in "\\PC*", key in "\\PC{0,3}", value in "\\PC*", strict: bool, sosl: bool) {
        let dialect = if sosl { Dialect::Sosl } else { Dialect::Soql };
        let _result = replace(&template, json!({ key: value }).as_object().unwrap(), dialect, strict);
    }
}
