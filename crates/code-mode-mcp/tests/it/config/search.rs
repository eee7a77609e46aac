//! Where a configuration is looked for.

use code_mode_mcp::config::{ConfigError, Configuration, Loaded};

use super::Place;

fn one(name: &str) -> String {
    format!(r#"{{ "mcpServers": {{ "{name}": {{ "command": "npx" }} }} }}"#)
}

const GATEWAY: &str =
    r#"{ "mcpServers": { "code-mode": { "command": "code-mode", "args": ["mcp"] } } }"#;

fn names(loaded: &Loaded) -> Vec<&str> {
    let servers = loaded.configuration.servers.iter();
    servers.map(|server| server.name.as_str()).collect()
}

#[test]
fn the_first_file_that_is_there_is_read_and_no_other() {
    let place = Place::new();
    let place_names = ["home/.config/code-mode", "project/.vscode", "project"];
    for (file, server) in [
        ("home/.config/code-mode/mcp.json", "mine"),
        ("project/.vscode/mcp.json", "editor"),
        ("project/.mcp.json", "project"),
    ] {
        place.write(file, &one(server));
        assert_eq!(names(&place.load(&[])), [server], "{place_names:?}");
    }
}

#[test]
fn the_users_folder_is_where_xdg_says() {
    let place = Place::new();
    place.write("xdg/code-mode/mcp.json", &one("mine"));
    let folder = place.path("xdg").display().to_string();
    let environment = place.environment_with(&[("XDG_CONFIG_HOME", &folder)]);
    let loaded = Configuration::load(&[], &environment).unwrap();
    assert_eq!(names(&loaded), ["mine"]);
}

#[test]
fn without_any_file_the_error_says_where_it_looked() {
    let place = Place::new();
    let error = Configuration::load(&[], &place.environment()).unwrap_err();
    assert!(matches!(error, ConfigError::NotFound { .. }));
    assert_eq!(
        place.plain(&error.to_string()),
        "no configuration was found; looked for $PLACE/project/.mcp.json, \
         $PLACE/project/.vscode/mcp.json, $PLACE/home/.config/code-mode/mcp.json; \
         write one of these, or name a file with --config"
    );
}

#[test]
fn a_file_with_nothing_but_the_gateway_does_not_end_the_search() {
    let place = Place::new();
    place.write("project/.mcp.json", GATEWAY);
    place.write("home/.config/code-mode/mcp.json", &one("mine"));
    let loaded = place.load(&[]);
    assert_eq!(names(&loaded), ["mine"]);
    assert_eq!(
        place.found(&loaded),
        [
            "$PLACE/project/.mcp.json:1:19: note: \"code-mode\" is code-mode itself: \
          it is left out, or it would start itself"
        ]
    );
}

#[test]
fn the_gateway_is_known_behind_whatever_starts_it() {
    let place = Place::new();
    for (command, args, ours) in [
        ("/usr/local/bin/code-mode", r#"["mcp"]"#, true),
        (
            "C:\\\\bin\\\\code-mode.exe",
            r#"["--log", "x", "mcp"]"#,
            true,
        ),
        ("env", r#"["A=b", "/opt/code-mode", "mcp"]"#, true),
        ("npx", r#"["-y", "code-mode", "mcp"]"#, true),
        (
            "bash",
            r#"["-lc", "cd x && exec code-mode mcp --short-names"]"#,
            true,
        ),
        ("code-mode", r#"["run", "x.js"]"#, false),
        ("npx", r#"["server", "code-mode"]"#, false),
        ("sh", r#"["-c", "echo code-mode"]"#, false),
        ("my-code-mode", r#"["mcp"]"#, false),
    ] {
        let text = format!(
            r#"{{ "mcpServers": {{ "x": {{ "command": "{command}", "args": {args} }} }} }}"#
        );
        let file = place.write("x.json", &text);
        let loaded = place.load(&[file]);
        assert_eq!(loaded.configuration.servers.is_empty(), ours, "{text}");
    }
}

#[test]
fn a_file_with_nothing_but_the_gateway_is_read_if_it_is_the_only_one() {
    let place = Place::new();
    place.write("project/.mcp.json", GATEWAY);
    let loaded = place.load(&[]);
    assert!(names(&loaded).is_empty());
    assert!(!loaded.has_errors());
}
