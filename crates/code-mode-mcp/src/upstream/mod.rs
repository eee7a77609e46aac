//! The servers behind the gateway: connected, watched, called.

use std::path::PathBuf;
use std::sync::Arc;

use code_mode::ToolSet;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::ServerConfig;
use crate::policy::Policy;

/// How servers are presented to scripts.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct UpstreamOptions {
    /// Hides denied tools.
    pub policy: Policy,
    /// Namespaces are `server` instead of `mcp__server`.
    pub short_names: bool,
    /// The folder where learned output types are kept; none are kept without one.
    pub state_folder: Option<PathBuf>,
}

/// All servers of a process, shared by all its sessions and cells. Cheap to clone.
///
/// Owns a task for each server, which connects it, follows its changes and connects it again with
/// back-off when it is lost. [`shutdown`](Self::shutdown) ends them, and so does dropping the last clone.
#[derive(Clone)]
pub struct Upstream {
    _todo: Arc<()>,
}

/// What is known of all servers at one moment.
#[derive(Debug)]
#[non_exhaustive]
pub struct Catalogue {
    /// Every tool that scripts may see, of every connected server: namespace `mcp__{server}`.
    pub tools: ToolSet,
    /// Every configured server, in the order of the configuration.
    pub servers: Vec<ServerStatus>,
}

/// How one server does.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerStatus {
    /// The name it is configured under.
    pub name: String,
    /// The namespace of its tools.
    pub namespace: String,
    /// Whether it can be called.
    pub state: ServerState,
}

/// Whether a server can be called.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ServerState {
    /// The first connection is being made.
    Connecting,
    /// Connected; its tools are known.
    Connected {
        /// What it says of itself for models.
        instructions: Option<String>,
        /// The protocol revision in use.
        protocol: String,
        /// How many tools scripts see of it.
        tools: usize,
    },
    /// Not connected; it is tried again by itself.
    Lost {
        /// Why, in a sentence without secrets.
        why: String,
    },
}

/// One call of a tool.
#[derive(Debug)]
#[non_exhaustive]
pub struct UpstreamCall {
    /// The server, by its configured name.
    pub server: String,
    /// The tool, by its own name.
    pub tool: String,
    /// A JSON object.
    pub arguments: serde_json::Map<String, serde_json::Value>,
    /// Fires when nobody wants the result any more; the server is told.
    pub cancellation: CancellationToken,
}

impl Upstream {
    /// Starts connecting all servers, in parallel, and returns at once.
    ///
    /// Must be called inside a tokio runtime.
    pub fn start(_servers: Vec<ServerConfig>, _options: UpstreamOptions) -> Self {
        todo!()
    }

    /// What is known now.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        todo!()
    }

    /// Changes its number whenever [`catalogue`](Self::catalogue) has something new.
    pub fn changes(&self) -> watch::Receiver<u64> {
        todo!()
    }

    /// Returns when no server is [`Connecting`](ServerState::Connecting) any more.
    pub async fn settled(&self) {
        todo!()
    }

    /// Closes all connections and ends the child processes.
    pub async fn shutdown(&self) {
        todo!()
    }
}
