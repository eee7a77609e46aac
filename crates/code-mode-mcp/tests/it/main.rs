//! Tests of the gateway at its public surface.

mod config;
mod gateway;
mod hostile;
mod install;
mod installed;
mod judges;
#[path = "../../../code-mode/tests/it/snapshot.rs"]
mod snapshot;
mod upstream;
