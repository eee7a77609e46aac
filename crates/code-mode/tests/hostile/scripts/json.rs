//! JSON both ways: too deep, too much, and with code inside.

use crate::row::Ending::{Error, Memory, Parked, Time, Value, Wedged};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "json",
    rows: ROWS,
};

const DEEP: crate::row::Ending = Error("Maximum call stack size exceeded");

const ROWS: &[Row] = &[
    row(
        "stringify_by_2_32_names",
        "JSON.stringify({}, new Array(2**32-1))",
        &[Wedged, Parked, Time, Memory],
    ),
    row(
        "parse_of_5e7_brackets",
        "JSON.parse('['.repeat(5e7))",
        &[Parked, Memory, Wedged, Time],
    )
    // Memory of V8's own, which no limit counts.
    .peak_mib(2_560),
    row(
        "parse_of_many_objects",
        "JSON.parse('[' + '{},'.repeat(5e6) + '1]')",
        &[Memory, Parked, Wedged, Time],
    ),
    row(
        "parse_of_many_keys",
        "JSON.parse('{' + Array.from({ length: 3e5 }, (_, i) => `\"k${i}\":1`) + '}')",
        &[Value, Memory, Wedged, Time],
    ),
    row(
        "parse_again_and_again",
        "const s = '[' + '1,'.repeat(1e5) + '1]'; for (;;) JSON.parse(s)",
        &[Time, Wedged, Memory],
    ),
    row(
        "reviver_that_loops",
        "JSON.parse('[1]', () => { for (;;); })",
        &[Time],
    ),
    row(
        "reviver_that_grows",
        "JSON.parse('[1,2]', function (k, v) { if (k === '0') this[1] = new Array(10).fill([1]); return v })",
        &[DEEP],
    ),
    row(
        "stringify_of_what_is_deep",
        "let a = []; for (let i = 0; i < 1e6; i++) a = [a]; JSON.stringify(a)",
        &[DEEP, Value, Time, Memory],
    ),
    row(
        "stringify_of_what_shares",
        "let a = []; for (let i = 0; i < 40; i++) a = [a, a]; JSON.stringify(a)",
        &[Time, Wedged, Memory, Parked, Error("Invalid string length")],
    ),
    row(
        "stringify_of_a_long_text",
        "JSON.stringify('\\u0000'.repeat(2**26-25))",
        &[Error("Invalid string length"), Memory, Parked, Wedged, Time],
    ),
    row(
        "stringify_with_wide_gaps",
        "let a = 1; for (let i = 0; i < 3000; i++) a = [a]; JSON.stringify(new Array(1000).fill(a), null, 10)",
        &[Error("Invalid string length"), Time, Wedged, Memory],
    ),
    row(
        "stringify_of_an_endless_proxy",
        "JSON.stringify(new Proxy([], { get: (t, k) => k === 'length' ? 2**53-1 : 1 }))",
        &[Error("Invalid string length"), Time, Memory],
    ),
    row(
        "to_json_of_every_object",
        "Object.prototype.toJSON = () => { for (;;); }; await tools.echo({ a: {} })",
        &[Time],
    ),
    row(
        "to_json_that_goes_deeper",
        "const o = { toJSON: () => [{ ...o }] }; JSON.stringify(o)",
        &[DEEP],
    ),
    row(
        "text_of_what_shares",
        "let a = [1]; for (let i = 0; i < 40; i++) a = [a, a]; text(a)",
        &[Time, Wedged, Memory, Parked],
    ),
    row(
        "text_of_what_is_deep",
        "let a = []; for (let i = 0; i < 1e6; i++) a = [a]; text(a)",
        &[DEEP],
    ),
    row(
        "call_with_what_shares",
        "let a = [1]; for (let i = 0; i < 40; i++) a = [a, a]; await tools.echo({ a })",
        &[Time, Wedged, Memory, Parked],
    ),
    row(
        "call_with_what_is_deep",
        "let a = []; for (let i = 0; i < 2000; i++) a = [a]; await tools.echo({ a })",
        &[Error("the input does not fit: recursion limit exceeded")],
    ),
    row(
        "call_with_what_is_very_deep",
        "let a = []; for (let i = 0; i < 1e6; i++) a = [a]; await tools.echo({ a })",
        &[Error(
            "JSON cannot carry the argument: RangeError: Maximum call stack",
        )],
    ),
    row(
        "store_of_what_is_deep",
        "let a = []; for (let i = 0; i < 1e6; i++) a = [a]; store('a', a)",
        &[Error(
            "JSON cannot carry the value: RangeError: Maximum call stack",
        )],
    ),
    row(
        "store_and_load_of_what_is_deep",
        "let a = []; for (let i = 0; i < 2000; i++) a = [a]; store('a', a); text(load('a').length)",
        &[Value],
    ),
    row(
        "raw_json",
        "JSON.stringify(new Array(1e5).fill(JSON.rawJSON('\"' + 'x'.repeat(1e5) + '\"')))",
        &[Error("Invalid string length"), Memory, Time, Wedged, Parked],
    ),
];
