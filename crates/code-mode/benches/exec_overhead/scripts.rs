//! The scripts that are run, and what each must say.

/// Tool calls in one exec of the scripts that call tools.
pub const CALLS: u32 = 1_000;

/// A script and the text it must produce.
#[derive(Clone, Copy)]
pub struct Script {
    pub source: &'static str,
    pub text: &'static str,
}

pub const EXEC: Script = Script {
    source: "const xs = [1, 2, 3].map((x) => x * 2);\ntext(JSON.stringify(xs));",
    text: "[2,4,6]",
};
pub const SEQUENTIAL_CALLS: Script = Script {
    source: "for (let i = 0; i < 1000; i++) await tools.echo({ i });\ntext(\"done\")",
    text: "done",
};
pub const PARALLEL_CALLS: Script = Script {
    source: "await Promise.all(Array.from({ length: 1000 }, (_, i) => tools.echo({ i })));\n\
             text(\"done\")",
    text: "done",
};

/// With an argument of the size that tools take, for [`INPUT_SCHEMA`].
pub const CALLS_OF_A_TOOL: Script = Script {
    source: "const edits = [{ line: 3, text: 'let a = 1;' }, { line: 9, text: 'let b = 2;' }];\n\
             for (let i = 0; i < 1000; i++)\n\
             await tools.echo({ path: `src/file_${i}.rs`, mode: 'edit', edits, dry_run: false });\n\
             text(\"done\")",
    text: "done",
};
/// What a tool that edits a file says of its input.
pub const INPUT_SCHEMA: &str = r#"{
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
pub const TYPESCRIPT: Script = Script {
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
pub const JAVASCRIPT: Script = Script {
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

/// Work for the processor alone, of about a tenth of a second. Each file says what it does.
pub const JSON: Script = Script {
    source: include_str!("compute/json.js"),
    text: "731707",
};
pub const REGEXP: Script = Script {
    source: include_str!("compute/regexp.js"),
    text: "160558",
};
pub const SORTING: Script = Script {
    source: include_str!("compute/sorting.js"),
    text: "1073232170 ic0dp 3376 152912208.14",
};
pub const MATHS: Script = Script {
    source: include_str!("compute/maths.js"),
    text: "41538 -10080 15428 5736",
};
