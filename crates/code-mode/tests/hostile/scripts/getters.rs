//! Code that runs when somebody looks: at a result, an error, an argument.

use crate::row::Ending::{Error, Memory, Time, Value};
use crate::row::{Group, Row, row};

pub const GROUP: Group = Group {
    name: "getters",
    rows: ROWS,
};

const ROWS: &[Row] = &[
    row(
        "message_of_what_is_thrown",
        "throw { get message() { for (;;); } }",
        &[Time],
    ),
    row(
        "stack_of_what_is_thrown",
        "throw Object.defineProperty(new Error('x'), 'stack', { get() { for (;;); } })",
        &[Time],
    ),
    row(
        "cause_of_what_is_thrown",
        "throw Object.defineProperty(new Error('x'), 'cause', { get() { for (;;); } })",
        &[Error("Error: x")],
    ),
    row(
        "errors_of_what_is_thrown",
        "throw Object.defineProperty(new AggregateError([]), 'errors', { get() { for (;;); } })",
        &[Error("AggregateError")],
    ),
    row(
        "constructor_of_what_is_thrown",
        "class A { static get name() { for (;;); } } throw new A()",
        &[Error("Uncaught A {}")],
    ),
    row(
        "tag_of_what_is_thrown",
        "throw { get [Symbol.toStringTag]() { for (;;); } }",
        &[Time],
    ),
    row(
        "proxy_that_is_thrown",
        "const loop = () => { for (;;); }; throw new Proxy(new Error('x'), { get: loop, has: loop, getPrototypeOf: loop, ownKeys: loop, getOwnPropertyDescriptor: loop })",
        &[Error("Uncaught Error: x")],
    ),
    row(
        "prepare_stack_trace",
        "Error.prepareStackTrace = () => { for (;;); }; throw new Error('x')",
        &[Time],
    ),
    row(
        "prepare_stack_trace_read",
        "Error.prepareStackTrace = () => { for (;;); }; try { null.x } catch (e) { e.stack }",
        &[Time],
    ),
    row(
        "prepare_stack_trace_of_a_helper",
        "Error.prepareStackTrace = () => { for (;;); }; try { store() } catch (e) { text(e) } text(new Error('y'))",
        &[Time],
    ),
    row(
        "prepare_stack_trace_throws",
        "Error.prepareStackTrace = (e) => { throw new Error('y') }; throw new Error('x')",
        &[Error("Error: x")],
    ),
    row(
        "stack_trace_limit",
        "Object.defineProperty(Error, 'stackTraceLimit', { get() { for (;;); } }); throw new Error('x')",
        &[Error("Error: x")],
    ),
    row("in_text", "text({ get x() { for (;;); } })", &[Time]),
    row(
        "keys_in_text",
        "text(new Proxy({}, { ownKeys() { for (;;); } }))",
        &[Time],
    ),
    row(
        "endless_keys_in_text",
        "text(new Proxy({}, { get: (t, k) => typeof k === 'string' && k.length < 3 ? new Proxy({}, this) : t, ownKeys: () => Array.from({ length: 1e6 }, (_, i) => 'k' + i), getOwnPropertyDescriptor: () => ({ value: {}, enumerable: true, configurable: true }) }))",
        &[Time, Memory],
    ),
    row(
        "in_console",
        "console.log('%s %o', { toString() { for (;;); } }, { get x() { for (;;); } })",
        &[Time],
    ),
    row(
        "key_of_store",
        "store({ toString() { for (;;); } }, 1)",
        &[Error("TypeError: store: the key must be a string")],
    ),
    row("in_notify", "notify({ toJSON() { for (;;); } })", &[Time]),
    row(
        "in_a_call",
        "await tools.echo({ get x() { for (;;); } })",
        &[Time],
    ),
    row(
        "signal_of_a_call",
        "await tools.echo({}, { get signal() { for (;;); } })",
        &[Time],
    ),
    row(
        "delay_of_a_timer",
        "setTimeout(() => {}, { valueOf() { for (;;); } })",
        &[Time],
    ),
    row("image", "image({ get image_url() { for (;;); } })", &[Time]),
    row(
        "forwarded",
        "forward_output({ get content() { for (;;); } })",
        &[Time],
    ),
    row(
        "forwarded_endlessly",
        "forward_output({ content: new Proxy([], { get: (t, k) => k === 'length' ? 2**32-1 : { type: 'text', text: '' } }) })",
        &[Error("TypeError: forward_output argument 1"), Time],
    ),
    row(
        "options_of_load_output",
        "load_output('out-1-1', { get start() { for (;;); } })",
        &[Time],
    ),
    row(
        "question",
        "search_tools({ toString() { for (;;); } })",
        &[Error("TypeError: search_tools takes")],
    ),
    row(
        "options_of_search",
        "search_tools('x', { get limit() { for (;;); } })",
        &[Time],
    ),
    row(
        "import_of_what_loops",
        "await import({ toString() { for (;;); } })",
        &[Time],
    ),
    // V8 writes what nobody catches to standard output.
    row(
        "then_of_every_result_throws",
        "Object.defineProperty(Object.prototype, 'then', { get() { throw new Error('said by nobody') } });
         await tools.echo({ a: 1 }).catch(() => {}); await tools.fail({}).catch(() => {});
         await import('tools.js'); await (async () => ({}))().catch(() => {}); text('end')",
        &[Value],
    ),
    row(
        "throws_where_nobody_catches",
        "Object.defineProperty(Object.prototype, 'then', { get() { throw { get message() { for (;;); }, toString() { for (;;); } } } });
         await tools.echo({ a: 1 }).catch(() => {}); text('end')",
        &[Value, Time],
    ),
    row(
        "setter_of_every_array",
        "Object.defineProperty(Array.prototype, 0, { set() { for (;;); } }); const r = await tools.echo({ a: [1] }); text(r); [].push(1)",
        &[Time],
    ),
    row(
        "setter_of_every_object",
        "for (const k of ['a', 'name', 'message', 'value', 'get', 'writable', 'signal']) Object.defineProperty(Object.prototype, k, { get() { for (;;); }, set() { for (;;); } }); text(await tools.echo({ ['a']: 1 })); ({}).a",
        &[Time],
    ),
    row(
        "iterator_of_every_array",
        "Array.prototype[Symbol.iterator] = () => { for (;;); }; text([1]); console.log([1]); new URLSearchParams([['a', 'b']])",
        &[Time],
    ),
    row(
        "species_of_every_promise",
        "Object.defineProperty(Promise, Symbol.species, { get() { for (;;); } }); await tools.echo({}); await Promise.resolve().then(() => 1)",
        &[Time],
    ),
    row(
        "has_instance",
        "Object.defineProperty(Error, Symbol.hasInstance, { value() { for (;;); } }); text(new Error('x')); await tools.fail({}).catch((e) => text(e)); ({}) instanceof Error",
        &[Time],
    ),
];
