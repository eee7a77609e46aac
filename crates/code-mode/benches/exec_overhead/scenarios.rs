//! What is measured: the scenarios, their scripts, and what each script must say.

use std::fmt;
use std::str::FromStr;

/// Tool calls in one exec of the tool scenarios.
const CALLS: u32 = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    ColdExec,
    ColdRawV8,
    WarmExec,
    RawV8,
    ToolRoundtrip,
    ParallelTools,
}

/// A script and the text it must produce.
#[derive(Clone, Copy)]
pub struct Script {
    pub source: &'static str,
    pub text: &'static str,
}

const EXEC: Script = Script {
    source: "const xs = [1, 2, 3].map((x) => x * 2);\ntext(JSON.stringify(xs));",
    text: "[2,4,6]",
};
const SEQUENTIAL_CALLS: Script = Script {
    source: "for (let i = 0; i < 1000; i++) await tools.echo({ i });\ntext(\"done\")",
    text: "done",
};
const PARALLEL_CALLS: Script = Script {
    source: "await Promise.all(Array.from({ length: 1000 }, (_, i) => tools.echo({ i })));\n\
             text(\"done\")",
    text: "done",
};

impl Scenario {
    /// In the order of the table.
    pub const ALL: [Self; 6] = [
        Self::ColdExec,
        Self::ColdRawV8,
        Self::WarmExec,
        Self::RawV8,
        Self::ToolRoundtrip,
        Self::ParallelTools,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::ColdExec => "cold_exec",
            Self::ColdRawV8 => "cold_raw_v8",
            Self::WarmExec => "warm_exec",
            Self::RawV8 => "raw_v8",
            Self::ToolRoundtrip => "tool_roundtrip",
            Self::ParallelTools => "parallel_tools",
        }
    }

    pub fn script(self) -> Script {
        match self {
            Self::ColdExec | Self::ColdRawV8 | Self::WarmExec | Self::RawV8 => EXEC,
            Self::ToolRoundtrip => SEQUENTIAL_CALLS,
            Self::ParallelTools => PARALLEL_CALLS,
        }
    }

    /// The tool counts it runs with, out of those asked for.
    pub fn tool_counts(self, asked_for: &[usize]) -> &[usize] {
        if self.calls_tools() { &[1] } else { asked_for }
    }

    /// Names of this many tools, as scripts know them.
    pub fn tool_names(self, tools: usize) -> Vec<String> {
        if self.calls_tools() {
            return vec!["echo".to_owned()];
        }
        (0..tools).map(|index| format!("tool_{index}")).collect()
    }

    /// What an exec's time is divided by for the table.
    pub fn parts_per_exec(self) -> u32 {
        if self.calls_tools() { CALLS } else { 1 }
    }

    /// Execs before the measured part.
    pub fn warmups(self) -> usize {
        if self.is_cold() { 0 } else { 1 }
    }

    /// Execs in the measured part.
    pub fn iterations(self, warm_iterations: usize) -> usize {
        if self.is_cold() { 1 } else { warm_iterations }
    }

    fn is_cold(self) -> bool {
        matches!(self, Self::ColdExec | Self::ColdRawV8)
    }

    fn calls_tools(self) -> bool {
        matches!(self, Self::ToolRoundtrip | Self::ParallelTools)
    }
}

#[derive(Debug)]
pub struct UnknownScenario;

impl fmt::Display for UnknownScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Scenario::ALL.map(Scenario::name).join(", ");
        write!(f, "the scenarios are {names}")
    }
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(text: &str) -> Result<Self, UnknownScenario> {
        Self::ALL
            .into_iter()
            .find(|scenario| scenario.name() == text)
            .ok_or(UnknownScenario)
    }
}
