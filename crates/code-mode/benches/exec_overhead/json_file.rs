//! A run as JSON, for `scripts/bench-report`.

use serde_json::{Map, Value, json};

use crate::arguments::Options;
use crate::machine;
use crate::rows::Row;
use crate::statistics::Sorted;

/// What is known before the first sample, so that the run itself is not in it.
pub struct Head(Value);

impl Head {
    pub fn now(options: &Options) -> Self {
        Self(json!({
            "benchmark": env!("CARGO_CRATE_NAME"),
            "started_at": machine::unix_time(),
            "arguments": arguments(),
            "features": if cfg!(feature = "bench-quickjs") { &["bench-quickjs"][..] } else { &[] },
            "pinned_to": options.processor,
            "machine": machine::machine(),
            "versions": machine::versions(),
        }))
    }

    /// The whole file.
    pub fn with_rows(self, rows: &[Row]) -> String {
        let Self(mut run) = self;
        run["rows"] = rows.iter().map(row).collect();
        format!("{run:#}\n")
    }
}

/// As the user gave them. Where the file goes says nothing about the run, and something about the
/// machine.
fn arguments() -> Vec<String> {
    let mut arguments: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let Some(index) = arguments.iter().position(|argument| argument == "--json") {
        arguments.drain(index..index + 2);
    }
    arguments
}

fn row(row: &Row) -> Value {
    let scenario = row.plan.scenario;
    json!({
        "scenario": scenario.name,
        "tools": row.plan.tools,
        "samples": row.samples.len(),
        "warmups": scenario.warmups,
        "iterations": scenario.iterations(row.plan.warm_iterations),
        "parts_per_exec": scenario.parts_per_exec,
        "total_ns": summary(&row.total_ns()),
        "until_text_ns": summary(&row.until_text_ns()),
        "peak_rss_kib": summary(&row.peak_rss_kib()),
        "figures": row
            .figure_names()
            .into_iter()
            .map(|name| (name.to_owned(), summary(&row.figure(name)).into()))
            .collect::<Map<_, _>>(),
    })
}

/// `null` where there are no values.
fn summary(values: &Sorted) -> Option<Value> {
    let mean = values.mean()?;
    Some(json!({
        "values": values.len(),
        "mean": mean,
        "min": values.quantile(0.0),
        "p50": values.median(),
        "p95": values.quantile(0.95),
        "p99": values.quantile(0.99),
        "max": values.quantile(1.0),
    }))
}
