// Built-ins that the script has replaced before it calls a helper: the helper must do without them, and
// what it hands out must be the same.

const promise = Promise, ran = [];
const { defineProperty, getOwnPropertyNames } = Object, { isArray } = Array, stringify = JSON.stringify, join = Array.prototype.join;
const importMine = import('code-mode');
await importMine;

/** Replaces a function; what is replaced still works, and says that it ran. */
const replace = (owner, name) => {
    const original = getOwnPropertyDescriptor(owner, name).value;
    if (typeof original !== 'function' || name === 'constructor') return;
    defineProperty(owner, name, { __proto__: null, configurable: true, writable: true, value: function (...given) { noted(name); return apply(original, this, given); } });
};
let noting = false, names = '';
const noted = (name) => { if (noting) names += `${name} `; };

for (const [owner, keys] of [
    [JSON, getOwnPropertyNames(JSON)],
    [Promise, ['resolve', 'reject', 'all', 'withResolvers', 'try']],
    [Object, getOwnPropertyNames(Object)],
    [Array, ['from', 'of', 'isArray']],
    [Reflect, getOwnPropertyNames(Reflect)],
    [String, ['raw', 'fromCharCode']],
    [Map.prototype, getOwnPropertyNames(Map.prototype)],
    [Array.prototype, getOwnPropertyNames(Array.prototype)],
    [String.prototype, getOwnPropertyNames(String.prototype)],
    [Function.prototype, ['call', 'apply', 'bind', 'toString']],
    [RegExp.prototype, ['exec', 'test']],
    [Object.prototype, ['hasOwnProperty', 'propertyIsEnumerable', 'isPrototypeOf']],
]) {
    for (let i = 0; i < keys.length; i++) replace(owner, keys[i]);
}

const use = async (what, body) => {
    names = '';
    noting = true;
    let answer;
    try { answer = body(); } finally { noting = false; }
    expect(`${what} runs ${names}`, names === '');
    return answer;
};
await use('text', () => text({ a: [1, 'x'] }));
await use('notify', () => notify({ a: [1] }));
await use('store', () => store('k', { a: [1, 'x'] }));
expect('load', stringify(await use('load', () => load('k'))) === '{"a":[1,"x"]}');
await use('setTimeout', () => setTimeout(() => {}, 0));
await use('describe_tool', () => describe_tool('echo'));
await use('search_tools', () => search_tools('echo'));
await use('ALL_TOOLS', () => ALL_TOOLS[0].name);
await use('forward_output', () => forward_output({ content: [{ type: 'text', text: 'x' }] }));
expect('a call', stringify(await await use('a call', () => tools.echo({ a: [1] }))) === '{"a":[1]}');
await (await use('a call that fails', () => tools.fail({}).then(() => {}, () => {})));

// Setters, getters and methods on what every value inherits, all of them throwing.
const keysOfOurs = ['a', 'name', 'message', 'stack', 'cause', 'tool', 'value', 'get', 'set', 'writable', 'enumerable', 'configurable', 'then', 'toJSON',
    'signal', 'type', 'text', 'content', 'start', 'end', 'grep', 'server', 'limit', 'length', '0', '1', 'with', 'transfer', 'result', 'isError', 'structuredContent', 'detail', 'image_url', 'url'];
const planted = [];
for (const key of keysOfOurs) {
    for (const owner of [Object.prototype, Array.prototype, Function.prototype, Error.prototype]) {
        const had = getOwnPropertyDescriptor(owner, key);
        if (had) continue;
        defineProperty(owner, key, { __proto__: null, configurable: true, get() { throw new RangeError('planted') }, set() { throw new RangeError('planted') } });
        planted[planted.length] = { __proto__: null, owner, key };
    }
}
const outcomes = { __proto__: null };
const attempt = async (what, body) => {
    try { outcomes[what] = { __proto__: null, value: await body() }; } catch (error) { outcomes[what] = { __proto__: null, error }; }
};
await attempt('text', () => text([1]));
await attempt('store', () => store('k', [1]));
await attempt('load', () => { load('k'); });
await attempt('call', async () => { await tools.echo({ __proto__: null, b: 1 }); });
await attempt('fail', async () => { await tools.fail({ __proto__: null }); });
await attempt('unknown', async () => { await tools.nothing({ __proto__: null }); });
await attempt('describe_tool', () => { describe_tool('echo'); });
await attempt('search_tools', () => { search_tools('echo'); });
await attempt('import', async () => { await import('fs'); });
await attempt('console', () => console.log([1], { __proto__: null, b: new Error('x') }));
await attempt('timer', () => new promise((done) => setTimeout(done, 0)));
await attempt('first touch of URLSearchParams', () => { new URLSearchParams('a=1'); });
await attempt('first touch of structuredClone', () => { structuredClone({ __proto__: null, b: [1] }); });
await attempt('first touch of EventTarget', () => { new EventTarget(); });
await attempt('first touch of AbortController', () => { new AbortController().abort(); });
await attempt('first touch of TextDecoder', () => { new TextDecoder(); });
for (let i = 0; i < planted.length; i++) delete planted[i].owner[planted[i].key];
for (const what in outcomes) {
    const { error } = outcomes[what];
    if (error !== undefined) expectErrorOfThisRealm(`${what} with planted properties`, error);
    else expect(`${what} with planted properties`, true);
}
expect('a failure is what it is, whatever was planted', outcomes.fail.error?.message === 'it fails');

// Whole built-ins gone.
const saved = { __proto__: null, JSON, Promise, Error, TypeError, RangeError, Map, Symbol, Reflect, Proxy };
for (const name in saved) globalThis[name] = null;
let answered, thrown, missing;
try { text([1, { b: 2 }]); answered = await tools.echo({ c: 1 }); } catch (error) { thrown = error; }
try { await tools.fail({}); } catch (error) { missing = error; }
for (const name in saved) globalThis[name] = saved[name];
expect('helpers do without built-ins', thrown === undefined && answered?.c === 1);
expectErrorOfThisRealm('a failure without built-ins', missing);
