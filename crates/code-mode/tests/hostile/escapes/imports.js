// There are two modules to import, whoever asks and however.

const SPECIFIERS = ['fs', 'node:fs', 'node:process', 'child_process', 'file:///etc/passwd', 'file:///proc/self/environ', '/etc/passwd',
    './exec_main.mjs', 'exec_main.mjs', '../exec_main.mjs', 'data:text/javascript,export default 1', 'data:application/json,{}',
    'https://example.com/x.js', 'http://localhost/', 'blob:x', 'ext:core/ops', 'deno:x', 'bun:ffi', 'npm:left-pad', 'jsr:@std/fs', 'wasm:x',
    'CODE-MODE', 'code-mode/', 'code-mode/../fs', './code-mode', 'tools.js?x', 'tools.js#x', './tools.js', 'tools.js\0', 'tools', ' tools.js', 'internal/process', '__proto__', 'constructor', ''];

for (const specifier of SPECIFIERS) {
    const what = JSON.stringify(specifier);
    const error = await expectError(`import of ${what}`, () => import(specifier));
    expect(`import of ${what} is a TypeError`, error instanceof TypeError);
    await expectError(`import of ${what} in eval`, () => (0, eval)(`import(${what})`));
    await expectError(`import of ${what} in a function`, () => new Function(`return import(${what})`)());
    await expectError(`import of ${what} in a timer`, () => new Promise((done, fail) => setTimeout(() => import(specifier).then(done, fail))));
}
for (const type of ['json', 'javascript', 'css', 'webassembly', 'bytes', 'text', 'x']) {
    await expectError(`import as ${type}`, () => import('file:///etc/passwd', { with: { type } }));
    try { expectOfThisRealm(`tools.js as ${type}`, await import('tools.js', { with: { type } })); } catch (error) { expectErrorOfThisRealm(`tools.js as ${type}`, error); }
}
for (const options of [1, 'x', { with: 1 }, { with: { type: 1 } }, { with: { x: 'y' } }, { assert: { type: 'json' } }, new Proxy({}, {})]) {
    try { expectOfThisRealm('a module', await import('code-mode', options)); } catch (error) { expectErrorOfThisRealm('options of an import', error); }
}
for (const code of ["import.source('code-mode')", "import.defer('fs')", "import fs from 'fs'", "export * from 'fs'", 'import.meta', 'await 1', "import x from 'data:text/javascript,1'"]) {
    await expectError(code, () => (0, eval)(code));
}
let asked = 0;
await expectError('a specifier that changes', () => import({ toString() { return asked++ === 0 ? 'fs' : 'tools.js'; } }));
expect('a specifier is asked for its text once', asked === 1);

expect('import.meta says nothing', Reflect.ownKeys(import.meta).length === 0 && getPrototypeOf(import.meta) === null);
for (const name of ['code-mode', 'tools.js']) {
    const module = await import(name);
    expectOfThisRealm(name, module);
    expect(`${name} has no prototype`, getPrototypeOf(module) === null);
    expect(`${name} cannot be changed`, !Reflect.set(module, 'tools', 1) && !Reflect.defineProperty(module, 'x', { value: 1 }) && !Reflect.setPrototypeOf(module, {}));
}
