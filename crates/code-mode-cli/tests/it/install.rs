//! `code-mode install`: what it says, and how it ends. What it writes into each client's file is
//! tested with the library.

use crate::support::{Ended, Place};

fn install<const N: usize>(place: &Place, arguments: [&str; N]) -> Ended {
    let mut command = place.command(["install"]);
    command
        .args(arguments)
        .env_clear()
        .env("HOME", place.path("home"))
        .env("PATH", "/usr/bin:/bin");
    command.output().expect("code-mode starts").into()
}

const CURSOR: &str = "{\n  // mine\n  \"mcpServers\": { \"a\": { \"command\": \"sh\", \"env\": { \"K\": \"s3cr3t-v4lue\" } } }\n}\n";

fn with_cursor() -> Place {
    let place = Place::new();
    std::fs::create_dir_all(place.path("home/.cursor")).unwrap();
    place.write("home/.cursor/mcp.json", CURSOR);
    place
}

#[test]
fn it_says_what_it_wrote_and_a_second_time_that_nothing_changes() {
    let place = with_cursor();
    let home = place.path("home");
    let home = home.display();
    let ended = install(&place, ["--client", "cursor"]).with(0);
    assert_eq!(
        ended.stdout,
        format!(
            "wrote {home}/.cursor/mcp.json (its former text is in {home}/.cursor/mcp.json.bak-1)\n\
             \"code-mode\" is installed; start the client again\n"
        )
    );
    let text = place.read("home/.cursor/mcp.json");
    assert!(text.contains(crate::support::CODE_MODE), "{text}");
    let again = install(&place, ["--client", "cursor"]).with(0);
    assert_eq!(
        again.stdout,
        format!("nothing to change: \"code-mode\" is in {home}/.cursor/mcp.json\n")
    );
    assert_eq!(place.read("home/.cursor/mcp.json"), text);
}

#[test]
fn a_dry_run_shows_the_change_without_secrets_and_writes_nothing() {
    let place = with_cursor();
    let ended = install(
        &place,
        ["--client", "cursor", "--dry-run", "--move-servers"],
    )
    .with(0);
    assert!(
        ended.stdout.contains("+    \"code-mode\": {"),
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains("s3cr3t"), "{}", ended.stdout);
    assert_eq!(place.read("home/.cursor/mcp.json"), CURSOR);
    assert!(!place.path("home/.config").exists());
}

#[test]
fn servers_are_moved_where_the_gateway_reads_them() {
    let place = with_cursor();
    let ended = install(&place, ["--client", "cursor", "--move-servers"]).with(0);
    assert!(ended.stdout.contains("moved a\n"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("s3cr3t"), "{}", ended.stdout);
    assert!(
        place
            .read("home/.config/code-mode/mcp.json")
            .contains("s3cr3t-v4lue")
    );
    assert!(!place.read("home/.cursor/mcp.json").contains("s3cr3t"));
}

#[test]
fn in_a_project_the_entry_is_one_that_others_can_use() {
    let place = Place::new();
    install(&place, ["--client", "claude", "--scope", "project"]).with(0);
    let text = place.read(".mcp.json");
    assert!(text.contains("\"command\": \"code-mode\""), "{text}");
}

#[test]
fn name_and_command_can_be_given() {
    let place = Place::new();
    let arguments = [
        "--client",
        "codex",
        "--name",
        "tools",
        "--command",
        "/opt/code-mode",
    ];
    install(&place, arguments).with(0);
    assert_eq!(
        place.read("home/.codex/config.toml"),
        "mcp_optional_startup_grace_ms = 5000\n\n\
         [mcp_servers.tools]\ncommand = \"/opt/code-mode\"\nargs = [\"mcp\"]\ntool_timeout_sec = 3600\n"
    );
}

#[test]
fn a_broken_file_is_refused_and_stays() {
    let place = with_cursor();
    place.write("home/.cursor/mcp.json", "{ \"mcpServers\": ");
    let ended = install(&place, ["--client", "cursor"]).with(2);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("nothing was changed"), "{ended:?}");
    assert_eq!(place.read("home/.cursor/mcp.json"), "{ \"mcpServers\": ");
}

#[test]
fn an_unknown_client_is_refused_with_those_we_know() {
    let place = Place::new();
    let ended = install(&place, ["--client", "emacs"]).with(2);
    assert!(
        ended.stderr.contains("claude, cursor, vscode or codex"),
        "{ended:?}"
    );
}

#[test]
fn a_link_on_the_path_is_what_the_client_starts() {
    let place = Place::new();
    std::fs::create_dir(place.path("bin")).unwrap();
    let link = place.path("bin/code-mode");
    std::os::unix::fs::symlink(crate::support::CODE_MODE, &link).unwrap();
    let mut command = place.command(["install", "--client", "cursor"]);
    command
        .env_clear()
        .env("HOME", place.path("home"))
        .env("PATH", place.path("bin"));
    Ended::from(command.output().unwrap()).with(0);
    let text = place.read("home/.cursor/mcp.json");
    assert!(text.contains(link.to_str().unwrap()), "{text}");
}
