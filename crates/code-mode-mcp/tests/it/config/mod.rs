//! Configuration files: what is read of each form, and what is said about mistakes.

mod findings;
mod forms;
mod search;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use code_mode_mcp::config::{Configuration, Environment, Loaded, Transport};
use tempfile::TempDir;

/// The value of every variable that is a secret here.
pub const SECRET: &str = "s3cr3t-v4lue";

/// A folder with a project, a home and a few programs in it.
pub struct Place {
    folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let place = Self {
            folder: TempDir::with_prefix("code-mode-config-").expect("a temporary folder"),
        };
        for program in ["bin/npx", "bin/uvx", "bin/sh", "project/bin/server"] {
            place.write(program, "");
            let executable = fs::Permissions::from_mode(0o755);
            fs::set_permissions(place.path(program), executable).expect("an executable file");
        }
        place.write(
            "project/server.env",
            "LEVEL=info\nexport FROM_FILE='a file'\n",
        );
        fs::create_dir(place.path("project/sub")).expect("a folder");
        fs::create_dir(place.path("home")).expect("a folder");
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and the folders it is in; gives its path.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        let folder = path.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).expect("the folder is made");
        fs::write(&path, text).expect("the file is written");
        path
    }

    pub fn environment(&self) -> Environment {
        self.environment_with(&[])
    }

    pub fn environment_with(&self, more: &[(&str, &str)]) -> Environment {
        let path = |name: &str| self.path(name).display().to_string();
        let mut variables = vec![
            ("HOME".to_owned(), path("home")),
            ("PATH".to_owned(), path("bin")),
            ("API_TOKEN".to_owned(), SECRET.to_owned()),
            ("CODE_MODE_INPUT_API_KEY".to_owned(), SECRET.to_owned()),
            ("AUTHOR".to_owned(), "Ada".to_owned()),
            ("TENANT".to_owned(), "tenant-17".to_owned()),
        ];
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        variables.extend(more);
        Environment::new(self.path("project"), variables)
    }

    /// A text without the name of the temporary folder.
    pub fn plain(&self, text: &str) -> String {
        text.replace(&self.folder.path().display().to_string(), "$PLACE")
    }

    pub fn load(&self, files: &[PathBuf]) -> Loaded {
        Configuration::load(files, &self.environment()).expect("a file is read")
    }

    /// The findings, a line each and without suggestions.
    pub fn found(&self, loaded: &Loaded) -> Vec<String> {
        let first_line = |finding: &_| {
            let text = format!("{finding}");
            self.plain(text.lines().next().unwrap_or_default())
        };
        loaded.findings.iter().map(first_line).collect()
    }
}

/// All that a configuration says of its servers, secrets included: what two files that mean the same
/// must have in common.
pub fn servers(configuration: &Configuration) -> String {
    let mut text = String::new();
    for server in &configuration.servers {
        let _ = writeln!(text, "{}", server.name);
        match &server.transport {
            Transport::Stdio {
                command,
                args,
                env,
                cwd,
            } => {
                let _ = writeln!(text, "  command {command:?} args {args:?}");
                for (name, value) in env {
                    let _ = writeln!(text, "  env {name}={:?}", value.expose());
                }
                if let Some(cwd) = cwd {
                    let _ = writeln!(text, "  cwd {}", cwd.display());
                }
            }
            Transport::Http { url, headers } => {
                let _ = writeln!(text, "  url {url}");
                for (name, value) in headers {
                    let _ = writeln!(text, "  header {name}: {:?}", value.expose());
                }
            }
            other => panic!("a transport that the tests do not know: {other:?}"),
        }
        let _ = writeln!(
            text,
            "  startup {:?} tool {:?}",
            server.startup_timeout, server.tool_timeout
        );
    }
    for rule in configuration.policy.rules() {
        let _ = writeln!(text, "{:?} {}", rule.action, rule.tools);
    }
    for pattern in &configuration.exposed {
        let _ = writeln!(text, "expose {pattern}");
    }
    text
}

/// A file of the tests.
pub fn form(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/config/forms");
    fs::read_to_string(path.join(name)).expect("the form is there")
}
