//! Objects that are small to V8, and large to the allocator that stands behind it.

use crate::row::Ending::{Memory, Time, Wedged};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "intl",
    rows: ROWS,
};

/// What a cell may have beside its heap is more than that.
const PEAK_MIB: u64 = 1_280;

const ROWS: &[Row] = &[
    row(
        "date_formats_kept",
        "const kept = []; for (;;) kept.push(new Intl.DateTimeFormat('de'))",
        &[Memory],
    )
    .peak_mib(PEAK_MIB),
    row(
        "collators_kept",
        "const kept = []; for (;;) kept.push(new Intl.Collator('de'))",
        &[Memory],
    )
    .peak_mib(PEAK_MIB),
    row(
        "segmenters_kept",
        "const kept = []; for (;;) kept.push(new Intl.Segmenter('th', { granularity: 'word' }))",
        &[Memory],
    )
    .peak_mib(PEAK_MIB),
    row(
        "segments_kept",
        "const s = new Intl.Segmenter('th'), kept = []; for (;;) kept.push(s.segment('ก'.repeat(1e4)))",
        &[Memory],
    )
    .peak_mib(PEAK_MIB),
    row(
        "date_formats_dropped",
        "for (;;) new Intl.DateTimeFormat('de', { timeZone: 'Asia/Tokyo' })",
        &[Time, Wedged],
    )
    .peak_mib(PEAK_MIB),
];
