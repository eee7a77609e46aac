//! `code-mode install`: writes the gateway into the configuration of an MCP client.
//!
//! Says on standard output what was done; `--dry-run` prints the change instead, without secrets.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use code_mode_mcp::config::Environment;
use code_mode_mcp::install::{InstallError, Installation, Plan, Scope, Servers};

use crate::arguments::{InstallArguments, InstallScope};
use crate::diagnostics;
use crate::exit::Exit;
use crate::output::print;

/// Installs the gateway.
pub fn install(arguments: InstallArguments) -> Exit {
    match plan_and_apply(arguments) {
        Ok(text) => print(&text),
        Err(error) => {
            diagnostics::say_outside_a_run(&error.to_string());
            Exit::NothingRan
        }
    }
}

/// Why nothing was installed.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the working directory cannot be found: {0}; change to one that is there")]
    NoFolder(#[source] io::Error),
    #[error("the path of this executable cannot be found: {0}; give one with --command")]
    NoExecutable(#[source] io::Error),
    #[error(transparent)]
    Install(#[from] InstallError),
}

fn plan_and_apply(arguments: InstallArguments) -> Result<String, Refusal> {
    let environment = Environment::of_process().map_err(Refusal::NoFolder)?;
    let mut installation = Installation::new(arguments.client);
    installation = match arguments.scope {
        InstallScope::Project => installation.scope(Scope::Project),
        // A client with a window has another PATH than a shell.
        InstallScope::User if arguments.command.is_none() => {
            let executable = this_executable().map_err(Refusal::NoExecutable)?;
            installation.default_command(executable.display().to_string())
        }
        InstallScope::User => installation,
    };
    if arguments.move_servers {
        installation = installation.servers(Servers::Move);
    }
    if let Some(name) = arguments.name {
        installation = installation.name(name);
    }
    if let Some(command) = arguments.command {
        installation = installation.command(command);
    }
    let plan = installation.plan(&environment)?;
    Ok(match arguments.dry_run {
        true => shown(&plan),
        false => applied(&plan)?,
    })
}

/// The path of this executable: as the `PATH` has it, if it does, since what a package manager links
/// there outlives an update, and what the link leads to does not.
fn this_executable() -> io::Result<PathBuf> {
    let executable = std::env::current_exe()?;
    let whole = executable.canonicalize()?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path)
        .map(|folder| folder.join("code-mode"))
        .find(|program| program.canonicalize().is_ok_and(|program| program == whole));
    Ok(on_path
        .filter(|program| program.is_absolute())
        .unwrap_or(executable))
}

/// What would be done.
fn shown(plan: &Plan) -> String {
    let mut text = String::new();
    for change in &plan.changes {
        text.push_str(&change.diff());
    }
    if plan.changes.is_empty() {
        unchanged(plan, &mut text);
    }
    staying(plan, &mut text);
    text
}

fn applied(plan: &Plan) -> Result<String, InstallError> {
    let mut text = String::new();
    for written in plan.apply()? {
        let _ = write!(text, "wrote {}", written.file.display());
        if let Some(backup) = &written.backup {
            let _ = write!(text, " (its former text is in {})", backup.display());
        }
        text.push('\n');
    }
    match plan.changes.is_empty() {
        true => unchanged(plan, &mut text),
        false => {
            if !plan.moved.is_empty() {
                let _ = writeln!(text, "moved {}", plan.moved.join(", "));
            }
            let _ = writeln!(text, "{:?} is installed; start the client again", plan.name);
        }
    }
    staying(plan, &mut text);
    Ok(text)
}

fn unchanged(plan: &Plan, text: &mut String) {
    let file = plan.file.display();
    let _ = writeln!(text, "nothing to change: {:?} is in {file}", plan.name);
}

fn staying(plan: &Plan, text: &mut String) {
    for (name, why) in &plan.staying {
        let _ = writeln!(text, "{name:?} stays in {}: {why}", plan.file.display());
    }
}
