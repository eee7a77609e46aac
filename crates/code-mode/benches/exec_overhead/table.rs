//! The table, the comparisons below it, and their units.

use std::fmt::Write;

use crate::rows::Row;

const HEADER: [&str; 11] = [
    "scenario",
    "tools",
    "samples",
    "warmups",
    "iters",
    "p50/exec",
    "mean/exec",
    "p95/exec",
    "p99/exec",
    "rssΔ p50",
    "rssΔ max",
];

/// Ours and its counterpart.
const RATIOS: &[[&str; 2]] = &[
    ["cold_exec", "cold_raw_v8"],
    ["warm_exec", "raw_v8"],
    ["warm_exec", "quickjs"],
    ["no_standby_exec", "raw_v8"],
    ["json_exec", "json_raw_v8"],
    ["regexp_exec", "regexp_raw_v8"],
    ["sorting_exec", "sorting_raw_v8"],
    ["maths_exec", "maths_raw_v8"],
];

/// What costs something, and the same without it.
const COSTS: &[[&str; 2]] = &[
    ["checked_calls", "unchecked_calls"],
    ["typescript_exec", "javascript_exec"],
    ["big_result", "small_result"],
];

/// The table, the figures that are no times, then the ratios and costs.
pub fn render(rows: &[Row], platform: &str) -> String {
    let mut text = format!(
        "{platform}{}\n\n",
        if cfg!(debug_assertions) {
            "; a debug build: these numbers say nothing"
        } else {
            ""
        },
    );
    let header = HEADER.map(str::to_owned);
    let lines = std::iter::once(header).chain(rows.iter().map(cells));
    text += &aligned(&lines.collect::<Vec<_>>());
    text += &shared_out(rows);
    text += &figures(rows);
    text += &ratios(rows);
    text += &costs(rows);
    text
}

fn cells(row: &Row) -> [String; 11] {
    let scenario = row.plan.scenario;
    let total = row.total_ns();
    let rss = row.peak_rss_kib();
    let iterations = match scenario.iterations(row.plan.warm_iterations) {
        0 => "-".to_owned(),
        number => number.to_string(),
    };
    [
        scenario.name.to_owned(),
        row.plan.tools.to_string(),
        row.samples.len().to_string(),
        scenario.warmups.to_string(),
        iterations,
        shown(total.median(), time),
        shown(total.mean(), time),
        shown(total.quantile(0.95), time),
        shown(total.quantile(0.99), time),
        shown(rss.median(), memory),
        shown(rss.quantile(1.0), memory),
    ]
}

/// Says which rows show times of one call.
fn shared_out(rows: &[Row]) -> String {
    let names: Vec<_> = rows
        .iter()
        .map(|row| row.plan.scenario)
        .filter(|scenario| scenario.parts_per_exec > 1)
        .map(|scenario| scenario.name)
        .collect();
    if names.is_empty() {
        return String::new();
    }
    format!("\n{}: times of one call\n", names.join(", "))
}

/// A line for each figure of each row.
fn figures(rows: &[Row]) -> String {
    let mut lines = vec![["figure", "of", "p50", "min", "max"].map(str::to_owned)];
    for row in rows {
        for name in row.figure_names() {
            let values = row.figure(name);
            lines.push([
                name.to_owned(),
                row.plan.scenario.name.to_owned(),
                shown(values.median(), plain),
                shown(values.quantile(0.0), plain),
                shown(values.quantile(1.0), plain),
            ]);
        }
    }
    if lines.len() == 1 {
        return String::new();
    }
    format!("\n{}", aligned(&lines))
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

/// A line for each tool count whose rows of ours and of its counterpart are both there.
fn ratios(rows: &[Row]) -> String {
    let header = [
        "ratio of medians",
        "tools",
        "first",
        "second",
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
    pairs: &[[&str; 2]],
    header: [&str; N],
    cells: fn(&Row, &Row) -> Option<[String; N]>,
) -> String {
    let mut lines = Vec::new();
    for &[first, second] in pairs {
        for row in rows.iter().filter(|row| row.plan.scenario.name == first) {
            let other = rows.iter().find(|other| {
                other.plan.scenario.name == second && other.plan.tools == row.plan.tools
            });
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
    let median = ours.total_ns().median()?;
    let bare_median = bare.total_ns().median()?;
    let bare_text_median = bare.until_text_ns().median()?;
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
    let median = with.total_ns().median()?;
    let median_without = without.total_ns().median()?;
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
    let names = [first, second].map(|row| row.plan.scenario.name);
    names.join(" / ")
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

fn plain(value: f64) -> String {
    let decimals = if value.abs() < 10.0 { 2 } else { 0 };
    format!("{value:.decimals$}")
}
