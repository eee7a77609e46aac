//! The names of web standards, whose built-ins are our own and not V8's.

use crate::row::Ending::{Error, Memory, Time, Value, Wedged};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "web",
    rows: ROWS,
};

const REFUSED: crate::row::Ending = Error("Array buffer allocation failed");

const ROWS: &[Row] = &[
    row(
        "url_of_2_26",
        "new URL('http://x/' + 'é'.repeat(2**25))",
        &[Value, Time, Wedged, Memory],
    ),
    row(
        "host_of_a_url",
        "new URL('http://' + 'ü.'.repeat(2**24))",
        &[Error("Invalid URL"), Time, Wedged, Memory],
    ),
    row(
        "parameters",
        "new URLSearchParams('a=1&'.repeat(2**22))",
        &[Value, Memory, Time, Wedged],
    ),
    row(
        "parameters_appended",
        "const p = new URLSearchParams(); for (let i = 0;; i++) p.append('k' + i, 'x'.repeat(1000))",
        &[Memory, Time],
    ),
    row(
        "encoded_text",
        "new TextEncoder().encode('€'.repeat(2**26-25))",
        &[REFUSED, Memory],
    ),
    row(
        "encoded_text_again_and_again",
        "const e = new TextEncoder(), s = '€'.repeat(1e6); for (;;) e.encode(s)",
        &[Time, Wedged, Memory],
    ),
    row(
        "encoded_text_kept",
        "const e = new TextEncoder(), kept = []; for (;;) kept.push(e.encode('€'.repeat(1e5)))",
        &[REFUSED, Memory],
    ),
    row(
        "decoded_bytes_again_and_again",
        "const d = new TextDecoder(), u = new Uint8Array(2e7).fill(0xff); for (;;) d.decode(u)",
        &[Time, Wedged, Memory],
    ),
    row(
        "base64_again_and_again",
        "const s = 'A'.repeat(2**24); for (;;) btoa(atob(s))",
        &[Time, Wedged, Memory],
    ),
    row(
        "base64_of_2_26",
        "btoa('x'.repeat(2**26-25))",
        &[Error("Invalid string length"), Memory, Wedged, Time],
    ),
    row(
        "clone_again_and_again",
        "const a = new Array(1e5).fill({ a: 1 }); for (;;) structuredClone(a)",
        &[Time, Wedged, Memory],
    ),
    row(
        "clone_of_what_grows",
        "const o = {}; let n = o; Object.defineProperty(o, 'x', { enumerable: true, get() { return { get x() { return o.x } } } }); structuredClone(o)",
        &[Error("Maximum call stack"), Time, Memory],
    ),
    row(
        "listeners",
        "const t = new EventTarget(); for (let i = 0;; i++) t.addEventListener('x', () => i)",
        &[Memory, Time],
    ),
    row(
        "signals_of_signals",
        "let s = new AbortController().signal; for (;;) s = AbortSignal.any([s])",
        &[Memory, Time],
    ),
    row(
        "timeouts_of_signals",
        "for (;;) AbortSignal.timeout(1e9)",
        &[Error("10000 timers are pending")],
    ),
    row(
        "question_of_2_24",
        "search_tools('x '.repeat(2**24)); text('end')",
        &[Value, Time, Wedged],
    ),
    row(
        "questions_again_and_again",
        "for (;;) search_tools('echo the input '.repeat(100))",
        &[Time, Wedged],
    ),
];
