//! Looks at values without trusting them: what guest code throws is taken, a termination is not.

use super::to_rust_string;
use crate::runtime::{Thrown, tool_object};

/// Proxies looked through to find what they stand for. A longer chain is nobody's honest value.
const MAX_PROXIES: usize = 64;

/// Reads a property as the script itself would; may run guest code.
pub(in crate::runtime) fn get<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
    name: &str,
) -> Result<v8::Local<'s, v8::Value>, Thrown> {
    let name = v8::String::new(scope, name).ok_or(Thrown::Pending)?;
    object.get(scope, name.into()).ok_or(Thrown::Pending)
}

/// What `object` stands for once its proxies are looked through, complete if it is `tools`; `None` where
/// one is revoked.
pub(super) fn behind_proxies<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
) -> Option<v8::Local<'s, v8::Object>> {
    let mut object = object;
    for _ in 0..MAX_PROXIES {
        let Ok(proxy) = v8::Local::<v8::Proxy>::try_from(v8::Local::<v8::Value>::from(object))
        else {
            return Some(object);
        };
        tool_object::complete_if_tools(scope, object);
        object = proxy.get_target(scope).try_into().ok()?;
    }
    None
}

/// The name of the class that `object` is an instance of, `None` for plain objects.
///
/// Runs no guest code but the handlers of proxies that are prototypes.
pub(super) fn class_name<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
) -> Result<Option<String>, Terminated> {
    let name = to_rust_string(scope, object.get_constructor_name());
    if name != "Object" && !name.is_empty() {
        return Ok(Some(name));
    }
    // V8 says `Object` of instances of nameless classes too.
    let prototype = object.get_prototype(scope);
    let Some(prototype) = prototype.and_then(|prototype| prototype.try_cast().ok()) else {
        return Ok(None);
    };
    let Some(constructor) = own_value(scope, prototype, "constructor")? else {
        return Ok(None);
    };
    let Ok(constructor) = v8::Local::<v8::Function>::try_from(constructor) else {
        return Ok(None);
    };
    let name = own_string(scope, constructor.into(), "name")?.unwrap_or_default();
    Ok(name.is_empty().then(|| "(anonymous)".to_owned()))
}

/// The own enumerable string keys of `object`.
pub(in crate::runtime) fn own_keys<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
) -> Option<v8::Local<'s, v8::Array>> {
    let names = v8::GetPropertyNamesArgsBuilder::new()
        .key_conversion(v8::KeyConversionMode::ConvertToString)
        .build();
    object.get_own_property_names(scope, names)
}

/// The own enumerable keys of `object`, symbols too.
pub(super) fn shown_keys<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
    indices: v8::IndexFilter,
) -> Option<v8::Local<'s, v8::Array>> {
    let names = v8::GetPropertyNamesArgsBuilder::new()
        .mode(v8::KeyCollectionMode::OwnOnly)
        .property_filter(v8::PropertyFilter::ONLY_ENUMERABLE)
        .index_filter(indices)
        .key_conversion(v8::KeyConversionMode::ConvertToString)
        .build();
    object.get_property_names(scope, names)
}

/// The value of an own property, `None` where there is none or a getter.
pub(super) fn own_value<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
    name: &str,
) -> Result<Option<v8::Local<'s, v8::Value>>, Terminated> {
    let read = attempt(scope, |scope| {
        let name = v8::String::new(scope, name)?;
        let descriptor = object.get_own_property_descriptor(scope, name.into())?;
        match v8::Local::<v8::Object>::try_from(descriptor) {
            Ok(descriptor) => get(scope, descriptor, "value").ok().map(Some),
            Err(_) => Some(None),
        }
    })?;
    Ok(match read {
        Attempt::Done(value) => value,
        Attempt::Threw(_) => None,
    })
}

pub(super) fn own_string<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
    name: &str,
) -> Result<Option<String>, Terminated> {
    let value = own_value(scope, object, name)?;
    let value = value.and_then(|value| v8::Local::<v8::String>::try_from(value).ok());
    Ok(value.map(|value| to_rust_string(scope, value)))
}

/// Execution is being terminated: nothing more may be asked of V8.
pub(super) struct Terminated;

impl From<Terminated> for Thrown {
    fn from(_: Terminated) -> Self {
        Self::Pending
    }
}

/// What came of something that may run guest code.
pub(super) enum Attempt<'s, T> {
    Done(T),
    Threw(v8::Local<'s, v8::Value>),
}

/// Runs `operation`, which gives `None` when an exception is pending, and takes that exception.
///
/// A termination is not taken: it is in force again when this returns.
pub(super) fn attempt<'s, 'i, T>(
    scope: &mut v8::PinScope<'s, 'i>,
    operation: impl FnOnce(&mut v8::PinScope<'s, 'i>) -> Option<T>,
) -> Result<Attempt<'s, T>, Terminated> {
    v8::tc_scope!(let scope, scope);
    if let Some(done) = operation(scope) {
        return Ok(Attempt::Done(done));
    }
    if scope.has_terminated() || scope.is_execution_terminating() {
        scope.rethrow();
        return Err(Terminated);
    }
    let exception = scope.exception();
    scope.reset();
    let exception = exception.unwrap_or_else(|| v8::undefined(scope).into());
    Ok(Attempt::Threw(exception))
}

/// V8's own description of `value`; it runs no guest code.
pub(super) fn detail_text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<String, Terminated> {
    let described = attempt(scope, |scope| value.to_detail_string(scope))?;
    Ok(match described {
        Attempt::Done(string) => to_rust_string(scope, string),
        Attempt::Threw(_) => String::new(),
    })
}

/// What was thrown: the message of an error, V8's own description of anything else.
pub(super) fn thrown_text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    exception: v8::Local<'s, v8::Value>,
) -> Result<String, Terminated> {
    let message = match v8::Local::<v8::Object>::try_from(exception) {
        Ok(error) if error.is_native_error() => own_string(scope, error, "message")?,
        _ => None,
    };
    match message {
        Some(message) => Ok(message),
        None => detail_text(scope, exception),
    }
}
