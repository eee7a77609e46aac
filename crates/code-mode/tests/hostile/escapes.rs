//! The ways out of published JavaScript sandboxes, by class: what each finds here is a value of the
//! script's own realm, and nothing of the host.
//!
//! A class is a script in `escapes/`. It says `expect(what, holds)` for each thing that must be so, and is
//! run after `escapes/prelude.js`, which has that and the look through everything a value leads to.

use std::time::{Duration, Instant};

use crate::child;
use crate::host;
use crate::row::Mode;

/// Nothing of this is about time; a class that loops is to fail all the same.
const CPU_TIME: Duration = Duration::from_secs(60);

const PRELUDE: &str = include_str!("escapes/prelude.js");

macro_rules! classes {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("escapes/", $name, ".js")))),*]
    };
}

const CLASSES: &[(&str, &str)] = classes![
    "brand_checks",
    "buffers",
    "callbacks",
    "callers",
    "code_from_text",
    "constructor_chains",
    "errors_of_helpers",
    "errors_of_the_engine",
    "generators_and_promises",
    "global_object",
    "host_values",
    "imports",
    "natives",
    "polluted_built_ins",
    "proxies",
    "stack_api",
    "symbols",
];

fn full_name(class: &str) -> String {
    format!("escapes::{class}")
}

pub fn names() -> impl Iterator<Item = String> {
    CLASSES.iter().map(|(class, _)| full_name(class))
}

/// Runs the classes that are asked for and prints them as a table; what is wrong with them.
pub async fn run(asked: impl Fn(&str) -> bool) -> Vec<String> {
    let asked: Vec<_> = CLASSES
        .iter()
        .filter(|(class, _)| asked(&full_name(class)))
        .collect();
    if asked.is_empty() {
        return Vec::new();
    }
    println!("{:<46} {:>6} {:>6}  found", "escapes", "checks", "ms");
    let mut wrong = Vec::new();
    for (class, script) in asked {
        let start = Instant::now();
        let (checks, found) = run_class(script).await;
        let says = if found.is_empty() {
            "nothing of the host"
        } else {
            "WRONG"
        };
        println!(
            "{class:<46} {checks:>6} {:>6}  {says}",
            child::millis(start.elapsed())
        );
        let name = full_name(class);
        wrong.extend(found.into_iter().map(|found| format!("{name}: {found}")));
    }
    wrong
}

/// How many things the script checked, and which were not as they must be.
async fn run_class(script: &str) -> (u64, Vec<String>) {
    let session = host::session(Mode::InProcess, CPU_TIME);
    let source = format!("{PRELUDE}\n{script}\nreport();");
    let answer = child::run_source(&session, source, false)
        .await
        .expect("the session takes cells");
    let mut found = Vec::new();
    // The report is the last text: scripts put out others.
    let report = answer
        .text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("report: "));
    let (checks, failures) = report
        .and_then(|report| report.split_once(' '))
        .unwrap_or(("0", ""));
    if answer.ending != "value" {
        found.push(format!("ended as {}: {}", answer.ending, answer.text));
    }
    found.extend(
        failures
            .split(" ; ")
            .filter(|failure| !failure.is_empty())
            .map(str::to_owned),
    );
    let checks = checks.parse().unwrap_or(0);
    if checks == 0 {
        found.push("nothing was checked".to_owned());
    }
    let next = child::next(&session).await;
    if next != "42" {
        found.push(format!("the next cell said {next}"));
    }
    session.shutdown().await;
    (checks, found)
}
