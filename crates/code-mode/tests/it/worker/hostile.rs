//! Workers that do wrong: each is killed, its cell fails in words, and nothing else happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use code_mode::worker::Pool;
use code_mode::{
    ExecuteRequest, FunctionHost, Limits, RuntimeResponse, ToolDefinition, ToolOutput, WaitRequest,
};
use serde_json::json;

use super::{options, session_of};
use crate::support::{host, run_in};

/// The response of a cell in a worker of this kind, and how often the host was called.
async fn response_of(kind: &str) -> (RuntimeResponse, usize) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let strict = ToolDefinition::function("strict", "").input_schema(json!({
        "type": "object", "properties": { "n": { "type": "number" } }
    }));
    let host: FunctionHost = host()
        .function(ToolDefinition::function("slow", ""), |_| {
            std::future::pending()
        })
        .function(ToolDefinition::function("much", ""), |_| async {
            Ok(ToolOutput::text("x".repeat(1024 * 1024)))
        })
        .function(strict, move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Ok(ToolOutput::text("called")) }
        });
    let pool = Pool::new(options(kind).warm(0));
    let (session, tools) = session_of(&pool, host, Limits::default());
    let response = run_in(&session, &tools, "text('never run')").await;
    session.shutdown().await;
    (response, calls.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_worker_that_does_wrong_is_killed_and_its_cell_fails() {
    for (kind, words) in [
        ("says no hello", "something else than a hello"),
        (
            "speaks first of a length that is too long",
            "4294967295 bytes",
        ),
        ("sends garbage", "sent what no worker sends"),
        ("sends a length that is too long", "4294967295 bytes"),
        ("sends half a frame and closes", "ended with status 0"),
        ("closes and goes on", "closed its connection and was killed"),
        ("speaks of a cell it has not", "a cell it does not have"),
        (
            "calls a tool that is not there",
            "a tool that the cell has not",
        ),
        (
            "calls by a name that is not the global one",
            "a tool that the cell has not",
        ),
        (
            "calls with a text where an object belongs",
            "what its tool does not take",
        ),
        (
            "calls with an array where an object belongs",
            "what its tool does not take",
        ),
        ("calls twice by one number", "a number that cannot be"),
        (
            "calls by a number over the limit",
            "a number that cannot be",
        ),
        (
            "calls too often at once",
            "more calls at once than are allowed",
        ),
        (
            "puts out a link for an image",
            "output that no script can put out",
        ),
        ("puts out too much", "more output than a cell may hold"),
        ("goes without an end", "gone and has not ended"),
        ("says that it was stopped", "nobody ended"),
        (
            "dies before it says anything",
            "that was to run the script ended with status 3",
        ),
        (
            "speaks another version",
            "speaks protocol versions 7 to 9, and this process 1 to 1",
        ),
    ] {
        let (response, _) = response_of(kind).await;
        let error = response.error_text().unwrap_or("no error");
        assert!(error.contains(words), "a worker that {kind}: {error}");
    }
}

#[tokio::test]
async fn what_comes_after_an_end_changes_nothing_of_it() {
    for kind in ["goes on after the end", "ends twice", "honest"] {
        let (response, _) = response_of(kind).await;
        assert_eq!(response.error_text(), None, "a worker that {kind}");
    }
}

#[tokio::test]
async fn arguments_are_checked_here_whatever_a_worker_says() {
    let (response, calls) =
        response_of("calls with arguments that the schema does not allow").await;
    assert_eq!(response.text(), "a");
    assert_eq!(calls, 0);
}

#[tokio::test]
async fn a_worker_that_does_not_stop_is_killed() {
    let pool = Pool::new(options("never stops").warm(0));
    let (session, _) = session_of(&pool, FunctionHost::new(), Limits::default());
    let request = ExecuteRequest::new("text(1)").yield_time_ms(1);
    let id = session.execute(request).await.unwrap().cell_id();
    let end = session.wait(WaitRequest::terminate(id)).await.unwrap();
    assert!(matches!(end, RuntimeResponse::Terminated { .. }));
}

#[tokio::test]
async fn a_worker_that_does_not_read_holds_nobody_up() {
    // The host's answer is longer than a socket holds: it waits for the worker, and nobody waits for it.
    let host = FunctionHost::new().function(ToolDefinition::function("much", ""), |_| async {
        Ok(ToolOutput::text("x".repeat(8 * 1024 * 1024)))
    });
    let pool = Pool::new(options("never reads").warm(0));
    let (session, tools) = session_of(&pool, host, Limits::default());
    let request = ExecuteRequest::new("text(1)")
        .enabled_tools(tools)
        .yield_time_ms(1);
    let id = session.execute(request).await.unwrap().cell_id();
    let end = session.wait(WaitRequest::terminate(id)).await.unwrap();
    assert!(matches!(end, RuntimeResponse::Terminated { .. }));
}
