// Async functions, generators and promises: what the engine makes for them is of the realm they run in.

const promise = tools.echo({ a: 1 });
expect('a call gives a Promise', promise.constructor === Promise && getPrototypeOf(promise) === Promise.prototype);
expectOfThisRealm('the promise of a call', promise);
for (const f of [async () => {}, function* () {}, async function* () {}]) {
    const made = f();
    expectOfThisRealm('what a function gives', made);
    expect('its constructor', seesOnlyTheRealm(f.constructor.constructor));
    made.catch?.(() => {});
}
const GeneratorFunction = (function* () {}).constructor, AsyncGeneratorFunction = (async function* () {}).constructor, AsyncFunction = (async () => {}).constructor;
expect('code of an async function', await AsyncFunction('return typeof process')() === 'undefined');
expect('code of a generator', GeneratorFunction('yield typeof require')().next().value === 'undefined');
expect('code of an async generator', (await AsyncGeneratorFunction('yield typeof Deno')().next()).value === 'undefined');

// A species or a constructor of the script's own gets resolvers, and nothing else.
let resolvers;
class Mine extends Promise {
    constructor(body) { super((...given) => { resolvers = given; return body(...given); }); }
}
const chained = Promise.prototype.then.call(Object.defineProperty(tools.echo({}), 'constructor', { value: { [Symbol.species]: Mine } }), (x) => x);
expect('the species is used', chained instanceof Mine);
expectOfThisRealm('the resolvers of a species', resolvers);
await chained;

const { then } = Promise.prototype;
const given = [];
Promise.prototype.then = function (...reactions) { given.push(this, ...reactions); return apply(then, this, reactions); };
await tools.echo({ a: 1 });
await tools.fail({}).catch(() => {});
await Promise.all([tools.echo({}), import('tools.js')]);
await new Promise((done) => setTimeout(done));
Promise.prototype.then = then;
for (const value of given) if (isObject(value)) expectOfThisRealm('what then is given', value);

// Thenables of the script's own, in the places where the engine resolves one.
const seen = [];
const thenable = { then(...resolve) { seen.push(this, ...resolve); resolve[0](1); } };
await thenable;
for await (const x of (async function* () { yield thenable; return thenable; })()) expect('a thenable that is yielded', x === 1);
for await (const x of [thenable]) expect('a thenable in an array', x === 1);
await (async () => thenable)();
await tools.echo({ a: thenable });
await tools.echo({ then: 1 });
for (const value of seen) if (isObject(value)) expectOfThisRealm('what a thenable is given', value);

// Returning into generators, throwing into them, and delegating.
async function* outer() { try { yield* { [Symbol.asyncIterator]: () => ({ next: () => tools.fail({}), return: () => tools.fail({}) }) }; } catch (error) { yield error; } }
for await (const error of outer()) expectErrorOfThisRealm('a delegated generator', error);
const generator = outer();
await generator.return(tools.fail({})).catch((error) => expectErrorOfThisRealm('a returned failure', error));
await Promise.reject(await tools.fail({}).catch((e) => e)).finally(() => {}).catch((error) => expectErrorOfThisRealm('a failure after finally', error));

const { promise: p, resolve, reject } = Promise.withResolvers();
resolve(tools.echo({ a: 1 }));
expectOfThisRealm('a promise resolved with a call', await p);
expectOfThisRealm('reject', reject);
expectOfThisRealm('an async iterator prototype', getPrototypeOf(getPrototypeOf((async function* () {}).prototype)));
