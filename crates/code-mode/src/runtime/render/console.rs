//! What `console` makes of its arguments.

use super::error_text::{stack_or_message, with_related};
use super::inspect::{Rendering, inspect, with_properties};
use super::reading::{Attempt, Terminated, attempt, behind_proxies};
use super::{symbol_text, to_rust_string, to_text};
use crate::runtime::Thrown;

/// The text of one value: strings as they are, errors with their stacks, anything else as a person
/// would want to read it. Nothing that `value` holds makes it throw.
///
/// Empty when the isolate is being terminated; that stays in force.
pub(in crate::runtime) fn to_console_text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> String {
    let Some(_rendering) = Rendering::begin() else {
        return "…".to_owned();
    };
    shown(scope, value).unwrap_or_default()
}

fn shown<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<String, Terminated> {
    if let Ok(string) = v8::Local::<v8::String>::try_from(value) {
        return Ok(to_rust_string(scope, string));
    }
    let object = v8::Local::<v8::Object>::try_from(value).ok();
    let error = object
        .and_then(|object| behind_proxies(scope, object))
        .filter(|object| object.is_native_error());
    if let Some(error) = error
        && let Attempt::Done(text) = attempt(scope, |scope| stack_or_message(scope, error).ok())?
    {
        let text = with_properties(scope, error, text)?;
        return with_related(scope, error, text);
    }
    inspect(scope, value)
}

/// The text of a call: its arguments with a space between, the first as a format if it is one.
///
/// Stops soon after `most` bytes: more is refused anyway.
pub(in crate::runtime) fn console_line<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    arguments: &[v8::Local<'s, v8::Value>],
    most: usize,
) -> Result<String, Thrown> {
    let mut text = String::new();
    let mut left = arguments;
    if let [first, rest @ ..] = arguments
        && !rest.is_empty()
        && let Ok(format) = v8::Local::<v8::String>::try_from(*first)
    {
        let format = to_rust_string(scope, format);
        left = formatted(scope, &format, rest, &mut text)?;
    }
    for (position, argument) in left.iter().enumerate() {
        if position > 0 || left.len() < arguments.len() {
            text.push(' ');
        }
        text.push_str(&to_console_text(scope, *argument));
        stop_if_terminating(scope)?;
        if text.len() > most {
            break;
        }
    }
    Ok(text)
}

/// Writes `format` with the arguments its directives take; those they leave.
fn formatted<'s, 'a>(
    scope: &mut v8::PinScope<'s, '_>,
    format: &str,
    arguments: &'a [v8::Local<'s, v8::Value>],
    text: &mut String,
) -> Result<&'a [v8::Local<'s, v8::Value>], Thrown> {
    let mut left = arguments;
    let mut pieces = format.split('%');
    text.push_str(pieces.next().unwrap_or_default());
    let mut is_escaped = false;
    for piece in pieces {
        if std::mem::take(&mut is_escaped) {
            text.push_str(piece);
            continue;
        }
        let Some(directive) = piece.chars().next() else {
            // `%%`, or a `%` at the end.
            text.push('%');
            is_escaped = true;
            continue;
        };
        match (left, "sdifjoOc".contains(directive)) {
            ([argument, rest @ ..], true) => {
                text.push_str(&directed(scope, directive, *argument));
                stop_if_terminating(scope)?;
                left = rest;
                text.push_str(&piece[1..]);
            }
            _ => {
                text.push('%');
                text.push_str(piece);
            }
        }
    }
    Ok(left)
}

/// An argument as its directive wants it.
fn directed<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    directive: char,
    argument: v8::Local<'s, v8::Value>,
) -> String {
    match directive {
        'd' | 'i' | 'f' => number(scope, argument, directive == 'i'),
        'j' => match attempt(scope, |scope| to_text(scope, argument).ok()) {
            Ok(Attempt::Done(json)) => json,
            _ => to_console_text(scope, argument),
        },
        // Style; there is nothing to style.
        'c' => String::new(),
        's' => match v8::Local::<v8::Symbol>::try_from(argument) {
            Ok(symbol) => symbol_text(scope, symbol),
            Err(_) => to_console_text(scope, argument),
        },
        _ if argument.is_string() => inspect(scope, argument).unwrap_or_default(),
        _ => to_console_text(scope, argument),
    }
}

/// `Number(argument)`, of primitives alone: an object's `valueOf` is not asked.
fn number<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    argument: v8::Local<'s, v8::Value>,
    whole: bool,
) -> String {
    if argument.is_big_int() {
        return to_console_text(scope, argument);
    }
    if argument.is_object() || argument.is_symbol() {
        return "NaN".to_owned();
    }
    let number = argument.number_value(scope).unwrap_or(f64::NAN);
    let number = if whole { number.trunc() } else { number };
    let number = v8::Number::new(scope, number);
    to_console_text(scope, number.into())
}

/// Entering V8 again would lose a termination.
fn stop_if_terminating(scope: &mut v8::PinScope<'_, '_>) -> Result<(), Thrown> {
    match scope.is_execution_terminating() {
        true => Err(Thrown::Pending),
        false => Ok(()),
    }
}
