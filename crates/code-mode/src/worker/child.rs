//! One worker, as this process has it: the child, the socket, the cells in it, and its end.
//!
//! Owned by its pool's list until it is dead. A thread of its own reads what it says, and buries it.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::death::{Cause, last_words};
use super::outbox::Outbox;
use super::pool::{Assigned, Options, Pooled};
use super::protocol::{
    Answer, Frame, FrameReader, Hello, Run, Settled, TooLong, Tools, Usage, WireLimits, WireTool,
    append,
};
use super::remote::{Job, Patience, Shared, Taken};
use super::{MAX_MEMORY, sandbox};
use crate::description::{ArgumentValidation, ToolSet};
use crate::service::{ToolError, ToolOutput};
use crate::sync::lock;

/// Room for the first polls of host futures, which run on the thread that reads.
const READER_STACK_BYTES: usize = 4 * 1024 * 1024;

/// How many sets of tools a worker keeps for its next cells.
const TOOL_SETS: usize = 8;

/// How many looks in a row, one a second, may find that it has said nothing, pings answered included.
const SILENT_LOOKS: u32 = 10;
/// The same while it has not greeted yet: it may be a slow machine that starts it.
const SILENT_LOOKS_AT_FIRST: u32 = 30;

/// How many looks, one a millisecond, a worker whose connection has ended may take to end too. Counted,
/// not timed: a machine that stands still for a second has not waited for it.
const EXIT_LOOKS: u32 = 1_000;

/// How much of each shortcoming of its sandbox is kept.
const SHORTCOMING_CHARS: usize = 500;

/// How much of what a worker said last on its standard error is looked at.
const WORDS_BYTES: usize = 4 * 1024;

/// A worker process.
pub(super) struct Worker {
    pool: Arc<Pooled>,
    pid: u32,
    /// Waited for by the thread that reads, and by nobody else.
    child: Mutex<Child>,
    outbox: Arc<Outbox>,
    /// Its standard output and error. Read when it is dead: one that fills the socket holds up itself.
    words: UnixStream,
    greeted: AtomicBool,
    /// Counted up before each read and after it: while it is odd, this process waits for the worker, and
    /// while it is even, the worker for this process, which may take its time over what was said.
    reads: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Cells whose isolates are there, by their numbers.
    cells: HashMap<u64, Arc<Shared>>,
    /// How many of them have not ended.
    running: usize,
    last_cell: u64,
    /// The sets of tools it knows, by their numbers; the one used last is the last.
    tools: VecDeque<(u64, ToolSet)>,
    last_set: u64,
    /// Whether it gets no more cells.
    retired: bool,
    /// Why this process ended it; the first reason stands.
    cause: Option<Cause>,
    idle_since: Option<Instant>,
    /// `reads` at the last look, and how many looks in a row have found the same read.
    reads_seen: u64,
    silent_looks: u32,
}

/// Why a worker did not take a cell.
pub(super) enum NotTaken {
    /// It gets no more cells; another one may take it.
    Retired,
    TooLong(TooLong),
}

impl Worker {
    /// Starts a worker. It greets, or does not, later.
    pub(super) fn start(pool: &Arc<Pooled>, options: &Options) -> io::Result<Arc<Self>> {
        let (socket, theirs) = UnixStream::pair()?;
        let (words, their_words) = UnixStream::pair()?;
        words.set_nonblocking(true)?;
        let reading = socket.try_clone()?;
        let mut command = Command::new(&options.program);
        sandbox::parent::prepare(&mut command, sandbox::parent::StandardError::Piped);
        let child = command
            .args(&options.args)
            .arg(format!("{MAX_MEMORY}{}", options.max_memory_bytes))
            // The signals of a terminal are for its parent.
            .process_group(0)
            .stdin(OwnedFd::from(theirs))
            .stdout(OwnedFd::from(their_words.try_clone()?))
            .stderr(OwnedFd::from(their_words))
            .spawn()
            .map_err(|error| {
                let program = options.program.display();
                io::Error::new(error.kind(), format!("{program} does not start: {error}"))
            })?;
        let worker = Arc::new(Self {
            pool: Arc::clone(pool),
            pid: child.id(),
            child: Mutex::new(child),
            outbox: Outbox::new(socket),
            words,
            greeted: AtomicBool::new(false),
            reads: AtomicU64::new(0),
            state: Mutex::default(),
        });
        let reader = {
            let worker = Arc::clone(&worker);
            thread::Builder::new()
                .name("worker-reader".to_owned())
                .stack_size(READER_STACK_BYTES)
                .spawn(move || worker.read(reading))
        };
        if let Err(error) = reader {
            let mut child = lock(&worker.child);
            let _ = child.kill();
            let _ = child.wait();
            drop(child);
            return Err(error);
        }
        // The others may be said before it has greeted: one that cannot read them says so first.
        let _ = worker.send("hello", 0, &Hello::ours());
        Ok(worker)
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// How many scripts run in it.
    pub(super) fn running(&self) -> usize {
        lock(&self.state).running
    }

    /// How many cells it has, those whose isolates are being taken down included.
    pub(super) fn cells(&self) -> usize {
        lock(&self.state).cells.len()
    }

    pub(super) fn has_greeted(&self) -> bool {
        self.greeted.load(Ordering::Acquire)
    }

    pub(super) fn is_retired(&self) -> bool {
        lock(&self.state).retired
    }

    /// Sends one frame.
    pub(super) fn send(
        &self,
        kind: &'static str,
        cell: u64,
        body: &impl Serialize,
    ) -> Result<(), TooLong> {
        let mut bytes = Vec::new();
        append(&mut bytes, kind, cell, body)?;
        self.send_bytes(bytes);
        Ok(())
    }

    fn send_bytes(&self, bytes: Vec<u8>) {
        if self.outbox.send(bytes).is_err() {
            self.kill(Cause::DoesNotRead);
        }
    }

    /// Has the pool's keeper look at it when its patience with a cell may end.
    pub(super) fn watch_closely(&self) {
        self.pool.look_soon();
    }

    /// Runs a cell in it.
    pub(super) fn run(self: &Arc<Self>, cell: &Arc<Shared>, job: &Job) -> Result<(), NotTaken> {
        let mut state = lock(&self.state);
        if state.retired {
            return Err(NotTaken::Retired);
        }
        let source = &job.source;
        let mut bytes = Vec::new();
        let set = state
            .know_tools(&source.tools, &mut bytes)
            .map_err(NotTaken::TooLong)?;
        let run = Run {
            name: job.name.clone(),
            source: source.source.clone(),
            tools: set,
            unavailable: source
                .tools
                .unavailable_namespaces()
                .map(|(namespace, why)| (namespace.to_owned(), why.to_owned()))
                .collect(),
            limits: WireLimits::from(cell.limits()),
            validates_arguments: source.argument_validation == ArgumentValidation::On,
        };
        let number = state.last_cell + 1;
        append(&mut bytes, "run", number, &run).map_err(NotTaken::TooLong)?;
        state.last_cell = number;
        state.running += 1;
        state.idle_since = None;
        state.cells.insert(number, Arc::clone(cell));
        let stops = cell.placed(self, number);
        if stops {
            append(&mut bytes, "stop", number, &()).map_err(NotTaken::TooLong)?;
        }
        // Under the lock, so that no cell names tools before they are said.
        let sent = self.outbox.send(bytes);
        drop(state);
        if sent.is_err() {
            self.kill(Cause::DoesNotRead);
        }
        Ok(())
    }

    /// Gives it no more cells, and ends it once it has none.
    pub(super) fn retire(&self) {
        let ends = {
            let mut state = lock(&self.state);
            state.retired = true;
            state.running == 0
        };
        if ends {
            self.kill(Cause::Closed);
        }
    }

    /// Retires it if nothing runs in it.
    pub(super) fn retire_if_idle(&self) -> bool {
        let idle = {
            let mut state = lock(&self.state);
            let idle = state.running == 0 && !state.retired;
            state.retired |= idle;
            idle
        };
        if idle {
            self.kill(Cause::Closed);
        }
        idle
    }

    /// Ends it, whatever runs in it. Its thread sees to the rest.
    fn kill(&self, cause: Cause) {
        {
            let mut state = lock(&self.state);
            state.retired = true;
            state.cause.get_or_insert(cause);
        }
        // Fails if it is dead already.
        let _ = lock(&self.child).kill();
        self.outbox.close();
    }

    /// Looks after it; when the next look is due at the latest. `ticks` once a second.
    pub(super) fn look(&self, now: Instant, ticks: bool, idle: Duration) -> Option<Instant> {
        let (cells, running, idle_for) = {
            let mut state = lock(&self.state);
            let cells: Vec<_> = state.cells.values().cloned().collect();
            if state.running == 0 {
                // From now on, if it was given to a session and then got no cell.
                state.idle_since.get_or_insert(now);
            }
            let idle_for = state.idle_since.map(|since| now.duration_since(since));
            (cells, state.running, idle_for)
        };
        let mut next: Option<Instant> = None;
        for cell in &cells {
            match cell.patience(now) {
                Patience::Lasts(None) => {}
                Patience::Lasts(Some(until)) => {
                    next = Some(next.map_or(until, |next| next.min(until)));
                }
                Patience::WearsThin => lock(&self.state).retired = true,
                Patience::IsOver(cause) => {
                    self.kill(cause);
                    return None;
                }
            }
        }
        if running == 0 {
            if self.is_retired() || idle_for.is_some_and(|time| time >= idle) {
                self.retire_if_idle();
                self.retire();
            }
        } else if ticks {
            self.ping();
        }
        next
    }

    fn ping(&self) {
        let allowed = match self.has_greeted() {
            true => SILENT_LOOKS,
            false => SILENT_LOOKS_AT_FIRST,
        };
        let silent = {
            let mut state = lock(&self.state);
            let reads = self.reads.load(Ordering::Relaxed);
            let waits = reads % 2 == 1 && reads == state.reads_seen;
            state.silent_looks = if waits { state.silent_looks + 1 } else { 0 };
            state.reads_seen = reads;
            state.silent_looks > allowed
        };
        if silent {
            self.kill(Cause::Silent(Duration::from_secs(u64::from(allowed))));
        } else {
            let _ = self.send("ping", 0, &());
        }
    }

    /// The thread: takes what the worker says until there is no more, and buries it.
    fn read(self: Arc<Self>, mut socket: UnixStream) {
        let listen = AssertUnwindSafe(|| self.listen(&mut socket));
        let violation = catch_unwind(listen)
            .unwrap_or_else(|_| Some(Cause::violation("something at which this process failed")));
        self.bury(violation);
    }

    /// What it said that it should not have.
    fn listen(&self, socket: &mut UnixStream) -> Option<Cause> {
        let mut frames = FrameReader::new();
        let mut replies = Replies {
            worker: self,
            cell: 0,
            bytes: Vec::new(),
        };
        loop {
            loop {
                let taken = match frames.next() {
                    Ok(None) => break,
                    Ok(Some(bytes)) => self.take(bytes, &mut replies),
                    Err(length) => Err(Cause::violation(length)),
                };
                if let Err(cause) = taken {
                    return Some(cause);
                }
            }
            replies.flush();
            self.reads.fetch_add(1, Ordering::Relaxed);
            let more = frames.fill(|into| {
                loop {
                    match socket.read(into) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        read => return read,
                    }
                }
            });
            self.reads.fetch_add(1, Ordering::Relaxed);
            // An error means that it died with something unread.
            if !matches!(more, Ok(true)) {
                return None;
            }
        }
    }

    fn take(&self, bytes: &[u8], replies: &mut Replies<'_>) -> Result<(), Cause> {
        let frame = Frame::parse(bytes).map_err(Cause::violation)?;
        if !self.has_greeted() {
            return self.greeted(&frame);
        }
        match frame.kind {
            "pong" => self.pong(&frame),
            "sandbox" => self.shut_in(&frame),
            _ if frame.cell == 0 => Ok(()),
            _ => self.take_of_cell(&frame, replies),
        }
    }

    fn greeted(&self, frame: &Frame<'_>) -> Result<(), Cause> {
        if frame.kind != "hello" {
            return Err(Cause::violation("something else than a hello at first"));
        }
        let theirs: Hello = frame.body().map_err(Cause::violation)?;
        if !theirs.fits() {
            return Err(Cause::Version(theirs));
        }
        self.greeted.store(true, Ordering::Release);
        self.pool.one_has_greeted();
        Ok(())
    }

    fn shut_in(&self, frame: &Frame<'_>) -> Result<(), Cause> {
        let shortcomings: Vec<String> = frame.body().map_err(Cause::violation)?;
        let short = |text: String| text.chars().take(SHORTCOMING_CHARS).collect();
        let most = sandbox::Part::ALL.len();
        self.pool
            .told_shortcomings(shortcomings.into_iter().take(most).map(short).collect());
        Ok(())
    }

    fn pong(&self, frame: &Frame<'_>) -> Result<(), Cause> {
        let usage: HashMap<u64, Usage> = frame.body().map_err(Cause::violation)?;
        let state = lock(&self.state);
        for (number, usage) in usage {
            if let Some(cell) = state.cells.get(&number) {
                cell.note(usage);
            }
        }
        Ok(())
    }

    fn take_of_cell(&self, frame: &Frame<'_>, replies: &mut Replies<'_>) -> Result<(), Cause> {
        let cell = lock(&self.state).cells.get(&frame.cell).cloned();
        let cell = cell.ok_or_else(|| Cause::violation("a frame about a cell it does not have"))?;
        replies.cell = frame.cell;
        match cell.take(frame, replies)? {
            Taken::GoesOn => {}
            Taken::Ended => lock(&self.state).one_ended(),
            Taken::Gone { lost } => {
                lock(&self.state).cells.remove(&frame.cell);
                if lost {
                    // What the script held comes back with the process alone.
                    self.retire();
                }
            }
        }
        if replies.bytes.len() > FULL_REPLIES {
            replies.flush();
        }
        Ok(())
    }

    /// The connection has ended, or is not to go on: ends the process and tells its cells.
    fn bury(self: &Arc<Self>, violation: Option<Cause>) {
        let is_ours = {
            let mut state = lock(&self.state);
            state.retired = true;
            if let Some(violation) = violation {
                state.cause.get_or_insert(violation);
            }
            state.cause.is_some()
        };
        // One that died by itself says how it died, if it is not killed first.
        let by_itself = if is_ours { None } else { self.exit_status() };
        let _ = lock(&self.child).kill();
        self.outbox.close();
        let _ = lock(&self.child).wait();
        self.pool.buried(self);
        let words = self.words();
        let (cause, cells) = {
            let mut state = lock(&self.state);
            let cause = by_itself.map_or(Cause::HungUp, Cause::Ended);
            let cause = state.cause.get_or_insert(cause).clone();
            state.running = 0;
            (cause, std::mem::take(&mut state.cells))
        };
        for cell in cells.into_values() {
            if let Some(job) = cell.lost(&cause, words.as_deref()) {
                Assigned::run_again(&cell, &job);
            }
        }
    }

    /// Waits a moment for a process that has hung up. It has to look again and again: without unsafe
    /// code there is no wait that ends in time by itself.
    fn exit_status(&self) -> Option<ExitStatus> {
        for _ in 0..EXIT_LOOKS {
            match lock(&self.child).try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) => thread::sleep(Duration::from_millis(1)),
                Err(_) => return None,
            }
        }
        None
    }

    fn words(&self) -> Option<String> {
        let mut last: VecDeque<u8> = VecDeque::new();
        let mut chunk = [0; WORDS_BYTES];
        // As much as a socket holds, or less: the process is dead.
        while let Ok(count @ 1..) = (&self.words).read(&mut chunk) {
            last.extend(&chunk[..count]);
            last.drain(..last.len().saturating_sub(WORDS_BYTES));
        }
        last_words(last.make_contiguous())
    }
}

#[cfg(fuzzing)]
impl Worker {
    /// As if it had just been started: gets a cell, its first.
    pub(super) fn begin_anew(self: &Arc<Self>, cell: &Arc<Shared>, job: &Job) {
        self.greeted.store(false, Ordering::Release);
        *lock(&self.state) = State::default();
        let taken = self.run(cell, job);
        assert!(taken.is_ok(), "the process is there and reads");
    }

    /// Takes bytes as if the process had said them, and nothing more. Why it would be killed for them.
    pub(super) fn hear(&self, bytes: &[u8]) -> Option<Cause> {
        use std::io::Write as _;

        let (mut saying, mut hearing) = UnixStream::pair().expect("a socket");
        saying.write_all(bytes).expect("a socket has room for them");
        drop(saying);
        self.listen(&mut hearing)
    }
}

impl State {
    fn one_ended(&mut self) {
        self.running = self.running.saturating_sub(1);
        if self.running == 0 {
            self.idle_since = Some(Instant::now());
        }
    }

    /// The number of a set of tools, which is said first if it was not yet.
    fn know_tools(&mut self, tools: &ToolSet, bytes: &mut Vec<u8>) -> Result<u64, TooLong> {
        if tools.is_empty() {
            return Ok(0);
        }
        let known = self
            .tools
            .iter()
            .position(|(_, known)| known.is_same(tools));
        if let Some(known) = known.and_then(|place| self.tools.remove(place)) {
            let set = known.0;
            self.tools.push_back(known);
            return Ok(set);
        }
        let set = self.last_set + 1;
        let wire = tools.iter().map(|tool| WireTool::from(&tool.definition));
        let wire = Tools {
            set,
            tools: wire.collect(),
        };
        append(bytes, "tools", 0, &wire)?;
        self.last_set = set;
        self.tools.push_back((set, tools.clone()));
        if self.tools.len() > TOOL_SETS
            && let Some((oldest, _)) = self.tools.pop_front()
        {
            append(bytes, "forget", 0, &oldest)?;
        }
        Ok(set)
    }
}

/// How many bytes of replies are gathered at most.
const FULL_REPLIES: usize = 64 * 1024;

/// What the thread that reads has to say; sent together once it has read all there is.
pub(super) struct Replies<'a> {
    worker: &'a Worker,
    /// The cell that the current frame is about.
    cell: u64,
    bytes: Vec<u8>,
}

impl Replies<'_> {
    fn say(&mut self, kind: &'static str, body: &impl Serialize) -> Result<(), TooLong> {
        append(&mut self.bytes, kind, self.cell, body)
    }

    /// Answers what a script waits for; `what` is what may be too long.
    pub(super) fn answer(&mut self, answer: &Answer<'_>, what: &str) {
        if let Err(too_long) = self.say("answer", answer) {
            let why = format!("{what} is too long: {too_long}");
            let _ = self.say("answer", &Answer::Failed(&why));
        }
    }

    /// The same for a helper that has words for it.
    pub(super) fn refuse_if_too_long(&mut self, answer: &Answer<'_>, helper: &str) {
        if let Err(too_long) = self.say("answer", answer) {
            let why = format!("{helper}: the text is too long: {too_long}");
            let _ = self.say("answer", &Answer::Refused(&why));
        }
    }

    pub(super) fn settled(&mut self, call: u64, result: &Result<ToolOutput, ToolError>) {
        if let Err(too_long) = self.say("settled", &Settled::new(call, result)) {
            let error = ToolError::new(format!("the result is too long: {too_long}"));
            let _ = self.say("settled", &Settled::new(call, &Err(error)));
        }
    }

    pub(super) fn heard(&mut self, bytes: usize) {
        let _ = self.say("heard", &bytes);
    }

    pub(super) fn flush(&mut self) {
        if !self.bytes.is_empty() {
            self.worker.send_bytes(std::mem::take(&mut self.bytes));
        }
    }
}
