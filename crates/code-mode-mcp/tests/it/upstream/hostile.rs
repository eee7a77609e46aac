//! Servers that do wrong: no call waits for ever, and no other call is harmed.

use std::time::Duration;

use code_mode_mcp::config::{ServerConfig, Transport};
use code_mode_mcp::upstream::{CallError, ServerState};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::support::{call, called, catalogue, connected, hostile, in_time, names, text_of};

const FINE: &str = "fine of hostile";

/// An attempt to connect one that leaves at once starts it twice: at the second time with `initialize`.
const STARTS_OF_AN_ATTEMPT: usize = 2;

#[tokio::test]
async fn a_server_that_dies_in_its_answer_loses_the_call_and_is_connected_again() {
    let upstream = connected([hostile("s", "mortal")]).await;
    for tool in ["die", "die_speaking"] {
        let error = called(&upstream, "s", tool, json!({})).await.unwrap_err();
        assert!(matches!(error, CallError::Lost { .. }), "{tool}: {error:?}");
        assert_eq!(text_of(&upstream, "s", "fine", json!({})).await, FINE);
    }
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_result_of_the_wrong_form_fails_or_is_given_as_it_is() {
    let upstream = connected([hostile("s", "nonsense")]).await;
    let mut outcomes = Vec::new();
    for tool in names(&upstream.catalogue()) {
        let tool = tool.strip_prefix("mcp__s__").unwrap();
        let outcome = match called(&upstream, "s", tool, json!({})).await {
            Ok(_) => "given".to_owned(),
            Err(error) => error.to_string(),
        };
        outcomes.push((tool.to_owned(), outcome));
    }
    let failed = |tool: &str, why: &str| {
        let error = format!("the call of tool {tool} of server s failed: {why}");
        (tool.to_owned(), error)
    };
    let given = |tool: &str| (tool.to_owned(), "given".to_owned());
    assert_eq!(
        outcomes,
        [
            failed("content_is_text", "the content of its answer is no array"),
            given("content_of_numbers"),
            given("empty"),
            given("error_is_text"),
            given("fine"),
            given("image_of_no_base64"),
            given("item_of_unknown_type"),
            given("item_without_type"),
            failed("null", "its answer is no object"),
            failed("number", "its answer is no object"),
            given("structured_is_text"),
        ]
    );
    upstream.shutdown().await;
}

#[tokio::test]
async fn the_first_answer_to_a_request_counts() {
    let upstream = connected([hostile("s", "duplicate")]).await;
    for _ in 0..5 {
        assert_eq!(text_of(&upstream, "s", "fine", json!({})).await, FINE);
    }
    upstream.shutdown().await;
}

#[tokio::test]
async fn floods_of_notifications_and_of_standard_error_harm_no_call() {
    let upstream = connected([hostile("s", "flood")]).await;
    for tool in ["logs", "progress", "strangers", "changes", "errors"] {
        let text = text_of(&upstream, "s", tool, json!({})).await;
        assert_eq!(text, format!("{tool} of hostile"));
    }
    upstream.shutdown().await;
}

#[tokio::test]
async fn tools_that_change_all_the_time_settle() {
    let upstream = connected([hostile("s", "changing")]).await;
    catalogue(&upstream, |now| names(now).contains(&"mcp__s__version_200")).await;
    assert_eq!(text_of(&upstream, "s", "fine", json!({})).await, FINE);
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_server_that_stops_reading_holds_up_no_cancelled_call_and_no_shutdown() {
    let mut server = hostile("s", "deaf");
    server.tool_timeout = Some(Duration::from_millis(500));
    let upstream = connected([server]).await;
    let timed_out = called(&upstream, "s", "deaf", json!({})).await.unwrap_err();
    assert!(
        matches!(timed_out, CallError::TimedOut { .. }),
        "{timed_out:?}"
    );
    // More than a pipe holds: it cannot be written.
    let padding = json!({ "padding": "x".repeat(1_000_000) });
    let token = CancellationToken::new();
    let request = call("s", "deaf", padding).cancellation(token.clone());
    let calling = upstream.call(request);
    tokio::pin!(calling);
    tokio::select! {
        biased;
        result = &mut calling => panic!("{result:?}"),
        () = std::future::ready(()) => token.cancel(),
    }
    let cancelled = in_time(calling).await.unwrap_err();
    assert!(
        matches!(cancelled, CallError::Cancelled { .. }),
        "{cancelled:?}"
    );
    in_time(upstream.shutdown()).await;
}

#[tokio::test]
async fn a_call_of_a_server_that_dies_at_once_makes_one_attempt_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let starts = folder.path().join("starts");
    let transport = Transport::Stdio {
        command: "sh".to_owned(),
        args: vec![
            "-c".to_owned(),
            format!("echo start >> {}", starts.display()),
        ],
        env: Default::default(),
        cwd: None,
    };
    let upstream = connected([ServerConfig::new("s", transport)]).await;
    let starts = || std::fs::read_to_string(&starts).unwrap().lines().count();
    // It is also tried again by itself, after longer and longer waits. Who looks late sees that too.
    let mut seen = Vec::new();
    while !seen.ends_with(&[STARTS_OF_AN_ATTEMPT]) {
        assert!(seen.len() < 6, "{seen:?}");
        let before = starts();
        let error = called(&upstream, "s", "t", json!({})).await.unwrap_err();
        assert!(matches!(error, CallError::NotConnected { .. }), "{error:?}");
        let more = starts() - before;
        assert!(more > 0);
        seen.push(more);
    }
    upstream.shutdown().await;
}

#[tokio::test]
async fn what_a_server_pretends_changes_nothing_of_its_names() {
    let upstream = connected([hostile("s", "pretends")]).await;
    let catalogue = upstream.catalogue();
    let ServerState::Connected { .. } = catalogue.servers[0].state else {
        panic!("{:?}", catalogue.servers);
    };
    for tool in catalogue.tools.iter() {
        assert!(
            tool.global_name.starts_with("mcp__s__"),
            "{}",
            tool.global_name
        );
        let (server, _) = catalogue.route(&tool.definition).unwrap();
        assert_eq!(server, "s");
    }
    upstream.shutdown().await;
}

#[tokio::test]
async fn twenty_calls_of_a_server_that_never_answers_are_cancelled_together() {
    let upstream = connected([hostile("s", "unanswered")]).await;
    let token = CancellationToken::new();
    let calls =
        (0..20).map(|_| upstream.call(call("s", "never", json!({})).cancellation(token.clone())));
    let all = futures_util::future::join_all(calls);
    let canceller = async {
        // Answered after them: they are all at the server.
        let fine = text_of(&upstream, "s", "fine", json!({})).await;
        token.cancel();
        fine
    };
    let (results, fine): (Vec<Result<Value, CallError>>, String) =
        in_time(async { tokio::join!(all, canceller) }).await;
    assert_eq!(fine, FINE);
    for result in results {
        assert!(
            matches!(result, Err(CallError::Cancelled { .. })),
            "{result:?}"
        );
    }
    upstream.shutdown().await;
}
