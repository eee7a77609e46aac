//! The pragma line, as a host meets it.

use code_mode::{ExecuteRequest, parse_exec_source};

use crate::support::{error, session, text_items};

#[tokio::test]
async fn what_is_parsed_is_what_runs() {
    let (session, tools) = session();
    let text = "// @exec: {\"yield_time_ms\": 600000, \"max_output_tokens\": 5}\ntext(await tools.echo({}))";
    let parsed = parse_exec_source(text).unwrap();
    assert_eq!(parsed.max_output_tokens, Some(5));
    let request = ExecuteRequest::new(parsed.source)
        .enabled_tools(tools)
        .yield_time_ms(parsed.yield_time_ms.unwrap());
    let response = session.execute(request).await.unwrap();
    assert_eq!(text_items(&response), ["{}"]);
}

#[tokio::test]
async fn the_pragma_is_line_1() {
    let told = error("// @exec: {\"yield_time_ms\": 5}\nnull.x").await;
    assert!(told.contains("exec_main.mjs:2:6"), "{told}");
}
