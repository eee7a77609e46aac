//! Objects that one text shows: functions, errors, dates, buffers, boxed primitives.

use super::date::iso_date;
use super::reading::{
    Attempt, Terminated, attempt, behind_proxies, detail_text, get, own_string, thrown_text,
};
use super::strings::{beginning, quoted_string};
use super::{string_of, to_rust_string};

/// The text that shows `object`, `None` for objects that need a look inside.
pub(super) fn leaf<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
) -> Result<Option<String>, Terminated> {
    let value = v8::Local::<v8::Value>::from(object);
    if object.is_function() {
        return function(scope, object).map(Some);
    }
    if object.is_native_error() {
        return detail_text(scope, value).map(Some);
    }
    if let Ok(regexp) = v8::Local::<v8::RegExp>::try_from(value) {
        return self::regexp(scope, regexp).map(Some);
    }
    for (kind, is_boxed) in [
        ("Number", object.is_number_object()),
        ("Boolean", object.is_boolean_object()),
        ("String", object.is_string_object()),
        ("BigInt", object.is_big_int_object()),
    ] {
        if is_boxed {
            return boxed(scope, kind, value).map(Some);
        }
    }
    if let Ok(date) = v8::Local::<v8::Date>::try_from(value) {
        let text = iso_date(date.value_of());
        return Ok(Some(text.unwrap_or_else(|| "Invalid Date".to_owned())));
    }
    if let Ok(view) = v8::Local::<v8::DataView>::try_from(value) {
        return Ok(Some(format!("DataView({} bytes)", view.byte_length())));
    }
    if let Ok(buffer) = v8::Local::<v8::ArrayBuffer>::try_from(value) {
        return Ok(Some(match buffer.was_detached() {
            true => "ArrayBuffer(detached)".to_owned(),
            false => format!("ArrayBuffer({} bytes)", buffer.byte_length()),
        }));
    }
    let text = if object.is_shared_array_buffer() {
        "[SharedArrayBuffer]"
    } else if object.is_weak_map() {
        "WeakMap { <items unknown> }"
    } else if object.is_weak_set() {
        "WeakSet { <items unknown> }"
    } else if object.is_generator_object() {
        "Object [Generator] {}"
    } else {
        return Ok(None);
    };
    Ok(Some(text.to_owned()))
}

/// `[Function: name]`, `[AsyncFunction: name]`, `[class Name extends Base]`.
fn function<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    function: v8::Local<'s, v8::Object>,
) -> Result<String, Terminated> {
    let name = own_string(scope, function, "name")?.filter(|name| !name.is_empty());
    let name = name.as_deref();
    // A function's detail string is the beginning of its source.
    let source = detail_text(scope, function.into())?;
    if !function.is_constructor() || !starts_a_class(&source) {
        let kind = match (
            function.is_async_function(),
            function.is_generator_function(),
        ) {
            (false, false) => "Function",
            (true, false) => "AsyncFunction",
            (false, true) => "GeneratorFunction",
            (true, true) => "AsyncGeneratorFunction",
        };
        return Ok(match name {
            Some(name) => format!("[{kind}: {name}]"),
            None => format!("[{kind} (anonymous)]"),
        });
    }
    let mut text = format!("[class {}", name.unwrap_or("(anonymous)"));
    if let Some(base) = function.get_prototype(scope)
        && let Ok(base) = v8::Local::<v8::Object>::try_from(base)
        && let Some(base) = behind_proxies(scope, base)
        && base.is_function()
        && let Some(base) = own_string(scope, base, "name")?
        && !base.is_empty()
    {
        text.push_str(" extends ");
        text.push_str(&base);
    }
    text.push(']');
    Ok(text)
}

fn regexp<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    regexp: v8::Local<'s, v8::RegExp>,
) -> Result<String, Terminated> {
    let source = regexp.get_source(scope);
    let source = beginning(scope, source);
    let flags = attempt(scope, |scope| {
        let flags = get(scope, regexp.into(), "flags").ok()?;
        string_of(scope, flags).ok()
    })?;
    let flags = match flags {
        Attempt::Done(flags) => flags,
        Attempt::Threw(_) => String::new(),
    };
    Ok(format!("/{source}/{flags}"))
}

/// `[Number: 1]`: a primitive in its object.
fn boxed<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    kind: &str,
    value: v8::Local<'s, v8::Value>,
) -> Result<String, Terminated> {
    let text = match attempt(scope, |scope| value.to_string(scope))? {
        Attempt::Done(string) if kind == "String" => quoted_string(scope, string),
        Attempt::Done(string) if kind == "BigInt" => format!("{}n", to_rust_string(scope, string)),
        Attempt::Done(string) => to_rust_string(scope, string),
        Attempt::Threw(exception) => thrown_text(scope, exception)?,
    };
    Ok(format!("[{kind}: {text}]"))
}

/// Whether a constructor's source is that of a class.
fn starts_a_class(source: &str) -> bool {
    source.strip_prefix("class").is_some_and(|rest| {
        rest.starts_with(|next: char| next.is_whitespace() || "{/".contains(next))
    })
}
