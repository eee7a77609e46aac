//! What a cell hands back: content items, the response that carries them, and what a model reads of it.

mod audio;
mod content;
mod format;
mod tokens;
mod truncate;

pub use content::{ContentItem, ImageDetail, UnknownImageDetail};
pub(crate) use content::{is_data_url, is_remote_url};
pub(crate) use format::format;
pub use format::{FormatOptions, FormattedResponse};
pub(crate) use tokens::SharedCounter;
pub use tokens::{ApproximateTokens, TokenCounter};

use serde::Serialize;

use crate::service::{CellId, StoredValues};

/// One answer of `execute` or `wait`.
///
/// Every item a script produced is in exactly one response, in the order it was produced.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RuntimeResponse {
    /// The cell is still running; ask again with `wait`.
    Yielded {
        /// The cell that answered.
        cell_id: CellId,
        /// What is new since the last answer.
        content_items: Vec<ContentItem>,
    },
    /// The cell was ended by `wait` with `terminate`, or by the session's end. Its isolate is gone.
    Terminated {
        /// The cell that answered.
        cell_id: CellId,
        /// What had not been delivered before.
        content_items: Vec<ContentItem>,
    },
    /// The cell is done, well or badly.
    Result {
        /// The cell that answered.
        cell_id: CellId,
        /// What is new since the last answer.
        content_items: Vec<ContentItem>,
        /// The session's stored values right after this cell's writes were committed.
        stored_values: StoredValues,
        /// Why the script failed: message, frames and code frame. `None` for a success.
        error_text: Option<String>,
    },
}

impl RuntimeResponse {
    /// The cell that answered.
    pub fn cell_id(&self) -> CellId {
        match self {
            Self::Yielded { cell_id, .. }
            | Self::Terminated { cell_id, .. }
            | Self::Result { cell_id, .. } => *cell_id,
        }
    }

    /// The items of this answer.
    pub fn content_items(&self) -> &[ContentItem] {
        match self {
            Self::Yielded { content_items, .. }
            | Self::Terminated { content_items, .. }
            | Self::Result { content_items, .. } => content_items,
        }
    }

    /// Why the script failed, if this is the result of one that did.
    pub fn error_text(&self) -> Option<&str> {
        match self {
            Self::Result { error_text, .. } => error_text.as_deref(),
            _ => None,
        }
    }

    /// The text items of this answer, joined by newlines.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self
            .content_items()
            .iter()
            .filter_map(|item| match item {
                ContentItem::Text { text } => Some(text.as_str()),
                _ => None,
            })
            .collect();
        texts.join("\n")
    }
}
