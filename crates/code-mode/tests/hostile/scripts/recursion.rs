//! Recursion of every kind but the plain ones, which `tests/it/limits.rs` has.

use crate::row::Ending::{Error, Memory, Time, Value, Wedged};
use crate::row::{Group, Row, made, row};

pub const GROUP: Group = Group {
    name: "recursion",
    rows: ROWS,
};

const DEEP: crate::row::Ending = Error("Maximum call stack size exceeded");

const ROWS: &[Row] = &[
    row(
        "bound_functions",
        "let f = () => 1; for (let i = 0; i < 1e6; i++) f = f.bind(); f()",
        &[DEEP, Value],
    ),
    row(
        "proxies",
        "let p = {}; for (let i = 0; i < 1e6; i++) p = new Proxy(p, {}); p.x",
        &[DEEP],
    ),
    row(
        "proxies_shown",
        "let p = {}; for (let i = 0; i < 1e6; i++) p = new Proxy(p, {}); text(p)",
        &[DEEP],
    ),
    row(
        "prototypes",
        "let o = {}; for (let i = 0; i < 5e5; i++) o = Object.create(o); o.x; text(o instanceof Map)",
        &[Value, Memory, Time, Wedged],
    ),
    row(
        "prototype_of_itself_by_proxy",
        "const p = new Proxy({}, { getPrototypeOf: () => p }); p instanceof Map",
        &[DEEP, Time],
    ),
    row(
        "proxy_as_its_own_prototype",
        "const o = {}; Object.setPrototypeOf(o, new Proxy(o, {})); o.x",
        &[DEEP],
    ),
    row(
        "delegated_generators",
        "function* g() { yield* g() } [...g()]",
        &[DEEP],
    ),
    row(
        "generators_in_generators",
        "let g = [][Symbol.iterator](); for (let i = 0; i < 1e5; i++) { const h = g; g = (function* () { yield* h })(); } g.next()",
        &[DEEP],
    ),
    row(
        "iterator_helpers",
        "let i = [].values(); for (let n = 0; n < 1e6; n++) i = i.map((x) => x); i.next()",
        &[DEEP, Memory, Time],
    ),
    row(
        "eval_in_eval",
        "const s = 'eval(s)'; eval(s)",
        &[DEEP, Time],
    ),
    row(
        "functions_in_functions",
        "const f = () => new Function('f', 'f(f)')(f); f()",
        &[DEEP],
    ),
    row("evaluated_brackets", "(0, eval)('['.repeat(1e6))", &[DEEP]),
    row(
        "evaluated_signs",
        "(0, eval)('- '.repeat(1e6) + '1')",
        &[DEEP],
    ),
    row(
        "evaluated_sums",
        "(0, eval)('1' + '+x'.repeat(1e6).replaceAll('x', '1'))",
        &[Value, DEEP, Memory, Time],
    ),
    row(
        "evaluated_members",
        "globalThis.a = null; (0, eval)('a?.b' + '?.b'.repeat(1e6))",
        &[DEEP, Value, Memory, Time],
    ),
    row(
        "evaluated_arrows",
        "(0, eval)('a=>'.repeat(1e5) + '1')",
        &[DEEP],
    ),
    row(
        "evaluated_classes",
        "(0, eval)('class A { x = '.repeat(1e4) + '1' + '}'.repeat(1e4))",
        &[DEEP],
    ),
    row(
        "evaluated_templates",
        "(0, eval)('`${'.repeat(1e5) + '1' + '}`'.repeat(1e5))",
        &[DEEP],
    ),
    made("source_of_brackets", || "(".repeat(1_000_000), &[DEEP]),
    made("source_of_arrows", || "a=>".repeat(300_000), &[DEEP]),
    made(
        "source_of_types",
        || format!("let x: T = {}", "a<b<".repeat(250_000)),
        &[Error("SyntaxError"), DEEP, Time, Wedged],
    ),
    made(
        "source_of_type_arguments",
        || format!("let x: T = {}", "a<(".repeat(340_000)),
        &[Error("SyntaxError"), DEEP, Time, Wedged],
    ),
    made(
        "source_of_unions",
        || format!("type A = {}", "[".repeat(1_000_000)),
        &[Error("SyntaxError"), DEEP],
    ),
    made(
        "source_of_comments",
        || "/*".repeat(500_000),
        &[Error("SyntaxError")],
    ),
    made(
        "source_of_braces_in_templates",
        || "`${".repeat(300_000),
        &[DEEP],
    ),
    row(
        "causes",
        "let e = new Error('0'); for (let i = 0; i < 1e5; i++) e = new Error('x', { cause: e }); throw e",
        &[Error("Error: x")],
    ),
    row(
        "cause_of_itself",
        "const e = new Error('x'); e.cause = e; throw e",
        &[Error("Error: x")],
    ),
    row(
        "endless_causes",
        "throw { get cause() { return { __proto__: Error.prototype, get cause() { return new Error('y', this) } } }, __proto__: Error.prototype }",
        &[Error("Uncaught Error")],
    ),
    row(
        "aggregates_of_aggregates",
        "let e = new Error('0'); for (let i = 0; i < 40; i++) e = new AggregateError([e, e], 'x'); throw e",
        &[Error("AggregateError: x")],
    ),
    row(
        "traces_without_end",
        "Error.stackTraceLimit = Infinity; function f() { try { f() } catch { throw new Error('x') } } f()",
        &[Time, Wedged, Error("Error: x"), Memory],
    ),
    row(
        "at_the_end_of_the_stack",
        "function f() { try { f() } catch { f() } } f()",
        &[Time],
    ),
    row(
        "helpers_at_the_end_of_the_stack",
        "function f() { try { f() } finally { try { text({ a: [1] }); store('k', [1]); setTimeout(f, 1e9); notify(1); tools.echo({}).catch(() => {}) } catch {} } } f()",
        &[DEEP, Time],
    ),
    row(
        "to_primitive",
        "const o = { [Symbol.toPrimitive]: () => +o }; +o",
        &[DEEP],
    ),
    row(
        "structured_clone_of_what_is_deep",
        "let a = []; for (let i = 0; i < 1e6; i++) a = [a]; structuredClone(a)",
        &[DEEP],
    ),
    row(
        "events_in_events",
        "const t = new EventTarget(); t.addEventListener('x', () => t.dispatchEvent(new Event('x'))); t.dispatchEvent(new Event('x'))",
        &[DEEP],
    ),
    row(
        "clone_that_clones",
        "const o = { get x() { return structuredClone(o) } }; structuredClone(o)",
        &[DEEP],
    ),
];
