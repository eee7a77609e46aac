// DOMException. Its instances are errors of the language too, with a stack.
'use strict';

const { defineConstants, defineInterface } = part('webidl');
const { Error } = globalThis;
const { apply, construct } = Reflect;
const { defineProperty, setPrototypeOf } = Object;
const { slice, startsWith } = String.prototype;

/** The names that have a code, by it. */
const CODES = [
    '', 'IndexSizeError', '', 'HierarchyRequestError', 'WrongDocumentError', 'InvalidCharacterError', '',
    'NoModificationAllowedError', 'NotFoundError', 'NotSupportedError', 'InUseAttributeError',
    'InvalidStateError', 'SyntaxError', 'InvalidModificationError', 'NamespaceError', 'InvalidAccessError', '',
    'TypeMismatchError', 'SecurityError', 'NetworkError', 'AbortError', 'URLMismatchError',
    'QuotaExceededError', 'TimeoutError', 'InvalidNodeTypeError', 'DataCloneError',
];
const codeOf = { __proto__: null };
for (let code = 1; code < CODES.length; code++) {
    if (CODES[code] !== '') codeOf[CODES[code]] = code;
}

/** Puts the private state of a DOMException on an error: a base class may return any object. */
class Given {
    constructor(object) {
        return object;
    }
}
class State extends Given {
    #name;
    #message;
    constructor(error, message, name) {
        super(error);
        this.#message = message;
        this.#name = name;
    }
    static name(exception) {
        return exception.#name;
    }
    static message(exception) {
        return exception.#message;
    }
    static isOn(value) {
        return #name in value;
    }
}

/** V8 writes the first line of a stack without a message that is not the error's own property. */
const wordStack = (error) => {
    const { stack } = error;
    const name = State.name(error);
    const message = State.message(error);
    if (message === '' || typeof stack !== 'string' || !apply(startsWith, stack, [name])) return;
    const value = `${name}: ${message}${apply(slice, stack, [name.length])}`;
    defineProperty(error, 'stack', { __proto__: null, value, writable: true, enumerable: false, configurable: true });
};

class DOMException {
    constructor(message = '', name = 'Error') {
        const error = construct(Error, [], new.target);
        new State(error, `${message}`, `${name}`);
        wordStack(error);
        return error;
    }
    get name() {
        return State.name(this);
    }
    get message() {
        return State.message(this);
    }
    get code() {
        return codeOf[State.name(this)] ?? 0;
    }
}
setPrototypeOf(DOMException.prototype, Error.prototype);
defineInterface(DOMException);
defineConstants(DOMException, {
    INDEX_SIZE_ERR: 1, DOMSTRING_SIZE_ERR: 2, HIERARCHY_REQUEST_ERR: 3, WRONG_DOCUMENT_ERR: 4,
    INVALID_CHARACTER_ERR: 5, NO_DATA_ALLOWED_ERR: 6, NO_MODIFICATION_ALLOWED_ERR: 7, NOT_FOUND_ERR: 8,
    NOT_SUPPORTED_ERR: 9, INUSE_ATTRIBUTE_ERR: 10, INVALID_STATE_ERR: 11, SYNTAX_ERR: 12,
    INVALID_MODIFICATION_ERR: 13, NAMESPACE_ERR: 14, INVALID_ACCESS_ERR: 15, VALIDATION_ERR: 16,
    TYPE_MISMATCH_ERR: 17, SECURITY_ERR: 18, NETWORK_ERR: 19, ABORT_ERR: 20, URL_MISMATCH_ERR: 21,
    QUOTA_EXCEEDED_ERR: 22, TIMEOUT_ERR: 23, INVALID_NODE_TYPE_ERR: 24, DATA_CLONE_ERR: 25,
});

return { DOMException, isDomException: State.isOn, nameOf: State.name, messageOf: State.message };
