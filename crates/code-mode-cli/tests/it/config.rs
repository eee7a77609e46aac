//! `code-mode config check`: what it prints, and how it ends.

use crate::support::{Ended, Place};

/// Runs it here, with a home of its own and nothing else in the environment.
fn check<const N: usize>(place: &Place, arguments: [&str; N]) -> Ended {
    let mut command = place.command(["config", "check"]);
    command
        .args(arguments)
        .env_clear()
        .env("HOME", place.path("home"))
        .env("PATH", "/usr/bin:/bin")
        .env("TOKEN", "s3cr3t-v4lue");
    command.output().expect("code-mode starts").into()
}

#[test]
fn a_good_configuration_is_listed_without_its_secrets() {
    let place = Place::new();
    place.write(
        ".mcp.json",
        r#"{
          "mcpServers": {
            "shell": { "command": "sh", "args": ["-c", "${TOKEN}"], "env": { "KEY": "in-the-file" } },
            "web": { "url": "https://u:in-the-file@example.com/${TOKEN}", "headers": { "A": "${TOKEN}" } }
          },
          "codeMode": { "policy": [{ "ask": "shell/*" }], "expose": ["web/*"] }
        }"#,
    );
    let folder = place.folder.path().canonicalize().unwrap();
    let folder = folder.display();
    let ended = check(&place, []).with(0);
    assert_eq!(
        ended.stdout,
        format!(
            "shell: stdio: sh with 2 arguments, env KEY, in {folder}\n\
             web: http: https://example.com, headers A\n\
             ask: shell/*\n\
             exposed: web/*\n\
             2 servers in {folder}/.mcp.json: 0 errors, 0 warnings\n"
        )
    );
    assert_eq!(ended.stderr, "");
    let json = check(&place, ["--json"]).with(0);
    for text in [ended.stdout, json.stdout] {
        assert!(
            !text.contains("s3cr3t") && !text.contains("in-the-file"),
            "{text}"
        );
    }
}

#[test]
fn errors_have_their_place_and_end_with_1() {
    let place = Place::new();
    place.write(
        "a.json",
        "{\n  \"mcpServers\": {\n    \"git\": { \"comand\": \"sh\" }\n  }\n}\n",
    );
    let ended = check(&place, ["--config", "a.json"]).with(1);
    assert_eq!(
        ended.stdout,
        "a.json:3:5: error: the server \"git\" has neither command nor url\n  \
           give command to start a server, or url to reach one\n\
         a.json:3:14: warning: unknown key \"comand\"; it is not read\n  \
           did you mean command?\n\
         \n\
         0 servers in a.json: 1 error, 1 warning\n"
    );
}

#[test]
fn warnings_alone_end_with_0() {
    let place = Place::new();
    place.write(
        "a.json",
        r#"{ "servers": { "a": { "command": "sh", "banana": 1 } } }"#,
    );
    let ended = check(&place, ["--config", "a.json"]).with(0);
    assert!(ended.stdout.contains("warning"), "{ended:?}");
}

#[test]
fn json_has_all_of_it() {
    let place = Place::new();
    place.write(
        "a.json",
        r#"{ "servers": { "a": { "command": "sh", "timeout": 5000 }, "b": {} } }"#,
    );
    let ended = check(&place, ["--config", "a.json", "--json"]).with(1);
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let expected = serde_json::json!({
        "files": ["a.json"],
        "findings": [{
            "severity": "error",
            "file": "a.json",
            "line": 1,
            "column": 59,
            "message": "the server \"b\" has neither command nor url",
            "suggestion": "give command to start a server, or url to reach one",
        }],
        "servers": [{
            "name": "a",
            "transport": "stdio: sh",
            "file": "a.json",
            "line": 1,
            "startup_timeout_ms": 30000,
            "tool_timeout_ms": 5000,
        }],
        "policy": [],
        "exposed": [],
    });
    assert_eq!(document, expected);
}

#[test]
fn without_a_configuration_it_ends_with_2_and_says_where_it_looked() {
    let place = Place::new();
    let ended = check(&place, []).with(2);
    assert_eq!(ended.stdout, "");
    for expected in [
        ".mcp.json",
        ".vscode/mcp.json",
        "home/.config/code-mode/mcp.json",
        "--config",
    ] {
        assert!(
            ended.stderr.contains(expected),
            "{expected} is not in {ended:?}"
        );
    }
}

#[test]
fn a_file_that_is_not_there_ends_with_2() {
    let place = Place::new();
    let ended = check(&place, ["--config", "missing.json"]).with(2);
    assert!(
        ended.stderr.contains("missing.json:1:1: error"),
        "{ended:?}"
    );
}
