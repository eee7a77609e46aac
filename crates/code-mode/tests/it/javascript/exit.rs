//! `exit()`: nothing catches it, nothing runs after it.

use code_mode::RuntimeResponse;

use crate::support::{run, run_in, session, text_items, texts};

#[tokio::test]
async fn exit_ends_the_script_successfully_wherever_it_is_called() {
    for leave in [
        "exit();",
        "try { exit(); } catch { text('wrong'); } finally { text('wrong'); }",
        "try { throw 1 } catch { exit(); } finally { text('wrong'); }",
        "try { } finally { exit(); text('wrong'); }",
        "for (;;) { exit(); }",
        "const leave = exit; leave();",
        "exit.call(null);",
        "Reflect.apply(exit, undefined, [1]);",
        "exit.bind(null)();",
        "exit`now`;",
        "import { exit as leave } from 'code-mode'; leave();",
        "(await import('code-mode')).exit();",
        "exit() || text('wrong');",
        "throw (exit(), new Error('wrong'));",
        "eval('exit()');",
        "new Function('exit()')();",
        // Nested functions and classes.
        "function f() { try { g(); } finally { text('wrong'); } } function g() { exit(); } f();",
        "class A { static { exit(); } }",
        "new (class { constructor() { try { exit(); } finally { text('wrong'); } } })();",
        // Resources that are disposed of at the end of their block.
        "using r = { [Symbol.dispose]() { text('wrong'); } }; exit();",
        "await using r = { async [Symbol.asyncDispose]() { text('wrong'); } }; exit();",
        // Async functions and promise callbacks.
        "async function f() { exit(); } f();",
        "async function f() { try { await null; exit(); } catch { text('wrong'); } finally { text('wrong'); } } await f();",
        "new Promise(() => { exit(); });",
        "await new Promise(() => { exit(); }).catch(() => text('wrong')).finally(() => text('wrong'));",
        "await Promise.resolve().then(() => { try { exit(); } finally { text('wrong'); } }).finally(() => text('wrong'));",
        "Promise.resolve().then(exit); await new Promise(() => {});",
        "tools.echo({}).then(exit); await new Promise(() => {});",
        "await { then() { exit(); } };",
        "await tools.fail({}).catch(exit);",
        // Timers.
        "setTimeout(exit); await new Promise(() => {});",
        "setTimeout(() => { try { exit(); } finally { text('wrong'); } text('wrong'); }); await new Promise(() => {});",
        "setTimeout(async () => { await null; exit(); }); setTimeout(() => text('wrong')); await new Promise(() => {});",
        // Callbacks of built-ins.
        "[1, 2].map(() => exit());",
        "[3, 1, 2].sort(() => exit());",
        "'a'.replace(/a/, () => exit());",
        "JSON.parse('[1]', () => exit());",
        "JSON.stringify({ toJSON() { exit(); } });",
        "Array.from({ length: 2 }, exit);",
        "`${{ toString() { exit(); } }}`;",
        "[...{ [Symbol.iterator]: exit }];",
        // Generators.
        "function* g() { try { exit(); yield 1; } finally { text('wrong'); } } for (const x of g()) text('wrong');",
        "function* g() { try { yield 1; } finally { exit(); text('wrong'); } } for (const x of g()) break;",
        "async function* g() { try { yield 1; exit(); } finally { text('wrong'); } } for await (const x of g());",
        // Proxy traps.
        "new Proxy({}, { get() { exit(); } }).x;",
        "'x' in new Proxy({}, { has() { exit(); } });",
        "try { Object.keys(new Proxy({}, { ownKeys() { exit(); } })); } finally { text('wrong'); }",
        "new (new Proxy(class {}, { construct() { exit(); } }))();",
        // Code that helpers and tools enter.
        "text({ get x() { exit(); } });",
        "text({ toJSON() { exit(); } });",
        "text(new Map([[1, { get x() { exit(); } }]]));",
        "console.log({ get x() { exit(); } });",
        "console.log({ b: 1n, get x() { exit(); } });",
        "console.log({ b: 1n, toJSON() { throw 1 }, get x() { try { exit(); } finally { text('wrong'); } } });",
        "image({ get image_url() { exit(); } });",
        "image('data:,x', { get x() { exit(); } }, exit());",
        "audio({ get audio_url() { exit(); } });",
        "forward_output('x', { get content() { exit(); } });",
        "store('k', { get x() { exit(); } });",
        "notify({ get x() { exit(); } });",
        "tools.echo({ get x() { exit(); } });",
        "await tools.echo({ toJSON() { exit(); } }).catch(() => text('wrong'));",
        "setTimeout(() => {}, { valueOf() { exit(); } });",
        "clearTimeout({ valueOf() { exit(); } });",
        "import({ toString() { exit(); } });",
    ] {
        let script = format!("text('before'); {leave} text('wrong');");
        let response = run(&script).await;
        assert_eq!(response.error_text(), None, "{script}");
        assert_eq!(text_items(&response), ["before"], "{script}");
    }
}

#[tokio::test]
async fn statements_after_exit_never_run_not_even_a_loop() {
    let script = "let n = 0; text('a'); exit(); n++; for (;;) n++;";
    assert_eq!(texts(script).await, ["a"]);
}

#[tokio::test]
async fn timers_and_reactions_that_are_due_do_not_run_after_exit() {
    let script = "setTimeout(() => text('timer'));
                  Promise.resolve().then(() => text('reaction'));
                  tools.echo({}).then(() => text('result'));
                  exit();";
    assert!(texts(script).await.is_empty());
}

#[tokio::test]
async fn output_and_stores_so_far_are_kept() {
    let (session, tools) = session();
    let script = "text('a'); store('k', 1); exit(); store('k', 2); text('b');";
    let response = run_in(&session, &tools, script).await;
    assert_eq!(text_items(&response), ["a"]);
    let RuntimeResponse::Result {
        stored_values,
        error_text,
        ..
    } = response
    else {
        panic!("expected a result");
    };
    assert_eq!(error_text, None);
    assert_eq!(serde_json::to_string(&stored_values).unwrap(), r#"{"k":1}"#);
}

#[tokio::test]
async fn the_next_cell_runs_as_usual() {
    let (session, tools) = session();
    run_in(&session, &tools, "exit()").await;
    let response = run_in(&session, &tools, "text(1)").await;
    assert_eq!(text_items(&response), ["1"]);
}
