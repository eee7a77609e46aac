// Methods of our classes on values that are none of theirs, and the state behind them.

const instances = {
    URL: new URL('https://user:pass@example.com/?a=1#h'),
    URLSearchParams: new URLSearchParams('a=1'),
    TextEncoder: new TextEncoder(),
    TextDecoder: new TextDecoder(),
    Event: new Event('x'),
    EventTarget: new EventTarget(),
    AbortController: new AbortController(),
    AbortSignal: new AbortController().signal,
    DOMException: new DOMException('x'),
};
const receivers = [undefined, null, 1, 'x', {}, [], () => {}, globalThis, tools, text, ...Object.values(instances), ...Object.values(instances).map((one) => Object.create(one)), ...Object.values(instances).map((one) => new Proxy(one, {}))];
for (const [name, Class] of Object.entries(CLASSES)) {
    for (const key of Reflect.ownKeys(Class.prototype)) {
        const { get, set, value } = getOwnPropertyDescriptor(Class.prototype, key);
        for (const method of [get, set, value]) {
            if (typeof method !== 'function' || method === Class) continue;
            for (const receiver of receivers) {
                try {
                    const answer = apply(method, receiver, ['x', 'y']);
                    if (isObject(answer) && answer !== globalThis && answer !== receiver) expectOfThisRealm(`${name}.${String(key)}`, answer);
                    expect(`${name}.${String(key)} on another receiver`, true);
                } catch (error) {
                    expect(`the error of ${name}.${String(key)} is an Error: ${String(error)}`, error instanceof Error || error === undefined || error === 'x');
                }
            }
        }
    }
    expect(`${name} is called with new`, (() => { try { Class(); return false; } catch (error) { return error instanceof TypeError; } })());
    expect(`the source of ${name} says nothing of the host`, !HOST_TEXT.test(`${Class}`));
}
for (const [name, instance] of Object.entries(instances)) {
    const own = Reflect.ownKeys(instance);
    for (const key of own) if (isObject(instance[key])) expectOfThisRealm(`${name}.${String(key)}`, instance[key]);
    class Mine extends CLASSES[name] { }
    try { expectOfThisRealm(`a class of ${name}`, new Mine('https://example.com')); } catch (error) { expectErrorOfThisRealm(`a class of ${name}`, error); }
    Object.setPrototypeOf(instance, null);
    try { structuredClone(instance); } catch (error) { expectErrorOfThisRealm(`a clone of ${name}`, error); }
    try { text(instance); expect(`${name} without a prototype is shown`, true); } catch (error) { expectErrorOfThisRealm(`text of ${name}`, error); }
}
