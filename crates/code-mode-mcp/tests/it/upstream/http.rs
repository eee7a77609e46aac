//! What is particular to servers over HTTP: headers, redirects, statuses, sizes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use code_mode_mcp::config::{Secret, ServerConfig, Transport};
use code_mode_mcp::upstream::{CallError, ServerState};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::sync::Barrier;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::support::{called, catalogue, connected, in_time, text_of, why_lost};

/// A server of revision 2025-11-25 that answers each request with plain JSON.
#[derive(Clone)]
struct Answers {
    /// The `Authorization` of every request.
    authorized: Arc<Mutex<Vec<Option<String>>>>,
    /// Passed by calls of `together` when all are there.
    barrier: Arc<Barrier>,
}

const TOGETHER: usize = 50;

const TOO_LARGE: &str = "the answer is larger than 64 MiB, the most that is taken; ask for less";

impl Answers {
    fn new() -> Self {
        Self {
            authorized: Arc::default(),
            barrier: Arc::new(Barrier::new(TOGETHER)),
        }
    }

    async fn answer(State(state): State<Self>, headers: HeaderMap, body: String) -> Response {
        let authorized = headers.get(header::AUTHORIZATION);
        let authorized = authorized.map(|value| value.to_str().unwrap().to_owned());
        state.authorized.lock().unwrap().push(authorized);
        let Ok(request) = serde_json::from_str::<Value>(&body) else {
            return StatusCode::METHOD_NOT_ALLOWED.into_response();
        };
        let Some(id) = request.get("id") else {
            return StatusCode::ACCEPTED.into_response();
        };
        let result = match request["method"].as_str().unwrap() {
            "initialize" => json!({
                "protocolVersion": "2025-11-25",
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "http", "version": "1" },
            }),
            "tools/list" => json!({ "tools": [{ "name": "t", "inputSchema": 5 }] }),
            "tools/call" => {
                let text = match request["params"]["name"].as_str().unwrap() {
                    "large_stream" => return stream_too_large(),
                    "cut_stream" => return cut_stream(),
                    "large" => "x".repeat(70_000_000),
                    "status" => return StatusCode::BAD_GATEWAY.into_response(),
                    "together" => {
                        state.barrier.wait().await;
                        "all there".to_owned()
                    }
                    name => name.to_owned(),
                };
                json!({ "content": [{ "type": "text", "text": text }] })
            }
            _ => return error(id, -32601, "Method not found"),
        };
        json_response(&json!({ "jsonrpc": "2.0", "id": id, "result": result }))
    }
}

fn error(id: &Value, code: i32, message: &str) -> Response {
    let error = json!({ "code": code, "message": message });
    json_response(&json!({ "jsonrpc": "2.0", "id": id, "error": error }))
}

fn json_response(body: &Value) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// An event stream whose only event is larger than what is taken.
fn stream_too_large() -> Response {
    let event = format!("data: {}\n\n", "x".repeat(70_000_000));
    ([(header::CONTENT_TYPE, "text/event-stream")], event).into_response()
}

/// An event stream that ends before the answer.
fn cut_stream() -> Response {
    (
        [(header::CONTENT_TYPE, "text/event-stream")],
        ": nothing\n\n",
    )
        .into_response()
}

/// Serves until the test's runtime ends; returns the origin.
async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// A socket bound to an address, beside others that are, of which one may listen.
fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    // Of the server before, connections may be left that are closing.
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

/// Serves at an address until `stop` fires and all connections are closed.
async fn serve_until(address: SocketAddr, stop: CancellationToken) -> JoinHandle<()> {
    let listener = bound(address).listen(64).unwrap();
    let router = Router::new()
        .route("/mcp", any(Answers::answer))
        .with_state(Answers::new());
    tokio::spawn(async move {
        let stopped = async move { stop.cancelled().await };
        axum::serve(listener, router)
            .with_graceful_shutdown(stopped)
            .await
            .unwrap();
    })
}

#[tokio::test]
async fn a_server_over_http_that_comes_back_is_connected_again() {
    // Never listens: while the server is away, it keeps others from being given the port.
    let reserved = bound(SocketAddr::from(([127, 0, 0, 1], 0)));
    let address = reserved.local_addr().unwrap();
    let stop = CancellationToken::new();
    let served = serve_until(address, stop.clone()).await;
    let upstream = connected([config(format!("http://{address}/mcp"))]).await;
    assert_eq!(text_of(&upstream, "s", "t", json!({})).await, "t");
    stop.cancel();
    in_time(served).await.unwrap();

    let error = called(&upstream, "s", "t", json!({})).await.unwrap_err();
    assert!(
        matches!(
            error,
            CallError::NotConnected { .. } | CallError::Lost { .. }
        ),
        "{error:?}"
    );
    let _served = serve_until(address, CancellationToken::new()).await;
    catalogue(&upstream, |now| {
        matches!(now.servers[0].state, ServerState::Connected { .. })
    })
    .await;
    assert_eq!(text_of(&upstream, "s", "t", json!({})).await, "t");
    upstream.shutdown().await;
    drop(reserved);
}

async fn serve_answers(state: Answers) -> String {
    serve(
        Router::new()
            .route("/mcp", any(Answers::answer))
            .with_state(state),
    )
    .await
}

fn config(url: String) -> ServerConfig {
    let headers = [("Authorization".to_owned(), Secret::new("Bearer sesame"))];
    let headers = BTreeMap::from(headers);
    ServerConfig::new("s", Transport::Http { url, headers })
}

#[tokio::test]
async fn headers_go_with_every_request() {
    let state = Answers::new();
    let upstream = connected([config(serve_answers(state.clone()).await + "/mcp")]).await;
    assert_eq!(text_of(&upstream, "s", "t", json!({})).await, "t");
    upstream.shutdown().await;
    let authorized = state.authorized.lock().unwrap();
    assert!(authorized.len() >= 4, "{authorized:?}");
    let sesame = Some("Bearer sesame".to_owned());
    assert!(
        authorized.iter().all(|value| *value == sesame),
        "{authorized:?}"
    );
}

#[tokio::test]
async fn a_tool_with_a_bad_schema_is_kept_over_http_too() {
    let upstream = connected([config(serve_answers(Answers::new()).await + "/mcp")]).await;
    let catalogue = upstream.catalogue();
    let tool = catalogue.tools.get("mcp__s__t").unwrap();
    assert_eq!(tool.definition.input_schema, None);
    upstream.shutdown().await;
}

#[tokio::test]
async fn calls_over_http_are_in_flight_together() {
    let upstream = connected([config(serve_answers(Answers::new()).await + "/mcp")]).await;
    let one = || text_of(&upstream, "s", "together", json!({}));
    let texts = in_time(join_all((0..TOGETHER).map(|_| one()))).await;
    assert_eq!(texts, vec!["all there"; TOGETHER]);
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_result_over_http_that_is_too_large_fails_its_call_in_words() {
    let upstream = connected([config(serve_answers(Answers::new()).await + "/mcp")]).await;
    let error = called(&upstream, "s", "large", json!({}))
        .await
        .unwrap_err();
    let CallError::Failed { why, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(why, TOO_LARGE);
    assert_eq!(text_of(&upstream, "s", "t", json!({})).await, "t");
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_stream_that_breaks_before_the_answer_loses_its_call_and_no_other() {
    let upstream = connected([config(serve_answers(Answers::new()).await + "/mcp")]).await;
    for tool in ["large_stream", "cut_stream"] {
        let error = called(&upstream, "s", tool, json!({})).await.unwrap_err();
        assert!(matches!(error, CallError::Lost { .. }), "{tool}: {error:?}");
        assert_eq!(text_of(&upstream, "s", "t", json!({})).await, "t");
    }
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_status_that_is_no_success_fails_its_call_alone() {
    let upstream = connected([config(serve_answers(Answers::new()).await + "/mcp")]).await;
    let error = called(&upstream, "s", "status", json!({}))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the call of tool status of server s failed: HTTP 502"
    );
    let state = &upstream.catalogue().servers[0].state;
    assert!(matches!(state, ServerState::Connected { .. }), "{state:?}");
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed_and_one_to_another_is_not() {
    let elsewhere = Answers::new();
    let other = serve_answers(elsewhere.clone()).await;
    let here = Answers::new();
    let moved = |to: String| {
        any(move || std::future::ready((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)])))
    };
    let router = Router::new()
        .route("/mcp", any(Answers::answer))
        .route("/old", moved("/mcp".to_owned()))
        .route("/away", moved(other + "/mcp"))
        .with_state(here);
    let origin = serve(router).await;

    let upstream = connected([config(format!("{origin}/old"))]).await;
    assert_eq!(text_of(&upstream, "s", "t", json!({})).await, "t");
    upstream.shutdown().await;

    let upstream = connected([config(format!("{origin}/away"))]).await;
    let why = why_lost(&upstream);
    assert!(
        why.contains("the server redirects to another origin"),
        "{why}"
    );
    assert!(elsewhere.authorized.lock().unwrap().is_empty());
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_server_that_wants_other_credentials_says_so() {
    let refusing = any(|| async {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"things\"")];
        (StatusCode::UNAUTHORIZED, challenge)
    });
    let origin = serve(Router::new().route("/mcp", refusing)).await;
    let upstream = connected([config(origin + "/mcp")]).await;
    assert_eq!(
        why_lost(&upstream),
        "it wants to know who we are (HTTP 401); put its credentials into the server's headers"
    );
    upstream.shutdown().await;
}
