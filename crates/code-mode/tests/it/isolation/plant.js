// Leaves a trace in every place there is, and ends as `fate` says.

const { Promise: Original, text: say, exit: leave, setTimeout: later, setInterval: often } = globalThis;
const { defineProperty, set, setPrototypeOf } = Reflect;
const all = await places();
const paths = reachable(all);

// What has state of its own.
/(sec)(ret)/.exec('a planted secret here');
RegExp.input = 'planted';
Error.stackTraceLimit = 1;
Error.prepareStackTrace = () => 'planted';
later(() => say('a timer of another cell'), 1e6);
often(() => {}, 1e6);
tools.never({});
tools.never.raw({});
notify('planted');
const registry = new FinalizationRegistry(() => say('a finalizer of another cell'));
for (let count = 0; count < 1000; count++) registry.register({ count }, count);
globalThis.planted = {
    weak: new WeakRef({}), registry, symbol: Symbol.for('planted'), pending: new Promise(() => {}),
    suspended: (function* () { yield 1; })(),
};
globalThis.planted.suspended.next();
all.signal.addEventListener('abort', () => say('a listener of another cell'));
(0, eval)('var plantedByEval = 1; function plantedFunction() {}');
for (let count = 0; count < 100; count++) Math.random();

// A mark on every object; what can be replaced is, last of all what this loop needs.
const mark = Symbol.for('planted');
let marked = 0;
const poison = function planted() { throw 'planted'; };
const objects = [...paths.keys()];
const functions = [];
for (const object of objects) {
    for (const key of own(object)) {
        const property = describe(object, key);
        if (typeof property.value === 'function' && (property.writable || property.configurable)) functions.push([object, key]);
    }
}
for (let at = 0; at < objects.length; at++) {
    const value = { value: 'planted', writable: true, enumerable: true, configurable: true };
    if (defineProperty(objects[at], 'planted', value) && defineProperty(objects[at], mark, value)) marked++;
}
Object.freeze(Math);
delete globalThis.JSON;
setPrototypeOf(globalThis, { planted: 1, __proto__: Object.prototype });
for (let at = 0; at < functions.length; at++) set(functions[at][0], functions[at][1], poison);
say(`${marked}`);

switch (fate) {
    case 'end': break;
    case 'throw': throw 'planted';
    case 'exit': leave();
    case 'compute': for (;;);
    case 'grow': { let grown = { grown: null }; for (;;) grown = { grown, a: 1, b: 2, c: 3 }; }
    case 'wait':
        // `await` looks at the constructor.
        Original.prototype.constructor = Original;
        await new Original(() => {});
}
