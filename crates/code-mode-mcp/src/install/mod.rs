//! Writes the gateway into the configuration of an MCP client, and moves the servers found there
//! behind it.
//!
//! The way of an installation: `places` says where the client keeps its servers; `json` and
//! `toml` change a text so that all else in it stays as it is; [`Installation::plan`] puts the changes
//! together and writes nothing; [`Plan::apply`] writes them, each file in one step. `diff` shows a
//! change without the secrets in it.

mod diff;
mod json;
mod places;
mod plan;
mod toml;
mod write;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

pub use plan::{Change, Plan, Written};

/// A client whose configuration we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Client {
    /// Claude Code.
    Claude,
    /// Cursor.
    Cursor,
    /// Visual Studio Code.
    VsCode,
    /// Codex.
    Codex,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Claude, Self::Cursor, Self::VsCode, Self::Codex];

    /// The name it goes by on our command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Cursor => "cursor",
            Self::VsCode => "vscode",
            Self::Codex => "codex",
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Claude => "Claude Code",
            Self::Cursor => "Cursor",
            Self::VsCode => "VS Code",
            Self::Codex => "Codex",
        })
    }
}

/// A name that is no client's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no client we know; take claude, cursor, vscode or codex")]
pub struct UnknownClient(String);

impl FromStr for Client {
    type Err = UnknownClient;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|client| client.name() == text)
            .ok_or_else(|| UnknownClient(text.to_owned()))
    }
}

/// Whose configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// The person's own, for all projects.
    #[default]
    User,
    /// That of the project one stands in.
    Project,
}

/// What happens to the servers that the client has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Servers {
    /// They stay where they are.
    #[default]
    Stay,
    /// They are moved into our own configuration, so that only code-mode is left.
    Move,
}

/// What is to be installed where.
///
/// ```
/// use code_mode_mcp::config::Environment;
/// use code_mode_mcp::install::{Client, Installation};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path();
/// let environment = Environment::new(folder, [("HOME", folder.to_str().unwrap())]);
/// let plan = Installation::new(Client::Cursor).plan(&environment)?;
/// println!("{}", plan.changes[0].diff());
/// plan.apply()?;
/// assert!(folder.join(".cursor/mcp.json").is_file());
///
/// assert!(Installation::new(Client::Cursor).plan(&environment)?.changes.is_empty());
/// # Ok::<(), code_mode_mcp::install::InstallError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Installation {
    client: Client,
    scope: Scope,
    servers: Servers,
    name: Option<String>,
    command: Option<String>,
    default_command: String,
}

impl Installation {
    /// An installation for the person, of `code-mode` on the `PATH`, that moves nothing.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            scope: Scope::default(),
            servers: Servers::default(),
            name: None,
            command: None,
            default_command: "code-mode".to_owned(),
        }
    }

    /// Whose configuration is changed.
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// What happens to the servers found there.
    pub fn servers(mut self, servers: Servers) -> Self {
        self.servers = servers;
        self
    }

    /// The name of our entry. Default: that of an entry of ours that is there, else `code-mode`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The command of our entry, new or not.
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    /// The command of a new entry of ours if none was asked for; one that is there keeps its own.
    pub fn default_command(mut self, command: impl Into<String>) -> Self {
        self.default_command = command.into();
        self
    }
}

/// Why nothing was installed. No file is half written, and none is lost.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The environment does not say where the client keeps its configuration.
    #[error("nobody knows where {client} keeps its configuration: {variable} is not set; set it")]
    NoPlace {
        /// The client.
        client: Client,
        /// The variable that would say it.
        variable: &'static str,
    },
    /// The file, or one that it is a link to, cannot be read.
    #[error("{} cannot be read: {source}; nothing was changed", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what its client writes.
    #[error(
        "{}:{line}:{column}: {message}; nothing was changed: repair the file, then try again",
        file.display()
    )]
    Broken {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// Something else has the name of our entry.
    #[error(
        "{} has a server {name:?} that is not code-mode; nothing was changed: choose another name \
         with --name",
        file.display()
    )]
    NameTaken {
        /// The file.
        file: PathBuf,
        /// The name.
        name: String,
    },
    /// A server to be moved has the name of another one in our configuration.
    #[error(
        "{} has another {what} {name:?}; nothing was changed: rename one of the two, then try again",
        file.display()
    )]
    Clash {
        /// Our configuration.
        file: PathBuf,
        /// A server, or an input.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The file was changed between plan and writing.
    #[error("{} was changed meanwhile; nothing more was written: try again", file.display())]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// The file or its backup cannot be written.
    #[error("{} cannot be written: {source}; it is as it was before", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
