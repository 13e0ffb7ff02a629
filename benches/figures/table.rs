//! The figures, as people read them and as the next run compares them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One figure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figure {
    /// A stable name: what `bench-compare` matches by.
    pub name: String,
    /// The value.
    pub value: f64,
    /// `ms`, `µs`, `MB`, `1/s`, `calls`, `×`.
    pub unit: String,
    /// What it shall be, where there is an aim; for people.
    pub aim: String,
    /// Whether the aim was met, where there is one.
    pub met: Option<bool>,
}

/// All figures of a run.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Table {
    /// In the order in which they were measured.
    pub figures: Vec<Figure>,
}

impl Table {
    /// A figure without an aim.
    pub fn add(&mut self, name: &str, value: f64, unit: &str) {
        self.push(name, value, unit, String::new(), None);
    }

    /// A figure that shall be at most `aim`.
    pub fn at_most(&mut self, name: &str, value: f64, unit: &str, aim: f64) {
        self.push(name, value, unit, format!("≤ {}", number(aim)), Some(value <= aim));
    }

    /// A figure that shall be at least `aim`.
    pub fn at_least(&mut self, name: &str, value: f64, unit: &str, aim: f64) {
        self.push(name, value, unit, format!("≥ {}", number(aim)), Some(value >= aim));
    }

    fn push(&mut self, name: &str, value: f64, unit: &str, aim: String, met: Option<bool>) {
        let figure = Figure { name: name.to_owned(), value, unit: unit.to_owned(), aim, met };
        eprintln!("{}", line(&figure));
        self.figures.push(figure);
    }

    /// The whole table.
    pub fn print(&self) {
        println!("\n{:<58} {:>12} {:<6} {:<12}", "figure", "value", "unit", "aim");
        println!("{}", "─".repeat(92));
        for figure in &self.figures {
            println!("{}", line(figure));
        }
    }
}

fn line(f: &Figure) -> String {
    let mark = match f.met {
        Some(true) => "met",
        Some(false) => "NOT MET",
        None => "",
    };
    format!("{:<58} {:>12} {:<6} {:<12} {mark}", f.name, number(f.value), f.unit, f.aim)
}

fn number(v: f64) -> String {
    if v >= 1_000.0 {
        let digits = format!("{v:.0}");
        let mut out = String::new();
        for (i, c) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                out.push(',');
            }
            out.push(c);
        }
        out
    } else if v >= 100.0 || v.fract() == 0.0 {
        format!("{v:.0}")
    } else if v >= 1.0 {
        format!("{v:.1}")
    } else {
        format!("{v:.3}")
    }
}

/// Milliseconds.
pub fn ms(d: Duration) -> f64 {
    d.as_secs_f64() * 1_000.0
}

/// The `p`-th part (0 to 1) of what was measured.
pub fn percentile(sorted: &mut [Duration], p: f64) -> Duration {
    sorted.sort_unstable();
    let at = ((sorted.len() as f64 - 1.0) * p).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

/// The same of each turn of so many, and of the turns the median: what else the machine does for a
/// moment counts for one turn and not for the whole.
pub fn typical(times: &[Duration], turn: usize, p: f64) -> Duration {
    let mut turns: Vec<Duration> = times.chunks(turn).map(|t| percentile(&mut t.to_vec(), p)).collect();
    percentile(&mut turns, 0.5)
}
