//! The contract of what a model reads: formatting, budgets, and outputs that are kept.

mod formatting;
mod kept;
mod loading;
mod random;
mod truncation;

use std::time::Duration;

use code_mode::{
    CellId, ContentItem, FormatOptions, FormattedResponse, FunctionHost, ImageDetail,
    RuntimeResponse, Session, StoredValues,
};

/// A session that runs nothing: answers are made by hand.
fn session() -> Session {
    Session::new(FunctionHost::new())
}

fn cell(id: u64) -> CellId {
    id.to_string().parse().unwrap()
}

fn text(text: impl Into<String>) -> ContentItem {
    ContentItem::Text { text: text.into() }
}

/// An image whose size must not matter.
fn image() -> ContentItem {
    ContentItem::Image {
        image_url: format!("data:image/png;base64,{}", "A".repeat(4_000)),
        detail: ImageDetail::High,
    }
}

/// Seconds of sound, at the 64 kbit/s that MP3 is taken to have: ten tokens each.
fn audio(seconds: usize) -> ContentItem {
    ContentItem::Audio {
        audio_url: format!("data:audio/mpeg,{}", "x".repeat(8_000 * seconds)),
    }
}

/// The answer of a cell that succeeded.
fn done(content_items: Vec<ContentItem>) -> RuntimeResponse {
    RuntimeResponse::Result {
        cell_id: cell(1),
        content_items,
        stored_values: StoredValues::default(),
        error_text: None,
    }
}

/// The answer of a cell that failed.
fn failed(content_items: Vec<ContentItem>, error: &str) -> RuntimeResponse {
    RuntimeResponse::Result {
        cell_id: cell(1),
        content_items,
        stored_values: StoredValues::default(),
        error_text: Some(error.to_owned()),
    }
}

/// Options with a budget.
fn within(tokens: usize) -> FormatOptions {
    FormatOptions::new(Duration::ZERO).max_tokens(tokens)
}

/// The texts of a formatted answer, and `<image>` and `<audio>` where there is one.
fn shown(formatted: &FormattedResponse) -> Vec<&str> {
    let items = formatted.content_items.iter();
    items
        .map(|item| match item {
            ContentItem::Text { text } => text.as_str(),
            ContentItem::Image { .. } => "<image>",
            ContentItem::Audio { .. } => "<audio>",
            other => panic!("what is {other:?}?"),
        })
        .collect()
}

/// A text item that was cut, in its parts.
#[derive(Debug, PartialEq)]
struct Shortened<'a> {
    head: &'a str,
    tokens: usize,
    handle: &'a str,
    start: usize,
    end: usize,
    tail: &'a str,
}

/// Reads the marker of a text that has no `…` of its own; `None` if it has no marker.
fn shortened(text: &str) -> Option<Shortened<'_>> {
    let at = text.find('…')?;
    let (marker, tail) = text[at..].split_once('\n').unwrap_or((&text[at..], ""));
    let number = |before: &str, after: &str| {
        let rest = marker.split_once(before)?.1;
        rest.split_once(after)?.0.parse().ok()
    };
    Some(Shortened {
        head: text[..at].strip_suffix('\n').unwrap_or(&text[..at]),
        tokens: number("…", " tokens truncated…")?,
        handle: marker.split('"').nth(1)?,
        start: number("start: ", ",")?,
        end: number("end: ", " }")?,
        tail,
    })
}

/// `text` from one UTF-16 index to another.
fn utf16_slice(text: &str, start: usize, end: usize) -> String {
    let units: Vec<u16> = text.encode_utf16().skip(start).take(end - start).collect();
    String::from_utf16(&units).expect("no character is split")
}
