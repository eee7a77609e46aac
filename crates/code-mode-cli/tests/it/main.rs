//! The command as its users meet it: the real executable, its streams, its exit codes.

mod examples;
mod limits;
mod output;
mod signals;
mod store;
mod support;
mod tools;
mod usage;
