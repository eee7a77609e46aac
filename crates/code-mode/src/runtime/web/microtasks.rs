//! `queueMicrotask`, and exceptions that nobody can catch: of microtasks and of event listeners.

use super::super::callbacks::{Arguments, Return, run};
use super::super::script::{Script, Unheard};
use super::super::{Thrown, kind_of, place};

/// `queueMicrotask(callback)`
pub(super) fn queue_microtask<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    _: Return,
) {
    run(scope, |scope, _| {
        if !args.get(0).is_function() {
            return Err(Thrown::Type(format!(
                "queueMicrotask: the first argument must be a function, not {}",
                kind_of(scope, args.get(0))
            )));
        }
        let task = v8::Function::builder(run_microtask)
            .data(args.get(0))
            .build(scope)
            .ok_or(Thrown::Pending)?;
        scope.enqueue_microtask(task);
        Ok(())
    });
}

/// Calls the function that was queued.
fn run_microtask<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, _: Return) {
    run(scope, |scope, script| {
        let callback = v8::Local::<v8::Function>::try_from(args.data());
        let callback = callback.map_err(|_| Thrown::Pending)?;
        v8::tc_scope!(let scope, scope);
        let receiver = v8::undefined(scope);
        if callback.call(scope, receiver.into(), &[]).is_some() {
            return Ok(());
        }
        let exception = scope.exception().filter(|_| !scope.has_terminated());
        let (Some(exception), message) = (exception, scope.message()) else {
            scope.rethrow();
            return Err(Thrown::Pending);
        };
        scope.reset();
        let place = message.and_then(|message| place::place_of(scope, message));
        note(scope, script, exception, place);
        Ok(())
    });
}

/// `report(exception)`: what a listener threw.
pub(super) fn report_exception<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    _: Return,
) {
    run(scope, |scope, script| {
        note(scope, script, args.get(0), None);
        Ok(())
    });
}

/// The first of them fails the cell, as an exception of a timer's function does.
fn note(
    scope: &mut v8::PinScope<'_, '_>,
    script: &Script,
    exception: v8::Local<'_, v8::Value>,
    place: Option<place::Place>,
) {
    let exception = v8::Global::new(scope, exception);
    script
        .unheard
        .borrow_mut()
        .get_or_insert(Unheard { exception, place });
}
