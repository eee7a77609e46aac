//! The contract of sessions and cells.

mod answers;
mod completion;
mod failures;
mod shutdown;
mod stored_values;
mod termination;
