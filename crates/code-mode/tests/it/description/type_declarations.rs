//! `build_type_declarations`, judged by TypeScript's own compiler.

use code_mode::{ToolDefinition, ToolSet, build_type_declarations};
use serde_json::json;

use super::{tool_set, tools};
use crate::support::texts;
use crate::type_check::type_check;

/// Checks a script against the declarations for some tools; insists that nothing is found.
#[track_caller]
fn checks(folder: &str, tools: &ToolSet, script: &str) {
    let files = [
        ("code-mode.d.ts".to_owned(), build_type_declarations(tools)),
        ("script.mts".to_owned(), script.to_owned()),
    ];
    let found = type_check(folder, &files);
    assert!(found.is_empty(), "{found:#?} in:\n{}\n{script}", files[0].1);
}

#[test]
fn a_script_is_checked_against_its_tools_and_helpers() {
    checks(
        "declarations",
        &tool_set(),
        include_str!("checked_script.ts"),
    );
}

#[tokio::test]
async fn everything_a_script_has_is_declared() {
    let found = texts(
        "text(Object.keys(await import('code-mode')).join(','));
         text(Object.getOwnPropertyNames(globalThis).join(','))",
    )
    .await;
    let uses: String = found[1]
        .split(',')
        .filter(|name| !matches!(*name, "undefined" | "Temporal"))
        .map(|name| format!("void {name};\n"))
        .collect();
    let script = format!("import {{ {} }} from \"code-mode\";\n{uses}", found[0]);
    checks("everything", &ToolSet::default(), &script);
}

#[test]
fn the_same_tools_in_any_order_give_the_same_file() {
    let mut others = tools();
    let colliding = others.split_off(2);
    let rotated = ToolSet::new(colliding.into_iter().chain(others));
    assert_eq!(
        build_type_declarations(&rotated),
        build_type_declarations(&tool_set())
    );
}

#[test]
fn names_that_are_reserved_or_collide_compile() {
    let schema = json!({ "$ref": "#/$defs/a", "$defs": { "a": {
        "type": "object", "properties": { "next": { "$ref": "#/$defs/a" } }
    } } });
    let tools = [
        "delete",
        "tools",
        "ALL_TOOLS",
        "a",
        "a$",
        "a$$",
        "$",
        "a-b",
        "a_b",
        "*/",
        "a$a",
    ]
    .map(|name| {
        ToolDefinition::function(name, "Ends a comment: */ ok?\n*/")
            .input_schema(schema.clone())
            .output_schema(schema.clone())
    });
    let tools = ToolSet::new(tools);
    let script = "
        import { delete as remove, a_b } from 'tools.js';
        await remove({ next: { next: {} } });
        await a_b();
        await tools['a-b']({});";
    checks("names", &tools, script);
}

#[test]
fn a_description_becomes_a_comment_that_hides_nothing() {
    let tool = ToolDefinition::function("a", "Ends */ early.\n\nTurns \u{202e}around.");
    let file = build_type_declarations(&ToolSet::new([tool]));
    assert!(
        file.contains("  /**\n   * Ends *\\/ early.\n   *\n   * Turns around.\n   */\n  a("),
        "{file}"
    );
}

#[test]
fn raw_results_and_observed_types_are_declared_and_compile() {
    let schema = json!({ "type": "object", "properties": { "sum": { "type": "number" } }, "required": ["sum"] });
    let tools = ToolSet::new([
        ToolDefinition::function("add-up", "Adds.\nAll of it.")
            .input_schema(json!({ "type": "object", "properties": { "a": { "type": "number" } } }))
            .observed_output_schema(schema)
            .raw_results(),
        ToolDefinition::freeform("shell", "").raw_results(),
        ToolDefinition::function("plain", ""),
    ]);
    let file = build_type_declarations(&tools);
    assert!(file.contains("/** observed */"), "{file}");
    let script = "
        import { add_up } from 'tools.js';
        const sum: number = (await tools.add_up({ a: 1 })).sum;
        const whole = await add_up.raw({ a: sum }, { signal: AbortSignal.timeout(5) });
        const failed: boolean | undefined = whole.isError;
        for (const block of whole.content) if (block.type === 'text') text(block.text);
        await tools['add-up'].raw();
        text((await tools.shell.raw('ls')).content.length, );
        try { await tools.shell(`${failed}`) } catch (error) { forward_output((error as ToolError).result) }
        // @ts-expect-error: the argument is a number.
        await tools.add_up.raw({ a: 'x' });
        // @ts-expect-error: it has no raw results.
        await tools.plain.raw();";
    checks("raw", &tools, script);
}
