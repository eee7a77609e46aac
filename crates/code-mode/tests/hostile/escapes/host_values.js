// Names that mean something to JavaScript, in values that the host keeps or hands out: they are data.

const dangerous = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toJSON":1,"then":1,"toString":1,"valueOf":1,"hasOwnProperty":1,"length":-1}');
for (const [what, value] of Object.entries({ result: await tools.echo(dangerous), loaded: (store('k', dangerous), load('k')), clone: structuredClone(dangerous) })) {
    expect(`${what} has a plain prototype`, getPrototypeOf(value) === Object.prototype);
    expect(`${what} keeps __proto__ as a member`, Object.hasOwn(value, '__proto__') && value['__proto__'].polluted === 1);
    expect(`${what} changes no other object`, {}.polluted === undefined && Object.prototype.polluted === undefined && Function.prototype.polluted === undefined);
    expectOfThisRealm(what, value);
}
for (const key of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '', '\0', '../../etc/passwd', '/etc/passwd', '\ud800']) {
    const what = JSON.stringify(key);
    expect(`load(${what}) is nothing before`, load(key) === undefined);
    try {
        store(key, { polluted: 1 });
        expect(`load(${what}) is what was stored`, load(key)?.polluted === 1);
    } catch (error) { expectErrorOfThisRealm(`store(${what})`, error); }
    expect(`store(${what}) changes no other object`, {}.polluted === undefined);
    try { const answer = describe_tool(key); if (isObject(answer)) expectOfThisRealm('a description', answer); } catch (error) { expectErrorOfThisRealm(`describe_tool(${what})`, error); }
    try { expectOfThisRealm('what was found', search_tools(key)); } catch (error) { expectErrorOfThisRealm(`search_tools(${what})`, error); }
    await expectError(`load_output(${what})`, () => load_output(key));
    expect(`tools has no ${what}`, !Object.hasOwn(tools, key));
}
// What was handed out is a copy.
const first = load('k');
first.changed = true;
expect('what is loaded is a copy', load('k').changed === undefined);
const given = { a: { b: 1 } }, result = await tools.echo(given);
result.a.b = 2;
expect('a result is a copy', given.a.b === 1);
const shared = { a: 1 };
store('shared', shared);
shared.a = 2;
expect('what is stored is a copy', load('shared').a === 1);
// What is listed is the script's own to change, and changes nothing else.
for (const entry of ALL_TOOLS) { try { entry.name = 'mine'; } catch {} }
expect('the tools are what they were', typeof tools.echo === 'function' && (await tools.echo({ a: 1 })).a === 1);
tools.echo.constructor = tools.echo.call = tools.echo.apply = null;
expect('a tool works whatever is put on it', (await tools.echo({ a: 1 })).a === 1);
for (const path of ['file:///etc/passwd', '/etc/passwd', 'data:text/plain;base64,' + btoa('x')]) {
    try { image(path); expect(`image(${path}) hands on a data URL alone`, path.startsWith('data:')); } catch (error) { expectErrorOfThisRealm(`image(${path})`, error); }
}
expect('a URL of a file reads nothing', new URL('file:///etc/passwd').href === 'file:///etc/passwd');
