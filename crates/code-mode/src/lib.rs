//! Runs scripts that a language model wrote, each in a V8 isolate of its own, inside your process.
//!
//! Instead of calling tools one by one, a model sends one JavaScript program. It runs as a **cell**:
//! a fresh isolate on its own thread, with no I/O, whose only way out are the tools you offer. A cell
//! that takes long *yields*: you get its output so far, and [`Session::wait`] goes on watching it or
//! ends it.
//!
//! ```
//! use code_mode::{ExecuteRequest, FunctionHost, Session, ToolDefinition, ToolOutput};
//! use serde_json::json;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let add = ToolDefinition::function("add", "Adds a and b.");
//! let host = FunctionHost::new().function(add, |call| async move {
//!     let input: serde_json::Value = call.input.parse()?;
//!     let sum = input["a"].as_f64().unwrap_or(0.0) + input["b"].as_f64().unwrap_or(0.0);
//!     Ok(ToolOutput::from(json!(sum)))
//! });
//! let tools = host.tools();
//! let session = Session::new(host);
//!
//! let script = "const sums = await Promise.all([1, 2, 3].map((n) => tools.add({ a: n, b: 10 })));
//!               text(sums);";
//! let response = session
//!     .execute(ExecuteRequest::new(script).enabled_tools(tools))
//!     .await?;
//! assert_eq!(response.text(), "[11,12,13]");
//! # Ok(())
//! # }
//! ```
//!
//! # What the model writes
//!
//! A script is an ES module with top-level `await`. TypeScript runs too: types are taken out where they
//! stand, so that errors name the lines and columns of the text that was sent. So does a script in one
//! Markdown code fence. [`parse_exec_source`] reads the pragma, a first line in which a script says how
//! long to wait and how much output to show. Errors end with a hint where they come of a usual slip,
//! such as a missing `await`.
//!
//! # What the model reads
//!
//! [`Session::format`] turns an answer into the items to show a model: a header, the output, and what
//! went wrong, within a budget of tokens. Text over the budget is cut in the middle, and nothing is
//! lost: the session keeps the whole under a handle, which the marker in the place of the middle names.
//! A later script reads it with `load_output(handle, { start, end, grep })`, the host with
//! [`Session::output`]. [`Limits::max_kept_output_bytes`] says how much is kept.
//!
//! # What scripts have
//!
//! The language with its built-ins and all of `Intl`, the helpers (`text`, `store`, `tools` and the
//! rest; [`build_exec_tool_description`] lists them for a model), and these names as their standards
//! have them:
//!
//! | Names | Notes |
//! |---|---|
//! | `setTimeout`, `clearTimeout`, `setInterval`, `clearInterval`, `queueMicrotask` | an exception in a callback fails the cell; no delay is raised to a least one |
//! | `URL`, `URLSearchParams` | IDNA included |
//! | `TextEncoder`, `TextDecoder` | UTF-8; other labels are a `RangeError` |
//! | `atob`, `btoa`, `structuredClone` | |
//! | `EventTarget`, `Event`, `AbortController`, `AbortSignal`, `DOMException` | an exception in a listener fails the cell, after the other listeners; `tools.x(args, { signal })` cancels the call |
//! | `performance` | `now()` in whole milliseconds since the cell started, `timeOrigin` |
//! | `crypto` | `randomUUID()`, `getRandomValues(array)` |
//!
//! They are properties of the global object that `Object.keys` does not list, like the helpers. There
//! is no network, no file system, no `process` and no `require`.
//!
//! # Many tools
//!
//! [`ToolSet::search`], in scripts `search_tools(query, { server, limit })`, ranks tools by what a question
//! in plain words means. A description of `exec` within
//! [a budget](ExecDescriptionOptions::max_tokens) declares as many tools as fit, names others and counts
//! the rest, so that thousands of tools need no more of a prompt than a few.
//!
//! A tool with [`raw_results`](ToolDefinition::raw_results) has a second function, `tools.name.raw(args)`,
//! for the result as it came. A tool that fails can hand on its whole result
//! ([`ToolError::with_result`]), which scripts find as `error.result`.
//!
//! # How fast it is
//!
//! A few isolates of the process stand by ([`standby`]), so that an exec of a short script takes about a
//! tenth of a millisecond; no script runs in an isolate that ran another one. Host futures are polled
//! first on the cell's thread, so that one which is ready at once costs a few microseconds; [`Host`] says
//! what that asks of it. Scripts pay for the tools they touch, and a session keeps the compiled code of
//! scripts that it runs again.
//!
//! # Scripts that mean harm
//!
//! [`Limits`] hold every script. One that V8 cannot serve or stop is given up, and whoever waits for it is
//! answered: see [`containment`]. On `x86_64-unknown-linux-gnu`, with the V8 of this project, none of some
//! three hundred hostile scripts ends or freezes the process; what V8 takes outside of its heap has no
//! bound there, and a hole in V8 is a hole in your process. Cells of a session with another [`Isolation`],
//! behind the feature `worker-processes`, run in processes that the kernel leaves nothing but V8.
//!
//! # Watching it
//!
//! The crate opens three [`tracing`](https://docs.rs/tracing) spans of the target `code_mode`, level INFO:
//!
//! | Span | Fields | Inside |
//! |---|---|---|
//! | `session` | | the span that is current where the session is built |
//! | `cell` | `cell_id`, `tool_call_id` | the span that is current at [`Session::start`] or [`Session::execute`], else `session` |
//! | `call` | `tool`, `call_id` | `cell` |
//!
//! The futures of [`Host::invoke_tool`] run inside `call`, those of [`Host::notify`] and
//! [`Host::cell_closed`] inside `cell`. Nothing that a script said is in a field. Without a subscriber
//! the spans cost next to nothing.
//!
//! The crate does no I/O of its own but for the sockets of worker processes, knows nothing of MCP, and has no opinion about the host beyond
//! the [`Host`] trait.

#![warn(missing_docs)]

pub mod containment;
mod description;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod limits;
mod response;
mod runtime;
mod service;
mod source;
pub mod standby;
mod sync;
#[cfg(all(unix, feature = "worker-processes"))]
pub mod worker;

pub use description::{
    ArgumentValidation, DEFAULT_MAX_DECLARATION_BYTES, ExecDescriptionOptions, MCP_RESULT_TYPES,
    OpenObjects, RenderOptions, RenderedType, SchemaUse, Tool, ToolDefinition, ToolKind, ToolSet,
    UncheckedPart, UnknownServer, WaitDescriptionOptions, augment_tool_definition,
    build_exec_tool_description, build_type_declarations, build_wait_tool_description,
    build_wait_tool_description_with, mcp_structured_content, render_schema, render_schema_within,
};
pub use limits::Limits;
pub use response::{
    ApproximateTokens, ContentItem, FormatOptions, FormattedResponse, ImageDetail, RuntimeResponse,
    TokenCounter, UnknownImageDetail,
};
pub use service::{
    CellId, CellInfo, CellState, DEFAULT_EXEC_YIELD_TIME_MS,
    DEFAULT_MAX_OUTPUT_TOKENS_PER_EXEC_CALL, DEFAULT_WAIT_YIELD_TIME_MS, ExecuteError,
    ExecuteRequest, FunctionHost, Host, InvalidCellId, Isolation, KeptOutput, Notification,
    OutputError, OutputHandle, Session, SessionBuilder, StartedCell, StoredValues, ToolCall,
    ToolError, ToolInput, ToolOutput, WaitError, WaitRequest, WaitUntil,
};
pub use source::{ExecSource, ExecSourceError, parse_exec_source};
pub use tokio_util::sync::CancellationToken;
