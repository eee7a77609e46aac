// performance: the time since the cell started.
'use strict';

const { defineInterface } = part('webidl');
const { EventTarget } = part('events');
const { TypeError } = globalThis;

const MADE_HERE = {};

class Performance extends EventTarget {
    #isOne = true;
    constructor(token = undefined) {
        if (token !== MADE_HERE) throw new TypeError('Performance cannot be made by new; there is one, performance');
        super();
    }
    now() {
        this.#isOne;
        return native.now();
    }
    get timeOrigin() {
        this.#isOne;
        return native.timeOrigin();
    }
    toJSON() {
        this.#isOne;
        return { timeOrigin: native.timeOrigin() };
    }
}
defineInterface(Performance);

return { performance: new Performance(MADE_HERE) };
