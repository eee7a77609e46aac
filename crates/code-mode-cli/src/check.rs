//! `run --check`: TypeScript's compiler looks at the script before it runs.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use code_mode::{ToolSet, build_type_declarations};

/// How `tsc` checks every script: as one module, with nothing of a browser or Node.js around it.
const COMMON_FLAGS: [&str; 12] = [
    "--noEmit",
    "--pretty",
    "false",
    "--strict",
    "--target",
    "esnext",
    "--module",
    "esnext",
    "--moduleDetection",
    "force",
    "--lib",
    "esnext",
];

/// How it checks JavaScript, whose parameters and caught errors have no types to write.
const JAVASCRIPT_FLAGS: [&str; 6] = [
    "--allowJs",
    "--checkJs",
    "--noImplicitAny",
    "false",
    "--useUnknownInCatchVariables",
    "false",
];

/// Why a script was not run.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// TypeScript found something; one line each.
    #[error("the script was not run; type-checking found:\n{findings}")]
    Findings { findings: String },
    #[error(
        "--check needs TypeScript's `tsc`, which is neither in a node_modules folder here or above nor on \
         the PATH; `npm install --global typescript` installs it"
    )]
    NotInstalled,
    #[error("cannot run {}: {source}", tsc.display())]
    NotStarted { tsc: PathBuf, source: io::Error },
    #[error("cannot write the files to check: {0}")]
    Unwritable(#[from] io::Error),
}

/// Checks a script that was read from `path`.
pub fn check(path: &Path, source: &str, tools: &ToolSet) -> Result<(), CheckError> {
    let tsc = installed().ok_or(CheckError::NotInstalled)?;
    let (name, language_flags) = match path.extension().and_then(|extension| extension.to_str()) {
        Some("ts" | "mts") => ("script.mts", &[][..]),
        _ => ("script.mjs", &JAVASCRIPT_FLAGS[..]),
    };
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join(name), source)?;
    let declarations = build_type_declarations(tools);
    std::fs::write(folder.path().join("code-mode.d.ts"), declarations)?;

    let output = Command::new(&tsc)
        .args(COMMON_FLAGS)
        .args(language_flags)
        .args(["code-mode.d.ts", name])
        .current_dir(folder.path())
        .output()
        .map_err(|source| CheckError::NotStarted { tsc, source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let findings = String::from_utf8_lossy(&said)
        .replace(&format!("{name}("), &format!("{}(", path.display()));
    Err(CheckError::Findings {
        findings: findings.trim_end().to_owned(),
    })
}

/// The `tsc` that a person in this folder would mean: the project's own, else the one on the PATH.
fn installed() -> Option<PathBuf> {
    let here = env::current_dir().unwrap_or_default();
    let projects = here
        .ancestors()
        .map(|folder| folder.join("node_modules/.bin"));
    let on_path = env::var_os("PATH").unwrap_or_default();
    projects
        .chain(env::split_paths(&on_path))
        .map(|folder| folder.join("tsc"))
        .find(|candidate| candidate.is_file())
}
