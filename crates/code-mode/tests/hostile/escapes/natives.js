// Syntax and names of the engine's own shell and tests.

for (const code of ['%DebugPrint(1)', '%SystemBreak()', '%GetOptimizationStatus(text)', '%OptimizeFunctionOnNextCall(text)', '%ArrayBufferDetach(new ArrayBuffer(1))', '%AbortJS("x")', '%ConstructInternalizedString("x")', '%GlobalPrint("x")', '%_IsSmi(1)', '@@x', '%%']) {
    const error = await expectError(code, () => (0, eval)(code));
    expect(`${code} is no syntax`, error instanceof SyntaxError);
    await expectError(`${code} in a function`, () => new Function(code));
    await expectError(`${code} in a timer's text`, () => setTimeout(code));
}
for (const name of HOST_NAMES) {
    expect(`${name} is not there`, !(name in globalThis) && (0, eval)(`typeof ${name}`) === 'undefined');
}
for (const name of ['v8', 'd8', 'performance.measureMemory', 'console.profile', 'console.context', 'console.table', 'Realm', 'realm', 'createRealm', 'arguments', 'scriptArgs', 'std', 'bjson', 'Packages', 'java', 'Java', 'Polyglot', 'ivm', '__quickjs', 'uneval', 'ActiveXObject', 'WScript', 'evalcx', 'wrappedJSObject', 'externalizeString', 'isOneByteString', 'setTimeoutNative', 'internalBinding', 'primordials', '__bootstrap', 'queueMacrotask']) {
    expect(`${name} is not there`, (0, eval)(`typeof ${name}`) === 'undefined');
}
expect('Error has nothing but its own', Reflect.ownKeys(Error).every((key) => ['length', 'name', 'prototype', 'captureStackTrace', 'stackTraceLimit', 'isError', 'prepareStackTrace'].includes(key)));
await expectError('the source of what is no function', () => Function.prototype.toString.call({ __proto__: text }));
// The legacy names on RegExp remember the last text that was matched: it must be the script's.
/mine/.exec('mine');
await tools.fail({}).catch(() => {});
new URL('https://example.com/path');
try { await import('fs'); } catch {}
describe_tool('echo'), search_tools('echo');
for (const name of ['input', 'lastMatch', 'leftContext', 'rightContext', '$1', '$_']) expect(`RegExp.${name} says ${RegExp[name]}`, ['mine', ''].includes(RegExp[name]));
