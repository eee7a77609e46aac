//! Isolates that stand by, so that an exec need not wait for one to be made.
//!
//! Making an isolate with its context takes V8 about a millisecond; running a short script in one that
//! is there takes some tens of microseconds. So a process that execs keeps a few ready, each on a
//! thread of its own. Each is handed one script, ends with it, and is replaced in the background: no
//! script ever runs where another one ran. All sessions of the process share them; the limits of a
//! session apply from the moment one is taken.
//!
//! Each takes about 780 KiB of memory, most of it V8's: the default floor of 2 is 1.6 MiB, the cap of 8 is 6 MiB. Beside them the process keeps
//! one isolate without a context, 570 KiB, so that V8 need not set up what all isolates share again.
//! More than stand by run at once where they have to: who finds none waits until one is made, as many at
//! a time as there are processors.
//!
//! Nothing needs to be set: the first exec of a process makes its own isolate, and the floor is filled
//! once it has answered. A server that wants its first exec to be fast too calls [`start`].
//!
//! ```
//! use code_mode::standby;
//!
//! standby::configure(standby::Options::default().floor(4).cap(16));
//! standby::start();
//! ```

use std::time::Duration;

use crate::runtime::standby as pool;

/// How many isolates stand by in this process.
///
/// The number wanted is between the floor and the cap. It grows when execs find none ready, and
/// shrinks back to the floor when there were no execs for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub(crate) floor: usize,
    pub(crate) cap: usize,
    pub(crate) shrink_after: Duration,
}

impl Default for Options {
    /// A floor of 2, a cap of 8, and ten seconds.
    fn default() -> Self {
        Self {
            floor: 2,
            cap: 8,
            shrink_after: Duration::from_secs(10),
        }
    }
}

impl Options {
    /// No isolate ever stands by: each exec makes its own.
    pub fn none() -> Self {
        Self::default().floor(0).cap(0)
    }

    /// How many an idle process keeps. Default 2.
    #[must_use]
    pub fn floor(mut self, isolates: usize) -> Self {
        self.floor = isolates;
        self
    }

    /// How many there are at most, whatever the demand; at least the floor. Default 8.
    #[must_use]
    pub fn cap(mut self, isolates: usize) -> Self {
        self.cap = isolates;
        self
    }

    /// How long no exec must have come for those beyond the floor to be given up. Default 10 s.
    #[must_use]
    pub fn shrink_after(mut self, idle: Duration) -> Self {
        self.shrink_after = idle;
        self
    }
}

/// Sets how many isolates stand by, from now on and for the whole process. The last call stands.
pub fn configure(options: Options) {
    pool::configure(options);
}

/// Starts V8 and fills the floor, in the background; the first exec of a process does so otherwise.
pub fn start() {
    pool::start();
}

/// How many isolates are ready at this moment.
pub fn ready() -> usize {
    pool::ready()
}
