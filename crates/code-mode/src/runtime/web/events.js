// Event and EventTarget. There is no tree: the path of an event is its target alone.
'use strict';

const {
    append, apply, defineConstants, defineInterface, dictionary, isObject, list, requireArguments,
} = part('webidl');
const { DOMException } = part('dom_exception');
const { TypeError } = globalThis;
const { defineProperty } = Object;

/** What addEventListener needs of signals; the part that makes signals fills it in. */
const signals = {
    isSignal: () => false,
    isAborted: () => false,
    onAbort: () => {},
};

const NONE = 0;
const AT_TARGET = 2;

/** What listeners are called with besides the event itself. */
let inside;

class Event {
    #type;
    #bubbles = false;
    #cancelable = false;
    #composed = false;
    #target = null;
    #currentTarget = null;
    #phase = NONE;
    #isTrusted = false;
    #isInitialised = true;
    #isDispatched = false;
    #isStopped = false;
    #isStoppedAtOnce = false;
    #isCanceled = false;
    #isInPassiveListener = false;
    #timeStamp = native.now();

    constructor(type, eventInitDict = undefined) {
        requireArguments(arguments.length, 1, 'Event');
        this.#type = `${type}`;
        const init = dictionary(eventInitDict, 'Event: the second argument');
        if (init !== undefined) {
            this.#bubbles = !!init.bubbles;
            this.#cancelable = !!init.cancelable;
            this.#composed = !!init.composed;
        }
        defineProperty(this, 'isTrusted', isTrusted);
    }
    get type() {
        return this.#type;
    }
    get target() {
        return this.#target;
    }
    get srcElement() {
        return this.#target;
    }
    get currentTarget() {
        return this.#currentTarget;
    }
    composedPath() {
        return this.#currentTarget === null ? [] : [this.#currentTarget];
    }
    get eventPhase() {
        return this.#phase;
    }
    stopPropagation() {
        this.#isStopped = true;
    }
    get cancelBubble() {
        return this.#isStopped;
    }
    set cancelBubble(value) {
        this.#isStopped ||= !!value;
    }
    stopImmediatePropagation() {
        this.#isStopped = true;
        this.#isStoppedAtOnce = true;
    }
    get bubbles() {
        return this.#bubbles;
    }
    get cancelable() {
        return this.#cancelable;
    }
    get returnValue() {
        return !this.#isCanceled;
    }
    set returnValue(value) {
        if (!value) this.#cancel();
        else this.#isCanceled;
    }
    preventDefault() {
        this.#cancel();
    }
    get defaultPrevented() {
        return this.#isCanceled;
    }
    get composed() {
        return this.#composed;
    }
    get timeStamp() {
        return this.#timeStamp;
    }
    initEvent(type, bubbles = false, cancelable = false) {
        const isDispatched = this.#isDispatched;
        requireArguments(arguments.length, 1, 'initEvent');
        type = `${type}`;
        if (isDispatched) return;
        this.#isInitialised = true;
        this.#isStopped = false;
        this.#isStoppedAtOnce = false;
        this.#isCanceled = false;
        this.#isTrusted = false;
        this.#target = null;
        this.#type = type;
        this.#bubbles = !!bubbles;
        this.#cancelable = !!cancelable;
    }
    #cancel() {
        if (this.#cancelable && !this.#isInPassiveListener) this.#isCanceled = true;
    }

    static {
        inside = {
            /** An event of ours, not of a script's. */
            trusted(type) {
                const event = new Event(type);
                event.#isTrusted = true;
                return event;
            },
            isTrusted: (event) => event.#isTrusted,
            isEvent: (value) => isObject(value) && #type in value,
            /** What keeps an event from being dispatched, if anything does. */
            isBusy: (event) => event.#isDispatched || !event.#isInitialised,
            distrust(event) {
                event.#isTrusted = false;
            },
            /** Shows the event to its target: `invoke` calls listeners, of the capturing kind first. */
            dispatch(event, target, invoke) {
                event.#isDispatched = true;
                event.#target = target;
                event.#currentTarget = target;
                event.#phase = AT_TARGET;
                if (!event.#isStopped) invoke(true);
                if (!event.#isStopped) invoke(false);
                event.#phase = NONE;
                event.#currentTarget = null;
                event.#isDispatched = false;
                event.#isStopped = false;
                event.#isStoppedAtOnce = false;
                return !event.#isCanceled;
            },
            isStoppedAtOnce: (event) => event.#isStoppedAtOnce,
            setInPassiveListener(event, isPassive) {
                event.#isInPassiveListener = isPassive;
            },
        };
    }
}
defineInterface(Event);
defineConstants(Event, { NONE, CAPTURING_PHASE: 1, AT_TARGET, BUBBLING_PHASE: 3 });

/** An own property of every event, which no script can change. */
const isTrusted = {
    __proto__: null,
    get: Object.getOwnPropertyDescriptor({
        get isTrusted() {
            return inside.isTrusted(this);
        },
    }, 'isTrusted').get,
    set: undefined,
    enumerable: true,
    configurable: false,
};

const captureOf = (options) => (isObject(options) ? !!options.capture : !!options);

const listenerOptions = (options) => {
    const capture = captureOf(options);
    if (!isObject(options)) return { capture, once: false, passive: false, signal: undefined };
    const once = !!options.once;
    const passive = !!options.passive;
    const { signal } = options;
    if (signal !== undefined && !signals.isSignal(signal)) {
        throw new TypeError('addEventListener: signal must be an AbortSignal');
    }
    return { capture, once, passive, signal };
};

const requireCallback = (callback, what) => {
    if (callback !== null && callback !== undefined && !isObject(callback)) {
        throw new TypeError(`${what}: the second argument must be a function, an object with handleEvent, or null`);
    }
    return callback ?? null;
};

class EventTarget {
    #listeners = list();

    addEventListener(type, callback, options = undefined) {
        const target = this;
        target.#listeners;
        requireArguments(arguments.length, 2, 'addEventListener');
        type = `${type}`;
        callback = requireCallback(callback, 'addEventListener');
        const { capture, once, passive, signal } = listenerOptions(options);
        if (callback === null || (signal !== undefined && signals.isAborted(signal))) return;
        if (target.#find(type, callback, capture) !== undefined) return;
        const listener = { __proto__: null, type, callback, capture, once, passive, isRemoved: false };
        append(target.#listeners, listener);
        if (signal !== undefined) signals.onAbort(signal, listener, () => target.#remove(listener));
    }
    removeEventListener(type, callback, options = undefined) {
        this.#listeners;
        requireArguments(arguments.length, 2, 'removeEventListener');
        type = `${type}`;
        callback = requireCallback(callback, 'removeEventListener');
        const listener = this.#find(type, callback, captureOf(options));
        if (listener !== undefined) this.#remove(listener);
    }
    dispatchEvent(event) {
        this.#listeners;
        requireArguments(arguments.length, 1, 'dispatchEvent');
        if (!inside.isEvent(event)) throw new TypeError('dispatchEvent: the argument must be an Event');
        if (inside.isBusy(event)) {
            throw new DOMException('dispatchEvent: the event is being dispatched already', 'InvalidStateError');
        }
        inside.distrust(event);
        return this.#dispatch(event);
    }

    #find(type, callback, capture) {
        const listeners = this.#listeners;
        for (let index = 0; index < listeners.length; index++) {
            const listener = listeners[index];
            if (listener.type === type && listener.callback === callback && listener.capture === capture) {
                return listener;
            }
        }
        return undefined;
    }
    /** Makes a new list: one that is being gone through stays what it is. */
    #remove(listener) {
        listener.isRemoved = true;
        const left = list();
        for (let index = 0; index < this.#listeners.length; index++) {
            if (this.#listeners[index] !== listener) append(left, this.#listeners[index]);
        }
        this.#listeners = left;
    }
    #dispatch(event) {
        return inside.dispatch(event, this, (capture) => this.#invoke(event, capture));
    }
    #invoke(event, capture) {
        const { type } = event;
        const listeners = this.#listeners;
        const { length } = listeners;
        for (let index = 0; index < length; index++) {
            const listener = listeners[index];
            if (listener.isRemoved || listener.type !== type || listener.capture !== capture) continue;
            if (listener.once) this.#remove(listener);
            inside.setInPassiveListener(event, listener.passive);
            try {
                this.#call(listener.callback, event);
            } catch (exception) {
                native.report(exception);
            }
            inside.setInPassiveListener(event, false);
            if (inside.isStoppedAtOnce(event)) return;
        }
    }
    #call(callback, event) {
        if (typeof callback === 'function') {
            apply(callback, this, [event]);
            return;
        }
        const { handleEvent } = callback;
        if (typeof handleEvent !== 'function') {
            throw new TypeError('the listener has no function handleEvent');
        }
        apply(handleEvent, callback, [event]);
    }

    static {
        inside.fire = (target, type) => target.#dispatch(inside.trusted(type));
        inside.listen = (target, type, callback) => {
            const listener = { __proto__: null, type, callback, capture: false, once: false, passive: false, isRemoved: false };
            append(target.#listeners, listener);
            return listener;
        };
        inside.unlisten = (target, listener) => target.#remove(listener);
    }
}
defineInterface(EventTarget);

const { fire, listen, unlisten } = inside;
return { Event, EventTarget, fire, listen, signals, unlisten };
