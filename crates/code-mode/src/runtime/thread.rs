//! The thread of one cell: makes the isolate, runs the script to its end, takes the isolate down.
//!
//! Its event loop runs microtasks, then one due timer at a time, and otherwise sleeps until the
//! outside sends something or the next timer is due. It never polls.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::oneshot;

use super::attempt::{Attempt, Failure};
use super::control::{IsolateControl, StopReason, after_garbage_collection};
use super::errors::{self, Description, Uncaught};
use super::events::{CellEvents, Command, Outcome};
use super::modules;
use super::place::{Place, place_of};
use super::script::Script;
use super::timers::Timer;
use super::{compile, contain_panics, globals, platform, tools, watchdog};
use crate::description::{ArgumentValidation, ToolSet};
use crate::limits::{HEAP_BYTES, Limits};
use crate::service::panic_message;
use crate::source::program;
use crate::source::slips::{self, Failed, Stage};

/// How much further the heap may grow once it is over its limit, so that the built-in that is
/// running can get to V8's next interrupt check, where the script ends.
const HEAP_HEADROOM: usize = 512 * 1024 * 1024;

/// How others reach a cell's isolate.
pub(crate) struct CellIsolate {
    control: Arc<IsolateControl>,
    commands: mpsc::Sender<Command>,
}

/// What the cell's thread is reached by; goes to [`spawn`].
pub(crate) struct CommandReceiver(mpsc::Receiver<Command>);

impl CellIsolate {
    /// The two ends, before there is a thread.
    pub(crate) fn prepare(limits: &Limits) -> (Self, CommandReceiver) {
        let heap_limit = limits
            .heap_bytes
            .clamp(*HEAP_BYTES.start(), *HEAP_BYTES.end());
        let (commands, receiver) = mpsc::channel();
        let isolate = Self {
            control: Arc::new(IsolateControl::new(heap_limit, limits.cpu_time)),
            commands,
        };
        (isolate, CommandReceiver(receiver))
    }

    /// Wakes the script with something it waits for. Ignored once the thread has ended.
    pub(crate) fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    /// Ends the script, running or waiting; false if it had ended, or was ended, already.
    pub(crate) fn stop(&self, reason: StopReason) -> bool {
        let first = self.control.stop(reason);
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
}

/// A cell's thread, for its one owner.
pub(crate) struct CellThread {
    /// How the script ended; sent before the isolate is taken down. Closed without a value only if
    /// the thread ended in a way nobody foresaw.
    pub(crate) outcome: oneshot::Receiver<Outcome>,
    pub(crate) thread: JoinHandle<()>,
}

/// Starts a cell's thread.
pub(crate) fn spawn(
    name: String,
    source: CellSource,
    isolate: &CellIsolate,
    commands: CommandReceiver,
    events: Arc<dyn CellEvents>,
) -> std::io::Result<CellThread> {
    let control = Arc::clone(&isolate.control);
    watchdog::watch(&control)?;
    let (sender, outcome) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name(name)
        .stack_size(platform::STACK_BYTES)
        .spawn(move || {
            let mut sender = Some(sender);
            let mut report = |outcome| {
                if let Some(sender) = sender.take() {
                    let _ = sender.send(outcome);
                }
            };
            let body = || run_cell(source, &control, &commands.0, events, &mut report);
            if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
                report(runtime_failure(&panic_message(&*payload)));
            }
        })?;
    Ok(CellThread { outcome, thread })
}

fn runtime_failure(why: &str) -> Outcome {
    Outcome::RuntimeFailure(format!(
        "the engine failed while it ran the script ({why}); this cell is lost, the session goes on"
    ))
}

/// From no isolate to no isolate.
fn run_cell(
    source: CellSource,
    control: &Arc<IsolateControl>,
    commands: &mpsc::Receiver<Command>,
    events: Arc<dyn CellEvents>,
    report: &mut dyn FnMut(Outcome),
) {
    platform::ensure_started();
    let mut isolate = new_isolate(control);
    let script = Rc::new(Script::new(
        events,
        Arc::clone(control),
        source.tools,
        source.limits,
        source.argument_validation,
    ));
    isolate.set_slot(Rc::clone(&script));

    let run = || run_script(&mut isolate, &script, &source.source, commands);
    let outcome = catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|payload| runtime_failure(&panic_message(&*payload)));
    control.detach();
    report(outcome);

    script.release_handles();
    isolate.remove_slot::<Rc<Script>>();
}

fn new_isolate(control: &Arc<IsolateControl>) -> v8::OwnedIsolate {
    let parameters = v8::CreateParams::default()
        .heap_limits(0, control.heap_limit())
        .allow_atomics_wait(false);
    let mut isolate = v8::Isolate::new(parameters);
    isolate.set_microtasks_policy(v8::MicrotasksPolicy::Explicit);
    isolate.set_host_import_module_dynamically_callback(modules::import_dynamically);
    isolate.set_promise_reject_callback(errors::note_rejection);
    let control = Arc::as_ptr(control).cast_mut().cast();
    isolate.add_near_heap_limit_callback(near_heap_limit, control);
    isolate.add_gc_epilogue_callback(after_garbage_collection, control, v8::GCType::kGCTypeAll);
    isolate
}

/// V8 is about to run out of heap, on the isolate's thread.
unsafe extern "C" fn near_heap_limit(
    control: *mut std::ffi::c_void,
    current: usize,
    _initial: usize,
) -> usize {
    contain_panics(|| {
        // SAFETY: the pointer is to the control block that the cell's thread holds until after its
        // isolate is gone.
        let control = unsafe { &*control.cast_const().cast::<IsolateControl>() };
        control.stop(StopReason::HeapLimit);
    });
    current + HEAP_HEADROOM
}

fn run_script(
    isolate: &mut v8::OwnedIsolate,
    script: &Script,
    source: &str,
    commands: &mpsc::Receiver<Command>,
) -> Outcome {
    v8::scope!(let scope, isolate);
    let context = v8::Context::new(scope, v8::ContextOptions::default());
    let scope = &mut v8::ContextScope::new(scope, context);
    if globals::install(scope, script).is_none() {
        return runtime_failure("its helpers could not be made");
    }
    // Only now can others interrupt V8: making a context must not be cut short.
    let control = &script.control;
    control.attach(scope.thread_safe_handle());
    control.enter_javascript();
    // Who stopped the cell before this point found nothing to interrupt.
    let result = if control.reason().is_some() {
        Err(Failure::Interrupted)
    } else {
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
    match control.reason() {
        Some(StopReason::Exited) => Outcome::Success,
        Some(StopReason::Terminated) => Outcome::Stopped,
        Some(StopReason::HeapLimit) => Outcome::Failure(format!(
            "Error: the script used more than its {} of memory (heap and ArrayBuffers together) and was stopped; \
             work on smaller pieces, or keep less at once",
            in_mib(control.heap_limit())
        )),
        Some(StopReason::CpuLimit) => Outcome::Failure(format!(
            "Error: the script computed for {:.1} s, longer than the {:.1} s it may, and was stopped; \
             time spent waiting does not count",
            control.cpu_used().as_secs_f64(),
            control.cpu_limit().as_secs_f64()
        )),
        Some(StopReason::Completed) | None => runtime_failure("V8 stopped it without a reason"),
    }
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

fn in_mib(bytes: usize) -> String {
    const MIB: usize = 1024 * 1024;
    format!("{} MiB", bytes.div_ceil(MIB))
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
        let due = script.timers.borrow_mut().take_due(Instant::now());
        if let Some((id, timer)) = due {
            attempt.run(turn, |turn| fire(turn, &timer))?;
            script.timers.borrow_mut().set_again(id);
            deliver(turn, script, commands.try_iter());
        } else if script.has_work_outside() {
            script.control.check_heap(turn);
            if script.control.reason().is_some() {
                return Err(Failure::Interrupted);
            }
            script.control.leave_javascript();
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
            Command::CallSettled { call_id, result } => {
                let (call, left) = {
                    let mut calls = script.calls.borrow_mut();
                    (calls.remove(&call_id), calls.len())
                };
                script.events.calls_pending(left);
                if let Some(call) = call {
                    tools::settle(scope, script, call_id, call, result);
                }
            }
            Command::NotificationDone => {
                let left = script.notifications.get().saturating_sub(1);
                script.notifications.set(left);
            }
            Command::Stop => {}
        }
    }
}
