//! The types of results, learned for tools that publish none, and kept in the state folder: one file for
//! each server and version.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use super::shape::Shape;

/// Bytes of a file that is read. A larger one is not ours.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// Whose tools something was learned of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ServerVersion {
    pub(super) server: String,
    /// As the server says. Another version is learned from the beginning.
    pub(super) version: String,
}

/// All that is learned. Shared by all servers; locked for moments only, and never while files are read
/// or written.
#[derive(Default)]
pub(super) struct Learned {
    /// Nothing is learned without one.
    folder: Option<PathBuf>,
    servers: Mutex<HashMap<ServerVersion, Tools>>,
    /// Woken when something new is learned.
    pub(super) changed: Notify,
}

#[derive(Clone, Default)]
struct Tools {
    shapes: BTreeMap<String, Shape>,
    /// Whether there is something that is not in the file.
    unsaved: bool,
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    server: String,
    version: String,
    tools: BTreeMap<String, Shape>,
}

impl Learned {
    /// Learns into this folder, which is made when there is something to keep.
    pub(super) fn new(state_folder: Option<PathBuf>) -> Self {
        Self {
            folder: state_folder.map(|folder| folder.join("learned")),
            ..Self::default()
        }
    }

    /// Reads what was learned of a server before, unless it is known already. A file that cannot be
    /// read counts for nothing, with a warning. Blocks.
    pub(super) fn load(&self, of: &ServerVersion) {
        let Some(file) = self.file(of) else {
            return;
        };
        if self.lock().contains_key(of) {
            return;
        }
        let shapes = match read(&file) {
            Ok(Some(kept)) if kept.server == of.server && kept.version == of.version => kept.tools,
            Ok(_) => BTreeMap::new(),
            Err(error) => {
                let file = file.display();
                tracing::warn!(%file, %error, "learned types cannot be read; learning them anew");
                BTreeMap::new()
            }
        };
        let mut servers = self.lock();
        let tools = servers.entry(of.clone()).or_default();
        for (name, shape) in shapes {
            tools.shapes.entry(name).or_default().merge_with(shape);
        }
    }

    /// The schemas of the tools of this server, by name.
    pub(super) fn schemas(&self, of: &ServerVersion) -> HashMap<String, Value> {
        let servers = self.lock();
        let shapes = servers.get(of).map(|tools| &tools.shapes);
        shapes
            .into_iter()
            .flatten()
            .filter_map(|(name, shape)| Some((name.clone(), shape.to_schema()?)))
            .collect()
    }

    /// Sees a result of a tool.
    pub(super) fn observe(&self, of: &ServerVersion, tool: &str, value: &Value) {
        if self.folder.is_none() {
            return;
        }
        let seen = Shape::of(value);
        let mut servers = self.lock();
        let tools = servers.entry(of.clone()).or_default();
        let mut shape = tools.shapes.get(tool).cloned().unwrap_or_default();
        shape.merge_with(seen);
        if tools.shapes.get(tool) != Some(&shape) {
            tools.shapes.insert(tool.to_owned(), shape);
            tools.unsaved = true;
            self.changed.notify_one();
        }
    }

    /// Writes what is not in its file yet. What cannot be written is tried again next time. Blocks.
    pub(super) fn save(&self) {
        let unsaved: Vec<(ServerVersion, Tools)> = {
            let mut servers = self.lock();
            let unsaved = servers.iter_mut().filter(|(_, tools)| tools.unsaved);
            unsaved
                .map(|(of, tools)| {
                    tools.unsaved = false;
                    (of.clone(), tools.clone())
                })
                .collect()
        };
        for (of, tools) in unsaved {
            let Some(file) = self.file(&of) else {
                continue;
            };
            let kept = Kept {
                server: of.server.clone(),
                version: of.version.clone(),
                tools: tools.shapes,
            };
            if let Err(error) = write(&file, &kept) {
                let file = file.display();
                tracing::warn!(%file, %error, "learned types cannot be kept");
                if let Some(tools) = self.lock().get_mut(&of) {
                    tools.unsaved = true;
                }
            }
        }
    }

    /// The name of the server for people, and a hash for what no file name can hold.
    fn file(&self, of: &ServerVersion) -> Option<PathBuf> {
        const SHOWN: usize = 40;
        let shown: String = of
            .server
            .chars()
            .take(SHOWN)
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let hash = Sha256::digest(format!("{}\0{}", of.server, of.version));
        let hash: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Some(self.folder.as_ref()?.join(format!("{shown}-{hash}.json")))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ServerVersion, Tools>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(file: &Path) -> io::Result<Option<Kept>> {
    let size = match std::fs::metadata(file) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if size > LARGEST_FILE {
        return Err(io::Error::other(format!(
            "it is larger than {LARGEST_FILE} bytes"
        )));
    }
    let kept = serde_json::from_slice(&std::fs::read(file)?)?;
    Ok(Some(kept))
}

/// Beside the file first, and then in its place: whoever reads it sees the old or the new one.
fn write(file: &Path, kept: &Kept) -> io::Result<()> {
    let folder = file.parent().ok_or_else(|| io::Error::other("no folder"))?;
    std::fs::create_dir_all(folder)?;
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut beside, kept)?;
    beside.flush()?;
    beside.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(version: &str) -> ServerVersion {
        ServerVersion {
            server: "a/b".to_owned(),
            version: version.to_owned(),
        }
    }

    fn schema(learned: &Learned, version: &str) -> Option<Value> {
        learned.load(&of(version));
        learned.schemas(&of(version)).remove("t")
    }

    #[test]
    fn what_is_learned_is_kept_for_the_same_version() {
        let folder = tempfile::tempdir().unwrap();
        let new = || Learned::new(Some(folder.path().to_owned()));
        let learned = new();
        assert_eq!(schema(&learned, "1"), None);
        learned.observe(&of("1"), "t", &json!([1]));
        learned.save();
        let array = json!({ "type": "array", "items": { "type": "integer" } });
        assert_eq!(schema(&learned, "1"), Some(array.clone()));

        let later = new();
        assert_eq!(schema(&later, "1"), Some(array));
        assert_eq!(schema(&later, "2"), None);
    }

    #[test]
    fn only_something_new_is_told() {
        use futures_util::FutureExt;

        let folder = tempfile::tempdir().unwrap();
        let learned = Learned::new(Some(folder.path().to_owned()));
        learned.observe(&of("1"), "t", &json!("a"));
        assert!(learned.changed.notified().now_or_never().is_some());
        learned.observe(&of("1"), "t", &json!("b"));
        assert!(learned.changed.notified().now_or_never().is_none());
    }

    #[test]
    fn a_broken_file_counts_for_nothing_and_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let learned = Learned::new(Some(folder.path().to_owned()));
        let file = learned.file(&of("1")).unwrap();
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        for broken in ["", "{", "[]", "{\"server\":1}"] {
            std::fs::write(&file, broken).unwrap();
            let learned = Learned::new(Some(folder.path().to_owned()));
            assert_eq!(schema(&learned, "1"), None, "{broken}");
            learned.observe(&of("1"), "t", &json!("a"));
            learned.save();
            assert!(read(&file).unwrap().is_some(), "{broken}");
        }
    }

    #[test]
    fn nothing_is_learned_without_a_folder() {
        let learned = Learned::new(None);
        learned.observe(&of("1"), "t", &json!("a"));
        learned.save();
        assert_eq!(schema(&learned, "1"), None);
    }
}
