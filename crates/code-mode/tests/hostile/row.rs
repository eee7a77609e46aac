//! What one hostile script is, and how it may end.

use std::fmt;
use std::time::Duration;

/// How a cell ended, as its caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The script came to its end.
    Value,
    /// It failed with an exception whose text contains this.
    Error(&'static str),
    /// It was stopped over its heap limit.
    Memory,
    /// It was stopped over its CPU time.
    Time,
    /// It was given up over a limit, its thread still computing.
    Wedged,
    /// It was given up because V8 could not serve an allocation; its thread is parked.
    Parked,
    /// It was ended by its caller.
    Terminated,
    /// Its worker process went with it.
    WorkerLost,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value => f.write_str("value"),
            Self::Error(text) => write!(f, "error {text:?}"),
            Self::Memory => f.write_str("memory"),
            Self::Time => f.write_str("time"),
            Self::Wedged => f.write_str("wedged"),
            Self::Parked => f.write_str("parked"),
            Self::Terminated => f.write_str("terminated"),
            Self::WorkerLost => f.write_str("worker lost"),
        }
    }
}

/// Where cells run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    InProcess,
    #[cfg(feature = "worker-processes")]
    Worker,
}

impl Mode {
    #[cfg(not(feature = "worker-processes"))]
    pub const ALL: [Self; 1] = [Self::InProcess];
    #[cfg(feature = "worker-processes")]
    pub const ALL: [Self; 2] = [Self::InProcess, Self::Worker];

    pub fn name(self) -> &'static str {
        match self {
            Self::InProcess => "in_process",
            #[cfg(feature = "worker-processes")]
            Self::Worker => "worker",
        }
    }
}

/// The text of a script.
#[derive(Clone, Copy)]
pub enum Script {
    Text(&'static str),
    /// Too long to be written down.
    Made(fn() -> String),
}

impl Script {
    pub fn source(self) -> String {
        match self {
            Self::Text(text) => text.to_owned(),
            Self::Made(make) => make(),
        }
    }
}

/// One hostile script.
///
/// A row may name more than one ending only where the script runs into two limits at once and V8's own
/// timing decides between them.
#[derive(Clone, Copy)]
pub struct Row {
    pub name: &'static str,
    pub script: Script,
    ends: &'static [Ending],
    /// The most resident memory its process may come to.
    pub peak_mib: u64,
    /// Whether it has something to say that no worker can say in one piece.
    is_longer_than_a_frame: bool,
}

/// A heap of 64 MiB, the 512 MiB that V8 may take on top to come out of an allocation, and the binary.
const PEAK_MIB: u64 = 768;

/// How long after its CPU time a cell must be answered, in processor time: to be noticed as wedged, and
/// room for an unoptimised build.
const GRACE: Duration = Duration::from_millis(1_500);

pub const fn row(name: &'static str, script: &'static str, ends: &'static [Ending]) -> Row {
    Row {
        name,
        script: Script::Text(script),
        ends,
        peak_mib: PEAK_MIB,
        is_longer_than_a_frame: false,
    }
}

pub const fn made(name: &'static str, script: fn() -> String, ends: &'static [Ending]) -> Row {
    Row {
        script: Script::Made(script),
        ..row(name, "", ends)
    }
}

impl Row {
    /// Lets it come to this much memory.
    pub const fn peak_mib(self, peak_mib: u64) -> Self {
        Self { peak_mib, ..self }
    }

    /// Says that it has something to say that no worker can say in one piece.
    pub const fn longer_than_a_frame(self) -> Self {
        Self {
            is_longer_than_a_frame: true,
            ..self
        }
    }

    /// How it may end.
    pub fn endings(&self, mode: Mode) -> Vec<Ending> {
        match mode {
            Mode::InProcess => {
                let mut endings = self.ends.to_vec();
                if endings.contains(&Ending::Memory) {
                    // Collecting the garbage of a full heap may take longer than a thread is given.
                    endings.push(Ending::Wedged);
                }
                if endings.contains(&Ending::Wedged) {
                    // A thread that was given up is parked when it asks for much memory.
                    endings.push(Ending::Parked);
                }
                endings
            }
            #[cfg(feature = "worker-processes")]
            Mode::Worker => self.endings_in_worker(),
        }
    }

    /// How it may end in a worker: as in the process, but for threads that are lost there. A worker is
    /// ended in their place.
    pub fn endings_in_worker(&self) -> Vec<Ending> {
        let mut endings = self.endings(Mode::InProcess);
        if self.may_lose_its_thread() {
            endings.push(Ending::WorkerLost);
        }
        if self.is_longer_than_a_frame {
            endings.push(Ending::Error(
                "on its way between this process and the worker",
            ));
        }
        endings
    }

    /// Whether its caller ends it at its first yield.
    pub fn is_terminated(&self) -> bool {
        self.ends.contains(&Ending::Terminated)
    }

    /// Whether its thread may be given up in the process.
    pub fn may_lose_its_thread(&self) -> bool {
        self.ends.contains(&Ending::Wedged) || self.ends.contains(&Ending::Parked)
    }

    /// The CPU time it gets: little where that may be what ends it, and else more than any machine needs
    /// to come to the other end.
    pub fn cpu_time(&self) -> Duration {
        let ends_by_time = [Ending::Time, Ending::Wedged];
        if ends_by_time.iter().any(|ending| self.ends.contains(ending)) {
            Duration::from_millis(300)
        } else {
            Duration::from_secs(20)
        }
    }

    /// The most processor time of its process until it is answered, in milliseconds.
    pub fn cpu_ms(&self) -> u64 {
        crate::child::millis(self.cpu_time() + GRACE)
    }
}

/// Rows about one subject.
pub struct Group {
    pub name: &'static str,
    pub rows: &'static [Row],
}
