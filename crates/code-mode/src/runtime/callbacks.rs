//! The helpers a script calls: what V8 enters. Each converts its arguments, then acts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use super::render::NoJson;
use super::script::Script;
use super::timers::{self, Runs, Timer};
use super::{Thrown, contain_panics, kind_of, media, render, string};
use crate::response::ContentItem;
use crate::service::panic_message;
use crate::source::slips;

/// Arguments of a helper.
pub(super) type Arguments<'s> = v8::FunctionCallbackArguments<'s>;
/// Where a helper puts what it returns.
pub(super) type Return<'r> = v8::ReturnValue<'r, v8::Value>;

/// Runs a helper's body: throws what it asks to be thrown, and contains its panics.
pub(super) fn run<'s, 'i>(
    scope: &mut v8::PinScope<'s, 'i>,
    body: impl FnOnce(&mut v8::PinScope<'s, 'i>, &Rc<Script>) -> Result<(), Thrown>,
) {
    let script = Script::of(scope);
    if is_over(&script) {
        return terminate_here(scope);
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| body(scope, &script)));
    contain_panics(|| {
        if is_over(&script) {
            return terminate_here(scope);
        }
        let exception = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(thrown)) => thrown.to_exception(scope),
            Err(payload) => {
                *script.broken.borrow_mut() = Some(panic_message(&*payload));
                let message = string(scope, "the engine failed inside a helper");
                Some(v8::Exception::error(scope, message))
            }
        };
        if let Some(exception) = exception {
            scope.throw_exception(exception);
        }
    });
}

/// Whether the script was stopped. Whatever became of the interruption meanwhile, it does not go on.
fn is_over(script: &Script) -> bool {
    // Not while the helpers are installed, which also comes here: that is never cut short.
    script.control.is_in_javascript() && script.control.reason().is_some()
}

/// `text(value)`
pub(super) fn text<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, _: Return) {
    run(scope, |scope, script| {
        let mut text = render::to_text(scope, args.get(0))?;
        hint_at_pending(&[args.get(0)], &mut text);
        emit(script, vec![ContentItem::Text { text }])
    });
}

/// `image(value, detail?)`
pub(super) fn image<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, _: Return) {
    run(scope, |scope, script| {
        let item = media::image_item(scope, args.get(0), args.get(1))?;
        emit(script, vec![item])
    });
}

/// `audio(value)`
pub(super) fn audio<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, _: Return) {
    run(scope, |scope, script| {
        let item = media::audio_item(scope, args.get(0))?;
        emit(script, vec![item])
    });
}

/// `forward_output(...values)`
pub(super) fn forward_output<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, _: Return) {
    run(scope, |scope, script| {
        let values: Vec<_> = (0..args.length()).map(|index| args.get(index)).collect();
        let items = media::forwarded_items(scope, &values)?;
        emit(script, items)
    });
}

/// `console.log` and its four like.
pub(super) fn console_log<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, _: Return) {
    run(scope, |scope, script| {
        let values: Vec<_> = (0..args.length()).map(|index| args.get(index)).collect();
        let most = script.limits.max_output_bytes;
        let mut text = render::console_line(scope, &values, most)?;
        hint_at_pending(&values, &mut text);
        emit(script, vec![ContentItem::Text { text }])
    });
}

/// Under a promise that has not settled, what to do: nobody wants to see the promise.
fn hint_at_pending(values: &[v8::Local<'_, v8::Value>], text: &mut String) {
    let is_pending = |value: &v8::Local<'_, v8::Value>| {
        v8::Local::<v8::Promise>::try_from(*value)
            .is_ok_and(|promise| promise.state() == v8::PromiseState::Pending)
    };
    if values.iter().any(is_pending) {
        text.push('\n');
        text.push_str(slips::PENDING_PROMISE);
    }
}

fn emit(script: &Script, items: Vec<ContentItem>) -> Result<(), Thrown> {
    script.has_left_something.set(true);
    Ok(script.events.output(items)?)
}

/// `store(key, value)`
pub(super) fn store<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, _: Return) {
    run(scope, |scope, script| {
        let key = key(scope, "store", args.get(0))?;
        let value = args.get(1);
        let json = if value.is_undefined() {
            None
        } else {
            Some(storable(scope, &key, value)?)
        };
        script.has_left_something.set(true);
        Ok(script.events.store(key, json)?)
    });
}

/// The JSON of a value to be stored; a refusal names the key.
fn storable<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    key: &str,
    value: v8::Local<'s, v8::Value>,
) -> Result<Box<serde_json::value::RawValue>, Thrown> {
    let refused = |why: &str| Thrown::Type(format!("store({key:?}): {why}"));
    let json = render::to_json(scope, value).map_err(|no_json| match no_json {
        NoJson::Terminated => Thrown::Pending,
        NoJson::Threw { why, .. } => refused(&format!("JSON cannot carry the value: {why}")),
    })?;
    let Some(json) = json else {
        return Err(refused(&format!(
            "JSON cannot carry {}; store plain data, or undefined to remove the key",
            kind_of(scope, value)
        )));
    };
    serde_json::value::RawValue::from_string(json)
        .map_err(|error| refused(&format!("JSON cannot carry the value: {error}")))
}

/// `load(key)`
pub(super) fn load<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, mut result: Return) {
    run(scope, |scope, script| {
        let key = key(scope, "load", args.get(0))?;
        let Some(json) = script.events.load(&key) else {
            return Ok(());
        };
        let json = v8::String::new(scope, json.get()).ok_or_else(|| {
            Thrown::Range(format!("load({key:?}): the value is too long for a string"))
        })?;
        let value = v8::json::parse(scope, json).ok_or(Thrown::Pending)?;
        result.set(value);
        Ok(())
    });
}

fn key<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    helper: &str,
    key: v8::Local<'s, v8::Value>,
) -> Result<String, Thrown> {
    match v8::Local::<v8::String>::try_from(key) {
        Ok(key) => Ok(render::to_rust_string(scope, key)),
        Err(_) => Err(Thrown::Type(format!(
            "{helper}: the key must be a string, not {}",
            kind_of(scope, key)
        ))),
    }
}

/// `notify(value)`
pub(super) fn notify<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, _: Return) {
    run(scope, |scope, script| {
        let mut text = render::to_text(scope, args.get(0))?;
        hint_at_pending(&[args.get(0)], &mut text);
        let limits = &script.limits;
        if script.notifications.get() >= limits.max_calls_in_flight {
            return Err(Thrown::Range(format!(
                "notify: {} notifications are under way, as many as are allowed at once",
                limits.max_calls_in_flight
            )));
        }
        if script.notifications_started.get() >= limits.max_calls {
            return Err(Thrown::Range(format!(
                "notify: the cell has sent {} notifications, as many as it may in all",
                limits.max_calls
            )));
        }
        let bytes = text.len();
        if let Err(held) = script.has_room_for(bytes) {
            return Err(Thrown::Range(format!(
                "notify: {held} bytes of nested calls and notifications are under way and {bytes} more would exceed \
                 the {} that may be; send less, or let the script pause",
                limits.max_bytes_in_flight
            )));
        }
        script
            .notifications_started
            .set(script.notifications_started.get() + 1);
        let heard = script
            .control
            .outside(|| script.events.start_notification(text));
        if !heard {
            script.notifications.set(script.notifications.get() + 1);
            script.sent(bytes);
        }
        Ok(())
    });
}

/// `yield_control()`
pub(super) fn yield_control<'s>(scope: &mut v8::PinScope<'s, '_>, _: Arguments<'s>, _: Return) {
    run(scope, |_, script| {
        script.events.yielded();
        Ok(())
    });
}

/// `exit()`
pub(super) fn exit<'s>(scope: &mut v8::PinScope<'s, '_>, _: Arguments<'s>, _: Return) {
    run(scope, |_, script| {
        script.control.claim(super::StopReason::Exited);
        Ok(())
    });
}

/// Stops the script before its next statement.
///
/// A termination request takes effect at V8's next interrupt check, which may be some statements
/// away. Entering any function makes that check at once; the termination is then pending when the
/// callback returns, and nothing can catch it.
fn terminate_here(scope: &mut v8::PinScope) {
    if scope.is_execution_terminating() {
        return;
    }
    scope.terminate_execution();
    let source = string(scope, "0");
    if let Some(check) = v8::Script::compile(scope, source, None) {
        check.run(scope);
    }
}

/// `setTimeout(fn, ms?, ...args)`
pub(super) fn set_timeout<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, script| {
        let id = set_timer(scope, script, &args, "setTimeout", Runs::Once)?;
        result.set_uint32(id);
        Ok(())
    });
}

/// `setInterval(fn, ms?, ...args)`
pub(super) fn set_interval<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, script| {
        let id = set_timer(scope, script, &args, "setInterval", Runs::Repeatedly)?;
        result.set_uint32(id);
        Ok(())
    });
}

/// How many arguments the timers pending may hold for their functions, for each timer that may be pending.
const ARGUMENTS_PER_TIMER: usize = 10;

fn set_timer<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    args: &Arguments<'s>,
    helper: &str,
    runs: Runs,
) -> Result<u32, Thrown> {
    let Ok(callback) = v8::Local::<v8::Function>::try_from(args.get(0)) else {
        return Err(Thrown::Type(format!(
            "{helper}: the first argument must be a function, not {}",
            kind_of(scope, args.get(0))
        )));
    };
    let milliseconds = args.get(1).number_value(scope).ok_or(Thrown::Pending)?;
    let limit = script.limits.max_timers;
    if script.timers.borrow().len() >= limit {
        return Err(Thrown::Range(format!(
            "{helper}: {limit} timers are pending, as many as are allowed"
        )));
    }
    let arguments = usize::try_from(args.length() - 2).unwrap_or(0);
    if script.timers.borrow().arguments() + arguments > limit.saturating_mul(ARGUMENTS_PER_TIMER) {
        return Err(Thrown::Range(format!(
            "{helper}: the timers pending hold as many arguments as they may; pass one object, or use a closure"
        )));
    }
    let timer = Timer {
        callback: v8::Global::new(scope, callback),
        arguments: (2..args.length())
            .map(|index| v8::Global::new(scope, args.get(index)))
            .collect(),
        delay: timers::delay(milliseconds),
        runs,
    };
    Ok(script.timers.borrow_mut().set(timer))
}

/// `clearTimeout(id)`, and `clearInterval(id)`: either clears what either set.
pub(super) fn clear_timeout<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, _: Return) {
    run(scope, |scope, script| {
        let id = args.get(0);
        if id.is_undefined() || id.is_null() {
            return Ok(());
        }
        let id = id.number_value(scope).ok_or(Thrown::Pending)?;
        if id.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&id) {
            script.timers.borrow_mut().clear(id as u32);
        }
        Ok(())
    });
}
