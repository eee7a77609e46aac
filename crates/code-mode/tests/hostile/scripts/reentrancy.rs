//! Helpers called while a helper reads its arguments.

use crate::row::Ending::{Error, Time, Value};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "reentrancy",
    rows: ROWS,
};

const DEEP: crate::row::Ending = Error("Maximum call stack size exceeded");

const ROWS: &[Row] = &[
    row(
        "text_in_text",
        "text({ get x() { text('inner'); return 1 } })",
        &[Value],
    ),
    row(
        "text_in_itself",
        "const o = { toJSON() { text(o); return 1 } }; text(o)",
        &[DEEP],
    ),
    row(
        "everything_in_text",
        "text({ get x() { text(1); store('k', { get y() { store('k', 2); return load('k') } }); notify(3); tools.echo({}); setTimeout(() => text(4)); console.log(5); yield_control(); return load('k') } })",
        &[Value],
    ),
    row(
        "store_in_store",
        "store('k', { get x() { for (let i = 0; i < 1000; i++) store('k' + i, i); return 1 } }); text(load('k999'))",
        &[Value],
    ),
    row(
        "store_of_the_same_key_in_itself",
        "store('k', { toJSON() { store('k', { toJSON() { store('k', 1); return 2 } }); return 3 } }); text(load('k'))",
        &[Value],
    ),
    row(
        "call_in_a_call",
        "await tools.echo({ get x() { tools.echo({ get y() { tools.echo({}); return 1 } }); return 2 } })",
        &[Value],
    ),
    row(
        "calls_in_calls",
        "const o = { toJSON() { tools.echo(o); return {} } }; await tools.echo(o)",
        &[Value],
    ),
    row(
        "exit_in_text",
        "text({ toJSON() { exit() } }); for (;;);",
        &[Value],
    ),
    row(
        "exit_in_a_call",
        "await tools.echo({ get x() { exit() } }); for (;;);",
        &[Value],
    ),
    row(
        "exit_in_a_comparator",
        "[1, 2].sort(() => exit()); for (;;);",
        &[Value],
    ),
    row(
        "exit_in_an_error",
        "throw { get message() { exit() }, get stack() { exit() }, toString() { exit() } }",
        &[Value],
    ),
    row(
        "helpers_in_an_error",
        "throw { get message() { text(1); store('k', 1); tools.echo({}); for (;;); } }",
        &[Time],
    ),
    row(
        "helpers_in_prepare_stack_trace",
        "Error.prepareStackTrace = (e) => { text('p'); tools.echo({}).catch(() => {}); return 's' }; try { store() } catch (e) { text(e.stack) } throw new Error('x')",
        &[Error("x")],
    ),
    row(
        "clear_in_a_timer",
        "const id = setInterval(() => { clearInterval(id); clearTimeout(id); setTimeout(exit) })",
        &[Value],
    ),
    row(
        "timers_cleared_while_read",
        "const id = setTimeout(() => {}, { valueOf() { clearTimeout(id_()); return 0 } }); function id_() { return 1 } await null",
        &[Value],
    ),
    row(
        "abort_in_a_call",
        "const c = new AbortController(); await tools.never({ get x() { c.abort(); return 1 } }, { signal: c.signal }).catch((e) => text(e.name))",
        &[Value],
    ),
    row(
        "abort_in_abort",
        "const c = new AbortController(); c.signal.addEventListener('abort', () => { c.abort(); tools.never({}, { signal: c.signal }).catch(() => {}) }); c.abort(); text('end')",
        &[Value],
    ),
    row(
        "import_in_text",
        "text({ get x() { import('tools.js'); import('fs').catch(() => {}); return 1 } })",
        &[Value],
    ),
    row(
        "forward_in_forward",
        "forward_output({ get content() { forward_output({ content: [{ type: 'text', get text() { text('x'); return 'y' } }] }); return [] } })",
        &[Value],
    ),
    row(
        "helpers_deleted_while_they_run",
        "text({ get x() { for (const k of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[k] } catch {} return 1 } })",
        &[Value],
    ),
    row(
        "arguments_changed_while_read",
        "const a = []; for (let i = 0; i < 1000; i++) a.push({ get x() { a.length = 0; return 1 } }); text(a)",
        &[Value],
    ),
    row(
        "buffer_taken_while_read",
        "const u = new Uint8Array(6e4); crypto.getRandomValues(u); new TextDecoder().decode(u, { get stream() { u.buffer.transfer(); return true } }); text('end')",
        &[Value, Error("TypeError")],
    ),
    row(
        "microtasks_in_text",
        "text({ get x() { queueMicrotask(() => text('later')); return 1 } }); await null",
        &[Value],
    ),
    row(
        "loop_in_a_timer_in_text",
        "text({ get x() { setTimeout(() => { for (;;); }); return 1 } }); await new Promise(() => {})",
        &[Time],
    ),
];
