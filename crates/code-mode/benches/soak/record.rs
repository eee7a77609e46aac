//! What was run, and what was not as it should be. Shared by all sessions of a soak.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// Beyond so many, answers that were wrong are only counted.
const WRONG_SHOWN: usize = 40;

#[derive(Default)]
pub struct Record(Mutex<Recorded>);

#[derive(Default, Clone)]
pub struct Recorded {
    pub kinds: BTreeMap<&'static str, Count>,
    pub sessions: u64,
    pub wrong: Vec<String>,
    pub wrong_count: u64,
    /// Latencies of a cell that does next to nothing, beside all the others.
    pub beside: Vec<Duration>,
}

/// The cells of one kind.
#[derive(Default, Clone, Copy)]
pub struct Count {
    pub cells: u64,
    /// From start to end of the slowest.
    pub slowest: Duration,
}

impl Record {
    fn with<T>(&self, change: impl FnOnce(&mut Recorded) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    pub fn done(&self, kind: &'static str, took: Duration) {
        self.with(|recorded| {
            let count = recorded.kinds.entry(kind).or_default();
            count.cells += 1;
            count.slowest = count.slowest.max(took);
        });
    }

    pub fn session(&self) {
        self.with(|recorded| recorded.sessions += 1);
    }

    pub fn beside(&self, took: Duration) {
        self.with(|recorded| recorded.beside.push(took));
    }

    pub fn wrong(&self, what: String) {
        self.with(|recorded| {
            recorded.wrong_count += 1;
            if recorded.wrong.len() < WRONG_SHOWN {
                println!("WRONG {what}");
                recorded.wrong.push(what);
            }
        });
    }

    pub fn cells(&self) -> u64 {
        self.with(|recorded| recorded.kinds.values().map(|count| count.cells).sum())
    }

    pub fn take(&self) -> Recorded {
        self.with(std::mem::take)
    }
}
