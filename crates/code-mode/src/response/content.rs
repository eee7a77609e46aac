//! Content items and the rules of their URLs.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// One piece of output, as a script produced it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ContentItem {
    /// Text from `text`, `console` or `forward_output`.
    Text {
        /// The text, without a newline of ours.
        text: String,
    },
    /// A picture.
    Image {
        /// A `data:` URL.
        image_url: String,
        /// How closely the model should look.
        detail: ImageDetail,
    },
    /// A recording.
    Audio {
        /// A `data:` URL.
        audio_url: String,
    },
}

impl ContentItem {
    /// What the item counts against [`Limits::max_output_bytes`](crate::Limits::max_output_bytes):
    /// its text or URL, and a fixed 64 bytes.
    pub fn held_bytes(&self) -> usize {
        const ITEM_OVERHEAD: usize = 64;
        let payload = match self {
            Self::Text { text } => text.len(),
            Self::Image { image_url, .. } => image_url.len(),
            Self::Audio { audio_url } => audio_url.len(),
        };
        payload + ITEM_OVERHEAD
    }
}

/// How closely a model should look at an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageDetail {
    /// The model's provider decides.
    Auto,
    /// A small version is enough.
    Low,
    /// The usual full look.
    #[default]
    High,
    /// The picture as it is, not scaled.
    Original,
}

impl ImageDetail {
    /// The name scripts and responses use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Low => "low",
            Self::High => "high",
            Self::Original => "original",
        }
    }
}

impl fmt::Display for ImageDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no [`ImageDetail`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("image detail must be one of auto, low, high, original; got {given:?}")]
pub struct UnknownImageDetail {
    /// The name that was given.
    pub given: String,
}

impl FromStr for ImageDetail {
    type Err = UnknownImageDetail;

    /// Accepts the four names in any case.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Auto, Self::Low, Self::High, Self::Original]
            .into_iter()
            .find(|detail| detail.as_str().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownImageDetail {
                given: name.to_owned(),
            })
    }
}

/// Whether `url` has the `data:` scheme, in any case.
pub(crate) fn is_data_url(url: &str) -> bool {
    has_scheme(url, "data:")
}

/// Whether `url` points to something that would have to be fetched.
pub(crate) fn is_remote_url(url: &str) -> bool {
    has_scheme(url, "http:") || has_scheme(url, "https:")
}

fn has_scheme(url: &str, scheme: &str) -> bool {
    url.get(..scheme.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}
