//! The sandbox of the operating system that a worker process enters first thing, before V8 starts and
//! while the process has one thread.
//!
//! It is the wall behind V8's own: whoever breaks out of V8 in a worker has the memory of that worker, its
//! pipe to the parent, threads, clocks and random numbers, and nothing else. [`enter`] never gives a
//! part up in silence: the [`Report`] names all of them, with what the kernel could not provide.
//!
//! | Part | What it leaves, on Linux |
//! |---|---|
//! | environment | `TZ` and `LC_ALL` at most, which decide what `Date` and `Intl` show; the folder `/` |
//! | descriptors | those named in [`Options::keep`]; a standard one that is not kept is `/dev/null` |
//! | no new privileges, capabilities | no file that is executed gives rights; no capability, even to root |
//! | not dumpable | no core file, and no other process of the user reads this one's memory |
//! | death of the parent | the kernel kills the worker when the thread that started it ends |
//! | resource limits | no bytes into files, 64 descriptors, no locked memory, no core file |
//! | memory limit | [`Options::max_memory_bytes`] |
//! | Landlock | no file by path, no TCP port, no abstract socket of others, no signal to others |
//! | seccomp | the system calls in `system_calls.rs`; what only an attack asks for ends the process |
//!
//! `RLIMIT_NPROC` is left alone: it counts the threads of all processes of the user. So is `RLIMIT_AS`:
//! V8's sandbox reserves a terabyte of addresses.
//!
//! Entering takes about a millisecond, most of it the kernel's work on the filter.
//!
//! Nothing here starts processes; [`parent::prepare`] is what the parent owes a worker.

#[cfg(target_os = "linux")]
mod linux;
mod locality;
pub mod parent;
mod report;
#[cfg(target_os = "linux")]
mod system_calls;

pub use report::{Part, Report, State};

/// How much of a sandbox to enter.
#[derive(Debug, Clone)]
pub struct Options {
    keep: Vec<i32>,
    parent: Option<u32>,
    max_memory_bytes: Option<u64>,
    strictness: Strictness,
    without: Vec<Part>,
}

/// What to do about parts that the system does not provide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Go on with the others.
    BestEffort,
    /// Give up with [`SandboxError::Incomplete`]. On Linux that asks for 6.12 or newer.
    Everything,
}

impl Default for Options {
    /// Keeps standard input and output, and does its best about the rest.
    fn default() -> Self {
        Self {
            keep: vec![0, 1],
            parent: None,
            max_memory_bytes: None,
            strictness: Strictness::BestEffort,
            without: Vec::new(),
        }
    }
}

impl Options {
    /// The descriptors that stay open. Default: 0 and 1, the pipe to the parent.
    #[must_use]
    pub fn keep(mut self, descriptors: impl IntoIterator<Item = i32>) -> Self {
        self.keep = descriptors.into_iter().collect();
        self
    }

    /// The process that must be alive, by its id: the kernel ends this one when it ends. Default: none.
    ///
    /// Linux looks at the *thread* that started the worker, not at its process. So a parent that says
    /// this starts its workers from a thread that lives as long as they shall, not from a task of an
    /// asynchronous runtime.
    #[must_use]
    pub fn parent(mut self, process: u32) -> Self {
        self.parent = Some(process);
        self
    }

    /// How many bytes of memory of its own the process may have. Default: no limit.
    ///
    /// Counted is what is private and may be written (`RLIMIT_DATA`), used or not: heaps, ArrayBuffers,
    /// whole stacks of threads, 4 MiB each, and tables of V8. The program itself and addresses that are
    /// only reserved are not. On x86-64 a worker that has run one small cell counts about 150 MB, though
    /// it uses 20, and each isolate that stands by 6 MB more, so a limit is some 200 MB and 1.5 times the
    /// heaps of all cells at once, and half a gigabyte for built-ins on their way to being stopped.
    ///
    /// When it is reached, V8 or Rust find no memory, which ends a cell with an
    /// error where V8 can still stop it, and the process where it cannot.
    #[must_use]
    pub fn max_memory_bytes(mut self, bytes: u64) -> Self {
        self.max_memory_bytes = Some(bytes);
        self
    }

    /// What to do about parts that the system does not provide. Default: best effort.
    #[must_use]
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        self.strictness = strictness;
        self
    }

    /// Leaves a part out, so that a test sees what the others do without it.
    #[doc(hidden)]
    #[must_use]
    pub fn without(mut self, part: Part) -> Self {
        self.without.push(part);
        self
    }
}

/// Why the process is not in the sandbox, or only in a part of it. It should end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// It would hold for the calling thread only.
    #[error(
        "the process has {0} threads already; enter the sandbox before the first one is started"
    )]
    Threads(usize),
    /// Nobody is there to work for.
    #[error("the process that started this one has ended")]
    ParentGone,
    /// Everything was asked for.
    #[error(
        "the system does not provide all of the sandbox: {}; run it where it does, or ask for best effort",
        .0.shortcomings().join("; ")
    )]
    Incomplete(Report),
}

/// Enters the sandbox, for good, and says what it is made of.
pub fn enter(options: &Options) -> Result<Report, SandboxError> {
    let report = enter_parts(options)?;
    if options.strictness == Strictness::Everything && !report.shortcomings().is_empty() {
        return Err(SandboxError::Incomplete(report));
    }
    Ok(report)
}

#[cfg(target_os = "linux")]
use linux::enter_parts;

/// Elsewhere there is nothing, and the report says so.
#[cfg(not(target_os = "linux"))]
fn enter_parts(options: &Options) -> Result<Report, SandboxError> {
    let mut report = Report::default();
    for part in Part::ALL {
        let state = if options.asks_for(part) {
            State::Missing("only Linux has it here".to_owned())
        } else {
            State::NotAsked
        };
        report.add(part, state);
    }
    Ok(report)
}

impl Options {
    fn asks_for(&self, part: Part) -> bool {
        let meant = match part {
            Part::ParentDeath => self.parent.is_some(),
            Part::MemoryLimit => self.max_memory_bytes.is_some(),
            _ => true,
        };
        meant && !self.without.contains(&part)
    }
}
