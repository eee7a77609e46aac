//! The samples of a row, and statistics over them.

use std::collections::BTreeSet;

use crate::sample::Plan;
use crate::statistics::Sorted;
use crate::timing::Sample;

/// All samples of one scenario with one tool count.
pub struct Row {
    pub plan: Plan,
    pub samples: Vec<Sample>,
}

impl Row {
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            samples: Vec::new(),
        }
    }

    /// Each iteration of each sample, as nanoseconds of what the row shows.
    pub fn total_ns(&self) -> Sorted {
        let parts = f64::from(self.plan.scenario.parts_per_exec);
        let execs = self.samples.iter().flat_map(|sample| &sample.total_ns);
        Sorted::new(execs.map(|&ns| ns as f64 / parts))
    }

    /// As `total_ns`, until the text was there.
    pub fn until_text_ns(&self) -> Sorted {
        let execs = self.samples.iter().flat_map(|sample| &sample.until_text_ns);
        Sorted::new(execs.map(|&ns| ns as f64))
    }

    /// Of each sample.
    pub fn peak_rss_kib(&self) -> Sorted {
        let peaks = self.samples.iter().filter_map(|sample| sample.peak_rss_kib);
        Sorted::new(peaks.map(|kib| kib as f64))
    }

    /// Of each sample.
    pub fn figure(&self, name: &str) -> Sorted {
        let values = self.samples.iter().map(|sample| sample.figures.get(name));
        Sorted::new(values.flatten().copied())
    }

    pub fn figure_names(&self) -> BTreeSet<&str> {
        let names = self.samples.iter().flat_map(|sample| sample.figures.keys());
        names.map(String::as_str).collect()
    }
}
