//! The contract of what a model reads: formatting, budgets, and outputs that are kept.

mod formatting;
mod invariants;
mod kept;
mod loading;
mod random;
mod truncation;

use std::time::Duration;

use code_mode::{
    CellId, ContentItem, FormatOptions, FormattedResponse, FunctionHost, ImageDetail,
    RuntimeResponse, Session, StoredValues,
};

use invariants::{shortened, utf16_slice};

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
