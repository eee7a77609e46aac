//! The part of an isolate that other threads may touch: why it should stop, how to interrupt it, and
//! what it has used.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::cpu_clock::{self, CpuClock};
use super::ending::Ending;
use super::events::{CellEvents, Outcome};
use super::lost::{self, Lost};
use super::native_memory::Meter;
use super::shares::{Scarce, Shares};
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
    /// It asked for more memory at once than V8 can have.
    OutOfMemory = 6,
    /// It went over its limit of memory outside of the heap.
    NativeLimit = 7,
    /// All cells of the process had too much heap, and this one more than others.
    HeapShare = 8,
    /// The same, of machine code.
    CodeShare = 9,
}

const RUNNING: u8 = 0;

/// How much further the heap of a cell may grow once it is over its limit, so that the built-in that is
/// running can get to V8's next interrupt check, where the script ends. The least is had in any case.
const HEADROOM: usize = 512 * 1024 * 1024;
const LEAST_HEADROOM: usize = 16 * 1024 * 1024;

/// What all cells of the process may have of that together: all isolates share four gigabytes.
static HEADROOM_LEFT: AtomicUsize = AtomicUsize::new(1024 * 1024 * 1024);

/// A thread that was told to stop is given up when it has computed for this long since.
const STOPS_WITHIN: Duration = Duration::from_millis(500);

/// It is given up after this time too, whatever it does meanwhile: a thread that gives way to others may
/// get little of a busy machine.
const STOPS_WITHIN_WALL: Duration = Duration::from_secs(60);

/// A script that has computed for longer lets all threads go first that have not.
const COMPUTES_FOR_LONG: Duration = Duration::from_millis(100);

/// How much a script over its limit may take outside of the heap while V8 looks at no interruption.
const TAKEN_UNINTERRUPTED: usize = 64 * 1024 * 1024;

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
            Self::OutOfMemory,
            Self::NativeLimit,
            Self::HeapShare,
            Self::CodeShare,
        ]
        .into_iter()
        .find(|reason| *reason as u8 == value)
    }
}

/// One isolate's control block. Shared by its thread, its cell and the watchdog; outlives the isolate.
pub(crate) struct IsolateControl {
    heap_limit: usize,
    native_limit: usize,
    cpu_limit: Duration,
    reason: AtomicU8,
    /// Set while the isolate lives. Locked for a moment by whoever interrupts it.
    handle: Mutex<Option<v8::IsolateHandle>>,
    /// The clock of the isolate's thread, as long as that thread is known to live.
    clock: Mutex<Option<CpuClock>>,
    /// Whether that thread gives way to others.
    has_low_priority: AtomicBool,
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
    ending: Ending,
    /// Since when it is known that the thread should have stopped: wall time, and its processor time then.
    overdue: Mutex<Option<(Instant, Duration)>>,
    /// How the thread was lost, if it is.
    lost: AtomicU8,
    /// The length of an ArrayBuffer that was refused and not granted since, or nothing.
    refused_buffer: AtomicUsize,
    /// What this cell has of [`HEADROOM_LEFT`], once its heap ran full.
    headroom: AtomicUsize,
    has_headroom: AtomicBool,
    /// What it has of what all cells share.
    shares: Shares,
    /// What it holds outside of the heap.
    pub(super) native_memory: Arc<Meter>,
}

const NOT_LOST: u8 = 0;
const PARKED: u8 = 1;
const WEDGED: u8 = 2;
const BACK: u8 = 3;

impl IsolateControl {
    pub(super) fn new(heap_limit: usize, native_limit: usize, cpu_limit: Duration) -> Self {
        Self {
            heap_limit,
            native_limit,
            cpu_limit,
            reason: AtomicU8::new(RUNNING),
            handle: Mutex::new(None),
            clock: Mutex::new(None),
            has_low_priority: AtomicBool::new(false),
            in_javascript: AtomicBool::new(false),
            heap_used: AtomicUsize::new(0),
            heap_check_due: AtomicBool::new(false),
            cpu_used_nanos: AtomicU64::new(0),
            outside_nanos: AtomicU64::new(0),
            is_busy: AtomicBool::new(false),
            outside: Mutex::new(None),
            ending: Ending::default(),
            overdue: Mutex::new(None),
            lost: AtomicU8::new(NOT_LOST),
            refused_buffer: AtomicUsize::new(0),
            headroom: AtomicUsize::new(0),
            has_headroom: AtomicBool::new(false),
            shares: Shares::default(),
            native_memory: Meter::new(),
        }
    }

    pub(super) fn ending(&self) -> &Ending {
        &self.ending
    }

    /// How the thread of this cell is lost, if it is.
    pub(crate) fn lost(&self) -> Option<Lost> {
        match self.lost.load(Ordering::Acquire) {
            PARKED => Some(Lost::Parked),
            WEDGED => Some(Lost::Wedged),
            _ => None,
        }
    }

    /// Ends a cell whose thread does not: says how it ended, as far as that is not said yet. Nothing
    /// happens to a wedged one that says it itself meanwhile.
    pub(super) fn give_up(&self, how: Lost) {
        // First of all: a thread that comes out and finds its end said is to know that it was lost.
        self.mark_lost(how);
        let outcome = self.ending.take_outcome();
        if outcome.is_none() && how == Lost::Wedged {
            self.came_back();
            return;
        }
        if let Some(outcome) = outcome {
            // A receiver that is gone has nobody to tell.
            let _ = outcome.send(Some(self.stopped(Some(how))));
        }
        self.goes_on();
        self.ending.say_farewell();
    }

    fn mark_lost(&self, how: Lost) {
        let state = match how {
            Lost::Parked => PARKED,
            Lost::Wedged => WEDGED,
        };
        if !matches!(self.lost.swap(state, Ordering::AcqRel), PARKED | WEDGED) {
            lost::count_one();
        }
    }

    /// The thread of a cell that was given up has come out after all.
    pub(super) fn came_back(&self) -> bool {
        let was_lost = self
            .lost
            .compare_exchange(WEDGED, BACK, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        if was_lost {
            lost::count_back();
        }
        was_lost
    }

    /// Notes that the thread should have stopped by now, and runs on; whether it is to be given up.
    pub(super) fn is_wedged(&self) -> bool {
        let computed = self.cpu_used();
        let (since, before) = *lock(&self.overdue).get_or_insert((Instant::now(), computed));
        computed.saturating_sub(before) >= STOPS_WITHIN || since.elapsed() >= STOPS_WITHIN_WALL
    }

    /// Lets others have the processors first, if the script has computed for long. On its thread.
    fn give_way(&self) {
        if !self.has_low_priority() && self.cpu_used() >= COMPUTES_FOR_LONG {
            self.has_low_priority.store(true, Ordering::Relaxed);
            cpu_clock::lower_own_priority();
        }
    }

    /// Whether the thread gives way to others, which it does for good.
    pub(super) fn has_low_priority(&self) -> bool {
        self.has_low_priority.load(Ordering::Relaxed)
    }

    /// Gives the thread little of a processor that others want too. There is no way back.
    pub(super) fn demote(&self) {
        self.has_low_priority.store(true, Ordering::Relaxed);
        if let Some(clock) = &*lock(&self.clock) {
            clock.demote();
        }
    }

    /// Bytes by which a heap that is over its limit may go on growing. None if it has had what there is:
    /// then V8 has nothing left to serve it with, and its thread is parked.
    pub(super) fn take_headroom(&self) -> usize {
        if self.has_headroom.swap(true, Ordering::Relaxed) {
            return 0;
        }
        let mut taken = 0;
        let _ = HEADROOM_LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            taken = left.min(HEADROOM);
            Some(left - taken)
        });
        self.headroom.store(taken, Ordering::Relaxed);
        taken.max(LEAST_HEADROOM)
    }

    /// The isolate is gone, and with it what it had of what all cells share.
    pub(super) fn give_shares_back(&self) {
        self.shares.give_back();
        let taken = self.headroom.swap(0, Ordering::Relaxed);
        HEADROOM_LEFT.fetch_add(taken, Ordering::Relaxed);
    }

    /// An ArrayBuffer was refused: the cell is over its limit, unless V8 finds room for it when it has
    /// collected garbage. That shows at the script's next step.
    pub(super) fn buffer_refused(&self, length: usize) {
        self.refused_buffer.store(length, Ordering::Relaxed);
        self.request_heap_check();
    }

    pub(super) fn buffer_granted(&self, length: usize) {
        if self.refused_buffer.load(Ordering::Relaxed) == length {
            self.refused_buffer.store(0, Ordering::Relaxed);
        }
    }

    /// Whether the script wanted an ArrayBuffer that it could not have.
    pub(super) fn has_refused_a_buffer(&self) -> bool {
        self.refused_buffer.load(Ordering::Relaxed) != 0
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
            return lost::outside(body);
        }
        let _back = Back(self, Instant::now());
        lost::outside(body)
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

    /// How a script ended that was stopped, by the reason that stands.
    pub(super) fn stopped(&self, lost: Option<Lost>) -> Outcome {
        let error = match self.reason() {
            Some(StopReason::Exited) => return Outcome::Success,
            Some(StopReason::Terminated) => return Outcome::Stopped,
            Some(StopReason::HeapLimit) => format!(
                "Error: the script used more than its {} of memory (heap and ArrayBuffers together) and was stopped; \
                 work on smaller pieces, or keep less at once",
                in_mib(self.heap_limit)
            ),
            Some(StopReason::NativeLimit) => format!(
                "Error: the script used more than the {} of memory it may have beside its heap and was stopped; \
                 objects of Intl and regular expressions take it: make fewer, or use one again",
                in_mib(self.native_limit)
            ),
            Some(StopReason::HeapShare) => "Error: the scripts of this process together used more memory than there \
                 is for all of them, and this one, which had more than its share, was stopped; hold less at once, or \
                 try again when others have ended"
                .to_owned(),
            Some(StopReason::CodeShare) => "Error: the scripts of this process together had more compiled code than \
                 there is room for, and this one, which had more than its share, was stopped; make fewer functions \
                 and regular expressions, or try again when others have ended"
                .to_owned(),
            Some(StopReason::CpuLimit) => format!(
                "Error: the script computed for {:.1} s, longer than the {:.1} s it may, and was stopped; \
                 time spent waiting does not count",
                self.cpu_used().as_secs_f64(),
                self.cpu_limit.as_secs_f64()
            ),
            Some(StopReason::OutOfMemory) => {
                "Error: the script asked for more memory at once than there can be and was stopped; \
                 work on smaller pieces"
                    .to_owned()
            }
            Some(StopReason::Completed) | None => {
                return runtime_failure("V8 stopped it without a reason");
            }
        };
        Outcome::Failure(match lost {
            Some(Lost::Wedged) => {
                format!("{error} (it is inside a built-in function that cannot be interrupted)")
            }
            Some(Lost::Parked) | None => error,
        })
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

    /// Notes what the isolate holds; the limit it is over, if it is over one.
    fn memory_limit_passed(&self, isolate: &mut v8::Isolate) -> Option<StopReason> {
        let statistics = isolate.get_heap_statistics();
        let used = statistics.used_heap_size() + statistics.external_memory();
        self.heap_used.store(used, Ordering::Relaxed);
        if used > self.heap_limit {
            return Some(StopReason::HeapLimit);
        }
        if self.native_memory.held() > self.native_limit {
            return Some(StopReason::NativeLimit);
        }
        let scarce = self.shares.note(isolate, statistics.total_heap_size())?;
        Some(match scarce {
            Scarce::Heap => StopReason::HeapShare,
            Scarce::Code => StopReason::CodeShare,
        })
    }

    /// Stops the isolate if it holds too much even after V8 has collected its garbage. On the
    /// isolate's thread, between two steps of its script.
    pub(super) fn check_heap(&self, isolate: &mut v8::Isolate) {
        // Set meanwhile, or the collection below would ask for another check, without end.
        self.heap_check_due.store(true, Ordering::Relaxed);
        if self.has_refused_a_buffer() {
            self.stop(StopReason::HeapLimit);
        } else if self.memory_limit_passed(isolate).is_some() {
            isolate.low_memory_notification();
            if let Some(limit) = self.memory_limit_passed(isolate) {
                self.stop(limit);
            }
        }
        self.heap_check_due.store(false, Ordering::Relaxed);
    }

    /// Whether it holds more outside of the heap than it may, and goes on taking while V8 looks at no
    /// interruption. Without that growth V8 may be at collecting what is held there.
    pub(super) fn takes_native_memory_uninterrupted(&self) -> bool {
        self.heap_check_due.load(Ordering::Relaxed)
            && self.native_memory.held() > self.native_limit
            && self.native_memory.grown_since_interrupt() > TAKEN_UNINTERRUPTED
    }

    /// Asks the isolate to check its heap before its script's next step.
    pub(super) fn request_heap_check(&self) {
        // Without a handle there is no script yet, and the flag would stay set.
        if let Some(handle) = &*lock(&self.handle)
            && !self.heap_check_due.swap(true, Ordering::Relaxed)
        {
            let this = std::ptr::from_ref(self).cast_mut().cast();
            self.native_memory.interrupt_requested();
            handle.request_interrupt(heap_check, this);
        }
    }
}

/// The engine's own failure, of which a cell dies.
pub(super) fn runtime_failure(why: &str) -> Outcome {
    Outcome::RuntimeFailure(format!(
        "the engine failed while it ran the script ({why}); this cell is lost, the session goes on"
    ))
}

fn in_mib(bytes: usize) -> String {
    const MIB: usize = 1024 * 1024;
    format!("{} MiB", bytes.div_ceil(MIB))
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
        control.give_way();
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
        if control.memory_limit_passed(&mut isolate).is_some() {
            control.request_heap_check();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_says_its_end_itself_is_not_lost() {
        let control = IsolateControl::new(0, 0, Duration::ZERO);
        control.give_up(Lost::Wedged);
        assert_eq!(control.lost(), None);
        control.give_up(Lost::Parked);
        assert_eq!(control.lost(), Some(Lost::Parked));
        control.give_up(Lost::Parked);
        assert!(!control.came_back());
        lost::count_back();
    }
}
