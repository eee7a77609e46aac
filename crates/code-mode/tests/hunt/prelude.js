// Put before every script of the hunt: everything that can be reached, and the pieces of nasty values.
const { apply, construct, ownKeys, getOwnPropertyDescriptor, getPrototypeOf, setPrototypeOf } = Reflect;
const say = text;
let n = 0;
let hook = () => {};
const cons = (k) => { let s = 'a'; while (s.length < k) s = s + 'b' + s; return s };
const sparse = () => { const a = []; a[4e9] = 1; a[5] = 2; return a };
const cyclic = () => { const o = { a: [] }; o.a.push(o); o.o = o; return o };
const deep = (k) => { let a = []; while (k--) a = k & 1 ? [a] : { a }; return a };
const everything = {};
for (const trap of ownKeys(Reflect)) if (typeof Reflect[trap] == 'function') everything[trap] = (...a) => { hook(); return apply(Reflect[trap], undefined, a) };
const deepProxy = (k) => { let p = {}; while (k--) p = new Proxy(p, {}); return p };
const revoked = (o) => { const r = Proxy.revocable(o, {}); r.revoke(); return r.proxy };
const bound = (k) => { let f = (...a) => a.length; while (k--) f = f.bind(k, k); return f };
const running = () => { const g = (function* () { try { while (n++ < 1e6) yield hook() } finally { hook() } })(); g.next(); return g };
const tracking = () => { const b = new ArrayBuffer(256, { maxByteLength: 1024 }); const t = new Float32Array(b, 8); hook.buffer = b; return t };
const shrunk = () => { const b = new ArrayBuffer(256, { maxByteLength: 1024 }); const t = new Uint16Array(b, 128); b.resize(16); return t };
const detached = () => { const t = new Uint8Array(64); t.buffer.transfer(); return t };
const odd = (e) => { for (const k of ['name', 'message', 'stack', 'cause', 'errors', 'constructor']) Object.defineProperty(e, k, { get() { hook(); throw e } }); return e };
const arguments_ = function () { return (function () { return arguments })(1, {}, 'x') };

// Every function that can be reached, as [path, function, its owner].
const reach = () => {
  const found = [], seen = new Set();
  const queue = [['globalThis', globalThis]];
  const more = {
    generator: () => (function* () {})(), asyncGenerator: () => (async function* () {})(), asyncFunction: () => async function () {},
    arrayIterator: () => [].values(), mapIterator: () => new Map().entries(), setIterator: () => new Set().values(), stringIterator: () => ''[Symbol.iterator](),
    regexpIterator: () => 'a'.matchAll(/a/g), helper: () => [].values().map((x) => x), wrapped: () => Iterator.from({ next() {} }),
    segments: () => new Intl.Segmenter().segment('a b'), segmentIterator: () => new Intl.Segmenter().segment('a b')[Symbol.iterator](),
    callSite: () => { const p = Error.prepareStackTrace; Error.prepareStackTrace = (e, s) => s; const s = new Error().stack; Error.prepareStackTrace = p; return s[0] },
    revoke: () => Proxy.revocable({}, {}).revoke, resolvers: () => Promise.withResolvers(), signal: () => AbortSignal.abort(), timer: () => setTimeout(() => {}),
    parameters: () => new URLSearchParams('a=b').entries(), arguments: arguments_, collator: () => new Intl.Collator().compare, dateFormat: () => new Intl.DateTimeFormat().format, numberFormat: () => new Intl.NumberFormat().format,
    asyncFromSync: () => (async function* () { yield* [] })(), event: () => new Event('x'),
  };
  for (const k of ownKeys(more)) { try { queue.push([k, more[k]()]) } catch {} }
  const push = (path, value) => { if (value !== null && (typeof value == 'object' || typeof value == 'function') && !seen.has(value)) { seen.add(value); queue.push([path, value]) } };
  for (let i = 0; i < queue.length; i++) {
    const [path, object] = queue[i];
    const name = path.replace('globalThis.', '');
    if (typeof object == 'function') found.push([name, object]);
    let keys = [];
    try { keys = ownKeys(object) } catch {}
    for (const key of keys) {
      if (path == 'globalThis' && (key === 'globalThis' || key === 'exit')) continue;
      let d;
      try { d = getOwnPropertyDescriptor(object, key) } catch {}
      if (!d) continue;
      const at = `${path}.${String(key)}`;
      for (const f of [d.value, d.get, d.set]) {
        if (typeof f == 'function' && !seen.has(f)) owners.set(f, object);
        push(f === d.get && d.get ? `${at}.get` : f === d.set && d.set ? `${at}.set` : at, f);
      }
    }
    try { push(`${path}.__proto__`, getPrototypeOf(object)) } catch {}
  }
  return found;
};
const owners = new Map();

// Things that a method of this owner takes for its own.
const instances = (owner) => {
  const made = [];
  const make = owner && Object.hasOwn(owner, 'constructor') ? owner.constructor : undefined;
  if (typeof make == 'function') {
    for (const args of [[], [[1, 2, 3]], ['en'], ['http://a/b?c'], [() => {}], [8], ['a', 'g'], [new ArrayBuffer(8)], [{}], ['en', { type: 'region' }]]) {
      try { made.push(() => construct(make, args)); made.at(-1)(); break } catch { made.pop() }
    }
    for (const arg of [3, 'abc', 5n, Symbol.iterator]) { try { if (getPrototypeOf(Object(arg)) === owner) made.push(() => arg) } catch {} }
  }
  made.push(() => owner);
  return made;
};

// Calls with little stack left: at the bottom, and again on the way up, frame by frame.
const atBottom = (f) => {
  let left = 40;
  const down = () => { try { down() } catch { if (left > 0) { left--; try { f() } catch {} } } };
  down();
};
const below = (f, skip) => {
  let gone = 0, done = false;
  const down = (a, b, c, d) => { try { down(a, b, c, d) } catch { if (!done && gone++ >= skip) { done = true; try { f() } catch {} } } };
  down(1, 2, 3, 4);
};
const kept = [];
const fill = (kib) => { for (let i = 0; i < kib / 8; i++) kept.push(new Array(1024).fill(1.5)) };
