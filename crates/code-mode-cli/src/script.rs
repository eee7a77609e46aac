//! The script's source: a file, or standard input.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A script that cannot be read. Nothing was run.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the script {}: {source}", path.display())]
pub struct UnreadableScript {
    path: PathBuf,
    source: io::Error,
}

/// Reads `path`, or standard input where it is `-`.
pub fn read(path: &Path) -> Result<String, UnreadableScript> {
    let text = if path.as_os_str() == OsStr::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    text.map_err(|source| UnreadableScript {
        path: path.to_owned(),
        source,
    })
}
