//! Worker processes: cells of a session run in processes of their own, so that nothing a script does to
//! V8 ends or stops yours.
//!
//! A session with [`Isolation::Process`](crate::Isolation::Process) works as one without: same calls,
//! same answers. Its host, its stored values, its outputs and its budget are here in your process; in the
//! worker are V8 and the script, and nothing else. Calls, values and output go over a socket.
//!
//! # The program
//!
//! A worker is a program that calls [`run`] first thing. By default that is your own executable with the
//! argument `worker`, so its `main` begins like this:
//!
//! ```no_run
//! use code_mode::worker::{Options, Pool};
//! use code_mode::{ExecuteRequest, FunctionHost, Isolation, Session};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     if std::env::args().nth(1).as_deref() == Some("worker") {
//!         code_mode::worker::run();
//!     }
//!     let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
//!     runtime.block_on(async {
//!         let pool = Pool::new(Options::default());
//!         let session = Session::builder()
//!             .isolation(Isolation::Process(pool.clone()))
//!             .build(FunctionHost::new());
//!         let response = session.execute(ExecuteRequest::new("text(6 * 7)")).await?;
//!         assert_eq!(response.text(), "42");
//!         Ok(())
//!     })
//! }
//! ```
//!
//! # Which cell runs where
//!
//! A worker runs cells of one session, ever; one that has run none yet waits as [`Options::warm`] for a
//! session that needs it. A cell gets a worker of its session in which nothing runs, else a warm one,
//! else shares one of its session with up to [`Options::cells_per_worker`] others, else a new one is
//! started. No isolate runs two scripts, as in the process.
//!
//! A worker with its isolates takes about 6 MiB of memory of its own on x86_64 Linux, and shares the rest
//! of 23 MiB with the others and with your process.
//!
//! # What a worker may do
//!
//! Before V8 starts, a worker gives up what a process has: its environment but for time zone and locale, all
//! descriptors but the socket, new privileges, capabilities, and, on Linux, by Landlock and seccomp, files,
//! network, other programs and processes. [`Pool::shortcomings`] names what the system does not provide of
//! that; it is a `tracing` warning too. Its memory is limited by [`Options::max_memory_bytes`].
//!
//! # When a worker ends
//!
//! Whether it was killed, crashed, or sent what no worker sends: the scripts that ran in it fail, and
//! the error text says how it ended. What they had put out is delivered, what they stored is dropped, their
//! nested calls are cancelled, and the next cell just runs. A cell of which nothing had been heard yet is
//! run once more in another worker: nobody outside can have noticed it.
//!
//! A cell that is terminated and not gone after [a second](STOP_GRACE) has its worker killed. So has one
//! that computes for five seconds more than [`Limits::cpu_time`](crate::Limits::cpu_time) because nothing could
//! interrupt it, and so have all cells of a worker that answers nothing for ten seconds.
//!
//! # What differs from the process
//!
//! - What goes between the processes in one piece is bounded by 64 MiB as JSON: the arguments or the result
//!   of a nested call, a value that is stored or loaded, one output. A longer one is refused in
//!   words: the call rejects, the helper throws a `RangeError`. A session's stored value that is longer
//!   fails the cell that loads it; a longer notification is replaced by a note.
//! - Host futures are polled first on a thread that reads from the worker, with 4 MiB of stack. One that
//!   blocks holds up the cells of that worker.
//! - [`CellInfo`](crate::CellInfo)'s use of processor time and memory is as the worker last told: when
//!   the script first waited, at its end, and once a second.
//! - [`standby`](crate::standby) sets how many isolates stand by in your process; each worker keeps its
//!   default number.
//!
//! Unix only, behind the feature `worker-processes`.

mod child;
mod death;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod outbox;
mod outside;
mod pool;
mod protocol;
mod remote;
#[doc(hidden)]
pub mod sandbox;
mod serve;

use std::time::Duration;

pub use pool::{Options, Pool, WorkerInfo};
pub use serve::run;

pub(crate) use pool::SessionWorkers;
pub(crate) use remote::RemoteCell;

/// How long a cell that was told to stop may take to be gone before its worker is killed.
pub const STOP_GRACE: Duration = Duration::from_secs(1);

/// The argument that tells a worker how much memory it may have, up to its number of bytes.
const MAX_MEMORY: &str = "--max-memory-bytes=";

/// Writing to a socket that nobody reads is an error, and no signal.
#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: rustix::net::SendFlags = rustix::net::SendFlags::NOSIGNAL;
/// Rust has these processes ignore the signal.
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: rustix::net::SendFlags = rustix::net::SendFlags::empty();
