//! The calls of tools: from a script's arguments to the host, and its answer to the script's promise.

use std::borrow::Cow;
use std::sync::Arc;

use super::callbacks::{Arguments, Return, run};
use super::events::NestedCall;
use super::render::{NoJson, NoValue};
use super::script::{AwaitedCall, PendingCall, Script, SettledCall};
use super::{Thrown, kind_of, place, render, string, web};
use crate::description::{ArgumentValidation, Tool, ToolKind};
use crate::service::{OutputValue, ToolError, ToolInput, ToolOutput};

/// How JavaScript's own errors have their properties.
const HIDDEN: v8::PropertyAttribute = v8::PropertyAttribute::DONT_ENUM;

/// `tools.some_tool(input)`
pub(super) fn call_tool<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, script| {
        call(scope, script, &args, Wanted::Value, &mut result)
    });
}

/// `tools.some_tool.raw(input)`
pub(super) fn call_tool_raw<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, script| {
        call(scope, script, &args, Wanted::Raw, &mut result)
    });
}

/// What a call is to give.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// What the host makes of the tool's result.
    Value,
    /// The result as it came.
    Raw,
}

fn call<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    args: &Arguments<'s>,
    wanted: Wanted,
    result: &mut Return,
) -> Result<(), Thrown> {
    let position = args.data().uint32_value(scope).unwrap_or(u32::MAX) as usize;
    let tool = Arc::clone(script.tools.at(position).expect("made from the same set"));
    match start_call(scope, script, tool, args, wanted) {
        Ok(promise) => {
            result.set(promise.into());
            Ok(())
        }
        Err(Refusal::Uncatchable) => Err(Thrown::Pending),
        Err(Refusal::Error(error)) => reject_at_once(scope, error, result),
    }
}

/// Why a call did not start.
enum Refusal<'s> {
    /// The promise is to reject with this.
    Error(v8::Local<'s, v8::Value>),
    /// Execution was terminated.
    Uncatchable,
}

fn start_call<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    tool: Arc<Tool>,
    args: &Arguments<'s>,
    wanted: Wanted,
) -> Result<v8::Local<'s, v8::Promise>, Refusal<'s>> {
    let (argument, options) = (args.get(0), args.get(1));
    let signal = match options.is_undefined() {
        true => None,
        false => rejecting(scope, |scope| web::signal_of(scope, script, &tool, options))?,
    };
    let input = input(scope, &tool, argument)?;
    // After the argument: making its JSON may have aborted the signal.
    refuse_if_aborted(scope, script, signal)?;
    let input_bytes = input.len();
    within_limits(script, input_bytes).map_err(|thrown| refusal(scope, thrown))?;
    fits_schema(scope, script, &tool, &input)?;
    let resolver = v8::PromiseResolver::new(scope).ok_or(Refusal::Uncatchable)?;

    let call_id = script.calls_started.get() + 1;
    script.calls_started.set(call_id);
    if let Some(signal) = signal {
        rejecting(scope, |scope| {
            web::follow_call(scope, script, signal, call_id)
        })?;
    }
    // Making the JSON of the argument takes time, and scripts can make that long.
    if script.control.reason().is_some() {
        return Err(Refusal::Uncatchable);
    }
    // Counted while the host begins: it may look at the cell.
    script.events.calls_pending(script.pending_calls() + 1);
    let call = NestedCall {
        call_id,
        tool: Arc::clone(&tool),
        input,
        raw: wanted == Wanted::Raw,
    };
    let at_once = script.control.outside(|| script.events.start_call(call));
    match (at_once, signal) {
        (Some(Ok(output)), None) if output.len() <= v8::String::MAX_LENGTH => {
            let resolver = v8::Global::new(scope, resolver);
            script.succeeded.set(script.succeeded.get() + 1);
            let held = script.settled_bytes.get() + output.len();
            script.settled_bytes.set(held);
            script.settled.borrow_mut().push(SettledCall::Succeeded {
                resolver,
                tool,
                value: output.into_value(),
            });
        }
        (at_once, signal) => {
            // It failed, or may still fail or be cancelled: the error is to show this place.
            let error = call_error(scope, &tool.global_name).map_err(|_| Refusal::Uncatchable)?;
            let awaited = AwaitedCall {
                resolver: v8::Global::new(scope, resolver),
                error: v8::Global::new(scope, error),
                signal: signal.map(|signal| v8::Global::new(scope, signal)),
            };
            let call = PendingCall {
                input_bytes,
                awaited: Some(awaited),
            };
            script.sent(input_bytes);
            script.calls.borrow_mut().insert(call_id, call);
            if let Some(result) = at_once {
                let settled = SettledCall::Other { call_id, result };
                script.settled.borrow_mut().push(settled);
            }
        }
    }
    Ok(resolver.get_promise(scope))
}

/// A call whose signal is aborted already is refused with its reason.
fn refuse_if_aborted<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    signal: Option<v8::Local<'s, v8::Object>>,
) -> Result<(), Refusal<'s>> {
    let Some(signal) = signal else {
        return Ok(());
    };
    match rejecting(scope, |scope| web::abort_reason(scope, script, signal))? {
        Some(reason) => Err(Refusal::Error(reason)),
        None => Ok(()),
    }
}

/// Runs what may throw; the promise of the call rejects with what it throws.
fn rejecting<'s, T>(
    scope: &mut v8::PinScope<'s, '_>,
    body: impl FnOnce(&mut v8::PinScope<'s, '_>) -> Result<T, Thrown>,
) -> Result<T, Refusal<'s>> {
    v8::tc_scope!(let scope, scope);
    let thrown = match body(scope) {
        Ok(value) => return Ok(value),
        Err(thrown) => thrown,
    };
    let exception = match thrown {
        Thrown::Pending => scope.exception().filter(|_| !scope.has_terminated()),
        thrown => thrown.to_exception(scope),
    };
    match exception {
        Some(exception) => {
            scope.reset();
            Err(Refusal::Error(exception))
        }
        None => {
            scope.rethrow();
            Err(Refusal::Uncatchable)
        }
    }
}

/// The signal of a call was aborted: the script has its answer now, the host hears of it, and the
/// call stays pending until the host has returned.
pub(super) fn cancel<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    call_id: u64,
    reason: v8::Local<'s, v8::Value>,
) {
    let call = script
        .calls
        .borrow_mut()
        .get_mut(&call_id)
        .and_then(|call| call.awaited.take());
    if let Some(call) = call {
        script.events.cancel_call(call_id);
        let resolver = v8::Local::new(scope, call.resolver);
        let _ = resolver.reject(scope, reason);
    }
}

fn within_limits(script: &Script, input_bytes: usize) -> Result<(), Thrown> {
    let limits = &script.limits;
    if let Err(held) = script.has_room_for(input_bytes) {
        return Err(Thrown::Range(format!(
            "{held} bytes of nested calls and notifications are under way and {input_bytes} more would exceed the {} \
             that may be; await some first, or send less",
            limits.max_bytes_in_flight
        )));
    }
    if script.pending_calls() >= limits.max_calls_in_flight {
        return Err(Thrown::Range(format!(
            "{} nested calls are under way, as many as are allowed at once; await some before starting more",
            limits.max_calls_in_flight
        )));
    }
    if script.calls_started.get() >= limits.max_calls {
        return Err(Thrown::Range(format!(
            "the cell has made {} nested calls, as many as it may in all",
            limits.max_calls
        )));
    }
    Ok(())
}

/// Refuses arguments that the tool's input schema does not allow.
fn fits_schema<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    tool: &Tool,
    input: &ToolInput,
) -> Result<(), Refusal<'s>> {
    let (ArgumentValidation::On, ToolInput::Function(arguments)) =
        (script.argument_validation, input)
    else {
        return Ok(());
    };
    let Some(violations) = tool.violations(arguments) else {
        return Ok(());
    };
    let place = place::place_of_call(scope).map_or_else(String::new, |place| format!(" ({place})"));
    let message = string(scope, &violations.message(&tool.shown_name(), &place));
    let error = v8::Exception::type_error(scope, message);
    name_tool(scope, error, &tool.global_name).map_err(|_| Refusal::Uncatchable)?;
    Err(Refusal::Error(error))
}

/// The argument as the tool takes it.
fn input<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    tool: &Tool,
    argument: v8::Local<'s, v8::Value>,
) -> Result<ToolInput, Refusal<'s>> {
    match tool.definition.kind {
        ToolKind::Freeform => match v8::Local::<v8::String>::try_from(argument) {
            Ok(text) => Ok(ToolInput::Freeform(render::to_rust_string(scope, text))),
            Err(_) => Err(wrong_argument(scope, tool, "a string", argument)),
        },
        ToolKind::Function if argument.is_undefined() => Ok(ToolInput::Function(
            serde_json::value::RawValue::from_string("{}".to_owned()).expect("this is JSON"),
        )),
        ToolKind::Function => {
            let json = json_argument(scope, tool, argument)?;
            match json {
                Some(json) if json.starts_with('{') => {
                    match serde_json::value::RawValue::from_string(json) {
                        Ok(json) => Ok(ToolInput::Function(json)),
                        Err(error) => {
                            let message = format!("{}: {error}", tool.shown_name());
                            Err(refusal(scope, Thrown::Type(message)))
                        }
                    }
                }
                _ => Err(wrong_argument(scope, tool, "an object", argument)),
            }
        }
    }
}

/// The argument as JSON text; a refusal names the tool and says what V8 says.
fn json_argument<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    tool: &Tool,
    argument: v8::Local<'s, v8::Value>,
) -> Result<Option<String>, Refusal<'s>> {
    let (cause, why) = match render::to_json(scope, argument) {
        Ok(json) => return Ok(json),
        Err(NoJson::Terminated) => return Err(Refusal::Uncatchable),
        Err(NoJson::Threw { exception, why }) => (exception, why),
    };
    let message = format!(
        "{}: JSON cannot carry the argument: {why}",
        tool.shown_name()
    );
    let message = string(scope, &message);
    let error = v8::Exception::type_error(scope, message);
    if let (Some(cause), Ok(error)) = (cause, v8::Local::<v8::Object>::try_from(error)) {
        let name = string(scope, "cause");
        let _ = error.define_own_property(scope, name.into(), cause, HIDDEN);
    }
    Err(Refusal::Error(error))
}

fn wrong_argument<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    tool: &Tool,
    expected: &str,
    argument: v8::Local<'s, v8::Value>,
) -> Refusal<'s> {
    let came = if argument.is_undefined() {
        "nothing".to_owned()
    } else {
        kind_of(scope, argument)
    };
    let message = format!(
        "{} takes {expected}; it was given {came}",
        tool.shown_name()
    );
    refusal(scope, Thrown::Type(message))
}

fn refusal<'s>(scope: &mut v8::PinScope<'s, '_>, thrown: Thrown) -> Refusal<'s> {
    thrown
        .to_exception(scope)
        .map_or(Refusal::Uncatchable, Refusal::Error)
}

pub(super) fn reject_at_once<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    error: v8::Local<'s, v8::Value>,
    result: &mut Return,
) -> Result<(), Thrown> {
    let resolver = v8::PromiseResolver::new(scope).ok_or(Thrown::Pending)?;
    resolver.reject(scope, error).ok_or(Thrown::Pending)?;
    result.set(resolver.get_promise(scope).into());
    Ok(())
}

/// A `ToolError` without its message yet. V8 notes the stack now and words it when it is first read.
pub(super) fn call_error<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    tool: &str,
) -> Result<v8::Local<'s, v8::Object>, Thrown> {
    let nothing = v8::String::empty(scope);
    let error = v8::Exception::error(scope, nothing);
    let error = v8::Local::<v8::Object>::try_from(error).map_err(|_| Thrown::Pending)?;
    let name = string(scope, "name");
    let tool_error = string(scope, "ToolError");
    error
        .define_own_property(scope, name.into(), tool_error.into(), HIDDEN)
        .ok_or(Thrown::Pending)?;
    name_tool(scope, error.into(), tool)?;
    Ok(error)
}

/// Gives an error its property `tool`.
fn name_tool<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    error: v8::Local<'s, v8::Value>,
    tool: &str,
) -> Result<(), Thrown> {
    let error = v8::Local::<v8::Object>::try_from(error).map_err(|_| Thrown::Pending)?;
    let name = string(scope, "tool");
    let tool = string(scope, tool);
    error
        .create_data_property(scope, name.into(), tool.into())
        .ok_or(Thrown::Pending)?;
    Ok(())
}

/// Completes a [`call_error`]. V8 has worded the first line of the stack without the message; the
/// stack gets it here.
pub(super) fn set_message<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    error: v8::Local<'s, v8::Object>,
    message: &str,
) -> Result<(), Thrown> {
    let name = string(scope, "message");
    let value = string(scope, message);
    error
        .define_own_property(scope, name.into(), value.into(), HIDDEN)
        .ok_or(Thrown::Pending)?;
    let name = string(scope, "stack");
    let stack = error.get(scope, name.into()).ok_or(Thrown::Pending)?;
    let Ok(stack) = v8::Local::<v8::String>::try_from(stack) else {
        // The script has set Error.prepareStackTrace; its stacks are its own.
        return Ok(());
    };
    let stack = render::to_rust_string(scope, stack);
    let frames = stack.find('\n').map_or("", |end| &stack[end..]);
    let stack = string(scope, &format!("ToolError: {message}{frames}"));
    error
        .define_own_property(scope, name.into(), stack.into(), HIDDEN)
        .ok_or(Thrown::Pending)?;
    Ok(())
}

/// Settles a nested call. Its reactions run at the next microtask checkpoint.
pub(super) fn settle(
    scope: &mut v8::PinScope<'_, '_>,
    script: &Script,
    call_id: u64,
    call: PendingCall,
    result: Result<ToolOutput, ToolError>,
) {
    script.arrived(call.input_bytes);
    let Some(call) = call.awaited else {
        return;
    };
    if let Some(signal) = call.signal {
        let signal = v8::Local::new(scope, signal);
        // Only a termination keeps it from being forgotten, and then nothing is settled any more.
        let forgotten = rejecting(scope, |scope| {
            web::forget_call(scope, script, signal, call_id)
        });
        if matches!(forgotten, Err(Refusal::Uncatchable)) {
            return;
        }
    }
    let resolver = v8::Local::new(scope, call.resolver);
    let failure = match result {
        Ok(output) => match value_of(scope, output.into_value()) {
            Ok(value) => {
                let _ = resolver.resolve(scope, value);
                return;
            }
            Err(why) => ToolError::new(why),
        },
        Err(failure) => failure,
    };
    let error = v8::Local::new(scope, call.error);
    fail(scope, resolver, error, failure);
}

/// Settles a nested call that the host answered well at once.
pub(super) fn succeed(
    scope: &mut v8::PinScope<'_, '_>,
    resolver: &v8::Global<v8::PromiseResolver>,
    tool: &Tool,
    value: OutputValue,
) {
    let resolver = v8::Local::new(scope, resolver);
    match value_of(scope, value) {
        Ok(value) => {
            let _ = resolver.resolve(scope, value);
        }
        Err(why) => {
            if let Ok(error) = call_error(scope, &tool.global_name) {
                fail(scope, resolver, error, ToolError::new(why));
            }
        }
    }
}

/// Rejects the promise of a call.
fn fail<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    resolver: v8::Local<'s, v8::PromiseResolver>,
    error: v8::Local<'s, v8::Object>,
    failure: ToolError,
) {
    // What the script made of Error.prepareStackTrace may throw; the call rejects all the same.
    v8::tc_scope!(let scope, scope);
    let _ = set_message(scope, error, &failure.message);
    if let Some(json) = &failure.result {
        set_result(scope, error, json.get());
    }
    if !scope.has_terminated() {
        scope.reset();
        let _ = resolver.reject(scope, error.into());
    }
}

/// Gives a `ToolError` its `result`. One that is too long for V8 is left out: the message stands.
fn set_result<'s>(scope: &mut v8::PinScope<'s, '_>, error: v8::Local<'s, v8::Object>, json: &str) {
    if let Ok(value) = parsed(scope, json.into()) {
        let name = string(scope, "result");
        let _ = error.define_own_property(scope, name.into(), value, HIDDEN);
    }
}

/// The value of a result.
fn value_of<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: OutputValue,
) -> Result<v8::Local<'s, v8::Value>, String> {
    match value {
        OutputValue::Json(json) => parsed(scope, json.into()),
        OutputValue::Text(text) => match v8::String::new(scope, &text) {
            Some(text) => Ok(text.into()),
            None => Err(TOO_LONG.to_owned()),
        },
    }
}

const TOO_LONG: &str = "the result is longer than a JavaScript string may be";

fn parsed<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    json: Cow<'_, str>,
) -> Result<v8::Local<'s, v8::Value>, String> {
    v8::tc_scope!(let scope, scope);
    render::from_json(scope, json).map_err(|no_value| {
        let why = match no_value {
            NoValue::TooLong => TOO_LONG,
            NoValue::Unreadable => "the result could not be read as JSON",
        };
        why.to_owned()
    })
}
