//! No secret of a configuration gets out: not at the level of the log that is the default, not at its
//! lowest, not into the audit log, not to a collector.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::mcp::Client;
use crate::servers::with_servers;
use crate::support::{Ended, Place, Running};
use crate::telemetry::Collector;

/// Part of every secret here, and of nothing else.
const MARK: &str = "hush";

/// The port of nobody: one that no other test is given either.
const CLOSED_PORT: u16 = 1;

/// A server that turns everybody away with what they said of themselves. Ends with the process.
fn turning_away() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut length, mut said) = (0, String::new());
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                    break;
                }
                let Some((name, value)) = line.trim_end().split_once(": ") else {
                    continue;
                };
                match name.to_lowercase().as_str() {
                    "content-length" => length = value.parse().unwrap(),
                    "authorization" => said = value.to_owned(),
                    _ => {}
                }
            }
            let _ = reader.read_exact(&mut vec![0; length]);
            let answer = format!(
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"{said}\"\r\n\
                 Content-Length: 0\r\nConnection: close\r\n\r\n"
            );
            // Whoever asked may be gone.
            let _ = reader.get_mut().write_all(answer.as_bytes());
        }
    });
    port
}

/// Servers that cannot be reached or let nobody in, and one that tells what it knows.
fn place() -> Place {
    let (closed, away) = (CLOSED_PORT, turning_away());
    with_servers(&json!({ "mcpServers": {
        "token": { "url": format!("http://127.0.0.1:{closed}/mcp?token=hush-1") },
        "user": {
            "url": format!("http://hush-2:hush-3@127.0.0.1:{closed}/mcp/hush-4?key=hush%2F5"),
        },
        "header": {
            "url": format!("http://127.0.0.1:{away}/mcp"),
            "headers": { "Authorization": "Bearer hush-6" },
        },
        "user-away": { "url": format!("http://hush-7:hush-8@127.0.0.1:{away}/hush-9") },
        "leaky": leaky(),
    } }))
}

/// The server in `tests/servers/leaky.py`, as a configuration says it.
fn leaky() -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/leaky.py");
    json!({
        "command": "python3",
        "args": ["-B", script],
        "env": { "SECRET": "\"hush/hush+hush é", "NAME": "hush_tool" },
    })
}

const CALLS: &str = "
for (const name of ['result', 'refuse']) {
  await tools['mcp__leaky__' + name]({}).then(() => text('no error'), () => text('failed'));
}
await tools.mcp__leaky__result.raw({});
";

fn command<const N: usize>(place: &Place, arguments: [&str; N]) -> Ended {
    let mut command = place.command(arguments);
    command.env("NO_PROXY", "127.0.0.1");
    command.env_remove("CODE_MODE_LOG").output().unwrap().into()
}

#[track_caller]
fn assert_hushed(text: &str) {
    assert!(!text.contains(MARK), "{text}");
    // As somebody has encoded a user and a password before us.
    assert!(!text.contains("aHVzaC"), "{text}");
}

#[test]
fn servers_that_cannot_be_reached_are_named_in_our_words_alone_and_without_secrets() {
    let place = place();
    place.write("script.js", CALLS);
    let listed = command(&place, ["tools", "--config", "servers.json"]).with(1);
    let ran = command(&place, ["run", "script.js", "--config", "servers.json"]).with(0);
    assert_eq!(ran.stdout, "failed\nfailed\n");
    for ended in [listed, ran] {
        for server in ["token", "user", "header", "user-away"] {
            let named = format!("code-mode: the server {server} is not there: ");
            assert!(ended.stderr.contains(&named), "{}", ended.stderr);
        }
        assert!(!ended.stderr.contains("rmcp"), "{}", ended.stderr);
        assert_hushed(&ended.stderr);
    }
}

#[test]
fn the_gateway_says_no_secret_by_default() {
    let place = place();
    let mut client = Client::start(&place, ["--config", "servers.json", "--audit", "audit"]);
    client.exec(CALLS);
    let ended = client.close().with(0);
    assert!(!ended.stderr.contains("rmcp"), "{}", ended.stderr);
    assert_hushed(&ended.stderr);
    assert_hushed(&place.read("audit"));
}

#[test]
fn the_lowest_level_of_the_log_says_no_secret_in_either_form() {
    let place = place();
    place.write("script.js", CALLS);
    for format in ["text", "json"] {
        let ended = command(
            &place,
            [
                "run",
                "script.js",
                "--config",
                "servers.json",
                "--log",
                // Not a level: that would leave out what servers say on standard error.
                "trace,rmcp=trace",
                "--log-format",
                format,
            ],
        )
        .with(0);
        assert!(ended.stderr.contains("called with …"), "{}", ended.stderr);
        assert_hushed(&ended.stderr);
    }
}

#[test]
fn a_subscription_that_is_refused_is_logged_without_secrets() {
    let mut server = leaky();
    server["args"].as_array_mut().unwrap().push("newest".into());
    let place = with_servers(&json!({ "mcpServers": { "leaky": server } }));
    let mut command = place.command(["mcp", "--config", "servers.json", "--log", "debug"]);
    let mut gateway = Running::new(command.stdin(Stdio::piped()));
    // Until it is closed, the gateway runs.
    let requests = gateway.stdin();
    let refused = loop {
        let line = gateway.stderr_line();
        assert!(!line.is_empty(), "standard error has ended");
        if line.contains("a server takes no subscription") {
            break line;
        }
    };
    drop(requests);
    assert!(refused.contains("no subscription for …"), "{refused}");
    assert_hushed(&refused);
    gateway.end().with(0);
}

#[test]
fn who_wants_to_hear_the_library_hears_it_without_secrets() {
    let place = place();
    let log = ["--log", "rmcp=error", "--log-format", "json"];
    let [log, level, form, json] = log;
    let ended = command(
        &place,
        ["tools", "--config", "servers.json", log, level, form, json],
    )
    .with(1);
    let of_library = ended.stderr.lines().filter(|line| line.starts_with('{'));
    for line in of_library.clone() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["level"], "ERROR");
    }
    assert!(of_library.count() > 0, "{}", ended.stderr);
    assert_hushed(&ended.stderr);
}

#[test]
fn the_audit_log_says_that_a_call_failed_and_no_secret() {
    let place = place();
    place.write("script.js", CALLS);
    command(
        &place,
        [
            "run",
            "script.js",
            "--config",
            "servers.json",
            "--audit",
            "audit",
        ],
    )
    .with(0);
    let audit = place.read("audit");
    let errors: Vec<Value> = audit
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["error"].clone())
        .collect();
    assert_eq!(errors.len(), 3, "{audit}");
    assert_eq!(errors[0], "failed: … … … … \"…\"");
    assert_eq!(errors[2], errors[0]);
    assert!(
        errors[1].as_str().unwrap().contains("refused: …"),
        "{audit}"
    );
    assert_hushed(&audit);
}

#[test]
fn a_collector_hears_no_secret() {
    let place = place();
    // The spans of calls name the tool.
    place.write("script.js", "await tools.mcp__leaky__hush_tool({})");
    let collector = Collector::start();
    let otlp = format!("--otlp={}", collector.endpoint);
    let mut command = place.command(["run", "script.js", "--config", "servers.json", &otlp]);
    command
        .env("NO_PROXY", "127.0.0.1")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    Ended::from(command.output().unwrap()).with(0);
    let (spans, _) = collector.spans(["session", "cell", "call"]);
    let called = spans["call"].to_string();
    assert!(called.contains("mcp__leaky__…"), "{called}");
    for span in spans.values() {
        assert_hushed(&span.to_string());
    }
}
