//! The audit log: one JSON line for every nested call.

use std::path::PathBuf;

/// Where the log goes and how much it says.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AuditOptions {
    /// The file that lines are appended to.
    pub file: PathBuf,
    /// Whether arguments are written as they are, or as a hash.
    pub arguments: AuditedArguments,
}

/// How the arguments of a call appear in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditedArguments {
    /// As the SHA-256 of their JSON, in hexadecimal.
    #[default]
    Hash,
    /// As they are.
    Text,
}
