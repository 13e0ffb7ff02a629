//! What the org remembers beside its rows: numbers given out, rules in force, records held,
//! plans of queries.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::super::error::OrgError;
use super::super::id;
use super::super::schema::Schema;
use super::super::soql::plans::Plans;

/// Lives as long as the database is open; behind its lock.
#[derive(Debug)]
pub(in super::super) struct State {
    /// The last number given to a record of each object. A record that failed keeps its number, as
    /// in Salesforce.
    numbers: RefCell<HashMap<String, u64>>,
    in_force: RefCell<HashSet<String>>,
    held: RefCell<HashSet<String>>,
    pub(in super::super) plans: Plans,
}

impl State {
    pub(super) fn read(db: &Connection, schema: &Schema) -> Result<Self, OrgError> {
        let mut numbers = HashMap::new();
        let mut in_force = HashSet::new();
        for object in schema.objects() {
            let sql = format!("SELECT coalesce(max(rowid), 0) FROM \"{}\"", object.name);
            let last: i64 = db.query_row(&sql, [], |row| row.get(0))?;
            numbers.insert(object.name.clone(), last.unsigned_abs());
            in_force.extend(object.validation_rules.iter().filter(|r| r.active).map(|r| r.name.clone()));
            in_force.extend(object.duplicate_rules.iter().filter(|r| r.active).map(|r| r.name.clone()));
        }
        Ok(Self {
            numbers: RefCell::new(numbers),
            in_force: RefCell::new(in_force),
            held: RefCell::default(),
            plans: Plans::default(),
        })
    }

    pub(super) fn next_number(&self, object: &str) -> u64 {
        let mut numbers = self.numbers.borrow_mut();
        match numbers.get_mut(object) {
            Some(last) => {
                *last += 1;
                *last
            }
            None => {
                numbers.insert(object.to_owned(), 1);
                1
            }
        }
    }

    pub(super) fn in_force(&self, rule: &str) -> bool {
        self.in_force.borrow().contains(rule)
    }

    pub(super) fn enforce(&self, schema: &Schema, rule: &str, on: bool) -> bool {
        let known = schema.objects().iter().any(|o| {
            o.validation_rules.iter().any(|r| r.name == rule)
                || o.duplicate_rules.iter().any(|r| r.name == rule)
        });
        let mut in_force = self.in_force.borrow_mut();
        if known && on {
            in_force.insert(rule.to_owned());
        } else {
            in_force.remove(rule);
        }
        known
    }

    pub(super) fn is_locked(&self, id: &str) -> bool {
        self.held.borrow().contains(id)
    }

    pub(super) fn hold(&self, id: &str, held: bool) {
        let id = id::normalise(id).unwrap_or_else(|| id.to_owned());
        let mut all = self.held.borrow_mut();
        if held {
            all.insert(id);
        } else {
            all.remove(&id);
        }
    }
}
