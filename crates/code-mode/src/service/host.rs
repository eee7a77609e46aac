//! The embedder's side: who answers nested calls and hears notifications.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::request::CellId;
use crate::description::{Tool, ToolDefinition, ToolSet};

/// Answers for the cells of a session. All methods may run at once, on the threads of cells and of the
/// runtime.
///
/// A future is polled for the first time where the script is, on the thread of the cell but inside the
/// runtime: most are done then, and cost no switch of threads. One that is not goes on as a task of the
/// runtime. So a future must not block its thread, here as anywhere in tokio: the script, and the other
/// calls it makes, wait for it. What computes for long belongs in `spawn_blocking`; a cell whose futures
/// took 10 ms of their first polls, those under 0.1 ms not counted, has the rest of them polled by the
/// runtime alone. A first poll has 3 MiB of stack at least, as the script may have taken the last of it.
///
/// A future returned here is cancelled in two steps: first its token fires; if it has not returned
/// by the session's [`cancellation_grace`](crate::SessionBuilder::cancellation_grace) after that, it
/// is dropped. A panic in one rejects that call and harms nothing else.
///
/// ```
/// use code_mode::{CancellationToken, Host, ToolCall, ToolError, ToolOutput};
///
/// struct Clock;
///
/// impl Host for Clock {
///     async fn invoke_tool(
///         &self,
///         call: ToolCall,
///         _cancellation: CancellationToken,
///     ) -> Result<ToolOutput, ToolError> {
///         match call.tool.definition.name.as_str() {
///             "now" => Ok(ToolOutput::text("12:00")),
///             other => Err(ToolError::new(format!("no tool {other} here"))),
///         }
///     }
/// }
/// ```
pub trait Host: Send + Sync + 'static {
    /// Runs one nested call. The script's promise settles with what this returns.
    ///
    /// The token fires when the cell ends before the call does, or when the script aborts the
    /// `AbortSignal` it gave the call; what the future returns then is ignored.
    fn invoke_tool(
        &self,
        call: ToolCall,
        cancellation: CancellationToken,
    ) -> impl Future<Output = Result<ToolOutput, ToolError>> + Send;

    /// Hears what a script said with `notify`, while the script goes on. The default ignores it.
    ///
    /// A cell's completion waits for this; the token fires when the cell is terminated.
    fn notify(
        &self,
        notification: Notification,
        cancellation: CancellationToken,
    ) -> impl Future<Output = ()> + Send {
        let _ = (notification, cancellation);
        std::future::ready(())
    }

    /// Called exactly once for each cell, after its isolate is gone and all its other callbacks
    /// have returned; not called if the runtime is shut down before that. The default does nothing.
    fn cell_closed(&self, cell_id: CellId) -> impl Future<Output = ()> + Send {
        let _ = cell_id;
        std::future::ready(())
    }
}

/// One nested call of a script.
#[derive(Debug)]
#[non_exhaustive]
pub struct ToolCall {
    /// The cell that calls.
    pub cell_id: CellId,
    /// [`ExecuteRequest::tool_call_id`](crate::ExecuteRequest::tool_call_id) of that cell.
    pub tool_call_id: Arc<str>,
    /// Numbers the calls of a cell, from 1.
    pub call_id: u64,
    /// What is called.
    pub tool: Arc<Tool>,
    /// What it is given.
    pub input: ToolInput,
    /// Whether the script called `tools.name.raw(…)`: it wants the result as it came. Only for tools
    /// with [`ToolDefinition::raw_results`].
    pub raw: bool,
}

/// The argument of a nested call, by the kind of its tool.
#[derive(Debug, Clone)]
pub enum ToolInput {
    /// A JSON object, `{}` where the script gave no argument.
    Function(Box<RawValue>),
    /// A string.
    Freeform(String),
}

impl ToolInput {
    /// Its size in bytes of UTF-8.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Function(json) => json.get().len(),
            Self::Freeform(text) => text.len(),
        }
    }

    /// Reads the input as a `T`.
    ///
    /// The error is fit to be returned from [`Host::invoke_tool`] with `?`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ToolError> {
        let parsed = match self {
            Self::Function(json) => serde_json::from_str(json.get()),
            Self::Freeform(text) => serde_json::from_value(text.as_str().into()),
        };
        parsed.map_err(|error| ToolError::new(format!("the input does not fit: {error}")))
    }

    /// The input as JSON text.
    pub fn to_json(&self) -> String {
        match self {
            Self::Function(json) => json.get().to_owned(),
            Self::Freeform(text) => serde_json::Value::from(text.as_str()).to_string(),
        }
    }
}

/// The result of a nested call: any JSON value.
#[derive(Debug, Clone)]
pub struct ToolOutput(Output);

/// A text goes to the script as it is, and is JSON only for those who ask.
#[derive(Debug, Clone)]
enum Output {
    Json(Box<RawValue>),
    Text {
        text: String,
        json: OnceLock<String>,
    },
}

/// A result on its way to the script.
pub(crate) enum OutputValue {
    /// JSON of any value.
    Json(String),
    /// The string itself.
    Text(String),
}

impl ToolOutput {
    /// A JSON string.
    pub fn text(text: impl Into<String>) -> Self {
        Self(Output::Text {
            text: text.into(),
            json: OnceLock::new(),
        })
    }

    /// Anything that serialises to JSON.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, ToolError> {
        serde_json::value::to_raw_value(value)
            .map(Self::from)
            .map_err(|error| ToolError::new(format!("the result is no JSON: {error}")))
    }

    /// Bytes of what the script gets, as text or as JSON.
    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Output::Json(json) => json.get().len(),
            Output::Text { text, .. } => text.len(),
        }
    }

    /// As it goes to another process: its JSON, or else its text.
    #[cfg(all(unix, feature = "worker-processes"))]
    pub(crate) fn parts(&self) -> Result<&RawValue, &str> {
        match &self.0 {
            Output::Json(json) => Ok(json),
            Output::Text { text, .. } => Err(text),
        }
    }

    pub(crate) fn into_value(self) -> OutputValue {
        match self.0 {
            Output::Json(json) => OutputValue::Json(Box::<str>::from(json).into_string()),
            Output::Text { text, .. } => OutputValue::Text(text),
        }
    }

    /// The JSON text a script will see as a value.
    pub fn as_json(&self) -> &str {
        match &self.0 {
            Output::Json(json) => json.get(),
            Output::Text { text, json } => {
                json.get_or_init(|| serde_json::Value::from(text.as_str()).to_string())
            }
        }
    }
}

impl From<serde_json::Value> for ToolOutput {
    fn from(value: serde_json::Value) -> Self {
        if let serde_json::Value::String(text) = value {
            return Self::text(text);
        }
        let json = serde_json::value::to_raw_value(&value);
        Self::from(json.expect("a JSON value always serialises"))
    }
}

impl From<Box<RawValue>> for ToolOutput {
    fn from(json: Box<RawValue>) -> Self {
        Self(Output::Json(json))
    }
}

/// A nested call that failed. The script's promise rejects with a `ToolError` of this message.
///
/// ```
/// use code_mode::{ToolError, ToolOutput};
///
/// let result = serde_json::value::to_raw_value(&serde_json::json!({ "isError": true }))?;
/// let error = ToolError::new("no such branch").with_result(result);
/// assert_eq!(error.to_string(), "no such branch");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ToolError {
    /// What the script, and through it the model, is told. Keep secrets out of it.
    pub message: String,
    /// What the script finds as `error.result`: the whole result of a tool that said it failed.
    pub result: Option<Box<RawValue>>,
}

impl ToolError {
    /// A failure with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            result: None,
        }
    }

    /// Adds what the script is to find as `error.result`, any JSON.
    #[must_use]
    pub fn with_result(mut self, result: Box<RawValue>) -> Self {
        self.result = Some(result);
        self
    }

    fn result_json(&self) -> Option<&str> {
        self.result.as_deref().map(RawValue::get)
    }
}

impl PartialEq for ToolError {
    /// Results are the same if their texts are.
    fn eq(&self, other: &Self) -> bool {
        self.message == other.message && self.result_json() == other.result_json()
    }
}

impl Eq for ToolError {}

/// What a script said with `notify`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Notification {
    /// The cell that speaks.
    pub cell_id: CellId,
    /// [`ExecuteRequest::tool_call_id`](crate::ExecuteRequest::tool_call_id) of that cell.
    pub tool_call_id: Arc<str>,
    /// What it said.
    pub text: String,
}

/// A future of the host's, as the engine keeps it.
pub(crate) type HostFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// [`Host`] behind a pointer, its futures owning what they need.
pub(crate) trait AnyHost: Send + Sync {
    fn invoke_tool(
        self: Arc<Self>,
        call: ToolCall,
        cancellation: CancellationToken,
    ) -> HostFuture<Result<ToolOutput, ToolError>>;
    fn notify(
        self: Arc<Self>,
        notification: Notification,
        cancellation: CancellationToken,
    ) -> HostFuture<()>;
    fn cell_closed(self: Arc<Self>, cell_id: CellId) -> HostFuture<()>;

    /// The host, if it is one of closures. Those hear of no cancellation, so that none of their calls
    /// needs a token before it has to wait: a token and a second future around the closure's own are a
    /// fifth of what a call costs that is answered at once.
    fn functions(&self) -> Option<&FunctionHost>;
}

impl<H: Host> AnyHost for H {
    fn functions(&self) -> Option<&FunctionHost> {
        (self as &dyn Any).downcast_ref()
    }

    fn invoke_tool(
        self: Arc<Self>,
        call: ToolCall,
        cancellation: CancellationToken,
    ) -> HostFuture<Result<ToolOutput, ToolError>> {
        Box::pin(async move { Host::invoke_tool(&*self, call, cancellation).await })
    }

    fn notify(
        self: Arc<Self>,
        notification: Notification,
        cancellation: CancellationToken,
    ) -> HostFuture<()> {
        Box::pin(async move { Host::notify(&*self, notification, cancellation).await })
    }

    fn cell_closed(self: Arc<Self>, cell_id: CellId) -> HostFuture<()> {
        Box::pin(async move { Host::cell_closed(&*self, cell_id).await })
    }
}

type Function = Box<dyn Fn(ToolCall) -> HostFuture<Result<ToolOutput, ToolError>> + Send + Sync>;

/// A host made of closures, for small uses: one closure a tool.
///
/// A call that is cancelled is dropped at once, wherever its closure's future stands.
///
/// ```
/// use code_mode::{FunctionHost, ToolDefinition, ToolOutput};
///
/// let host = FunctionHost::new().function(
///     ToolDefinition::freeform("shout", "Says it louder."),
///     |call| async move { Ok(ToolOutput::text(call.input.parse::<String>()?.to_uppercase())) },
/// );
/// assert_eq!(host.tools().len(), 1);
/// ```
#[derive(Default)]
pub struct FunctionHost {
    definitions: Vec<ToolDefinition>,
    /// By namespace, then by name.
    functions: HashMap<Option<String>, HashMap<String, Function>>,
}

impl FunctionHost {
    /// A host without tools.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool. One with the same namespace and name replaces the closure of the one before.
    #[must_use]
    pub fn function<F, R>(mut self, definition: ToolDefinition, function: F) -> Self
    where
        F: Fn(ToolCall) -> R + Send + Sync + 'static,
        R: Future<Output = Result<ToolOutput, ToolError>> + Send + 'static,
    {
        let function: Function = Box::new(move |call| Box::pin(function(call)));
        let namespace = self
            .functions
            .entry(definition.namespace.clone())
            .or_default();
        if namespace
            .insert(definition.name.clone(), function)
            .is_none()
        {
            self.definitions.push(definition);
        }
        self
    }

    /// The tools added so far, for [`ExecuteRequest::enabled_tools`](crate::ExecuteRequest::enabled_tools).
    pub fn tools(&self) -> ToolSet {
        ToolSet::new(self.definitions.iter().cloned())
    }

    /// Calls the closure of a tool. Nobody tells its future of a cancellation.
    pub(crate) fn start(&self, call: ToolCall) -> HostFuture<Result<ToolOutput, ToolError>> {
        let definition = &call.tool.definition;
        let namespace = self.functions.get(&definition.namespace);
        match namespace.and_then(|functions| functions.get(&definition.name)) {
            Some(function) => function(call),
            None => {
                let message = format!("the host has no function for tool {}", definition.name);
                Box::pin(std::future::ready(Err(ToolError::new(message))))
            }
        }
    }
}

impl Host for FunctionHost {
    async fn invoke_tool(
        &self,
        call: ToolCall,
        cancellation: CancellationToken,
    ) -> Result<ToolOutput, ToolError> {
        cancellation
            .run_until_cancelled(self.start(call))
            .await
            .unwrap_or_else(|| Err(ToolError::new("the call was cancelled")))
    }
}

/// Polls what a host method starts for the first time, its panics caught.
pub(crate) fn begin<T>(
    start: impl FnOnce() -> HostFuture<T>,
    context: &mut std::task::Context<'_>,
) -> Begun<T> {
    let polled = catch_unwind(AssertUnwindSafe(|| {
        let mut future = start();
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Ok(output),
            Poll::Pending => Err(future),
        }
    }));
    match polled {
        Ok(Ok(output)) => Begun::Done(Ok(output)),
        Ok(Err(future)) => Begun::Pending(future),
        Err(payload) => Begun::Done(Err(HostPanicked {
            message: panic_message(&*payload),
        })),
    }
}

/// Where a host future stands after its first poll.
pub(crate) enum Begun<T> {
    Done(Result<T, HostPanicked>),
    Pending(HostFuture<T>),
}

/// Calls a host method so that a panic in its synchronous part is caught too.
pub(crate) async fn contained<T>(start: impl FnOnce() -> HostFuture<T>) -> Result<T, HostPanicked> {
    use futures_util::FutureExt;

    AssertUnwindSafe(async { start().await })
        .catch_unwind()
        .await
        .map_err(|payload| HostPanicked {
            message: panic_message(&*payload),
        })
}

/// A callback of the host's that panicked.
#[derive(Debug, thiserror::Error)]
#[error("the host's code panicked: {message}")]
pub(crate) struct HostPanicked {
    message: String,
}

/// The text of a panic, where it has one.
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
