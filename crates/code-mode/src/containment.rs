//! What becomes of scripts that V8 cannot stop, over the whole process.
//!
//! V8 stops most scripts at once when they are over a limit or are terminated. Two kinds are left. An
//! allocation that cannot be served would end the process: instead the thread is *parked*, asleep for
//! good, its memory kept but for that of its ArrayBuffers. A built-in function that looks at no
//! interruption goes on: after half a second of computing its cell is given up as *wedged*, and the
//! thread goes on with the lowest priority until it comes out by itself, if ever.
//!
//! Either way whoever waits for the cell is answered at once, as the limit or the termination has it, and
//! [`Session::cells`](crate::Session::cells) lists the cell as
//! [`Parked`](crate::CellState::Parked) or [`Wedged`](crate::CellState::Wedged) for as long as its thread
//! is lost. When [`max_lost_threads`] are lost, `execute` refuses with
//! [`TooManyLostThreads`](crate::ExecuteError::TooManyLostThreads): only a new process has their memory
//! and processors back.
//!
//! Parking needs the V8 archive of this project, so it is there on `x86_64-unknown-linux-gnu`. Elsewhere
//! some of those allocations end the process.

use crate::runtime::lost;

/// How many threads may be lost before no more cells are started, unless set otherwise.
pub const DEFAULT_MAX_LOST_THREADS: usize = 16;

/// Threads of this process that are lost now, parked and wedged together.
pub fn lost_threads() -> usize {
    lost::count()
}

/// How many threads may be lost before no more cells are started. Default [`DEFAULT_MAX_LOST_THREADS`].
pub fn max_lost_threads() -> usize {
    lost::max()
}

/// Sets how many threads of this process may be lost before no more cells are started.
///
/// ```
/// code_mode::containment::set_max_lost_threads(4);
/// assert_eq!(code_mode::containment::max_lost_threads(), 4);
/// assert_eq!(code_mode::containment::lost_threads(), 0);
/// ```
pub fn set_max_lost_threads(most: usize) {
    lost::set_max(most);
}
