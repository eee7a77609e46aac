// structuredClone: first everything is read into records, then the records become values, so that
// what a getter of the script does, or a value that cannot be cloned, leaves nothing half done.
'use strict';

const {
    append, apply, dictionary, isObject, isPlatformObject, list, mapForEach, mapGet, mapHas, mapSet,
    requireArguments, sequence, uncurried,
} = part('webidl');
const { DOMException, isDomException, messageOf, nameOf } = part('dom_exception');
const { Array, ArrayBuffer, BigInt, Boolean, DataView, Date, Error, Map, Number, Object, RegExp, Set, String, TypeError, Uint8Array } = globalThis;
const { create, defineProperty, getPrototypeOf, keys, prototype: plainPrototype } = Object;
const { getOwnPropertyDescriptor } = Reflect;
const hasOwn = uncurried(Object.prototype.hasOwnProperty);
const dateValue = uncurried(Date.prototype.getTime);
const setForEach = uncurried(Set.prototype.forEach);
const setAdd = uncurried(Set.prototype.add);
const setBytes = uncurried(Uint8Array.prototype.set);
const transferred = uncurried(ArrayBuffer.prototype.transfer);
const getter = (prototype, name) => uncurried(getOwnPropertyDescriptor(prototype, name).get);
const regExpSource = getter(RegExp.prototype, 'source');
const regExpFlags = getter(RegExp.prototype, 'flags');
const bufferLength = getter(ArrayBuffer.prototype, 'byteLength');
const bufferMaximum = getter(ArrayBuffer.prototype, 'maxByteLength');
const bufferIsResizable = getter(ArrayBuffer.prototype, 'resizable');
const bufferIsDetached = getter(ArrayBuffer.prototype, 'detached');
const typedArray = getPrototypeOf(Uint8Array).prototype;
const typedArrayName = getter(typedArray, Symbol.toStringTag);
const typedArrayBuffer = getter(typedArray, 'buffer');
const typedArrayOffset = getter(typedArray, 'byteOffset');
const typedArrayLength = getter(typedArray, 'length');
const typedArrayAt = uncurried(typedArray.at);
const viewBuffer = getter(DataView.prototype, 'buffer');
const viewOffset = getter(DataView.prototype, 'byteOffset');
const viewLength = getter(DataView.prototype, 'byteLength');
const primitives = {
    __proto__: null,
    Boolean: uncurried(Boolean.prototype.valueOf),
    Number: uncurried(Number.prototype.valueOf),
    String: uncurried(String.prototype.valueOf),
    BigInt: uncurried(BigInt.prototype.valueOf),
};

const { Int8Array, Int16Array, Int32Array, Uint8ClampedArray, Uint16Array, Uint32Array, Float16Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array } = globalThis;
const TYPED_ARRAYS = {
    __proto__: null, Int8Array, Int16Array, Int32Array, Uint8Array, Uint8ClampedArray, Uint16Array, Uint32Array,
    Float16Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array,
};
const { EvalError, RangeError, ReferenceError, SyntaxError, URIError } = globalThis;
const ERRORS = { __proto__: null, Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

const uncloneable = (what) => new DOMException(`structuredClone: ${what} cannot be cloned`, 'DataCloneError');
const gone = () => new DOMException('structuredClone: an ArrayBuffer is detached, or a view is beyond the end of its buffer', 'DataCloneError');

/** The language refuses to read views that are beyond their buffer's end, and those of a detached one. */
const requireInBounds = (reading) => {
    try {
        reading();
    } catch {
        throw gone();
    }
};

/** Reads values into records; a primitive is its own record. */
class Reading {
    /** The record of each object that was met. */
    #records = new Map();
    /** Records in the order they were met. */
    all = list();

    #note(object, record) {
        mapSet(this.#records, object, record);
        append(this.all, record);
        return record;
    }
    /** A buffer that moves into the clone. */
    transfer(buffer) {
        if (mapHas(this.#records, buffer)) {
            throw new DOMException('structuredClone: an ArrayBuffer is given twice in transfer', 'DataCloneError');
        }
        this.#note(buffer, { __proto__: null, kind: 'transferred', source: buffer, value: undefined });
    }
    read(value) {
        if (typeof value === 'symbol') throw uncloneable('a symbol');
        if (typeof value === 'function') throw uncloneable('a function');
        if (!isObject(value)) return value;
        const known = mapGet(this.#records, value);
        if (known !== undefined) return known;
        return this.#readObject(value, native.kindOf(value));
    }
    #readObject(object, kind) {
        const record = { __proto__: null, kind, value: undefined };
        if (kind in primitives) {
            record.primitive = primitives[kind](object);
            return this.#note(object, record);
        }
        switch (kind) {
            case 'Date':
                record.time = dateValue(object);
                return this.#note(object, record);
            case 'RegExp':
                record.source = regExpSource(object);
                record.flags = regExpFlags(object);
                return this.#note(object, record);
            case 'ArrayBuffer':
                return this.#readBuffer(object, record);
            case 'TypedArray':
                requireInBounds(() => typedArrayAt(object, 0));
                record.name = typedArrayName(object);
                record.offset = typedArrayOffset(object);
                record.length = typedArrayLength(object);
                record.buffer = this.read(typedArrayBuffer(object));
                return this.#note(object, record);
            case 'DataView':
                requireInBounds(() => viewLength(object));
                record.offset = viewOffset(object);
                record.length = viewLength(object);
                record.buffer = this.read(viewBuffer(object));
                return this.#note(object, record);
            case 'Map':
                return this.#readMap(object, record);
            case 'Set':
                return this.#readSet(object, record);
            case 'Error':
                return this.#readError(object, record);
            case 'Array':
                record.length = object.length;
                return this.#readProperties(object, this.#note(object, record));
            case 'Object':
                if (isPlatformObject(object)) throw uncloneable('an object of a built-in class');
                return this.#readProperties(object, this.#note(object, record));
            default:
                throw uncloneable(kind);
        }
    }
    #readBuffer(buffer, record) {
        if (bufferIsDetached(buffer)) throw gone();
        record.bytes = copyOf(buffer);
        return this.#note(buffer, record);
    }
    #readMap(map, record) {
        this.#note(map, record);
        const entries = list();
        mapForEach(map, (value, key) => {
            append(entries, key);
            append(entries, value);
        });
        return this.#readAll(entries, record);
    }
    #readSet(set, record) {
        this.#note(set, record);
        const entries = list();
        setForEach(set, (value) => append(entries, value));
        return this.#readAll(entries, record);
    }
    #readAll(entries, record) {
        for (let index = 0; index < entries.length; index++) entries[index] = this.read(entries[index]);
        record.entries = entries;
        return record;
    }
    #readError(error, record) {
        this.#note(error, record);
        if (isDomException(error)) {
            record.kind = 'DOMException';
            record.name = nameOf(error);
            record.message = messageOf(error);
        } else {
            const { name } = error;
            record.name = name === undefined ? 'Error' : `${name}`;
            const message = getOwnPropertyDescriptor(error, 'message');
            record.message = message !== undefined && hasOwn(message, 'value') ? `${message.value}` : undefined;
            const cause = getOwnPropertyDescriptor(error, 'cause');
            record.hasCause = cause !== undefined && hasOwn(cause, 'value');
            if (record.hasCause) record.cause = this.read(cause.value);
        }
        const { stack } = error;
        record.stack = typeof stack === 'string' ? stack : undefined;
        return record;
    }
    #readProperties(object, record) {
        const names = keys(object);
        const entries = list();
        for (let index = 0; index < names.length; index++) {
            const name = names[index];
            if (!hasOwn(object, name)) continue;
            append(entries, name);
            append(entries, this.read(object[name]));
        }
        record.entries = entries;
        return record;
    }
}

const copyOf = (buffer) => {
    const length = bufferLength(buffer);
    const copy = bufferIsResizable(buffer)
        ? new ArrayBuffer(length, { __proto__: null, maxByteLength: bufferMaximum(buffer) })
        : new ArrayBuffer(length);
    setBytes(new Uint8Array(copy), new Uint8Array(buffer));
    return copy;
};

/** The value of a record that has been made. */
const valueOf = (record) => (isObject(record) ? record.value : record);

const hidden = (object, name, value) => {
    defineProperty(object, name, { __proto__: null, value, writable: true, enumerable: false, configurable: true });
};

/** Makes the value of a record; objects that hold others are filled later. */
const make = (record) => {
    switch (record.kind) {
        case 'transferred':
            return transferred(record.source);
        case 'Boolean': case 'Number': case 'String': case 'BigInt':
            return Object(record.primitive);
        case 'Date':
            return new Date(record.time);
        case 'RegExp':
            return new RegExp(record.source, record.flags);
        case 'ArrayBuffer':
            return record.bytes;
        case 'TypedArray':
            return new TYPED_ARRAYS[record.name](valueOf(record.buffer), record.offset, record.length);
        case 'DataView':
            return new DataView(valueOf(record.buffer), record.offset, record.length);
        case 'Map':
            return new Map();
        case 'Set':
            return new Set();
        case 'Array':
            return new Array(record.length);
        case 'DOMException':
        case 'Error':
            return makeError(record);
        default:
            return {};
    }
};

const makeError = (record) => {
    if (record.kind === 'DOMException') {
        const exception = new DOMException(record.message, record.name);
        if (record.stack !== undefined) hidden(exception, 'stack', record.stack);
        return exception;
    }
    const Class = ERRORS[record.name] ?? Error;
    const error = new Class();
    if (record.message !== undefined) hidden(error, 'message', record.message);
    if (record.stack !== undefined) hidden(error, 'stack', record.stack);
    return error;
};

const fill = (record) => {
    const { entries, value } = record;
    if (record.hasCause) hidden(value, 'cause', valueOf(record.cause));
    if (entries === undefined) return;
    if (record.kind === 'Set') {
        for (let index = 0; index < entries.length; index++) setAdd(value, valueOf(entries[index]));
        return;
    }
    for (let index = 0; index < entries.length; index += 2) {
        const entry = valueOf(entries[index + 1]);
        if (record.kind === 'Map') mapSet(value, valueOf(entries[index]), entry);
        else define(value, entries[index], entry);
    }
};

const define = (object, name, value) => {
    defineProperty(object, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
};

const transferList = (options) => {
    const given = dictionary(options, 'structuredClone: the second argument')?.transfer;
    if (given === undefined) return list();
    const buffers = sequence(given, 'structuredClone: transfer');
    for (let index = 0; index < buffers.length; index++) {
        if (!isObject(buffers[index])) throw new TypeError('structuredClone: every element of transfer must be an object');
    }
    return buffers;
};

const { structuredClone } = {
    structuredClone(value, options = undefined) {
        requireArguments(arguments.length, 1, 'structuredClone');
        const buffers = transferList(options);
        const reading = new Reading();
        for (let index = 0; index < buffers.length; index++) {
            if (native.kindOf(buffers[index]) !== 'ArrayBuffer') {
                throw new DOMException('structuredClone: only ArrayBuffers can be transferred', 'DataCloneError');
            }
            reading.transfer(buffers[index]);
        }
        const root = reading.read(value);
        for (let index = 0; index < buffers.length; index++) {
            if (bufferIsDetached(buffers[index])) throw gone();
        }
        const records = reading.all;
        for (let index = 0; index < records.length; index++) records[index].value = make(records[index]);
        for (let index = 0; index < records.length; index++) fill(records[index]);
        return valueOf(root);
    },
};

return { structuredClone };
