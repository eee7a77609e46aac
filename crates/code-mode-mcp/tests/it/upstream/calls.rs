//! Calls of tools: what reaches the server, and what comes back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use code_mode_mcp::upstream::{CallError, Elicit, Progress, Upstream};
use futures_util::future::{join_all, try_join_all};
use rmcp::model::{ElicitRequestParams, ElicitResult, ElicitationAction};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::support::{call, called, connected, fake, hostile, in_time, text_of};

#[tokio::test(flavor = "multi_thread")]
async fn calls_to_one_server_are_in_flight_together() {
    for revisions in ["older", "newest"] {
        let upstream = connected([fake("s", revisions)]).await;
        for calls in [20, 1_000] {
            // The server answers none before all have come.
            let one = || text_of(&upstream, "s", "together", json!({ "calls": calls }));
            let texts = in_time(join_all((0..calls).map(|_| one()))).await;
            assert_eq!(texts, vec![format!("{calls} in flight"); calls]);
        }
        upstream.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_find_their_calls_whatever_their_order() {
    let upstream = connected([fake("s", "older")]).await;
    let one = |n: usize| called(&upstream, "s", "echo", json!({ "value": n }));
    let results = try_join_all((0..200).map(one)).await.unwrap();
    for (n, result) in results.iter().enumerate() {
        assert_eq!(result["structuredContent"]["value"], n);
    }
    upstream.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_call_is_told_to_the_server() {
    for revisions in ["older", "newest"] {
        let upstream = connected([fake("s", revisions)]).await;
        let token = CancellationToken::new();
        let begun = token.clone();
        let request = call("s", "hang", json!({}))
            .cancellation(token)
            .on_progress(move |_| begun.cancel());
        let error = in_time(upstream.call(request)).await.unwrap_err();
        assert!(matches!(error, CallError::Cancelled { .. }), "{error:?}");
        let reason = text_of(&upstream, "s", "cancelled", json!({})).await;
        assert_eq!(reason, "the caller does not want the result any more");
        upstream.shutdown().await;
    }
}

#[tokio::test]
async fn a_dropped_call_is_told_to_the_server() {
    let upstream = connected([fake("s", "older")]).await;
    let begun = Arc::new(Notify::new());
    let seen = Arc::clone(&begun);
    let request = call("s", "hang", json!({})).on_progress(move |_| seen.notify_one());
    tokio::select! {
        result = upstream.call(request) => panic!("{result:?}"),
        () = in_time(begun.notified()) => {}
    }
    let reason = text_of(&upstream, "s", "cancelled", json!({})).await;
    assert_eq!(reason, "nobody waits for the result any more");
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_call_that_is_cancelled_before_it_is_made_never_reaches_the_server() {
    let upstream = connected([fake("s", "older")]).await;
    let token = CancellationToken::new();
    token.cancel();
    let request = call("s", "die", json!({})).cancellation(token);
    let error = in_time(upstream.call(request)).await.unwrap_err();
    assert!(matches!(error, CallError::Cancelled { .. }), "{error:?}");
    assert_eq!(
        called(&upstream, "s", "echo", json!({})).await.unwrap()["structuredContent"],
        json!({ "value": null })
    );
    upstream.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_comes_in_order_and_before_the_result() {
    let upstream = connected([fake("s", "older")]).await;
    let heard: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let hearing = Arc::clone(&heard);
    let request = call("s", "steps", json!({ "steps": 500 }))
        .on_progress(move |progress| hearing.lock().unwrap().push(progress));
    in_time(upstream.call(request)).await.unwrap();
    upstream.shutdown().await;
    let heard = heard.lock().unwrap();
    let steps: Vec<f64> = heard.iter().map(|progress| progress.progress).collect();
    let expected: Vec<f64> = (1..=500).map(f64::from).collect();
    assert_eq!(steps, expected);
    assert_eq!(heard[0].total, Some(500.0));
}

#[tokio::test]
async fn a_call_over_its_time_out_fails_and_is_told_to_the_server() {
    let mut server = fake("s", "older");
    server.tool_timeout = Some(Duration::from_millis(300));
    let upstream = connected([server]).await;
    let error = called(&upstream, "s", "hang", json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "tool hang of server s gave no result and no progress for 0.3 s, the time-out configured for \
         the server; whether it took effect is not known"
    );
    // This call has no more time, and may have to be made again.
    let told = loop {
        match called(&upstream, "s", "cancelled", json!({})).await {
            Ok(result) => break result,
            Err(error) => assert!(matches!(error, CallError::TimedOut { .. }), "{error:?}"),
        }
    };
    let reason = told["content"][0]["text"].as_str().unwrap();
    assert_eq!(reason, "it took longer than the configured time-out");
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_result_that_is_an_error_comes_as_it_is() {
    let upstream = connected([fake("s", "older")]).await;
    let result = called(&upstream, "s", "fail", json!({})).await.unwrap();
    assert_eq!(
        result,
        json!({ "content": [{ "type": "text", "text": "it is broken" }], "isError": true })
    );
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_json_rpc_error_is_told_with_its_code_and_without_secrets() {
    let command = crate::installed::own("upstream.py").with(["older"]);
    let server = super::support::stdio_with("s", command, [("TOKEN", "sesame")]);
    let upstream = connected([server]).await;
    let error = called(&upstream, "s", "refuse", json!({}))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "server s refused the call of tool refuse: not with TOKEN … (JSON-RPC error -32099)"
    );
    upstream.shutdown().await;
}

#[tokio::test]
async fn an_answer_of_an_unknown_type_fails_in_words() {
    let upstream = connected([fake("s", "newest")]).await;
    let error = called(&upstream, "s", "task", json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the call of tool task of server s failed: its answer is of type \"task\", which is not \
         supported"
    );
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_server_that_nobody_configured_is_said_to_be_none() {
    let upstream = connected([fake("a", "older"), fake("b", "older")]).await;
    let error = called(&upstream, "c", "echo", json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no server \"c\" is configured; there are a, b"
    );
    upstream.shutdown().await;
}

#[tokio::test]
async fn garbage_on_standard_output_harms_no_call() {
    let upstream = connected([hostile("s", "garbage")]).await;
    for _ in 0..3 {
        assert_eq!(
            text_of(&upstream, "s", "fine", json!({})).await,
            "fine of hostile"
        );
    }
    upstream.shutdown().await;
}

struct Person(&'static str);

impl Elicit for Person {
    fn elicit(
        &self,
        question: ElicitRequestParams,
    ) -> std::pin::Pin<Box<dyn Future<Output = ElicitResult> + Send + '_>> {
        let ElicitRequestParams::FormElicitationParams { message, .. } = question else {
            panic!("{question:?}");
        };
        assert_eq!(message, "What is your name?");
        let answer =
            ElicitResult::new(ElicitationAction::Accept).with_content(json!({ "name": self.0 }));
        Box::pin(std::future::ready(answer))
    }
}

#[tokio::test]
async fn what_a_server_asks_a_person_goes_to_the_one_who_calls() {
    let expected = json!({ "action": "accept", "content": { "name": "Ada" } });
    for (revisions, state) in [("older", ""), ("newest", " kept")] {
        let upstream = connected([fake("s", revisions)]).await;
        let request = call("s", "ask", json!({})).elicit(Arc::new(Person("Ada")));
        let result = in_time(upstream.call(request)).await.unwrap();
        let text = result["content"][0]["text"].as_str().unwrap();
        let answer: Value = serde_json::from_str(text.strip_suffix(state).unwrap()).unwrap();
        assert_eq!(answer, expected, "{revisions}");
        upstream.shutdown().await;
    }
}

#[tokio::test]
async fn a_question_that_nobody_answers_is_declined() {
    for (revisions, state) in [("older", ""), ("newest", " kept")] {
        let upstream = connected([fake("s", revisions)]).await;
        let text = text_of(&upstream, "s", "ask", json!({})).await;
        let answer: Value = serde_json::from_str(text.strip_suffix(state).unwrap()).unwrap();
        assert_eq!(answer, json!({ "action": "decline" }), "{revisions}");
        upstream.shutdown().await;
    }
}

/// Thinks for as long as it takes another call to be timed out.
struct SlowPerson {
    upstream: Upstream,
    thinks: AtomicBool,
}

impl Elicit for SlowPerson {
    fn elicit(
        &self,
        _question: ElicitRequestParams,
    ) -> std::pin::Pin<Box<dyn Future<Output = ElicitResult> + Send + '_>> {
        Box::pin(async {
            self.thinks.store(true, Ordering::SeqCst);
            let hang = called(&self.upstream, "s", "hang", json!({}));
            let error = hang.await.unwrap_err();
            assert!(matches!(error, CallError::TimedOut { .. }), "{error:?}");
            self.thinks.store(false, Ordering::SeqCst);
            ElicitResult::new(ElicitationAction::Decline)
        })
    }
}

#[tokio::test]
async fn the_time_out_stands_still_while_a_person_thinks() {
    for revisions in ["older", "newest"] {
        let mut server = fake("s", revisions);
        server.tool_timeout = Some(Duration::from_millis(300));
        let upstream = connected([server]).await;
        let person = Arc::new(SlowPerson {
            upstream: upstream.clone(),
            thinks: AtomicBool::new(false),
        });
        // Before the question and after it the server has no more time than that: only what ends a call
        // while the person thinks is wrong.
        let result = loop {
            let request = call("s", "ask", json!({})).elicit(Arc::clone(&person) as _);
            match in_time(upstream.call(request)).await {
                Ok(result) => break result,
                Err(error) => assert!(
                    matches!(error, CallError::TimedOut { .. })
                        && !person.thinks.load(Ordering::SeqCst),
                    "{error:?}"
                ),
            }
        };
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("decline"), "{text}");
        upstream.shutdown().await;
    }
}

#[tokio::test]
async fn a_server_that_asks_for_ever_is_stopped() {
    let upstream = connected([fake("s", "newest")]).await;
    let error = called(&upstream, "s", "again", json!({}))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("it asked for input 10 times"),
        "{error}"
    );
    upstream.shutdown().await;
}
