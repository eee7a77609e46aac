//! Numbers of millions of digits.

use crate::row::Ending::{Error, Memory, Time};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "bigint",
    rows: ROWS,
};

const ROWS: &[Row] = &[
    row(
        "squares",
        "let x = 3n; for (;;) x *= x",
        &[Time, Memory, Error("Maximum BigInt size exceeded")],
    ),
    row("power", "(7n ** 100000000n) % 10n", &[Time, Memory]),
    row("text", "(1n << 200000000n).toString()", &[Time, Memory]),
    row(
        "from_text",
        "BigInt('1'.repeat(2**26 - 25))",
        &[Time, Memory],
    ),
    row(
        "too_wide",
        "1n << (2n ** 40n)",
        &[Error("Maximum BigInt size exceeded")],
    ),
    row(
        "as_unsigned",
        "BigInt.asUintN(2 ** 53 - 1, -1n)",
        &[Error("Maximum BigInt size exceeded")],
    ),
    row(
        "kept",
        "const kept = []; for (let i = 0n;; i++) kept.push(1n << (20000n + i))",
        &[Memory],
    ),
    row("shown", "text(1n << 200000000n)", &[Time, Memory]),
];
