// From any value to the constructor of its constructor, and by that to code in the realm the value is of.

const results = {
    result: await tools.echo({ a: [1, { b: 'c' }] }),
    loaded: (store('k', { a: [1] }), load('k')),
    described: describe_tool('echo'),
    found: search_tools('echo'),
    all: ALL_TOOLS,
    tools,
    console,
    helpers: await import('code-mode'),
    toolsModule: await import('tools.js'),
    meta: import.meta,
    timer: setTimeout(() => {}, 0),
    promise: tools.echo({}),
    unknown: tools.no_such_tool,
    url: new URL('https://example.com/?a=1'),
    parameters: new URL('https://example.com/?a=1').searchParams,
    bytes: new TextEncoder().encode('x'),
    clone: structuredClone({ a: new Map([[1, new Date()]]) }),
    signal: AbortSignal.abort(),
    timeout: AbortSignal.timeout(1),
    event: new Event('x'),
    random: crypto.getRandomValues(new Uint8Array(4)),
    performance,
    crypto,
};

for (const [name, value] of Object.entries({ ...HELPERS, ...CLASSES, ...results, globalThis })) {
    expectOfThisRealm(name, value);
    if (!isObject(value)) continue;
    for (let object = value, depth = 0; object !== null && depth < 5; object = getPrototypeOf(object), depth++) {
        const constructor = object.constructor;
        if (typeof constructor !== 'function') continue;
        expect(`${name}: constructor ${depth} is of this realm`, constructor instanceof Function);
        expect(`${name}: constructor of constructor ${depth}`, seesOnlyTheRealm(constructor.constructor));
    }
}

expect('constructor of this', this === undefined);
expect('constructor of globalThis', seesOnlyTheRealm(globalThis.constructor.constructor));
for (const value of [1, '', true, 1n, Symbol(), () => {}, async () => {}, [], {}, /x/, new Date()]) {
    expect(`constructor of ${typeof value}`, value.constructor.constructor === Function);
}
for (const [name, helper] of Object.entries(HELPERS)) {
    expect(`${name} has no prototype to change`, !('prototype' in helper));
    expect(`the source of ${name} says nothing of the host`, !HOST_TEXT.test(Function.prototype.toString.call(helper)));
}
for (const name of ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', '__defineGetter__', '__lookupGetter__', 'valueOf']) {
    const value = tools[name];
    if (isObject(value)) expectOfThisRealm(`tools.${name}`, value);
    expect(`tools.${name} is no tool`, !Object.hasOwn(tools, name));
}
