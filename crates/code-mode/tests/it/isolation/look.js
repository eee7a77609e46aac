// What a cell sees: all that is the same for every cell, whole; and what must be different.

// First, before anything of this script has used them.
const regexp = ['input', 'lastMatch', 'lastParen', 'leftContext', 'rightContext', '$1', '$2', '$9'].map((name) => RegExp[name]);
const random = [Math.random(), Math.random(), crypto.randomUUID()];
const timer = setTimeout(() => {}, 1e9);
const state = {
    regexp,
    timer,
    stack: new Error('here').stack,
    stackTraceLimit: Error.stackTraceLimit,
    prepareStackTrace: typeof Error.prepareStackTrace,
    formats: [Intl.DateTimeFormat, Intl.NumberFormat, Intl.Collator, Intl.PluralRules].map((Format) => new Format().resolvedOptions()),
    dates: [new Date(0), new Date(2020, 5, 1)].map((date) => `${date.toString()} ${date.toLocaleString()}`),
    number: (1234567.891).toLocaleString(),
    registered: Symbol.keyFor(Symbol.for('planted')),
    order: await (async () => {
        const order = [];
        const late = new Promise((done) => setTimeout(() => { order.push('timer'); done(); }));
        queueMicrotask(() => order.push('microtask'));
        const call = tools.echo({}).then(() => order.push('call'));
        await late;
        await call;
        return order;
    })(),
};

const primitive = (value) => {
    if (typeof value === 'string') return JSON.stringify(value);
    if (typeof value === 'symbol') return `${String(value)}${Symbol.keyFor(value) ?? ''}`;
    return `${typeof value} ${Object.is(value, -0) ? '-0' : String(value)}`;
};

const all = await places();
const paths = reachable(all);
const show = (value) => (isObject(value) ? `-> ${paths.get(value)}` : primitive(value));
const sourceOf = Function.prototype.toString;
const lines = [];
for (const [object, path] of paths) {
    const kind = typeof object === 'function' ? `function ${JSON.stringify(sourceOf.call(object))}` : Array.isArray(object) ? 'array' : 'object';
    const closed = Object.isFrozen(object) ? 'frozen' : Object.isSealed(object) ? 'sealed' : Object.isExtensible(object) ? 'open' : 'inextensible';
    lines.push(`${path}: ${kind} ${closed}, prototype ${show(prototypeOf(object))}`);
    for (const key of own(object)) {
        const property = describe(object, key);
        const attributes = `${property.writable ? 'w' : '-'}${property.enumerable ? 'e' : '-'}${property.configurable ? 'c' : '-'}`;
        const value = 'value' in property ? show(property.value) : `get ${show(property.get)} set ${show(property.set)}`;
        lines.push(`    ${String(key)} ${attributes} ${value}`);
    }
}
text(lines.join('\n'));
text(JSON.stringify(state, null, 1));
text(random);
