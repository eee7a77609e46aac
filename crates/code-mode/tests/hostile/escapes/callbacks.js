// Helpers as the callbacks of others, and what callbacks of the script's are given.

const seen = [];
const sloppy = new Function('seen', 'return function (...given) { seen.push(this, ...given) }')(seen);
const strict = function (...given) { seen.push(this, ...given); };
const wait = () => new Promise((done) => setTimeout(done, 2));

for (const callback of [sloppy, strict]) {
    setTimeout(callback, 0, 1, {});
    const id = setInterval(callback, 0);
    queueMicrotask(callback);
    await wait();
    clearInterval(id);
    const target = new EventTarget();
    target.addEventListener('x', callback);
    target.addEventListener('x', { handleEvent: callback });
    target.dispatchEvent(new Event('x'));
    const controller = new AbortController();
    controller.signal.onabort = callback;
    controller.abort({ mine: 1 });
    AbortSignal.timeout(1).addEventListener('abort', callback);
    new URLSearchParams('a=1').forEach(callback);
    await tools.echo({}).then(callback);
    await tools.fail({}).then(null, callback);
    await wait();
}
expect('callbacks ran', seen.length > 20);
for (const value of seen) if (isObject(value) && value !== globalThis) expectOfThisRealm('what a callback is given', value);
expect('a strict callback has no other this', !seen.includes(null));

// A helper where a function of the script's is expected: it is given what a script's would be.
queueMicrotask(text);
setTimeout(text, 0, 'a');
setTimeout(console.log, 0, 'b');
Promise.resolve('c').then(text);
['d'].forEach(text);
[3, 1].sort(console.log);
'e'.replace('e', text);
new Map([['f', 'k']]).forEach((value, key) => [[value, key]].forEach(([k, v]) => store(k, v)));
new Map([['f', 1]]).forEach(text);
JSON.parse('["g"]', text);
JSON.stringify({ h: 1 }, describe_h());
function describe_h() { return (key, value) => (text(key), value); }
Array.from({ length: 1 }, text);
Reflect.apply(text, undefined, ['i']);
new Proxy({}, { get: text }).x;
new Proxy({}, { ownKeys: () => [], has: text }).x;
Object.defineProperty({}, 'x', { get: text }).x;
Object.defineProperty({}, 'x', { set: text }).x = 'j';
({ toString: text, valueOf: () => 1 }) + 1;
({ then: text });
await Promise.race([Promise.resolve({ then: text }), Promise.resolve(1)]);
await { then: (done) => setTimeout(done, 0, tools) };
expectOfThisRealm('tools through a thenable', await { then: (done) => done(tools) });
class Field { x = text('k'); static { text('l'); } get [text('m') ?? 'n']() { return 1; } }
new Field();
`${text`template`}`;
new EventTarget().addEventListener('x', text);
await wait();
expect('helpers may be anybody’s callbacks', true);

// Text is no code.
await expectError('a timer of text', () => setTimeout('globalThis.evaluated = 1', 0));
await expectError('an interval of text', () => setInterval('globalThis.evaluated = 1', 0));
await expectError('a microtask of text', () => queueMicrotask('globalThis.evaluated = 1'));
await wait();
expect('no text was evaluated', globalThis.evaluated === undefined);
setTimeout(eval, 0, 'globalThis.evaluated = typeof process');
await wait();
expect('what eval is given in a timer runs in this realm', globalThis.evaluated === 'undefined');
