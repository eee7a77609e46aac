//! `tools.x(args, { signal })`.

use serde_json::json;

use super::holds;
use crate::probe::{Event, probed, request};
use crate::support::{run, text_items, texts};

#[tokio::test]
async fn an_abort_rejects_at_once_with_the_reason_and_cancels_the_hosts_call() {
    let (session, mut probe) = probed();
    let script = "const controller = new AbortController();
                  const call = tools.call({}, { signal: controller.signal });
                  setTimeout(() => controller.abort('no longer wanted'));
                  try { await call } catch (reason) { text(reason) }
                  await tools.call({ second: true });
                  text('after');";
    let started = session.start(request(script)).unwrap();
    let reply = probe.called().await;
    // The script goes on before the host has returned from the call that was cancelled.
    let mut release = None;
    let mut second = None;
    while release.is_none() || second.is_none() {
        match probe.next().await {
            Event::CallCancelled { release: it } => release = Some(it),
            Event::Called { reply, input, .. } => {
                assert_eq!(input, json!({ "second": true }));
                second = Some(reply);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(session.cells()[0].pending_calls, 2);
    drop(reply);
    release.unwrap().send(()).unwrap();
    second.unwrap().send(Ok(json!(null))).unwrap();
    let response = started.response().await;
    assert_eq!(text_items(&response), ["no longer wanted", "after"]);
    assert_eq!(response.error_text(), None);
}

#[tokio::test]
async fn a_late_answer_of_a_cancelled_call_is_ignored() {
    let (session, mut probe) = probed();
    let script = "const controller = new AbortController();
                  const call = tools.call({ n: 1 }, { signal: controller.signal });
                  await tools.call({ n: 2 });
                  controller.abort();
                  text(await call.catch((reason) => reason.name));
                  await tools.call({ n: 3 });";
    let started = session.start(request(script)).unwrap();
    let late = probe.called().await;
    probe.answer().await;
    let mut third = None;
    while third.is_none() {
        match probe.next().await {
            Event::CallCancelled { release } => release.send(()).unwrap(),
            Event::Called { reply, .. } => third = Some(reply),
            other => panic!("{other:?}"),
        }
    }
    let _ = late.send(Ok(json!("too late")));
    third.unwrap().send(Ok(json!(null))).unwrap();
    let response = started.response().await;
    assert_eq!(text_items(&response), ["AbortError"]);
}

#[tokio::test]
async fn a_signal_that_is_aborted_already_keeps_the_call_from_the_host() {
    let (session, mut probe) = probed();
    let script = "for (const signal of [AbortSignal.abort('mine'), AbortSignal.abort()])
                      await tools.call({}, { signal }).catch((reason) => text(reason?.name ?? reason));";
    let response = session.execute(request(script)).await.unwrap();
    assert_eq!(text_items(&response), ["mine", "AbortError"]);
    let heard = probe.so_far();
    assert!(
        !heard
            .iter()
            .any(|event| matches!(event, Event::Called { .. })),
        "{heard:?}"
    );
}

#[tokio::test]
async fn an_abort_while_the_argument_is_read_keeps_the_call_from_the_host_too() {
    let (session, mut probe) = probed();
    let script = "const controller = new AbortController(), { signal } = controller;
                  const input = { toJSON() { controller.abort('meanwhile'); return {} } };
                  await tools.call(input, { signal }).catch(text);";
    let response = session.execute(request(script)).await.unwrap();
    assert_eq!(text_items(&response), ["meanwhile"]);
    let heard = probe.so_far();
    assert!(
        !heard
            .iter()
            .any(|event| matches!(event, Event::Called { .. })),
        "{heard:?}"
    );
}

#[tokio::test]
async fn a_timeout_signal_ends_a_call_that_takes_too_long() {
    let (session, mut probe) = probed();
    let script = "try { await tools.call({}, { signal: AbortSignal.timeout(1) }) } catch (error) { text(error.name) }";
    let started = session.start(request(script)).unwrap();
    let _unanswered = probe.called().await;
    probe.release_cancelled_call().await;
    let response = started.response().await;
    assert_eq!(text_items(&response), ["TimeoutError"]);
}

#[tokio::test]
async fn the_call_is_cancelled_before_the_signals_listeners_hear_of_it() {
    let (session, mut probe) = probed();
    let script = "const controller = new AbortController(), { signal } = controller, order = [];
                  signal.addEventListener('abort', () => { Promise.resolve().then(() => order.push('listener')) });
                  const call = tools.call({}, { signal }).catch(() => order.push('call'));
                  signal.addEventListener('abort', (event) => event.stopImmediatePropagation());
                  controller.abort();
                  await call; await null;
                  text(order);";
    let started = session.start(request(script)).unwrap();
    let _unanswered = probe.called().await;
    probe.release_cancelled_call().await;
    let response = started.response().await;
    assert_eq!(text_items(&response), [r#"["call","listener"]"#]);
}

#[tokio::test]
async fn a_tool_can_be_the_callback_of_map() {
    let script = "text(await Promise.all(['a', 'b'].map(tools.shout)));";
    assert_eq!(texts(script).await, [r#"["A","B"]"#]);
}

#[tokio::test]
async fn options_and_signals_of_another_kind_are_refused_by_name() {
    let script = "for (const options of [5n, 'x', null, true, { signal: null }, { signal: {} }, { signal: new EventTarget() }, { signal: new AbortController() }])
                      await tools.echo({}, options).then(() => text('was called'), (error) => text(String(error)));
                  const promise = tools.echo({}, { get signal() { throw new RangeError('mine') } });
                  await promise.catch((error) => text(String(error)));
                  text(await tools.echo({ a: 1 }, undefined)); text(await tools.echo({ a: 2 }, {})); text(await tools.echo({ a: 3 }, { signal: undefined }));
                  text(await tools.shout('x', { signal: new AbortController().signal }));";
    let response = run(script).await;
    assert_eq!(response.error_text(), None);
    let items = text_items(&response);
    for item in &items[..4] {
        assert!(
            item.starts_with("TypeError: echo: the second argument is for options"),
            "{item}"
        );
    }
    for item in &items[4..8] {
        assert!(
            item.starts_with("TypeError: echo: signal must be an AbortSignal, not "),
            "{item}"
        );
    }
    assert_eq!(
        items[8..],
        [
            "RangeError: mine",
            r#"{"a":1}"#,
            r#"{"a":2}"#,
            r#"{"a":3}"#,
            "X"
        ]
    );
}

#[tokio::test]
async fn without_any_signal_in_the_cell_what_looks_like_one_is_refused_too() {
    let script = "await tools.echo({}, { signal: { aborted: true, reason: 'forged' } }).catch((error) => text(String(error)));";
    let response = run(script).await;
    assert!(
        response
            .text()
            .starts_with("TypeError: echo: signal must be an AbortSignal"),
        "{}",
        response.text()
    );
}

#[tokio::test]
async fn a_signal_forgets_the_calls_that_have_settled() {
    // Under 8 MiB, sixty thousand calls that stayed with the signal do not fit.
    let limits = code_mode::Limits::default().heap_bytes(8 * 1024 * 1024);
    let host = crate::support::host();
    let tools = host.tools();
    let session = code_mode::Session::builder().limits(limits).build(host);
    let script = "const controller = new AbortController(), { signal } = controller;
                  for (let i = 0; i < 600; i++) await Promise.all(Array.from({ length: 100 }, () => tools.echo({}, { signal })));
                  controller.abort();
                  text('done');";
    let response = crate::support::run_in(&session, &tools, script).await;
    assert_eq!(response.error_text(), None);
    assert_eq!(response.text(), "done");
}

#[tokio::test]
async fn a_call_that_fails_or_succeeds_before_the_abort_is_not_changed_by_it() {
    holds(
        "const controller = new AbortController(), { signal } = controller;
         like(await tools.echo({ a: 1 }, { signal }), { a: 1 });
         const failed = tools.fail({ message: 'no' }, { signal });
         same(await failed.catch((error) => error.message), 'no');
         controller.abort();
         same(await failed.catch((error) => error.name), 'ToolError');",
    )
    .await;
}
