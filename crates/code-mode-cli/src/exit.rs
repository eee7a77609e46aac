//! How the command ends, as its caller sees it.

use std::process::ExitCode;

use crate::signals::Signal;

/// Every way to end. The help of `run` lists the same codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The script ended well.
    Success,
    /// The script failed, ran into a limit or `--timeout`, or its output or store could not be written.
    Failure,
    /// Nothing was run: wrong usage, a file that cannot be read, or what `--check` found.
    NothingRan,
    /// Ended by a signal.
    Signalled(Signal),
    /// Ended by another signal before the end that the first had asked for: nothing is to be waited for.
    SignalledAgain(Signal),
    /// Whoever read standard output went away.
    PipeClosed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::NothingRan => 2,
            // What a shell reports of a process that the signal killed: 128 and its number.
            Exit::Signalled(Signal::Interrupt) | Exit::SignalledAgain(Signal::Interrupt) => 130,
            Exit::Signalled(Signal::Terminate) | Exit::SignalledAgain(Signal::Terminate) => 143,
            Exit::PipeClosed => 141,
        })
    }
}
