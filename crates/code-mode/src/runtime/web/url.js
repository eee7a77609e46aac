// URL and URLSearchParams. Parsing and serialising are native; a URL is kept as its href.
'use strict';

const {
    append, apply, defineInterface, isObject, list, requireArguments, sequence, sequenceBy, uncurried, usvString,
} = part('webidl');
const { TypeError } = globalThis;
const { create, defineProperty, getPrototypeOf } = Object;
const { ownKeys, getOwnPropertyDescriptor } = Reflect;
const { iterator, toStringTag } = Symbol;
const sortArray = uncurried(Array.prototype.sort);

/** Ways between a URL and its query, closed to scripts. */
let inside;

class URL {
    #href;
    #searchParams = undefined;

    constructor(url, base = undefined) {
        requireArguments(arguments.length, 1, 'URL');
        url = usvString(url);
        if (base !== undefined) base = usvString(base);
        const href = native.parseUrl(url, base);
        if (href === undefined) {
            throw new TypeError(`URL: ${invalid(url, base)}`);
        }
        this.#href = href;
    }
    static parse(url, base = undefined) {
        requireArguments(arguments.length, 1, 'URL.parse');
        const href = parsed(url, base);
        if (href === undefined) return null;
        return new URL(href);
    }
    static canParse(url, base = undefined) {
        requireArguments(arguments.length, 1, 'URL.canParse');
        return parsed(url, base) !== undefined;
    }
    get href() {
        return this.#href;
    }
    set href(value) {
        this.#href;
        const url = usvString(value);
        const href = native.parseUrl(url, undefined);
        if (href === undefined) throw new TypeError(`URL: ${invalid(url, undefined)}`);
        this.#become(href);
    }
    get origin() {
        return native.urlPart(this.#href, 'origin');
    }
    get protocol() {
        return native.urlPart(this.#href, 'protocol');
    }
    set protocol(value) {
        this.#set('protocol', value);
    }
    get username() {
        return native.urlPart(this.#href, 'username');
    }
    set username(value) {
        this.#set('username', value);
    }
    get password() {
        return native.urlPart(this.#href, 'password');
    }
    set password(value) {
        this.#set('password', value);
    }
    get host() {
        return native.urlPart(this.#href, 'host');
    }
    set host(value) {
        this.#set('host', value);
    }
    get hostname() {
        return native.urlPart(this.#href, 'hostname');
    }
    set hostname(value) {
        this.#set('hostname', value);
    }
    get port() {
        return native.urlPart(this.#href, 'port');
    }
    set port(value) {
        this.#set('port', value);
    }
    get pathname() {
        return native.urlPart(this.#href, 'pathname');
    }
    set pathname(value) {
        this.#set('pathname', value);
    }
    get search() {
        return native.urlPart(this.#href, 'search');
    }
    set search(value) {
        this.#set('search', value);
    }
    get searchParams() {
        const href = this.#href;
        this.#searchParams ??= inside.paramsOf(this, native.urlPart(href, 'search'));
        return this.#searchParams;
    }
    get hash() {
        return native.urlPart(this.#href, 'hash');
    }
    set hash(value) {
        this.#set('hash', value);
    }
    toString() {
        return this.#href;
    }
    toJSON() {
        return this.#href;
    }

    #set(name, value) {
        this.#href;
        value = usvString(value);
        this.#become(native.setUrlPart(this.#href, name, value));
    }
    #become(href) {
        this.#href = href;
        if (this.#searchParams !== undefined) {
            inside.reload(this.#searchParams, native.urlPart(href, 'search'));
        }
    }

    static {
        inside = {
            setSearch(url, query) {
                url.#href = native.setUrlPart(url.#href, 'search', query);
            },
        };
    }
}
defineInterface(URL);

const parsed = (url, base) => {
    url = usvString(url);
    return native.parseUrl(url, base === undefined ? undefined : usvString(base));
};

const invalid = (url, base) => {
    if (base !== undefined) return `${JSON_stringify(url)} is no URL on the base ${JSON_stringify(base)}`;
    return `${JSON_stringify(url)} is no URL by itself; a relative one needs a base, the second argument`;
};
const JSON_stringify = JSON.stringify;

class URLSearchParams {
    /** Name, value, name, value and so on. */
    #pairs = list();
    #url = null;

    constructor(init = '') {
        if (isObject(init)) {
            const method = init[iterator];
            if (method !== undefined && method !== null) this.#readSequence(init, method);
            else this.#readRecord(init);
        } else {
            const query = usvString(init);
            this.#pairs = native.parseForm(query[0] === '?' ? apply(slice, query, [1]) : query);
        }
    }
    get size() {
        return this.#pairs.length / 2;
    }
    append(name, value) {
        this.#pairs;
        requireArguments(arguments.length, 2, 'URLSearchParams.append');
        name = usvString(name);
        value = usvString(value);
        append(this.#pairs, name);
        append(this.#pairs, value);
        this.#update();
    }
    delete(name, value = undefined) {
        this.#pairs;
        requireArguments(arguments.length, 1, 'URLSearchParams.delete');
        name = usvString(name);
        if (value !== undefined) value = usvString(value);
        const kept = list();
        const pairs = this.#pairs;
        for (let index = 0; index < pairs.length; index += 2) {
            if (pairs[index] === name && (value === undefined || pairs[index + 1] === value)) continue;
            append(kept, pairs[index]);
            append(kept, pairs[index + 1]);
        }
        this.#pairs = kept;
        this.#update();
    }
    get(name) {
        this.#pairs;
        requireArguments(arguments.length, 1, 'URLSearchParams.get');
        const index = this.#find(usvString(name));
        return index < 0 ? null : this.#pairs[index + 1];
    }
    getAll(name) {
        this.#pairs;
        requireArguments(arguments.length, 1, 'URLSearchParams.getAll');
        name = usvString(name);
        const values = [];
        for (let index = 0; index < this.#pairs.length; index += 2) {
            if (this.#pairs[index] !== name) continue;
            const element = { __proto__: null, value: this.#pairs[index + 1], writable: true, enumerable: true, configurable: true };
            defineProperty(values, values.length, element);
        }
        return values;
    }
    has(name, value = undefined) {
        this.#pairs;
        requireArguments(arguments.length, 1, 'URLSearchParams.has');
        name = usvString(name);
        if (value !== undefined) value = usvString(value);
        return this.#find(name, value) >= 0;
    }
    set(name, value) {
        this.#pairs;
        requireArguments(arguments.length, 2, 'URLSearchParams.set');
        name = usvString(name);
        value = usvString(value);
        const kept = list();
        const pairs = this.#pairs;
        let isSet = false;
        for (let index = 0; index < pairs.length; index += 2) {
            if (pairs[index] !== name) {
                append(kept, pairs[index]);
                append(kept, pairs[index + 1]);
            } else if (!isSet) {
                isSet = true;
                append(kept, name);
                append(kept, value);
            }
        }
        if (!isSet) {
            append(kept, name);
            append(kept, value);
        }
        this.#pairs = kept;
        this.#update();
    }
    sort() {
        const pairs = this.#pairs;
        const order = list();
        for (let index = 0; index < pairs.length; index += 2) append(order, index);
        sortArray(order, (a, b) => {
            if (pairs[a] === pairs[b]) return a - b;
            return pairs[a] < pairs[b] ? -1 : 1;
        });
        const sorted = list();
        for (let index = 0; index < order.length; index++) {
            append(sorted, pairs[order[index]]);
            append(sorted, pairs[order[index] + 1]);
        }
        this.#pairs = sorted;
        this.#update();
    }
    toString() {
        return native.serializeForm(this.#pairs);
    }
    entries() {
        this.#pairs;
        return inside.iterate(this, 'entries');
    }
    keys() {
        this.#pairs;
        return inside.iterate(this, 'keys');
    }
    values() {
        this.#pairs;
        return inside.iterate(this, 'values');
    }
    forEach(callback, thisArg = undefined) {
        this.#pairs;
        requireArguments(arguments.length, 1, 'URLSearchParams.forEach');
        if (typeof callback !== 'function') {
            throw new TypeError('URLSearchParams.forEach: the first argument must be a function');
        }
        for (let index = 0; index < this.#pairs.length; index += 2) {
            apply(callback, thisArg, [this.#pairs[index + 1], this.#pairs[index], this]);
        }
    }

    #find(name, value = undefined) {
        for (let index = 0; index < this.#pairs.length; index += 2) {
            if (this.#pairs[index] === name && (value === undefined || this.#pairs[index + 1] === value)) return index;
        }
        return -1;
    }
    #update() {
        if (this.#url !== null) inside.setSearch(this.#url, native.serializeForm(this.#pairs));
    }
    #readSequence(init, method) {
        if (typeof method !== 'function') throw new TypeError('URLSearchParams: the argument is not iterable');
        const given = sequenceBy(init, method, 'URLSearchParams: the argument');
        const pairs = list();
        for (let index = 0; index < given.length; index++) {
            const pair = sequence(given[index], 'URLSearchParams: every element');
            for (let at = 0; at < pair.length; at++) pair[at] = usvString(pair[at]);
            append(pairs, pair);
        }
        for (let index = 0; index < pairs.length; index++) {
            if (pairs[index].length !== 2) {
                throw new TypeError(`URLSearchParams: every element must be a name and a value; one has ${pairs[index].length} elements`);
            }
            append(this.#pairs, pairs[index][0]);
            append(this.#pairs, pairs[index][1]);
        }
    }
    /** A `record<USVString, USVString>`: names that become the same are one, at the first's place. */
    #readRecord(init) {
        const places = create(null);
        const keys = ownKeys(init);
        for (let index = 0; index < keys.length; index++) {
            const descriptor = getOwnPropertyDescriptor(init, keys[index]);
            if (descriptor === undefined || !descriptor.enumerable) continue;
            const name = usvString(keys[index]);
            const value = usvString(init[keys[index]]);
            const place = places[name];
            if (place !== undefined) {
                this.#pairs[place] = value;
                continue;
            }
            append(this.#pairs, name);
            append(this.#pairs, value);
            places[name] = this.#pairs.length - 1;
        }
    }

    static {
        inside.paramsOf = (url, search) => {
            const params = new URLSearchParams(search);
            params.#url = url;
            return params;
        };
        inside.reload = (params, search) => {
            params.#pairs = new URLSearchParams(search).#pairs;
        };
        inside.pairs = (params) => params.#pairs;
    }
}
const { slice } = String.prototype;
defineInterface(URLSearchParams);
defineProperty(URLSearchParams.prototype, iterator, {
    __proto__: null, value: URLSearchParams.prototype.entries, writable: true, configurable: true,
});

/** What `entries`, `keys` and `values` give; made without a constructor that scripts could reach. */
const iteratorPrototype = getPrototypeOf(getPrototypeOf([][iterator]()));
class Iteration {
    #params;
    #kind;
    #index = 0;
    constructor(params, kind) {
        this.#params = params;
        this.#kind = kind;
    }
    next() {
        const pairs = inside.pairs(this.#params);
        const at = this.#index;
        if (at >= pairs.length) return { value: undefined, done: true };
        this.#index += 2;
        const name = pairs[at];
        const value = pairs[at + 1];
        if (this.#kind === 'keys') return { value: name, done: false };
        if (this.#kind === 'values') return { value, done: false };
        return { value: [name, value], done: false };
    }
}
delete Iteration.prototype.constructor;
Object.setPrototypeOf(Iteration.prototype, iteratorPrototype);
defineProperty(Iteration.prototype, 'next', { __proto__: null, enumerable: true });
defineProperty(Iteration.prototype, toStringTag, {
    __proto__: null, value: 'URLSearchParams Iterator', configurable: true,
});
inside.iterate = (params, kind) => new Iteration(params, kind);

return { URL, URLSearchParams };
