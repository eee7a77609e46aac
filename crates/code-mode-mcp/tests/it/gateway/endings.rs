//! Cancelled requests, clients that go away, and shutdown.

use std::time::Duration;

use code_mode_mcp::audit::{AuditLog, AuditOptions};
use code_mode_mcp::policy::Policy;
use rmcp::model::CallToolResponse;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::client::{Client, Identity, REVISIONS, Revision, params, result, structured, text};
use super::http::initialize;
use super::rig::{LONG_MS, Rig, options};

fn held() -> serde_json::Value {
    json!({ "source": "await tools.mcp__test__held(); text('end')", "yield_time_ms": LONG_MS })
}

/// A wait that answers at once, for what has become of a cell.
async fn look(client: &Client, cell_id: &str) -> String {
    let arguments = json!({ "cell_id": cell_id, "yield_time_ms": 0 });
    text(&client.call("wait", arguments).await)
}

#[tokio::test]
async fn an_exec_that_is_cancelled_before_its_first_answer_ends_its_cell() {
    let mut rig = Rig::new().await;
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let running = client.begin("exec", held()).await;
        let call = rig.server.call().await;
        running.cancel(None).await.unwrap();
        call.cancelled.cancelled().await;
        let terminated = client
            .call("wait", json!({ "cell_id": "1", "terminate": true }))
            .await;
        let said = text(&terminated);
        assert!(
            said.contains("was terminated") || said.contains("being terminated"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_wait_that_is_cancelled_leaves_its_cell_and_loses_nothing() {
    let mut rig = Rig::new().await;
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        client
            .exec("yield_control(); text(await tools.mcp__test__held())")
            .await;
        let call = rig.server.call().await;
        let waiting = client.begin("wait", json!({ "cell_id": "1" })).await;
        while !look(&client, "1").await.contains("being waited for") {}
        waiting.cancel(None).await.unwrap();
        while look(&client, "1").await.contains("being waited for") {}
        call.answer_text("kept");
        let mut said = String::new();
        while !said.contains("Script completed") {
            said.push_str(&look(&client, "1").await);
        }
        assert!(said.contains("kept"), "{said}");
    }
}

#[tokio::test]
async fn the_cells_of_a_client_that_closes_its_stream_end_with_it() {
    let mut rig = Rig::new().await;
    for revision in REVISIONS {
        let (client, serving) = rig.connection(Identity::of(revision)).await;
        let running = client.begin("exec", held()).await;
        let call = rig.server.call().await;
        drop(running);
        drop(client);
        call.cancelled.cancelled().await;
        serving.await.unwrap();
    }
}

#[tokio::test]
async fn a_stateless_request_over_http_that_the_client_drops_ends_its_cell() {
    let mut rig = Rig::new().await;
    let http = rig.http(Default::default()).await;
    let client = http.client(Identity::of(Revision::V2026_07_28)).await;
    let running = client.begin("exec", held()).await;
    let call = rig.server.call().await;
    running.cancel(None).await.unwrap();
    call.cancelled.cancelled().await;
}

#[tokio::test]
async fn the_cells_of_a_session_over_http_end_when_the_client_ends_it() {
    let mut rig = Rig::new().await;
    let http = rig.http(Default::default()).await;
    let client = http.client(Identity::of(Revision::V2025_11_25)).await;
    client
        .exec("yield_control(); await tools.mcp__test__held()")
        .await;
    let call = rig.server.call().await;
    let service = std::sync::Arc::into_inner(client.service).unwrap();
    // Sends DELETE.
    service.cancel().await.unwrap();
    call.cancelled.cancelled().await;
}

/// rmcp alone would give the request some seconds to finish.
#[tokio::test]
async fn a_session_over_http_that_its_client_has_ended_has_no_cells_whatever_was_running() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let log = AuditLog::open(AuditOptions::new(&file)).unwrap();
    let mut audited = options();
    audited.audit = Some(log.clone());
    let mut rig = Rig::with(Policy::default(), audited).await;
    let http = rig.http(Default::default()).await;
    let begun = initialize(&http).send().await.unwrap();
    let session = begun.headers()["mcp-session-id"].clone();
    let exec = json!({
        "jsonrpc": "2.0", "id": 2, "method": "tools/call",
        "params": { "name": "exec", "arguments": held() },
    });
    let in_session = |method| {
        reqwest::Client::new()
            .request(method, http.url("/mcp"))
            .header("accept", "application/json, text/event-stream")
            .header("mcp-session-id", session.clone())
    };
    let running = in_session(reqwest::Method::POST).json(&exec).send().await;
    let _call = rig.server.call().await;
    let ended = in_session(reqwest::Method::DELETE).send();
    assert!(ended.await.unwrap().status().is_success());
    log.flush();
    let log = std::fs::read_to_string(file).unwrap();
    assert!(log.contains(r#""outcome":"cancelled""#), "{log}");
    drop(running);
}

#[tokio::test]
async fn a_shutdown_answers_what_is_running_and_ends_everything() {
    for revision in REVISIONS {
        let mut rig = Rig::new().await;
        let (client, serving) = rig.connection(Identity::of(revision)).await;
        let http = rig.http(Default::default()).await;
        let other = http.client(Identity::of(revision)).await;
        let running = client.begin("exec", held()).await;
        let far = other.begin("exec", held()).await;
        let calls = [rig.server.call().await, rig.server.call().await];
        http.shutdown.cancel();
        assert_eq!(structured(&result(running).await)["status"], "terminated");
        assert_eq!(structured(&result(far).await)["status"], "terminated");
        for call in &calls {
            call.cancelled.cancelled().await;
        }
        serving.await.unwrap();
        http.serving.await.unwrap();
    }
}

/// On several threads, as the command is: on one, the answers happen to be first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_that_is_shut_down_answers_what_is_running_with_its_output() {
    let mut rig = Rig::new().await;
    for revision in REVISIONS {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (read, write) = tokio::io::split(theirs);
        let (gateway, shutdown) = (rig.gateway.clone(), CancellationToken::new());
        let token = shutdown.clone();
        let serving = tokio::spawn(async move { gateway.serve_stream(read, write, token).await });
        let client = Client::connect(Identity::of(revision), ours).await;
        let mut running = Vec::new();
        for _ in 0..8 {
            let source = "text('part'); await tools.mcp__test__held()";
            let arguments = json!({ "source": source, "yield_time_ms": LONG_MS });
            running.push(client.begin("exec", arguments).await);
        }
        let mut calls = Vec::new();
        for _ in &running {
            calls.push(rig.server.call().await);
        }
        shutdown.cancel();
        for running in running {
            let answer = result(running).await;
            assert_eq!(structured(&answer)["status"], "terminated");
            assert!(text(&answer).contains("part"), "{}", text(&answer));
        }
        serving.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn times_that_nobody_lives_to_see_are_no_problem() {
    let mut forever = options();
    forever.exec_yield_time = Duration::MAX;
    forever.longest_wait = Duration::MAX;
    forever.longest_silent_wait = Duration::MAX;
    forever.first_list_wait = Duration::MAX;
    forever.longest_connecting_wait = Duration::MAX;
    forever.session_idle_time = Duration::MAX;
    forever.shutdown_time = Duration::MAX;
    forever.progress_interval = Duration::ZERO;
    let rig = Rig::with(Policy::default(), forever).await;
    let http = rig.http(Default::default()).await;
    for revision in REVISIONS {
        let client = http.client(Identity::of(revision)).await;
        assert_eq!(client.service.list_all_tools().await.unwrap().len(), 2);
        assert_eq!(client.exec("text(1)").await.is_error, Some(false));
        assert_eq!(client.exec("text(1)").await.is_error, Some(false));
    }
}

#[tokio::test]
async fn a_shutdown_takes_no_longer_than_it_may() {
    let mut quick = options();
    quick.shutdown_time = Duration::ZERO;
    let mut rig = Rig::with(Policy::default(), quick).await;
    let (client, serving) = rig.connection(Identity::of(REVISIONS[0])).await;
    let _running = client.begin("exec", held()).await;
    let _call = rig.server.call().await;
    rig.gateway.shutdown().await;
    serving.await.unwrap();
}

#[tokio::test]
async fn a_stream_that_ends_before_the_client_said_anything_is_no_error() {
    let rig = Rig::new().await;
    let served = rig
        .gateway
        .serve_stream(
            tokio::io::empty(),
            tokio::io::sink(),
            CancellationToken::new(),
        )
        .await;
    served.unwrap();
    let served = rig
        .gateway
        .serve_stream(
            &b"{\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n"[..],
            tokio::io::sink(),
            CancellationToken::new(),
        )
        .await;
    let error = served.unwrap_err().to_string();
    assert!(
        error.contains("start the gateway from an MCP client"),
        "{error}"
    );
}

#[tokio::test]
async fn a_cell_whose_question_is_never_answered_ends_with_the_connection() {
    let rig = Rig::asking("test/*").await;
    let identity = Identity::of(Revision::V2026_07_28).with_person();
    let (client, serving) = rig.connection(identity).await;
    let exec = params("exec", json!({ "source": "await tools.mcp__test__held()" }));
    let asked = client.call_once(exec).await;
    assert!(matches!(asked, CallToolResponse::InputRequired(_)));
    drop(client);
    serving.await.unwrap();
}
