//! Which servers there are, and what scripts may do with them.
//!
//! [`Configuration::load`] reads the files that MCP clients already have: the `mcpServers` JSON of
//! Claude Code, Claude Desktop, Cursor and Windsurf, the `servers` JSON of VS Code, and the
//! `mcp_servers` TOML of Codex, with comments, trailing commas and `${VAR}` in all of them.
//!
//! The way of a file: `syntax` makes a tree of it, `file` finds its servers in the tree, `entry`
//! reads each, with `keys` to say what becomes of each key and `variables` to fill in `${…}`;
//! `rules` reads our own extension. Nothing here starts anything or changes a file.

mod entry;
mod env_file;
mod environment;
mod file;
mod finding;
mod keys;
mod load;
pub(crate) mod moving;
mod redact;
mod rules;
pub(crate) mod syntax;
mod variables;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::policy::{Policy, ToolPattern};

pub use environment::Environment;
pub(crate) use file::{Holder, is_gateway, project_of};
pub use finding::{Finding, Severity};
pub use load::{ConfigError, Loaded};
pub use redact::Redactor;

/// All that configuration files said, with variables expanded.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Configuration {
    /// The files that were read, in order.
    pub files: Vec<PathBuf>,
    /// The servers that are to be connected, each name once, in the order of the files.
    pub servers: Vec<ServerConfig>,
    /// What scripts may call.
    pub policy: Policy,
    /// Tools that clients are also offered directly, beside `exec` and `wait`.
    pub exposed: Vec<ToolPattern>,
}

impl Configuration {
    /// Takes the secrets of all servers out of texts.
    pub fn redactor(&self) -> Redactor {
        Redactor::new(&self.servers)
    }
}

/// One server, as configured.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The name it is configured under.
    pub name: String,
    /// How it is reached.
    pub transport: Transport,
    /// How long it may take until its tools are known. Default 30 s.
    pub startup_timeout: Duration,
    /// How long one call may take. Default: as long as it takes.
    pub tool_timeout: Option<Duration>,
    /// Values that came from variables into the arguments or the URL: as secret as those of `env` and
    /// `headers`.
    pub secrets: Vec<Secret>,
    /// The file it is configured in and the line, from 1; nothing if it is from no file.
    pub place: Option<(PathBuf, usize)>,
}

impl ServerConfig {
    /// A server with default times.
    pub fn new(name: impl Into<String>, transport: Transport) -> Self {
        Self {
            name: name.into(),
            transport,
            startup_timeout: Duration::from_secs(30),
            tool_timeout: None,
            secrets: Vec::new(),
            place: None,
        }
    }

    /// A text with the secrets of this server taken out: `…` stands for each.
    ///
    /// Secrets are the values of `env` and `headers` (of the latter also what follows a scheme such
    /// as `Bearer`), what variables put into arguments and the URL, and all of the URL but its
    /// origin; each also percent-encoded, and escaped as in JSON. A value under 4 bytes, `true` and
    /// `false` are none: they would blank half a text.
    ///
    /// ```
    /// use code_mode_mcp::config::{Secret, ServerConfig, Transport};
    ///
    /// let server = ServerConfig::new("api", Transport::Http {
    ///     url: "https://example.com/mcp".to_owned(),
    ///     headers: [("Authorization".to_owned(), Secret::new("Bearer s3cr3t"))].into(),
    /// });
    /// assert_eq!(server.redact("refused: s3cr3t"), "refused: …");
    /// ```
    pub fn redact(&self, text: &str) -> String {
        Redactor::new([self]).redact(text)
    }
}

/// The name, and how the server is reached, without secrets.
impl fmt::Display for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}",
            self.name,
            self.redact(&self.transport.to_string())
        )
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig")
            .field("name", &self.name)
            .field("transport", &self.redact(&self.transport.to_string()))
            .field("startup_timeout", &self.startup_timeout)
            .field("tool_timeout", &self.tool_timeout)
            .finish_non_exhaustive()
    }
}

/// How a server is reached.
#[derive(Clone)]
#[non_exhaustive]
pub enum Transport {
    /// A child process that speaks on its standard input and output.
    Stdio {
        /// The program: a name that is looked for on the `PATH`, or a path that is absolute.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Variables added to our environment.
        env: BTreeMap<String, Secret>,
        /// Its working directory. Default: the project whose file the server is configured in; of
        /// any other file, the folder we stand in, and nothing is said here.
        cwd: Option<PathBuf>,
    },
    /// Streamable HTTP.
    Http {
        /// The endpoint.
        url: String,
        /// Sent with every request.
        headers: BTreeMap<String, Secret>,
    },
}

/// Without what is known to be secret: arguments are counted, variables and headers named, and of a URL only
/// scheme, host and port are shown.
impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |f: &mut fmt::Formatter<'_>, what: &str, names: &BTreeMap<String, Secret>| {
            let listed: Vec<&str> = names.keys().map(String::as_str).collect();
            match listed.is_empty() {
                true => Ok(()),
                false => write!(f, ", {what} {}", listed.join(" ")),
            }
        };
        match self {
            Self::Stdio {
                command,
                args,
                env,
                cwd,
            } => {
                // What follows a blank may be an argument that was put in the wrong place.
                let program = command.split(' ').next().unwrap_or(command);
                write!(f, "stdio: {program}")?;
                match args.len() {
                    0 => {}
                    1 => write!(f, " with 1 argument")?,
                    count => write!(f, " with {count} arguments")?,
                }
                names(f, "env", env)?;
                match cwd {
                    Some(cwd) => write!(f, ", in {}", cwd.display()),
                    None => Ok(()),
                }
            }
            Self::Http { url, headers } => {
                let origin = reqwest::Url::parse(url).map(|url| url.origin().ascii_serialization());
                write!(f, "http: {}", origin.as_deref().unwrap_or("no URL"))?;
                names(f, "headers", headers)
            }
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A value that may be secret: it is in no log, error or debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
