//! Views of bytes: too many, and built-ins that read all of them.

use crate::row::Ending::{Error, Memory, Time, Wedged};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "typed_arrays",
    rows: ROWS,
};

const REFUSED: crate::row::Ending = Error("Array buffer allocation failed");

const ROWS: &[Row] = &[
    row(
        "of_2_33",
        "new Uint8Array({ length: 2**33 })",
        &[REFUSED, Error("Invalid typed array length")],
    ),
    row("of_2_30", "new Uint8Array({ length: 2**30 })", &[REFUSED]),
    row("filled_4_gib", "new Uint8Array(2**32).fill(1)", &[REFUSED]),
    row(
        "from_2_33",
        "Uint8Array.from({ length: 2**33 })",
        &[REFUSED, Error("Invalid typed array length")],
    ),
    row(
        "of_numbers",
        "new Float64Array(new Array(2e7).fill(1.5))",
        &[REFUSED, Memory],
    ),
    row(
        "index_of_again_and_again",
        "const u = new Uint8Array(5e7); for (;;) u.indexOf(1)",
        &[Time, Wedged],
    ),
    row(
        "short_index_of_again_and_again",
        "const u = new Uint8Array(6e5); for (;;) u.indexOf(1)",
        &[Time, Wedged],
    ),
    row(
        "index_of_in_try",
        "const u = new Uint8Array(5e7); for (;;) try { u.includes(1) } finally { u.lastIndexOf(1) }",
        &[Time, Wedged],
    ),
    row(
        "reverse_again_and_again",
        "const u = new Uint8Array(5e7); for (;;) u.reverse()",
        &[Time, Wedged],
    ),
    row(
        "fill_again_and_again",
        "const u = new Uint8Array(5e7); for (;;) u.fill(1)",
        &[Time, Wedged],
    ),
    row(
        "copy_within_again_and_again",
        "const u = new Uint8Array(5e7); for (;;) u.copyWithin(1, 0)",
        &[Time, Wedged],
    ),
    row(
        "sorted_again_and_again",
        "const u = new Uint8Array(1e7); for (;;) u.toSorted()",
        &[Time, Wedged],
    ),
    row(
        "joined",
        "new Uint8Array(5e7).join()",
        &[Error("Invalid string length"), Memory, Time, Wedged],
    ),
    row(
        "set_of_2_53",
        "new Uint8Array(1).set({ length: 2**53-1 })",
        &[Error("offset is out of bounds")],
    ),
    row(
        "in_base64",
        "'x' + new Uint8Array(5e7).toBase64() + new Uint8Array(5e7).toBase64()",
        &[
            Error("Invalid string length"),
            Memory,
            Error("is not a function"),
            REFUSED,
        ],
    ),
];
