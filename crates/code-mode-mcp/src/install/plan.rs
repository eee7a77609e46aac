//! From an installation to the texts that files will have.

use std::path::{Path, PathBuf};

use crate::config::moving::{self, Survey};
use crate::config::syntax::SyntaxError;
use crate::config::{Environment, Finding, Severity, is_gateway};

use super::json::JsonText;
use super::places::Setting;
use super::toml::TomlText;
use super::{Client, InstallError, Installation, Servers, diff, write};

/// What an installation would do. Nothing is written before [`apply`](Self::apply).
#[derive(Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The name of our entry.
    pub name: String,
    /// The client's file.
    pub file: PathBuf,
    /// What will be written, in this order: our own configuration first, so that a server is for a
    /// moment in both files rather than in none. Empty if all is as it should be.
    pub changes: Vec<Change>,
    /// The servers that are moved.
    pub moved: Vec<String>,
    /// Servers that stay although they were to be moved, and why: behind us they would not work as
    /// they do.
    pub staying: Vec<(String, String)>,
}

/// A new text for a file.
pub struct Change {
    /// The file.
    pub file: PathBuf,
    before: Option<String>,
    after: String,
    privacy: Privacy,
}

/// Without the texts: they may have secrets in them.
impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Change").field("file", &self.file).finish()
    }
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Privacy {
    /// Whoever could before.
    AsItIs,
    /// Its owner.
    OwnerOnly,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The file.
    pub file: PathBuf,
    /// Its former text, if it was there.
    pub backup: Option<PathBuf>,
}

impl Change {
    /// The change as a unified difference. Values that may be secret, and comments, are `…` in it.
    pub fn diff(&self) -> String {
        let before = self.before.as_deref().unwrap_or_default();
        diff::unified(&self.file, before, &self.after)
    }

    /// Whether the file is new.
    pub fn is_new(&self) -> bool {
        self.before.is_none()
    }
}

impl Plan {
    /// Writes all changes, each file in one step and with a backup beside it, `NAME.bak-N`.
    ///
    /// Blocking. If a file cannot be written, those before it in [`changes`](Self::changes) have
    /// been, and it and the others are as they were.
    pub fn apply(&self) -> Result<Vec<Written>, InstallError> {
        // All of them first: whoever has changed one file may have changed another.
        for change in &self.changes {
            if read(&change.file)? != change.before {
                return Err(InstallError::Changed {
                    file: change.file.clone(),
                });
            }
        }
        self.changes
            .iter()
            .map(|change| {
                let before = change.before.as_deref();
                let written = write::replace(&change.file, before, &change.after, change.privacy);
                let backup = written.map_err(|source| InstallError::Write {
                    file: change.file.clone(),
                    source,
                })?;
                Ok(Written {
                    file: change.file.clone(),
                    backup,
                })
            })
            .collect()
    }
}

/// Our entry as it will be.
pub(super) struct Gateway<'i> {
    pub name: String,
    /// The command, if the entry is new or has to have another one.
    pub command: Option<&'i str>,
    pub default_command: &'i str,
    /// The configuration to be named in the arguments, if one is.
    pub config: Option<String>,
    /// Keys that it has to have, with the values they get if they are not there.
    pub settings: &'static [(&'static str, Setting)],
    /// The same for the file.
    pub common_settings: &'static [(&'static str, Setting)],
    /// The variables that the client is to pass on, if it passes on none by itself.
    pub variables: Vec<String>,
}

/// An entry that is there.
pub(super) struct Present {
    pub name: String,
    pub gateway: bool,
}

impl Present {
    pub(super) fn new(name: String, command: Option<&str>, args: &[String]) -> Self {
        let gateway =
            command.is_some_and(|command| is_gateway(command, args.iter().map(String::as_str)));
        Self { name, gateway }
    }
}

impl Installation {
    /// Says what will be changed. Reads the files, and writes none.
    pub fn plan(&self, environment: &Environment) -> Result<Plan, InstallError> {
        let file = self.client.file(self.scope, environment)?;
        let before = read(&file)?;
        let text = before.clone().unwrap_or_default();
        let broken = |error: SyntaxError| broken(&file, &text, error.at, error.message);

        let mut client = ClientText::parse(self.client, &file, &text)?;
        let present = client.present();
        let name = self.entry_name(&file, &present)?;

        let survey = match self.servers {
            Servers::Stay => Survey::default(),
            Servers::Move => {
                moving::survey(&file, &text, self.client.holder(), environment).map_err(broken)?
            }
        };
        let user_file = || {
            environment.user_file().ok_or(InstallError::NoPlace {
                client: self.client,
                variable: "HOME",
            })
        };
        let mut changes = Vec::new();
        let mut config = None;
        if self.servers == Servers::Move {
            let ours = user_file()?;
            config = Some(self.client.written(&ours, self.scope, environment));
            if !survey.movable.is_empty() {
                changes.extend(moved_into(&ours, &text, &survey)?);
            }
        }
        let mut variables = Vec::new();
        if !self.client.passes_variables() {
            let ours = user_file()?;
            variables = match changes.first() {
                Some(Change { after, .. }) => moving::variables(&ours, after),
                None => moving::variables(&ours, &read(&ours)?.unwrap_or_default()),
            };
        }
        for server in &survey.movable {
            client.remove(&server.name);
        }
        client.set_gateway(&Gateway {
            name: name.clone(),
            command: self.command.as_deref(),
            default_command: &self.default_command,
            config,
            settings: self.client.settings(),
            common_settings: self.client.common_settings(),
            variables,
        });
        let after = client.into_text();
        if Some(&after) != before.as_ref() {
            changes.push(Change {
                file: file.clone(),
                before,
                after,
                privacy: Privacy::AsItIs,
            });
        }
        Ok(Plan {
            name,
            file,
            changes,
            moved: survey
                .movable
                .into_iter()
                .map(|server| server.name)
                .collect(),
            staying: survey.staying,
        })
    }

    fn entry_name(&self, file: &Path, present: &[Present]) -> Result<String, InstallError> {
        let ours = present.iter().find(|entry| entry.gateway);
        let name = match (&self.name, ours) {
            (Some(name), _) => name.clone(),
            (None, Some(ours)) => ours.name.clone(),
            (None, None) => "code-mode".to_owned(),
        };
        let taken = present
            .iter()
            .any(|entry| entry.name == name && !entry.gateway);
        match taken {
            true => Err(InstallError::NameTaken {
                file: file.to_owned(),
                name,
            }),
            false => Ok(name),
        }
    }
}

/// The client's file, in whichever syntax.
enum ClientText {
    Json(JsonText),
    Toml(Box<TomlText>),
}

impl ClientText {
    fn parse(client: Client, file: &Path, text: &str) -> Result<Self, InstallError> {
        Ok(match client {
            Client::Codex => Self::Toml(Box::new(TomlText::parse(file, text)?)),
            _ => Self::Json(JsonText::parse(file, text, client.holder())?),
        })
    }

    fn present(&self) -> Vec<Present> {
        match self {
            Self::Json(json) => json.present(),
            Self::Toml(toml) => toml.present(),
        }
    }

    fn remove(&mut self, name: &str) {
        match self {
            Self::Json(json) => json.remove(name),
            Self::Toml(toml) => toml.remove(name),
        }
    }

    fn set_gateway(&mut self, gateway: &Gateway<'_>) {
        match self {
            Self::Json(json) => json.set_gateway(gateway),
            Self::Toml(toml) => toml.set_gateway(gateway),
        }
    }

    fn into_text(self) -> String {
        match self {
            Self::Json(json) => json.into_text(),
            Self::Toml(toml) => toml.into_text(),
        }
    }
}

/// Our own configuration with the servers in it; nothing if it has them all.
fn moved_into(
    file: &Path,
    client_text: &str,
    survey: &Survey,
) -> Result<Option<Change>, InstallError> {
    let before = read(file)?;
    let text = before.clone().unwrap_or_default();
    let after = super::json::with_servers(file, &text, client_text, survey)?;
    Ok((Some(&after) != before.as_ref()).then(|| Change {
        file: file.to_owned(),
        before,
        after,
        privacy: Privacy::OwnerOnly,
    }))
}

/// The text of a file, if it is there.
fn read(file: &Path) -> Result<Option<String>, InstallError> {
    let error = |source| InstallError::Read {
        file: file.to_owned(),
        source,
    };
    match std::fs::read(file) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(broken(file, "", 0, "the file is not UTF-8".to_owned())),
        },
        // A link to nowhere is not "no file": writing would put a file in its place.
        Err(source) if source.kind() == std::io::ErrorKind::NotFound && !file.is_symlink() => {
            Ok(None)
        }
        Err(source) => Err(error(source)),
    }
}

pub(super) fn broken(file: &Path, text: &str, at: usize, message: String) -> InstallError {
    let finding = Finding::at(Severity::Error, file, text, at, message);
    InstallError::Broken {
        file: finding.file,
        line: finding.line,
        column: finding.column,
        message: finding.message,
    }
}
