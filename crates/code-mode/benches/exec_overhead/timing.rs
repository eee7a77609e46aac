//! Times of execs in one process.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::peak_rss::PeakRss;

/// What one exec took.
pub struct Timing {
    /// Until the next exec may start.
    pub total: Duration,
    /// Until the text was there, where that is earlier.
    pub until_text: Option<Duration>,
}

/// What a child process measured.
#[derive(Default, Serialize, Deserialize)]
pub struct Sample {
    /// Each exec, in nanoseconds.
    pub total_ns: Vec<u64>,
    /// Each exec until its text was there, in nanoseconds; not of the engine.
    pub until_text_ns: Vec<u64>,
    /// Growth of resident memory at its peak, in KiB, where the system tells.
    pub peak_rss_kib: Option<u64>,
    /// What else the scenario is about, by names that say the unit.
    pub figures: BTreeMap<String, f64>,
}

impl Sample {
    /// Of these times alone.
    pub fn of_times(times: &[Duration]) -> Self {
        Self {
            total_ns: times.iter().copied().map(nanoseconds).collect(),
            ..Self::default()
        }
    }
}

/// Execs one after another, the first ones for nothing.
pub fn measure(warmups: usize, iterations: usize, mut exec: impl FnMut() -> Timing) -> Sample {
    for _ in 0..warmups {
        exec();
    }
    let mut timings = Vec::with_capacity(iterations);
    let peak_rss = PeakRss::start();
    timings.extend((0..iterations).map(|_| exec()));
    let peak_rss_kib = peak_rss.and_then(|peak| peak.growth_kib());

    let totals: Vec<_> = timings.iter().map(|timing| timing.total).collect();
    let until_text = timings.iter().filter_map(|timing| timing.until_text);
    Sample {
        until_text_ns: until_text.map(nanoseconds).collect(),
        peak_rss_kib,
        ..Sample::of_times(&totals)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("an exec takes less than 500 years")
}
