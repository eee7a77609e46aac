//! What the sandbox costs: entering it, and a warm cell in it.

use std::time::{Duration, Instant};

use code_mode::{ExecuteRequest, FunctionHost, Session, standby};

use crate::cells::block_on;
use crate::checks::{command, run as run_child};
use crate::child::say;

const ROUNDS: usize = 11;
const WARM_CELLS: usize = 400;

/// Isolates that stand by in children whose memory is looked at.
const STANDING_BY: [usize; 3] = [0, 2, 18];

/// Children with and without in turn, so that whatever else the machine does meets both.
pub fn run() {
    let mut entered = Vec::new();
    let mut cells = [Vec::new(), Vec::new(), Vec::new()];
    let configs = ["none", "whole", "no-seccomp"];
    for _ in 0..ROUNDS {
        for (config, cells) in configs.iter().zip(&mut cells) {
            let said = run_child(command(config, "measure", &[]));
            cells.push(said.one("result").parse::<u128>().expect("nanoseconds"));
            if *config == "whole" {
                entered.push(said.one("entered").parse::<u128>().expect("microseconds"));
            }
        }
    }
    println!("entering: {} µs, median of {ROUNDS}", median(&mut entered));
    for (config, mut cells) in configs.iter().zip(cells) {
        let median = Duration::from_nanos(u64::try_from(median(&mut cells)).expect("short"));
        println!("a warm cell, {config}: {median:?}, median of {ROUNDS} medians of {WARM_CELLS}");
    }
    for isolates in STANDING_BY {
        let said = run_child(command("none", "memory", &[isolates.to_string()]));
        println!(
            "with {isolates} isolates that stand by: {}",
            said.one("result")
        );
    }
}

fn median(values: &mut [u128]) -> u128 {
    values.sort_unstable();
    values[values.len() / 2]
}

/// The median of warm cells in this process, each when an isolate stands by for it.
pub fn child() {
    standby::start();
    let took = block_on(async {
        let session = Session::new(FunctionHost::new());
        let mut took = Vec::new();
        for _ in 0..WARM_CELLS {
            while standby::ready() == 0 {
                std::thread::yield_now();
            }
            let started = Instant::now();
            let request = ExecuteRequest::new("text(1 + 1)").yield_time_ms(600_000);
            session.execute(request).await.expect("the cell starts");
            took.push(started.elapsed().as_nanos());
        }
        median(&mut took)
    });
    say("result", &took.to_string());
}

/// What the kernel counts for the memory limit, and what is used, in a child without the sandbox.
pub fn memory(isolates: &str) {
    let isolates: usize = isolates.parse().expect("a number");
    standby::configure(standby::Options::default().floor(isolates).cap(isolates));
    standby::start();
    block_on(async {
        let session = Session::new(FunctionHost::new());
        let request = ExecuteRequest::new("text(1 + 1)").yield_time_ms(600_000);
        session.execute(request).await.expect("the cell starts");
    });
    while standby::ready() < isolates {
        std::thread::yield_now();
    }
    let status = std::fs::read_to_string("/proc/self/status").expect("there is no sandbox");
    let lines = status
        .lines()
        .filter(|line| line.starts_with("VmData") || line.starts_with("VmRSS"));
    say("result", &lines.collect::<Vec<_>>().join(", "));
}
