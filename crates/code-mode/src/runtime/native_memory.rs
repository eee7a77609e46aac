//! What V8 takes from `malloc` for one cell while nothing interrupts it.
//!
//! Compiling a regular expression, for one, works in memory of its own, outside of the heap, and looks at
//! no interruption: one that is made for it takes gigabytes in seconds. So each cell has a [`Meter`] of
//! the large pieces that its thread has asked for. The watchdog reads it against the time of V8's last
//! look at interruptions; a cell that was stopped for it, or for anything else, and asks for
//! [`MORE_AFTER_STOP`] all the same has its thread parked where it asks.
//!
//! Our archive of V8 brings the allocator of the whole process, which lets others stand before it:
//! [`install`] does. Linked with another V8, meters stay at zero.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a cell that was told to stop may take on top, so that what is nearly done can come to its end.
const MORE_AFTER_STOP: usize = 256 * 1024 * 1024;

/// All pieces taken by one cell's thread, whatever became of them: V8 gives back what a compilation took
/// when that ends, which is just when it looks at interruptions.
pub(super) struct Meter {
    taken: AtomicUsize,
    /// Beyond this the thread is parked.
    most: AtomicUsize,
    /// What was taken when V8 was last asked to look at interruptions.
    at_interrupt: AtomicUsize,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self {
            taken: AtomicUsize::new(0),
            most: AtomicUsize::new(usize::MAX),
            at_interrupt: AtomicUsize::new(0),
        }
    }

    /// V8 is asked to look at interruptions.
    pub(super) fn interrupt_requested(&self) {
        let taken = self.taken.load(Ordering::Relaxed);
        self.at_interrupt.store(taken, Ordering::Relaxed);
    }

    /// Bytes taken since it was asked to.
    pub(super) fn since_interrupt(&self) -> usize {
        let taken = self.taken.load(Ordering::Relaxed);
        taken.saturating_sub(self.at_interrupt.load(Ordering::Relaxed))
    }

    /// The thread was told to stop. What it had taken when this was first called counts.
    pub(super) fn is_stopped(&self) {
        let most = self.taken.load(Ordering::Relaxed) + MORE_AFTER_STOP;
        self.most.fetch_min(most, Ordering::Relaxed);
    }

    /// Nobody waits for what the thread does any more.
    pub(super) fn is_given_up(&self) {
        self.most.store(0, Ordering::Relaxed);
    }

    /// Counts a piece; whether that is too much.
    fn count(&self, length: usize) -> bool {
        let taken = self.taken.fetch_add(length, Ordering::Relaxed) + length;
        taken > self.most.load(Ordering::Relaxed)
    }
}

thread_local! {
    /// Of the cell that this thread has. Points into what the thread's mark as one of a cell holds.
    static METER: Cell<*const Meter> = const { Cell::new(std::ptr::null()) };
}

/// Counts what the calling thread takes from here on.
///
/// # Safety
///
/// The meter must stay where it is until [`unwatch`] was called on this thread.
pub(super) unsafe fn watch(meter: *const Meter) {
    METER.set(meter);
}

pub(super) fn unwatch() {
    METER.set(std::ptr::null());
}

/// Has the process's allocator count for the threads of cells; once, before there is one.
pub(super) fn install() {
    #[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
    imp::install();
}

/// PartitionAlloc's shim is a chain of tables of functions, of which `malloc` calls the first.
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod imp {
    use std::cell::UnsafeCell;
    use std::ffi::c_void;

    use super::METER;
    use crate::runtime::{contain_panics, lost};

    /// Smaller pieces are not looked at: they are most of all, and a memory full of them takes its time.
    const COUNTED: usize = 8 * 1024;

    /// Where V8 compiles, it takes its memory in pieces of this size (`Zone::kMaximumSegmentSize`).
    const ZONE_SEGMENT: usize = 32 * 1024;

    /// Tables of ICU, which are made under a lock of the process's, are far smaller.
    const LARGE: usize = 1024 * 1024;

    type Allocate = unsafe extern "C" fn(size: usize, token: usize, *mut c_void) -> *mut c_void;
    type Function = Option<unsafe extern "C" fn()>;

    /// `allocator_shim::AllocatorDispatch`, in the order of `allocator_dispatch.h`. What is empty is
    /// filled with the next one's when it is inserted.
    #[repr(C)]
    struct Dispatch {
        allocate: Option<Allocate>,
        others: [Function; 21],
        next: *const Dispatch,
    }

    struct Inserted(UnsafeCell<Dispatch>);

    // SAFETY: written by `InsertAllocatorDispatch` alone, before it makes it known to other threads.
    unsafe impl Sync for Inserted {}

    static DISPATCH: Inserted = Inserted(UnsafeCell::new(Dispatch {
        allocate: Some(allocate),
        others: [None; 21],
        next: std::ptr::null(),
    }));

    unsafe extern "C" {
        /// `allocator_shim::InsertAllocatorDispatch`.
        #[link_name = "_ZN14allocator_shim23InsertAllocatorDispatchEPNS_17AllocatorDispatchE"]
        fn insert_allocator_dispatch(dispatch: *mut Dispatch);
    }

    pub(super) fn install() {
        // SAFETY: the table has the layout of C++'s and lives as long as the process, and the function
        // may be called while others allocate. The caller calls once.
        unsafe { insert_allocator_dispatch(DISPATCH.0.get()) };
    }

    unsafe extern "C" fn allocate(size: usize, token: usize, context: *mut c_void) -> *mut c_void {
        if size >= COUNTED {
            count(size);
        }
        // SAFETY: nobody has this function before its table is complete and is written no more.
        let next = unsafe { (*(*DISPATCH.0.get()).next).allocate };
        // SAFETY: called as `malloc` calls it. The last table of the chain has all functions, and the
        // others are filled from it.
        unsafe { next.unwrap_unchecked()(size, token, context) }
    }

    /// Apart from the path of all other allocations, which is to stay short.
    #[cold]
    fn count(size: usize) {
        contain_panics(|| {
            let meter = METER.get();
            if meter.is_null() {
                return;
            }
            // SAFETY: who set it keeps it until it is unset; see `watch`.
            let is_too_much = unsafe { &*meter }.count(size);
            if is_too_much && (size == ZONE_SEGMENT || size >= LARGE) {
                lost::park_if_lost();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_too_much_from_the_bound_on() {
        let meter = Meter::new();
        assert!(!meter.count(1000));
        meter.is_stopped();
        assert!(!meter.count(MORE_AFTER_STOP));
        assert!(meter.count(1));

        let meter = Meter::new();
        meter.is_stopped();
        meter.count(MORE_AFTER_STOP);
        // Being told again is no new allowance.
        meter.is_stopped();
        assert!(meter.count(1));

        let meter = Meter::new();
        meter.is_given_up();
        meter.is_stopped();
        assert!(meter.count(1));
    }

    #[test]
    fn what_was_taken_before_v8_was_asked_to_look_does_not_count() {
        let meter = Meter::new();
        meter.count(1000);
        assert_eq!(meter.since_interrupt(), 1000);
        meter.interrupt_requested();
        assert_eq!(meter.since_interrupt(), 0);
        meter.count(10);
        assert_eq!(meter.since_interrupt(), 10);
    }
}
