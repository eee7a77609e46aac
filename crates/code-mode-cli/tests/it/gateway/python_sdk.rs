//! The official Python SDK as the client, with progress and elicitation.

use serde_json::{Value, json};

use super::stage::{Stage, sdk_client};
use crate::installed;
use crate::mcp::LONG_MS;

/// Both generations of the protocol, as the SDK calls them, with the revision that is agreed on.
const GENERATIONS: [(&str, &str); 2] = [("legacy", "2025-11-25"), ("auto", "2026-07-28")];

fn everything() -> Stage {
    Stage::new().server("everything", &installed::everything())
}

/// Runs the same client over both transports and in both generations; the check is told whether a
/// session needs its handle.
#[track_caller]
fn every_way(stage: &Stage, plan: impl Fn(bool) -> Value, check: impl Fn(&Value)) {
    let over_http = stage.over_http(&[]);
    let servers = [
        ("stdio", stage.as_server(&[])),
        ("HTTP", json!({ "url": over_http.url })),
    ];
    for (transport, server) in servers {
        for (mode, revision) in GENERATIONS {
            let needs_handle = transport == "HTTP" && revision == "2026-07-28";
            let seen = sdk_client(&server, mode, plan(needs_handle));
            assert_eq!(seen["protocol"], revision, "over {transport}");
            check(&seen);
            println!("Python SDK, {transport}, {revision}: ok");
        }
    }
    assert_eq!(over_http.terminate(), Some(0));
}

fn exec(source: &str) -> Value {
    let arguments = json!({ "source": source, "yield_time_ms": LONG_MS });
    json!({ "tool": "exec", "arguments": arguments })
}

/// The texts of a result after our header.
fn texts(result: &Value) -> Vec<&str> {
    let content = result["content"].as_array().expect("content");
    content[1..]
        .iter()
        .filter_map(|block| block["text"].as_str())
        .collect()
}

#[test]
fn the_python_sdk_keeps_a_session_in_both_generations_over_both_transports() {
    let plan = |needs_handle| {
        let mut second = exec("text(load('kept') + 1);");
        if needs_handle {
            second["arguments"]["session"] = json!("$session");
        }
        json!({ "calls": [exec("store('kept', 41); text('kept');"), second] })
    };
    every_way(&everything(), plan, |seen| {
        let tools: Vec<_> = seen["tools"]
            .as_array()
            .expect("tools")
            .iter()
            .map(|tool| tool["name"].as_str().expect("a name"))
            .collect();
        assert_eq!(tools, ["exec", "wait"]);
        for (result, expected) in
            [("kept", 0), ("42", 1)].map(|(text, at)| (&seen["results"][at]["result"], text))
        {
            let header = result["content"][0]["text"].as_str().expect("a text");
            assert!(header.starts_with("Script completed"), "{header}");
            assert_eq!(texts(result)[0], expected);
            assert_eq!(result["structuredContent"]["status"], "completed");
        }
    });
}

#[test]
fn the_python_sdk_hears_the_progress_of_a_servers_call() {
    let script = "
        text(await tools.mcp__everything__trigger_long_running_operation({ duration: 1, steps: 4 }));
    ";
    let plan = |_| json!({ "calls": [exec(script)] });
    every_way(&everything(), plan, |seen| {
        let result = &seen["results"][0];
        let progress = result["progress"].as_array().expect("reports");
        // The last may come after the answer it would announce; those in between may be merged.
        assert!(!progress.is_empty(), "{result}");
        let numbers: Vec<f64> = progress
            .iter()
            .map(|report| report["progress"].as_f64().expect("a number"))
            .collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        let calls = &result["result"]["structuredContent"]["calls"];
        let tool = "mcp__everything__trigger_long_running_operation";
        assert_eq!(calls[0]["tool"], tool, "{calls}");
        assert!(
            calls[0]["ms"].as_u64().expect("a number") >= 1_000,
            "{calls}"
        );
    });
}

#[test]
fn the_python_sdk_waits_for_a_cell_that_yielded() {
    let script = "
        text('before');
        yield_control();
        text(await tools.mcp__everything__trigger_long_running_operation({ duration: 0.5, steps: 1 }));
    ";
    let plan = |needs_handle| {
        let mut wait = json!({ "tool": "wait", "arguments": { "cell_id": "$cell_id" } });
        if needs_handle {
            wait["arguments"]["session"] = json!("$session");
        }
        json!({ "calls": [exec(script), wait] })
    };
    every_way(&everything(), plan, |seen| {
        let first = &seen["results"][0]["result"];
        assert_eq!(first["structuredContent"]["status"], "running");
        assert_eq!(texts(first)[0], "before");
        let second = &seen["results"][1]["result"];
        assert_eq!(second["structuredContent"]["status"], "completed");
        let said = texts(second)[0];
        assert!(
            said.starts_with("Long running operation completed"),
            "{said}"
        );
    });
}

#[test]
fn a_person_at_the_python_sdk_allows_and_refuses_the_calls_that_the_policy_asks_about() {
    let stage = everything().code_mode(json!({ "policy": [{ "ask": "everything/echo" }] }));
    let script = "
        for (const message of ['one', 'two']) {
            try {
                text(await tools.mcp__everything__echo({ message }));
            } catch (error) {
                text(`${error.name}: ${error.message}`);
            }
        }
    ";
    let plan = |_| {
        let mut call = exec(script);
        call["answers"] = json!([{ "decision": "Allow once" }, "decline"]);
        json!({ "calls": [call] })
    };
    every_way(&stage, plan, |seen| {
        let asked = &seen["results"][0];
        let questions = asked["questions"].as_array().expect("questions");
        assert_eq!(questions.len(), 2, "{asked}");
        for (question, argument) in questions.iter().zip(["one", "two"]) {
            let message = question["message"].as_str().expect("a text");
            for part in ["echo", "everything", argument] {
                assert!(message.contains(part), "{message} without {part}");
            }
        }
        let said = texts(&asked["result"]);
        assert_eq!(said[0], "Echo: one");
        assert!(said[1].starts_with("ToolError: "), "{said:?}");
        assert!(said[1].contains("refused"), "{said:?}");
    });
}

#[test]
fn a_client_that_can_ask_nobody_is_told_so_by_the_refused_call() {
    let stage = everything().code_mode(json!({ "policy": [{ "ask": "everything/echo" }] }));
    let script = "
        try {
            await tools.mcp__everything__echo({ message: 'x' });
        } catch (error) {
            text(error.message);
        }
    ";
    let plan = |_| json!({ "calls": [exec(script)], "elicits": false });
    every_way(&stage, plan, |seen| {
        let said = texts(&seen["results"][0]["result"])[0];
        assert!(said.contains("elicitation"), "{said}");
        assert!(said.contains("was not called"), "{said}");
    });
}

#[test]
fn a_question_of_a_servers_own_reaches_the_person_and_the_answer_the_server() {
    let script = "text(await tools.mcp__suite__test_elicitation({ message: 'Who are you?' }));";
    let stage = Stage::new().server(
        "suite",
        &installed::own("conformance_tools.py").with(["handshake"]),
    );
    let plan = |_| {
        let mut call = exec(script);
        call["answers"] = json!([{ "username": "ada", "email": "ada@localhost" }]);
        json!({ "calls": [call] })
    };
    every_way(&stage, plan, |seen| {
        let asked = &seen["results"][0];
        let questions = asked["questions"].as_array().expect("questions");
        assert_eq!(questions.len(), 1, "{asked}");
        let message = questions[0]["message"].as_str().expect("a text");
        assert!(message.contains("Who are you?"), "{message}");
        // The person sees who asks.
        assert!(message.contains("suite"), "{message}");
        let said = texts(&asked["result"])[0];
        assert!(said.contains("ada@localhost"), "{said}");
    });
}
