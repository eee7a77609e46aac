//! The log, and spans at a collector.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};

use serde_json::{Value, json};

use crate::mcp::{Client, LONG_MS};
use crate::servers::{notes, with_servers};
use crate::support::{Ended, Place};
use crate::terminal::GIVEN_UP;

fn place() -> Place {
    with_servers(&json!({ "mcpServers": { "notes": notes() } }))
}

/// `code-mode run` of this script, with no telemetry but what the arguments say.
fn run<const N: usize>(place: &Place, script: &str, arguments: [&str; N]) -> Ended {
    place.write("script.js", script);
    let mut command = place.command(["run", "script.js", "--config", "servers.json"]);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    // A proxy of the machine's is nobody to ask for loopback.
    command
        .env("NO_PROXY", "127.0.0.1")
        .env_remove("CODE_MODE_LOG");
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    command.args(arguments).output().unwrap().into()
}

/// A collector that takes everything: path, headers in small letters, and body of each request.
pub struct Collector {
    pub endpoint: String,
    requests: Receiver<(String, String, Vec<u8>)>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if sender.send(take_request(stream.unwrap())).is_err() {
                    break;
                }
            }
        });
        Self { endpoint, requests }
    }

    /// Waits until spans of these names have come; the answer has all by name, and the attributes of
    /// what sent them.
    pub fn spans(&self, names: [&str; 3]) -> (HashMap<String, Value>, Value) {
        let mut spans = HashMap::new();
        let mut resource = Value::Null;
        while !names.iter().all(|name| spans.contains_key(*name)) {
            let (path, _, body) = self.next();
            assert_eq!(path, "/v1/traces");
            let body: Value = serde_json::from_slice(&body).unwrap();
            for sent in body["resourceSpans"].as_array().unwrap() {
                resource = sent["resource"]["attributes"].clone();
                for scope in sent["scopeSpans"].as_array().unwrap() {
                    for span in scope["spans"].as_array().unwrap() {
                        let name = span["name"].as_str().unwrap().to_owned();
                        spans.insert(name, span.clone());
                    }
                }
            }
        }
        (spans, resource)
    }

    fn next(&self) -> (String, String, Vec<u8>) {
        let next = self.requests.recv_timeout(GIVEN_UP);
        next.expect("the collector hears of the run")
    }
}

fn take_request(stream: TcpStream) -> (String, String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(
            reader.read_line(&mut head).unwrap() > 0,
            "the request ended early: {head}"
        );
    }
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let head = head.to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let length = length.lines().next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    reader.get_mut().write_all(answer.as_bytes()).unwrap();
    (path, head, body)
}

#[test]
fn a_collector_gets_the_spans_of_a_run_and_the_server_their_trace_context() {
    let collector = Collector::start();
    let otlp = format!("--otlp={}", collector.endpoint);
    let script = "text((await tools.mcp__notes__meta()).traceparent)";
    let ended = run(&place(), script, [&otlp]).with(0);
    assert_eq!(ended.stderr, "");
    let names = ["session", "cell", "call"];
    let (spans, resource) = collector.spans(names);
    let [session, cell, call] = names.map(|name| &spans[name]);
    assert_eq!(cell["parentSpanId"], session["spanId"]);
    assert_eq!(call["parentSpanId"], cell["spanId"]);
    for span in [cell, call] {
        assert_eq!(span["traceId"], session["traceId"]);
    }
    // 00-TRACE-SPAN-01, of the call or of something inside it.
    let parent: Vec<&str> = ended.stdout.trim_end().split('-').collect();
    assert_eq!(parent.len(), 4, "{parent:?}");
    assert_eq!(parent[1], session["traceId"]);
    let sender = spans.values().find(|span| span["spanId"] == parent[2]);
    let sender = sender.unwrap_or_else(|| panic!("no span {} in {spans:#?}", parent[2]));
    assert!(
        sender == call || sender["parentSpanId"] == call["spanId"],
        "{sender:#}"
    );
    let service = json!({ "key": "service.name", "value": { "stringValue": "code-mode" } });
    assert!(
        resource.as_array().unwrap().contains(&service),
        "{resource:#}"
    );
    assert!(call.to_string().contains("mcp__notes__meta"), "{call:#}");
}

#[test]
fn the_gateway_continues_the_trace_of_its_client() {
    let collector = Collector::start();
    let otlp = format!("--otlp={}", collector.endpoint);
    let place = place();
    let mut client = Client::start(&place, ["--config", "servers.json", &otlp]);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let result = client.request(
        "tools/call",
        json!({
            "name": "exec",
            "arguments": {
                "source": "text((await tools.mcp__notes__meta()).traceparent)",
                "yield_time_ms": LONG_MS,
            },
            "_meta": { "traceparent": format!("00-{trace}-b7ad6b7169203331-01") },
        }),
    );
    // The server is told of the same trace.
    assert!(
        result.to_string().contains(&format!("00-{trace}-")),
        "{result:#}"
    );
    client.close().with(0);
    let (spans, _) = collector.spans(["exec", "cell", "call"]);
    assert_eq!(spans["exec"]["parentSpanId"], "b7ad6b7169203331");
    for span in ["exec", "cell", "call"] {
        assert_eq!(spans[span]["traceId"], trace, "{spans:#?}");
    }
}

#[test]
fn the_variables_of_opentelemetry_say_where_and_how() {
    let collector = Collector::start();
    let place = place();
    place.write("script.js", "text('done')");
    let mut command = place.command(["run", "script.js", "--otlp"]);
    command
        .env("NO_PROXY", "127.0.0.1")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint)
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-team=blue")
        .env("OTEL_SERVICE_NAME", "nightly");
    let ended = Ended::from(command.output().unwrap()).with(0);
    assert_eq!(
        (ended.stdout.as_str(), ended.stderr.as_str()),
        ("done\n", "")
    );
    let (path, head, body) = collector.next();
    assert_eq!(path, "/v1/traces");
    assert!(head.contains("x-team: blue"), "{head}");
    assert!(String::from_utf8(body).unwrap().contains("nightly"));
}

#[test]
fn spans_are_encoded_as_every_collector_takes_them() {
    let collector = Collector::start();
    let place = place();
    place.write("script.js", "text('done')");
    let otlp = format!("--otlp={}", collector.endpoint);
    let mut command = place.command(["run", "script.js", &otlp]);
    command
        .env("NO_PROXY", "127.0.0.1")
        // What we have not got does not fail a run.
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        .env_remove("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL");
    Ended::from(command.output().unwrap()).with(0);
    let (_, head, body) = collector.next();
    assert!(
        head.contains("content-type: application/x-protobuf"),
        "{head}"
    );
    let body = String::from_utf8_lossy(&body);
    assert!(
        body.contains("service.name") && body.contains("code-mode"),
        "{body}"
    );
}

#[test]
fn a_run_ends_well_without_a_collector() {
    let place = place();
    let script = "text(await tools.mcp__notes__say({ text: 'done' }))";
    // Nobody listens, and no other test is given this port.
    let ended = run(&place, script, ["--otlp=http://127.0.0.1:1"]).with(0);
    assert_eq!(ended.stdout, "done\n");
    assert!(
        ended.stderr.contains("spans cannot be exported"),
        "{ended:?}"
    );

    // Somebody listens, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let ended = run(&place, script, [&format!("--otlp=http://{address}")]).with(0);
    assert_eq!(ended.stdout, "done\n");
    assert!(
        ended.stderr.contains("the last spans are lost"),
        "{ended:?}"
    );
}

#[test]
fn an_endpoint_that_is_no_url_is_refused() {
    let ended = run(&place(), "text('ran')", ["--otlp=http://[", "--log", "off"]).with(2);
    assert_eq!(ended.stdout, "");
    assert!(
        ended.stderr.starts_with("code-mode: cannot export spans: "),
        "{ended:?}"
    );
}

#[test]
fn without_a_collector_servers_get_no_trace_context() {
    let script = "text(Object.keys(await tools.mcp__notes__meta()).includes('traceparent'))";
    let ended = run(&place(), script, []).with(0);
    assert_eq!(ended.stdout, "false\n");
}

const MISSING: &str = r#"{ "mcpServers": { "missing": { "command": "./no-such-server" } } }"#;

#[test]
fn the_log_says_warnings_unless_it_is_told_otherwise() {
    let place = Place::new();
    place.write("servers.json", MISSING);
    let quiet = run(&place, "text('done')", ["--log", "off"]).with(0);
    assert!(!quiet.stderr.contains("WARN"), "{quiet:?}");
    let loud = run(&place, "text('done')", ["--log", "debug"]).with(0);
    assert!(loud.stderr.contains("WARN"), "{loud:?}");
    // No terminal, no colours.
    assert!(!loud.stderr.contains('\x1b'), "{loud:?}");

    place.write("script.js", "text('done')");
    let mut command = place.command(["run", "script.js", "--config", "servers.json"]);
    let by_variable = Ended::from(command.env("CODE_MODE_LOG", "debug").output().unwrap()).with(0);
    assert!(by_variable.stderr.contains("WARN"), "{by_variable:?}");
}

#[test]
fn the_log_goes_to_a_file_as_json_line_by_line() {
    let place = Place::new();
    place.write("servers.json", MISSING);
    place.write("log", "before\n");
    let flags = [
        "--log",
        "debug",
        "--log-file",
        "log",
        "--log-format",
        "json",
    ];
    let ended = run(&place, "text('done')", flags).with(0);
    assert!(!ended.stderr.contains("WARN"), "{ended:?}");
    let log = place.read("log");
    let mut lines = log.lines();
    assert_eq!(lines.next(), Some("before"));
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.iter().any(|line| line["level"] == "WARN"), "{log}");
}

#[test]
fn a_log_that_cannot_be_had_is_refused() {
    let place = place();
    let ended = run(&place, "text('ran')", ["--log", "loud"]).with(2);
    assert!(ended.stderr.contains("debug"), "{ended:?}");
    let ended = run(&place, "text('ran')", ["--log-file", "no/such/log"]).with(2);
    assert_eq!(ended.stdout, "");
    assert!(
        ended
            .stderr
            .starts_with("code-mode: cannot write the log to no/such/log: "),
        "{ended:?}"
    );
}
