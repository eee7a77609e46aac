//! Errors: the ones the library raises, and how the ones nobody caught are told.

use crate::support::{error, texts};

/// The whole error text of scripts that fail.
async fn check(cases: &[(&str, &str)]) {
    for (script, expected) in cases {
        assert_eq!(error(script).await, *expected, "of: {script}");
    }
}

#[tokio::test]
async fn a_failed_call_rejects_with_a_tool_error() {
    let script = "try { await tools.fail({ message: 'the host said no' }) } catch (e) {
                      text(e.name); text(e.tool); text(e.message); text(String(e));
                      text(e instanceof Error); text(e.constructor === Error);
                      text(Object.keys(e));
                      text(e.stack.split('\\n').slice(1).map((line) => line.trim()));
                  }";
    assert_eq!(
        texts(script).await,
        [
            "ToolError",
            "fail",
            "the host said no",
            "ToolError: the host said no",
            "true",
            "true",
            r#"["tool"]"#,
            r#"["at exec_main.mjs:1:19"]"#,
        ]
    );
}

#[tokio::test]
async fn a_tool_error_is_made_whatever_became_of_the_built_ins() {
    let script = "const { defineProperty } = Object;
                  for (const name of ['name', 'tool', 'message', 'stack']) defineProperty(Object.prototype, name, { set() { throw 1 } });
                  defineProperty(Object.prototype, 'then', { get() { throw 1 } });
                  Error.prepareStackTrace = () => { throw 1 };
                  globalThis.Error = globalThis.Promise = null;
                  const call = tools.fail({ message: 'no' });
                  try { await call } catch (e) { text([e.name, e.tool, e.message]) }";
    assert_eq!(texts(script).await, [r#"["ToolError","fail","no"]"#]);
}

#[tokio::test]
async fn a_tool_error_nobody_caught_shows_where_the_call_was_made() {
    check(&[
        (
            "async function ask() {\n  return await tools.fail({ message: 'no' });\n}\nawait ask();",
            "ToolError: no\n    at ask (exec_main.mjs:2:22)\n    at exec_main.mjs:4:7\n\n\
             2 |   return await tools.fail({ message: 'no' });\n  |                      ^",
        ),
        (
            "const call = tools.fail({ message: 'first\\nsecond' });\nawait tools.echo({});\nawait call;",
            "ToolError: first\nsecond\n    at exec_main.mjs:1:20\n\n\
             1 | const call = tools.fail({ message: 'first\\nsecond' });\n  |                    ^",
        ),
        (
            "await Promise.all([tools.echo({}), tools.fail({})]);",
            "ToolError: no\n    at exec_main.mjs:1:42\n\n\
             1 | await Promise.all([tools.echo({}), tools.fail({})]);\n  |                                          ^",
        ),
    ])
    .await;
}

#[tokio::test]
async fn helpers_and_tools_throw_real_errors_with_the_line_they_were_called_from() {
    let script = "const raised = [];
                  const attempt = async (f) => { try { await f() } catch (e) { raised.push(e) } };
                  await attempt(() => image(5));
                  await attempt(() => audio(5));
                  await attempt(() => forward_output(5));
                  await attempt(() => store(1, 1));
                  await attempt(() => load(1));
                  await attempt(() => store('k', 1n));
                  await attempt(() => setTimeout(5));
                  await attempt(() => text({ n: 1n }));
                  await attempt(() => tools.echo(5));
                  await attempt(() => tools.shout(5));
                  await attempt(() => new text());
                  await attempt(() => import('fs'));
                  for (const e of raised) {
                      const line = /exec_main\\.mjs:(\\d+):/.exec(e.stack)[1];
                      text(`${line} ${e.constructor === TypeError} ${e.name} ${e.stack.startsWith(String(e))}`);
                  }";
    let expected: Vec<_> = (3..=14)
        .map(|line| format!("{line} true TypeError true"))
        .collect();
    assert_eq!(texts(script).await, expected);
}

#[tokio::test]
async fn a_host_limit_is_a_real_range_error() {
    let script = "try { text('x'.repeat(20_000_000)) } catch (e) {
                      text(e.constructor === RangeError); text(e.name); text(e.stack.includes('exec_main.mjs:1:7'));
                  }";
    assert_eq!(texts(script).await, ["true", "RangeError", "true"]);
}

#[tokio::test]
async fn an_uncaught_error_is_told_by_message_frames_line_and_caret() {
    check(&[
        (
            "function outer() {\n  inner();\n}\nfunction inner() {\n  throw new TypeError('bad');\n}\nouter();",
            "TypeError: bad\n    at inner (exec_main.mjs:5:9)\n    at outer (exec_main.mjs:2:3)\n    at exec_main.mjs:7:1\n\n\
             5 |   throw new TypeError('bad');\n  |         ^",
        ),
        (
            "const { a } = null;",
            "TypeError: Cannot destructure property 'a' of 'null' as it is null.\n    at exec_main.mjs:1:9\n\n\
             1 | const { a } = null;\n  |         ^",
        ),
        (
            "class A {\n  #p;\n  static peek(o) { return o.#p }\n}\nA.peek({});",
            "TypeError: Cannot read private member #p from an object whose class did not declare it\n    \
             at A.peek (exec_main.mjs:3:29)\n    at exec_main.mjs:5:3\n\n\
             3 |   static peek(o) { return o.#p }\n  |                             ^",
        ),
    ])
    .await;
}

#[tokio::test]
async fn frames_of_built_ins_are_left_out() {
    check(&[
        (
            "[1].map(() => { throw new Error('m') });",
            "Error: m\n    at exec_main.mjs:1:23\n    at exec_main.mjs:1:5\n\n\
             1 | [1].map(() => { throw new Error('m') });\n  |                       ^",
        ),
        (
            "[2, 1].sort(function by() { null.x });",
            "TypeError: Cannot read properties of null (reading 'x')\n    at by (exec_main.mjs:1:34)\n    at exec_main.mjs:1:8\n\n\
             1 | [2, 1].sort(function by() { null.x });\n  |                                  ^",
        ),
        (
            "JSON.parse('{');",
            "SyntaxError: Expected property name or '}' in JSON at position 1 (line 1 column 2)\n    at exec_main.mjs:1:6\n\n\
             1 | JSON.parse('{');\n  |      ^",
        ),
        (
            "await new Promise(() => { JSON.parse('') });",
            "SyntaxError: Unexpected end of JSON input\n    at exec_main.mjs:1:32\n    at exec_main.mjs:1:7\n\n\
             1 | await new Promise(() => { JSON.parse('') });\n  |                                ^",
        ),
    ])
    .await;
}

#[tokio::test]
async fn errors_of_async_functions_show_who_awaited() {
    check(&[
        (
            "async function a() {\n  await null;\n  throw new Error('deep');\n}\nasync function b() { await a() }\nawait b();",
            "Error: deep\n    at a (exec_main.mjs:3:9)\n    at async b (exec_main.mjs:5:22)\n    at async exec_main.mjs:6:1\n\n\
             3 |   throw new Error('deep');\n  |         ^",
        ),
        (
            "await Promise.resolve().then(function step() { throw new Error('then') });",
            "Error: then\n    at step (exec_main.mjs:1:54)\n    at async exec_main.mjs:1:1\n\n\
             1 | await Promise.resolve().then(function step() { throw new Error('then') });\n  \
             |                                                      ^",
        ),
        (
            "async function* g() { yield 1; throw new Error('gen') }\nfor await (const x of g());",
            "Error: gen\n    at g (exec_main.mjs:1:38)\n    at exec_main.mjs:2:18\n\n\
             1 | async function* g() { yield 1; throw new Error('gen') }\n  |                                      ^",
        ),
    ])
    .await;
}

#[tokio::test]
async fn errors_of_timers_show_the_callback() {
    check(&[
        (
            "setTimeout(function tick() {\n  null.x;\n});\nawait new Promise(() => {});",
            "TypeError: Cannot read properties of null (reading 'x')\n    at tick (exec_main.mjs:2:8)\n\n\
             2 |   null.x;\n  |        ^",
        ),
        (
            "setTimeout(() => { throw 'no error' });\nawait new Promise(() => {});",
            "Uncaught no error\n    at exec_main.mjs:1:20\n\n\
             1 | setTimeout(() => { throw 'no error' });\n  |                    ^",
        ),
    ])
    .await;
}

#[tokio::test]
async fn errors_of_evaluated_code_show_the_line_that_evaluates() {
    check(&[
        (
            "\n  eval('throw new Error(\"e\")');",
            "Error: e\n    at eval (eval at <anonymous> (exec_main.mjs:2:3), <anonymous>:1:7)\n    at exec_main.mjs:2:3\n\n\
             2 |   eval('throw new Error(\"e\")');\n  |   ^",
        ),
        (
            "eval('const x = ;');",
            "SyntaxError: Unexpected token ';'\n    at exec_main.mjs:1:1\n\n1 | eval('const x = ;');\n  | ^",
        ),
    ])
    .await;
    let error = error("new Function('throw new Error(\"f\")')();").await;
    assert!(error.starts_with("Error: f\n"), "{error}");
    assert!(error.contains("\n    at exec_main.mjs:1:37\n"), "{error}");
}

#[tokio::test]
async fn errors_of_code_that_helpers_enter_show_both() {
    check(&[
        (
            "const o = { get x() { throw new Error('getter') } };\ntext(o);",
            "Error: getter\n    at get x (exec_main.mjs:1:29)\n    at exec_main.mjs:2:1\n\n\
             1 | const o = { get x() { throw new Error('getter') } };\n  |                             ^",
        ),
        (
            "image(new Proxy({}, { get() { throw new Error('trap') } }));",
            "Error: trap\n    at Object.get (exec_main.mjs:1:37)\n    at exec_main.mjs:1:1\n\n\
             1 | image(new Proxy({}, { get() { throw new Error('trap') } }));\n  |                                     ^",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_class_of_the_scripts_own_is_told_by_its_name() {
    check(&[
        (
            "class AppError extends Error {\n  constructor(m) { super(m); this.name = 'AppError'; this.code = 7 }\n}\nthrow new AppError('custom');",
            "AppError: custom\n    at exec_main.mjs:4:7\n\n4 | throw new AppError('custom');\n  |       ^",
        ),
        (
            "class HttpError extends Error {}\nHttpError.prototype.name = 'HttpError';\nthrow new HttpError('404');",
            "HttpError: 404\n    at exec_main.mjs:3:7\n\n3 | throw new HttpError('404');\n  |       ^",
        ),
        (
            "const e = new Error('a'); e.name = 'Renamed'; e.message = 'changed';\nthrow e;",
            "Renamed: changed\n    at exec_main.mjs:1:11\n\n\
             1 | const e = new Error('a'); e.name = 'Renamed'; e.message = 'changed';\n  |           ^",
        ),
        (
            "throw new AggregateError([new Error('one')], 'several');",
            "AggregateError: several\n    at exec_main.mjs:1:7\n\n\
             1 | throw new AggregateError([new Error('one')], 'several');\n  |       ^\n\n\
             Error 1 of 1: Error: one\n    at exec_main.mjs:1:27",
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_is_no_error_is_shown_and_its_line_said_to_be_unknown() {
    const UNKNOWN: &str =
        "\n(what was thrown is no Error, so its line is not known; throw new Error(…) tells it)";
    for (thrown, shown) in [
        ("'text'", "text"),
        ("42", "42"),
        ("null", "null"),
        ("undefined", "undefined"),
        ("Symbol('s')", "Symbol(s)"),
        ("{ code: 5 }", "{ code: 5 }"),
        ("[1, 2]", "[ 1, 2 ]"),
        ("new Map([[1, 2]])", "Map(1) { 1 => 2 }"),
        ("() => 1", "[Function (anonymous)]"),
        ("{ n: 1n }", "{ n: 1n }"),
        (
            "{ toString() { throw 1 }, toJSON() { throw 1 } }",
            "{ toString: [Function: toString], toJSON: [Function: toJSON] }",
        ),
    ] {
        let error = error(&format!("throw {thrown};")).await;
        assert_eq!(error, format!("Uncaught {shown}{UNKNOWN}"));
    }
}

#[tokio::test]
async fn what_is_no_error_is_placed_where_it_was_rejected_if_that_is_known() {
    check(&[(
        "\nawait Promise.reject({ a: 1 });",
        "Uncaught { a: 1 }\n    at exec_main.mjs:2:15\n\n2 | await Promise.reject({ a: 1 });\n  |               ^",
    )])
    .await;
}

#[tokio::test]
async fn the_caret_stands_under_the_column_after_tabs_and_astral_characters() {
    check(&[
        (
            "\tconst\tx = 1;\tthrow new Error('t');",
            "Error: t\n    at exec_main.mjs:1:21\n\n\
             1 | \tconst\tx = 1;\tthrow new Error('t');\n  | \t     \t      \t      ^",
        ),
        (
            "const s = '😀é😀'; throw new Error('a');",
            "Error: a\n    at exec_main.mjs:1:26\n\n\
             1 | const s = '😀é😀'; throw new Error('a');\n  |                        ^",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_very_long_line_is_cut_around_the_caret() {
    let script = format!(
        "{}throw new Error('l');{}",
        "f();".repeat(5000).replace("f()", "0"),
        " ".repeat(5000)
    );
    let error = error(&script).await;
    let (head, frame) = error.split_once("\n\n").unwrap();
    assert_eq!(head, "Error: l\n    at exec_main.mjs:1:10007");
    let (line, caret) = frame.split_once('\n').unwrap();
    assert!(line.chars().count() < 200 && line.ends_with('…'), "{line}");
    let column = caret.chars().position(|c| c == '^').unwrap();
    let under: String = line.chars().skip(column).take(9).collect();
    assert_eq!(under, "new Error");
}

#[tokio::test]
async fn a_script_that_words_its_stacks_itself_still_fails_with_its_first_line() {
    for prepare in [
        "() => 'nothing here'",
        "(error, frames) => frames",
        "() => { throw new Error('inner') }",
        "() => null",
    ] {
        let script = format!("Error.prepareStackTrace = {prepare};\nthrow new Error('mine');");
        let error = error(&script).await;
        assert!(error.starts_with("Error: mine\n"), "{prepare}: {error}");
    }
}

#[tokio::test]
async fn a_stack_that_cannot_be_read_does_not_hide_the_error() {
    for stack in [
        "Object.defineProperty(e, 'stack', { get() { throw new RangeError('other') } })",
        "Object.defineProperty(e, 'stack', { get() { throw null } })",
        "e.stack = 5",
        "e.stack = ''",
        "e.stack = 'at exec_main.mjs:99999999999999999999:1'",
        "e.stack = 'at exec_main.mjs:9999:1'",
        "e.stack = 'at exec_main.mjs'",
        "e.stack = 'at exec_main.mjs:0:0'",
        "delete e.stack",
    ] {
        let script = format!("const e = new Error('mine');\n{stack};\nthrow e;");
        let error = error(&script).await;
        assert_eq!(
            error.lines().next(),
            Some("Error: mine"),
            "{stack}: {error}"
        );
    }
}

#[tokio::test]
async fn a_huge_message_does_not_hide_the_place() {
    let error = error("\nthrow new Error('x'.repeat(1e6));").await;
    assert!(error.starts_with("Error: xxx"));
    assert!(
        error.ends_with(
            "x\n    at exec_main.mjs:2:7\n\n2 | throw new Error('x'.repeat(1e6));\n  |       ^"
        ),
        "{}",
        &error[error.len() - 200..]
    );
}

#[tokio::test]
async fn an_error_that_was_caught_and_shown_keeps_its_message() {
    let script = "try { await tools.fail({ message: 'no, because' }) } catch (e) { text(e); console.log(e); text(e.stack === `${e}\\n    at exec_main.mjs:1:19`) }
                  try { await tools.fial({}) } catch (e) { text(e) }";
    let seen = texts(script).await;
    assert_eq!(seen[0], "ToolError: no, because\n    at exec_main.mjs:1:19");
    assert_eq!(seen[1], format!("{} {{ tool: 'fail' }}", seen[0]));
    assert_eq!(seen[2], "true");
    assert!(
        seen[3].starts_with("ToolError: there is no tool \"fial\"; did you mean fail?\n    at "),
        "{}",
        seen[3]
    );
}

#[tokio::test]
async fn lines_of_a_message_that_look_like_frames_are_no_frames() {
    let script = "throw new Error('two\\nlines\\n    at exec_main.mjs:1:3');";
    let told = error(script).await;
    assert!(
        told.ends_with(&format!(
            "    at exec_main.mjs:1:7\n\n1 | {script}\n  |       ^"
        )),
        "{told}"
    );
    let nested = error(
        "throw new Error('failed: ' + (() => { try { null.x } catch (e) { return e.stack } })());",
    )
    .await;
    assert_eq!(nested.matches("\n    at ").count(), 3, "{nested}");
}

#[tokio::test]
async fn a_name_that_is_computed_is_told() {
    let script = "class HttpError extends Error { get name() { return 'HttpError' } } throw new HttpError('404');";
    let told = error(script).await;
    assert!(
        told.starts_with("HttpError: 404\n    at exec_main.mjs:1:"),
        "{told}"
    );
}

#[tokio::test]
async fn an_error_without_a_stack_is_placed_where_it_was_rejected_if_that_is_known() {
    let script = "Error.stackTraceLimit = 0;\nawait Promise.reject(new Error('x'));";
    let told = error(script).await;
    assert!(told.contains("at exec_main.mjs:2:15"), "{told}");
}

#[tokio::test]
async fn a_thrown_text_is_told_whole() {
    let told = error("throw 'x'.repeat(2 ** 26 - 30)").await;
    assert!(told.starts_with("Uncaught xxx"), "{}", &told[..100]);
    assert!(told.len() > (1 << 26) - 30);
}

#[tokio::test]
async fn a_thrown_proxy_of_an_error_does_not_contradict_itself() {
    let told = error("throw new Proxy(new Error('px'), {})").await;
    assert!(!told.contains("line is not known"), "{told}");
}

#[tokio::test]
async fn messages_say_what_came_in_good_english() {
    for (script, words) in [
        ("await tools.echo(new Date(0))", "it was given a Date"),
        ("await tools.echo([])", "it was given an array"),
        ("await tools.shout({})", "it was given an object"),
        ("await tools.shout()", "it was given nothing"),
        ("setTimeout({})", "a function, not an object"),
        ("setTimeout()", "a function, not undefined"),
        ("load(null)", "a string, not null"),
    ] {
        let told = error(script).await;
        assert!(told.contains(words), "{script}: {told}");
    }
}
