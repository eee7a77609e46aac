//! What a model is told about tools: their definitions and the names scripts know them by.

mod names;
mod tool;
mod tool_set;
mod typescript;

pub use tool::{ToolDefinition, ToolKind};
pub use tool_set::{Tool, ToolSet};
pub use typescript::{
    DEFAULT_MAX_DECLARATION_BYTES, MCP_RESULT_TYPES, OpenObjects, RenderOptions, RenderedType,
    SchemaUse, mcp_structured_content, render_schema, render_schema_within,
};
