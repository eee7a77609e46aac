// crypto: random values from the system. No subtle crypto.
'use strict';

const { apply, defineInterface, requireArguments } = part('webidl');
const { DOMException } = part('dom_exception');
const { TypeError } = globalThis;
const { getOwnPropertyDescriptor, getPrototypeOf } = Object;
const typedArray = getPrototypeOf(Uint8Array).prototype;
const { get: typedArrayName } = getOwnPropertyDescriptor(typedArray, Symbol.toStringTag);
const { get: byteLengthOf } = getOwnPropertyDescriptor(typedArray, 'byteLength');
const { isView } = ArrayBuffer;

const MADE_HERE = {};
const MOST_BYTES = 65536;
const INTEGERS = {
    __proto__: null, Int8Array: true, Int16Array: true, Int32Array: true, BigInt64Array: true,
    Uint8Array: true, Uint8ClampedArray: true, Uint16Array: true, Uint32Array: true, BigUint64Array: true,
};

class Crypto {
    #isOne = true;
    constructor(token = undefined) {
        if (token !== MADE_HERE) throw new TypeError('Crypto cannot be made by new; there is one, crypto');
    }
    getRandomValues(array) {
        this.#isOne;
        requireArguments(arguments.length, 1, 'getRandomValues');
        if (!isView(array)) throw new TypeError('getRandomValues: the argument must be a typed array of integers');
        if (!(apply(typedArrayName, array, []) in INTEGERS)) {
            throw new DOMException('getRandomValues: the array must be of integers', 'TypeMismatchError');
        }
        const length = apply(byteLengthOf, array, []);
        if (length > MOST_BYTES) {
            throw new DOMException(
                `getRandomValues: the array has ${length} bytes, more than the ${MOST_BYTES} one call fills`,
                'QuotaExceededError',
            );
        }
        native.fillRandom(array);
        return array;
    }
    randomUUID() {
        this.#isOne;
        return native.randomUuid();
    }
}
defineInterface(Crypto);

return { crypto: new Crypto(MADE_HERE) };
