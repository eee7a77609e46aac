//! Arrays that are too long, seem to be, or become so.

use crate::row::Ending::{Error, Memory, Parked, Time, Value, Wedged};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "arrays",
    rows: ROWS,
};

const ROWS: &[Row] = &[
    row(
        "filled_60_mi",
        "new Array(1024*1024*60).fill()",
        &[Memory, Parked, Time],
    ),
    row(
        "filled_2e8",
        "Array(2e8).fill('x')",
        &[Memory, Parked, Time],
    ),
    row(
        "pushed",
        "const a = []; for (;;) a.push(a.length)",
        &[Memory, Parked],
    ),
    row(
        "of_arrays",
        "const kept = []; for (;;) kept.push(new Array(1000).fill(1.5))",
        &[Memory],
    ),
    row(
        "of_arrays_by_turns",
        "const kept = []; for (;;) { kept.push(new Array(1000).fill(1.5)); await null; }",
        &[Memory],
    ),
    row(
        "from_2_31",
        "Array.from({ length: 2**31 })",
        &[Memory, Parked, Time],
    ),
    row(
        "from_2_53",
        "Array.from({ length: 2**53-1 })",
        &[Error("Invalid array length")],
    ),
    row(
        "from_async_2_53",
        "await Array.fromAsync({ length: 2**53-1 })",
        &[Error("Invalid array length")],
    ),
    row(
        "index_of_2_53",
        "Array.prototype.indexOf.call({ length: 2**53-1 }, 7)",
        &[Time],
    ),
    row(
        "reverse_2_53",
        "Array.prototype.reverse.call({ length: 2**53-1 })",
        &[Time],
    ),
    row(
        "fill_2_53",
        "Array.prototype.fill.call({ length: 2**53-1 }, 1)",
        &[Memory, Time],
    ),
    row(
        "join_2_53",
        "Array.prototype.join.call({ length: 2**53-1 }, '')",
        &[Error("Invalid array length")],
    ),
    row(
        "splice_2_53",
        "Array.prototype.splice.call({ length: 2**53-2 }, 0, 0, 1)",
        &[Time],
    ),
    row(
        "reduce_right_2_53",
        "Array.prototype.reduceRight.call({ length: 2**53-1 }, (a) => a, 0)",
        &[Time],
    ),
    row(
        "flat_2_53",
        "Array.prototype.flat.call({ length: 2**53-1 })",
        &[Time],
    ),
    row(
        "concat_2_53",
        "[].concat({ length: 2**53-1, 5: 1, [Symbol.isConcatSpreadable]: true })",
        &[Error("Invalid array length"), Value],
    ),
    row(
        "apply_2_53",
        "Math.max.apply(null, { length: 2**53-1 })",
        &[Error("Invalid array length")],
    ),
    row(
        "apply_2_27",
        "Math.max.apply(null, { length: 2**27 })",
        &[Error("Maximum call stack"), Memory, Parked, Time, Wedged],
    ),
    row(
        "spread_into_a_call",
        "Math.max(...new Array(1e7))",
        &[Error("Maximum call stack")],
    ),
    row(
        "spread_doubled",
        "let a = [1, 2]; for (;;) a = [...a, ...a]",
        &[Memory, Parked],
    ),
    row(
        "concat_doubled",
        "let a = [1, 2]; for (;;) a = a.concat(a)",
        &[Memory, Parked],
    ),
    row(
        "holes_looked_through",
        "const a = []; a.length = 2**32-1; a.indexOf(1)",
        &[Time, Wedged],
    ),
    row(
        "flat_of_what_shares",
        "let a = []; for (let i = 0; i < 40; i++) a = [a, a]; a.flat(Infinity)",
        &[Time, Wedged],
    ),
    row(
        "flat_of_itself",
        "const a = []; a.push(a); a.flat(Infinity)",
        &[Error("Maximum call stack")],
    ),
    row(
        "species_that_loops",
        "class E extends Array { static get [Symbol.species]() { for (;;); } } new E(3).map(String)",
        &[Time],
    ),
    row(
        "proxies_of_themselves",
        "const p = new Proxy([], { get: (t, k, r) => Reflect.get(p, k, r) }); p.map(String)",
        &[Error("Maximum call stack")],
    ),
    row(
        "grown_while_walked",
        "const a = [1]; for (const x of a) a.push(x)",
        &[Memory, Parked],
    ),
    row(
        "length_up_and_down",
        "const a = [1]; for (;;) { a.length = 2**32-1; a.length = 1; }",
        &[Time],
    ),
    row(
        "sparse_and_walked",
        "const a = []; a[2**32-2] = 1; a.forEach(() => {}); text('end')",
        &[Time, Wedged, Value],
    ),
];
