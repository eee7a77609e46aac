//! Each form of configuration, as its owner documents it, and what is made of it.

use std::fmt::Write as _;

use super::{Place, form, servers};
use crate::snapshot::assert_snapshot;

/// Writes a form where its owner has it, reads it, and compares what comes of it with a file: first
/// the servers and rules, then the findings.
#[track_caller]
fn assert_form(name: &str, at: &str) {
    let place = Place::new();
    let file = place.write(at, &form(name));
    let loaded = place.load(&[file]);
    let mut text = servers(&loaded.configuration);
    text.push('\n');
    for finding in &loaded.findings {
        let _ = writeln!(text, "{finding}");
    }
    assert_snapshot(&format!("config/forms/{name}.txt"), &place.plain(&text));
}

#[test]
fn claude_codes_project_file_is_read() {
    assert_form("claude-code.json", "project/.mcp.json");
}

#[test]
fn claude_desktops_file_is_read_with_all_that_is_not_about_servers() {
    assert_form(
        "claude-desktop.json",
        "home/.config/Claude/claude_desktop_config.json",
    );
}

#[test]
fn cursors_file_is_read_with_its_variables_and_env_file() {
    assert_form("cursor.json", "project/.cursor/mcp.json");
}

#[test]
fn windsurfs_file_is_read_with_its_url_key_and_disabled_tools() {
    assert_form("windsurf.json", "home/.codeium/windsurf/mcp_config.json");
}

#[test]
fn vscodes_file_is_read_with_its_inputs() {
    assert_form("vscode.json", "project/.vscode/mcp.json");
}

#[test]
fn vscodes_settings_are_read_too() {
    assert_form("vscode-settings.json", "project/.vscode/settings.json");
}

#[test]
fn codexs_file_is_read_with_its_approvals_and_variables() {
    assert_form("codex.toml", "project/.codex/config.toml");
}

#[test]
fn policies_of_servers_come_before_those_of_files() {
    assert_form("policy.json", "project/.mcp.json");
}

#[test]
fn a_policy_that_cannot_be_read_denies() {
    assert_form("policy-mistakes.json", "project/.mcp.json");
}

#[test]
fn every_mistake_is_found_at_its_place_with_a_suggestion() {
    assert_form("mistakes.json", "project/.mcp.json");
}

#[test]
fn the_form_is_told_by_its_content() {
    let place = Place::new();
    let toml = "[mcp_servers.time]\ncommand = \"uvx\"\n";
    let json = "// a comment\n{ \"mcpServers\": { \"time\": { \"command\": \"uvx\" } } }";
    let marked = format!("\u{feff}{json}");
    for (name, text) in [
        ("servers", toml),
        ("servers.conf", json),
        ("servers.toml", json),
        ("servers.json", toml),
        ("marked.json", &marked),
    ] {
        let file = place.write(name, text);
        let loaded = place.load(&[file]);
        assert_eq!(loaded.findings, [], "{name}");
        assert_eq!(loaded.configuration.servers.len(), 1, "{name}");
    }
}

#[test]
fn a_users_file_means_the_folder_one_stands_in_by_its_workspace() {
    let place = Place::new();
    let text =
        r#"{ "mcpServers": { "a": { "command": "npx", "cwd": "${workspaceFolder}/sub" } } }"#;
    for at in ["home/.cursor/mcp.json", "project/deep/.cursor/mcp.json"] {
        let file = place.write(at, text);
        std::fs::create_dir_all(place.path("project/deep/sub")).unwrap();
        let loaded = place.load(&[file]);
        let folder = if at.starts_with("home") {
            "project"
        } else {
            "project/deep"
        };
        let text = place.plain(&servers(&loaded.configuration));
        assert!(
            text.contains(&format!("cwd $PLACE/{folder}/sub\n")),
            "{text}"
        );
    }
}

#[test]
fn a_file_that_was_cut_anywhere_is_read_without_a_panic() {
    let place = Place::new();
    for name in [
        "cursor.json",
        "vscode.json",
        "codex.toml",
        "policy-mistakes.json",
    ] {
        let text = form(name);
        // Every third place, for the time of whoever waits.
        for (end, _) in text.char_indices().skip(1).step_by(3) {
            let file = place.write(name, &text[..end]);
            let loaded = place.load(&[file]);
            for finding in &loaded.findings {
                let lines = text[..end].split('\n').count();
                assert!((1..=lines).contains(&finding.line), "{finding}");
            }
        }
    }
}
