//! Cells in processes of their own.

#[doc(hidden)] // public for its test, which needs processes with one thread
pub mod sandbox;
