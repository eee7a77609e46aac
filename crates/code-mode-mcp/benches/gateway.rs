//! What the gateway adds to a server's own time, and whether it makes anybody wait for anybody.
//!
//! Everything is in one process: a server over HTTP on loopback, the gateway in front of it, and clients
//! over in-memory streams in front of that. "Without the gateway" is the same calls by one client of the
//! server. Each figure is the median of its runs; compare figures of one run of the benchmark alone.
//!
//!     cargo bench -p code-mode-mcp --bench gateway

use std::sync::Arc;
use std::time::{Duration, Instant};

use code_mode_mcp::config::{ServerConfig, Transport};
use code_mode_mcp::gateway::{Gateway, GatewayOptions};
use code_mode_mcp::upstream::{Upstream, UpstreamOptions};
use futures_util::future::join_all;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, JsonObject,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, Tool,
};
use rmcp::service::{RequestContext, RoleClient, RoleServer, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, ServiceExt};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// What the slow tool takes.
const TOOL_TIME: Duration = Duration::from_millis(200);
const CLIENTS: usize = 4;
const CELLS_OF_A_CLIENT: usize = 5;

/// Runs of the quick figures, and of those with the slow tool.
const QUICK_RUNS: usize = 200;
const SLOW_RUNS: usize = 15;

type Client = RunningService<RoleClient, ()>;

#[tokio::main]
async fn main() {
    let url = serve().await;
    let transport = Transport::Http {
        url: url.clone(),
        headers: Default::default(),
    };
    let servers = vec![ServerConfig::new("bench", transport)];
    let upstream = Upstream::start(servers, UpstreamOptions::default());
    upstream.settled().await;
    let gateway = Gateway::new(upstream, GatewayOptions::default());
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(connect(&gateway).await);
    }
    let direct = ().serve(StreamableHttpClientTransport::from_uri(url));
    let direct = direct.await.expect("the server is there");

    let client = &clients[0];
    println!("{:<58}  {:>9}", "", "median");
    let call = median(QUICK_RUNS, || call(&direct, "echo", json!({}))).await;
    row("a call of a quick tool, without the gateway", call);
    let empty = median(QUICK_RUNS, || exec(client, "text(1)")).await;
    row("exec of a script that calls nothing", empty);
    let one = "text(await tools.mcp__bench__echo())";
    let one = median(QUICK_RUNS, || exec(client, one)).await;
    row("exec of a script with one call of the quick tool", one);
    let hundred = "for (let i = 0; i < 100; i++) await tools.mcp__bench__echo()";
    let hundred = median(SLOW_RUNS, || exec(client, hundred)).await;
    row("exec of a script with 100 such calls, one by one", hundred);
    let hundred = "await Promise.all(Array.from({ length: 100 }, () => tools.mcp__bench__echo()))";
    let hundred = median(SLOW_RUNS, || exec(client, hundred)).await;
    row("exec of a script with 100 such calls at once", hundred);

    let all = CLIENTS * CELLS_OF_A_CLIENT;
    let without = median(SLOW_RUNS, || {
        join_all((0..all).map(|_| self::call(&direct, "slow", json!({}))))
    });
    let without = without.await;
    row(
        &format!("{all} calls of a 200 ms tool at once, without"),
        without,
    );
    let with = median(SLOW_RUNS, || {
        join_all(clients.iter().flat_map(|client| {
            (0..CELLS_OF_A_CLIENT).map(|_| exec(client, "await tools.mcp__bench__slow()"))
        }))
    });
    let with = with.await;
    row(
        &format!("{all} cells of {CLIENTS} clients, one such call each"),
        with,
    );
    let ratio = with.as_secs_f64() / TOOL_TIME.as_secs_f64();
    println!("{:<58}  {ratio:>9.2}", "  of the tool's own time");
    gateway.shutdown().await;
}

fn row(name: &str, time: Duration) {
    let time = match time.as_secs_f64() * 1000.0 {
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms => format!("{ms:.0} ms"),
    };
    println!("{name:<58}  {time:>9}");
}

/// The median time of `runs` runs, after a tenth of them that are not counted.
async fn median<T>(runs: usize, mut run: impl FnMut() -> T) -> Duration
where
    T: Future,
{
    let mut times = Vec::new();
    for counted in 0..runs + runs / 10 {
        let started = Instant::now();
        run().await;
        if counted >= runs / 10 {
            times.push(started.elapsed());
        }
    }
    times.sort_unstable();
    times[times.len() / 2]
}

async fn exec(client: &Client, source: &str) {
    call(client, "exec", json!({ "source": source })).await;
}

async fn call(client: &Client, tool: &str, arguments: Value) {
    let Value::Object(arguments) = arguments else {
        panic!("arguments are an object");
    };
    let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
    let result = client.call_tool(params).await.expect("an answer");
    assert_ne!(result.is_error, Some(true), "{result:?}");
}

async fn connect(gateway: &Gateway) -> Client {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let gateway = gateway.clone();
    tokio::spawn(async move {
        let (read, write) = tokio::io::split(theirs);
        let served = gateway.serve_stream(read, write, CancellationToken::new());
        served.await.expect("the gateway speaks MCP");
    });
    ().serve(ours).await.expect("the gateway speaks MCP")
}

/// Starts the server, and says where it is.
async fn serve() -> String {
    let service = StreamableHttpService::new(
        || Ok(Server),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let router = axum::Router::new().route_service("/mcp", service);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/mcp")
}

#[derive(Clone)]
struct Server;

impl ServerHandler for Server {
    fn get_info(&self) -> rmcp::model::ServerConfig {
        rmcp::model::ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = JsonObject::from_iter([("type".to_owned(), json!("object"))]);
        let tools = ["echo", "slow"].map(|name| Tool::new(name, "", schema.clone()));
        Ok(ListToolsResult::with_all_items(tools.into()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name == "slow" {
            tokio::time::sleep(TOOL_TIME).await;
        }
        Ok(CallToolResult::success(vec![ContentBlock::text("done")]).into())
    }
}
