//! Servers that do not answer, do not read, or end.

use std::time::Duration;

use code_mode::{ExecuteRequest, WaitRequest};
use code_mode_mcp::upstream::ServerState;
use serde_json::json;

use super::stage::{Stage, hostile, hostile_within, why};

const SOON: Duration = Duration::from_secs(2);

/// Longer than any test takes.
const NEVER: Duration = Duration::from_secs(3600);

fn is_connected(state: &ServerState) -> bool {
    matches!(state, ServerState::Connected { .. })
}

#[tokio::test]
async fn a_server_that_answers_nothing_delays_nobody_and_is_given_up_in_words() {
    for how in ["silent", "unlisted"] {
        let stage = Stage::connecting([hostile_within(how, NEVER, SOON)]);
        stage
            .until(|catalogue| {
                catalogue
                    .servers
                    .iter()
                    .any(|server| is_connected(&server.state))
            })
            .await;
        // The other one's tools are there, while this one is still waited for.
        assert_eq!(stage.state(how), ServerState::Connecting);
        stage.others_work().await;
        stage.end().await;

        let stage = Stage::with([hostile_within(how, SOON, SOON)]).await;
        stage.others_work().await;
        let why = why(stage.state(how));
        println!("{how}: {why}");
        assert!(why.contains("2 s"), "{why}");
        stage.end().await;
    }
}

#[tokio::test]
async fn a_call_that_is_never_answered_ends_with_its_cell() {
    let stage = Stage::with([hostile("unanswered")]).await;
    let request = ExecuteRequest::new("yield_control(); await tools.mcp__unanswered__never({});")
        .enabled_tools(stage.catalogue().tools.clone())
        .yield_time_ms(600_000);
    let waiting = stage.session.execute(request).await.expect("it runs");
    stage.others_work().await;
    let said = stage
        .text("text(await tools.mcp__unanswered__fine({}));")
        .await;
    assert_eq!(said, "fine of hostile");
    let terminate = WaitRequest::terminate(waiting.cell_id());
    let ended = stage.session.wait(terminate).await;
    ended.expect("the cell can be ended");
    let said = stage
        .text("text(await tools.mcp__unanswered__fine({}));")
        .await;
    assert_eq!(said, "fine of hostile");
    stage.end().await;
}

#[tokio::test]
async fn a_call_that_is_never_answered_fails_after_the_configured_time() {
    let stage = Stage::with([hostile_within("unanswered", NEVER, SOON)]).await;
    let script = "
        const failed = await tools.mcp__unanswered__never({}).catch(({ name, message }) => [name, message]);
        // This call has no more time, and may have to be made again.
        let fine;
        while (!fine) fine = await tools.mcp__unanswered__fine({}).catch(() => null);
        text([...failed, fine]);
    ";
    let said = stage.json(script).await;
    println!("{said}");
    assert_eq!(
        (&said[0], &said[2]),
        (&json!("ToolError"), &json!("fine of hostile"))
    );
    let message = said[1].as_str().expect("a message");
    assert!(
        message.contains("never") && message.contains("2 s"),
        "{message}"
    );
    stage.end().await;
}

#[tokio::test]
async fn a_server_that_stops_reading_blocks_nobody_else() {
    let stage = Stage::with([hostile_within("deaf", NEVER, SOON)]).await;
    // More than a pipe holds, so that the calls after the first do not even leave.
    let script = "
        const calls = Array.from({ length: 5 }, () =>
            tools.mcp__deaf__deaf({ padding: 'x'.repeat(1_000_000) }).catch(({ message }) => message));
        const fine = await tools.mcp__fine__fine({});
        text([fine, ...await Promise.all(calls)]);
    ";
    let said = stage.json(script).await;
    println!("{said}");
    let said = said.as_array().expect("a list");
    assert_eq!(said[0], "fine of hostile");
    for message in &said[1..] {
        let message = message.as_str().expect("a message");
        assert!(message.contains("deaf"), "{message}");
    }
    stage.end().await;
}

#[tokio::test]
async fn a_server_that_ends_at_its_start_is_lost_with_its_last_words() {
    let stage = Stage::with([hostile("stillborn")]).await;
    let why = why(stage.state("stillborn"));
    println!("{why}");
    for part in ["3", "no database at /var/lib/nowhere"] {
        assert!(why.contains(part), "{why:?} without {part:?}");
    }
    stage.others_work().await;
    stage.end().await;
}

#[tokio::test]
async fn a_command_that_is_not_there_is_said_to_be_missing() {
    let mut missing = hostile("missing");
    missing.transport = code_mode_mcp::config::Transport::Stdio {
        command: "no-such-command-anywhere".to_owned(),
        args: Vec::new(),
        env: Default::default(),
        cwd: None,
    };
    let stage = Stage::with([missing]).await;
    let why = why(stage.state("missing"));
    assert!(why.contains("no-such-command-anywhere"), "{why}");
    stage.others_work().await;
    stage.end().await;
}

#[tokio::test]
async fn a_server_that_dies_in_a_call_fails_that_call_and_is_there_again_for_the_next() {
    let stage = Stage::with([hostile("mortal")]).await;
    for how in ["die", "die_speaking"] {
        let script = format!(
            "
                const failed = await tools.mcp__mortal__{how}({{}})
                    .catch(({{ name, message }}) => [name, message]);
                text([...failed, await tools.mcp__fine__fine({{}}), await tools.mcp__mortal__fine({{}})]);
            "
        );
        let said = stage.json(&script).await;
        println!("{said}");
        assert_eq!(said[0], "ToolError");
        let message = said[1].as_str().expect("a message");
        assert!(
            message.contains("lost") && message.contains("mortal"),
            "{message}"
        );
        assert_eq!(
            (&said[2], &said[3]),
            (&json!("fine of hostile"), &json!("fine of hostile"))
        );
    }
    stage.end().await;
}
