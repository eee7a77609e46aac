//! Timers, output, calls, notifications and stored values without number.

use crate::row::Ending::{Error, Memory, Parked, Time, Value, Wedged};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "floods",
    rows: ROWS,
};

const ROWS: &[Row] = &[
    row(
        "timers",
        "for (;;) setTimeout(() => {}, 1e9)",
        &[Error("10000 timers are pending")],
    ),
    row(
        "timers_refused_and_asked_again",
        "for (;;) try { setTimeout(() => {}, 1e9) } catch {}",
        &[Time],
    ),
    row(
        "timers_of_timers",
        "setTimeout(function f() { setTimeout(f); setTimeout(f) }); await new Promise(() => {})",
        &[Error("10000 timers are pending"), Time],
    ),
    row(
        "intervals",
        "for (let i = 0; i < 1000; i++) setInterval(() => {}, 0); await new Promise(() => {})",
        &[Time],
    ),
    row(
        "timers_with_arguments",
        "const a = new Array(60000).fill(1); for (let i = 0; i < 9999; i++) setTimeout(() => {}, 1e9, ...a); exit()",
        &[Error(
            "the timers pending hold as many arguments as they may",
        )],
    ),
    row(
        "timers_made_and_cleared",
        "for (;;) clearTimeout(setTimeout(() => {}, 1e9))",
        &[Time],
    ),
    row(
        "texts",
        "for (;;) text('x'.repeat(1e6))",
        &[Error("RangeError: the cell holds")],
    ),
    row(
        "texts_refused_and_tried_again",
        "for (;;) try { text('x'.repeat(1e6)) } catch {}",
        &[Time],
    ),
    row(
        "empty_texts",
        "for (;;) text('')",
        &[Error("RangeError: the cell holds")],
    ),
    row(
        "texts_and_yields",
        "for (let i = 0; i < 1e4; i++) { text(i); yield_control(); } text('end')",
        &[Value, Time],
    ),
    row(
        "console",
        "for (;;) console.log('x'.repeat(1e5), [1, 2, 3])",
        &[Error("RangeError: the cell holds")],
    ),
    row(
        "images",
        "for (;;) image('data:image/png;base64,' + 'A'.repeat(1e6))",
        &[Error("RangeError: the cell holds")],
    ),
    row(
        "forwarded_items",
        "forward_output({ content: new Array(1e7).fill({ type: 'text', text: '' }) })",
        &[Time, Wedged, Memory, Error("RangeError: the cell holds")],
    ),
    row(
        "one_long_text",
        "text('x'.repeat(2**26-25))",
        &[Error("RangeError: the cell holds")],
    )
    .longer_than_a_frame(),
    row(
        "long_error",
        "throw new Error('x'.repeat(2**26-25))",
        &[Error("Error: xxx")],
    )
    .longer_than_a_frame(),
    row(
        "errors_of_errors",
        "throw new AggregateError(new Array(1e6).fill(new Error('x'.repeat(1000))), 'many')",
        &[Error("many")],
    ),
    row(
        "calls_that_are_not_answered",
        "for (let i = 0; i < 5000; i++) tools.never({}).catch(() => {}); text('end')",
        &[Value],
    ),
    row(
        "calls_refused_and_tried_again",
        "for (;;) tools.never({}).catch(() => {})",
        &[Time, Memory],
    ),
    row(
        "calls_one_after_the_other",
        "for (;;) await tools.echo({})",
        &[Time, Error("100000 nested calls")],
    ),
    row(
        "calls_that_fail",
        "for (;;) await tools.fail({}).catch(() => {})",
        &[Time, Error("100000 nested calls")],
    ),
    row(
        "calls_with_long_inputs",
        "const s = 'x'.repeat(2**20); for (let i = 0; i < 2000; i++) tools.never({ s }).catch(() => {}); exit()",
        &[Value, Memory, Time],
    ),
    row(
        "calls_with_long_results",
        "const ballast = new Array(5e6).fill(1.5), s = 'x'.repeat(2**21), kept = [];
         for (;;) kept.push(await tools.echo({ s, n: kept.length }))",
        &[Memory, Time, Parked],
    ),
    row(
        "calls_aborted",
        "for (;;) { const c = new AbortController(); tools.never({}, { signal: c.signal }).catch(() => {}); c.abort(); await null }",
        &[Time, Memory, Error("100000 nested calls")],
    ),
    row(
        "unknown_tools",
        "for (let i = 0;; i++) tools['t' + i]({}).catch(() => {})",
        &[Time, Memory],
    ),
    row(
        "notifications",
        "for (;;) notify('x')",
        &[Error("notify: "), Time],
    ),
    row(
        "notifications_with_long_texts",
        "const s = 'held' + 'x'.repeat(2**22); for (let i = 0; i < 1000; i++) notify(s); exit()",
        &[Error(
            "bytes of nested calls and notifications are under way",
        )],
    ),
    row(
        "notifications_refused_and_tried_again",
        "for (;;) try { notify('held') } catch {}",
        &[Time],
    ),
    row(
        "stored_keys",
        "for (let i = 0;; i++) store('k' + i, 'x'.repeat(1e5))",
        &[Error("RangeError: store(")],
    ),
    row(
        "stored_values_replaced",
        "const s = 'x'.repeat(1e6); for (;;) store('k', s)",
        &[Time, Wedged],
    ),
    row(
        "stored_values_loaded",
        "store('k', new Array(1e5).fill(1)); const kept = []; for (;;) kept.push(load('k'))",
        &[Memory, Time],
    ),
    row(
        "long_stored_key",
        "store('k'.repeat(2**26-25), 1)",
        &[
            Error("RangeError: store("),
            Memory,
            Time,
            crate::row::Ending::Wedged,
        ],
    ),
    row(
        "imports_of_what_is_not_there",
        "for (let i = 0;; i++) import('x' + i).catch(() => {})",
        &[Time, Memory],
    ),
];
