// Call sites can hand out the functions and receivers of frames. Those of the host must not be among them.

let sites = [];
Error.prepareStackTrace = (error, frames) => { sites = frames; return 'prepared'; };
const collect = () => { sites = []; new Error('x').stack; return sites; };
const FILES = /^(exec_main\.mjs|code-mode:web\/\w+\.js)$/;

function expectHarmless(what, frames) {
    expect(`${what} has frames that can be looked at`, Array.isArray(frames));
    for (const site of frames) {
        for (const method of ['getThis', 'getFunction']) {
            const value = site[method]();
            if (isObject(value)) expectOfThisRealm(`${what}: ${method}`, value);
            expect(`${what}: ${method} gives nothing but the script's`, value === undefined || value === null || value === globalThis || mine.has(value));
        }
        for (const method of ['getFileName', 'getScriptNameOrSourceURL', 'getEvalOrigin', 'toString', 'getTypeName', 'getFunctionName', 'getMethodName']) {
            const said = site[method]();
            expect(`${what}: ${method} says ${String(said)}`, !HOST_TEXT.test(String(said)));
        }
        const file = site.getFileName();
        expect(`${what}: a file called ${file}`, file === undefined || file === null || FILES.test(file));
        expectOfThisRealm(`${what}: call site`, site);
    }
}

const mine = new Set();
const sloppy = new Function('collect', 'return collect()');
mine.add(sloppy);

expectHarmless('a plain error', collect());
expectHarmless('a sloppy function', sloppy(collect));
let inner;
text({ get x() { inner = collect(); return 1; } });
expectHarmless('a getter in text', inner);
store('k', { toJSON() { inner = collect(); return 1; } });
expectHarmless('toJSON in store', inner);
await tools.echo({ toJSON() { inner = collect(); return {}; } });
expectHarmless('toJSON in a call', inner);
await new Promise((done) => setTimeout(() => { inner = collect(); done(); }));
expectHarmless('a timer', inner);
await tools.echo({}).then(() => { inner = collect(); });
expectHarmless('a reaction to a call', inner);
await tools.fail({}).catch((error) => { error.stack; inner = collect(); });
expectHarmless('a failed call', inner);
await new Promise((done) => queueMicrotask(() => { inner = collect(); done(); }));
expectHarmless('a microtask', inner);
const target = new EventTarget();
target.addEventListener('x', () => { inner = collect(); });
target.dispatchEvent(new Event('x'));
expectHarmless('a listener', inner);
structuredClone({ get x() { inner = collect(); return 1; } });
expectHarmless('a getter in structuredClone', inner);
new URL({ toString() { inner = collect(); return 'https://example.com'; } });
expectHarmless('toString in URL', inner);

for (const [what, body] of Object.entries({ text: () => new text(), store: () => store(), import: () => import('fs'), call: () => tools.echo(1n), timer: () => setTimeout(1), url: () => new URL('') })) {
    sites = [];
    try { await body(); } catch (error) { error.stack; }
    expectHarmless(`an error of ${what}`, sites);
}

const plain = {};
Error.captureStackTrace(plain);
plain.stack;
expectHarmless('captureStackTrace', sites);
for (const helper of Object.values(HELPERS)) {
    Error.captureStackTrace(plain, helper);
    expect('captureStackTrace up to a helper', typeof plain.stack === 'string');
    try { Error.captureStackTrace(helper); expectOfThisRealm('a helper with a stack', helper); } catch (error) { expectErrorOfThisRealm('captureStackTrace of a helper', error); }
}
Error.stackTraceLimit = Infinity;
expectHarmless('a stack without limit', collect());
Error.prepareStackTrace = undefined;
expect('a stack as text', !HOST_TEXT.test(new Error('x').stack));
