//! Servers, and ways to wait for what they do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use code_mode_mcp::config::{Secret, ServerConfig, Transport};
use code_mode_mcp::upstream::{
    CallError, Catalogue, ServerState, Upstream, UpstreamCall, UpstreamOptions,
};
use serde_json::{Map, Value};

use crate::installed::{self, CommandLine};

/// Longer than anything here takes: only a test that failed waits so long.
const AT_MOST: Duration = Duration::from_secs(120);

/// A server of this name, started by this command line.
pub fn stdio(name: &str, command: CommandLine) -> ServerConfig {
    stdio_with(name, command, [])
}

/// The same with variables.
pub fn stdio_with<const N: usize>(
    name: &str,
    command: CommandLine,
    env: [(&str, &str); N],
) -> ServerConfig {
    let env: BTreeMap<String, Secret> = env
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Secret::new(value)))
        .collect();
    let transport = Transport::Stdio {
        command: command.program(),
        args: command.args,
        env,
        cwd: None,
    };
    ServerConfig::new(name, transport)
}

/// Our server for these tests: `older`, `newest` or `shy`.
pub fn fake(name: &str, revisions: &str) -> ServerConfig {
    stdio(name, installed::own("upstream.py").with([revisions]))
}

/// A hostile server.
pub fn hostile(name: &str, how: &str) -> ServerConfig {
    stdio(name, installed::own("hostile.py").with([how]))
}

/// Connects servers, and waits until each is connected or lost.
pub async fn connected(servers: impl IntoIterator<Item = ServerConfig>) -> Upstream {
    let upstream = Upstream::start(servers.into_iter().collect(), UpstreamOptions::default());
    in_time(upstream.settled()).await;
    upstream
}

/// Waits for a future, and fails instead of waiting for ever.
pub async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(AT_MOST, future)
        .await
        .expect("it comes to an end")
}

/// The first catalogue that fits, the one of now among them.
pub async fn catalogue(upstream: &Upstream, fits: impl Fn(&Catalogue) -> bool) -> Arc<Catalogue> {
    let mut changes = upstream.changes();
    in_time(async {
        loop {
            changes.borrow_and_update();
            let catalogue = upstream.catalogue();
            if fits(&catalogue) {
                return catalogue;
            }
            changes.changed().await.expect("the servers live");
        }
    })
    .await
}

/// The global names of all tools.
pub fn names(catalogue: &Catalogue) -> Vec<&str> {
    catalogue
        .tools
        .iter()
        .map(|tool| tool.global_name.as_str())
        .collect()
}

/// Why the only server is lost.
pub fn why_lost(upstream: &Upstream) -> String {
    match &upstream.catalogue().servers[0].state {
        ServerState::Lost { why } => why.clone(),
        state => panic!("it is not lost but {state:?}"),
    }
}

/// A call with these arguments.
pub fn call(server: &str, tool: &str, arguments: Value) -> UpstreamCall {
    let arguments: Map<String, Value> = serde_json::from_value(arguments).expect("an object");
    UpstreamCall::new(server, tool, arguments)
}

/// Calls a tool.
pub async fn called(
    upstream: &Upstream,
    server: &str,
    tool: &str,
    arguments: Value,
) -> Result<Value, CallError> {
    in_time(upstream.call(call(server, tool, arguments))).await
}

/// Calls a tool and returns the first text of its result.
pub async fn text_of(upstream: &Upstream, server: &str, tool: &str, arguments: Value) -> String {
    let result = called(upstream, server, tool, arguments).await;
    let result = result.expect("the call gives a result");
    let text = result["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("no text in {result}"))
        .to_owned()
}
