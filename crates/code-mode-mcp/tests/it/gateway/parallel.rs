//! Nothing is serialised but what a server itself serialises.

use serde_json::json;

use super::client::{Identity, REVISIONS, output, result};
use super::rig::{LONG_MS, Rig};

/// The server answers no call before it has all twenty in its hands, so one that waited for another
/// would be waited for forever.
#[tokio::test]
async fn twenty_cells_of_four_clients_have_their_calls_in_flight_at_once() {
    let mut rig = Rig::new().await;
    let http = rig.http(Default::default()).await;
    let mut clients = Vec::new();
    for revision in REVISIONS {
        clients.push(rig.client(revision).await);
        clients.push(http.client(Identity::of(revision)).await);
    }
    let mut running = Vec::new();
    for (number, client) in clients.iter().enumerate() {
        for cell in 0..5 {
            let source = format!("text(await tools.mcp__test__held({{ id: '{number}/{cell}' }}))");
            let arguments = json!({ "source": source, "yield_time_ms": LONG_MS });
            running.push((
                format!("{number}/{cell}"),
                client.begin("exec", arguments).await,
            ));
        }
    }
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(rig.server.call().await);
    }
    for call in held {
        let id = call.arguments["id"].as_str().unwrap().to_owned();
        call.answer_text(&id);
    }
    for (id, call) in running {
        let answered = output(&result(call).await);
        assert_eq!(answered.lines().next(), Some(&*id));
    }
}

#[tokio::test]
async fn waits_for_different_cells_of_one_client_run_side_by_side() {
    let mut rig = Rig::new().await;
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let source = "text(await tools.mcp__test__held())";
        let exec = json!({ "source": source, "yield_time_ms": 0 });
        client.call("exec", exec.clone()).await;
        client.call("exec", exec).await;
        let (first, second) = (rig.server.call().await, rig.server.call().await);
        let one = client.begin("wait", json!({ "cell_id": "1" })).await;
        let two = client.begin("wait", json!({ "cell_id": "2" })).await;
        first.answer_text("x");
        second.answer_text("x");
        // In the order that a gateway which took them one by one could not answer in.
        assert_eq!(output(&result(two).await), "x");
        assert_eq!(output(&result(one).await), "x");
    }
}
