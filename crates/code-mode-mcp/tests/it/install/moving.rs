//! The servers of a client, moved behind the gateway.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use code_mode_mcp::install::{Client, InstallError, Scope, Servers};

use super::{file_of, form, install, installation, names, read};
use crate::config::{Place, servers};
use crate::snapshot::assert_snapshot;

const OURS: &str = "home/.config/code-mode/mcp.json";

/// Moves the servers of a form; they must be the same read from our file as they were from the
/// client's, and so must those that stay be.
#[track_caller]
fn assert_moved(client: Client, scope: Scope, name: &str) -> Place {
    let place = Place::new();
    let file = file_of(client, scope, &place);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, form(name)).unwrap();
    let before = place.load(std::slice::from_ref(&file)).configuration;

    let moving = installation(client).scope(scope).servers(Servers::Move);
    let plan = install(&moving, &place.environment());
    let ours = place.path(OURS);
    let both = place.load(&[ours.clone(), file.clone()]).configuration;
    let mut texts = [servers(&before), servers(&both)];
    for text in &mut texts {
        // Those that stay come last in one and where they are in the other.
        let mut blocks: Vec<String> = Vec::new();
        for line in text.lines() {
            match blocks.last_mut() {
                Some(block) if line.starts_with(' ') => block.push_str(line),
                _ => blocks.push(line.to_owned()),
            }
        }
        blocks.sort();
        *text = blocks.join("\n");
    }
    let [before, after] = texts;
    assert_eq!(before, after);

    assert_eq!(
        fs::metadata(&ours).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let mut text = format!("moved: {}\n", plan.moved.join(", "));
    for (name, why) in &plan.staying {
        text.push_str(&format!("stays: {name}: {why}\n"));
    }
    text.push_str(&format!("\n{}\n{}", read(&file), read(&ours)));
    assert_snapshot(
        &format!("install/forms/moved-{name}.txt"),
        &place.plain(&text),
    );

    let again = install(&moving, &place.environment());
    assert!(again.changes.is_empty(), "{:?}", again.changes);
    place
}

#[test]
fn claude_codes_servers_are_moved_but_for_those_we_cannot_reach() {
    assert_moved(Client::Claude, Scope::User, "claude.json");
}

#[test]
fn cursors_servers_are_moved_with_their_comments() {
    assert_moved(Client::Cursor, Scope::User, "cursor.json");
}

#[test]
fn a_projects_servers_mean_their_project_wherever_they_stand() {
    assert_moved(Client::VsCode, Scope::Project, "vscode.json");
}

#[test]
fn codexs_servers_are_moved_from_toml_to_json() {
    assert_moved(Client::Codex, Scope::User, "codex.toml");
}

#[test]
fn servers_of_two_clients_are_put_together() {
    let place = assert_moved(Client::Cursor, Scope::User, "cursor.json");
    place.write("home/.codex/config.toml", &form("codex.toml"));
    let moving = installation(Client::Codex).servers(Servers::Move);
    install(&moving, &place.environment());
    let loaded = place.load(&[place.path(OURS)]);
    let names: Vec<&str> = loaded
        .configuration
        .servers
        .iter()
        .map(|server| server.name.as_str())
        .collect();
    assert_eq!(names, ["files", "search", "docs"]);
    // The comments of the file that was there are there still.
    assert!(read(&place.path(OURS)).contains("// only these"));
}

#[test]
fn a_server_that_is_there_already_is_not_added_again() {
    let place = Place::new();
    let text = r#"{ "mcpServers": { "a": { "command": "npx", "args": ["x"] } } }"#;
    let ours = place.write(
        OURS,
        r#"{ "mcpServers": { "a": { "args": ["x"], "command": "npx" } } }"#,
    );
    let file = place.write("home/.cursor/mcp.json", text);
    let before = read(&ours);
    install(
        &installation(Client::Cursor).servers(Servers::Move),
        &place.environment(),
    );
    assert_eq!(read(&ours), before);
    assert!(!read(&file).contains("npx"));
}

#[test]
fn a_name_with_other_content_is_refused_and_nothing_is_changed() {
    let place = Place::new();
    let ours = place.write(
        OURS,
        r#"{ "servers": { "a": { "command": "uvx" } }, "mcpServers": {} }"#,
    );
    let file = place.write(
        "home/.cursor/mcp.json",
        r#"{ "mcpServers": { "a": { "command": "npx" } } }"#,
    );
    let before = [read(&ours), read(&file)];
    let error = installation(Client::Cursor)
        .servers(Servers::Move)
        .plan(&place.environment())
        .unwrap_err();
    assert!(matches!(&error, InstallError::Clash { name, .. } if name == "a"));
    assert_eq!(
        place.plain(&error.to_string()),
        format!(
            "$PLACE/{OURS} has another server \"a\"; nothing was changed: rename one of the two, \
             then try again"
        )
    );
    assert_eq!([read(&ours), read(&file)], before);
    assert_eq!(names(file.parent().unwrap()), ["mcp.json"]);
}

#[test]
fn our_own_file_is_only_its_owners_afterwards_even_if_it_was_not() {
    let place = Place::new();
    let ours = place.write(OURS, "{}");
    fs::set_permissions(&ours, fs::Permissions::from_mode(0o644)).unwrap();
    place.write(
        "home/.cursor/mcp.json",
        r#"{ "mcpServers": { "a": { "command": "npx" } } }"#,
    );
    install(
        &installation(Client::Cursor).servers(Servers::Move),
        &place.environment(),
    );
    for file in [ours, place.path("home/.config/code-mode/mcp.json.bak-1")] {
        assert_eq!(
            fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[test]
fn an_entry_names_our_configuration_once_servers_are_moved() {
    for (client, scope, written) in [
        (
            Client::Claude,
            Scope::User,
            "$PLACE/home/.config/code-mode/mcp.json",
        ),
        (
            Client::Claude,
            Scope::Project,
            "${HOME}/.config/code-mode/mcp.json",
        ),
        (
            Client::VsCode,
            Scope::Project,
            "${userHome}/.config/code-mode/mcp.json",
        ),
        (
            Client::Codex,
            Scope::Project,
            "$PLACE/home/.config/code-mode/mcp.json",
        ),
    ] {
        let place = Place::new();
        let installation = installation(client).scope(scope);
        // An entry that was there before the servers were moved is changed too.
        install(&installation, &place.environment());
        install(&installation.servers(Servers::Move), &place.environment());
        let after = place.plain(&read(&file_of(client, scope, &place)));
        assert!(
            after.contains(&format!("\"mcp\", \"--config\", \"{written}\"")),
            "{after}"
        );
    }
}

#[test]
fn codex_is_told_to_pass_on_the_variables_that_the_servers_need() {
    let place = Place::new();
    place.write(
        OURS,
        r#"{ "mcpServers": { "a": {
            "command": "npx",
            "args": ["${HOME}/x", "${env:FIRST} ${SECOND:-2}", "${workspaceFolder}", "${input:api-key}"],
            "env_vars": ["THIRD", { "name": "FOURTH" }]
        }, "b": {
            "url": "https://b.example",
            "bearer_token_env_var": "FIFTH",
            "env_http_headers": { "A": "SIXTH", "B": "FIRST" }
        } } }"#,
    );
    let all = "env_vars = [\"FIRST\", \"SECOND\", \"CODE_MODE_INPUT_API_KEY\", \"THIRD\", \"FOURTH\", \
               \"FIFTH\", \"SIXTH\"]";
    let file = file_of(Client::Codex, Scope::User, &place);
    install(&installation(Client::Codex), &place.environment());
    assert!(read(&file).contains(all), "{}", read(&file));
    // An entry that is there gets what it lacks.
    let fewer = read(&file).replace(", \"FIFTH\", \"SIXTH\"", "");
    fs::write(&file, fewer).unwrap();
    install(&installation(Client::Codex), &place.environment());
    assert!(read(&file).contains(all), "{}", read(&file));
    let again = installation(Client::Codex)
        .plan(&place.environment())
        .unwrap();
    assert!(again.changes.is_empty());
}

/// Texts that a syntax, or whoever moves text from one to the other, may trip over.
const HARD: [&str; 16] = [
    "plain",
    "",
    " blanks ",
    "a\"quote\"",
    "it's",
    "back\\slash\\n",
    "line\nbreak",
    "line\r\nbreak",
    "tab\tbed",
    "stand-in 3",
    "ünïcode 名前 \u{1f980}",
    "// no comment",
    "# no comment /* nor this */",
    "{ [ } ] , : =",
    "a.b-c/d",
    "${HOME} $HOME ${1%%x} ${",
];

#[test]
fn every_text_survives_the_move_from_every_client() {
    for client in Client::ALL {
        let place = Place::new();
        let file = file_of(client, Scope::User, &place);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let mut entries = serde_json::Map::new();
        for (number, text) in HARD.iter().enumerate() {
            let name = match text.trim() {
                "" => format!("name {number}"),
                _ => (*text).to_owned(),
            };
            let next = HARD[(number + 1) % HARD.len()];
            let entry = match number % 3 {
                0 => serde_json::json!({
                    "url": "https://a.example/mcp",
                    "headers": { "X-Text": text.replace(|c: char| c.is_control(), "") },
                }),
                _ => serde_json::json!({
                    "command": "npx",
                    "args": HARD,
                    "env": { "TEXT": text, "NEXT": next },
                    "disabled_tools": [text, next],
                    "startup_timeout_sec": 1.5,
                    "disabled": number == 4,
                }),
            };
            entries.insert(name, entry);
        }
        let (key, text) = match client {
            Client::Codex => ("mcp_servers", toml_of(&entries)),
            Client::VsCode => ("servers", String::new()),
            _ => ("mcpServers", String::new()),
        };
        let text = match text.is_empty() {
            true => format!("{:#}", serde_json::json!({ key: entries })),
            false => text,
        };
        fs::write(&file, text).unwrap();
        let before = place.load(std::slice::from_ref(&file)).configuration;
        assert_eq!(before.servers.len(), HARD.len() - 1, "{client}");
        let plan = install(
            &installation(client).servers(Servers::Move),
            &place.environment(),
        );
        assert_eq!(plan.moved.len(), HARD.len(), "{:?}", plan.staying);
        let after = place.load(&[place.path(OURS)]).configuration;
        assert_eq!(servers(&before), servers(&after), "{client}");
        assert!(place.load(&[file]).configuration.servers.is_empty());
    }
}

/// The entries as Codex has them, in tables.
fn toml_of(entries: &serde_json::Map<String, serde_json::Value>) -> String {
    let mut document = toml_edit::DocumentMut::new();
    for (name, entry) in entries {
        let mut table = toml_edit::Table::new();
        for (key, value) in entry.as_object().unwrap() {
            table.insert(key, toml_edit::value(toml_value(value)));
        }
        let servers = document
            .entry("mcp_servers")
            .or_insert(toml_edit::table())
            .as_table_mut()
            .unwrap();
        servers.insert(name, toml_edit::Item::Table(table));
    }
    document.to_string()
}

fn toml_value(value: &serde_json::Value) -> toml_edit::Value {
    match value {
        serde_json::Value::String(text) => text.into(),
        serde_json::Value::Bool(value) => (*value).into(),
        serde_json::Value::Number(number) => number.as_f64().unwrap().into(),
        serde_json::Value::Array(values) => values.iter().map(toml_value).collect(),
        serde_json::Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.as_str(), toml_value(value)))
            .collect(),
        serde_json::Value::Null => unreachable!("no entry has it"),
    }
}
