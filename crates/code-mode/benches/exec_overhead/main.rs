//! What one exec costs, and what bare V8 and QuickJS cost beside it.
//!
//! ```text
//! cargo bench -p code-mode --bench exec_overhead --features bench-quickjs -- --samples 30 --warm-iterations 25
//! ```
//!
//! # Method
//!
//! Every sample is a fresh process: this binary starts itself again, the child measures one
//! scenario with one tool count and hands its times back as a line of JSON. Samples go round robin
//! (the first of every scenario, then the second of every scenario, …), one child at a time, so that
//! a noisy minute of the machine hits all rows alike. Each answer is checked; a wrong one ends the
//! run. The clock is monotonic wall time. `--pin N` keeps each child on one processor: waking a thread
//! on another one is dear on some machines.
//!
//! One after another, with as many tools as the command line says, a script of two lines:
//!
//! | Scenario | One exec is |
//! |---|---|
//! | `cold_exec` | in a process where V8 never ran: a session is made and answers its first `execute`. V8's start is in it. The host and its tool set exist before. |
//! | `cold_raw_v8` | the same script in a process where V8 never ran, by bare V8. V8's start is in it. |
//! | `warm_exec` | an `execute` of a session that answered one before, until it has answered. Two isolates stand by; between two execs the process waits for that, and for nothing else. |
//! | `worker_exec` | as `warm_exec` in a worker process that ran one before; between two execs the process waits until all threads of it sleep. Only with the feature `worker-processes`. |
//! | `rested_exec` | the same after five milliseconds more in which the process sleeps, and its processors with it. |
//! | `repeated_exec` | as `warm_exec`, of a script that the session has run before and keeps the code of. In all other scenarios each exec is of a source that is new, by a number in a comment at its end. |
//! | `termination` | `wait` with `terminate` of a cell that is in an endless loop, until it has answered: the script was interrupted and its isolate taken down. |
//! | `worker_termination` | the same in a worker process. |
//! | `no_standby_exec` | as `warm_exec` with no isolate ever standing by, one exec right after the other. |
//! | `raw_v8` | bare V8, for the second time and later: a thread is spawned, makes an isolate, a context and one function for each tool, compiles, instantiates and evaluates the module, runs its microtasks, hands over the text, tears all of it down and is joined. |
//! | `quickjs` | QuickJS, likewise for the second time and later, on the caller's thread: a runtime, a context and one function for each tool are made, the module is evaluated, its text handed over, all of it torn down. In a binary without V8, whose allocator would be QuickJS's too. Only with the feature `bench-quickjs`. |
//! | `quickjs_thread` | the same on a thread that is spawned for it and joined. |
//!
//! Many at once, the same script without tools, once in a process, for two seconds after half a second
//! of warm-up; the library's default standby isolates:
//!
//! | Scenario | |
//! |---|---|
//! | `sustained_exec` | eight tasks on a runtime of two workers exec again and again in one session; the figure is `execs/s`, the times are what each exec took in this crowd. |
//! | `sustained_raw_v8` | eight threads do the same by bare V8. |
//! | `half_rate_exec` | eight tasks exec by a schedule, evenly spaced, of half the `execs/s` that `sustained_exec` had so far in this run (median). A time counts from the moment that the schedule says, not from when the exec could be started. |
//!
//! Calls of tools and kinds of scripts, as `warm_exec`, with one tool or none:
//!
//! | Scenario | One exec is |
//! |---|---|
//! | `tool_roundtrip` | 1,000 tool calls awaited one after another; the row shows the share of one call. |
//! | `worker_roundtrip` | as `tool_roundtrip` in a worker process. |
//! | `parallel_tools` | 1,000 tool calls under one `Promise.all`; the row shows the share of one call. |
//! | `checked_calls` | 1,000 tool calls awaited one after another, with an argument of nine values, checked against a schema of such a tool; the row shows the share of one call. |
//! | `unchecked_calls` | the same calls to a tool without a schema. |
//! | `typescript_exec` | of a script of a dozen lines in TypeScript. |
//! | `javascript_exec` | the same script without its types. |
//! | `big_result` | a tool returns a string of 2 MiB, which the script returns through `text`. The string exists before; making JSON of it, as the host has to, is in the time. |
//! | `small_result` | the same with a string of two bytes. |
//! | `copy_four_times` | no exec: four copies of the 2 MiB, each of the one before and all kept, into new memory, after an exec as in `big_result`. |
//! | `copy_reusing` | the same into memory that held copies before. |
//!
//! Computing, for about a tenth of a second (`compute/`): `json_exec`, `regexp_exec`, `sorting_exec`
//! and `maths_exec` as `warm_exec`; `json_raw_v8` and so on are the same scripts as `raw_v8`.
//!
//! Memory:
//!
//! | Scenario | |
//! |---|---|
//! | `standby_memory` | by how much a process grows from two isolates that stand by to 52, for each of the fifty. |
//! | `waiting_cells` | by how much a process grows by 1,000 cells of 20 sessions that each await a tool, for each cell; the times are of one more exec meanwhile, as `warm_exec`. |
//!
//! `raw_v8` runs with the engine's V8 flags, platform, heap limit and stack size, and nothing else
//! of ours. Its time includes the teardown; an `execute` answers before the cell's isolate is torn
//! down. Where the next one starts at once, as in `no_standby_exec`, ours competes with its own teardown
//! for the processors instead of waiting for it. The ratios below the table therefore come in two kinds:
//! to all of the counterpart, and to the moment its text had arrived at the caller.
//!
//! # Columns
//!
//! - `scenario`, `tools`: what ran, with how many tools enabled.
//! - `samples`: fresh processes. Scenarios of two seconds and `standby_memory` take at most 10,
//!   `waiting_cells` at most 5.
//! - `warmups`, `iters`: execs of each process before the measured part, and in it, at most 5 where
//!   computing is measured; `-` where what is measured is not a number of execs.
//! - `p50/exec`, `mean/exec`, `p95/exec`, `p99/exec`: over all iterations of all samples. In the tool
//!   scenarios of one call: each exec's time is divided by its 1,000 calls first.
//! - `rssΔ p50`, `rssΔ max`: by how much a process's peak resident memory over the measured part lies
//!   above its resident memory right before; median and maximum over the samples. In the warm rows
//!   right before is after the warm-up. `-` where the system does not tell (it does on Linux).
//!
//! The figures are what is no time; median, least and most over the samples. Memory is from Linux's
//! `/proc/self/smaps_rollup`.
//!
//! The ratios are of medians over all iterations, which one disturbed sample cannot move: the first to
//! the second with its teardown, and to the second `to its text`, each with its `ratio`. The costs are of
//! medians too: what checking arguments adds to a call, stripping types to an exec, and 2 MiB to a result.
//! `--json FILE` writes all of it; `scripts/bench-report` makes `docs/performance.md` of that.

mod arguments;
mod big_result;
mod engine;
mod json_file;
mod load;
mod machine;
mod memory;
mod peak_rss;
mod raw_v8;
mod rows;
mod sample;
mod scenarios;
mod scripts;
mod statistics;
mod table;
mod timing;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use arguments::{Command, Options, USAGE};
use json_file::Head;
use rows::Row;
use sample::{Conditions, Plan, SampleError};
use scenarios::{Method, Named};

fn main() -> ExitCode {
    match Command::parse(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Command::Child(plan, rate)) => {
            sample::run_as_child(plan, rate);
            ExitCode::SUCCESS
        }
        Ok(Command::Run(options)) => match run(&options) {
            Ok(()) => ExitCode::SUCCESS,
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

fn run(options: &Options) -> Result<(), String> {
    let head = Head::now(options);
    let rows = measure_all(options).map_err(|error| error.to_string())?;
    print!("{}", table::render(&rows, &machine::platform()));
    if let Some(file) = &options.json {
        std::fs::write(file, head.with_rows(&rows))
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}

/// Takes all samples, round robin over the rows.
fn measure_all(options: &Options) -> Result<Vec<Row>, SampleError> {
    let mut rows: Vec<Row> = options
        .scenarios
        .iter()
        .flat_map(|&Named(scenario)| {
            let tool_counts = scenario.tool_counts(&options.tool_counts);
            tool_counts.iter().map(move |&tools| Plan {
                scenario,
                tools,
                warm_iterations: options.warm_iterations,
            })
        })
        .map(Row::new)
        .collect();
    for number in 1..=options.samples {
        for index in 0..rows.len() {
            let plan = rows[index].plan;
            if number > plan.scenario.samples(options.samples) {
                continue;
            }
            show_progress(&format!(
                "sample {number} of {}: {}",
                options.samples, plan.scenario.name
            ));
            let conditions = Conditions {
                processor: options.processor,
                rate: rate(plan, &rows),
            };
            let sample = sample::run_in_fresh_process(plan, conditions)?;
            rows[index].samples.push(sample);
        }
    }
    show_progress("");
    Ok(rows)
}

/// The rate of a scenario of a given rate: half of what the other one had so far.
fn rate(plan: Plan, rows: &[Row]) -> Option<f64> {
    let Method::HalfRateOf(other, _) = plan.scenario.method else {
        return None;
    };
    let other = rows.iter().find(|row| row.plan.scenario.name == other)?;
    Some(other.figure(load::EXECS_PER_SECOND).median()? / 2.0)
}

/// Overwrites one line of a terminal; a log gets nothing.
fn show_progress(text: &str) {
    let mut stderr = io::stderr();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r\x1b[K{text}");
    }
}
