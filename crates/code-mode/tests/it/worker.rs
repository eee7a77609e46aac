//! Cells in worker processes.

mod cells;
mod death;
mod hostile;

use std::time::Duration;

use code_mode::worker::{Options, Pool};
use code_mode::{FunctionHost, Isolation, Limits, Session, ToolSet};

use crate::support::host;

/// Options of a worker that does what `kind` says; see `tests/worker/process.rs`.
fn options(kind: &str) -> Options {
    Options::default()
        .program(env!("CARGO_BIN_EXE_code_mode_test_worker"))
        .args([kind])
}

/// A pool of honest workers. None of them ends for having been idle while a test stood still.
fn pool() -> Pool {
    Pool::new(options("worker").idle(Duration::from_secs(3600)))
}

/// The session of [`crate::support::session`], its cells in workers of a pool.
fn session_in(pool: &Pool) -> (Session, ToolSet) {
    session_of(pool, host(), Limits::default())
}

fn session_of(pool: &Pool, host: FunctionHost, limits: Limits) -> (Session, ToolSet) {
    let tools = host.tools();
    let session = Session::builder()
        .isolation(Isolation::Process(pool.clone()))
        .limits(limits)
        .build(host);
    (session, tools)
}
