// Well-known symbols let a value answer for itself: with what it is given, it must not get at the host.

const seen = [];
const note = (answer) => function (...given) { seen.push(this, new.target, ...given); return typeof answer === 'function' ? answer.apply(this, given) : answer; };
const everything = () => {
    const value = { a: 1 };
    value[Symbol.toPrimitive] = note('primitive');
    value[Symbol.iterator] = note(() => [1][Symbol.iterator]());
    value[Symbol.asyncIterator] = note(() => [1][Symbol.iterator]());
    value[Symbol.hasInstance] = note(true);
    Object.defineProperty(value, Symbol.toStringTag, { get: note('Tag') });
    Object.defineProperty(value, Symbol.isConcatSpreadable, { get: note(true) });
    Object.defineProperty(value, Symbol.species, { get: note(() => Array) });
    Object.defineProperty(value, Symbol.unscopables, { get: note({}) });
    for (const key of ['match', 'matchAll', 'replace', 'search', 'split', 'dispose', 'asyncDispose']) value[Symbol[key]] = note(key);
    value[Symbol.for('nodejs.util.inspect.custom')] = note('inspected');
    value[Symbol.for('Deno.customInspect')] = note('inspected');
    value.inspect = value.toString = value.valueOf = value.toJSON = note('shown');
    return value;
};

for (const [name, helper] of Object.entries(HELPERS)) {
    if (name === 'exit' || name === 'yield_control' || name === 'never') continue;
    for (const given of [[everything()], ['k', everything()], [[everything()]], [{ x: everything() }, everything()], [() => {}, everything()]]) {
        try {
            const answer = await helper(...given);
            if (isObject(answer)) expectOfThisRealm(`what ${name} gives`, answer);
        } catch (error) {
            expectErrorOfThisRealm(name, error);
        }
    }
}
for (const [name, Class] of Object.entries(CLASSES)) {
    try { expectOfThisRealm(`a ${name}`, new Class(everything(), everything())); } catch (error) { expectErrorOfThisRealm(name, error); }
}
expect('the symbols were asked', seen.length > 20);
for (const value of seen) if (isObject(value)) expectOfThisRealm('what a symbol was given', value);

class Mine extends Array { static get [Symbol.species]() { return class { constructor(...given) { seen.push(...given); } }; } }
text(Mine.from([1, 2]));
store('k', Mine.from([1, 2]));
expect('a class of the script is stored as an array', JSON.stringify(load('k')) === '[1,2]');
expect('what is loaded is an Array', load('k').constructor === Array);
for (const key of Reflect.ownKeys(Symbol)) if (typeof Symbol[key] === 'symbol') expect(`${String(key)} is no key of a helper`, !Object.hasOwn(text, Symbol[key]));
for (const name of ['nodejs.util.inspect.custom', 'nodejs.util.promisify.custom', 'Deno.internal', 'Deno.privateCustomInspect']) {
    for (const value of [...Object.values(HELPERS), tools, console, globalThis]) expect(`${name} leads nowhere`, value[Symbol.for(name)] === undefined);
}
