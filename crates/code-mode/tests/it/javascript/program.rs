//! What a program is and how it ends.

use crate::support::{error, run, text_items, texts};

#[tokio::test]
async fn a_script_is_a_module_with_top_level_await() {
    assert_eq!(
        texts("const { x } = await tools.echo({ x: 3 }); text(x);").await,
        ["3"]
    );
    let script = "for await (const x of [Promise.resolve(1), 2]) text(x);
                  await using resource = { async [Symbol.asyncDispose]() { text('disposed') } };
                  export const one = 1; export default class {};";
    assert_eq!(texts(script).await, ["1", "2", "disposed"]);
}

#[tokio::test]
async fn a_script_is_strict() {
    let script = "text(this === undefined);
                  text((function () { return this === undefined })());
                  try { undeclared = 1 } catch (e) { text(e.name) }
                  try { Object.freeze([]).push(1) } catch (e) { text(e.name) }";
    assert_eq!(
        texts(script).await,
        ["true", "true", "ReferenceError", "TypeError"]
    );
    for sloppy in ["with (Math) {}", "text(010)", "delete text", "return 5"] {
        assert!(error(sloppy).await.starts_with("SyntaxError: "), "{sloppy}");
    }
}

#[tokio::test]
async fn declarations_are_the_modules_own_not_globals() {
    let script = "var a = 1; let b = 2; function c() {}
                  text([typeof globalThis.a, typeof globalThis.b, typeof globalThis.c]);
                  text(typeof arguments);";
    assert_eq!(
        texts(script).await,
        [r#"["undefined","undefined","undefined"]"#, "undefined"]
    );
}

#[tokio::test]
async fn an_empty_script_succeeds() {
    for nothing in ["", "\n\n", "// only a comment", "/* a\nb */", ";"] {
        assert!(texts(nothing).await.is_empty(), "{nothing}");
    }
}

#[tokio::test]
async fn stacks_name_the_resource_and_count_every_line_of_the_text_sent() {
    for (above, line) in [
        ("", 1),
        ("\n", 2),
        ("// @exec: {}\n", 2),
        ("// @exec: {\"yield_time_ms\": 5}\n\n", 3),
        ("// a\r\n/* b\r\n*/\r\n", 4),
        ("#!/usr/bin/env node\n", 2),
        ("`a\n\u{2028}`;\n", 4),
    ] {
        let script = format!("{above}text(new Error('e').stack);");
        assert_eq!(
            texts(&script).await,
            [format!("Error: e\n    at exec_main.mjs:{line}:6")],
            "{script}"
        );
    }
}

#[tokio::test]
async fn what_was_not_awaited_is_discarded() {
    let script = "Promise.resolve().then(() => 0).then(() => 0).then(() => text('late reaction'));
                  tools.echo({}).then(() => text('late result'));
                  setTimeout(() => text('late timer'));
                  (async () => { await null; await null; await null; text('late function') })();
                  Promise.reject(new Error('unheard'));
                  new Promise(() => {});
                  text('done');";
    // Reactions that are due when the module settles still run; nothing is waited for.
    let texts = texts(script).await;
    assert_eq!(texts[0], "done");
    assert!(
        !texts
            .iter()
            .any(|text| text == "late result" || text == "late timer"),
        "{texts:?}"
    );
}

#[tokio::test]
async fn an_unhandled_rejection_is_no_failure() {
    let script = "Promise.reject(new Error('a'));
                  (async () => { throw new Error('b') })();
                  new Promise((_, reject) => reject('c'));
                  await tools.echo({});
                  text('fine');";
    assert_eq!(texts(script).await, ["fine"]);
}

const STALLED: &str = "Error: the script awaits a promise that nothing will settle: \
                       no nested call, timer or notification is under way\n    at exec_main.mjs:";

#[tokio::test]
async fn awaiting_what_nothing_will_settle_is_an_error_at_once_that_says_where() {
    for (script, place) in [
        (
            "text('a'); await new Promise(() => {});",
            "1:12\n\n1 | text('a'); await new Promise(() => {});\n  |            ^",
        ),
        (
            "async function inner() { await new Promise(() => {}) }\nawait inner();",
            "2:1\n\n2 | await inner();\n  | ^",
        ),
        (
            "await tools.echo({});\n\tawait Promise.race([]);",
            "2:2\n\n2 | \tawait Promise.race([]);\n  | \t^",
        ),
        (
            "notify('n'); await new Promise(() => {})",
            "1:14\n\n1 | notify('n'); await new Promise(() => {})\n  |              ^",
        ),
        (
            "await new Promise((resolve) => { const id = setTimeout(resolve, 1e6); clearTimeout(id) })",
            "1:1\n\n1 | await new Promise((resolve) => { const id = setTimeout(resolve, 1e6); clearTimeout(id) })\n  | ^",
        ),
    ] {
        let error = error(script).await;
        assert_eq!(error, format!("{STALLED}{place}"));
    }
}

#[tokio::test]
async fn a_stalled_script_has_run_its_timers_and_reactions_first() {
    let script = "setTimeout(() => text('timer')); tools.echo({}).then(() => text('result'));
                  notify('n'); await new Promise(() => {});";
    let response = run(script).await;
    let mut texts = text_items(&response);
    texts.sort();
    assert_eq!(texts, ["result", "timer"]);
    assert!(response.error_text().unwrap().starts_with(STALLED));
}

#[tokio::test]
async fn a_compile_error_says_where_and_nothing_runs() {
    for (script, expected) in [
        (
            "text('never');\nconst x = ;",
            "SyntaxError: Unexpected token ';'\n    at exec_main.mjs:2:11\n\n2 | const x = ;\n  |           ^",
        ),
        (
            "let a = 1; let a = 2;",
            "SyntaxError: Identifier 'a' has already been declared\n    at exec_main.mjs:1:16\n\n\
             1 | let a = 1; let a = 2;\n  |                ^",
        ),
        (
            "`never closed",
            "SyntaxError: Unexpected end of input\n    at exec_main.mjs:1:14\n\n1 | `never closed\n  |              ^\n\n\
             Hint: the script ends too early: a bracket or a template is not closed, or the text was cut off",
        ),
    ] {
        let response = run(script).await;
        assert_eq!(response.error_text(), Some(expected));
        assert!(response.content_items().is_empty());
    }
}

#[tokio::test]
async fn a_link_error_says_where_and_nothing_runs() {
    let script = "text('never');\nimport { nope } from 'code-mode';";
    let response = run(script).await;
    assert_eq!(
        response.error_text(),
        Some(
            "SyntaxError: The requested module 'code-mode' does not provide an export named 'nope'\n    \
             at exec_main.mjs:2:10\n\n2 | import { nope } from 'code-mode';\n  |          ^"
        )
    );
    assert!(response.content_items().is_empty());
}

#[tokio::test]
async fn an_evaluation_error_says_where_and_output_before_it_stays() {
    let script = "text('a');\nawait null;\ntext('b'); missing();\ntext('c');";
    let response = run(script).await;
    assert_eq!(text_items(&response), ["a", "b"]);
    assert_eq!(
        response.error_text(),
        Some(
            "ReferenceError: missing is not defined\n    at exec_main.mjs:3:12\n\n\
             3 | text('b'); missing();\n  |            ^"
        )
    );
}
