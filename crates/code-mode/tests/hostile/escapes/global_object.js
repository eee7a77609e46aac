// The global object: what its accessors are given, and what becomes of helpers when it is changed.

expect('globalThis has the one prototype', getPrototypeOf(getPrototypeOf(globalThis)) === null || getPrototypeOf(globalThis) === Object.prototype || getPrototypeOf(getPrototypeOf(getPrototypeOf(globalThis))) === null);
expectOfThisRealm('globalThis', globalThis);
for (const key of Reflect.ownKeys(globalThis)) {
    const { get, set, value } = getOwnPropertyDescriptor(globalThis, key);
    expect(`${String(key)} is a plain value or an accessor of this realm`, get === undefined || get instanceof Function);
    for (const receiver of [undefined, null, {}, Object.create(globalThis), new Proxy(globalThis, {}), 1]) {
        try { const got = Reflect.get(globalThis, key, receiver ?? {}); if (isObject(got) && got !== globalThis) seen(key, got); } catch (error) { expectErrorOfThisRealm(`${String(key)} of another receiver`, error); }
        for (const accessor of [get, set]) if (accessor) { try { const got = apply(accessor, receiver, [1]); if (isObject(got)) expectOfThisRealm(`an accessor of ${String(key)}`, got); } catch (error) { expectErrorOfThisRealm(`an accessor of ${String(key)}`, error); } }
    }
    if (isObject(value)) seen(key, value);
}
function seen(key, value) { if (isObject(value)) expect(`${String(key)} is of this realm`, value instanceof Object || getPrototypeOf(value) === null); }

// What a name that is not there is looked up on.
const asked = [];
const trap = new Proxy(Object.create(null), { get(...given) { asked.push(...given); }, has(...given) { asked.push(...given); return false; } });
if (Reflect.setPrototypeOf(globalThis, trap)) {
    try { (0, eval)('no_such_name'); } catch (error) { expectErrorOfThisRealm('a name that is not there', error); }
    text(1); store('k', 1); await tools.echo({});
    Reflect.setPrototypeOf(globalThis, Object.prototype);
}
for (const value of asked) if (isObject(value) && value !== globalThis && value !== trap) expectOfThisRealm('what the prototype of globalThis is given', value);

// Indirect code, and helpers under another this.
for (const receiver of [undefined, null, globalThis, tools, {}, Object.create(text), new Proxy({}, {}), 1n, Symbol()]) {
    for (const helper of [text, console.log, load, describe_tool]) {
        try { const answer = apply(helper, receiver, ['echo']); if (isObject(answer)) expectOfThisRealm('an answer', answer); expect('a helper needs no this', true); } catch (error) { expectErrorOfThisRealm('a helper under another this', error); }
    }
    expectOfThisRealm('a result', await apply(tools.echo, receiver, [{ a: 1 }]));
}
expect('a sloppy function sees the same global object', new Function('return this')() === globalThis);
expect('a strict one sees none', new Function('"use strict"; return this')() === undefined);
expect('code sees no variable of the module', (0, eval)('typeof checks') === 'undefined');

// Globals changed, locked and taken away.
const { text: say } = globalThis, { deleteProperty } = Reflect;
for (const key of ['text', 'store', 'tools', 'ALL_TOOLS', 'console', 'exit', 'URL', 'crypto']) {
    expect(`${key} can be replaced`, Reflect.defineProperty(globalThis, key, { configurable: true, get: () => 'mine' }) && globalThis[key] === 'mine');
}
const module = await import('code-mode');
expect('the module still has them', module.text === say && typeof module.tools.echo === 'function');
for (const key of Reflect.ownKeys(globalThis)) if (key !== 'globalThis') deleteProperty(globalThis, key);
module.text('still here');
module.store('k', 1);
expect('calls work without globals', (await module.tools.echo({ a: 1 })).a === 1);
expect('failures are errors without globals', (await module.tools.fail({}).catch((error) => error)) instanceof realm.Error);
