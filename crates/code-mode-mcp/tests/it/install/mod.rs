//! The gateway in the configuration of clients: what is written, what stays, and what is refused.

mod moving;
mod placing;
mod refusing;

use std::fs;
use std::path::{Path, PathBuf};

use code_mode_mcp::config::Environment;
use code_mode_mcp::install::{Client, Installation, Plan, Scope};

use crate::config::Place;

/// An installation for the person whose home is in the place.
pub fn installation(client: Client) -> Installation {
    Installation::new(client).default_command("/opt/code-mode")
}

/// Plans and writes it.
#[track_caller]
pub fn install(installation: &Installation, environment: &Environment) -> Plan {
    let plan = installation.plan(environment).expect("it can be planned");
    plan.apply().expect("it can be written");
    plan
}

pub fn read(file: &Path) -> String {
    fs::read_to_string(file).expect("the file is there")
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A form of the tests.
pub fn form(name: &str) -> String {
    read(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/it/install/forms")
            .join(name),
    )
}

pub fn file_of(client: Client, scope: Scope, place: &Place) -> PathBuf {
    client.file(scope, &place.environment()).expect("a place")
}
