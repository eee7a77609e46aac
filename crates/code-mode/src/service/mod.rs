//! Sessions and cells: who starts what, who waits for whom, and who ends it. Knows no V8.

mod calls;
mod cell;
mod delivery;
mod host;
mod isolation;
mod outputs;
mod request;
mod session;
mod spans;
mod stored_values;

pub use cell::{CellInfo, CellState};
pub use host::{FunctionHost, Host, Notification, ToolCall, ToolError, ToolInput, ToolOutput};
pub use isolation::Isolation;
pub use outputs::{KeptOutput, OutputError, OutputHandle};
pub use request::{
    CellId, DEFAULT_EXEC_YIELD_TIME_MS, DEFAULT_MAX_OUTPUT_TOKENS_PER_EXEC_CALL,
    DEFAULT_WAIT_YIELD_TIME_MS, ExecuteError, ExecuteRequest, InvalidCellId, WaitError,
    WaitRequest, WaitUntil,
};
pub use session::{Session, SessionBuilder, StartedCell};
pub use stored_values::StoredValues;

pub(crate) use host::{OutputValue, panic_message};
