// Errors that the engine makes by itself while it words another one, or at the end of its stack.

const unreadable = () => Object.assign(new Error('x'), { name: Symbol('name') });

await expectError('a stack whose name is a symbol', () => { const e = new Error('x'); e.name = Symbol(); return `${e}`; });
await expectError('an async function with such an error', async () => { const e = unreadable(); e.stack; throw `${e}`; });
await expectError('a generator with such an error', async () => { for await (const x of (async function* () { yield `${unreadable()}`; })()); });
for (const [name, body] of Object.entries({
    text: (e) => text(e),
    console: (e) => console.log(e),
    store: (e) => store('k', e),
    notify: (e) => notify(e),
    echo: (e) => tools.echo({ e }),
    structuredClone: (e) => structuredClone(e),
})) {
    try { await body(unreadable()); expect(`${name} takes an unreadable error`, true); } catch (error) { expectErrorOfThisRealm(`${name} of an unreadable error`, error); }
    const hostile = new Proxy(new Error('x'), { get() { throw new RangeError('mine') }, getOwnPropertyDescriptor() { throw new RangeError('mine') }, ownKeys() { throw new RangeError('mine') } });
    try { await body(hostile); expect(`${name} takes a proxy of an error`, true); } catch (error) { expectErrorOfThisRealm(`${name} of a proxy of an error`, error); }
}

// Overflows inside of built-ins, at every depth that is left.
function overflow(body) {
    let last;
    (function deep() { try { deep(); } catch { try { body(); } catch (error) { last = error; } } })();
    return last;
}
for (const [name, body] of Object.entries({
    'a pattern': () => /(a(b(c)))/.exec('abc').at(0).replaceAll(/a/g, (x) => x),
    'JSON': () => JSON.parse(JSON.stringify({ a: [{ b: 1 }] })),
    'a promise': () => Promise.resolve().then(() => {}),
    'a proxy': () => new Proxy({}, { get: () => Reflect.ownKeys({}) }).x,
    'an import': () => { import('tools.js'); },
    'Intl': () => new Intl.NumberFormat('en').format(1),
    'an eval': () => (0, eval)('[1].map((x) => x)'),
    'a URL': () => new URL('https://example.com'),
})) {
    const error = overflow(body);
    if (error !== undefined) expectErrorOfThisRealm(`an overflow in ${name}`, error);
}

await expectError('null', () => null.x);
await expectError('a bad length', () => new Array(-1));
await expectError('a bad string', () => 'x'.repeat(2 ** 30));
await expectError('a bad pattern', () => new RegExp('('));
await expectError('bad code', () => (0, eval)('}'));
await expectError('bad JSON', () => JSON.parse('{'));
await expectError('a bad locale', () => new Intl.NumberFormat('x'.repeat(100)));
await expectError('a revoked proxy', () => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return text(proxy) ?? proxy.x; });
await expectError('an aggregate', () => Promise.any([tools.fail({}), Promise.reject(new Error('x'))]));
const suppressed = await expectError('what is disposed of', async () => { await using x = { [Symbol.asyncDispose]: () => tools.fail({}) }; await tools.fail({}); });
expectErrorOfThisRealm('the suppressed error', suppressed.suppressed ?? suppressed);
