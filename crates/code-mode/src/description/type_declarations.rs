//! The `.d.ts` file that an editor or `tsc` checks scripts by.

use std::fmt::Write as _;

use super::declaration::Declaration;
use super::typescript::{MCP_RESULT_TYPES, text_comment};
use super::{Tool, ToolSet};

/// What scripts have besides their tools and ECMAScript itself.
const SCRIPT_TYPES: &str = include_str!("script.d.ts");

/// A TypeScript declaration file for scripts with these tools: every global, and the modules that can
/// be imported.
///
/// It needs the newest ECMAScript library of TypeScript and no other (`--lib esnext`). A result
/// without a schema is `any` here, so that scripts can be checked without a cast at each call; models
/// are told `unknown`. The same tools in any order give the same text.
///
/// ```
/// use code_mode::{ToolDefinition, ToolSet, build_type_declarations};
///
/// let tools = ToolSet::new([ToolDefinition::freeform("shell", "Runs a command.")]);
/// let file = build_type_declarations(&tools);
/// assert!(file.contains("shell(input: string, options?: ToolCallOptions): Promise<any>;"));
/// ```
pub fn build_type_declarations(tools: &ToolSet) -> String {
    let mut shared = "";
    let mut aliases = String::new();
    let mut members = String::new();
    let mut exports = String::new();
    for tool in tools.sorted() {
        let declaration = Declaration::new(tool);
        if declaration.uses_mcp_types || tool.definition.raw_results {
            shared = MCP_RESULT_TYPES;
        }
        aliases.push_str(&declaration.aliases);
        write_member(&mut members, tool, &declaration);
        write_original_name(&mut members, tool, tools);
        write_export(&mut exports, tool);
    }
    format!(
        "{SCRIPT_TYPES}\n{shared}{aliases}\
         interface Tools {{\n{members}}}\n\
         declare var tools: Tools;\n\n\
         declare module \"tools.js\" {{\n\
         \x20 export const tools: Tools;\n\
         \x20 export const ALL_TOOLS: typeof globalThis.ALL_TOOLS;\n\
         {exports}}}\n"
    )
}

/// The tool under its global name.
fn write_member(members: &mut String, tool: &Tool, declaration: &Declaration) {
    let name = &tool.global_name;
    for line in text_comment(&tool.definition.description).lines() {
        let _ = writeln!(members, "  {line}");
    }
    let parameter = &declaration.parameter;
    let result = declaration.result.as_deref().unwrap_or("any");
    let call = format!("({parameter}, options?: ToolCallOptions): Promise");
    let _ = if tool.definition.raw_results {
        writeln!(
            members,
            "  {name}: {{ {call}<{result}>; raw{call}<CallToolResult> }};"
        )
    } else {
        writeln!(members, "  {name}{call}<{result}>;")
    };
}

/// The tool under the host's own name, where that differs and no other tool has it.
fn write_original_name(members: &mut String, tool: &Tool, tools: &ToolSet) {
    let Some(original) = tool.original_name() else {
        return;
    };
    let found = tools.get(original).map(|found| &found.global_name);
    if found == Some(&tool.global_name) {
        let original = serde_json::Value::from(original);
        let _ = writeln!(members, "  {original}: Tools[\"{}\"];", tool.global_name);
    }
}

/// The tool as an export of `tools.js`. By way of a constant of another name, because a tool may be
/// called like a reserved word, which can be exported but not declared.
fn write_export(exports: &mut String, tool: &Tool) {
    let name = &tool.global_name;
    if matches!(name.as_str(), "tools" | "ALL_TOOLS") {
        return;
    }
    let _ = writeln!(
        exports,
        "  const {name}$: Tools[\"{name}\"];\n  export {{ {name}$ as {name} }};"
    );
}
