//! What the process and its workers have, as Linux and the engine tell it.

use std::fs;
use std::time::{Duration, Instant};

use code_mode::{containment, standby};
use serde_json::{Value, json};

use crate::latency::Latency;
use crate::mode::Mode;
use crate::procfs::{Children, entries, kib, read};

/// A process that has not come to rest by then is measured as it is.
const REST_WITHIN: Duration = Duration::from_secs(90);

#[derive(Debug, Clone)]
pub struct Figures {
    pub resident_kib: u64,
    pub private_kib: u64,
    /// But for those that write to workers.
    pub threads: u64,
    /// A worker has one from the first time on that its socket has no room for what it is sent.
    pub writers: u64,
    pub descriptors: u64,
    pub mappings: u64,
    pub lost_threads: u64,
    pub standby: u64,
    pub workers: Children,
    /// The worker of the session that lasts.
    pub lasting_process: Option<u32>,
    pub latency: Latency,
}

impl Figures {
    /// Waits until the process and its workers have come to rest, and measures.
    pub async fn at_rest(mode: &Mode, parked: usize) -> Self {
        rest(mode, parked).await;
        let latency = Latency::measure(mode).await;
        rest(mode, parked).await;
        let writers = writers();
        Self {
            resident_kib: kib("/proc/self/status", "VmRSS:"),
            private_kib: kib("/proc/self/smaps_rollup", "Private_Clean:")
                + kib("/proc/self/smaps_rollup", "Private_Dirty:"),
            threads: threads() - writers,
            writers,
            descriptors: entries("/proc/self/fd"),
            mappings: read("/proc/self/maps").lines().count() as u64,
            lost_threads: containment::lost_threads() as u64,
            standby: standby::ready() as u64,
            workers: Children::now(),
            lasting_process: mode.lasting_process(),
            latency,
        }
    }

    pub fn to_json(&self) -> Value {
        json!({
            "resident_kib": self.resident_kib,
            "private_kib": self.private_kib,
            "threads": self.threads,
            "writers": self.writers,
            "descriptors": self.descriptors,
            "mappings": self.mappings,
            "lost_threads": self.lost_threads,
            "standby": self.standby,
            "workers": {
                "living": self.workers.living,
                "zombies": self.workers.zombies,
                "threads": self.workers.threads,
                "resident_kib": self.workers.resident_kib,
                "anonymous_kib": self.workers.anonymous_kib,
                "descriptors": self.workers.descriptors,
            },
            "lasting_process": self.lasting_process,
            "latency": self.latency.to_json(),
        })
    }
}

/// Waits until nothing of the cells is left but the parked threads.
async fn rest(mode: &Mode, parked: usize) {
    let start = Instant::now();
    let (mut seen, mut since) = (Moving::now(), Instant::now());
    while start.elapsed() < REST_WITHIN {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = Moving::now();
        let at_rest = containment::lost_threads() <= parked
            && standby::ready() == mode.standby_floor()
            && mode.is_at_rest();
        if now != seen || !at_rest {
            (seen, since) = (now, Instant::now());
        } else if since.elapsed() >= mode.rests_for() {
            return;
        }
    }
}

/// What is the same from one look to the next once nothing moves.
#[derive(PartialEq, Eq)]
struct Moving {
    threads: u64,
    workers: u64,
    zombies: u64,
    threads_of_workers: u64,
}

impl Moving {
    fn now() -> Self {
        let workers = Children::now();
        Self {
            threads: threads(),
            workers: workers.living,
            zombies: workers.zombies,
            threads_of_workers: workers.threads,
        }
    }
}

fn threads() -> u64 {
    entries("/proc/self/task")
}

fn writers() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").expect("procfs is there");
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "worker-writer").count() as u64
}
