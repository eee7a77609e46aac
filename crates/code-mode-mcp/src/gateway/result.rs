//! From what the engine answers to the result of a `tools/call`: content, and the structured form.

use std::time::Duration;

use code_mode::{CellId, ContentItem, FormatOptions, ImageDetail, KeptOutput, RuntimeResponse};
use rmcp::model::{
    AudioContent, CallToolResult, ContentBlock, ImageContent, JsonObject, MetaObject,
    ProtocolVersion,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::arguments::object;
use super::cell::{CellLog, EndedCalls, milliseconds};
use super::outputs;
use super::session::ClientSession;

/// Under which name the structured form of an answer is in `_meta` for clients that do not get it as
/// `structuredContent`.
pub const RESULT_KEY: &str = "code-mode/result";

/// Under which name the detail of an image is in its `_meta`, if it is not `high`.
const DETAIL_KEY: &str = "code-mode/detail";

/// One answer of `exec` or `wait`, and how it is to be shown.
pub(super) struct AnswerOptions {
    pub(super) max_tokens: Option<usize>,
    pub(super) wall_time: Duration,
    /// Whether `structuredContent` is used, or `_meta`.
    pub(super) structured_content: bool,
    /// The revision of the protocol that the client speaks, if it said so.
    pub(super) version: Option<ProtocolVersion>,
    /// Said after everything else.
    pub(super) remarks: Vec<String>,
}

/// The structured form.
#[derive(Debug, Serialize)]
struct StructuredAnswer<'a> {
    status: &'static str,
    cell_id: CellId,
    wall_time_ms: u64,
    calls: &'a [&'a super::cell::ListedCall],
    #[serde(skip_serializing_if = "is_zero")]
    calls_omitted: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<Truncated<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
}

/// The output of which only a part is in the answer.
#[derive(Debug, Serialize)]
struct Truncated<'a> {
    handle: String,
    uri: &'a str,
    bytes: usize,
    lines: usize,
    tokens: usize,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What the structured form looks like, as a JSON Schema: the output schema of `exec` and of `wait`.
pub(super) fn output_schema() -> JsonObject {
    let whole = json!({ "type": "integer", "minimum": 0 });
    object(json!({
        "type": "object",
        "properties": {
            "status": { "type": "string", "enum": ["running", "completed", "failed", "terminated"] },
            "cell_id": { "type": "string" },
            "wall_time_ms": whole,
            "calls": {
                "type": "array",
                "description": "The tool calls that ended since the last answer, the newest 100.",
                "items": {
                    "type": "object",
                    "properties": {
                        "tool": { "type": "string" },
                        "ok": { "type": "boolean" },
                        "ms": whole,
                    },
                    "required": ["tool", "ok", "ms"],
                    "additionalProperties": false,
                },
            },
            "calls_omitted": whole,
            "truncated": {
                "type": "object",
                "description": "The whole output, where the content shows only a part of it.",
                "properties": {
                    "handle": { "type": "string" },
                    "uri": { "type": "string" },
                    "bytes": whole,
                    "lines": whole,
                    "tokens": whole,
                },
                "required": ["handle", "uri", "bytes", "lines", "tokens"],
                "additionalProperties": false,
            },
            "session": { "type": "string" },
        },
        "required": ["status", "cell_id", "wall_time_ms", "calls"],
        "additionalProperties": false,
    }))
}

/// Something that went wrong before there was an answer of a cell's: in words, for the model.
pub(super) fn failure(words: impl ToString) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(words.to_string())])
}

/// An answer of a cell's.
pub(super) fn answer(
    session: &ClientSession,
    cell: &CellLog,
    response: &RuntimeResponse,
    options: AnswerOptions,
) -> CallToolResult {
    let format = FormatOptions::new(options.wall_time).max_tokens(options.max_tokens);
    let formatted = session.engine.format(response, format);
    let EndedCalls { listed, omitted } = cell.take_ended();
    let link = formatted
        .truncated
        .as_ref()
        .map(|kept| outputs::link(session, kept));

    let mut content: Vec<ContentBlock> = formatted.content_items.into_iter().map(block).collect();
    // After the header, which says what the answer is.
    content.splice(1..1, untold_notes(cell).map(ContentBlock::text));
    content.extend(link.clone().map(ContentBlock::resource_link));
    content.extend(options.remarks.into_iter().map(ContentBlock::text));
    if let Some(version) = &options.version {
        for block in &mut content {
            fit(block, version);
        }
    }

    let calls: Vec<_> = listed.iter().collect();
    let structured = StructuredAnswer {
        status: status(response),
        cell_id: response.cell_id(),
        wall_time_ms: milliseconds(options.wall_time),
        calls: &calls,
        calls_omitted: omitted,
        truncated: formatted
            .truncated
            .as_ref()
            .zip(link.as_ref())
            .map(|(kept, link)| truncated(kept, &link.uri)),
        session: session.handle.as_deref(),
    };
    let structured = serde_json::to_value(structured).expect("plain data always serialises");
    let mut result = if formatted.success {
        CallToolResult::success(content)
    } else {
        CallToolResult::error(content)
    };
    if options.structured_content {
        result.structured_content = Some(structured);
    } else {
        let mut meta = MetaObject::new();
        meta.insert(RESULT_KEY.to_owned(), structured);
        result.meta = Some(meta);
    }
    result
}

fn truncated<'a>(kept: &KeptOutput, uri: &'a str) -> Truncated<'a> {
    Truncated {
        handle: kept.handle.to_string(),
        uri,
        bytes: kept.bytes,
        lines: kept.lines,
        tokens: kept.tokens,
    }
}

fn status(response: &RuntimeResponse) -> &'static str {
    match response {
        RuntimeResponse::Yielded { .. } => "running",
        RuntimeResponse::Terminated { .. } => "terminated",
        response if response.error_text().is_some() => "failed",
        _ => "completed",
    }
}

/// What a script said with `notify` while nobody could be told.
fn untold_notes(cell: &CellLog) -> Option<String> {
    let (notes, dropped) = cell.take_notes();
    if notes.is_empty() {
        return None;
    }
    let earlier = match dropped {
        0 => String::new(),
        dropped => format!(" ({dropped} earlier ones are left out)"),
    };
    Some(format!("Notified{earlier}:\n{}", notes.join("\n")))
}

/// One item as MCP content.
fn block(item: ContentItem) -> ContentBlock {
    match item {
        ContentItem::Text { text } => ContentBlock::text(text),
        ContentItem::Image { image_url, detail } => match DataUrl::parse(&image_url) {
            Some(DataUrl { data, media_type }) => {
                let image =
                    ImageContent::new(data, media_type.unwrap_or_else(|| "image/png".to_owned()));
                ContentBlock::Image(match detail {
                    ImageDetail::High => image,
                    detail => image.with_meta(detail_meta(detail)),
                })
            }
            None => ContentBlock::text(image_url),
        },
        ContentItem::Audio { audio_url } => match DataUrl::parse(&audio_url) {
            Some(DataUrl { data, media_type }) => ContentBlock::Audio(AudioContent::new(
                data,
                media_type.unwrap_or_else(|| "audio/wav".to_owned()),
            )),
            None => ContentBlock::text(audio_url),
        },
        ContentItem::Resource { resource } => serde_json::from_value(resource.clone())
            .unwrap_or_else(|_| ContentBlock::text(resource.to_string())),
        // A kind of item that is newer than this gateway.
        other => ContentBlock::text(json!(other).to_string()),
    }
}

/// Puts a kind of content that the client's revision does not know yet into words: an older client may
/// refuse the whole result for it.
fn fit(block: &mut ContentBlock, version: &ProtocolVersion) {
    let words = match block {
        ContentBlock::Audio(audio) if *version < ProtocolVersion::V_2025_03_26 => {
            format!("[audio, {}]", audio.mime_type)
        }
        ContentBlock::ResourceLink(link) if *version < ProtocolVersion::V_2025_06_18 => {
            format!("[resource {}: {}]", link.name, link.uri)
        }
        _ => return,
    };
    *block = ContentBlock::text(words);
}

fn detail_meta(detail: ImageDetail) -> MetaObject {
    let mut meta = MetaObject::new();
    meta.insert(DETAIL_KEY.to_owned(), Value::from(detail.as_str()));
    meta
}

/// The parts of a `data:` URL that MCP wants apart.
#[derive(Debug, PartialEq, Eq)]
struct DataUrl {
    /// In base64.
    data: String,
    media_type: Option<String>,
}

impl DataUrl {
    fn parse(url: &str) -> Option<Self> {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;

        let (scheme, rest) = url.split_once(':')?;
        if !scheme.eq_ignore_ascii_case("data") {
            return None;
        }
        let (head, body) = rest.split_once(',')?;
        let mut parameters = head.split(';').map(str::trim);
        let media_type = parameters.next().filter(|name| name.contains('/'));
        let is_base64 = parameters.any(|parameter| parameter.eq_ignore_ascii_case("base64"));
        let body = percent_decoded(body);
        let data = if is_base64 {
            let text = String::from_utf8(body).ok()?;
            text.split_ascii_whitespace().collect()
        } else {
            STANDARD.encode(body)
        };
        Some(Self {
            data,
            media_type: media_type.map(str::to_ascii_lowercase),
        })
    }
}

/// Undoes `%xx`; what is no escape stays.
fn percent_decoded(text: &str) -> Vec<u8> {
    if !text.contains('%') {
        return text.as_bytes().to_vec();
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escape = (*first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escape {
            Some(byte) => {
                decoded.push(byte);
                rest = &after[2..];
            }
            None => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urls_become_base64_and_a_media_type() {
        let parsed =
            |url: &str| DataUrl::parse(url).map(|DataUrl { data, media_type }| (data, media_type));
        let png = Some("image/png".to_owned());
        assert_eq!(
            parsed("data:image/png;base64,aGk="),
            Some(("aGk=".to_owned(), png.clone()))
        );
        assert_eq!(
            parsed("DATA:Image/PNG; charset=x; BASE64,aG\nk%3D"),
            Some(("aGk=".to_owned(), png))
        );
        let svg = Some("image/svg+xml".to_owned());
        assert_eq!(
            parsed("data:image/svg+xml,h%69%"),
            Some(("aGkl".to_owned(), svg))
        );
        assert_eq!(parsed("data:,hi"), Some(("aGk=".to_owned(), None)));
        assert_eq!(parsed("https://example.com/a.png"), None);
        assert_eq!(parsed("data:image/png"), None);
    }
}
