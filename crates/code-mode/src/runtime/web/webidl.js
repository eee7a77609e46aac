// What our classes share: the shape Web IDL gives an interface, its conversions, and lists no script
// can reach into. What a script does to the built-ins later must not change ours: every part takes
// what it needs of them when it is loaded.
'use strict';

const { TypeError, Map } = globalThis;
const { defineProperty, getPrototypeOf, setPrototypeOf, prototype: plainPrototype } = Object;
const { apply, ownKeys } = Reflect;
const { toWellFormed } = String.prototype;
const { iterator, toStringTag } = Symbol;
const { isFinite } = Number;
const { trunc } = Math;

/** `method` as a function of its receiver and arguments. */
const uncurried = (method) => (receiver, ...values) => apply(method, receiver, values);
const mapGet = uncurried(Map.prototype.get);
const mapSet = uncurried(Map.prototype.set);
const mapHas = uncurried(Map.prototype.has);
const mapDelete = uncurried(Map.prototype.delete);
const mapForEach = uncurried(Map.prototype.forEach);

/** Prototypes of interfaces: objects that have one on their chain are no plain objects. */
const interfaces = new Map();

/** Gives a class the attributes an interface has: what has a name is enumerable. */
const defineInterface = (Class, name = Class.name) => {
    const members = (object, skipped) => {
        for (const key of ownKeys(object)) {
            if (typeof key === 'string' && !skipped.includes(key)) {
                defineProperty(object, key, { __proto__: null, enumerable: true });
            }
        }
    };
    members(Class, ['length', 'name', 'prototype']);
    members(Class.prototype, ['constructor']);
    defineProperty(Class.prototype, toStringTag, { __proto__: null, value: name, configurable: true });
    mapSet(interfaces, Class.prototype, true);
};

/** Constants of an interface stand on its class and on its prototype. */
const defineConstants = (Class, constants) => {
    for (const name of ownKeys(constants)) {
        const constant = { __proto__: null, value: constants[name], enumerable: true };
        defineProperty(Class, name, constant);
        defineProperty(Class.prototype, name, constant);
    }
};

const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';

/** Whether an object is of one of our interfaces, or made to look so. */
const isPlatformObject = (object) => {
    let prototype = getPrototypeOf(object);
    while (prototype !== null && prototype !== plainPrototype) {
        if (mapHas(interfaces, prototype)) return true;
        prototype = getPrototypeOf(prototype);
    }
    return false;
};

/** An array without a prototype: no accessor of a script's answers for its elements. */
const list = (array = []) => setPrototypeOf(array, null);
const append = (to, value) => { to[to.length] = value; };

const requireArguments = (count, required, what) => {
    if (count < required) {
        throw new TypeError(`${what} needs ${required} argument${required > 1 ? 's' : ''}, not ${count}`);
    }
};

/** A `USVString`: lone surrogates become U+FFFD. */
const usvString = (value) => apply(toWellFormed, `${value}`, []);

/** The members of a dictionary are read from the value this gives, `undefined` standing for none. */
const dictionary = (value, what) => {
    if (value !== undefined && value !== null && !isObject(value)) {
        throw new TypeError(`${what} must be an object`);
    }
    return value ?? undefined;
};

/** A `sequence<any>`, as a list. */
const sequence = (value, what) => {
    const method = isObject(value) ? value[iterator] : undefined;
    if (typeof method !== 'function') throw new TypeError(`${what} must be iterable`);
    return sequenceBy(value, method, what);
};

/** The same, of a value whose iterator method was read already. */
const sequenceBy = (value, method, what) => {
    const made = apply(method, value, []);
    if (!isObject(made)) throw new TypeError(`${what} has an iterator that is no object`);
    const { next } = made;
    const values = list();
    for (;;) {
        const step = apply(next, made, []);
        if (!isObject(step)) throw new TypeError(`${what} has an iterator whose result is no object`);
        if (step.done) return values;
        append(values, step.value);
    }
};

/** An `[EnforceRange] unsigned long long`. */
const enforceUnsigned = (value, what) => {
    const number = trunc(+value);
    if (!isFinite(number) || number < 0 || number > 9007199254740991) {
        throw new TypeError(`${what} must be a number from 0 to 9007199254740991`);
    }
    return number + 0;
};

return {
    append, apply, defineConstants, defineInterface, dictionary, enforceUnsigned, isObject, isPlatformObject,
    list, mapDelete, mapForEach, mapGet, mapHas, mapSet, requireArguments, sequence, sequenceBy, uncurried,
    usvString,
};
