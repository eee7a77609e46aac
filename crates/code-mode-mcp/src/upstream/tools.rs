//! The tools of one server, as it lists them, and as definitions for scripts. Bad ones never fail
//! the whole server.

use std::collections::HashSet;

use code_mode::ToolDefinition;
use serde_json::{Map, Value};

use super::words::harmless;

/// Tools of one server. What is over it is left out, with a warning.
const MOST_TOOLS: usize = 20_000;

/// Bytes of JSON of all tools of one server. What is over it is left out, with a warning.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Pages without a tool in them. A server that gives more goes round in circles.
const MOST_EMPTY_PAGES: usize = 100;

/// What a server lists, page by page.
#[derive(Default)]
pub(super) struct Listed {
    tools: Vec<Value>,
    bytes: usize,
    empty_pages: usize,
    cut: bool,
}

impl Listed {
    /// Takes a `ListToolsResult`; returns the cursor of the next page, if another is to be asked for.
    pub(super) fn add_page(&mut self, mut page: Value) -> Option<String> {
        let tools = page.get_mut("tools").map(Value::take);
        let Some(Value::Array(tools)) = tools else {
            return None;
        };
        if tools.is_empty() {
            self.empty_pages += 1;
        }
        for tool in tools {
            self.bytes += serde_json::to_string(&tool).map_or(0, |text| text.len());
            if self.tools.len() == MOST_TOOLS || self.bytes > MOST_BYTES {
                self.cut = true;
                return None;
            }
            self.tools.push(tool);
        }
        if self.empty_pages > MOST_EMPTY_PAGES {
            return None;
        }
        page.get("nextCursor")?.as_str().map(str::to_owned)
    }

    /// The definitions, sorted by name, so that the same tools in another order are the same.
    pub(super) fn definitions(self, server: &str, namespace: &str) -> Vec<ToolDefinition> {
        if self.cut {
            tracing::warn!(
                server,
                "the server lists more than {MOST_TOOLS} tools or {MOST_BYTES} bytes; \
                 the rest is left out"
            );
        }
        let mut names = HashSet::new();
        let mut definitions: Vec<ToolDefinition> = self
            .tools
            .into_iter()
            .filter_map(|tool| definition(tool, server, namespace))
            .filter(|tool| {
                let new = names.insert(tool.name.clone());
                if !new {
                    tracing::warn!(
                        server,
                        tool = tool.name,
                        "the server lists a tool twice; the first one stays"
                    );
                }
                new
            })
            .collect();
        definitions.sort_by(|a, b| a.name.cmp(&b.name));
        definitions
    }
}

fn definition(tool: Value, server: &str, namespace: &str) -> Option<ToolDefinition> {
    let Value::Object(mut tool) = tool else {
        tracing::warn!(server, "leaving out a tool that is no object");
        return None;
    };
    let name = match tool.remove("name") {
        Some(Value::String(name)) if !name.is_empty() => name,
        _ => {
            let title = tool.get("title").and_then(Value::as_str);
            tracing::warn!(server, title, "leaving out a tool that has no name");
            return None;
        }
    };
    let description = match tool.remove("description") {
        Some(Value::String(text)) => harmless(&text),
        _ => String::new(),
    };
    let mut definition = ToolDefinition::function(&name, description)
        .namespace(namespace)
        .raw_results();
    if let Some(schema) = schema(&mut tool, "inputSchema", server, &name) {
        definition = definition.input_schema(schema);
    }
    if let Some(schema) = schema(&mut tool, "outputSchema", server, &name) {
        definition = definition.output_schema(schema);
    }
    if let Some(annotations) = annotations(&mut tool) {
        definition = definition.annotations(annotations);
    }
    Some(definition)
}

/// A schema of the tool. One that is no schema is left out: the tool takes anything then.
fn schema(tool: &mut Map<String, Value>, key: &str, server: &str, name: &str) -> Option<Value> {
    match tool.remove(key)? {
        Value::Null => None,
        schema @ (Value::Object(_) | Value::Bool(_)) => Some(schema),
        _ => {
            tracing::warn!(
                server,
                tool = name,
                "the tool's {key} is no schema; it is ignored"
            );
            None
        }
    }
}

/// The annotations with the tool's title among them, which may stand in either place.
fn annotations(tool: &mut Map<String, Value>) -> Option<Value> {
    let mut annotations = match tool.remove("annotations") {
        Some(Value::Object(annotations)) => annotations,
        _ => Map::new(),
    };
    if let Some(title @ Value::String(_)) = tool.remove("title") {
        annotations.insert("title".to_owned(), title);
    }
    (!annotations.is_empty()).then_some(Value::Object(annotations))
}
