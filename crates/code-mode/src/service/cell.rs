//! One cell: what its thread, its control task and its waiters share, and the control task itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::calls::{CallResult, HostCalls};
use super::delivery::{Delivery, End};
use super::host::{Notification, ToolCall};
use super::isolation::RunningCell;
use super::outputs::KeptOutputs;
use super::request::CellId;
use super::session::SessionState;
use super::stored_values::Draft;
use crate::response::ContentItem;
use crate::runtime::{CellEvents, CellThread, Lost, NestedCall, Outcome, Refused, StopReason};
use crate::sync::lock;

/// A cell from its start until its end was handed out. Owned by its session; its thread and its host
/// calls hold it as long as they run.
pub(crate) struct Cell {
    pub(crate) id: CellId,
    pub(crate) tool_call_id: Arc<str>,
    pub(crate) started: Instant,
    pub(crate) isolate: RunningCell,
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) draft: Draft,
    /// Its session's.
    pub(crate) outputs: Arc<KeptOutputs>,
    pub(crate) calls: HostCalls,
    /// Fires when the cell is to be ended: by a terminating `wait`, or with its session.
    pub(crate) stop_requested: CancellationToken,
    /// The cell as its thread's callbacks pass it on.
    pub(crate) this: std::sync::Weak<Cell>,
    /// Until its control task is started.
    pub(crate) unattended: Mutex<Option<Unattended>>,
    /// Whether its thread has made its end known, and nothing is left to wait for.
    pub(crate) ended_by_thread: AtomicBool,
}

/// What the control task of a cell will need.
///
/// A cell whose script ends at once, as most do, has no use for a task meanwhile: it would only take a
/// processor from the script. So the task is started when the script waits for the first time, when it
/// has run for some milliseconds, when somebody ends it, or at the latest when it has ended.
pub(crate) struct Unattended {
    pub(crate) session: Arc<SessionState>,
    pub(crate) thread: CellThread,
    /// Counts the task before it is there.
    pub(crate) _counted: TaskTrackerToken,
}

impl Cell {
    /// Tells the host that the cell is closed, without a control task if there was none so far.
    fn close(&self) {
        if let Some(Unattended { _counted, .. }) = lock(&self.unattended).take() {
            self.calls.close_cell(self, _counted);
        }
    }

    /// Starts the control task, once.
    pub(crate) fn attend(&self) {
        let Some(unattended) = lock(&self.unattended).take() else {
            return;
        };
        let Some(this) = self.this.upgrade() else {
            return;
        };
        let Unattended {
            session,
            thread,
            _counted,
        } = unattended;
        let control = control(this, Arc::clone(&session), thread);
        session.tasks.spawn_on(control, self.calls.runtime());
    }
}

impl CellEvents for Cell {
    fn output(&self, items: Vec<ContentItem>) -> Result<(), Refused> {
        self.delivery
            .push(items)
            .map_err(|full| Refused(full.to_string()))
    }

    fn start_call(&self, call: NestedCall) -> Option<CallResult> {
        let this = self.this.upgrade()?;
        let call = ToolCall {
            cell_id: self.id,
            tool_call_id: Arc::clone(&self.tool_call_id),
            call_id: call.call_id,
            tool: call.tool,
            input: call.input,
            raw: call.raw,
        };
        self.calls.start_call(this, call)
    }

    fn cancel_call(&self, call_id: u64) {
        self.calls.cancel_call(call_id);
    }

    fn start_notification(&self, text: String) -> bool {
        let Some(this) = self.this.upgrade() else {
            return true;
        };
        let notification = Notification {
            cell_id: self.id,
            tool_call_id: Arc::clone(&self.tool_call_id),
            text,
        };
        self.calls.start_notification(this, notification)
    }

    fn yielded(&self) {
        #[cfg(test)]
        assert_ne!(&*self.tool_call_id, tests::FAILS, "the engine, in a test");
        self.delivery.push_yield();
    }

    fn load(&self, key: &str) -> Option<Arc<RawValue>> {
        self.draft.load(key)
    }

    fn store(&self, key: String, json: Option<Box<RawValue>>) -> Result<(), Refused> {
        self.draft
            .store(key, json)
            .map_err(|full| Refused(full.to_string()))
    }

    fn load_output(&self, handle: &str) -> Result<Arc<str>, Refused> {
        self.outputs
            .get(handle)
            .map_err(|error| Refused(format!("load_output: {error}")))
    }

    fn calls_pending(&self, count: usize) {
        self.calls.set_pending(count);
    }

    /// A script that left nothing behind is answered from here, without waking its control task first.
    fn ended(&self, outcome: Outcome) -> Option<Outcome> {
        let error_text = match outcome {
            Outcome::Success if self.calls.have_returned() => None,
            Outcome::Failure(error_text) if self.calls.have_returned() => Some(error_text),
            outcome => return Some(outcome),
        };
        self.ended_by_thread.store(true, Ordering::Release);
        self.delivery.push_end(|| End::Result {
            stored_values: self.draft.commit(),
            error_text,
        });
        None
    }

    fn goes_on(&self) {
        self.attend();
    }

    fn gone(&self) {
        if self.ended_by_thread.load(Ordering::Acquire) {
            self.close();
        } else {
            self.attend();
        }
    }
}

/// Sees a cell from its thread's start to `cell_closed`. Runs as a task of the embedder's runtime;
/// if that runtime goes away, even before the task first runs, the cell is stopped and its waiters
/// are told.
fn control(
    cell: Arc<Cell>,
    session: Arc<SessionState>,
    thread: CellThread,
) -> impl Future<Output = ()> {
    let unfinished = Unfinished(Arc::clone(&cell));
    async move {
        let _unfinished = unfinished;
        see_through(cell, session, thread).await;
    }
}

async fn see_through(cell: Arc<Cell>, session: Arc<SessionState>, thread: CellThread) {
    let CellThread { mut outcome, gone } = thread;
    let settled = tokio::select! {
        biased;
        () = cell.stop_requested.cancelled() => None,
        outcome = &mut outcome => Some(outcome),
    };
    let outcome = match settled {
        Some(outcome) => outcome,
        None => {
            // False means that the script had ended by itself: then that is how it ended.
            cell.isolate.stop(StopReason::Terminated);
            cell.calls.cancel_calls();
            cell.calls.cancel_notifications();
            outcome.await
        }
    };
    let outcome = outcome.unwrap_or_else(|_| {
        Some(Outcome::RuntimeFailure(
            "the engine's thread of this cell ended unexpectedly; this cell is lost, the session goes on"
                .to_owned(),
        ))
    });
    if let Some(outcome) = outcome {
        end(&cell, &session, outcome, gone).await;
    } else {
        release(&cell, gone).await;
    }
    cell.calls.cell_closed(cell.id).await;
}

/// Ends a cell whose thread could not do so by itself.
async fn end(cell: &Cell, session: &SessionState, outcome: Outcome, gone: oneshot::Receiver<()>) {
    let end = match outcome {
        Outcome::Success => complete(cell, None).await,
        Outcome::Failure(error_text) => complete(cell, Some(error_text)).await,
        Outcome::Stopped => End::Terminated,
        Outcome::RuntimeFailure(error_text) => End::Result {
            stored_values: session.stored_values.snapshot(),
            error_text: Some(error_text),
        },
    };
    match end {
        End::Result { .. } => {
            cell.delivery.push_end(|| end);
            release(cell, gone).await;
        }
        End::Terminated => {
            release(cell, gone).await;
            cell.delivery.push_end(|| end);
        }
    }
}

/// Waits for what a script that ended by itself left behind, then commits its writes. A termination
/// that comes meanwhile still is one: nothing is committed.
async fn complete(cell: &Cell, error_text: Option<String>) -> End {
    cell.calls.cancel_calls();
    let all_returned = async {
        cell.calls.calls_returned().await;
        cell.calls.notifications_returned().await;
    };
    tokio::select! {
        biased;
        () = all_returned => {}
        () = cell.stop_requested.cancelled() => return End::Terminated,
    }
    End::Result {
        stored_values: cell.draft.commit(),
        error_text,
    }
}

/// Waits until the isolate is gone, its thread has let go of the cell and every host callback has
/// returned.
async fn release(cell: &Cell, gone: oneshot::Receiver<()>) {
    cell.calls.cancel_calls();
    cell.calls.cancel_notifications();
    // Closed without a word if the thread failed while it took the isolate down; it is gone then too.
    let _ = gone.await;
    cell.calls.calls_returned().await;
    cell.calls.notifications_returned().await;
}

/// Ends a cell whose control task is dropped before its time, because the runtime was shut down.
/// Changes nothing of one that has ended.
struct Unfinished(Arc<Cell>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.isolate.stop(StopReason::Terminated);
        self.0.delivery.push_end(|| End::Terminated);
    }
}

/// Where a live cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CellState {
    /// Its script runs, or waits for tools or timers.
    Running,
    /// It is being ended.
    Terminating,
    /// It has ended, and its last answer waits to be read.
    Finished,
    /// It has ended, and its thread sleeps for good with what the script held:
    /// see [`containment`](crate::containment).
    Parked,
    /// It has ended, and its thread runs on in a built-in function that cannot be interrupted.
    Wedged,
}

/// A live cell as [`Session::cells`](crate::Session::cells) shows it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CellInfo {
    /// Its id.
    pub cell_id: CellId,
    /// The caller's name for the call that started it.
    pub tool_call_id: String,
    /// Where it stands.
    pub state: CellState,
    /// Time since it was started.
    pub age: Duration,
    /// Time spent in JavaScript.
    pub cpu_used: Duration,
    /// Heap and ArrayBuffer bytes when last looked at: before each wait for the outside, and every
    /// few milliseconds of computing.
    pub heap_used_bytes: usize,
    /// Nested calls that wait for the host.
    pub pending_calls: usize,
}

impl Cell {
    /// Whether its thread is lost.
    pub(crate) fn is_lost(&self) -> bool {
        self.isolate.lost().is_some()
    }

    fn state(&self) -> CellState {
        match self.isolate.lost() {
            Some(Lost::Parked) => CellState::Parked,
            Some(Lost::Wedged) => CellState::Wedged,
            None if self.delivery.has_ended() => CellState::Finished,
            None if self.delivery.is_terminating() => CellState::Terminating,
            None => CellState::Running,
        }
    }

    pub(crate) fn info(&self) -> CellInfo {
        CellInfo {
            cell_id: self.id,
            tool_call_id: self.tool_call_id.to_string(),
            state: self.state(),
            age: self.started.elapsed(),
            cpu_used: self.isolate.cpu_used(),
            heap_used_bytes: self.isolate.heap_used(),
            pending_calls: self.calls.pending(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{ExecuteRequest, FunctionHost, RuntimeResponse, Session};

    /// The call whose cell's engine fails when its script yields.
    pub(super) const FAILS: &str = "the engine fails";

    #[tokio::test]
    async fn a_failure_of_the_runtime_fails_that_cell_in_words_and_the_session_goes_on() {
        let session = Session::new(FunctionHost::new());
        let failing = ExecuteRequest::new("text('a'); store('k', 1); yield_control(); text('b')")
            .tool_call_id(FAILS);
        let response = session.execute(failing).await.unwrap();
        assert!(matches!(response, RuntimeResponse::Result { .. }));
        let error = response.error_text().unwrap();
        assert!(error.contains("the engine failed"), "{error}");
        assert!(error.contains("the session goes on"), "{error}");
        assert!(response.text().starts_with('a'));
        assert!(session.stored_values().is_empty());

        let response = session.execute(ExecuteRequest::new("text(1)")).await;
        assert_eq!(response.unwrap().text(), "1");
    }
}
