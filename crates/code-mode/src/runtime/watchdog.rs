//! One thread of the process that holds running scripts to their CPU time and looks at their memory.
//!
//! Once no script has been inside JavaScript for a second, it sleeps without a timeout: cells that wait
//! cost it nothing.
//! It must never wait for a cell.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::{self, Thread};
use std::time::Duration;

use super::control::{IsolateControl, StopReason};
use super::lost::Lost;
use super::standby;
use crate::sync::lock;

/// How often running scripts are looked at. A script overruns its CPU time by up to this much and by
/// what V8 takes to look at the interruption; memory beyond the limit goes unseen as long.
const TICK: Duration = Duration::from_millis(10);

/// How many looks in a row must find no script before the watchdog sleeps without a timeout. A script
/// that comes earlier need not wake it, which would cost more than many scripts take.
const IDLE_LOOKS: u32 = 100;

struct Watchdog {
    watched: Mutex<Vec<Weak<IsolateControl>>>,
    /// Threads inside JavaScript.
    running: AtomicUsize,
    /// Set by the watchdog before it sleeps without a timeout.
    asleep: AtomicBool,
    /// Whether it is to start threads that make isolates.
    starts_makers: AtomicBool,
    thread: OnceLock<Thread>,
}

static WATCHDOG: Watchdog = Watchdog {
    watched: Mutex::new(Vec::new()),
    running: AtomicUsize::new(0),
    asleep: AtomicBool::new(false),
    starts_makers: AtomicBool::new(false),
    thread: OnceLock::new(),
};

/// Has the isolate watched until its control block is gone.
pub(super) fn watch(control: &Arc<IsolateControl>) -> std::io::Result<()> {
    if WATCHDOG.thread.get().is_none() {
        start()?;
    }
    lock(&WATCHDOG.watched).push(Arc::downgrade(control));
    Ok(())
}

fn start() -> std::io::Result<()> {
    // The lock makes sure that two first cells start one watchdog.
    let _starting = lock(&WATCHDOG.watched);
    if WATCHDOG.thread.get().is_some() {
        return Ok(());
    }
    let handle = thread::Builder::new()
        .name("code-mode-watchdog".to_owned())
        .spawn(run)?;
    let _ = WATCHDOG.thread.set(handle.thread().clone());
    Ok(())
}

pub(super) fn entered_javascript() {
    WATCHDOG.running.fetch_add(1, Ordering::SeqCst);
    if WATCHDOG.asleep.swap(false, Ordering::SeqCst)
        && let Some(thread) = WATCHDOG.thread.get()
    {
        thread.unpark();
    }
}

/// Has the watchdog start threads that make isolates, which a thread of low priority cannot: new threads
/// have the priority of who starts them.
pub(super) fn starts_makers() {
    WATCHDOG.starts_makers.store(true, Ordering::SeqCst);
    if let Some(thread) = WATCHDOG.thread.get() {
        thread.unpark();
    }
}

pub(super) fn left_javascript() {
    WATCHDOG.running.fetch_sub(1, Ordering::SeqCst);
}

fn run() {
    let mut idle_looks = 0;
    loop {
        if WATCHDOG.running.load(Ordering::SeqCst) > 0 {
            idle_looks = 0;
        } else {
            idle_looks += 1;
        }
        if idle_looks >= IDLE_LOOKS {
            WATCHDOG.asleep.store(true, Ordering::SeqCst);
            // A script that started in between has seen `asleep`, or is seen here.
            if WATCHDOG.running.load(Ordering::SeqCst) == 0 {
                thread::park();
            }
            WATCHDOG.asleep.store(false, Ordering::SeqCst);
            idle_looks = 0;
        }
        thread::sleep(look());
    }
}

/// Looks at every running script; how long to sleep before the next look.
fn look() -> Duration {
    // Strong references are dropped after the lock: the last one runs destructors.
    let controls: Vec<Arc<IsolateControl>> = {
        let mut watched = lock(&WATCHDOG.watched);
        watched.retain(|control| control.strong_count() > 0);
        watched.iter().filter_map(Weak::upgrade).collect()
    };
    for control in &controls {
        standby::no_longer_busy(control);
        control.goes_on();
    }
    if WATCHDOG.starts_makers.swap(false, Ordering::SeqCst) {
        standby::start_makers();
    }
    let mut next = TICK;
    for control in controls.iter().filter(|control| control.is_in_javascript()) {
        if control.reason().is_some() {
            // Stopped and still running: V8 takes an interruption back where native code looks at
            // what it caught. Interrupting again is harmless.
            control.interrupt();
            control.native_memory.stop_requested();
            if control.lost().is_none() && control.is_wedged() {
                control.give_up(Lost::Wedged);
                control.demote();
            }
            continue;
        }
        let used = control.cpu_used();
        if used >= control.cpu_limit() {
            control.stop(StopReason::CpuLimit);
            continue;
        }
        if control.takes_native_memory_uninterrupted() {
            control.stop(StopReason::NativeLimit);
            continue;
        }
        next = next.min(control.cpu_limit() - used);
        control.request_heap_check();
    }
    next.max(Duration::from_millis(1))
}
