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
    /// A resource of an MCP server that `forward_output` passed on; what becomes of it is the host's to
    /// decide.
    Resource {
        /// The whole content block as it came: of type `resource_link`, or `resource` with the contents
        /// in it.
        resource: serde_json::Value,
    },
}

impl ContentItem {
    /// What the item counts against [`Limits::max_output_bytes`](crate::Limits::max_output_bytes):
    /// its text, URL or JSON, and a fixed 64 bytes.
    pub fn held_bytes(&self) -> usize {
        const ITEM_OVERHEAD: usize = 64;
        let payload = match self {
            Self::Text { text } => text.len(),
            Self::Image { image_url, .. } => image_url.len(),
            Self::Audio { audio_url } => audio_url.len(),
            Self::Resource { resource } => json_length(resource),
        };
        payload + ITEM_OVERHEAD
    }
}

/// The length of a value as compact JSON, in bytes.
fn json_length(value: &serde_json::Value) -> usize {
    struct Counted(usize);

    impl std::io::Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let mut length = Counted(0);
    serde_json::to_writer(&mut length, value).expect("counting does not fail");
    length.0
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
