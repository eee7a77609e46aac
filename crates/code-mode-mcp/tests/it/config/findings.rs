//! What is said about files that are wrong as a whole, and what is never said.

use code_mode_mcp::config::{ConfigError, Configuration, Severity};

use super::{Place, SECRET, form};

#[test]
fn a_syntax_error_has_its_place_and_spoils_its_file_alone() {
    let place = Place::new();
    let good = place.write(
        "good.json",
        r#"{ "servers": { "a": { "command": "npx" } } }"#,
    );
    for (name, text, expected) in [
        (
            "comma.json",
            "{\n  \"mcpServers\": {\n    \"ä\": { \"command\": \"a\" }\n    \"b\": {}\n  }\n}",
            "3:28: error: this is no valid JSON: expected comma",
        ),
        (
            "open.json",
            "{ \"mcpServers\": {",
            "1:17: error: this is no valid JSON: unterminated object",
        ),
        (
            "quotes.json",
            "{ 'mcpServers': {} }",
            "1:3: error: this is no valid JSON: single-quoted strings are not allowed",
        ),
        (
            "bad.toml",
            "[mcp_servers.a]\ncommand = ls\n",
            "2:11: error: this is no valid TOML: string values must be quoted, expected literal string",
        ),
        ("empty.json", "", "1:1: error: the file is empty"),
        (
            "comment.json",
            " // nothing\n",
            "1:1: error: the file is empty",
        ),
        (
            "array.json",
            "[]",
            "1:1: error: the file holds an array, not an object",
        ),
        (
            "slip.json",
            "{ \"mcpServer\": {} }",
            "1:3: error: unknown key \"mcpServer\"",
        ),
        (
            "bare.json",
            "{ \"git\": { \"command\": \"npx\" } }",
            "1:3: error: the server \"git\" stands outside of mcpServers",
        ),
        (
            "none.json",
            "{ \"other\": 1 }",
            "1:1: warning: the file configures no servers",
        ),
        (
            "list.json",
            "{ \"servers\": [] }",
            "1:14: error: servers is an array; it must be an object that names servers",
        ),
    ] {
        let file = place.write(name, text);
        let loaded = place.load(&[file, good.clone()]);
        assert_eq!(place.found(&loaded), [format!("$PLACE/{name}:{expected}")]);
        assert!(loaded.findings[0].suggestion.is_some(), "{name}");
        assert_eq!(loaded.configuration.servers.len(), 1, "{name}");
    }
}

#[test]
fn a_file_that_is_not_utf_8_or_too_large_is_refused() {
    let place = Place::new();
    let binary = place.path("binary.json");
    std::fs::write(&binary, b"{ \"\xff\" }").unwrap();
    let huge = place.write("huge.json", &" ".repeat((1 << 20) + 1));
    let error = Configuration::load(&[binary, huge], &place.environment()).unwrap_err();
    assert_eq!(
        place.plain(&error.to_string()),
        "no configuration could be read:\n\
         $PLACE/binary.json:1:1: error: the file is not UTF-8 (byte 4 is the first that is not)\n  \
         save the file as UTF-8\n\
         $PLACE/huge.json:1:1: error: the file is over 1 MiB, which no list of servers is\n  \
         copy the servers into a file of their own and name that one"
    );
}

#[test]
fn a_file_of_exactly_the_largest_size_is_read() {
    let place = Place::new();
    let text = r#"{ "servers": { "a": { "command": "npx" } } }"#;
    let file = place.write(
        "large.json",
        &(text.to_owned() + &" ".repeat((1 << 20) - text.len())),
    );
    assert_eq!(place.load(&[file]).findings, []);
}

#[test]
fn a_file_that_is_not_there_is_an_error_and_the_others_are_read() {
    let place = Place::new();
    let missing = place.path("missing.json");
    let there = place.write(
        "there.json",
        r#"{ "servers": { "a": { "command": "npx" } } }"#,
    );
    let loaded = place.load(&[missing.clone(), there]);
    assert_eq!(loaded.configuration.servers.len(), 1);
    assert_eq!(loaded.findings.len(), 1);
    assert_eq!(loaded.findings[0].severity, Severity::Error);
    let alone = Configuration::load(&[missing], &place.environment());
    let Err(ConfigError::Unreadable { findings }) = alone else {
        panic!("{alone:?}");
    };
    assert_eq!(findings.len(), 1);
}

#[test]
fn a_name_counts_once_across_files() {
    let place = Place::new();
    let text = r#"{ "servers": { "a": { "command": "npx" } } }"#;
    let first = place.write("first.json", text);
    let second = place.write(
        "second.json",
        r#"{ "servers": { "a": { "command": "uvx" } } }"#,
    );
    let loaded = place.load(&[first, second]);
    assert_eq!(
        place.found(&loaded),
        [
            "$PLACE/second.json:1:16: warning: the name \"a\" is taken by $PLACE/first.json:1; \
          this entry is left out"
        ]
    );
    assert_eq!(loaded.configuration.servers.len(), 1);
}

#[test]
fn a_pattern_of_one_file_may_name_a_server_of_another() {
    let place = Place::new();
    let policy = place.write(
        "policy.json",
        r#"{ "codeMode": { "policy": [{ "ask": "a/b" }] } }"#,
    );
    let servers = place.write(
        "servers.json",
        r#"{ "servers": { "a": { "command": "npx" } } }"#,
    );
    assert_eq!(place.load(&[policy.clone(), servers]).findings, []);
    let alone = place.load(&[policy]);
    assert_eq!(
        place.found(&alone),
        ["$PLACE/policy.json:1:37: warning: no server is called \"a\""]
    );
}

#[test]
fn nothing_that_is_said_or_debugged_has_a_secret_in_it() {
    let place = Place::new();
    let in_the_file = "in-the-file-4711";
    let hostile = format!(
        r#"{{ "mcpServers": {{
            "program": {{ "command": "${{API_TOKEN}} x" }},
            "words": {{ "command": "npx {in_the_file}" }},
            "path": {{ "command": "./${{API_TOKEN}}" }},
            "type": {{ "type": "${{API_TOKEN}}", "command": "npx" }},
            "folder": {{ "command": "npx", "cwd": "/${{API_TOKEN}}" }},
            "file": {{ "command": "npx", "envFile": "${{API_TOKEN}}" }},
            "scheme": {{ "url": "ftp://${{API_TOKEN}}" }},
            "no url": {{ "url": "${{API_TOKEN}}" }},
            "bearer": {{ "url": "https://a.example", "bearer_token_env_var": "{in_the_file}" }},
            "variable": {{ "url": "https://a.example", "env_http_headers": {{ "A": "{in_the_file}" }} }},
            "variables": {{ "command": "npx", "env_vars": ["{in_the_file}"] }},
            "header": {{ "url": "https://a.example", "headers": {{ "A": "{in_the_file}\n" }} }},
            "query": {{ "url": "https://u:{in_the_file}@a.example/{in_the_file}?k={in_the_file}" }},
            "args": {{ "command": "npx", "args": ["{in_the_file}"], "env": {{ "A": "{in_the_file}" }} }}
        }} }}"#
    );
    let mut files = vec![place.write("hostile.json", &hostile)];
    for name in [
        "claude-code.json",
        "cursor.json",
        "vscode.json",
        "codex.toml",
        "mistakes.json",
    ] {
        files.push(place.write(&format!("project/{name}"), &form(name)));
    }
    let loaded = place.load(&files);
    assert!(loaded.has_errors());
    let mut said = format!("{loaded:?}\n{:?}\n", place.environment());
    for finding in &loaded.findings {
        said.push_str(&finding.to_string());
    }
    for server in &loaded.configuration.servers {
        said.push_str(&server.to_string());
    }
    for secret in [SECRET, in_the_file, "tok-5ecr3t-in-the-file"] {
        assert!(!said.contains(secret), "{secret} is in {said}");
    }
}

#[test]
fn a_server_takes_its_secrets_out_of_a_text() {
    let place = Place::new();
    let text = r#"{ "mcpServers": {
        "started": { "command": "npx", "args": ["--token=${API_TOKEN}", "${HOME}", "plain"],
                     "env": { "KEY": "from-the-file", "DEBUG": "true", "N": "7" } },
        "reached": { "url": "https://u:passw0rd@a.example/mcp?key=query-value",
                     "headers": { "Authorization": "Bearer ${API_TOKEN}" } }
    } }"#;
    let file = place.write("a.json", text);
    let loaded = place.load(&[file]);
    let [started, reached] = &loaded.configuration.servers[..] else {
        panic!("{loaded:?}");
    };
    let said = format!(
        "{SECRET} from-the-file plain true 7 {}/x",
        place.path("home").display()
    );
    assert_eq!(
        place.plain(&started.redact(&said)),
        "… … plain true 7 $PLACE/home/x"
    );
    let said = format!("got {SECRET}, passw0rd, query-value from https://a.example/mcp");
    assert_eq!(
        reached.redact(&said),
        "got …, …, … from https://a.example/mcp"
    );
}
