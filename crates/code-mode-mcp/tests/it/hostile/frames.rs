//! Messages that are none, that nobody asked for, or that come too often.

use serde_json::json;

use super::stage::{Stage, hostile};

/// Twenty calls at once, of which each has its own answer.
const TWENTY_CALLS: &str = "
    const answers = await Promise.all(Array.from({ length: 20 }, () => tools.SERVER__fine({})));
    text([...new Set(answers), answers.length]);
";

fn twenty_calls(server: &str) -> String {
    TWENTY_CALLS.replace("SERVER", &format!("mcp__{server}"))
}

#[tokio::test]
async fn garbage_around_the_answers_of_a_server_is_passed_over() {
    let stage = Stage::with([hostile("garbage")]).await;
    let said = stage.json(&twenty_calls("garbage")).await;
    assert_eq!(said, json!(["fine of hostile", 20]));
    stage.others_work().await;
    stage.end().await;
}

#[tokio::test]
async fn of_several_answers_to_one_call_the_first_counts() {
    let stage = Stage::with([hostile("duplicate")]).await;
    let said = stage.json(&twenty_calls("duplicate")).await;
    assert_eq!(said, json!(["fine of hostile", 20]));
    stage.others_work().await;
    stage.end().await;
}

#[tokio::test]
async fn results_of_the_wrong_form_fail_their_own_call_or_are_handed_on_as_they_are() {
    let stage = Stage::with([hostile("nonsense")]).await;
    let script = "
        const names = Object.keys(tools).filter((name) => name.startsWith('mcp__nonsense__'));
        const said = {};
        for (const name of names) {
            const own = name.slice('mcp__nonsense__'.length);
            try {
                said[own] = { value: (await tools[name]({})) ?? null };
            } catch (error) {
                said[own] = { [error.name]: error.message };
            }
        }
        text(said);
    ";
    let said = stage.json(script).await;
    println!("{said:#}");
    for (form, why) in [
        ("number", "no object"),
        ("null", "no object"),
        ("content_is_text", "no array"),
    ] {
        let message = said[form]["ToolError"].as_str().unwrap_or_default();
        assert!(
            message.contains(why) && message.contains(form),
            "{form}: {said:#}"
        );
    }
    assert_eq!(said["fine"], json!({ "value": "fine of hostile" }));
    assert_eq!(said.as_object().map(serde_json::Map::len), Some(11));
    stage.others_work().await;
    stage.end().await;
}

#[tokio::test]
async fn floods_of_notifications_and_of_standard_error_hold_up_no_answer() {
    let stage = Stage::with([hostile("flood")]).await;
    for kind in ["logs", "progress", "strangers", "changes", "errors"] {
        let script = format!(
            "
                const [flooded, fine] = await Promise.all([
                    tools.mcp__flood__{kind}({{}}),
                    tools.mcp__fine__fine({{}}),
                ]);
                text([flooded, fine, await tools.mcp__flood__fine({{}})]);
            "
        );
        let said = stage.json(&script).await;
        let expected = json!([
            format!("{kind} of hostile"),
            "fine of hostile",
            "fine of hostile"
        ]);
        assert_eq!(said, expected);
    }
    stage.end().await;
}

#[tokio::test]
async fn a_storm_of_changes_ends_with_the_tools_that_the_server_has_last() {
    let stage = Stage::with([hostile("changing")]).await;
    stage.others_work().await;
    stage
        .until(|catalogue| {
            catalogue
                .tools
                .iter()
                .any(|tool| tool.definition.name == "version_200")
        })
        .await;
    let script = "text(Object.keys(tools).filter((name) => name.includes('version')));";
    assert_eq!(
        stage.json(script).await,
        json!(["mcp__changing__version_200"])
    );
    stage.end().await;
}
