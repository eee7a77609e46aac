//! Scripts against servers of others: by `code-mode run`, and by a client of others through
//! `code-mode mcp`.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::stage::{Listening, Stage, sdk_client};
use crate::installed;
use crate::mcp::LONG_MS;

/// One thing a server does, as a script sees it.
struct Exercise {
    shows: &'static str,
    /// Statements; nothing they declare is seen by the next exercise.
    script: String,
    /// What the script puts out: texts (as JSON where they are), and the types of other items.
    expected: Value,
}

fn shows(shows: &'static str, script: impl Into<String>, expected: Value) -> Exercise {
    let script = script.into();
    Exercise {
        shows,
        script,
        expected,
    }
}

/// Runs all of them both ways, and insists that both are as expected.
#[track_caller]
fn exercise(server: &str, stage: &Stage, exercises: Vec<Exercise>) {
    let calls: Vec<Value> = exercises
        .iter()
        .map(|exercise| {
            let arguments = json!({ "source": exercise.script, "yield_time_ms": LONG_MS });
            json!({ "tool": "exec", "arguments": arguments })
        })
        .collect();
    let seen = sdk_client(&stage.as_server(&[]), "auto", json!({ "calls": calls }));
    for (index, exercise) in exercises.iter().enumerate() {
        let result = &seen["results"][index]["result"];
        assert_ne!(result["isError"], true, "{}: {result}", exercise.shows);
        let content = result["content"].as_array().expect("content");
        // The first item is our header.
        let by_client: Value = content[1..].iter().map(shown).collect();
        assert_eq!(
            by_client, exercise.expected,
            "{}, by a client",
            exercise.shows
        );
        println!("{server}: {}, by a client: ok", exercise.shows);
    }

    // One run for all of them, since each would start the servers again.
    let scripts: String = exercises
        .iter()
        .map(|exercise| format!("{{\n{}\n}}\ntext('next');\n", exercise.script))
        .collect();
    let ended = stage.run_with(&scripts, &["--json"]).with(0);
    let response: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let items = response["content_items"].as_array().expect("items");
    let items: Vec<Value> = items.iter().map(shown).collect();
    let mut by_run = items.split(|item| item == "next");
    for exercise in &exercises {
        let by_run = Value::from(by_run.next().expect("its items"));
        assert_eq!(by_run, exercise.expected, "{}, by run", exercise.shows);
        println!("{server}: {}, by run: ok", exercise.shows);
    }
}

/// What both ways say alike of an item of output.
fn shown(item: &Value) -> Value {
    let Some(text) = item["text"].as_str() else {
        let kind = item["type"].as_str().expect("a type");
        // The engine's names of items, and MCP's.
        return json!({ "type": kind.trim_start_matches("input_").replace("resource_link", "resource") });
    };
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn everything() -> Vec<Exercise> {
    vec![
        shows(
            "text",
            r#"text(await tools.mcp__everything__echo({ message: "hé 👋" }));"#,
            json!(["Echo: hé 👋"]),
        ),
        shows(
            "structured content",
            r#"
                const { temperature, conditions } =
                    await tools.mcp__everything__get_structured_content({ location: "Chicago" });
                text({ temperature, conditions });
            "#,
            json!([{ "temperature": 36, "conditions": "Light rain / drizzle" }]),
        ),
        shows(
            "images",
            r#"
                const blocks = await tools.mcp__everything__get_tiny_image({});
                image(blocks.find((block) => block.type === "image"));
                forward_output(...blocks);
            "#,
            json!([
                { "type": "image" },
                "Here's the image you requested:",
                { "type": "image" },
                "The image above is the MCP logo.",
            ]),
        ),
        shows(
            "annotations",
            r#"
                const { content } = await tools.mcp__everything__get_annotated_message.raw({
                    messageType: "error", includeImage: true,
                });
                text(content.map(({ type, annotations }) => ({ type, annotations })));
            "#,
            json!([[
                { "type": "text", "annotations": { "priority": 1, "audience": ["user", "assistant"] } },
                { "type": "image", "annotations": { "priority": 0.5, "audience": ["user"] } },
            ]]),
        ),
        shows(
            "long-running operations, twenty at once",
            r#"
                const run = () =>
                    tools.mcp__everything__trigger_long_running_operation({ duration: 0.5, steps: 5 });
                const said = await Promise.all(Array.from({ length: 20 }, run));
                text([said.length, new Set(said).size, said[0]]);
            "#,
            json!([[
                20,
                1,
                "Long running operation completed. Duration: 0.5 seconds, Steps: 5."
            ]]),
        ),
        shows(
            "errors",
            r#"
                try {
                    await tools.mcp__everything__get_resource_reference({
                        resourceType: "Text", resourceId: -1,
                    });
                } catch (error) {
                    text([error.name, error.message, error.result.isError, error.result.content.length]);
                }
            "#,
            json!([[
                "ToolError",
                "Invalid resourceId: -1. Must be a finite positive integer.",
                true,
                1
            ]]),
        ),
        shows(
            "errors, raw",
            r#"
                const { isError } = await tools.mcp__everything__get_resource_reference.raw({
                    resourceType: "Text", resourceId: -1,
                });
                text(isError);
            "#,
            json!([true]),
        ),
        shows(
            "resource links",
            r#"
                const blocks = await tools.mcp__everything__get_resource_links({ count: 2 });
                text(blocks.filter((block) => block.type === "resource_link").map(({ uri }) => uri));
                forward_output(...blocks);
            "#,
            json!([
                ["demo://resource/dynamic/blob/1", "demo://resource/dynamic/text/2"],
                "Here are 2 resource links to resources available in this server:",
                { "type": "resource" },
                { "type": "resource" },
            ]),
        ),
        shows(
            "embedded resources",
            r#"
                const blocks = await tools.mcp__everything__get_resource_reference({
                    resourceType: "Text", resourceId: 2,
                });
                text(blocks[1].resource.uri);
                forward_output(...blocks);
            "#,
            json!([
                "demo://resource/dynamic/text/2",
                "Returning resource reference for Resource 2:",
                { "type": "resource" },
                "You can access this resource using the URI: demo://resource/dynamic/text/2",
            ]),
        ),
    ]
}

#[test]
fn scripts_use_all_that_the_everything_server_shows_on_standard_streams() {
    let stage = Stage::new().server("everything", &installed::everything());
    exercise("everything (stdio)", &stage, everything());
}

#[test]
fn scripts_use_all_that_the_everything_server_shows_over_http() {
    let server = Listening::everything();
    let entry = json!({ "type": "http", "url": server.url });
    let stage = Stage::new().entry("everything", entry);
    exercise("everything (HTTP)", &stage, everything());
}

#[test]
fn scripts_read_and_write_files_through_the_filesystem_server() {
    let stage = Stage::new();
    // The server knows folders by their real names.
    let folder = fs::canonicalize(stage.folder()).expect("the folder");
    let files = folder.join("files");
    fs::create_dir(&files).expect("a folder");
    let stage = stage
        .server("files", &installed::filesystem(&files))
        .entry("unused", json!({ "command": "none", "disabled": true }));
    exercise(
        "filesystem",
        &stage,
        vec![
            shows(
                "files written and read at once",
                r#"
                    const [folder] = (await tools.mcp__files__list_allowed_directories({})).content
                        .split("\n").slice(1);
                    const names = ["a", "b", "c"].map((name) => `${folder}/${name}.txt`);
                    await Promise.all(names.map((path) =>
                        tools.mcp__files__write_file({ path, content: `in ${path.at(-5)}` })));
                    const read = await Promise.all(names.map((path) =>
                        tools.mcp__files__read_text_file({ path })));
                    text(read.map(({ content }) => content));
                "#,
                json!([["in a", "in b", "in c"]]),
            ),
            shows(
                "errors",
                r#"
                    try {
                        await tools.mcp__files__read_text_file({ path: "/etc/hostname" });
                    } catch (error) {
                        text([error.name, error.message.startsWith("Access denied")]);
                    }
                "#,
                json!([["ToolError", true]]),
            ),
        ],
    );
    let written = fs::read_to_string(files.join("b.txt")).expect("the script wrote it");
    assert_eq!(written, "in b");
}

#[test]
fn scripts_build_and_search_the_graph_of_the_memory_server() {
    let stage = Stage::new();
    let graph = stage.place.path("graph.jsonl");
    let stage = stage.server_with(
        "memory",
        &installed::memory(),
        json!({ "env": { "MEMORY_FILE_PATH": graph } }),
    );
    exercise(
        "memory",
        &stage,
        vec![
            shows(
                "entities made once and found",
                r#"
                    const entity = (name, observation) =>
                        ({ name, entityType: "city", observations: [observation] });
                    await tools.mcp__memory__create_entities({
                        entities: [entity("Oslo", "by a fjord"), entity("Lisbon", "by a river")],
                    });
                    const { entities } = await tools.mcp__memory__search_nodes({ query: "fjord" });
                    text(entities.map(({ name }) => name));
                "#,
                json!([["Oslo"]]),
            ),
            shows(
                "errors",
                r#"
                    try {
                        await tools.mcp__memory__add_observations({
                            observations: [{ entityName: "nobody", contents: ["x"] }],
                        });
                    } catch (error) {
                        text(error.message);
                    }
                "#,
                json!(["Entity with name nobody not found"]),
            ),
        ],
    );
}

#[test]
fn scripts_commit_and_look_back_through_the_git_server() {
    let stage = Stage::new();
    let repository = stage.place.path("repository");
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(stage.folder()).args(arguments);
        assert!(git.status().expect("these tests need git").success());
    };
    git(&["init", "--quiet", "--initial-branch=trunk", "repository"]);
    git(&["-C", "repository", "config", "user.name", "Test"]);
    git(&["-C", "repository", "config", "user.email", "test@localhost"]);
    fs::write(repository.join("a.txt"), "one\n").expect("a file");
    git(&["-C", "repository", "add", "."]);
    git(&["-C", "repository", "commit", "--quiet", "-m", "first"]);

    let path = repository.display().to_string();
    let script = |text: &str| text.replace("REPOSITORY", &path);
    let stage = stage.server("git", &installed::git(&repository));
    exercise(
        "git",
        &stage,
        vec![
            shows(
                "text of several calls",
                script(
                    r#"
                        const repo_path = "REPOSITORY";
                        const [status, log] = await Promise.all([
                            tools.mcp__git__git_status({ repo_path }),
                            tools.mcp__git__git_log({ repo_path, max_count: 1 }),
                        ]);
                        text([/On branch trunk/.test(status), /Message: '?first/.test(log)]);
                    "#,
                ),
                json!([[true, true]]),
            ),
            shows(
                "errors",
                script(
                    r#"
                        try {
                            await tools.mcp__git__git_show({ repo_path: "REPOSITORY", revision: "none" });
                        } catch (error) {
                            text(error.message.includes("'none' did not resolve"));
                        }
                    "#,
                ),
                json!([true]),
            ),
        ],
    );
}

#[test]
fn scripts_compare_times_through_the_time_server() {
    let stage = Stage::new().server("time", &installed::time());
    exercise(
        "time",
        &stage,
        vec![
            shows(
                "structured content",
                r#"
                    const { time_difference, target } = await tools.mcp__time__convert_time({
                        source_timezone: "Asia/Tokyo", time: "12:00", target_timezone: "Asia/Kolkata",
                    });
                    text([time_difference, target.datetime.slice(10)]);
                "#,
                json!([["-3.5h", "T08:30:00+05:30"]]),
            ),
            shows(
                "errors",
                r#"
                    try {
                        await tools.mcp__time__get_current_time({ timezone: "Nowhere/None" });
                    } catch (error) {
                        text(error.message.includes("Invalid timezone"));
                    }
                "#,
                json!([true]),
            ),
        ],
    );
}

#[test]
fn one_script_uses_five_servers_at_once() {
    let stage = Stage::new();
    let graph = stage.place.path("graph.jsonl");
    let folder = fs::canonicalize(stage.folder()).expect("the folder");
    let made = Command::new("git")
        .args(["init", "--quiet"])
        .current_dir(&folder)
        .status();
    assert!(made.expect("these tests need git").success());
    let stage = stage
        .server("everything", &installed::everything())
        .server("files", &installed::filesystem(&folder))
        .server_with(
            "memory",
            &installed::memory(),
            json!({ "env": { "MEMORY_FILE_PATH": graph } }),
        )
        .server("git", &installed::git(&folder))
        .server("time", &installed::time());
    let script = format!(
        r#"
            const folder = {};
            const answers = await Promise.all([
                tools.mcp__everything__get_sum({{ a: 2, b: 40 }}),
                tools.mcp__files__list_directory({{ path: folder }}),
                tools.mcp__memory__read_graph({{}}),
                tools.mcp__git__git_status({{ repo_path: folder }}),
                tools.mcp__time__get_current_time({{ timezone: "Asia/Tokyo" }}),
            ]);
            text([answers[0], Object.keys(answers[2]), typeof answers[3], answers[4].timezone]);
        "#,
        json!(folder)
    );
    let said = stage.texts(&script);
    let expected = json!([
        "The sum of 2 and 40 is 42.",
        ["entities", "relations"],
        "string",
        "Asia/Tokyo"
    ]);
    assert_eq!(said, [expected]);
    println!("five servers at once: ok");
}
