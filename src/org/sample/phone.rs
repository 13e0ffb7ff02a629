//! Telephone numbers that belong to nobody.
//!
//! Each country keeps ranges for films and books; every number is given out once, in turn. They are
//! written as people there write them, some with and some without the country's code.

use std::collections::HashMap;

/// Where the next number of each range is kept.
#[derive(Debug, Default)]
pub(super) struct Book {
    given: HashMap<String, u32>,
}

impl Book {
    fn next(&mut self, range: &str) -> u32 {
        let next = self.given.entry(range.to_owned()).or_insert(0);
        *next += 1;
        *next
    }

    /// A number at a desk.
    pub(super) fn landline(&mut self, country: &str, city: &str) -> String {
        let range = format!("{country}/{city}");
        match country {
            "United Kingdom" => {
                let n = self.next(&range);
                match city {
                    "Manchester" => format!("0161 496 {:04}", n % 1000),
                    "Edinburgh" => format!("+44 131 496 {:04}", n % 1000),
                    _ => format!("+44 20 7946 {:04}", n % 1000),
                }
            }
            "Germany" => {
                let n = self.next(&range) % 1000;
                match city {
                    "München" => format!("+49 89 99998 {n:03}"),
                    "Hamburg" => format!("040 66969 {n:03}"),
                    "Köln" => format!("+49 221 4710 {n:03}"),
                    "Frankfurt am Main" => format!("+49 69 90009 {n:03}"),
                    _ => format!("+49 30 23125 {n:03}"),
                }
            }
            "France" => {
                let n = self.next(&range);
                format!("+33 1 99 00 {:02} {:02}", n / 100 % 100, n % 100)
            }
            "Australia" => format!("(02) 5550 {:04}", self.next(&range) % 10_000),
            "Sweden" => format!("+46 8 465 004 {:02}", self.next(&range) % 100),
            _ => self.north_american(city),
        }
    }

    /// A number in a pocket.
    pub(super) fn mobile(&mut self, country: &str, city: &str) -> String {
        let range = format!("{country}/mobile");
        match country {
            "United Kingdom" => format!("07700 900{:03}", self.next(&range) % 1000),
            "Germany" => format!("+49 176 040690{:02}", self.next(&range) % 100),
            "France" => {
                let n = self.next(&range);
                format!("06 39 98 {:02} {:02}", n / 100 % 100, n % 100)
            }
            "Australia" => format!("+61 491 570 {}", 156 + self.next(&range) % 4),
            "Sweden" => format!("+46 70 174 06 {:02}", 5 + self.next(&range) % 30),
            _ => self.north_american(city),
        }
    }

    /// `555-01xx` in the city's area code; where a hundred are not enough, in a neighbour's.
    fn north_american(&mut self, city: &str) -> String {
        let area = match city {
            "Seattle" | "Bellevue" => "206",
            "Tacoma" => "253",
            "Spokane" => "509",
            "Portland" => "503",
            "San Francisco" => "415",
            "Oakland" => "510",
            "San Diego" => "619",
            "Denver" => "303",
            "Phoenix" => "602",
            "Minneapolis" => "612",
            "Omaha" => "402",
            "Charlotte" | "Raleigh" => "704",
            "Manchester" => "603",
            "Boston" => "617",
            "Baltimore" => "410",
            "Columbus" => "614",
            "Boise" => "208",
            "Atlanta" => "404",
            "Austin" => "512",
            "Cleveland" => "216",
            "Miami" => "305",
            "Pittsburgh" => "412",
            "Burlington" => "802",
            "Toronto" => "416",
            "Montréal" => "514",
            "Vancouver" => "604",
            _ => "202",
        };
        let n = self.next(area);
        match n % 3 {
            0 => format!("+1 {area} 555 01{:02}", n % 100),
            1 => format!("({area}) 555-01{:02}", n % 100),
            _ => format!("{area}-555-01{:02}", n % 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_of_the_ranges_kept_for_fiction_and_given_once() {
        let mut book = Book::default();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..90 {
            for (country, city) in [
                ("United States", "Seattle"),
                ("United Kingdom", "London"),
                ("Germany", "Berlin"),
                ("France", "Paris"),
            ] {
                assert!(seen.insert(book.landline(country, city)), "given twice");
            }
            let number = book.north_american("Denver");
            assert!(number.contains("303") && number.replace(' ', "-").contains("555-01"), "{number}");
        }
        assert!(book.landline("United States", "Bellevue").contains("206"), "neighbours share an area");
    }
}
