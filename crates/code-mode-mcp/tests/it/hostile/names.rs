//! Names that collide or are odd, and schemas that bite.

use std::collections::BTreeSet;

use serde_json::json;

use super::stage::{Stage, hostile, why};

#[tokio::test]
async fn tools_with_colliding_and_odd_names_are_all_called_by_names_of_their_own() {
    let stage = Stage::with([hostile("names")]).await;
    let catalogue = stage.catalogue();
    let globals: BTreeSet<_> = catalogue
        .tools
        .iter()
        .map(|tool| &tool.global_name)
        .collect();
    assert_eq!(globals.len(), catalogue.tools.len(), "{globals:?}");

    let script = "
        const said = {};
        for (const { name } of ALL_TOOLS) {
            const answer = await tools[name]({}).catch((error) => error.message);
            if (answer.name !== undefined) (said['=' + answer.name] ??= []).push(name);
            else if (answer !== 'fine of hostile') throw new Error(`${name}: ${answer}`);
        }
        text(said);
    ";
    let said = stage.json(script).await;
    let said = said.as_object().expect("an object");
    for (own, globals) in said {
        println!("{:.60} is {:.120}", format!("{own:?}"), globals.to_string());
    }
    // A tool without a name is left out; of two with one name there is one.
    assert!(!said.contains_key("="), "{said:?}");
    let listed = [
        "a-b",
        "a_b",
        "a b",
        "a.b",
        "same",
        " ",
        "__proto__",
        "constructor",
        "prototype",
        "toString",
        "hasOwnProperty",
        "then",
        "raw",
        "class",
        "await",
        "1st",
        "名前",
        "🦀",
        "line\nbreak",
        "*/ comment",
        "`tick`",
        "${x}",
        "quote\"'\\",
        "\0nul",
        "\u{202e}drawkcab",
    ];
    for name in listed {
        assert!(
            said.contains_key(&format!("={name}")),
            "{name:?} cannot be called"
        );
    }
    assert!(
        said.keys().any(|name| name.len() > 9_000),
        "the long one cannot be called"
    );
    stage.others_work().await;
    stage.end().await;
}

#[tokio::test]
async fn every_tool_whose_schema_bites_can_still_be_called() {
    let stage = Stage::with([hostile("schemas")]).await;
    let script = "
        const said = {};
        for (const { name } of ALL_TOOLS) {
            if (!name.startsWith('mcp__schemas__')) continue;
            const own = name.slice('mcp__schemas__'.length);
            for (const given of [{}, { x: 'a'.repeat(40) + '!' }]) {
                try {
                    said[own] = await tools[name](given);
                    break;
                } catch (error) {
                    said[own] = `${error.name}: ${error.message}`.slice(0, 200);
                }
            }
            describe_tool(name);
        }
        text(said);
    ";
    let said = stage.json(script).await;
    println!("{said:#}");
    let said = said.as_object().expect("an object");
    // Of those whose schema is of use, or says nothing, or cannot be read, none keeps a script from calling.
    for own in [
        "fine",
        "missing",
        "is_null",
        "is_true",
        "is_text",
        "is_list",
        "is_empty",
        "recursive",
        "doubling",
        "remote",
        "of_a_file",
        "huge",
        "deep",
        "regex_bomb",
        "regex_broken",
        "regex_huge",
        "of_unknown_type",
        "of_odd_properties",
        "dangling",
    ] {
        let answer = if own == "fine" { "fine" } else { own };
        assert_eq!(said[own], answer, "{own}");
    }
    stage.others_work().await;
    stage.end().await;
}

#[tokio::test]
async fn a_regular_expression_that_backtracks_for_ever_holds_up_no_call() {
    let stage = Stage::with([hostile("schemas")]).await;
    let script = "
        const x = 'a'.repeat(10_000) + '!';
        const said = await tools.mcp__schemas__regex_bomb({ x, ['b'.repeat(10_000) + '!']: 'y' })
            .catch(({ name, message }) => `${name}: ${message}`.slice(0, 300));
        text([said, await tools.mcp__fine__fine({})]);
    ";
    let said = stage.json(script).await;
    println!("{said}");
    assert_eq!(said[1], json!("fine of hostile"));
    stage.end().await;
}

#[tokio::test]
async fn a_schema_nested_deeper_than_any_parser_likes_costs_that_server_at_most() {
    let stage = Stage::with([hostile("deep")]).await;
    match stage.state("deep") {
        code_mode_mcp::upstream::ServerState::Connected { tools, .. } => println!("{tools} tools"),
        state => println!("{}", why(state)),
    }
    stage.others_work().await;
    stage.end().await;
}
