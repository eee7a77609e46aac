//! What the hunt runs: a script of pieces, its limits, and how it is handed to a child.

use serde::{Deserialize, Serialize};

/// A script under hunt. Its pieces are statements that may be left out one by one.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// What made it, for the report.
    pub name: String,
    pub pieces: Vec<String>,
    pub heap_mib: usize,
    pub cpu_ms: u64,
    /// The most memory it may take, where that is less than the usual.
    pub most_mib: Option<u64>,
}

/// One script as a child gets it.
#[derive(Serialize, Deserialize)]
pub struct Order {
    pub source: String,
    pub heap_mib: usize,
    pub cpu_ms: u64,
    /// How many cells run it at once.
    pub cells: usize,
}

impl Script {
    pub fn order(&self) -> Order {
        Order {
            source: self.pieces.join("\n"),
            heap_mib: self.heap_mib,
            cpu_ms: self.cpu_ms,
            cells: 1,
        }
    }
}

/// What every script of the hunt begins with.
pub const PRELUDE: &str = include_str!("prelude.js");

/// How a script's file says its limits.
const HEAP: &str = "// heap MiB: ";
const CPU: &str = "// CPU ms: ";
const CELLS: &str = "// cells: ";

/// A script as a file, which [`read`] reads.
pub fn write(script: &Script) -> String {
    let Script {
        heap_mib, cpu_ms, ..
    } = script;
    let source = script.pieces.join("\n");
    format!("{HEAP}{heap_mib}\n{CPU}{cpu_ms}\n{source}\n")
}

/// A script of a file, with the limits that its comments say.
pub fn read(text: &str) -> Order {
    let number = |mark| {
        let line = text.lines().find_map(|line| line.strip_prefix(mark));
        line.and_then(|line: &str| line.trim().parse().ok())
    };
    Order {
        source: text.to_owned(),
        heap_mib: number(HEAP).unwrap_or(64),
        cpu_ms: number(CPU).map_or(300, |ms| ms as u64),
        cells: number(CELLS).unwrap_or(1),
    }
}
