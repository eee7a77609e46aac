//! `tools.x(args, { signal })`: the signal of a nested call.

use super::super::callbacks::{Arguments, Return, run};
use super::super::script::Script;
use super::super::{Thrown, kind_of, render, tools};
use super::{exports_of, loaded};
use crate::description::Tool;

/// Reads `signal` of the options of a call to `tool`; may run script code.
///
/// A number is no options and no mistake: `paths.map(tools.read_file)` gives the index.
pub(in super::super) fn signal_of<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    tool: &Tool,
    options: v8::Local<'s, v8::Value>,
) -> Result<Option<v8::Local<'s, v8::Object>>, Thrown> {
    if options.is_undefined() || options.is_number() {
        return Ok(None);
    }
    let Ok(options) = v8::Local::<v8::Object>::try_from(options) else {
        return Err(Thrown::Type(format!(
            "{}: the second argument is for options like {{ signal }} and must be an object, not {}",
            tool.shown_name(),
            kind_of(scope, options)
        )));
    };
    let signal = render::get(scope, options, "signal")?;
    if signal.is_undefined() {
        return Ok(None);
    }
    // Before the part was run there are no signals.
    let Some(part) = loaded(scope, script, "abort") else {
        return Err(no_signal(scope, tool, signal));
    };
    if !ask(scope, part, "isSignal", &[signal])?.is_true() {
        return Err(no_signal(scope, tool, signal));
    }
    let signal = v8::Local::<v8::Object>::try_from(signal).map_err(|_| Thrown::Pending)?;
    Ok(Some(signal))
}

/// Why a signal is aborted, if it is.
pub(in super::super) fn abort_reason<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    signal: v8::Local<'s, v8::Object>,
) -> Result<Option<v8::Local<'s, v8::Value>>, Thrown> {
    let part = exports_of(scope, script, "abort")?;
    let reason = ask(scope, part, "reasonOf", &[signal.into()])?;
    Ok((!reason.is_undefined()).then_some(reason))
}

fn no_signal<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    tool: &Tool,
    signal: v8::Local<'s, v8::Value>,
) -> Thrown {
    Thrown::Type(format!(
        "{}: signal must be an AbortSignal, not {}",
        tool.shown_name(),
        kind_of(scope, signal)
    ))
}

/// Has the signal cancel the call, until [`forget_call`].
pub(in super::super) fn follow_call<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    signal: v8::Local<'s, v8::Object>,
    call_id: u64,
) -> Result<(), Thrown> {
    tell(scope, script, "followCall", signal, call_id)
}

/// The call has settled: the signal need not know of it any more.
pub(in super::super) fn forget_call<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    signal: v8::Local<'s, v8::Object>,
    call_id: u64,
) -> Result<(), Thrown> {
    tell(scope, script, "forgetCall", signal, call_id)
}

/// Calls a function of the signals' part with a signal and the id of a call.
fn tell<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    function: &str,
    signal: v8::Local<'s, v8::Object>,
    call_id: u64,
) -> Result<(), Thrown> {
    let part = exports_of(scope, script, "abort")?;
    let call_id = v8::Number::new(scope, call_id as f64);
    ask(scope, part, function, &[signal.into(), call_id.into()]).map(drop)
}

fn ask<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    part: v8::Local<'s, v8::Object>,
    function: &str,
    arguments: &[v8::Local<'s, v8::Value>],
) -> Result<v8::Local<'s, v8::Value>, Thrown> {
    let function = render::get(scope, part, function)?;
    let function = v8::Local::<v8::Function>::try_from(function).map_err(|_| Thrown::Pending)?;
    let receiver = v8::undefined(scope);
    function
        .call(scope, receiver.into(), arguments)
        .ok_or(Thrown::Pending)
}

/// `cancelCall(callId, reason)`: the signal of a call was aborted.
pub(super) fn cancel_call<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, _: Return) {
    run(scope, |scope, script| {
        let call_id = args.get(0).number_value(scope).ok_or(Thrown::Pending)?;
        tools::cancel(scope, script, call_id as u64, args.get(1));
        Ok(())
    });
}
