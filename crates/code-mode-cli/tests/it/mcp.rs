//! `code-mode mcp` as a client and the one who runs it meet it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{ChildStdin, Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::servers::{notes, with_servers};
use crate::support::{Ended, Place, Running};

/// A yield time that is never over within a test, so that only the script's end answers.
pub const LONG_MS: u64 = 600_000;

fn place() -> Place {
    with_servers(&json!({ "mcpServers": { "notes": notes() } }))
}

fn mcp<const N: usize>(place: &Place, arguments: [&str; N]) -> Command {
    let mut command = place.command(["mcp"]);
    // For the tests of spans, which are sent to loopback and read as JSON.
    command
        .args(arguments)
        .env("NO_PROXY", "127.0.0.1")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    command
}

/// A client on the standard streams.
pub struct Client {
    gateway: Running,
    requests: Option<ChildStdin>,
    sent: u64,
}

impl Client {
    pub fn start<const N: usize>(place: &Place, arguments: [&str; N]) -> Self {
        let mut command = mcp(place, arguments);
        let mut gateway = Running::new(command.stdin(Stdio::piped()));
        let requests = gateway.stdin();
        let mut client = Self {
            gateway,
            requests: Some(requests),
            sent: 0,
        };
        let about = client.request(
            "initialize",
            json!({
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": { "name": "a-test", "version": "1" },
            }),
        );
        assert_eq!(about["protocolVersion"], "2025-06-18");
        client.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        client
    }

    fn send(&mut self, message: Value) {
        let requests = self.requests.as_mut().expect("still open");
        writeln!(requests, "{message}").unwrap();
    }

    /// Sends a request and waits for its result. Every line on the way has to be the protocol's.
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let id = self.sent;
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let line = self.gateway.stdout_line();
            let mut message: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
                panic!("{line:?} on standard output is no message: {error}")
            });
            assert_eq!(message["jsonrpc"], "2.0");
            if message["id"] == id && message.get("method").is_none() {
                assert!(message.get("result").is_some(), "{message:#}");
                return message["result"].take();
            }
        }
    }

    pub fn exec(&mut self, source: &str) -> Value {
        let arguments = json!({ "source": source, "yield_time_ms": LONG_MS });
        self.request(
            "tools/call",
            json!({ "name": "exec", "arguments": arguments }),
        )
    }

    /// Closes the client's end and waits for the gateway's.
    pub fn close(mut self) -> Ended {
        drop(self.requests.take());
        self.gateway.end()
    }
}

/// The texts of a result.
fn texts(result: &Value) -> String {
    let content = result["content"].as_array().expect("content");
    let texts = content.iter().filter_map(|item| item["text"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_client_on_standard_streams_runs_scripts_until_it_closes_them() {
    let place = place();
    let mut client = Client::start(&place, ["--config", "servers.json"]);
    let tools = client.request("tools/list", json!({}));
    let names: Vec<&str> = tools["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["exec", "wait"]);
    let result = client.exec("text(await tools.mcp__notes__say({ text: 'heard' }))");
    assert!(texts(&result).contains("heard"), "{result:#}");
    assert_eq!(
        result["structuredContent"]["calls"][0]["tool"],
        "mcp__notes__say"
    );
    let ended = client.close().with(0);
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr, "");
}

#[test]
fn the_flags_reach_the_gateway() {
    let place = place();
    let mut client = Client::start(
        &place,
        [
            "--config",
            "servers.json",
            "--short-names",
            "--expose-tools",
            "notes/s*",
            "--structured",
            "never",
            "--audit",
            "audit.jsonl",
            "--heap-mb",
            "64",
            "--max-wait",
            "20",
            "--description-tokens",
            "1500",
        ],
    );
    let script = "text(await tools.notes__say({ text: 'heard' }))";
    let result = client.exec(script);
    assert!(texts(&result).contains("heard"), "{result:#}");
    assert!(result.get("structuredContent").is_none(), "{result:#}");
    let tools = client.request("tools/list", json!({}));
    assert_eq!(tools["tools"].as_array().unwrap().len(), 3, "{tools:#}");
    client.close().with(0);
    let line: Value = serde_json::from_str(&place.read("audit.jsonl")).unwrap();
    assert_eq!(line["tool"], "say");
    assert_eq!(
        line["arguments_sha256"].as_str().unwrap().len(),
        64,
        "{line}"
    );
}

#[test]
fn what_is_wrong_is_said_on_standard_error_and_the_rest_is_served() {
    let broken = json!({ "command": 7 });
    let place = with_servers(&json!({ "mcpServers": { "wrong": broken, "notes": notes() } }));
    let mut client = Client::start(&place, ["--config", "servers.json"]);
    let result = client.exec("text(await tools.mcp__notes__say({ text: 'heard' }))");
    assert!(texts(&result).contains("heard"), "{result:#}");
    let ended = client.close().with(0);
    assert!(
        ended.stderr.starts_with("code-mode: servers.json:1:"),
        "{ended:?}"
    );
}

#[test]
fn a_signal_ends_the_gateway_well() {
    let place = place();
    for signal in [Signal::TERM, Signal::INT] {
        let client = Client::start(&place, ["--config", "servers.json"]);
        client.gateway.signal(signal);
        // Its client still holds the other end open.
        let Client {
            gateway, requests, ..
        } = client;
        let ended = gateway.end().with(0);
        drop(requests);
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn a_signal_has_what_is_running_answered_with_its_output() {
    let mut client = Client::start(&place(), ["--config", "servers.json"]);
    let source = "text('part'); notify('begun'); await new Promise((r) => setTimeout(r, 600_000))";
    client.send(json!({
        "jsonrpc": "2.0", "id": "running", "method": "tools/call",
        "params": {
            "name": "exec", "arguments": { "source": source },
            "_meta": { "progressToken": 1 },
        },
    }));
    let begun = client.gateway.stdout_line();
    assert!(begun.contains("begun"), "{begun}");
    client.gateway.signal(Signal::TERM);
    let answer = client.gateway.stdout_line();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["id"], "running");
    let said = texts(&answer["result"]);
    assert!(
        said.contains("Script terminated") && said.contains("part"),
        "{said}"
    );
    client.close().with(0);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    // On a machine that stands still between the two, the gateway has ended by itself before the second.
    let ends_by_the_second = (0..5).any(|_| signalled_twice() == Some(143));
    assert!(ends_by_the_second);
}

/// With what code a gateway exits that is asked to end twice.
fn signalled_twice() -> Option<i32> {
    let place = Place::new();
    let alive = place.fifo("alive");
    // It neither ends with its input nor when it is asked to; but when nobody reads from it any more.
    let stubborn = "trap '' TERM; exec 3> alive; while echo started >&3; do sleep 1; done";
    let stubborn = json!({ "command": "sh", "args": ["-c", stubborn] });
    let servers = json!({ "mcpServers": { "stubborn": stubborn } });
    place.write("servers.json", &servers.to_string());
    let mut command = mcp(&place, ["--config", "servers.json"]);
    let mut gateway = Running::new(command.stdin(Stdio::piped()));
    let _alive = crate::support::wait_until_started(&alive);
    gateway.signal(Signal::TERM);
    assert_eq!(
        gateway.stderr_line(),
        "code-mode: asked to end; closing the connections (once more to exit at once)"
    );
    gateway.signal(Signal::TERM);
    gateway.exit_code()
}

/// What the gateway answers to a request, as it comes.
fn http(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(request.replace('\n', "\r\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn over_http_it_says_where_and_ends_with_a_signal() {
    let place = place();
    let mut command = mcp(
        &place,
        [
            "--config",
            "servers.json",
            "--http",
            "0",
            "--bearer-token-env",
            "GATE",
        ],
    );
    let mut gateway = Running::new(command.env("GATE", "open-sesame"));
    let said = gateway.stderr_line();
    let url = said.strip_prefix("code-mode: serving at http://").unwrap();
    let address = url.strip_suffix("/mcp").unwrap().to_owned();
    let health = http(
        &address,
        &format!("GET /healthz HTTP/1.1\nHost: {address}\nConnection: close\n\n"),
    );
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    let request = |token: &str, host: &str| {
        let body = json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": { "name": "a-test", "version": "1" },
            },
        });
        let body = body.to_string();
        // Written last, for a line break in it would become two characters.
        let head = format!(
            "POST /mcp HTTP/1.1\nHost: {host}\nAuthorization: Bearer {token}\nContent-Type: application/json\n\
             Accept: application/json, text/event-stream\nContent-Length: {}\n\n",
            body.len()
        );
        let mut stream = TcpStream::connect(&address).unwrap();
        stream
            .write_all((head.replace('\n', "\r\n") + &body).as_bytes())
            .unwrap();
        let mut status = String::new();
        BufReader::new(stream).read_line(&mut status).unwrap();
        status
    };
    assert!(request("open-sesame", &address).starts_with("HTTP/1.1 200"));
    assert!(request("guessed", &address).starts_with("HTTP/1.1 401"));
    assert!(request("open-sesame", "elsewhere.example").starts_with("HTTP/1.1 403"));
    gateway.signal(Signal::TERM);
    let ended = gateway.end().with(0);
    assert!(!ended.stderr.contains("open-sesame"), "{ended:?}");
}

/// Insists that nothing was served, for this reason.
#[track_caller]
fn refused<const N: usize>(arguments: [&str; N], says: &[&str]) {
    let place = place();
    let mut command = mcp(&place, arguments);
    command
        .env_remove("NOT_SET")
        .env("HOME", place.folder.path());
    command.env_remove("XDG_CONFIG_HOME");
    let ended = Ended::from(command.output().unwrap()).with(2);
    assert_eq!(ended.stdout, "");
    for expected in says {
        assert!(
            ended.stderr.contains(expected),
            "{expected:?} is not in {ended:#?}"
        );
    }
}

#[test]
fn nothing_is_served_without_a_configuration_an_address_or_a_token() {
    refused([], &["no configuration was found", ".mcp.json", "--config"]);
    refused(["--config", "none.json"], &["none.json"]);
    let config = ["--config", "servers.json"];
    let with =
        |flags: [&'static str; 4]| [config[0], config[1], flags[0], flags[1], flags[2], flags[3]];
    refused(
        with(["--http", "0", "--bearer-token-env", "NOT_SET"]),
        &["NOT_SET", "--bearer-token-env"],
    );
    refused(
        ["--config", "servers.json", "--http", "0.0.0.0:0"],
        &["token"],
    );
    refused(
        ["--config", "servers.json", "--http", "example.com"],
        &["127.0.0.1:8080"],
    );
    refused(
        with(["--http", "0", "--allow-origin", "app.example.com/x"]),
        &[
            "--allow-origin",
            "\"app.example.com/x\" is no origin",
            "https://app.example.com",
        ],
    );
    refused(
        ["--config", "servers.json", "--allow-host", "h"],
        &["--http"],
    );
    refused(
        ["--config", "servers.json", "--expose-tools", "["],
        &["SERVER/TOOL"],
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(
        ["--config", "servers.json", "--http", &address],
        &["cannot serve at 127.0.0.1:"],
    );
}
