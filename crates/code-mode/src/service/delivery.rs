//! What a cell has for whoever waits for it: output, a yield, its end.
//!
//! A waiter takes what there is in the very poll that answers it. A waiter that is dropped has
//! therefore taken nothing, and what it would have got is there for the next one.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::request::{CellId, WaitError, WaitUntil};
use super::stored_values::StoredValues;
use crate::response::{ContentItem, RuntimeResponse};
use crate::sync::lock;

/// How a cell ended, as its last answer says.
#[derive(Debug, Clone)]
pub(crate) enum End {
    Result {
        stored_values: StoredValues,
        error_text: Option<String>,
    },
    Terminated,
}

/// Shared by a cell's thread, which fills it, its control task, which ends it, and its waiters.
pub(crate) struct Delivery {
    cell_id: CellId,
    max_bytes: usize,
    state: Mutex<State>,
    /// Rings for the waiters at a yield and at the end, and at output if one of them asked for it.
    changed: Notify,
}

#[derive(Default)]
struct State {
    items: Vec<ContentItem>,
    bytes: usize,
    yielded: bool,
    end: Option<End>,
    /// Whether the end was handed out.
    delivered: bool,
    watcher: Option<WaitUntil>,
    terminator: bool,
    terminating: bool,
}

impl State {
    fn delivered(&self) -> Option<Delivered> {
        match &self.end {
            Some(End::Result { .. }) if self.delivered => Some(Delivered::Result),
            Some(End::Terminated) if self.delivered => Some(Delivered::Termination),
            _ => None,
        }
    }

    fn take_items(&mut self) -> Vec<ContentItem> {
        self.bytes = 0;
        std::mem::take(&mut self.items)
    }
}

/// What became of a cell that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivered {
    Result,
    Termination,
}

impl Delivered {
    pub(crate) fn error(self, cell_id: CellId) -> WaitError {
        match self {
            Self::Result => WaitError::AlreadyDelivered(cell_id),
            Self::Termination => WaitError::AlreadyTerminated(cell_id),
        }
    }
}

/// Output that would not fit.
#[derive(Debug, thiserror::Error)]
#[error(
    "the cell holds {held} bytes of output that nobody has read and may hold {max_bytes}; \
     put less into it, or call yield_control() and wait for a reader"
)]
pub(crate) struct OutputFull {
    held: usize,
    max_bytes: usize,
}

impl Delivery {
    pub(crate) fn new(cell_id: CellId, max_bytes: usize) -> Self {
        Self {
            cell_id,
            max_bytes,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Takes all of the items or none. What comes after the end, from a script that could not be stopped,
    /// is nobody's.
    pub(crate) fn push(&self, items: Vec<ContentItem>) -> Result<(), OutputFull> {
        let bytes: usize = items.iter().map(ContentItem::held_bytes).sum();
        let mut state = lock(&self.state);
        if state.end.is_some() {
            return Ok(());
        }
        if state.bytes + bytes > self.max_bytes {
            return Err(OutputFull {
                held: state.bytes,
                max_bytes: self.max_bytes,
            });
        }
        state.bytes += bytes;
        state.items.extend(items);
        let wanted = state.watcher == Some(WaitUntil::NewOutput);
        drop(state);
        if wanted {
            self.changed.notify_waiters();
        }
        Ok(())
    }

    pub(crate) fn push_yield(&self) {
        lock(&self.state).yielded = true;
        self.changed.notify_waiters();
    }

    /// Makes the end known, once; `end` is asked only if there is none yet.
    pub(crate) fn push_end(&self, end: impl FnOnce() -> End) {
        lock(&self.state).end.get_or_insert_with(end);
        self.changed.notify_waiters();
    }

    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.state).end.is_some()
    }

    pub(crate) fn is_terminating(&self) -> bool {
        lock(&self.state).terminating
    }

    /// How the cell ended, once that was handed out.
    pub(crate) fn delivered(&self) -> Option<Delivered> {
        lock(&self.state).delivered()
    }

    fn yielded(&self, state: &mut State) -> RuntimeResponse {
        state.yielded = false;
        RuntimeResponse::Yielded {
            cell_id: self.cell_id,
            content_items: state.take_items(),
        }
    }

    /// The answer to a cell's end, for the one it is handed out to.
    fn ended(&self, state: &mut State, end: End) -> RuntimeResponse {
        state.delivered = true;
        let items = state.take_items();
        self.end_with(end, items)
    }

    fn end_with(&self, end: End, content_items: Vec<ContentItem>) -> RuntimeResponse {
        let cell_id = self.cell_id;
        match end {
            End::Terminated => RuntimeResponse::Terminated {
                cell_id,
                content_items,
            },
            End::Result {
                stored_values,
                error_text,
            } => RuntimeResponse::Result {
                cell_id,
                content_items,
                stored_values,
                error_text,
            },
        }
    }
}

/// The right to watch a cell, held by one at a time; given back when dropped.
pub(crate) struct Watcher {
    delivery: Arc<Delivery>,
}

impl Watcher {
    /// Becomes the one who watches.
    pub(crate) fn new(delivery: &Arc<Delivery>, until: WaitUntil) -> Result<Self, WaitError> {
        let mut state = lock(&delivery.state);
        if let Some(delivered) = state.delivered() {
            return Err(delivered.error(delivery.cell_id));
        }
        if state.watcher.is_some() {
            return Err(WaitError::Busy(delivery.cell_id));
        }
        state.watcher = Some(until);
        drop(state);
        Ok(Self {
            delivery: Arc::clone(delivery),
        })
    }

    pub(crate) fn set_until(&self, until: WaitUntil) {
        lock(&self.delivery.state).watcher = Some(until);
    }

    /// The next answer: at the cell's end, at a yield, at new output if asked for, or at the deadline.
    pub(crate) async fn answer(self, deadline: Instant) -> RuntimeResponse {
        loop {
            let changed = self.delivery.changed.notified();
            if let Some(answer) = self.answer_now() {
                return answer;
            }
            tokio::select! {
                biased;
                () = changed => {}
                () = tokio::time::sleep_until(deadline) => {
                    return self.answer_now().unwrap_or_else(|| {
                        self.delivery.yielded(&mut lock(&self.delivery.state))
                    });
                }
            }
        }
    }

    fn answer_now(&self) -> Option<RuntimeResponse> {
        let mut state = lock(&self.delivery.state);
        if let Some(end) = state.end.clone() {
            let terminators = state.terminator && matches!(end, End::Terminated);
            // The items go to one of the two who may be here, to the terminator if it is one's.
            return Some(if state.delivered || terminators {
                self.delivery.end_with(end, Vec::new())
            } else {
                self.delivery.ended(&mut state, end)
            });
        }
        let news = state.watcher == Some(WaitUntil::NewOutput) && !state.items.is_empty();
        (state.yielded || news).then(|| self.delivery.yielded(&mut state))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        lock(&self.delivery.state).watcher = None;
    }
}

/// The right to a termination's answer; given back when dropped, though the termination goes on.
/// Stands beside the watcher and displaces nobody: both hear of the end, one of them gets the items.
pub(crate) struct Terminator {
    delivery: Arc<Delivery>,
}

impl Terminator {
    /// Becomes the one who ends the cell.
    pub(crate) fn new(delivery: &Arc<Delivery>) -> Result<Self, WaitError> {
        let mut state = lock(&delivery.state);
        if let Some(delivered) = state.delivered() {
            return Err(delivered.error(delivery.cell_id));
        }
        if state.terminator || (state.terminating && state.end.is_none()) {
            return Err(WaitError::TerminationUnderWay(delivery.cell_id));
        }
        state.terminator = true;
        state.terminating = true;
        drop(state);
        Ok(Self {
            delivery: Arc::clone(delivery),
        })
    }

    /// The cell's end: `Terminated`, or its `Result` if it was done before.
    pub(crate) async fn answer(self) -> RuntimeResponse {
        loop {
            let changed = self.delivery.changed.notified();
            if let Some(answer) = self.answer_now() {
                return answer;
            }
            changed.await;
        }
    }

    fn answer_now(&self) -> Option<RuntimeResponse> {
        let mut state = lock(&self.delivery.state);
        let end = state.end.clone()?;
        Some(if state.delivered {
            self.delivery.end_with(end, Vec::new())
        } else {
            self.delivery.ended(&mut state, end)
        })
    }
}

impl Drop for Terminator {
    fn drop(&mut self) {
        lock(&self.delivery.state).terminator = false;
    }
}
