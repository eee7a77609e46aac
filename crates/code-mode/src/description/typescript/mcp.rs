//! Results as MCP tools give them, and the types that declarations of such results share.

use serde_json::Value;

/// The TypeScript types of an MCP tool's result (MCP 2025-11-25), for declarations that name
/// `CallToolResult<T>`, where `T` is the type of `structuredContent`.
///
/// ```
/// assert!(code_mode::MCP_RESULT_TYPES.contains("type CallToolResult<T"));
/// ```
pub const MCP_RESULT_TYPES: &str = r#"type Annotations = { audience?: Array<"user" | "assistant">; priority?: number; lastModified?: string };
type Icon = { src: string; mimeType?: string; sizes?: Array<string>; theme?: "light" | "dark" };
type Meta = { [key: string]: unknown };
type TextContent = { type: "text"; text: string; annotations?: Annotations; _meta?: Meta };
/** `data` is base64. */
type ImageContent = { type: "image"; data: string; mimeType: string; annotations?: Annotations; _meta?: Meta };
/** `data` is base64. */
type AudioContent = { type: "audio"; data: string; mimeType: string; annotations?: Annotations; _meta?: Meta };
type ResourceLink = {
  type: "resource_link";
  uri: string;
  name: string;
  title?: string;
  description?: string;
  mimeType?: string;
  size?: number;
  icons?: Array<Icon>;
  annotations?: Annotations;
  _meta?: Meta;
};
type ResourceContents = { uri: string; mimeType?: string; _meta?: Meta } & ({ text: string } | { /** base64 */ blob: string });
type EmbeddedResource = { type: "resource"; resource: ResourceContents; annotations?: Annotations; _meta?: Meta };
type ContentBlock = TextContent | ImageContent | AudioContent | ResourceLink | EmbeddedResource;
type CallToolResult<T = unknown> = {
  content: Array<ContentBlock>;
  structuredContent?: T;
  isError?: boolean;
  _meta?: Meta;
};
"#;

/// What a result schema says of `structuredContent`, if it has the shape of an MCP tool's result:
/// an object with an array `content`, and with `isError` or `structuredContent`.
///
/// Of a result that says nothing of `structuredContent` the answer is the schema `true`. The schema
/// is part of `schema`; render it with [`render_schema_within`](crate::render_schema_within), so that
/// references in it are found.
///
/// ```
/// use code_mode::mcp_structured_content;
/// use serde_json::json;
///
/// let result = json!({ "type": "object", "properties": {
///     "content": { "type": "array" },
///     "structuredContent": { "type": "object" },
///     "isError": { "type": "boolean" },
/// } });
/// assert_eq!(mcp_structured_content(&result), Some(&json!({ "type": "object" })));
/// assert_eq!(mcp_structured_content(&json!({ "type": "object" })), None);
/// ```
pub fn mcp_structured_content(schema: &Value) -> Option<&Value> {
    static ANYTHING: Value = Value::Bool(true);
    let properties = schema.get("properties")?;
    let has_content = properties.get("content")?.get("type")? == "array";
    let structured = properties.get("structuredContent");
    let is_result = structured.is_some() || properties.get("isError").is_some();
    (has_content && is_result).then_some(structured.unwrap_or(&ANYTHING))
}
