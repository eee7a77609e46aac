//! `code-mode config check`: what is wrong with a configuration of MCP servers, and what is in it.
//!
//! Starts no server, and shows no secret.

use std::fmt::Write as _;
use std::io;

use code_mode_mcp::config::{ConfigError, Configuration, Environment, Finding, Loaded, Severity};
use serde_json::json;

use crate::arguments::{ConfigCheckArguments, ConfigCommand};
use crate::diagnostics;
use crate::exit::Exit;
use crate::output;

/// Runs a subcommand of `config`.
pub fn config(command: ConfigCommand) -> Exit {
    match command {
        ConfigCommand::Check(arguments) => check(&arguments).unwrap_or_else(|error| {
            diagnostics::say_outside_a_run(&error.to_string());
            Exit::NothingRan
        }),
    }
}

/// Why nothing was checked.
#[derive(Debug, thiserror::Error)]
enum CheckError {
    #[error("the working directory cannot be found: {0}; change to one that is there")]
    NoFolder(#[from] io::Error),
    #[error(transparent)]
    Config(#[from] ConfigError),
}

fn check(arguments: &ConfigCheckArguments) -> Result<Exit, CheckError> {
    let environment = Environment::of_process()?;
    let loaded = Configuration::load(&arguments.files, &environment)?;
    let text = match arguments.json {
        true => document(&loaded),
        false => report(&loaded),
    };
    Ok(match output::print(&text) {
        Exit::Success if loaded.has_errors() => Exit::Failure,
        exit => exit,
    })
}

/// For a person: findings, servers, and how many findings there were.
fn report(loaded: &Loaded) -> String {
    let mut text = String::new();
    for finding in &loaded.findings {
        let _ = writeln!(text, "{finding}");
    }
    if !loaded.findings.is_empty() {
        text.push('\n');
    }
    let Configuration {
        servers, exposed, ..
    } = &loaded.configuration;
    for server in servers {
        let _ = writeln!(text, "{server}");
    }
    for rule in loaded.configuration.policy.rules() {
        let _ = writeln!(text, "{}: {}", action(rule.action), rule.tools);
    }
    for pattern in exposed {
        let _ = writeln!(text, "exposed: {pattern}");
    }
    let files: Vec<String> = loaded
        .configuration
        .files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let _ = writeln!(
        text,
        "{} in {}: {}, {}",
        counted(servers.len(), "server"),
        files.join(", "),
        counted(count(&loaded.findings, Severity::Error), "error"),
        counted(count(&loaded.findings, Severity::Warning), "warning"),
    );
    text
}

fn count(findings: &[Finding], severity: Severity) -> usize {
    let of_it = |finding: &&Finding| finding.severity == severity;
    findings.iter().filter(of_it).count()
}

fn counted(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

fn action(action: code_mode_mcp::policy::Action) -> &'static str {
    use code_mode_mcp::policy::Action;
    match action {
        Action::Allow => "allow",
        Action::Ask => "ask",
        Action::Deny => "deny",
    }
}

/// For a program: the same, as JSON.
fn document(loaded: &Loaded) -> String {
    let Configuration {
        files,
        servers,
        policy,
        exposed,
        ..
    } = &loaded.configuration;
    let finding = |finding: &Finding| {
        json!({
            "severity": finding.severity.to_string(),
            "file": finding.file.display().to_string(),
            "line": finding.line,
            "column": finding.column,
            "message": finding.message,
            "suggestion": finding.suggestion,
        })
    };
    let server = |server: &code_mode_mcp::config::ServerConfig| {
        let place = server.place.as_ref();
        json!({
            "name": server.name,
            "transport": server.redact(&server.transport.to_string()),
            "file": place.map(|(file, _)| file.display().to_string()),
            "line": place.map(|(_, line)| line),
            "startup_timeout_ms": milliseconds(server.startup_timeout),
            "tool_timeout_ms": server.tool_timeout.map(milliseconds),
        })
    };
    let rules = policy.rules().iter();
    let document = json!({
        "files": files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
        "findings": loaded.findings.iter().map(finding).collect::<Vec<_>>(),
        "servers": servers.iter().map(server).collect::<Vec<_>>(),
        "policy": rules
            .map(|rule| json!({ action(rule.action): rule.tools.to_string() }))
            .collect::<Vec<_>>(),
        "exposed": exposed.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
