//! A cell that runs in a worker, as this process has it: what is sent to it, and what is believed of
//! what comes from it.
//!
//! Whatever a worker says is checked here before anybody acts on it. What an honest worker never says
//! is a [`Cause`] to kill it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::oneshot;

use super::STOP_GRACE;
use super::child::{Replies, Worker};
use super::death::Cause;
use super::pool::Assigned;
use super::protocol::{
    Answer, CallMade, Ended, Frame, Gone, OutputItems, Settled, Stored, Usage, nanos,
};
use crate::description::ArgumentValidation;
use crate::limits::Limits;
use crate::runtime::{
    CellEvents, CellSource, CellThread, Command, NestedCall, Outcome, StopReason,
};
use crate::service::{ToolError, ToolInput, ToolOutput};
use crate::sync::lock;

/// Host code on the thread that reads from a worker that takes longer than this computes, or blocks.
const SLOW_OUTSIDE: Duration = Duration::from_micros(100);

/// How much longer than its CPU time a script may compute before its worker is killed. The worker's own
/// watchdog stops what can be stopped long before.
const OVERRUN: Duration = Duration::from_secs(5);

/// How long the isolate of a script that has ended may take to be gone before its worker gets no more
/// cells.
const GONE_GRACE: Duration = Duration::from_secs(2);

/// How others reach a cell in a worker.
pub(crate) struct RemoteCell {
    pub(super) shared: Arc<Shared>,
}

/// What is known of a cell in a worker. Held by its cell and, until it is gone, by its worker.
pub(super) struct Shared {
    limits: Limits,
    link: Mutex<Link>,
    cpu_nanos: AtomicU64,
    heap_bytes: AtomicUsize,
    outside_nanos: AtomicU64,
}

struct Link {
    /// Where it runs, and its number there.
    place: Option<(Arc<Worker>, u64)>,
    outcome: Option<oneshot::Sender<Option<Outcome>>>,
    gone: Option<oneshot::Sender<()>>,
    /// From its start until it is gone.
    job: Option<Arc<Job>>,
    /// Whether its worker has said anything of it.
    heard: bool,
    retried: bool,
    stopped: Option<Instant>,
    ended: Option<Instant>,
    last_call: u64,
    /// The calls under way, and the bytes of their inputs.
    calls: HashMap<u64, usize>,
    notifications_started: u64,
    notifications: usize,
    /// Bytes of inputs and of notifications under way.
    bytes_under_way: usize,
    /// How it is to end if its worker is killed for it.
    verdict: Option<Outcome>,
}

impl Link {
    /// Counts bytes that are under way from now on.
    fn sent(&mut self, bytes: usize, limits: &Limits) -> Result<(), Cause> {
        let all = self.bytes_under_way.saturating_add(bytes);
        if all > limits.max_bytes_in_flight {
            return Err(Cause::violation("more bytes at once than are allowed"));
        }
        self.bytes_under_way = all;
        Ok(())
    }

    /// The host has returned from a call; how many are left.
    fn call_returned(&mut self, call_id: u64) -> usize {
        let bytes = self.calls.remove(&call_id).unwrap_or(0);
        self.bytes_under_way = self.bytes_under_way.saturating_sub(bytes);
        self.calls.len()
    }

    fn notification_heard(&mut self, bytes: usize) {
        self.notifications = self.notifications.saturating_sub(1);
        self.bytes_under_way = self.bytes_under_way.saturating_sub(bytes);
    }
}

/// A cell's script, and who hears of it.
pub(super) struct Job {
    pub(super) name: String,
    pub(super) source: CellSource,
    pub(super) events: Arc<dyn CellEvents>,
    pub(super) workers: Arc<Assigned>,
}

impl RemoteCell {
    /// A cell before it has a worker.
    pub(crate) fn prepare(limits: &Limits) -> (Self, CellThread) {
        let (outcome, outcome_receiver) = oneshot::channel();
        let (gone, gone_receiver) = oneshot::channel();
        let link = Link {
            place: None,
            outcome: Some(outcome),
            gone: Some(gone),
            job: None,
            heard: false,
            retried: false,
            stopped: None,
            ended: None,
            last_call: 0,
            calls: HashMap::new(),
            notifications_started: 0,
            notifications: 0,
            bytes_under_way: 0,
            verdict: None,
        };
        let shared = Shared {
            limits: limits.clone(),
            link: Mutex::new(link),
            cpu_nanos: AtomicU64::new(0),
            heap_bytes: AtomicUsize::new(0),
            outside_nanos: AtomicU64::new(0),
        };
        let cell = Self {
            shared: Arc::new(shared),
        };
        let thread = CellThread {
            outcome: outcome_receiver,
            gone: gone_receiver,
        };
        (cell, thread)
    }

    /// Wakes the script with something it waits for. Ignored once it is gone.
    pub(crate) fn send(&self, command: Command) {
        match command {
            Command::CallSettled { call_id, result } => {
                let pending = {
                    let mut link = lock(&self.shared.link);
                    let pending = link.call_returned(call_id);
                    link.job.clone().map(|job| (job, pending))
                };
                if let Some((job, pending)) = pending {
                    job.events.calls_pending(pending);
                }
                self.shared.tell_settled(call_id, result);
            }
            Command::NotificationDone { bytes } => {
                lock(&self.shared.link).notification_heard(bytes);
                self.shared.tell("heard", &bytes);
            }
            Command::Stop => self.shared.tell("stop", &()),
        }
    }

    /// Ends the script, running or waiting; false if it had ended, or was ended, already.
    pub(crate) fn stop(&self, _: StopReason) -> bool {
        self.shared.stop()
    }

    /// Processor time used, as last heard.
    pub(crate) fn cpu_used(&self) -> Duration {
        self.shared.cpu_used()
    }

    /// Heap and ArrayBuffer bytes, as last heard.
    pub(crate) fn heap_used(&self) -> usize {
        self.shared.heap_bytes.load(Ordering::Relaxed)
    }

    /// How long host code ran on the thread that reads from the worker, short pieces not counted.
    pub(crate) fn outside_took(&self) -> Duration {
        Duration::from_nanos(self.shared.outside_nanos.load(Ordering::Relaxed))
    }
}

/// What is to become of a worker because of one of its cells.
pub(super) enum Patience {
    /// Nothing; the next look may be due at a certain time.
    Lasts(Option<Instant>),
    /// It gets no more cells.
    WearsThin,
    /// It is to be killed.
    IsOver(Cause),
}

impl Shared {
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    fn cpu_used(&self) -> Duration {
        Duration::from_nanos(self.cpu_nanos.load(Ordering::Relaxed))
    }

    pub(super) fn note(&self, usage: Usage) {
        self.cpu_nanos.fetch_max(usage.cpu_nanos, Ordering::Relaxed);
        self.heap_bytes.store(usage.heap_bytes, Ordering::Relaxed);
    }

    /// Takes the script on its way to a worker.
    pub(super) fn begin(&self, job: Job) -> Arc<Job> {
        let job = Arc::new(job);
        lock(&self.link).job = Some(Arc::clone(&job));
        job
    }

    /// Takes a script back that nobody has heard of.
    pub(super) fn withdraw(&self) {
        lock(&self.link).job = None;
    }

    /// The cell is in a worker now. Whether it is to be stopped there at once.
    pub(super) fn placed(&self, worker: &Arc<Worker>, number: u64) -> bool {
        let mut link = lock(&self.link);
        link.place = Some((Arc::clone(worker), number));
        link.stopped.is_some()
    }

    fn place(&self) -> Option<(Arc<Worker>, u64)> {
        lock(&self.link).place.clone()
    }

    fn tell(&self, kind: &'static str, body: &impl Serialize) {
        if let Some((worker, number)) = self.place() {
            // Short, all of them.
            let _ = worker.send(kind, number, body);
        }
    }

    fn tell_settled(&self, call: u64, result: Result<ToolOutput, ToolError>) {
        let Some((worker, number)) = self.place() else {
            return;
        };
        if let Err(too_long) = worker.send("settled", number, &Settled::new(call, &result)) {
            let error = ToolError::new(format!("the result is too long: {too_long}"));
            let _ = worker.send("settled", number, &Settled::new(call, &Err(error)));
        }
    }

    fn stop(&self) -> bool {
        let place = {
            let mut link = lock(&self.link);
            if link.stopped.is_some() || link.gone.is_none() {
                return false;
            }
            link.stopped = Some(Instant::now());
            link.place.clone()
        };
        if let Some((worker, number)) = place {
            let _ = worker.send("stop", number, &());
            worker.watch_closely();
        }
        true
    }

    /// What a look at the cell says about its worker.
    pub(super) fn patience(&self, now: Instant) -> Patience {
        let mut link = lock(&self.link);
        if let Some(stopped) = link.stopped {
            let until = stopped + STOP_GRACE;
            return match now >= until {
                true => Patience::IsOver(Cause::WouldNotStop),
                false => Patience::Lasts(Some(until)),
            };
        }
        if let Some(ended) = link.ended {
            return match now >= ended + GONE_GRACE {
                true => Patience::WearsThin,
                false => Patience::Lasts(None),
            };
        }
        let (used, may) = (self.cpu_used(), self.limits.cpu_time);
        if used > may.saturating_add(OVERRUN) {
            link.verdict = Some(Outcome::Failure(format!(
                "Error: the script computed for {:.1} s, longer than the {:.1} s it may, inside something that \
                 cannot be interrupted, and its worker process was killed",
                used.as_secs_f64(),
                may.as_secs_f64()
            )));
            return Patience::IsOver(Cause::Overran);
        }
        Patience::Lasts(None)
    }

    /// Takes a frame about this cell.
    pub(super) fn take(
        &self,
        frame: &Frame<'_>,
        replies: &mut Replies<'_>,
    ) -> Result<Taken, Cause> {
        let job = {
            let mut link = lock(&self.link);
            link.heard = true;
            let job = link.job.clone();
            let job = job.ok_or_else(|| Cause::violation("a frame about a cell that is gone"))?;
            if link.ended.is_some() && frame.kind != "gone" {
                // Unknown kinds included: what a newer worker says of a cell it says before the end.
                return Err(Cause::violation(format!(
                    "{:?} of a script that has ended",
                    frame.kind
                )));
            }
            job
        };
        let events = &*job.events;
        match frame.kind {
            "output" => self.output(events, body(frame)?, replies)?,
            "call" => self.call(&job, body(frame)?, replies)?,
            "cancel" => {
                let call_id: u64 = body(frame)?;
                events.cancel_call(call_id);
            }
            "notify" => self.notify(events, body(frame)?, replies)?,
            "yield" => events.yielded(),
            "load" => {
                let key: String = body(frame)?;
                let json = events.load(&key);
                let answer = json.as_deref().map_or(Answer::Nothing, Answer::Value);
                replies.answer(&answer, "the stored value");
            }
            "store" => {
                let Stored { key, json } = body(frame)?;
                match events.store(key, json) {
                    Ok(()) => replies.answer(&Answer::Done, ""),
                    Err(refused) => replies.answer(&Answer::Refused(&refused.0), ""),
                }
            }
            "load_output" => {
                let handle: String = body(frame)?;
                match events.load_output(&handle) {
                    Ok(text) => replies.refuse_if_too_long(&Answer::Text(&text), "load_output"),
                    Err(refused) => replies.answer(&Answer::Refused(&refused.0), ""),
                }
            }
            "goes_on" => {
                self.note(body(frame)?);
                events.goes_on();
            }
            "ended" => {
                self.ended(events, body(frame)?)?;
                return Ok(Taken::Ended);
            }
            "gone" => {
                self.gone()?;
                let Gone { lost } = frame.body().unwrap_or_default();
                return Ok(Taken::Gone { lost });
            }
            _ => {}
        }
        Ok(Taken::GoesOn)
    }

    fn output(
        &self,
        events: &dyn CellEvents,
        output: OutputItems,
        replies: &mut Replies<'_>,
    ) -> Result<(), Cause> {
        let asks = output.asks;
        let items = output
            .into_items()
            .ok_or_else(|| Cause::violation("output that no script can put out"))?;
        match events.output(items) {
            Ok(()) if asks => replies.answer(&Answer::Done, ""),
            Ok(()) => {}
            Err(refused) if asks => replies.answer(&Answer::Refused(&refused.0), ""),
            Err(_) => return Err(Cause::violation("more output than a cell may hold")),
        }
        Ok(())
    }

    fn call(&self, job: &Job, call: CallMade, replies: &mut Replies<'_>) -> Result<(), Cause> {
        let (call_id, raw) = (call.call, call.raw);
        let tool = job.source.tools.get(&call.tool);
        let tool = tool.filter(|tool| tool.global_name == call.tool);
        let tool =
            tool.ok_or_else(|| Cause::violation("a call of a tool that the cell has not"))?;
        if raw && !tool.definition.raw_results {
            return Err(Cause::violation("a raw call of a tool without raw results"));
        }
        let input = call
            .into_input(tool.definition.kind)
            .ok_or_else(|| Cause::violation("a call with what its tool does not take"))?;
        let pending = {
            let mut link = lock(&self.link);
            if call_id <= link.last_call || call_id > self.limits.max_calls {
                return Err(Cause::violation("a call with a number that cannot be"));
            }
            if link.calls.len() >= self.limits.max_calls_in_flight {
                return Err(Cause::violation("more calls at once than are allowed"));
            }
            link.sent(input.len(), &self.limits)?;
            link.last_call = call_id;
            link.calls.insert(call_id, input.len());
            link.calls.len()
        };
        job.events.calls_pending(pending);
        // An honest worker has checked that already; the host may count on it.
        let violations = match (&input, job.source.argument_validation) {
            (ToolInput::Function(arguments), ArgumentValidation::On) => tool.violations(arguments),
            _ => None,
        };
        let at_once = match violations {
            Some(violations) => Some(Err(ToolError::new(
                violations.message(&tool.shown_name(), ""),
            ))),
            None => {
                let call = NestedCall {
                    call_id,
                    tool: Arc::clone(tool),
                    input,
                    raw,
                };
                self.outside(replies, || job.events.start_call(call))
            }
        };
        if let Some(result) = at_once {
            let pending = lock(&self.link).call_returned(call_id);
            job.events.calls_pending(pending);
            replies.settled(call_id, &result);
        }
        Ok(())
    }

    fn notify(
        &self,
        events: &dyn CellEvents,
        text: String,
        replies: &mut Replies<'_>,
    ) -> Result<(), Cause> {
        let bytes = text.len();
        {
            let mut link = lock(&self.link);
            if link.notifications >= self.limits.max_calls_in_flight
                || link.notifications_started >= self.limits.max_calls
            {
                return Err(Cause::violation("more notifications than are allowed"));
            }
            link.sent(bytes, &self.limits)?;
            link.notifications_started += 1;
            link.notifications += 1;
        }
        if self.outside(replies, || events.start_notification(text)) {
            lock(&self.link).notification_heard(bytes);
            replies.heard(bytes);
        }
        Ok(())
    }

    /// Runs the beginning of host code; other cells of the worker do not wait for it to be answered.
    fn outside<T>(&self, replies: &mut Replies<'_>, body: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let value = body();
        let took = start.elapsed();
        if took >= SLOW_OUTSIDE {
            self.outside_nanos.fetch_add(nanos(took), Ordering::Relaxed);
            replies.flush();
        }
        value
    }

    fn ended(&self, events: &dyn CellEvents, ended: Ended) -> Result<(), Cause> {
        self.note(ended.usage);
        let outcome = ended.into_outcome();
        let sender = {
            let mut link = lock(&self.link);
            if matches!(outcome, Outcome::Stopped) && link.stopped.is_none() {
                return Err(Cause::violation("the end of a script that nobody ended"));
            }
            link.ended = Some(Instant::now());
            link.outcome.take()
        };
        let left = events.ended(outcome);
        if left.is_some() {
            events.goes_on();
        }
        if let Some(sender) = sender {
            let _ = sender.send(left);
        }
        Ok(())
    }

    fn gone(&self) -> Result<(), Cause> {
        if lock(&self.link).ended.is_none() {
            return Err(Cause::violation("a cell that is gone and has not ended"));
        }
        self.let_go();
        Ok(())
    }

    /// Nothing of the cell is in a worker any more.
    fn let_go(&self) {
        let (job, gone) = {
            let mut link = lock(&self.link);
            link.place = None;
            (link.job.take(), link.gone.take())
        };
        if let Some(gone) = gone {
            let _ = gone.send(());
        }
        if let Some(job) = job {
            job.events.gone();
        }
    }

    /// The worker is no more. Gives the script back if it may do better in another one.
    pub(super) fn lost(&self, cause: &Cause, last_words: Option<&str>) -> Option<Arc<Job>> {
        let (job, outcome) = {
            let mut link = lock(&self.link);
            link.place = None;
            let job = link.job.clone()?;
            let fresh = !link.heard && !link.retried && link.stopped.is_none();
            if fresh && cause.is_worth_another() {
                link.retried = true;
                return Some(job);
            }
            if link.ended.is_some() {
                (job, None)
            } else if link.stopped.is_some() {
                (job, Some(Outcome::Stopped))
            } else {
                let heard = link.heard;
                let verdict = link.verdict.take();
                let words = || Outcome::RuntimeFailure(obituary(heard, cause, last_words));
                (job, Some(verdict.unwrap_or_else(words)))
            }
        };
        if let Some(outcome) = outcome {
            self.end(&*job.events, outcome);
        }
        self.let_go();
        None
    }

    /// Ends a cell for which there is no other worker.
    pub(super) fn fail(&self, job: &Job, why: &str) {
        self.end(&*job.events, Outcome::RuntimeFailure(why.to_owned()));
        self.let_go();
    }

    fn end(&self, events: &dyn CellEvents, outcome: Outcome) {
        events.goes_on();
        if let Some(sender) = lock(&self.link).outcome.take() {
            let _ = sender.send(Some(outcome));
        }
    }
}

/// Where a cell stands after a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    GoesOn,
    Ended,
    Gone {
        /// Whether its thread is lost.
        lost: bool,
    },
}

fn body<'a, T: serde::Deserialize<'a>>(frame: &Frame<'a>) -> Result<T, Cause> {
    frame
        .body()
        .map_err(|error| Cause::violation(format!("{:?}: {error}", frame.kind)))
}

fn obituary(heard: bool, cause: &Cause, last_words: Option<&str>) -> String {
    let said = last_words.map_or_else(String::new, |words| format!("; it said: {words}"));
    match heard {
        true => format!(
            "the worker process that ran the script {cause}{said}. This cell is lost with what it stored; \
             the session goes on"
        ),
        false => format!(
            "the worker process that was to run the script {cause}{said}. The script did nothing that anybody \
             has seen; the session goes on"
        ),
    }
}
