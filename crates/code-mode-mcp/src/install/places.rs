//! Where clients keep their servers, and what our entry is there.
//!
//! Sources: code.claude.com/docs/en/mcp ("MCP installation scopes"), cursor.com/docs/mcp
//! ("Configuration locations"), code.visualstudio.com/docs/copilot/reference/mcp-configuration and
//! /docs/configure/settings ("Settings file locations"), developers.openai.com/codex/mcp.

use std::path::{Path, PathBuf};

use crate::config::{Environment, Holder};

use super::{Client, InstallError, Scope};

/// How long a client may wait for our tools, in seconds: the longest wait that `wait` has.
const LONGEST_WAIT: u32 = 3600;

/// How long Codex may wait for servers before it asks the model, in milliseconds. More than the gateway
/// takes before it lists its tools.
const LONGEST_START_MS: u32 = 5000;

/// Codex's key for it.
pub(super) const STARTUP_GRACE: &str = "mcp_optional_startup_grace_ms";

/// The value of a key that we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    Number(u32),
    /// `true`.
    Yes,
}

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

    /// What our entry says to the client beside the command. For how long the client waits for a tool,
    /// in its own unit: as long as `wait` takes. And for Claude Code that it is to offer our tools to
    /// the model at once: else `claude -p` asks the model without the tools of a server that takes
    /// longer than a moment to start, as one does that has other servers to wait for, and the
    /// description of `exec` is hidden behind a search for tools. Cursor and VS Code document neither.
    pub(super) fn settings(self) -> &'static [(&'static str, Setting)] {
        match self {
            Self::Claude => &[
                ("timeout", Setting::Number(LONGEST_WAIT * 1000)),
                ("alwaysLoad", Setting::Yes),
            ],
            Self::Codex => &[("tool_timeout_sec", Setting::Number(LONGEST_WAIT))],
            Self::Cursor | Self::VsCode => &[],
        }
    }

    /// What the client's file says of all servers, so that ours is waited for.
    ///
    /// Since 0.147 Codex asks the model without the tools of a server that has not listed them after a
    /// second. `required` in our entry would help too, but then Codex would not start at all where the
    /// gateway does not, as in a folder without any configuration for it.
    pub(super) fn common_settings(self) -> &'static [(&'static str, Setting)] {
        match self {
            Self::Codex => &[(STARTUP_GRACE, Setting::Number(LONGEST_START_MS))],
            Self::Claude | Self::Cursor | Self::VsCode => &[],
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
