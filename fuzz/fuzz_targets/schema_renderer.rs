//! Schemas as TypeScript. Text that is JSON is a schema; other bytes make one.
#![no_main]

use code_mode::fuzzing::{self, Stripped};
use code_mode::{
    ExecDescriptionOptions, OpenObjects, RenderOptions, RenderedType, SchemaUse, ToolDefinition,
    ToolSet, augment_tool_definition, build_exec_tool_description, build_type_declarations,
    render_schema, render_schema_within,
};
use code_mode_fuzz::brackets::assert_balanced;
use code_mode_fuzz::json;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    if let Ok(schema) = serde_json::from_slice(data) {
        check(&schema, &Value::Null, 16_000, "d");
        check(&schema, &schema, data.len() % 600, "d");
        return;
    }
    let mut u = Unstructured::new(data);
    if let Ok((max_bytes, name, input, output)) = made(&mut u) {
        check(&input, &output, max_bytes, &name);
    }
});

fn made(u: &mut Unstructured<'_>) -> Result<(usize, String, Value, Value)> {
    let max_bytes = u.int_in_range(0..=2_000)?;
    Ok((
        max_bytes,
        json::name(u)?,
        json::schema(u)?,
        json::schema(u)?,
    ))
}

fn check(input: &Value, output: &Value, max_bytes: usize, name: &str) {
    for open_objects in [OpenObjects::Structural, OpenObjects::Explicit] {
        let options = RenderOptions::default().open_objects(open_objects);
        check_type(input, &options, 16_000);
        check_type(input, &options.alias_prefix("P$"), max_bytes);
    }
    let options = RenderOptions::default();
    check_type(input, &options.clone().arguments(), max_bytes);
    check_type(output, &options.schema_use(SchemaUse::Output), max_bytes);
    check_tool(input, output, name, max_bytes);
}

fn check_type(schema: &Value, options: &RenderOptions, max_bytes: usize) {
    let options = options.clone().max_bytes(max_bytes);
    let rendered = render_schema(schema, &options);
    check_text(&rendered, max_bytes);
    assert_eq!(rendered, render_schema(schema, &options));
    let Value::Object(members) = schema else {
        return;
    };
    for inner in members.values().take(2) {
        check_text(&render_schema_within(schema, inner, &options), max_bytes);
    }
}

fn check_text(rendered: &RenderedType, max_bytes: usize) {
    let RenderedType { aliases, text, .. } = rendered;
    let bytes = aliases.len() + text.len();
    assert!(
        bytes <= max_bytes.max("unknown".len()),
        "{bytes} bytes in {max_bytes}:\n{aliases}{text}"
    );
    assert!(aliases.is_empty() || aliases.ends_with('\n'));
    assert!(!text.trim().is_empty());
    let code = format!("{aliases}type T = {text};\n");
    let depth = assert_balanced(&code);
    if depth <= 64 {
        assert_only_types(&code);
    }
}

/// Our own parser of types takes all of it for types.
fn assert_only_types(code: &str) {
    let Stripped::JavaScript(left) = fuzzing::strip(code) else {
        panic!("no type:\n{code}");
    };
    let left = without_comments(&left).replace(';', "");
    assert!(
        left.trim().is_empty(),
        "{} is left of:\n{code}",
        left.trim()
    );
}

/// A text that has comments and nothing else with a `/*` in it.
fn without_comments(text: &str) -> String {
    let mut pieces = text.split("/*");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        text + piece.split_once("*/").map_or(piece, |(_, after)| after)
    })
}

fn check_tool(input: &Value, output: &Value, name: &str, max_tokens: usize) {
    let tool = ToolDefinition::function(name, name).input_schema(input.clone());
    let augmented = augment_tool_definition(&tool);
    assert!(augmented.description.starts_with(name.trim()));
    let tools = ToolSet::new([
        tool.clone().output_schema(output.clone()),
        tool.namespace("other")
            .observed_output_schema(output.clone())
            .raw_results(),
    ]);
    assert_balanced(&build_type_declarations(&tools));
    let options = ExecDescriptionOptions::default().max_tokens(max_tokens);
    assert!(!build_exec_tool_description(&tools, &options).is_empty());
}
