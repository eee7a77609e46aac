//! Images and audio of a script: into files of `--out`, or named on standard error.

use std::fs;
use std::io;
use std::path::PathBuf;

use data_url::DataUrl;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Image,
    Audio,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
        }
    }
}

/// A file of `--out` that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct UnwritableMedia {
    path: PathBuf,
    source: io::Error,
}

/// Where images and audio go. Owned by the output of one run.
pub struct Media {
    /// Where files go, if anywhere.
    folder: Option<PathBuf>,
    images: usize,
    audios: usize,
}

impl Media {
    /// Makes the folder if it is not there.
    pub fn new(folder: Option<PathBuf>) -> Result<Self, UnwritableMedia> {
        if let Some(folder) = &folder {
            fs::create_dir_all(folder).map_err(|source| UnwritableMedia {
                path: folder.clone(),
                source,
            })?;
        }
        Ok(Self {
            folder,
            images: 0,
            audios: 0,
        })
    }

    /// Takes the next item; the answer is the sentence to say about it.
    pub fn take(&mut self, kind: Kind, url: &str) -> Result<String, UnwritableMedia> {
        let count = match kind {
            Kind::Image => &mut self.images,
            Kind::Audio => &mut self.audios,
        };
        *count += 1;
        let name = format!("{}-{count}", kind.name());
        let Some((mime_type, bytes)) = decode(url) else {
            return Ok(format!("{name} is no data: URL that can be read; left out"));
        };
        let size = bytes.len();
        let Some(folder) = &self.folder else {
            return Ok(format!(
                "{name}: {mime_type}, {size} bytes (--out DIR saves it)"
            ));
        };
        let path = folder.join(format!("{name}.{}", extension(&mime_type)));
        match fs::write(&path, bytes) {
            Ok(()) => Ok(format!("{}: {mime_type}, {size} bytes", path.display())),
            Err(source) => Err(UnwritableMedia { path, source }),
        }
    }
}

/// MIME type, without its parameters, and content.
fn decode(url: &str) -> Option<(String, Vec<u8>)> {
    let url = DataUrl::process(url).ok()?;
    let (bytes, _) = url.decode_to_vec().ok()?;
    let mime = url.mime_type();
    Some((format!("{}/{}", mime.type_, mime.subtype), bytes))
}

/// How the files of a type are usually called; `bin` for those we have no name for.
fn extension(mime_type: &str) -> &'static str {
    match mime_type {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/avif" => "avif",
        "image/bmp" => "bmp",
        "image/tiff" => "tiff",
        "image/svg+xml" => "svg",
        "audio/wav" | "audio/wave" | "audio/x-wav" | "audio/vnd.wave" => "wav",
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/mp4" | "audio/x-m4a" => "m4a",
        "audio/aac" => "aac",
        "audio/ogg" | "audio/opus" => "ogg",
        "audio/flac" | "audio/x-flac" => "flac",
        "audio/webm" => "webm",
        _ => "bin",
    }
}
