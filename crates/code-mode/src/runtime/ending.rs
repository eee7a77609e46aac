//! How the end of a cell gets from its thread to the outside: once, whoever says it.
//!
//! Usually that is the thread itself. For a thread that is lost it is whoever gives the cell up, and the
//! thread, should it come back, finds everything said.

use std::ops::Deref;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use super::control::IsolateControl;
use super::events::{CellEvents, Outcome};
use crate::sync::lock;

/// What is still to be said of a cell's end; empty before the cell is on its way to a thread.
#[derive(Default)]
pub(super) struct Ending(Mutex<Unsaid>);

#[derive(Default)]
struct Unsaid {
    outcome: Option<oneshot::Sender<Option<Outcome>>>,
    farewell: Option<Farewell>,
}

/// Tells, when it is dropped, that the thread has nothing of the cell any more.
struct Farewell {
    gone: Option<oneshot::Sender<()>>,
    events: Option<Arc<dyn CellEvents>>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        if let Some(gone) = self.gone.take() {
            let _ = gone.send(());
        }
        if let Some(events) = self.events.take() {
            events.gone();
        }
    }
}

impl Ending {
    /// Whom the end is to be told.
    pub(super) fn entrust(
        &self,
        outcome: oneshot::Sender<Option<Outcome>>,
        gone: oneshot::Sender<()>,
        events: Arc<dyn CellEvents>,
    ) {
        *lock(&self.0) = Unsaid {
            outcome: Some(outcome),
            farewell: Some(Farewell {
                gone: Some(gone),
                events: Some(events),
            }),
        };
    }

    /// The right, and the duty, to say how the script ended. `None` if somebody has it already.
    pub(super) fn take_outcome(&self) -> Option<oneshot::Sender<Option<Outcome>>> {
        lock(&self.0).outcome.take()
    }

    /// Says that the thread has nothing of the cell any more. No outcome is said after that.
    pub(super) fn say_farewell(&self) {
        let unsaid = std::mem::take(&mut *lock(&self.0));
        drop(unsaid);
    }

    /// Says nothing, ever: nobody has heard of the cell.
    fn forget(&self) {
        if let Some(farewell) = &mut lock(&self.0).farewell {
            farewell.events = None;
        }
    }
}

/// A cell on its way to a thread, or with one. When this is dropped all is said that is not said yet.
pub(super) struct Entrusted(Arc<IsolateControl>);

impl Entrusted {
    /// Takes over a cell that has somebody to tell its end.
    pub(super) fn new(control: Arc<IsolateControl>) -> Self {
        Self(control)
    }

    /// Takes a cell back that nobody has heard of.
    pub(super) fn withdraw(self) {
        self.ending().forget();
    }
}

impl Deref for Entrusted {
    type Target = Arc<IsolateControl>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for Entrusted {
    fn drop(&mut self) {
        self.ending().say_farewell();
    }
}
