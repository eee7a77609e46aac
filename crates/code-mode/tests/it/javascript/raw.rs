//! `tools.name.raw(…)`, and the result on the error of a tool that says it failed.

use code_mode::{
    ContentItem, FunctionHost, Session, ToolDefinition, ToolError, ToolOutput, ToolSet,
};
use serde_json::{Value, json};

use crate::support::{run_in, text_items};

/// A host whose tool `git__read-log` has raw results, and whose tool `plain` has none. Both give their
/// input and whether the call was raw; the input `fail` makes them fail, with that as the result.
fn host() -> FunctionHost {
    async fn answer(call: code_mode::ToolCall) -> Result<ToolOutput, ToolError> {
        let input: Value = call.input.parse()?;
        match input.get("fail") {
            None => Ok(ToolOutput::from(json!({ "raw": call.raw, "input": input }))),
            Some(result) => {
                let result = serde_json::value::to_raw_value(result).expect("a JSON value");
                Err(ToolError::new("it failed").with_result(result))
            }
        }
    }
    let schema = json!({ "properties": { "limit": { "type": "integer" } } });
    let log = ToolDefinition::function("read-log", "The log.")
        .namespace("git")
        .input_schema(schema)
        .raw_results();
    FunctionHost::new()
        .function(log, answer)
        .function(ToolDefinition::function("plain", "Plain."), answer)
}

fn parts() -> (Session, ToolSet) {
    let host = host();
    let tools = host.tools();
    (Session::new(host), tools)
}

async fn texts(script: &str) -> Vec<String> {
    let (session, tools) = parts();
    let response = run_in(&session, &tools, script).await;
    assert_eq!(response.error_text(), None, "of: {script}");
    text_items(&response)
}

#[tokio::test]
async fn the_host_is_told_which_of_the_two_was_called() {
    let script = "text(await tools.git__read_log({ limit: 1 })); text(await tools.git__read_log.raw({ limit: 2 }));
                  text(await tools['git__read-log'].raw()); const { raw } = (await import('tools.js')).git__read_log; text(await raw());";
    assert_eq!(
        texts(script).await,
        [
            r#"{"raw":false,"input":{"limit":1}}"#,
            r#"{"raw":true,"input":{"limit":2}}"#,
            r#"{"raw":true,"input":{}}"#,
            r#"{"raw":true,"input":{}}"#,
        ]
    );
}

#[tokio::test]
async fn only_tools_with_raw_results_have_raw_and_it_is_not_listed() {
    let script = "text([typeof tools.git__read_log.raw, tools.git__read_log.raw.name, tools.git__read_log.raw.length, 'raw' in tools.plain]);
                  text(Object.keys(tools.git__read_log)); text(Object.keys(tools)); text(ALL_TOOLS.map((tool) => tool.name));
                  try { new tools.git__read_log.raw() } catch (e) { text(e.name) }";
    assert_eq!(
        texts(script).await,
        [
            r#"["function","raw",1,false]"#,
            "[]",
            r#"["git__read_log","plain"]"#,
            r#"["git__read_log","plain"]"#,
            "TypeError",
        ]
    );
}

#[tokio::test]
async fn a_raw_call_is_refused_as_the_plain_one_is() {
    let script = "for (const call of [tools.git__read_log, tools.git__read_log.raw]) {
    for (const args of [[{ limit: 'x' }], [5], [{ n: 1n }], [{}, 'options'], [{}, { signal: 1 }]]) {
        await call(...args).catch((e) => text(`${e.name}: ${e.message}`));
    }
}";
    let texts = texts(script).await;
    assert_eq!(texts.len(), 10);
    assert_eq!(texts[..5], texts[5..]);
    assert!(texts[0].contains("limit"), "{texts:?}");
}

#[tokio::test]
async fn a_raw_call_is_cancelled_by_its_signal_and_counts_against_the_limits() {
    let script = "await tools.git__read_log.raw({}, { signal: AbortSignal.abort(new Error('mine')) }).catch((e) => text(e.message));
                  await tools.git__read_log.raw({}, { signal: new AbortController().signal });
                  await tools.git__read_log.raw().catch((e) => text(e.message));";
    let host = host();
    let tools = host.tools();
    let session = Session::builder()
        .limits(code_mode::Limits::default().max_calls(1))
        .build(host);
    let response = run_in(&session, &tools, script).await;
    assert_eq!(
        text_items(&response),
        [
            "mine",
            "the cell has made 1 nested calls, as many as it may in all"
        ]
    );
}

#[tokio::test]
async fn an_error_has_the_whole_result_as_a_plain_hidden_value() {
    let script = "const result = { isError: true, content: [{ type: 'text', text: 'é' }], n: 1.5 };
                  for (const call of [tools.plain, tools.git__read_log, tools.git__read_log.raw]) {
                      const e = await call({ fail: result }).catch((e) => e);
                      text([e instanceof Error, e.name, e.message, e.tool, Object.keys(e), e.result]);
                      text(Object.getPrototypeOf(e.result) === Object.prototype);
                  }
                  text('result' in (await tools.nope().catch((e) => e)));
                  const e = await tools.plain({ fail: null }).catch((e) => e);
                  text(['result' in e, e.result]);
                  forward_output((await tools.plain({ fail: result }).catch((e) => e)).result);";
    let failed = |tool: &str| {
        format!(
            r#"[true,"ToolError","it failed","{tool}",["tool"],{{"isError":true,"content":[{{"type":"text","text":"é"}}],"n":1.5}}]"#
        )
    };
    assert_eq!(
        texts(script).await,
        [
            &failed("plain"),
            "true",
            &failed("git__read_log"),
            "true",
            &failed("git__read_log"),
            "true",
            "false",
            "[true,null]",
            "é",
        ]
    );
}

#[tokio::test]
async fn what_an_uncaught_error_says_leaves_its_result_out() {
    let (session, tools) = parts();
    let script = "await tools.plain({ fail: { secret: 'in the result' } });";
    let response = run_in(&session, &tools, script).await;
    let error = response.error_text().unwrap();
    assert!(error.starts_with("ToolError: it failed\n"), "{error}");
    assert!(!error.contains("isError"), "{error}");
}

#[tokio::test]
async fn resources_reach_the_host_and_stay_when_text_is_cut() {
    let (session, tools) = parts();
    let script = "text('x'.repeat(4000)); forward_output({ type: 'resource_link', uri: 'file:///a', name: 'a' }); text('y'.repeat(4000));";
    let response = run_in(&session, &tools, script).await;
    let link = ContentItem::Resource {
        resource: json!({ "type": "resource_link", "uri": "file:///a", "name": "a" }),
    };
    assert_eq!(response.content_items()[1], link);
    assert_eq!(
        serde_json::to_value(&link).unwrap(),
        json!({ "type": "resource", "resource": { "type": "resource_link", "uri": "file:///a", "name": "a" } })
    );
    assert_eq!(
        link.held_bytes(),
        r#"{"type":"resource_link","uri":"file:///a","name":"a"}"#.len() + 64
    );
    let options = code_mode::FormatOptions::new(std::time::Duration::ZERO).max_tokens(50);
    let formatted = session.format(&response, options);
    assert!(formatted.truncated.is_some());
    assert!(formatted.content_items.contains(&link));
}
