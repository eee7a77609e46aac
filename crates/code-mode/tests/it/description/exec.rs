//! `build_exec_tool_description`.

use code_mode::{
    ApproximateTokens, ExecDescriptionOptions, TokenCounter, ToolDefinition, ToolSet,
    build_exec_tool_description, build_wait_tool_description,
};
use serde_json::json;

use super::{tool_set, tools};
use crate::snapshot::assert_snapshot;

fn options() -> ExecDescriptionOptions<'static> {
    ExecDescriptionOptions::default().namespace("git", "Works on this checkout.\n")
}

#[test]
fn a_description_has_all_its_sections() {
    let text = build_exec_tool_description(&tool_set(), &options());
    assert_snapshot("description/exec.md", &(text + "\n"));
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
        counted.contains("of them not even named: `search_tools("),
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
    assert_snapshot(
        "description/wait.md",
        &(build_wait_tool_description() + "\n"),
    );
}

#[test]
fn raw_results_are_spoken_of_once_and_only_where_a_tool_has_them() {
    let raw = |name: &str| ToolDefinition::function(name, "").raw_results();
    let text = |tools: Vec<ToolDefinition>| {
        build_exec_tool_description(&ToolSet::new(tools), &ExecDescriptionOptions::default())
    };
    assert_eq!(text(vec![raw("a"), raw("b")]).matches(".raw").count(), 1);
    assert_eq!(text(vec![raw("a").deferred()]).matches(".raw").count(), 1);
    assert!(!text(tools()).contains(".raw"));
}

#[test]
fn a_type_learned_from_results_is_marked_and_the_mark_explained_once() {
    let schema = json!({ "type": "array", "items": { "type": "string" } });
    let observed =
        |name: &str| ToolDefinition::function(name, "").observed_output_schema(schema.clone());
    let tools = ToolSet::new([observed("a"), observed("b")]);
    let text = build_exec_tool_description(&tools, &ExecDescriptionOptions::default());
    for name in ["a", "b"] {
        let declaration =
            format!("{name}(args?: unknown): Promise</** observed */ Array<string>>;");
        assert!(text.contains(&declaration), "{text}");
    }
    assert_eq!(text.matches("learned from earlier results").count(), 1);
    let published = ToolSet::new([observed("a").output_schema(schema.clone())]);
    let text = build_exec_tool_description(&published, &ExecDescriptionOptions::default());
    assert!(!text.contains("observed"), "{text}");
}

/// So many tools of twenty servers: one has half of them, the others share the rest.
fn many(count: usize, deferred: bool) -> ToolSet {
    ToolSet::new((0..count).map(|index| {
        let server = if index % 2 == 0 {
            0
        } else {
            1 + index / 2 % 19
        };
        let tool = ToolDefinition::function(
            format!("work_on_thing_{index}"),
            "Does what it is there for, and says so in a sentence of usual length.",
        )
        .namespace(format!("mcp__server{server:02}"))
        .input_schema(json!({
            "type": "object",
            "properties": { "path": { "type": "string", "description": "Where to work." } },
            "required": ["path"]
        }))
        .observed_output_schema(json!({ "type": "string" }))
        .raw_results();
        if deferred { tool.deferred() } else { tool }
    }))
}

#[test]
fn thousands_of_tools_stay_under_the_budget_and_every_server_is_there() {
    for count in [1_000, 10_000] {
        for deferred in [false, true] {
            let tools = many(count, deferred);
            let options = ExecDescriptionOptions::default().max_tokens(8_000);
            let text = build_exec_tool_description(&tools, &options);
            let tokens = ApproximateTokens.count(&text);
            assert!(tokens <= 8_000, "{count}: {tokens}");
            assert!(deferred || tokens > 7_000, "{count}: {tokens}");
            assert!(text.contains("search_tools("), "{text}");
            for server in 0..20 {
                let server = format!("mcp__server{server:02}");
                let counted = text.contains(&format!("- `{server}`: "));
                let named = text.contains(&format!("## {server}\n"));
                assert!(counted || named, "{count}: {server} in {text}");
            }
            let declared = text.matches("declare const").count();
            assert_eq!(declared > 10, !deferred, "{count}: {declared}");
        }
    }
}

#[test]
fn tools_that_are_not_named_are_counted_by_namespace_and_small_ones_come_first() {
    let tools = ["a_big", "z_small"].into_iter().flat_map(|namespace| {
        let count = if namespace == "a_big" { 400 } else { 3 };
        (0..count).map(move |index| {
            ToolDefinition::function(format!("tool_{index:03}"), "Does one thing.")
                .namespace(namespace)
        })
    });
    let tools = ToolSet::new(tools);
    let about = build_exec_tool_description(&ToolSet::default(), &Default::default());
    let budget = ApproximateTokens.count(&about) + 900;
    let options = ExecDescriptionOptions::default().max_tokens(budget);
    let text = build_exec_tool_description(&tools, &options);
    assert!(ApproximateTokens.count(&text) <= budget, "{text}");

    let named = (0..400)
        .filter(|index| text.contains(&format!("`a_big__tool_{index:03}`")))
        .count();
    assert!((10..390).contains(&named), "{named}: {text}");
    let counted = format!("\n- `a_big`: {} more tools\n", 400 - named);
    assert!(text.contains(&counted), "{counted}: {text}");
    assert!(!text.contains("- `z_small`"), "{text}");
    assert_eq!(text.matches("z_small__tool_").count(), 6, "{text}");
}

#[test]
fn thousands_of_namespaces_are_counted_together_where_they_do_not_fit() {
    let tools = (0..5_000).map(|index| {
        ToolDefinition::function("tool", "Does one thing.").namespace(format!("server_{index:04}"))
    });
    for tools in [
        ToolSet::new(tools.clone()),
        ToolSet::new(tools.map(ToolDefinition::deferred)),
    ] {
        let options = ExecDescriptionOptions::default().max_tokens(3_000);
        let text = build_exec_tool_description(&tools, &options);
        assert!(ApproximateTokens.count(&text) <= 3_000, "{text}");
        let (_, others) = text.rsplit_once(" tools in ").expect(&text);
        let others: usize = others.split(' ').next().unwrap().parse().unwrap();
        let counted = text.matches("\n- `server_").count();
        let named = text.matches("__tool`").count();
        assert!(counted > 50, "{text}");
        assert_eq!(others + counted.max(named), 5_000, "{text}");
    }
}

#[test]
fn a_budget_gives_the_same_text_for_the_same_tools_in_any_order() {
    let options = ExecDescriptionOptions::default().max_tokens(4_000);
    let tools = many(300, false);
    let text = build_exec_tool_description(&tools, &options);
    let mut backwards: Vec<_> = tools.iter().map(|tool| tool.definition.clone()).collect();
    backwards.reverse();
    let other = build_exec_tool_description(&ToolSet::new(backwards), &options);
    assert_eq!(text, other);
}
