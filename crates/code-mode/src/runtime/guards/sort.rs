//! Sorting, of arrays that are not too long.
//!
//! It looks through all the places of an array first, without a look at interruptions, and an array of one
//! element can have 2^32 − 1.

use super::super::callbacks::{self, Arguments, Return};
use super::super::{Thrown, string};

/// No array has more elements, in V8; a longer one has holes. To look through as many takes seconds.
const MOST_SORTED: f64 = (1 << 27) as f64;

pub(super) fn install(
    scope: &mut v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let array = super::property(scope, global, "Array")?;
    let prototype = super::property(scope, array, "prototype")?;
    for name in ["sort", "toSorted"] {
        super::guard_method(scope, prototype, name, 1, sort)?;
    }
    Some(())
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
        let arguments: Vec<_> = (0..args.length()).map(|index| args.get(index)).collect();
        sorted.set(super::call_guarded(scope, &args, &arguments)?);
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
