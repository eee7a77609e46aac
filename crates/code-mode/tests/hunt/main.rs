//! Makes scripts that try to end or freeze the process they run in, and reports those that do.
//!
//!     cargo test -p code-mode --test hunt                            a handful of scripts, in two seconds
//!     cargo test -p code-mode --test hunt -- --minutes 30 --seed 7   as many as go into half an hour
//!     cargo test -p code-mode --test hunt -- --only monsters         of one kind alone
//!     cargo test -p code-mode --test hunt -- --run FILE              one script, in this process
//!     cargo test -p code-mode --test hunt -- --state kept            sweeps of one kind alone
//!     cargo test -p code-mode --test hunt -- --tell-all              every answer
//!
//! Three kinds of scripts: `sweeps` call every function that can be reached with every odd value, on plain
//! ground, with hostile callbacks, where stack or heap come to their end, and with all results kept; `monsters` hand texts without
//! measure to whatever reads texts; `random` ones put statements together by chance. They run as cells in
//! child processes, this binary again, which report each answer. What a child dies of is tried again alone,
//! made smaller, printed, and written to a file. `--run` is for a debugger: it takes such a file.
//!
//! A finding becomes a row of `tests/hostile/`. What a thread does that was given up is seen only as far as
//! its process comes to 4 GiB before it is done with others; and answers that come late are told of in long
//! hunts alone, for a busy machine makes them too.

mod chance;
mod child;
mod grammar;
mod hunt;
mod memory;
mod minimise;
mod monsters;
mod process;
mod script;
mod systematic;
#[path = "../hostile/tools.rs"]
mod tools;
mod values;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use hunt::{Bounds, Kind};
use systematic::State;

/// V8 can be contained this far only where our archive of it is linked.
const HAS_OUR_V8: bool = cfg!(all(
    target_arch = "x86_64",
    target_os = "linux",
    target_env = "gnu"
));

/// What the command line asks for.
enum Task {
    Nothing,
    /// Run scripts for a parent.
    Serve,
    /// Run one script file here.
    Run(PathBuf),
    Hunt(Bounds),
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the runtime starts");
    match task() {
        Task::Nothing => ExitCode::SUCCESS,
        Task::Serve => {
            runtime.block_on(child::serve());
            // What a lost thread still does is no matter of this process's end.
            std::process::exit(0);
        }
        Task::Run(file) => {
            let source = std::fs::read_to_string(file).expect("the file can be read");
            println!("{:#}", runtime.block_on(child::run(&script::read(&source))));
            std::process::exit(0);
        }
        Task::Hunt(bounds) => match runtime.block_on(hunt::run(&bounds)) {
            0 => ExitCode::SUCCESS,
            found => {
                println!("{found} findings");
                ExitCode::FAILURE
            }
        },
    }
}

/// The command line; words of the usual test harness that are not ours change nothing.
fn task() -> Task {
    let mut bounds = Bounds::short();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--child" => return Task::Serve,
            "--run" => return Task::Run(PathBuf::from(value())),
            "--list" | "--ignored" => return Task::Nothing,
            "--minutes" => {
                let minutes: f64 = value().parse().expect("--minutes takes a number");
                bounds = Bounds {
                    time: Duration::from_secs_f64(minutes * 60.0),
                    scripts: usize::MAX,
                    late: Some(Duration::from_secs(2)),
                    ..bounds
                };
            }
            "--seed" => bounds.seed = value().parse().expect("--seed takes a number"),
            "--only" => {
                let kind = value();
                let kind = Kind::ALL.into_iter().find(|known| known.name() == kind);
                bounds.only = Some(kind.expect("--only takes sweeps, monsters or random"));
            }
            "--state" => {
                let name = value();
                let state = State::ALL.into_iter().find(|state| state.name() == name);
                bounds.state =
                    Some(state.expect("--state takes plain, stack, heap, hooked or kept"));
            }
            "--tell-all" => bounds.tells_all = true,
            "--skip" | "--test-threads" | "--format" | "--color" | "--logfile" | "-Z" => {
                value();
            }
            flag if flag.starts_with('-') => {}
            filter if "hunt".contains(filter) => {}
            _ => return Task::Nothing,
        }
    }
    match HAS_OUR_V8 {
        true => Task::Hunt(bounds),
        false => Task::Nothing,
    }
}
