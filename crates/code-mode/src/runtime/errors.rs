//! What is said of a script that failed: first line, the script's own frames, and the place.

use super::script::Script;
use super::{contain_panics, render};

/// How stacks and messages name the script.
pub(super) const RESOURCE_NAME: &str = "exec_main.mjs";

/// The longest piece of a source line that is shown.
const SHOWN_LINE: usize = 160;

/// A place in the script; both numbers from 1, columns in UTF-16 units as V8 counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{RESOURCE_NAME}:{}:{}", self.line, self.column)
    }
}

/// Where a promise was rejected, for reasons that do not know themselves: no `Error`s, or `Error`s
/// whose stack is gone.
pub(super) struct Rejection {
    reason: v8::Global<v8::Value>,
    place: Place,
}

impl Rejection {
    /// Where a promise was last rejected with `reason`, if this is that rejection.
    pub(super) fn place_of<'s>(
        &self,
        scope: &mut v8::PinScope<'s, '_>,
        reason: v8::Local<'s, v8::Value>,
    ) -> Option<Place> {
        let noted = v8::Local::new(scope, &self.reason);
        noted.strict_equals(reason).then_some(self.place)
    }
}

/// V8 tells of a rejection nobody handles yet, while the frame that rejects still stands.
pub(super) unsafe extern "C" fn note_rejection(message: v8::PromiseRejectMessage) {
    contain_panics(|| {
        if message.get_event() != v8::PromiseRejectEvent::PromiseRejectWithNoHandler {
            return;
        }
        // SAFETY: V8 calls this on the isolate's thread, for the context that is current.
        v8::callback_scope!(unsafe scope, &message);
        let Some(reason) = message.get_value() else {
            return;
        };
        let frame = v8::StackTrace::current_stack_trace(scope, 1)
            .filter(|stack| stack.get_frame_count() > 0)
            .and_then(|stack| stack.get_frame(scope, 0));
        if let Some(place) = frame.and_then(|frame| place_of_frame(scope, frame)) {
            let reason = v8::Global::new(scope, reason);
            let rejection = Rejection { reason, place };
            *Script::of(scope).last_rejection.borrow_mut() = Some(rejection);
        }
    });
}

/// Where the script is that calls us: its innermost frame.
pub(super) fn place_of_call(scope: &mut v8::PinScope<'_, '_>) -> Option<Place> {
    const FRAMES_LOOKED_AT: usize = 10;
    let stack = v8::StackTrace::current_stack_trace(scope, FRAMES_LOOKED_AT)?;
    (0..stack.get_frame_count()).find_map(|index| {
        let frame = stack.get_frame(scope, index)?;
        place_of_frame(scope, frame)
    })
}

fn place_of_frame<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    frame: v8::Local<'s, v8::StackFrame>,
) -> Option<Place> {
    let name = frame.get_script_name(scope)?.to_rust_string_lossy(scope);
    let place = Place {
        line: frame.get_line_number(),
        column: frame.get_column(),
    };
    (name == RESOURCE_NAME && place.line > 0).then_some(place)
}

/// An exception nobody caught, and what V8 said when it was thrown.
pub(super) struct Uncaught<'s> {
    pub(super) exception: v8::Local<'s, v8::Value>,
    pub(super) message: Option<v8::Local<'s, v8::Message>>,
    /// Where it was thrown, for exceptions that do not know themselves.
    pub(super) place: Option<Place>,
}

/// Words an uncaught exception. Reading its `stack` may run code of the script.
pub(super) fn describe<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    uncaught: Uncaught<'s>,
    source: &str,
) -> String {
    let Uncaught {
        exception,
        message,
        place,
    } = uncaught;
    v8::tc_scope!(let scope, scope);
    let message = message.unwrap_or_else(|| v8::Exception::create_message(scope, exception));
    let first_line = first_line(scope, exception, message);
    let frames = frames(scope, exception, &first_line);
    let place = frames
        .iter()
        .find_map(|frame| place_in(frame))
        .or(place)
        .or_else(|| place_of(scope, message));
    scope.reset();
    let says_where = exception.is_native_error() || first_line.contains(RESOURCE_NAME);
    if place.is_none() && !says_where {
        return format!(
            "{first_line}\n(what was thrown is no Error, so its line is not known; throw new Error(…) tells it)"
        );
    }
    compose(&first_line, &frames, place, source)
}

/// Words a failure that has no exception, at a place of the script if one is known.
pub(super) fn compose(
    first_line: &str,
    frames: &[String],
    place: Option<Place>,
    source: &str,
) -> String {
    let mut text = first_line.to_owned();
    for frame in frames {
        text.push('\n');
        text.push_str(frame);
    }
    if let Some(place) = place {
        if frames.is_empty() {
            text.push_str(&format!("\n    at {place}"));
        }
        if let Some(frame) = code_frame(source, place) {
            text.push_str("\n\n");
            text.push_str(&frame);
        }
    }
    text
}

fn first_line<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    exception: v8::Local<'s, v8::Value>,
    message: v8::Local<'s, v8::Message>,
) -> String {
    if exception.is_native_error() {
        return name_and_message(scope, exception)
            .unwrap_or_else(|| render::message_text(scope, message));
    }
    if exception.is_object() {
        return format!("Uncaught {}", render::to_console_text(scope, exception));
    }
    let text = message.get(scope);
    render::to_rust_string(scope, text)
}

/// `Name: message` as `Error.prototype.toString` has it; `None` where a property is no string.
fn name_and_message<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    error: v8::Local<'s, v8::Value>,
) -> Option<String> {
    let name = text_property(scope, error, "name")?;
    let message = text_property(scope, error, "message")?;
    Some(match (name.is_empty(), message.is_empty()) {
        (true, _) => message,
        (_, true) => name,
        _ => format!("{name}: {message}"),
    })
}

fn text_property<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Value>,
    name: &str,
) -> Option<String> {
    let object = v8::Local::<v8::Object>::try_from(object).ok()?;
    let value = render::get(scope, object, name).ok()?;
    let text = v8::Local::<v8::String>::try_from(value).ok()?;
    Some(render::to_rust_string(scope, text))
}

/// The lines of the exception's stack that are of the script.
fn frames<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    exception: v8::Local<'s, v8::Value>,
    first_line: &str,
) -> Vec<String> {
    if !exception.is_native_error() {
        return Vec::new();
    }
    let Some(stack) = text_property(scope, exception, "stack") else {
        return Vec::new();
    };
    let message = text_property(scope, exception, "message").unwrap_or_default();
    after_header(&stack, first_line, &message)
        .lines()
        .filter(|line| line.trim_start().starts_with("at ") && line.contains(RESOURCE_NAME))
        .map(|line| format!("    {}", line.trim()))
        .collect()
}

/// A stack without its first line or lines: a message may look like frames itself.
fn after_header<'a>(stack: &'a str, first_line: &str, message: &str) -> &'a str {
    if let Some(frames) = stack.strip_prefix(first_line) {
        return frames;
    }
    // The name was changed after V8 worded the stack.
    match stack.find(message) {
        Some(start) => &stack[start + message.len()..],
        None => stack,
    }
}

/// Reads `exec_main.mjs:LINE:COLUMN` out of a stack frame.
fn place_in(frame: &str) -> Option<Place> {
    let (_, after) = frame.split_once(RESOURCE_NAME)?;
    let mut numbers = after
        .strip_prefix(':')?
        .split(|character: char| !character.is_ascii_digit());
    Some(Place {
        line: numbers.next()?.parse().ok()?,
        column: numbers.next()?.parse().ok()?,
    })
}

/// Where V8 says a message is from, if that is the script itself.
pub(super) fn place_of<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    message: v8::Local<'s, v8::Message>,
) -> Option<Place> {
    let name = message.get_script_resource_name(scope)?;
    if name.to_rust_string_lossy(scope) != RESOURCE_NAME {
        return None;
    }
    let line = message.get_line_number(scope).filter(|line| *line > 0)?;
    Some(Place {
        line,
        column: message.get_start_column() + 1,
    })
}

/// The source line with a caret under the column.
fn code_frame(source: &str, place: Place) -> Option<String> {
    let line = source_line(source, place.line)?;
    let units: Vec<u16> = line.encode_utf16().collect();
    let column = place.column.saturating_sub(1).min(units.len());
    let start = column.saturating_sub(SHOWN_LINE / 2);
    let end = units.len().min(start + SHOWN_LINE);
    let (before, after) = (&units[start..column], &units[column..end]);

    let cut_before = if start > 0 { "…" } else { "" };
    let cut_after = if end < units.len() { "…" } else { "" };
    let before = format!("{cut_before}{}", String::from_utf16_lossy(before));
    let after = String::from_utf16_lossy(after);
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    let indent: String = before
        .chars()
        .map(|character| if character == '\t' { '\t' } else { ' ' })
        .collect();
    Some(format!(
        "{number} | {before}{after}{cut_after}\n{margin} | {indent}^"
    ))
}

/// A line by its number, from 1, as JavaScript counts lines.
fn source_line(source: &str, number: usize) -> Option<&str> {
    let mut rest = source;
    let mut line = 1;
    loop {
        let end = rest.find(['\n', '\r', '\u{2028}', '\u{2029}']);
        if line == number {
            return Some(&rest[..end.unwrap_or(rest.len())]);
        }
        let end = end?;
        let terminator = if rest[end..].starts_with("\r\n") {
            2
        } else {
            rest[end..].chars().next()?.len_utf8()
        };
        rest = &rest[end + terminator..];
        line += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_as_javascript_counts_them() {
        let source = "a\r\nb\nc\u{2028}d\re";
        let lines: Vec<_> = (1..=5).map(|n| source_line(source, n).unwrap()).collect();
        assert_eq!(lines, ["a", "b", "c", "d", "e"]);
        assert_eq!(source_line(source, 6), None);
    }

    #[test]
    fn the_caret_stands_under_the_column() {
        let place = Place { line: 1, column: 7 };
        assert_eq!(
            code_frame("\tlet x y", place).unwrap(),
            "1 | \tlet x y\n  | \t     ^"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_column() {
        let source = format!("{}!{}", "a".repeat(1000), "b".repeat(1000));
        let place = Place {
            line: 1,
            column: 1001,
        };
        let frame = code_frame(&source, place).unwrap();
        let (line, caret) = frame.split_once('\n').unwrap();
        assert!(line.chars().count() < 200, "{line}");
        let column = caret.chars().position(|c| c == '^').unwrap();
        assert_eq!(line.chars().nth(column), Some('!'));
    }

    #[test]
    fn places_are_read_from_frames() {
        let place = place_in("    at async f (exec_main.mjs:12:34)");
        assert_eq!(
            place,
            Some(Place {
                line: 12,
                column: 34
            })
        );
    }
}
