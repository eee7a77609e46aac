//! The part of an isolate that other threads may touch: why it should stop, how to interrupt it, and
//! what it has used.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, Weak};
use std::time::{Duration, Instant};

use super::cpu_clock::CpuClock;
use super::events::CellEvents;
use super::{contain_panics, watchdog};
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

const RUNNING: u8 = 0;

/// Host code in the middle of a script that takes longer than this computes, or blocks.
const SLOW_OUTSIDE: Duration = Duration::from_micros(100);

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
    /// A check was asked for and has not ended.
    heap_check_due: AtomicBool,
    cpu_used_nanos: AtomicU64,
    outside_nanos: AtomicU64,
    /// Whether the pool of isolates counts the thread among the busy.
    pub(super) is_busy: AtomicBool,
    /// Who is told once that the script takes its time.
    outside: Mutex<Option<Weak<dyn CellEvents>>>,
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
            heap_check_due: AtomicBool::new(false),
            cpu_used_nanos: AtomicU64::new(0),
            outside_nanos: AtomicU64::new(0),
            is_busy: AtomicBool::new(false),
            outside: Mutex::new(None),
        }
    }

    /// Has `events` told, once, when the script waits for the first time, or has run for a while.
    pub(super) fn tell_when_it_goes_on(&self, events: Weak<dyn CellEvents>) {
        *lock(&self.outside) = Some(events);
    }

    /// The script takes its time; whoever is to know is told.
    pub(super) fn goes_on(&self) {
        let outside = lock(&self.outside).take();
        if let Some(events) = outside.and_then(|events| events.upgrade()) {
            events.goes_on();
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
        if first {
            self.interrupt();
        }
        first
    }

    /// Has V8 throw what nothing can catch, at its next interrupt check.
    pub(super) fn interrupt(&self) {
        if let Some(handle) = &*lock(&self.handle) {
            handle.terminate_execution();
        }
    }

    /// Lets others interrupt the isolate; called on its thread before the script starts. A reason to
    /// stop that was given before has interrupted nothing: look at [`reason`](Self::reason) after.
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

    /// Runs code of the host's in the middle of a script. The script is not interrupted for it.
    ///
    /// Its time does not count as the script's. The processor's clock of a thread takes longer to read
    /// than most host code takes, so it is not read: what took long is taken for computing, and comes off
    /// what was counted. A host that blocks instead makes a present of that to the script, and
    /// [`outside_took`](Self::outside_took) is there to see that it is not made often.
    pub(super) fn outside<T>(&self, body: impl FnOnce() -> T) -> T {
        /// Goes back into JavaScript, after a panic too.
        struct Back<'a>(&'a IsolateControl, Instant);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                let Self(control, start) = self;
                let took = start.elapsed();
                if took >= SLOW_OUTSIDE {
                    if let Some(clock) = &mut *lock(&control.clock) {
                        clock.forgive(took);
                    }
                    let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
                    control.outside_nanos.fetch_add(took, Ordering::Relaxed);
                }
                control.in_javascript.store(true, Ordering::Release);
            }
        }

        if !self.in_javascript.swap(false, Ordering::AcqRel) {
            return body();
        }
        let _back = Back(self, Instant::now());
        body()
    }

    /// How long host code ran in the middle of the script, short pieces not counted.
    pub(crate) fn outside_took(&self) -> Duration {
        Duration::from_nanos(self.outside_nanos.load(Ordering::Relaxed))
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

    /// Notes what the isolate holds; whether that is more than it may.
    pub(super) fn is_over_heap_limit(&self, isolate: &mut v8::Isolate) -> bool {
        let statistics = isolate.get_heap_statistics();
        let used = statistics.used_heap_size() + statistics.external_memory();
        self.heap_used.store(used, Ordering::Relaxed);
        used > self.heap_limit
    }

    /// Stops the isolate if it holds too much even after V8 has collected its garbage. On the
    /// isolate's thread, between two steps of its script.
    pub(super) fn check_heap(&self, isolate: &mut v8::Isolate) {
        // Set meanwhile, or the collection below would ask for another check, without end.
        self.heap_check_due.store(true, Ordering::Relaxed);
        if self.is_over_heap_limit(isolate) {
            isolate.low_memory_notification();
            if self.is_over_heap_limit(isolate) {
                self.stop(StopReason::HeapLimit);
            }
        }
        self.heap_check_due.store(false, Ordering::Relaxed);
    }

    /// Asks the isolate to check its heap before its script's next step.
    pub(super) fn request_heap_check(&self) {
        // Without a handle there is no script yet, and the flag would stay set.
        if let Some(handle) = &*lock(&self.handle)
            && !self.heap_check_due.swap(true, Ordering::Relaxed)
        {
            let this = std::ptr::from_ref(self).cast_mut().cast();
            handle.request_interrupt(heap_check, this);
        }
    }
}

/// Runs on the isolate's thread, between two steps of its script.
unsafe extern "C" fn heap_check(isolate: v8::UnsafeRawIsolatePtr, control: *mut c_void) {
    contain_panics(|| {
        // SAFETY: V8 runs interrupts on the isolate's own thread while the isolate lives, and that
        // thread holds the control block `request_heap_check` pointed to until after it.
        let (mut isolate, control) = unsafe {
            (
                v8::Isolate::from_raw_isolate_ptr_unchecked(isolate),
                &*control.cast_const().cast::<IsolateControl>(),
            )
        };
        control.check_heap(&mut isolate);
    });
}

/// V8 has collected garbage. What is over the limit now may be garbage still, if only the young
/// generation was collected; the script's next step starts with a closer look.
pub(super) unsafe extern "C" fn after_garbage_collection(
    isolate: v8::UnsafeRawIsolatePtr,
    _: v8::GCType,
    _: v8::GCCallbackFlags,
    control: *mut c_void,
) {
    contain_panics(|| {
        // SAFETY: as for `heap_check`; V8 collects garbage on the isolate's thread.
        let (mut isolate, control) = unsafe {
            (
                v8::Isolate::from_raw_isolate_ptr_unchecked(isolate),
                &*control.cast_const().cast::<IsolateControl>(),
            )
        };
        if control.is_over_heap_limit(&mut isolate) {
            control.request_heap_check();
        }
    });
}
