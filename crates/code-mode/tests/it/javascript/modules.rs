//! What a script can import, and what it cannot.

use code_mode::{FunctionHost, Session, ToolDefinition, ToolOutput};

use crate::support::{error, run_in, text_items, texts};

#[tokio::test]
async fn both_specifiers_give_every_helper_the_globals_have() {
    for specifier in ["@openai/code_mode", "code-mode"] {
        let script = format!(
            "import {{ tools as a, ALL_TOOLS as b, text as c, image as d, audio as e, forward_output as f, store as g, load as h,
                      notify as i, yield_control as j, exit as k, setTimeout as l, clearTimeout as m, console as n, load_output as o, describe_tool as p, search_tools as q }} from '{specifier}';
             text([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q].map((x, i) => x ===
                 [tools, ALL_TOOLS, text, image, audio, forward_output, store, load, notify, yield_control, exit, setTimeout, clearTimeout, console, load_output, describe_tool, search_tools][i]));"
        );
        assert_eq!(
            texts(&script).await,
            [
                "[true,true,true,true,true,true,true,true,true,true,true,true,true,true,true,true,true]"
            ]
        );
    }
}

#[tokio::test]
async fn a_static_import_reads_well_in_a_whole_script() {
    let script = "import { text, tools } from '@openai/code_mode';
                  import { echo, hidden_dynamic_tool as find } from 'tools.js';
                  import 'code-mode';
                  text(await echo({ a: 1 })); text(await find()); text(tools.echo === echo);";
    assert_eq!(texts(script).await, [r#"{"a":1}"#, "found", "true"]);
}

#[tokio::test]
async fn the_helper_module_is_one_under_both_names_and_both_ways() {
    let script = "import * as one from 'code-mode'; import * as other from '@openai/code_mode'; import * as named from 'tools.js';
                  text(one === other); text(one === await import('code-mode')); text(one === await import('@openai/code_mode'));
                  text(named === await import('tools.js'));
                  text(one === await eval(\"import('code-mode')\")); text(one === await new Function(\"return import('code-mode')\")());
                  text(Object.keys(one)); text(Object.keys(named));
                  text([Object.isSealed(one), one[Symbol.toStringTag]]);";
    assert_eq!(
        texts(script).await,
        [
            "true",
            "true",
            "true",
            "true",
            "true",
            "true",
            r#"["ALL_TOOLS","audio","clearTimeout","console","describe_tool","exit","forward_output","image","load","load_output","notify","search_tools","setTimeout","store","text","tools","yield_control"]"#,
            r#"["ALL_TOOLS","echo","fail","hidden_dynamic_tool","shout","tools"]"#,
            r#"[true,"Module"]"#,
        ]
    );
}

#[tokio::test]
async fn tools_js_gives_the_functions_of_the_tools_object() {
    let script = "import { echo, fail, shout, hidden_dynamic_tool, tools as t, ALL_TOOLS as all } from 'tools.js';
                  text([echo === tools.echo, fail === tools.fail, shout === tools.shout, hidden_dynamic_tool === tools['hidden-dynamic-tool'],
                        t === tools, all === ALL_TOOLS]);
                  const dynamic = await import('tools.js');
                  text([dynamic.echo === tools.echo, dynamic.nope]);";
    assert_eq!(
        texts(script).await,
        ["[true,true,true,true,true,true]", "[true,null]"]
    );
}

#[tokio::test]
async fn modules_give_the_helpers_as_they_were_whatever_became_of_the_globals() {
    let script = "const before = { text, tools, console };
                  globalThis.text = null; delete globalThis.console; globalThis.tools = { echo: null }; globalThis.ALL_TOOLS = 5;
                  Object.prototype.text = 'planted'; Object.defineProperty(Object.prototype, 'echo', { get() { throw 1 } });
                  Promise.prototype.then = null; Promise.resolve = null;
                  const helpers = await import('code-mode'), named = await import('tools.js');
                  helpers.text(helpers.text === before.text); helpers.text(helpers.tools === before.tools);
                  helpers.text(helpers.console === before.console); helpers.text(Array.isArray(helpers.ALL_TOOLS));
                  helpers.text(named.echo === before.tools.echo); helpers.text(named.tools === before.tools);";
    assert_eq!(texts(script).await, ["true"; 6]);
}

#[tokio::test]
async fn exports_cannot_be_assigned() {
    let script = "import * as helpers from 'code-mode';
                  try { helpers.text = 1 } catch (e) { text(e.name) }
                  try { delete helpers.text } catch (e) { text(e.name) }";
    assert_eq!(texts(script).await, ["TypeError", "TypeError"]);
    let error = error("import { exit } from 'code-mode'; exit = 1;").await;
    assert!(
        error.starts_with("TypeError: Assignment to constant variable."),
        "{error}"
    );
}

#[tokio::test]
async fn importing_an_export_there_is_not_fails_the_script_naming_it() {
    for (script, name, specifier, place) in [
        (
            "import { nope } from 'code-mode';",
            "nope",
            "code-mode",
            "1:10",
        ),
        (
            "import { echo } from 'code-mode';",
            "echo",
            "code-mode",
            "1:10",
        ),
        (
            "\nimport { text } from 'tools.js';",
            "text",
            "tools.js",
            "2:10",
        ),
        (
            "import { echo, nope } from 'tools.js';",
            "nope",
            "tools.js",
            "1:16",
        ),
        (
            "import standard from '@openai/code_mode';",
            "default",
            "@openai/code_mode",
            "1:8",
        ),
    ] {
        let error = error(script).await;
        let expected = format!(
            "SyntaxError: The requested module '{specifier}' does not provide an export named '{name}'\n    at exec_main.mjs:{place}\n"
        );
        assert!(error.starts_with(&expected), "{script}: {error}");
    }
}

const IMPORTABLE: &str = "scripts can import \"@openai/code_mode\" or \"code-mode\" (the helpers) and \"tools.js\" (the tools), and nothing else";

#[tokio::test]
async fn a_static_import_of_anything_else_fails_the_script_at_its_line() {
    for specifier in [
        "fs",
        "node:fs",
        "./tools.js",
        "tools",
        "exec_main.mjs",
        "https://example.com/x.js",
        "data:text/javascript,1",
        "/etc/passwd",
        "",
        "CODE-MODE",
    ] {
        let script = format!("text('never');\nimport x from '{specifier}';");
        let error = error(&script).await;
        assert_eq!(
            error,
            format!(
                "TypeError: cannot import {specifier:?}: {IMPORTABLE}\n    at exec_main.mjs:2:15\n\n2 | import x from '{specifier}';\n  |               ^"
            )
        );
    }
    let reexported = error("export * from 'fs';").await;
    assert!(
        reexported.starts_with("TypeError: cannot import \"fs\""),
        "{reexported}"
    );
}

#[tokio::test]
async fn a_dynamic_import_of_anything_else_rejects() {
    let script = "for (const specifier of ['fs', './tools.js', 'undefined', ''])
                      await import(specifier).then(() => text('wrong'), (e) => text(`${e.constructor === TypeError} ${e.message}`));
                  try { await import('fs') } catch (e) { text(e.stack.includes('exec_main.mjs:3:')) }
                  await import(Symbol('s')).catch((e) => text(String(e)));
                  await import({ toString() { throw new RangeError('mine') } }).catch((e) => text(String(e)));
                  text('on');";
    let mut expected: Vec<_> = ["fs", "./tools.js", "undefined", ""]
        .iter()
        .map(|specifier| format!("true cannot import {specifier:?}: {IMPORTABLE}"))
        .collect();
    expected.extend(
        [
            "true",
            "TypeError: Cannot convert a Symbol value to a string",
            "RangeError: mine",
            "on",
        ]
        .map(str::to_owned),
    );
    assert_eq!(texts(script).await, expected);

    let uncaught = error("\nawait import('fs');").await;
    assert!(
        uncaught.ends_with("\n    at exec_main.mjs:2:1\n\n2 | await import('fs');\n  | ^"),
        "{uncaught}"
    );
}

#[tokio::test]
async fn import_meta_is_an_empty_object() {
    let script = "text(typeof import.meta); text(Object.keys(import.meta)); text(import.meta.url);
                  import.meta.mine = 1; text(import.meta.mine);";
    assert_eq!(texts(script).await, ["object", "[]", "undefined", "1"]);
}

/// A session of tools that answer with their own names.
async fn run_with(names: &[&str], script: &str) -> Vec<String> {
    let host = names.iter().fold(FunctionHost::new(), |host, name| {
        host.function(ToolDefinition::function(*name, ""), |call| async move {
            Ok(ToolOutput::text(call.tool.definition.name.clone()))
        })
    });
    let tools = host.tools();
    let response = run_in(&Session::new(host), &tools, script).await;
    assert_eq!(response.error_text(), None, "{script}");
    text_items(&response)
}

#[tokio::test]
async fn tools_called_like_reserved_words_can_be_imported_under_another_name() {
    let script =
        "import { class as a, await as b, import as c, default as d, null as e } from 'tools.js';
                  import standard from 'tools.js';
                  for (const tool of [a, b, c, d, e]) text(await tool());
                  text(standard === d); text(await tools.class()); text(await tools.default());";
    assert_eq!(
        run_with(&["class", "await", "import", "default", "null"], script).await,
        [
            "class", "await", "import", "default", "null", "true", "class", "default"
        ]
    );
}

#[tokio::test]
async fn tools_called_like_the_modules_own_exports_are_reached_through_the_tools_object() {
    let script = "import { tools as object, ALL_TOOLS as all } from 'tools.js';
                  text(object === tools && typeof object === 'object'); text(Array.isArray(all));
                  text(await tools.tools()); text(await tools.ALL_TOOLS());
                  text(Object.keys(await import('tools.js')));";
    assert_eq!(
        run_with(&["tools", "ALL_TOOLS", "other"], script).await,
        [
            "true",
            "true",
            "tools",
            "ALL_TOOLS",
            r#"["ALL_TOOLS","other","tools"]"#
        ]
    );
}

#[tokio::test]
async fn tools_called_like_properties_of_every_object_are_tools() {
    let names = [
        "constructor",
        "__proto__",
        "toString",
        "hasOwnProperty",
        "valueOf",
        "name",
        "length",
    ];
    let script = "for (const name of Object.keys(tools)) text(await tools[name]());
                  const named = await import('tools.js');
                  text(Object.keys(tools).every((name) => named[name] === tools[name]));
                  text(Object.getPrototypeOf(tools) === tools.__proto__);";
    let texts = run_with(&names, script).await;
    assert_eq!(texts[..names.len()], names);
    assert_eq!(texts[names.len()..], ["true", "false"]);
}

#[tokio::test]
async fn tools_called_like_helpers_do_not_hide_the_helpers() {
    let script = "import { text as tool, exit as leave } from 'tools.js';
                  text(await tool()); text(await leave()); text(tool === text);";
    assert_eq!(
        run_with(&["text", "exit"], script).await,
        ["text", "exit", "false"]
    );
}

#[tokio::test]
async fn tools_js_gives_the_tools_whatever_a_script_did_to_its_tools_object() {
    for plant in [
        "delete tools.echo",
        "tools.echo = 5",
        "Object.defineProperty(tools, 'echo', { get() { throw new Error('planted') } })",
    ] {
        let script =
            format!("{plant}; const m = await import('tools.js'); text(await m.echo({{ a: 1 }}))");
        assert_eq!(
            crate::support::texts(&script).await,
            [r#"{"a":1}"#],
            "{plant}"
        );
    }
}
