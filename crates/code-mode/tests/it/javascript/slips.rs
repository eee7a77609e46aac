//! Hints: `messages.txt` has where they are given, this where they are not.

use crate::support::{error, run, texts};

#[tokio::test]
async fn honest_mistakes_get_no_hint() {
    for script in [
        "const x = ;",
        "const x = { a: 1 ];",
        "let a = 1; let a = 2;",
        "for (const x of [1]) { if (x { } }",
        "class { x = 1 }",
        "const make = 1;\nmake model;",
        "function load() { const interface = 1; return tools.echo({}).then(async (x) => await x) }",
        "text(`\n```js\n${1}\n```\n`;",
        "text('`');\ntext(`\n```js\n`));",
        "const list = undefined; list.map((x) => x);",
        "const list = {}; list.map((x) => x);",
        "const r = await tools.echo({}); for (const x of r) text(x);",
        "const r = await tools.echo({}); text(r.list.map((n) => n));",
        "const p = tools.echo({}); const o = {}; text(o.list.map((n) => n)); await p;",
        "JSON.parse('{a}');",
        "JSON.parse('import os');",
        "eval('import os');",
        "new Function('ls -la')();",
        "undefinedName();",
        "throw new Error('fetch is not defined');",
        "throw new Error('SyntaxError: Illegal return statement');",
        "throw 'ReferenceError: fetch is not defined';",
        "text(ls + 1);",
        "await tools.fail({ message: 'import os' });",
        "await tools.fail({ message: 'this is no shell' });",
        "```js\nconst x = ;\n```",
        "{\"a\": 1, b}",
    ] {
        let told = error(script).await;
        assert!(!told.contains("Hint:"), "{script}\n{told}");
    }
}

#[tokio::test]
async fn names_of_other_surroundings_may_be_the_scripts_own() {
    let script = "const process = { env: { HOME: '/' } }, fetch = (url) => url, require = (name) => name, print = text;
                  text(process.env.HOME); text(fetch('u')); text(require('fs')); print(typeof Buffer);";
    assert_eq!(texts(script).await, ["/", "u", "fs", "undefined"]);
}

#[tokio::test]
async fn a_promise_that_has_not_settled_says_to_await_it() {
    const HINT: &str =
        "\nHint: this promise has not settled; show what it resolves to: text(await …)";
    let script = "async function load() { return await tools.echo({}) }
                  text(tools.echo({})); console.log('got', tools.echo({})); text(load());";
    assert_eq!(
        texts(script).await,
        [
            format!("Promise {{ <pending> }}{HINT}"),
            format!("got Promise {{ <pending> }}{HINT}"),
            format!("Promise {{ <pending> }}{HINT}"),
        ]
    );
    let script = "const done = Promise.resolve(1); text(done); text([tools.echo({})]); text('Promise { <pending> }');";
    assert_eq!(
        texts(script).await,
        ["Promise { 1 }", "[{}]", "Promise { <pending> }"]
    );
}

#[tokio::test]
async fn a_script_that_only_defines_functions_fails() {
    for script in [
        "function main() { text(1) }",
        "// main\nimport { text as say } from 'code-mode';\nexport const main = async () => { say(1) };",
        "(async () => { text(1) })",
        "(async function () { text(1) });",
        "'use strict'; async x => text(x)",
        "```js\nasync () => { text(1) }\n```",
        "interface A { b: 1 }\nconst main = async (a: A): Promise<void> => { text(a) };",
        "export default () => { text(1) }",
        "const f = function () {}, g = 1;\n"
            .replace(", g = 1", "")
            .as_str(),
    ] {
        let response = run(script).await;
        let told = response.error_text().unwrap_or_else(|| panic!("{script}"));
        assert!(told.contains("nothing happened"), "{script}: {told}");
        assert!(told.contains("\n\nHint: "), "{script}: {told}");
    }
}

#[tokio::test]
async fn a_script_that_may_have_called_something_does_not_fail() {
    for script in [
        "",
        "// nothing",
        "const x = 1;",
        "function main() { text(1) }\nmain();",
        "(() => {})();",
        "(async () => { await null })()",
        "const f = (() => {})();",
        "const f = () => {}, g = f();",
        "const f = (x = text) => {}; [1].forEach(f);",
        "function f() {}\nnew f;",
        "function f() {}\nf``;",
        "class A { static { } m() {} }",
        "function f() {}\nlet g = f;",
        "export default (() => {})();",
        "globalThis.f = () => {};",
        "const f = () => {}\n(1)",
        "async () => {}, 1",
        "setTimeout(() => {});",
        "function f() {}\nexit();",
        "function f() {}\nawait null;",
    ] {
        let response = run(script).await;
        let told = response.error_text().unwrap_or_default();
        assert!(!told.contains("nothing happened"), "{script}: {told}");
    }
}
