//! The tools of real MCP servers, as recorded: every schema renders and compiles, and how is reviewed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use code_mode::{
    MCP_RESULT_TYPES, RenderOptions, RenderedType, SchemaUse, mcp_structured_content, render_schema,
};
use serde_json::{Value, json};

use super::type_file::TypeFile;
use crate::snapshot::assert_snapshot;

#[test]
fn tools_of_real_servers_render_as_reviewed() {
    let mut text = String::new();
    for (server, tools) in servers() {
        for tool in tools {
            text.push_str(&format!(
                "# {server}: {}\n",
                tool["name"].as_str().expect("a name")
            ));
            for (direction, rendered) in rendered(&tool, "") {
                assert!(!rendered.is_cut && rendered.unresolved_references.is_empty());
                let optional = if rendered.accepts_empty_object {
                    "?"
                } else {
                    ""
                };
                text.push_str(&format!(
                    "{}{direction}{optional}: {}\n",
                    rendered.aliases, rendered.text
                ));
            }
            text.push('\n');
        }
    }
    assert_snapshot("typescript/mcp_tools.txt", &text);
}

#[test]
fn results_of_mcp_shape_are_told_from_others() {
    let structured = json!({ "type": "object", "properties": { "sum": { "type": "number" } } });
    let result = json!({ "type": "object", "properties": {
        "content": { "type": "array", "items": {} },
        "structuredContent": structured,
        "isError": { "type": "boolean" },
    } });
    assert_eq!(mcp_structured_content(&result), Some(&structured));
    let plain = json!({ "properties": { "content": { "type": "array" }, "isError": {} } });
    assert_eq!(mcp_structured_content(&plain), Some(&json!(true)));
    for other in [
        json!(true),
        json!({ "properties": { "content": { "type": "array" } } }),
        json!({ "properties": { "content": { "type": "string" }, "isError": {} } }),
        json!({ "properties": 1 }),
    ] {
        assert_eq!(mcp_structured_content(&other), None, "{other}");
    }
}

/// All types of all tools, beside the types results share.
pub fn type_file() -> TypeFile {
    let mut file = TypeFile::new("mcp-tools.ts");
    file.text(MCP_RESULT_TYPES, "the types of results");
    let mut number = 0;
    for (server, tools) in servers() {
        for tool in tools {
            number += 1;
            for (direction, rendered) in rendered(&tool, &format!("Tool{number}_")) {
                let what = format!("{server}: {}", tool["name"]);
                file.declare(&format!("Tool{number}_{direction}"), &rendered, &what);
            }
        }
    }
    file.text(RESULTS, "results of the shapes MCP has");
    file
}

/// Results that the shared types must take.
const RESULTS: &str = r#"export const results: Array<CallToolResult<{ sum: number }>> = [
  { content: [{ type: "text", text: "3" }], structuredContent: { sum: 3 }, isError: false },
  { content: [{ type: "image", data: "", mimeType: "image/png" }, { type: "audio", data: "", mimeType: "audio/wav" }] },
  { content: [{ type: "resource_link", uri: "file:///a", name: "a", size: 1 }], _meta: { a: 1 } },
  { content: [{ type: "resource", resource: { uri: "file:///a", text: "" } }, { type: "resource", resource: { uri: "file:///b", blob: "" } }] },
];
"#;

/// The recorded tools by server.
pub fn servers() -> BTreeMap<String, Vec<Value>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mcp-tools");
    let entries = fs::read_dir(folder).expect("the recorded tools");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let recorded = paths.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let servers: BTreeMap<_, _> = recorded
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a recorded answer");
            let answer: Value = serde_json::from_str(&text).expect("an answer");
            let tools = answer["tools"].as_array().expect("tools").clone();
            let server = path.file_stem().expect("a name").to_string_lossy();
            (server.into_owned(), tools)
        })
        .collect();
    assert_eq!(servers.len(), 5);
    servers
}

fn rendered(tool: &Value, alias_prefix: &str) -> Vec<(&'static str, RenderedType)> {
    let input = RenderOptions::default()
        .arguments()
        .alias_prefix(format!("{alias_prefix}In_"));
    let output = RenderOptions::default()
        .schema_use(SchemaUse::Output)
        .alias_prefix(format!("{alias_prefix}Out_"));
    let mut types = vec![("input", render_schema(&tool["inputSchema"], &input))];
    if let Some(schema) = tool.get("outputSchema") {
        types.push(("output", render_schema(schema, &output)));
    }
    types
}
