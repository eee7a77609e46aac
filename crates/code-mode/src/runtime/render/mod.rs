//! Script values as text: what `text`, `notify` and `console` show, and the JSON that leaves a cell.
//!
//! Only reads values. It must not append output, change a script's objects or call the methods they
//! might have replaced (`toString`, `then`, iterators); guest code runs only where JSON runs it, to
//! read an error's stack, and to read enumerable properties.

mod bounded_text;
mod console;
mod date;
mod error_text;
mod inspect;
mod json;
mod layout;
mod leaf;
mod reading;
mod related;
mod strings;

pub(super) use console::{console_line, to_console_text};
pub(super) use json::{NoJson, NoValue, from_json, to_json};
pub(super) use reading::{get, own_keys};
pub(super) use related::related;

use super::Thrown;
use error_text::error_text;
use inspect::inspect;
use reading::{behind_proxies, class_name};

/// The text of `value` for `text` and `notify`.
///
/// Runs guest code where a value has getters, `toJSON` or an error stack; what it throws is pending
/// in V8 then, as is V8's own refusal of cycles and BigInts.
pub(super) fn to_text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<String, Thrown> {
    if let Ok(symbol) = v8::Local::<v8::Symbol>::try_from(value) {
        return Ok(symbol_text(scope, symbol));
    }
    let Ok(object) = v8::Local::<v8::Object>::try_from(value) else {
        return string_of(scope, value);
    };
    // JSON of a proxied Map or function is as empty as that of the thing itself.
    let target = behind_proxies(scope, object);
    if let Some(target) = target {
        if target.is_native_error() {
            return error_text(scope, target);
        }
        if is_opaque_to_json(target) {
            return inspect(scope, target.into()).map_err(Into::into);
        }
    }
    let json = v8::json::stringify(scope, value).ok_or(Thrown::Pending)?;
    let json = to_rust_string(scope, json);
    if json == "{}" && value == scope.get_current_context().global(scope) {
        return Ok("[object globalThis]".to_owned());
    }
    if json == "{}"
        && let Some(target) = target
        && shows_less_than_it_holds(scope, target)?
    {
        return inspect(scope, target.into()).map_err(Into::into);
    }
    Ok(json)
}

/// What a message says, without V8's "Uncaught" before it.
pub(super) fn message_text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    message: v8::Local<'s, v8::Message>,
) -> String {
    let text = message.get(scope);
    let text = to_rust_string(scope, text);
    text.strip_prefix("Uncaught ").unwrap_or(&text).to_owned()
}

/// `string` in UTF-8; each lone surrogate is one U+FFFD.
pub(super) fn to_rust_string(scope: &mut v8::Isolate, string: v8::Local<'_, v8::String>) -> String {
    // `to_rust_string_lossy` reserves twice the length of a long string, whatever it turns out to be.
    if let Some(ascii) = v8::ValueView::new(scope, string).as_str() {
        return ascii.to_owned();
    }
    string.to_rust_string_lossy(scope)
}

/// `String(value)`; may run guest code when `value` is an object.
fn string_of<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<String, Thrown> {
    let string = value.to_string(scope).ok_or(Thrown::Pending)?;
    Ok(to_rust_string(scope, string))
}

fn symbol_text<'s>(scope: &mut v8::PinScope<'s, '_>, symbol: v8::Local<'s, v8::Symbol>) -> String {
    let description = symbol.description(scope);
    match v8::Local::<v8::String>::try_from(description) {
        Ok(description) => format!("Symbol({})", to_rust_string(scope, description)),
        Err(_) => "Symbol()".to_owned(),
    }
}

/// Whether JSON says nothing about what makes `object` the value it is.
fn is_opaque_to_json(object: v8::Local<'_, v8::Object>) -> bool {
    object.is_function()
        || object.is_map()
        || object.is_set()
        || object.is_map_iterator()
        || object.is_set_iterator()
        || object.is_weak_map()
        || object.is_weak_set()
        || object.is_array_buffer_view()
        || object.is_array_buffer()
        || object.is_shared_array_buffer()
        || object.is_promise()
        || object.is_reg_exp()
        || object.is_date()
        || object.is_generator_object()
}

/// Whether `object`, whose JSON is `{}`, has more to show: functions or symbols, or a class.
///
/// `{}` that a `toJSON` gave is what the script wanted.
fn shows_less_than_it_holds<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
) -> Result<bool, Thrown> {
    if get(scope, object, "toJSON")?.is_function() {
        return Ok(false);
    }
    if class_name(scope, object)?.is_some() {
        return Ok(true);
    }
    let keys = own_keys(scope, object).ok_or(Thrown::Pending)?;
    for index in 0..keys.length() {
        let key = keys.get_index(scope, index).ok_or(Thrown::Pending)?;
        let value = object.get(scope, key).ok_or(Thrown::Pending)?;
        if value.is_function() || value.is_symbol() {
            return Ok(true);
        }
    }
    Ok(false)
}
