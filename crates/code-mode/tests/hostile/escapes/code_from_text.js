// Code made from text runs, in this realm and no other.

const kinds = { Function, AsyncFunction: (async () => {}).constructor, GeneratorFunction: (function* () {}).constructor, AsyncGeneratorFunction: (async function* () {}).constructor };
for (const [name, kind] of Object.entries(kinds)) {
    expectOfThisRealm(name, kind);
    for (const make of [(code) => kind(code), (code) => new kind(code), (code) => Reflect.construct(kind, [code]), (code) => apply(kind, null, [code]), (code) => kind.call(text, code), (code) => kind.bind(tools)(code), (code) => Reflect.construct(kind, [code], class extends kind {})]) {
        const made = make('return globalThis');
        expectOfThisRealm(`a ${name}`, made);
        let value = made();
        if (typeof value.next === 'function') value = (await value.next()).value;
        expect(`code of ${name} has the same global object`, (await value) === globalThis);
    }
}
expect('this of a new function', Function('return this')() === globalThis);
expect('eval, directly', eval('typeof process') === 'undefined' && eval('checks') === checks);
expect('eval, indirectly', (0, eval)('this') === globalThis);
expect('eval of eval', (0, eval)('eval')('globalThis') === globalThis);
expect('eval under another name', [eval][0]('this') === globalThis && globalThis['eval']('this') === globalThis && Reflect.apply(eval, tools, ['this']) === globalThis);
expect('parameters that end a function', (() => { try { return Function('}, globalThis.broken = function () {', '')() === undefined; } catch (error) { return error instanceof SyntaxError; } })());
expect('a body that ends a function', (() => { try { Function('}); globalThis.broken = 1; (function () {'); return false; } catch (error) { return error instanceof SyntaxError; } })());
expect('nothing was broken out of', globalThis.broken === undefined);
expect('a comment that ends a function', (() => { try { return Function('/*', '*/){')() === undefined; } catch (error) { return error instanceof SyntaxError; } })());
for (const code of ['new.target', 'super.x', 'import.meta', 'arguments', '#x in {}', 'return 1', 'await 1', 'yield 1']) {
    try { const value = (0, eval)(code); expect(`${code} gives nothing of the host`, !isObject(value) || value === globalThis); } catch (error) { expectErrorOfThisRealm(code, error); }
}
(0, eval)('var planted = 1; function planted_function() {}');
expect('what indirect code declares is on the global object', globalThis.planted === 1 && typeof planted_function === 'function');
const source = '//# sourceURL=file:///etc/passwd\n//# sourceMappingURL=file:///etc/passwd\nthrow new Error("x")';
const error = await expectError('code with a name of its own', () => (0, eval)(source.replace('file:///etc/', 'mine/').replace('file:///etc/', 'mine/')));
expect('a name given to code reads no file', !/root:/.test(error.stack));
await new Promise((done) => setTimeout(done));
expect('a function of text has no scope but the global one', Function('return typeof expect')() === 'undefined');
expect('dynamic code imports what modules may', typeof (await Function('return import("code-mode")')()).text === 'function');
