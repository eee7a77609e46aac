//! What `exec` and `wait` answer.

use serde_json::{Value, json};

use super::client::{REVISIONS, output, result, structured, text};
use super::rig::{LONG_MS, Rig};

#[tokio::test]
async fn exec_answers_with_a_header_and_the_output_of_a_script_that_calls_a_servers_tool() {
    let rig = Rig::new().await;
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let result = client
            .exec("text(await tools.mcp__test__echo({ text: 'hello' }))")
            .await;
        assert_eq!(result.is_error, Some(false));
        assert!(
            text(&result).starts_with("Script completed\nWall time "),
            "{}",
            text(&result)
        );
        assert_eq!(output(&result), "hello");
        let structured = structured(&result);
        assert_eq!(structured["status"], "completed");
        assert_eq!(structured["cell_id"], "1");
        assert_eq!(structured["calls"][0]["tool"], "mcp__test__echo");
        assert_eq!(structured["calls"][0]["ok"], true);
    }
}

#[tokio::test]
async fn a_script_that_yields_is_waited_for_with_one_wait_however_much_it_puts_out() {
    let mut rig = Rig::new().await;
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let source = "yield_control();
            for (let i = 0; i < 100; i++) { text(i); await new Promise((go) => setTimeout(go, 0)); }
            text(await tools.mcp__test__held());
            text('end')";
        let first = client.exec(source).await;
        assert!(text(&first).starts_with("Script running with cell ID 1\n"));
        let waiting = client.begin("wait", json!({ "cell_id": "1" })).await;
        rig.server.call().await.answer_text("held");
        let last = result(waiting).await;
        let numbers: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        // How much of it came before the first answer was ready is up to the machine.
        let outputs = [output(&first), output(&last)];
        let outputs: Vec<&str> = outputs.iter().flat_map(|output| output.lines()).collect();
        assert_eq!(
            outputs,
            [&numbers.join("\n"), "held\nend"]
                .join("\n")
                .lines()
                .collect::<Vec<_>>()
        );
        assert_eq!(structured(&last)["status"], "completed");
    }
}

#[tokio::test]
async fn a_script_that_fails_is_an_error_result_in_words() {
    let rig = Rig::new().await;
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let result = client.exec("text('before'); null.x").await;
        assert_eq!(result.is_error, Some(true));
        assert!(
            text(&result).contains("before\nScript error:\nTypeError"),
            "{}",
            text(&result)
        );
        assert_eq!(structured(&result)["status"], "failed");
    }
}

#[tokio::test]
async fn wrong_arguments_are_answered_in_words_that_name_them() {
    let rig = Rig::new().await;
    let client = rig.client(REVISIONS[0]).await;
    let cases: [(&str, Value, &str); 10] = [
        (
            "exec",
            json!({}),
            "exec needs the argument source: the source text of a JavaScript program",
        ),
        (
            "exec",
            json!({ "code": "1" }),
            "exec needs the argument source",
        ),
        (
            "exec",
            json!({ "source": "1", "timeout": 5 }),
            "exec has no argument \"timeout\"; it takes source, yield_time_ms, max_output_tokens",
        ),
        (
            "exec",
            json!({ "source": 1 }),
            "exec: source is 1; it must be the source text",
        ),
        (
            "exec",
            json!({ "source": "1", "yield_time_ms": -1 }),
            "exec: yield_time_ms is -1; it must be an integer from 0",
        ),
        ("exec", json!({ "source": " " }), "there is no script"),
        (
            "exec",
            json!({ "source": "// @exec: {\"x\": 1}\n1" }),
            "unknown field \"x\"",
        ),
        ("wait", json!({}), "wait needs the argument cell_id"),
        ("wait", json!({ "cell_id": "x" }), "\"x\" is not a cell id"),
        (
            "wait",
            json!({ "cell_id": "1", "terminate": "yes" }),
            "wait: terminate is \"yes\"; it must be true or false",
        ),
    ];
    for (tool, arguments, expected) in cases {
        let result = client.call(tool, arguments.clone()).await;
        assert_eq!(result.is_error, Some(true), "{arguments}");
        assert!(
            text(&result).contains(expected),
            "{arguments}: {}",
            text(&result)
        );
    }
}

#[tokio::test]
async fn the_numbers_of_the_request_win_over_those_of_the_pragma() {
    let rig = Rig::new().await;
    let client = rig.client(REVISIONS[0]).await;
    let source = "// @exec: {\"max_output_tokens\": 5}\ntext('x'.repeat(400))";
    let cut = client.exec(source).await;
    assert!(text(&cut).contains("tokens truncated"), "{}", text(&cut));
    let whole = client
        .call(
            "exec",
            json!({ "source": source, "max_output_tokens": 1000 }),
        )
        .await;
    assert_eq!(output(&whole), "x".repeat(400));

    let endless = format!(
        "// @exec: {{\"yield_time_ms\": {LONG_MS}}}\nawait new Promise(() => setTimeout(() => {{}}, {LONG_MS}))"
    );
    let yielded = client
        .call("exec", json!({ "source": endless, "yield_time_ms": 0 }))
        .await;
    assert_eq!(structured(&yielded)["status"], "running");
}

#[tokio::test]
async fn waits_that_have_no_answer_say_why() {
    let mut rig = Rig::new().await;
    let client = rig.client(REVISIONS[0]).await;
    let wait = |arguments: Value| client.call("wait", arguments);

    let unknown = wait(json!({ "cell_id": "7" })).await;
    assert_eq!(unknown.is_error, Some(true));
    assert!(text(&unknown).contains("cell 7 never existed in this session"));

    client.exec("1").await;
    let delivered = wait(json!({ "cell_id": "1" })).await;
    assert!(
        text(&delivered).contains("already delivered"),
        "{}",
        text(&delivered)
    );

    let held = json!({ "source": "await tools.mcp__test__held()", "yield_time_ms": 0 });
    client.call("exec", held).await;
    let call = rig.server.call().await;
    let first = client.begin("wait", json!({ "cell_id": 2 })).await;
    // The gateway takes requests in order, but starts them at once: busy is answered to one of the two.
    let second = client.begin("wait", json!({ "cell_id": "2" })).await;
    let busy = tokio::select! {
        first = result(first) => first,
        second = result(second) => second,
    };
    assert_eq!(busy.is_error, Some(true));
    assert!(
        text(&busy).contains("cell 2 is being waited for already"),
        "{}",
        text(&busy)
    );

    let ended = wait(json!({ "cell_id": "2", "terminate": true })).await;
    assert_eq!(ended.is_error, Some(false), "{}", text(&ended));
    assert_eq!(structured(&ended)["status"], "terminated");
    call.cancelled.cancelled().await;
    let again = wait(json!({ "cell_id": "2" })).await;
    assert!(text(&again).contains("cell 2"), "{}", text(&again));
}
