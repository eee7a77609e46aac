//! One rule for every mutex of the crate: a panic elsewhere does not make shared state unusable.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, ignoring poison: every critical section here leaves its data whole at each step.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
