//! Maps, sets and objects that grow without end.

use crate::row::Ending::{Error, Memory, Parked, Time, Wedged};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "collections",
    rows: ROWS,
};

const ROWS: &[Row] = &[
    row(
        "map",
        "const m = new Map(); for (let i = 0;; i++) m.set(i, i)",
        &[Memory, Parked, Error("Map maximum size exceeded")],
    ),
    row(
        "set",
        "const s = new Set(); for (let i = 0;; i++) s.add(i)",
        &[Memory, Parked, Error("Set maximum size exceeded")],
    ),
    row(
        "weak_map",
        "const w = new WeakMap(), kept = []; for (;;) { const k = {}; kept.push(k); w.set(k, k); }",
        &[Memory, Parked],
    ),
    row(
        "keys_that_collide",
        "const m = new Map(); for (let i = 0;; i++) m.set(i * 2**32, i)",
        &[
            Memory,
            Parked,
            Time,
            Wedged,
            Error("Map maximum size exceeded"),
        ],
    ),
    row(
        "properties",
        "const o = {}; for (let i = 0;; i++) o['k' + i] = i",
        &[Memory, Parked, Time],
    ),
    row(
        "accessors",
        "const o = {}; for (let i = 0;; i++) Object.defineProperty(o, 'k' + i, { get() { return i } })",
        &[Memory, Time, Wedged],
    ),
    row(
        "shapes",
        "const kept = []; for (let i = 0;; i++) kept.push({ ['k' + i]: i })",
        &[Memory, Time],
    ),
    row(
        "symbols",
        "for (let i = 0;; i++) Symbol.for('x' + i)",
        &[Memory, Parked, Time],
    ),
    row(
        "groups",
        "Map.groupBy((function* () { for (let i = 0;; i++) yield i })(), (i) => i)",
        &[Memory, Parked, Error("Map maximum size exceeded")],
    ),
    row(
        "union_of_an_endless_set",
        "new Set([1]).union({ size: 1, has: () => true, keys: () => ({ next: () => ({ done: false, value: 1 }) }) })",
        &[Time],
    ),
    row(
        "prototypes_in_a_chain",
        "let o = {}; for (;;) o = Object.create(o)",
        &[Memory, Time],
    ),
];
