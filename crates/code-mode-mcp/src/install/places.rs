//! Where clients keep their servers, and what our entry is there.
//!
//! Sources: code.claude.com/docs/en/mcp ("MCP installation scopes"), cursor.com/docs/mcp
//! ("Configuration locations"), code.visualstudio.com/docs/copilot/reference/mcp-configuration and
//! /docs/configure/settings ("Settings file locations"), developers.openai.com/codex/mcp.

use std::path::{Path, PathBuf};

use crate::config::{Environment, Holder};

use super::{Client, InstallError, Scope};

/// How long a client may wait for our tools, in seconds: the longest wait that `wait` has.
pub(super) const LONGEST_WAIT: u32 = 3600;

impl Client {
    /// The file that a client keeps its servers in, whether it is there or not.
    ///
    /// Fails if the environment does not say where the person's folders are.
    pub fn file(self, scope: Scope, environment: &Environment) -> Result<PathBuf, InstallError> {
        let here = environment.folder();
        let no_place = |variable| InstallError::NoPlace {
            client: self,
            variable,
        };
        let home = || environment.home().ok_or_else(|| no_place("HOME"));
        Ok(match (self, scope) {
            (Self::Claude, Scope::Project) => here.join(".mcp.json"),
            (Self::Claude, Scope::User) => match environment.absolute("CLAUDE_CONFIG_DIR") {
                Some(folder) => folder.join(".claude.json"),
                None => home()?.join(".claude.json"),
            },
            (Self::Cursor, Scope::Project) => here.join(".cursor").join("mcp.json"),
            (Self::Cursor, Scope::User) => home()?.join(".cursor").join("mcp.json"),
            (Self::VsCode, Scope::Project) => here.join(".vscode").join("mcp.json"),
            (Self::VsCode, Scope::User) => {
                let folder = if cfg!(windows) {
                    let folder = environment.absolute("APPDATA");
                    folder.ok_or_else(|| no_place("APPDATA"))?
                } else if cfg!(target_os = "macos") {
                    home()?.join("Library").join("Application Support")
                } else {
                    match environment.absolute("XDG_CONFIG_HOME") {
                        Some(folder) => folder,
                        None => home()?.join(".config"),
                    }
                };
                folder.join("Code").join("User").join("mcp.json")
            }
            (Self::Codex, Scope::Project) => here.join(".codex").join("config.toml"),
            (Self::Codex, Scope::User) => match environment.absolute("CODEX_HOME") {
                Some(folder) => folder.join("config.toml"),
                None => home()?.join(".codex").join("config.toml"),
            },
        })
    }

    /// The key that holds the servers.
    pub(super) fn holder(self) -> Holder {
        match self {
            Self::Claude | Self::Cursor => Holder::McpServers,
            Self::VsCode => Holder::Servers,
            Self::Codex => Holder::Codex,
        }
    }

    /// The key that says how long the client waits for a tool, and its value in the client's unit.
    /// Cursor and VS Code document none.
    pub(super) fn timeout(self) -> Option<(&'static str, u32)> {
        match self {
            Self::Claude => Some(("timeout", LONGEST_WAIT * 1000)),
            Self::Codex => Some(("tool_timeout_sec", LONGEST_WAIT)),
            Self::Cursor | Self::VsCode => None,
        }
    }

    /// Whether a server that the client starts has all of the client's variables. Codex passes on only
    /// the usual ones, and those that the entry's `env_vars` names.
    pub(super) fn passes_variables(self) -> bool {
        self != Self::Codex
    }

    /// How the client's file names a file of the person: in a project's file, which others have too,
    /// by the home folder of whoever reads it.
    pub(super) fn written(self, file: &Path, scope: Scope, environment: &Environment) -> String {
        let whole = file.display().to_string();
        let home = match (scope, self) {
            (Scope::User, _) | (_, Self::Codex) => return whole,
            (Scope::Project, Self::Claude) => "${HOME}",
            (Scope::Project, Self::Cursor | Self::VsCode) => "${userHome}",
        };
        let inside = environment
            .home()
            .and_then(|home| Some(file.strip_prefix(home).ok()?.to_owned()));
        match inside {
            Some(inside) => format!("{home}/{}", inside.display()),
            None => whole,
        }
    }
}
