//! Built-ins of V8's that would hold the thread for minutes or end the process, behind a check of ours.
//!
//! Our archive's patch lets V8 look at interruptions in most of them, and asks us before most of what could
//! be too much. These are the others. A script must not get at a function behind its guard.

mod resizable;
mod sort;

pub(super) use resizable::{Count, ResizableBuffers};

use super::callbacks::Arguments;
use super::{Thrown, string};

/// Puts the guards in the place of what they guard.
pub(super) fn install(
    scope: &mut v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
) -> Option<()> {
    sort::install(scope, global)?;
    resizable::install(scope, global)
}

fn property<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    of: v8::Local<'_, v8::Object>,
    name: &str,
) -> Option<v8::Local<'s, v8::Object>> {
    let name = string(scope, name);
    of.get(scope, name.into())?.to_object(scope)
}

/// Puts a guard in the place of a method; it finds the method with [`guarded`].
fn guard_method(
    scope: &mut v8::PinScope<'_, '_>,
    of: v8::Local<'_, v8::Object>,
    name: &str,
    length: i32,
    guard: impl v8::MapFnTo<v8::FunctionCallback>,
) -> Option<()> {
    let name = string(scope, name);
    let guarded = of.get(scope, name.into())?;
    let guard = v8::Function::builder(guard)
        .data(guarded)
        .length(length)
        .constructor_behavior(v8::ConstructorBehavior::Throw)
        .build(scope)?;
    guard.set_name(name);
    let hidden = v8::PropertyAttribute::DONT_ENUM;
    of.define_own_property(scope, name.into(), guard.into(), hidden)?;
    Some(())
}

/// The function behind a guard.
fn guarded<'s>(args: &Arguments<'s>) -> Result<v8::Local<'s, v8::Function>, Thrown> {
    v8::Local::<v8::Function>::try_from(args.data())
        .map_err(|_| Thrown::Type("there is no function behind this one".to_owned()))
}

/// Calls the method behind a guard on what the guard was called on.
fn call_guarded<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: &Arguments<'s>,
    arguments: &[v8::Local<'s, v8::Value>],
) -> Result<v8::Local<'s, v8::Value>, Thrown> {
    let mut this: v8::Local<'_, v8::Value> = args.this().into();
    // What V8 makes of no object at all.
    if this.strict_equals(scope.get_current_context().global(scope).into()) {
        this = v8::undefined(scope).into();
    }
    guarded(args)?
        .call(scope, this, arguments)
        .ok_or(Thrown::Pending)
}
