//! `Intl` and its like: native code that takes its time, and keeps what no heap counts.

use crate::row::Ending::{Error, Memory, Time, Value, Wedged};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "intl",
    rows: ROWS,
};

/// What a cell may have beside its heap is more than other rows come to.
const PEAK_MIB: u64 = 1_280;

// V8's interpreter looks at an interruption once in a thousand rounds of a loop, so a loop over what takes
// a tenth of a millisecond or more is told too late.
const ROWS: &[Row] = &[
    row(
        "texts_of_numbers",
        "for (;;) (1).toLocaleString('de', { minimumFractionDigits: 2 })",
        &[Time, Wedged],
    ),
    row(
        "texts_of_dates",
        "for (;;) new Date().toLocaleString('de', { timeZone: 'Asia/Tokyo' })",
        &[Time, Wedged],
    ),
    row(
        "formats_of_dates",
        "for (;;) new Intl.DateTimeFormat('de')",
        &[Time, Wedged],
    ),
    row(
        "texts_compared",
        "for (;;) 'a'.localeCompare('b', 'de-u-co-phonebk', { numeric: true })",
        &[Time, Wedged],
    ),
    row(
        "every_zone_in_every_calendar",
        "for (const timeZone of Intl.supportedValuesOf('timeZone')) for (const calendar of Intl.supportedValuesOf('calendar')) new Intl.DateTimeFormat('en', { timeZone, calendar, dateStyle: 'full' }).format(0)",
        &[Time, Wedged],
    ),
    row(
        "words_of_a_long_text",
        "for (const word of new Intl.Segmenter('th', { granularity: 'word' }).segment('\\u0e01\\u0e32'.repeat(2**21)));",
        &[Time, Wedged, Memory],
    ),
    row(
        "list_of_many",
        "new Intl.ListFormat().format(new Array(1e6).fill('a'))",
        &[Time, Wedged, Memory, Value],
    )
    .peak_mib(PEAK_MIB),
    row(
        "locales_that_repeat",
        "Intl.getCanonicalLocales(new Array(1e6).fill('en-u-ca-buddhist'))",
        &[Time, Wedged, Value],
    ),
    row(
        "locales_without_end",
        "'a'.toLocaleUpperCase({ length: 2**32-1 })",
        &[Time, Wedged, Memory],
    ),
    row(
        "copies_of_a_text",
        "const s = new Intl.Segmenter().segment('x'.repeat(2**25)), a = []; for (;;) a.push(s[Symbol.iterator]())",
        &[Memory],
    )
    .peak_mib(PEAK_MIB),
    row(
        "options_that_loop",
        "new Intl.NumberFormat('en', { get style() { for (;;); } })",
        &[Time],
    ),
    row(
        "text_of_a_wide_number",
        "(10n ** 3000000n).toLocaleString('de')",
        &[Time, Wedged, Value, Error("RangeError")],
    ),
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
];
