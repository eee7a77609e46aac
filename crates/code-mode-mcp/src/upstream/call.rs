//! One call of a tool: what is asked, what can go wrong.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::elicit::Elicit;

/// Hears the progress of a call, in the order the server reports it. Must not block.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// How far a call is, as its server says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Grows with each report.
    pub progress: f64,
    /// What `progress` will be at the end, if the server knows.
    pub total: Option<f64>,
    /// What the server says about it.
    pub message: Option<String>,
}

/// One call of a tool.
#[derive(Clone)]
#[non_exhaustive]
pub struct UpstreamCall {
    /// The server, by its configured name.
    pub server: String,
    /// The tool, by its own name.
    pub tool: String,
    /// A JSON object.
    pub arguments: Map<String, Value>,
    /// Fires when nobody wants the result any more; the server is told.
    pub cancellation: CancellationToken,
    /// Hears the call's progress. Default nobody.
    pub on_progress: Option<OnProgress>,
    /// Answers what the server asks a person. Default nobody: the server is told that it is declined.
    pub elicit: Option<Arc<dyn Elicit>>,
}

impl UpstreamCall {
    /// A call that nothing cancels and nobody watches.
    pub fn new(
        server: impl Into<String>,
        tool: impl Into<String>,
        arguments: Map<String, Value>,
    ) -> Self {
        Self {
            server: server.into(),
            tool: tool.into(),
            arguments,
            cancellation: CancellationToken::new(),
            on_progress: None,
            elicit: None,
        }
    }

    /// Says what cancels the call.
    #[must_use]
    pub fn cancellation(mut self, token: CancellationToken) -> Self {
        self.cancellation = token;
        self
    }

    /// Says who hears its progress.
    #[must_use]
    pub fn on_progress(mut self, hear: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(Arc::new(hear));
        self
    }

    /// Says who answers what the server asks.
    #[must_use]
    pub fn elicit(mut self, answers: Arc<dyn Elicit>) -> Self {
        self.elicit = Some(answers);
        self
    }
}

impl fmt::Debug for UpstreamCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamCall")
            .field("server", &self.server)
            .field("tool", &self.tool)
            .finish_non_exhaustive()
    }
}

/// A call that gave no result. Its text has no secret of the configuration in it, and is fit to be
/// shown to a model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No server of this name is configured.
    #[error("no server {server:?} is configured; there are {known}")]
    UnknownServer {
        /// The name that was asked for.
        server: String,
        /// The names that there are.
        known: String,
    },
    /// The server is not there, and an attempt to connect it failed.
    #[error(
        "server {server} is not connected: {why} (tool {tool} was not called; the next attempt is {next})"
    )]
    NotConnected {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
        /// Why it is not connected.
        why: String,
        /// When it is tried again, in words.
        next: String,
    },
    /// The connection died while the call was in flight.
    #[error(
        "the connection to server {server} was lost during the call of tool {tool}; whether it took \
         effect is not known"
    )]
    Lost {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
    },
    /// The request failed on the way, or what came back was no answer.
    #[error("the call of tool {tool} of server {server} failed: {why}")]
    Failed {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
        /// Why.
        why: String,
    },
    /// The server refused the call with a JSON-RPC error.
    #[error("server {server} refused the call of tool {tool}: {message} (JSON-RPC error {code})")]
    Refused {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
        /// The JSON-RPC code.
        code: i32,
        /// What the server said.
        message: String,
    },
    /// The server took longer than the configuration allows.
    #[error(
        "tool {tool} of server {server} gave no result and no progress for {} s, the time-out \
         configured for the server; whether it took effect is not known",
        after.as_secs_f64()
    )]
    TimedOut {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
        /// The time-out.
        after: Duration,
    },
    /// The call's token fired.
    #[error("the call of tool {tool} of server {server} was cancelled")]
    Cancelled {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
    },
    /// The servers are being shut down.
    #[error("the call of tool {tool} of server {server} came during shutdown")]
    ShutDown {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
    },
}
