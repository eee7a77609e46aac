//! Answers the calls of scripts with the tools of the servers: under the policy, noted in the audit
//! log, seen by whoever watches.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use code_mode::{CancellationToken, CellId, Host, Notification, ToolCall, ToolError, ToolOutput};
use rmcp::model::{ElicitRequestParams, ElicitResult, ElicitationAction};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::audit::{AuditEntry, AuditLog, AuditOutcome, Decision};
use crate::policy::{Action, Policy};
use crate::upstream::{
    CallError, Elicit, OutputSchema, Unwrapped, Upstream, UpstreamCall, error_text, is_error,
    unwrap_result,
};

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
    /// Whether the tool did what it was asked. A result that says it is an error is no success, also
    /// where a script asked for it as it is.
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

    /// Has a person answer what a server asks in the middle of a call. The default declines.
    ///
    /// Dropped when the call is cancelled.
    fn elicit(
        &self,
        call: &StartedCall,
        server: &str,
        question: ElicitRequestParams,
    ) -> impl Future<Output = ElicitResult> + Send {
        let _ = (call, server, question);
        std::future::ready(ElicitResult::new(ElicitationAction::Decline))
    }

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

/// A session's host: its nested calls are calls of the servers.
///
/// Owned by its engine session. A tool whose policy is `ask` and that a person allowed for good stays
/// allowed as long as this lives.
pub struct McpHost<E> {
    upstream: Upstream,
    policy: Policy,
    audit: Option<AuditLog>,
    /// What the audit log calls the session.
    session: String,
    events: Arc<E>,
    /// Server and tool of what was allowed for good. Locked for moments only.
    allowed: Mutex<HashSet<(String, String)>>,
}

impl<E: CallEvents> McpHost<E> {
    /// A host for one session, which the audit log will call `session`.
    pub fn new(
        upstream: Upstream,
        policy: Policy,
        session: impl Into<String>,
        events: Arc<E>,
    ) -> Self {
        Self {
            upstream,
            policy,
            audit: None,
            session: session.into(),
            events,
            allowed: Mutex::default(),
        }
    }

    /// Notes every call in this log.
    #[must_use]
    pub fn audit(mut self, log: AuditLog) -> Self {
        self.audit = Some(log);
        self
    }

    /// Whether the call may go ahead; else what the script is told.
    async fn decide(
        &self,
        route: &Route,
        cell_id: CellId,
        arguments: &Map<String, Value>,
        cancellation: &CancellationToken,
    ) -> (Decision, Result<(), Failure>) {
        let Route { server, tool } = route;
        match self.policy.action(server, tool) {
            Action::Allow => return (Decision::Allow, Ok(())),
            Action::Deny => {
                let why = format!("the policy denies tool {tool} of server {server}");
                return (Decision::Denied, Err(Failure::error(why)));
            }
            Action::Ask => {}
        }
        let key = (server.clone(), tool.clone());
        if self.lock_allowed().contains(&key) {
            return (Decision::Asked, Ok(()));
        }
        let question = Question {
            cell_id,
            server: server.clone(),
            tool: tool.clone(),
            arguments: arguments.clone(),
        };
        let asked = self.events.ask(question, cancellation.clone());
        match cancellation.run_until_cancelled(asked).await {
            Some(Answer::AllowOnce) => (Decision::Asked, Ok(())),
            Some(Answer::AllowAlways) => {
                self.lock_allowed().insert(key);
                (Decision::Asked, Ok(()))
            }
            Some(Answer::Refuse(why)) => {
                let why = format!("tool {tool} of server {server} was not called: {why}");
                (Decision::Refused, Err(Failure::error(why)))
            }
            None => {
                let why = format!("the call of tool {tool} of server {server} was cancelled");
                let failure = Failure {
                    outcome: AuditOutcome::Cancelled,
                    error: ToolError::new(why),
                };
                (Decision::Refused, Err(failure))
            }
        }
    }

    async fn call(
        &self,
        call: &ToolCall,
        route: &Route,
        arguments: Map<String, Value>,
        started: &StartedCall,
        cancellation: CancellationToken,
    ) -> Result<Given, Failure> {
        let events = Arc::clone(&self.events);
        let reported = started.clone();
        let request = UpstreamCall::new(&route.server, &route.tool, arguments)
            .cancellation(cancellation)
            .elicit(Arc::new(Questions {
                events: Arc::clone(&self.events),
                call: started.clone(),
                server: route.server.clone(),
            }))
            .on_progress(move |progress| {
                events.call_progress(&CallProgress {
                    call: reported.clone(),
                    progress: progress.progress,
                    total: progress.total,
                    message: progress.message,
                });
            });
        let result = self.upstream.call(request).await?;
        if call.raw {
            let said = is_error(&result).then(|| error_text(&result));
            return Ok(Given {
                output: result.into(),
                said_error: said,
            });
        }
        let definition = &call.tool.definition;
        let schema = match definition.output_schema.is_some() && !definition.observed_output {
            true => OutputSchema::Published,
            false => OutputSchema::Missing,
        };
        match unwrap_result(result, schema) {
            Unwrapped::Value(value) => {
                if schema == OutputSchema::Missing {
                    self.upstream.observe(&route.server, &route.tool, &value);
                }
                Ok(Given {
                    output: value.into(),
                    said_error: None,
                })
            }
            Unwrapped::Error { message, result } => {
                let mut failure = Failure::error(message);
                if let Ok(result) = serde_json::value::to_raw_value(&result) {
                    failure.error = failure.error.with_result(result);
                }
                Err(failure)
            }
        }
    }

    fn note(
        &self,
        call: &ToolCall,
        route: &Route,
        decision: Decision,
        result: &Result<Given, Failure>,
        took: Duration,
    ) {
        let Some(audit) = &self.audit else {
            return;
        };
        let (outcome, error) = match result {
            Ok(Given {
                said_error: Some(said),
                ..
            }) => (AuditOutcome::Error, Some(said.as_str())),
            Ok(_) => (AuditOutcome::Ok, None),
            Err(failure) => (failure.outcome, Some(failure.error.message.as_str())),
        };
        // A result is the server's own words: it may say what it was configured with.
        let error = error.map(|text| self.upstream.redact(&route.server, text));
        audit.note(&AuditEntry {
            session: &self.session,
            cell: &call.cell_id.to_string(),
            server: &route.server,
            tool: &route.tool,
            arguments: &call.input.to_json(),
            decision,
            outcome,
            took,
            error: error.as_deref(),
        });
    }

    fn lock_allowed(&self) -> std::sync::MutexGuard<'_, HashSet<(String, String)>> {
        self.allowed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands what a server asks in a call on to the front door.
struct Questions<E> {
    events: Arc<E>,
    call: StartedCall,
    server: String,
}

impl<E: CallEvents> Elicit for Questions<E> {
    fn elicit(
        &self,
        question: ElicitRequestParams,
    ) -> Pin<Box<dyn Future<Output = ElicitResult> + Send + '_>> {
        Box::pin(self.events.elicit(&self.call, &self.server, question))
    }
}

/// Whose tool is called.
struct Route {
    server: String,
    tool: String,
}

/// A call that gave a result.
struct Given {
    output: ToolOutput,
    /// What a result says of its error that a script asked for as it is.
    said_error: Option<String>,
}

/// A call that gave no result: what the script and what the audit log is told.
struct Failure {
    outcome: AuditOutcome,
    error: ToolError,
}

impl Failure {
    fn error(message: String) -> Self {
        Self {
            outcome: AuditOutcome::Error,
            error: ToolError::new(message),
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let outcome = match error {
            CallError::Cancelled { .. } => AuditOutcome::Cancelled,
            CallError::TimedOut { .. } => AuditOutcome::Timeout,
            _ => AuditOutcome::Error,
        };
        Self {
            outcome,
            error: ToolError::new(error.to_string()),
        }
    }
}

impl<E: CallEvents> Host for McpHost<E> {
    async fn invoke_tool(
        &self,
        call: ToolCall,
        cancellation: CancellationToken,
    ) -> Result<ToolOutput, ToolError> {
        let catalogue = self.upstream.catalogue();
        let Some((server, tool)) = catalogue.route(&call.tool.definition) else {
            let name = &call.tool.global_name;
            return Err(ToolError::new(format!("no server offers {name} any more")));
        };
        let route = Route {
            server: server.to_owned(),
            tool: tool.to_owned(),
        };
        let arguments: Map<String, Value> = call.input.parse()?;
        let started = StartedCall {
            cell_id: call.cell_id,
            call_id: call.call_id,
            tool: call.tool.global_name.as_str().into(),
        };
        self.events.call_started(&started);
        let (decision, allowed) = self
            .decide(&route, call.cell_id, &arguments, &cancellation)
            .await;
        let began = Instant::now();
        let result = match allowed {
            Ok(()) => {
                self.call(&call, &route, arguments, &started, cancellation)
                    .await
            }
            Err(failure) => Err(failure),
        };
        let took = began.elapsed();
        self.note(&call, &route, decision, &result, took);
        let ok = matches!(&result, Ok(given) if given.said_error.is_none());
        tracing::debug!(
            server = route.server,
            tool = route.tool,
            ok,
            ?took,
            "a call has ended"
        );
        self.events.call_ended(&EndedCall {
            call: started,
            ok,
            took,
        });
        match result {
            Ok(given) => Ok(given.output),
            Err(failure) => Err(failure.error),
        }
    }

    async fn notify(&self, notification: Notification, _cancellation: CancellationToken) {
        self.events.notified(&notification);
    }

    async fn cell_closed(&self, cell_id: CellId) {
        self.events.cell_closed(cell_id);
    }
}
