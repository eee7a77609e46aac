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
    CheckedCalls,
    UncheckedCalls,
    TypescriptExec,
    JavascriptExec,
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

/// With an argument of the size that tools take, for [`INPUT_SCHEMA`].
const CALLS_OF_A_TOOL: Script = Script {
    source: "const edits = [{ line: 3, text: 'let a = 1;' }, { line: 9, text: 'let b = 2;' }];\n\
             for (let i = 0; i < 1000; i++)\n\
             await tools.echo({ path: `src/file_${i}.rs`, mode: 'edit', edits, dry_run: false });\n\
             text(\"done\")",
    text: "done",
};
/// What a tool that edits a file says of its input.
const INPUT_SCHEMA: &str = r#"{
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {
        "path": { "type": "string", "minLength": 1, "description": "The file." },
        "mode": { "type": "string", "enum": ["edit", "create", "delete"] },
        "edits": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "properties": {
                    "line": { "type": "integer", "minimum": 1 },
                    "text": { "type": "string" }
                },
                "required": ["line", "text"],
                "additionalProperties": false
            }
        },
        "dry_run": { "type": "boolean", "default": false },
        "encoding": { "anyOf": [{ "type": "string", "pattern": "^[a-z0-9-]+$" }, { "type": "null" }] }
    },
    "required": ["path", "mode"],
    "additionalProperties": false
}"#;
const TYPESCRIPT: Script = Script {
    source: "interface Entry { name: string; size: number; tags?: string[] }\n\
             type ByTag = Record<string, Entry[]>;\n\
             const entries: Entry[] = [\n\
             { name: 'a', size: 3, tags: ['x'] }, { name: 'b', size: 5 }, { name: 'c', size: 7, tags: ['x', 'y'] },\n\
             ];\n\
             function byTag(all: readonly Entry[]): ByTag {\n\
             const found: ByTag = {};\n\
             for (const entry of all) for (const tag of entry.tags ?? []) (found[tag] ??= []).push(entry as Entry);\n\
             return found;\n\
             }\n\
             const sizes = Object.entries(byTag(entries)).map(([tag, of]: [string, Entry[]]) =>\n\
             `${tag}:${of.reduce((sum: number, entry) => sum + entry.size, 0)}`);\n\
             text(JSON.stringify(sizes satisfies string[]));",
    text: r#"["x:10","y:7"]"#,
};
/// [`TYPESCRIPT`] without its types.
const JAVASCRIPT: Script = Script {
    source: "\n\
             \n\
             const entries = [\n\
             { name: 'a', size: 3, tags: ['x'] }, { name: 'b', size: 5 }, { name: 'c', size: 7, tags: ['x', 'y'] },\n\
             ];\n\
             function byTag(all) {\n\
             const found = {};\n\
             for (const entry of all) for (const tag of entry.tags ?? []) (found[tag] ??= []).push(entry);\n\
             return found;\n\
             }\n\
             const sizes = Object.entries(byTag(entries)).map(([tag, of]) =>\n\
             `${tag}:${of.reduce((sum, entry) => sum + entry.size, 0)}`);\n\
             text(JSON.stringify(sizes));",
    text: r#"["x:10","y:7"]"#,
};

impl Scenario {
    /// In the order of the table.
    pub const ALL: [Self; 10] = [
        Self::ColdExec,
        Self::ColdRawV8,
        Self::WarmExec,
        Self::RawV8,
        Self::ToolRoundtrip,
        Self::ParallelTools,
        Self::CheckedCalls,
        Self::UncheckedCalls,
        Self::TypescriptExec,
        Self::JavascriptExec,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::ColdExec => "cold_exec",
            Self::ColdRawV8 => "cold_raw_v8",
            Self::WarmExec => "warm_exec",
            Self::RawV8 => "raw_v8",
            Self::ToolRoundtrip => "tool_roundtrip",
            Self::ParallelTools => "parallel_tools",
            Self::CheckedCalls => "checked_calls",
            Self::UncheckedCalls => "unchecked_calls",
            Self::TypescriptExec => "typescript_exec",
            Self::JavascriptExec => "javascript_exec",
        }
    }

    pub fn script(self) -> Script {
        match self {
            Self::ColdExec | Self::ColdRawV8 | Self::WarmExec | Self::RawV8 => EXEC,
            Self::ToolRoundtrip => SEQUENTIAL_CALLS,
            Self::ParallelTools => PARALLEL_CALLS,
            Self::CheckedCalls | Self::UncheckedCalls => CALLS_OF_A_TOOL,
            Self::TypescriptExec => TYPESCRIPT,
            Self::JavascriptExec => JAVASCRIPT,
        }
    }

    /// The input schema of its tools.
    pub fn input_schema(self) -> Option<&'static str> {
        (self == Self::CheckedCalls).then_some(INPUT_SCHEMA)
    }

    /// The tool counts it runs with, out of those asked for.
    pub fn tool_counts(self, asked_for: &[usize]) -> &[usize] {
        match self {
            Self::TypescriptExec | Self::JavascriptExec => &[0],
            _ if self.calls_tools() => &[1],
            _ => asked_for,
        }
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
        matches!(
            self,
            Self::ToolRoundtrip | Self::ParallelTools | Self::CheckedCalls | Self::UncheckedCalls
        )
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
