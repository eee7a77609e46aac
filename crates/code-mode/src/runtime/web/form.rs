//! `application/x-www-form-urlencoded`, for `URLSearchParams`.

use super::super::callbacks::{Arguments, Return, run};
use super::super::script::Script;
use super::super::{Thrown, render};

/// `parseForm(text)`: name, value, name, value and so on, as an array without a prototype.
pub(super) fn parse_form<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, script| {
        let text = text_argument(scope, &args, 0);
        let parts = v8::Array::new(scope, 0);
        // A list as our JavaScript has them: no setter of a script's answers for its elements.
        let null = v8::null(scope);
        parts
            .set_prototype(scope, null.into())
            .ok_or(Thrown::Pending)?;
        let mut index = 0;
        for (name, value) in ::url::form_urlencoded::parse(text.as_bytes()) {
            // A long text makes many strings; those that ask the cell to stop wait for none of it.
            go_on(script)?;
            v8::scope!(let scope, scope);
            for part in [name, value] {
                let part = v8::String::new(scope, &part).ok_or_else(too_long)?;
                parts
                    .set_index(scope, index, part.into())
                    .ok_or(Thrown::Pending)?;
                index += 1;
            }
        }
        result.set(parts.into());
        Ok(())
    });
}

/// `serializeForm(parts)`: of what `parseForm` gives.
pub(super) fn serialize_form<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, script| {
        let parts = v8::Local::<v8::Array>::try_from(args.get(0)).map_err(|_| Thrown::Pending)?;
        let mut text = String::new();
        for index in 0..parts.length() {
            go_on(script)?;
            v8::scope!(let scope, scope);
            let part = parts.get_index(scope, index).ok_or(Thrown::Pending)?;
            let part = part.to_string(scope).ok_or(Thrown::Pending)?;
            let part = render::to_rust_string(scope, part);
            text.push_str(match index {
                0 => "",
                _ if index % 2 == 1 => "=",
                _ => "&",
            });
            text.extend(::url::form_urlencoded::byte_serialize(part.as_bytes()));
            if text.len() > v8::String::MAX_LENGTH {
                return Err(too_long());
            }
        }
        let text = v8::String::new(scope, &text).ok_or_else(too_long)?;
        result.set(text.into());
        Ok(())
    });
}

/// Native loops make no interrupt checks of V8's.
fn go_on(script: &Script) -> Result<(), Thrown> {
    match script.control.reason() {
        Some(_) => Err(Thrown::Pending),
        None => Ok(()),
    }
}

fn too_long() -> Thrown {
    Thrown::Range("URLSearchParams: the text is longer than a string may be".to_owned())
}

/// A string argument of our own JavaScript's.
pub(super) fn text_argument(
    scope: &mut v8::PinScope<'_, '_>,
    args: &Arguments<'_>,
    index: i32,
) -> String {
    v8::Local::<v8::String>::try_from(args.get(index))
        .map(|text| render::to_rust_string(scope, text))
        .unwrap_or_default()
}
