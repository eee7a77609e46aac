//! The workers of a pool: which are warm, which session has which, and the thread that looks after them.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::child::{NotTaken, Worker};
use super::remote::{Job, RemoteCell, Shared};
use crate::runtime::{CellEvents, CellSource};
use crate::sync::lock;

/// How often workers in which something runs are looked at.
const TICK: Duration = Duration::from_secs(1);

/// What the workers of a [`Pool`] are and how many there may be.
///
/// ```
/// use code_mode::worker::Options;
///
/// let options = Options::default().warm(2).cells_per_worker(1);
/// # let _ = options;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub(super) program: PathBuf,
    pub(super) args: Vec<OsString>,
    warm: usize,
    cells_per_worker: usize,
    max_workers: usize,
    idle: Duration,
    pub(super) max_memory_bytes: u64,
}

impl Default for Options {
    /// This executable with the argument `worker`, one warm worker, four cells in each, 64 workers, ten
    /// seconds, 4 GiB.
    fn default() -> Self {
        Self {
            program: this_executable(),
            args: vec!["worker".into()],
            warm: 1,
            cells_per_worker: 4,
            max_workers: 64,
            idle: Duration::from_secs(10),
            max_memory_bytes: 4 << 30,
        }
    }
}

/// On Linux by a name that means this very build, whatever has become of the file since.
fn this_executable() -> PathBuf {
    if cfg!(target_os = "linux") {
        return PathBuf::from("/proc/self/exe");
    }
    std::env::current_exe().unwrap_or_default()
}

impl Options {
    /// The program that is a worker, by an absolute path. It must come to [`run`](super::run), with the
    /// arguments of [`args`](Self::args), nothing in its environment and `/` as its directory. Default:
    /// this executable.
    #[must_use]
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// What the program is called with. Default `worker`.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args = args.into_iter().map(Into::into).collect();
        self
    }

    /// How many workers that no session has yet are kept ready. Default 1.
    #[must_use]
    pub fn warm(mut self, workers: usize) -> Self {
        self.warm = workers;
        self
    }

    /// How many cells of a session share a worker at most; if a worker dies, all that are in it fail.
    /// Default 4, at least 1. When there are as many workers as there may be, cells share beyond it.
    #[must_use]
    pub fn cells_per_worker(mut self, cells: usize) -> Self {
        self.cells_per_worker = cells.max(1);
        self
    }

    /// How many workers there are at most. Default 64, at least 1. A session that needs the first of its
    /// own when there are as many takes the place of one in which nothing runs; if there is none,
    /// `execute` refuses.
    #[must_use]
    pub fn max_workers(mut self, workers: usize) -> Self {
        self.max_workers = workers.max(1);
        self
    }

    /// How many bytes of memory of its own a worker may have, on Linux. Default 4 GiB. Counted is what is
    /// private and may be written, used or not: some 200 MB for a worker by itself, and then 1.5 times the
    /// heaps of its cells and half a gigabyte for a built-in function on its way to being stopped. A script
    /// that reaches it fails, or its worker ends.
    #[must_use]
    pub fn max_memory_bytes(mut self, bytes: u64) -> Self {
        self.max_memory_bytes = bytes;
        self
    }

    /// How long a worker of a session in which nothing runs is kept. Default 10 s.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }
}

/// Workers for any number of sessions. A clone is the same pool; with the last one and the last session
/// on it, its workers end.
///
/// See [the module](super) for what runs where.
#[derive(Clone)]
pub struct Pool(Arc<Owner>);

struct Owner(Arc<Pooled>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// One worker of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerInfo {
    /// Its process.
    pub pid: u32,
    /// Whether no session has it yet.
    pub is_warm: bool,
    /// How many cells are in it, those included that have ended and whose isolates are still there.
    pub cells: usize,
}

impl Pool {
    /// A pool that has no workers yet: the first cell starts one, and [`start`](Self::start) does.
    pub fn new(options: Options) -> Self {
        Self(Arc::new(Owner(Arc::new(Pooled {
            options,
            state: Mutex::default(),
            changed: Condvar::new(),
        }))))
    }

    /// Starts the warm workers, in the background. One that does not start is no error here, but of the
    /// `execute` that needs it.
    pub fn start(&self) {
        let pooled = &self.0.0;
        lock(&pooled.state).fills = true;
        // Without the thread there are no warm workers, and cells start their own.
        let _ = pooled.keep();
    }

    /// What the system does not provide of the sandbox that workers enter, a part a text; empty if nothing
    /// is missing. `None` until the first worker has told.
    pub fn shortcomings(&self) -> Option<Vec<String>> {
        lock(&self.0.0.state).shortcomings.clone()
    }

    /// The workers there are now.
    pub fn workers(&self) -> Vec<WorkerInfo> {
        let state = lock(&self.0.0.state);
        let info = |worker: &Arc<Worker>| WorkerInfo {
            pid: worker.pid(),
            is_warm: state.warm.iter().any(|warm| Arc::ptr_eq(warm, worker)),
            cells: worker.cells(),
        };
        state.all.iter().map(info).collect()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("options", &self.0.0.options)
            .field("workers", &self.workers())
            .finish()
    }
}

/// What a pool, its sessions and its workers share.
pub(super) struct Pooled {
    options: Options,
    state: Mutex<State>,
    /// Wakes the keeper.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// All that are not dead.
    all: Vec<Arc<Worker>>,
    /// Those among them that no session has.
    warm: Vec<Arc<Worker>>,
    /// Workers that are being started, which count as if they were there.
    starting: usize,
    /// Whether warm workers are wanted yet.
    fills: bool,
    /// Whether the last worker that was started came to nothing: none is started ahead then.
    broken: bool,
    closed: bool,
    /// As the first worker has told.
    shortcomings: Option<Vec<String>>,
    has_keeper: bool,
    /// Whether the keeper is to look without waiting.
    look: bool,
}

/// What a worker is started for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// The cell of a session, now.
    Session,
    /// Whichever session needs one next.
    Warm,
}

impl Pooled {
    fn close(&self) {
        let all = {
            let mut state = lock(&self.state);
            state.closed = true;
            state.look = true;
            state.all.clone()
        };
        for worker in all {
            worker.retire();
        }
        self.changed.notify_all();
    }

    pub(super) fn look_soon(&self) {
        lock(&self.state).look = true;
        self.changed.notify_all();
    }

    pub(super) fn one_has_greeted(&self) {
        lock(&self.state).broken = false;
    }

    /// A worker has entered its sandbox, which lacks this.
    pub(super) fn told_shortcomings(&self, shortcomings: Vec<String>) {
        let mut state = lock(&self.state);
        if state.shortcomings.is_some() {
            return;
        }
        state.shortcomings = Some(shortcomings.clone());
        drop(state);
        if !shortcomings.is_empty() {
            tracing::warn!(
                target: "code_mode",
                "worker processes lack a part of their sandbox: {}",
                shortcomings.join("; ")
            );
        }
    }

    /// A worker is dead.
    pub(super) fn buried(&self, worker: &Arc<Worker>) {
        lock(&self.state).broken |= !worker.has_greeted();
        self.strike_off(worker);
    }

    /// Takes a worker off the list.
    fn strike_off(&self, worker: &Arc<Worker>) {
        let mut state = lock(&self.state);
        state.all.retain(|other| !Arc::ptr_eq(other, worker));
        state.warm.retain(|other| !Arc::ptr_eq(other, worker));
        state.look = true;
        drop(state);
        self.changed.notify_all();
    }

    /// Takes a warm worker, preferably one that has greeted.
    fn take_warm(&self) -> Option<Arc<Worker>> {
        let mut state = lock(&self.state);
        state.warm.retain(|worker| !worker.is_retired());
        let ready = state.warm.iter().position(|worker| worker.has_greeted());
        let worker = match ready {
            Some(place) => Some(state.warm.remove(place)),
            None => state.warm.pop(),
        };
        if worker.is_some() {
            state.look = true;
            drop(state);
            self.changed.notify_all();
        }
        worker
    }

    /// Starts a worker; `None` if there are as many as there may be.
    fn start_worker(self: &Arc<Self>, purpose: Purpose) -> io::Result<Option<Arc<Worker>>> {
        {
            let mut state = lock(&self.state);
            if state.all.len() + state.starting >= self.options.max_workers {
                return Ok(None);
            }
            state.starting += 1;
        }
        let started = Worker::start(self, &self.options);
        let mut state = lock(&self.state);
        state.starting -= 1;
        if let Ok(worker) = &started {
            state.all.push(Arc::clone(worker));
            // At once, or for a moment it would pass for a worker that a session has.
            if purpose == Purpose::Warm {
                state.warm.push(Arc::clone(worker));
            }
            state.fills = true;
            state.look = true;
        }
        let closed = state.closed;
        drop(state);
        let worker = started?;
        // It may have died before it was listed, and is not to stay listed then.
        if worker.is_retired() {
            self.buried(&worker);
        }
        if closed {
            worker.retire();
        }
        self.changed.notify_all();
        self.keep()?;
        Ok(Some(worker))
    }

    /// Ends a worker in which nothing runs, to make room.
    fn end_an_idle_one(&self) -> bool {
        let all = lock(&self.state).all.clone();
        all.iter().any(|worker| {
            let idle = worker.retire_if_idle();
            if idle {
                // Its place is free at once; what is left of it is seen to by its thread.
                self.strike_off(worker);
            }
            idle
        })
    }

    /// Starts the thread that looks after the workers, unless it is there.
    fn keep(self: &Arc<Self>) -> io::Result<()> {
        let mut state = lock(&self.state);
        if state.has_keeper {
            return Ok(());
        }
        let this = Arc::clone(self);
        thread::Builder::new()
            .name("worker-keeper".to_owned())
            .spawn(move || this.look_after())?;
        state.has_keeper = true;
        Ok(())
    }

    /// The keeper: ends when the pool is closed and its workers are dead.
    fn look_after(self: Arc<Self>) {
        let mut tick = Instant::now() + TICK;
        loop {
            let now = Instant::now();
            let ticks = now >= tick;
            if ticks {
                tick = now + TICK;
            }
            let (all, warm) = {
                let mut state = lock(&self.state);
                state.look = false;
                if state.closed && state.all.is_empty() {
                    state.has_keeper = false;
                    return;
                }
                (state.all.clone(), state.warm.clone())
            };
            let is_warm = |worker: &Arc<Worker>| warm.iter().any(|warm| Arc::ptr_eq(warm, worker));
            let mut next: Option<Instant> = None;
            let mut busy = false;
            for worker in all.iter().filter(|worker| !is_warm(worker)) {
                busy = true;
                let due = worker.look(now, ticks, self.options.idle);
                next = next.into_iter().chain(due).min();
            }
            drop((all, warm));
            self.fill();
            if busy {
                next = Some(next.map_or(tick, |next| next.min(tick)));
            }
            self.wait(next);
        }
    }

    /// Starts workers ahead.
    fn fill(self: &Arc<Self>) {
        loop {
            {
                let mut state = lock(&self.state);
                state.warm.retain(|worker| !worker.is_retired());
                let enough = state.warm.len() >= self.options.warm;
                if !state.fills || state.broken || state.closed || enough {
                    return;
                }
            }
            match self.start_worker(Purpose::Warm) {
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(_) => {
                    lock(&self.state).broken = true;
                    return;
                }
            }
        }
    }

    /// Sleeps until a time, or until there is something to look at.
    fn wait(&self, until: Option<Instant>) {
        let mut state = lock(&self.state);
        while !state.look {
            let Some(until) = until else {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

/// The workers of one session. Owned by it; when it goes, they end.
pub(crate) struct SessionWorkers(Arc<Assigned>);

/// What a session's cells share of its workers.
pub(super) struct Assigned {
    pool: Pool,
    workers: Mutex<Vec<Arc<Worker>>>,
}

impl SessionWorkers {
    pub(crate) fn new(pool: Pool) -> Self {
        Self(Arc::new(Assigned {
            pool,
            workers: Mutex::default(),
        }))
    }

    /// Has a worker run a cell's script.
    ///
    /// # Errors
    /// When there is no worker to be had for it; then nothing is heard of it any more.
    pub(crate) fn spawn(
        &self,
        name: String,
        source: CellSource,
        cell: &RemoteCell,
        events: Arc<dyn CellEvents>,
    ) -> io::Result<()> {
        let job = cell.shared.begin(Job {
            name,
            source,
            events,
            workers: Arc::clone(&self.0),
        });
        let placed = self.0.place(&cell.shared, &job);
        if placed.is_err() {
            cell.shared.withdraw();
        }
        placed
    }
}

#[cfg(fuzzing)]
impl Assigned {
    /// The workers of no session, and one that is not among them.
    pub(super) fn with_a_worker(options: Options) -> io::Result<(Arc<Self>, Arc<Worker>)> {
        let pool = Pool::new(options);
        let pooled = &pool.0.0;
        let worker = Worker::start(pooled, &pooled.options)?;
        let workers = Mutex::default();
        Ok((Arc::new(Self { pool, workers }), worker))
    }
}

impl Drop for SessionWorkers {
    fn drop(&mut self) {
        let workers = std::mem::take(&mut *lock(&self.0.workers));
        for worker in workers {
            worker.retire();
        }
    }
}

impl Assigned {
    /// Runs a cell whose worker died before anything was heard of it.
    pub(super) fn run_again(cell: &Arc<Shared>, job: &Arc<Job>) {
        if let Err(error) = job.workers.place(cell, job) {
            let why = format!(
                "the worker process that was to run the script ended before it began, and there is no other: \
                 {error}; the session goes on"
            );
            cell.fail(job, &why);
        }
    }

    /// Hands a cell to a worker.
    fn place(&self, cell: &Arc<Shared>, job: &Job) -> io::Result<()> {
        loop {
            let worker = self.worker()?;
            match worker.run(cell, job) {
                Ok(()) => return Ok(()),
                Err(NotTaken::Retired) => {}
                Err(NotTaken::TooLong(too_long)) => {
                    let what = format!("the script with its tools is too long: {too_long}");
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
                }
            }
        }
    }

    /// The worker for the next cell.
    fn worker(&self) -> io::Result<Arc<Worker>> {
        let pooled = &self.pool.0.0;
        let mut workers = lock(&self.workers);
        workers.retain(|worker| !worker.is_retired());
        let least = workers
            .iter()
            .map(|worker| (worker.running(), worker))
            .min_by_key(|(running, _)| *running)
            .map(|(running, worker)| (running, Arc::clone(worker)));
        if let Some((0, worker)) = &least {
            return Ok(Arc::clone(worker));
        }
        if let Some(warm) = pooled.take_warm() {
            workers.push(Arc::clone(&warm));
            return Ok(warm);
        }
        if let Some((running, worker)) = &least
            && *running < pooled.options.cells_per_worker
        {
            return Ok(Arc::clone(worker));
        }
        let mut started = pooled.start_worker(Purpose::Session)?;
        if started.is_none() && least.is_none() && pooled.end_an_idle_one() {
            started = pooled.start_worker(Purpose::Session)?;
        }
        match (started, least) {
            (Some(worker), _) => {
                workers.push(Arc::clone(&worker));
                Ok(worker)
            }
            (None, Some((_, worker))) => Ok(worker),
            (None, None) => Err(io::Error::other(format!(
                "there are {} worker processes, as many as are allowed, and scripts run in all of them",
                pooled.options.max_workers
            ))),
        }
    }
}
