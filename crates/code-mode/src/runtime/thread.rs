//! The thread of one cell: makes the isolate, waits for a script, runs it to its end, takes the isolate
//! down.
//!
//! Its event loop runs microtasks, then one due timer at a time, and otherwise sleeps until the
//! outside sends something or the next timer is due. It never polls.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use tokio::sync::oneshot;

use super::attempt::{Attempt, Failure};
use super::code_cache::CodeCache;
use super::control::{IsolateControl, StopReason, runtime_failure};
use super::ending::Entrusted;
use super::errors::{self, Description, Uncaught};
use super::events::{CellEvents, Command, Nobody, Outcome};
use super::lost::{self, PoolThread};
use super::modules;
use super::place::{Place, place_of};
use super::script::{Script, SettledCall};
use super::standby::{self, Maker};
use super::timers::Timer;
use super::{compile, globals, isolate, platform, thread_name, tools, watchdog};
use crate::description::{ArgumentValidation, ToolSet};
use crate::limits::{HEAP_BYTES, Limits};
use crate::service::{ToolError, ToolOutput, panic_message};
use crate::source::program;
use crate::source::slips::{self, Failed, Stage};

/// How others reach a cell's isolate.
pub(crate) struct CellIsolate {
    control: Arc<IsolateControl>,
    commands: mpsc::Sender<Command>,
}

/// What the cell's thread is reached by and tells its end with; goes to [`spawn`].
pub(crate) struct ThreadEnds {
    commands: mpsc::Receiver<Command>,
    outcome: oneshot::Sender<Option<Outcome>>,
    gone: oneshot::Sender<()>,
}

impl CellIsolate {
    /// All ends, before there is a thread.
    pub(crate) fn prepare(limits: &Limits) -> (Self, ThreadEnds, CellThread) {
        let heap_limit = limits
            .heap_bytes
            .clamp(*HEAP_BYTES.start(), *HEAP_BYTES.end());
        let (commands, commands_receiver) = mpsc::channel();
        let (outcome, outcome_receiver) = oneshot::channel();
        let (gone, gone_receiver) = oneshot::channel();
        let isolate = Self {
            control: Arc::new(IsolateControl::new(
                heap_limit,
                limits.native_bytes(),
                limits.cpu_time,
            )),
            commands,
        };
        let ends = ThreadEnds {
            commands: commands_receiver,
            outcome,
            gone,
        };
        let thread = CellThread {
            outcome: outcome_receiver,
            gone: gone_receiver,
        };
        (isolate, ends, thread)
    }

    /// Wakes the script with something it waits for. Ignored once the thread has ended.
    pub(crate) fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    /// Ends the script, running or waiting; false if it had ended, or was ended, already.
    pub(crate) fn stop(&self, reason: StopReason) -> bool {
        let first = self.control.stop(reason);
        if let Some(job) = standby::take_back(&self.control) {
            job.stopped();
        }
        self.send(Command::Stop);
        first
    }

    /// What the isolate has used.
    pub(crate) fn control(&self) -> &IsolateControl {
        &self.control
    }
}

/// What a cell's thread runs.
pub(crate) struct CellSource {
    pub(crate) source: String,
    pub(crate) tools: ToolSet,
    pub(crate) limits: Limits,
    pub(crate) argument_validation: ArgumentValidation,
    /// Its session's.
    pub(crate) code_cache: Arc<CodeCache>,
}

/// A cell's thread, for its one owner.
pub(crate) struct CellThread {
    /// How the script ended; sent before the isolate is taken down. Without an outcome, and later, if
    /// [`CellEvents::ended`] has done all there is to do. Closed without a value only if the thread
    /// ended in a way nobody foresaw.
    pub(crate) outcome: oneshot::Receiver<Option<Outcome>>,
    /// The isolate is gone and the thread has nothing of the cell any more; or the thread is lost, and
    /// will do nothing for the cell any more.
    pub(crate) gone: oneshot::Receiver<()>,
}

/// A script on its way to an isolate.
pub(super) struct Job {
    name: String,
    source: CellSource,
    commands: mpsc::Receiver<Command>,
    events: Arc<dyn CellEvents>,
    pub(super) control: Entrusted,
}

impl Job {
    /// A script whose end the control block is to tell.
    fn new(
        name: String,
        source: CellSource,
        control: &Arc<IsolateControl>,
        ends: ThreadEnds,
        events: Arc<dyn CellEvents>,
    ) -> Self {
        let ThreadEnds {
            commands,
            outcome,
            gone,
        } = ends;
        control.ending().entrust(outcome, gone, Arc::clone(&events));
        Self {
            name,
            source,
            commands,
            events,
            control: Entrusted::new(Arc::clone(control)),
        }
    }

    /// Ends a script that gets no isolate.
    pub(super) fn fail(self, why: &str) {
        self.end(runtime_failure(why));
    }

    /// Ends a script that was stopped before it got an isolate.
    pub(super) fn stopped(self) {
        let outcome = self.control.stopped(None);
        self.end(outcome);
    }

    fn end(self, outcome: Outcome) {
        if let Some(answer) = self.control.ending().take_outcome() {
            // A receiver that is gone has nobody to tell.
            let _ = answer.send(Some(outcome));
        }
    }

    /// Takes a script back that nobody has heard of.
    pub(super) fn withdraw(self) {
        self.control.withdraw();
    }
}

/// Why a script got no thread.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpawnError {
    /// There is none to be had.
    #[error("{0}")]
    NoThread(std::io::Error),
    /// So many are lost that no more may be.
    #[error("{lost} threads are lost, as many as may be")]
    TooManyLost {
        /// How many are.
        lost: usize,
    },
}

impl From<std::io::Error> for SpawnError {
    fn from(error: std::io::Error) -> Self {
        Self::NoThread(error)
    }
}

/// Has an isolate of the process run a cell's script.
///
/// # Errors
/// When there is no thread to be had for it; then nothing is heard of it any more.
pub(crate) fn spawn(
    name: String,
    source: CellSource,
    isolate: &CellIsolate,
    ends: ThreadEnds,
    events: Arc<dyn CellEvents>,
) -> Result<(), SpawnError> {
    let lost = lost::count();
    if lost >= lost::max() {
        return Err(SpawnError::TooManyLost { lost });
    }
    let control = &isolate.control;
    control.tell_when_it_goes_on(Arc::downgrade(&events));
    watchdog::watch(control)?;
    standby::submit(Job::new(name, source, control, ends, events))?;
    Ok(())
}

/// A thread of the pool, which has counted it as a maker.
pub(super) fn work() {
    loop {
        let maker = Maker::counted();
        let life = || one_isolate(maker);
        let Ok(Some(begun)) = catch_unwind(AssertUnwindSafe(life)) else {
            return;
        };
        begun.came_back();
        if begun.has_low_priority() {
            drop(begun);
            return watchdog::starts_makers();
        }
        if !begun.makes_another() {
            return;
        }
    }
}

/// A script that this thread got, until its isolate is gone.
struct Begun(Option<Arc<IsolateControl>>);

impl Begun {
    /// Its thread is no longer lost, if the cell was given up meanwhile.
    fn came_back(&self) {
        if let Some(control) = &self.0 {
            control.came_back();
        }
    }

    /// Whether the thread gives way to others, and those that it starts would.
    fn has_low_priority(&self) -> bool {
        let control = self.0.as_ref();
        control.is_some_and(|control| control.has_low_priority())
    }

    /// Whether the pool wants another isolate of this thread.
    fn makes_another(mut self) -> bool {
        let control = self.0.take();
        control.is_some_and(|control| standby::makes_another(&control))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(control) = &self.0 {
            standby::no_longer_busy(control);
        }
    }
}

/// Whoever was woken on this processor goes first: the caller whose answer is there, or a script. Making
/// and taking down an isolate is nobody's hurry, and without a word the kernel lets a thread that computes
/// go on for longer than either takes.
fn let_others_run() {
    std::thread::yield_now();
}

/// From no isolate to no isolate. `None` if it got no script.
fn one_isolate(maker: Maker) -> Option<Begun> {
    platform::ensure_started();
    let thread = PoolThread::makes_isolate();
    // V8 has a pointer to it as long as the isolate lives, whatever happens on the way.
    let mut _control = None;
    let (mut isolate, buffers) = isolate::new();
    let_others_run();
    let (begun, control) = {
        v8::scope!(let scope, &mut isolate);
        let context = v8::Context::new(scope, v8::ContextOptions::default());
        let scope = &mut v8::ContextScope::new(scope, context);
        let_others_run();
        let helpers = globals::install(scope);
        let job = maker.wait_for_job(|| warm_up(scope, helpers.as_ref()))?;
        let begun = Begun(Some(Arc::clone(&job.control)));
        _control = Some(Arc::clone(&job.control));
        thread.has_cell(&job.control, &buffers);
        buffers.limit(&job.control);
        isolate::limit_heap(scope, &job.control);
        (begun, run_job(scope, job, helpers))
    };
    drop(isolate);
    drop(thread);
    control.give_shares_back();
    let_others_run();
    thread_name::set(standby::THREAD_NAME);
    // Says farewell.
    drop(control);
    Some(begun)
}

/// What a new isolate runs before it waits for its script, so that what V8 and this engine need for
/// compiling and running one is there: pages, tables, and code in the processor's caches. It must
/// leave nothing that a script could see.
const WARM_UP: &str = "const doubled = [1, 2, 3].map((x) => x * 2);
const { length, ...rest } = { length: doubled.length, a: `${doubled}` };
await Promise.all([1, null].map(async (x) => x));
text(JSON.stringify({ length, rest }));";

/// A script that waits for an isolate, for nobody.
#[cfg(test)]
pub(super) fn queued_job() -> (Job, CellThread) {
    let limits = Limits::default();
    let (isolate, ends, thread) = CellIsolate::prepare(&limits);
    let source = own_source(String::new(), limits);
    let job = Job::new(
        String::new(),
        source,
        &isolate.control,
        ends,
        Arc::new(Nobody),
    );
    (job, thread)
}

/// A script of our own, without tools.
fn own_source(source: String, limits: Limits) -> CellSource {
    CellSource {
        source,
        tools: ToolSet::default(),
        limits,
        argument_validation: ArgumentValidation::default(),
        code_cache: Arc::default(),
    }
}

fn warm_up(scope: &mut v8::PinScope<'_, '_>, helpers: Option<&v8::Global<v8::Object>>) {
    let limits = Limits::default();
    let (isolate, ends, _) = CellIsolate::prepare(&limits);
    let source = own_source(WARM_UP.to_owned(), limits);
    let name = standby::THREAD_NAME.to_owned();
    let job = Job::new(name, source, &isolate.control, ends, Arc::new(Nobody));
    v8::scope!(let scope, scope);
    run_job(scope, job, helpers.cloned());
}

/// Runs a script in an isolate made for it, and says how it ended, unless somebody has given it up
/// meanwhile. The rest is said when the isolate is gone.
fn run_job(
    scope: &mut v8::PinScope<'_, '_>,
    job: Job,
    helpers: Option<v8::Global<v8::Object>>,
) -> Entrusted {
    let Job {
        name,
        source,
        commands,
        events,
        control,
    } = job;
    let mut repeated = None;
    thread_name::set(&name);
    let outcome = match helpers {
        None => runtime_failure("its helpers could not be made"),
        Some(helpers) => {
            let script = Rc::new(Script::new(
                Arc::clone(&events),
                Arc::clone(&control),
                source.tools,
                source.limits,
                source.argument_validation,
                Arc::clone(&source.code_cache),
                helpers,
            ));
            scope.set_slot(Rc::clone(&script));
            let run = || run_script(scope, &script, &source.source, &commands);
            let outcome = catch_unwind(AssertUnwindSafe(run))
                .unwrap_or_else(|payload| runtime_failure(&panic_message(&*payload)));
            if matches!(outcome, Outcome::Success) {
                repeated = script.repeated.take();
            }
            script.release_handles();
            scope.remove_slot::<Rc<Script>>();
            outcome
        }
    };
    control.detach();
    let Some(answer) = control.ending().take_outcome() else {
        return control;
    };
    let ended = || lost::outside(|| events.ended(outcome));
    let ended = catch_unwind(AssertUnwindSafe(ended));
    let left = ended.unwrap_or_else(|payload| Some(runtime_failure(&panic_message(&*payload))));
    if left.is_some() {
        // Somebody has to take it from here before the isolate is gone.
        control.goes_on();
    }
    let _ = answer.send(left);
    let_others_run();
    if let Some(repeated) = repeated {
        compile::keep_code(scope, &source.code_cache, &repeated);
    }
    control
}

fn run_script(
    scope: &mut v8::PinScope<'_, '_>,
    script: &Script,
    source: &str,
    commands: &mpsc::Receiver<Command>,
) -> Outcome {
    // Only now can others interrupt V8: making a context must not be cut short.
    let control = &script.control;
    control.attach(scope.thread_safe_handle());
    control.enter_javascript();
    // Who stopped the cell before this point found nothing to interrupt.
    let result = if control.reason().is_some() {
        Err(Failure::Interrupted)
    } else {
        v8::scope!(let scope, scope);
        evaluate(scope, script, source, commands)
    };
    conclude(script, source, result)
}

/// Makes the end of a script final: from here on nobody can stop it any more.
fn conclude(script: &Script, source: &str, result: Result<(), Failure>) -> Outcome {
    let control = &script.control;
    if let Some(why) = script.broken.take() {
        control.claim(StopReason::Completed);
        return runtime_failure(&why);
    }
    if control.has_refused_a_buffer() {
        control.claim(StopReason::HeapLimit);
    }
    match result {
        Ok(()) if control.claim(StopReason::Completed) => return Outcome::Success,
        Err(Failure::Refused(description)) if control.claim(StopReason::Completed) => {
            return Outcome::Failure(with_hint(script, source, Stage::Compiling, description));
        }
        Err(Failure::Threw(description)) if control.claim(StopReason::Completed) => {
            return Outcome::Failure(with_hint(script, source, Stage::Running, description));
        }
        _ => {}
    }
    control.stopped(None)
}

/// The text of a failure, and what to do about it if it is one of the usual slips.
fn with_hint(script: &Script, source: &str, stage: Stage, description: Description) -> String {
    let failed = Failed {
        program: &program(source),
        stage,
        message: &description.first_line,
        place: description.place.map(|place| (place.line, place.column)),
        tools: &script.tools,
    };
    match slips::hint(&failed) {
        Some(hint) => format!("{}\n\n{hint}", description.text),
        None => description.text,
    }
}

/// A script that only defines functions has done nothing at all, which nobody wants.
fn refuse_no_effect(script: &Script, source: &str) -> Result<(), Failure> {
    if script.has_had_effect() {
        return Ok(());
    }
    let program = program(source);
    let Some(uncalled) = slips::uncalled(&program) else {
        return Ok(());
    };
    let place = Some(Place::at(&program, uncalled.offset));
    let mut description = errors::compose(uncalled.message, &[], place, source);
    description.text.push_str(&format!("\n\n{}", uncalled.hint));
    Err(Failure::Threw(description))
}

/// Compiles, links and evaluates the script, and turns its event loop until its promise settles.
fn evaluate<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    source: &str,
    commands: &mpsc::Receiver<Command>,
) -> Result<(), Failure> {
    let attempt = Attempt { script, source };
    let module = compile::module(scope, attempt)?;
    attempt.run(scope, |scope| {
        module.instantiate_module(scope, modules::resolve)
    })?;
    let promise = attempt.run(scope, |scope| module.evaluate(scope))?;
    let promise = v8::Local::<v8::Promise>::try_from(promise)
        .expect("V8 evaluates a source text module to a promise");

    loop {
        scope.perform_microtask_checkpoint();
        if script.control.reason().is_some() || script.broken.borrow().is_some() {
            return Err(Failure::Interrupted);
        }
        if let Some(unheard) = script.unheard.take() {
            let uncaught = Uncaught {
                exception: v8::Local::new(scope, unheard.exception),
                message: None,
                place: unheard.place,
            };
            return Err(Failure::Threw(errors::describe(scope, uncaught, source)));
        }
        match promise.state() {
            v8::PromiseState::Fulfilled => return refuse_no_effect(script, source),
            v8::PromiseState::Rejected => {
                let exception = promise.result(scope);
                let rejection = script.last_rejection.take();
                let uncaught = Uncaught {
                    exception,
                    message: None,
                    place: rejection.and_then(|rejection| rejection.place_of(scope, exception)),
                };
                return Err(Failure::Threw(errors::describe(scope, uncaught, source)));
            }
            v8::PromiseState::Pending => {}
        }
        v8::scope!(let turn, scope);
        let due = script.timers.borrow_mut().take_due();
        let settled = script.take_settled();
        if due.is_some() || !settled.is_empty() {
            if let Some((id, timer)) = due {
                attempt.run(turn, |turn| fire(turn, &timer))?;
                script.timers.borrow_mut().set_again(id);
            }
            for call in settled {
                match call {
                    SettledCall::Succeeded {
                        resolver,
                        tool,
                        value,
                    } => tools::succeed(turn, &resolver, &tool, value),
                    SettledCall::Other { call_id, result } => settle(turn, script, call_id, result),
                }
            }
            deliver(turn, script, commands.try_iter());
        } else if script.has_work_outside() {
            script.control.check_heap(turn);
            if script.control.reason().is_some() {
                return Err(Failure::Interrupted);
            }
            script.control.leave_javascript();
            standby::no_longer_busy(&script.control);
            script.control.goes_on();
            let command = next_command(script, commands);
            script.control.enter_javascript();
            deliver(turn, script, command.into_iter().chain(commands.try_iter()));
        } else {
            return Err(stalled(turn, module, source));
        }
    }
}

/// A promise nobody will settle is an error at once, not a script that hangs.
fn stalled(
    scope: &mut v8::PinScope<'_, '_>,
    module: v8::Local<'_, v8::Module>,
    source: &str,
) -> Failure {
    let place = module
        .get_stalled_top_level_await_message(scope)
        .first()
        .and_then(|(_, message)| place_of(scope, *message));
    let message = "Error: the script awaits a promise that nothing will settle: \
                   no nested call, timer or notification is under way";
    Failure::Threw(errors::compose(message.to_owned(), &[], place, source))
}

/// Calls a timer's function. `None` if it threw or was stopped.
fn fire(scope: &mut v8::PinScope<'_, '_>, timer: &Timer) -> Option<()> {
    let callback = v8::Local::new(scope, &timer.callback);
    let arguments: Vec<_> = timer
        .arguments
        .iter()
        .map(|argument| v8::Local::new(scope, argument))
        .collect();
    let receiver = v8::undefined(scope);
    callback.call(scope, receiver.into(), &arguments).map(drop)
}

/// Sleeps until the outside sends something or a timer is due.
fn next_command(script: &Script, commands: &mpsc::Receiver<Command>) -> Option<Command> {
    let due = script.timers.borrow_mut().next_due();
    let received = match due {
        None => commands
            .recv()
            .map_err(|_| mpsc::RecvTimeoutError::Disconnected),
        Some(due) => commands.recv_timeout(due.saturating_duration_since(Instant::now())),
    };
    match received {
        Ok(command) => Some(command),
        Err(mpsc::RecvTimeoutError::Timeout) => None,
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            script.control.claim(StopReason::Terminated);
            None
        }
    }
}

/// Settles everything that has arrived; the reactions run together, at the next checkpoint.
fn deliver(
    scope: &mut v8::PinScope<'_, '_>,
    script: &Script,
    commands: impl Iterator<Item = Command>,
) {
    for command in commands {
        match command {
            Command::CallSettled { call_id, result } => settle(scope, script, call_id, result),
            Command::NotificationDone { bytes } => {
                script.arrived(bytes);
                let left = script.notifications.get().saturating_sub(1);
                script.notifications.set(left);
            }
            Command::Stop => {}
        }
    }
}

/// The host has returned from a nested call.
fn settle(
    scope: &mut v8::PinScope<'_, '_>,
    script: &Script,
    call_id: u64,
    result: Result<ToolOutput, ToolError>,
) {
    let (call, left) = {
        let mut calls = script.calls.borrow_mut();
        (calls.remove(&call_id), calls.len())
    };
    script.events.calls_pending(left);
    if let Some(call) = call {
        tools::settle(scope, script, call_id, call, result);
    }
}
