//! Has TypeScript's own compiler judge what we generate.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::tooling::node_modules;

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
    let compiler = node_modules().join("typescript/bin/tsc");
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
