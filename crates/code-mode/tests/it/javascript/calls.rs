//! Nested calls, as the script sees them.

use std::collections::HashMap;

use code_mode::{FunctionHost, Session, ToolCall, ToolDefinition, ToolError, ToolOutput};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::probe::{Event, Probe, probed, request};
use crate::support::{error, run_in, text_items, texts};

/// Runs a script of nested calls; what the host was given, each answered with `null`.
async fn inputs(script: &str, calls: usize) -> Vec<Value> {
    let (session, mut probe) = probed();
    let started = session.start(request(script)).unwrap();
    let mut inputs = Vec::new();
    for _ in 0..calls {
        let Event::Called { input, reply, .. } = probe.next().await else {
            panic!("expected a call");
        };
        inputs.push(input);
        reply.send(Ok(json!(null))).unwrap();
    }
    let response = started.response().await;
    assert_eq!(response.error_text(), None, "{script}");
    inputs
}

#[tokio::test]
async fn the_argument_is_the_first_as_json() {
    let script = "await tools.call(); await tools.call(undefined); await tools.call({});
                  await tools.call({ a: 1 }, { b: 2 }, 'ignored');
                  await tools.call({ gone: undefined, f() {}, [Symbol('s')]: 1, kept: null, list: [undefined, () => 1] });
                  await tools.call({ nan: NaN, inf: -Infinity, zero: -0, big: 1e300, half: 0.5 });
                  await tools.call({ toJSON() { return { z: this.y } }, y: 1 });
                  await tools.call({ date: new Date(0), map: new Map([[1, 2]]), boxed: Object('s') });
                  await tools.call({ text: 'é😀\\n\\u0000', lone: '\\ud800', '\\udc00': 1, 'é': 2 });
                  await tools.call(Object.create({ inherited: 1 }, { own: { value: 1, enumerable: true }, hidden: { value: 1 } }));
                  await tools.call(new (class { x = 1; #y = 2; get z() { return 3 } })());
                  await tools.call(new Proxy({ p: 1 }, {}));
                  await tools.call(JSON.parse('{\"__proto__\": 1, \"constructor\": 2}'));";
    assert_eq!(
        inputs(script, 13).await,
        [
            json!({}),
            json!({}),
            json!({}),
            json!({ "a": 1 }),
            json!({ "kept": null, "list": [null, null] }),
            json!({ "nan": null, "inf": null, "zero": 0, "big": 1e300, "half": 0.5 }),
            json!({ "z": 1 }),
            json!({ "date": "1970-01-01T00:00:00.000Z", "map": {}, "boxed": "s" }),
            json!({ "text": "é😀\n\0", "lone": "\u{fffd}", "\u{fffd}": 1, "é": 2 }),
            json!({ "own": 1 }),
            json!({ "x": 1 }),
            json!({ "p": 1 }),
            json!({ "__proto__": 1, "constructor": 2 }),
        ]
    );
}

#[tokio::test]
async fn the_argument_is_read_when_the_call_is_made() {
    let script = "const input = { n: 1 }; const call = tools.call(input); input.n = 2; await call;";
    assert_eq!(inputs(script, 1).await, [json!({ "n": 1 })]);
}

#[tokio::test]
async fn an_argument_json_cannot_carry_rejects_with_a_type_error_that_says_why() {
    let script = "const circle = {}; circle.self = circle;
                  const bad = [{ n: 1n }, circle, { get x() { throw new RangeError('mine') } }, { toJSON() { throw 'plain' } }];
                  for (const argument of bad) {
                      const promise = tools.echo(argument);
                      await promise.then(() => text('wrong'), (e) => text(`${e.constructor === TypeError} ${e.message}`));
                  }
                  await tools.echo(bad[2]).catch((e) => text(String(e.cause)));";
    assert_eq!(
        texts(script).await,
        [
            "true echo: JSON cannot carry the argument: TypeError: Do not know how to serialize a BigInt",
            "true echo: JSON cannot carry the argument: TypeError: Converting circular structure to JSON\n    \
             --> starting at object with constructor 'Object'\n    --- property 'self' closes the circle",
            "true echo: JSON cannot carry the argument: RangeError: mine",
            "true echo: JSON cannot carry the argument: plain",
            "RangeError: mine",
        ]
    );
}

#[tokio::test]
async fn a_function_tool_takes_an_object_and_nothing_else() {
    let script = "const bad = [[1], [], 5, 'text', '{\"a\":1}', null, true, NaN, () => 1, Symbol('s'), new Date(0), { toJSON() { return [1] } }, { toJSON() {} }];
                  for (const argument of bad)
                      await tools.echo(argument).then(() => text('wrong'), (e) => text(e.constructor === TypeError && e.message.split(';')[0]));
                  await tools.hidden_dynamic_tool([]).catch((e) => text(e.message));
                  await tools.echo(1n).catch((e) => text(e.constructor === TypeError && e.message.startsWith('echo: ')));";
    let mut expected = vec!["echo takes an object"; 13];
    expected.push(
        "hidden_dynamic_tool (original name \"hidden-dynamic-tool\") takes an object; it was given an array",
    );
    expected.push("true");
    assert_eq!(texts(script).await, expected);

    let error = error("\nawait tools.echo([1]);").await;
    assert_eq!(
        error,
        "TypeError: echo takes an object; it was given an array\n    at exec_main.mjs:2:13\n\n\
         2 | await tools.echo([1]);\n  |             ^"
    );
}

#[tokio::test]
async fn a_freeform_tool_takes_a_string_and_nothing_else() {
    let script = "for (const good of ['loud', '', 'é\\n😀', '{\"a\":1}', '\\ud800']) text(await tools.shout(good, {}));
                  for (const bad of [undefined, null, 5, {}, [], ['a'], Object('s'), 1n, () => 1, { toString() { return 's' } }])
                      await tools.shout(bad).then(() => text('wrong'), (e) => text(e.constructor === TypeError && e.message.split(';')[0]));
                  await tools.shout().catch((e) => text(e.message));";
    let mut expected = vec!["LOUD", "", "É\n😀", "{\"A\":1}", "\u{fffd}"];
    expected.extend(["shout takes a string"; 10]);
    expected.push("shout takes a string; it was given nothing");
    assert_eq!(texts(script).await, expected);
}

#[tokio::test]
async fn a_refused_argument_never_reaches_the_host() {
    let script = "await Promise.allSettled([tools.call([]), tools.call({ n: 1n }), tools.call(null), tools.nope({})]); await tools.call({ ok: 1 });";
    assert_eq!(inputs(script, 1).await, [json!({ "ok": 1 })]);
}

/// Runs a script whose tool `get` answers with this JSON.
async fn given(json: &str, script: &str) -> Vec<String> {
    let answer = serde_json::value::RawValue::from_string(json.to_owned()).unwrap();
    let host = FunctionHost::new().function(ToolDefinition::function("get", ""), move |_| {
        let answer = answer.clone();
        async move { Ok(ToolOutput::from(answer)) }
    });
    let tools = host.tools();
    let response = run_in(&Session::new(host), &tools, script).await;
    assert_eq!(response.error_text(), None, "{script}");
    text_items(&response)
}

#[tokio::test]
async fn results_are_the_hosts_json_values() {
    for json in [
        "null",
        "true",
        "false",
        "0",
        "-1.5",
        "1e+300",
        "\"\"",
        "\"é😀\\n\\\"\"",
        "[]",
        "{}",
        r#"[1,[2,[3,{"a":[null]}]]]"#,
        r#"{"b":1,"a":{"c":"d"},"":0}"#,
        r#"{"__proto__":{"x":1},"constructor":1,"toJSON":2}"#,
    ] {
        let script = "text(JSON.stringify(await tools.get()))";
        assert_eq!(given(json, script).await, [json]);
    }
}

#[tokio::test]
async fn results_are_ordinary_values() {
    let script = "const a = await tools.get(), b = await tools.get();
                  text(a !== b && Array.isArray(a.list) && Object.getPrototypeOf(a) === Object.prototype);
                  a.list.push(3); a.more = 1; text(a.list.length); text(b.list.length); text({}.polluted);
                  text(typeof a.then);";
    let json = r#"{"list":[1,2],"__proto__":{"polluted":1},"then":"not called"}"#;
    // `__proto__` is a plain member here, as with JSON.parse.
    assert_eq!(
        given(json, script).await,
        ["true", "3", "2", "undefined", "string"]
    );
}

#[tokio::test]
async fn numbers_and_text_are_what_json_parse_makes_of_them() {
    let script = "text(await tools.get().then((x) => x.map(String)))";
    assert_eq!(
        given(
            r#"[9007199254740993, -0, 1e400, 0.1, "\ud83d\ude00"]"#,
            script
        )
        .await,
        [r#"["9007199254740992","0","Infinity","0.1","😀"]"#]
    );
}

#[tokio::test]
async fn a_deep_result_arrives_whole() {
    const DEPTH: usize = 20_000;
    let json = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let script =
        "let at = await tools.get(), depth = 0; while (at) { at = at[0]; depth++; } text(depth);";
    assert_eq!(given(&json, script).await, [DEPTH.to_string()]);
}

#[tokio::test]
async fn a_big_result_arrives_whole() {
    let rows: Vec<Value> = (0..20_000)
        .map(|n| json!({ "id": n, "name": format!("row {n} é") }))
        .collect();
    let script = "const rows = await tools.get(); text(rows.length); text(rows.at(-1)); text(rows.every((row, n) => row.id === n));";
    assert_eq!(
        given(&Value::from(rows).to_string(), script).await,
        ["20000", r#"{"id":19999,"name":"row 19999 é"}"#, "true"]
    );
}

#[tokio::test]
async fn many_calls_at_once_settle_each_by_itself() {
    let script = "const settled = await Promise.allSettled(Array.from({ length: 1000 }, (_, n) =>
                      n % 3 === 0 ? tools.fail({ message: `no ${n}` }) : tools.echo({ n })));
                  text(settled.every((one, n) => n % 3 === 0 ? one.reason.message === `no ${n}` : one.value.n === n));";
    assert_eq!(texts(script).await, ["true"]);
}

#[tokio::test]
async fn each_call_settles_when_the_host_answers_it() {
    let (session, mut probe) = probed();
    let script = "const ask = async (name) => {
                      try { text(name + await tools.call({ name })) } catch (e) { text(name + e.message) }
                      await tools.call({ name: 'settled ' + name });
                  };
                  await Promise.all(['a', 'b', 'c'].map(ask));";
    let started = session.start(request(script)).unwrap();
    let mut calls = HashMap::new();
    for _ in 0..3 {
        let (name, reply) = named_call(&mut probe).await;
        calls.insert(name, reply);
    }
    let answers = [
        ("b", Ok(json!(1))),
        ("c", Err("!".to_owned())),
        ("a", Ok(json!(2))),
    ];
    for (name, answer) in answers {
        calls.remove(name).unwrap().send(answer).unwrap();
        let (next, reply) = named_call(&mut probe).await;
        assert_eq!(next, format!("settled {name}"));
        reply.send(Ok(json!(null))).unwrap();
    }
    assert_eq!(text_items(&started.response().await), ["b1", "c!", "a2"]);
}

/// The next event, which must be a call; its `name`, and what answers it.
async fn named_call(probe: &mut Probe) -> (String, oneshot::Sender<Result<Value, String>>) {
    match probe.next().await {
        Event::Called { input, reply, .. } => (input["name"].as_str().unwrap().to_owned(), reply),
        other => panic!("expected a call, heard {other:?}"),
    }
}

#[tokio::test]
async fn a_call_returns_a_promise_at_once_and_never_throws() {
    let script = "for (const argument of [{}, 5, { n: 1n }]) { const call = tools.echo(argument); text(call instanceof Promise); call.catch(() => {}); }
                  const unknown = tools.nope(); text(unknown instanceof Promise); unknown.catch(() => {});
                  try { new tools.echo({}) } catch (e) { text(e.name) }";
    assert_eq!(
        texts(script).await,
        ["true", "true", "true", "true", "TypeError"]
    );
}

#[tokio::test]
async fn calls_are_made_in_the_order_of_the_script() {
    let host = FunctionHost::new().function(
        ToolDefinition::function("number", "Gives the number of the call."),
        |call| async move { Ok(ToolOutput::from(json!(call.call_id))) },
    );
    let tools = host.tools();
    let script = "text(await Promise.all([tools.number(), tools.number(), tools.number()]));
                  text(await tools.number()); await tools.number([]).catch(() => {}); text(await tools.number());";
    let response = run_in(&Session::new(host), &tools, script).await;
    assert_eq!(text_items(&response), ["[1,2,3]", "4", "5"]);
}

#[tokio::test]
async fn calls_work_from_timers_and_reactions() {
    let script = "await new Promise((resolve) => setTimeout(async () => { text(await tools.echo({ from: 'timer' })); resolve(); }));
                  await Promise.resolve().then(() => tools.echo({ from: 'reaction' })).then(text);
                  await tools.echo({ n: 1 }).then(({ n }) => tools.echo({ n: n + 1 })).then(({ n }) => text(n));
                  const all = []; for (let n = 0; n < 50; n++) all.push((await tools.echo({ n })).n); text(all.length);
                  async function* pages() { for (let n = 0; n < 3; n++) yield await tools.echo({ n }); }
                  for await (const { n } of pages()) text(n);";
    assert_eq!(
        texts(script).await,
        [
            r#"{"from":"timer"}"#,
            r#"{"from":"reaction"}"#,
            "2",
            "50",
            "0",
            "1",
            "2"
        ]
    );
}

#[tokio::test]
async fn a_failing_call_nobody_awaits_fails_nothing() {
    let script = "tools.fail({ message: 'unheard' }); tools.nope(); tools.echo(5); tools.shout();
                  await tools.echo({}); await new Promise((resolve) => setTimeout(resolve)); text('fine');";
    assert_eq!(texts(script).await, ["fine"]);
}

#[tokio::test]
async fn a_caught_failure_can_be_handled_late() {
    let script = "const call = tools.fail({ message: 'late' });
                  await tools.echo({}); await new Promise((resolve) => setTimeout(resolve));
                  try { await call } catch (e) { text(e.message) }";
    assert_eq!(texts(script).await, ["late"]);
}

#[tokio::test]
async fn messages_of_the_host_arrive_as_they_are() {
    let host = FunctionHost::new()
        .function(ToolDefinition::freeform("fail", ""), |call| async move {
            Err(ToolError::new(call.input.parse::<String>()?))
        });
    let tools = host.tools();
    let script = "for (const message of ['', 'one\\ntwo', 'é😀 \\u0000', '    at exec_main.mjs:1:1', 'x'.repeat(1e5)])
                      await tools.fail(message).catch((e) => text(e.message === message));";
    let response = run_in(&Session::new(host), &tools, script).await;
    assert_eq!(text_items(&response), ["true"; 5]);
}

#[tokio::test]
async fn a_result_is_the_value_of_its_json_whatever_is_in_it() {
    let long = "line \"of\" text\\, \t/ ".repeat(5_000);
    let texts = [
        String::new(),
        "plain".to_owned(),
        "\"".to_owned(),
        "\\".to_owned(),
        "\0\u{8}\u{c}\n\r\t\u{2028}\u{ffff}".to_owned(),
        "é".repeat(5_000),
        "日本語😀".repeat(5_000),
        format!("{long}é"),
        format!("{long}😀"),
        long,
    ];
    let json = texts.iter().map(|text| json!(text).to_string());
    let written = [
        r#""\u00e9\u20ac\/\"\\\u0041\u0000""#,
        r#""\ud83d\ude00 \uD83D\uDE00""#,
        r#""\ud800""#,
        r#""a\udfff\n""#,
        r#""\\ud800 \\\ud800""#,
        r#"["a\n", "\ud800", {"b": "\u0041"}]"#,
        r#" "spaces" "#,
        "1e3",
        "null",
        r#"{"__proto__":1,"a":"\\"}"#,
    ];
    let all: Vec<String> = json.chain(written.map(str::to_owned)).collect();
    let value = all.clone();
    let host = FunctionHost::new()
        .function(ToolDefinition::freeform("value", ""), move |call| {
            let json = RawValue::from_string(nth(&value, &call)).unwrap();
            async move { Ok(ToolOutput::from(json)) }
        })
        .function(ToolDefinition::freeform("source", ""), move |call| {
            let json = nth(&all, &call);
            async move { Ok(ToolOutput::text(json)) }
        });
    let tools = host.tools();
    let script = "for (const number of Array(20).keys()) {
                      const [value, source] = [await tools.value(`${number}`), await tools.source(`${number}`)];
                      const expected = JSON.parse(source);
                      if (JSON.stringify(value) !== JSON.stringify(expected)) text(`${number}: ${source}`);
                      if (typeof value === 'string' && value !== expected) text(`${number}: ${source}`);
                  }
                  text(await tools.value('9'));";
    let response = run_in(&Session::new(host), &tools, script).await;
    assert_eq!(response.error_text(), None);
    assert_eq!(text_items(&response), [texts[9].as_str()]);
}

/// Of `all`, the one whose number the call was given.
fn nth(all: &[String], call: &ToolCall) -> String {
    let number: String = call.input.parse().unwrap();
    all[number.parse::<usize>().unwrap()].clone()
}
