//! Built-ins of V8's that would hold the thread for minutes, behind a check of ours.
//!
//! Our archive's patch lets V8 look at interruptions in most of them. Sorting is not among those: it looks
//! through all the places of an array first, and an array of one element can have 2^32 − 1.

use super::callbacks::{self, Arguments, Return};
use super::{Thrown, string};

/// No array has more elements, in V8; a longer one has holes. To look through as many takes seconds.
const MOST_SORTED: f64 = (1 << 27) as f64;

/// Puts the guards in the place of what they guard.
pub(super) fn install(
    scope: &mut v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let array = property(scope, global, "Array")?;
    let prototype = property(scope, array, "prototype")?;
    for (name, length) in [("sort", 1), ("toSorted", 1)] {
        let name = string(scope, name);
        let guarded = prototype.get(scope, name.into())?;
        let guard = v8::Function::builder(sort)
            .data(guarded)
            .length(length)
            .constructor_behavior(v8::ConstructorBehavior::Throw)
            .build(scope)?;
        guard.set_name(name);
        let hidden = v8::PropertyAttribute::DONT_ENUM;
        prototype.define_own_property(scope, name.into(), guard.into(), hidden)?;
    }
    Some(())
}

fn property<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    of: v8::Local<'_, v8::Object>,
    name: &str,
) -> Option<v8::Local<'s, v8::Object>> {
    let name = string(scope, name);
    of.get(scope, name.into())?.to_object(scope)
}

/// `sort(compare?)` and `toSorted(compare?)` of arrays.
fn sort<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, mut sorted: Return) {
    callbacks::run(scope, |scope, _| {
        let length = length(scope, args.this());
        if length.is_some_and(|length| length > MOST_SORTED) {
            return Err(Thrown::Range(format!(
                "more than the {MOST_SORTED} places of an array that can be sorted; sort what is in them: \
                 Object.values(array).sort()"
            )));
        }
        let mut this: v8::Local<'_, v8::Value> = args.this().into();
        // What V8 makes of no object at all.
        if this.strict_equals(scope.get_current_context().global(scope).into()) {
            this = v8::undefined(scope).into();
        }
        let guarded = v8::Local::<v8::Function>::try_from(args.data())
            .map_err(|_| Thrown::Type("there is no function behind this one".to_owned()))?;
        let arguments: Vec<_> = (0..args.length()).map(|index| args.get(index)).collect();
        let result = guarded
            .call(scope, this, &arguments)
            .ok_or(Thrown::Pending)?;
        sorted.set(result);
        Ok(())
    });
}

/// As far as it can be told without the script noticing.
fn length(scope: &mut v8::PinScope<'_, '_>, of: v8::Local<'_, v8::Object>) -> Option<f64> {
    if let Ok(array) = v8::Local::<v8::Array>::try_from(of) {
        return Some(array.length().into());
    }
    if of.is_proxy() {
        return None;
    }
    let name = string(scope, "length");
    let descriptor = of.get_own_property_descriptor(scope, name.into())?;
    let descriptor = v8::Local::<v8::Object>::try_from(descriptor).ok()?;
    let name = string(scope, "value");
    // Not of its prototype, which the script may have changed.
    if !descriptor.has_own_property(scope, name.into())? {
        return None;
    }
    let value = descriptor.get(scope, name.into())?;
    value.is_number().then(|| value.number_value(scope))?
}
