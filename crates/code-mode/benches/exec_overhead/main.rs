//! What one exec costs, and what bare V8 costs beside it.
//!
//! ```text
//! cargo bench -p code-mode --bench exec_overhead -- --samples 30 --warm-iterations 25 --tool-counts 0,32,128
//! ```
//!
//! # Method
//!
//! Every sample is a fresh process: this binary starts itself again, the child measures one
//! scenario with one tool count and hands its times back as a line of JSON. Samples go round robin
//! (the first of every scenario, then the second of every scenario, …), one child at a time, so that
//! a noisy minute of the machine hits all rows alike. Each answer is checked; a wrong one ends the
//! run. The clock is monotonic wall time.
//!
//! | Scenario | One exec is |
//! |---|---|
//! | `cold_exec` | in a process where V8 never ran: a session is made and answers its first `execute`. V8's start is in it. The host and its tool set exist before. |
//! | `cold_raw_v8` | the same script in a process where V8 never ran, by bare V8. V8's start is in it. |
//! | `warm_exec` | an `execute` of a session that answered one before, until it has answered. |
//! | `raw_v8` | bare V8, for the second time and later: a thread is spawned, makes an isolate, a context and one function for each tool, compiles, instantiates and evaluates the module, runs its microtasks, hands over the text, tears all of it down and is joined. |
//! | `tool_roundtrip` | 1,000 tool calls awaited one after another; the row shows the share of one call. |
//! | `parallel_tools` | 1,000 tool calls under one `Promise.all`; the row shows the share of one call. |
//! | `checked_calls` | 1,000 tool calls awaited one after another, with an argument of nine values, checked against a schema of such a tool; the row shows the share of one call. |
//! | `unchecked_calls` | the same calls to a tool without a schema. |
//! | `typescript_exec` | as `warm_exec`, of a script of a dozen lines in TypeScript. |
//! | `javascript_exec` | the same script without its types. |
//!
//! `raw_v8` runs with the engine's V8 flags, platform, heap limit and stack size, and nothing else
//! of ours. Its time includes the teardown; an `execute` answers before the cell's isolate is torn
//! down, and the next one starts at once, so that ours competes with its own teardown for the
//! processors instead of waiting for it. The ratios below the table therefore come in two kinds: to
//! all of `raw_v8`, and to the moment its text had arrived at the caller.
//!
//! # Columns
//!
//! - `scenario`, `tools`: what ran, with how many tools enabled. The tool scenarios always have one.
//! - `samples`: fresh processes.
//! - `warmups`, `iters`: execs of each process before the measured part, and in it.
//! - `mean/exec`, `p95/exec`: over all iterations of all samples. In the tool scenarios of one call:
//!   each exec's time is divided by its 1,000 calls first.
//! - `rssΔ p50`, `rssΔ max`: by how much a process's peak resident memory over the measured part lies
//!   above its resident memory right before; median and maximum over the samples. In the warm rows
//!   right before is after the warm-up. `-` where the system does not tell (it does on Linux).
//!
//! The ratios are of medians over all iterations, which one disturbed sample cannot move: `ours` to
//! `bare V8` with its teardown, and to bare V8 `to its text`, each with its `ratio`. The costs are of
//! medians too: what checking arguments adds to a call, and stripping types to an exec.

mod arguments;
mod engine;
mod peak_rss;
mod raw_v8;
mod sample;
mod scenarios;
mod table;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use arguments::{Command, Options, USAGE};
use sample::{Plan, SampleError};
use table::Row;

fn main() -> ExitCode {
    match Command::parse(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Command::Child(plan)) => {
            sample::run_as_child(plan);
            ExitCode::SUCCESS
        }
        Ok(Command::Run(options)) => match measure_all(&options) {
            Ok(rows) => {
                print!("{}", table::render(&rows));
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("exec_overhead: {error}");
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            eprint!("exec_overhead: {error}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Takes all samples, round robin over the rows.
fn measure_all(options: &Options) -> Result<Vec<Row>, SampleError> {
    let mut rows: Vec<Row> = options
        .scenarios
        .iter()
        .flat_map(|scenario| {
            let tool_counts = scenario.tool_counts(&options.tool_counts);
            tool_counts.iter().map(|&tools| Plan {
                scenario: *scenario,
                tools,
                warm_iterations: options.warm_iterations,
            })
        })
        .map(Row::new)
        .collect();
    for number in 1..=options.samples {
        show_progress(&format!("sample {number} of {}", options.samples));
        for row in &mut rows {
            row.samples.push(sample::run_in_fresh_process(row.plan)?);
        }
    }
    show_progress("");
    Ok(rows)
}

/// Overwrites one line of a terminal; a log gets nothing.
fn show_progress(text: &str) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r\x1b[K{text}");
    }
}
