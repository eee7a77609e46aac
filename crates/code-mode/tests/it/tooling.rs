//! The TypeScript compiler, installed from npm as `tests/tooling/package-lock.json` pins it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What `tsc` says of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// Such as `TS2322: Type … is not assignable …`.
    pub message: String,
}

/// Writes files into an empty folder of this name and has `tsc --noEmit --strict` check them together.
///
/// Each file is a script or module of its own name; give modules an `export {}`. The folder stays, to
/// be looked at.
pub fn type_check(folder: &str, files: &[(String, String)]) -> Vec<Diagnostic> {
    let compiler = compiler();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("type-check")
        .join(folder);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("the folder of the last run goes");
    }
    fs::create_dir_all(&folder).expect("a folder for the files");
    let mut names = String::new();
    for (name, text) in files {
        fs::write(folder.join(name), text).expect("a file of the set");
        names.push_str(&format!("\"{name}\"\n"));
    }
    fs::write(folder.join("files.txt"), names).expect("the list of files");
    let options = [
        "--noEmit",
        "--strict",
        "--pretty",
        "false",
        "--target",
        "esnext",
        "--module",
        "esnext",
        "--lib",
        "esnext",
        "--types",
        "",
        "@files.txt",
    ];
    let output = Command::new("node")
        .arg(compiler)
        .args(options)
        .current_dir(&folder)
        .output()
        .expect("node runs the compiler");
    let text = String::from_utf8_lossy(&output.stdout);
    let diagnostics: Vec<_> = text.lines().filter_map(diagnostic).collect();
    assert!(
        output.status.success() || !diagnostics.is_empty(),
        "tsc failed without a diagnostic: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    diagnostics
}

/// Reads `file.ts(12,3): error TS2322: …`. Lines that go on about the one before are none.
fn diagnostic(line: &str) -> Option<Diagnostic> {
    let (place, message) = line.split_once(": error ")?;
    let (file, position) = place.strip_suffix(')')?.rsplit_once('(')?;
    let (line, _) = position.split_once(',')?;
    Some(Diagnostic {
        file: file.to_owned(),
        line: line.parse().ok()?,
        message: message.to_owned(),
    })
}

/// The compiler's script for Node.
fn compiler() -> PathBuf {
    node_modules().join("typescript/bin/tsc")
}

/// The folder of packages with the compiler in it, installed if it is not there yet.
pub fn node_modules() -> &'static Path {
    static MODULES: OnceLock<PathBuf> = OnceLock::new();
    MODULES.get_or_init(|| {
        let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../code-mode/tests/tooling");
        let lock = fs::read_to_string(manifests.join("package-lock.json")).expect("the lock file");
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tooling");
        fs::create_dir_all(&home).expect("a folder for the installation");

        // Other test processes install at the same time: one does, the others wait.
        let guard = fs::File::create(home.join("guard")).expect("a file to lock");
        guard.lock().expect("the lock of the installation");
        let installed = home.join("installed-lock.json");
        if fs::read_to_string(&installed).is_ok_and(|installed| installed == lock) {
            return home.join("node_modules");
        }
        for name in ["package.json", "package-lock.json"] {
            fs::copy(manifests.join(name), home.join(name)).expect("a manifest is copied");
        }
        let npm = Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(&home)
            .output()
            .expect("these tests need node 20 or newer with npm: install it, or put it on the PATH");
        assert!(
            npm.status.success(),
            "`npm ci` could not install the TypeScript compiler; it needs a registry it can reach: {}",
            String::from_utf8_lossy(&npm.stderr)
        );
        fs::write(&installed, lock).expect("the mark of a finished installation");
        home.join("node_modules")
    })
}
