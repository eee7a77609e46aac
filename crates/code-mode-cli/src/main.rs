//! The command `code-mode`: runs a script in a cell of its own, with shell commands and MCP servers as
//! its tools, and serves cells to MCP clients.
//!
//! Nothing here knows V8. The way of a run: [`arguments`] → [`servers`], if there are any → [`check`],
//! if asked for → [`run`] → [`output`], with [`host`] answering the script's calls: [`command_tool`]
//! those of commands, the gateway crate those of servers. [`mcp`] hands over to the gateway crate.
//! Started as `code-mode worker` by itself, it is one of the processes that scripts run in.
//! [`types`] and [`tools`] only print; [`config`] looks at the configuration of MCP servers, and
//! [`install`] writes that of a client.

#[cfg(not(unix))]
compile_error!("code-mode-cli runs tools with `sh -c` and needs Unix; the library builds anywhere");

mod arguments;
mod check;
mod command_tool;
mod config;
mod diagnostics;
mod exit;
mod host;
mod install;
mod mcp;
mod media;
mod output;
mod person;
mod run;
mod script;
mod servers;
mod signals;
mod status;
mod store;
mod telemetry;
mod terminal;
mod tools;
mod types;

use std::process::ExitCode;

use arguments::Command;
use arguments::telemetry::LogFilter;
use exit::Exit;
use telemetry::Telemetry;

fn main() -> ExitCode {
    // Before anything else: a worker has no threads, files or settings of a command.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == "worker")
    {
        code_mode::worker::run();
    }
    let command = arguments::parse();
    let default_filter = match command {
        Command::Mcp(_) => LogFilter::default(),
        _ => LogFilter::without_missing_servers(),
    };
    let telemetry = command
        .telemetry()
        .map(|arguments| Telemetry::start(arguments, default_filter));
    let telemetry = match telemetry.transpose() {
        Ok(telemetry) => telemetry,
        Err(error) => return nothing_ran(&error).into(),
    };
    let exit = match command {
        Command::Run(arguments) => run::run(*arguments).unwrap_or_else(|error| nothing_ran(&error)),
        Command::Types(arguments) => {
            types::print(arguments).unwrap_or_else(|error| nothing_ran(&error))
        }
        Command::Mcp(arguments) => {
            mcp::serve(*arguments).unwrap_or_else(|error| nothing_ran(&error))
        }
        Command::Tools(arguments) => {
            tools::list(arguments).unwrap_or_else(|error| nothing_ran(&error))
        }
        Command::Config(command) => config::config(command),
        Command::Install(arguments) => install::install(arguments),
    };
    diagnostics::end_status();
    if let Some(telemetry) = telemetry
        && !matches!(exit, Exit::SignalledAgain(_))
    {
        telemetry.finish();
    }
    exit.into()
}

fn nothing_ran(error: &dyn std::error::Error) -> Exit {
    diagnostics::say_outside_a_run(&error.to_string());
    Exit::NothingRan
}
