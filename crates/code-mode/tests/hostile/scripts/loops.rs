//! Loops that end by themselves never, however they are written.

use crate::row::Ending::{Memory, Terminated, Time, Value, Wedged};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "loops",
    rows: ROWS,
};

const ROWS: &[Row] = &[
    row("empty", "for (;;) {}", &[Time]),
    // V8 looks at interruptions in such a loop after so many steps as a thousand runs of the whole script
    // would be.
    row(
        "of_slow_built_ins",
        "const a = Array.from({ length: 1e5 }, (_, i) => i); for (;;) JSON.stringify(a)",
        &[Time, Wedged],
    ),
    row(
        "in_finally",
        "try { for (;;); } finally { for (;;); }",
        &[Time],
    ),
    row(
        "that_catches_everything",
        "for (;;) try { (() => { for (;;); })() } catch {}",
        &[Time],
    ),
    row(
        "of_a_generator",
        "function* g() { for (;;) try { yield 1 } finally {} } for (const x of g());",
        &[Time],
    ),
    row(
        "of_an_async_generator",
        "async function* g() { for (;;) yield 1 } for await (const x of g());",
        &[Time],
    ),
    row(
        "generator_that_yields_on_return",
        "function* g() { try { yield 1 } finally { for (;;) yield 2 } }
         for (const x of g()) break; [...g()];",
        &[Memory, Time],
    ),
    row("in_eval", "(0, eval)('for (;;);')", &[Time]),
    row("in_a_new_function", "new Function('for (;;);')()", &[Time]),
    row(
        "that_makes_functions",
        "for (;;) new Function('a', 'return ' + Math.random())()",
        &[Time],
    ),
    row(
        "spread_of_an_endless_iterator",
        "[...{ [Symbol.iterator]: () => ({ next: () => ({ done: false }) }) }]",
        &[Memory, Time],
    ),
    row(
        "iterator_helpers_without_end",
        "Iterator.from({ next: () => ({ done: false }) }).filter(() => false).drop(Infinity).next()",
        &[Time],
    ),
    row(
        "after_exit",
        "try { exit() } finally { for (;;); }",
        &[Value],
    ),
    row(
        "after_a_yield",
        "yield_control(); for (;;);",
        &[Terminated, Time],
    ),
    row(
        "after_a_yield_in_every_getter",
        "yield_control(); throw { get message() { for (;;); }, get stack() { for (;;); } }",
        &[Terminated, Time],
    ),
    row(
        "after_a_yield_in_a_long_built_in",
        "const u = new Uint8Array(5e7); yield_control(); for (;;) u.indexOf(1)",
        &[Terminated, Wedged, Time],
    ),
    row(
        "that_makes_garbage",
        "for (;;) ({ a: [1, 2, 3].map(String) })",
        &[Time],
    ),
    row(
        "that_makes_closures",
        "let f = () => 1; for (;;) { const g = f; f = () => g; }",
        &[Memory, Time, Wedged],
    ),
];
