//! Arguments of nested calls against the input schemas of their tools.

use code_mode::{
    ArgumentValidation, FunctionHost, Session, ToolDefinition, ToolOutput, ToolSet, UncheckedPart,
};
use serde_json::{Value, json};

use crate::snapshot::assert_snapshot;
use crate::support::{run_in, text_items};

/// A host whose one tool has this schema and gives back its input.
fn host(name: &str, schema: Value) -> (FunctionHost, ToolSet) {
    let tool = ToolDefinition::function(name, "Reads a file.").input_schema(schema);
    let host = FunctionHost::new().function(tool, |call| async move {
        Ok(ToolOutput::from(call.input.parse::<Value>()?))
    });
    let tools = host.tools();
    (host, tools)
}

async fn run(name: &str, schema: Value, script: &str) -> code_mode::RuntimeResponse {
    let (host, tools) = host(name, schema);
    run_in(&Session::new(host), &tools, script).await
}

fn path_is_a_string() -> Value {
    json!({ "properties": { "path": { "type": "string" } } })
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_refused_as_the_table_says() {
    let mut schema = Value::Null;
    let mut actual = String::new();
    let table = include_str!("arguments.txt");
    for line in table.lines().filter(|line| !line.starts_with("    ")) {
        actual.push_str(line);
        actual.push('\n');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Ok(value) = serde_json::from_str(line)
            && value != json!({})
        {
            schema = value;
            continue;
        }
        let script = format!(
            "await tools.read_file({line}).then(() => text('fits'), (e) => text(e.constructor === TypeError && e.message));"
        );
        let response = run("read_file", schema.clone(), &script).await;
        let said = &text_items(&response)[0];
        let place = " (exec_main.mjs:1:13)";
        assert_eq!(said.contains(place), said != "fits", "{line}: {said}");
        for line in said.replace(place, "").lines() {
            actual.push_str(&format!("    {line}\n"));
        }
    }
    assert_snapshot("javascript/arguments.txt", &actual);
}

#[tokio::test]
async fn the_error_is_of_the_call_and_says_where_that_is() {
    let script = "const options = { path: 5 };\n\nawait tools.read_file(options);";
    let response = run("read_file", path_is_a_string(), script).await;
    assert_eq!(
        response.error_text().unwrap(),
        "TypeError: read_file: args.path must be a string, got number 5 (exec_main.mjs:3:13)\n    \
         at exec_main.mjs:3:13\n\n3 | await tools.read_file(options);\n  |             ^"
    );
}

#[tokio::test]
async fn several_violations_leave_the_frames_and_the_line_readable() {
    let script =
        "function read() {\n  return tools.read_file({ path: 5, mode: 1 });\n}\nawait read();";
    let schema =
        json!({ "properties": { "path": { "type": "string" }, "mode": { "type": "string" } } });
    let response = run("read_file", schema, script).await;
    assert_eq!(
        response.error_text().unwrap(),
        "TypeError: read_file: the arguments do not fit (exec_main.mjs:2:16):\n\
         - args.path must be a string, got number 5\n- args.mode must be a string, got number 1\n    \
         at read (exec_main.mjs:2:16)\n    at exec_main.mjs:4:7\n\n\
         2 |   return tools.read_file({ path: 5, mode: 1 });\n  |                ^"
    );
}

#[tokio::test]
async fn the_error_is_a_type_error_that_names_the_tool_and_rejects() {
    let script = "const call = tools.read_file({ path: 5 });
                  text(call instanceof Promise);
                  await call.catch((e) => text([e.constructor === TypeError, e.name, e.tool]));";
    let response = run("read-file", path_is_a_string(), script).await;
    assert_eq!(
        text_items(&response),
        ["true", r#"[true,"TypeError","read_file"]"#]
    );
}

#[tokio::test]
async fn a_tool_known_by_another_name_is_shown_with_both() {
    let script = "await tools['read-file']({ path: 5 }).catch((e) => text(e.message));";
    let response = run("read-file", path_is_a_string(), script).await;
    assert_eq!(
        text_items(&response),
        [
            r#"read_file (original name "read-file"): args.path must be a string, got number 5 (exec_main.mjs:1:25)"#
        ]
    );
}

#[tokio::test]
async fn a_call_from_code_that_was_made_names_the_line_that_ran_it() {
    let script = "\neval('tools.read_file({ path: 5 })').catch((e) => text(e.message));";
    let response = run("read_file", path_is_a_string(), script).await;
    assert_eq!(
        text_items(&response),
        ["read_file: args.path must be a string, got number 5 (exec_main.mjs:2:1)"]
    );
}

#[tokio::test]
async fn a_refused_call_is_none() {
    let host = FunctionHost::new().function(
        ToolDefinition::function("number", "").input_schema(path_is_a_string()),
        |call| async move { Ok(ToolOutput::from(json!(call.call_id))) },
    );
    let tools = host.tools();
    let script = "text(await tools.number()); await tools.number({ path: 5 }).catch(() => {});
                  text(await tools.number({ path: 'a' }));";
    let response = run_in(&Session::new(host), &tools, script).await;
    assert_eq!(text_items(&response), ["1", "2"]);
}

#[tokio::test]
async fn what_leaves_is_what_was_checked() {
    let script = "text(await tools.read_file({ path: { toJSON: () => 'a' }, big: 9007199254740993n.toString() }));
                  await tools.read_file({ toJSON: () => ({ path: 5 }) }).catch((e) => text(e.name));";
    let response = run("read_file", path_is_a_string(), script).await;
    assert_eq!(
        text_items(&response),
        [r#"{"path":"a","big":"9007199254740993"}"#, "TypeError"]
    );
}

#[tokio::test]
async fn a_host_can_switch_the_check_off() {
    let (host, tools) = host("read_file", path_is_a_string());
    let session = Session::builder()
        .argument_validation(ArgumentValidation::Off)
        .build(host);
    let response = run_in(&session, &tools, "text(await tools.read_file({ path: 5 }))").await;
    assert_eq!(text_items(&response), [r#"{"path":5}"#]);
}

#[tokio::test]
async fn a_schema_that_cannot_be_checked_lets_every_call_through_and_the_host_can_see_it() {
    for schema in [
        json!({ "type": 5 }),
        json!({ "$ref": "#" }),
        json!("no schema"),
    ] {
        let (host, tools) = host("read_file", schema);
        let unchecked: &[UncheckedPart] = tools.get("read_file").unwrap().unchecked_input();
        assert_eq!(unchecked.len(), 1);
        assert_eq!(unchecked[0].pointer, "");
        let response = run_in(
            &Session::new(host),
            &tools,
            "text(await tools.read_file({ path: 5 }))",
        )
        .await;
        assert_eq!(text_items(&response), [r#"{"path":5}"#]);
    }
}

#[tokio::test]
async fn the_deepest_script_can_make_a_check_of_the_deepest_schema() {
    // Eight references deep, each from 18 levels inside, is as far as compiling goes into the stack.
    let mut definitions = serde_json::Map::new();
    for index in 0..12 {
        let next = json!({ "$ref": format!("#/$defs/{}", index + 1) });
        let inside = (0..18).fold(next, |inner, _| {
            json!({ "patternProperties": { "^a": inner }, "additionalProperties": false })
        });
        definitions.insert(index.to_string(), inside);
    }
    definitions.insert("12".to_owned(), json!({}));
    let schema = json!({
        "required": ["path"],
        "properties": { "deep": { "$ref": "#/$defs/0" } },
        "$defs": definitions,
    });
    let script = "let said;
                  const deeper = () => {
                      try { deeper() } catch (e) { said ??= tools.read_file({}).catch((e) => e.message) }
                  };
                  deeper(); text(await said);";
    let response = run("read_file", schema, script).await;
    assert_eq!(response.error_text(), None);
    let said = &text_items(&response)[0];
    assert!(
        said.starts_with("read_file: args.path is required"),
        "{said}"
    );
}
