//! The file of `--store`: a session's stored values, read before a run and replaced after it.
//!
//! The file is one JSON object, one key a line. It is replaced in one step, so that it always holds
//! either the old values or the new ones. Two runs at once: the one that ends last wins.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use code_mode::StoredValues;

/// A store that could not be read or written. Whatever it is, the file is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is there but cannot be read.
    #[error("cannot read the store {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// It is no JSON object. The source names line and column.
    #[error(
        "the store {} is no JSON object: {source}; it was left as it is: mend it, or name another file",
        path.display()
    )]
    NotJson {
        path: PathBuf,
        source: serde_json::Error,
    },
    /// The new values cannot take its place.
    #[error("cannot write the store {}: {source}; it was left as it is", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

/// Reads the values; a file that is not there has none.
pub fn load(path: &Path) -> Result<StoredValues, StoreError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(StoredValues::default()),
        Err(source) => {
            return Err(StoreError::Unreadable {
                path: path.to_owned(),
                source,
            });
        }
    };
    serde_json::from_str(&text).map_err(|source| StoreError::NotJson {
        path: path.to_owned(),
        source,
    })
}

/// Puts the values in the place of the file's.
pub fn save(path: &Path, values: &StoredValues) -> Result<(), StoreError> {
    replace(path, values).map_err(|source| StoreError::Unwritable {
        path: path.to_owned(),
        source,
    })
}

fn replace(path: &Path, values: &StoredValues) -> io::Result<()> {
    // Where the path is a link, the file it points to is replaced, not the link.
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let permissions = match fs::metadata(&target) {
        Ok(metadata) => metadata.permissions(),
        // As any new file: the umask takes away from this what the user wants taken.
        Err(_) => fs::Permissions::from_mode(0o666),
    };
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".code-mode-store-")
        .permissions(permissions)
        .tempfile_in(folder)?;
    serde_json::to_writer_pretty(io::BufWriter::new(&mut file), values)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(&target)?;
    Ok(())
}
