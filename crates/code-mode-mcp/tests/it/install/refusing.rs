//! What is refused: a file that is not what its client writes, and a name that is taken.

use std::fs;

use code_mode_mcp::config::Environment;
use code_mode_mcp::install::{Client, InstallError, Scope, Servers};

use super::{file_of, installation, names, read};
use crate::config::Place;

#[test]
fn a_broken_file_is_refused_with_its_place_and_stays_as_it_is() {
    for (client, text, says) in [
        (
            Client::Cursor,
            "{\n  \"mcpServers\": { \"a\": {} \"b\": {} }\n}",
            ":2:26: this is no valid JSON: expected comma",
        ),
        (
            Client::Cursor,
            "[]",
            ":1:1: the file holds an array, not an object",
        ),
        (
            Client::Cursor,
            "{ \"mcpServers\": [] }",
            ":1:17: mcpServers is an array, not an object",
        ),
        (
            Client::Cursor,
            "{ \"mcpServers\": {}, \"mcpServers\": {} }",
            ":1:21: mcpServers is given twice",
        ),
        (Client::Codex, "a = \nb = 1", ":1:5: this is no valid TOML"),
        (
            Client::Codex,
            "mcp_servers = 7\n",
            ":1:1: mcp_servers is not a table",
        ),
    ] {
        let place = Place::new();
        let file = file_of(client, Scope::User, &place);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        for servers in [Servers::Stay, Servers::Move] {
            let error = installation(client)
                .servers(servers)
                .plan(&place.environment())
                .unwrap_err()
                .to_string();
            assert!(error.contains(says), "{says:?} is not in {error:?}");
            assert!(error.contains("nothing was changed"), "{error}");
        }
        assert_eq!(read(&file), text);
        assert_eq!(names(file.parent().unwrap()).len(), 1);
    }
}

#[test]
fn a_file_that_is_not_utf_8_is_refused() {
    let place = Place::new();
    let file = place.write("home/.cursor/mcp.json", "");
    fs::write(&file, b"{ \"\xff\": 1 }").unwrap();
    let error = installation(Client::Cursor)
        .plan(&place.environment())
        .unwrap_err();
    assert!(matches!(error, InstallError::Broken { .. }), "{error}");
}

#[test]
fn a_broken_file_of_ours_is_refused_before_anything_is_moved() {
    let place = Place::new();
    place.write("home/.config/code-mode/mcp.json", "{ \"mcpServers\": ");
    let text = r#"{ "mcpServers": { "a": { "command": "npx" } } }"#;
    let file = place.write("home/.cursor/mcp.json", text);
    let error = installation(Client::Cursor)
        .servers(Servers::Move)
        .plan(&place.environment())
        .unwrap_err();
    assert!(
        error.to_string().contains("code-mode/mcp.json:1:"),
        "{error}"
    );
    assert_eq!(read(&file), text);
}

#[test]
fn a_name_that_somebody_else_has_is_refused() {
    let place = Place::new();
    place.write(
        "home/.cursor/mcp.json",
        r#"{ "mcpServers": { "code-mode": { "command": "npx", "args": ["another"] } } }"#,
    );
    let error = installation(Client::Cursor)
        .plan(&place.environment())
        .unwrap_err();
    assert!(matches!(error, InstallError::NameTaken { .. }), "{error}");
    let named = installation(Client::Cursor).name("gateway");
    assert!(named.plan(&place.environment()).is_ok());
}

#[test]
fn a_file_that_changed_after_the_plan_is_not_overwritten() {
    let place = Place::new();
    let file = place.write("home/.cursor/mcp.json", "{}");
    let plan = installation(Client::Cursor)
        .plan(&place.environment())
        .unwrap();
    fs::write(&file, "{ \"mcpServers\": {} }").unwrap();
    let error = plan.apply().unwrap_err();
    assert!(matches!(error, InstallError::Changed { .. }), "{error}");
    assert_eq!(read(&file), "{ \"mcpServers\": {} }");
    assert_eq!(names(file.parent().unwrap()), ["mcp.json"]);
}

#[test]
fn a_link_to_nowhere_is_refused() {
    let place = Place::new();
    let file = file_of(Client::Cursor, Scope::User, &place);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(place.path("nowhere"), &file).unwrap();
    let error = installation(Client::Cursor)
        .plan(&place.environment())
        .unwrap_err();
    assert!(matches!(error, InstallError::Read { .. }), "{error}");
    assert!(file.is_symlink());
}

#[test]
fn without_a_home_the_error_says_which_variable_to_set() {
    let environment = Environment::new("/nowhere", [("PATH", "")]);
    let error = installation(Client::Cursor).plan(&environment).unwrap_err();
    assert_eq!(
        error.to_string(),
        "nobody knows where Cursor keeps its configuration: HOME is not set; set it"
    );
}
