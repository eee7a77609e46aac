//! When `execute` and `wait` answer, and with what.

use std::time::Duration;

use code_mode::{
    CellState, ExecuteRequest, FunctionHost, RuntimeResponse, Session, WaitError, WaitRequest,
    WaitUntil,
};
use serde_json::json;
use tokio::time::Instant;

use crate::probe::{Event, probed, probed_with, request};
use crate::support::{LONG_MS, run_in, session, text_items};

fn is_yielded(response: &RuntimeResponse) -> bool {
    matches!(response, RuntimeResponse::Yielded { .. })
}

fn is_result(response: &RuntimeResponse) -> bool {
    matches!(response, RuntimeResponse::Result { .. })
}

/// Lets a future run until it waits, without ending it.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = std::future::ready(()) => None,
    }
}

#[tokio::test]
async fn cell_ids_count_from_one_and_each_session_counts_for_itself() {
    for _ in 0..2 {
        let (session, tools) = session();
        for expected in ["1", "2", "3"] {
            let response = run_in(&session, &tools, "").await;
            assert_eq!(response.cell_id().to_string(), expected);
        }
    }
}

#[tokio::test]
async fn a_refused_execute_uses_up_no_id() {
    let (session, tools) = session();
    let long = "x".repeat(2 * 1024 * 1024);
    session
        .execute(ExecuteRequest::new(long))
        .await
        .unwrap_err();
    assert_eq!(
        run_in(&session, &tools, "").await.cell_id().to_string(),
        "1"
    );
}

#[tokio::test]
async fn the_id_is_known_before_the_first_answer_and_in_every_nested_call() {
    let (session, mut probe) = probed();
    let started = session
        .start(request("await tools.call({ a: 1 })").tool_call_id("mine"))
        .unwrap();
    let Event::Called {
        cell_id,
        tool_call_id,
        input,
        reply,
    } = probe.next().await
    else {
        panic!("expected a call");
    };
    assert_eq!(cell_id, started.cell_id());
    assert_eq!(tool_call_id, "mine");
    assert_eq!(input, json!({ "a": 1 }));
    reply.send(Ok(json!(null))).unwrap();
    assert!(is_result(&started.response().await));
}

#[tokio::test]
async fn when_the_yield_time_is_up_the_cell_answers_and_goes_on() {
    let (session, mut probe) = probed();
    let script = request("text('a'); await tools.call(); text('b');").yield_time_ms(0);
    let mut seen = Vec::new();
    let response = session.execute(script).await.unwrap();
    assert!(is_yielded(&response));
    seen.extend(text_items(&response));

    probe.answer().await;
    let wait = WaitRequest::new(response.cell_id()).yield_time_ms(LONG_MS);
    let response = session.wait(wait).await.unwrap();
    assert!(is_result(&response));
    seen.extend(text_items(&response));
    assert_eq!(seen, ["a", "b"]);
}

#[tokio::test]
async fn a_cpu_bound_cell_yields_on_time() {
    let (session, _) = session();
    let request = ExecuteRequest::new("for (;;) {}").yield_time_ms(1);
    let response = session.execute(request).await.unwrap();
    assert!(is_yielded(&response));
    let terminated = session
        .wait(WaitRequest::terminate(response.cell_id()))
        .await
        .unwrap();
    assert!(matches!(terminated, RuntimeResponse::Terminated { .. }));
}

#[tokio::test]
async fn yield_control_answers_at_once_and_does_not_pause_the_script() {
    let (session, mut probe) = probed();
    let script = request("text('a'); yield_control(); await tools.call(); text('b');");
    let response = session.execute(script).await.unwrap();
    assert!(is_yielded(&response));
    assert_eq!(text_items(&response), ["a"]);

    probe.answer().await;
    let response = session
        .wait(WaitRequest::new(response.cell_id()).yield_time_ms(LONG_MS))
        .await
        .unwrap();
    assert!(is_result(&response));
    assert_eq!(text_items(&response), ["b"]);
}

#[tokio::test]
async fn a_yield_while_nobody_waits_answers_the_next_wait() {
    let (session, mut probe) = probed();
    let script = "await tools.call(); text('a'); yield_control(); await tools.call();";
    let response = session
        .execute(request(script).yield_time_ms(0))
        .await
        .unwrap();
    probe.answer().await;
    let second_call = probe.called().await;

    let response = session
        .wait(WaitRequest::new(response.cell_id()).yield_time_ms(LONG_MS))
        .await
        .unwrap();
    assert!(is_yielded(&response));
    assert_eq!(text_items(&response), ["a"]);
    drop(second_call);
}

#[tokio::test]
async fn a_wait_answers_at_new_output_only_if_asked_to() {
    let (session, mut probe) = probed();
    let script =
        "await tools.call(); text('a'); await tools.call(); text('b'); await tools.call();";
    let id = session
        .execute(request(script).yield_time_ms(0))
        .await
        .unwrap()
        .cell_id();

    let wait = WaitRequest::new(id).yield_time_ms(LONG_MS);
    let mut told = Box::pin(session.wait(wait.clone().until(WaitUntil::NewOutput)));
    assert!(poll_once(&mut told).await.is_none());
    probe.answer().await;
    let response = told.await.unwrap();
    assert!(is_yielded(&response));
    assert_eq!(text_items(&response), ["a"]);

    let mut patient = Box::pin(session.wait(wait));
    assert!(poll_once(&mut patient).await.is_none());
    probe.answer().await;
    let third_call = probe.called().await;
    assert!(poll_once(&mut patient).await.is_none());
    third_call.send(Ok(json!(null))).unwrap();
    let response = patient.await.unwrap();
    assert!(is_result(&response));
    assert_eq!(text_items(&response), ["b"]);
}

#[tokio::test]
async fn output_that_is_there_already_answers_a_wait_for_new_output() {
    let (session, mut probe) = probed();
    let id = session
        .execute(request("await tools.call(); text('a'); await tools.call();").yield_time_ms(0))
        .await
        .unwrap()
        .cell_id();
    probe.answer().await;
    let _second_call = probe.called().await;
    let wait = WaitRequest::new(id)
        .yield_time_ms(LONG_MS)
        .until(WaitUntil::NewOutput);
    assert_eq!(text_items(&session.wait(wait).await.unwrap()), ["a"]);
}

#[tokio::test]
async fn the_first_answer_too_can_be_asked_for_at_new_output() {
    let (session, mut probe) = probed();
    let started = session
        .start(request("text('a'); await tools.call();"))
        .unwrap();
    let response = started.until(WaitUntil::NewOutput).response().await;
    assert!(is_yielded(&response));
    assert_eq!(text_items(&response), ["a"]);
    probe.answer().await;
}

#[tokio::test]
async fn a_completion_nobody_waited_for_is_kept_for_the_next_wait() {
    let (session, mut probe) = probed();
    let id = session
        .execute(request("await tools.call(); text('late');").yield_time_ms(0))
        .await
        .unwrap()
        .cell_id();
    probe.answer().await;
    assert_eq!(probe.closed().await, id);
    assert_eq!(session.cells()[0].state, CellState::Finished);

    let response = session.wait(WaitRequest::new(id)).await.unwrap();
    assert!(is_result(&response));
    assert_eq!(text_items(&response), ["late"]);
    assert!(session.cells().is_empty());
}

#[tokio::test]
async fn ids_that_are_not_live_are_told_apart() {
    let (session, tools) = session();
    let done = run_in(&session, &tools, "").await.cell_id();
    let ended = session
        .execute(ExecuteRequest::new("for (;;) {}").yield_time_ms(0))
        .await
        .unwrap()
        .cell_id();
    session.wait(WaitRequest::terminate(ended)).await.unwrap();
    let never = "77".parse().unwrap();

    for (id, expected, words) in [
        (done, WaitError::AlreadyDelivered(done), "already delivered"),
        (ended, WaitError::AlreadyTerminated(ended), "was terminated"),
        (never, WaitError::Unknown(never), "never existed"),
    ] {
        for wait in [WaitRequest::new(id), WaitRequest::terminate(id)] {
            let error = session.wait(wait).await.unwrap_err();
            assert_eq!(error, expected);
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}

#[tokio::test]
async fn a_second_waiter_is_told_the_cell_is_busy_and_displaces_nobody() {
    let (session, mut probe) = probed();
    let started = session
        .start(request("await tools.call(); text('x');"))
        .unwrap();
    let id = started.cell_id();
    let busy = session.wait(WaitRequest::new(id)).await.unwrap_err();
    assert_eq!(busy, WaitError::Busy(id));
    probe.answer().await;
    assert_eq!(text_items(&started.response().await), ["x"]);
}

#[tokio::test]
async fn a_waiter_that_goes_away_loses_nothing() {
    let (session, mut probe) = probed();
    let script =
        "text('a'); await tools.call(); text('b'); yield_control(); await tools.call(); text('c');";
    let mut first = Box::pin(session.execute(request(script)));
    assert!(poll_once(&mut first).await.is_none());
    let first_call = probe.called().await;
    drop(first);
    let id = session.cells()[0].cell_id;

    let wait = WaitRequest::new(id).yield_time_ms(LONG_MS);
    let mut second = Box::pin(session.wait(wait.clone()));
    assert!(poll_once(&mut second).await.is_none());
    first_call.send(Ok(json!(null))).unwrap();
    let second_call = probe.called().await;
    // The yield has rung for the second waiter, which goes away before it looks.
    drop(second);
    let response = session.wait(wait.clone()).await.unwrap();
    assert!(is_yielded(&response));
    assert_eq!(text_items(&response), ["a", "b"]);

    let mut third = Box::pin(session.wait(wait.clone()));
    assert!(poll_once(&mut third).await.is_none());
    second_call.send(Ok(json!(null))).unwrap();
    assert_eq!(probe.closed().await, id);
    drop(third);
    let response = session.wait(wait).await.unwrap();
    assert!(is_result(&response));
    assert_eq!(text_items(&response), ["c"]);
}

#[tokio::test]
async fn a_started_cell_nobody_asks_for_its_answer_answers_the_next_wait() {
    let (session, _) = session();
    let started = session.start(ExecuteRequest::new("text('x')")).unwrap();
    let id = started.cell_id();
    drop(started);
    let response = session
        .wait(WaitRequest::new(id).yield_time_ms(LONG_MS))
        .await
        .unwrap();
    assert_eq!(text_items(&response), ["x"]);
}

#[tokio::test]
async fn every_item_arrives_once_and_in_order_however_often_a_cell_is_asked() {
    let (session, _) = session();
    let script = "for (let i = 0; i < 256; i++) { text(i); if (i % 64 === 63) yield_control(); }";
    let mut response = session
        .execute(ExecuteRequest::new(script).yield_time_ms(0))
        .await
        .unwrap();
    let mut seen = text_items(&response);
    while !is_result(&response) {
        let wait = WaitRequest::new(response.cell_id()).yield_time_ms(0);
        response = session.wait(wait).await.unwrap();
        seen.extend(text_items(&response));
    }
    let expected: Vec<String> = (0..256).map(|i| i.to_string()).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_flood_of_output_delays_neither_a_due_yield_nor_a_termination() {
    let (session, _) = session();
    let flood = "for (;;) { try { text('x') } catch { } }";
    let response = session
        .execute(ExecuteRequest::new(flood).yield_time_ms(1))
        .await
        .unwrap();
    assert!(is_yielded(&response));
    let wait = WaitRequest::new(response.cell_id()).yield_time_ms(1);
    assert!(is_yielded(&session.wait(wait).await.unwrap()));
    let end = session
        .wait(WaitRequest::terminate(response.cell_id()))
        .await
        .unwrap();
    assert!(matches!(end, RuntimeResponse::Terminated { .. }));
}

/// How long, on tokio's own stopped clock, a cell that never ends keeps its caller waiting.
async fn virtual_yield_time(session: &Session, yield_time_ms: u64) -> Duration {
    let before = Instant::now();
    let response = session
        .execute(request("await tools.call()").yield_time_ms(yield_time_ms))
        .await
        .unwrap();
    assert!(is_yielded(&response));
    before.elapsed()
}

#[tokio::test(start_paused = true)]
async fn yield_times_from_ten_seconds_on_get_one_second_of_grace() {
    let (session, _probe) = probed();
    assert_eq!(virtual_yield_time(&session, 9_999).await.as_millis(), 9_999);
    assert_eq!(
        virtual_yield_time(&session, 10_000).await.as_millis(),
        11_000
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_may_cap_yield_times() {
    let (session, _probe) = probed_with(Session::builder().max_yield_time(Duration::from_secs(5)));
    assert_eq!(
        virtual_yield_time(&session, 10_000).await.as_millis(),
        5_000
    );
    assert_eq!(virtual_yield_time(&session, 20).await.as_millis(), 20);
    assert_eq!(
        virtual_yield_time(&session, u64::MAX).await.as_millis(),
        5_000
    );
}

#[tokio::test(start_paused = true)]
async fn the_default_yield_time_is_ten_seconds_and_its_grace() {
    let (session, _probe) = probed();
    let before = Instant::now();
    let mut default = request("await tools.call()");
    default.yield_time_ms = None;
    let response = session.execute(default).await.unwrap();
    assert_eq!(before.elapsed().as_millis(), 11_000);
    let before = Instant::now();
    session
        .wait(WaitRequest::new(response.cell_id()))
        .await
        .unwrap();
    assert_eq!(before.elapsed().as_millis(), 11_000);
}

#[tokio::test]
async fn calls_of_one_cell_run_at_once() {
    let (session, mut probe) = probed();
    let script = "text(await Promise.all([1, 2, 3].map((n) => tools.call({ n }))))";
    let started = session.start(request(script)).unwrap();
    let calls = [
        probe.called().await,
        probe.called().await,
        probe.called().await,
    ];
    assert_eq!(session.cells()[0].pending_calls, 3);
    for (n, reply) in calls.into_iter().enumerate().rev() {
        reply.send(Ok(json!(n))).unwrap();
    }
    assert_eq!(text_items(&started.response().await), ["[0,1,2]"]);
}

#[tokio::test]
async fn cells_lists_what_is_live_and_what_it_uses() {
    let (session, mut probe) = probed();
    assert!(session.cells().is_empty());
    let script = "globalThis.kept = new Array(100000).fill(1.5); for (let i = 0; i < 1e6; i++); await tools.call();";
    let started = session.start(request(script).tool_call_id("t")).unwrap();
    let reply = probe.called().await;
    // The call is heard a moment before the script waits; right before that its heap is looked at.
    while session.cells()[0].heap_used_bytes < 800_000 {
        tokio::task::yield_now().await;
    }
    let cells = session.cells();
    assert_eq!(cells.len(), 1);
    let cell = &cells[0];
    assert_eq!(cell.cell_id, started.cell_id());
    assert_eq!(cell.tool_call_id, "t");
    assert_eq!(cell.state, CellState::Running);
    assert_eq!(cell.pending_calls, 1);
    assert!(cell.cpu_used > Duration::ZERO);
    assert!(cell.age >= cell.cpu_used);
    reply.send(Ok(json!(null))).unwrap();
    assert!(is_result(&started.response().await));
    assert!(session.cells().is_empty());
}

#[test]
fn execute_outside_a_runtime_says_so() {
    let session = Session::new(FunctionHost::new());
    let error = session.start(ExecuteRequest::new("")).err().unwrap();
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}
