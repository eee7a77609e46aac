// AbortController and AbortSignal, and what nested calls need of signals.
'use strict';

const {
    append, apply, defineInterface, enforceUnsigned, isObject, list, mapDelete, mapForEach, mapHas, mapSet,
    requireArguments, sequence,
} = part('webidl');
const { DOMException } = part('dom_exception');
const { EventTarget, fire, listen, signals, unlisten } = part('events');
const { Map, TypeError } = globalThis;

/** Signals are made by this part alone. */
const MADE_HERE = {};
const illegal = () => new TypeError('AbortSignal cannot be made by new; use new AbortController().signal, AbortSignal.abort(), .timeout() or .any()');
const newSignal = () => new AbortSignal(MADE_HERE);

const abortError = () => new DOMException('the operation was aborted', 'AbortError');

/** What other code of ours may do with a signal. */
let inside;

class AbortSignal extends EventTarget {
    /** `undefined` as long as the signal is not aborted. */
    #reason = undefined;
    /** What to do before the listeners hear of it, by a key to forget it with. */
    #algorithms = new Map();
    /** Signals of `any()` that follow this one; and those that such a signal follows. */
    #dependents = new Map();
    #sources = null;
    #handler = null;
    #handlerListener = undefined;

    constructor(token = undefined) {
        if (token !== MADE_HERE) throw illegal();
        super();
    }
    static abort(reason = undefined) {
        const signal = newSignal();
        signal.#reason = reason === undefined ? abortError() : reason;
        return signal;
    }
    static timeout(milliseconds) {
        requireArguments(arguments.length, 1, 'AbortSignal.timeout');
        const delay = enforceUnsigned(milliseconds, 'AbortSignal.timeout: the delay');
        const signal = newSignal();
        native.setTimeout(() => signal.#abort(new DOMException('the time is up', 'TimeoutError')), delay);
        return signal;
    }
    static any(signals) {
        requireArguments(arguments.length, 1, 'AbortSignal.any');
        const given = sequence(signals, 'AbortSignal.any: the argument');
        for (let index = 0; index < given.length; index++) {
            if (!isSignal(given[index])) throw new TypeError('AbortSignal.any: every element must be an AbortSignal');
        }
        const result = newSignal();
        for (let index = 0; index < given.length; index++) {
            if (given[index].#reason !== undefined) {
                result.#reason = given[index].#reason;
                return result;
            }
        }
        result.#sources = new Map();
        for (let index = 0; index < given.length; index++) {
            const source = given[index];
            if (source.#sources === null) result.#follow(source);
            else mapForEach(source.#sources, (_, original) => result.#follow(original));
        }
        return result;
    }
    get aborted() {
        return this.#reason !== undefined;
    }
    get reason() {
        return this.#reason;
    }
    throwIfAborted() {
        if (this.#reason !== undefined) throw this.#reason;
    }
    get onabort() {
        return this.#handler;
    }
    set onabort(value) {
        this.#handler = isObject(value) ? value : null;
        if (this.#handler === null) {
            if (this.#handlerListener !== undefined) unlisten(this, this.#handlerListener);
            this.#handlerListener = undefined;
        } else {
            this.#handlerListener ??= listen(this, 'abort', (event) => {
                if (typeof this.#handler === 'function') apply(this.#handler, this, [event]);
            });
        }
    }

    #follow(source) {
        mapSet(this.#sources, source, true);
        mapSet(source.#dependents, this, true);
    }
    #abort(reason) {
        if (this.#reason !== undefined) return;
        this.#reason = reason === undefined ? abortError() : reason;
        const following = list();
        mapForEach(this.#dependents, (_, dependent) => {
            if (dependent.#reason !== undefined) return;
            dependent.#reason = this.#reason;
            append(following, dependent);
        });
        this.#dependents = new Map();
        this.#tell();
        for (let index = 0; index < following.length; index++) following[index].#tell();
    }
    #tell() {
        if (this.#sources !== null) {
            mapForEach(this.#sources, (_, source) => mapDelete(source.#dependents, this));
            this.#sources = new Map();
        }
        const algorithms = this.#algorithms;
        this.#algorithms = new Map();
        mapForEach(algorithms, (algorithm) => algorithm());
        fire(this, 'abort');
    }

    static {
        inside = {
            isSignal: (value) => isObject(value) && #reason in value,
            abort: (signal, reason) => signal.#abort(reason),
            onAbort: (signal, key, algorithm) => mapSet(signal.#algorithms, key, algorithm),
            forget: (signal, key) => mapDelete(signal.#algorithms, key),
            reason: (signal) => signal.#reason,
        };
    }
}
defineInterface(AbortSignal);

const { isSignal } = inside;
signals.isSignal = isSignal;
signals.isAborted = (signal) => inside.reason(signal) !== undefined;
signals.onAbort = inside.onAbort;

class AbortController {
    #signal = newSignal();
    get signal() {
        return this.#signal;
    }
    abort(reason = undefined) {
        inside.abort(this.#signal, reason);
    }
}
defineInterface(AbortController);

return {
    AbortController,
    AbortSignal,
    isSignal,
    reasonOf: inside.reason,
    /** A nested call is cancelled with the signal, until it is forgotten. */
    followCall(signal, callId) {
        inside.onAbort(signal, callId, () => native.cancelCall(callId, inside.reason(signal)));
    },
    forgetCall: inside.forget,
};
