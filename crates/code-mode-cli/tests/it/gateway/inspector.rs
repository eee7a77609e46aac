//! The MCP Inspector's command line as the client.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::installed;
use crate::mcp::LONG_MS;
use crate::support::Ended;

/// How the Inspector speaks with a server.
#[derive(Debug, Clone, Copy)]
struct Way<'a> {
    /// The generation of the protocol: `legacy` or `modern`.
    era: &'a str,
    /// The flags that name the server.
    server: &'a [&'a str],
}

/// What it prints of this method, as JSON.
#[track_caller]
fn inspect(stage: &Stage, way: Way<'_>, method: &str, more: &[&str]) -> Value {
    let output = installed::inspector()
        .with(way.server)
        .with([
            "--protocol-era",
            way.era,
            "--format",
            "json",
            "--method",
            method,
        ])
        .with(more)
        .command()
        // It keeps a catalogue of servers in its home.
        .env("HOME", stage.folder())
        .current_dir(stage.folder())
        .output()
        .expect("the Inspector starts");
    let ended = Ended::from(output).with(0);
    let printed: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    println!("Inspector, {way:?}, {method}: ok");
    printed.get("result").cloned().unwrap_or(printed)
}

#[track_caller]
fn calls_and_lists(stage: &Stage, way: Way<'_>) {
    let source = "
        const { time_difference } = await tools.mcp__time__convert_time({
            source_timezone: 'Asia/Tokyo', time: '12:00', target_timezone: 'Asia/Kolkata',
        });
        text(time_difference);
    ";
    let arguments = json!({ "source": source, "yield_time_ms": LONG_MS }).to_string();
    let call = ["--tool-name", "exec", "--tool-args-json", &arguments];
    let called = inspect(stage, way, "tools/call", &call);
    let content = called["content"].as_array().expect("content");
    let header = content[0]["text"].as_str().expect("a text");
    assert!(header.starts_with("Script completed"), "{header}");
    assert_eq!(content[1]["text"], "-3.5h");
    let structured = &called["structuredContent"];
    assert_eq!(structured["status"], "completed");
    assert_eq!(structured["calls"][0]["tool"], "mcp__time__convert_time");
    assert_eq!(structured["calls"][0]["ok"], true);

    // `--strict` ends with an error where a schema is not portable.
    let listed = inspect(stage, way, "tools/list", &["--strict"]);
    let names: Vec<_> = listed["tools"]
        .as_array()
        .expect("tools")
        .iter()
        .map(|tool| tool["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["exec", "wait"]);
    // With its tools or, where this is another process that has just begun, as still connecting.
    let exec = listed["tools"][0]["description"].as_str().expect("a text");
    assert!(exec.contains("mcp__time"), "{exec}");
}

#[test]
fn the_inspector_lists_and_calls_our_tools_on_standard_streams() {
    let stage = Stage::new().server("time", &installed::time());
    let us = json!({ "mcpServers": { "us": stage.as_server(&[]) } });
    stage.place.write("inspector.json", &us.to_string());
    let server = ["--config", "inspector.json", "--server", "us"];
    for era in ["legacy", "modern"] {
        let way = Way {
            era,
            server: &server,
        };
        calls_and_lists(&stage, way);
    }
}

#[test]
fn the_inspector_lists_and_calls_our_tools_over_http() {
    let stage = Stage::new().server("time", &installed::time());
    let gateway = stage.over_http(&[]);
    for era in ["legacy", "modern"] {
        let way = Way {
            era,
            server: &["--transport", "http", "--server-url", &gateway.url],
        };
        calls_and_lists(&stage, way);
    }
    assert_eq!(gateway.terminate(), Some(0));
}
