//! What a client hears while a request is running.

use std::time::Duration;

use code_mode_mcp::policy::Policy;
use serde_json::json;

use super::client::{Heard, REVISIONS, output, result, text};
use super::raw::RawClient;
use super::rig::{LONG_MS, Rig, options};

#[tokio::test]
async fn progress_says_how_long_a_script_runs_and_which_calls_are_in_flight() {
    let mut often = options();
    often.progress_interval = Duration::from_millis(1);
    let mut rig = Rig::with(Policy::default(), often).await;
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let source = "await Promise.all([1, 2].map(() => tools.mcp__test__held()))";
        let arguments = json!({ "source": source, "yield_time_ms": LONG_MS });
        let running = client.begin("exec", arguments).await;
        let token = running.progress_token.clone();
        let (one, two) = (rig.server.call().await, rig.server.call().await);
        let mut last = 0.0;
        loop {
            let progress = client.hears_progress().await;
            assert_eq!(progress.progress_token, token);
            assert!(
                progress.progress > last,
                "{} after {last}",
                progress.progress
            );
            last = progress.progress;
            let message = progress.message.unwrap();
            assert!(message.starts_with("running 0 s") || message.starts_with("running "));
            if message.ends_with(" s, 2 calls in flight (mcp__test__held)") {
                break;
            }
        }
        one.answer_text("");
        two.answer_text("");
        result(running).await;
    }
}

#[tokio::test]
async fn what_a_script_notifies_is_heard_at_once() {
    let mut rig = Rig::new().await;
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let source = "notify('half way'); await tools.mcp__test__held(); notify('nearly')";
        let arguments = json!({ "source": source, "yield_time_ms": LONG_MS });
        let running = client.begin("exec", arguments).await;
        assert_eq!(client.hears_progress().await.message.unwrap(), "half way");
        rig.server.call().await.answer_text("");
        assert_eq!(client.hears_progress().await.message.unwrap(), "nearly");
        let result = result(running).await;
        assert!(!text(&result).contains("half way"), "{}", text(&result));
    }
}

#[tokio::test]
async fn the_progress_of_a_servers_call_is_passed_on() {
    let mut rig = Rig::new().await;
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let arguments =
            json!({ "source": "await tools.mcp__test__held()", "yield_time_ms": LONG_MS });
        let running = client.begin("exec", arguments).await;
        let call = rig.server.call().await;
        call.progress(3.0, 10.0, "linking").await;
        let heard = client.hears_progress().await.message.unwrap();
        assert_eq!(heard, "mcp__test__held: 3 of 10, linking");
        call.answer_text("");
        result(running).await;
    }
}

#[tokio::test]
async fn a_client_without_a_progress_token_hears_notes_as_log_messages() {
    let rig = Rig::new().await;
    let mut client = RawClient::connect(&rig).await;
    client
        .call("exec", json!({ "source": "notify('by log')" }))
        .await;
    let logged = json!({ "level": "info", "logger": "code-mode", "data": "by log" });
    let heard: Vec<_> = client
        .notifications
        .iter()
        .map(|note| &note["params"])
        .collect();
    assert_eq!(heard, [&logged]);
}

#[tokio::test]
async fn what_nobody_could_be_told_is_in_the_next_answer() {
    let rig = Rig::new().await;
    let mut client = RawClient::connect(&rig).await;
    client
        .request("logging/setLevel", json!({ "level": "error" }))
        .await;
    let result = client
        .call(
            "exec",
            json!({ "source": "notify('one'); notify('two'); text('out')" }),
        )
        .await;
    assert!(
        client.notifications.is_empty(),
        "{:?}",
        client.notifications
    );
    assert_eq!(output(&result), "Notified:\none\ntwo\nout");
}

#[tokio::test]
async fn a_wait_without_a_progress_token_answers_before_clients_give_up() {
    let mut short = options();
    short.longest_silent_wait = Duration::from_millis(1);
    let mut rig = Rig::with(Policy::default(), short).await;
    let mut silent = RawClient::connect(&rig).await;
    let source = json!({ "source": "await tools.mcp__test__held()", "yield_time_ms": LONG_MS });
    let running = silent.call("exec", source.clone()).await;
    assert!(
        text(&running).starts_with("Script running"),
        "{}",
        text(&running)
    );
    let running = silent
        .call("wait", json!({ "cell_id": "1", "yield_time_ms": LONG_MS }))
        .await;
    assert!(
        text(&running).starts_with("Script running"),
        "{}",
        text(&running)
    );
    rig.server.call().await.answer_text("");

    // One that hears progress is kept waiting as long as it asks for.
    let client = rig.client(REVISIONS[0]).await;
    let exec = client.begin("exec", source).await;
    rig.server.call().await.answer_text("");
    assert!(text(&result(exec).await).starts_with("Script completed"));
    assert!(matches!(
        client.exec("notify('x')").await.is_error,
        Some(false)
    ));
    assert!(matches!(client.hears().await, Heard::Progress(_)));
}
