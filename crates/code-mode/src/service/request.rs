//! What a caller hands in, and what is refused before a cell exists.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::stored_values::StoredValues;
use crate::description::ToolSet;
use crate::runtime::SpawnError;

/// How long `execute` waits for its first answer unless told otherwise, in milliseconds.
pub const DEFAULT_EXEC_YIELD_TIME_MS: u64 = 10_000;
/// How long `wait` waits unless told otherwise, in milliseconds.
pub const DEFAULT_WAIT_YIELD_TIME_MS: u64 = 10_000;
/// How many tokens of output an `exec` shows a model unless told otherwise.
pub const DEFAULT_MAX_OUTPUT_TOKENS_PER_EXEC_CALL: usize = 10_000;

/// Names a cell within its session: a number from 1, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellId(pub(crate) u64);

impl fmt::Display for CellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for CellId {
    /// As the decimal text a model sees.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Text that is no cell id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{given:?} is not a cell id; cell ids are the decimal numbers that exec answers with, such as 3"
)]
pub struct InvalidCellId {
    /// The text that was given.
    pub given: String,
}

impl FromStr for CellId {
    type Err = InvalidCellId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits_only = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits_only && number > 0 => Ok(Self(number)),
            _ => Err(InvalidCellId {
                given: text.to_owned(),
            }),
        }
    }
}

/// One script to run.
///
/// ```
/// use code_mode::ExecuteRequest;
///
/// let request = ExecuteRequest::new("text(1 + 1)").yield_time_ms(2_000);
/// assert_eq!(request.yield_time_ms, Some(2_000));
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ExecuteRequest {
    /// The caller's own name for this call; handed back with every nested call. Default empty.
    pub tool_call_id: String,
    /// The tools the script may call. Default none.
    pub enabled_tools: ToolSet,
    /// The script: one ES module.
    pub source: String,
    /// Values laid over the session's for this cell alone; committed only if the script stores them.
    pub stored_values: StoredValues,
    /// How long to wait for the first answer, in milliseconds. Default
    /// [`DEFAULT_EXEC_YIELD_TIME_MS`]. From 10 s on, one second of grace is added.
    pub yield_time_ms: Option<u64>,
    /// How many tokens of output to show a model. Default
    /// [`DEFAULT_MAX_OUTPUT_TOKENS_PER_EXEC_CALL`]. Not used by `execute`, which cuts nothing: hand it
    /// to [`FormatOptions::max_tokens`](crate::FormatOptions::max_tokens).
    pub max_output_tokens: Option<usize>,
}

impl ExecuteRequest {
    /// A request with every other field at its default.
    pub fn new(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            ..Self::default()
        }
    }

    /// Sets the caller's name for this call.
    #[must_use]
    pub fn tool_call_id(mut self, id: impl Into<String>) -> Self {
        self.tool_call_id = id.into();
        self
    }

    /// Sets the tools the script may call.
    #[must_use]
    pub fn enabled_tools(mut self, tools: impl Into<ToolSet>) -> Self {
        self.enabled_tools = tools.into();
        self
    }

    /// Lays values over the session's.
    #[must_use]
    pub fn stored_values(mut self, values: StoredValues) -> Self {
        self.stored_values = values;
        self
    }

    /// Sets how long to wait for the first answer.
    #[must_use]
    pub fn yield_time_ms(mut self, milliseconds: u64) -> Self {
        self.yield_time_ms = Some(milliseconds);
        self
    }

    /// Sets how many tokens of output to show.
    #[must_use]
    pub fn max_output_tokens(mut self, tokens: usize) -> Self {
        self.max_output_tokens = Some(tokens);
        self
    }
}

/// What a `wait` is to be answered at, besides completion, a yield and the end of its time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitUntil {
    /// Nothing else: new output waits with the cell.
    #[default]
    YieldTime,
    /// New output too, so that an answer before the time is up always carries something.
    NewOutput,
}

/// A further look at a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitRequest {
    /// The cell to watch.
    pub cell_id: CellId,
    /// How long to wait, in milliseconds. Default [`DEFAULT_WAIT_YIELD_TIME_MS`]. From 10 s on, one
    /// second of grace is added. Not used by a termination, which takes as long as it takes.
    pub yield_time_ms: Option<u64>,
    /// End the cell instead of watching it. Default no.
    pub terminate: bool,
    /// What else to be answered at. Default: nothing.
    pub until: WaitUntil,
    /// How many tokens of output to show a model. Default
    /// [`DEFAULT_MAX_OUTPUT_TOKENS_PER_EXEC_CALL`]. Not used by `wait`, which cuts nothing: hand it to
    /// [`FormatOptions::max_tokens`](crate::FormatOptions::max_tokens).
    pub max_tokens: Option<usize>,
}

impl WaitRequest {
    /// Watches a cell.
    pub fn new(cell_id: CellId) -> Self {
        Self {
            cell_id,
            yield_time_ms: None,
            terminate: false,
            until: WaitUntil::default(),
            max_tokens: None,
        }
    }

    /// Ends a cell.
    pub fn terminate(cell_id: CellId) -> Self {
        Self {
            terminate: true,
            ..Self::new(cell_id)
        }
    }

    /// Sets how long to wait.
    #[must_use]
    pub fn yield_time_ms(mut self, milliseconds: u64) -> Self {
        self.yield_time_ms = Some(milliseconds);
        self
    }

    /// Asks to be answered at new output too.
    #[must_use]
    pub fn until(mut self, until: WaitUntil) -> Self {
        self.until = until;
        self
    }

    /// Sets how many tokens of output to show.
    #[must_use]
    pub fn max_tokens(mut self, tokens: usize) -> Self {
        self.max_tokens = Some(tokens);
        self
    }
}

/// Why no cell was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The script is longer than [`Limits::max_source_bytes`](crate::Limits::max_source_bytes).
    #[error(
        "the script has {bytes} bytes and {max_bytes} are allowed; move data out of it, into tools or stored values"
    )]
    SourceTooLarge {
        /// Size of the script in bytes.
        bytes: usize,
        /// The limit in bytes.
        max_bytes: usize,
    },
    /// The session has [`Limits::max_live_cells`](crate::Limits::max_live_cells) cells already.
    #[error(
        "{} cells are live, as many as are allowed: {}; read or terminate one with wait first",
        live.len(),
        list(live)
    )]
    TooManyCells {
        /// The cells that are running, or finished and not read.
        live: Vec<CellId>,
    },
    /// The session was shut down.
    #[error("the session was shut down; start a new one")]
    ShutDown,
    /// The call was made outside a tokio runtime.
    #[error("no tokio runtime here; call execute from inside one, with its time driver enabled")]
    NoRuntime,
    /// As many threads of the process are lost to scripts that could not be stopped as
    /// [may be](crate::containment).
    #[error(
        "{lost} threads of this process are lost to scripts that could not be stopped, as many as may be; \
         restart the process"
    )]
    TooManyLostThreads {
        /// How many are lost.
        lost: usize,
    },
    /// The operating system gave no thread.
    #[error("no thread could be started for the cell: {0}; the process or the system has too many")]
    NoThread(#[source] std::io::Error),
    /// No worker process could be had for the cell.
    #[cfg(all(unix, feature = "worker-processes"))]
    #[error("no worker process runs the cell: {0}")]
    NoWorker(#[source] std::io::Error),
}

impl From<SpawnError> for ExecuteError {
    fn from(error: SpawnError) -> Self {
        match error {
            SpawnError::NoThread(error) => Self::NoThread(error),
            SpawnError::TooManyLost { lost } => Self::TooManyLostThreads { lost },
        }
    }
}

fn list(ids: &[CellId]) -> String {
    let ids: Vec<String> = ids.iter().map(CellId::to_string).collect();
    ids.join(", ")
}

/// Why `wait` has no answer of the cell's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// No cell of the session ever had this id.
    #[error(
        "cell {0} never existed in this session; the id is in the answer of the exec that started it"
    )]
    Unknown(CellId),
    /// The cell is done and its result was handed out.
    #[error("cell {0} is done and its result was already delivered; start a new one with exec")]
    AlreadyDelivered(CellId),
    /// The cell was terminated and the answer to that was handed out.
    #[error("cell {0} was terminated; start a new one with exec")]
    AlreadyTerminated(CellId),
    /// Somebody else is waiting for this cell.
    #[error("cell {0} is being waited for already; let that wait answer first")]
    Busy(CellId),
    /// The cell is being terminated already.
    #[error("cell {0} is being terminated already; that termination will answer")]
    TerminationUnderWay(CellId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_ids_are_plain_positive_decimals() {
        assert_eq!("12".parse(), Ok(CellId(12)));
        for bad in [
            "",
            "0",
            "+1",
            "-1",
            "1.0",
            " 1",
            "x",
            "99999999999999999999",
        ] {
            let error = bad.parse::<CellId>().unwrap_err();
            assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
        }
    }
}
