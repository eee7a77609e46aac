//! Which servers there are, and what scripts may do with them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::policy::{Policy, ToolPattern};

/// All that configuration files said, with variables expanded.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Configuration {
    /// The files that were read, in order.
    pub files: Vec<PathBuf>,
    /// The servers that are to be connected, each name once, in the order of the files.
    pub servers: Vec<ServerConfig>,
    /// What scripts may call.
    pub policy: Policy,
    /// Tools that clients are also offered directly, beside `exec` and `wait`.
    pub exposed: Vec<ToolPattern>,
}

/// One server, as configured.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The name it is configured under.
    pub name: String,
    /// How it is reached.
    pub transport: Transport,
    /// How long it may take until its tools are known. Default 30 s.
    pub startup_timeout: Duration,
    /// How long one call may take. Default: as long as it takes.
    pub tool_timeout: Option<Duration>,
}

impl ServerConfig {
    /// A server with default times.
    pub fn new(name: impl Into<String>, transport: Transport) -> Self {
        Self {
            name: name.into(),
            transport,
            startup_timeout: Duration::from_secs(30),
            tool_timeout: None,
        }
    }
}

/// How a server is reached.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Transport {
    /// A child process that speaks on its standard input and output.
    Stdio {
        /// The program.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Variables added to our environment.
        env: BTreeMap<String, Secret>,
        /// Its working directory; ours by default.
        cwd: Option<PathBuf>,
    },
    /// Streamable HTTP.
    Http {
        /// The endpoint.
        url: String,
        /// Sent with every request.
        headers: BTreeMap<String, Secret>,
    },
}

/// A value that may be secret: it is in no log, error or debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
