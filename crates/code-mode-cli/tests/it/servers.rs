//! Scripts and listings with MCP servers.

use serde_json::{Value, json};

use crate::installed;
use crate::support::{Ended, Place, write_fifo};
use crate::terminal::Terminal;

/// The server in `tests/servers/notes.py`, as a configuration says it.
pub fn notes() -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/notes.py");
    json!({ "command": "python3", "args": ["-B", script] })
}

/// A server that cannot be started.
fn missing() -> Value {
    json!({ "command": "./no-such-server" })
}

/// A folder with this configuration in `servers.json`.
pub fn with_servers(configuration: &Value) -> Place {
    let place = Place::new();
    place.write("servers.json", &configuration.to_string());
    place
}

fn with_notes() -> Place {
    with_servers(&json!({ "mcpServers": { "notes": notes() } }))
}

fn code_mode<const N: usize>(place: &Place, arguments: [&str; N]) -> Ended {
    place.command(arguments).output().unwrap().into()
}

#[track_caller]
fn assert_contains(text: &str, expected: &str) {
    assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
}

#[test]
fn a_script_calls_commands_and_servers_side_by_side() {
    let place = with_notes();
    let script = "text(await Promise.all([tools.mcp__notes__say({ text: 'one' }), tools.two()]))";
    let ended = place
        .run(
            script,
            ["--config", "servers.json", "--tool", "two=echo two"],
        )
        .with(0);
    assert_eq!(ended.stdout, "[\"one\",\"two\"]\n");
    assert_eq!(ended.stderr, "");
}

/// A server that takes everything and answers nothing.
fn mute(startup_timeout_sec: u64) -> Value {
    let args = ["-c", "cat > /dev/null"];
    json!({ "command": "sh", "args": args, "startup_timeout_sec": startup_timeout_sec })
}

#[test]
fn a_script_does_not_wait_for_a_server_that_it_does_not_mention() {
    // Its time-out would be said, if it had been waited for.
    let servers = json!({ "mute": mute(60), "notes": notes() });
    let place = with_servers(&json!({ "mcpServers": servers }));
    let script = "text(await tools.mcp__notes__say({ text: 'one' }))";
    let ended = place.run(script, ["--config", "servers.json"]).with(0);
    assert_eq!(ended.stdout, "one\n");
    assert_eq!(
        ended.stderr,
        "code-mode: the server mute is not there: it is still being connected\n"
    );
}

#[test]
fn a_script_that_looks_for_tools_itself_waits_for_all_servers() {
    let place = with_servers(&json!({ "mcpServers": { "mute": mute(3) } }));
    let script = "text(Object.keys(tools).length)";
    let ended = place.run(script, ["--config", "servers.json"]).with(0);
    assert_eq!(ended.stdout, "0\n");
    let why = "it did not answer within 3 s, the time-out for its start";
    assert_contains(
        &ended.stderr,
        &format!("the server mute is not there: {why}\n"),
    );
}

#[test]
fn a_script_waits_for_a_server_that_it_mentions_and_is_told_why_it_is_not_there() {
    let place = with_servers(&json!({ "mcpServers": { "mute": mute(3), "notes": notes() } }));
    let ended = place.run("await tools.mcp__mute__say()", ["--config", "servers.json"]);
    let ended = ended.with(1);
    let why = "it did not answer within 3 s, the time-out for its start";
    assert_contains(
        &ended.stderr,
        &format!("the server mute is not there: {why}\n"),
    );
    assert_contains(
        &ended.stderr,
        &format!("there is no tool \"mcp__mute__say\" now: mcp__mute is not available: {why}\n"),
    );
}

#[test]
fn without_the_flag_a_script_has_no_servers_whatever_lies_around() {
    let place = Place::new();
    let configuration = json!({ "mcpServers": { "notes": notes() } });
    place.write(".mcp.json", &configuration.to_string());
    let ended = place.run("text(ALL_TOOLS.length)", []).with(0);
    assert_eq!(ended.stdout, "0\n");
}

#[test]
fn a_command_keeps_its_name_and_it_is_said_what_the_servers_tool_is_called() {
    let place = with_notes();
    let script =
        "text(await tools.notes__say()); text(await tools.notes__say_2({ text: 'server' }));";
    let ended = place
        .run(
            script,
            [
                "--config",
                "servers.json",
                "--short-names",
                "--tool",
                "notes__say=echo command",
            ],
        )
        .with(0);
    assert_eq!(ended.stdout, "command\nserver\n");
    assert_eq!(
        ended.stderr,
        "code-mode: tools.notes__say is a command; the server's tool of that name is tools.notes__say_2\n"
    );
}

#[test]
fn a_server_that_is_not_there_is_named_and_the_others_go_on() {
    let place = with_servers(&json!({ "mcpServers": { "missing": missing(), "notes": notes() } }));
    let script = "text(await tools.mcp__notes__say({ text: 'still' }))";
    let ended = place.run(script, ["--config", "servers.json"]).with(0);
    assert_eq!(ended.stdout, "still\n");
    assert_contains(
        &ended.stderr,
        "code-mode: the server missing is not there: ",
    );
}

#[test]
fn a_server_that_starts_slowly_is_waited_for() {
    let mut late = notes();
    late["args"].as_array_mut().unwrap().push("late".into());
    let place = with_servers(&json!({ "mcpServers": { "notes": late } }));
    let script = "text(await tools.mcp__notes__say({ text: 'here' }))";
    let ended = place.run(script, ["--config", "servers.json"]).with(0);
    assert_eq!(ended.stdout, "here\n");
    assert_eq!(ended.stderr, "");
}

#[test]
fn an_entry_that_is_wrong_is_explained_and_the_others_go_on() {
    let place =
        with_servers(&json!({ "mcpServers": { "wrong": { "command": 7 }, "notes": notes() } }));
    let script = "text(await tools.mcp__notes__say({ text: 'still' }))";
    let ended = place.run(script, ["--config", "servers.json"]).with(0);
    assert_eq!(ended.stdout, "still\n");
    assert_contains(&ended.stderr, "code-mode: servers.json:1:");
}

#[test]
fn a_configuration_that_cannot_be_read_runs_nothing() {
    let place = Place::new();
    let ended = place.run("text('ran')", ["--config", "none.json"]).with(2);
    assert_eq!(ended.stdout, "");
    assert_contains(&ended.stderr, "none.json");

    place.write("broken.json", "{");
    let ended = place
        .run("text('ran')", ["--config", "broken.json"])
        .with(2);
    assert_eq!(ended.stdout, "");
    assert_contains(&ended.stderr, "broken.json:1:");
    assert_contains(&ended.stderr, "names no server that can be used");
}

#[test]
fn calls_are_noted_in_the_audit_log() {
    let place = with_notes();
    let script = "await tools.mcp__notes__say({ text: 'seen' })";
    place
        .run(
            script,
            [
                "--config",
                "servers.json",
                "--audit",
                "audit.jsonl",
                "--audit-arguments",
                "text",
            ],
        )
        .with(0);
    let line: Value = serde_json::from_str(&place.read("audit.jsonl")).unwrap();
    assert_eq!(line["session"], "run");
    assert_eq!(line["server"], "notes");
    assert_eq!(line["tool"], "say");
    assert_eq!(line["arguments"], json!({ "text": "seen" }));
    assert_eq!(line["outcome"], "ok");
}

#[test]
fn secrets_of_the_configuration_are_in_no_log() {
    let mut server = notes();
    server["env"] = json!({ "TOKEN": "hush-hush-7" });
    let mut broken = missing();
    broken["env"] = json!({ "TOKEN": "hush-hush-8" });
    let place = with_servers(&json!({ "mcpServers": { "notes": server, "missing": broken } }));
    let script = "text(await tools.mcp__notes__say({ text: 'done' }))";
    let log = "trace,code_mode=trace,rmcp=trace";
    let ended = place
        .run(
            script,
            [
                "--config",
                "servers.json",
                "--log",
                log,
                "--log-file",
                "log",
            ],
        )
        .with(0);
    assert_eq!(ended.stdout, "done\n");
    let log = place.read("log");
    assert_contains(&log, "missing");
    for text in [log, ended.stderr] {
        assert!(!text.contains("hush-hush"), "{text}");
    }
}

#[test]
fn declarations_of_servers_tools_are_printed_and_checked() {
    let place = with_notes();
    let types = code_mode(&place, ["types", "--config", "servers.json"]).with(0);
    assert_contains(&types.stdout, "mcp__notes__say");
    let types = code_mode(
        &place,
        ["types", "--config", "servers.json", "--short-names"],
    )
    .with(0);
    assert_contains(&types.stdout, "notes__say");

    let node_modules = crate::tooling::node_modules();
    std::os::unix::fs::symlink(node_modules, place.path("node_modules")).unwrap();
    let script = "await tools.mcp__notes__say({ text: 7 })";
    let ended = place
        .run(script, ["--config", "servers.json", "--check"])
        .with(2);
    assert_contains(&ended.stderr, "script.js(1,");
}

/// Asks before `wipe`.
fn with_policy() -> Place {
    with_servers(&json!({
        "mcpServers": { "notes": notes() },
        "codeMode": { "policy": [{ "ask": "notes/wipe" }] }
    }))
}

#[test]
fn where_nobody_can_be_asked_a_call_is_refused_in_words() {
    let place = with_policy();
    let script =
        "await tools.mcp__notes__wipe({ path: 'a' }).catch((error) => text(error.message))";
    let ended = place.run(script, ["--config", "servers.json"]).with(0);
    assert_contains(&ended.stdout, "wipe of server notes was not called");
    assert_contains(&ended.stdout, "standard error is no terminal");
}

const WIPE: &str = "
const wipe = (path) => tools.mcp__notes__wipe({ path }).catch((error) => error.message);
text(await wipe('first\\u001b[1m'));
text(await wipe('second'));
text(await Promise.all([wipe('third'), wipe('fourth'), wipe('fifth')]));
text(await wipe('sixth'));
";

#[test]
fn the_person_at_the_terminal_is_asked_and_answers_once_or_for_good() {
    let place = with_policy();
    place.write("script.js", WIPE);
    let mut terminal = Terminal::run(
        &place,
        200,
        ["run", "script.js", "--config", "servers.json"],
    );
    terminal.wait_for("\"path\": \"first\\u001b[1m\"");
    terminal.wait_for("Allow it?");
    terminal.type_line("perhaps");
    terminal.wait_for("perhaps\nAllow it?");
    terminal.type_line("y");
    terminal.wait_for("\"path\": \"second\"\n  }\nAllow it?");
    terminal.type_line("n");
    // Which of the three is asked about first is not told beforehand.
    terminal.wait_until("a fourth question", |screen| {
        screen.matches("Allow it?").count() == 4
    });
    // Those that wait for their turn are not asked about any more, nor is any later one.
    terminal.type_line("always");
    assert_eq!(terminal.end(), Some(0));
    let screen = terminal.screen();
    assert_contains(&screen, "wiped first");
    assert_contains(
        &screen,
        "the person at the terminal did not allow this call",
    );
    assert_contains(
        &screen,
        "[\"wiped third\",\"wiped fourth\",\"wiped fifth\"]\nwiped sixth",
    );
    assert_eq!(screen.matches("Allow it?").count(), 4, "{screen}");
}

#[test]
fn an_interrupt_ends_a_run_that_waits_for_an_answer() {
    let place = with_policy();
    place.write("script.js", WIPE);
    let mut terminal = Terminal::run(
        &place,
        200,
        ["run", "script.js", "--config", "servers.json"],
    );
    terminal.wait_for("Allow it?");
    terminal.type_line("\u{3}");
    assert_eq!(terminal.end(), Some(130));
    assert_contains(
        &terminal.screen(),
        "code-mode: interrupted; ending the script",
    );
}

#[test]
fn the_terminal_shows_calls_of_servers_that_are_under_way() {
    let place = with_notes();
    let pipe = place.fifo("pipe");
    let path = pipe.to_str().unwrap();
    place.write(
        "script.js",
        &format!("text(await tools.mcp__notes__hold({{ pipe: {path:?} }}))"),
    );
    let mut terminal = Terminal::run(&place, 80, ["run", "script.js", "--config", "servers.json"]);
    terminal.wait_for("1 call: mcp__notes__hold (");
    write_fifo(&pipe, "let go");
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(terminal.screen(), "let go");
}

#[test]
fn tools_are_listed_with_what_they_may_do() {
    let place = with_policy();
    let ended = code_mode(&place, ["tools", "--config", "servers.json"]).with(0);
    assert_eq!(
        ended.stdout,
        "\
SERVER  TOOL  ACCESS             DESCRIPTION
notes   hold                     Answers with what comes out of a named pipe.
notes   meta                     The _meta of the call.
notes   say   read-only          Says the text again.
notes   wipe  destructive, asks  Wipes a note.
"
    );
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_search_lists_what_fits_the_best_first() {
    let place = with_notes();
    let ended = code_mode(&place, ["tools", "wipe a note", "--config", "servers.json"]).with(0);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines[1].starts_with("notes   wipe"), "{}", ended.stdout);
    let ended = code_mode(&place, ["tools", "zebra", "--config", "servers.json"]).with(0);
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr, "code-mode: no tool fits \"zebra\"\n");
}

#[test]
fn a_program_reads_the_list_as_json() {
    let place = with_policy();
    let ended = code_mode(&place, ["tools", "--json", "--config", "servers.json"]).with(0);
    let list: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 4);
    assert_eq!(
        list[3],
        json!({
            "server": "notes",
            "tool": "wipe",
            "name": "mcp__notes__wipe",
            "description": "Wipes a note.",
            "annotations": { "destructiveHint": true },
            "policy": "ask",
            "inputSchema": { "type": "object", "properties": { "path": { "type": "string" } } },
            "outputSchema": null,
            "outputSchemaObserved": false,
        })
    );
    let types = code_mode(&place, ["tools", "--types", "--config", "servers.json"]).with(0);
    assert_contains(&types.stdout, "mcp__notes__wipe");
}

#[test]
fn a_list_fits_its_terminal() {
    let place = with_notes();
    let mut terminal = Terminal::run(&place, 50, ["tools", "--config", "servers.json"]);
    assert_eq!(terminal.end(), Some(0));
    let screen = terminal.screen();
    assert_contains(
        &screen,
        "notes   hold               Answers with what come…\n",
    );
    assert_eq!(screen.lines().count(), 5, "{screen}");
}

#[test]
fn a_list_without_some_server_says_which_and_fails() {
    let place = with_servers(&json!({ "mcpServers": { "notes": notes(), "missing": missing() } }));
    let ended = code_mode(&place, ["tools", "--config", "servers.json"]).with(1);
    assert_contains(&ended.stdout, "notes   say");
    assert_contains(
        &ended.stderr,
        "code-mode: the server missing is not there: ",
    );
}

#[test]
fn a_list_looks_for_the_configuration_and_says_where_if_there_is_none() {
    let place = Place::new();
    let ended = code_mode(&place, ["tools"]).with(2);
    assert_eq!(ended.stdout, "");
    for looked_at in [
        ".mcp.json",
        ".vscode/mcp.json",
        "config/code-mode/mcp.json",
        "--config",
    ] {
        assert_contains(&ended.stderr, looked_at);
    }
    place.write(
        ".mcp.json",
        &json!({ "mcpServers": { "notes": notes() } }).to_string(),
    );
    assert_contains(&code_mode(&place, ["tools"]).with(0).stdout, "notes   say");
}

#[test]
fn real_servers_are_listed_searched_and_called() {
    let place = Place::new();
    let server =
        |line: installed::CommandLine| json!({ "command": line.program(), "args": line.args });
    let servers = json!({
        "everything": server(installed::everything()),
        "files": server(installed::filesystem(place.folder.path())),
        "time": server(installed::time()),
    });
    place.write(
        "servers.json",
        &json!({ "mcpServers": servers }).to_string(),
    );
    let list = code_mode(&place, ["tools", "--config", "servers.json"]).with(0);
    for expected in [
        "everything  echo",
        "files       write_file",
        "time        convert_time",
    ] {
        assert_contains(&list.stdout, expected);
    }
    let found = code_mode(
        &place,
        ["tools", "read a text file", "--config", "servers.json"],
    )
    .with(0);
    let lines: Vec<&str> = found.stdout.lines().collect();
    assert!(lines[1].starts_with("files"), "{}", found.stdout);
    assert_contains(lines[1], "read_text_file");

    let script = "
const path = 'note.txt';
await tools.mcp__files__write_file({ path, content: 'kept' });
const [{ content }, { timezone }] = await Promise.all([
  tools.mcp__files__read_text_file({ path }),
  tools.mcp__time__get_current_time({ timezone: 'Asia/Tokyo' }),
]);
text({ content, timezone });";
    let ended = place.run(script, ["--config", "servers.json"]).with(0);
    assert_eq!(
        ended.stdout,
        "{\"content\":\"kept\",\"timezone\":\"Asia/Tokyo\"}\n"
    );
    assert_eq!(place.read("note.txt"), "kept");
}
