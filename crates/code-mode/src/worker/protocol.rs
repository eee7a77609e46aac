//! What the two processes say to each other: the frames and what is in them.
//!
//! A frame is four bytes, the length of the rest as a little-endian number, and then one JSON object:
//! `kind` names the frame, `cell` the cell it is about, where there is one, and `body` has the rest.
//! Fields that a side does not know are ignored, and so are frames of a kind it does not know: both may
//! come of a newer version that the greeting agreed on.
//!
//! | From the parent | Body | Meaning |
//! |---|---|---|
//! | `hello` | [`Hello`] | the first frame |
//! | `tools` | [`Tools`] | a set of tools that cells may name from now on |
//! | `forget` | the number of the set | no cell will name it any more |
//! | `run` | [`Run`] | a new cell |
//! | `stop` | | end the cell |
//! | `settled` | [`Settled`] | a nested call has ended |
//! | `heard` | its size in bytes | a notification was heard |
//! | `answer` | [`Answer`] | to `load`, `store`, `load_output`, or `output` that asked |
//! | `ping` | | to be answered by `pong` |
//!
//! | From a worker | Body | Meaning |
//! |---|---|---|
//! | `hello` | [`Hello`] | the first frame |
//! | `output` | [`Output`] | content items |
//! | `call` | [`Call`] | a nested call |
//! | `cancel` | the number of the call | the script aborted it |
//! | `notify` | the text | a notification |
//! | `yield` | | `yield_control()` |
//! | `load`, `load_output` | the key or handle | wants an `answer` |
//! | `store` | [`Store`] | wants an `answer` |
//! | `goes_on` | [`Usage`] | the script waits, or takes its time; once |
//! | `ended` | [`Ended`] | the script has ended; once |
//! | `gone` | whether its thread is lost | the isolate is gone, or the thread is lost: the last frame of a cell |
//! | `pong` | [`Usage`] by cell | answers `ping` |

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::description::{ArgumentValidation, ToolDefinition, ToolKind};
use crate::limits::Limits;
use crate::response::{ContentItem, is_data_url};
use crate::runtime::Outcome;
use crate::service::{ToolError, ToolInput, ToolOutput};

/// The versions of this protocol that this build speaks.
pub(super) const VERSIONS: RangeInclusive<u32> = 1..=1;

/// The longest frame, its four bytes not counted.
pub(super) const MAX_FRAME_BYTES: usize = 64 * 1024 * 1024;

const LENGTH_BYTES: usize = 4;

/// A frame that would be longer than one may be.
#[derive(Debug, thiserror::Error)]
#[error(
    "it takes {bytes} bytes on its way between this process and the worker, and {MAX_FRAME_BYTES} are allowed"
)]
pub(super) struct TooLong {
    bytes: usize,
}

/// Appends a frame, length and all. On an error nothing is appended.
pub(super) fn append(
    out: &mut Vec<u8>,
    kind: &'static str,
    cell: u64,
    body: &impl Serialize,
) -> Result<(), TooLong> {
    #[derive(Serialize)]
    struct Whole<'a, B> {
        kind: &'static str,
        cell: u64,
        body: &'a B,
    }

    let start = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    let whole = Whole { kind, cell, body };
    serde_json::to_writer(&mut *out, &whole).expect("what we send serialises");
    let bytes = out.len() - start - LENGTH_BYTES;
    match u32::try_from(bytes) {
        Ok(length) if bytes <= MAX_FRAME_BYTES => {
            out[start..start + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
            Ok(())
        }
        _ => {
            out.truncate(start);
            Err(TooLong { bytes })
        }
    }
}

/// A frame as it came.
#[derive(Deserialize)]
pub(super) struct Frame<'a> {
    pub(super) kind: &'a str,
    #[serde(default)]
    pub(super) cell: u64,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

impl<'a> Frame<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    pub(super) fn body<T: Deserialize<'a>>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.body.map_or("null", RawValue::get))
    }
}

/// Collects bytes and cuts them into frames. Holds no more than one frame and what came with it, and
/// takes no memory for bytes that have not come.
pub(super) struct FrameReader {
    buffer: Vec<u8>,
    /// How much of the buffer was given out already.
    taken: usize,
    filled: usize,
}

/// A length that no frame has.
#[derive(Debug, thiserror::Error)]
#[error("a frame of {bytes} bytes, where {MAX_FRAME_BYTES} are allowed")]
pub(super) struct BadLength {
    bytes: usize,
}

impl FrameReader {
    /// How much is read at once, and how much the buffer keeps between two frames.
    const CHUNK: usize = 64 * 1024;

    pub(super) fn new() -> Self {
        Self {
            buffer: Vec::new(),
            taken: 0,
            filled: 0,
        }
    }

    /// The next frame that has come whole.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, BadLength> {
        let there = &self.buffer[self.taken..self.filled];
        let Some((length, rest)) = there.split_first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let bytes = u32::from_le_bytes(*length) as usize;
        if bytes > MAX_FRAME_BYTES {
            return Err(BadLength { bytes });
        }
        if rest.len() < bytes {
            return Ok(None);
        }
        let start = self.taken + LENGTH_BYTES;
        self.taken = start + bytes;
        Ok(Some(&self.buffer[start..self.taken]))
    }

    /// Reads more, by a function that fills a slice and says how much of it; false at the end.
    pub(super) fn fill(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> std::io::Result<usize>,
    ) -> std::io::Result<bool> {
        self.buffer.copy_within(self.taken..self.filled, 0);
        self.filled -= self.taken;
        self.taken = 0;
        // Grows with what has come: a length alone makes nobody take memory.
        let wanted = (self.filled * 2).max(Self::CHUNK);
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        } else if self.filled == 0 && self.buffer.len() > Self::CHUNK {
            self.buffer.truncate(Self::CHUNK);
            self.buffer.shrink_to_fit();
        }
        let count = read(&mut self.buffer[self.filled..])?;
        self.filled += count;
        Ok(count > 0)
    }
}

/// Which versions a side speaks.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) oldest: u32,
    pub(super) newest: u32,
}

impl Hello {
    pub(super) fn ours() -> Self {
        Self {
            oldest: *VERSIONS.start(),
            newest: *VERSIONS.end(),
        }
    }

    /// Whether there is a version that both sides speak.
    pub(super) fn fits(self) -> bool {
        self.oldest <= *VERSIONS.end() && self.newest >= *VERSIONS.start()
    }
}

impl std::fmt::Display for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", self.oldest, self.newest)
    }
}

/// Reads a field that is there, JSON's `null` included.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(from).map(Some)
}

/// A set of tools.
#[derive(Serialize, Deserialize)]
pub(super) struct Tools {
    pub(super) set: u64,
    pub(super) tools: Vec<WireTool>,
}

/// A tool, its schemas as text: they may be nested as deep as JSON may be, and a frame around them
/// must not make them deeper.
#[derive(Serialize, Deserialize)]
pub(super) struct WireTool {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    description: String,
    kind: ToolKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input_schema: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_schema: Option<String>,
    #[serde(default)]
    observed_output: bool,
    #[serde(default)]
    raw_results: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    annotations: Option<String>,
    #[serde(default)]
    deferred: bool,
}

impl From<&ToolDefinition> for WireTool {
    fn from(tool: &ToolDefinition) -> Self {
        let text = |json: &Option<serde_json::Value>| json.as_ref().map(ToString::to_string);
        Self {
            name: tool.name.clone(),
            namespace: tool.namespace.clone(),
            description: tool.description.clone(),
            kind: tool.kind,
            input_schema: text(&tool.input_schema),
            output_schema: text(&tool.output_schema),
            observed_output: tool.observed_output,
            raw_results: tool.raw_results,
            annotations: text(&tool.annotations),
            deferred: tool.deferred,
        }
    }
}

impl From<WireTool> for ToolDefinition {
    /// A schema that is too deep to be read is left out: the parent checks arguments too.
    fn from(wire: WireTool) -> Self {
        let json = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
        let mut tool = match wire.kind {
            ToolKind::Function => Self::function(wire.name, wire.description),
            ToolKind::Freeform => Self::freeform(wire.name, wire.description),
        };
        tool.namespace = wire.namespace;
        tool.input_schema = json(wire.input_schema);
        tool.output_schema = json(wire.output_schema);
        tool.observed_output = wire.observed_output;
        tool.raw_results = wire.raw_results;
        tool.annotations = json(wire.annotations);
        tool.deferred = wire.deferred;
        tool
    }
}

/// A new cell.
#[derive(Serialize, Deserialize)]
pub(super) struct Run {
    /// What its thread is called.
    pub(super) name: String,
    pub(super) source: String,
    /// The number of its set of tools; 0 is the empty one.
    pub(super) tools: u64,
    /// Namespaces whose tools are not there, and why.
    pub(super) unavailable: Vec<(String, String)>,
    pub(super) limits: WireLimits,
    pub(super) validates_arguments: bool,
}

impl Run {
    pub(super) fn argument_validation(&self) -> ArgumentValidation {
        if self.validates_arguments {
            ArgumentValidation::On
        } else {
            ArgumentValidation::Off
        }
    }
}

/// The limits that a worker enforces.
#[derive(Serialize, Deserialize)]
pub(super) struct WireLimits {
    heap_bytes: usize,
    cpu_nanos: u64,
    max_output_bytes: usize,
    max_calls_in_flight: usize,
    max_calls: u64,
    max_bytes_in_flight: usize,
    max_timers: usize,
}

impl From<&Limits> for WireLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            heap_bytes: limits.heap_bytes,
            cpu_nanos: nanos(limits.cpu_time),
            max_output_bytes: limits.max_output_bytes,
            max_calls_in_flight: limits.max_calls_in_flight,
            max_calls: limits.max_calls,
            max_bytes_in_flight: limits.max_bytes_in_flight,
            max_timers: limits.max_timers,
        }
    }
}

impl From<&WireLimits> for Limits {
    fn from(wire: &WireLimits) -> Self {
        Self::default()
            .heap_bytes(wire.heap_bytes)
            .cpu_time(Duration::from_nanos(wire.cpu_nanos))
            .max_output_bytes(wire.max_output_bytes)
            .max_calls_in_flight(wire.max_calls_in_flight)
            .max_calls(wire.max_calls)
            .max_bytes_in_flight(wire.max_bytes_in_flight)
            .max_timers(wire.max_timers)
    }
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The end of a nested call.
#[derive(Serialize)]
pub(super) struct Settled<'a> {
    call: u64,
    result: SettledResult<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum SettledResult<'a> {
    Json(&'a RawValue),
    Text(&'a str),
    Error {
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<&'a RawValue>,
    },
}

impl<'a> Settled<'a> {
    pub(super) fn new(call: u64, result: &'a Result<ToolOutput, ToolError>) -> Self {
        let result = match result {
            Ok(output) => match output.parts() {
                Ok(json) => SettledResult::Json(json),
                Err(text) => SettledResult::Text(text),
            },
            Err(error) => SettledResult::Error {
                message: &error.message,
                result: error.result.as_deref(),
            },
        };
        Self { call, result }
    }
}

/// [`Settled`] as it came.
#[derive(Deserialize)]
pub(super) struct SettledCall {
    pub(super) call: u64,
    result: SettledCallResult,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SettledCallResult {
    Json(Box<RawValue>),
    Text(String),
    Error {
        message: String,
        #[serde(default, deserialize_with = "present")]
        result: Option<Box<RawValue>>,
    },
}

impl SettledCall {
    pub(super) fn into_result(self) -> Result<ToolOutput, ToolError> {
        match self.result {
            SettledCallResult::Json(json) => Ok(ToolOutput::from(json)),
            SettledCallResult::Text(text) => Ok(ToolOutput::text(text)),
            SettledCallResult::Error { message, result } => {
                let error = ToolError::new(message);
                Err(match result {
                    Some(result) => error.with_result(result),
                    None => error,
                })
            }
        }
    }
}

/// What a script waits for inside a helper.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer<'a> {
    /// It was taken.
    Done,
    /// There is no such value.
    Nothing,
    Value(&'a RawValue),
    Text(&'a str),
    /// A limit is in the way; the text is for the script.
    Refused(&'a str),
    /// The answer would not fit into a frame, and the helper has no words for that.
    Failed(&'a str),
}

/// [`Answer`] as it came.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answered {
    Done,
    Nothing,
    Value(Box<RawValue>),
    Text(String),
    Refused(String),
    Failed(String),
}

/// Content items.
#[derive(Serialize)]
pub(super) struct Output<'a> {
    items: Vec<Item<'a>>,
    /// Whether the script waits to hear if they were taken. If not, they must be.
    asks: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Item<'a> {
    Text(&'a str),
    Image { url: &'a str, detail: &'a str },
    Audio(&'a str),
    Resource(&'a serde_json::Value),
}

impl<'a> Output<'a> {
    pub(super) fn new(items: &'a [ContentItem], asks: bool) -> Self {
        let items = items
            .iter()
            .map(|item| match item {
                ContentItem::Text { text } => Item::Text(text),
                ContentItem::Image { image_url, detail } => Item::Image {
                    url: image_url,
                    detail: detail.as_str(),
                },
                ContentItem::Audio { audio_url } => Item::Audio(audio_url),
                ContentItem::Resource { resource } => Item::Resource(resource),
            })
            .collect();
        Self { items, asks }
    }
}

/// [`Output`] as it came.
#[derive(Deserialize)]
pub(super) struct OutputItems {
    items: Vec<OutputItem>,
    pub(super) asks: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum OutputItem {
    Text(String),
    Image { url: String, detail: String },
    Audio(String),
    Resource(Box<RawValue>),
}

impl OutputItems {
    /// The items, if a script can have put them out.
    pub(super) fn into_items(self) -> Option<Vec<ContentItem>> {
        let data_url = |url: String| is_data_url(&url).then_some(url);
        let items = self.items.into_iter().map(|item| {
            Some(match item {
                OutputItem::Text(text) => ContentItem::Text { text },
                OutputItem::Image { url, detail } => ContentItem::Image {
                    image_url: data_url(url)?,
                    detail: detail.parse().ok()?,
                },
                OutputItem::Audio(url) => ContentItem::Audio {
                    audio_url: data_url(url)?,
                },
                OutputItem::Resource(json) => ContentItem::Resource {
                    resource: serde_json::from_str(json.get()).ok()?,
                },
            })
        });
        items.collect()
    }
}

/// A nested call.
#[derive(Serialize)]
pub(super) struct Call<'a> {
    call: u64,
    /// The tool's global name.
    tool: &'a str,
    input: Input<'a>,
    raw: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Input<'a> {
    Function(&'a RawValue),
    Freeform(&'a str),
}

impl<'a> Call<'a> {
    pub(super) fn new(call: u64, tool: &'a str, input: &'a ToolInput, raw: bool) -> Self {
        let input = match input {
            ToolInput::Function(json) => Input::Function(json),
            ToolInput::Freeform(text) => Input::Freeform(text),
        };
        Self {
            call,
            tool,
            input,
            raw,
        }
    }
}

/// [`Call`] as it came.
#[derive(Deserialize)]
pub(super) struct CallMade {
    pub(super) call: u64,
    pub(super) tool: String,
    input: CallInput,
    pub(super) raw: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum CallInput {
    Function(Box<RawValue>),
    Freeform(String),
}

impl CallMade {
    /// The input, if it is what such a tool takes.
    pub(super) fn into_input(self, kind: ToolKind) -> Option<ToolInput> {
        match (self.input, kind) {
            (CallInput::Function(json), ToolKind::Function) if json.get().starts_with('{') => {
                Some(ToolInput::Function(json))
            }
            (CallInput::Freeform(text), ToolKind::Freeform) => Some(ToolInput::Freeform(text)),
            _ => None,
        }
    }
}

/// A write of a stored value; without JSON it is removed.
#[derive(Serialize)]
pub(super) struct Store<'a> {
    pub(super) key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) json: Option<&'a RawValue>,
}

/// [`Store`] as it came.
#[derive(Deserialize)]
pub(super) struct Stored {
    pub(super) key: String,
    #[serde(default, deserialize_with = "present")]
    pub(super) json: Option<Box<RawValue>>,
}

/// What a cell has used.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Usage {
    pub(super) cpu_nanos: u64,
    pub(super) heap_bytes: usize,
}

/// The last that is said of a cell.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Gone {
    /// Whether its thread cannot be had back, so that nobody can but end the process.
    pub(super) lost: bool,
}

/// The end of a script.
#[derive(Serialize, Deserialize)]
pub(super) struct Ended {
    pub(super) usage: Usage,
    how: How,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum How {
    Success,
    Failure,
    Stopped,
    RuntimeFailure,
}

impl Ended {
    pub(super) fn new(outcome: Outcome, usage: Usage) -> Self {
        let (how, text) = match outcome {
            Outcome::Success => (How::Success, String::new()),
            Outcome::Failure(text) => (How::Failure, text),
            Outcome::Stopped => (How::Stopped, String::new()),
            Outcome::RuntimeFailure(text) => (How::RuntimeFailure, text),
        };
        Self { usage, how, text }
    }

    pub(super) fn into_outcome(self) -> Outcome {
        match self.how {
            How::Success => Outcome::Success,
            How::Failure => Outcome::Failure(self.text),
            How::Stopped => Outcome::Stopped,
            How::RuntimeFailure => Outcome::RuntimeFailure(self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(mut bytes: &[u8], step: usize) -> Result<Vec<Vec<u8>>, BadLength> {
        let mut reader = FrameReader::new();
        let mut found = Vec::new();
        loop {
            while let Some(frame) = reader.next()? {
                found.push(frame.to_vec());
            }
            let more = reader.fill(|into| {
                let count = into.len().min(step).min(bytes.len());
                into[..count].copy_from_slice(&bytes[..count]);
                bytes = &bytes[count..];
                Ok(count)
            });
            if !more.unwrap() {
                return Ok(found);
            }
        }
    }

    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut() {
        let long = "x".repeat(300_000);
        let mut bytes = Vec::new();
        append(&mut bytes, "notify", 1, &"a").unwrap();
        append(&mut bytes, "notify", 2, &long).unwrap();
        append(&mut bytes, "gone", 3, &()).unwrap();
        for step in [1, 7, 4096, usize::MAX] {
            let found = frames(&bytes, step).unwrap();
            let parsed: Vec<Frame<'_>> = found
                .iter()
                .map(|bytes| Frame::parse(bytes).unwrap())
                .collect();
            assert_eq!(parsed[0].kind, "notify");
            assert_eq!(parsed[1].body::<String>().unwrap(), long);
            assert_eq!((parsed[2].kind, parsed[2].cell), ("gone", 3));
        }
    }

    #[test]
    fn a_length_over_the_cap_is_refused_and_no_memory_taken_for_one_below_it() {
        let length = u32::try_from(MAX_FRAME_BYTES).unwrap();
        assert!(frames(&(length + 1).to_le_bytes(), 4).is_err());
        assert!(frames(&u32::MAX.to_le_bytes(), 4).is_err());

        let mut reader = FrameReader::new();
        reader
            .fill(|into| {
                into[..4].copy_from_slice(&length.to_le_bytes());
                Ok(4)
            })
            .unwrap();
        assert!(reader.next().unwrap().is_none());
        assert!(reader.buffer.len() <= FrameReader::CHUNK);
    }

    #[test]
    fn a_frame_too_long_is_refused_and_leaves_nothing_behind() {
        let mut out = vec![1, 2, 3];
        let error = append(&mut out, "notify", 1, &"\0".repeat(MAX_FRAME_BYTES / 5)).unwrap_err();
        assert!(
            error.to_string().contains("67108864 are allowed"),
            "{error}"
        );
        assert_eq!(out, [1, 2, 3]);
    }

    #[test]
    fn unknown_fields_are_ignored_and_null_is_a_value() {
        let bytes = br#"{"kind":"store","new":[1],"cell":4,"body":{"key":"k","json":null,"x":1}}"#;
        let frame = Frame::parse(bytes).unwrap();
        let stored: Stored = frame.body().unwrap();
        assert_eq!(stored.json.unwrap().get(), "null");
        let bytes = br#"{"kind":"store","body":{"key":"k"}}"#;
        let stored: Stored = Frame::parse(bytes).unwrap().body().unwrap();
        assert!(stored.json.is_none());
    }

    #[test]
    fn schemas_may_be_as_deep_as_json_may_be() {
        let deep = format!("{}1{}", "[".repeat(120), "]".repeat(120));
        let schema = serde_json::from_str(&deep).unwrap();
        let tool = ToolDefinition::function("t", "d").input_schema(schema);
        let mut out = Vec::new();
        let tools = Tools {
            set: 1,
            tools: vec![WireTool::from(&tool)],
        };
        append(&mut out, "tools", 0, &tools).unwrap();
        let back: Tools = Frame::parse(&out[4..]).unwrap().body().unwrap();
        let back = back.tools.into_iter().map(ToolDefinition::from).next();
        assert_eq!(back.unwrap(), tool);
    }
}
