//! How a cell ends by itself.

use code_mode::{CellId, RuntimeResponse, Session, WaitRequest};

use crate::probe::{Event, Probe, probed, request};
use crate::support::{LONG_MS, run_in, text_items};

#[tokio::test]
async fn started_notifications_are_awaited_before_the_answer() {
    let (session, mut probe) = probed();
    let mut response = Box::pin(session.execute(request("notify({ a: 1 }); text('x')")));
    let Event::Notified { text, release } = (tokio::select! {
        biased;
        event = probe.next() => event,
        response = &mut response => panic!("too early: {response:?}"),
    }) else {
        panic!("expected a notification");
    };
    assert_eq!(text, r#"{"a":1}"#);
    release.send(()).unwrap();
    assert_eq!(text_items(&response.await.unwrap()), ["x"]);
}

#[tokio::test]
async fn nested_calls_nobody_awaited_are_cancelled_and_awaited() {
    let (session, mut probe) = probed();
    let mut response = Box::pin(session.execute(request("tools.call(); text('x')")));
    let mut cancelled = None;
    while cancelled.is_none() {
        let event = tokio::select! {
            biased;
            event = probe.next() => event,
            response = &mut response => panic!("too early: {response:?}"),
        };
        match event {
            // Dropped unanswered: only its cancellation ends it.
            Event::Called { .. } => {}
            Event::CallCancelled { release } => cancelled = Some(release),
            other => panic!("unexpected: {other:?}"),
        }
    }
    cancelled.unwrap().send(()).unwrap();
    assert_eq!(text_items(&response.await.unwrap()), ["x"]);
}

#[tokio::test]
async fn timers_nobody_awaited_are_ignored() {
    let (session, _probe) = probed();
    let script = "setTimeout(() => text('never'), 1e9); text('x')";
    let response = session.execute(request(script)).await.unwrap();
    assert_eq!(text_items(&response), ["x"]);
}

#[tokio::test]
async fn output_before_an_error_stays() {
    let (session, _probe) = probed();
    let response = session
        .execute(request(
            "text('a'); await null; text('b'); throw new Error('e')",
        ))
        .await
        .unwrap();
    assert_eq!(text_items(&response), ["a", "b"]);
    assert!(response.error_text().unwrap().starts_with("Error: e\n"));
}

/// Starts a script that waits for the test, ends it in some way, and gives its id.
async fn ended(session: &Session, probe: &mut Probe, script: &str, terminate: bool) -> CellId {
    let response = session
        .execute(request(script).yield_time_ms(if terminate { 0 } else { LONG_MS }))
        .await
        .unwrap();
    let id = response.cell_id();
    if terminate {
        session.wait(WaitRequest::terminate(id)).await.unwrap();
    }
    assert_eq!(probe.closed().await, id);
    id
}

#[tokio::test]
async fn cell_closed_runs_exactly_once_whatever_the_cells_fate() {
    let (session, mut probe) = probed();
    for (script, terminate) in [
        ("text(1)", false),
        ("throw new Error('e')", false),
        ("this is no javascript", false),
        ("exit()", false),
        ("await new Promise(() => {})", false),
        ("for (;;) {}", true),
    ] {
        ended(&session, &mut probe, script, terminate).await;
    }
    session.shutdown().await;
    assert!(probe.so_far().is_empty());
}

#[tokio::test]
async fn a_result_carries_the_stored_values_after_the_commit() {
    let (session, _probe) = probed();
    let tools = crate::probe::tools();
    run_in(&session, &tools, "store('a', 1)").await;
    let response = run_in(&session, &tools, "store('b', [2])").await;
    let RuntimeResponse::Result { stored_values, .. } = response else {
        panic!("expected a result");
    };
    assert_eq!(
        serde_json::to_string(&stored_values).unwrap(),
        r#"{"a":1,"b":[2]}"#
    );
}
