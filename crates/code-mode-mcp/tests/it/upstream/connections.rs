//! Servers come, go and come back; and what is known of them.

use std::time::Duration;

use code_mode_mcp::config::{Secret, ServerConfig, Transport};
use code_mode_mcp::policy::{Action, Policy, Rule};
use code_mode_mcp::upstream::{CallError, ServerState, Upstream, UpstreamOptions};
use serde_json::json;

use super::support::{
    called, catalogue, connected, fake, hostile, in_time, names, stdio, stdio_with, text_of,
    why_lost,
};
use crate::installed;

fn is_connected(state: &ServerState) -> bool {
    matches!(state, ServerState::Connected { .. })
}

fn protocol(upstream: &Upstream) -> String {
    match &upstream.catalogue().servers[0].state {
        ServerState::Connected { protocol, .. } => protocol.clone(),
        state => panic!("it is not connected but {state:?}"),
    }
}

#[tokio::test]
async fn the_newest_revision_is_spoken_with_a_server_that_knows_it() {
    let upstream = connected([fake("s", "newest")]).await;
    assert_eq!(protocol(&upstream), "2026-07-28");
    let result = called(&upstream, "s", "echo", json!({ "value": [1] }))
        .await
        .unwrap();
    assert_eq!(result["structuredContent"], json!({ "value": [1] }));
    upstream.shutdown().await;
}

#[tokio::test]
async fn an_older_revision_is_spoken_with_a_server_that_knows_no_other() {
    let upstream = connected([fake("s", "older")]).await;
    assert_eq!(protocol(&upstream), "2025-11-25");
    let result = called(&upstream, "s", "echo", json!({ "value": [1] }))
        .await
        .unwrap();
    assert_eq!(result["structuredContent"], json!({ "value": [1] }));
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_server_that_names_older_revisions_alone_is_connected_with_initialize() {
    let upstream = connected([fake("s", "honest")]).await;
    assert_eq!(protocol(&upstream), "2025-11-25");
    let result = called(&upstream, "s", "echo", json!({ "value": [1] }))
        .await
        .unwrap();
    assert_eq!(result["structuredContent"], json!({ "value": [1] }));
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_server_that_leaves_at_a_request_it_does_not_know_is_connected_with_initialize() {
    let upstream = connected([fake("s", "shy")]).await;
    assert_eq!(protocol(&upstream), "2025-11-25");
    upstream.shutdown().await;
}

#[tokio::test]
async fn tools_are_in_the_order_of_the_configuration_and_then_of_their_names() {
    let upstream = connected([fake("b", "older"), hostile("a", "fine")]).await;
    let catalogue = upstream.catalogue();
    let names = names(&catalogue);
    assert_eq!(names[0], "mcp__b__again");
    assert_eq!(names[1], "mcp__b__ask");
    assert_eq!(names.last(), Some(&"mcp__a__fine"));
    let tool = catalogue.tools.get("mcp__b__echo").unwrap();
    assert_eq!(catalogue.route(&tool.definition), Some(("b", "echo")));
    assert_eq!(tool.definition.description, "Gives back what it was given.");
    let instructions: Vec<_> = catalogue.instructions().collect();
    assert_eq!(instructions, [("mcp__b", "Use it in tests.")]);
    upstream.shutdown().await;
}

#[tokio::test]
async fn namespaces_are_short_if_asked_for_and_denied_tools_are_absent() {
    let rule = |action, tools: &str| Rule {
        action,
        tools: tools.parse().unwrap(),
    };
    let mut options = UpstreamOptions::default();
    options.short_names = true;
    options.policy = Policy::new([rule(Action::Allow, "s/echo"), rule(Action::Deny, "s/*")]);
    let upstream = Upstream::start(vec![fake("s", "older")], options);
    in_time(upstream.settled()).await;
    assert_eq!(names(&upstream.catalogue()), ["s__echo"]);
    upstream.shutdown().await;
}

#[tokio::test]
async fn changed_tools_are_listed_again_on_either_revision() {
    for revisions in ["older", "newest"] {
        let upstream = connected([fake("s", revisions)]).await;
        assert!(!names(&upstream.catalogue()).contains(&"mcp__s__grown"));
        // On the newest revision the subscription may come after the change; then the list is read
        // once more because of the subscription.
        assert_eq!(text_of(&upstream, "s", "grow", json!({})).await, "grown");
        catalogue(&upstream, |now| names(now).contains(&"mcp__s__grown")).await;
        upstream.shutdown().await;
    }
}

#[tokio::test]
async fn a_list_that_is_the_same_again_changes_nothing() {
    let upstream = connected([hostile("s", "fine"), fake("t", "older")]).await;
    let before = upstream.changes().borrow().to_owned();
    let tools = upstream.catalogue();
    text_of(&upstream, "t", "grow", json!({})).await;
    let after = catalogue(&upstream, |now| now.tools.len() > tools.tools.len()).await;
    assert_eq!(after.tools.len(), tools.tools.len() + 1);
    assert_eq!(upstream.changes().borrow().to_owned(), before + 1);
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_command_that_does_not_exist_is_named() {
    let transport = Transport::Stdio {
        command: "no-such-command-here".to_owned(),
        args: Vec::new(),
        env: Default::default(),
        cwd: None,
    };
    let upstream = connected([ServerConfig::new("s", transport)]).await;
    assert_eq!(
        why_lost(&upstream),
        "the command \"no-such-command-here\" was not found; install it, or correct the path"
    );
    let catalogue = upstream.catalogue();
    let missing: Vec<_> = catalogue
        .missing()
        .map(|(server, _)| &*server.name)
        .collect();
    assert_eq!(missing, ["s"]);
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_server_that_ends_at_once_is_lost_with_its_exit_and_its_last_words() {
    let upstream = connected([hostile("s", "stillborn")]).await;
    let why = why_lost(&upstream);
    assert!(
        why.contains("the process ended with exit status: "),
        "{why}"
    );
    assert!(why.contains("it last wrote:\n"), "{why}");
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_server_that_never_answers_delays_nobody() {
    let mut silent = hostile("silent", "silent");
    silent.startup_timeout = Duration::from_secs(1);
    let mut unlisted = hostile("unlisted", "unlisted");
    unlisted.startup_timeout = Duration::from_secs(1);
    let upstream = Upstream::start(
        vec![silent, unlisted, fake("s", "older")],
        UpstreamOptions::default(),
    );
    catalogue(&upstream, |now| is_connected(&now.servers[2].state)).await;
    in_time(upstream.settled()).await;
    let catalogue = upstream.catalogue();
    for server in &catalogue.servers[..2] {
        let ServerState::Lost { why } = &server.state else {
            panic!("{server:?}");
        };
        assert!(why.starts_with("it did not answer within 1 s"), "{why}");
    }
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_server_that_is_killed_is_connected_again_and_its_tools_stay_meanwhile() {
    let upstream = connected([fake("s", "older")]).await;
    let tools = upstream.catalogue().tools.len();
    let first = text_of(&upstream, "s", "pid", json!({})).await;
    kill(&first);
    let lost = catalogue(&upstream, |now| {
        matches!(now.servers[0].state, ServerState::Lost { .. })
    })
    .await;
    assert_eq!(lost.tools.len(), tools);
    catalogue(&upstream, |now| is_connected(&now.servers[0].state)).await;
    let second = text_of(&upstream, "s", "pid", json!({})).await;
    assert_ne!(first, second);
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_call_that_finds_the_server_gone_waits_for_the_next_connection() {
    let upstream = connected([fake("s", "older")]).await;
    let first = text_of(&upstream, "s", "pid", json!({})).await;
    kill(&first);
    // At once, when nobody has seen yet that it is gone, or while it is connected again.
    catalogue(&upstream, |now| !is_connected(&now.servers[0].state)).await;
    let second = text_of(&upstream, "s", "pid", json!({})).await;
    assert_ne!(first, second);
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_call_of_a_server_that_cannot_be_connected_says_why_and_when_it_is_tried_next() {
    let upstream = connected([hostile("s", "stillborn")]).await;
    let error = called(&upstream, "s", "fine", json!({})).await.unwrap_err();
    let CallError::NotConnected { why, next, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(why.contains("the process ended with"), "{why}");
    assert!(next.starts_with("in ") && next.ends_with(" s"), "{next}");
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_call_in_flight_when_its_server_dies_says_that_the_effect_is_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let command = installed::own("upstream.py").with(["older"]);
    let server = stdio_with("s", command, [("STATE", state), ("TOKEN", "sesame")]);
    let upstream = connected([server]).await;
    let error = called(&upstream, "s", "die", json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the connection to server s was lost during the call of tool die; whether it took effect is \
         not known"
    );
    let lost = catalogue(&upstream, |now| !is_connected(&now.servers[0].state)).await;
    let ServerState::Lost { why } = &lost.servers[0].state else {
        panic!("{lost:?}");
    };
    assert_eq!(
        why,
        "the connection was lost; the process ended with exit status: 7; it last wrote:\n\
         my last word, TOKEN is …"
    );
    upstream.shutdown().await;
}

#[tokio::test]
async fn shutdown_and_drop_end_the_child_with_its_descendants() {
    // A shell that starts a server and waits for it: two processes in one group.
    for end in ["shutdown", "drop"] {
        let server = installed::own("upstream.py").with(["older"]);
        let line = format!("{} {} ; true", server.program(), server.args.join(" "));
        let shell = Transport::Stdio {
            command: "sh".to_owned(),
            args: vec!["-c".to_owned(), line],
            env: Default::default(),
            cwd: None,
        };
        let upstream = connected([ServerConfig::new("s", shell)]).await;
        let pid = text_of(&upstream, "s", "pid", json!({})).await;
        let gone = gone(&pid);
        match end {
            "shutdown" => upstream.shutdown().await,
            _ => drop(upstream),
        }
        in_time(gone).await;
    }
}

#[tokio::test]
async fn after_shutdown_calls_say_so() {
    let upstream = connected([fake("s", "older")]).await;
    upstream.shutdown().await;
    let error = called(&upstream, "s", "echo", json!({})).await.unwrap_err();
    assert!(matches!(error, CallError::ShutDown { .. }), "{error:?}");
}

#[tokio::test]
async fn ten_thousand_tools_are_listed() {
    let upstream = connected([hostile("s", "tools")]).await;
    assert_eq!(upstream.catalogue().tools.len(), 10_000);
    upstream.shutdown().await;
}

#[tokio::test]
async fn a_list_without_end_is_cut() {
    let upstream = connected([hostile("s", "pages")]).await;
    let catalogue = upstream.catalogue();
    assert!(
        is_connected(&catalogue.servers[0].state),
        "{:?}",
        catalogue.servers
    );
    assert!(catalogue.tools.len() <= 20_000);
    upstream.shutdown().await;
}

#[tokio::test]
async fn tools_with_bad_schemas_and_colliding_names_are_kept() {
    let upstream = connected([hostile("schemas", "schemas"), hostile("names", "names")]).await;
    let catalogue = upstream.catalogue();
    for server in &catalogue.servers {
        assert!(is_connected(&server.state), "{server:?}");
    }
    let mut all = names(&catalogue);
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
    // Each tool is reached under its own name: the server answers with the name it was called by.
    for tool in catalogue.tools.iter() {
        let (server, name) = catalogue.route(&tool.definition).unwrap();
        if server == "names" {
            let said = text_of(&upstream, server, name, json!({})).await;
            let said: serde_json::Value = serde_json::from_str(&said).unwrap();
            assert_eq!(said, json!({ "name": name }), "{}", tool.global_name);
        }
    }
    upstream.shutdown().await;
}

#[tokio::test]
async fn an_http_server_that_is_not_there_is_lost_without_its_secrets() {
    let headers = [("Authorization".to_owned(), Secret::new("Bearer sesame"))];
    let transport = Transport::Http {
        url: "http://127.0.0.1:9/mcp?key=open".to_owned(),
        headers: headers.into(),
    };
    let upstream = connected([ServerConfig::new("s", transport)]).await;
    let why = why_lost(&upstream);
    assert!(why.contains("http://127.0.0.1:9/…"), "{why}");
    assert!(!why.contains("open") && !why.contains("sesame"), "{why}");
    upstream.shutdown().await;
}

#[tokio::test]
async fn an_empty_command_line_of_a_real_program_is_lost_not_waited_for() {
    let upstream = connected([stdio("s", installed::own("no_such_file.py"))]).await;
    assert!(
        why_lost(&upstream).contains("No such file"),
        "{}",
        why_lost(&upstream)
    );
    upstream.shutdown().await;
}

fn kill(pid: &str) {
    let status = std::process::Command::new("kill")
        .args(["-9", pid])
        .status();
    assert!(status.unwrap().success());
}

/// Returns when the process is gone.
async fn gone(pid: &str) {
    // `tail --pid` watches a process that is not its child, and ends with it.
    let status = tokio::process::Command::new("tail")
        .args(["--pid", pid, "-f", "/dev/null"])
        .status();
    assert!(status.await.unwrap().success());
}
