//! Regular expressions: backtracking, what is expensive to compile, and the protocol around them.

use crate::row::Ending::{Error, Memory, Parked, Time, Value, Wedged};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "regexps",
    rows: ROWS,
};

const ROWS: &[Row] = &[
    row(
        "backtracking",
        "/^(a+)+$/.test('a'.repeat(64) + 'b')",
        &[Time],
    ),
    row(
        "backtracking_in_a_lookbehind",
        "/(?<=^(a+)+)c/.test('b' + 'a'.repeat(64) + 'c')",
        &[Time],
    ),
    row(
        "backtracking_in_split",
        "('x'.repeat(64) + 'z').split(/(?=(x+x+)+y)/)",
        &[Time],
    ),
    row(
        "sets_of_properties",
        "new RegExp('[' + '[\\\\p{L}--[a-z]]'.repeat(20000) + ']', 'v').test('a')",
        &[Memory, Parked, Wedged, Time],
    ),
    row(
        "class_of_properties",
        "new RegExp('[' + '\\\\p{L}'.repeat(1e5) + ']', 'u').test('a')",
        &[Wedged, Time],
    ),
    row(
        "alternatives_of_properties",
        "new RegExp('(?:[^a]|\\\\p{Ll})'.repeat(30000), 'iu').test('a')",
        &[Wedged, Time, Error("Regular expression too large")],
    ),
    row(
        "groups_in_groups",
        "new RegExp('(?:'.repeat(5e6))",
        &[
            Error("Regular expression too large"),
            Time,
            Wedged,
            Memory,
            Parked,
        ],
    )
    // Memory of V8's own, which is counted late.
    .peak_mib(1_024),
    row(
        "groups_without_number",
        "new RegExp('()'.repeat(5e6))",
        &[
            Error("Too many captures"),
            Error("Regular expression too large"),
        ],
    ),
    row(
        "repetitions_of_repetitions",
        "/((((a{1000}){1000}){1000}){1000})/.test('a')",
        &[Error("Regular expression too large"), Value],
    ),
    row(
        "replace_that_grows",
        "'x'.repeat(2**26-25).replace(/x/g, 'yy')",
        &[Wedged, Time, Memory, Parked, Error("Invalid string length")],
    ),
    row(
        "match_of_every_character",
        "'ab'.repeat(2**24).match(/a/g)",
        &[Memory, Parked, Time, Value],
    ),
    row(
        "all_matches_kept",
        "[...'a'.repeat(2**25).matchAll(/a/g)]",
        &[Memory],
    ),
    row(
        "exec_of_every_pattern",
        "RegExp.prototype.exec = () => ({ index: 0, 0: '' }); 'x'.replace(/x/g, '')",
        &[Memory, Time],
    ),
    row(
        "machine_code_kept",
        "const a = []; for (let i = 0;; i++) { const r = new RegExp(('(?:a' + i + 'b|c' + i + 'd)*x{0,50}').repeat(20)); r.test('q'); r.test('q'); r.test('q'); a.push(r) }",
        &[Memory],
    ),
    row(
        "last_index_that_loops",
        "const r = /x/y; r.lastIndex = { valueOf() { for (;;); } }; r.test('x')",
        &[Time],
    ),
    row(
        "tests_of_a_long_text",
        "const s = 'x'.repeat(2**24); for (;;) /z/.test(s)",
        &[Time, Wedged],
    ),
];
