//! What a script puts out, on its way to standard output.
//!
//! Items are taken in without waiting and written afterwards, so that a write that is given up, for
//! a signal or the end of `--timeout`, loses none of them.

use std::collections::VecDeque;
use std::io::{self, Write};

use code_mode::{ContentItem, RuntimeResponse};
use tokio::io::{AsyncWriteExt, Stdout};

use crate::diagnostics;
use crate::exit::Exit;
use crate::media::{Kind, Media, UnwritableMedia};
use crate::terminal;

/// Output that could not be handed on.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Whoever read standard output went away.
    #[error("standard output was closed")]
    Closed,
    #[error("cannot write to standard output: {0}")]
    Unwritable(#[source] io::Error),
    #[error(
        "the output is more than the {} MiB that one JSON document may hold, which ends with what came before; \
         run it without --json, or let it put out less",
        MAX_DOCUMENT_BYTES / (1024 * 1024)
    )]
    TooMuchForOneDocument,
    #[error(transparent)]
    Media(#[from] UnwritableMedia),
}

/// The most output one JSON document is made of: it is held in memory, a few times over.
const MAX_DOCUMENT_BYTES: usize = 256 * 1024 * 1024;

/// How the output of a run is shown.
pub enum Format {
    /// Text as it is produced, images and audio apart.
    Text(Media),
    /// One document at the end.
    Json {
        /// The items so far.
        items: Vec<ContentItem>,
        /// What they hold, about.
        bytes: usize,
    },
}

/// The output of one run.
pub struct Output {
    format: Format,
    /// Taken in and not written yet.
    unwritten: VecDeque<u8>,
    /// For standard error, and not said yet.
    unsaid: VecDeque<String>,
    stdout: Stdout,
}

impl Output {
    pub fn new(format: Format) -> Self {
        Self {
            format,
            unwritten: VecDeque::new(),
            unsaid: VecDeque::new(),
            stdout: tokio::io::stdout(),
        }
    }

    /// Takes items in. Where one cannot be kept, the others are kept all the same.
    pub fn take(&mut self, new: Vec<ContentItem>) -> Result<(), OutputError> {
        let media = match &mut self.format {
            Format::Json { items, bytes } => {
                if *bytes > MAX_DOCUMENT_BYTES {
                    return Ok(()); // Said already; what comes now is what the script's end leaves.
                }
                *bytes += new.iter().map(ContentItem::held_bytes).sum::<usize>();
                if *bytes > MAX_DOCUMENT_BYTES {
                    return Err(OutputError::TooMuchForOneDocument);
                }
                items.extend(new);
                return Ok(());
            }
            Format::Text(media) => media,
        };
        let mut result = Ok(());
        for item in new {
            let taken = match item {
                ContentItem::Text { text } => {
                    self.unwritten.extend(text.as_bytes());
                    self.unwritten.push_back(b'\n');
                    continue;
                }
                ContentItem::Image { image_url, .. } => media.take(Kind::Image, &image_url),
                ContentItem::Audio { audio_url } => media.take(Kind::Audio, &audio_url),
                ContentItem::Resource { resource } => Ok(named(&resource)),
                other => Ok(format!("cannot show this item: {other:?}")),
            };
            match taken {
                Ok(sentence) => self.unsaid.push_back(sentence),
                Err(error) => result = result.and(Err(error.into())),
            }
        }
        result
    }

    /// Has a sentence said on standard error with the next write.
    pub fn say_soon(&mut self, sentence: String) {
        self.unsaid.push_back(sentence);
    }

    /// Writes what was taken in. Given up halfway, it goes on from there the next time.
    pub async fn write(&mut self) -> Result<(), OutputError> {
        while let Some(sentence) = self.unsaid.pop_front() {
            diagnostics::say(&sentence).await;
        }
        let _hidden = diagnostics::hide_status().await;
        let written = async {
            self.stdout.write_all_buf(&mut self.unwritten).await?;
            self.stdout.flush().await
        };
        written.await.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => OutputError::Closed,
            _ => OutputError::Unwritable(error),
        })
    }

    /// Shows the end of the script, whose items were all taken in and written before.
    pub async fn conclude(&mut self, mut end: RuntimeResponse) -> Result<(), OutputError> {
        let Format::Json { items, .. } = &mut self.format else {
            if let Some(error_text) = end.error_text() {
                diagnostics::line(error_text).await;
            }
            return Ok(());
        };
        if let Some(content_items) = content_items(&mut end) {
            std::mem::swap(content_items, items);
        }
        let document = serde_json::to_vec(&end)
            .map_err(|error| OutputError::Unwritable(io::Error::other(error)))?;
        self.unwritten.extend(document);
        self.unwritten.push_back(b'\n');
        self.write().await
    }
}

/// The sentence about a resource that a script passed on; `--json` has all of it.
fn named(resource: &serde_json::Value) -> String {
    // A link, or a block with the contents in it.
    let about = resource.get("resource").unwrap_or(resource);
    let said = |key| about.get(key).and_then(serde_json::Value::as_str);
    let uri = terminal::visible(said("uri").unwrap_or("without a URI"));
    match said("mimeType") {
        Some(mime_type) => format!("resource {uri}: {}", terminal::visible(mime_type)),
        None => format!("resource {uri}"),
    }
}

/// The items of a response.
pub fn content_items(response: &mut RuntimeResponse) -> Option<&mut Vec<ContentItem>> {
    match response {
        RuntimeResponse::Yielded { content_items, .. }
        | RuntimeResponse::Terminated { content_items, .. }
        | RuntimeResponse::Result { content_items, .. } => Some(content_items),
        _ => None,
    }
}

/// Writes a whole text to standard output, outside of a run.
pub async fn print(text: &str) -> Exit {
    let _hidden = diagnostics::hide_status().await;
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => Exit::Success,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::PipeClosed,
        Err(error) => {
            diagnostics::say_outside_a_run(&format!("cannot write to standard output: {error}"));
            Exit::Failure
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_resource_is_named() {
        let link = json!({ "type": "resource_link", "uri": "demo://1", "name": "One" });
        assert_eq!(named(&link), "resource demo://1");
        let contents = json!({ "uri": "demo://\u{1b}2", "mimeType": "text/plain", "text": "…" });
        let block = json!({ "type": "resource", "resource": contents });
        assert_eq!(named(&block), "resource demo://\\u{1b}2: text/plain");
    }

    #[test]
    fn text_around_a_picture_that_cannot_be_written_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let media = Media::new(Some(folder.path().to_owned())).unwrap();
        std::fs::create_dir(folder.path().join("image-1.gif")).unwrap();
        let mut output = Output::new(Format::Text(media));
        let text = |text: &str| ContentItem::Text {
            text: text.to_owned(),
        };
        let picture = ContentItem::Image {
            image_url: "data:image/gif;base64,R0lGODlhAQABAAAAACw=".to_owned(),
            detail: Default::default(),
        };
        let taken = output.take(vec![text("before"), picture, text("after")]);
        assert!(matches!(taken, Err(OutputError::Media(_))), "{taken:?}");
        assert_eq!(output.unwritten, b"before\nafter\n");
    }
}
