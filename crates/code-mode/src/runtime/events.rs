//! What a running script tells the outside, and what the outside tells it. No V8 type crosses here.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::description::Tool;
use crate::response::ContentItem;
use crate::service::{ToolError, ToolInput, ToolOutput};

/// The outside, as the cell's thread sees it. Called from V8 callbacks: quick, and never blocking by
/// itself; what starts a call or a notification runs the beginning of the host's code, however long
/// that takes.
pub(crate) trait CellEvents: Send + Sync {
    /// Takes items, all or none.
    fn output(&self, items: Vec<ContentItem>) -> Result<(), Refused>;

    /// Starts a nested call. How it ended, if it did at once; else its end comes back as
    /// [`Command::CallSettled`].
    fn start_call(&self, call: NestedCall) -> Option<Result<ToolOutput, ToolError>>;

    /// Cancels a nested call that was started; it ends as all do.
    fn cancel_call(&self, call_id: u64);

    /// Starts a notification. Whether it was heard at once; else its end comes back as
    /// [`Command::NotificationDone`].
    fn start_notification(&self, text: String) -> bool;

    /// The script called `yield_control`.
    fn yielded(&self);

    /// Reads a stored value as this cell sees it.
    fn load(&self, key: &str) -> Option<Arc<RawValue>>;

    /// Writes a stored value of this cell, or removes it with `None`.
    fn store(&self, key: String, json: Option<Box<RawValue>>) -> Result<(), Refused>;

    /// The whole text of a kept output of the session.
    fn load_output(&self, handle: &str) -> Result<Arc<str>, Refused>;

    /// How many nested calls wait for the host; shown by `cells()`.
    fn calls_pending(&self, count: usize);

    /// The script has ended. Given back if more is to be done than the thread can: waiting for what the
    /// script left behind, or ending it for those who stopped it.
    fn ended(&self, outcome: Outcome) -> Option<Outcome>;

    /// The script waits for the first time, or has run for a while, or did not end by itself. Comes
    /// once or not at all, from any thread.
    fn goes_on(&self);

    /// The isolate is gone, and the thread lets go of the cell. Comes last.
    fn gone(&self);
}

/// No outside at all, for scripts of our own.
pub(super) struct Nobody;

impl CellEvents for Nobody {
    fn output(&self, _: Vec<ContentItem>) -> Result<(), Refused> {
        Ok(())
    }

    fn start_call(&self, _: NestedCall) -> Option<Result<ToolOutput, ToolError>> {
        Some(Err(ToolError::new("there is no host")))
    }

    fn cancel_call(&self, _: u64) {}

    fn start_notification(&self, _: String) -> bool {
        true
    }

    fn yielded(&self) {}

    fn load(&self, _: &str) -> Option<Arc<RawValue>> {
        None
    }

    fn store(&self, _: String, _: Option<Box<RawValue>>) -> Result<(), Refused> {
        Ok(())
    }

    fn load_output(&self, _: &str) -> Result<Arc<str>, Refused> {
        Err(Refused("there are no outputs".to_owned()))
    }

    fn calls_pending(&self, _: usize) {}

    fn ended(&self, _: Outcome) -> Option<Outcome> {
        None
    }

    fn goes_on(&self) {}

    fn gone(&self) {}
}

/// A nested call as a script made it.
pub(crate) struct NestedCall {
    /// Numbers the calls of a cell, from 1.
    pub(crate) call_id: u64,
    pub(crate) tool: Arc<Tool>,
    pub(crate) input: ToolInput,
    /// Whether the script asked for the result as it came.
    pub(crate) raw: bool,
}

/// A limit in the way; the text is what the script is told.
pub(crate) struct Refused(pub(crate) String);

/// What wakes a waiting script.
pub(crate) enum Command {
    /// A nested call has ended, well or with what its `ToolError` is to have.
    CallSettled {
        call_id: u64,
        result: Result<ToolOutput, ToolError>,
    },
    /// A notification of this size was heard.
    NotificationDone { bytes: usize },
    /// The reason to stop is in the isolate's control block.
    Stop,
}

/// How a script ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It ran to its end, or called `exit()`.
    Success,
    /// It threw, would not compile, awaited nothing, or used too much. The text is for the model.
    Failure(String),
    /// It was stopped from outside.
    Stopped,
    /// The engine itself failed under it.
    RuntimeFailure(String),
}
