//! `${…}` in the texts of a configuration.
//!
//! `${VAR}` and `${VAR:-default}` are Claude Code's, `${env:VAR}`, `${workspaceFolder}`,
//! `${workspaceFolderBasename}`, `${userHome}`, `${pathSeparator}` and `${/}` Cursor's and VS Code's,
//! `${input:ID}` VS Code's. All are read in all files. What else stands in `${…}` is left as it is:
//! it is meant for a shell, or for nobody.
//!
//! Sources: code.claude.com/docs/en/mcp ("Environment variable expansion"), cursor.com/docs/mcp
//! ("Config interpolation"), code.visualstudio.com/docs/reference/variables-reference.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Secret;
use super::environment::Environment;

/// What `${…}` stands for in one file.
pub(super) struct Scope<'e> {
    pub environment: &'e Environment,
    /// `${workspaceFolder}`.
    pub workspace: PathBuf,
    /// The project that the file belongs to, if it is a project's: where its servers start.
    pub project: Option<PathBuf>,
    /// The inputs that the file defines, and the default of each.
    pub inputs: BTreeMap<String, Option<String>>,
}

/// A text with everything filled in.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    pub text: String,
    /// The values that came from variables and inputs.
    pub secrets: Vec<Secret>,
}

/// A `${…}` that cannot be filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A variable that is not set and has no default.
    Unset(String),
    /// An input that nobody can be asked for, and its variable.
    Input { id: String, variable: String },
    /// A form that only an editor knows.
    Editor(String),
}

impl Fault {
    pub(super) fn message(&self) -> String {
        match self {
            Self::Unset(name) => format!("the variable {name} is not set"),
            Self::Input { id, .. } => {
                format!("the input {id:?} has no value: nobody can be asked for it here")
            }
            Self::Editor(form) => format!("${{{form}}} is known only inside an editor"),
        }
    }

    pub(super) fn todo(&self) -> String {
        match self {
            Self::Unset(name) => {
                format!("set {name} before the start, or give a default: ${{{name}:-…}}")
            }
            Self::Input { variable, .. } => format!(
                "set the variable {variable}, or write ${{NAME}} for a variable of yours instead"
            ),
            Self::Editor(_) => "write the value itself, or ${NAME} for a variable".to_owned(),
        }
    }
}

/// Variables that hold no secret, so that texts with their values stay readable.
const PUBLIC: [&str; 13] = [
    "APPDATA",
    "HOME",
    "LANG",
    "LOCALAPPDATA",
    "LOGNAME",
    "PATH",
    "PWD",
    "SHELL",
    "TEMP",
    "TMP",
    "TMPDIR",
    "USER",
    "USERPROFILE",
];

pub(super) fn is_public(name: &str) -> bool {
    PUBLIC.contains(&name) || name.starts_with("XDG_")
}

/// Names that stand for something else than a variable.
pub(super) fn is_editors(name: &str) -> bool {
    matches!(
        name,
        "workspaceFolder"
            | "workspaceRoot"
            | "workspaceFolderBasename"
            | "userHome"
            | "pathSeparator"
    )
}

impl<'e> Scope<'e> {
    pub(super) fn of(
        file: &Path,
        environment: &'e Environment,
        inputs: BTreeMap<String, Option<String>>,
    ) -> Self {
        let project = super::project_of(file, environment);
        Self {
            environment,
            workspace: project
                .clone()
                .unwrap_or_else(|| environment.folder().to_owned()),
            project,
            inputs,
        }
    }

    /// Fills in a text, or says all that is missing.
    pub(super) fn expand(&self, text: &str) -> Result<Expanded, Vec<Fault>> {
        let mut expanded = Expanded::default();
        let mut faults = Vec::new();
        let mut rest = text;
        while let Some((before, from)) = rest.split_once("${") {
            expanded.text.push_str(before);
            let Some((form, after)) = from.split_once('}') else {
                rest = &rest[before.len()..];
                break;
            };
            match self.value(form) {
                Ok(Some(Filled { value, secret })) => {
                    if secret {
                        expanded.secrets.push(Secret::new(value.clone()));
                    }
                    expanded.text.push_str(&value);
                }
                Ok(None) => {
                    expanded.text.push_str("${");
                    expanded.text.push_str(form);
                    expanded.text.push('}');
                }
                Err(fault) => faults.push(fault),
            }
            rest = after;
        }
        expanded.text.push_str(rest);
        if faults.is_empty() {
            Ok(expanded)
        } else {
            Err(faults)
        }
    }

    fn value(&self, form: &str) -> Result<Option<Filled>, Fault> {
        let open = |value: String| Ok(Some(Filled::open(value)));
        match form {
            "workspaceFolder" | "workspaceRoot" => {
                return open(self.workspace.display().to_string());
            }
            "workspaceFolderBasename" => {
                let name = self.workspace.file_name().unwrap_or_default();
                return open(name.to_string_lossy().into_owned());
            }
            "userHome" => {
                let home = self.environment.home();
                return match home {
                    Some(home) => open(home.display().to_string()),
                    None => Err(Fault::Unset("HOME".to_owned())),
                };
            }
            "pathSeparator" | "/" => return open(std::path::MAIN_SEPARATOR.to_string()),
            _ => {}
        }
        if let Some(id) = form.strip_prefix("input:") {
            return self.input(id).map(Some);
        }
        if form.starts_with("command:") || form.starts_with("config:") {
            return Err(Fault::Editor(form.to_owned()));
        }
        let variable = form.strip_prefix("env:").unwrap_or(form);
        let (name, default) = match variable.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (variable, None),
        };
        if !is_name(name) {
            return Ok(None);
        }
        match (self.environment.variable(name), default) {
            // As in a shell, `:-` takes the default for an empty variable too.
            (Some(""), Some(default)) | (None, Some(default)) => open(default.to_owned()),
            (Some(value), _) => Ok(Some(Filled {
                value: value.to_owned(),
                secret: !is_public(name),
            })),
            (None, None) => Err(Fault::Unset(name.to_owned())),
        }
    }

    fn input(&self, id: &str) -> Result<Filled, Fault> {
        let variable = input_variable(id);
        let given = self.environment.variable(&variable).map(str::to_owned);
        match given {
            Some(value) => Ok(Filled {
                value,
                secret: true,
            }),
            None => match self.inputs.get(id) {
                Some(Some(default)) => Ok(Filled::open(default.clone())),
                _ => Err(Fault::Input {
                    id: id.to_owned(),
                    variable,
                }),
            },
        }
    }
}

/// What a `${…}` became.
struct Filled {
    value: String,
    secret: bool,
}

impl Filled {
    /// A value that the file itself says, or that is none's secret.
    fn open(value: String) -> Self {
        Self {
            value,
            secret: false,
        }
    }
}

/// The variable that answers for an input: `api-key` is `CODE_MODE_INPUT_API_KEY`.
pub(super) fn input_variable(id: &str) -> String {
    let letters = id.chars().map(|c| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => c.to_ascii_uppercase(),
        _ => '_',
    });
    format!("CODE_MODE_INPUT_{}", letters.collect::<String>())
}

pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
