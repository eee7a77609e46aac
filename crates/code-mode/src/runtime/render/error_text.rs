//! Errors that a script shows: the stack, and what stands behind it.

use super::inspect::inspect;
use super::reading::{Attempt, Terminated, attempt, behind_proxies, get};
use super::related::related;
use super::{string_of, to_rust_string};
use crate::runtime::{Thrown, web};

/// An error's stack, with the stacks of its causes or of the errors it has gathered.
pub(super) fn error_text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    error: v8::Local<'s, v8::Object>,
) -> Result<String, Thrown> {
    let text = stack_or_message(scope, error)?;
    Ok(with_related(scope, error, text)?)
}

/// `text`, which shows `error`, and under it what stands behind the error.
pub(super) fn with_related<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    error: v8::Local<'s, v8::Object>,
    mut text: String,
) -> Result<String, Terminated> {
    for related in related(scope, error.into()) {
        text.push('\n');
        text.push_str(&related.label());
        if let Some(value) = related.value() {
            text.push_str(&related_text(scope, value)?);
        }
    }
    Ok(text)
}

fn related_text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<String, Terminated> {
    let error = v8::Local::<v8::Object>::try_from(value)
        .ok()
        .and_then(|object| behind_proxies(scope, object))
        .filter(|object| object.is_native_error());
    if let Some(error) = error
        && let Attempt::Done(text) = attempt(scope, |scope| stack_or_message(scope, error).ok())?
    {
        return Ok(text);
    }
    inspect(scope, value)
}

/// An error's stack, or `Name: message` where it has none.
pub(super) fn stack_or_message<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    error: v8::Local<'s, v8::Object>,
) -> Result<String, Thrown> {
    let stack = get(scope, error, "stack")?;
    if let Ok(stack) = v8::Local::<v8::String>::try_from(stack)
        && stack.length() > 0
    {
        return Ok(web::without_our_frames(to_rust_string(scope, stack)));
    }
    let name = get(scope, error, "name")?;
    let name = match name.is_undefined() {
        true => "Error".to_owned(),
        false => string_of(scope, name)?,
    };
    let message = get(scope, error, "message")?;
    let message = match message.is_undefined() {
        true => String::new(),
        false => string_of(scope, message)?,
    };
    Ok(match (name.is_empty(), message.is_empty()) {
        (true, _) => message,
        (_, true) => name,
        _ => format!("{name}: {message}"),
    })
}
