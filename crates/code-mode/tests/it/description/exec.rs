//! `build_exec_tool_description`.

use code_mode::{
    ApproximateTokens, ExecDescriptionOptions, TokenCounter, ToolDefinition, ToolSet,
    build_exec_tool_description, build_wait_tool_description,
};
use serde_json::json;

use super::{tool_set, tools};

fn options() -> ExecDescriptionOptions<'static> {
    ExecDescriptionOptions::default().namespace("git", "Works on this checkout.\n")
}

#[test]
fn a_description_has_all_its_sections() {
    let text = build_exec_tool_description(&tool_set(), &options());
    assert_eq!(text + "\n", include_str!("exec.md"));
}

#[test]
fn the_same_tools_in_any_order_give_the_same_text() {
    let text = build_exec_tool_description(&tool_set(), &options());
    // Those whose names collide are numbered in the order given, so they keep theirs.
    let mut others = tools();
    let colliding = others.split_off(2);
    let rotated = colliding.into_iter().chain(others);
    assert_eq!(
        build_exec_tool_description(&ToolSet::new(rotated), &options()),
        text
    );
}

#[test]
fn the_numbers_are_the_configured_ones() {
    let options = options().yield_time_ms(2_500).max_output_tokens(777);
    let text = build_exec_tool_description(&ToolSet::default(), &options);
    assert!(text.contains("not done after 2500 ms"), "{text}");
    assert!(text.contains("Output over 777 tokens"), "{text}");
    assert!(
        text.contains(r#"// @exec: {"yield_time_ms": 2500, "max_output_tokens": 777}"#),
        "{text}"
    );
}

#[test]
fn nothing_is_said_of_tools_that_are_not_there() {
    let text = build_exec_tool_description(&ToolSet::default(), &options());
    for absent in ["##", "declare const", "CallToolResult", "not declared here"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
}

#[test]
fn mcp_result_types_come_once_and_only_where_something_uses_them() {
    let result = json!({ "type": "object", "properties": {
        "content": { "type": "array" }, "structuredContent": {}, "isError": { "type": "boolean" }
    }});
    let mcp = |name: &str| ToolDefinition::function(name, "").output_schema(result.clone());
    let options = ExecDescriptionOptions::default();
    let with = build_exec_tool_description(&ToolSet::new([mcp("a"), mcp("b")]), &options);
    assert_eq!(with.matches("What tools of MCP servers give").count(), 1);
    let deferred = build_exec_tool_description(&ToolSet::new([mcp("a").deferred()]), &options);
    assert!(!deferred.contains("CallToolResult"), "{deferred}");
}

#[test]
fn a_shorter_description_keeps_every_name_then_descriptions_then_declarations() {
    let declared = |index: usize| {
        ToolDefinition::function(
            format!("tool_{index:03}"),
            "Does one thing and says so at length.",
        )
        .input_schema(json!({
            "type": "object",
            "properties": { "value": { "type": "string", "description": "What to do it with." } }
        }))
    };
    let tools = ToolSet::new((0..100).map(declared));
    let about = build_exec_tool_description(&ToolSet::default(), &Default::default());
    let tokens = |text: &str| ApproximateTokens.count(text);
    let whole = build_exec_tool_description(&tools, &Default::default());

    let mut seen = Vec::new();
    for share in [8, 6, 4, 2, 1] {
        let budget = tokens(&about) + (tokens(&whole) - tokens(&about)) / share;
        let options = ExecDescriptionOptions::default().max_tokens(budget);
        let text = build_exec_tool_description(&tools, &options);
        assert!(tokens(&text) <= budget, "{} > {budget}", tokens(&text));
        for index in 0..100 {
            assert!(
                text.contains(&format!("`tool_{index:03}`")),
                "{index} at {share}: {text}"
            );
        }
        seen.push((
            text.matches("Does one thing").count(),
            text.matches("declare const").count(),
        ));
    }
    let mut growing = seen.clone();
    growing.sort_unstable();
    assert_eq!(seen, growing);
    let (fewest, most) = (seen[0], seen[4]);
    assert!(fewest.0 < 100 && fewest.1 == 0, "{seen:?}");
    assert!(most.1 > 90, "{seen:?}");
}

#[test]
fn a_description_says_how_many_tools_it_shortened() {
    let tools = ToolSet::new((0..50).map(|index| {
        ToolDefinition::function(format!("tool_{index}"), "What it does. ".repeat(20))
    }));
    let about = build_exec_tool_description(&ToolSet::default(), &Default::default());
    let base = ApproximateTokens.count(&about);

    let options = ExecDescriptionOptions::default().max_tokens(base + 250);
    let named = build_exec_tool_description(&tools, &options);
    assert!(
        named.contains("50 of 50 tools are shortened here;"),
        "{named}"
    );

    let options = ExecDescriptionOptions::default().max_tokens(base + 100);
    let counted = build_exec_tool_description(&tools, &options);
    assert!(
        counted.contains("of them not even named: `ALL_TOOLS`"),
        "{counted}"
    );
    assert!(ApproximateTokens.count(&counted) <= base + 100, "{counted}");
}

#[test]
fn the_text_about_scripts_is_never_cut() {
    let options = ExecDescriptionOptions::default().max_tokens(0);
    let about = build_exec_tool_description(&ToolSet::default(), &Default::default());
    let text = build_exec_tool_description(&tool_set(), &options);
    assert!(text.starts_with(&about), "{text}");
}

#[test]
fn the_description_of_wait_names_its_arguments() {
    assert_eq!(
        build_wait_tool_description() + "\n",
        include_str!("wait.md")
    );
}
