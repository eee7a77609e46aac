//! The helper `load_output`: reads an output that was truncated, whole, in part, or by its lines.

use std::fmt::Write as _;

use super::callbacks::{Arguments, Return, run};
use super::script::Script;
use super::{Thrown, kind_of, render};

/// What there is to ask for.
const OPTIONS: &str =
    "start and end (numbers, as String.prototype.slice takes them) and grep (a string or a RegExp)";

/// `load_output(handle, { start?, end?, grep? })`
pub(super) fn load_output<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, script| {
        let handle = handle(scope, args.get(0))?;
        let options = Options::read(scope, args.get(1))?;
        let text = script.events.load_output(&handle)?;
        let part = Part::of(&text, options.start, options.end);
        let loaded = match options.grep {
            None => v8::String::new_from_two_byte(scope, &part.units, v8::NewStringType::Normal),
            Some(grep) => {
                let lines = matching_lines(scope, script, &part, &grep)?;
                v8::String::new(scope, &lines)
            }
        };
        result.set(loaded.ok_or_else(too_long)?.into());
        Ok(())
    });
}

fn too_long() -> Thrown {
    Thrown::Range(
        "load_output: this is longer than a JavaScript string may be; \
         read it in parts, with start and end"
            .to_owned(),
    )
}

fn handle<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<String, Thrown> {
    match v8::Local::<v8::String>::try_from(value) {
        Ok(handle) => Ok(render::to_rust_string(scope, handle)),
        Err(_) => Err(Thrown::Type(format!(
            "load_output: the first argument must be a handle such as \"out-3-1\", not {}",
            kind_of(scope, value)
        ))),
    }
}

/// The second argument.
#[derive(Default)]
struct Options<'s> {
    start: Option<f64>,
    end: Option<f64>,
    grep: Option<Grep<'s>>,
}

/// What lines are to have.
enum Grep<'s> {
    Text(String),
    Pattern(v8::Local<'s, v8::RegExp>),
}

impl<'s> Options<'s> {
    /// May run getters of the script's. `null` and `undefined` are not given.
    fn read(
        scope: &mut v8::PinScope<'s, '_>,
        value: v8::Local<'s, v8::Value>,
    ) -> Result<Self, Thrown> {
        if value.is_null_or_undefined() {
            return Ok(Self::default());
        }
        let object = v8::Local::<v8::Object>::try_from(value).ok();
        let plain =
            |value: &v8::Value| !(value.is_array() || value.is_function() || value.is_reg_exp());
        let Some(object) = object.filter(|object| plain(object)) else {
            let kind = match value.is_reg_exp() {
                true => "a RegExp".to_owned(),
                false => kind_of(scope, value),
            };
            return Err(Thrown::Type(format!(
                "load_output: the second argument must be an object with {OPTIONS}, not {kind}"
            )));
        };
        let mut options = Self::default();
        let keys = render::own_keys(scope, object).ok_or(Thrown::Pending)?;
        for index in 0..keys.length() {
            let key = keys.get_index(scope, index).ok_or(Thrown::Pending)?;
            let value = object.get(scope, key).ok_or(Thrown::Pending)?;
            let key = key.to_rust_string_lossy(scope);
            match key.as_str() {
                "start" => options.start = number(scope, &key, value)?,
                "end" => options.end = number(scope, &key, value)?,
                "grep" => options.grep = grep(scope, value)?,
                _ => {
                    return Err(Thrown::Type(format!(
                        "load_output: there is no option {key:?}; there are {OPTIONS}"
                    )));
                }
            }
        }
        Ok(options)
    }
}

fn number<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    option: &str,
    value: v8::Local<'s, v8::Value>,
) -> Result<Option<f64>, Thrown> {
    if value.is_null_or_undefined() {
        return Ok(None);
    }
    match v8::Local::<v8::Number>::try_from(value) {
        Ok(number) => Ok(Some(number.value())),
        Err(_) => Err(Thrown::Type(format!(
            "load_output: {option} must be a number, as String.prototype.slice takes it, not {}",
            kind_of(scope, value)
        ))),
    }
}

fn grep<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<Option<Grep<'s>>, Thrown> {
    if value.is_null_or_undefined() {
        return Ok(None);
    }
    if let Ok(text) = v8::Local::<v8::String>::try_from(value) {
        return Ok(Some(Grep::Text(render::to_rust_string(scope, text))));
    }
    match v8::Local::<v8::RegExp>::try_from(value) {
        Ok(pattern) => Ok(Some(Grep::Pattern(pattern))),
        Err(_) => Err(Thrown::Type(format!(
            "load_output: grep must be a string or a RegExp, not {}",
            kind_of(scope, value)
        ))),
    }
}

/// A part of an output, in the units JavaScript counts in.
struct Part {
    units: Vec<u16>,
    /// The number of the line it begins in, from 1.
    first_line: usize,
}

impl Part {
    fn of(text: &str, start: Option<f64>, end: Option<f64>) -> Self {
        let length = text.encode_utf16().count();
        let start = start.map_or(0, |start| slice_index(start, length));
        let end = end.map_or(length, |end| slice_index(end, length));
        let mut units = text.encode_utf16();
        let newlines = units
            .by_ref()
            .take(start)
            .filter(|&unit| unit == u16::from(b'\n'));
        Self {
            first_line: 1 + newlines.count(),
            units: units.take(end.saturating_sub(start)).collect(),
        }
    }
}

/// A relative index as `String.prototype.slice` reads it.
fn slice_index(given: f64, length: usize) -> usize {
    // Casts saturate, drop the fraction and make NaN 0.
    match given as isize {
        from_end @ ..0 => length.saturating_sub(from_end.unsigned_abs()),
        from_start => length.min(from_start.unsigned_abs()),
    }
}

/// The lines of `part` that match, each as `number:line`.
fn matching_lines<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    part: &Part,
    grep: &Grep<'s>,
) -> Result<String, Thrown> {
    // A pair that the part's edge splits is U+FFFD.
    let text = String::from_utf16_lossy(&part.units);
    if let Grep::Pattern(pattern) = grep {
        rewind(scope, *pattern)?;
    }
    let mut matching = String::new();
    for (number, line) in (part.first_line..).zip(text.lines()) {
        // A termination that comes between two matches is nobody else's to see.
        if script.control.reason().is_some() {
            return Err(Thrown::Pending);
        }
        let matches = match grep {
            Grep::Text(text) => line.contains(text),
            Grep::Pattern(pattern) => pattern_matches(scope, *pattern, line)?,
        };
        if !matches {
            continue;
        }
        if !matching.is_empty() {
            matching.push('\n');
        }
        // Writing to a string does not fail.
        let _ = write!(matching, "{number}:{line}");
        if matching.len() > v8::String::MAX_LENGTH {
            return Err(too_long());
        }
    }
    Ok(matching)
}

/// Whether `pattern` matches somewhere in `line`, with whatever flags. May run guest code: a script
/// can replace `exec`.
fn pattern_matches(
    scope: &mut v8::PinScope<'_, '_>,
    pattern: v8::Local<'_, v8::RegExp>,
    line: &str,
) -> Result<bool, Thrown> {
    v8::scope!(let scope, scope);
    let line = v8::String::new(scope, line).ok_or_else(too_long)?;
    let found = pattern.exec(scope, line).ok_or(Thrown::Pending)?;
    rewind(scope, pattern)?;
    Ok(!found.is_null())
}

/// Patterns with the flags g and y go on where they ended. Here each line is searched from its
/// beginning, and the script gets its pattern back as new.
fn rewind(
    scope: &mut v8::PinScope<'_, '_>,
    pattern: v8::Local<'_, v8::RegExp>,
) -> Result<(), Thrown> {
    let name = v8::String::new(scope, "lastIndex").ok_or(Thrown::Pending)?;
    let zero = v8::Integer::new(scope, 0);
    pattern
        .set(scope, name.into(), zero.into())
        .map(drop)
        .ok_or(Thrown::Pending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_read_as_slice_reads_them() {
        for (given, expected) in [
            (0.0, 0),
            (-0.0, 0),
            (3.0, 3),
            (3.9, 3),
            (-3.9, 7),
            (-0.5, 0),
            (10.0, 10),
            (11.0, 10),
            (-10.0, 0),
            (-11.0, 0),
            (f64::NAN, 0),
            (f64::INFINITY, 10),
            (f64::NEG_INFINITY, 0),
            (1e300, 10),
            (-1e300, 0),
        ] {
            assert_eq!(slice_index(given, 10), expected, "{given}");
        }
    }
}
