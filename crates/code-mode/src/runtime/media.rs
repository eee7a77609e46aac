//! What scripts give to `image`, `audio` and `forward_output`, as content items.
//!
//! Only converts. It must not append output, fetch anything or decode media: a URL is checked by its
//! scheme alone. A refusal says what came and what to pass instead.

use serde_json::Value;

use super::Thrown;
use super::render::{NoJson, get, to_json, to_rust_string};
use crate::response::{ContentItem, ImageDetail, is_data_url, is_remote_url};

/// MIME type of a content block's data that names none.
const DEFAULT_MIME_TYPE: &str = "application/octet-stream";
/// Where MCP servers put the detail of an image block.
const DETAIL_META_KEY: &str = "codex/imageDetail";
/// The properties that hold a tool result's content blocks.
const CONTENT_KEYS: [&str; 3] = ["content", "content_items", "contentItems"];
/// Types of the content blocks that are passed on as they are.
const RESOURCE_TYPES: [&str; 2] = ["resource_link", "resource"];
/// Characters of a refused string, and keys of a refused object, that its error shows.
const SHOWN_CHARS: usize = 40;
const SHOWN_KEYS: u32 = 8;

/// What one call of `forward_output` may gather before any of it is output, in bytes. A guard for the
/// host's memory, not the cell's output limit: one string of the script may be in many blocks.
const MAX_FORWARDED_BYTES: usize = 256 * 1024 * 1024;

const FORWARD_SHAPES: &str = "expected a string, a tool result with a `content`, `content_items` \
    or `contentItems` array, an array of content blocks, a content block, `{ output: string }`, or an object with `image_url` \
    or `audio_url`";
const BLOCK_TYPES: &str = "supported are text, input_text, image, input_image, audio, input_audio, resource_link and resource";

/// The item that `image(value, detail)` appends.
pub(super) fn image_item<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
    detail: v8::Local<'s, v8::Value>,
) -> Result<ContentItem, Thrown> {
    let detail = given_detail(scope, detail)?;
    let media = media_argument(scope, value, Kind::Image)?;
    Ok(media.into_item(detail))
}

/// The item that `audio(value)` appends.
pub(super) fn audio_item<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<ContentItem, Thrown> {
    let media = media_argument(scope, value, Kind::Audio)?;
    Ok(media.into_item(None))
}

/// The items that `forward_output(...values)` appends: all of them, or none and an error.
pub(super) fn forwarded_items<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    values: &[v8::Local<'s, v8::Value>],
) -> Result<Vec<ContentItem>, Thrown> {
    let mut forwarded = Forwarded::default();
    for (index, &value) in values.iter().enumerate() {
        forward(scope, value, &mut forwarded)
            .map_err(|thrown| within(thrown, &format!("forward_output argument {}", index + 1)))?;
    }
    Ok(forwarded.items)
}

/// What one call of `forward_output` has gathered.
#[derive(Default)]
struct Forwarded {
    items: Vec<ContentItem>,
    bytes: usize,
}

impl Forwarded {
    fn push(&mut self, item: ContentItem) -> Result<(), Thrown> {
        self.bytes += item.held_bytes();
        if self.bytes > MAX_FORWARDED_BYTES {
            return Err(Thrown::Range(format!(
                "at most {MAX_FORWARDED_BYTES} bytes can be forwarded at once; forward less, or in \
                 several calls"
            )));
        }
        self.items.push(item);
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Image,
    Audio,
}

impl Kind {
    /// The helper's name, and the type of MCP's content block.
    fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Image => Self::Audio,
            Self::Audio => Self::Image,
        }
    }

    fn url_key(self) -> &'static str {
        match self {
            Self::Image => "image_url",
            Self::Audio => "audio_url",
        }
    }

    fn shapes(self) -> String {
        let (name, url_key) = (self.name(), self.url_key());
        let detail = match self {
            Self::Image => " (and optionally `detail`)",
            Self::Audio => "",
        };
        format!(
            "{name} expects a data: URL string, an object with `{url_key}`{detail} holding one, or \
             an MCP {name} block ({{ type: \"{name}\", data, mimeType }})"
        )
    }
}

/// A picture or a recording whose URL has been checked.
struct Media {
    kind: Kind,
    url: String,
    /// What came with it, for images.
    detail: Option<ImageDetail>,
}

impl Media {
    fn into_item(self, detail: Option<ImageDetail>) -> ContentItem {
        match self.kind {
            Kind::Image => ContentItem::Image {
                image_url: self.url,
                detail: detail.or(self.detail).unwrap_or_default(),
            },
            Kind::Audio => ContentItem::Audio {
                audio_url: self.url,
            },
        }
    }
}

/// The first argument of `image` or `audio`.
fn media_argument<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
    kind: Kind,
) -> Result<Media, Thrown> {
    if let Ok(url) = v8::Local::<v8::String>::try_from(value) {
        let url = to_rust_string(scope, url);
        let detail = None;
        return Ok(Media {
            url: checked_url(url, kind)?,
            kind,
            detail,
        });
    }
    let Ok(object) = v8::Local::<v8::Object>::try_from(value) else {
        return Err(unexpected(scope, value, &kind.shapes()));
    };
    if let Some(media) = media_with_url(scope, object, kind)? {
        return Ok(media);
    }
    let block_type = get(scope, object, "type")?;
    let block_type = string_value(scope, block_type);
    if block_type.as_deref() == Some(kind.name()) {
        return media_with_data(scope, object, kind);
    }
    if content_of(scope, object)?.is_some() {
        return Err(Thrown::Type(format!(
            "{} expects one content block, got a whole tool result; pass the result to \
             forward_output(), or one block of it to {0}()",
            kind.name()
        )));
    }
    if block_type.as_deref() == Some(kind.other().name()) {
        return Err(Thrown::Type(format!(
            "{}, got an MCP {} block; pass it to {1}() or forward_output()",
            kind.shapes(),
            kind.other().name()
        )));
    }
    if let Some(block_type) = block_type.filter(|name| RESOURCE_TYPES.contains(&name.as_str())) {
        return Err(Thrown::Type(format!(
            "{}, got an MCP block of type {block_type:?}; pass it to forward_output()",
            kind.shapes(),
        )));
    }
    Err(unexpected(scope, value, &kind.shapes()))
}

/// An object that has its URL in `image_url` or `audio_url`, `None` where there is no such property.
fn media_with_url<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
    kind: Kind,
) -> Result<Option<Media>, Thrown> {
    let url = get(scope, object, kind.url_key())?;
    if url.is_null_or_undefined() {
        return Ok(None);
    }
    let Some(url) = string_value(scope, url) else {
        let expected = format!("`{}` must be a data: URL string", kind.url_key());
        return Err(unexpected(scope, url, &expected));
    };
    let url = checked_url(url, kind)?;
    let detail = match kind {
        Kind::Image => {
            let detail = get(scope, object, "detail")?;
            given_detail(scope, detail)?
        }
        Kind::Audio => None,
    };
    Ok(Some(Media { kind, url, detail }))
}

/// An MCP content block, its type known: `data` in base64 with `mimeType`, or a `data:` URL already.
fn media_with_data<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    block: v8::Local<'s, v8::Object>,
    kind: Kind,
) -> Result<Media, Thrown> {
    let data = get(scope, block, "data")?;
    let Some(data) = string_value(scope, data).filter(|data| !data.is_empty()) else {
        let expected = format!(
            "`data` of an MCP {} block must be a non-empty base64 string",
            kind.name()
        );
        return Err(unexpected(scope, data, &expected));
    };
    let url = if is_data_url(&data) {
        data
    } else if is_remote_url(&data) {
        return Err(remote_url(kind));
    } else {
        let mime_type = mime_type(scope, block)?;
        format!("data:{mime_type};base64,{data}")
    };
    let detail = match kind {
        Kind::Image => meta_detail(scope, block)?,
        Kind::Audio => None,
    };
    Ok(Media { kind, url, detail })
}

/// A block's `mimeType`; `mime_type` is what servers that write Python's way send.
fn mime_type<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    block: v8::Local<'s, v8::Object>,
) -> Result<String, Thrown> {
    for key in ["mimeType", "mime_type"] {
        let mime_type = get(scope, block, key)?;
        if mime_type.is_null_or_undefined() {
            continue;
        }
        let Some(mime_type) = string_value(scope, mime_type) else {
            let expected = format!("`{key}` must be a string such as \"image/png\"");
            return Err(unexpected(scope, mime_type, &expected));
        };
        if !mime_type.is_empty() {
            return Ok(mime_type);
        }
    }
    Ok(DEFAULT_MIME_TYPE.to_owned())
}

/// The detail in a block's `_meta`. It is a server's hint, so one that says nothing is no error.
fn meta_detail<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    block: v8::Local<'s, v8::Object>,
) -> Result<Option<ImageDetail>, Thrown> {
    let meta = get(scope, block, "_meta")?;
    let Ok(meta) = v8::Local::<v8::Object>::try_from(meta) else {
        return Ok(None);
    };
    let detail = get(scope, meta, DETAIL_META_KEY)?;
    let detail = string_value(scope, detail);
    Ok(detail.and_then(|name| name.parse().ok()))
}

/// A detail that a script wrote; `null` and `undefined` are none.
fn given_detail<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    detail: v8::Local<'s, v8::Value>,
) -> Result<Option<ImageDetail>, Thrown> {
    const EXPECTED: &str = "image detail must be one of auto, low, high, original";
    if detail.is_null_or_undefined() {
        return Ok(None);
    }
    let known = string_value(scope, detail).and_then(|name| name.parse().ok());
    match known {
        Some(detail) => Ok(Some(detail)),
        None => Err(unexpected(scope, detail, EXPECTED)),
    }
}

fn checked_url(url: String, kind: Kind) -> Result<String, Thrown> {
    if is_data_url(&url) {
        return Ok(url);
    }
    if is_remote_url(&url) {
        return Err(remote_url(kind));
    }
    let shown = shown_string(&url);
    Err(Thrown::Type(format!("{}, got {shown}", kind.shapes())))
}

fn remote_url(kind: Kind) -> Thrown {
    let name = kind.name();
    Thrown::Type(format!(
        "remote {name} URLs are not supported; pass a base64 data URI instead \
         (\"data:<mime type>;base64,<data>\")"
    ))
}

/// Adds to `forwarded` what one argument of `forward_output` holds. An array is one of content blocks, as
/// tools of MCP servers give it.
fn forward<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
    forwarded: &mut Forwarded,
) -> Result<(), Thrown> {
    if let Some(text) = string_value(scope, value) {
        return forwarded.push(ContentItem::Text { text });
    }
    if let Ok(blocks) = v8::Local::<v8::Array>::try_from(value) {
        return forward_blocks(scope, None, blocks, forwarded);
    }
    let Ok(object) = v8::Local::<v8::Object>::try_from(value) else {
        return Err(unexpected(scope, value, FORWARD_SHAPES));
    };
    if let Some((key, blocks)) = content_of(scope, object)? {
        return forward_blocks(scope, Some(key), blocks, forwarded);
    }
    let block_type = get(scope, object, "type")?;
    if let Some(block_type) = string_value(scope, block_type) {
        return forwarded.push(block_item(scope, object, &block_type)?);
    }
    let output = get(scope, object, "output")?;
    if let Some(text) = string_value(scope, output) {
        return forwarded.push(ContentItem::Text { text });
    }
    for kind in [Kind::Image, Kind::Audio] {
        if let Some(media) = media_with_url(scope, object, kind)? {
            return forwarded.push(media.into_item(None));
        }
    }
    Err(unexpected(scope, value, FORWARD_SHAPES))
}

/// The content blocks of a tool result and the property they are in, `None` if it is no tool result.
fn content_of<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
) -> Result<Option<(&'static str, v8::Local<'s, v8::Array>)>, Thrown> {
    for key in CONTENT_KEYS {
        let content = get(scope, object, key)?;
        if let Ok(blocks) = v8::Local::<v8::Array>::try_from(content) {
            return Ok(Some((key, blocks)));
        }
    }
    Ok(None)
}

fn forward_blocks<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    key: Option<&str>,
    blocks: v8::Local<'s, v8::Array>,
    forwarded: &mut Forwarded,
) -> Result<(), Thrown> {
    for index in 0..blocks.length() {
        let block = blocks.get_index(scope, index).ok_or(Thrown::Pending)?;
        let item = listed_block_item(scope, block).map_err(|thrown| {
            let place = match key {
                Some(key) => format!("{key}[{index}]"),
                None => format!("element {index}"),
            };
            within(thrown, &place)
        })?;
        forwarded.push(item)?;
    }
    Ok(())
}

/// One element of a tool result's content.
fn listed_block_item<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    block: v8::Local<'s, v8::Value>,
) -> Result<ContentItem, Thrown> {
    let expected = format!("a content block must be an object with a string `type`; {BLOCK_TYPES}");
    let Ok(object) = v8::Local::<v8::Object>::try_from(block) else {
        return Err(unexpected(scope, block, &expected));
    };
    let block_type = get(scope, object, "type")?;
    match string_value(scope, block_type) {
        Some(block_type) => block_item(scope, object, &block_type),
        None => Err(unexpected(scope, block, &expected)),
    }
}

fn block_item<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    block: v8::Local<'s, v8::Object>,
    block_type: &str,
) -> Result<ContentItem, Thrown> {
    let kind = match block_type {
        "text" | "input_text" => return text_block_item(scope, block, block_type),
        "image" | "input_image" => Kind::Image,
        "audio" | "input_audio" => Kind::Audio,
        link if RESOURCE_TYPES.contains(&link) => return resource_item(scope, block, link),
        other => {
            let other = shortened(other);
            return Err(Thrown::Type(format!(
                "content blocks of type {other:?} cannot be forwarded; {BLOCK_TYPES}"
            )));
        }
    };
    if let Some(media) = media_with_url(scope, block, kind)? {
        return Ok(media.into_item(None));
    }
    if block_type == "input_image" {
        return Err(Thrown::Type(
            "a content block of type \"input_image\" must have a data: URL in `image_url`"
                .to_owned(),
        ));
    }
    Ok(media_with_data(scope, block, kind)?.into_item(None))
}

fn text_block_item<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    block: v8::Local<'s, v8::Object>,
    block_type: &str,
) -> Result<ContentItem, Thrown> {
    let text = get(scope, block, "text")?;
    match string_value(scope, text) {
        Some(text) => Ok(ContentItem::Text { text }),
        None => {
            let expected =
                format!("`text` of a content block of type {block_type:?} must be a string");
            Err(unexpected(scope, text, &expected))
        }
    }
}

/// A block that points to a resource or has one in it, as it is: the host knows what to do with it.
fn resource_item<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    block: v8::Local<'s, v8::Object>,
    block_type: &str,
) -> Result<ContentItem, Thrown> {
    let refused = |why: &str| {
        Thrown::Type(format!(
            "a content block of type {block_type:?} cannot be forwarded: {why}"
        ))
    };
    let json = to_json(scope, block.into()).map_err(|no_json| match no_json {
        NoJson::Terminated => Thrown::Pending,
        NoJson::Threw { why, .. } => refused(&why),
    })?;
    let resource: Value = json
        .as_deref()
        .and_then(|json| serde_json::from_str(json).ok())
        .ok_or_else(|| refused("it is no JSON, or nested too deeply"))?;
    // What the block was read as above need not be what its `toJSON` says.
    let (uri, place) = match resource["type"].as_str() {
        Some("resource_link") => (&resource["uri"], "`uri`"),
        Some("resource") => (&resource["resource"]["uri"], "`resource.uri`"),
        _ => return Err(refused("its JSON is of another type")),
    };
    if !uri.is_string() {
        return Err(refused(&format!("{place} must be a string")));
    }
    Ok(ContentItem::Resource { resource })
}

/// `thrown` with the place in the arguments that it is about.
fn within(thrown: Thrown, place: &str) -> Thrown {
    match thrown {
        Thrown::Type(message) => Thrown::Type(format!("{place}: {message}")),
        Thrown::Range(message) => Thrown::Range(format!("{place}: {message}")),
        other => other,
    }
}

/// The text of a primitive string, `None` for every other value.
fn string_value<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Option<String> {
    let string = v8::Local::<v8::String>::try_from(value).ok()?;
    Some(to_rust_string(scope, string))
}

/// A `TypeError` that says what was expected and what came.
fn unexpected<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
    expected: &str,
) -> Thrown {
    let shown = shown_value(scope, value);
    Thrown::Type(format!("{expected}, got {shown}"))
}

/// A few words on what `value` is. Runs no guest code.
fn shown_value<'s>(scope: &mut v8::PinScope<'s, '_>, value: v8::Local<'s, v8::Value>) -> String {
    if let Some(text) = string_value(scope, value) {
        return shown_string(&text);
    }
    if value.is_null_or_undefined() || value.is_boolean() || value.is_number() {
        let text = value.to_string(scope);
        return text.map_or_else(String::new, |text| to_rust_string(scope, text));
    }
    // Listing the keys of these may throw.
    if value.is_proxy() || value.is_module_namespace_object() {
        return "an object".to_owned();
    }
    if value.is_array() {
        return "an array".to_owned();
    }
    if value.is_function() {
        return "a function".to_owned();
    }
    let Ok(object) = v8::Local::<v8::Object>::try_from(value) else {
        let kind = value.type_of(scope);
        return format!("a {}", to_rust_string(scope, kind));
    };
    if value.is_promise() {
        return "a promise; await it first".to_owned();
    }
    if value.is_array_buffer_view() || value.is_array_buffer() {
        let name = to_rust_string(scope, object.get_constructor_name());
        return format!("binary data ({name}); encode it in base64 first");
    }
    shown_object(scope, object)
}

/// `an object with keys type, data`.
fn shown_object<'s>(scope: &mut v8::PinScope<'s, '_>, object: v8::Local<'s, v8::Object>) -> String {
    let names = v8::GetPropertyNamesArgsBuilder::new()
        .key_conversion(v8::KeyConversionMode::ConvertToString)
        .build();
    let Some(keys) = object.get_own_property_names(scope, names) else {
        return "an object".to_owned();
    };
    let mut shown = Vec::new();
    for index in 0..keys.length().min(SHOWN_KEYS) {
        if let Some(key) = keys.get_index(scope, index)
            && let Some(key) = string_value(scope, key)
        {
            shown.push(shortened(&key));
        }
    }
    if shown.is_empty() {
        return "an empty object".to_owned();
    }
    let more = if keys.length() > SHOWN_KEYS {
        ", …"
    } else {
        ""
    };
    format!("an object with keys {}{more}", shown.join(", "))
}

fn shown_string(text: &str) -> String {
    format!("the string {:?}", shortened(text))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_data_urls_are_taken_in_any_case() {
        assert!(checked_url("DATA:image/png;base64,AA==".to_owned(), Kind::Image).is_ok());
        for (url, expected) in [
            (
                "https://example.com/a.png",
                "remote image URLs are not supported",
            ),
            ("HTTP://example.com/a.png", "pass a base64 data URI"),
            ("file:///a.png", "got the string \"file:///a.png\""),
            ("", "got the string \"\""),
        ] {
            match checked_url(url.to_owned(), Kind::Image) {
                Err(Thrown::Type(message)) => assert!(message.contains(expected), "{message}"),
                _ => panic!("{url} was taken"),
            }
        }
    }

    #[test]
    fn long_strings_are_shortened_between_characters() {
        let shown = shown_string(&"é".repeat(SHOWN_CHARS + 1));
        assert_eq!(
            shown,
            format!("the string \"{}…\"", "é".repeat(SHOWN_CHARS))
        );
        assert_eq!(shown_string("short"), "the string \"short\"");
    }
}
