//! Serves `exec` and `wait` to MCP clients.
//!
//! The way of a request: rmcp hands it to `connection`, which finds its session (`session`) and lets
//! `calls` start or find a cell. `watch` watches the cell until there is an answer, and meanwhile
//! tells the client what happens (`client`) and has a person asked (`question`). What is known of a
//! cell besides its output is in `cell`; `result` makes the answer a result, `outputs` a resource
//! of what was cut from it. `listing` is what `tools/list` says. `http` serves all of it over HTTP.
//!
//! Nothing here knows how servers are reached: that is [`upstream`](crate::upstream).

mod arguments;
mod calls;
mod cell;
mod client;
mod connection;
mod handle;
mod http;
mod listing;
mod options;
mod origin;
mod outputs;
mod question;
mod result;
mod session;
mod stream;
mod trace;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;

use code_mode::Session;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch as channel;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use listing::mentions;
pub use options::{GatewayOptions, HttpOptions, Structured};
pub use origin::{NotAnOrigin, Origin};
pub use result::RESULT_KEY;

use self::cell::{Cells, SessionEvents};
use self::listing::Listing;
use self::session::Sessions;
use crate::host::McpHost;
use crate::upstream::Upstream;

/// The server side: any number of clients, over standard input and output, other streams, or HTTP, in
/// front of the same servers. Cheap to clone.
///
/// Owns a task that keeps `tools/list` up to date and one that ends idle sessions;
/// [`shutdown`](Self::shutdown) ends them, all sessions and the servers.
///
/// ```
/// use code_mode::CancellationToken;
/// use code_mode_mcp::gateway::{Gateway, GatewayOptions};
/// use code_mode_mcp::upstream::{Upstream, UpstreamOptions};
/// use rmcp::ServiceExt;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let upstream = Upstream::start(Vec::new(), UpstreamOptions::default());
/// let gateway = Gateway::new(upstream, GatewayOptions::default());
///
/// let (ours, theirs) = tokio::io::duplex(1 << 16);
/// let server = gateway.clone();
/// let serving = tokio::spawn(async move {
///     let (read, write) = tokio::io::split(theirs);
///     server.serve_stream(read, write, CancellationToken::new()).await
/// });
/// let client = ().serve(ours).await?;
/// assert_eq!(client.list_all_tools().await?[0].name, "exec");
///
/// client.cancel().await?;
/// serving.await??;
/// gateway.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Gateway {
    shared: Arc<Shared>,
}

/// What connections share.
struct Shared {
    upstream: Upstream,
    options: Arc<GatewayOptions>,
    listing: channel::Receiver<Listing>,
    /// Until when `tools/list` may wait for servers.
    first_list_by: Instant,
    sessions: Arc<Sessions>,
    /// Fires when the gateway is shut down.
    closing: CancellationToken,
    tasks: TaskTracker,
}

/// Why a gateway stopped serving, or did not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The client did not speak MCP.
    #[error(
        "the client's first message was none to begin with: {why}; start the gateway from an MCP client"
    )]
    Handshake {
        /// What was wrong with it.
        why: String,
    },
    /// Anybody could use the gateway.
    #[error(
        "{address} can be reached from other machines, and without a token anybody there could run \
         programs with your tools; set a bearer token, or serve at 127.0.0.1"
    )]
    NoToken {
        /// Where it was to be served.
        address: SocketAddr,
    },
    /// The network failed.
    #[error("serving over HTTP failed: {0}; check the address, and that the port is free")]
    Http(#[source] std::io::Error),
}

impl Gateway {
    /// A gateway in front of these servers. Must be made inside a tokio runtime.
    pub fn new(upstream: Upstream, options: GatewayOptions) -> Self {
        let options = Arc::new(options.in_bounds());
        let (listing_sender, listing) = channel::channel(Listing::default());
        let closing = CancellationToken::new();
        let tasks = TaskTracker::new();
        let sessions = Arc::new(Sessions::new(
            options.max_sessions,
            options.session_idle_time,
        ));
        tasks.spawn(listing::keep(
            upstream.clone(),
            Arc::clone(&options),
            listing_sender,
            closing.clone(),
        ));
        let expiring = Arc::clone(&sessions);
        let until = closing.clone();
        tasks.spawn(async move { expiring.expire(until).await });
        Self {
            shared: Arc::new(Shared {
                first_list_by: Instant::now() + options.first_list_wait,
                upstream,
                options,
                listing,
                sessions,
                closing,
                tasks,
            }),
        }
    }

    /// Serves one client on standard input and output, until it closes its end or the token fires, and
    /// then shuts the gateway down.
    ///
    /// # Errors
    /// When the client does not speak MCP.
    pub async fn serve_stdio(&self, shutdown: CancellationToken) -> Result<(), ServeError> {
        let (read, write) = rmcp::transport::stdio_pipes();
        let served = self.serve_stream(read, write, shutdown).await;
        self.shutdown().await;
        served
    }

    /// Serves one client on a stream of its own, one JSON message a line, until it closes its end or the
    /// token fires. The client's cells end with the connection; the gateway serves on.
    ///
    /// # Errors
    /// When the client does not speak MCP.
    ///
    /// # Cancellation
    /// Dropping the future closes the connection and ends the client's cells in the background.
    pub async fn serve_stream<R, W>(
        &self,
        read: R,
        write: W,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        stream::serve(&self.shared, read, write, shutdown).await
    }

    /// Serves any number of clients over streamable HTTP at `/mcp`, and `/healthz`, until the token
    /// fires, and then shuts the gateway down.
    ///
    /// # Errors
    /// When the listener's address can be reached from other machines and there is no bearer token, and
    /// when the network fails.
    pub async fn serve_http(
        &self,
        listener: tokio::net::TcpListener,
        options: HttpOptions,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        let served = http::serve(&self.shared, listener, options, shutdown).await;
        self.shutdown().await;
        served
    }

    /// Ends all sessions with their cells, and closes the connections to the servers. Returns when that
    /// is done, or when [`GatewayOptions::shutdown_time`] is over.
    pub async fn shutdown(&self) {
        let shared = &self.shared;
        shared.closing.cancel();
        let ended = async {
            shared.sessions.shut_down().await;
            shared.upstream.shutdown().await;
            shared.tasks.close();
            shared.tasks.wait().await;
            if let Some(log) = shared.options.audit.clone() {
                // Waits for the disk.
                let _ = tokio::task::spawn_blocking(move || log.flush()).await;
            }
        };
        if timeout(shared.options.shutdown_time, ended).await.is_err() {
            tracing::warn!("the shutdown took too long; what was left is dropped");
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

impl Shared {
    /// The engine's session for a client's.
    fn engine(&self, number: u64, cells: Arc<Cells>) -> Session {
        let upstream = self.upstream.clone();
        let policy = upstream.policy().clone();
        let events = Arc::new(SessionEvents(cells));
        let mut host = McpHost::new(upstream, policy, number.to_string(), events);
        if let Some(log) = &self.options.audit {
            host = host.audit(log.clone());
        }
        Session::builder()
            .isolation(self.options.isolation.clone())
            .limits(self.options.limits.clone())
            .build(host)
    }
}
