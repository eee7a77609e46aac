//! V8: one isolate on one thread per cell. The only folder that names a `v8::` type or says `unsafe`.
//!
//! In the order a script meets it: [`platform`] starts V8 once, [`thread`] owns the isolate and turns
//! its event loop, [`globals`] puts the helpers of [`callbacks`] and [`tools`] into the context,
//! [`modules`] serves them to `import`, [`render`] and [`media`] turn values into output, [`timers`]
//! keeps what `setTimeout` was given, [`web`] has the web-standard names, [`errors`] words what went wrong. [`control`] and [`watchdog`]
//! are how other threads stop it, [`lost`]
//! what becomes of one that cannot be stopped. It knows nothing of sessions: it speaks to [`events::CellEvents`].

mod array_buffers;
mod attempt;
mod callbacks;
mod code_cache;
mod compile;
mod control;
mod cpu_clock;
mod discovery;
mod ending;
mod errors;
mod events;
mod globals;
mod guards;
mod isolate;
pub(crate) mod lost;
mod media;
mod modules;
mod native_memory;
mod outputs;
mod place;
mod platform;
#[cfg(all(feature = "worker-processes", target_os = "linux"))]
pub(crate) mod process;
mod render;
mod script;
mod shares;
pub(crate) mod standby;
#[cfg(test)]
mod tests;
mod thread;
mod thread_name;
mod timers;
mod tool_object;
mod tools;
mod watchdog;
mod web;

pub(crate) use code_cache::CodeCache;
pub(crate) use control::StopReason;
pub(crate) use events::{CellEvents, Command, NestedCall, Outcome, Refused};
pub(crate) use lost::Lost;
pub(crate) use thread::{CellIsolate, CellSource, CellThread, SpawnError, ThreadEnds, spawn};

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a helper cannot go on.
enum Thrown {
    /// V8 has an exception pending already: a getter threw, JSON refused, execution was terminated.
    Pending,
    /// To be thrown as a `TypeError` with this message.
    Type(String),
    /// To be thrown as a `RangeError` with this message.
    Range(String),
    /// To be thrown as a `DOMException` of this name.
    Dom { name: &'static str, message: String },
}

impl Thrown {
    /// The exception to throw, unless one is pending.
    fn to_exception<'s>(
        &self,
        scope: &mut v8::PinScope<'s, '_>,
    ) -> Option<v8::Local<'s, v8::Value>> {
        let text = match self {
            Self::Pending => return None,
            Self::Dom { name, message } => return web::dom_exception(scope, name, message),
            Self::Type(text) | Self::Range(text) => string(scope, text),
        };
        Some(match self {
            Self::Range(_) => v8::Exception::range_error(scope, text),
            _ => v8::Exception::type_error(scope, text),
        })
    }
}

impl From<Refused> for Thrown {
    fn from(Refused(message): Refused) -> Self {
        Self::Range(message)
    }
}

/// Runs the body of a function that V8 enters; a panic must not unwind into V8.
fn contain_panics<T>(body: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(body)).ok()
}

/// A V8 string of any Rust text; text longer than V8 allows becomes a note that says so.
fn string<'s>(scope: &v8::PinScope<'s, '_, ()>, text: &str) -> v8::Local<'s, v8::String> {
    v8::String::new(scope, text).unwrap_or_else(|| {
        v8::String::new(scope, "(text longer than a JavaScript string may be)")
            .expect("a short string is always made, or V8 has ended the process")
    })
}

/// What a value is, for messages: "an array", "a number", "undefined".
fn kind_of<'s>(scope: &mut v8::PinScope<'s, '_>, value: v8::Local<'s, v8::Value>) -> String {
    if value.is_null_or_undefined() {
        return if value.is_null() { "null" } else { "undefined" }.to_owned();
    }
    if value.is_array() {
        return "an array".to_owned();
    }
    if value.is_date() {
        return "a Date".to_owned();
    }
    match value.type_of(scope).to_rust_string_lossy(scope).as_str() {
        "object" => "an object".to_owned(),
        other => format!("a {other}"),
    }
}
