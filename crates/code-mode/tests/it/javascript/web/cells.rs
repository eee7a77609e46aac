//! Ends, terminations and limits of cells that use the web-standard names.

use std::time::Duration;

use code_mode::{Limits, RuntimeResponse, Session, WaitRequest};

use crate::probe::{probed, probed_with, request};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_cell_with_intervals_running_is_terminated_at_once() {
    let (session, mut probe) = probed();
    let script = "setInterval(() => {}); setInterval(() => {}, 1); await tools.call({}); await new Promise(() => {});";
    let started = session.start(request(script)).unwrap();
    let id = started.cell_id();
    probe.answer().await;
    drop(started);
    let response = session.wait(WaitRequest::terminate(id)).await;
    assert!(matches!(
        response.unwrap(),
        RuntimeResponse::Terminated { .. }
    ));
}

#[tokio::test]
async fn a_yield_is_due_while_an_interval_of_no_time_runs() {
    let (session, _probe) = probed();
    let request = request("setInterval(() => {}); yield_control(); await new Promise(() => {})");
    let response = session.execute(request).await.unwrap();
    assert!(matches!(response, RuntimeResponse::Yielded { .. }));
    session.shutdown().await;
}

#[tokio::test]
async fn intervals_and_timeout_signals_count_as_timers() {
    let limits = Limits::default().max_timers(3);
    let (session, _probe) = probed_with(Session::builder().limits(limits));
    let script = "setInterval(() => {}, 1e9); AbortSignal.timeout(1e9); setTimeout(() => {}, 1e9);
                  for (const over of [() => setInterval(() => {}), () => AbortSignal.timeout(1)])
                      try { over() } catch (error) { text(String(error)) }";
    let response = session.execute(request(script)).await.unwrap();
    assert_eq!(response.error_text(), None);
    let expected = "RangeError: setInterval: 3 timers are pending, as many as are allowed\
                    RangeError: setTimeout: 3 timers are pending, as many as are allowed";
    assert_eq!(response.text().replace('\n', ""), expected);
}

#[tokio::test]
async fn what_they_hold_counts_as_the_scripts_memory() {
    let limits = Limits::default().heap_bytes(32 * MIB);
    for greedy in [
        "const kept = [], encoder = new TextEncoder(), text = 'x'.repeat(1 << 20); for (;;) kept.push(encoder.encode(text));",
        "const kept = [], decoder = new TextDecoder(), bytes = new Uint8Array(1 << 20); for (;;) kept.push(decoder.decode(bytes));",
        "const kept = []; for (;;) kept.push(structuredClone(new ArrayBuffer(1 << 20)));",
        "const source = Array.from({ length: 1000 }, (_, i) => ({ i })), kept = []; for (;;) kept.push(structuredClone(source));",
        "const target = new EventTarget(); for (;;) target.addEventListener('x', Object.assign(() => {}, { held: new Array(10000).fill(1.5) }));",
        "const kept = []; for (;;) kept.push(new URLSearchParams('a=b&'.repeat(10000)));",
        "const kept = [], text = 'x'.repeat(1 << 20); for (;;) kept.push(btoa(text));",
        "const kept = []; for (;;) kept.push(crypto.getRandomValues(new Uint8Array(65536)));",
    ] {
        let (session, _probe) = probed_with(Session::builder().limits(limits.clone()));
        let response = session.execute(request(greedy)).await.unwrap();
        let error = response.error_text().expect(greedy);
        assert!(error.contains("more than its 32 MiB"), "{greedy}: {error}");
    }
}

#[tokio::test]
async fn none_of_them_computes_beyond_its_time() {
    let limits = Limits::default().cpu_time(Duration::from_millis(20));
    for busy in [
        "setInterval(() => {}); await new Promise(() => {})",
        "queueMicrotask(function again() { queueMicrotask(again) }); await new Promise(() => {})",
        "const target = new EventTarget(); target.addEventListener('x', () => { try { for (;;); } catch {} }); target.dispatchEvent(new Event('x'))",
        "structuredClone({ get x() { for (;;); } })",
        "AbortSignal.any({ *[Symbol.iterator]() { const { signal } = new AbortController(); for (;;) yield signal } })",
        "new URL({ toString() { for (;;); } })",
        "queueMicrotask(() => { try { for (;;); } finally { for (;;); } }); await 1",
    ] {
        let (session, _probe) = probed_with(Session::builder().limits(limits.clone()));
        let response = session.execute(request(busy)).await.unwrap();
        let error = response.error_text().expect(busy);
        assert!(
            error.contains("computed for ") || error.contains("of memory"),
            "{busy}: {error}"
        );
    }
}

#[tokio::test]
async fn a_script_that_only_waits_for_a_timeout_signal_waits_for_something() {
    let (session, _probe) = probed();
    let script = "await new Promise((resolve) => { AbortSignal.timeout(1).onabort = resolve }); text('heard');";
    let response = session.execute(request(script)).await.unwrap();
    assert_eq!(response.text(), "heard");
    let script =
        "await new Promise((resolve) => { new AbortController().signal.onabort = resolve })";
    let response = session.execute(request(script)).await.unwrap();
    assert!(
        response
            .error_text()
            .unwrap()
            .contains("nothing will settle")
    );
}

#[tokio::test]
async fn a_first_touch_deep_in_the_stack_fails_that_touch_alone() {
    let (session, _probe) = probed();
    let script = "let failed = 0;
                  (function deeper() { try { deeper() } catch {} try { URL; structuredClone; AbortSignal } catch (error) { failed++; if (!(error instanceof RangeError)) text(String(error)) } })();
                  text(new URL('http://a').href + structuredClone(1) + new AbortController().signal.aborted);";
    let response = session.execute(request(script)).await.unwrap();
    assert_eq!(response.error_text(), None);
    assert_eq!(response.text(), "http://a/1false");
}
