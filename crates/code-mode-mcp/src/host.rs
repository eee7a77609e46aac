//! Answers the calls of scripts with the tools of the servers: under the policy, noted in the audit
//! log, seen by whoever watches.

use std::sync::Arc;
use std::time::Duration;

use code_mode::{CancellationToken, CellId, Notification};
use serde_json::{Map, Value};

/// A call that the policy wants a person to look at first.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Question {
    /// The cell that calls.
    pub cell_id: CellId,
    /// The server, by its configured name.
    pub server: String,
    /// The tool, by its own name.
    pub tool: String,
    /// What it would be given.
    pub arguments: Map<String, Value>,
}

/// What the person said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This call goes ahead.
    AllowOnce,
    /// So do later calls of the tool in this session.
    AllowAlways,
    /// It does not; the reason is told to the script.
    Refuse(String),
}

/// A nested call that has begun.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StartedCall {
    /// The cell that calls.
    pub cell_id: CellId,
    /// Numbers the calls of the cell, from 1.
    pub call_id: u64,
    /// The tool's name in scripts, such as `mcp__git__git_status`.
    pub tool: Arc<str>,
}

/// A nested call that has ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EndedCall {
    /// The call as it began.
    pub call: StartedCall,
    /// Whether it gave a result.
    pub ok: bool,
    /// How long it took, questions to a person left out.
    pub took: Duration,
}

/// Progress that a server reported of a call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallProgress {
    /// The call.
    pub call: StartedCall,
    /// How far it is; grows with each report.
    pub progress: f64,
    /// What `progress` will be at the end, if the server knows.
    pub total: Option<f64>,
    /// What the server says about it.
    pub message: Option<String>,
}

/// What a front door does about nested calls: the gateway's sessions, the command's `run`.
///
/// None of the methods may block; all may be called at once.
pub trait CallEvents: Send + Sync + 'static {
    /// Asks a person. Answers [`Answer::Refuse`] where there is nobody to ask.
    ///
    /// Dropped, with the token fired, when the call is cancelled.
    fn ask(
        &self,
        question: Question,
        cancellation: CancellationToken,
    ) -> impl Future<Output = Answer> + Send;

    /// Hears that a call begins. The default ignores it.
    fn call_started(&self, call: &StartedCall) {
        let _ = call;
    }

    /// Hears that a call has ended, well or not. The default ignores it.
    fn call_ended(&self, call: &EndedCall) {
        let _ = call;
    }

    /// Hears how far a call is. The default ignores it.
    fn call_progress(&self, progress: &CallProgress) {
        let _ = progress;
    }

    /// Hears what a script said with `notify`. The default ignores it.
    fn notified(&self, notification: &Notification) {
        let _ = notification;
    }

    /// Hears that a cell is closed. The default ignores it.
    fn cell_closed(&self, cell_id: CellId) {
        let _ = cell_id;
    }
}
