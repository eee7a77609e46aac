//! Stored values: who sees what, and when it is committed.

use code_mode::{Session, StoredValues, WaitRequest};
use serde_json::json;

use crate::probe::{probed, probed_with, request};
use crate::support::{error, run_in, session, text_items, texts};

fn json_of(session: &Session) -> serde_json::Value {
    serde_json::from_str(&serde_json::to_string(&session.stored_values()).unwrap()).unwrap()
}

#[tokio::test]
async fn later_cells_see_what_earlier_ones_stored() {
    let (session, tools) = session();
    run_in(&session, &tools, "store('k', { a: [1, 'é', null] })").await;
    let response = run_in(&session, &tools, "text(load('k')); text(load('none'))").await;
    assert_eq!(
        text_items(&response),
        [r#"{"a":[1,"é",null]}"#, "undefined"]
    );
}

#[tokio::test]
async fn a_cell_sees_its_own_writes_at_once_and_fresh_copies_of_them() {
    let script = "const v = { n: 1 }; store('k', v); v.n = 2; const one = load('k'); one.n = 3;
                  text(load('k')); text(load('k') === load('k'));";
    assert_eq!(texts(script).await, [r#"{"n":1}"#, "false"]);
}

#[tokio::test]
async fn a_cell_sees_the_session_as_it_was_at_its_start() {
    let (session, mut probe) = probed();
    let started = session
        .start(request("await tools.call(); text(load('k'))"))
        .unwrap();
    let reply = probe.called().await;
    run_in(&session, &Default::default(), "store('k', 1)").await;
    reply.send(Ok(json!(null))).unwrap();
    assert_eq!(text_items(&started.response().await), ["undefined"]);
}

#[tokio::test]
async fn cells_that_write_different_keys_both_win_and_the_later_completion_wins_a_key() {
    let (session, mut probe) = probed();
    let first = session
        .start(request(
            "store('a', 1); store('same', 'first'); await tools.call()",
        ))
        .unwrap();
    let first_reply = probe.called().await;
    let second = session
        .start(request(
            "store('b', 2); store('same', 'second'); await tools.call()",
        ))
        .unwrap();
    let second_reply = probe.called().await;

    second_reply.send(Ok(json!(null))).unwrap();
    second.response().await;
    first_reply.send(Ok(json!(null))).unwrap();
    first.response().await;
    assert_eq!(
        json_of(&session),
        json!({ "a": 1, "b": 2, "same": "first" })
    );
}

#[tokio::test]
async fn writes_are_committed_on_success_exit_and_script_error() {
    let (session, tools) = session();
    for script in [
        "store('success', 1)",
        "store('exit', 1); exit()",
        "store('error', 1); throw new Error('e')",
        "store('stalled', 1); await new Promise(() => {})",
    ] {
        run_in(&session, &tools, script).await;
    }
    assert_eq!(
        json_of(&session),
        json!({ "success": 1, "exit": 1, "error": 1, "stalled": 1 })
    );
}

#[tokio::test]
async fn writes_are_not_committed_on_termination_and_shutdown() {
    let (session, mut probe) = probed();
    let script = "store('k', 1); yield_control(); for (;;) {}";
    let id = session.execute(request(script)).await.unwrap().cell_id();
    session.wait(WaitRequest::terminate(id)).await.unwrap();
    session.execute(request(script)).await.unwrap();
    session.shutdown().await;
    assert_eq!(json_of(&session), json!({}));
    assert_eq!(probe.so_far().len(), 2);
}

#[tokio::test]
async fn null_is_a_value_and_undefined_removes_the_key() {
    let (session, tools) = session();
    run_in(&session, &tools, "store('n', null); store('gone', 1)").await;
    assert_eq!(json_of(&session), json!({ "n": null, "gone": 1 }));
    let response = run_in(
        &session,
        &tools,
        "store('gone', undefined); text(load('n')); text(load('gone')); store('never', undefined)",
    )
    .await;
    assert_eq!(text_items(&response), ["null", "undefined"]);
    assert_eq!(json_of(&session), json!({ "n": null }));
}

#[tokio::test]
async fn values_of_the_request_lie_over_the_sessions_for_that_cell_alone() {
    let mut start = StoredValues::default();
    start.insert("a", "session").unwrap();
    start.insert("b", "session").unwrap();
    let (session, _probe) = probed_with(Session::builder().stored_values(start));
    let mut overlay = StoredValues::default();
    overlay.insert("a", "request").unwrap();
    let script = "text(load('a')); text(load('b'));";
    let response = session
        .execute(request(script).stored_values(overlay))
        .await
        .unwrap();
    assert_eq!(text_items(&response), ["request", "session"]);
    let response = session.execute(request(script)).await.unwrap();
    assert_eq!(text_items(&response), ["session", "session"]);
}

#[tokio::test]
async fn values_json_cannot_carry_are_refused_naming_the_key() {
    for (script, words) in [
        ("store('k', () => 1)", "JSON cannot carry a function"),
        ("store('k', Symbol('s'))", "JSON cannot carry a symbol"),
        ("store('k', 1n)", "Do not know how to serialize a BigInt"),
        ("const o = {}; o.o = o; store('k', o)", "circular structure"),
        (
            "store('k', { toJSON() { throw new Error('mine') } })",
            "mine",
        ),
        (
            "store('k', { toJSON() { return undefined } })",
            "JSON cannot carry",
        ),
    ] {
        let error = error(script).await;
        assert!(
            error.contains("TypeError: store(\"k\")"),
            "{script}: {error}"
        );
        assert!(error.contains(words), "{script}: {error}");
    }
    let error = error("store(1, 2)").await;
    assert!(
        error.contains("the key must be a string, not a number"),
        "{error}"
    );
}

#[tokio::test]
async fn keys_are_any_text() {
    let script = "for (const k of ['', '__proto__', 'é\\n', '\\u{1F600}']) { store(k, k); text(load(k) === k); }";
    assert_eq!(texts(script).await, ["true", "true", "true", "true"]);
}
