//! What a cell holds outside of V8's heap, of which V8 knows little: an `Intl.DateTimeFormat` is some bytes
//! to it and takes thousands, and compiling one regular expression can take gigabytes in one step.
//!
//! Our archive of V8 brings the allocator of the whole process, and lets others stand before it: so each
//! cell has a [`Meter`] of what its thread has taken from `malloc` and nobody has freed. Not every piece is
//! counted: of each thread that has a cell, one is taken as a sample every [`INTERVAL`] bytes or so, and
//! stands for as much, until it is freed, on whatever thread. The distance is random, so that no script can
//! take its pieces between the samples. An estimate of 100 MiB is off by some per cent.
//!
//! The meter is read with the heap's size. A cell that was stopped, for this or for anything else, and
//! takes [`MORE_AFTER_STOP`] all the same has its thread parked where it asks; what takes less may yet come
//! to its end. Linked with another V8, meters stay at zero.

#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod allocator;
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod samples;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes between two samples, on average.
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
const INTERVAL: usize = 256 * 1024;

/// What a cell that was told to stop may take on top, so that what is nearly done can come to its end.
const MORE_AFTER_STOP: usize = 256 * 1024 * 1024;

/// Bytes that one cell's thread has taken and nobody has freed, estimated.
#[derive(Debug)]
pub(super) struct Meter {
    held: AtomicUsize,
    /// Beyond this the thread is parked.
    most: AtomicUsize,
    /// What was held when V8 was last asked to look at interruptions.
    at_interrupt: AtomicUsize,
}

impl Meter {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            held: AtomicUsize::new(0),
            most: AtomicUsize::new(usize::MAX),
            at_interrupt: AtomicUsize::new(0),
        })
    }

    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// V8 is asked to look at interruptions.
    pub(super) fn interrupt_requested(&self) {
        self.at_interrupt.store(self.held(), Ordering::Relaxed);
    }

    /// By how much more is held than when V8 was asked to.
    pub(super) fn grown_since_interrupt(&self) -> usize {
        let before = self.at_interrupt.load(Ordering::Relaxed);
        self.held().saturating_sub(before)
    }

    /// The thread was told to stop. What it held when this was first called counts.
    pub(super) fn stop_requested(&self) {
        let most = self.held() + MORE_AFTER_STOP;
        self.most.fetch_min(most, Ordering::Relaxed);
    }

    #[cfg(any(
        test,
        all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")
    ))]
    fn is_at_its_end(&self) -> bool {
        self.held() > self.most.load(Ordering::Relaxed)
    }
}

/// Has the process's allocator take samples for the threads of cells; once, before there is one.
pub(super) fn install() {
    #[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
    allocator::install();
}

/// Counts for this meter what the calling thread takes from here on.
pub(super) fn watch(meter: &Arc<Meter>) {
    #[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
    samples::watch(meter);
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")))]
    let _ = meter;
}

pub(super) fn unwatch() {
    #[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
    samples::unwatch();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(bytes: usize) -> Arc<Meter> {
        let meter = Meter::new();
        meter.held.store(bytes, Ordering::Relaxed);
        meter
    }

    #[test]
    fn a_stopped_cell_may_take_some_more_once() {
        let meter = holds(1000);
        assert!(!meter.is_at_its_end());
        meter.stop_requested();
        meter.held.fetch_add(MORE_AFTER_STOP, Ordering::Relaxed);
        assert!(!meter.is_at_its_end());
        meter.stop_requested();
        meter.held.fetch_add(1, Ordering::Relaxed);
        assert!(meter.is_at_its_end());
    }

    #[test]
    fn growth_counts_from_the_last_request() {
        let meter = holds(1000);
        assert_eq!(meter.grown_since_interrupt(), 1000);
        meter.interrupt_requested();
        assert_eq!(meter.grown_since_interrupt(), 0);
        meter.held.store(10, Ordering::Relaxed);
        assert_eq!(meter.grown_since_interrupt(), 0, "it shrank");
    }
}
