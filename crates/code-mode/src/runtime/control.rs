//! The part of an isolate that other threads may touch: why it should stop, how to interrupt it, and
//! what it has used.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::cpu_clock::CpuClock;
use super::watchdog;
use crate::sync::lock;

/// Why an isolate stopped running its script. The first reason given stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum StopReason {
    /// The script settled by itself.
    Completed = 1,
    /// The script called `exit()`.
    Exited = 2,
    /// Somebody outside ended it.
    Terminated = 3,
    /// It went over its heap limit.
    HeapLimit = 4,
    /// It went over its CPU time.
    CpuLimit = 5,
}

/// What V8 runs on an isolate's thread between two steps of its script.
pub(super) type Interrupt = unsafe extern "C" fn(v8::UnsafeRawIsolatePtr, *mut std::ffi::c_void);

const RUNNING: u8 = 0;

impl StopReason {
    fn from_u8(value: u8) -> Option<Self> {
        [
            Self::Completed,
            Self::Exited,
            Self::Terminated,
            Self::HeapLimit,
            Self::CpuLimit,
        ]
        .into_iter()
        .find(|reason| *reason as u8 == value)
    }
}

/// One isolate's control block. Shared by its thread, its cell and the watchdog; outlives the isolate.
pub(crate) struct IsolateControl {
    heap_limit: usize,
    cpu_limit: Duration,
    reason: AtomicU8,
    /// Set while the isolate lives. Locked for a moment by whoever interrupts it.
    handle: Mutex<Option<v8::IsolateHandle>>,
    /// The clock of the isolate's thread, as long as that thread is known to live.
    clock: Mutex<Option<CpuClock>>,
    in_javascript: AtomicBool,
    heap_used: AtomicUsize,
    cpu_used_nanos: AtomicU64,
}

impl IsolateControl {
    pub(super) fn new(heap_limit: usize, cpu_limit: Duration) -> Self {
        Self {
            heap_limit,
            cpu_limit,
            reason: AtomicU8::new(RUNNING),
            handle: Mutex::new(None),
            clock: Mutex::new(None),
            in_javascript: AtomicBool::new(false),
            heap_used: AtomicUsize::new(0),
            cpu_used_nanos: AtomicU64::new(0),
        }
    }

    /// Gives the reason to stop, if none was given before; whether this one stands.
    pub(super) fn claim(&self, reason: StopReason) -> bool {
        self.reason
            .compare_exchange(RUNNING, reason as u8, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// The reason that stands.
    pub(super) fn reason(&self) -> Option<StopReason> {
        StopReason::from_u8(self.reason.load(Ordering::Acquire))
    }

    /// Gives the reason to stop and interrupts JavaScript; whether this reason stands.
    ///
    /// From any thread, at any time, the isolate being there or not.
    pub(crate) fn stop(&self, reason: StopReason) -> bool {
        let first = self.claim(reason);
        if first && let Some(handle) = &*lock(&self.handle) {
            handle.terminate_execution();
        }
        first
    }

    /// Lets others interrupt the isolate; called on its thread once it exists.
    pub(super) fn attach(&self, handle: v8::IsolateHandle) {
        *lock(&self.handle) = Some(handle);
        *lock(&self.clock) = Some(CpuClock::of_this_thread());
    }

    /// Ends what [`attach`](Self::attach) began; called on the isolate's thread before the isolate goes.
    pub(super) fn detach(&self) {
        self.leave_javascript();
        *lock(&self.clock) = None;
        *lock(&self.handle) = None;
    }

    /// Marks the time from here to [`leave_javascript`](Self::leave_javascript) as the script's.
    pub(super) fn enter_javascript(&self) {
        self.in_javascript.store(true, Ordering::Release);
        if let Some(clock) = &mut *lock(&self.clock) {
            clock.resume();
        }
        watchdog::entered_javascript();
    }

    pub(super) fn leave_javascript(&self) {
        if !self.in_javascript.swap(false, Ordering::AcqRel) {
            return;
        }
        watchdog::left_javascript();
        if let Some(clock) = &mut *lock(&self.clock) {
            clock.pause();
            self.record_cpu(clock.used());
        }
    }

    pub(super) fn is_in_javascript(&self) -> bool {
        self.in_javascript.load(Ordering::Acquire)
    }

    /// CPU time used so far. The clock lock is held meanwhile, so the thread cannot end under it.
    pub(crate) fn cpu_used(&self) -> Duration {
        if let Some(clock) = &*lock(&self.clock) {
            self.record_cpu(clock.used());
        }
        Duration::from_nanos(self.cpu_used_nanos.load(Ordering::Relaxed))
    }

    fn record_cpu(&self, used: Duration) {
        let nanos = u64::try_from(used.as_nanos()).unwrap_or(u64::MAX);
        self.cpu_used_nanos.fetch_max(nanos, Ordering::Relaxed);
    }

    pub(super) fn cpu_limit(&self) -> Duration {
        self.cpu_limit
    }

    pub(super) fn heap_limit(&self) -> usize {
        self.heap_limit
    }

    /// Heap and ArrayBuffer bytes at the last look.
    pub(crate) fn heap_used(&self) -> usize {
        self.heap_used.load(Ordering::Relaxed)
    }

    /// Notes what the isolate holds and stops it if that is too much. On the isolate's thread.
    pub(super) fn check_heap(&self, isolate: &mut v8::Isolate) {
        let statistics = isolate.get_heap_statistics();
        let used = statistics.used_heap_size() + statistics.external_memory();
        self.heap_used.store(used, Ordering::Relaxed);
        if used > self.heap_limit {
            self.stop(StopReason::HeapLimit);
        }
    }

    /// Asks the isolate to look at its heap at its next interrupt check.
    pub(super) fn request_heap_check(&self, callback: Interrupt) {
        if let Some(handle) = &*lock(&self.handle) {
            let this = std::ptr::from_ref(self).cast_mut().cast();
            handle.request_interrupt(callback, this);
        }
    }
}
