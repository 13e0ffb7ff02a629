//! The grammar: what is accepted, what is refused, and in which words. What queries answer is
//! tested beside (`answers`), against SQL written by hand.

mod answers;
mod generated;
mod pairs;

use std::path::PathBuf;

use serde_json::Value;

use super::parse;
use crate::org::data::tests::{ask, empty, make};

fn grammar(soql: &str) -> Result<(), String> {
    parse::soql(soql).map(drop).map_err(|e| e.to_string())
}

#[test]
#[expect(clippy::disallowed_methods, reason = "where the published queries lie is told by the environment")]
fn published_queries_are_judged_as_their_authors_do() {
    let shared = std::env::var("SHARED_DIR").unwrap_or_else(|_| "../shared".to_owned());
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(shared).join("vectors/soql.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!("SKIPPED: {} is not here", file.display());
        return;
    };
    let vectors: Value = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    for row in vectors["queries"].as_array().unwrap() {
        let (query, valid) = (row["query"].as_str().unwrap(), row["valid"] == true);
        let told =
            if row["lang"] == "soql" { grammar(query) } else { crate::org::sosl::tests::grammar(query) };
        let code = told.as_ref().err().map(|e| e.split(':').next().unwrap_or_default().to_owned());
        let expected = if row["lang"] == "soql" { "MALFORMED_QUERY" } else { "MALFORMED_SEARCH" };
        if valid != told.is_ok() || code.is_some_and(|c| c != expected) {
            wrong.push(format!("{valid} {query} {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} judged otherwise:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_clause_is_read() {
    for soql in [
        "SELECT Id FROM Contact",
        "select id, account.owner.profile.name from contact c where c.lastname = 'O\\'Brien' limit 10 offset 5",
        "SELECT Name, (SELECT LastName FROM Contacts WHERE Email != null ORDER BY LastName LIMIT 3) FROM Account",
        "SELECT COUNT() FROM Lead",
        "SELECT COUNT(Id) n, LeadSource FROM Lead GROUP BY LeadSource HAVING COUNT(Id) > 1 ORDER BY COUNT(Id) DESC NULLS LAST",
        "SELECT Status, GROUPING(Status) g, COUNT(Id) FROM Case GROUP BY ROLLUP(Status, Origin)",
        "SELECT TYPEOF What WHEN Account THEN Phone WHEN Case THEN Subject, Status ELSE Name END FROM Task",
        "SELECT FIELDS(ALL) FROM Account LIMIT 200",
        "SELECT Id FROM Case USING SCOPE mine WHERE (NOT Status = 'Closed') AND (Priority = 'High' OR Origin IN ('Web', 'Chat'))",
        "SELECT Id FROM Account WHERE Regions__c INCLUDES ('EMEA;APAC', 'AMER') AND Id NOT IN (SELECT AccountId FROM Contact)",
        "SELECT Id FROM Task WHERE CreatedDate = LAST_N_DAYS:7 AND ActivityDate < 2026-12-01 AND SystemModstamp > 2026-01-01T00:00:00+01:00",
        "SELECT FORMAT(Amount) a, toLabel(StageName), convertCurrency(Amount) c FROM Opportunity WHERE Amount > USD500",
        "SELECT CALENDAR_YEAR(convertTimezone(CreatedDate)), SUM(Amount) FROM Opportunity GROUP BY CALENDAR_YEAR(convertTimezone(CreatedDate))",
        "SELECT Id FROM Account WITH SECURITY_ENFORCED ORDER BY Name FOR VIEW",
        "SELECT Id FROM Account\nWHERE Name LIKE '50\\%\\_%'\r\n\tLIMIT 1",
    ] {
        assert_eq!(grammar(soql), Ok(()), "{soql}");
    }
}

#[test]
fn what_is_no_query_is_pointed_at() {
    for (soql, told) in [
        (
            "SELECT Id FORM Account",
            "\nSELECT Id FORM Account\n          ^\nERROR at Row:1:Column:11\nunexpected token: 'FORM'",
        ),
        (
            "SELECT Id FROM Account WHERE",
            "\nSELECT Id FROM Account WHERE\n                            ^\nERROR at Row:1:Column:29\nunexpected token: '<EOF>'",
        ),
        (
            "SELECT Id\nFROM Account\nWHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
            "\nWHERE Name = 'a' AND Name = 'b' OR Name = 'c'\n                                ^\nERROR at Row:3:Column:33\nunexpected token: 'OR'",
        ),
        (
            "SELECT Id FROM Account WHERE Id = :id",
            "\nSELECT Id FROM Account WHERE Id = :id\n                                  ^\nERROR at Row:1:Column:35\nBind variables only allowed in Apex code",
        ),
        (
            "SELECT Id FROM Account WHERE Name = \"a\"",
            "\nSELECT Id FROM Account WHERE Name = \"a\"\n                                    ^\nERROR at Row:1:Column:37\nunexpected token: '\"'",
        ),
        ("", "\n\n^\nERROR at Row:1:Column:1\nunexpected token: '<EOF>'"),
    ] {
        assert_eq!(grammar(soql), Err(format!("MALFORMED_QUERY: {told}")), "{soql}");
    }
    for soql in [
        "SELECT Id FROM Account LIMIT 10OFFSET 5",
        "SELECT Id FROM Account WHERE Name = 'a\\x'",
        "SELECT Id FROM Account WHERE Name = 'a\\u12'",
        "SELECT Id FROM Account WHERE Name = 'open",
        "SELECT Id FROM Account // comment",
        "// comment\nSELECT Id FROM Account",
        "SELECT Id FROM Account; DROP TABLE Account",
        "SELECT Id, FROM Account",
        "SELECT * FROM Account",
        "SELECT SUM() FROM Account",
        "SELECT Id FROM Account ALL ROWS",
        "SELECT Id FROM Account LIMIT 99999999999999999999999",
        "UPDATE Account SET Name = 'x'",
    ] {
        assert!(grammar(soql).is_err_and(|e| e.starts_with("MALFORMED_QUERY: ")), "{soql} was read");
    }
    let long = format!("SELECT Id FROM Account WHERE Name = '{}'", "x".repeat(100_000));
    assert_eq!(
        grammar(&long),
        Err("MALFORMED_QUERY: SOQL statements cannot be longer than 100000 characters.".to_owned())
    );
}

#[test]
fn what_means_nothing_is_told_in_salesforces_words() {
    let data = empty();
    make(&data, "Account", serde_json::json!({"Name": "Kestrel"}));
    for (soql, code, says) in [
        (
            "SELECT Id,Foo FROM Account",
            "INVALID_FIELD",
            "\nSELECT Id,Foo FROM Account\n          ^\nERROR at Row:1:Column:11\nNo such column 'Foo' on entity 'Account'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.",
        ),
        (
            "SELECT Id FROM Foo",
            "INVALID_TYPE",
            "ERROR at Row:1:Column:16\nsObject type 'Foo' is not supported.",
        ),
        (
            "SELECT Foo.Name FROM Account",
            "INVALID_FIELD",
            "Didn't understand relationship 'Foo' in field path.",
        ),
        (
            "SELECT (SELECT Id FROM Foos) FROM Account",
            "INVALID_TYPE",
            "Didn't understand relationship 'Foos' in FROM part of query call.",
        ),
        ("SELECT Id, id FROM Account", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT What.Subject FROM Task", "INVALID_FIELD", "No such column 'Subject' on entity 'Name'."),
        ("SELECT What.Profile FROM Task", "INVALID_FIELD", "No such column 'Profile' on entity 'Name'."),
        ("SELECT What.Owner.Name FROM Task", "INVALID_FIELD", "No such column 'Owner' on entity 'Name'."),
        (
            "SELECT Id FROM Account USING SCOPE team",
            "INVALID_QUERY_SCOPE",
            "scope 'team' is not supported on entity 'Account'",
        ),
        (
            "SELECT MAX(AnnualRevenue) FROM Account LIMIT 1",
            "MALFORMED_QUERY",
            "Non-grouped query that uses overall aggregate functions cannot also use LIMIT",
        ),
        (
            "SELECT Name, COUNT(Id) FROM Account",
            "MALFORMED_QUERY",
            "ERROR at Row:1:Column:8\nField must be grouped or aggregated: Name",
        ),
        ("SELECT Name n FROM Account", "MALFORMED_QUERY", "only aggregate expressions use field aliasing"),
        (
            "SELECT SUM(Name) FROM Account",
            "MALFORMED_QUERY",
            "field Name does not support aggregate operator SUM",
        ),
        ("SELECT Id FROM Account WHERE COUNT(Id) > 1", "MALFORMED_QUERY", "unexpected token: 'COUNT'"),
        (
            "SELECT Id FROM Account WHERE Name = 15.0",
            "INVALID_FIELD",
            "value of filter criterion for field 'Name' must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Case WHERE IsClosed = 'false'",
            "INVALID_FIELD",
            "value of filter criterion for field 'IsClosed' must be of type boolean and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Account WHERE NumberOfEmployees = '1'",
            "INVALID_FIELD",
            "must be of type int and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Account WHERE CreatedDate > 2026-01-01",
            "INVALID_FIELD",
            "must be of type dateTime and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Task WHERE ActivityDate > 2026-01-01T00:00:00Z",
            "INVALID_FIELD",
            "must be of type date and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Account WHERE Description = 'x'",
            "INVALID_FIELD",
            "field 'Description' can not be filtered in a query call",
        ),
        (
            "SELECT Id FROM Account ORDER BY Regions__c",
            "INVALID_FIELD",
            "field 'Regions__c' can not be sorted in a query call",
        ),
        (
            "SELECT COUNT(Id) FROM Account GROUP BY AnnualRevenue",
            "INVALID_FIELD",
            "field 'AnnualRevenue' can not be grouped in a query call",
        ),
        ("SELECT Id FROM Account WHERE Id = '1'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: 1"),
        (
            "SELECT Id FROM Account WHERE Id LIKE '001%'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on id field",
        ),
        (
            "SELECT Id FROM Account WHERE Name INCLUDES ('a')",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on string field",
        ),
        (
            "SELECT Id FROM Account OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
        ),
        (
            "SELECT FIELDS(ALL) FROM Account",
            "MALFORMED_QUERY",
            "The SOQL FIELDS function must have a LIMIT of at most 200",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT Id FROM Contact)",
            "MALFORMED_QUERY",
            "should be of the same type as the inner select field",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE AccountId IN (SELECT Id FROM Account))",
            "MALFORMED_QUERY",
            "Nesting of semi join sub-selects is not supported",
        ),
        (
            "SELECT Id FROM Account WHERE Name = 'a' OR Id IN (SELECT AccountId FROM Contact)",
            "MALFORMED_QUERY",
            "only allowed at the top level WHERE expressions",
        ),
        (
            "SELECT Id FROM Account WHERE ParentId IN (SELECT Id FROM Account)",
            "MALFORMED_QUERY",
            "should not be on the same object type",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Task)",
            "MALFORMED_QUERY",
            "Entity 'Task' is not supported for semi join inner selects",
        ),
        (
            "SELECT Id FROM Contact WHERE Account.Id IN (SELECT AccountId FROM Case)",
            "MALFORMED_QUERY",
            "must be a field of the outer object itself",
        ),
        (
            "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact LIMIT 1)",
            "MALFORMED_QUERY",
            "Semi join sub-selects can only have one field",
        ),
        (
            "SELECT Id, (SELECT Id FROM Contacts OFFSET 1) FROM Account",
            "MALFORMED_QUERY",
            "OFFSET in a subquery needs LIMIT 1",
        ),
        (
            "SELECT Parent.Parent.Parent.Parent.Parent.Parent.Name FROM Account",
            "MALFORMED_QUERY",
            "up to five levels",
        ),
        (
            "SELECT TYPEOF Account WHEN Account THEN Name END FROM Contact",
            "INVALID_FIELD",
            "TYPEOF is not supported on the relationship 'Account'",
        ),
        ("SELECT Foo(Name) FROM Account", "MALFORMED_QUERY", "unexpected token: 'Foo'"),
        (
            "SELECT DAY_ONLY(CreatedDate) FROM Account",
            "MALFORMED_QUERY",
            "Field must be grouped or aggregated: CreatedDate",
        ),
        ("SELECT COUNT() FROM Account ORDER BY Name", "MALFORMED_QUERY", "COUNT() stands alone"),
        (
            "SELECT Name, FORMAT(SUM(AnnualRevenue)) FROM Account",
            "MALFORMED_QUERY",
            "ERROR at Row:1:Column:8\nField must be grouped or aggregated: Name",
        ),
        (
            "SELECT Industry FROM Account GROUP BY Industry HAVING Name = 'x'",
            "MALFORMED_QUERY",
            "ERROR at Row:1:Column:55\nField must be grouped or aggregated: Name",
        ),
        (
            "SELECT Id FROM Account WITH DATA CATEGORY Geography__c AT usa__c",
            "MALFORMED_QUERY",
            "ERROR at Row:1:Column:24\nWITH DATA CATEGORY and WITH UserId are not supported on this entity",
        ),
        (
            "SELECT Id FROM Task WHERE ActivityDate = LAST_N_YEARS:99999",
            "INVALID_FIELD",
            "LAST_N_YEARS: the range lies outside the valid dates",
        ),
    ] {
        let told = ask(&data, soql).unwrap_err();
        let (got, message) = told.split_once(": ").unwrap();
        assert!(got == code && message.contains(says), "{soql}\n{told}");
    }
}

#[test]
fn aggregates_are_formatted_like_fields() {
    let data = empty();
    make(
        &data,
        "Opportunity",
        serde_json::json!({"Name": "x", "StageName": "Prospecting", "CloseDate": "2026-11-20", "Amount": 1234.5}),
    );
    let rows = ask(
        &data,
        "SELECT FORMAT(SUM(Amount)) s, FORMAT(convertCurrency(MAX(Amount))), FORMAT(MIN(CloseDate)), MIN(CloseDate) FROM Opportunity",
    );
    assert_eq!(
        rows.unwrap().records,
        [serde_json::json!({
            "attributes": {"type": "AggregateResult"}, "s": "$1,234.50", "expr0": "$1,234.50",
            "expr1": "11/20/2026", "expr2": "2026-11-20",
        })]
    );
}

#[test]
fn long_and_deep_queries_are_answered() {
    let data = empty();
    make(&data, "Account", serde_json::json!({"Name": "Kestrel"}));
    let many = |with: &str| (0..3_000).map(|n| format!("Name != 'a{n}'")).collect::<Vec<_>>().join(with);
    for (filter, found) in [(many(" AND "), 1), (many(" OR "), 1), (format!("NOT ({})", many(" AND ")), 0)] {
        assert_eq!(
            ask(&data, &format!("SELECT Id FROM Account WHERE {filter}")).map(|r| r.total_size),
            Ok(found)
        );
    }
    let list: Vec<String> = (0..9_000).map(|n| format!("'a{n}'")).collect();
    assert_eq!(
        ask(&data, &format!("SELECT Id FROM Account WHERE Name NOT IN ({})", list.join(",")))
            .map(|r| r.total_size),
        Ok(1)
    );
    let nots =
        |n: usize| format!("SELECT Id FROM Account WHERE {}Name = 'x'{}", "NOT (".repeat(n), ")".repeat(n));
    assert_eq!(ask(&data, &nots(51)).map(|r| r.total_size), Ok(1));
    for deep in [
        nots(15_000),
        format!("SELECT Id FROM Account WHERE {}Name = 'x'{}", "(".repeat(40_000), ")".repeat(40_000)),
        format!("SELECT {}Name{} FROM Account", "MAX(".repeat(15_000), ")".repeat(15_000)),
        format!("SELECT {}Id{}", "Id, (SELECT ".repeat(5_000), " FROM Contacts) FROM Account".repeat(5_000)),
        format!("SELECT {}Name FROM Account", "Parent.".repeat(12_000)),
        "(".repeat(90_000),
        "SELECT ".repeat(12_000),
    ] {
        let told = ask(&data, &deep).map(|r| r.total_size);
        assert!(
            told.as_ref().is_ok_and(|n| *n == 0)
                || told.as_ref().is_err_and(|e| e.starts_with("MALFORMED_QUERY")),
            "{told:?}"
        );
    }
    let parents: Vec<String> = [
        "Who",
        "What",
        "Owner",
        "Account.Parent",
        "Account.Owner",
        "CreatedBy.Manager",
        "LastModifiedBy.Profile",
    ]
    .iter()
    .flat_map(|p| ["Name", "Id"].map(|f| format!("{p}.{f}")))
    .collect();
    assert_eq!(ask(&data, &format!("SELECT {} FROM Task", parents.join(", "))).map(|r| r.total_size), Ok(0));
}

#[test]
fn a_plan_is_kept_only_where_it_stays_true() {
    use std::time::Duration;

    use crate::org::data::Context;
    use crate::org::data::tests::context;

    let data = empty();
    let case = make(&data, "Case", serde_json::json!({"Subject": "late in the evening"}));
    let found = |ctx: &Context, soql: &str, all| data.read(|tx| tx.query(ctx, soql, all)).unwrap().total_size;
    let now = context();
    let tomorrow = Context { now: now.now.plus(Duration::from_hours(24)), ..context() };
    let other = Context { user_id: crate::org::id::compose("005", 77), ..context() };
    let east = Context { time_zone: jiff::tz::TimeZone::get("Asia/Tokyo").unwrap(), ..context() };
    for (soql, ctx) in [
        ("SELECT Id FROM Case WHERE CreatedDate = TODAY", &tomorrow),
        (
            "SELECT Subject, (SELECT Id FROM Tasks WHERE CreatedDate = TODAY) FROM Case WHERE CreatedDate = TODAY",
            &tomorrow,
        ),
        (
            "SELECT Id FROM Contact WHERE Id != null AND AccountId IN (SELECT Id FROM Account WHERE CreatedDate = TODAY)",
            &tomorrow,
        ),
        ("SELECT Id FROM Case USING SCOPE mine", &other),
        ("SELECT Id FROM Case WHERE HOUR_IN_DAY(convertTimezone(CreatedDate)) = 2", &east),
    ] {
        let expected = usize::from(soql.contains("FROM Case"));
        assert_eq!((found(&now, soql, false), found(&now, soql, false)), (expected, expected), "{soql}");
        assert_eq!((found(ctx, soql, false), found(&now, soql, false)), (0, expected), "{soql}");
    }
    let soql = "SELECT Id FROM Case WHERE Subject LIKE 'late%'";
    assert_eq!((found(&now, soql, false), found(&now, soql, false)), (1, 1));
    data.transaction(|tx| tx.delete(&now, Some("Case"), &case)).unwrap().unwrap();
    assert_eq!(
        (found(&now, soql, false), found(&now, soql, true)),
        (0, 1),
        "what is kept are plans, no answers"
    );
    for n in 0..600 {
        assert_eq!(found(&now, &format!("SELECT Id FROM Case WHERE Subject = '{n}'"), false), 0);
    }
    assert_eq!(found(&now, soql, true), 1);
}
