//! The spans that tell whoever listens through `tracing` what happens inside what.
//!
//! `session`, `cell` (`cell_id`, `tool_call_id`) and `call` (`tool`, `call_id`), all of the target
//! `code_mode` and the level INFO. They carry names and ids, never arguments or results. Without a
//! subscriber each costs an atomic load.

use tracing::Span;
use tracing::dispatcher::with_default;

use super::host::ToolCall;
use super::request::CellId;

/// The target of every span.
const TARGET: &str = "code_mode";

/// A session, from its making to its end; inside the span that is current now.
pub(super) fn session() -> Span {
    tracing::info_span!(target: TARGET, "session")
}

/// A cell, from its start until it is closed: inside the span that is current now, or else inside that of
/// its session. One that is inside another span follows from its session's.
pub(super) fn cell(session: &Span, id: CellId, tool_call_id: &str) -> Span {
    let caller = Span::current();
    let parent = if caller.is_none() { session } else { &caller };
    let cell = tracing::info_span!(
        target: TARGET,
        parent: parent,
        "cell",
        cell_id = %id,
        tool_call_id,
    );
    if !caller.is_none() {
        cell.follows_from(session);
    }
    cell
}

/// A nested call of a cell. It is made on the cell's thread, which no subscriber of the embedder's was
/// set for: so it goes to the one that hears of the cell.
pub(super) fn call(cell: &Span, call: &ToolCall) -> Span {
    let span = || {
        tracing::info_span!(
            target: TARGET,
            parent: cell,
            "call",
            tool = call.tool.global_name,
            call_id = call.call_id,
        )
    };
    if cell.is_none() {
        return Span::none();
    }
    heard_by(cell, span)
}

/// Runs `body` for the subscriber that hears of `span`.
pub(super) fn heard_by<T>(span: &Span, body: impl FnOnce() -> T) -> T {
    let mut body = Some(body);
    let heard = span.with_subscriber(|(_, subscriber)| {
        with_default(subscriber, body.take().expect("called once"))
    });
    heard.unwrap_or_else(|| body.take().expect("there was no subscriber")())
}
