//! Regular expressions: backtracking, what is expensive to compile, and the protocol around them.

use crate::row::Ending::{Error, Memory, Parked, Time, Wedged};
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
        "/(?<=^(a|a)+)b$/.test('a'.repeat(64) + 'b!')",
        &[Time],
    ),
    row(
        "backtracking_in_split",
        "('x'.repeat(64) + 'z').split(/(?=(x+x+)+y)/)",
        &[Time],
    ),
    row(
        "backtracking_in_replace_all",
        "('x'.repeat(64) + 'z').replaceAll(/(x+x+)+y/g, '')",
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
            Error("too many captures"),
            Error("Maximum call stack"),
        ],
    ),
    row(
        "groups_without_number",
        "new RegExp('()'.repeat(5e6))",
        &[Error("Too many captures")],
    ),
    row(
        "repetitions_of_repetitions",
        "/((((a{1000}){1000}){1000}){1000})/.test('a')",
        &[Error("Regular expression too large")],
    ),
    row(
        "replace_that_grows",
        "'x'.repeat(2**26-25).replace(/x/g, 'yy')",
        &[Wedged, Time, Memory, Parked, Error("Invalid string length")],
    ),
    row(
        "match_of_every_character",
        "'a'.repeat(2**25).match(/a/g)",
        &[Memory, Parked],
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
        "last_index_that_loops",
        "const r = /x/y; r.lastIndex = { valueOf() { for (;;); } }; r.test('x')",
        &[Time],
    ),
    row(
        "tests_of_a_long_text",
        "const s = 'x'.repeat(2**26-25); for (;;) /z/.test(s)",
        &[Time, Wedged],
    ),
];
