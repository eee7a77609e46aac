//! Results that are large, and servers that go on without end.

use code_mode_mcp::upstream::CallError;
use serde_json::json;

use super::support::{called, connected, hostile, text_of};

const TOO_LARGE: &str = "the answer is larger than 64 MiB, the most that is taken; ask for less";

#[tokio::test]
async fn a_result_of_fifty_megabytes_comes() {
    let upstream = connected([hostile("s", "huge")]).await;
    let text = text_of(&upstream, "s", "text", json!({ "megabytes": 50 })).await;
    assert_eq!(text.len(), 50_000_000);
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_result_that_is_too_large_fails_its_call_and_no_other() {
    let upstream = connected([hostile("s", "huge")]).await;
    let error = called(&upstream, "s", "text", json!({ "megabytes": 70 }))
        .await
        .unwrap_err();
    let CallError::Failed { why, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(why, TOO_LARGE);
    assert_eq!(
        text_of(&upstream, "s", "fine", json!({})).await,
        "fine of hostile"
    );
    upstream.shutdown().await;
}

#[tokio::test]
async fn an_answer_without_end_fails_its_call() {
    let upstream = connected([hostile("s", "huge")]).await;
    let error = called(&upstream, "s", "endless", json!({}))
        .await
        .unwrap_err();
    // The line says nothing of whom it answers: the connection is given up.
    assert!(matches!(error, CallError::Lost { .. }), "{error:?}");
    upstream.shutdown().await;
}
