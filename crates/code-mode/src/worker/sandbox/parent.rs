//! What the parent owes a worker that will enter the sandbox.

use std::process::{Command, Stdio};

use super::locality;

/// Where a worker's standard error goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandardError {
    /// Nowhere.
    Discarded,
    /// Where the parent's goes. If that is a file, the worker may write to it, and its resource limits
    /// are reported as in force in part.
    Inherited,
    /// Into a pipe that the parent reads.
    Piped,
}

/// Prepares the command that starts a worker: standard input and output are pipes, the working
/// directory is `/`, so the program must be an absolute path, and the environment has nothing but the
/// time zone and the locale of this process, as cells in this process would see them.
///
/// Descriptors that this process opened without `O_CLOEXEC` still reach the worker, which closes them when
/// it enters the sandbox.
pub fn prepare(command: &mut Command, standard_error: StandardError) {
    command
        .env_clear()
        .envs(locality::variables())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(match standard_error {
            StandardError::Discarded => Stdio::null(),
            StandardError::Inherited => Stdio::inherit(),
            StandardError::Piped => Stdio::piped(),
        });
}
