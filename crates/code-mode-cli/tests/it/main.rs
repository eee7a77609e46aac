//! The command as its users meet it: the real executable, its streams, its exit codes.

mod check;
mod examples;
mod gateway;
mod limits;
mod output;
mod signals;
mod store;
mod support;
mod terminal;
/// TypeScript, as the library's tests have it.
#[path = "../../../code-mode/tests/it/tooling.rs"]
mod tooling;
mod tools;
mod usage;
