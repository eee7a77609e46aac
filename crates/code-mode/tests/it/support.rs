//! What the tests share: hosts to call and short ways to run a script.

use code_mode::{
    ContentItem, ExecuteRequest, FunctionHost, RuntimeResponse, Session, ToolDefinition, ToolError,
    ToolOutput, ToolSet,
};
use serde_json::{Value, json};

/// A yield time no test reaches: a cell that never ends fails by the test runner's own timeout,
/// not by a guess about the machine's speed.
pub const LONG_MS: u64 = 600_000;

/// A session on a host with four tools, and those tools.
///
/// - `echo` gives back its input;
/// - `fail` fails with the text of `message`;
/// - `shout` is freeform: it gives the text in capitals;
/// - `hidden-dynamic-tool` has a name that is no identifier, and answers `"found"`.
pub fn session() -> (Session, ToolSet) {
    let host = host();
    let tools = host.tools();
    (Session::new(host), tools)
}

/// The host of [`session`].
pub fn host() -> FunctionHost {
    FunctionHost::new()
        .function(
            ToolDefinition::function("echo", "Gives back its input."),
            |call| async move { Ok(ToolOutput::from(call.input.parse::<Value>()?)) },
        )
        .function(
            ToolDefinition::function("fail", "Fails."),
            |call| async move {
                let input: Value = call.input.parse()?;
                Err(ToolError::new(input["message"].as_str().unwrap_or("no")))
            },
        )
        .function(
            ToolDefinition::freeform("shout", "Says it louder."),
            |call| async move {
                Ok(ToolOutput::text(
                    call.input.parse::<String>()?.to_uppercase(),
                ))
            },
        )
        .function(
            ToolDefinition::function("hidden-dynamic-tool", "Is found."),
            |_| async move { Ok(ToolOutput::from(json!("found"))) },
        )
}

/// Runs a script to its end in a session of its own.
pub async fn run(source: &str) -> RuntimeResponse {
    let (session, tools) = session();
    let response = run_in(&session, &tools, source).await;
    session.shutdown().await;
    response
}

/// Runs a script to its end in a session.
pub async fn run_in(session: &Session, tools: &ToolSet, source: &str) -> RuntimeResponse {
    let request = ExecuteRequest::new(source)
        .enabled_tools(tools.clone())
        .yield_time_ms(LONG_MS);
    session.execute(request).await.expect("the cell starts")
}

/// Runs a script that succeeds; its text items.
pub async fn texts(source: &str) -> Vec<String> {
    let response = run(source).await;
    assert_eq!(response.error_text(), None, "of: {source}");
    text_items(&response)
}

/// Runs a script that fails; its error text.
pub async fn error(source: &str) -> String {
    let response = run(source).await;
    match response.error_text() {
        Some(error) => error.to_owned(),
        None => panic!("did not fail: {source}\nit said: {}", response.text()),
    }
}

/// The text items of a response.
pub fn text_items(response: &RuntimeResponse) -> Vec<String> {
    response
        .content_items()
        .iter()
        .map(|item| match item {
            ContentItem::Text { text } => text.clone(),
            other => panic!("not a text item: {other:?}"),
        })
        .collect()
}
