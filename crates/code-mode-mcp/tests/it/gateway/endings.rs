//! Cancelled requests, clients that go away, and shutdown.

use std::time::Duration;

use code_mode_mcp::policy::Policy;
use rmcp::model::CallToolResponse;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::client::{Client, Identity, REVISIONS, Revision, params, result, structured, text};
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

#[tokio::test]
async fn requests_of_a_session_over_http_that_its_client_ends_do_not_hold_it_up() {
    let mut rig = Rig::new().await;
    let http = rig.http(Default::default()).await;
    let client = http.client(Identity::of(Revision::V2025_11_25)).await;
    let running = client.begin("exec", held()).await;
    let call = rig.server.call().await;
    let service = std::sync::Arc::into_inner(client.service).unwrap();
    service.cancel().await.unwrap();
    // Sooner than the seconds that rmcp gives a request that is running.
    let waited = tokio::time::timeout(Duration::from_secs(4), call.cancelled.cancelled());
    waited.await.expect("the cell has ended");
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
