//! What is said of a script that failed: first line, the script's own frames, and the place.

use super::place::{Place, RESOURCE_NAME, code_frame, place_in, place_of, place_of_frame};
use super::script::Script;
use super::{contain_panics, render};

/// The longest message shown of a cause or a member of an aggregate, in bytes.
const RELATED_BYTES: usize = 2000;

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

/// An exception nobody caught, and what V8 said when it was thrown.
pub(super) struct Uncaught<'s> {
    pub(super) exception: v8::Local<'s, v8::Value>,
    pub(super) message: Option<v8::Local<'s, v8::Message>>,
    /// Where it was thrown, for exceptions that do not know themselves.
    pub(super) place: Option<Place>,
}

/// A failure in words.
pub(super) struct Description {
    /// `Name: message`
    pub(super) first_line: String,
    pub(super) place: Option<Place>,
    /// All of it, for the model: the first line too.
    pub(super) text: String,
}

/// Words an uncaught exception. Reading its `stack` may run code of the script.
pub(super) fn describe<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    uncaught: Uncaught<'s>,
    source: &str,
) -> Description {
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
        let text = format!(
            "{first_line}\n(what was thrown is no Error, so its line is not known; throw new Error(…) tells it)"
        );
        return Description {
            first_line,
            place,
            text,
        };
    }
    let mut description = compose(first_line, &frames, place, source);
    for related in related_errors(scope, exception) {
        description.text.push_str("\n\n");
        description.text.push_str(&related);
    }
    description
}

/// Words a failure that has no exception, at a place of the script if one is known.
pub(super) fn compose(
    first_line: String,
    frames: &[String],
    place: Option<Place>,
    source: &str,
) -> Description {
    let mut text = with_frames(&first_line, frames);
    if let Some(place) = place {
        if frames.is_empty() {
            text.push_str(&format!("\n    at {place}"));
        }
        if let Some(frame) = code_frame(source, place) {
            text.push_str("\n\n");
            text.push_str(&frame);
        }
    }
    Description {
        first_line,
        place,
        text,
    }
}

fn with_frames(first_line: &str, frames: &[String]) -> String {
    let mut text = first_line.to_owned();
    for frame in frames {
        text.push('\n');
        text.push_str(frame);
    }
    text
}

/// The causes of an error and the members of an aggregate, each with its frames in the script.
fn related_errors<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    exception: v8::Local<'s, v8::Value>,
) -> Vec<String> {
    let mut told = Vec::new();
    for related in render::related(scope, exception) {
        let text = match related.value() {
            None => related.label(),
            Some(value) if value.is_native_error() => {
                let message = name_and_message(scope, value).unwrap_or_default();
                let first_line = cut(message);
                let frames = frames(scope, value, &first_line);
                with_frames(&format!("{}{first_line}", related.label()), &frames)
            }
            Some(value) => {
                let shown = render::to_console_text(scope, value);
                format!("{}{}", related.label(), cut(shown))
            }
        };
        told.push(text);
    }
    told
}

/// The first [`RELATED_BYTES`] of a text.
fn cut(mut text: String) -> String {
    if text.len() > RELATED_BYTES {
        text.truncate(text.floor_char_boundary(RELATED_BYTES));
        text.push('…');
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
    if let Ok(text) = v8::Local::<v8::String>::try_from(exception) {
        // V8's message is `<error>` where this would be longer than a string may be.
        return format!("Uncaught {}", render::to_rust_string(scope, text));
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
