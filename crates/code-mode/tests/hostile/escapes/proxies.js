// Proxies around what the host gives, and proxies given to it: a trap must see the script's values alone.

const seen = [];
const traps = {};
for (const trap of ['apply', 'construct', 'defineProperty', 'deleteProperty', 'get', 'getOwnPropertyDescriptor', 'getPrototypeOf', 'has', 'isExtensible', 'ownKeys', 'preventExtensions', 'set', 'setPrototypeOf']) {
    traps[trap] = (...given) => { seen.push(...given); return Reflect[trap](...given); };
}
const spy = (target) => new Proxy(target, traps);

for (const [name, helper] of Object.entries(HELPERS)) {
    await expectError(`new ${name}`, () => Reflect.construct(helper, []));
    const made = Reflect.construct(Object, [], spy(function () {}));
    expectOfThisRealm('what a proxy constructs', made);
    await expectError(`${name} as new.target`, () => Reflect.construct(Array, [], helper));
    await expectError(`a class of ${name}`, () => { class A extends helper {} return new A(); });
    if (['exit', 'yield_control', 'never'].includes(name)) continue;
    try { await spy(helper)(spy({ a: spy([1]) }), spy({})); expect(`a proxy of ${name} can be called`, true); } catch (error) { expectErrorOfThisRealm(`a proxy of ${name}`, error); }
    try { await spy(helper)('k', spy(['x'])); } catch (error) { expectErrorOfThisRealm(`a proxy of ${name}`, error); }
    expectOfThisRealm(`a proxy of ${name}`, spy(helper));
}
for (const object of [tools, ALL_TOOLS, console, globalThis, import.meta, crypto, performance]) {
    const proxy = spy(object);
    for (const key of Reflect.ownKeys(proxy)) {
        try { if (isObject(proxy[key])) seen.push(proxy[key]); } catch (error) { expectErrorOfThisRealm(`a proxy of ${String(key)}`, error); }
    }
}
for (const [name, Class] of Object.entries(CLASSES)) {
    try { expectOfThisRealm(`a proxy of ${name}`, new (spy(Class))('https://example.com', spy({}))); } catch (error) { expectErrorOfThisRealm(`a proxy of ${name}`, error); }
    try { expectOfThisRealm(`${name} by Reflect`, Reflect.construct(Class, ['utf-8'], spy(Class))); } catch (error) { expectErrorOfThisRealm(`${name} by Reflect`, error); }
    for (const key of Reflect.ownKeys(Class.prototype)) {
        try { if (isObject(spy(Class.prototype)[key])) seen.push(Class.prototype[key]); } catch (error) { expectErrorOfThisRealm(`${name}.prototype.${String(key)}`, error); }
    }
}
expect('traps were called', seen.length > 50);
for (const value of new Set(seen)) if (isObject(value)) expectOfThisRealm('what a trap is given', value);

// A proxy that is revoked while it is read, and one whose traps lie.
for (const helper of [text, console.log, (x) => store('k', x), (x) => tools.echo(x), structuredClone, forward_output, notify]) {
    const { proxy, revoke } = Proxy.revocable({ a: 1, b: 2 }, { get(...given) { revoke(); return Reflect.get(...given); } });
    try { await helper({ x: proxy }); expect('a revoked proxy is taken', true); } catch (error) { expectErrorOfThisRealm('a revoked proxy', error); }
    const liar = new Proxy([], { get: (target, key) => (key === 'length' ? 3 : key === 'toJSON' ? undefined : { get x() { return liar.y; } }), ownKeys: () => ['length', '0', 'a', Symbol.iterator], has: () => true });
    try { await helper({ x: liar }); expect('a lying proxy is taken', true); } catch (error) { expectErrorOfThisRealm('a lying proxy', error); }
}
