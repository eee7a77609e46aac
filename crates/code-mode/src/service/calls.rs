//! Nested calls and notifications of one cell: host futures, on the cell's thread and on the embedder's
//! runtime.
//!
//! A host future is polled first where the script made the call, on the cell's thread. Many are done
//! then, and the call has cost no switch of threads, which takes longer than all the rest of it. One
//! that is not becomes a task of the runtime, and answers the cell's thread itself, so that no task
//! stands between the two.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::{Instrument, Span};

use super::cell::Cell;
use super::host::{
    self, AnyHost, Begun, HostFuture, HostPanicked, Notification, ToolCall, ToolError, ToolOutput,
    contained,
};
use super::spans;
use crate::runtime::{Command, StopReason};
use crate::sync::lock;

/// How a nested call ended.
pub(crate) type CallResult = Result<ToolOutput, ToolError>;

/// How long the slow ones among the first polls of a cell may take together before its futures all go to the runtime.
const FIRST_POLLS_MAY_TAKE: Duration = Duration::from_millis(10);

/// The host's side of one cell. Owned by the cell; ended by its control task, which cancels the
/// tokens and waits for the trackers.
pub(crate) struct HostCalls {
    host: Arc<dyn AnyHost>,
    runtime: Handle,
    grace: Duration,
    pending: AtomicUsize,
    calls: TaskTracker,
    calls_cancelled: CancellationToken,
    /// The token of each call that did not return at once, a child of `calls_cancelled`, by the call's id.
    tokens: Mutex<HashMap<u64, CancellationToken>>,
    notifications: TaskTracker,
    notifications_cancelled: CancellationToken,
    /// The cell's, until it is closed.
    span: Mutex<Span>,
}

impl HostCalls {
    pub(crate) fn new(
        host: Arc<dyn AnyHost>,
        runtime: Handle,
        grace: Duration,
        span: Span,
    ) -> Self {
        Self {
            host,
            runtime,
            grace,
            pending: AtomicUsize::new(0),
            calls: TaskTracker::new(),
            calls_cancelled: CancellationToken::new(),
            tokens: Mutex::default(),
            notifications: TaskTracker::new(),
            notifications_cancelled: CancellationToken::new(),
            span: Mutex::new(span),
        }
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) fn set_pending(&self, count: usize) {
        self.pending.store(count, Ordering::Relaxed);
    }

    pub(crate) fn pending(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }

    /// Runs a nested call. Its result, if the host has it at once; else it goes to the cell's thread.
    pub(crate) fn start_call(&self, cell: Arc<Cell>, call: ToolCall) -> Option<CallResult> {
        let call_id = call.call_id;
        let span = spans::call(&lock(&self.span), &call);
        let (begun, cancellation) = self.begin_call(&cell, &span, call);
        let answer = match begun {
            Begun::Done(answer) => return Some(settled(Some(answer))),
            Begun::Pending(answer) => contained(move || answer).instrument(span),
        };
        let Cancellation { cancelled, grace } = cancellation.unwrap_or_else(|| Cancellation {
            cancelled: self.calls_cancelled.child_token(),
            grace: None,
        });
        let reply = Reply {
            cell,
            command: Some(Command::CallSettled {
                call_id,
                result: Err(ToolError::new(
                    "the runtime of the host was shut down during the call",
                )),
            }),
        };
        lock(&self.tokens).insert(call_id, cancelled.clone());
        let task = async move {
            let result = settled(with_grace(answer, &cancelled, grace).await);
            lock(&reply.cell.calls.tokens).remove(&call_id);
            reply.send(Command::CallSettled { call_id, result });
        };
        self.calls.spawn_on(task, &self.runtime);
        None
    }

    /// Begins a nested call, with the cancellation that the host was told of, if it is told of any.
    fn begin_call(
        &self,
        cell: &Cell,
        span: &Span,
        call: ToolCall,
    ) -> (Begun<CallResult>, Option<Cancellation>) {
        let host = Arc::clone(&self.host);
        if host.functions().is_some() {
            let start = move || host.functions().expect("as before").start(call);
            return (self.begin(cell, span, start), None);
        }
        let token = self.calls_cancelled.child_token();
        let cancellation = Cancellation {
            cancelled: token.clone(),
            grace: Some(self.grace),
        };
        let start = move || host.invoke_tool(call, token);
        (self.begin(cell, span, start), Some(cancellation))
    }

    /// Runs a notification. Whether the host has heard it at once; else the cell's thread is told.
    pub(crate) fn start_notification(&self, cell: Arc<Cell>, notification: Notification) -> bool {
        let done = Command::NotificationDone {
            bytes: notification.text.len(),
        };
        let host = Arc::clone(&self.host);
        let token = self.notifications_cancelled.child_token();
        let cancelled = token.clone();
        let span = lock(&self.span).clone();
        let start = move || host.notify(notification, token);
        let heard = match self.begin(&cell, &span, start) {
            Begun::Done(_) => return true,
            Begun::Pending(heard) => contained(move || heard).instrument(span),
        };
        let reply = Reply {
            cell,
            command: Some(done),
        };
        let grace = Some(self.grace);
        let task = async move {
            // A host that panics or is too slow has not heard it; the script is not told.
            let _: Option<Result<(), _>> = with_grace(heard, &cancelled, grace).await;
            reply.say();
        };
        self.notifications.spawn_on(task, &self.runtime);
        false
    }

    /// Starts a host future and polls it for the first time, here, as inside the runtime. Only starts it
    /// if the futures of this cell have shown that they take their time: those are for the runtime, which
    /// runs them beside the script and beside each other.
    fn begin<T: Send + 'static>(
        &self,
        cell: &Cell,
        span: &Span,
        start: impl FnOnce() -> HostFuture<T> + Send + 'static,
    ) -> Begun<T> {
        if cell.isolate.outside_took() >= FIRST_POLLS_MAY_TAKE {
            return Begun::Pending(Box::pin(async move { start().await }));
        }
        let _inside = self.runtime.enter();
        // Whoever it would wake is woken again by the task that polls it next.
        let context = &mut Context::from_waker(Waker::noop());
        let begin = || span.in_scope(|| host::begin(start, context));
        spans::heard_by(span, begin)
    }

    /// Cancels one nested call; nothing if it has returned.
    pub(crate) fn cancel_call(&self, call_id: u64) {
        let token = lock(&self.tokens).remove(&call_id);
        if let Some(token) = token {
            token.cancel();
        }
    }

    /// Cancels nested calls; [`calls_returned`](Self::calls_returned) tells when they are gone.
    pub(crate) fn cancel_calls(&self) {
        self.calls_cancelled.cancel();
    }

    /// Whether no nested call and no notification is under way.
    pub(crate) fn have_returned(&self) -> bool {
        self.calls.is_empty() && self.notifications.is_empty()
    }

    pub(crate) async fn calls_returned(&self) {
        self.calls.close();
        self.calls.wait().await;
    }

    pub(crate) fn cancel_notifications(&self) {
        self.notifications_cancelled.cancel();
    }

    pub(crate) async fn notifications_returned(&self) {
        self.notifications.close();
        self.notifications.wait().await;
    }

    /// Tells the host that the cell is closed.
    pub(crate) async fn cell_closed(&self, cell_id: super::CellId) {
        let host = Arc::clone(&self.host);
        let span = std::mem::replace(&mut *lock(&self.span), Span::none());
        let heard = contained(move || host.cell_closed(cell_id)).instrument(span);
        // A panic here has nobody left to tell.
        let _: Result<(), _> = heard.await;
    }

    /// The same from the cell's thread. What the host does not do at once becomes a task, which holds
    /// `counted` until it is done.
    pub(crate) fn close_cell(&self, cell: &Cell, counted: TaskTrackerToken) {
        let span = std::mem::replace(&mut *lock(&self.span), Span::none());
        let (host, cell_id) = (Arc::clone(&self.host), cell.id);
        if let Begun::Pending(closing) = self.begin(cell, &span, move || host.cell_closed(cell_id))
        {
            let closing = contained(move || closing).instrument(span);
            self.runtime.spawn(async move {
                let _: Result<(), _> = closing.await;
                drop(counted);
            });
        }
    }
}

/// The result of a call whose host future returned, panicked, or was dropped.
fn settled(answer: Option<Result<CallResult, HostPanicked>>) -> CallResult {
    match answer {
        Some(Ok(result)) => result,
        Some(Err(panicked)) => Err(ToolError::new(panicked.to_string())),
        None => Err(ToolError::new("the call was cancelled")),
    }
}

/// How a nested call that waits is cancelled.
struct Cancellation {
    cancelled: CancellationToken,
    /// How long the host may go on after that; without it the future is dropped at once.
    grace: Option<Duration>,
}

/// Runs a host future to its end, or to `grace` after its cancellation.
async fn with_grace<T>(
    future: impl Future<Output = T>,
    cancelled: &CancellationToken,
    grace: Option<Duration>,
) -> Option<T> {
    let mut future = std::pin::pin!(future);
    tokio::select! {
        biased;
        output = &mut future => Some(output),
        () = cancelled.cancelled() => tokio::time::timeout(grace?, future).await.ok(),
    }
}

/// Makes sure a script hears of every call it made, even one whose task is dropped: then the runtime is
/// gone, and the cell goes with it.
struct Reply {
    cell: Arc<Cell>,
    /// What is said if nothing else is.
    command: Option<Command>,
}

impl Reply {
    /// Says what is said in any case.
    fn say(mut self) {
        if let Some(command) = self.command.take() {
            self.cell.isolate.send(command);
        }
    }

    fn send(mut self, command: Command) {
        self.command = None;
        self.cell.isolate.send(command);
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(command) = self.command.take() {
            self.cell.isolate.stop(StopReason::Terminated);
            self.cell.isolate.send(command);
        }
    }
}
