//! The sandbox of worker processes, entered for real: this program starts itself again for each check,
//! as a worker would be started, because nobody leaves a sandbox and nobody enters one with two threads.
//!
//!     cargo test -p code-mode --features worker-processes --test worker_sandbox [NAME]
//!     cargo test -p code-mode --features worker-processes --test worker_sandbox -- measure
//!
//! Every attempt at something forbidden is made three times: in the whole sandbox, in one without seccomp, so
//! that the wall behind it is seen too, and in none, where it must work, or the check would be worth
//! nothing. What is expected of the first two follows from what the child's report claims.

#[cfg(target_os = "linux")]
mod attempts;
#[cfg(target_os = "linux")]
mod cells;
#[cfg(target_os = "linux")]
mod checks;
#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod measure;

#[cfg(target_os = "linux")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["child", config, scenario, rest @ ..] => child::run(config, scenario, rest),
        ["middle", scenario, rest @ ..] => checks::run_middle(scenario, rest),
        ["measure"] => measure::run(),
        _ => run_checks(words.iter().find(|word| !word.starts_with('-')).copied()),
    }
}

/// Runs the checks whose name has the filter in it; panics at the end if one failed.
#[cfg(target_os = "linux")]
fn run_checks(filter: Option<&str>) {
    let mut failed = Vec::new();
    let chosen = checks::ALL
        .iter()
        .filter(|(name, _)| filter.is_none_or(|filter| name.contains(filter)));
    for (name, check) in chosen {
        match std::panic::catch_unwind(check) {
            Ok(()) => println!("test {name} ... ok"),
            Err(_) => {
                println!("test {name} ... FAILED");
                failed.push(*name);
            }
        }
    }
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
}

#[cfg(not(target_os = "linux"))]
fn main() {
    use code_mode::worker::sandbox::{Options, SandboxError, State, Strictness, enter};

    let report = enter(&Options::default()).expect("it does its best");
    for (part, state) in report.parts() {
        assert!(
            matches!(state, State::Missing(_) | State::NotAsked),
            "{part:?} is {state:?}"
        );
    }
    let all = Options::default().strictness(Strictness::Everything);
    assert!(matches!(enter(&all), Err(SandboxError::Incomplete(_))));
}
