//! A gateway in front of a server whose calls the test holds, and clients in front of it.

use std::time::Duration;

use code_mode_mcp::config::{ServerConfig, Transport};
use code_mode_mcp::gateway::{Gateway, GatewayOptions, HttpOptions};
use code_mode_mcp::policy::{Action, Policy, Rule};
use code_mode_mcp::upstream::{Upstream, UpstreamOptions};
use rmcp::transport::StreamableHttpClientTransport;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::client::{Client, Identity, Revision};
use super::server::Server;

/// A yield time that is never over within a test, so that only an event answers.
pub const LONG_MS: u64 = 600_000;

pub struct Rig {
    pub gateway: Gateway,
    /// The server `test`.
    pub server: Server,
}

impl Rig {
    pub async fn new() -> Self {
        Self::with(Policy::default(), options()).await
    }

    /// Tools that match are asked about.
    pub async fn asking(pattern: &str) -> Self {
        Self::with(policy(Action::Ask, pattern), options()).await
    }

    pub async fn with(policy: Policy, options: GatewayOptions) -> Self {
        let server = Server::start("test").await;
        let gateway = gateway(&[&server], policy, options).await;
        Self { gateway, server }
    }

    /// A client with a stream of its own.
    pub async fn client(&self, revision: Revision) -> Client {
        self.client_as(Identity::of(revision)).await
    }

    pub async fn client_as(&self, identity: Identity) -> Client {
        self.connection(identity).await.0
    }

    /// A client, and the gateway's end of its connection.
    pub async fn connection(&self, identity: Identity) -> (Client, JoinHandle<()>) {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let gateway = self.gateway.clone();
        let serving = tokio::spawn(async move {
            let (read, write) = tokio::io::split(theirs);
            let shutdown = CancellationToken::new();
            gateway.serve_stream(read, write, shutdown).await.unwrap();
        });
        (Client::connect(identity, ours).await, serving)
    }

    /// Serves over HTTP at a free port.
    pub async fn http(&self, options: HttpOptions) -> Http {
        Http::serve(&self.gateway, options).await
    }
}

/// The gateway over HTTP.
pub struct Http {
    pub address: std::net::SocketAddr,
    pub shutdown: CancellationToken,
    pub serving: JoinHandle<()>,
}

impl Http {
    pub async fn serve(gateway: &Gateway, options: HttpOptions) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let (gateway, token) = (gateway.clone(), shutdown.clone());
        let serving = tokio::spawn(async move {
            gateway.serve_http(listener, options, token).await.unwrap();
        });
        Self {
            address,
            shutdown,
            serving,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn client(&self, identity: Identity) -> Client {
        let transport = StreamableHttpClientTransport::from_uri(self.url("/mcp"));
        Client::connect(identity, transport).await
    }
}

/// Only events answer, make progress and end what is shut down, unless a test wants otherwise.
pub fn options() -> GatewayOptions {
    const NEVER: Duration = Duration::from_secs(3600);

    let mut options = GatewayOptions::default();
    options.progress_interval = NEVER;
    options.exec_yield_time = NEVER;
    options.shutdown_time = NEVER;
    options
}

pub fn policy(action: Action, pattern: &str) -> Policy {
    let tools = pattern.parse().unwrap();
    Policy::new([Rule { action, tools }])
}

/// A gateway whose servers are connected.
pub async fn gateway(servers: &[&Server], policy: Policy, options: GatewayOptions) -> Gateway {
    let (gateway, upstream) = connecting(servers, policy, options);
    upstream.settled().await;
    gateway
}

/// A gateway whose servers are connecting.
pub fn connecting(
    servers: &[&Server],
    policy: Policy,
    options: GatewayOptions,
) -> (Gateway, Upstream) {
    let configs = servers.iter().map(|server| {
        let transport = Transport::Http {
            url: server.url.clone(),
            headers: Default::default(),
        };
        ServerConfig::new(&server.name, transport)
    });
    let mut upstream_options = UpstreamOptions::default();
    upstream_options.policy = policy;
    let upstream = Upstream::start(configs.collect(), upstream_options);
    (Gateway::new(upstream.clone(), options), upstream)
}
