//! A session: the cells started in it and the values they share.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::runtime::{self, Handle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Span;

use super::calls::HostCalls;
use super::cell::{Cell, CellInfo, Unattended};
use super::delivery::{Delivered, Delivery, Terminator, Watcher};
use super::host::{AnyHost, Host};
use super::isolation::{Isolation, Runner};
use super::outputs::{KeptOutput, KeptOutputs, OutputError};
use super::request::{
    CellId, DEFAULT_EXEC_YIELD_TIME_MS, DEFAULT_WAIT_YIELD_TIME_MS, ExecuteError, ExecuteRequest,
    WaitError, WaitRequest, WaitUntil,
};
use super::spans;
use super::stored_values::{SessionValues, StoredValues};
use crate::description::ArgumentValidation;
use crate::limits::Limits;
use crate::response::{
    self, FormatOptions, FormattedResponse, RuntimeResponse, SharedCounter, TokenCounter,
};
use crate::runtime::{CellEvents, CellSource, CodeCache};
use crate::sync::lock;

/// From this yield time on a waiter gets [`YIELD_GRACE`] on top, so that a call of that very length
/// inside the script can still finish within one answer.
const LONG_YIELD: Duration = Duration::from_secs(10);
const YIELD_GRACE: Duration = Duration::from_secs(1);

/// How long a cancelled host future may take to return before it is dropped, unless told otherwise.
const DEFAULT_CANCELLATION_GRACE: Duration = Duration::from_secs(1);

/// The most tokens one answer shows a model, unless told otherwise.
const DEFAULT_MAX_OUTPUT_TOKENS: usize = 100_000;

/// Runs scripts as cells and keeps what they store. Sessions share nothing.
///
/// Cells are started from inside a tokio runtime whose time driver is enabled, and live on it.
/// Dropping the session ends its cells in the background; [`shutdown`](Self::shutdown) does so and
/// waits.
///
/// ```
/// use code_mode::{ExecuteRequest, FunctionHost, Session};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let session = Session::new(FunctionHost::new());
/// let response = session.execute(ExecuteRequest::new("text(6 * 7)")).await?;
/// assert_eq!(response.text(), "42");
/// # Ok(())
/// # }
/// ```
pub struct Session {
    state: Arc<SessionState>,
}

/// What a session shares with the control tasks of its cells.
pub(crate) struct SessionState {
    host: Arc<dyn AnyHost>,
    runner: Runner,
    limits: Limits,
    argument_validation: ArgumentValidation,
    max_yield_time: Option<Duration>,
    cancellation_grace: Duration,
    pub(crate) stored_values: Arc<SessionValues>,
    outputs: Arc<KeptOutputs>,
    code_cache: Arc<CodeCache>,
    max_output_tokens: usize,
    token_counter: SharedCounter,
    cells: Mutex<Cells>,
    /// Fires when the session ends; the parent of every cell's `stop_requested`.
    ended: CancellationToken,
    /// The control tasks.
    pub(crate) tasks: TaskTracker,
    /// The runtimes that tell when they go away.
    runtimes: Mutex<HashSet<runtime::Id>>,
    span: Span,
}

#[derive(Default)]
struct Cells {
    last_id: u64,
    /// From the start of a cell until its end was handed out.
    live: BTreeMap<CellId, Arc<Cell>>,
    /// Of the cells that are gone, those that were terminated; all others delivered a result.
    terminated: HashSet<CellId>,
    /// Of the cells that are gone, those whose threads are lost.
    lost: Vec<Arc<Cell>>,
    closed: bool,
}

impl Session {
    /// A session with default limits and no stored values.
    pub fn new(host: impl Host) -> Self {
        Self::builder().build(host)
    }

    /// Settings other than the defaults.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    /// Runs a script and answers at its end, at `yield_control()`, or when the yield time is up.
    ///
    /// # Errors
    /// When no cell could be started; see [`ExecuteError`].
    ///
    /// # Cancellation
    /// Dropping the future stops the waiting, not the cell: it goes on, listed by
    /// [`cells`](Self::cells), and answers the next [`wait`](Self::wait).
    pub async fn execute(&self, request: ExecuteRequest) -> Result<RuntimeResponse, ExecuteError> {
        Ok(self.start(request)?.response().await)
    }

    /// Starts a script and gives its id at once; [`StartedCell::response`] is the first answer.
    ///
    /// The `tracing` span `cell` is inside the span that is current here, or else inside the session's.
    ///
    /// # Errors
    /// When no cell could be started; see [`ExecuteError`].
    pub fn start(&self, request: ExecuteRequest) -> Result<StartedCell, ExecuteError> {
        let yield_time = request.yield_time_ms.unwrap_or(DEFAULT_EXEC_YIELD_TIME_MS);
        let deadline = self.state.deadline(yield_time);
        let (cell, watcher) = self.state.start(request)?;
        Ok(StartedCell {
            state: Arc::clone(&self.state),
            cell,
            watcher,
            deadline,
        })
    }

    /// Answers with what is new in a cell, or ends it.
    ///
    /// Without `terminate`: answers at the cell's end, at a yield, at new output if
    /// [`WaitUntil::NewOutput`] asks for it, and in any case when the yield time is up. With it:
    /// answers once the isolate is gone, its thread is through with it and every host callback has returned.
    ///
    /// # Errors
    /// When the cell has nothing more to say, or somebody else waits for it; see [`WaitError`].
    ///
    /// # Cancellation
    /// Dropping the future loses nothing: what it would have answered is there for the next `wait`.
    /// A termination under way goes on.
    ///
    /// # Examples
    /// ```
    /// use code_mode::{ExecuteRequest, FunctionHost, RuntimeResponse, Session, WaitRequest};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let session = Session::new(FunctionHost::new());
    /// let endless = ExecuteRequest::new("text('a'); for (;;) {}").yield_time_ms(10);
    /// let first = session.execute(endless).await?;
    /// assert!(matches!(first, RuntimeResponse::Yielded { .. }));
    ///
    /// let end = session.wait(WaitRequest::terminate(first.cell_id())).await?;
    /// assert!(matches!(end, RuntimeResponse::Terminated { .. }));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait(&self, request: WaitRequest) -> Result<RuntimeResponse, WaitError> {
        let cell = self.state.find(request.cell_id)?;
        let answer = if request.terminate {
            let terminator = Terminator::new(&cell.delivery)?;
            cell.stop_requested.cancel();
            cell.attend();
            terminator.answer().await
        } else {
            let yield_time = request.yield_time_ms.unwrap_or(DEFAULT_WAIT_YIELD_TIME_MS);
            let deadline = self.state.deadline(yield_time);
            let watcher = Watcher::new(&cell.delivery, request.until)?;
            watcher.answer(deadline).await
        };
        self.state.forget_if_delivered(&cell);
        Ok(answer)
    }

    /// What a model is to read of an answer of this session's.
    ///
    /// The first item is a header of status and wall time, then come the items of the answer, then the
    /// error text of a script that failed. What costs more than the budget is cut in the middle; the
    /// whole is kept, and a line in the place of the middle says how a later script reads it with
    /// `load_output`.
    ///
    /// Counted are texts, the error text and audio: ten tokens a second of sound, which is as long as
    /// the header of a WAV file says, and of other recordings is guessed from their size at a usual bit
    /// rate. The header, the words before the error text and the lines that say what was left out are not counted, at most 200
    /// tokens as counted by default. Of the budget:
    ///
    /// 1. the error text takes what it needs. One that costs more than the whole budget is cut to the
    ///    budget, or to 256 tokens if the budget is less: half of that from its first line on, half up
    ///    to its end;
    /// 2. audio takes what it costs. Audio and images always stay, whatever the budget;
    /// 3. the texts share the rest: half for the first of them, half for the last, order kept.
    ///
    /// Counts all of the output, so it takes time for outputs of many megabytes; called twice for an
    /// answer, it keeps that twice.
    ///
    /// # Examples
    /// ```
    /// use std::time::Instant;
    /// use code_mode::{ContentItem, ExecuteRequest, FormatOptions, FunctionHost, Session};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let session = Session::new(FunctionHost::new());
    /// let request = ExecuteRequest::new("for (let i = 0; i < 1000; i++) text(`line ${i}`)");
    /// let (start, budget) = (Instant::now(), request.max_output_tokens);
    /// let response = session.execute(request).await?;
    /// let options = FormatOptions::new(start.elapsed()).max_tokens(budget);
    /// let formatted = session.format(&response, options);
    /// assert!(formatted.success && formatted.truncated.is_none());
    ///
    /// let options = FormatOptions::new(start.elapsed()).max_tokens(100);
    /// let formatted = session.format(&response, options);
    /// let ContentItem::Text { text: warning } = &formatted.content_items[1] else { panic!() };
    /// assert!(warning.starts_with("Warning: truncated output (original token count: "));
    /// let whole = session.output(&formatted.truncated.unwrap().handle.to_string())?;
    /// assert_eq!(whole.lines().count(), 1000);
    /// # Ok(())
    /// # }
    /// ```
    pub fn format(&self, response: &RuntimeResponse, options: FormatOptions) -> FormattedResponse {
        let state = &self.state;
        response::format(
            response,
            &options,
            state.max_output_tokens,
            &*state.token_counter.0,
            |text, tokens| state.outputs.keep(response.cell_id(), text, tokens),
        )
    }

    /// The outputs that are kept because [`format`](Self::format) cut them, oldest first.
    ///
    /// ```
    /// use std::time::Duration;
    /// use code_mode::{ExecuteRequest, FormatOptions, FunctionHost, Session};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let session = Session::new(FunctionHost::new());
    /// let response = session.execute(ExecuteRequest::new("text('x'.repeat(1000))")).await?;
    /// session.format(&response, FormatOptions::new(Duration::ZERO).max_tokens(10));
    /// assert_eq!(session.outputs()[0].handle.to_string(), "out-1-1");
    ///
    /// let later = ExecuteRequest::new("text(load_output('out-1-1', { start: -3 }))");
    /// assert_eq!(session.execute(later).await?.text(), "xxx");
    /// # Ok(())
    /// # }
    /// ```
    pub fn outputs(&self) -> Vec<KeptOutput> {
        self.state.outputs.list()
    }

    /// The whole text of a kept output: the text items and, as `Script error:` and the error text,
    /// what went wrong, joined by newlines.
    ///
    /// # Errors
    /// When there is none under this handle, or no more; see [`OutputError`].
    pub fn output(&self, handle: &str) -> Result<Arc<str>, OutputError> {
        self.state.outputs.get(handle)
    }

    /// The cells that run, or have ended and were not read yet, or whose threads are
    /// [lost](crate::containment), by id.
    pub fn cells(&self) -> Vec<CellInfo> {
        let mut cells = lock(&self.state.cells);
        cells.lost.retain(|cell| cell.is_lost());
        let all = cells.live.values().chain(&cells.lost);
        let mut all: Vec<_> = all.map(|cell| cell.info()).collect();
        all.sort_by_key(|cell| cell.cell_id);
        all
    }

    /// The stored values as committed so far.
    pub fn stored_values(&self) -> StoredValues {
        self.state.stored_values.snapshot()
    }

    /// Refuses new cells, ends the live ones, and returns when they are gone: isolates, threads, host
    /// callbacks and `cell_closed`. Results that were not read yet can still be read.
    ///
    /// # Cancellation
    /// Dropping the future stops the waiting; the cells end all the same.
    pub async fn shutdown(&self) {
        self.state.close();
        self.state.tasks.wait().await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.state.close();
    }
}

impl SessionState {
    fn close(&self) {
        let live: Vec<_> = {
            let mut cells = lock(&self.cells);
            cells.closed = true;
            cells.live.values().cloned().collect()
        };
        self.ended.cancel();
        for cell in live {
            cell.attend();
        }
        self.tasks.close();
    }

    fn deadline(&self, yield_time_ms: u64) -> Instant {
        const AS_GOOD_AS_NEVER: Duration = Duration::from_secs(60 * 60 * 24 * 365);
        let asked = Duration::from_millis(yield_time_ms).min(AS_GOOD_AS_NEVER);
        let granted = self.max_yield_time.map_or(asked, |most| asked.min(most));
        let grace = if granted >= LONG_YIELD {
            YIELD_GRACE
        } else {
            Duration::ZERO
        };
        Instant::now() + granted + grace
    }

    fn start(
        self: &Arc<Self>,
        request: ExecuteRequest,
    ) -> Result<(Arc<Cell>, Watcher), ExecuteError> {
        let runtime = Handle::try_current().map_err(|_| ExecuteError::NoRuntime)?;
        let (bytes, max_bytes) = (request.source.len(), self.limits.max_source_bytes);
        if bytes > max_bytes {
            return Err(ExecuteError::SourceTooLarge { bytes, max_bytes });
        }

        // Held until the cell is listed: the limit is exact, and a shutdown sees every cell.
        let mut cells = lock(&self.cells);
        if cells.closed {
            return Err(ExecuteError::ShutDown);
        }
        if cells.live.len() >= self.limits.max_live_cells {
            let live = cells.live.keys().copied().collect();
            return Err(ExecuteError::TooManyCells { live });
        }
        let id = CellId(cells.last_id + 1);
        let span = spans::cell(&self.span, id, &request.tool_call_id);
        let (isolate, ends, thread) = self.runner.prepare(&self.limits);
        let cell = Arc::new_cyclic(|this| Cell {
            id,
            tool_call_id: request.tool_call_id.into(),
            started: std::time::Instant::now(),
            isolate,
            delivery: Arc::new(Delivery::new(id, self.limits.max_output_bytes)),
            draft: self.stored_values.draft(request.stored_values),
            outputs: Arc::clone(&self.outputs),
            calls: HostCalls::new(
                Arc::clone(&self.host),
                runtime.clone(),
                self.cancellation_grace,
                span,
            ),
            stop_requested: self.ended.child_token(),
            this: this.clone(),
            unattended: Mutex::new(Some(Unattended {
                session: Arc::clone(self),
                thread,
                _counted: self.tasks.token(),
            })),
            ended_by_thread: AtomicBool::new(false),
        });
        let source = CellSource {
            source: request.source,
            tools: request.enabled_tools,
            limits: self.limits.clone(),
            argument_validation: self.argument_validation,
            code_cache: Arc::clone(&self.code_cache),
        };
        let events: Arc<dyn CellEvents> = Arc::clone(&cell) as _;
        let name = format!("code-mode-{id}");
        if let Err(error) = self.runner.spawn(name, source, &cell.isolate, ends, events) {
            // It holds the session, which holds it.
            lock(&cell.unattended).take();
            return Err(error);
        }
        let watcher = Watcher::new(&cell.delivery, WaitUntil::YieldTime)
            .expect("nobody else knows the cell yet");
        cells.last_id = id.0;
        cells.live.insert(id, Arc::clone(&cell));
        drop(cells);
        self.watch(&runtime);
        Ok((cell, watcher))
    }

    /// Has a runtime tell when it goes away: a task of it is dropped then.
    fn watch(self: &Arc<Self>, runtime: &Handle) {
        let id = runtime.id();
        if !lock(&self.runtimes).insert(id) {
            return;
        }
        let lives = RuntimeLives {
            id,
            session: Arc::downgrade(self),
        };
        let ended = self.ended.clone();
        runtime.spawn(async move {
            let _lives = lives;
            ended.cancelled().await;
        });
    }

    fn find(&self, id: CellId) -> Result<Arc<Cell>, WaitError> {
        let cells = lock(&self.cells);
        if let Some(cell) = cells.live.get(&id) {
            return Ok(Arc::clone(cell));
        }
        Err(if id.0 == 0 || id.0 > cells.last_id {
            WaitError::Unknown(id)
        } else if cells.terminated.contains(&id) {
            WaitError::AlreadyTerminated(id)
        } else {
            WaitError::AlreadyDelivered(id)
        })
    }

    fn forget_if_delivered(&self, cell: &Cell) {
        let Some(delivered) = cell.delivery.delivered() else {
            return;
        };
        let mut cells = lock(&self.cells);
        if let Some(cell) = cells.live.remove(&cell.id)
            && cell.is_lost()
        {
            cells.lost.push(cell);
        }
        if delivered == Delivered::Termination {
            cells.terminated.insert(cell.id);
        }
    }
}

/// Held by a task of a runtime, for as long as that runtime lives.
struct RuntimeLives {
    id: runtime::Id,
    session: Weak<SessionState>,
}

impl Drop for RuntimeLives {
    /// Cells on a runtime that is gone cannot be attended, and are ended by the attempt.
    fn drop(&mut self) {
        let Some(session) = self.session.upgrade() else {
            return;
        };
        lock(&session.runtimes).remove(&self.id);
        let live: Vec<_> = lock(&session.cells).live.values().cloned().collect();
        for cell in live {
            if cell.calls.runtime().id() == self.id {
                cell.attend();
            }
        }
    }
}

/// A cell that was just started, and the right to its first answer.
///
/// Dropped without asking for it, the cell goes on and answers the next `wait`.
///
/// ```
/// use code_mode::{ExecuteRequest, FunctionHost, Session};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let session = Session::new(FunctionHost::new());
/// let started = session.start(ExecuteRequest::new("text('hello')"))?;
/// assert_eq!(started.cell_id().to_string(), "1");
/// assert_eq!(started.response().await.text(), "hello");
/// # Ok(())
/// # }
/// ```
pub struct StartedCell {
    state: Arc<SessionState>,
    cell: Arc<Cell>,
    watcher: Watcher,
    deadline: Instant,
}

impl StartedCell {
    /// The id of the cell: known before its first answer, so that nested calls can be attributed.
    pub fn cell_id(&self) -> CellId {
        self.cell.id
    }

    /// Asks for the first answer to be given at new output too.
    #[must_use]
    pub fn until(self, until: WaitUntil) -> Self {
        self.watcher.set_until(until);
        self
    }

    /// The first answer: at the cell's end, at a yield, or when the yield time is up, counted from
    /// the start.
    pub async fn response(self) -> RuntimeResponse {
        let response = self.watcher.answer(self.deadline).await;
        self.state.forget_if_delivered(&self.cell);
        response
    }
}

/// Settings of a [`Session`].
///
/// ```
/// use std::time::Duration;
/// use code_mode::{FunctionHost, Limits, Session};
///
/// let session = Session::builder()
///     .limits(Limits::default().cpu_time(Duration::from_secs(5)))
///     .max_yield_time(Duration::from_secs(30))
///     .build(FunctionHost::new());
/// assert!(session.cells().is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct SessionBuilder {
    isolation: Isolation,
    limits: Limits,
    argument_validation: ArgumentValidation,
    stored_values: StoredValues,
    max_yield_time: Option<Duration>,
    cancellation_grace: Option<Duration>,
    max_output_tokens: Option<usize>,
    token_counter: SharedCounter,
}

impl SessionBuilder {
    /// Where the session's cells run. Default [`Isolation::InProcess`].
    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// What the session's cells may use. Default [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether nested calls are checked against the input schemas of their tools before the host is
    /// called. Default [`ArgumentValidation::On`].
    #[must_use]
    pub fn argument_validation(mut self, validation: ArgumentValidation) -> Self {
        self.argument_validation = validation;
        self
    }

    /// The values the session starts with. Default none. They count against
    /// [`Limits::max_stored_bytes`], but are never refused.
    #[must_use]
    pub fn stored_values(mut self, values: StoredValues) -> Self {
        self.stored_values = values;
        self
    }

    /// The longest yield time a request gets, whatever it asks for. Default: what it asks for.
    #[must_use]
    pub fn max_yield_time(mut self, most: Duration) -> Self {
        self.max_yield_time = Some(most);
        self
    }

    /// How long a host future may go on after its token fired before it is dropped. Default 1 s.
    #[must_use]
    pub fn cancellation_grace(mut self, grace: Duration) -> Self {
        self.cancellation_grace = Some(grace);
        self
    }

    /// The most tokens [`Session::format`] gives an answer, whatever it is asked for. Default 100,000.
    #[must_use]
    pub fn max_output_tokens(mut self, most: usize) -> Self {
        self.max_output_tokens = Some(most);
        self
    }

    /// What counts tokens for [`Session::format`]. Default [`ApproximateTokens`](crate::ApproximateTokens).
    #[must_use]
    pub fn token_counter(mut self, counter: impl TokenCounter + 'static) -> Self {
        self.token_counter = SharedCounter(Arc::new(counter));
        self
    }

    /// The session. Starts no thread and no task yet.
    pub fn build(self, host: impl Host) -> Session {
        let max_stored_bytes = self.limits.max_stored_bytes;
        let max_kept_output_bytes = self.limits.max_kept_output_bytes;
        Session {
            state: Arc::new(SessionState {
                host: Arc::new(host),
                runner: Runner::new(self.isolation),
                limits: self.limits,
                argument_validation: self.argument_validation,
                max_yield_time: self.max_yield_time,
                cancellation_grace: self
                    .cancellation_grace
                    .unwrap_or(DEFAULT_CANCELLATION_GRACE),
                stored_values: Arc::new(SessionValues::new(self.stored_values, max_stored_bytes)),
                outputs: Arc::new(KeptOutputs::new(max_kept_output_bytes)),
                code_cache: Arc::default(),
                max_output_tokens: self.max_output_tokens.unwrap_or(DEFAULT_MAX_OUTPUT_TOKENS),
                token_counter: self.token_counter,
                cells: Mutex::default(),
                ended: CancellationToken::new(),
                tasks: TaskTracker::new(),
                runtimes: Mutex::default(),
                span: spans::session(),
            }),
        }
    }
}
