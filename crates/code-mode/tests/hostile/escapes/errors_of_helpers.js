// Errors made by the host's side: in other sandboxes they are of the host's realm, and lead there.

const circular = {};
circular.circular = circular;
const thrower = { toString() { throw new TypeError('mine') }, toJSON() { throw new TypeError('mine') } };
const detached = new Uint8Array(8);
detached.buffer.transfer();

const failures_ = {
    'store of nothing': () => store(),
    'store of a symbol': () => store(Symbol(), 1),
    'store of a function': () => store('k', () => {}),
    'store of a circle': () => store('k', circular),
    'store of a bigint': () => store('k', 1n),
    'store of what throws': () => store('k', thrower),
    'store of too much': () => store('k', 'x'.repeat(17e6)),
    'load of a symbol': () => load(Symbol()),
    'load_output of a path': () => load_output('../../etc/passwd'),
    'load_output of nothing': () => load_output(),
    'load_output of a symbol': () => load_output(Symbol()),
    'describe_tool of nothing': () => describe_tool(),
    'describe_tool of a symbol': () => describe_tool(Symbol()),
    'search_tools of a symbol': () => search_tools(Symbol()),
    'search_tools on no server': () => search_tools('x', { server: 'none' }),
    'image of a path': () => image('/etc/passwd'),
    'image of a file URL': () => image('file:///etc/passwd'),
    'image of nothing': () => image(),
    'audio of a number': () => audio(5),
    'forward_output of a circle': () => forward_output({ content: [circular] }),
    'forward_output of what throws': () => forward_output({ content: [{ type: 'text', get text() { throw new TypeError('mine') } }] }),
    'text of too much': () => text('x'.repeat(17e6)),
    'text of what throws': () => text({ toJSON() { throw new TypeError('mine') }, toString() { throw new TypeError('mine') } }) ?? Promise.reject(new TypeError('shown')),
    'notify of too many': () => { for (;;) notify('x'); },
    'setTimeout of text': () => setTimeout('globalThis.x = 1'),
    'setTimeout of nothing': () => setTimeout(),
    'setTimeout with a symbol': () => setTimeout(() => {}, Symbol()),
    'setTimeout of too many': () => { const ids = []; try { for (;;) ids.push(setTimeout(() => {}, 1e9)); } finally { ids.forEach(clearTimeout); } },
    'queueMicrotask of text': () => queueMicrotask('globalThis.x = 1'),
    'new text': () => new text(),
    'new tool': () => new tools.echo(),
    'new exit': () => Reflect.construct(exit, []),
    'a tool that fails': () => tools.fail({}),
    'a tool there is not': () => tools.no_such_tool({}),
    'a tool given a circle': () => tools.echo(circular),
    'a tool given a bigint': () => tools.echo({ a: 1n }),
    'a tool given text': () => tools.echo('text'),
    'a tool given a symbol': () => tools.echo(Symbol()),
    'a tool given what throws': () => tools.echo({ a: thrower }),
    'a tool given what is too deep': () => { let a = []; for (let i = 0; i < 500; i++) a = [a]; return tools.echo({ a }); },
    'a tool given another signal': () => tools.echo({}, { signal: {} }),
    'a tool given an aborted signal': () => tools.echo({}, { signal: AbortSignal.abort() }),
    'a tool that is aborted': () => { const c = new AbortController(); const p = tools.never({}, { signal: c.signal }); c.abort(); return p; },
    'a tool that times out': () => tools.never({}, { signal: AbortSignal.timeout(1) }),
    'too many tools': () => Promise.all(Array.from({ length: 2000 }, () => { const c = new AbortController(); abortLater(c); return tools.never({}, { signal: c.signal }); })),
    'import of a file': () => import('file:///etc/passwd'),
    'import of a module of a host': () => import('node:fs'),
    'URL of nothing': () => new URL(''),
    'URL of a symbol': () => new URL(Symbol()),
    'URL with a base that is none': () => new URL('x', 'y'),
    'URLSearchParams of triples': () => new URLSearchParams([[1, 2, 3]]),
    'TextDecoder of a label': () => new TextDecoder('latin1'),
    'TextDecoder of bad bytes': () => new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([255])),
    'TextDecoder of a string': () => new TextDecoder().decode('x'),
    'atob of what is none': () => atob('*'),
    'btoa of what is wide': () => btoa('€'),
    'structuredClone of a function': () => structuredClone(() => {}),
    'structuredClone of a symbol': () => structuredClone(Symbol()),
    'structuredClone of what was taken': () => structuredClone(detached.buffer),
    'transfer of what was taken': () => structuredClone(detached.buffer, { transfer: [detached.buffer] }),
    'transfer twice': () => { const b = new ArrayBuffer(1); return structuredClone(b, { transfer: [b, b] }); },
    'getRandomValues of too many': () => crypto.getRandomValues(new Uint8Array(65537)),
    'getRandomValues of floats': () => crypto.getRandomValues(new Float64Array(1)),
    'dispatch of no event': () => new EventTarget().dispatchEvent({}),
    'AbortSignal made': () => new AbortSignal(),
    'throwIfAborted': () => AbortSignal.abort().throwIfAborted(),
};
const held = [];
function abortLater(controller) { held.push(controller); if (held.length === 2000) setTimeout(() => held.forEach((c) => c.abort())); }

for (const [what, body] of Object.entries(failures_)) await expectError(what, body);

// A helper at the end of the stack throws this realm's RangeError, and an error in an error as well.
for (const [name, helper] of Object.entries({ text, store, load, setTimeout, describe_tool, search_tools, structuredClone, echo: tools.echo })) {
    let thrown;
    (function deep() { try { deep() } catch (error) { try { helper({ a: [name] }, { b: 1 })?.catch?.(() => {}) } catch (error) { thrown ??= error } } })();
    if (thrown !== undefined) expectErrorOfThisRealm(`${name} at the end of the stack`, thrown);
}
expect('errors of failed calls are errors', (await tools.fail({}).catch((error) => error)) instanceof Error);
