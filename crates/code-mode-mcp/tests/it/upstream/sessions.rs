//! Servers over HTTP that forget their sessions, as one does that is restarted.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use code_mode_mcp::config::{ServerConfig, Transport};
use code_mode_mcp::upstream::{CallError, ServerState, Upstream};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::support::{call, called, catalogue, connected, in_time, text_of};

const SESSION: &str = "mcp-session-id";

/// How a server refuses a session that it does not know.
#[derive(Clone, Copy)]
struct Refusal {
    status: StatusCode,
    body: &'static str,
}

/// As the examples of the TypeScript SDK do.
const BAD_REQUEST: Refusal = Refusal {
    status: StatusCode::BAD_REQUEST,
    body: r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null}"#,
};

/// As the specification wants it.
const NOT_FOUND: Refusal = Refusal {
    status: StatusCode::NOT_FOUND,
    body: r#"{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}"#,
};

/// It does not say that it did nothing.
const CRASHED: Refusal = Refusal {
    status: StatusCode::INTERNAL_SERVER_ERROR,
    body: r#"{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal server error"},"id":null}"#,
};

const IN_WORDS: Refusal = Refusal {
    status: StatusCode::BAD_REQUEST,
    body: "what session?",
};

/// A server of revision 2025-11-25 with sessions.
#[derive(Clone)]
struct Forgetful(Arc<Parts>);

struct Parts {
    refusal: Refusal,
    sessions: Mutex<Sessions>,
    /// Woken by each call that is answered with a stream.
    streaming: Notify,
}

#[derive(Default)]
struct Sessions {
    begun: usize,
    known: HashSet<String>,
    /// Calls that were executed.
    executed: usize,
    /// Ends the streams.
    end: CancellationToken,
}

impl Forgetful {
    fn new(refusal: Refusal) -> Self {
        Self(Arc::new(Parts {
            refusal,
            sessions: Mutex::default(),
            streaming: Notify::new(),
        }))
    }

    /// What a restart does: all sessions are forgotten and all streams cut.
    fn restart(&self) {
        let mut sessions = self.0.sessions.lock().unwrap();
        sessions.known.clear();
        sessions.end.cancel();
        sessions.end = CancellationToken::new();
    }

    fn executed(&self) -> usize {
        self.0.sessions.lock().unwrap().executed
    }

    fn begun(&self) -> usize {
        self.0.sessions.lock().unwrap().begun
    }

    async fn connected(&self) -> Upstream {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/mcp", any(Self::answer))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let headers = Default::default();
        connected([ServerConfig::new("s", Transport::Http { url, headers })]).await
    }

    async fn answer(
        State(state): State<Self>,
        method: Method,
        headers: HeaderMap,
        body: String,
    ) -> Response {
        let session = headers.get(SESSION).map(|id| id.to_str().unwrap());
        let mut sessions = state.0.sessions.lock().unwrap();
        if session.is_some_and(|id| !sessions.known.contains(id)) {
            let Refusal { status, body } = state.0.refusal;
            let kind = if body.starts_with('{') {
                "application/json"
            } else {
                "text/plain"
            };
            return (status, [(header::CONTENT_TYPE, kind)], body).into_response();
        }
        if method != Method::POST {
            return StatusCode::METHOD_NOT_ALLOWED.into_response();
        }
        let request: Value = serde_json::from_str(&body).unwrap();
        let Some(id) = request.get("id") else {
            return StatusCode::ACCEPTED.into_response();
        };
        let mut begun = None;
        let result = match request["method"].as_str().unwrap() {
            "initialize" => {
                sessions.begun += 1;
                let session = format!("session-{}", sessions.begun);
                sessions.known.insert(session.clone());
                begun = Some([(SESSION, session)]);
                json!({
                    "protocolVersion": "2025-11-25",
                    "capabilities": { "tools": {} },
                    "serverInfo": { "name": "forgetful", "version": "1" },
                })
            }
            "tools/list" => json!({ "tools": [{ "name": "t", "inputSchema": {} }] }),
            "tools/call" => {
                sessions.executed += 1;
                if request["params"]["name"] == "stream" {
                    state.0.streaming.notify_one();
                    return until(sessions.end.clone());
                }
                json!({ "content": [{ "type": "text", "text": "done" }] })
            }
            _ => {
                let error = json!({ "code": -32601, "message": "Method not found" });
                return answer(&json!({ "jsonrpc": "2.0", "id": id, "error": error }));
            }
        };
        let answer = answer(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
        match begun {
            Some(session) => (session, answer).into_response(),
            None => answer,
        }
    }
}

fn answer(body: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, body.to_string()).into_response()
}

/// A stream that could be resumed, and that ends without an answer.
fn until(end: CancellationToken) -> Response {
    let first = stream::once(std::future::ready(Ok(Bytes::from_static(
        b"id: 1\nretry: 1\ndata:\n\n",
    ))));
    let rest = stream::once(end.cancelled_owned()).map(|()| Err(std::io::Error::other("cut")));
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(first.chain(rest))).into_response()
}

#[tokio::test]
async fn a_call_that_an_unknown_session_refused_is_made_once_on_a_new_one() {
    for refusal in [BAD_REQUEST, NOT_FOUND] {
        let server = Forgetful::new(refusal);
        let upstream = server.connected().await;
        assert_eq!(text_of(&upstream, "s", "t", json!({})).await, "done");
        server.restart();
        assert_eq!(text_of(&upstream, "s", "t", json!({})).await, "done");
        assert_eq!((server.begun(), server.executed()), (2, 2));
        upstream.shutdown().await;
    }
}

#[tokio::test]
async fn a_call_that_was_refused_for_no_clear_reason_fails_in_words_and_the_next_one_works() {
    for (refusal, why) in [
        (CRASHED, "Internal server error (JSON-RPC error -32603)"),
        (IN_WORDS, "HTTP 400 Bad Request: what session?"),
    ] {
        let server = Forgetful::new(refusal);
        let upstream = server.connected().await;
        server.restart();
        let error = called(&upstream, "s", "t", json!({})).await.unwrap_err();
        assert!(matches!(error, CallError::Failed { .. }), "{error:?}");
        assert!(error.to_string().ends_with(why), "{error}");
        // The connection is made again by itself.
        in_time(begun_again(&server, &upstream)).await;
        assert_eq!(text_of(&upstream, "s", "t", json!({})).await, "done");
        assert_eq!(server.executed(), 1);
        upstream.shutdown().await;
    }
}

async fn begun_again(server: &Forgetful, upstream: &Upstream) {
    catalogue(upstream, |now| {
        server.begun() == 2 && matches!(now.servers[0].state, ServerState::Connected { .. })
    })
    .await;
}

#[tokio::test]
async fn a_call_whose_stream_cannot_be_resumed_is_lost_in_words() {
    for refusal in [BAD_REQUEST, NOT_FOUND] {
        let server = Forgetful::new(refusal);
        let upstream = server.connected().await;
        let restart = async {
            server.0.streaming.notified().await;
            server.restart();
        };
        let streamed = upstream.call(call("s", "stream", json!({})));
        let (ended, ()) = in_time(async { tokio::join!(streamed, restart) }).await;
        assert_eq!(
            ended.unwrap_err().to_string(),
            "the connection to server s was lost during the call of tool stream; whether it took \
             effect is not known"
        );
        assert_eq!(text_of(&upstream, "s", "t", json!({})).await, "done");
        assert_eq!((server.begun(), server.executed()), (2, 2));
        upstream.shutdown().await;
    }
}
