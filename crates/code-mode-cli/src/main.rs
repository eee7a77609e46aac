//! The command `code-mode`: runs a script in a cell of its own, with shell commands as its tools.
//!
//! Nothing here knows V8. The way of a run: [`arguments`] → [`check`], if asked for → [`run`] →
//! [`output`], with [`command_tool`] answering the script's calls. [`types`] only prints; [`config`]
//! looks at the configuration of MCP servers, and [`install`] writes that of a client.

#[cfg(not(unix))]
compile_error!("code-mode-cli runs tools with `sh -c` and needs Unix; the library builds anywhere");

mod arguments;
mod check;
mod command_tool;
mod config;
mod diagnostics;
mod exit;
mod install;
mod media;
mod output;
mod run;
mod script;
mod signals;
mod store;
mod types;

use std::process::ExitCode;

use arguments::Command;
use exit::Exit;

fn main() -> ExitCode {
    let exit = match arguments::parse() {
        Command::Run(arguments) => run::run(*arguments).unwrap_or_else(|error| {
            diagnostics::say_outside_a_run(&error.to_string());
            Exit::NothingRan
        }),
        Command::Types(tools) => types::print(tools),
        Command::Config(command) => config::config(command),
        Command::Install(arguments) => install::install(arguments),
    };
    exit.into()
}
