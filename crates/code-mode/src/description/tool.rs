//! One tool as a host describes it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A function the host offers to scripts.
///
/// ```
/// use code_mode::ToolDefinition;
/// use serde_json::json;
///
/// let tool = ToolDefinition::function("add", "Adds two numbers.")
///     .input_schema(json!({ "type": "object", "required": ["a", "b"] }));
/// assert_eq!(tool.name, "add");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolDefinition {
    /// The host's own name; any text. Scripts see an identifier made of it.
    pub name: String,
    /// Groups tools, and goes before the name in scripts: `namespace__name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What the tool does, for the model.
    pub description: String,
    /// What the tool takes.
    pub kind: ToolKind,
    /// JSON Schema (2020-12 or draft-07) of the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Value>,
    /// JSON Schema (2020-12 or draft-07) of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// Whether `output_schema` was learned from results seen, and not published by who offers the tool.
    /// Declarations mark such a type with `/** observed */`. Default no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub observed_output: bool,
    /// Whether scripts also have `tools.name.raw(args, options?)`. Such a call reaches the host with
    /// [`ToolCall::raw`](crate::ToolCall::raw) set, and is to be answered with the result as it came: an
    /// MCP `CallToolResult`, also where the tool says that it failed. Default no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub raw_results: bool,
    /// Hints about the tool, such as MCP's `readOnlyHint`. Not interpreted here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Value>,
    /// Whether the description of `exec` leaves the tool out. Scripts call it like any other, and find
    /// it through `search_tools`, `ALL_TOOLS` and `describe_tool`. Default no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deferred: bool,
}

/// What a tool takes as its argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolKind {
    /// A JSON object; no argument means `{}`.
    Function,
    /// A string.
    Freeform,
}

impl ToolDefinition {
    /// A tool that takes a JSON object.
    pub fn function(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self::new(ToolKind::Function, name, description)
    }

    /// A tool that takes a string.
    pub fn freeform(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self::new(ToolKind::Freeform, name, description)
    }

    fn new(kind: ToolKind, name: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            namespace: None,
            description: description.into(),
            kind,
            input_schema: None,
            output_schema: None,
            observed_output: false,
            raw_results: false,
            annotations: None,
            deferred: false,
        }
    }

    /// Puts the tool into a namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Describes the input.
    #[must_use]
    pub fn input_schema(mut self, schema: Value) -> Self {
        self.input_schema = Some(schema);
        self
    }

    /// Describes the result.
    #[must_use]
    pub fn output_schema(mut self, schema: Value) -> Self {
        self.output_schema = Some(schema);
        self.observed_output = false;
        self
    }

    /// Describes the result by what was seen of it so far.
    #[must_use]
    pub fn observed_output_schema(mut self, schema: Value) -> Self {
        self.output_schema = Some(schema);
        self.observed_output = true;
        self
    }

    /// Gives scripts `tools.name.raw(args)` too.
    #[must_use]
    pub fn raw_results(mut self) -> Self {
        self.raw_results = true;
        self
    }

    /// Leaves the tool out of the description of `exec`.
    #[must_use]
    pub fn deferred(mut self) -> Self {
        self.deferred = true;
        self
    }

    /// Adds hints.
    #[must_use]
    pub fn annotations(mut self, annotations: Value) -> Self {
        self.annotations = Some(annotations);
        self
    }
}
