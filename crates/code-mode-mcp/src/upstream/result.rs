//! What a script gets of a `CallToolResult`. Pure functions.

use serde_json::Value;

/// What a tool's result is to a script.
#[derive(Debug, Clone, PartialEq)]
pub enum Unwrapped {
    /// The call is fulfilled with this.
    Value(Value),
    /// The call rejects.
    Error {
        /// The message of the error.
        message: String,
        /// The whole result, for `error.result`.
        result: Value,
    },
}

/// Whether a tool says what it gives. Decides whether JSON in a text is taken for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputSchema {
    /// It publishes an output schema.
    Published,
    /// It does not.
    Missing,
}

/// Makes of a result what a script expects.
///
/// `isError` makes it an error with the result's text as message. Else `structuredContent` is the
/// value, if there is any. Else, if all content is text, the texts joined by newlines, and the JSON
/// value in that text if it is an object or an array and the tool publishes no output schema. Else
/// the array of content.
///
/// ```
/// use code_mode_mcp::upstream::{OutputSchema, Unwrapped, unwrap_result};
/// use serde_json::json;
///
/// let result = json!({ "content": [{ "type": "text", "text": "{\"a\": 1}" }] });
/// let unwrapped = unwrap_result(result, OutputSchema::Missing);
/// assert_eq!(unwrapped, Unwrapped::Value(json!({ "a": 1 })));
/// ```
pub fn unwrap_result(mut result: Value, schema: OutputSchema) -> Unwrapped {
    if is_error(&result) {
        let message = error_text(&result);
        return Unwrapped::Error { message, result };
    }
    let mut part = |name: &str| result.get_mut(name).map(Value::take);
    // Some servers write every field: without a schema that announces it, null says nothing.
    if let Some(value) = part("structuredContent")
        && (!value.is_null() || schema == OutputSchema::Published)
    {
        return Unwrapped::Value(value);
    }
    let Some(Value::Array(content)) = part("content") else {
        return Unwrapped::Value(Value::Array(Vec::new()));
    };
    let Some(text) = all_text(&content) else {
        return Unwrapped::Value(Value::Array(content));
    };
    if schema == OutputSchema::Missing
        && let Some(value) = json_container(&text)
    {
        return Unwrapped::Value(value);
    }
    Unwrapped::Value(Value::String(text))
}

/// Whether a `CallToolResult` says that the tool failed.
pub fn is_error(result: &Value) -> bool {
    result.get("isError").and_then(Value::as_bool) == Some(true)
}

/// The texts joined by newlines, if there is content and all of it is text.
fn all_text(content: &[Value]) -> Option<String> {
    if content.is_empty() {
        return None;
    }
    let texts: Option<Vec<&str>> = content.iter().map(text_of).collect();
    Some(texts?.join("\n"))
}

fn text_of(block: &Value) -> Option<&str> {
    if block.get("type").and_then(Value::as_str) != Some("text") {
        return None;
    }
    block.get("text").and_then(Value::as_str)
}

/// The object or array that the text is, if it is one and nothing else. Numbers and words stay text:
/// a tool that once answers `12` would else have another type than when it answers `twelve`.
fn json_container(text: &str) -> Option<Value> {
    let first = text.trim_start().bytes().next()?;
    if !matches!(first, b'{' | b'[') {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// What a failed tool says.
pub(crate) fn error_text(result: &Value) -> String {
    let texts: Vec<&str> = result
        .get("content")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(text_of)
        .filter(|text| !text.trim().is_empty())
        .collect();
    if !texts.is_empty() {
        return texts.join("\n");
    }
    match result
        .get("structuredContent")
        .filter(|value| !value.is_null())
    {
        Some(value) => value.to_string(),
        None => "the tool failed and said nothing about why".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(text: &str) -> Value {
        json!({ "type": "text", "text": text })
    }

    #[test]
    fn results_become_what_a_script_expects() {
        let image = json!({ "type": "image", "data": "AA==", "mimeType": "image/png" });
        let cases = [
            // Structured content wins over text.
            (
                json!({ "content": [text("x")], "structuredContent": { "a": 1 } }),
                json!({ "a": 1 }),
            ),
            (
                json!({ "content": [], "structuredContent": [1] }),
                json!([1]),
            ),
            (json!({ "structuredContent": false }), json!(false)),
            (
                json!({ "content": [text("x")], "structuredContent": null }),
                json!("x"),
            ),
            // Text.
            (json!({ "content": [text("a"), text("b")] }), json!("a\nb")),
            (json!({ "content": [text("")] }), json!("")),
            (json!({ "content": [text("12")] }), json!("12")),
            (json!({ "content": [text("null")] }), json!("null")),
            (
                json!({ "content": [text(" {\"a\":[1]}\n")] }),
                json!({ "a": [1] }),
            ),
            (json!({ "content": [text("[1, 2]")] }), json!([1, 2])),
            (
                json!({ "content": [text("{\"a\":"), text("1}")] }),
                json!({ "a": 1 }),
            ),
            (json!({ "content": [text("{broken")] }), json!("{broken")),
            (
                json!({ "content": [text("{} and more")] }),
                json!("{} and more"),
            ),
            (
                json!({ "content": [text("x")], "isError": false }),
                json!("x"),
            ),
            // Other content.
            (json!({ "content": [image] }), json!([image])),
            (
                json!({ "content": [text("a"), image] }),
                json!([text("a"), image]),
            ),
            (
                json!({ "content": [{ "type": "new", "text": "x" }] }),
                json!([{ "type": "new", "text": "x" }]),
            ),
            // Nothing.
            (json!({ "content": [] }), json!([])),
            (json!({}), json!([])),
        ];
        for (result, expected) in cases {
            assert_eq!(
                unwrap_result(result.clone(), OutputSchema::Missing),
                Unwrapped::Value(expected),
                "{result}"
            );
        }
    }

    #[test]
    fn text_of_a_tool_with_an_output_schema_is_never_parsed() {
        let result = json!({ "content": [text("{\"a\":1}")] });
        assert_eq!(
            unwrap_result(result, OutputSchema::Published),
            Unwrapped::Value(json!("{\"a\":1}"))
        );
    }

    #[test]
    fn null_is_a_value_where_a_schema_announces_it() {
        let result = json!({ "content": [text("null")], "structuredContent": null });
        assert_eq!(
            unwrap_result(result, OutputSchema::Published),
            Unwrapped::Value(json!(null))
        );
    }

    #[test]
    fn an_error_says_the_text_of_the_result() {
        let cases = [
            (
                json!({ "content": [text("a"), text("b")], "isError": true }),
                "a\nb",
            ),
            (
                json!({ "content": [text(" ")], "structuredContent": { "code": 1 }, "isError": true }),
                "{\"code\":1}",
            ),
            (
                json!({ "content": [], "isError": true }),
                "the tool failed and said nothing about why",
            ),
        ];
        for (result, message) in cases {
            let message = message.to_owned();
            assert_eq!(
                unwrap_result(result.clone(), OutputSchema::Missing),
                Unwrapped::Error { message, result }
            );
        }
    }
}
