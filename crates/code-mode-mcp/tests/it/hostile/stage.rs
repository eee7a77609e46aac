//! Scripts against hostile servers, and one that does nothing wrong beside them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use code_mode::{
    CancellationToken, ContentItem, ExecuteRequest, FormatOptions, Limits, RuntimeResponse, Session,
};
use code_mode_mcp::config::{ServerConfig, Transport};
use code_mode_mcp::host::{Answer, CallEvents, McpHost, Question};
use code_mode_mcp::policy::Policy;
use code_mode_mcp::upstream::{Catalogue, ServerState, Upstream, UpstreamOptions};
use serde_json::Value;

use crate::installed;

/// Nobody is there who could be asked.
struct Nobody;

impl CallEvents for Nobody {
    async fn ask(&self, _: Question, _: CancellationToken) -> Answer {
        Answer::Refuse("nobody is there".to_owned())
    }
}

/// A server of `hostile.py`, by the name of what it does.
pub fn hostile(how: &str) -> ServerConfig {
    let command = installed::own("hostile.py").with([how]);
    let transport = Transport::Stdio {
        command: command.program(),
        args: command.args,
        env: BTreeMap::new(),
        cwd: None,
    };
    ServerConfig::new(how, transport)
}

/// The same, given up sooner.
pub fn hostile_within(how: &str, startup: Duration, tool: Duration) -> ServerConfig {
    let mut server = hostile(how);
    server.startup_timeout = startup;
    server.tool_timeout = Some(tool);
    server
}

/// Servers, and a session whose scripts call them.
pub struct Stage {
    pub upstream: Upstream,
    pub session: Session,
}

impl Stage {
    /// Starts these servers and `fine`, and waits until none is still connecting.
    pub async fn with(servers: impl IntoIterator<Item = ServerConfig>) -> Self {
        let stage = Self::connecting(servers);
        stage.upstream.settled().await;
        stage
    }

    /// The same without waiting.
    pub fn connecting(servers: impl IntoIterator<Item = ServerConfig>) -> Self {
        // The first call installs what there is to install, which is not the servers' time.
        let servers: Vec<_> = servers.into_iter().chain([hostile("fine")]).collect();
        let upstream = Upstream::start(servers, UpstreamOptions::default());
        let host = McpHost::new(
            upstream.clone(),
            Policy::default(),
            "test",
            Arc::new(Nobody),
        );
        let session = Session::builder()
            .limits(Limits::default().heap_bytes(512 * 1024 * 1024))
            .build(host);
        Self { upstream, session }
    }

    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.upstream.catalogue()
    }

    pub fn state(&self, server: &str) -> ServerState {
        let catalogue = self.catalogue();
        let mut servers = catalogue.servers.iter();
        let server = servers.find(|known| known.name == server);
        server.expect("a configured server").state.clone()
    }

    /// Waits until the catalogue is as wanted.
    pub async fn until(&self, wanted: impl Fn(&Catalogue) -> bool) {
        let mut changes = self.upstream.changes();
        loop {
            changes.borrow_and_update();
            if wanted(&self.catalogue()) {
                return;
            }
            changes.changed().await.expect("the servers are there");
        }
    }

    /// Runs a script to its end.
    pub async fn run(&self, script: &str) -> RuntimeResponse {
        let request = ExecuteRequest::new(script)
            .enabled_tools(self.catalogue().tools.clone())
            .yield_time_ms(600_000);
        self.session.execute(request).await.expect("it runs")
    }

    /// What a script that ends well put out as text.
    #[track_caller]
    pub fn text(&self, script: &str) -> impl Future<Output = String> {
        let caller = std::panic::Location::caller();
        async move {
            let response = self.run(script).await;
            assert_eq!(response.error_text(), None, "at {caller}");
            response.text()
        }
    }

    /// The same as JSON.
    #[track_caller]
    pub fn json(&self, script: &str) -> impl Future<Output = Value> {
        let text = self.text(script);
        async move {
            let text = text.await;
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text:.2000}"))
        }
    }

    /// What a model reads of an answer, item by item.
    pub fn shown(&self, response: &RuntimeResponse) -> Vec<String> {
        let formatted = self
            .session
            .format(response, FormatOptions::new(Duration::ZERO));
        let items = formatted.content_items.into_iter();
        items
            .map(|item| match item {
                ContentItem::Text { text } => text,
                other => format!("{other:?}"),
            })
            .collect()
    }

    /// Insists that the server that does nothing wrong can be called.
    #[track_caller]
    pub fn others_work(&self) -> impl Future<Output = ()> {
        let text = self.text("text(await tools.mcp__fine__fine({}));");
        async move { assert_eq!(text.await, "fine of hostile") }
    }

    /// Ends the servers, and insists that this ends.
    pub async fn end(self) {
        self.upstream.shutdown().await;
    }
}

/// Why a server is lost.
#[track_caller]
pub fn why(state: ServerState) -> String {
    match state {
        ServerState::Lost { why } => why,
        state => panic!("it is not lost: {state:?}"),
    }
}
