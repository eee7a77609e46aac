//! What each keyword becomes: a table of schemas and their types.
//!
//! A line without indentation is a schema, after the names of options that are not the defaults. The
//! indented lines under it are its aliases and its type. `#` begins a comment.

use code_mode::{OpenObjects, RenderOptions, RenderedType, SchemaUse, render_schema};
use serde_json::Value;

use super::type_file::TypeFile;
use crate::snapshot::assert_snapshot;

const TABLE: &str = include_str!("truth_table.txt");

#[test]
fn every_row_of_the_truth_table_holds() {
    let mut table = String::new();
    for line in TABLE.lines().filter(|line| !line.starts_with("    ")) {
        table.push_str(line);
        table.push('\n');
        if let Some(rendered) = rendered(line, "") {
            for line in rendered.aliases.lines().chain(rendered.text.lines()) {
                table.push_str(&format!("    {line}\n"));
            }
        }
    }
    assert_snapshot("typescript/truth_table.txt", &table);
}

/// All types of the table, for the compiler.
pub fn type_file() -> TypeFile {
    let mut file = TypeFile::new("truth-table.ts");
    for (number, line) in TABLE.lines().enumerate() {
        let name = format!("Row{number}");
        if let Some(rendered) = rendered(line, &format!("{name}_")) {
            file.declare(&name, &rendered, line);
        }
    }
    file
}

/// The type of a line, if the line is a schema.
fn rendered(line: &str, alias_prefix: &str) -> Option<RenderedType> {
    if line.is_empty() || line.starts_with(['#', ' ']) {
        return None;
    }
    let mut options = RenderOptions::default().alias_prefix(alias_prefix);
    let mut schema = line;
    while let Some((word, rest)) = schema.split_once(' ') {
        options = match word {
            "arguments" => options.arguments(),
            "output" => options.schema_use(SchemaUse::Output),
            "explicit" => options.open_objects(OpenObjects::Explicit),
            _ => match word.strip_prefix("bytes=") {
                Some(bytes) => options.max_bytes(bytes.parse().expect(line)),
                None => break,
            },
        };
        schema = rest;
    }
    let schema: Value = serde_json::from_str(schema).expect(line);
    Some(render_schema(&schema, &options))
}
