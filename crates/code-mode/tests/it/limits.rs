//! Every limit: a script that hits it, what it sees, and another cell after it.

use std::time::Duration;

use code_mode::{
    CellId, ContentItem, ExecuteError, ExecuteRequest, Limits, RuntimeResponse, Session,
    WaitRequest,
};
use serde_json::json;

use crate::probe::{Event, Probe, probed_with, request};
use crate::support::{LONG_MS, run_in, text_items};

fn limited(limits: Limits) -> (Session, Probe) {
    probed_with(Session::builder().limits(limits))
}

/// Runs a script to its end, then shows that the session and the process go on.
async fn run_limited(limits: Limits, script: &str) -> RuntimeResponse {
    let (session, _probe) = limited(limits);
    let response = session.execute(request(script)).await.unwrap();
    goes_on(&session).await;
    response
}

/// The session still runs cells.
async fn goes_on(session: &Session) {
    let after = run_in(session, &Default::default(), "text(1 + 1)").await;
    assert_eq!(text_items(&after), ["2"]);
}

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_heap_over_its_limit_fails_the_cell() {
    let limits = Limits::default().heap_bytes(32 * MIB);
    for greedy in [
        "const kept = []; for (;;) kept.push(new Array(1000).fill(1.5));",
        "const kept = []; for (;;) kept.push({ a: kept.length });",
        "let s = ''; const kept = []; for (;;) { s += 'x' + kept.length; kept.push(s + s); }",
        "const m = new Map(); for (let i = 0;; i++) m.set(i, i);",
        "const kept = []; for (;;) { kept.push(new Array(1000).fill(1.5)); await null; }",
    ] {
        let response = run_limited(limits.clone(), greedy).await;
        let error = response.error_text().expect(greedy);
        assert!(error.contains("more than its 32 MiB of memory"), "{error}");
    }
}

#[tokio::test]
async fn array_buffers_count_as_heap() {
    let limits = Limits::default().heap_bytes(32 * MIB);
    for greedy in [
        "const kept = []; for (;;) kept.push(new ArrayBuffer(1 << 20));",
        "const kept = []; for (;;) kept.push(new ArrayBuffer(1 << 25));",
        "const kept = []; for (;;) { kept.push(new Uint8Array(1 << 20).fill(1)); }",
        "const kept = []; for (let i = 0; i < 64; i++) { kept.push(new ArrayBuffer(1 << 20)); } await tools.call();",
    ] {
        let response = run_limited(limits.clone(), greedy).await;
        let error = response.error_text().expect(greedy);
        assert!(error.contains("more than its 32 MiB of memory"), "{error}");
    }
}

#[tokio::test]
async fn a_heap_limit_beyond_what_v8_can_give_is_brought_into_range() {
    for (heap_bytes, in_force) in [(1, "its 8 MiB"), (usize::MAX, "its 2048 MiB")] {
        let limits = Limits::default().heap_bytes(heap_bytes);
        let greedy = "const kept = []; for (;;) kept.push(new ArrayBuffer(1 << 24));";
        let response = run_limited(limits, greedy).await;
        let error = response.error_text().unwrap();
        assert!(error.contains(in_force), "{error}");
    }
}

#[tokio::test]
async fn memory_that_is_let_go_is_not_held_against_the_script() {
    let limits = Limits::default().heap_bytes(32 * MIB);
    for wasteful in [
        "for (let i = 0; i < 300; i++) { new Array(100000).fill(i); } text('fine')",
        "for (let i = 0; i < 3000; i++) { new ArrayBuffer(1 << 20); } text('fine')",
        "for (let i = 0; i < 100; i++) { new Uint8Array(1 << 20).fill(i); await null; } text('fine')",
    ] {
        let response = run_limited(limits.clone(), wasteful).await;
        assert_eq!(response.error_text(), None, "{wasteful}");
    }
}

#[tokio::test]
async fn computing_for_too_long_fails_the_cell_and_says_how_long() {
    // Enough for the cell that comes after, on any machine.
    let limits = Limits::default().cpu_time(Duration::from_millis(200));
    for busy in [
        "for (;;) {}",
        "try { for (;;) {} } catch {} finally { for (;;) {} }",
        "for (;;) await null",
        "setTimeout(function f() { setTimeout(f) }); await new Promise(() => {})",
        "await new Promise(() => { (function f() { Promise.resolve().then(f) })() })",
        "throw Object.defineProperties(new Error(), { name: { get() { for (;;); } }, message: { get() { for (;;); } }, stack: { get() { for (;;); } } })",
        "throw { get stack() { for (;;); }, toString() { for (;;); }, toJSON() { for (;;); } }",
    ] {
        let response = run_limited(limits.clone(), busy).await;
        let error = response.error_text().expect(busy);
        assert!(error.contains("computed for "), "{busy}: {error}");
        assert!(error.contains("longer than the 0.2 s"), "{busy}: {error}");
    }
}

#[tokio::test]
async fn waiting_is_not_computing() {
    let limits = Limits::default().cpu_time(Duration::from_secs(20));
    let (session, mut probe) = limited(limits);
    let started = session
        .start(request("await tools.call(); text('x')"))
        .unwrap();
    let reply = probe.called().await;
    // Its thread comes to sleep, and then nothing is counted, however much time passes for all others.
    let used = || session.cells()[0].cpu_used;
    loop {
        let (before, start) = (used(), std::time::Instant::now());
        while start.elapsed() < Duration::from_millis(50) {
            tokio::task::yield_now().await;
        }
        if used() == before {
            break;
        }
    }
    reply.send(Ok(json!(null))).unwrap();
    assert_eq!(text_items(&started.response().await), ["x"]);
}

#[tokio::test]
async fn a_source_that_is_too_long_is_refused() {
    let (session, _probe) = limited(Limits::default().max_source_bytes(10));
    let error = session.execute(request("text('12345')")).await.unwrap_err();
    assert!(
        matches!(
            error,
            ExecuteError::SourceTooLarge {
                bytes: 13,
                max_bytes: 10
            }
        ),
        "{error}"
    );
    let response = session.execute(request("text('1')")).await.unwrap();
    assert_eq!(text_items(&response), ["1"]);
}

#[tokio::test]
async fn output_over_its_limit_makes_the_helper_throw_and_the_rest_stays() {
    let limits = Limits::default().max_output_bytes(1000);
    let script = "let n = 0; try { for (;;) { text('x'.repeat(100)); n++; } } catch (e) { store('n', n); throw e; }";
    let response = run_limited(limits.clone(), script).await;
    assert_eq!(response.content_items().len(), 6);
    let error = response.error_text().unwrap();
    assert!(error.starts_with("RangeError: the cell holds"), "{error}");
    assert!(error.contains("exec_main.mjs:1:"), "{error}");

    // Several items of one call are taken all or none.
    let script =
        "try { forward_output('a'.repeat(400), 'b'.repeat(600)) } catch (e) { text(e.name) }";
    let response = run_limited(limits, script).await;
    assert_eq!(text_items(&response), ["RangeError"]);
}

#[tokio::test]
async fn output_that_was_read_no_longer_counts() {
    let (session, mut probe) = limited(Limits::default().max_output_bytes(200));
    let script =
        "text('x'.repeat(100)); yield_control(); await tools.call(); text('y'.repeat(100));";
    let response = session.execute(request(script)).await.unwrap();
    assert_eq!(response.content_items().len(), 1);
    probe.answer().await;
    let wait = WaitRequest::new(response.cell_id()).yield_time_ms(LONG_MS);
    let response = session.wait(wait).await.unwrap();
    assert_eq!(response.error_text(), None);
    assert_eq!(response.content_items().len(), 1);
}

#[tokio::test]
async fn stored_values_over_their_limit_make_store_throw() {
    let limits = Limits::default().max_stored_bytes(200);
    let script = "store('a', 'x'.repeat(50)); store('b', 'x'.repeat(50));";
    let response = run_limited(limits, script).await;
    let error = response.error_text().unwrap();
    assert!(error.starts_with("RangeError: store(\"b\")"), "{error}");
    assert!(error.contains("200 bytes"), "{error}");
    let RuntimeResponse::Result { stored_values, .. } = response else {
        panic!("expected a result");
    };
    assert_eq!(stored_values.len(), 1);
}

#[tokio::test]
async fn too_many_calls_in_flight_reject() {
    let (session, mut probe) = limited(Limits::default().max_calls_in_flight(2));
    let script = "const calls = [tools.call(), tools.call()];
                  try { await tools.call() } catch (e) { text(`${e.name}: ${e.message}`) }
                  await Promise.all(calls);
                  text(await tools.call());";
    let started = session.start(request(script)).unwrap();
    for _ in 0..3 {
        probe.answer().await;
    }
    let texts = text_items(&started.response().await);
    assert!(
        texts[0].starts_with("RangeError: 2 nested calls are under way"),
        "{texts:?}"
    );
    assert_eq!(texts[1], "null");
    goes_on(&session).await;
}

#[tokio::test]
async fn too_many_calls_in_all_reject() {
    let (session, mut probe) = limited(Limits::default().max_calls(2));
    let script = "await tools.call(); await tools.call(); await tools.call();";
    let started = session.start(request(script)).unwrap();
    probe.answer().await;
    probe.answer().await;
    let response = started.response().await;
    let error = response.error_text().unwrap();
    assert!(
        error.starts_with("RangeError: the cell has made 2 nested calls"),
        "{error}"
    );
    goes_on(&session).await;
}

#[tokio::test]
async fn notifications_are_held_to_the_same_numbers() {
    let (session, mut probe) = limited(Limits::default().max_calls_in_flight(2).max_calls(3));
    let script = "notify(1); notify(2);
                  try { notify(3) } catch (e) { text(e.message) }
                  await tools.call();
                  for (let sent = false; !sent;)
                      try { notify(3); sent = true } catch { await new Promise((f) => setTimeout(f)) }
                  try { notify(4) } catch (e) { text(e.message) }";
    let started = session.start(request(script)).unwrap();
    let mut releases = Vec::new();
    let call = loop {
        match probe.next().await {
            Event::Notified { release, .. } => releases.push(release),
            Event::Called { reply, .. } => break reply,
            other => panic!("unexpected: {other:?}"),
        }
    };
    for release in releases {
        release.send(()).unwrap();
    }
    // The script tries until it has heard that the two are over.
    call.send(Ok(json!(null))).unwrap();
    let Event::Notified { release, .. } = probe.next().await else {
        panic!("expected the third notification");
    };
    release.send(()).unwrap();
    let texts = text_items(&started.response().await);
    assert!(
        texts[0].contains("2 notifications are under way"),
        "{texts:?}"
    );
    assert!(texts[1].contains("has sent 3 notifications"), "{texts:?}");
    goes_on(&session).await;
}

#[tokio::test]
async fn too_many_timers_make_set_timeout_throw() {
    let limits = Limits::default().max_timers(3);
    let script = "const ids = [1, 2, 3].map(() => setTimeout(() => {}, 1e6));
                  try { setTimeout(() => {}) } catch (e) { text(e.message) }
                  clearTimeout(ids[1]); text(setTimeout(() => {}, 1e6));";
    let response = run_limited(limits, script).await;
    let texts = text_items(&response);
    assert!(texts[0].contains("3 timers are pending"), "{texts:?}");
    assert_eq!(texts[1], "4");
}

#[tokio::test]
async fn too_many_live_cells_are_refused_naming_them() {
    let (session, mut probe) = limited(Limits::default().max_live_cells(2));
    for _ in 0..2 {
        session
            .execute(request("await tools.call()").yield_time_ms(0))
            .await
            .unwrap();
    }
    let error = session.execute(request("")).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("2 cells are live, as many as are allowed: 1, 2;"),
        "{error}"
    );

    // A finished cell counts until it was read.
    let replies = [probe.called().await, probe.called().await];
    for reply in replies {
        reply.send(Ok(json!(null))).unwrap();
    }
    probe.closed().await;
    session.execute(request("")).await.unwrap_err();
    let first: CellId = "1".parse().unwrap();
    session
        .wait(WaitRequest::new(first).yield_time_ms(LONG_MS))
        .await
        .unwrap();
    assert_eq!(
        text_items(&session.execute(request("text(3)")).await.unwrap()),
        ["3"]
    );
}

#[tokio::test]
async fn recursion_of_every_kind_is_a_range_error() {
    for deep in [
        "(function f() { f() })()",
        "const o = { get x() { return o.x } }; o.x",
        "const p = new Proxy({}, { get(t, k, r) { return r[k] } }); p.x",
        "const o = { toJSON() { return JSON.stringify(o) } }; text(o)",
        "class A { constructor() { new A() } } new A()",
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; `${a}`",
        "const o = { toString() { return `${o}` } }; `${o}`",
        "new RegExp('('.repeat(1e5) + ')'.repeat(1e5))",
        "const f = () => f.call(); [1].map(function g() { [1].map(g) })",
    ] {
        let response = run_limited(Limits::default(), deep).await;
        let error = response.error_text().expect(deep);
        assert!(
            error.starts_with("RangeError") || error.starts_with("SyntaxError"),
            "{deep}: {error}"
        );
    }
}

#[tokio::test]
async fn big_values_cross_whole() {
    let (session, mut probe) = limited(Limits::default());
    let script =
        "const s = await tools.call({ x: 'é'.repeat(1e6) }); text(s.length); text(s.slice(-1));";
    let started = session.start(request(script)).unwrap();
    let Event::Called { input, reply, .. } = probe.next().await else {
        panic!("expected a call");
    };
    assert_eq!(input["x"].as_str().unwrap().chars().count(), 1_000_000);
    reply.send(Ok(json!("ß".repeat(1_000_000)))).unwrap();
    assert_eq!(text_items(&started.response().await), ["1000000", "ß"]);
}

#[tokio::test]
async fn limits_have_the_documented_defaults() {
    let limits = Limits::default();
    assert_eq!(limits.heap_bytes, 128 * MIB);
    assert_eq!(limits.cpu_time, Duration::from_secs(60));
    assert_eq!(limits.max_source_bytes, MIB);
    assert_eq!(limits.max_output_bytes, 16 * MIB);
    assert_eq!(limits.max_kept_output_bytes, 16 * MIB);
    assert_eq!(limits.max_stored_bytes, 16 * MIB);
    assert_eq!(limits.max_calls_in_flight, 1_024);
    assert_eq!(limits.max_bytes_in_flight, 64 * MIB);
    assert_eq!(limits.max_calls, 100_000);
    assert_eq!(limits.max_timers, 10_000);
    assert_eq!(limits.max_live_cells, 128);
    let _ = (
        ContentItem::Text {
            text: String::new(),
        },
        ExecuteRequest::new(""),
    );
}

#[tokio::test]
async fn what_is_under_way_is_held_to_a_number_of_bytes() {
    let (session, mut probe) = limited(Limits::default().max_bytes_in_flight(1_000));
    let script = "const input = { part: 'x'.repeat(589) };
        const first = tools.call(input);
        try { notify('x'.repeat(600)) } catch (error) { text(String(error)) }
        try { await tools.call(input) } catch (error) { text(String(error)) }
        await first;
        notify('x'.repeat(600));
        try { await tools.call(input) } catch (error) { text(String(error)) }";
    let started = session.start(request(script)).unwrap();
    probe.answer().await;
    let Event::Notified { release, .. } = probe.next().await else {
        panic!("expected the notification");
    };
    release.send(()).unwrap();
    let texts = text_items(&started.response().await);
    let full = "600 bytes of nested calls and notifications are under way and 600 more would exceed the 1000";
    let [of_notify, of_call, of_another] = texts.try_into().unwrap();
    assert!(
        of_notify.starts_with(&format!("RangeError: notify: {full}")),
        "{of_notify}"
    );
    assert!(
        of_call.starts_with(&format!("RangeError: {full}")),
        "{of_call}"
    );
    assert!(
        of_another.starts_with(&format!("RangeError: {full}")),
        "{of_another}"
    );
    goes_on(&session).await;
}

#[tokio::test]
async fn timers_hold_only_so_many_arguments() {
    let script = "const many = new Array(60_000).fill(1);
        setTimeout(() => {}, 1e6, ...many);
        try { setTimeout(() => {}, 1e6, ...many) } catch (error) { text(String(error)) }
        exit()";
    let response = run_limited(Limits::default(), script).await;
    assert!(
        response
            .text()
            .starts_with("RangeError: setTimeout: the timers pending hold")
    );
}
