//! The command as its users meet it: the real executable, its streams, its exit codes.

mod check;
mod config;
mod examples;
mod gateway;
mod install;
/// Servers of others, as the gateway's tests have them.
#[path = "../../../code-mode-mcp/tests/it/installed.rs"]
mod installed;
mod limits;
mod mcp;
mod output;
mod secrets;
mod servers;
mod signals;
mod store;
mod support;
mod telemetry;
mod terminal;
/// TypeScript, as the library's tests have it.
#[path = "../../../code-mode/tests/it/tooling.rs"]
mod tooling;
mod tools;
mod usage;
