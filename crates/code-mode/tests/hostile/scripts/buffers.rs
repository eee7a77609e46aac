//! Bytes outside the heap: kept, resized, handed over.

use crate::row::Ending::{Error, Memory, Time, Value, Wedged};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "buffers",
    rows: ROWS,
};

const REFUSED: crate::row::Ending = Error("RangeError: Invalid array buffer");
const TOO_MANY: crate::row::Ending =
    Error("RangeError: at most 1024 resizable ArrayBuffers of a script can be there at once");
const NOT_RESIZED: crate::row::Ending = Error("Invalid length parameter");

const ROWS: &[Row] = &[
    row("kept", "const kept = []; for (;;) kept.push(new ArrayBuffer(1 << 20))", &[REFUSED, Memory]),
    row("kept_and_touched", "const kept = []; for (;;) kept.push(new Uint8Array(1 << 20).fill(1))", &[REFUSED, Memory]),
    row("small_ones_kept", "const kept = []; for (;;) kept.push(new ArrayBuffer(100))", &[REFUSED, Memory]),
    row("refused_and_asked_again", "const kept = []; for (;;) try { kept.push(new ArrayBuffer(1 << 24)) } catch {}", &[Time, Memory]),
    row("let_go", "for (;;) new ArrayBuffer(1 << 25)", &[Time, Wedged]),
    row("of_8_gib", "new ArrayBuffer(2**33)", &[REFUSED]),
    row("of_2_53", "new ArrayBuffer(2**53-1)", &[REFUSED, Error("Invalid array buffer length")]),
    row(
        "resized",
        "const b = new ArrayBuffer(1, { maxByteLength: 2**32 }); for (let n = 1;; n *= 2) { b.resize(n); new Uint8Array(b).fill(1); }",
        &[REFUSED, NOT_RESIZED, Memory],
    ),
    row(
        "resized_at_once",
        "const b = new ArrayBuffer(0, { maxByteLength: 2**32 }); b.resize(2**32); new Uint8Array(b).fill(1)",
        &[REFUSED, NOT_RESIZED, Memory],
    ),
    row(
        "resizable_ones_kept",
        "const kept = []; for (;;) kept.push(new ArrayBuffer(2**20, { maxByteLength: 2**21 }))",
        &[REFUSED, Memory],
    ),
    row(
        "addresses_kept",
        "const kept = []; for (;;) kept.push(new ArrayBuffer(0, { maxByteLength: 2**32 }))",
        &[REFUSED, Memory, Time, Wedged, Error("Invalid array buffer max length")],
    ),
    row(
        "short_resizable_ones_kept",
        "const a = []; for (let i = 0; i < 33000; i++) a.push(new ArrayBuffer(1, { maxByteLength: 8192 }))",
        &[TOO_MANY],
    ),
    row(
        "resizable_ones_let_go_and_kept",
        "const a = []; for (;;) { a.push(new ArrayBuffer(1, { maxByteLength: 8192 }).transfer(2)); structuredClone(a[a.length - 1]); }",
        &[TOO_MANY],
    ),
    row("resized_up_and_down", "const b = new ArrayBuffer(0, { maxByteLength: 2**25 }); for (;;) { b.resize(2**25); b.resize(0); }", &[Time, Wedged]),
    row("handed_over_to_more", "let b = new ArrayBuffer(1); for (let n = 1;; n *= 2) b = b.transfer(n)", &[REFUSED, Memory]),
    row(
        "handed_over_to_fixed",
        "let b = new ArrayBuffer(1, { maxByteLength: 2**32 }); for (let n = 1;; n *= 2) b = b.transferToFixedLength(n)",
        &[REFUSED, Memory, NOT_RESIZED],
    ),
    row("sliced_and_kept", "const b = new ArrayBuffer(2**20), kept = []; for (;;) kept.push(b.slice())", &[REFUSED, Memory]),
    row("cloned_and_kept", "const b = new ArrayBuffer(2**20), kept = []; for (;;) kept.push(structuredClone(b))", &[REFUSED, Memory]),
    row(
        "watched_by_registries",
        "const r = new FinalizationRegistry(() => { for (;;); }); for (let i = 0; i < 1e5; i++) r.register({}, i);
         for (let i = 0; i < 300; i++) new Array(1e5).fill(i); await new Promise((f) => setTimeout(f, 10)); text('end')",
        &[Value, Time],
    ),
];
