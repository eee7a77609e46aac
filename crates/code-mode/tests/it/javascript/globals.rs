//! What a script finds in its global object, and what it does not.

use code_mode::{ContentItem, ExecuteRequest, RuntimeResponse, Session, ToolDefinition, ToolSet};

use crate::probe::{Event, probed, request};
use crate::support::{LONG_MS, error, run, run_in, session, text_items, texts};

#[tokio::test]
async fn the_standard_built_ins_are_there() {
    let names = [
        "AggregateError",
        "Array",
        "ArrayBuffer",
        "AsyncDisposableStack",
        "BigInt",
        "BigInt64Array",
        "BigUint64Array",
        "Boolean",
        "DataView",
        "Date",
        "DisposableStack",
        "Error",
        "EvalError",
        "FinalizationRegistry",
        "Float16Array",
        "Float32Array",
        "Float64Array",
        "Function",
        "Int16Array",
        "Int32Array",
        "Int8Array",
        "Iterator",
        "Map",
        "Number",
        "Object",
        "Promise",
        "Proxy",
        "RangeError",
        "ReferenceError",
        "RegExp",
        "Set",
        "String",
        "SuppressedError",
        "Symbol",
        "SyntaxError",
        "TypeError",
        "URIError",
        "Uint16Array",
        "Uint32Array",
        "Uint8Array",
        "Uint8ClampedArray",
        "WeakMap",
        "WeakRef",
        "WeakSet",
        "decodeURI",
        "decodeURIComponent",
        "encodeURI",
        "encodeURIComponent",
        "eval",
        "isFinite",
        "isNaN",
        "parseFloat",
        "parseInt",
    ];
    let script = format!(
        "text({names:?}.filter((name) => typeof globalThis[name] !== 'function'));
         text(['Intl', 'JSON', 'Math', 'Reflect', 'globalThis'].filter((name) => typeof globalThis[name] !== 'object'));"
    );
    assert_eq!(texts(&script).await, ["[]", "[]"]);
}

#[tokio::test]
async fn shared_memory_and_web_assembly_are_removed() {
    let script = "for (const name of ['Atomics', 'SharedArrayBuffer', 'WebAssembly'])
                      text([name in globalThis, typeof eval('typeof ' + name), eval('typeof ' + name)]);";
    assert_eq!(texts(script).await, [r#"[false,"string","undefined"]"#; 3]);
}

#[tokio::test]
async fn nothing_of_a_host_environment_is_there() {
    let script = "text(['process', 'require', 'module', 'exports', 'global', 'Buffer', '__dirname', 'Deno', 'Bun',
                        'fetch', 'XMLHttpRequest', 'WebSocket', 'Worker', 'window', 'self', 'document', 'navigator',
                        'localStorage', 'gc', 'd8', 'print', 'read', 'load_file', 'quit', 'importScripts', 'ShadowRealm']
                      .filter((name) => name in globalThis));
                  try { require('fs') } catch (e) { text(String(e)) }
                  try { await fetch('https://example.com') } catch (e) { text(String(e)) }";
    assert_eq!(
        texts(script).await,
        [
            "[]",
            "ReferenceError: require is not defined",
            "ReferenceError: fetch is not defined",
        ]
    );
}

#[tokio::test]
async fn intl_has_the_data_of_every_locale() {
    let script = "const day = new Date(0), utc = { timeZone: 'UTC' };
                  text(day.toLocaleDateString('de-DE', { ...utc, dateStyle: 'full' }));
                  text(new Intl.DateTimeFormat('ja-JP-u-ca-japanese', { ...utc, era: 'long', year: 'numeric', month: 'long', day: 'numeric' }).format(day));
                  text(new Intl.DateTimeFormat('ru', { ...utc, month: 'long' }).format(day));
                  text((1234567.891).toLocaleString('de-DE'));
                  text((1234567.891).toLocaleString('hi-IN'));
                  text((1234567.891).toLocaleString('ar-EG'));
                  text(new Intl.NumberFormat('en', { notation: 'compact' }).format(12345));
                  text(new Intl.PluralRules('ar').select(3));
                  text(new Intl.ListFormat('zh').format(['a', 'b', 'c']));
                  text(new Intl.RelativeTimeFormat('es').format(-2, 'day'));
                  text(new Intl.DisplayNames('fr', { type: 'region' }).of('JP'));
                  text(['ä', 'z', 'a'].sort(new Intl.Collator('sv').compare));
                  text(['ä', 'z', 'a'].sort(new Intl.Collator('de').compare));
                  text([...new Intl.Segmenter('th', { granularity: 'word' }).segment('สวัสดีชาวโลก')].map((s) => s.segment));
                  text(new Date(Date.UTC(2024, 6, 1)).toLocaleTimeString('en-US', { timeZone: 'Asia/Kolkata' }).replace(/\\s/, ' '));
                  text(Intl.supportedValuesOf('timeZone').length > 300);";
    assert_eq!(
        texts(script).await,
        [
            "Donnerstag, 1. Januar 1970",
            "昭和45年1月1日",
            "январь",
            "1.234.567,891",
            "12,34,567.891",
            "١٬٢٣٤٬٥٦٧٫٨٩١",
            "12K",
            "few",
            "a、b和c",
            "hace 2 días",
            "Japon",
            r#"["a","z","ä"]"#,
            r#"["a","ä","z"]"#,
            r#"["สวัสดี","ชาว","โลก"]"#,
            "5:30:00 AM",
            "true",
        ]
    );
}

#[tokio::test]
async fn strings_and_patterns_know_unicode() {
    let script = "text(['é'.normalize('NFD').length, 'e\\u0301'.normalize('NFC').length, 'ﬁ'.normalize('NFKC')]);
                  text('İI'.toLocaleLowerCase('tr'));
                  text('straße'.toUpperCase());
                  text(['漢字', 'かな'].map((s) => /^\\p{Script=Han}+$/u.test(s)));
                  text('a😀b'.replace(/\\p{Emoji_Presentation}/gu, '!'));
                  text('aBc'.replace(/[\\p{L}--[a-z]]/gv, '_'));
                  text('b'.localeCompare('B'));
                  text('\\ud800'.isWellFormed());";
    assert_eq!(
        texts(script).await,
        [
            r#"[2,1,"fi"]"#,
            "iı",
            "STRASSE",
            "[true,false]",
            "a!b",
            "a_c",
            "-1",
            "false",
        ]
    );
}

#[tokio::test]
async fn eval_and_function_work() {
    let script = "const local = 20;
                  text(eval('local + 1'));
                  text((0, eval)('typeof local'));
                  text(new Function('a', 'b', 'return a * b')(6, 7));
                  text(await (async () => {}).constructor('return await 5')());
                  text([...(function* () {}).constructor('yield 1; yield 2')()]);
                  eval('text(\"from eval\")');
                  try { eval('}') } catch (e) { text(e.name) }";
    assert_eq!(
        texts(script).await,
        [
            "21",
            "undefined",
            "42",
            "5",
            "[1,2]",
            "from eval",
            "SyntaxError"
        ]
    );
}

#[tokio::test]
async fn nothing_a_cell_plants_is_found_by_the_next() {
    let (session, tools) = session();
    let plant = "globalThis.planted = 1; Object.prototype.planted = 2; Function.prototype.planted = 3;
                 Array.prototype.map = () => 'mine'; String.prototype.toUpperCase = () => 'mine';
                 Promise.prototype.then = function () { return this }; JSON.stringify = () => 'mine';
                 Math.max = () => 'mine'; Error.prepareStackTrace = () => 'mine'; Error.stackTraceLimit = 0;
                 Object.defineProperty(RegExp.prototype, 'flags', { get() { return 'mine' } });
                 text.planted = 1; console.log = null; tools.echo = null; tools.planted = 1; ALL_TOOLS.length = 0;
                 Symbol.for('planted').description; delete globalThis.Map; globalThis.text = null;
                 (await import('code-mode')).text.again = 1; (await import('tools.js')).fail.planted = 1;
                 Intl.NumberFormat = null; Object.freeze(globalThis);";
    let look = "text([typeof planted, typeof {}.planted, typeof text.planted, typeof text.again, typeof tools.fail.planted]);
                text([1].map((x) => x + 1)); text('a'.toUpperCase()); text(await Promise.resolve(1).then((x) => x + 1));
                text(JSON.stringify([Math.max(1, 2), /x/g.flags, Object.hasOwn(tools, 'planted'), Object.isFrozen(globalThis)]));
                text(new Error('e').stack); console.log('logged'); text(await tools.echo({}));
                text([ALL_TOOLS.length, new Map().size, import.meta.planted]);";
    for _ in 0..2 {
        let planted = run_in(&session, &tools, plant).await;
        assert_eq!(planted.error_text(), None);
        let looked = run_in(&session, &tools, look).await;
        assert_eq!(looked.error_text(), None);
        assert_eq!(
            text_items(&looked),
            [
                r#"["undefined","undefined","undefined","undefined","undefined"]"#,
                "[2]",
                "A",
                "2",
                r#"[2,"g",false,false]"#,
                "Error: e\n    at exec_main.mjs:4:22",
                "logged",
                "{}",
                "[4,0,null]",
            ]
        );
    }
}

#[tokio::test]
async fn cells_that_run_at_once_share_nothing() {
    let (session, mut probe) = probed();
    let script =
        "globalThis.planted = (globalThis.planted ?? 0) + 1; await tools.call(); text(planted);";
    let cells: Vec<_> = (0..3)
        .map(|_| session.start(request(script)).unwrap())
        .collect();
    let mut replies = Vec::new();
    for _ in 0..3 {
        replies.push(probe.called().await);
    }
    for reply in replies {
        reply.send(Ok(serde_json::json!(null))).unwrap();
    }
    for cell in cells {
        assert_eq!(text_items(&cell.response().await), ["1"]);
    }
}

#[tokio::test]
async fn helpers_are_ordinary_functions() {
    let script = "const helpers = { text, image, audio, forward_output, store, load, load_output, describe_tool, search_tools, notify, yield_control, exit, setTimeout, clearTimeout };
                  for (const [name, helper] of Object.entries({ ...helpers, log: console.log })) {
                      let thrown = ''; try { new helper() } catch (e) { thrown = e.constructor === TypeError }
                      text([name === helper.name, helper.length, typeof helper, helper instanceof Function, 'prototype' in helper, thrown]);
                  }";
    let expected: Vec<_> = [1, 2, 1, 0, 2, 1, 2, 1, 2, 1, 0, 0, 2, 1, 0]
        .map(|length| format!(r#"[true,{length},"function",true,false,true]"#))
        .into();
    assert_eq!(texts(script).await, expected);
}

#[tokio::test]
async fn helpers_work_by_any_way_of_calling() {
    let script = "text.call(null, 1); text.apply(undefined, [2]); Reflect.apply(text, {}, [3]); text.bind(null, 4)();
                  [5].forEach(text); text?.(6); (0, text)(7); const { log } = console; log(8); text(9, 'ignored');";
    assert_eq!(
        texts(script).await,
        ["1", "2", "3", "4", "5", "6", "7", "8", "9"]
    );
}

#[tokio::test]
async fn helpers_may_be_shadowed_assigned_and_deleted() {
    for (script, expected) in [
        (
            "const say = console.log; { const text = (x) => say('mine', x); text(1); }",
            "mine 1",
        ),
        (
            "function text(x) { console.log('hoisted', x) } text(1);",
            "hoisted 1",
        ),
        (
            "let tools = 5, setTimeout = 6; text(tools + setTimeout);",
            "11",
        ),
        (
            "const say = text; text = (x) => say('assigned ' + x); text(1);",
            "assigned 1",
        ),
        (
            "const say = text; globalThis.text = (x) => say('global ' + x); text(1);",
            "global 1",
        ),
        ("const say = text; say(delete globalThis.text); ", "true"),
        (
            "const say = text; console = { log: (x) => say('console ' + x) }; console.log(1);",
            "console 1",
        ),
    ] {
        assert_eq!(texts(script).await, [expected], "{script}");
    }
}

#[tokio::test]
async fn helpers_do_not_show_up_among_the_globals_a_script_enumerates() {
    let script = "globalThis.mine = 1; text(Object.keys(globalThis)); for (const key in globalThis) text(key);";
    assert_eq!(texts(script).await, [r#"["mine"]"#, "mine"]);
}

#[tokio::test]
async fn helpers_return_undefined() {
    let (session, mut probe) = probed();
    let script = "const returned = [text('a'), image('data:,x'), audio('data:,x'), forward_output('b'), store('k', 1),
                                    notify('n'), clearTimeout(1), console.log('c'), load('none'), yield_control()];
                  await tools.call();
                  text(returned.filter((value) => value !== undefined).length);";
    let response = session.execute(request(script)).await.unwrap();
    assert!(matches!(response, RuntimeResponse::Yielded { .. }));
    assert_eq!(response.content_items().len(), 5);
    for _ in 0..2 {
        match probe.next().await {
            Event::Notified { release, .. } => release.send(()).unwrap(),
            Event::Called { reply, .. } => reply.send(Ok(serde_json::json!(null))).unwrap(),
            other => panic!("unexpected: {other:?}"),
        }
    }
    let wait = code_mode::WaitRequest::new(response.cell_id()).yield_time_ms(LONG_MS);
    assert_eq!(text_items(&session.wait(wait).await.unwrap()), ["0"]);
}

#[tokio::test]
async fn notify_says_values_as_text_does() {
    let (session, mut probe) = probed();
    let script = "notify(); notify({ a: [1] }); notify(new Map([[1, 2]])); notify('\\ud800');
                  try { notify({ n: 1n }) } catch (e) { text(String(e)) }";
    let started = session.start(request(script)).unwrap();
    let mut said = Vec::new();
    for _ in 0..4 {
        let Event::Notified { text, release } = probe.next().await else {
            panic!("expected a notification");
        };
        said.push(text);
        release.send(()).unwrap();
    }
    said.sort();
    assert_eq!(
        said,
        ["Map(1) { 1 => 2 }", "undefined", r#"{"a":[1]}"#, "\u{fffd}"]
    );
    assert_eq!(
        text_items(&started.response().await),
        ["TypeError: Do not know how to serialize a BigInt"]
    );
}

#[tokio::test]
async fn items_keep_the_order_of_the_calls() {
    let response = run("text(1); image('data:,2'); console.log(3); audio('data:,4'); forward_output('5', { output: '6' });").await;
    let items = response.content_items();
    let shown: Vec<_> = items.iter().map(super::tables::shown).collect();
    assert_eq!(
        shown,
        ["1", "image high data:,2", "3", "audio data:,4", "5", "6"]
    );
    assert!(matches!(items[0], ContentItem::Text { .. }));
}

#[tokio::test]
async fn the_tools_object_lists_the_enabled_tools_by_their_global_names() {
    let script = "text(Object.keys(tools));
                  text(Object.entries(tools).map(([name, tool]) => [name === tool.name, typeof tool, tool.length]));
                  const seen = []; for (const name in tools) seen.push(name); text(seen);
                  text(['echo' in tools, 'nope' in tools, 'toString' in tools]);
                  text([Object.hasOwn(tools, 'echo'), Object.hasOwn(tools, 'nope'), tools.hasOwnProperty('shout')]);
                  const { echo, ...rest } = tools; text(Object.keys(rest).length); text(await echo({ a: 1 }));";
    assert_eq!(
        texts(script).await,
        [
            r#"["echo","fail","shout","hidden_dynamic_tool"]"#,
            r#"[[true,"function",1],[true,"function",1],[true,"function",1],[true,"function",1]]"#,
            r#"["echo","fail","shout","hidden_dynamic_tool"]"#,
            "[true,false,true]",
            "[true,false,true]",
            "3",
            r#"{"a":1}"#,
        ]
    );
}

#[tokio::test]
async fn a_tools_original_name_gives_the_same_function() {
    let script = "const name = 'hidden-dynamic-tool';
                  text(tools[name] === tools.hidden_dynamic_tool); text(name in tools);
                  text(Object.keys(tools).includes(name)); text(await tools[name]());";
    assert_eq!(texts(script).await, ["true", "true", "false", "found"]);
}

#[tokio::test]
async fn a_namespaced_tool_is_reached_by_its_flat_names() {
    let tools = ToolSet::new([
        ToolDefinition::function("read-file", "").namespace("fs"),
        ToolDefinition::function("read-file", "").namespace("net_"),
    ]);
    let script = "text(Object.keys(tools));
                  text(tools['fs__read-file'] === tools.fs__read_file);
                  text(tools['net_read-file'] === tools.net_read_file);";
    let session = Session::new(crate::support::host());
    assert_eq!(
        text_items(&run_in(&session, &tools, script).await),
        [r#"["fs__read_file","net_read_file"]"#, "true", "true"]
    );
}

#[tokio::test]
async fn a_tool_of_a_namespace_that_is_not_available_rejects_saying_why() {
    let tools = ToolSet::new([ToolDefinition::function("status", "").namespace("svn")])
        .unavailable([
            ("git-1", "the server is being started"),
            ("g", "it is not it"),
        ]);
    let script = "for (const name of ['git_1__status', 'gitt__status'])
                      await tools[name]().catch((error) => text(error));
                  try { describe_tool('git_1__log') } catch (error) { text(error.message) }";
    let session = Session::new(crate::support::host());
    let said = text_items(&run_in(&session, &tools, script).await);
    let first_lines: Vec<&str> = said.iter().flat_map(|text| text.lines().next()).collect();
    assert_eq!(
        first_lines,
        [
            r#"ToolError: there is no tool "git_1__status" now: git-1 is not available: the server is being started"#,
            r#"ToolError: there is no tool "gitt__status"; did you mean svn__status?"#,
            r#"describe_tool: there is no tool "git_1__log" now: git-1 is not available: the server is being started"#,
        ]
    );
}

#[tokio::test]
async fn an_unknown_tool_rejects_naming_the_closest() {
    let script = "for (const name of ['ehco', 'shouts', 'Echo', 'hidden-dynamic-tol', 'zzzzzz', '', 'constructor2', 'inspect'])
                      await tools[name]({}).catch((e) => text(`${e.name} ${e.tool}: ${e.message}`));";
    assert_eq!(
        texts(script).await,
        [
            r#"ToolError ehco: there is no tool "ehco"; did you mean echo?"#,
            r#"ToolError shouts: there is no tool "shouts"; did you mean shout?"#,
            r#"ToolError Echo: there is no tool "Echo"; did you mean echo?"#,
            r#"ToolError hidden-dynamic-tol: there is no tool "hidden-dynamic-tol"; did you mean hidden_dynamic_tool?"#,
            r#"ToolError zzzzzz: there is no tool "zzzzzz"; ALL_TOOLS lists the ones there are"#,
            r#"ToolError : there is no tool ""; ALL_TOOLS lists the ones there are"#,
            r#"ToolError constructor2: there is no tool "constructor2"; ALL_TOOLS lists the ones there are"#,
            r#"ToolError inspect: there is no tool "inspect"; ALL_TOOLS lists the ones there are"#,
        ]
    );
    let error = error("\n  await tools.ehco({});").await;
    assert_eq!(
        error,
        "ToolError: there is no tool \"ehco\"; did you mean echo?\n    at exec_main.mjs:2:15\n\n\
         2 |   await tools.ehco({});\n  |               ^"
    );
}

#[tokio::test]
async fn the_tools_object_may_be_awaited_printed_and_changed() {
    let script = "text(await tools === tools); text(JSON.stringify(tools)); text(String(tools)); text(tools.then);
                  text(typeof tools[Symbol.iterator]);
                  tools.mine = () => 'mine'; text(tools.mine());
                  delete tools.echo; text(['echo' in tools, typeof tools.echo]);";
    assert_eq!(
        texts(script).await,
        [
            "true",
            "{}",
            "[object Object]",
            "undefined",
            "undefined",
            "mine",
            r#"[false,"undefined"]"#,
        ]
    );
}

#[tokio::test]
async fn without_tools_the_object_is_empty_and_says_so() {
    let session = Session::new(crate::support::host());
    let script = "text(Object.keys(tools)); text(ALL_TOOLS);
                  try { await tools.echo({}) } catch (e) { text(e.message) }";
    let response = session.execute(ExecuteRequest::new(script)).await.unwrap();
    assert_eq!(
        text_items(&response),
        [
            "[]",
            "[]",
            r#"there is no tool "echo"; no tools are enabled"#
        ]
    );
}

#[tokio::test]
async fn all_tools_is_an_array_of_names_and_descriptions_sorted_by_name() {
    let script = "text(Array.isArray(ALL_TOOLS));
                  text(ALL_TOOLS.map(({ name, description }) => [name, description]));
                  text(ALL_TOOLS.find((tool) => tool.name === 'echo'));
                  text(ALL_TOOLS.every((tool) => typeof tools[tool.name] === 'function'));
                  ALL_TOOLS.push(1); text(ALL_TOOLS.length);";
    assert_eq!(
        texts(script).await,
        [
            "true",
            r#"[["echo","Gives back its input."],["fail","Fails."],["hidden_dynamic_tool","Is found."],["shout","Says it louder."]]"#,
            r#"{"name":"echo","description":"Gives back its input."}"#,
            "true",
            "5",
        ]
    );
}

#[tokio::test]
async fn the_global_object_and_the_tools_object_are_shown_as_something() {
    let seen = texts("text(globalThis); text(tools); text(tools.constructor === Object)").await;
    assert_eq!(seen[0], "[object globalThis]");
    assert!(
        seen[1].starts_with("{\n  echo: [Function: echo],\n"),
        "{}",
        seen[1]
    );
    assert_eq!(seen[2], "true");
}
