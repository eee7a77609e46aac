//! Serving over HTTP: who is let in, and sessions without a connection.

use std::net::SocketAddr;
use std::time::Duration;

use code_mode_mcp::config::Secret;
use code_mode_mcp::gateway::{HttpOptions, ServeError};
use code_mode_mcp::policy::Policy;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::client::{Client, Identity, REVISIONS, Revision, output, result, structured, text};
use super::rig::{Http, LONG_MS, Rig, gateway, options};
use super::server::{Server, tool};

fn with_token(token: &str) -> HttpOptions {
    let mut options = HttpOptions::default();
    options.bearer_token = Some(Secret::new(token));
    options
}

/// A request that a client would begin with.
pub fn initialize(http: &Http) -> reqwest::RequestBuilder {
    reqwest::Client::new()
        .post(http.url("/mcp"))
        .header("accept", "application/json, text/event-stream")
        .json(&json!({
            "jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": { "name": "raw", "version": "1" },
            },
        }))
}

async fn status(request: reqwest::RequestBuilder) -> StatusCode {
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn health_says_how_many_servers_are_connected_and_names_none() {
    let rig = Rig::new().await;
    let http = rig.http(with_token("s3cret")).await;
    let answer = reqwest::get(http.url("/healthz")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let health: Value = answer.json().await.unwrap();
    let servers = json!({ "connected": 1, "connecting": 0, "lost": 0 });
    assert_eq!(health, json!({ "status": "ok", "servers": servers }));
}

#[tokio::test]
async fn hosts_and_origins_of_elsewhere_are_refused_unless_they_are_allowed() {
    let rig = Rig::new().await;
    let http = rig.http(HttpOptions::default()).await;
    assert_eq!(status(initialize(&http)).await, StatusCode::OK);
    let local = "http://localhost:6274";
    assert_eq!(
        status(initialize(&http).header(ORIGIN, local)).await,
        StatusCode::OK
    );
    for (name, value) in [
        (HOST, "evil.example"),
        (ORIGIN, "http://evil.example"),
        (ORIGIN, "http://localhost.evil.example"),
        (ORIGIN, "null"),
    ] {
        let refused = status(initialize(&http).header(name.clone(), value)).await;
        assert_eq!(refused, StatusCode::FORBIDDEN, "{name}: {value}");
    }

    let mut wider = HttpOptions::default();
    wider.allowed_hosts = vec!["gateway.example".to_owned()];
    wider.allowed_origins = vec!["https://app.example".parse().unwrap()];
    let rig = Rig::new().await;
    let http = rig.http(wider).await;
    let allowed = initialize(&http)
        .header(HOST, "gateway.example")
        .header(ORIGIN, "https://app.example");
    assert_eq!(status(allowed).await, StatusCode::OK);
    let elsewhere = initialize(&http).header(ORIGIN, "https://app.example:8443");
    assert_eq!(status(elsewhere).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn web_pages_of_allowed_origins_may_read_answers_and_others_may_not() {
    let rig = Rig::new().await;
    let http = rig.http(with_token("s3cret")).await;
    let preflight = |origin: &str| {
        reqwest::Client::new()
            .request(reqwest::Method::OPTIONS, http.url("/mcp"))
            .header(ORIGIN, origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type",
            )
            .send()
    };
    let local = "http://localhost:6274";
    // A browser sends no token with it.
    let answer = preflight(local).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let allowed = |name: &str| {
        let name = format!("access-control-allow-{name}");
        let value = answer.headers()[name].to_str().unwrap();
        value.to_ascii_lowercase()
    };
    assert_eq!(allowed("origin"), local);
    assert_eq!(allowed("methods"), "get,post,delete");
    for header in [
        "content-type",
        "authorization",
        "mcp-session-id",
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
        "last-event-id",
    ] {
        let headers = allowed("headers");
        assert!(headers.split(',').any(|name| name == header), "{headers}");
    }

    let begin = |origin: &str| initialize(&http).header(ORIGIN, origin);
    let answer = begin(local).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers()["access-control-allow-origin"], local);
    let answer = begin(local).header(AUTHORIZATION, "Bearer s3cret").send();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["access-control-allow-origin"], local);
    assert_eq!(
        answer.headers()["access-control-expose-headers"],
        "mcp-session-id"
    );

    for origin in [
        "http://evil.example",
        "http://localhost.evil.example",
        "null",
    ] {
        for answer in [preflight(origin).await, begin(origin).send().await] {
            let answer = answer.unwrap();
            let allowed = answer.headers().get("access-control-allow-origin");
            assert_eq!(allowed, None, "{origin}");
        }
    }
}

#[tokio::test]
async fn whoever_lacks_the_token_is_turned_away_with_a_challenge() {
    let rig = Rig::new().await;
    let http = rig.http(with_token("s3cret")).await;
    for wrong in [
        "",
        "Bearer ",
        "Bearer s3cre",
        "Bearer s3cret2",
        "Basic s3cret",
        "s3cret",
    ] {
        let answer = initialize(&http)
            .header(AUTHORIZATION, wrong)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{wrong:?}");
        assert_eq!(
            answer.headers()[WWW_AUTHENTICATE],
            "Bearer realm=\"code-mode\""
        );
        let words = answer.text().await.unwrap();
        assert!(words.contains("Authorization: Bearer TOKEN") && !words.contains("s3cret"));
    }
    assert_eq!(status(initialize(&http)).await, StatusCode::UNAUTHORIZED);
    let right = initialize(&http).header(AUTHORIZATION, "bearer s3cret");
    assert_eq!(status(right).await, StatusCode::OK);
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_not_served_without_a_token() {
    let rig = Rig::new().await;
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([0, 0, 0, 0], 0)))
        .await
        .unwrap();
    let served = rig
        .gateway
        .serve_http(listener, HttpOptions::default(), CancellationToken::new());
    let error = served.await.unwrap_err();
    assert!(matches!(error, ServeError::NoToken { .. }));
    assert!(
        error
            .to_string()
            .contains("set a bearer token, or serve at 127.0.0.1"),
        "{error}"
    );
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused() {
    let rig = Rig::new().await;
    let mut small = HttpOptions::default();
    small.max_request_bytes = 100;
    let http = rig.http(small).await;
    assert_eq!(
        status(initialize(&http)).await,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test]
async fn clients_with_a_connection_have_a_session_each_and_need_not_name_it() {
    let rig = Rig::new().await;
    let http = rig.http(HttpOptions::default()).await;
    let one = http.client(Identity::of(Revision::V2025_11_25)).await;
    let two = http.client(Identity::of(Revision::V2025_11_25)).await;
    one.exec("store('k', 1)").await;
    assert_eq!(output(&one.exec("text(load('k') ?? 'none')").await), "1");
    let other = two.exec("text(load('k') ?? 'none')").await;
    assert_eq!(output(&other), "none");
    assert_eq!(structured(&other).get("session"), None);
}

async fn stateless(http: &Http) -> Client {
    http.client(Identity::of(Revision::V2026_07_28)).await
}

fn session(result: &rmcp::model::CallToolResult) -> String {
    structured(result)["session"]
        .as_str()
        .expect("a session")
        .to_owned()
}

#[tokio::test]
async fn a_stateless_client_names_its_session_by_the_handle_that_exec_gave_it() {
    let mut rig = Rig::new().await;
    let http = rig.http(HttpOptions::default()).await;
    let client = stateless(&http).await;
    let tools = client.service.list_all_tools().await.unwrap();
    for tool in &tools {
        assert!(
            tool.input_schema["properties"].get("session").is_some(),
            "{}",
            tool.name
        );
    }

    let first = client
        .exec("store('k', 1); yield_control(); text(await tools.mcp__test__held())")
        .await;
    let handle = session(&first);
    assert_eq!(handle.len(), 32);
    assert!(text(&first).contains(&format!("Session {handle}: give it as session")));
    rig.server.call().await.answer_text("there");
    let waited = client
        .call("wait", json!({ "cell_id": "1", "session": handle }))
        .await;
    assert_eq!(output(&waited), "there");

    let arguments = json!({ "source": "text(load('k'))", "session": handle });
    let second = stateless(&http).await.call("exec", arguments).await;
    assert_eq!(output(&second), "1");
    assert_eq!(session(&second), handle);
    let fresh = client.exec("text(load('k') ?? 'none')").await;
    assert!(output(&fresh).starts_with("none"), "{}", text(&fresh));
    assert_ne!(session(&fresh), handle);

    let unknown = client
        .call("exec", json!({ "source": "1", "session": "guess" }))
        .await;
    assert_eq!(unknown.is_error, Some(true));
    assert!(
        text(&unknown).contains("session \"guess\" is not known"),
        "{}",
        text(&unknown)
    );
    let unnamed = client.call("wait", json!({ "cell_id": "1" })).await;
    assert!(
        text(&unnamed).contains("wait needs the argument session"),
        "{}",
        text(&unnamed)
    );
}

#[tokio::test]
async fn a_session_that_nobody_uses_expires_and_its_cells_end() {
    let mut short = options();
    short.session_idle_time = Duration::from_millis(1);
    let server = Server::with_tools("test", vec![tool("held"), tool("gate")]).await;
    let gateway = gateway(&[&server], Policy::default(), short).await;
    let mut rig = Rig { gateway, server };
    let http = rig.http(HttpOptions::default()).await;
    let client = stateless(&http).await;
    let source = "const held = tools.mcp__test__held(); await tools.mcp__test__gate(); yield_control(); await held";
    let running = client
        .begin(
            "exec",
            json!({ "source": source, "yield_time_ms": LONG_MS }),
        )
        .await;
    // Both are there before the session is left alone.
    let calls = [rig.server.call().await, rig.server.call().await];
    let (gate, held): (Vec<_>, Vec<_>) = calls.into_iter().partition(|call| call.tool == "gate");
    for gate in gate {
        gate.answer_text("");
    }
    let first = result(running).await;
    held[0].cancelled.cancelled().await;
    let arguments = json!({ "cell_id": "1", "session": session(&first) });
    let gone = client.call("wait", arguments).await;
    assert!(
        text(&gone).contains("it may have expired"),
        "{}",
        text(&gone)
    );
}

#[tokio::test]
async fn a_session_in_use_does_not_expire() {
    let mut short = options();
    short.session_idle_time = Duration::ZERO;
    let mut rig = Rig::with(Policy::default(), short).await;
    let http = rig.http(HttpOptions::default()).await;
    let client = stateless(&http).await;
    let arguments =
        json!({ "source": "text(await tools.mcp__test__held())", "yield_time_ms": LONG_MS });
    let running = client.begin("exec", arguments).await;
    let call = rig.server.call().await;
    // Others come and go, and are expired at once.
    for _ in 0..3 {
        client.exec("1").await;
    }
    call.answer_text("still here");
    let result = result(running).await;
    assert!(
        output(&result).starts_with("still here"),
        "{}",
        text(&result)
    );
}

#[tokio::test]
async fn one_session_too_many_is_refused_in_words_unless_another_has_nothing_to_lose() {
    let mut few = options();
    few.max_sessions = 2;
    let rig = Rig::with(Policy::default(), few).await;
    let http = rig.http(HttpOptions::default()).await;
    let client = stateless(&http).await;
    for _ in 0..5 {
        assert_eq!(client.exec("1").await.is_error, Some(false));
    }
    client.exec("store('k', 1)").await;
    client.exec("store('k', 2)").await;
    let refused = client.exec("1").await;
    assert_eq!(refused.is_error, Some(true));
    assert!(
        text(&refused).contains("there are 2 sessions, as many as this server allows"),
        "{}",
        text(&refused)
    );
    let answer = initialize(&http)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(answer.contains("as many as this server allows"), "{answer}");
}

#[tokio::test]
async fn exec_wait_and_cancellation_are_the_same_over_http() {
    let mut rig = Rig::new().await;
    let http = rig.http(HttpOptions::default()).await;
    for revision in REVISIONS {
        let client = http.client(Identity::of(revision).with_person()).await;
        let result = client
            .exec("notify('n'); text(await tools.mcp__test__echo({ text: 'hi' }))")
            .await;
        assert!(output(&result).starts_with("hi"), "{}", text(&result));
        assert_eq!(client.hears_progress().await.message.unwrap(), "n");
        let running = client
            .begin(
                "exec",
                json!({ "source": "await tools.mcp__test__held()", "yield_time_ms": LONG_MS }),
            )
            .await;
        let call = rig.server.call().await;
        running.cancel(None).await.unwrap();
        call.cancelled.cancelled().await;
    }
}

#[tokio::test]
async fn a_person_is_asked_over_http() {
    let rig = Rig::asking("test/*").await;
    let http = rig.http(HttpOptions::default()).await;
    for revision in REVISIONS {
        let client = http.client(Identity::of(revision).with_person()).await;
        let call = client.exec("text(await tools.mcp__test__echo({ text: 'yes' }))");
        let (result, ()) = tokio::join!(call, async {
            client.is_asked().await.says("Allow once");
        });
        assert!(output(&result).starts_with("yes"), "{}", text(&result));
    }
}
