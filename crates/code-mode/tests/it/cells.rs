//! The contract of sessions and cells.
