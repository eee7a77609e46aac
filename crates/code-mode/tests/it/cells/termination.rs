//! Ending a cell that has not ended by itself.

use code_mode::{CellState, ExecuteRequest, RuntimeResponse, WaitError, WaitRequest, standby};
use serde_json::json;

use crate::alone;
use crate::probe::{Event, probed, request};
use crate::support::{LONG_MS, text_items};

fn is_terminated(response: &RuntimeResponse) -> bool {
    matches!(response, RuntimeResponse::Terminated { .. })
}

#[tokio::test]
async fn terminate_ends_whatever_keeps_a_script_busy() {
    for busy in [
        "for (;;) {}",
        "for (;;) { try { throw 1 } catch {} finally {} }",
        "/^(a+)+$/.test('a'.repeat(60) + 'b')",
        "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 7)",
        "new Array(5e6).fill(0).map(Math.random).sort((a, b) => { for (let i = 0; i < 1e9; i++); return a - b })",
        "(async () => { for (;;) await null })()",
        "(function again() { Promise.resolve().then(again) })(); await new Promise(() => {})",
        "(function again() { setTimeout(again) })(); await new Promise(() => {})",
        "let x = 3n; for (;;) x = (x * x) % (1n << 4096n)",
        "await new Promise((done) => setTimeout(done, 1e9))",
        "JSON.parse('[1]', function () { for (;;); })",
        "new Proxy({}, { get() { for (;;); } }).x",
        "eval('for (;;);')",
        // V8 checks such loops only after many turns; the helpers do at each.
        "const big = 'x'.repeat(2 ** 24); for (;;) try { text(big); text(big) } catch {}",
        "const big = 'x'.repeat(2 ** 24); for (;;) try { console.log(...new Array(1e4).fill(big)) } catch {}",
        // A helper is interrupted between two of its arguments; the output limit is not what ends it.
        "for (;;) { try { console.log({ a: [new Map([[1, 2]])] }, new Error('x'), { get b() { return 1n } }) } catch {} }",
    ] {
        let (session, _probe) = probed();
        let response = session
            .execute(request(busy).yield_time_ms(1))
            .await
            .unwrap();
        assert!(
            matches!(response, RuntimeResponse::Yielded { .. }),
            "{busy}: {response:?}"
        );
        let response = session
            .wait(WaitRequest::terminate(response.cell_id()))
            .await
            .unwrap();
        assert!(is_terminated(&response), "{busy}: {response:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn terminate_returns_after_the_isolate_is_gone_and_its_thread_has_ended() {
    alone::alone(
        "cells::termination::terminate_returns_after_the_isolate_is_gone_and_its_thread_has_ended",
        || {
            alone::block_on(async {
                // A thread that a cell's thread starts bears that one's name until it first runs; there is
                // none.
                standby::configure(standby::Options::none());
                let (session, _probe) = probed();
                for busy in [
                    "for (;;) {}",
                    "await new Promise((f) => setTimeout(f, 1e9))",
                ] {
                    let started = session.start(request(busy).yield_time_ms(0)).unwrap();
                    let thread = format!("code-mode-{}", started.cell_id());
                    // A new thread names itself.
                    while !alone::thread_names().contains(&thread) {
                        tokio::task::yield_now().await;
                    }
                    let response = started.response().await;
                    let terminate = WaitRequest::terminate(response.cell_id());
                    let response = session.wait(terminate).await.unwrap();
                    assert!(is_terminated(&response));
                    assert!(!alone::thread_names().contains(&thread));
                }
            });
        },
    );
}

#[tokio::test]
async fn terminate_answers_with_everything_not_delivered() {
    let (session, mut probe) = probed();
    let script = "text('a'); await tools.call(); text('b'); yield_control(); await tools.call();";
    let response = session
        .execute(request(script).yield_time_ms(0))
        .await
        .unwrap();
    let mut seen = text_items(&response);
    probe.answer().await;
    let _reply = probe.called().await;
    let terminating = session.wait(WaitRequest::terminate(response.cell_id()));
    let (response, ()) = tokio::join!(terminating, probe.release_cancelled_call());
    let response = response.unwrap();
    assert!(is_terminated(&response));
    seen.extend(text_items(&response));
    assert_eq!(seen, ["a", "b"]);
}

#[tokio::test]
async fn terminate_answers_only_when_every_host_callback_has_returned() {
    let (session, mut probe) = probed();
    let script = "notify('n'); await tools.call();";
    let started = session.start(request(script)).unwrap();
    let id = started.cell_id();
    drop(started);
    // Kept, so that only their cancellation ends them.
    let _held = [probe.next().await, probe.next().await];

    let mut terminating = Box::pin(session.wait(WaitRequest::terminate(id)));
    let mut releases = Vec::new();
    for _ in 0..2 {
        let event = tokio::select! {
            biased;
            event = probe.next() => event,
            response = &mut terminating => panic!("too early: {response:?}"),
        };
        match event {
            Event::CallCancelled { release } | Event::NotificationCancelled { release } => {
                releases.push(release);
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!(session.cells()[0].state, CellState::Terminating);
    for release in releases {
        release.send(()).unwrap();
    }
    assert!(is_terminated(&terminating.await.unwrap()));
    assert_eq!(probe.closed().await, id);
}

#[tokio::test]
async fn a_cell_that_had_completed_answers_a_terminate_with_its_result() {
    let (session, mut probe) = probed();
    let id = session
        .execute(request("await tools.call(); store('k', 1); text('done');").yield_time_ms(0))
        .await
        .unwrap()
        .cell_id();
    probe.answer().await;
    probe.closed().await;
    let response = session.wait(WaitRequest::terminate(id)).await.unwrap();
    assert!(
        matches!(response, RuntimeResponse::Result { .. }),
        "{response:?}"
    );
    assert_eq!(text_items(&response), ["done"]);
    assert_eq!(session.stored_values().len(), 1);
}

#[tokio::test]
async fn a_second_terminate_is_told_of_the_first() {
    let (session, mut probe) = probed();
    let started = session.start(request("await tools.call()")).unwrap();
    let id = started.cell_id();
    drop(started);
    let _reply = probe.called().await;

    let mut first = Box::pin(session.wait(WaitRequest::terminate(id)));
    let event = tokio::select! {
        biased;
        event = probe.next() => event,
        _ = &mut first => panic!("too early"),
    };
    let second = session.wait(WaitRequest::terminate(id)).await.unwrap_err();
    assert_eq!(second, WaitError::TerminationUnderWay(id));

    let Event::CallCancelled { release } = event else {
        panic!("unexpected: {event:?}");
    };
    release.send(()).unwrap();
    assert!(is_terminated(&first.await.unwrap()));
}

#[tokio::test]
async fn a_termination_whose_caller_went_away_goes_on_and_answers_the_next_wait() {
    let (session, mut probe) = probed();
    let started = session
        .start(request("text('a'); await tools.call()"))
        .unwrap();
    let id = started.cell_id();
    drop(started);
    let _reply = probe.called().await;

    let mut terminating = Box::pin(session.wait(WaitRequest::terminate(id)));
    let event = tokio::select! {
        biased;
        event = probe.next() => event,
        _ = &mut terminating => panic!("too early"),
    };
    drop(terminating);
    let Event::CallCancelled { release } = event else {
        panic!("unexpected: {event:?}");
    };
    release.send(()).unwrap();
    assert_eq!(probe.closed().await, id);

    let response = session.wait(WaitRequest::new(id)).await.unwrap();
    assert!(is_terminated(&response));
    assert_eq!(text_items(&response), ["a"]);
    let after = session.wait(WaitRequest::new(id)).await.unwrap_err();
    assert_eq!(after, WaitError::AlreadyTerminated(id));
}

#[tokio::test]
async fn a_waiter_hears_of_a_termination_and_the_terminator_gets_the_output() {
    let (session, mut probe) = probed();
    let started = session
        .start(request("text('a'); await tools.call()"))
        .unwrap();
    let id = started.cell_id();
    let _reply = probe.called().await;
    let (watching, terminating, ()) = tokio::join!(
        started.response(),
        session.wait(WaitRequest::terminate(id)),
        probe.release_cancelled_call()
    );
    assert!(is_terminated(&watching));
    let terminating = terminating.unwrap();
    assert!(is_terminated(&terminating));
    assert_eq!(text_items(&terminating), ["a"]);
    assert!(watching.content_items().is_empty());
}

#[tokio::test]
async fn nothing_is_committed_by_a_cell_that_was_terminated() {
    let (session, mut probe) = probed();
    let started = session
        .start(request("store('k', 1); await tools.call()"))
        .unwrap();
    let id = started.cell_id();
    drop(started);
    // Dropped unanswered: the call waits for its cancellation.
    let _reply = probe.called().await;
    let (response, ()) = tokio::join!(
        session.wait(WaitRequest::terminate(id)),
        probe.release_cancelled_call()
    );
    assert!(is_terminated(&response.unwrap()));
    assert!(session.stored_values().is_empty());
}

#[tokio::test]
async fn a_host_that_ignores_its_cancellation_is_dropped_after_the_grace() {
    use code_mode::{Session, ToolOutput};

    struct Deaf;
    impl code_mode::Host for Deaf {
        async fn invoke_tool(
            &self,
            _: code_mode::ToolCall,
            _: code_mode::CancellationToken,
        ) -> Result<ToolOutput, code_mode::ToolError> {
            std::future::pending().await
        }
    }
    let session = Session::builder()
        .cancellation_grace(std::time::Duration::ZERO)
        .build(Deaf);
    let response = session
        .execute(request("await tools.call()").yield_time_ms(0))
        .await
        .unwrap();
    let response = session
        .wait(WaitRequest::terminate(response.cell_id()))
        .await
        .unwrap();
    assert!(is_terminated(&response));
}

#[tokio::test]
async fn a_closure_that_waits_is_dropped_at_once_without_a_grace() {
    use code_mode::{FunctionHost, Session, ToolDefinition};

    let host = FunctionHost::new().function(ToolDefinition::function("call", "Waits."), |_| {
        std::future::pending()
    });
    let tools = host.tools();
    let session = Session::builder()
        .cancellation_grace(std::time::Duration::from_secs(24 * 60 * 60))
        .build(host);
    let script = "const aborted = new AbortController();
        const call = tools.call({}, { signal: aborted.signal });
        aborted.abort('enough');
        text(await call.catch((reason) => reason));
        await tools.call()";
    let response = session
        .execute(
            ExecuteRequest::new(script)
                .enabled_tools(tools)
                .yield_time_ms(0),
        )
        .await
        .unwrap();
    let response = session
        .wait(WaitRequest::terminate(response.cell_id()))
        .await
        .unwrap();
    assert!(is_terminated(&response));
}

#[tokio::test]
async fn a_terminate_during_completion_still_terminates() {
    let (session, mut probe) = probed();
    let script = "text('a'); store('k', 1); notify('n'); tools.call();";
    let started = session.start(request(script)).unwrap();
    let id = started.cell_id();
    drop(started);
    // The call nobody awaited is cancelled once the script is over; then the cell waits for its
    // notification.
    let mut held = Vec::new();
    loop {
        match probe.next().await {
            Event::CallCancelled { release } => break release.send(()).unwrap(),
            event => held.push(event),
        }
    }
    held.retain(|event| matches!(event, Event::Notified { .. }));
    assert_eq!(held.len(), 1);
    let (response, ()) = tokio::join!(session.wait(WaitRequest::terminate(id)), async {
        let Event::NotificationCancelled { release } = probe.next().await else {
            panic!("expected the notification to be cancelled");
        };
        release.send(()).unwrap();
    });
    let response = response.unwrap();
    assert!(is_terminated(&response), "{response:?}");
    assert_eq!(text_items(&response), ["a"]);
    assert!(session.stored_values().is_empty());
}

#[tokio::test]
async fn the_session_goes_on_after_a_termination() {
    let (session, mut probe) = probed();
    let response = session
        .execute(request("for (;;) {}").yield_time_ms(0))
        .await
        .unwrap();
    session
        .wait(WaitRequest::terminate(response.cell_id()))
        .await
        .unwrap();
    let started = session
        .start(request("text(await tools.call())").yield_time_ms(LONG_MS))
        .unwrap();
    assert_eq!(probe.closed().await, response.cell_id());
    probe.called().await.send(Ok(json!("ok"))).unwrap();
    assert_eq!(text_items(&started.response().await), ["ok"]);
}
