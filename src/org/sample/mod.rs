//! The sample company: a telephone system house in Seattle, its customers in eight countries, and
//! what they called about. The same seed makes the same company.
//!
//! Names, addresses and subjects are made up (`company.json`); numbers are of the ranges that the
//! countries' regulators keep for fiction, so that nobody can be called by mistake. One exception:
//! Amazon's documentation lets its sample event come from `+1234567890`, so that is the mobile
//! number of the first contact, and the documented event finds somebody.

mod phone;

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::org::auth::Identity;
use crate::org::data::{Context, Data, Tx};
use crate::org::error::OrgError;
use crate::org::id;
use crate::org::wire::Chance;
use crate::time::Timestamp;

/// The rows of `BigTable__c`, for clients that page: as many as the suites of such clients look for.
const BIG_TABLE: u32 = 25_000;

const DAY: Duration = Duration::from_hours(24);

#[derive(Deserialize)]
struct Company {
    organization: Value,
    users: Vec<[String; 7]>,
    groups: Vec<[String; 2]>,
    queues: Vec<String>,
    accounts: Vec<Account>,
    streets: Map<String, Value>,
    people: std::collections::HashMap<String, Names>,
    titles: Vec<String>,
    cases: Vec<Case>,
    tasks: Vec<String>,
    posts: Vec<String>,
    stages: Vec<String>,
    deals: Vec<String>,
    campaigns: Vec<[String; 3]>,
}

#[derive(Deserialize)]
struct Account {
    name: String,
    industry: String,
    #[serde(rename = "type")]
    kind: String,
    city: String,
    state: String,
    postal: String,
    country: String,
    employees: String,
    revenue: String,
}

#[derive(Deserialize)]
struct Names {
    first: Vec<String>,
    last: Vec<String>,
}

#[derive(Deserialize)]
struct Case {
    subject: String,
    #[serde(rename = "type")]
    kind: String,
    reason: String,
    priority: String,
}

/// Fills a new org; tells who its sessions run as. An org that has its user already is left alone.
pub(super) fn fill(
    data: &Data,
    sample: bool,
    seed: u64,
    now: Timestamp,
) -> Result<(Context, Identity), String> {
    let user_id = id::compose("005", 1);
    let context = Context {
        user_id: user_id.clone(),
        now,
        api_version: 68,
        time_zone: jiff::tz::TimeZone::get("America/Los_Angeles").map_err(|e| e.to_string())?,
        allow_duplicates: true,
    };
    let company: Company = serde_json::from_str(include_str!("company.json")).map_err(|e| e.to_string())?;
    let made = data
        .transaction(|tx| {
            if tx.retrieve(&context, "User", &user_id, Some(&["Id"])).is_ok() {
                return Ok(());
            }
            let mut maker = Maker {
                tx,
                ctx: context.clone(),
                now,
                chance: Chance::new(seed, 0x5A),
                phones: phone::Book::default(),
            };
            maker.base(&company)?;
            if sample { maker.sample(&company) } else { Ok(()) }
        })
        .map_err(|e| e.to_string())?;
    made.map_err(|e: OrgError| format!("the sample company could not be made: {e}"))?;
    let identity =
        Identity { org_id: id::compose("00D", 1), user_id, username: "integration@example.com".to_owned() };
    Ok((Context { allow_duplicates: false, ..context }, identity))
}

struct Maker<'a> {
    tx: &'a Tx<'a>,
    ctx: Context,
    now: Timestamp,
    chance: Chance,
    phones: phone::Book,
}

impl Maker<'_> {
    fn make(&self, object: &str, fields: Value) -> Result<String, OrgError> {
        let Value::Object(mut fields) = fields else {
            return Err(OrgError::unexpected("a record is an object"));
        };
        fields.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
        self.tx.insert(&self.ctx, object, &fields).map_err(|errors| {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            OrgError::unexpected(format!("{object}: {}", all.join("; ")))
        })
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.chance.below(bound as u64)).unwrap_or_default()
    }

    fn pick<'v, T>(&mut self, of: &'v [T]) -> Option<&'v T> {
        let at = self.below(of.len());
        of.get(at)
    }

    /// Lets what follows be made some days ago, at an hour of work.
    fn ago(&mut self, days: usize) {
        let hours = u32::try_from(days * 24 + self.below(9)).unwrap_or_default();
        self.ctx.now = self.now.minus(DAY / 24 * hours);
    }

    fn date(&self, days: i32) -> String {
        let by = DAY * days.unsigned_abs();
        let at = if days < 0 { self.now.minus(by) } else { self.now.plus(by) };
        at.to_rfc3339().get(..10).unwrap_or_default().to_owned()
    }

    /// What even an empty org has: itself and the user of its sessions.
    fn base(&mut self, company: &Company) -> Result<(), OrgError> {
        self.make("Organization", company.organization.clone())?;
        let profile = self.make("Profile", json!({"Name": "Standard User", "UserType": "Standard"}))?;
        for user in company.users.iter().take(1) {
            self.user(user, &profile)?;
        }
        Ok(())
    }

    fn user(&self, user: &[String; 7], profile: &str) -> Result<String, OrgError> {
        let [first, last, email, alias, title, department, zone] = user;
        self.make(
            "User",
            json!({
                "FirstName": first, "LastName": last, "Username": email, "Email": email, "Alias": alias,
                "CommunityNickname": alias, "Title": title, "Department": department, "TimeZoneSidKey": zone,
                "ProfileId": profile, "IsActive": true, "LocaleSidKey": "en_US", "LanguageLocaleKey": "en_US",
                "EmailEncodingKey": "UTF-8", "CompanyName": "Wren & Halloran Telephony",
            }),
        )
    }

    fn sample(&mut self, company: &Company) -> Result<(), OrgError> {
        self.ago(900);
        let profile = id::compose("00e", 1);
        let mut staff = Vec::new();
        for user in company.users.iter().skip(1) {
            staff.push(self.user(user, &profile)?);
        }
        for [name, description] in &company.groups {
            self.make("CollaborationGroup", json!({"Name": name, "Description": description}))?;
        }
        for name in &company.queues {
            self.make(
                "Group",
                json!({"Name": name, "DeveloperName": name.replace(' ', "_"), "Type": "Queue"}),
            )?;
        }
        let campaigns = company
            .campaigns
            .iter()
            .map(|[name, kind, status]| {
                let dates = (self.date(-120), self.date(60));
                self.make("Campaign", json!({"Name": name, "Type": kind, "Status": status, "IsActive": status == "In Progress", "StartDate": dates.0, "EndDate": dates.1}))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut contacts = 0;
        for (at, account) in company.accounts.iter().enumerate() {
            let id = self.account(company, account, at, &staff)?;
            // Two to five people an account, so that there are about two hundred.
            let people = 2 + self.below(4);
            let mut known = Vec::new();
            for _ in 0..people {
                known.push(self.contact(company, account, &id, contacts)?);
                contacts += 1;
            }
            self.business(company, account, &id, &known, &staff)?;
            if let (Some(campaign), Some(contact)) = (campaigns.get(at % 7), known.first()) {
                self.make(
                    "CampaignMember",
                    json!({"CampaignId": campaign, "ContactId": contact, "Status": "Sent"}),
                )?;
            }
        }
        self.leads(company)?;
        self.adapter()?;
        self.ago(30);
        let first = self.make("BigTable__c", json!({"Value__c": 0}))?;
        let values: Vec<f64> = (1..BIG_TABLE)
            .map(|_| f64::from(u32::try_from(self.chance.below(1_000_000)).unwrap_or_default()))
            .collect();
        self.tx.copies("BigTable__c", &first, "Value__c", values)?;
        Ok(())
    }

    fn account(
        &mut self,
        company: &Company,
        account: &Account,
        at: usize,
        staff: &[String],
    ) -> Result<String, OrgError> {
        let days = 700 - self.below(500);
        self.ago(days);
        let street = self.street(company, &account.country);
        let owner = self.pick(staff).cloned();
        let phone = self.phones.landline(&account.country, &account.city);
        let site: String = account.name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        let revenue = account.revenue.parse::<f64>().unwrap_or_default() * 1_000_000.0;
        let employees = account.employees.parse::<u32>().unwrap_or_default();
        let tier = ["Gold", "Silver", "Bronze"].get(self.below(3)).copied();
        let region = match account.country.as_str() {
            "United States" | "Canada" => "AMER",
            "Australia" => "APAC",
            _ => "EMEA",
        };
        self.make(
            "Account",
            json!({
                "Name": account.name, "Industry": account.industry, "Type": account.kind, "Phone": phone,
                "BillingStreet": street, "BillingCity": account.city, "BillingState": account.state,
                "BillingPostalCode": account.postal, "BillingCountry": account.country, "OwnerId": owner,
                "NumberOfEmployees": employees, "AnnualRevenue": revenue, "AccountNumber": format!("WH-{:05}", 10_040 + at * 7),
                "Website": format!("https://www.{site}.example.com"), "Tier__c": tier, "Regions__c": region,
                "CustomerNumber__c": format!("C-{:04}", 1_001 + at), "Active__c": account.kind != "Prospect",
                "Rating": if employees > 500 { "Hot" } else { "Warm" },
            }),
        )
    }

    fn street(&mut self, company: &Company, country: &str) -> String {
        let streets = company.streets.get(country).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let number = 4 + self.below(180);
        let street = self.pick(streets).and_then(Value::as_str).unwrap_or("High Street");
        if matches!(country, "Germany" | "Sweden") {
            format!("{street} {number}")
        } else {
            format!("{number} {street}")
        }
    }

    fn contact(
        &mut self,
        company: &Company,
        account: &Account,
        of: &str,
        at: usize,
    ) -> Result<String, OrgError> {
        let Some(names) = company.people.get(&account.country) else {
            return Err(OrgError::unexpected("no names"));
        };
        let (f, l) = (names.first.len(), names.last.len());
        // Strides without a common factor: full names repeat only after all pairs were used.
        let first = names.first.get(at % f).map_or("", String::as_str);
        let last = names.last.get((at / f + at * 5) % l).map_or("", String::as_str);
        let title = self.pick(&company.titles).cloned();
        let (phone, mobile) = if at == 0 {
            // Whom Amazon's documented sample event calls from; and whom this page's examples call.
            ("(206) 555-0100".to_owned(), "+1234567890".to_owned())
        } else {
            let phone = self.phones.landline(&account.country, &account.city);
            let mobile = if self.chance.happens(0.6) {
                self.phones.mobile(&account.country, &account.city)
            } else {
                String::new()
            };
            (phone, mobile)
        };
        let language = match account.country.as_str() {
            "Germany" => "German",
            "France" => "French",
            _ => "English",
        };
        let level = ["Primary", "Secondary", "Tertiary"].get(self.below(3)).copied();
        let mail = |s: &str| -> String {
            s.to_lowercase().chars().map(plain).filter(char::is_ascii_alphanumeric).collect()
        };
        self.make(
            "Contact",
            json!({
                "AccountId": of, "FirstName": first, "LastName": last, "Title": title, "Phone": phone, "MobilePhone": mobile,
                "Email": format!("{}.{}.{}@example.com", mail(first), mail(last), at), "MailingCity": account.city,
                "MailingState": account.state, "MailingPostalCode": account.postal, "MailingCountry": account.country,
                "Languages__c": language, "Level__c": level, "LeadSource": "Phone Inquiry",
            }),
        )
    }

    /// What an account called about, what is to be done, what may be sold.
    fn business(
        &mut self,
        company: &Company,
        account: &Account,
        id: &str,
        people: &[String],
        staff: &[String],
    ) -> Result<(), OrgError> {
        for _ in 0..1 + self.below(4) {
            let days = self.below(90);
            self.ago(days);
            let Some(case) = self.pick(&company.cases) else { continue };
            let contact = self.pick(people).cloned();
            let owner = self.pick(staff).cloned();
            let status = if days > 30 {
                "Closed"
            } else {
                ["New", "Working", "Waiting", "On Hold"].get(self.below(4)).copied().unwrap_or("New")
            };
            let origin = ["Phone", "Phone", "Email", "Web"].get(self.below(4)).copied();
            let made = self.make("Case", json!({
                "AccountId": id, "ContactId": contact, "OwnerId": owner, "Subject": case.subject, "Type": case.kind,
                "Reason": case.reason, "Priority": case.priority, "Status": status, "Origin": origin,
            }))?;
            if self.chance.happens(0.4) {
                let body = self.pick(&company.posts).cloned();
                self.make(
                    "CaseComment",
                    json!({"ParentId": made, "CommentBody": body, "IsPublished": true}),
                )?;
            }
            if self.chance.happens(0.3) {
                let body = self.pick(&company.posts).cloned();
                self.make("FeedItem", json!({"ParentId": made, "Body": body, "Type": "TextPost"}))?;
            }
            if self.chance.happens(0.6) {
                let subject = self.pick(&company.tasks).cloned();
                let due = i32::try_from(self.below(40)).unwrap_or_default() - 15;
                self.make(
                    "Task",
                    json!({
                        "WhoId": contact, "WhatId": made, "Subject": subject, "ActivityDate": self.date(due),
                        "Status": if due < -5 { "Completed" } else { "Not Started" }, "Priority": "Normal",
                    }),
                )?;
            }
        }
        if account.kind != "Prospect" || self.chance.happens(0.7) {
            let deal = self.pick(&company.deals).cloned().unwrap_or_default();
            let stage = self.pick(&company.stages).cloned();
            let closes = i32::try_from(self.below(160)).unwrap_or_default() - 60;
            let amount = 2_500 * (1 + self.below(60));
            self.make("Opportunity", json!({
                "AccountId": id, "Name": format!("{}: {deal}", account.name), "StageName": stage, "Amount": amount,
                "CloseDate": self.date(closes), "Type": "Existing Customer - Upgrade",
            }))?;
        }
        if self.chance.happens(0.3) {
            let start = self.now.plus(DAY * u32::try_from(1 + self.below(20)).unwrap_or(1));
            self.make("Event", json!({
                "WhatId": id, "WhoId": people.first(), "Subject": "Meeting", "StartDateTime": start.to_rfc3339(),
                "DurationInMinutes": 45, "Location": account.city,
            }))?;
        }
        Ok(())
    }

    fn leads(&mut self, company: &Company) -> Result<(), OrgError> {
        for (at, account) in company.accounts.iter().enumerate().filter(|(at, _)| at % 3 == 1) {
            let days = self.below(60);
            self.ago(days);
            let Some(names) = company.people.get(&account.country) else { continue };
            let first = self.pick(&names.first).cloned().unwrap_or_default();
            let last = self.pick(&names.last).cloned().unwrap_or_default();
            let phone = self.phones.mobile(&account.country, &account.city);
            self.make("Lead", json!({
                "FirstName": first, "LastName": last, "Company": format!("{} {}", account.city, ["Catering", "Cycles", "Clinic", "Print Works"].get(at % 4).copied().unwrap_or_default()),
                "Phone": phone, "Email": format!("lead{at}@example.org"), "Status": "Open - Not Contacted",
                "City": account.city, "Country": account.country, "LeadSource": "Web",
            }))?;
        }
        Ok(())
    }

    /// What the adapter's own package keeps in an org that has it.
    fn adapter(&mut self) -> Result<(), OrgError> {
        self.ago(200);
        self.make(
            "amazonconnect__AC_CtiAdapter__c",
            json!({
                "Name": "AC Lightning Adapter", "amazonconnect__Connect_Instance_Alias__c": "wren-halloran",
                "amazonconnect__Connect_Instance_Region__c": "us-west-2",
                "amazonconnect__Call_Center_Definition_Name__c": "ACLightningAdapter",
            }),
        )?;
        Ok(())
    }
}

/// The letter without its mark, for addresses.
fn plain(c: char) -> char {
    match c {
        'à' | 'â' | 'ä' | 'å' => 'a',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'î' | 'ï' => 'i',
        'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        'ß' => 's',
        other => other,
    }
}
