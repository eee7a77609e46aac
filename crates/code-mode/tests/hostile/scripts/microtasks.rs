//! Promises and microtasks that go on for ever, so that the event loop is never reached.

use crate::row::Ending::{Error, Memory, Time};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "microtasks",
    rows: ROWS,
};

const ROWS: &[Row] = &[
    row("await_null", "for (;;) await null", &[Time]),
    row(
        "reactions",
        "await new Promise(() => { (function f() { Promise.resolve().then(f) })() })",
        &[Time],
    ),
    row(
        "of_built_ins_alone",
        "let resolve; const p = new Promise((r) => { resolve = r; });
         const g = p.then.bind(p); resolve(g); p.then(g); await new Promise(() => {})",
        &[Time, Memory],
    ),
    row(
        "queued_without_end",
        "for (;;) queueMicrotask(() => {})",
        &[Memory],
    ),
    row(
        "thenable_of_itself",
        "const t = { then(f) { f(t) } }; await t",
        &[Time],
    ),
    row("then_getter", "await { get then() { for (;;); } }", &[Time]),
    row(
        "then_of_every_object",
        "Object.prototype.then = function () { for (;;); }; await tools.echo({})",
        &[Time],
    ),
    row(
        "then_getter_of_every_object",
        "Object.defineProperty(Object.prototype, 'then', { get() { for (;;); } }); (async () => ({}))()",
        &[Time],
    ),
    row(
        "then_of_every_promise",
        "Promise.prototype.then = function () { for (;;); }; await tools.echo({}); Promise.resolve().then()",
        &[Time],
    ),
    row(
        "constructor_of_every_promise",
        "Object.defineProperty(Promise.prototype, 'constructor', { get() { for (;;); } }); await tools.echo({})",
        &[Time],
    ),
    row(
        "all_of_an_endless_iterable",
        "await Promise.all((function* () { for (;;) yield 1 })())",
        &[Memory, Time],
    ),
    row(
        "chain_kept",
        "let p = Promise.resolve(); for (;;) p = p.then(() => 1)",
        &[Memory],
    ),
    row(
        "rejections_nobody_handles",
        "for (;;) Promise.reject(new Error('x'))",
        &[Memory, Time],
    ),
    row(
        "async_recursion",
        "async function f() { await f() } await f()",
        &[Error("Maximum call stack size exceeded")],
    ),
    row(
        "async_recursion_by_turns",
        "async function f() { await null; await f() } await f()",
        &[Memory, Time],
    ),
    row(
        "unhandled_rejection_with_a_getter",
        "Promise.reject({ get message() { for (;;); }, get stack() { for (;;); } }); await new Promise(() => {})",
        &[Error("nothing will settle")],
    ),
];
