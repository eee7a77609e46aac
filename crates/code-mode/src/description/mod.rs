//! What a model is told about tools: their definitions and the names scripts know them by.

mod names;
mod tool;
mod tool_set;

pub use tool::{ToolDefinition, ToolKind};
pub use tool_set::{Tool, ToolSet};
