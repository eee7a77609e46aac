//! Threads of cells that cannot be had back: parked for good, or inside code that nothing interrupts.
//!
//! Where V8 cannot serve an allocation it ends the process, without a way back to the script. Our
//! archive of it asks a hook first, and upstream's handler of exhausted heaps is asked too: both park
//! the thread instead, if it is one that has nothing but its isolate. Its cell is given up: whoever
//! waits for it is answered from here, and the thread, its stack and its heap stay where they are. The
//! watchdog gives up cells whose threads do not stop; such a thread may still come back, and ends then.
//!
//! Lost threads are counted over the process, and [`admits`] refuses further cells when there are too
//! many.

use std::cell::{Cell, RefCell};
use std::ffi::c_char;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::array_buffers::ArrayBuffers;
use super::control::{IsolateControl, StopReason};
use super::{contain_panics, native_memory, standby};
use crate::containment::DEFAULT_MAX_LOST_THREADS;

/// How a thread was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// It sleeps for good.
    Parked,
    /// It still runs code that nothing interrupts.
    Wedged,
}

static LOST: AtomicUsize = AtomicUsize::new(0);
static MAX: AtomicUsize = AtomicUsize::new(DEFAULT_MAX_LOST_THREADS);

/// Threads that are lost now.
pub(crate) fn count() -> usize {
    LOST.load(Ordering::Relaxed)
}

pub(crate) fn set_max(most: usize) {
    MAX.store(most, Ordering::Relaxed);
}

pub(crate) fn max() -> usize {
    MAX.load(Ordering::Relaxed)
}

/// A cell was given up.
pub(super) fn count_one() {
    LOST.fetch_add(1, Ordering::Relaxed);
}

/// The thread of a cell that was given up is back.
pub(super) fn count_back() {
    LOST.fetch_sub(1, Ordering::Relaxed);
}

/// What a thread of the pool is at.
enum Work {
    /// It makes an isolate that the pool counts on.
    Making,
    /// It has this cell, and the buffers of its isolate.
    Cell(Arc<IsolateControl>, Arc<ArrayBuffers>),
}

thread_local! {
    /// `None` on all threads but those of the pool.
    static WORK: RefCell<Option<Work>> = const { RefCell::new(None) };
    /// Whether the code that runs is the embedder's.
    static IS_OUTSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Marks the calling thread as one that makes isolates, until it is dropped.
pub(super) struct PoolThread(());

impl PoolThread {
    pub(super) fn makes_isolate() -> Self {
        set_work(Some(Work::Making));
        Self(())
    }

    pub(super) fn has_cell(&self, control: &Arc<IsolateControl>, buffers: &Arc<ArrayBuffers>) {
        set_work(Some(Work::Cell(Arc::clone(control), Arc::clone(buffers))));
        native_memory::watch(&control.native_memory);
    }
}

impl Drop for PoolThread {
    fn drop(&mut self) {
        native_memory::unwatch();
        set_work(None);
    }
}

fn set_work(work: Option<Work>) {
    let before = WORK.with(|place| place.replace(work));
    drop(before);
}

/// Runs code of the embedder's: what ends the process there is the embedder's too, and may hold its locks.
pub(super) fn outside<T>(body: impl FnOnce() -> T) -> T {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            IS_OUTSIDE.set(self.0);
        }
    }
    let _back = Back(IS_OUTSIDE.replace(true));
    body()
}

/// Has V8 ask here before it ends the process; once, before V8 starts.
pub(super) fn install_hook() {
    #[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
    {
        type Hook = unsafe extern "C" fn(message: *const c_char);
        unsafe extern "C" {
            static mut v8_recoverable_fatal_hook: Option<Hook>;
        }
        unsafe extern "C" fn hook(_message: *const c_char) {
            park_if_lost();
        }
        // SAFETY: V8 is not started, so nobody reads it yet; after this nobody writes it.
        unsafe { v8_recoverable_fatal_hook = Some(hook) };
    }
}

/// V8's handler of an exhausted heap or process. V8 ends the process when it returns.
pub(super) unsafe extern "C" fn out_of_memory(_location: *const c_char, _: &v8::OomDetails) {
    park_if_lost();
}

/// Parks the calling thread for good if it is one of the pool in the middle of V8; else returns, and the
/// process ends as it would have.
pub(super) fn park_if_lost() {
    if IS_OUTSIDE.get() {
        return;
    }
    // Taken, so that a failure in here is not taken for another one of the script's.
    let Some(work) = WORK.with(|place| place.try_borrow_mut().ok()?.take()) else {
        return;
    };
    let is_told = contain_panics(|| match work {
        Work::Making => {
            count_one();
            standby::maker_lost();
        }
        Work::Cell(control, buffers) => {
            control.claim(StopReason::OutOfMemory);
            control.give_up(Lost::Parked);
            control.detach();
            standby::no_longer_busy(&control);
            buffers.give_back();
            // For good: V8 has a pointer to it.
            std::mem::forget(control);
        }
    });
    if is_told.is_none() {
        return;
    }
    loop {
        thread::park();
    }
}
