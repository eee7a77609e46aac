//! What `--leak` does wrong, a little of it for each session, so that one can see the soak fail.

use std::fs::File;
use std::hint::black_box;
use std::process::Command;
use std::str::FromStr;
use std::thread;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leak {
    Memory,
    Threads,
    Descriptors,
    /// Children nobody waits for.
    Zombies,
    /// Workers that do not end with the session that had them.
    Workers,
    /// Not a leak: an answer is taken for another one.
    Answer,
}

impl Leak {
    pub fn happens(self) {
        match self {
            // Else the compiler leaves out what nobody looks at.
            Self::Memory => std::mem::forget(black_box(vec![1_u8; 4 << 20])),
            Self::Threads => {
                let _ = thread::Builder::new().spawn(|| {
                    loop {
                        thread::park();
                    }
                });
            }
            Self::Descriptors => std::mem::forget(File::open("/dev/null")),
            // A child that is let go of is not waited for.
            Self::Zombies => drop(Command::new("true").spawn()),
            Self::Workers => leak_a_worker(),
            Self::Answer => {}
        }
    }
}

/// Each such pool has its warm worker.
#[cfg(feature = "worker-processes")]
fn leak_a_worker() {
    use code_mode::worker::{Options, Pool};

    let pool = Pool::new(Options::default());
    pool.start();
    std::mem::forget(pool);
}

#[cfg(not(feature = "worker-processes"))]
fn leak_a_worker() {}

impl FromStr for Leak {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "memory" => Ok(Self::Memory),
            "threads" => Ok(Self::Threads),
            "descriptors" => Ok(Self::Descriptors),
            "zombies" => Ok(Self::Zombies),
            "workers" if cfg!(feature = "worker-processes") => Ok(Self::Workers),
            "workers" => Err("that needs `--features worker-processes`"),
            "answer" => Ok(Self::Answer),
            _ => Err("there are memory, threads, descriptors, zombies, workers and answer"),
        }
    }
}
