//! What a worker's sandbox is made of, in words that a person reads; goes to the parent as JSON.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One part of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// Nothing of the parent's environment, working directory and file mode mask.
    Environment,
    /// No descriptor that was not meant for the worker.
    Descriptors,
    /// No capability.
    Capabilities,
    /// No right from an executed file.
    NoNewPrivileges,
    /// No look into the process by others of the user.
    NotDumpable,
    /// The end of the parent ends the worker.
    ParentDeath,
    /// Limits of files, descriptors, locked memory and core files.
    ResourceLimits,
    /// A limit of memory.
    MemoryLimit,
    /// Landlock: no file by path.
    LandlockFiles,
    /// Landlock: no TCP port.
    LandlockTcp,
    /// Landlock: no signal and no abstract Unix socket to the outside.
    LandlockScopes,
    /// The system calls that are left.
    Seccomp,
}

impl Part {
    /// All of them, in the order in which they come into force.
    pub const ALL: [Self; 12] = [
        Self::Environment,
        Self::Descriptors,
        Self::Capabilities,
        Self::NoNewPrivileges,
        Self::NotDumpable,
        Self::ParentDeath,
        Self::ResourceLimits,
        Self::MemoryLimit,
        Self::LandlockFiles,
        Self::LandlockTcp,
        Self::LandlockScopes,
        Self::Seccomp,
    ];

    /// What it is called towards people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Environment => "empty environment",
            Self::Descriptors => "no other descriptors",
            Self::Capabilities => "no capabilities",
            Self::NoNewPrivileges => "no new privileges",
            Self::NotDumpable => "not dumpable",
            Self::ParentDeath => "death with the parent",
            Self::ResourceLimits => "resource limits",
            Self::MemoryLimit => "memory limit",
            Self::LandlockFiles => "Landlock for files",
            Self::LandlockTcp => "Landlock for TCP",
            Self::LandlockScopes => "Landlock for signals and abstract sockets",
            Self::Seccomp => "seccomp",
        }
    }
}

/// Whether a part is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "why")]
pub enum State {
    /// As it should be.
    InForce,
    /// Less than it should be; the text says what is not.
    Partly(String),
    /// Not there; the text says why.
    Missing(String),
    /// The options did not ask for it.
    NotAsked,
}

/// All parts of a sandbox and whether they are in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    parts: Vec<(Part, State)>,
}

impl Report {
    pub(super) fn add(&mut self, part: Part, state: State) {
        self.parts.push((part, state));
    }

    /// The parts in the order in which they came into force.
    pub fn parts(&self) -> impl Iterator<Item = (Part, &State)> {
        self.parts.iter().map(|(part, state)| (*part, state))
    }

    /// Whether a part is in force; one that the report does not have is missing.
    pub fn state(&self, part: Part) -> State {
        self.parts()
            .find(|(listed, _)| *listed == part)
            .map_or_else(
                || State::Missing("the worker did not say".to_owned()),
                |(_, state)| state.clone(),
            )
    }

    /// What was asked for and is not in force, or not wholly: one phrase each, and the reason.
    pub fn shortcomings(&self) -> Vec<String> {
        self.parts()
            .filter_map(|(part, state)| match state {
                State::InForce | State::NotAsked => None,
                State::Partly(what) => Some(format!("{} only in part: {what}", part.name())),
                State::Missing(why) => Some(format!("no \"{}\": {why}", part.name())),
            })
            .collect()
    }
}

impl fmt::Display for Report {
    /// One sentence: what is in force, and what is not and why.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_force: Vec<_> = self
            .parts()
            .filter(|(_, state)| **state == State::InForce)
            .map(|(part, _)| part.name())
            .collect();
        if in_force.is_empty() {
            write!(formatter, "nothing in force")?;
        } else {
            write!(formatter, "in force: {}", in_force.join(", "))?;
        }
        match self.shortcomings() {
            nothing if nothing.is_empty() => Ok(()),
            missing => write!(formatter, ". Missing: {}", missing.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_what_is_missing_and_why() {
        let mut report = Report::default();
        report.add(Part::Seccomp, State::InForce);
        report.add(
            Part::LandlockTcp,
            State::Missing("the kernel is too old".to_owned()),
        );
        report.add(Part::MemoryLimit, State::NotAsked);
        assert_eq!(
            report.to_string(),
            "in force: seccomp. Missing: no \"Landlock for TCP\": the kernel is too old"
        );
    }

    #[test]
    fn a_report_survives_json() {
        let mut report = Report::default();
        for part in Part::ALL {
            report.add(part, State::Partly("of it".to_owned()));
        }
        let json = serde_json::to_string(&report).expect("it has no maps");
        assert_eq!(
            serde_json::from_str::<Report>(&json).expect("it is ours"),
            report
        );
    }
}
