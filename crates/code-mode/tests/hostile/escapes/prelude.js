// What every class needs, taken before a class changes the built-ins.

const realm = { Function, Object, Error, Promise, Array, globalThis };
const { apply, getPrototypeOf, ownKeys, getOwnPropertyDescriptor } = Reflect;
const functionPrototype = Function.prototype, objectPrototype = Object.prototype, errorPrototype = Error.prototype;
const seenHas = Set.prototype.has, seenAdd = Set.prototype.add, testPattern = RegExp.prototype.test;
const put = text, SetOfRealm = Set, StringOfRealm = String;

let checks = 0, failures = '';

function expect(what, holds) {
    checks++;
    if (holds !== true) failures += `${what} ; `;
}

function report() {
    put(`report: ${checks} ${failures}`);
}

/** The names by which hosts are known, as code of a function constructor sees them. */
const HOST_NAMES = ['process', 'require', 'module', 'exports', 'global', 'Buffer', '__dirname', '__filename', 'Deno', 'Bun',
    'window', 'self', 'document', 'fetch', 'XMLHttpRequest', 'WebSocket', 'Worker', 'importScripts', 'print', 'read',
    'readline', 'readFile', 'load_file', 'quit', 'd8', 'os', 'gc', 'version', 'ShadowRealm', 'WebAssembly', 'SharedArrayBuffer', 'Atomics'];
const LOOK_OUT = `return this !== undefined && [${HOST_NAMES.map((name) => `typeof ${name}`)}].every((type) => type === 'undefined') && globalThis`;

/** Whether code made by this constructor runs in this realm and sees nothing of a host. */
function seesOnlyTheRealm(constructor) {
    return constructor(LOOK_OUT)() === realm.globalThis;
}

const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';
const HOST_TEXT = /\.rs\b|\.cargo|\/home\/|\/usr\/|\/root\/|\/tmp\/|\/work\/|[A-Z]:\\|node:internal|\bv8::/;

/** Expects everything that a value leads to, by properties and prototypes, to be of this realm. */
function expectOfThisRealm(what, value) {
    const seen = new SetOfRealm(), queue = { __proto__: null };
    let length = 0, foreign = '';
    const found = (next, path) => {
        if (typeof next === 'string' && apply(testPattern, HOST_TEXT, [next])) foreign ||= `${path} says ${next}`;
        if (!isObject(next) || apply(seenHas, seen, [next]) || length > 20000) return;
        apply(seenAdd, seen, [next]);
        queue[length++] = { __proto__: null, value: next, path };
    };
    found(value, what);
    for (let at = 0; at < length; at++) {
        const { value: object, path } = queue[at];
        let last = object, isFunction = false;
        for (let next = object; next !== null; next = getPrototypeOf(next)) {
            if (next === functionPrototype) isFunction = true;
            last = next;
        }
        if (typeof object === 'function' && !isFunction) foreign ||= `${path} is a function of another realm`;
        const owner = last === objectPrototype ? undefined : getOwnPropertyDescriptor(last, 'constructor')?.value;
        if (owner !== undefined) foreign ||= `${path} is an object of another realm`;
        found(getPrototypeOf(object), `${path}.__proto__`);
        const keys = ownKeys(object);
        for (let index = 0; index < keys.length && index < 2000; index++) {
            const described = getOwnPropertyDescriptor(object, keys[index]);
            if (described === undefined) continue;
            const next = `${path}.${StringOfRealm(keys[index])}`;
            found(described.value, next);
            found(described.get, next);
            found(described.set, next);
        }
    }
    expect(foreign || what, foreign === '');
}

/** Expects this to throw, or to reject with, an error of this realm; gives it back. */
async function expectError(what, body) {
    let error, failed = false;
    try {
        await body();
    } catch (thrown) {
        error = thrown;
        failed = true;
    }
    expect(`${what} fails`, failed);
    if (failed) expectErrorOfThisRealm(what, error);
    return error;
}

function expectErrorOfThisRealm(what, error) {
    expect(`the error of ${what} is an Error`, error instanceof realm.Error);
    expectOfThisRealm(`the error of ${what}`, error);
    const stack = error?.stack;
    expect(`the stack of ${what} says nothing of the host: ${stack}`, typeof stack !== 'string' || !apply(testPattern, HOST_TEXT, [stack]));
    if (isObject(error)) expect(`the constructors of the error of ${what}`, seesOnlyTheRealm(error.constructor.constructor));
}

/** The helpers and other functions of ours, by name. */
const HELPERS = { text, image, audio, forward_output, store, load, load_output, describe_tool, search_tools, notify, yield_control,
    exit, setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask, structuredClone, atob, btoa,
    log: console.log, info: console.info, warn: console.warn, error: console.error, debug: console.debug,
    echo: tools.echo, fail: tools.fail, never: tools.never };
const CLASSES = { URL, URLSearchParams, TextEncoder, TextDecoder, Event, EventTarget, AbortController, AbortSignal, DOMException };
