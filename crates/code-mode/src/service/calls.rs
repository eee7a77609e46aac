//! Nested calls and notifications of one cell: host futures as tasks of the embedder's runtime.
//!
//! Started straight from the cell's thread; each answers that thread itself, so that no task stands
//! between the two.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

use super::cell::Cell;
use super::host::{AnyHost, Notification, ToolCall, ToolError, contained};
use super::spans;
use crate::runtime::Command;
use crate::sync::lock;

/// The host's side of one cell. Owned by the cell; ended by its control task, which cancels the
/// tokens and waits for the trackers.
pub(crate) struct HostCalls {
    host: Arc<dyn AnyHost>,
    runtime: Handle,
    grace: Duration,
    pending: AtomicUsize,
    calls: TaskTracker,
    calls_cancelled: CancellationToken,
    /// The token of each call under way, a child of `calls_cancelled`, by the call's id.
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

    pub(crate) fn set_pending(&self, count: usize) {
        self.pending.store(count, Ordering::Relaxed);
    }

    pub(crate) fn pending(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }

    /// Runs a nested call; its end goes to the cell's thread.
    pub(crate) fn start_call(&self, cell: Arc<Cell>, call: ToolCall) {
        let call_id = call.call_id;
        let reply = Reply {
            cell,
            command: Some(Command::CallSettled {
                call_id,
                result: Err(ToolError::new(
                    "the runtime of the host was shut down during the call",
                )),
            }),
        };
        let host = Arc::clone(&self.host);
        let token = self.calls_cancelled.child_token();
        let cancelled = token.clone();
        lock(&self.tokens).insert(call_id, token.clone());
        let grace = self.grace;
        let span = spans::call(&lock(&self.span), &call);
        let task = async move {
            let answer = contained(move || host.invoke_tool(call, token));
            let result = match with_grace(answer, &cancelled, grace).await {
                Some(Ok(result)) => result,
                Some(Err(panicked)) => Err(ToolError::new(panicked.to_string())),
                None => Err(ToolError::new("the call was cancelled")),
            };
            lock(&reply.cell.calls.tokens).remove(&call_id);
            reply.send(Command::CallSettled { call_id, result });
        };
        self.calls.spawn_on(task.instrument(span), &self.runtime);
    }

    /// Runs a notification; its end goes to the cell's thread.
    pub(crate) fn start_notification(&self, cell: Arc<Cell>, notification: Notification) {
        let reply = Reply {
            cell,
            command: Some(Command::NotificationDone),
        };
        let host = Arc::clone(&self.host);
        let token = self.notifications_cancelled.child_token();
        let cancelled = token.clone();
        let grace = self.grace;
        let task = async move {
            let heard = contained(move || host.notify(notification, token));
            // A host that panics or is too slow has not heard it; the script is not told.
            let _: Option<Result<(), _>> = with_grace(heard, &cancelled, grace).await;
            reply.send(Command::NotificationDone);
        };
        let span = lock(&self.span).clone();
        self.notifications
            .spawn_on(task.instrument(span), &self.runtime);
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
}

/// Runs a host future to its end, or to `grace` after its cancellation.
async fn with_grace<T>(
    future: impl Future<Output = T>,
    cancelled: &CancellationToken,
    grace: Duration,
) -> Option<T> {
    let mut future = std::pin::pin!(future);
    tokio::select! {
        biased;
        output = &mut future => Some(output),
        () = cancelled.cancelled() => tokio::time::timeout(grace, future).await.ok(),
    }
}

/// Makes sure a script hears of every call it made, even one whose task is dropped.
struct Reply {
    cell: Arc<Cell>,
    /// What is said if nothing else is.
    command: Option<Command>,
}

impl Reply {
    fn send(mut self, command: Command) {
        self.command = None;
        self.cell.isolate.send(command);
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(command) = self.command.take() {
            self.cell.isolate.send(command);
        }
    }
}
