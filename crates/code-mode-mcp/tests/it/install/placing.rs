//! Our entry in each client's file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use code_mode_mcp::config::{Configuration, Environment};
use code_mode_mcp::install::{Client, Scope};

use super::{file_of, form, install, installation, names, read};
use crate::config::Place;
use crate::snapshot::assert_snapshot;

#[test]
fn each_client_has_its_files_where_it_documents_them() {
    let place = Place::new();
    let mut files = Vec::new();
    for client in Client::ALL {
        for scope in [Scope::User, Scope::Project] {
            files.push(place.plain(&file_of(client, scope, &place).display().to_string()));
        }
    }
    let vscode = match cfg!(target_os = "macos") {
        true => "$PLACE/home/Library/Application Support/Code/User/mcp.json",
        false => "$PLACE/home/.config/Code/User/mcp.json",
    };
    assert_eq!(
        files,
        [
            "$PLACE/home/.claude.json",
            "$PLACE/project/.mcp.json",
            "$PLACE/home/.cursor/mcp.json",
            "$PLACE/project/.cursor/mcp.json",
            vscode,
            "$PLACE/project/.vscode/mcp.json",
            "$PLACE/home/.codex/config.toml",
            "$PLACE/project/.codex/config.toml",
        ]
    );
}

#[test]
fn variables_of_the_clients_move_their_files() {
    let environment = Environment::new(
        "/project",
        [
            ("HOME", "/home/ada"),
            ("CODEX_HOME", "/codex"),
            ("CLAUDE_CONFIG_DIR", "/claude"),
        ],
    );
    let file = |client: Client| client.file(Scope::User, &environment).unwrap();
    assert_eq!(file(Client::Codex).to_str(), Some("/codex/config.toml"));
    assert_eq!(file(Client::Claude).to_str(), Some("/claude/.claude.json"));
}

/// Puts a form where the client has it, installs, and compares the file with a snapshot.
#[track_caller]
fn assert_installed(client: Client, scope: Scope, name: &str) {
    let place = Place::new();
    let file = file_of(client, scope, &place);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, form(name)).unwrap();
    let installation = installation(client).scope(scope);
    install(&installation, &place.environment());
    assert_snapshot(&format!("install/forms/installed-{name}"), &read(&file));

    // Its former text is beside it, and the second run changes nothing and makes no other backup.
    let backup = format!("{}.bak-1", file.display());
    assert_eq!(read(backup.as_ref()), form(name));
    let before = names(file.parent().unwrap());
    let again = install(&installation, &place.environment());
    assert!(again.changes.is_empty());
    assert_eq!(names(file.parent().unwrap()), before);
}

#[test]
fn claude_codes_file_keeps_all_that_is_not_about_servers() {
    assert_installed(Client::Claude, Scope::User, "claude.json");
}

#[test]
fn cursors_file_keeps_its_comments_commas_and_indentation() {
    assert_installed(Client::Cursor, Scope::User, "cursor.json");
}

#[test]
fn vscodes_file_keeps_its_tabs_and_inputs() {
    assert_installed(Client::VsCode, Scope::Project, "vscode.json");
}

#[test]
fn codexs_file_keeps_its_comments_and_tables() {
    assert_installed(Client::Codex, Scope::User, "codex.toml");
}

#[test]
fn a_file_that_is_not_there_is_made() {
    for client in Client::ALL {
        let place = Place::new();
        install(&installation(client), &place.environment());
        let file = file_of(client, Scope::User, &place);
        assert_snapshot(
            &format!("install/forms/new-{}.txt", client.name()),
            &read(&file),
        );
        assert!(
            names(file.parent().unwrap())
                .iter()
                .all(|name| !name.contains("bak"))
        );
        // What we wrote is ours by our own reading.
        let loaded = place.load(&[file]);
        assert!(loaded.configuration.servers.is_empty());
        assert_eq!(loaded.findings.len(), 1, "{:?}", loaded.findings);
    }
}

#[test]
fn an_empty_file_is_filled() {
    for (client, text) in [
        (Client::Cursor, ""),
        (Client::Cursor, " \n"),
        (Client::Cursor, "{}"),
        (Client::Cursor, "// mine\n"),
        (Client::Cursor, "{ \"mcpServers\": {} }"),
        (Client::Cursor, "\u{feff}{}"),
        (Client::Codex, "# mine\n"),
        (Client::Codex, "[mcp_servers]\n"),
        (Client::Codex, "mcp_servers = {}\n"),
    ] {
        let place = Place::new();
        let file = file_of(client, Scope::User, &place);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        install(&installation(client), &place.environment());
        let after = read(&file);
        assert_eq!(after.contains("mine"), text.contains("mine"), "{after}");
        assert_eq!(after.starts_with('\u{feff}'), text.starts_with('\u{feff}'));
        let loaded = place.load(&[file]);
        assert!(!loaded.has_errors(), "{after}\n{:?}", loaded.findings);
        assert!(after.contains("/opt/code-mode"), "{after}");
    }
}

#[test]
fn an_entry_of_ours_keeps_what_was_written_into_it() {
    let place = Place::new();
    let text = r#"{ "mcpServers": { "tools": { "command": "/my/code-mode", "args": ["mcp", "--short-names"], "env": { "A": "b" } } } }"#;
    let file = place.write("home/.claude.json", text);
    let plan = install(&installation(Client::Claude), &place.environment());
    assert_eq!(plan.name, "tools");
    let after = read(&file);
    for kept in [
        "\"/my/code-mode\"",
        "\"--short-names\"",
        "\"A\": \"b\"",
        "\"timeout\": 3600000",
        "\"alwaysLoad\": true",
    ] {
        assert!(after.contains(kept), "{kept} is not in {after}");
    }
    assert!(!after.contains("/opt/code-mode"), "{after}");
    let command = installation(Client::Claude).command("/new/code-mode");
    install(&command, &place.environment());
    assert_eq!(
        read(&file),
        after.replace("/my/code-mode", "/new/code-mode")
    );
}

#[test]
fn what_a_person_chose_about_waiting_for_servers_stays() {
    let place = Place::new();
    let claude = r#"{ "mcpServers": { "code-mode": { "command": "/opt/code-mode", "args": ["mcp"], "timeout": 5000, "alwaysLoad": false } } }"#;
    let file = place.write("home/.claude.json", claude);
    install(&installation(Client::Claude), &place.environment());
    assert_eq!(read(&file), claude);

    let codex = "mcp_optional_startup_grace_ms = 0\n";
    let file = place.write("home/.codex/config.toml", codex);
    install(&installation(Client::Codex), &place.environment());
    let after = read(&file);
    assert!(after.starts_with(codex), "{after}");
    assert_eq!(after.matches("mcp_optional_startup_grace_ms").count(), 1);
}

#[test]
fn the_name_of_the_entry_can_be_chosen() {
    let place = Place::new();
    install(
        &installation(Client::Codex).name("my tools"),
        &place.environment(),
    );
    let after = read(&file_of(Client::Codex, Scope::User, &place));
    assert!(after.contains("[mcp_servers.\"my tools\"]"), "{after}");
}

#[test]
fn permissions_stay_and_links_are_followed() {
    let place = Place::new();
    let real = place.write("dotfiles/mcp.json", "{}");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    let file = file_of(Client::Cursor, Scope::User, &place);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&real, &file).unwrap();
    install(&installation(Client::Cursor), &place.environment());
    assert!(file.is_symlink());
    assert!(read(&real).contains("code-mode"));
    assert_eq!(
        names(real.parent().unwrap()),
        ["mcp.json", "mcp.json.bak-1"]
    );
    for file in [&real, &place.path("dotfiles/mcp.json.bak-1")] {
        assert_eq!(
            fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o640
        );
    }
}

#[test]
fn a_backup_is_never_overwritten() {
    let place = Place::new();
    let file = place.write("home/.cursor/mcp.json", "{}");
    let older = place.write("home/.cursor/mcp.json.bak-1", "older");
    install(&installation(Client::Cursor), &place.environment());
    assert_eq!(read(&older), "older");
    assert_eq!(read(&place.path("home/.cursor/mcp.json.bak-2")), "{}");
    assert_eq!(names(file.parent().unwrap()).len(), 3);
}

#[test]
fn a_plan_writes_nothing_and_its_difference_shows_no_secret() {
    for (client, name) in [
        (Client::Claude, "claude.json"),
        (Client::Cursor, "cursor.json"),
        (Client::Codex, "codex.toml"),
    ] {
        for servers in [
            code_mode_mcp::install::Servers::Stay,
            code_mode_mcp::install::Servers::Move,
        ] {
            let place = Place::new();
            let file = file_of(client, Scope::User, &place);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, form(name)).unwrap();
            let plan = installation(client)
                .servers(servers)
                .plan(&place.environment())
                .unwrap();
            let shown: String = plan.changes.iter().map(|change| change.diff()).collect();
            assert!(shown.contains("code-mode"), "{shown}");
            for secret in ["private-4711", "ada@example.com", "Bearer"] {
                assert!(!shown.contains(secret), "{secret} is in {shown}");
                assert!(!format!("{plan:?}").contains(secret));
            }
            assert_eq!(read(&file), form(name));
            assert!(!place.path("home/.config/code-mode").exists());
            if client == Client::Cursor && servers == code_mode_mcp::install::Servers::Move {
                assert_snapshot("install/forms/cursor-move.diff", &place.plain(&shown));
            }
        }
    }
}

#[test]
fn what_is_installed_in_a_project_leaves_the_search_to_the_users_file() {
    let place = Place::new();
    install(
        &installation(Client::Claude).scope(Scope::Project),
        &place.environment(),
    );
    place.write(
        "home/.config/code-mode/mcp.json",
        r#"{ "mcpServers": { "mine": { "command": "npx" } } }"#,
    );
    let loaded = Configuration::load(&[], &place.environment()).unwrap();
    assert_eq!(loaded.configuration.servers[0].name, "mine");
}

#[test]
fn line_breaks_stay_as_they_are() {
    for (client, name) in [
        (Client::Cursor, "cursor.json"),
        (Client::Codex, "codex.toml"),
    ] {
        let place = Place::new();
        let file = file_of(client, Scope::User, &place);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, form(name).replace('\n', "\r\n")).unwrap();
        install(&installation(client), &place.environment());
        let after = read(&file);
        assert!(!after.replace("\r\n", "").contains('\n'), "{after:?}");
        let expected = fs::read_to_string(format!(
            "{}/tests/it/install/forms/installed-{name}",
            env!("CARGO_MANIFEST_DIR")
        ));
        assert_eq!(after.replace("\r\n", "\n"), expected.unwrap());
    }
}

#[test]
fn a_file_that_was_cut_anywhere_is_refused_or_changed_without_a_panic() {
    for (client, name) in [
        (Client::Claude, "claude.json"),
        (Client::Cursor, "cursor.json"),
        (Client::VsCode, "vscode.json"),
        (Client::Codex, "codex.toml"),
    ] {
        let text = form(name);
        let place = Place::new();
        let environment = place.environment();
        let file = file_of(client, Scope::User, &place);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let mut planned = 0;
        // Every third place, for the time of whoever waits.
        for (end, _) in text.char_indices().step_by(3) {
            fs::write(&file, &text[..end]).unwrap();
            let moving = installation(client).servers(code_mode_mcp::install::Servers::Move);
            if let Ok(plan) = moving.plan(&environment) {
                planned += 1;
                let shown: String = plan.changes.iter().map(|change| change.diff()).collect();
                assert!(!shown.contains("private-4711"), "{shown}");
            }
        }
        assert!(planned > 0, "{name}");
    }
}

#[test]
fn a_project_needs_no_home() {
    let place = Place::new();
    let environment = Environment::new(place.path("project"), [("PATH", "")]);
    for client in [Client::Claude, Client::Cursor, Client::VsCode] {
        install(&installation(client).scope(Scope::Project), &environment);
    }
}
