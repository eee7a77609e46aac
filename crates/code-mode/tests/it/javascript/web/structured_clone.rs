//! `structuredClone`.

use super::holds;

#[tokio::test]
async fn primitives_are_themselves() {
    holds("for (const value of [undefined, null, true, 0, -0, NaN, 1.5, 'text', '\\ud800', 10n, -(2n ** 200n)]) same(structuredClone(value), value, shown(value));").await;
}

#[tokio::test]
async fn plain_data_is_copied_deeply_with_cycles_and_shared_parts() {
    holds(
        "const shared = { x: 1 }, source = { a: [1, , 'three'], nested: { shared }, shared, [Symbol('s')]: 1, ['__proto__']: 5 };
         source.self = source; source.a.extra = 'e';
         Object.defineProperty(source, 'hidden', { value: 1 });
         const clone = structuredClone(source);
         same(clone === source, false); same(clone.self, clone); same(clone.shared, clone.nested.shared); same(clone.shared === shared, false);
         same(clone.a.length, 3); same(1 in clone.a, false); same(clone.a.extra, 'e'); same(Array.isArray(clone.a), true);
         same(clone.hidden, undefined); same(Object.getOwnPropertySymbols(clone).length, 0);
         same(Object.hasOwn(clone, '__proto__'), true); same(Object.getPrototypeOf(clone), Object.prototype);
         like(Object.keys(clone), ['a', 'nested', 'shared', '__proto__', 'self']);
         class Point { constructor() { this.x = 1 } get y() { return 2 } }
         const point = structuredClone(new Point());
         same(point.constructor, Object); like(point, { x: 1 });
         like(structuredClone(Object.create(null, { a: { value: 1, enumerable: true } })), { a: 1 });
         same(structuredClone(new Array(4294967295)).length, 4294967295);
         (function () { like(structuredClone(arguments), { 0: 'x' }) })('x');",
    )
    .await;
}

#[tokio::test]
async fn built_in_objects_keep_what_they_are() {
    holds(
        "const date = new Date(12345), copy = structuredClone(date);
         same(copy === date, false); same(copy instanceof Date, true); same(copy.getTime(), 12345); same(structuredClone(new Date(NaN)).getTime(), NaN);
         const pattern = /a(b)/giy; pattern.lastIndex = 3;
         const regexp = structuredClone(pattern);
         same(String(regexp), '/a(b)/giy'); same(regexp.lastIndex, 0);
         for (const boxed of [new Boolean(false), new Number(-0), new String('xyz'), Object(5n)]) {
             const copy = structuredClone(boxed);
             same(Object.prototype.toString.call(copy), Object.prototype.toString.call(boxed)); same(Object.is(copy.valueOf(), boxed.valueOf()), true); same(typeof copy, 'object');
         }
         const key = { k: 1 }, map = new Map([[key, 'v'], ['self', null]]); map.set('self', map); map.extra = 1;
         const mapped = structuredClone(map);
         same(mapped.get('self'), mapped); like([...mapped.keys()], [{ k: 1 }, 'self']); same(mapped.has(key), false); same('extra' in mapped, false);
         const set = structuredClone(new Set([1, 'a', NaN, new Set([2])]));
         same(set.has(NaN), true); same(set.size, 4); same([...set][3].has(2), true);",
    )
    .await;
}

#[tokio::test]
async fn buffers_and_views_share_what_they_shared() {
    holds(
        "const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;
         const clone = structuredClone({ buffer, bytes: new Uint8Array(buffer, 2, 3), data: new DataView(buffer, 1, 4) });
         same(clone.bytes.buffer, clone.buffer); same(clone.data.buffer, clone.buffer); same(clone.buffer === buffer, false);
         like([...clone.bytes], [3, 4, 5]); same(clone.data.byteOffset, 1); same(clone.data.getUint8(0), 2);
         clone.bytes[0] = 99; same(new Uint8Array(buffer)[2], 3);
         for (const Type of [Int8Array, Int16Array, Int32Array, Uint8Array, Uint8ClampedArray, Uint16Array, Uint32Array, Float16Array, Float32Array, Float64Array])
             like([structuredClone(new Type([1, 2])).constructor.name, ...structuredClone(new Type([1, 2]))], [Type.name, 1, 2]);
         same(structuredClone(new BigInt64Array([-1n]))[0], -1n);
         const resizable = structuredClone(new ArrayBuffer(2, { maxByteLength: 10 }));
         same(resizable.resizable, true); same(resizable.maxByteLength, 10); same(resizable.byteLength, 2);
         buffer.constructor = { [Symbol.species]: () => fails('species was asked') };
         structuredClone(buffer);",
    )
    .await;
}

#[tokio::test]
async fn transfer_moves_buffers_and_detaches_them() {
    holds(
        "const buffer = new Uint8Array([1, 2, 3]).buffer, view = new Uint8Array(buffer, 1);
         const moved = structuredClone({ view, buffer }, { transfer: [buffer] });
         same(buffer.detached, true); same(view.length, 0);
         same(moved.view.buffer, moved.buffer); like([...moved.view], [2, 3]); same(moved.buffer.byteLength, 3);
         const alone = new ArrayBuffer(4); structuredClone(null, { transfer: new Set([alone]) }); same(alone.detached, true);
         throws('DataCloneError', () => structuredClone(buffer));
         throws('DataCloneError', () => structuredClone(view));
         throws('DataCloneError', () => structuredClone(1, { transfer: [buffer] }));
         const kept = new ArrayBuffer(4);
         throws('DataCloneError', () => structuredClone(() => {}, { transfer: [kept] })); same(kept.detached, false, 'nothing half done');
         throws('DataCloneError', () => structuredClone(1, { transfer: [kept, kept] })); same(kept.detached, false);
         throws('DataCloneError', () => structuredClone(1, { transfer: [{}] }));
         throws('TypeError', () => structuredClone(1, { transfer: [5] }));
         throws('TypeError', () => structuredClone(1, { transfer: 5 }));
         throws('TypeError', () => structuredClone(1, 5));
         throws('TypeError', () => structuredClone());
         same(structuredClone(1, null), 1); same(structuredClone(1, {}), 1); same(structuredClone(1, { transfer: [] }), 1);
         throws('DataCloneError', () => { const b = new ArrayBuffer(4); structuredClone({ get x() { b.transfer(); return 1 } }, { transfer: [b] }) });
         const shrinking = new ArrayBuffer(8, { maxByteLength: 8 }), out = new Uint8Array(shrinking, 4, 4), data = new DataView(shrinking, 4, 4);
         shrinking.resize(2);
         throws('DataCloneError', () => structuredClone(out)); throws('DataCloneError', () => structuredClone(data));",
    )
    .await;
}

#[tokio::test]
async fn errors_keep_class_message_stack_and_cause() {
    holds(
        "for (const Class of [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) {
             const error = new Class('why', { cause: new Map([[1, { a: 1 }]]) }); error.extra = 1;
             const copy = structuredClone(error);
             same(copy.constructor, Class); same(copy.message, 'why'); same(copy.stack, error.stack); same(copy.cause.get(1).a, 1); same('extra' in copy, false);
             same(Object.getOwnPropertyDescriptor(copy, 'message').enumerable, false);
         }
         class Mine extends TypeError { constructor() { super('m'); this.name = 'Mine' } }
         same(structuredClone(new Mine()).constructor, Error); same(structuredClone(new Mine()).message, 'm');
         same(Object.hasOwn(structuredClone(new Error()), 'message'), false);
         const exception = new DOMException('why', 'AbortError'), copy = structuredClone({ exception }).exception;
         same(copy instanceof DOMException, true); same(copy.name, 'AbortError'); same(copy.message, 'why'); same(copy.code, 20); same(copy === exception, false);
         const looped = new Error('x'); looped.cause = looped; same(structuredClone(looped).cause.message, 'x');",
    )
    .await;
}

#[tokio::test]
async fn what_cannot_be_cloned_is_a_data_clone_error() {
    holds(
        "for (const value of [() => {}, class {}, Symbol('s'), Object(Symbol('s')), Promise.resolve(), new WeakMap(), new WeakSet(), new Proxy({}, {}),
                              (function* () {})(), new Map().entries(), await import('tools.js'), new URL('http://x'), new URLSearchParams(),
                              new AbortController().signal, new Event('x'), new TextDecoder(), crypto, performance])
             for (const holder of [value, [value], { value }, new Map([[1, value]]), new Set([value])])
                 same(throws('DataCloneError', () => structuredClone(holder), shown(value)).code, 25);
         same(throws('RangeError', () => structuredClone({ get a() { throw new RangeError('mine') } })).message, 'mine');",
    )
    .await;
}

#[tokio::test]
async fn getters_run_once_in_order_and_what_they_remove_is_left_out() {
    holds(
        "const order = [];
         const source = { get a() { order.push('a'); return { get inner() { order.push('inner'); return 1 } } }, get b() { order.push('b'); delete source.c; source.d = 5; return 2 }, c: 3 };
         like(structuredClone(source), { a: { inner: 1 }, b: 2 });
         like(order, ['a', 'inner', 'b']);
         const map = new Map([[{ get k() { map.set('late', 1); return 1 } }, 'v']]);
         same(structuredClone(map).size, 1);
         same(structuredClone({ get x() { return new Date(5) } }).x.getTime(), 5);",
    )
    .await;
}

#[tokio::test]
async fn depth_is_bounded_by_the_stack_and_size_by_the_heap() {
    holds(
        "let deep = {}; for (let i = 0; i < 1e6; i++) deep = { deep };
         throws('RangeError', () => structuredClone(deep), 'a million levels');
         const long = 'x'.repeat(1 << 20), many = new Array(10000).fill(long);
         same(structuredClone(many).length, 10000, 'ten thousand times one long string');",
    )
    .await;
}
