//! Running a piece of a script, and what is told when it fails.

use super::errors::{self, Description, Uncaught};
use super::script::Script;

/// Why a script did not run to its end.
pub(super) enum Failure {
    /// It cannot be compiled or linked.
    Refused(Description),
    /// It failed by itself.
    Threw(Description),
    /// It was stopped; the reason is in the control block.
    Interrupted,
}

impl Failure {
    /// The same, of a script that did not come to run.
    pub(super) fn before_it_ran(self) -> Self {
        match self {
            Self::Threw(description) => Self::Refused(description),
            other => other,
        }
    }
}

/// Runs pieces of the script and words what they throw.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) script: &'a Script,
    /// The text that was sent, which code frames show.
    pub(super) source: &'a str,
}

impl Attempt<'_> {
    /// Runs one piece; it gives `None` if it threw or was stopped.
    pub(super) fn run<'s, 'i, T>(
        &self,
        scope: &mut v8::PinScope<'s, 'i>,
        piece: impl FnOnce(&mut v8::PinScope<'s, 'i>) -> Option<T>,
    ) -> Result<T, Failure> {
        v8::tc_scope!(let scope, scope);
        if let Some(value) = piece(scope) {
            return Ok(value);
        }
        if scope.has_terminated() || self.script.control.reason().is_some() {
            return Err(Failure::Interrupted);
        }
        let Some(exception) = scope.exception() else {
            return Err(Failure::Interrupted);
        };
        let uncaught = Uncaught {
            exception,
            message: scope.message(),
            place: None,
        };
        scope.reset();
        Err(Failure::Threw(errors::describe(
            scope,
            uncaught,
            self.source,
        )))
    }
}
