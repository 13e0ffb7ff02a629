//! Answers compared with those of SQL written by hand over the same rows.

use rusqlite::types::ValueRef;
use serde_json::{Value, json};

use super::pairs;
use crate::org::data::Data;
use crate::org::data::tests::{ask, empty, make};

/// A small company with gaps: whatever may be empty is so somewhere.
fn company() -> Data {
    let data = empty();
    let pick = |n: usize, of: &[&str]| of.get(n % (of.len() + 1)).map(|s| (*s).to_owned());
    let mut accounts: Vec<String> = Vec::new();
    for n in 0..40 {
        let parent = (n % 3 == 1).then(|| accounts.get(n / 2)).flatten();
        accounts.push(make(&data, "Account", json!({
            "Name": format!("{} {n}", ["Kestrel", "merlin", "Ærø Håndværk", "50%_off", "O'Brien"][n % 5]),
            "ParentId": parent, "Industry": pick(n, &["Media", "Retail", "media"]), "NumberOfEmployees": (n % 4 != 0).then_some(n * 10),
            "AnnualRevenue": (n % 3 != 0).then_some(n as f64 * 1000.5), "Rating": pick(n, &["Hot", "Warm"]),
            "Active__c": n % 2 == 0, "Regions__c": pick(n, &["EMEA", "EMEA;APAC", "AMER;LATAM;EMEA"]), "OpensAt__c": pick(n, &["08:00:00", "09:30:00"]),
            "BillingCity": pick(n, &["Oslo", "Twin Falls"]), "Score__c": (n % 7) as f64 / 2.0,
        })));
    }
    for n in 0..90 {
        let account = (n % 5 != 4).then(|| accounts.get(n % 37)).flatten();
        let contact = make(
            &data,
            "Contact",
            json!({
                "LastName": format!("{}{n}", ["Okafor", "Smith", "smythe"][n % 3]), "FirstName": pick(n, &["Ann", "Joe", "ANN"]), "AccountId": account,
                "Email": (n % 4 != 0).then(|| format!("c{n}@example.{}", ["com", "org"][n % 2])), "LeadSource": pick(n, &["Web", "Other"]),
                "Phone": (n % 2 == 0).then(|| format!("+1 206 555 01{n:02}")), "DoNotCall": n % 6 == 0,
                "Birthdate": (n % 3 == 0).then(|| format!("19{}-0{}-1{}", 50 + n % 40, n % 9 + 1, n % 10)),
            }),
        );
        if n % 2 == 0 {
            let case = make(
                &data,
                "Case",
                json!({
                    "ContactId": contact, "Subject": format!("Case {n}"), "Status": pick(n, &["New", "Closed", "On Hold"]).unwrap_or("Working".into()),
                    "Origin": pick(n, &["Web", "Phone"]), "Priority": (["High", "Low"][n % 4 / 2]),
                }),
            );
            make(
                &data,
                "Task",
                json!({
                    "WhoId": contact, "WhatId": if n % 8 == 0 { json!(account) } else { json!(case) }, "Subject": format!("Call {n}"),
                    "ActivityDate": (n % 3 != 0).then(|| format!("2026-{:02}-{:02}", n % 12 + 1, n % 28 + 1)),
                    "CallDurationInSeconds": n * 7,
                }),
            );
        }
        if n % 3 == 0 {
            make(
                &data,
                "Opportunity",
                json!({
                    "Name": format!("Deal {n}"), "AccountId": account, "StageName": (["Prospecting", "Closed Won", "Closed Lost"][n % 9 / 3]),
                    "CloseDate": format!("202{}-{:02}-{:02}", 5 + n % 3, n % 12 + 1, n % 28 + 1), "Amount": (n % 4 != 1).then_some(n * 100),
                }),
            );
        }
    }
    data.transaction(|tx| {
        // Creation times, which nobody may give, spread over days and hours.
        for table in ["Account", "Contact", "\"Case\"", "Task", "Opportunity"] {
            let sql = format!("UPDATE {table} SET CreatedDate = 1795170000000 - rowid * 33000000");
            tx.db.execute(&sql, []).unwrap();
        }
        for n in [3, 17, 20] {
            tx.delete(&crate::org::data::tests::context(), Some("Case"), &crate::org::id::compose("500", n))
                .unwrap();
        }
    })
    .unwrap();
    data
}

/// The record's values in order, parents opened, flags as numbers.
fn values(record: &Value) -> Vec<Value> {
    let Value::Object(fields) = record else {
        return vec![match record {
            Value::Bool(b) => json!(u8::from(*b)),
            other => other.clone(),
        }];
    };
    fields.iter().filter(|(key, _)| *key != "attributes").flat_map(|(_, value)| values(value)).collect()
}

fn by_hand(data: &Data, sql: &str) -> Vec<Vec<Value>> {
    data.read(|tx| {
        let mut statement = tx.db.prepare(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        let mut out = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let cell = |at| match row.get_ref(at).unwrap() {
                ValueRef::Integer(n) => json!(n),
                ValueRef::Real(n) => json!(n),
                ValueRef::Text(text) => json!(std::str::from_utf8(text).unwrap()),
                _ => Value::Null,
            };
            out.push((0..columns).map(cell).collect());
        }
        out
    })
}

#[derive(Debug, Default)]
struct Compared {
    queries: usize,
    rows: usize,
}

impl Compared {
    fn same(&mut self, data: &Data, soql: &str, sql: &str) {
        let found = ask(data, soql).unwrap_or_else(|e| panic!("{soql}\n{e}"));
        let found: Vec<Vec<Value>> = found.records.iter().map(values).collect();
        assert_eq!(found, by_hand(data, sql), "\n{soql}\n{sql}");
        self.queries += 1;
        self.rows += found.len();
    }
}

/// Conditions on an account in both languages.
const OF_ACCOUNTS: &[(&str, &str)] = &[
    ("Name = 'KESTREL 0'", "lower(Name) = 'kestrel 0'"),
    ("Name != 'kestrel 0'", "lower(Name) <> 'kestrel 0'"),
    ("Name > 'M'", "lower(Name) > 'm'"),
    ("Name <= 'merlin 6'", "lower(Name) <= 'merlin 6'"),
    ("Name LIKE 'kes%'", "Name LIKE 'kes%'"),
    ("Name LIKE '%1_'", "Name LIKE '%1_'"),
    ("Name LIKE '50\\%\\_off%'", "substr(Name, 1, 7) = '50%_off'"),
    ("Name LIKE 'ÆRØ hÅnd%'", "substr(Name, 1, 7) = 'Ærø Hån'"),
    ("Name LIKE 'o\\'brien%'", "Name LIKE 'o''brien%'"),
    ("(NOT Name LIKE '%e%')", "Name NOT LIKE '%e%'"),
    ("Industry = 'media'", "lower(Industry) = 'media'"),
    ("Industry != 'Media'", "Industry IS NULL OR lower(Industry) <> 'media'"),
    ("(NOT Industry = 'Media')", "Industry IS NULL OR lower(Industry) <> 'media'"),
    ("Industry = null", "Industry IS NULL"),
    ("Industry != null", "Industry IS NOT NULL"),
    // Text without a letter is an empty field.
    ("Industry = ''", "Industry IS NULL"),
    ("Industry != ''", "Industry IS NOT NULL"),
    ("(NOT Industry = '')", "Industry IS NOT NULL"),
    ("Industry IN ('', 'Retail')", "Industry IS NULL OR Industry = 'Retail'"),
    ("Industry NOT IN ('')", "Industry IS NOT NULL"),
    ("ParentId = ''", "ParentId IS NULL"),
    ("ParentId != ''", "ParentId IS NOT NULL"),
    ("Industry IN ('RETAIL', null)", "Industry = 'Retail' OR Industry IS NULL"),
    ("Industry NOT IN ('Retail')", "Industry IS NULL OR Industry <> 'Retail'"),
    ("Industry NOT IN ('Retail', null)", "Industry IS NOT NULL AND Industry <> 'Retail'"),
    ("NumberOfEmployees > 100", "NumberOfEmployees > 100"),
    ("NumberOfEmployees <= 100", "NumberOfEmployees <= 100"),
    ("(NOT NumberOfEmployees > 100)", "NumberOfEmployees IS NULL OR NumberOfEmployees <= 100"),
    ("NumberOfEmployees IN (10, 20, 30)", "NumberOfEmployees IN (10, 20, 30)"),
    ("NumberOfEmployees = null", "NumberOfEmployees IS NULL"),
    ("AnnualRevenue >= 4002.0", "AnnualRevenue >= 4002"),
    ("AnnualRevenue < USD4002", "AnnualRevenue < 4002"),
    ("Score__c = 1.5", "Score__c = 1.5"),
    ("Score__c > -1", "Score__c > -1"),
    ("Active__c = true", "Active__c = 1"),
    ("Active__c != TRUE", "Active__c = 0"),
    ("Active__c = null", "Active__c = 0"),
    ("Regions__c INCLUDES ('EMEA')", "Regions__c LIKE '%EMEA%'"),
    ("Regions__c INCLUDES ('emea;apac', 'AMER')", "Regions__c LIKE '%AMER%' OR Regions__c = 'EMEA;APAC'"),
    ("Regions__c EXCLUDES ('APAC')", "Regions__c IS NULL OR Regions__c NOT LIKE '%APAC%'"),
    ("Regions__c = 'EMEA;APAC'", "Regions__c = 'EMEA;APAC'"),
    ("OpensAt__c > '08:30:00.000Z'", "OpensAt__c > '08:30'"),
    ("ParentId = null", "ParentId IS NULL"),
    ("Parent.Name = null", "ParentId IS NULL"),
    ("Parent.Name LIKE '%1%'", "(SELECT p.Name FROM Account p WHERE p.Id = a.ParentId) LIKE '%1%'"),
    (
        "Parent.Industry != 'Media'",
        "NOT EXISTS (SELECT 1 FROM Account p WHERE p.Id = a.ParentId AND lower(p.Industry) = 'media')",
    ),
    (
        "Parent.Parent.Name != null",
        "EXISTS (SELECT 1 FROM Account p WHERE p.Id = a.ParentId AND p.ParentId IS NOT NULL)",
    ),
    (
        "Parent.Active__c = false",
        "NOT EXISTS (SELECT 1 FROM Account p WHERE p.Id = a.ParentId AND p.Active__c = 1)",
    ),
    (
        "Name LIKE 'K%' AND Active__c = true AND Rating = 'Hot'",
        "Name LIKE 'K%' AND Active__c = 1 AND Rating = 'Hot'",
    ),
    (
        "Rating = 'Hot' OR Rating = 'Warm' OR Industry = 'Retail'",
        "Rating IN ('Hot', 'Warm') OR Industry = 'Retail'",
    ),
    (
        "(Rating = 'Hot' OR BillingCity = 'Oslo') AND (NOT (Active__c = true AND Score__c > 1))",
        "(Rating = 'Hot' OR BillingCity = 'Oslo') AND NOT (Active__c = 1 AND Score__c > 1)",
    ),
    ("CreatedDate > 2026-11-15T10:20:00Z", "CreatedDate > strftime('%s', '2026-11-15T10:20:00Z') * 1000"),
    (
        "CreatedDate <= 2026-11-15T11:20:00+01:00",
        "CreatedDate <= strftime('%s', '2026-11-15T10:20:00Z') * 1000",
    ),
    // The user's midnights are at 08:00 UTC.
    ("CreatedDate = TODAY", "CreatedDate >= 1795161600000 AND CreatedDate < 1795248000000"),
    ("CreatedDate = YESTERDAY", "CreatedDate >= 1795075200000 AND CreatedDate < 1795161600000"),
    ("CreatedDate = LAST_N_DAYS:3", "CreatedDate >= 1794902400000 AND CreatedDate < 1795248000000"),
    ("CreatedDate < LAST_N_DAYS:3", "CreatedDate < 1794902400000"),
    ("CreatedDate > YESTERDAY", "CreatedDate >= 1795161600000"),
    ("CreatedDate >= YESTERDAY", "CreatedDate >= 1795075200000"),
    ("CreatedDate <= YESTERDAY", "CreatedDate < 1795161600000"),
    ("CreatedDate != YESTERDAY", "CreatedDate < 1795075200000 OR CreatedDate >= 1795161600000"),
    ("CreatedDate = THIS_WEEK", "CreatedDate >= 1794729600000 AND CreatedDate < 1795334400000"),
    ("CALENDAR_MONTH(CreatedDate) = 11", "strftime('%m', CreatedDate / 1000, 'unixepoch') = '11'"),
    (
        "HOUR_IN_DAY(convertTimezone(CreatedDate)) = 2",
        "strftime('%H', CreatedDate / 1000 - 28800, 'unixepoch') = '02'",
    ),
    ("DAY_ONLY(CreatedDate) = 2026-11-18", "date(CreatedDate / 1000, 'unixepoch') = '2026-11-18'"),
    (
        "Id IN (SELECT AccountId FROM Contact WHERE LastName LIKE 'Ok%')",
        "Id IN (SELECT AccountId FROM Contact WHERE LastName LIKE 'Ok%')",
    ),
    (
        "Id NOT IN (SELECT AccountId FROM Contact)",
        "Id NOT IN (SELECT AccountId FROM Contact WHERE AccountId IS NOT NULL)",
    ),
    (
        "Id IN (SELECT AccountId FROM Opportunity WHERE IsWon = true) AND Id NOT IN (SELECT AccountId FROM Contact WHERE DoNotCall = true)",
        "EXISTS (SELECT 1 FROM Opportunity o WHERE o.AccountId = a.Id AND IsWon = 1) AND NOT EXISTS (SELECT 1 FROM Contact c WHERE c.AccountId = a.Id AND DoNotCall = 1)",
    ),
    ("toLabel(Regions__c) = 'Europe and Africa'", "Regions__c = 'EMEA'"),
];

/// Orders and pages in both languages.
const ORDERS: &[(&str, &str)] = &[
    ("ORDER BY Name", "ORDER BY Name COLLATE SALESFORCE, a.rowid"),
    (
        "ORDER BY Industry DESC NULLS LAST, Name DESC LIMIT 7",
        "ORDER BY Industry IS NULL, lower(Industry) DESC, Name COLLATE SALESFORCE DESC LIMIT 7",
    ),
    (
        "ORDER BY NumberOfEmployees DESC LIMIT 20 OFFSET 3",
        "ORDER BY NumberOfEmployees IS NOT NULL, NumberOfEmployees DESC, a.rowid LIMIT 20 OFFSET 3",
    ),
    ("LIMIT 5", "ORDER BY a.rowid LIMIT 5"),
];

/// Whole questions in both languages.
const WHOLE: &[(&str, &str)] = &[
    (
        "SELECT Name, Account.Name, Account.Parent.Name FROM Contact WHERE AccountId != null ORDER BY Account.Name, Name",
        "SELECT c.Name, a.Name, p.Name FROM Contact c JOIN Account a ON a.Id = c.AccountId LEFT JOIN Account p ON p.Id = a.ParentId ORDER BY a.Name, c.Name",
    ),
    (
        "SELECT c.LastName FROM Contact c, c.Account a WHERE a.Industry = 'Retail' AND c.Email LIKE '%.org'",
        "SELECT LastName FROM Contact WHERE Email LIKE '%.org' AND AccountId IN (SELECT Id FROM Account WHERE Industry = 'Retail') ORDER BY rowid",
    ),
    (
        "SELECT Subject, Who.Name, Who.Type FROM Task WHERE Who.Name LIKE 'Ann%' ORDER BY Who.Name DESC",
        "SELECT t.Subject, c.Name, 'Contact' FROM Task t JOIN Contact c ON c.Id = t.WhoId WHERE c.FirstName LIKE 'Ann' ORDER BY c.Name DESC",
    ),
    (
        "SELECT Subject, What.Name FROM Task WHERE What.Type = 'Case' ORDER BY What.Name",
        "SELECT t.Subject, s.CaseNumber FROM Task t JOIN \"Case\" s ON s.Id = t.WhatId ORDER BY s.CaseNumber",
    ),
    (
        "SELECT CaseNumber, Contact.Account.Name FROM Case WHERE IsClosed = false AND Contact.Account.Rating != 'Hot'",
        "SELECT s.CaseNumber, a.Name FROM \"Case\" s LEFT JOIN Contact c ON c.Id = s.ContactId LEFT JOIN Account a ON a.Id = c.AccountId WHERE s.IsDeleted = 0 AND s.IsClosed = 0 AND a.Rating IS NOT 'Hot' ORDER BY s.rowid",
    ),
    (
        "SELECT Status, COUNT(Id) FROM Case GROUP BY Status ORDER BY COUNT(Id) DESC, Status",
        "SELECT Status, count(*) FROM \"Case\" WHERE IsDeleted = 0 GROUP BY Status ORDER BY 2 DESC, 1",
    ),
    (
        "SELECT COUNT(Id), COUNT(Industry), COUNT_DISTINCT(Industry), MIN(Name), MAX(CreatedDate), SUM(NumberOfEmployees), AVG(Score__c) FROM Account",
        "SELECT count(*), count(Industry), 2, min(Name COLLATE SALESFORCE), strftime('%Y-%m-%dT%H:%M:%S.000+0000', max(CreatedDate) / 1000, 'unixepoch'), sum(NumberOfEmployees), avg(Score__c) FROM Account",
    ),
    (
        "SELECT Account.Industry ind, SUM(Amount) total FROM Opportunity WHERE StageName != 'Closed Lost' GROUP BY Account.Industry HAVING SUM(Amount) > 2000 ORDER BY Account.Industry NULLS LAST",
        "SELECT min(a.Industry), sum(o.Amount) FROM Opportunity o LEFT JOIN Account a ON a.Id = o.AccountId WHERE o.StageName <> 'Closed Lost' GROUP BY lower(a.Industry) HAVING sum(o.Amount) > 2000 ORDER BY a.Industry IS NULL, lower(a.Industry)",
    ),
    (
        "SELECT CALENDAR_YEAR(CloseDate) y, CALENDAR_QUARTER(CloseDate) q, COUNT(Id) n FROM Opportunity GROUP BY CALENDAR_YEAR(CloseDate), CALENDAR_QUARTER(CloseDate) ORDER BY CALENDAR_YEAR(CloseDate), CALENDAR_QUARTER(CloseDate) DESC",
        "SELECT substr(CloseDate, 1, 4) + 0, (substr(CloseDate, 6, 2) + 2) / 3 q, count(*) FROM Opportunity GROUP BY 1, 2 ORDER BY 1, 2 DESC",
    ),
    (
        "SELECT DAY_ONLY(convertTimezone(CreatedDate)) d, COUNT(Id) FROM Contact GROUP BY DAY_ONLY(convertTimezone(CreatedDate)) HAVING COUNT(Id) > 2 ORDER BY DAY_ONLY(convertTimezone(CreatedDate))",
        "SELECT date(CreatedDate / 1000 - iif(CreatedDate < 1793520000000, 25200, 28800), 'unixepoch') d, count(*) FROM Contact GROUP BY 1 HAVING count(*) > 2 ORDER BY 1",
    ),
    (
        "SELECT StageName, IsWon, GROUPING(StageName) g, COUNT(Id) n, SUM(Amount) FROM Opportunity GROUP BY ROLLUP(StageName, IsWon) ORDER BY GROUPING(StageName), StageName, GROUPING(IsWon)",
        "SELECT StageName, IsWon, g, n, total FROM (SELECT StageName, IsWon, 0 g, count(*) n, sum(Amount) total, 0 h FROM Opportunity GROUP BY 1, 2 UNION ALL SELECT StageName, NULL, 0, count(*), sum(Amount), 1 FROM Opportunity GROUP BY 1 UNION ALL SELECT NULL, NULL, 1, count(*), sum(Amount), 1 FROM Opportunity) ORDER BY g, StageName, h",
    ),
    (
        "SELECT Origin, Priority, COUNT(Id) n FROM Case GROUP BY CUBE(Origin, Priority) ORDER BY GROUPING(Origin), GROUPING(Priority), Origin, Priority",
        "SELECT Origin, Priority, n FROM (SELECT Origin, Priority, count(*) n, 0 a, 0 b FROM \"Case\" WHERE IsDeleted = 0 GROUP BY 1, 2 UNION ALL SELECT Origin, NULL, count(*), 0, 1 FROM \"Case\" WHERE IsDeleted = 0 GROUP BY 1 UNION ALL SELECT NULL, Priority, count(*), 1, 0 FROM \"Case\" WHERE IsDeleted = 0 GROUP BY 2 UNION ALL SELECT NULL, NULL, count(*), 1, 1 FROM \"Case\" WHERE IsDeleted = 0) ORDER BY a, b, Origin, Priority",
    ),
    (
        "SELECT Birthdate FROM Contact WHERE Birthdate < 1960-01-01 ORDER BY Birthdate DESC",
        "SELECT Birthdate FROM Contact WHERE Birthdate < '1960-01-01' ORDER BY Birthdate DESC",
    ),
    (
        "SELECT Subject, ActivityDate FROM Task WHERE ActivityDate = THIS_QUARTER ORDER BY ActivityDate",
        "SELECT Subject, ActivityDate FROM Task WHERE ActivityDate >= '2026-10-01' AND ActivityDate < '2027-01-01' ORDER BY ActivityDate, rowid",
    ),
    (
        "SELECT Subject FROM Task WHERE ActivityDate > NEXT_N_DAYS:10 OR ActivityDate = null",
        "SELECT Subject FROM Task WHERE ActivityDate >= '2026-12-01' OR ActivityDate IS NULL ORDER BY rowid",
    ),
    (
        "SELECT Owner.Name, Id FROM Case WHERE OwnerId = '005Tl000000000X' LIMIT 2",
        "SELECT NULL, Id FROM \"Case\" WHERE IsDeleted = 0 ORDER BY rowid LIMIT 2",
    ),
    (
        "SELECT toLabel(Regions__c) FROM Account WHERE Regions__c = 'EMEA' LIMIT 1",
        "SELECT 'Europe and Africa'",
    ),
    (
        "SELECT Id FROM Case USING SCOPE mine LIMIT 3",
        "SELECT Id FROM \"Case\" WHERE IsDeleted = 0 ORDER BY rowid LIMIT 3",
    ),
];

/// By object: conditions in both languages.
const OF_CONDITIONS: &[(&str, &[(&str, &str)])] = &[
    ("Contact", pairs::OF_CONTACTS),
    ("Case", pairs::OF_CASES),
    ("Task", pairs::OF_TASKS),
    ("Opportunity", pairs::OF_OPPORTUNITIES),
];

#[test]
fn two_hundred_answers_are_those_of_sql() {
    let data = company();
    let mut compared = Compared::default();
    for (soql, sql) in OF_ACCOUNTS {
        for (order, by) in ORDERS {
            compared.same(
                &data,
                &format!("SELECT Id, Name, Industry, NumberOfEmployees, Active__c FROM Account WHERE {soql} {order}"),
                &format!("SELECT Id, Name, Industry, NumberOfEmployees, Active__c FROM Account a WHERE ({sql}) {by}"),
            );
        }
        let counted = ask(&data, &format!("SELECT COUNT() FROM Account WHERE {soql}")).unwrap();
        let expected = by_hand(&data, &format!("SELECT count(*) FROM Account a WHERE {sql}"));
        assert_eq!((json!(counted.total_size), counted.records.len()), (expected[0][0].clone(), 0), "{soql}");
        compared.queries += 1;
    }
    for (object, conditions) in OF_CONDITIONS {
        for (soql, sql) in *conditions {
            compared.same(
                &data,
                &format!("SELECT Id, CreatedById FROM {object} WHERE {soql}"),
                &format!(
                    "SELECT Id, CreatedById FROM \"{object}\" WHERE ({sql}) AND IsDeleted = 0 ORDER BY rowid"
                ),
            );
        }
    }
    for (soql, sql) in WHOLE.iter().chain(pairs::GROUPED) {
        compared.same(&data, soql, sql);
    }
    let written = OF_ACCOUNTS.len() + OF_CONDITIONS.iter().map(|(_, of)| of.len()).sum::<usize>();
    assert!(written + WHOLE.len() + pairs::GROUPED.len() >= 200, "questions written by hand");
    assert!(compared.queries > 400 && compared.rows > 1_500, "{compared:?}");
}

#[test]
fn children_stand_beneath_their_parents() {
    let data = company();
    let rows = ask(&data, "SELECT Name, (SELECT Name, Account.Name FROM Contacts WHERE Email != null ORDER BY Name DESC LIMIT 2), (SELECT Id, (SELECT Subject FROM Tasks) FROM Cases) FROM Account ORDER BY Name").unwrap();
    assert_eq!(rows.total_size, 40);
    for row in &rows.records {
        let name = row["Name"].as_str().unwrap().replace('\'', "''");
        let id = format!("(SELECT Id FROM Account WHERE Name = '{name}')");
        let contacts = by_hand(
            &data,
            &format!(
                "SELECT Name FROM Contact WHERE AccountId = {id} AND Email IS NOT NULL ORDER BY Name COLLATE SALESFORCE DESC LIMIT 2"
            ),
        );
        let cases = by_hand(
            &data,
            &format!("SELECT Id FROM \"Case\" WHERE AccountId = {id} AND IsDeleted = 0 ORDER BY rowid"),
        );
        for (child, expected) in [("Contacts", contacts), ("Cases", cases)] {
            if expected.is_empty() {
                assert_eq!(row[child], Value::Null);
                continue;
            }
            assert_eq!(
                (&row[child]["totalSize"], &row[child]["done"]),
                (&json!(expected.len()), &json!(true))
            );
            let records = row[child]["records"].as_array().unwrap();
            let first: Vec<&Value> =
                records.iter().map(|r| if child == "Cases" { &r["Id"] } else { &r["Name"] }).collect();
            assert_eq!(first, expected.iter().map(|r| &r[0]).collect::<Vec<_>>());
            if child == "Contacts" {
                assert_eq!(records[0]["Account"]["Name"], row["Name"]);
            } else {
                let task = &records[0]["Tasks"];
                assert!(task.is_null() || task["records"][0]["Subject"].is_string());
            }
        }
    }
}

#[test]
fn records_have_salesforces_shape() {
    let data = company();
    let one = |soql: &str| ask(&data, soql).unwrap().records.remove(0);
    let account = crate::org::id::compose("001", 2);
    let url = |object: &str, id: &str| json!({"type": object, "url": format!("/services/data/v66.0/sobjects/{object}/{id}")});
    let row = one(
        "select parent.name, NAME, account.billingcity, BillingAddress, annualrevenue, Format(AnnualRevenue) money from account where Parent.Name != null limit 1",
    );
    assert_eq!(
        row,
        json!({
            "attributes": url("Account", &account),
            "Parent": {"attributes": url("Account", &crate::org::id::compose("001", 1)), "Name": "Kestrel 0"},
            "Name": "merlin 1", "BillingCity": "Twin Falls",
            "BillingAddress": {"city": "Twin Falls", "country": null, "geocodeAccuracy": null, "latitude": null, "longitude": null, "postalCode": null, "state": null, "street": null},
            "AnnualRevenue": 1000.5, "money": "$1,000.50",
        })
    );
    let order: Vec<&String> = row.as_object().unwrap().keys().collect();
    assert_eq!(
        order,
        ["attributes", "Parent", "Name", "BillingCity", "BillingAddress", "AnnualRevenue", "money"]
    );
    let task = one(
        "SELECT Who.Name, TYPEOF What WHEN Account THEN Industry, Owner.Name WHEN Case THEN CaseNumber ELSE Name END FROM Task WHERE What.Type = 'Case' LIMIT 1",
    );
    assert_eq!(task["Who"]["attributes"]["type"], "Name");
    assert!(task["Who"]["attributes"]["url"].as_str().unwrap().contains("/sobjects/Contact/003"));
    assert_eq!(task["What"]["attributes"]["type"], "Case");
    assert!(task["What"]["CaseNumber"].is_string() && task["What"].get("Industry").is_none());
    let task = one(
        "SELECT TYPEOF What WHEN Account THEN Phone ELSE Name, Email END FROM Task WHERE What.Type = 'Case' AND What.Email = null AND Who.IsActive = false LIMIT 1",
    );
    assert!(task["What"]["Name"].is_string() && task["What"]["Email"].is_null(), "no case has one: {task}");
    data.read(|tx| {
        tx.query(
            &crate::org::data::tests::context(),
            "SELECT Owner.Name FROM Event WHERE Owner.Type = 'User'",
            false,
        )
    })
    .unwrap();
    let group = one("SELECT Status, COUNT(Id), MAX(CreatedDate) latest FROM Case GROUP BY Status");
    assert_eq!(group["attributes"], json!({"type": "AggregateResult"}));
    assert!(group["expr0"].is_u64() && group["latest"].as_str().unwrap().ends_with(".000+0000"));
    let all = one("SELECT FIELDS(STANDARD) FROM Contact LIMIT 1");
    assert!(all["MailingAddress"].is_null() && all.get("WriteKey__c").is_none() && all["IsDeleted"] == false);
    let bin = data
        .read(|tx| {
            tx.query(
                &crate::org::data::tests::context(),
                "SELECT Id, IsDeleted FROM Case WHERE IsDeleted = true",
                true,
            )
        })
        .unwrap();
    assert_eq!(bin.total_size, 3);
    assert_eq!(ask(&data, "SELECT Id FROM Case WHERE IsDeleted = true").unwrap().total_size, 0);
}
