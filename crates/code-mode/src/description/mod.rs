//! What a model is told about tools: their definitions, the names scripts know them by, their types,
//! and the descriptions of `exec` and `wait`. What a call may be given, by those definitions.

mod arguments;
mod declaration;
mod exec;
mod names;
mod search;
mod tool;
mod tool_set;
mod type_declarations;
mod typescript;
mod wait;

pub use arguments::{ArgumentValidation, UncheckedPart};
pub use declaration::augment_tool_definition;
pub(crate) use declaration::{declared, described};
pub use exec::{ExecDescriptionOptions, build_exec_tool_description};
pub use tool::{ToolDefinition, ToolKind};
pub use tool_set::{Tool, ToolSet, UnknownServer};
pub use type_declarations::build_type_declarations;
pub use typescript::{
    DEFAULT_MAX_DECLARATION_BYTES, MCP_RESULT_TYPES, OpenObjects, RenderOptions, RenderedType,
    SchemaUse, mcp_structured_content, render_schema, render_schema_within,
};
pub use wait::{
    WaitDescriptionOptions, build_wait_tool_description, build_wait_tool_description_with,
};
