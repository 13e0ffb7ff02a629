//! `/metrics`: what this process has counted, in the text form that Prometheus reads. It needs no
//! token: it names no contact and no record.

use std::fmt::Write as _;

use axum::{Router, http::header, response::IntoResponse, routing::get};

use crate::telemetry::{self, Metric};

/// The pages of a worker process: whether it lives, and what it counted.
pub fn of_worker() -> Router {
    Router::new().route("/healthz", get(super::healthz)).route("/metrics", get(metrics))
}

pub(super) async fn metrics() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text())
}

fn text() -> String {
    let mut text = String::new();
    for metric in Metric::ALL {
        let (name, total) = (metric.name(), telemetry::total(metric));
        // Writing to a text cannot fail.
        let _written = match (metric.is_gauge(), total.count) {
            // What was never measured is not zero.
            (true, 0) => Ok(()),
            (true, _) => writeln!(text, "# TYPE tieline_{name} gauge\ntieline_{name} {}", total.last),
            (false, count) => writeln!(
                text,
                "# TYPE tieline_{name} summary\ntieline_{name}_sum {}\ntieline_{name}_count {count}",
                total.sum
            ),
        };
    }
    for ((name, label, value), sum) in telemetry::by_label() {
        let _written = writeln!(text, "tieline_{name}_by_{label}{{{label}=\"{value}\"}} {sum}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Line;

    #[test]
    fn counts_gauges_and_reasons_are_read_by_prometheus() {
        Line::new("buried").by("reason", "EXPIRED").count(Metric::DeadLetters, 1.0).write();
        Line::new("line").count(Metric::QueueDepth, 7.0).write();
        let text = text();
        assert!(text.contains("# TYPE tieline_QueueDepth gauge\ntieline_QueueDepth 7\n"), "{text}");
        assert!(text.contains("tieline_DeadLetters_by_reason{reason=\"EXPIRED\"} 1\n"), "{text}");
        assert!(text.contains("# TYPE tieline_Accepted summary\n"), "{text}");
    }
}
