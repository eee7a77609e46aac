//! The servers behind the gateway: connected, watched, called.
//!
//! One server is `server`, whose task makes one `connection` after another: over `stdio` to a child
//! `process`, or over `http`, `watched` on the way. What it lists become definitions in `tools`, and
//! those of all servers the `catalogue`. A `call` goes the other way; what comes of it is unwrapped by
//! `result`, and its `shape` is `learned` where the tool says nothing of it. Nothing here knows of cells.

mod backoff;
mod call;
mod catalogue;
mod connection;
mod elicit;
mod frame;
mod handler;
mod http;
mod learned;
mod process;
mod result;
mod server;
mod session;
mod shape;
mod stdio;
mod tools;
mod trace;
mod watched;
mod words;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub use call::{CallError, OnProgress, Progress, UpstreamCall};
pub use catalogue::{Catalogue, ListedTool, ServerState, ServerStatus};
pub use elicit::Elicit;
pub(crate) use result::error_text;
pub use result::{OutputSchema, Unwrapped, is_error, unwrap_result};

use crate::config::ServerConfig;
use crate::policy::Policy;
use learned::Learned;
use server::Server;

/// What is learned within this time changes the catalogue once.
const LEARNED_TOGETHER: Duration = Duration::from_millis(500);

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
    shared: Arc<Shared>,
    /// Held by clones of this alone, not by the tasks.
    tasks: Arc<Tasks>,
}

/// The tasks of all servers. Dropping it asks them to end.
struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

/// What tasks and calls share.
struct Shared {
    servers: Vec<Arc<Server>>,
    policy: Policy,
    learned: Arc<Learned>,
    /// Replaced as a whole. Locked while a new one is made, so that they come in order.
    catalogue: Mutex<Arc<Catalogue>>,
    version: watch::Sender<u64>,
}

impl Shared {
    fn publish(&self) {
        let mut catalogue = self.lock();
        if let Some(next) = catalogue.next(&self.servers, &self.policy) {
            *catalogue = Arc::new(next);
            drop(catalogue);
            self.version.send_modify(|version| *version += 1);
        }
    }

    /// Keeps what is learned, and shows it in the catalogue; not with each result, since a changed
    /// catalogue is a changed prompt. Ends when `stop` fires, with all kept.
    async fn follow_learning(&self, stop: CancellationToken) {
        loop {
            let changed = async {
                self.learned.changed.notified().await;
                tokio::time::sleep(LEARNED_TOGETHER).await;
            };
            let stopped = stop.run_until_cancelled(changed).await.is_none();
            for server in &self.servers {
                server.apply_learned();
            }
            self.publish();
            let learned = Arc::clone(&self.learned);
            let _ = tokio::task::spawn_blocking(move || learned.save()).await;
            if stopped {
                return;
            }
        }
    }

    fn server(&self, name: &str) -> Option<&Arc<Server>> {
        self.servers
            .iter()
            .find(|server| server.config.name == name)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<Catalogue>> {
        self.catalogue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upstream {
    /// Starts connecting all servers, in parallel, and returns at once.
    ///
    /// Must be called inside a tokio runtime.
    pub fn start(servers: Vec<ServerConfig>, options: UpstreamOptions) -> Self {
        let learned = Arc::new(Learned::new(options.state_folder));
        let servers: Vec<Arc<Server>> = servers
            .into_iter()
            .map(|config| {
                let namespace = match options.short_names {
                    true => config.name.clone(),
                    false => format!("mcp__{}", config.name),
                };
                Arc::new(Server::new(config, namespace, Arc::clone(&learned)))
            })
            .collect();
        let shared = Arc::new(Shared {
            servers,
            policy: options.policy,
            learned,
            catalogue: Mutex::default(),
            version: watch::Sender::new(0),
        });
        shared.publish();
        let tracker = TaskTracker::new();
        let stop = CancellationToken::new();
        for server in &shared.servers {
            let server = Arc::clone(server);
            let shared = Arc::clone(&shared);
            let stop = stop.clone();
            tracker.spawn(async move { server.run(stop, || shared.publish()).await });
        }
        let learning = Arc::clone(&shared);
        let until = stop.clone();
        tracker.spawn(async move { learning.follow_learning(until).await });
        tracker.close();
        let tasks = Arc::new(Tasks {
            tracker,
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
        });
        Self { shared, tasks }
    }

    /// What scripts may call, as [`start`](Self::start) was told.
    pub fn policy(&self) -> &Policy {
        &self.shared.policy
    }

    /// What is known now.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.shared.lock())
    }

    /// Changes its number whenever [`catalogue`](Self::catalogue) has something new.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.version.subscribe()
    }

    /// Returns when no server is [`Connecting`](ServerState::Connecting) any more.
    pub async fn settled(&self) {
        let mut changes = self.changes();
        loop {
            changes.borrow_and_update();
            let connecting = |server: &ServerStatus| server.state == ServerState::Connecting;
            if !self.catalogue().servers.iter().any(connecting) {
                return;
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Calls a tool and returns its `CallToolResult` as it came, also where it is an error. (Of a
    /// server over HTTP, members of content blocks that the protocol does not know are left out.)
    ///
    /// A call of a server that is lost waits for one attempt to connect it. The policy is not asked:
    /// that is the host's part. Dropping the future tells the server that nobody waits any more.
    pub async fn call(&self, call: UpstreamCall) -> Result<Value, CallError> {
        let Some(server) = self.shared.server(&call.server) else {
            let known: Vec<&str> = self
                .shared
                .servers
                .iter()
                .map(|s| &*s.config.name)
                .collect();
            return Err(CallError::UnknownServer {
                server: call.server,
                known: known.join(", "),
            });
        };
        server.call(&call).await
    }

    /// Learns from what a tool without an output schema gave to a script.
    pub(crate) fn observe(&self, server: &str, tool: &str, value: &Value) {
        if let Some(server) = self.shared.server(server) {
            server.observe(tool, value);
        }
    }

    /// A text about a server without the secrets of its configuration.
    pub(crate) fn redact(&self, server: &str, text: &str) -> String {
        match self.shared.server(server) {
            Some(server) => server.redactor.redact(text),
            None => text.to_owned(),
        }
    }

    /// Closes all connections and ends the child processes.
    pub async fn shutdown(&self) {
        self.tasks.stop.cancel();
        self.tasks.tracker.wait().await;
    }
}
