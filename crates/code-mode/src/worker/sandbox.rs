//! What a worker gives up before it runs anything.

/// Called first thing in a worker, before it has a thread or has read a byte.
pub(super) fn enter() {}
