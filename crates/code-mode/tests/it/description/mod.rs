//! What a model is told: the descriptions of `exec` and `wait`, and declarations.

mod deferred;
mod discovery;
mod exec;
mod type_declarations;

use code_mode::{ToolDefinition, ToolSet};
use serde_json::json;

/// Tools with everything a description shows: namespaces, another original name, a name that is taken,
/// free form, an MCP result, and one that is deferred.
fn tools() -> Vec<ToolDefinition> {
    let schema = json!({
        "type": "object",
        "properties": {
            "path": { "type": "string", "description": "From the root of the checkout." },
            "limit": { "type": "integer", "minimum": 1, "default": 20 }
        },
        "required": ["path"]
    });
    let commits = json!({ "type": "array", "items": { "$ref": "#/$defs/commit" }, "$defs": {
        "commit": {
            "type": "object",
            "properties": {
                "hash": { "type": "string" },
                "parents": { "type": "array", "items": { "$ref": "#/$defs/commit" } }
            },
            "required": ["hash", "parents"]
        }
    } });
    let mcp_result = json!({
        "type": "object",
        "properties": {
            "content": { "type": "array", "items": { "type": "object" } },
            "structuredContent": {
                "type": "object",
                "properties": { "degrees": { "type": "number" } },
                "required": ["degrees"]
            },
            "isError": { "type": "boolean" }
        },
        "required": ["content"]
    });
    vec![
        ToolDefinition::freeform("shell", "Runs a command.")
            .output_schema(json!({ "type": "string" })),
        ToolDefinition::function("log", "The commits of a file.\nNewest first.")
            .namespace("git")
            .input_schema(schema)
            .output_schema(commits),
        ToolDefinition::function("read-file", "").namespace("git"),
        ToolDefinition::function("read_file", "Reads another way.").namespace("git"),
        ToolDefinition::function("now", "Temperature in a city.")
            .namespace("weather")
            .input_schema(
                json!({ "type": "object", "properties": { "city": { "type": "string" } } }),
            )
            .output_schema(mcp_result),
        ToolDefinition::function("send", "Sends a mail.")
            .namespace("mail")
            .deferred(),
    ]
}

fn tool_set() -> ToolSet {
    ToolSet::new(tools())
}
