//! A tool as TypeScript, for a model to read.

use super::typescript::{
    MCP_RESULT_TYPES, RenderOptions, RenderedType, SchemaUse, mcp_structured_content,
    render_schema, render_schema_within,
};
use super::{Tool, ToolDefinition, ToolKind, ToolSet};

/// Before a type that was learned from results, and that the next result may not be of.
pub(super) const OBSERVED: &str = "/** observed */";

/// What one tool takes and gives.
#[derive(Default)]
pub(super) struct Declaration {
    /// `type` declarations that the other parts use; empty, or lines with a line break each.
    pub(super) aliases: String,
    /// Its parameter, such as `args?: { a: string; }`.
    pub(super) parameter: String,
    /// What its promise resolves to; `None` where the tool does not say.
    /// With the mark of an observed type.
    pub(super) result: Option<String>,
    /// Whether `result` uses [`MCP_RESULT_TYPES`].
    pub(super) uses_mcp_types: bool,
    /// References of the schemas that lead nowhere here; such parts are `unknown`.
    unresolved_references: Vec<String>,
}

impl Declaration {
    pub(super) fn new(tool: &Tool) -> Self {
        let mut declaration = Self::default();
        declaration.parameter = declaration.parameter_of(tool);
        declaration.result = declaration.result_of(tool);
        if tool.definition.observed_output {
            declaration.result = declaration
                .result
                .map(|result| format!("{OBSERVED} {result}"));
        }
        declaration
    }

    fn parameter_of(&mut self, tool: &Tool) -> String {
        match (tool.definition.kind, &tool.definition.input_schema) {
            (ToolKind::Freeform, _) => "input: string".to_owned(),
            (ToolKind::Function, None) => "args?: unknown".to_owned(),
            (ToolKind::Function, Some(schema)) => {
                let options = options(tool, SchemaUse::Input).arguments();
                let input = render_schema(schema, &options);
                let mark = if input.accepts_empty_object { "?" } else { "" };
                format!("args{mark}: {}", self.keep(input))
            }
        }
    }

    fn result_of(&mut self, tool: &Tool) -> Option<String> {
        let schema = tool.definition.output_schema.as_ref()?;
        let options = options(tool, SchemaUse::Output);
        let Some(structured_content) = mcp_structured_content(schema) else {
            return Some(self.keep(render_schema(schema, &options)));
        };
        self.uses_mcp_types = true;
        let content = self.keep(render_schema_within(schema, structured_content, &options));
        Some(match content.as_str() {
            "unknown" => "CallToolResult".to_owned(),
            content => format!("CallToolResult<{content}>"),
        })
    }

    /// Takes in what belongs beside a type, and gives the type itself.
    fn keep(&mut self, rendered: RenderedType) -> String {
        self.aliases.push_str(&rendered.aliases);
        for reference in rendered.unresolved_references {
            if !self.unresolved_references.contains(&reference) {
                self.unresolved_references.push(reference);
            }
        }
        rendered.text
    }

    /// The declaration as a model reads it, without [`MCP_RESULT_TYPES`].
    pub(super) fn text(&self, tool: &Tool) -> String {
        format!(
            "{}declare const tools: {{ {}({}): Promise<{}>; }};",
            self.aliases,
            tool.global_name,
            self.parameter,
            self.result.as_deref().unwrap_or("unknown"),
        )
    }

    /// What a reader of the declaration has to know besides, as a sentence.
    pub(super) fn note(&self) -> Option<String> {
        let references = &self.unresolved_references;
        (!references.is_empty()).then(|| {
            format!(
                "Parts of the types are unknown because their schemas are elsewhere: {}.",
                references.join(", ")
            )
        })
    }
}

fn options(tool: &Tool, schema_use: SchemaUse) -> RenderOptions {
    RenderOptions::default()
        .schema_use(schema_use)
        .alias_prefix(alias_prefix(&tool.global_name, schema_use))
}

/// What goes before the aliases of a tool: another text for each tool and each use.
///
/// Aliases themselves have no `$`, and that of a tool's name becomes `$_`, so no two tools share one.
fn alias_prefix(tool: &str, schema_use: SchemaUse) -> String {
    let divider = match schema_use {
        SchemaUse::Input => "$",
        SchemaUse::Output => "$$",
    };
    tool.replace('$', "$_") + divider
}

/// TypeScript within Markdown.
pub(super) fn fenced(code: &str) -> String {
    format!("```ts\n{}\n```", code.trim_end())
}

/// The declaration of a tool alone.
pub(crate) fn declared(tool: &Tool) -> String {
    Declaration::new(tool).text(tool)
}

/// A tool's own description and its declaration, complete in themselves.
pub(crate) fn described(tool: &Tool) -> String {
    let declaration = Declaration::new(tool);
    let mut code = String::new();
    if declaration.uses_mcp_types {
        code.push_str(MCP_RESULT_TYPES.trim_end());
        code.push('\n');
    }
    code.push_str(&declaration.text(tool));
    let description = tool.definition.description.trim().to_owned();
    let parts = [Some(description), declaration.note(), Some(fenced(&code))];
    let parts: Vec<String> = parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("\n\n")
}

/// The same definition with its TypeScript declaration after its description: for hosts that also
/// offer a tool to the model directly.
///
/// `exec` and `wait` are never nested tools, and come back as they are.
///
/// ```
/// use code_mode::{ToolDefinition, augment_tool_definition};
///
/// let tool = augment_tool_definition(&ToolDefinition::freeform("shell", "Runs a command."));
/// assert_eq!(
///     tool.description,
///     "Runs a command.\n\n\
///      ```ts\ndeclare const tools: { shell(input: string): Promise<unknown>; };\n```",
/// );
/// ```
pub fn augment_tool_definition(definition: &ToolDefinition) -> ToolDefinition {
    let mut augmented = definition.clone();
    if let Some(tool) = ToolSet::new([definition.clone()]).at(0) {
        augmented.description = described(tool);
    }
    augmented
}
