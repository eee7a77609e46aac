//! Statistics over the samples, and their output.

use std::fmt::Write;

use crate::sample::{Plan, Sample};
use crate::scenarios::Scenario;

/// All samples of one scenario with one tool count.
pub struct Row {
    pub plan: Plan,
    pub samples: Vec<Sample>,
}

const HEADER: [&str; 9] = [
    "scenario",
    "tools",
    "samples",
    "warmups",
    "iters",
    "mean/exec",
    "p95/exec",
    "rssΔ p50",
    "rssΔ max",
];

/// Ours and its counterpart in bare V8.
const RATIOS: [(Scenario, Scenario); 2] = [
    (Scenario::ColdExec, Scenario::ColdRawV8),
    (Scenario::WarmExec, Scenario::RawV8),
];

/// What costs something, and the same without it.
const COSTS: [(Scenario, Scenario); 2] = [
    (Scenario::CheckedCalls, Scenario::UncheckedCalls),
    (Scenario::TypescriptExec, Scenario::JavascriptExec),
];

impl Row {
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            samples: Vec::new(),
        }
    }

    /// Each iteration of each sample, as nanoseconds of what the row shows.
    fn total_ns(&self) -> Sorted {
        let parts = f64::from(self.plan.scenario.parts_per_exec());
        let execs = self.samples.iter().flat_map(|sample| &sample.total_ns);
        Sorted::new(execs.map(|&ns| ns as f64 / parts))
    }

    /// As `total_ns`, until the text was there.
    fn until_text_ns(&self) -> Sorted {
        let execs = self.samples.iter().flat_map(|sample| &sample.until_text_ns);
        Sorted::new(execs.map(|&ns| ns as f64))
    }

    fn cells(&self) -> [String; 9] {
        let scenario = self.plan.scenario;
        let total = self.total_ns();
        let rss = Sorted::new(
            self.samples
                .iter()
                .filter_map(|sample| sample.peak_rss_kib)
                .map(|kib| kib as f64),
        );
        [
            scenario.name().to_owned(),
            self.plan.tools.to_string(),
            self.samples.len().to_string(),
            scenario.warmups().to_string(),
            scenario.iterations(self.plan.warm_iterations).to_string(),
            shown(total.mean(), time),
            shown(total.quantile(0.95), time),
            shown(rss.quantile(0.5), memory),
            shown(rss.quantile(1.0), memory),
        ]
    }
}

/// The table, then the ratios.
pub fn render(rows: &[Row]) -> String {
    let mut text = format!(
        "V8 {}, {}-{}, {} processors{}\n\n",
        v8::V8::get_version(),
        std::env::consts::ARCH,
        std::env::consts::OS,
        std::thread::available_parallelism().map_or(0, usize::from),
        if cfg!(debug_assertions) {
            "; a debug build: these numbers say nothing"
        } else {
            ""
        },
    );
    let header = HEADER.map(str::to_owned);
    let lines = std::iter::once(header).chain(rows.iter().map(Row::cells));
    text += &aligned(&lines.collect::<Vec<_>>());
    if rows
        .iter()
        .any(|row| row.plan.scenario.parts_per_exec() > 1)
    {
        text += "\ntool_roundtrip, parallel_tools, checked_calls and unchecked_calls: times of one call\n";
    }
    text += &ratios(rows);
    text += &costs(rows);
    text
}

/// Columns as wide as their widest cell: names to the left, numbers to the right.
fn aligned<const N: usize>(lines: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = lines.iter().map(|line| line[column].chars().count());
        cells.max().unwrap_or(0)
    });
    let mut text = String::new();
    for line in lines {
        for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
            let _ = match column {
                0 => write!(text, "{cell:<width$}"),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
        text.push('\n');
    }
    text
}

/// A line for each tool count whose rows of ours and of bare V8 are both there.
fn ratios(rows: &[Row]) -> String {
    let header = [
        "ratio of medians",
        "tools",
        "ours",
        "bare V8",
        "ratio",
        "to its text",
        "ratio",
    ];
    comparison(rows, RATIOS, header, ratio_cells)
}

/// A line for each tool count whose rows with and without are both there.
fn costs(rows: &[Row]) -> String {
    let header = [
        "cost, by medians",
        "tools",
        "with",
        "without",
        "ratio",
        "difference",
    ];
    comparison(rows, COSTS, header, cost_cells)
}

/// A table of pairs of rows, where both are there.
fn comparison<const N: usize>(
    rows: &[Row],
    pairs: [(Scenario, Scenario); 2],
    header: [&str; N],
    cells: fn(&Row, &Row) -> Option<[String; N]>,
) -> String {
    let mut lines = Vec::new();
    for (first, second) in pairs {
        for row in rows.iter().filter(|row| row.plan.scenario == first) {
            let other = rows
                .iter()
                .find(|other| other.plan.scenario == second && other.plan.tools == row.plan.tools);
            lines.extend(other.and_then(|other| cells(row, other)));
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    lines.insert(0, header.map(str::to_owned));
    format!("\n{}", aligned(&lines))
}

fn ratio_cells(ours: &Row, bare: &Row) -> Option<[String; 7]> {
    let median = ours.total_ns().quantile(0.5)?;
    let bare_median = bare.total_ns().quantile(0.5)?;
    let bare_text_median = bare.until_text_ns().quantile(0.5)?;
    Some([
        names(ours, bare),
        ours.plan.tools.to_string(),
        time(median),
        time(bare_median),
        format!("{:.2}", median / bare_median),
        time(bare_text_median),
        format!("{:.2}", median / bare_text_median),
    ])
}

fn cost_cells(with: &Row, without: &Row) -> Option<[String; 6]> {
    let median = with.total_ns().quantile(0.5)?;
    let median_without = without.total_ns().quantile(0.5)?;
    Some([
        names(with, without),
        with.plan.tools.to_string(),
        time(median),
        time(median_without),
        format!("{:.2}", median / median_without),
        time(median - median_without),
    ])
}

fn names(first: &Row, second: &Row) -> String {
    let names = [first, second].map(|row| row.plan.scenario.name());
    names.join(" / ")
}

/// Values in ascending order.
struct Sorted(Vec<f64>);

impl Sorted {
    fn new(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    fn mean(&self) -> Option<f64> {
        let sum: f64 = self.0.iter().sum();
        (!self.0.is_empty()).then(|| sum / self.0.len() as f64)
    }

    /// The smallest value that at least this share of all values do not exceed (nearest rank).
    fn quantile(&self, share: f64) -> Option<f64> {
        let rank = (self.0.len() as f64 * share).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied()
    }
}

fn shown(value: Option<f64>, unit: fn(f64) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), unit)
}

/// Nanoseconds, in three digits or more.
fn time(ns: f64) -> String {
    match ns {
        ..1e6 => with_three_digits(ns / 1e3, "µs"),
        ..1e9 => with_three_digits(ns / 1e6, "ms"),
        _ => with_three_digits(ns / 1e9, "s"),
    }
}

fn with_three_digits(value: f64, unit: &str) -> String {
    let decimals = match value {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

fn memory(kib: f64) -> String {
    format!("{kib:.0} KiB")
}
