//! Sorting: what is not there, what is too much, and comparators that do something else.

use crate::row::Ending::{self, Error, Memory, Parked, Time, Value, Wedged};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "sorts",
    rows: ROWS,
};

/// What a guard of ours says.
const TOO_LONG: &[Ending] = &[Error("places of an array that can be sorted")];

const ROWS: &[Row] = &[
    row(
        "of_2_53_elements",
        "Array.prototype.sort.call({ length: 2**53-1 })",
        TOO_LONG,
    ),
    row(
        "of_2_30_elements",
        "Array.prototype.sort.call({ length: 2**30 })",
        TOO_LONG,
    ),
    row(
        "of_holes_around_one_element",
        "const a = []; a.length = 2**32-1; a[5] = 1; a.sort()",
        TOO_LONG,
    ),
    row("of_2_32_holes", "new Array(2**32-1).sort()", TOO_LONG),
    row(
        "copy_of_2_32_holes",
        "new Array(2**32-1).toSorted()",
        TOO_LONG,
    ),
    row(
        "of_1e8_holes",
        "new Array(1e8).sort()",
        &[Wedged, Time, Memory, Parked],
    ),
    row(
        "of_numbers_by_their_text",
        "new Array(3e6).fill(0).map(Math.random).sort()",
        &[Wedged, Time, Memory],
    ),
    row(
        "comparator_that_loops",
        "[3, 2, 1].sort(() => { for (;;); })",
        &[Time],
    ),
    row(
        "comparator_that_empties_the_array",
        "const a = [...Array(1e5).keys()]; a.sort(() => { a.length = 0; return Math.random() - 0.5 }); text(a.length)",
        &[Value],
    ),
    row(
        "comparator_that_sorts",
        "const a = [3, 2, 1]; a.sort(function by() { a.sort(by); return 1 })",
        &[Error("Maximum call stack size exceeded")],
    ),
    row(
        "comparator_that_fills_the_array",
        "const a = [3, 2, 1]; a.sort(() => { for (;;) a.push(a.length) })",
        &[Memory, Parked],
    ),
    row(
        "typed_comparator_that_takes_the_buffer_away",
        "const u = new Uint8Array(1000); u.forEach((_, i) => { u[i] = i });
         u.sort(() => { try { u.buffer.transfer() } catch {} return 1 }); text(u.length)",
        &[Value],
    ),
    row(
        "of_typed_numbers_again_and_again",
        "for (;;) new Float64Array(1e6).map(Math.random).sort()",
        &[Time, Wedged],
    ),
];
