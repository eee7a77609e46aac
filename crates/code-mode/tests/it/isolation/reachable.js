// Every object that a script can get hold of by properties, prototypes and accessors, from the global
// object, from what only the syntax gives, and from the modules.

const own = Reflect.ownKeys, describe = Reflect.getOwnPropertyDescriptor, prototypeOf = Reflect.getPrototypeOf;
const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';

async function places() {
    const iterator = (iterable) => iterable[Symbol.iterator]();
    const places = {
        globalThis,
        meta: import.meta,
        helpers: await import('code-mode'),
        tools: await import('tools.js'),
        arguments: (function () { return arguments; })(1),
        sloppyArguments: new Function('return arguments')(1),
        sloppyFunction: new Function(''),
        generator: (function* () {})(),
        asyncFunction: async () => {},
        asyncGenerator: (async function* () {})(),
        arrayIterator: iterator([]),
        mapIterator: iterator(new Map()),
        setIterator: iterator(new Set()),
        stringIterator: iterator(''),
        matchIterator: 'x'.matchAll(/y/g),
        iteratorHelper: iterator([]).map((x) => x),
        wrappedIterator: Iterator.from({ next() { return { done: true }; } }),
        segments: new Intl.Segmenter().segment(''),
        segmentIterator: iterator(new Intl.Segmenter().segment('')),
        template: ((strings) => strings)`a${1}b`,
        bound: (function () {}).bind(),
        error: (() => { try { null.x; } catch (error) { return error; } })(),
        json: JSON.parse('{"a":[1]}'),
        result: await tools.echo({ a: [1] }),
        failure: await tools.fail({ message: 'no' }).catch((error) => error),
        unknown: tools.no_such_tool,
        signal: new AbortController().signal,
        search: new URL('https://example.com/?a=1').searchParams,
        searchIterator: iterator(new URLSearchParams('a=1')),
        event: new Event('e'),
        exception: new DOMException('m', 'AbortError'),
        clone: structuredClone({ a: [1] }),
        bytes: new TextEncoder().encode('é'),
    };
    return places;
}

/** The objects, each with the first path by which it is reached. */
function reachable(places) {
    const paths = new Map(), objects = [];
    const found = (value, path) => {
        if (!isObject(value) || paths.has(value)) return;
        paths.set(value, path);
        objects.push(value);
    };
    for (const name of own(places)) found(places[name], name);
    for (let next = 0; next < objects.length; next++) {
        const object = objects[next], path = paths.get(object);
        found(prototypeOf(object), `${path}.[[Prototype]]`);
        for (const key of own(object)) {
            const { value, get, set } = describe(object, key);
            const at = `${path}.${String(key)}`;
            found(value, at);
            found(get, `get ${at}`);
            found(set, `set ${at}`);
        }
    }
    return paths;
}
