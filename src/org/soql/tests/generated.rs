//! Queries made by chance: those built by the grammar's rules are read, those then broken are not.

use proptest::prelude::*;
use proptest::sample::select;

use super::grammar;

fn name() -> impl Strategy<Value = String> {
    select(vec![
        "Id",
        "Name",
        "Account.Name",
        "Owner.Profile.Name",
        "Custom__c",
        "Parent__r.Field__c",
        "c.LastName",
        "ns__Field__c",
    ])
    .prop_map(str::to_owned)
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9 %_äß日]{0,12}".prop_map(|text| format!("'{text}'")),
        select(vec![
            r"'it\'s'",
            r"'a\\b'",
            r"'\u00e9\n'",
            r"'50\%'",
            "TRUE",
            "false",
            "NULL",
            "TODAY",
            "last_n_days:7",
            "NEXT_FISCAL_YEAR",
            "2026-11-20",
            "2026-11-20T10:20:00Z",
            "2026-11-20T10:20:00.5+01:00",
            "USD500.25"
        ])
        .prop_map(str::to_owned),
        any::<i32>().prop_map(|n| n.to_string()),
        (any::<i16>(), 0u8..100).prop_map(|(n, d)| format!("{n}.{d}")),
    ]
}

fn comparison() -> impl Strategy<Value = String> {
    let operator = select(vec!["=", "!=", "<>", "<", "<=", ">", ">=", " LIKE ", " like "]);
    prop_oneof![
        (name(), operator, literal()).prop_map(|(n, o, l)| format!("{n}{o}{l}")),
        (
            name(),
            select(vec!["IN", "NOT IN", "INCLUDES", "EXCLUDES"]),
            prop::collection::vec(literal(), 1..4)
        )
            .prop_map(|(n, o, l)| format!("{n} {o} ({})", l.join(", "))),
        (name(), select(vec!["IN", "NOT  IN"]))
            .prop_map(|(n, o)| format!("{n} {o} (SELECT AccountId FROM Contact WHERE Name = 'x')")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    comparison().prop_recursive(3, 12, 3, |inner| {
        let several = || prop::collection::vec(inner.clone().prop_map(|c| format!("({c})")), 2..4);
        prop_oneof![
            several().prop_map(|all| all.join(" AND ")),
            several().prop_map(|all| all.join(" or ")),
            inner.clone().prop_map(|c| format!("NOT ({c})")),
        ]
    })
}

fn query() -> impl Strategy<Value = String> {
    let selected = prop_oneof![
        3 => name(),
        1 => Just("COUNT(Id) n".to_owned()),
        1 => Just("toLabel(Status)".to_owned()),
        1 => Just("(SELECT Id FROM Contacts LIMIT 3)".to_owned()),
        1 => Just("TYPEOF What WHEN Account THEN Phone, Name ELSE Id END".to_owned()),
    ];
    let order = (name(), select(vec!["", " ASC", " DESC", " desc NULLS LAST", " NULLS FIRST"]))
        .prop_map(|(n, d)| format!("{n}{d}"));
    (
        prop::collection::vec(selected, 1..5),
        select(vec!["Account", "Contact c", "Custom__c", "Case USING SCOPE mine"]),
        prop::option::of(condition()),
        prop::option::of(select(vec![
            "GROUP BY Name",
            "GROUP BY ROLLUP(Name, Type)",
            "GROUP BY Name HAVING COUNT(Id) > 1",
        ])),
        prop::option::of(prop::collection::vec(order, 1..3)),
        prop::option::of(0u32..5000),
        prop::option::of(0u32..5000),
    )
        .prop_map(|(fields, from, filter, group, order, limit, offset)| {
            let mut soql = format!("SELECT {} FROM {from}", fields.join(", "));
            for (key, value) in [
                (" WHERE ", filter),
                (" ", group.map(str::to_owned)),
                (" ORDER BY ", order.map(|o| o.join(", "))),
                (" LIMIT ", limit.map(|n| n.to_string())),
                (" OFFSET ", offset.map(|n| n.to_string())),
            ] {
                if let Some(value) = value {
                    soql.push_str(key);
                    soql.push_str(&value);
                }
            }
            soql
        })
}

/// Where a sign may be put so that it stands outside every string: before a word of the query.
fn outside_strings(soql: &str) -> Vec<usize> {
    let mut inside = false;
    let mut escaped = false;
    let mut places = Vec::new();
    for (at, c) in soql.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => inside = !inside,
            ' ' if !inside => places.push(at),
            _ => {}
        }
    }
    places
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn built_queries_are_read(soql in query()) {
        prop_assert_eq!(grammar(&soql), Ok(()), "{}", soql);
    }

    #[test]
    fn broken_queries_are_refused(soql in query(), place in any::<prop::sample::Index>(), sign in select(vec!["(", ")", "'", "\"", ";", "..", " FROM ", "#", " = ", ":x", "//", " ,, "])) {
        let places = outside_strings(&soql);
        let at = *place.get(&places);
        let (before, after) = soql.split_at(at);
        let broken = format!("{before}{sign}{after}");
        let told = grammar(&broken);
        prop_assert!(told.as_ref().is_err_and(|e| e.starts_with("MALFORMED_QUERY: ")), "{broken} was read: {told:?}");
    }

    #[test]
    fn any_text_is_answered(text in "\\PC{0,80}") {
        // Whatever it is: a verdict, never a panic.
        let told = grammar(&text);
        prop_assert!(told.is_ok() || told.is_err_and(|e| e.starts_with("MALFORMED_QUERY: ")));
    }
}
