//! Text of the greatest length, and built-ins that read all of it.

use crate::row::Ending::{Error, Memory, Parked, Time, Value, Wedged};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "strings",
    rows: ROWS,
};

/// An answer in words where a string would be longer than it may.
const TOO_LONG: crate::row::Ending = Error("Invalid string length");

const ROWS: &[Row] = &[
    row("doubled", "let s = 'x'; for (;;) s += s", &[TOO_LONG]),
    row(
        "kept",
        "let s = ''; const kept = []; for (;;) { s += 'x' + kept.length; kept.push(s.slice(1)); }",
        &[Memory, TOO_LONG],
    ),
    row("split_of_2_28", "'a'.repeat(2**28).split('')", &[TOO_LONG]),
    row(
        "split_of_2_26",
        "'a'.repeat(2**26-25).split('')",
        &[Memory, Parked, Time, Wedged],
    ),
    row(
        "spread",
        "[...'a'.repeat(2**26-25)]",
        &[Memory, Parked, Time, Wedged],
    ),
    row("padded", "'x'.padEnd(2**53-1)", &[TOO_LONG]),
    row(
        "replaced_by_more",
        "'x'.repeat(1e6).replaceAll('x', 'y'.repeat(1e6))",
        &[TOO_LONG],
    ),
    row(
        "raw_of_2_53",
        "String.raw({ raw: { length: 2**53-1 } })",
        &[Time, Memory, TOO_LONG],
    ),
    row(
        "normalize_that_grows",
        "'\\ufdfa'.repeat(2**26-25).normalize('NFKD')",
        &[Parked, Time, Wedged, TOO_LONG],
    )
    // Memory of V8's own, which no limit counts.
    .peak_mib(2_560),
    row(
        "normalize_again_and_again",
        "const s = 'ǟ'.repeat(1e5); for (;;) s.normalize('NFD')",
        &[Time, Wedged],
    ),
    row(
        "last_index_of_again_and_again",
        "const s = 'x'.repeat(2**26-25); for (;;) s.lastIndexOf('z')",
        &[Time, Wedged],
    ),
    row(
        "index_of_what_nearly_matches",
        "('a'.repeat(2**25)).indexOf('a'.repeat(2**24) + 'b' + 'a'.repeat(100))",
        &[Value, Time, Wedged, Memory],
    ),
    row(
        "index_of_again_and_again",
        "const s = 'a'.repeat(2**20), t = 'a'.repeat(2**19) + 'b'; for (;;) s.indexOf(t)",
        &[Time, Wedged],
    ),
    row(
        "upper_case_again_and_again",
        "const s = 'ß'.repeat(1e6); for (;;) s.toUpperCase()",
        &[Time, Wedged, Memory],
    ),
    row(
        "upper_case_that_grows",
        "'ΐ'.repeat(2**25).toUpperCase()",
        &[TOO_LONG, Time, Wedged, Memory],
    ),
    row(
        "compared_again_and_again",
        "const s = 'ä'.repeat(1e5), t = s + 'b'; for (;;) s.localeCompare(t)",
        &[Time, Wedged],
    ),
    row(
        "encoded_again_and_again",
        "const s = '€'.repeat(1e5); for (;;) encodeURIComponent(s)",
        &[Time, Wedged, Memory],
    ),
    row(
        "encoded_that_grows",
        "encodeURIComponent('€'.repeat(2**24))",
        &[TOO_LONG, Error("URIError"), Time, Wedged, Memory],
    ),
    row(
        "keys",
        "Object.keys('x'.repeat(2**26-25))",
        &[Time, Wedged, Memory, Parked],
    ),
    row(
        "entries",
        "Object.entries('x'.repeat(2**25))",
        &[Time, Wedged, Memory, Parked],
    ),
    row(
        "assigned",
        "Object.assign({}, 'x'.repeat(2**25))",
        &[Time, Wedged, Memory, Parked],
    ),
    row(
        "ropes",
        "let s = ''; for (let i = 0; i < 3e6; i++) s = 'a' + s + 'b'; text(s.charCodeAt(s.length >> 1))",
        &[Value, Memory, Time],
    ),
    row(
        "formats_made",
        "for (;;) new Intl.DateTimeFormat('en')",
        &[Time, Wedged],
    ),
    row(
        "formats_kept",
        "const kept = []; for (;;) kept.push(new Intl.NumberFormat('de'))",
        &[Time, Wedged, Memory],
    ),
    row(
        "segments",
        "[...new Intl.Segmenter('en').segment('x '.repeat(2**24))]",
        &[Memory, Time, Wedged],
    ),
    row(
        "number_format_of_digits",
        "new Intl.NumberFormat('en').format(10n ** 1000000n)",
        &[Value, Time, Wedged, TOO_LONG],
    ),
    row(
        "list_format",
        "new Intl.ListFormat('en').format(new Array(2e6).fill('x'))",
        &[Value, Time, Wedged, Memory],
    ),
];
