//! What the other tests rely on: every server is installed, and answers without us in between.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::installed;

/// The names of the tools of a server, asked on its standard streams.
fn tools(server: &mut Command) -> Vec<String> {
    let mut child = server
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts");
    let mut stdin = child.stdin.take().expect("piped");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut send = |message: Value| writeln!(stdin, "{message}").expect("the server reads");
    let mut answer_to = |id: u64| {
        loop {
            let line = lines.next().expect("an answer").expect("a line");
            let message: Value = serde_json::from_str(&line).expect("JSON");
            if message["id"] == id && message.get("method").is_none() {
                return message["result"].clone();
            }
        }
    };
    let parameters = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    send(json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": parameters }));
    answer_to(1);
    send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    send(json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" }));
    let list = answer_to(2);
    child.kill().expect("it still runs");
    child.wait().expect("it ends");
    let tools = list["tools"].as_array().expect("a list of tools");
    tools
        .iter()
        .map(|tool| tool["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn every_installed_server_lists_its_tools() {
    let folder = TempDir::new().expect("a temporary folder");
    let made = Command::new("git")
        .args(["init", "--quiet"])
        .arg(folder.path())
        .status();
    assert!(made.expect("these tests need git").success());
    let graph = folder.path().join("graph.jsonl");
    fs::write(&graph, "").expect("an empty graph");

    let servers = [
        ("everything", installed::everything().command(), "echo"),
        (
            "filesystem",
            installed::filesystem(folder.path()).command(),
            "read_text_file",
        ),
        ("memory", installed::memory().command(), "read_graph"),
        ("git", installed::git(folder.path()).command(), "git_status"),
        ("time", installed::time().command(), "get_current_time"),
    ];
    for (name, mut server, expected) in servers {
        let tools = tools(server.env("MEMORY_FILE_PATH", &graph));
        println!("{name}: {} tools", tools.len());
        assert!(
            tools.iter().any(|tool| tool == expected),
            "{name}: {tools:?}"
        );
    }
}
