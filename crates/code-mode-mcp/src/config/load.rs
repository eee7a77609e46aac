//! Reads all files and puts them together.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::policy::{Policy, Rule};

use super::entry::{self, Read as EntryRead};
use super::environment::Environment;
use super::finding::{Finding, Report, Severity};
use super::keys::nearest;
use super::rules::{self, Of};
use super::syntax::{self, Syntax};
use super::variables::Scope;
use super::{Configuration, file};

/// The largest file that is read, in bytes: 1 MiB.
const LARGEST: u64 = 1 << 20;

/// A configuration, and what is to be said about its files.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Loaded {
    /// What could be made of the files.
    pub configuration: Configuration,
    /// What is wrong with them, in the order of the files and their lines.
    pub findings: Vec<Finding>,
}

impl Loaded {
    /// Whether something that was asked for does not work.
    pub fn has_errors(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }
}

/// Nothing was read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No file was named, and none is where one is looked for.
    #[error(
        "no configuration was found; looked for {}; write one of these, or name a file with --config",
        list(looked_at)
    )]
    NotFound {
        /// The places, in order.
        looked_at: Vec<PathBuf>,
    },
    /// Files were named, and none could be read; or that is so of the one that was found.
    #[error("no configuration could be read:{}", lines(findings))]
    Unreadable {
        /// Why not, for each file.
        findings: Vec<Finding>,
    },
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(", ")
}

fn lines(findings: &[Finding]) -> String {
    findings.iter().fold(String::new(), |mut text, finding| {
        let _ = write!(text, "\n{finding}");
        text
    })
}

impl Configuration {
    /// Where a configuration is looked for if no file is named: `./.mcp.json`, `./.vscode/mcp.json`,
    /// and the person's own file. The first that is there is read.
    pub fn places(environment: &Environment) -> Vec<PathBuf> {
        let here = environment.folder();
        let mut places = vec![
            here.join(".mcp.json"),
            here.join(".vscode").join("mcp.json"),
        ];
        places.extend(environment.user_file());
        places
    }

    /// Reads these files, in order; without any, the first of [`places`](Self::places).
    ///
    /// What is wrong inside a file is a [`Finding`] and spoils only the server it is about: the others
    /// are in the configuration. A name that was given before, in the same file or an earlier one, is
    /// left out. Our own gateway is left out wherever it is configured; a file with nothing else in
    /// it does not end the search, so that a client that has only code-mode in its file is served
    /// from the next one.
    ///
    /// Reads files, blocking; nothing is started and nothing changed.
    ///
    /// ```
    /// use code_mode_mcp::config::{Configuration, Environment};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let folder = folder.path();
    /// std::fs::write(
    ///     folder.join(".mcp.json"),
    ///     r#"{ "mcpServers": { "time": { "command": "sh", "args": ["-c", "${SERVER}"] } } }"#,
    /// )?;
    /// let environment = Environment::new(folder, [("SERVER", "mcp-server-time"), ("PATH", "/bin")]);
    /// let loaded = Configuration::load(&[], &environment)?;
    /// assert_eq!(loaded.configuration.servers[0].name, "time");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load(files: &[PathBuf], environment: &Environment) -> Result<Loaded, ConfigError> {
        let mut reading = Reading::new(environment);
        if files.is_empty() {
            reading.search()?;
        } else {
            reading.files(files)?;
        }
        Ok(reading.finish())
    }
}

/// What was read so far.
struct Reading<'e> {
    environment: &'e Environment,
    configuration: Configuration,
    findings: Vec<Finding>,
    /// Rules of servers come before those of files.
    server_rules: Vec<Rule>,
    file_rules: Vec<Rule>,
    /// Every name that was given, with where, whether its server is connected or not.
    names: Vec<(String, String)>,
    /// Patterns of files that name a server: its name, and the finding to be made if there is none.
    named: Vec<(String, Finding)>,
}

/// What a file turned out to be.
enum Outcome {
    /// It was read, well or not.
    Read,
    /// It was read, and configures nothing but our own gateway.
    OnlyGateway,
    /// It could not be read.
    Unreadable,
}

impl<'e> Reading<'e> {
    fn new(environment: &'e Environment) -> Self {
        Self {
            environment,
            configuration: Configuration::default(),
            findings: Vec::new(),
            server_rules: Vec::new(),
            file_rules: Vec::new(),
            names: Vec::new(),
            named: Vec::new(),
        }
    }

    fn files(&mut self, files: &[PathBuf]) -> Result<(), ConfigError> {
        let mut read = false;
        for file in files {
            read |= !matches!(self.file(file), Outcome::Unreadable);
        }
        match read {
            true => Ok(()),
            false => Err(ConfigError::Unreadable {
                findings: std::mem::take(&mut self.findings),
            }),
        }
    }

    fn search(&mut self) -> Result<(), ConfigError> {
        let looked_at = Configuration::places(self.environment);
        let mut found = false;
        for place in looked_at.iter().filter(|place| place.is_file()) {
            found = true;
            match self.file(place) {
                Outcome::OnlyGateway => {}
                Outcome::Read => break,
                Outcome::Unreadable => {
                    return Err(ConfigError::Unreadable {
                        findings: std::mem::take(&mut self.findings),
                    });
                }
            }
        }
        match found {
            true => Ok(()),
            false => Err(ConfigError::NotFound { looked_at }),
        }
    }

    fn file(&mut self, path: &Path) -> Outcome {
        let text = match read(&self.environment.resolve(path)) {
            Ok(text) => text,
            Err(error) => {
                let mut report = Report::new(path, "");
                report.error(0, error.to_string(), error.todo());
                self.findings.extend(report.into_findings());
                return Outcome::Unreadable;
            }
        };
        self.configuration.files.push(path.to_owned());
        let mut report = Report::new(path, &text);
        let outcome = self.text(path, &text, &mut report);
        self.findings.extend(report.into_findings());
        outcome
    }

    fn text(&mut self, path: &Path, text: &str, report: &mut Report<'_>) -> Outcome {
        let syntax = Syntax::of(path, text);
        let root = match syntax::parse(text, syntax) {
            Ok(Some(root)) => root,
            Ok(None) => {
                report.error(
                    0,
                    "the file is empty",
                    "write { \"mcpServers\": { \"NAME\": { \"command\": \"…\", \"args\": [] } } }",
                );
                return Outcome::Read;
            }
            Err(error) => {
                report.error(error.at, error.message, error.todo);
                return Outcome::Read;
            }
        };
        let Some(parts) = file::parts(&root, syntax, report) else {
            return Outcome::Read;
        };
        let scope = Scope::of(path, self.environment, parts.inputs);
        let mut gateways = 0;
        for entry in &parts.servers {
            match entry::read(entry, &scope, report) {
                EntryRead::Gateway => {
                    gateways += 1;
                    report.note(
                        entry.key_at,
                        format!(
                            "{:?} is code-mode itself: it is left out, or it would start itself",
                            entry.key
                        ),
                        None,
                    );
                }
                EntryRead::LeftOut => {
                    self.is_new(&entry.key, entry.key_at, report);
                }
                EntryRead::Server(server, rules) => {
                    if self.is_new(&entry.key, entry.key_at, report) {
                        self.configuration.servers.push(*server);
                        self.server_rules.extend(rules);
                    }
                }
            }
        }
        if let Some(node) = parts.code_mode {
            self.extension(node, report);
        }
        match gateways > 0 && gateways == parts.servers.len() {
            true => Outcome::OnlyGateway,
            false => Outcome::Read,
        }
    }

    /// Whether a name is given for the first time; says so if not.
    fn is_new(&mut self, name: &str, at: usize, report: &mut Report<'_>) -> bool {
        let place = format!("{}:{}", report.file().display(), report.line(at));
        if let Some((_, before)) = self.names.iter().find(|(known, _)| known == name) {
            report.warning(
                at,
                format!("the name {name:?} is taken by {before}; this entry is left out"),
                "give one of the two another name",
            );
            return false;
        }
        let namespace = namespace(name);
        if let Some((other, before)) = self
            .names
            .iter()
            .find(|(known, _)| self::namespace(known) == namespace)
        {
            report.warning(
                at,
                format!(
                    "{name:?} and {other:?} ({before}) are the same namespace mcp__{namespace} in \
                     scripts; tools that they both have are numbered"
                ),
                "give one of the two another name",
            );
        }
        self.names.push((name.to_owned(), place));
        true
    }

    fn extension(&mut self, node: &syntax::Node, report: &mut Report<'_>) {
        let Some(entries) = node.map() else {
            report.error(
                node.at,
                format!("codeMode is {}; it must be an object", node.kind()),
                "write \"codeMode\": { \"policy\": [{ \"ask\": \"git/git_commit\" }] }",
            );
            return;
        };
        for entry in entries {
            match entry.key.as_str() {
                "policy" => {
                    for placed in rules::policy(&entry.node, Of::File, report) {
                        self.expect_server(&placed.pattern, placed.at, report);
                        self.file_rules.push(placed.rule);
                    }
                }
                "expose" => {
                    for (at, text, pattern) in rules::exposed(&entry.node, report) {
                        self.expect_server(&text, at, report);
                        self.configuration.exposed.push(pattern);
                    }
                }
                other => {
                    let todo = match nearest(other, ["policy", "expose"]) {
                        Some(near) => format!("did you mean {near}?"),
                        None => "codeMode has the keys policy and expose".to_owned(),
                    };
                    // Whoever misspells `policy` must not go without one unawares.
                    report.error(entry.key_at, format!("unknown key {other:?}"), todo);
                }
            }
        }
    }

    /// Remembers a pattern whose server is a plain name, to be looked up when all files are read.
    fn expect_server(&mut self, pattern: &str, at: usize, report: &Report<'_>) {
        let server = pattern.split('/').next().unwrap_or(pattern);
        if server.contains(['*', '?', '[', '{', '\\']) {
            return;
        }
        let message = format!("no server is called {server:?}");
        let finding = report.at(Severity::Warning, at, message);
        self.named.push((server.to_owned(), finding));
    }

    fn finish(mut self) -> Loaded {
        for (server, mut finding) in std::mem::take(&mut self.named) {
            let names = self.names.iter().map(|(name, _)| name.as_str());
            if names.clone().any(|name| name == server) {
                continue;
            }
            finding.suggestion = Some(match nearest(&server, names.clone()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("patterns are SERVER/TOOL; for a tool of any server: */{server}"),
            });
            self.findings.push(finding);
        }
        let order: Vec<PathBuf> = self.configuration.files.clone();
        let place = |finding: &Finding| order.iter().position(|file| *file == finding.file);
        // Stable: what is about a file that could not be read stays where it is.
        self.findings
            .sort_by_key(|finding| (place(finding), finding.line, finding.column));
        self.configuration.policy =
            Policy::new(self.server_rules.into_iter().chain(self.file_rules));
        Loaded {
            configuration: self.configuration,
            findings: self.findings,
        }
    }
}

/// The part of a namespace that a server's name becomes: as the engine makes identifiers of names.
fn namespace(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '$' => c,
            _ => '_',
        })
        .collect()
}

/// A file whose text cannot be had.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("the file is over 1 MiB, which no list of servers is")]
    TooLarge,
    #[error("the file is not UTF-8 (byte {0} is the first that is not)")]
    NotUtf8(usize),
}

impl Unreadable {
    fn todo(&self) -> &'static str {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                "name a file that is there; relative names start from the working directory"
            }
            Self::Io(_) => "name a file that you may read",
            Self::TooLarge => "copy the servers into a file of their own and name that one",
            Self::NotUtf8(_) => "save the file as UTF-8",
        }
    }
}

fn read(path: &Path) -> Result<String, Unreadable> {
    let mut bytes = Vec::new();
    // One byte more than is allowed tells; what a size in the metadata says may not hold.
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Unreadable::TooLarge);
    }
    String::from_utf8(bytes)
        .map_err(|error| Unreadable::NotUtf8(error.utf8_error().valid_up_to() + 1))
}
