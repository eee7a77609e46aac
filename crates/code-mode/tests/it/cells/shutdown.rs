//! How a session ends, and with it its cells.

use code_mode::{ExecuteError, RuntimeResponse, WaitError, WaitRequest};

use crate::alone;
use crate::probe::{Event, Probe, probed, request};
use crate::support::{LONG_MS, text_items};

/// Lets go of every callback as it is cancelled, until `cells` cells are closed.
async fn release_until_closed(probe: &mut Probe, cells: usize) {
    let mut held = Vec::new();
    let mut closed = 0;
    while closed < cells {
        match probe.next().await {
            Event::CallCancelled { release } | Event::NotificationCancelled { release } => {
                release.send(()).unwrap();
            }
            Event::Closed(_) => closed += 1,
            event => held.push(event),
        }
    }
}

#[tokio::test]
async fn shutdown_ends_live_cells_and_returns_when_they_are_gone() {
    let (session, mut probe) = probed();
    for script in [
        "for (;;) {}",
        "await tools.call()",
        "await new Promise((f) => setTimeout(f, 1e9))",
        "notify('n'); for (;;) {}",
    ] {
        session
            .execute(request(script).yield_time_ms(0))
            .await
            .unwrap();
    }
    tokio::join!(session.shutdown(), release_until_closed(&mut probe, 4));
    assert!(probe.so_far().is_empty());
    for cell in session.cells() {
        let response = session.wait(WaitRequest::new(cell.cell_id)).await.unwrap();
        assert!(matches!(response, RuntimeResponse::Terminated { .. }));
    }
}

#[tokio::test]
async fn a_session_that_was_shut_down_refuses_new_cells() {
    let (session, _probe) = probed();
    session.shutdown().await;
    let error = session.execute(request("")).await.unwrap_err();
    assert!(matches!(error, ExecuteError::ShutDown), "{error}");
}

#[tokio::test]
async fn a_waiter_hears_of_the_shutdown() {
    let (session, mut probe) = probed();
    let started = session
        .start(request("text('a'); yield_control(); for (;;) {}"))
        .unwrap();
    let id = started.cell_id();
    assert_eq!(text_items(&started.response().await), ["a"]);
    let wait = WaitRequest::new(id).yield_time_ms(LONG_MS);
    let (response, ()) = tokio::join!(session.wait(wait), session.shutdown());
    assert!(matches!(
        response.unwrap(),
        RuntimeResponse::Terminated { .. }
    ));
    assert_eq!(probe.closed().await, id);
    let after = session.wait(WaitRequest::new(id)).await.unwrap_err();
    assert_eq!(after, WaitError::AlreadyTerminated(id));
}

#[tokio::test]
async fn results_nobody_read_can_be_read_after_a_shutdown() {
    let (session, mut probe) = probed();
    let id = session
        .execute(request("await tools.call(); text('x')").yield_time_ms(0))
        .await
        .unwrap()
        .cell_id();
    probe.answer().await;
    probe.closed().await;
    session.shutdown().await;
    let response = session.wait(WaitRequest::new(id)).await.unwrap();
    assert_eq!(text_items(&response), ["x"]);
}

#[tokio::test]
async fn dropping_the_session_ends_its_cells() {
    let (session, mut probe) = probed();
    for script in ["for (;;) {}", "await tools.call()"] {
        session
            .execute(request(script).yield_time_ms(0))
            .await
            .unwrap();
    }
    drop(session);
    release_until_closed(&mut probe, 2).await;
}

#[test]
#[cfg(target_os = "linux")]
fn a_runtime_that_goes_away_takes_its_cells_with_it() {
    alone::alone(
        "cells::shutdown::a_runtime_that_goes_away_takes_its_cells_with_it",
        || {
            let (session, _probe) = probed();
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let mut ids = runtime.block_on(async {
                let mut ids = Vec::new();
                for script in ["for (;;) {}", "await tools.call()", "notify(1)"] {
                    let response = session.execute(request(script).yield_time_ms(0)).await;
                    ids.push(response.unwrap().cell_id());
                }
                ids
            });
            drop(runtime);
            // One whose control task never ran.
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let started =
                runtime.block_on(async { session.start(request("for (;;) {}")).unwrap() });
            ids.push(started.cell_id());
            drop((started, runtime));
            // Waiters elsewhere are answered, and the threads end.
            alone::block_on(async {
                for id in ids {
                    let wait = WaitRequest::new(id).yield_time_ms(LONG_MS);
                    let response = session.wait(wait).await.unwrap();
                    assert!(matches!(response, RuntimeResponse::Terminated { .. }));
                }
            });
            while alone::thread_names()
                .iter()
                .any(|name| name.starts_with("code-mode-") && name != "code-mode-watch")
            {
                std::thread::yield_now();
            }
        },
    );
}
