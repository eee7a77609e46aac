//! What `tools/list` says, and when clients hear that it changed.

use std::time::Duration;

use code_mode_mcp::config::{ServerConfig, Transport};
use code_mode_mcp::gateway::{Gateway, Structured};
use code_mode_mcp::policy::{Action, Policy};
use code_mode_mcp::upstream::{Upstream, UpstreamOptions};
use rmcp::model::{ServerNotification, SubscriptionFilter, Tool, ToolAnnotations};
use serde_json::json;

use super::client::{Client, Heard, Identity, REVISIONS, Revision, structured, text};
use super::rig::{Rig, connecting, gateway, options, policy};
use super::server::{Server, tool};

async fn tools(client: &Client) -> Vec<Tool> {
    client.service.list_all_tools().await.unwrap()
}

fn description(tool: &Tool) -> &str {
    tool.description.as_deref().unwrap_or_default()
}

#[tokio::test]
async fn clients_see_exec_and_wait_with_schemas_titles_and_hints() {
    let rig = Rig::new().await;
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let listed = tools(&client).await;
        let [exec, wait] = &listed[..] else {
            panic!("two tools, not {}", listed.len());
        };
        assert_eq!((&*exec.name, &*wait.name), ("exec", "wait"));
        assert_eq!(exec.title.as_deref(), Some("Run a program"));
        let hints = |tool: &Tool| {
            let hints = tool.annotations.clone().unwrap();
            (
                hints.read_only_hint,
                hints.idempotent_hint,
                hints.open_world_hint,
            )
        };
        assert_eq!(hints(exec), (Some(false), Some(false), Some(true)));
        assert_eq!(hints(wait), (Some(false), Some(false), Some(false)));
        let properties = |tool: &Tool| -> Vec<String> {
            let properties = tool.input_schema["properties"].as_object().unwrap();
            properties.keys().cloned().collect()
        };
        assert_eq!(
            properties(exec),
            ["source", "yield_time_ms", "max_output_tokens"]
        );
        assert_eq!(
            properties(wait),
            ["cell_id", "yield_time_ms", "max_tokens", "terminate"]
        );
        assert!(exec.output_schema.is_some() && wait.output_schema.is_some());
        let said = description(exec);
        assert!(said.contains("mcp__test__echo(args?"), "{said}");
        assert!(
            said.contains("The server says of itself:\n> Made for tests."),
            "{said}"
        );
        assert!(!said.contains("missing"), "{said}");
        assert!(description(wait).contains("Default: until the script ends"));
    }
}

#[tokio::test]
async fn clients_that_would_hide_the_content_get_the_structured_form_elsewhere() {
    let rig = Rig::new().await;
    for name in ["claude-code", "codex-mcp-client", "copilot-cli"] {
        for revision in REVISIONS {
            let client = rig.client_as(Identity::of(revision).named(name)).await;
            assert!(
                tools(&client)
                    .await
                    .iter()
                    .all(|tool| tool.output_schema.is_none())
            );
            let result = client.exec("text(1)").await;
            assert_eq!(result.structured_content, None);
            let meta = result.meta.unwrap();
            assert_eq!(
                meta[code_mode_mcp::gateway::RESULT_KEY]["status"],
                "completed"
            );
        }
    }
    let mut always = options();
    always.structured = Structured::Always;
    let rig = Rig::with(Policy::default(), always).await;
    let client = rig
        .client_as(Identity::of(REVISIONS[0]).named("claude-code"))
        .await;
    assert!(
        tools(&client)
            .await
            .iter()
            .all(|tool| tool.output_schema.is_some())
    );
    assert_eq!(structured(&client.exec("1").await)["status"], "completed");
}

#[tokio::test]
async fn a_client_that_cuts_descriptions_gets_one_that_it_leaves_whole() {
    let tool = |number: usize| {
        let mut many = tool("many");
        many.name = format!("tool_with_a_long_name_{number}").into();
        many
    };
    let with = async |options| {
        let server = Server::with_tools("many", (0..200).map(tool).collect()).await;
        let gateway = gateway(&[&server], Policy::default(), options).await;
        Rig { gateway, server }
    };
    let rig = with(options()).await;
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let whole = description(&tools(&client).await[0]).to_owned();
        assert!(whole.len() > 4096, "{}", whole.len());

        let identity = Identity::of(revision).named("claude-code");
        let client = rig.client_as(identity).await;
        let listed = tools(&client).await;
        let said = description(&listed[0]);
        assert!(said.len() <= 4096, "{} bytes", said.len());
        assert!(said.contains("mcp__many"), "{said}");
        assert!(said.contains("search_tools"), "{said}");
    }

    // Whoever chooses a length gets it.
    let mut chosen = options();
    chosen.description_tokens = Some(8_000);
    let rig = with(chosen).await;
    let identity = Identity::of(REVISIONS[0]).named("claude-code");
    let client = rig.client_as(identity).await;
    assert!(description(&tools(&client).await[0]).len() > 4096);
}

#[tokio::test]
async fn the_instructions_name_the_servers_connected_or_not() {
    let reached = Server::start("reached").await;
    let mut unreached = Server::start("unreached").await;
    unreached.url = "http://127.0.0.1:1/mcp".to_owned();
    let gateway = gateway(&[&reached, &unreached], Policy::default(), options()).await;
    let rig = Rig {
        gateway,
        server: reached,
    };
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let said = client.service.peer_info().unwrap().instructions.clone();
        let said = said.unwrap_or_default();
        assert!(
            said.ends_with("Servers behind it: reached, unreached."),
            "{said}"
        );
    }
}

#[tokio::test]
async fn the_names_of_many_servers_leave_room_for_the_instructions() {
    let configs = (0..300).map(|n| {
        let url = "http://127.0.0.1:1/mcp".to_owned();
        let headers = Default::default();
        ServerConfig::new(format!("server_{n}"), Transport::Http { url, headers })
    });
    let upstream = Upstream::start(configs.collect(), UpstreamOptions::default());
    let rig = Rig {
        gateway: Gateway::new(upstream, options()),
        server: Server::start("test").await,
    };
    let client = rig.client(REVISIONS[0]).await;
    let said = client.service.peer_info().unwrap().instructions.clone();
    let said = said.unwrap_or_default();
    assert!(said.contains("server_0") && said.contains('…'), "{said}");
    assert!(said.len() <= 2048, "{} bytes", said.len());
}

#[tokio::test]
async fn the_list_waits_for_servers_that_are_connecting_no_longer_than_it_may() {
    // Accepts connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut server = Server::start("slow").await;
    server.url = format!("http://{}/mcp", silent.local_addr().unwrap());
    let mut patient = options();
    patient.first_list_wait = Duration::ZERO;
    let (gateway, _upstream) = connecting(&[&server], Policy::default(), patient);
    let rig = Rig { gateway, server };
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let listed = tools(&client).await;
        let said = description(&listed[0]);
        assert!(
            said.ends_with("Servers that are missing now:\n- mcp__slow: still connecting; a program that mentions it waits for it"),
            "{said}"
        );
        // There is nothing to call: an answer that could be read as if there were says so.
        let result = client.exec("text(1)").await;
        assert!(
            text(&result).contains("- mcp__slow: still connecting"),
            "{}",
            text(&result)
        );
    }
}

#[tokio::test]
async fn the_first_list_has_the_tools_of_servers_that_connect_in_time() {
    let server = Server::start("test").await;
    let mut patient = options();
    patient.first_list_wait = Duration::from_secs(3600);
    let (gateway, _upstream) = connecting(&[&server], Policy::default(), patient);
    let rig = Rig { gateway, server };
    let client = rig.client(REVISIONS[0]).await;
    assert!(description(&tools(&client).await[0]).contains("mcp__test__echo"));
}

#[tokio::test]
async fn a_script_waits_for_a_server_it_mentions_that_is_connecting() {
    let server = Server::start("test").await;
    let (gateway, _upstream) = connecting(&[&server], Policy::default(), options());
    let rig = Rig { gateway, server };
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let result = client
            .exec("text(await tools.mcp__test__echo({ text: 'there' }))")
            .await;
        assert!(text(&result).contains("there"), "{}", text(&result));
    }
}

/// A server that nobody listens for, at a port that no other test is given.
async fn gone(name: &str) -> Server {
    let mut gone = Server::start(name).await;
    gone.url = "http://127.0.0.1:1/mcp".to_owned();
    gone
}

const MISSING: &str = "Servers that are missing now:\n";

#[tokio::test]
async fn a_session_is_told_once_which_servers_are_missing_when_a_script_fails() {
    let (server, gone) = (Server::start("test").await, gone("gone").await);
    let gateway = gateway(&[&server, &gone], Policy::default(), options()).await;
    let rig = Rig { gateway, server };
    for _ in 0..2 {
        let client = rig.client(REVISIONS[0]).await;
        let fine = text(&client.exec("text(1)").await);
        assert!(!fine.contains("missing"), "{fine}");
        let failed = text(&client.exec("throw 'no'").await);
        assert!(
            failed.contains(&format!("{MISSING}- mcp__gone: ")),
            "{failed}"
        );
        let again = text(&client.exec("throw 'no'").await);
        assert!(!again.contains("missing"), "{again}");
    }
}

#[tokio::test]
async fn a_program_that_mentions_a_missing_server_hears_of_that_one_each_time() {
    let server = Server::start("test").await;
    let (one, two) = (gone("one").await, gone("two").await);
    let gateway = gateway(&[&server, &one, &two], Policy::default(), options()).await;
    let mut rig = Rig { gateway, server };
    let client = rig.client(REVISIONS[0]).await;
    client.exec("throw 'all are told'").await;
    for source in [
        "await tools.mcp__two__do()",
        "try { await tools.mcp__two__do() } catch {}",
        "// mcp__two\nyield_control(); await tools.mcp__test__held()",
    ] {
        let mut said = text(&client.exec(source).await);
        if source.contains("yield_control") {
            assert!(!said.contains("missing"), "{said}");
            rig.server.call().await.answer_text("done");
            said = text(&client.call("wait", json!({ "cell_id": "4" })).await);
        }
        assert!(said.contains(&format!("{MISSING}- mcp__two: ")), "{said}");
        assert!(!said.contains("mcp__one"), "{said}");
    }
}

#[tokio::test]
async fn a_session_without_any_tools_is_told_why_and_then_only_of_changes() {
    let (kept, other) = (Server::start("kept").await, gone("other").await);
    let (gateway, upstream) = connecting(&[&kept, &other], Policy::default(), options());
    upstream.settled().await;
    kept.offer(Vec::new());
    let mut changes = upstream.changes();
    changes
        .wait_for(|_| upstream.catalogue().tools.is_empty())
        .await
        .unwrap();
    let rig = Rig {
        gateway,
        server: kept,
    };
    let client = rig.client(REVISIONS[0]).await;
    let first = text(&client.exec("text(1)").await);
    assert!(
        first.contains(&format!("{MISSING}- mcp__other: ")),
        "{first}"
    );
    for source in ["text(1)", "throw 'no'"] {
        let later = text(&client.exec(source).await);
        assert!(!later.contains("missing"), "{later}");
    }
}

#[tokio::test]
async fn what_a_broken_server_wrote_is_in_no_description_and_no_list_of_missing_servers() {
    let transport = Transport::Stdio {
        command: "sh".to_owned(),
        args: vec![
            "-c".to_owned(),
            "echo 'its own words' >&2; exit 3".to_owned(),
        ],
        env: Default::default(),
        cwd: None,
    };
    let config = ServerConfig::new("loud", transport);
    let upstream = Upstream::start(vec![config], UpstreamOptions::default());
    upstream.settled().await;
    let rig = Rig {
        gateway: Gateway::new(upstream, options()),
        server: Server::start("test").await,
    };
    let client = rig.client(REVISIONS[0]).await;
    let listed = tools(&client).await;
    for said in [
        description(&listed[0]),
        &text(&client.exec("text(1)").await),
    ] {
        let (_, missing) = said.split_once(MISSING).expect(said);
        assert!(missing.starts_with("- mcp__loud: the process "), "{said}");
        assert!(missing.ends_with("; it is tried again by itself"), "{said}");
        assert_eq!(missing.lines().count(), 1, "{said}");
        assert!(!said.contains("its own words"), "{said}");
    }
    // Who calls it is told all.
    let called = text(&client.exec("await tools.mcp__loud__do()").await);
    assert!(called.contains("its own words"), "{called}");
}

#[tokio::test]
async fn clients_hear_when_the_description_changes_and_only_then() {
    let rig = Rig::new().await;
    let client = rig.client(Revision::V2025_11_25).await;
    let modern = rig.client(Revision::V2026_07_28).await;
    tools(&client).await;
    tools(&modern).await;
    let filter = SubscriptionFilter::builder()
        .tools_list_changed()
        .prompts_list_changed()
        .build();
    let mut subscription = modern.service.listen(filter).await.unwrap();
    assert_eq!(subscription.acknowledged().tools_list_changed, Some(true));
    assert_eq!(subscription.acknowledged().prompts_list_changed, None);

    // A type that is learned from a result, the same tools again, and then another.
    client
        .exec("await tools.mcp__test__echo({ text: '{\"a\": 1}' })")
        .await;
    rig.server.offer(vec![tool("echo"), tool("held")]);
    rig.server
        .offer(vec![tool("echo"), tool("held"), tool("brand_new")]);
    assert!(matches!(client.hears().await, Heard::ToolsChanged));
    assert!(description(&tools(&client).await[0]).contains("mcp__test__brand_new"));
    let told = subscription.next().await.unwrap();
    assert!(matches!(
        told,
        Some(ServerNotification::ToolListChangedNotification(_))
    ));
    assert!(description(&tools(&modern).await[0]).contains("mcp__test__brand_new"));
    subscription.cancel().await.unwrap();
}

#[tokio::test]
async fn exposed_tools_are_offered_directly_and_go_the_way_of_nested_calls() {
    let listed = vec![
        tool("echo").with_annotations(ToolAnnotations::new().read_only(true)),
        tool("held"),
        tool("secret"),
    ];
    let server = Server::with_tools("test", listed).await;
    let mut exposing = options();
    exposing.exposed = vec!["test/*".parse().unwrap()];
    let gateway = gateway(&[&server], policy(Action::Deny, "test/secret"), exposing).await;
    let mut rig = Rig { gateway, server };
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let listed = tools(&client).await;
        let names: Vec<&str> = listed.iter().map(|tool| &*tool.name).collect();
        assert_eq!(
            names,
            ["exec", "wait", "mcp__test__echo", "mcp__test__held"]
        );
        let echo = &listed[2];
        assert_eq!(
            echo.annotations.as_ref().unwrap().read_only_hint,
            Some(true)
        );
        assert!(
            description(echo).contains("declare const tools"),
            "{}",
            description(echo)
        );

        let said = client
            .call("mcp__test__echo", json!({ "text": "hi" }))
            .await;
        assert_eq!(text(&said), "hi");
        assert_ne!(said.is_error, Some(true));

        let calling = client.begin("mcp__test__held", json!({ "a": [1] })).await;
        let held = rig.server.call().await;
        assert_eq!(json!(held.arguments), json!({ "a": [1] }));
        let wrong = rmcp::model::CallToolResult::error(vec![rmcp::model::ContentBlock::text("no")]);
        let _ = held.answer.send(wrong);
        let failed = super::client::result(calling).await;
        assert_eq!(
            (failed.is_error, text(&failed)),
            (Some(true), "no".to_owned())
        );

        let calling = client.begin("mcp__test__held", json!({})).await;
        let held = rig.server.call().await;
        calling.cancel(None).await.unwrap();
        held.cancelled.cancelled().await;

        let unknown = client
            .service
            .call_tool(super::client::params("mcp__test__secret", json!({})));
        let refused = unknown.await.unwrap_err().to_string();
        assert!(
            refused.contains("there is no tool \"mcp__test__secret\" here"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn an_exposed_tool_that_a_person_is_asked_about_is_asked_about() {
    let server = Server::start("test").await;
    let mut exposing = options();
    exposing.exposed = vec!["test/echo".parse().unwrap()];
    let gateway = gateway(&[&server], policy(Action::Ask, "test/echo"), exposing).await;
    let rig = Rig { gateway, server };
    for revision in REVISIONS {
        let client = rig.client_as(Identity::of(revision).with_person()).await;
        let calling = client.call("mcp__test__echo", json!({ "text": "hi" }));
        let (said, ()) = tokio::join!(calling, async {
            client.is_asked().await.says("Allow once");
        });
        assert_eq!(text(&said), "hi");
    }
}
