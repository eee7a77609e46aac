// Sloppy functions tell who called them. A helper that calls one must not be told.

const spy = new Function('seen', `
    return function spy() {
        seen.caller = spy.caller;
        try { seen.callee = arguments.callee.caller } catch (error) { seen.error = error }
        seen.arguments = spy.arguments;
        seen.self = this;
        seen.given = Array.from(arguments);
        return 1;
    }`);

async function expectUncalled(what, use) {
    const seen = {};
    await use(spy(seen), seen);
    expect(`${what} ran`, 'given' in seen);
    expect(`${what}: caller`, seen.caller === null || seen.caller === undefined);
    expect(`${what}: arguments.callee.caller`, seen.callee === null || seen.callee === undefined);
    for (const key of ['self', 'given', 'arguments', 'error']) if (isObject(seen[key]) && seen[key] !== globalThis) expectOfThisRealm(`${what}: ${key}`, seen[key]);
}

await expectUncalled('a getter in text', (f) => text(Object.defineProperty({}, 'x', { enumerable: true, get: f })));
await expectUncalled('toJSON in text', (f) => text({ toJSON: f }));
await expectUncalled('toJSON in store', (f) => store('k', { toJSON: f }));
await expectUncalled('toJSON in a call', (f) => tools.echo({ a: { toJSON: f } }));
await expectUncalled('a timer', (f) => new Promise((done) => { setTimeout(f, 0, 1, 2); setTimeout(done, 1); }));
await expectUncalled('a microtask', (f) => new Promise((done) => { queueMicrotask(f); queueMicrotask(done); }));
await expectUncalled('a reaction to a call', (f) => tools.echo({ a: 1 }).then(f));
await expectUncalled('a reaction to a failure', (f) => tools.fail({}).catch(f));
await expectUncalled('then of what is resolved with', (f) => { Promise.resolve({ then: f }); return new Promise((done) => setTimeout(done, 1)); });
await expectUncalled('the delay of a timer', (f) => setTimeout(() => {}, { valueOf: f }));
await expectUncalled('prepareStackTrace', (f) => { Error.prepareStackTrace = f; try { store(); } catch (error) { error.stack; } Error.prepareStackTrace = undefined; });

for (const [name, helper] of Object.entries(HELPERS)) {
    for (const property of ['caller', 'arguments', 'callee']) {
        let value;
        try { value = helper[property]; } catch (error) { expectErrorOfThisRealm(`${name}.${property}`, error); }
        expect(`${name}.${property} is nothing`, value === undefined || value === null);
    }
}
