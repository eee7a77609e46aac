//! Results and lists that are too large, or that never end.

use std::time::{Duration, Instant};

use code_mode::{ExecDescriptionOptions, TokenCounter, build_exec_tool_description};
use serde_json::json;

use super::stage::{Stage, hostile, hostile_within};

#[tokio::test]
async fn a_result_of_fifty_megabytes_arrives_whole() {
    let stage = Stage::with([hostile("huge")]).await;
    let script = "
        const [huge, fine] = await Promise.all([
            tools.mcp__huge__text({ megabytes: 50 }),
            tools.mcp__fine__fine({}),
        ]);
        text([huge.length, fine]);
    ";
    assert_eq!(
        stage.json(script).await,
        json!([50_000_000, "fine of hostile"])
    );
    stage.end().await;
}

#[tokio::test]
async fn a_result_over_the_limit_fails_its_call_in_words_and_the_server_goes_on() {
    let stage = Stage::with([hostile("huge")]).await;
    let script = "
        try {
            text((await tools.mcp__huge__text({ megabytes: 80 })).length);
        } catch (error) {
            text([error.name, error.message, await tools.mcp__huge__fine({})]);
        }
    ";
    let said = stage.json(script).await;
    println!("{said}");
    assert_eq!(
        (&said[0], &said[2]),
        (&json!("ToolError"), &json!("fine of hostile"))
    );
    let message = said[1].as_str().expect("a message");
    assert!(
        message.contains("64 MiB") || message.contains("MiB"),
        "{message}"
    );
    stage.others_work().await;
    stage.end().await;
}

#[tokio::test]
async fn a_line_that_never_ends_costs_only_the_call_that_waits_for_it() {
    let within = Duration::from_secs(2);
    let endless = hostile_within("huge", Duration::from_secs(3600), within);
    let stage = Stage::with([endless]).await;
    let script = "
        const endless = tools.mcp__huge__endless({}).catch((error) => error.message);
        const fine = await tools.mcp__fine__fine({});
        text([await endless, fine]);
    ";
    let said = stage.json(script).await;
    println!("{said}");
    assert_eq!(said[1], "fine of hostile");
    let message = said[0].as_str().expect("it failed in words");
    assert!(message.contains("endless"), "{message}");
    stage.others_work().await;
    stage.end().await;
}

/// Four bytes a token, as a bound.
struct Bytes;

impl TokenCounter for Bytes {
    fn count(&self, text: &str) -> usize {
        text.len().div_ceil(4)
    }
}

#[tokio::test]
async fn ten_thousand_tools_are_listed_called_and_described_within_a_budget() {
    let begun = Instant::now();
    let stage = Stage::with([hostile("tools")]).await;
    println!("ten thousand tools connected after {:?}", begun.elapsed());
    let catalogue = stage.catalogue();
    assert_eq!(catalogue.tools.len(), 10_001);
    let script = "text([ALL_TOOLS.length, await tools.mcp__tools__tool_9998({ value: 'x' })]);";
    let begun = Instant::now();
    assert_eq!(
        stage.json(script).await,
        json!([10_001, "tool_9998 of hostile"])
    );
    println!("a script with ten thousand tools: {:?}", begun.elapsed());

    let begun = Instant::now();
    let options = ExecDescriptionOptions::default().max_tokens(8_000);
    let description = build_exec_tool_description(&catalogue.tools, &options);
    println!(
        "described in {:?}: {} bytes",
        begun.elapsed(),
        description.len()
    );
    assert!(Bytes.count(&description) <= 8_000, "{}", description.len());
    stage.end().await;
}

#[tokio::test]
async fn of_a_list_of_tools_that_never_ends_a_beginning_is_taken() {
    let stage = Stage::with([hostile("pages")]).await;
    let listed = stage.catalogue().tools.len();
    println!("{listed} tools of a list that never ends");
    assert!((1_000..=20_001).contains(&listed), "{listed}");
    let said = stage
        .text("text(await tools.mcp__pages__tool_7({}));")
        .await;
    assert_eq!(said, "tool_7 of hostile");
    stage.others_work().await;
    stage.end().await;
}
