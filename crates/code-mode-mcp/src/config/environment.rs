//! The environment that a configuration is read in: variables, and the folder one stands in.
//!
//! A value of its own, so that whoever reads a configuration says which environment that is; nothing
//! in [`config`](super) and [`install`](crate::install) asks the process.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Variables and a working directory.
#[derive(Clone)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    folder: PathBuf,
}

impl Environment {
    /// The environment of this process. A variable that is not Unicode is left out.
    ///
    /// Fails if the working directory is gone.
    pub fn of_process() -> std::io::Result<Self> {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Ok(Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            folder: std::env::current_dir()?,
        })
    }

    /// An environment of these variables alone, in an absolute folder.
    pub fn new<N: Into<String>, V: Into<String>>(
        folder: impl Into<PathBuf>,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self {
            variables: variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            folder: folder.into(),
        }
    }

    /// The value of a variable, which may be empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The folder that relative paths start from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The person's own folder: `$HOME`, on Windows `%USERPROFILE%`.
    pub fn home(&self) -> Option<PathBuf> {
        let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        self.absolute(name)
    }

    /// Where code-mode keeps the person's own configuration: `$XDG_CONFIG_HOME/code-mode`, else
    /// `~/.config/code-mode`; on Windows `%APPDATA%\code-mode`.
    pub fn configuration_folder(&self) -> Option<PathBuf> {
        let folder = if cfg!(windows) {
            self.absolute("APPDATA")
        } else {
            self.absolute("XDG_CONFIG_HOME")
                .or_else(|| Some(self.home()?.join(".config")))
        };
        Some(folder?.join("code-mode"))
    }

    /// Where code-mode keeps what it learns: `$XDG_STATE_HOME/code-mode`, else
    /// `~/.local/state/code-mode`; on Windows `%LOCALAPPDATA%\code-mode`.
    pub fn state_folder(&self) -> Option<PathBuf> {
        let folder = if cfg!(windows) {
            self.absolute("LOCALAPPDATA")
        } else {
            self.absolute("XDG_STATE_HOME")
                .or_else(|| Some(self.home()?.join(".local").join("state")))
        };
        Some(folder?.join("code-mode"))
    }

    /// The person's own configuration file, whether it is there or not.
    pub fn user_file(&self) -> Option<PathBuf> {
        Some(self.configuration_folder()?.join("mcp.json"))
    }

    /// A folder named by a variable. The XDG specification says that relative ones are to be ignored.
    pub(crate) fn absolute(&self, name: &str) -> Option<PathBuf> {
        self.variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    }

    /// A path as seen from the working directory.
    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

/// Names alone: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("folder", &self.folder)
            .field("variables", &self.variables.keys())
            .finish()
    }
}
