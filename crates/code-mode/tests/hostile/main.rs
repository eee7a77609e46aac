//! Hostile scripts: each must end as said, soon, and the next cell of its session must run.
//!
//!     cargo test -p code-mode --test hostile            everything
//!     cargo test -p code-mode --test hostile -- json    what has `json` in its name
//!     cargo test -p code-mode --test hostile -- --list  the names
//!     cargo test -p code-mode --test hostile -- --endings
//!                                                       how each script may end
//!
//! Each script of the table runs in a process of its own, this binary again, so that one that ends or
//! freezes its process fails its row alone.

mod child;
mod escapes;
mod host;
mod parent;
mod procfs;
mod row;
mod scripts;
mod sequence;
mod table;
mod tools;

use std::process::ExitCode;

use row::Mode;

/// V8 can be contained this far only where our archive of it is linked.
const HAS_OUR_V8: bool = cfg!(all(
    target_arch = "x86_64",
    target_os = "linux",
    target_env = "gnu"
));

fn main() -> ExitCode {
    #[cfg(feature = "worker-processes")]
    if std::env::args().nth(1).as_deref() == Some("worker") {
        code_mode::worker::run();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the runtime starts");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mark, name] = &arguments[..]
        && mark == "--child"
    {
        runtime.block_on(be_child(name));
        // What a lost thread still does is no matter of this process's end.
        std::process::exit(0);
    }
    let selection = Selection::of(&arguments);
    if selection.only_list {
        list(&selection);
        return ExitCode::SUCCESS;
    }
    if selection.only_endings {
        table::print_endings(&selection.trials());
        return ExitCode::SUCCESS;
    }
    let wrong = runtime.block_on(run(&selection));
    for wrong in &wrong {
        println!("WRONG {wrong}");
    }
    if wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        println!("\n{} failures", wrong.len());
        ExitCode::FAILURE
    }
}

async fn run(selection: &Selection) -> Vec<String> {
    let mut wrong = escapes::run(|name| selection.has(name)).await;
    if !HAS_OUR_V8 {
        println!("the table is left out: this platform's V8 cannot be contained so far");
        return wrong;
    }
    wrong.extend(table::run(&selection.trials()).await);
    for mode in Mode::ALL {
        if selection.has(&sequence::name(mode)) {
            wrong.extend(sequence::run(mode).await);
        }
    }
    wrong
}

async fn be_child(name: &str) {
    for mode in Mode::ALL {
        if name == sequence::name(mode) {
            return sequence::in_this_process(mode).await;
        }
    }
    let trials = table::trials();
    let trial = trials.iter().find(|trial| trial.name() == name);
    let trial = trial.expect("the parent names a trial there is");
    child::one(trial.mode, trial.row).await;
}

/// Prints the names as the test harness does, and how a script may end.
fn list(selection: &Selection) {
    let names = escapes::names()
        .chain(
            table::trials()
                .iter()
                .map(table::Trial::name)
                .collect::<Vec<_>>(),
        )
        .chain(Mode::ALL.map(sequence::name));
    for name in names.filter(|name| selection.has(name)) {
        println!("{name}: test");
    }
}

/// Which tests are asked for, in the words of the usual test harness.
#[derive(Default)]
struct Selection {
    filters: Vec<String>,
    skipped: Vec<String>,
    exact: bool,
    only_list: bool,
    only_endings: bool,
    nothing: bool,
}

impl Selection {
    fn of(arguments: &[String]) -> Self {
        let mut selection = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--exact" => selection.exact = true,
                "--list" => selection.only_list = true,
                "--endings" => selection.only_endings = true,
                "--ignored" => selection.nothing = true,
                "--skip" => selection.skipped.extend(arguments.next().cloned()),
                "--test-threads" | "--format" | "--color" | "--logfile" | "-Z" => {
                    arguments.next();
                }
                flag if flag.starts_with('-') => {}
                filter => selection.filters.push(filter.to_owned()),
            }
        }
        selection
    }

    /// The rows of the table that are asked for.
    fn trials(&self) -> Vec<table::Trial> {
        let mut trials = table::trials();
        trials.retain(|trial| self.has(&trial.name()));
        trials
    }

    fn has(&self, name: &str) -> bool {
        let matches = |filter: &String| match self.exact {
            true => name == filter,
            false => name.contains(filter.as_str()),
        };
        !self.nothing
            && (self.filters.is_empty() || self.filters.iter().any(matches))
            && !self.skipped.iter().any(matches)
    }
}
