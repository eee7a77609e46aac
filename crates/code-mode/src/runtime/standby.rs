//! The process's pool of isolates: which thread makes one, which script gets it.
//!
//! A thread of the pool makes an isolate, runs one script in it, takes it down, and then makes the
//! next one or ends. A script that finds an isolate ready gets it; else it queues for the next one
//! that is made, and a thread is started to make it. So that isolates are not made by more threads at
//! once than the machine has processors, which V8 and the kernel answer with a slowdown for all, a
//! thread is *busy* while it makes an isolate or takes one down, and while it runs the beginning of a
//! script: until that waits for something, or has computed for some milliseconds. Only where fewer
//! threads are busy than there are processors, another isolate is begun.

use std::collections::VecDeque;
use std::io;
use std::num::NonZero;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Once, OnceLock, mpsc};
use std::thread;
use std::time::Instant;

use super::control::IsolateControl;
use super::thread::{self as cell_thread, Job};
use super::{isolate, platform, watchdog};
use crate::standby::Options;
use crate::sync::lock;

/// How a thread of the pool is called while it runs no cell. Linux shows 15 bytes of a name.
pub(super) const THREAD_NAME: &str = "standby-isolate";

static POOL: Mutex<Pool> = Mutex::new(Pool::new());

struct Pool {
    /// As configured; `None` stands for the default.
    options: Option<Options>,
    /// How many isolates should stand by now.
    wanted: usize,
    /// Whether `wanted` is more than nothing: not before the first script of the process has run.
    filling: bool,
    /// The isolates that stand by, the one that waits longest first.
    ready: Vec<Seat>,
    /// Scripts that found none ready, in their order.
    queue: VecDeque<Job>,
    /// Threads that make an isolate nobody has yet.
    making: usize,
    /// Threads that make isolates, take them down, or begin a script.
    busy: usize,
    /// When the last script came.
    last_job: Option<Instant>,
    last_seat: u64,
}

/// An isolate that stands by, as the pool reaches its thread.
struct Seat {
    id: u64,
    orders: mpsc::Sender<Order>,
}

/// What the thread of an isolate that stands by is told.
enum Order {
    Run(Box<Job>),
    /// It is not needed any more.
    Leave,
}

impl Pool {
    const fn new() -> Self {
        Self {
            options: None,
            wanted: 0,
            filling: false,
            ready: Vec::new(),
            queue: VecDeque::new(),
            making: 0,
            busy: 0,
            last_job: None,
            last_seat: 0,
        }
    }

    fn options(&self) -> Options {
        self.options.clone().unwrap_or_default()
    }

    fn fill(&mut self) {
        if !self.filling {
            self.filling = true;
            self.wanted = self.options().floor;
        }
    }

    /// Counts a new maker, if one is needed and there is a processor for it.
    fn begin_making(&mut self) -> bool {
        let needed = self.ready.len() + self.making < self.wanted + self.queue.len();
        let begins = needed && self.busy < processors();
        if begins {
            self.making += 1;
            self.busy += 1;
        }
        begins
    }

    /// Undoes [`begin_making`](Self::begin_making), the isolate not having come to be. Scripts that
    /// nobody is left to serve are given back.
    fn making_failed(&mut self) -> VecDeque<Job> {
        self.making -= 1;
        self.busy -= 1;
        match self.making {
            0 => std::mem::take(&mut self.queue),
            _ => VecDeque::new(),
        }
    }

    /// Gives a maker the script that waits longest.
    fn next_queued(&mut self) -> Option<Job> {
        let job = self.queue.pop_front()?;
        self.making -= 1;
        begins(&job.control);
        Some(job)
    }

    /// Takes a script out of the queue, if it is there.
    fn take_back(&mut self, control: &Arc<IsolateControl>) -> Option<Job> {
        let is_its = |job: &Job| Arc::ptr_eq(&job.control, control);
        let place = self.queue.iter().position(is_its)?;
        self.queue.remove(place)
    }

    /// A script found no isolate: from now on there are to be more.
    fn missed(&mut self) {
        if self.filling {
            self.wanted = (self.wanted * 2).max(1).min(self.options().cap);
        }
    }

    /// Whether the isolate of this seat is to go; takes the seat off the list then.
    fn shrinks(&mut self, seat: u64) -> Shrink {
        let options = self.options();
        if self
            .last_job
            .is_some_and(|last| last.elapsed() < options.shrink_after)
        {
            return Shrink::AskAgain;
        }
        self.wanted = self.wanted.min(options.floor);
        if self.ready.len() <= self.wanted {
            return Shrink::Stays;
        }
        match self.ready.iter().position(|ready| ready.id == seat) {
            Some(place) => {
                self.ready.remove(place);
                Shrink::Goes
            }
            // An order is on its way.
            None => Shrink::Stays,
        }
    }
}

/// What becomes of an isolate that stood by for long.
enum Shrink {
    Goes,
    /// It stays for as long as nobody tells it otherwise.
    Stays,
    /// There were scripts meanwhile.
    AskAgain,
}

fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| thread::available_parallelism().map_or(2, NonZero::get))
}

/// Sets how many isolates stand by.
pub(crate) fn configure(options: Options) {
    let mut pool = lock(&POOL);
    let cap = options.cap.max(options.floor);
    if pool.filling {
        pool.wanted = options.floor;
        while pool.ready.len() > options.floor {
            let seat = pool.ready.remove(0);
            let _ = seat.orders.send(Order::Leave);
        }
    }
    pool.options = Some(Options { cap, ..options });
    drop(pool);
    start_makers();
}

/// Fills the floor in the background.
pub(crate) fn start() {
    lock(&POOL).fill();
    keep_heap_shared();
    start_makers();
}

/// How many isolates stand by.
pub(crate) fn ready() -> usize {
    lock(&POOL).ready.len()
}

/// Has an isolate run a script: one that stands by, or one that is made now.
///
/// # Errors
/// When no thread could be started for it.
pub(super) fn submit(job: Job) -> io::Result<()> {
    let mut pool = lock(&POOL);
    let is_first = pool.last_job.replace(Instant::now()).is_none();
    if let Some(seat) = pool.ready.pop() {
        pool.busy += 1;
        drop(pool);
        begins(&job.control);
        // Its thread waits: who leaves takes its seat off the list first.
        let _ = seat.orders.send(Order::Run(Box::new(job)));
        return Ok(());
    }
    pool.missed();
    pool.queue.push_back(job);
    let needs_maker = pool.begin_making();
    drop(pool);
    if needs_maker && let Err(error) = start_maker() {
        let mut lost = lock(&POOL).making_failed();
        // The last one is the one that came now, and its caller is told otherwise.
        if let Some(job) = lost.pop_back() {
            job.withdraw();
        }
        fail(lost, &error);
        return Err(error);
    }
    if !is_first {
        keep_heap_shared();
    }
    Ok(())
}

/// Takes a script back that no isolate was found for yet: whoever ends it need not wait for one.
pub(super) fn take_back(control: &Arc<IsolateControl>) -> Option<Job> {
    lock(&POOL).take_back(control)
}

/// Starts as many makers as are needed and have a processor. They have the priority of the calling thread.
pub(super) fn start_makers() {
    while lock(&POOL).begin_making() {
        if let Err(error) = start_maker() {
            let lost = lock(&POOL).making_failed();
            return fail(lost, &error);
        }
    }
}

fn start_maker() -> io::Result<()> {
    thread::Builder::new()
        .name(THREAD_NAME.to_owned())
        .stack_size(platform::STACK_BYTES)
        .spawn(cell_thread::work)
        .map(drop)
}

fn fail(jobs: VecDeque<Job>, why: &dyn std::fmt::Display) {
    for job in jobs {
        job.fail(&format!(
            "no isolate could be made for it: {why}; end other cells, or try again later"
        ));
    }
}

/// A thread that was counted as a maker will never come back.
pub(super) fn maker_lost() {
    let lost = lock(&POOL).making_failed();
    fail(lost, &"V8 has no memory left");
    start_makers();
}

/// Keeps one isolate alive for good. V8 throws away what all isolates share when the last one goes,
/// and makes it anew for the next one.
fn keep_heap_shared() {
    static KEEPER: Once = Once::new();
    KEEPER.call_once(|| {
        let keeper = thread::Builder::new().name("isolate-keeper".to_owned());
        // Without it all is slower, and nothing else is different.
        let _ = keeper.spawn(|| {
            platform::ensure_started();
            let (_isolate, _) = isolate::new();
            loop {
                thread::park();
            }
        });
    });
}

/// The thread of this script was counted as busy.
fn begins(control: &IsolateControl) {
    control.is_busy.store(true, Ordering::Release);
}

/// A script waits, or goes on for long: its thread is no longer among the busy.
pub(super) fn no_longer_busy(control: &IsolateControl) {
    if !control.is_busy.swap(false, Ordering::AcqRel) {
        return;
    }
    let mut pool = lock(&POOL);
    pool.busy -= 1;
    pool.fill();
    drop(pool);
    if control.has_low_priority() {
        watchdog::starts_makers();
    } else {
        start_makers();
    }
}

/// A thread whose script has ended and whose isolate is gone: whether it is to make another one, which
/// it is counted for then.
pub(super) fn makes_another(control: &IsolateControl) -> bool {
    let was_busy = control.is_busy.swap(false, Ordering::AcqRel);
    let mut pool = lock(&POOL);
    if was_busy {
        pool.busy -= 1;
    }
    pool.fill();
    pool.begin_making()
}

/// The place of a thread that makes an isolate, until that has a script or stands by.
pub(super) struct Maker {
    counted: bool,
}

impl Maker {
    /// The place of a thread that the pool has counted.
    pub(super) fn counted() -> Self {
        Self { counted: true }
    }

    /// The isolate is made: the script it is for, which may be long in coming. Unless one waits for it
    /// already, `warm_up` readies the isolate first. `None` if it is not needed any more.
    pub(super) fn wait_for_job(mut self, warm_up: impl FnOnce()) -> Option<Job> {
        if let Some(job) = self.queued() {
            return Some(job);
        }
        warm_up();
        let mut pool = lock(&POOL);
        if let Some(job) = pool.next_queued() {
            self.counted = false;
            return Some(job);
        }
        pool.making -= 1;
        pool.busy -= 1;
        self.counted = false;
        if pool.ready.len() >= pool.wanted {
            return None;
        }
        let (orders, waiting) = mpsc::channel();
        pool.last_seat += 1;
        let id = pool.last_seat;
        pool.ready.push(Seat { id, orders });
        drop(pool);
        start_makers();
        stand_by(id, &waiting)
    }

    fn queued(&mut self) -> Option<Job> {
        let job = lock(&POOL).next_queued()?;
        self.counted = false;
        Some(job)
    }
}

impl Drop for Maker {
    /// Something went wrong while the isolate was made.
    fn drop(&mut self) {
        if self.counted {
            let lost = lock(&POOL).making_failed();
            fail(lost, &"making it failed");
        }
    }
}

fn stand_by(seat: u64, orders: &mpsc::Receiver<Order>) -> Option<Job> {
    let mut idle = Some(lock(&POOL).options().shrink_after);
    loop {
        let order = match idle {
            Some(idle) => orders.recv_timeout(idle),
            None => orders
                .recv()
                .map_err(|_| mpsc::RecvTimeoutError::Disconnected),
        };
        match order {
            Ok(Order::Run(job)) => return Some(*job),
            Ok(Order::Leave) | Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        match lock(&POOL).shrinks(seat) {
            Shrink::Goes => return None,
            Shrink::Stays => idle = None,
            Shrink::AskAgain => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::StopReason;

    #[test]
    fn a_script_that_is_stopped_in_the_queue_is_answered_from_there() {
        let mut pool = Pool::new();
        let (first, first_cell) = cell_thread::queued_job();
        let (second, second_cell) = cell_thread::queued_job();
        let control = Arc::clone(&second.control);
        pool.queue.extend([first, second]);

        control.stop(StopReason::Terminated);
        pool.take_back(&control).expect("it is queued").stopped();
        assert!(pool.take_back(&control).is_none());
        let outcome = second_cell.outcome.blocking_recv().expect("it is told");
        assert!(matches!(outcome, Some(super::super::Outcome::Stopped)));
        assert!(second_cell.gone.blocking_recv().is_ok());

        assert_eq!(pool.queue.len(), 1);
        drop(pool);
        assert!(first_cell.gone.blocking_recv().is_ok());
    }
}
