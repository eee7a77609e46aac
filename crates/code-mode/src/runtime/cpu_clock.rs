//! How long a thread has computed, and how soon it gets a processor.

use std::time::Duration;

/// Processor time of one thread since the clock was made for it, as any thread may read it.
///
/// The thread must be alive when the clock is read; [`IsolateControl`](super::control::IsolateControl)
/// sees to that.
#[cfg(target_os = "linux")]
pub(super) struct CpuClock {
    id: libc::clockid_t,
    thread: libc::pid_t,
    /// What the clock showed at the beginning, and what passed since that does not count.
    start: Duration,
}

#[cfg(target_os = "linux")]
impl CpuClock {
    pub(super) fn of_this_thread() -> Self {
        let mut id = libc::CLOCK_THREAD_CPUTIME_ID;
        // SAFETY: the calling thread lives during the call and `id` is a valid place to write to.
        // On failure `id` keeps a clock that measures the reader: never more than the truth by much.
        unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &mut id) };
        Self {
            id,
            // SAFETY: takes nothing and cannot fail.
            thread: unsafe { libc::gettid() },
            start: read(id),
        }
    }

    /// Gives the thread little of a processor that others want too. There is no way back.
    pub(super) fn demote(&self) {
        const LEAST: libc::c_int = 19;
        // To the system a thread's number is that of a process with one thread.
        let thread = self.thread.cast_unsigned();
        // SAFETY: only numbers go in. On failure the thread keeps its priority.
        unsafe { libc::setpriority(libc::PRIO_PROCESS, thread, LEAST) };
    }

    /// The thread goes on; processor time needs no bookkeeping.
    pub(super) fn resume(&mut self) {}

    /// The thread is about to wait; processor time needs no bookkeeping.
    pub(super) fn pause(&mut self) {}

    /// Takes back what was counted, at most all of it.
    pub(super) fn forgive(&mut self, time: Duration) {
        self.start = (self.start + time).min(read(self.id));
    }

    pub(super) fn used(&self) -> Duration {
        read(self.id).saturating_sub(self.start)
    }
}

#[cfg(target_os = "linux")]
fn read(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place to write to; an unknown clock only makes the call fail.
    if unsafe { libc::clock_gettime(clock, &mut time) } != 0 {
        return Duration::ZERO;
    }
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// Wall time between `resume` and `pause`, where threads have no clock that others can read.
#[cfg(not(target_os = "linux"))]
pub(super) struct CpuClock {
    used: Duration,
    since: Option<std::time::Instant>,
}

#[cfg(not(target_os = "linux"))]
impl CpuClock {
    pub(super) fn of_this_thread() -> Self {
        Self {
            used: Duration::ZERO,
            since: None,
        }
    }

    /// The thread keeps its priority.
    pub(super) fn demote(&self) {}

    pub(super) fn resume(&mut self) {
        self.since = Some(std::time::Instant::now());
    }

    pub(super) fn pause(&mut self) {
        self.used = self.used();
        self.since = None;
    }

    /// Takes back what was counted, at most all of it.
    pub(super) fn forgive(&mut self, time: Duration) {
        self.used = self.used().saturating_sub(time);
        self.since = self.since.map(|_| std::time::Instant::now());
    }

    pub(super) fn used(&self) -> Duration {
        self.used + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// Of the calling thread, which gives way to others from here on. There is no way back.
pub(super) fn lower_own_priority() {
    /// A third of what it got: on a machine that is busy with other things it still comes to its end.
    #[cfg(target_os = "linux")]
    const STEPS: libc::c_int = 5;
    #[cfg(target_os = "linux")]
    const LEAST: libc::c_int = 19;
    // SAFETY: only numbers go in; zero is the calling thread. On failure it keeps its priority.
    #[cfg(target_os = "linux")]
    unsafe {
        let now = libc::getpriority(libc::PRIO_PROCESS, 0);
        libc::setpriority(libc::PRIO_PROCESS, 0, (now + STEPS).min(LEAST));
    }
}
