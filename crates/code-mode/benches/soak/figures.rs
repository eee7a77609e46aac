//! What the process has, as Linux and the engine tell it.

use std::fs;
use std::time::{Duration, Instant};

use code_mode::{containment, standby};
use serde_json::{Value, json};

use crate::latency::Latency;

/// Isolates that stand by when there is nothing to do: the default floor.
const STANDBY_FLOOR: usize = 2;

/// A process that has not come to rest by then is measured as it is.
const REST_WITHIN: Duration = Duration::from_secs(90);

/// How long the threads must have been the same.
const RESTED: Duration = Duration::from_secs(2);

#[derive(Debug, Clone)]
pub struct Figures {
    pub resident_kib: u64,
    pub private_kib: u64,
    pub threads: u64,
    pub descriptors: u64,
    pub mappings: u64,
    pub lost_threads: u64,
    pub standby: u64,
    pub latency: Latency,
}

impl Figures {
    /// Waits until the process has come to rest, and measures.
    pub async fn at_rest(parked: usize) -> Self {
        rest(parked).await;
        let latency = Latency::measure().await;
        rest(parked).await;
        Self {
            resident_kib: kib("/proc/self/status", "VmRSS:"),
            private_kib: kib("/proc/self/smaps_rollup", "Private_Clean:")
                + kib("/proc/self/smaps_rollup", "Private_Dirty:"),
            threads: threads(),
            descriptors: entries("/proc/self/fd"),
            mappings: read("/proc/self/maps").lines().count() as u64,
            lost_threads: containment::lost_threads() as u64,
            standby: standby::ready() as u64,
            latency,
        }
    }

    pub fn to_json(&self) -> Value {
        json!({
            "resident_kib": self.resident_kib,
            "private_kib": self.private_kib,
            "threads": self.threads,
            "descriptors": self.descriptors,
            "mappings": self.mappings,
            "lost_threads": self.lost_threads,
            "standby": self.standby,
            "latency": self.latency.to_json(),
        })
    }
}

/// Waits until nothing of the cells is left but the parked threads.
async fn rest(parked: usize) {
    let start = Instant::now();
    let (mut seen, mut since) = (threads(), Instant::now());
    while start.elapsed() < REST_WITHIN {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = threads();
        let at_rest = containment::lost_threads() <= parked && standby::ready() == STANDBY_FLOOR;
        if now != seen || !at_rest {
            (seen, since) = (now, Instant::now());
        } else if since.elapsed() >= RESTED {
            return;
        }
    }
}

pub fn threads() -> u64 {
    entries("/proc/self/task")
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn entries(path: &str) -> u64 {
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    entries.count() as u64
}

fn kib(path: &str, field: &str) -> u64 {
    let text = read(path);
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|value| value.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_else(|| panic!("{path} has no {field}"))
}
