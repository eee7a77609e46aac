//! `tools` and `ALL_TOOLS` are made as they are looked at, and no script can tell.

use code_mode::{FunctionHost, Session, ToolDefinition, ToolOutput, ToolSet};

use crate::support::{run_in, session, text_items, texts};

/// Does random things to an object and logs what comes of each. `PICKS` is the seed.
///
/// One thing is not among them: `for … in` over what inherits from the object. V8 ends it at a proxy,
/// and leaves out what the prototype of `tools` has, if a script gave it one.
const RANDOM_OPERATIONS: &str = r"
    function log(object, seed) {
        const said = [];
        const pick = (list) => {
            seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
            return list[(seed >>> 8) % list.length];
        };
        const name = () => pick(['echo', 'fail', 'shout', 'hidden_dynamic_tool', 'mine', 'other']);
        const show = (value) => typeof value === 'function' ? `f ${value.name} ${value.length}` : String(value);
        const read = (from, key) => key in from ? show(from[key]) : 'none';
        const entries = (from) => Object.entries(from).map(([key, value]) => key + '=' + show(value)).join();
        const described = (key) => {
            const it = Object.getOwnPropertyDescriptor(object, key);
            return it && [...Object.keys(it), show(it.value), it.writable, it.enumerable, it.configurable].join();
        };
        const child = Object.create(object);
        const operations = {
            get: () => read(object, name()),
            same: () => { const key = name(); return key in object && object[key] === object[key] },
            has: () => name() in object,
            hasOwn: () => Object.hasOwn(object, name()),
            isEnumerable: () => Object.prototype.propertyIsEnumerable.call(object, name()),
            describe: () => described(name()),
            describeAll: () => Object.entries(Object.getOwnPropertyDescriptors(object)).map(([key, it]) => key + show(it.value)).join(),
            keys: () => Object.keys(object).join(),
            names: () => Object.getOwnPropertyNames(object).join(),
            ownKeys: () => Reflect.ownKeys(object).map(String).join(),
            entries: () => entries(object),
            forIn: () => { const keys = []; for (const key in object) keys.push(key); return keys.join() },
            spread: () => entries({ ...object }),
            rest: () => { const { echo, ...rest } = object; return entries(rest) },
            assignFrom: () => entries(Object.assign({}, object)),
            json: () => JSON.stringify(object) + JSON.stringify(object, (key, value) => typeof value === 'function' ? value.name : value),
            set: () => { object[name()] = pick([1, 'two', null]) },
            setOne: () => { object.fail = 'set' },
            reflectSet: () => Reflect.set(object, name(), 3),
            assignTo: () => { Object.assign(object, { [name()]: 4, [name()]: 5 }) },
            delete: () => delete object[name()],
            deleteOne: () => Reflect.deleteProperty(object, 'echo'),
            define: () => { Object.defineProperty(object, name(), pick([
                { value: 6 }, { writable: false }, { enumerable: false }, { configurable: false }, { get() { return 'got' } },
                { value: 7, writable: true, enumerable: true, configurable: true }, {},
            ])) },
            defineRefused: () => Reflect.defineProperty(object, name(), { value: 8, configurable: false }),
            symbol: () => { object[Symbol.for('s')] = 9; return object[Symbol.for('s')] },
            childGet: () => read(child, name()),
            childSet: () => { const key = name(); child[key] = 10; return Object.hasOwn(child, key) + entries(child) },
            childHasOwn: () => Object.hasOwn(child, name()),
            extensible: () => [Object.isExtensible(object), Object.isSealed(object), Object.isFrozen(object)].join(),
            toString: () => String(object) + Object.prototype.toString.call(object) + (object instanceof Object),
        };
        const rare = {
            preventExtensions: () => { Object.preventExtensions(object) },
            seal: () => { Object.seal(object) },
            freeze: () => { Object.freeze(object) },
            withoutPrototype: () => { Object.setPrototypeOf(object, null) },
            otherPrototype: () => { Object.setPrototypeOf(object, { other: 'inherited' }) },
        };
        for (let step = 0; step < 24; step++) {
            const from = pick([1, 2, 3, 4, 5, 6, 7, 8]) === 1 ? rare : operations;
            const operation = pick(Object.keys(from));
            let came;
            try { came = from[operation]() } catch (error) { came = error.name }
            said.push(`${operation}: ${came}`);
        }
        return said.join('\n');
    }
    const { echo, fail, shout, hidden_dynamic_tool } = await import('tools.js');
    text(log({ echo, fail, shout, hidden_dynamic_tool }, PICKS));
    text(log(tools, PICKS));
";

#[tokio::test]
async fn whatever_is_done_to_it_the_object_is_as_any_other() {
    let (session, tools) = session();
    for seed in 0..200 {
        let script = RANDOM_OPERATIONS.replace("PICKS", &(seed * 7919 + 1).to_string());
        let response = run_in(&session, &tools, &script).await;
        assert_eq!(response.error_text(), None);
        let said = text_items(&response);
        assert_eq!(said[0].lines().count(), 24);
        for (step, (ordinary, tools)) in said[0].lines().zip(said[1].lines()).enumerate() {
            assert_eq!(tools, ordinary, "step {step} of seed {seed}:\n{}", said[0]);
        }
    }
}

#[tokio::test]
async fn touching_changes_no_order() {
    for touch in [
        "tools.shout",
        "'shout' in tools",
        "Object.hasOwn(tools, 'shout')",
        "tools.shout; tools['hidden-dynamic-tool']; tools.fail",
        "(await import('tools.js')).shout",
        "tools.shout = tools.shout",
        "tools.mine = 1; delete tools.mine",
    ] {
        let script =
            format!("{touch}; text(Object.keys(tools)); text(Object.keys({{ ...tools }}))");
        let expected = r#"["echo","fail","shout","hidden_dynamic_tool"]"#;
        assert_eq!(texts(&script).await, [expected; 2], "{touch}");
    }
}

#[tokio::test]
async fn a_tool_is_the_same_function_wherever_it_comes_from_first() {
    let ways = [
        "tools.hidden_dynamic_tool",
        "tools['hidden-dynamic-tool']",
        "Object.getOwnPropertyDescriptor(tools, 'hidden_dynamic_tool').value",
        "Object.values(tools)[3]",
        "(await import('tools.js')).hidden_dynamic_tool",
        "(await import('code-mode')).tools.hidden_dynamic_tool",
        "Object.create(tools).hidden_dynamic_tool",
        "imported",
    ];
    for first in ways {
        let script = format!(
            "import {{ hidden_dynamic_tool as imported }} from 'tools.js';
             const first = {first}; text([{}].map((it) => it === first)); text(await first())",
            ways.join(", ")
        );
        let expected = format!("[{}]", ["true"; 8].join(","));
        assert_eq!(texts(&script).await, [&expected, "found"], "{first}");
    }
}

#[tokio::test]
async fn both_names_are_hidden_writable_and_configurable_before_and_after_their_first_touch() {
    for touch in ["", "tools; ALL_TOOLS; "] {
        let script = format!(
            "{touch}for (const name of ['tools', 'ALL_TOOLS']) {{
                 const {{ value, ...is }} = Object.getOwnPropertyDescriptor(globalThis, name);
                 text([typeof value, value === globalThis[name], is]);
             }}"
        );
        let expected =
            r#"["object",true,{"writable":true,"enumerable":false,"configurable":true}]"#;
        assert_eq!(texts(&script).await, [expected; 2], "{touch}");
    }
    for script in [
        "tools = 1; ALL_TOOLS = 2; text([tools, ALL_TOOLS])",
        "delete globalThis.tools; delete globalThis.ALL_TOOLS; text([typeof tools === 'undefined' && 1, 'ALL_TOOLS' in globalThis || 2])",
        "const all = await import('code-mode'); tools = 1; ALL_TOOLS = 2; text([all.tools.echo.length, all.ALL_TOOLS.length - 2])",
    ] {
        assert_eq!(texts(script).await, ["[1,2]"], "{script}");
    }
}

#[tokio::test]
async fn what_a_script_plants_on_every_object_does_not_get_before_a_tool() {
    let script = "Object.prototype.echo = 'planted'; Object.prototype.ownKeys = () => ['planted'];
                  Object.prototype.get = Object.prototype.getOwnPropertyDescriptor = () => { throw 'planted' };
                  Object.defineProperty(Object.prototype, 'fail', { set() { throw 'planted' }, get() { throw 'planted' } });
                  text([typeof tools.echo, typeof tools.fail, Object.hasOwn(tools, 'shout')]);
                  tools.fail = 1; text(tools.fail); text(Object.keys(tools)); text(await tools.echo({ a: 1 }));
                  delete tools.echo; text(tools.echo);";
    assert_eq!(
        texts(script).await,
        [
            r#"["function","function",true]"#,
            "1",
            r#"["echo","fail","shout","hidden_dynamic_tool"]"#,
            r#"{"a":1}"#,
            "planted",
        ]
    );
}

#[tokio::test]
async fn what_every_object_inherits_is_no_missing_tool() {
    let script = "text([tools.toString(), tools.hasOwnProperty('echo'), tools.constructor === Object, tools.valueOf() === tools]);
                  text([typeof tools.__proto__, typeof tools.__defineGetter__, tools.then, tools.toJSON].map(String));
                  tools.__proto__ = { mine: 'inherited' }; text([tools.mine, tools.nope, typeof tools.echo].map(String));";
    assert_eq!(
        texts(script).await,
        [
            r#"["[object Object]",true,true,true]"#,
            r#"["object","function","undefined","undefined"]"#,
            r#"["inherited","undefined","function"]"#,
        ]
    );
}

#[tokio::test]
async fn the_object_is_shown_whole_however_little_of_it_was_touched() {
    let whole = "{\n  echo: [Function: echo],\n  fail: [Function: fail],\n  shout: [Function: shout],\n  \
                 hidden_dynamic_tool: [Function: hidden_dynamic_tool]\n}";
    for script in [
        "text(tools)",
        "console.log(tools)",
        "tools.shout; text(tools)",
        "tools.shout; console.log(tools)",
        "Object.hasOwn(tools, 'fail'); text(new Proxy(tools, {}))",
    ] {
        assert_eq!(texts(script).await, [whole], "{script}");
    }
}

#[tokio::test]
async fn raw_is_the_same_hidden_function_before_and_after_its_first_touch() {
    let host = FunctionHost::new().function(
        ToolDefinition::function("log", "").raw_results(),
        |call| async move { Ok(ToolOutput::text(if call.raw { "raw" } else { "plain" })) },
    );
    let tools = host.tools();
    let session = Session::new(host);
    for touch in ["", "tools.log.raw; "] {
        let script = format!(
            "{touch}const {{ value, ...is }} = Object.getOwnPropertyDescriptor(tools.log, 'raw');
             text([value === tools.log.raw, is]); text(await tools.log.raw()); text(await tools.log());
             delete tools.log.raw; text('raw' in tools.log)"
        );
        let expected = [
            r#"[true,{"writable":true,"enumerable":false,"configurable":true}]"#,
            "raw",
            "plain",
            "false",
        ];
        assert_eq!(
            text_items(&run_in(&session, &tools, &script).await),
            expected,
            "{touch}"
        );
    }
}

/// A thousand tools whose names begin with `tool_`.
fn thousand() -> ToolSet {
    ToolSet::new((0..1000).map(|number| ToolDefinition::function(format!("tool_{number}"), "One.")))
}

#[tokio::test]
async fn of_a_thousand_tools_a_script_sees_all_in_order_whatever_it_touched_first() {
    let script = "import { tool_7, ALL_TOOLS as all, tools as object } from 'tools.js';
                  tools.tool_999; Object.hasOwn(tools, 'tool_500'); delete tools.tool_3;
                  const names = Array.from({ length: 1000 }, (_, number) => `tool_${number}`).filter((name) => name !== 'tool_3');
                  text(Object.keys(tools).join() === names.join()); text(object === tools && tools.tool_7 === tool_7);
                  text(all === ALL_TOOLS && all.length); const whole = await import('tools.js');
                  text(Object.keys(whole).length); text(names.every((name) => whole[name] === tools[name] && tools[name].name === name));
                  text(Object.keys(whole.tools).length);";
    let session = Session::new(crate::support::host());
    assert_eq!(
        text_items(&run_in(&session, &thousand(), script).await),
        ["true", "true", "1000", "1002", "true", "999"]
    );
}

#[tokio::test]
async fn making_it_deep_in_the_stack_fails_that_touch_alone() {
    let script = "let deepest;
                  function down(look) { try { down(look) } catch (error) { try { deepest = look() } catch {} throw error } }
                  for (const look of [() => tools, () => ALL_TOOLS, () => tools.tool_1, () => Object.hasOwn(tools, 'tool_2'), () => Object.keys(tools)])
                      try { down(look) } catch (error) { text(error.name) }
                  text([Object.keys(tools).length, ALL_TOOLS.length, typeof tools.tool_1]);";
    let session = Session::new(crate::support::host());
    assert_eq!(
        text_items(&run_in(&session, &thousand(), script).await),
        [
            "RangeError",
            "RangeError",
            "RangeError",
            "RangeError",
            "RangeError",
            r#"[1000,1000,"function"]"#
        ]
    );
}

#[tokio::test]
async fn imports_that_are_hard_to_read_give_their_tools_too() {
    for import in [
        "import { \\u0065cho as it } from 'tools.js'",
        "import { \"echo\" as it } from 'tools.js'",
        "import { \"\\x65cho\" as it } from 'tools.js'",
        "import /* { */ {\n // from\n fail, echo as it, } from \"tools.js\"",
        "import * as all from 'tools.js'; const it = all.echo",
        "const { echo: it } = await import('tools.js')",
        "import { fail } from 'tools.js'; const { echo: it } = await import('tools.js')",
        "import { fail } from 'tools.js'; const { echo: it } = await eval(\"import('tools' + '.js')\")",
        "import { fail } from 'tools.js'; export { echo } from 'tools.js'; const it = tools.echo",
        "import { echo as it }\nfrom 'tools.js'\n",
        "import type { A } from './types'; import { type B, echo as it } from 'tools.js'; const n: number = 1",
        "if (1) { } /* import */ import{echo as it}from'tools.js'",
    ] {
        let script = format!("{import}\n; text(await it({{ a: 1 }})); text(it === tools.echo)");
        assert_eq!(texts(&script).await, [r#"{"a":1}"#, "true"], "{import}");
    }
}

#[tokio::test]
async fn the_namespace_of_a_module_is_whole_whatever_was_imported_by_name() {
    let script = "import { text as say } from 'code-mode'; import { echo } from 'tools.js'; import 'tools.js';
                  const helpers = await import('code-mode'), named = await import('tools.js');
                  say(Object.keys(named)); say(named.echo === echo); say(helpers.text === say);
                  say(Object.keys(helpers).length); say(helpers.ALL_TOOLS === ALL_TOOLS); say(named.ALL_TOOLS.length);
                  say(helpers === await import('@openai/code_mode'));";
    assert_eq!(
        texts(script).await,
        [
            r#"["ALL_TOOLS","echo","fail","hidden_dynamic_tool","shout","tools"]"#,
            "true",
            "true",
            "17",
            "true",
            "4",
            "true",
        ]
    );
}
