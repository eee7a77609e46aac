//! Where the cells of a session run, and how they are reached there.

use std::sync::Arc;
use std::time::Duration;

use super::request::ExecuteError;
use crate::limits::Limits;
use crate::runtime::{
    self, CellEvents, CellIsolate, CellSource, CellThread, Command, Lost, StopReason, ThreadEnds,
};
#[cfg(all(unix, feature = "worker-processes"))]
use crate::worker;

/// Where the cells of a session run.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Isolation {
    /// On threads of this process.
    #[default]
    InProcess,
    /// In worker processes; see [`worker`].
    #[cfg(all(unix, feature = "worker-processes"))]
    Process(worker::Pool),
}

/// What starts the cells of a session.
pub(crate) enum Runner {
    InProcess,
    #[cfg(all(unix, feature = "worker-processes"))]
    Process(worker::SessionWorkers),
}

/// How others reach a cell.
pub(crate) enum RunningCell {
    InProcess(CellIsolate),
    #[cfg(all(unix, feature = "worker-processes"))]
    Process(worker::RemoteCell),
}

/// What [`Runner::spawn`] needs beside the cell.
pub(crate) struct Ends(Option<ThreadEnds>);

impl Runner {
    pub(crate) fn new(isolation: Isolation) -> Self {
        match isolation {
            Isolation::InProcess => Self::InProcess,
            #[cfg(all(unix, feature = "worker-processes"))]
            Isolation::Process(pool) => Self::Process(worker::SessionWorkers::new(pool)),
        }
    }

    /// All ends of a cell, before it runs anywhere.
    pub(crate) fn prepare(&self, limits: &Limits) -> (RunningCell, Ends, CellThread) {
        match self {
            Self::InProcess => {
                let (isolate, ends, thread) = CellIsolate::prepare(limits);
                (RunningCell::InProcess(isolate), Ends(Some(ends)), thread)
            }
            #[cfg(all(unix, feature = "worker-processes"))]
            Self::Process(_) => {
                let (cell, thread) = worker::RemoteCell::prepare(limits);
                (RunningCell::Process(cell), Ends(None), thread)
            }
        }
    }

    /// Has a cell's script run.
    ///
    /// # Errors
    /// When there is no thread or worker to be had for it; then nothing is heard of it any more.
    pub(crate) fn spawn(
        &self,
        name: String,
        source: CellSource,
        cell: &RunningCell,
        ends: Ends,
        events: Arc<dyn CellEvents>,
    ) -> Result<(), ExecuteError> {
        match (self, cell, ends) {
            (_, RunningCell::InProcess(isolate), Ends(Some(ends))) => {
                Ok(runtime::spawn(name, source, isolate, ends, events)?)
            }
            #[cfg(all(unix, feature = "worker-processes"))]
            (Self::Process(workers), RunningCell::Process(cell), _) => workers
                .spawn(name, source, cell, events)
                .map_err(ExecuteError::NoWorker),
            _ => unreachable!("a cell is started where it was prepared"),
        }
    }
}

impl RunningCell {
    /// Wakes the script with something it waits for. Ignored once it has ended.
    pub(crate) fn send(&self, command: Command) {
        match self {
            Self::InProcess(isolate) => isolate.send(command),
            #[cfg(all(unix, feature = "worker-processes"))]
            Self::Process(cell) => cell.send(command),
        }
    }

    /// Ends the script, running or waiting; false if it had ended, or was ended, already.
    pub(crate) fn stop(&self, reason: StopReason) -> bool {
        match self {
            Self::InProcess(isolate) => isolate.stop(reason),
            #[cfg(all(unix, feature = "worker-processes"))]
            Self::Process(cell) => cell.stop(reason),
        }
    }

    /// Time spent in JavaScript.
    pub(crate) fn cpu_used(&self) -> Duration {
        match self {
            Self::InProcess(isolate) => isolate.control().cpu_used(),
            #[cfg(all(unix, feature = "worker-processes"))]
            Self::Process(cell) => cell.cpu_used(),
        }
    }

    /// Heap and ArrayBuffer bytes at the last look.
    pub(crate) fn heap_used(&self) -> usize {
        match self {
            Self::InProcess(isolate) => isolate.control().heap_used(),
            #[cfg(all(unix, feature = "worker-processes"))]
            Self::Process(cell) => cell.heap_used(),
        }
    }

    /// How its thread in this process is lost, if it is.
    pub(crate) fn lost(&self) -> Option<Lost> {
        match self {
            Self::InProcess(isolate) => isolate.control().lost(),
            #[cfg(all(unix, feature = "worker-processes"))]
            Self::Process(_) => None,
        }
    }

    /// How long host code held up the script, or those beside it; short pieces not counted.
    pub(crate) fn outside_took(&self) -> Duration {
        match self {
            Self::InProcess(isolate) => isolate.control().outside_took(),
            #[cfg(all(unix, feature = "worker-processes"))]
            Self::Process(cell) => cell.outside_took(),
        }
    }
}
