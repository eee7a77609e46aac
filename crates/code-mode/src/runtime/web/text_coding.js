// TextEncoder and TextDecoder, of UTF-8.
'use strict';

const { apply, defineInterface, dictionary, requireArguments, usvString } = part('webidl');
const { RangeError, TypeError, Uint8Array } = globalThis;
const { charCodeAt, slice, toLowerCase } = String.prototype;
const { exec } = RegExp.prototype;
const { getOwnPropertyDescriptor, getPrototypeOf } = Object;
const { get: typedArrayName } = getOwnPropertyDescriptor(
    getPrototypeOf(Uint8Array).prototype,
    Symbol.toStringTag,
);

class TextEncoder {
    #isOne = true;
    get encoding() {
        this.#isOne;
        return 'utf-8';
    }
    encode(input = '') {
        this.#isOne;
        input = `${input}`;
        const bytes = new Uint8Array(native.utf8Length(input));
        native.utf8Write(input, bytes);
        return bytes;
    }
    encodeInto(source, destination) {
        this.#isOne;
        requireArguments(arguments.length, 2, 'encodeInto');
        source = `${source}`;
        if (!isUint8Array(destination)) throw new TypeError('encodeInto: the second argument must be a Uint8Array');
        const done = native.utf8Write(source, destination);
        return { read: done[0], written: done[1] };
    }
}
defineInterface(TextEncoder);

const isUint8Array = (value) =>
    typeof value === 'object' && value !== null && apply(typedArrayName, value, []) === 'Uint8Array';

const LABELS = {
    __proto__: null, 'unicode-1-1-utf-8': true, unicode11utf8: true, unicode20utf8: true, 'utf-8': true,
    utf8: true, 'x-unicode20utf8': true,
};
const WITHOUT_SPACE = /^[\t\n\f\r ]*([^]*?)[\t\n\f\r ]*$/;

class TextDecoder {
    #fatal;
    #ignoreBom;
    /** How many bytes of a character were cut off by the end of the last chunk, then those bytes. */
    #held = new Uint8Array(4);
    #isStreaming = false;
    #isPastBom = false;

    constructor(label = 'utf-8', options = undefined) {
        label = `${label}`;
        const given = dictionary(options, 'TextDecoder: the second argument');
        this.#fatal = !!given?.fatal;
        this.#ignoreBom = !!given?.ignoreBOM;
        const name = apply(toLowerCase, apply(exec, WITHOUT_SPACE, [label])[1], []);
        if (!(name in LABELS)) {
            throw new RangeError(`TextDecoder: there is no encoding "${label}" here, only UTF-8`);
        }
    }
    get encoding() {
        this.#fatal;
        return 'utf-8';
    }
    get fatal() {
        return this.#fatal;
    }
    get ignoreBOM() {
        return this.#ignoreBom;
    }
    decode(input = undefined, options = undefined) {
        this.#fatal;
        if (input !== undefined && !native.isBufferSource(input)) {
            throw new TypeError('decode: the first argument must be an ArrayBuffer or a view of one');
        }
        const stream = !!dictionary(options, 'decode: the second argument')?.stream;
        if (!this.#isStreaming) {
            this.#held[0] = 0;
            this.#isPastBom = false;
        }
        this.#isStreaming = stream;
        let text = native.utf8Decode(input, this.#held, this.#fatal, stream);
        if (text === undefined) throw new TypeError('decode: the bytes are not valid UTF-8');
        if (!this.#isPastBom && text !== '') {
            this.#isPastBom = true;
            if (!this.#ignoreBom && apply(charCodeAt, text, [0]) === 0xfeff) text = apply(slice, text, [1]);
        }
        return text;
    }
}
defineInterface(TextDecoder);

return { TextDecoder, TextEncoder };
