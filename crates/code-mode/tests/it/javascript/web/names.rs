//! How the names stand in the global object, and the shape of what they name.

use super::holds;
use crate::support::texts;

#[tokio::test]
async fn names_are_hidden_writable_and_configurable_before_and_after_their_first_touch() {
    holds(
        "const names = ['AbortController', 'AbortSignal', 'DOMException', 'Event', 'EventTarget', 'TextDecoder', 'TextEncoder', 'URL',
             'URLSearchParams', 'atob', 'btoa', 'clearInterval', 'crypto', 'performance', 'queueMicrotask', 'setInterval', 'structuredClone'];
         like(Object.keys(globalThis).filter((name) => names.includes(name)), []);
         like(names.filter((name) => !(name in globalThis)), []);
         for (const name of names) {
             const { value, writable, enumerable, configurable, get } = Object.getOwnPropertyDescriptor(globalThis, name);
             like([writable, enumerable, configurable, get], [true, false, true, undefined], name);
             same(value, globalThis[name], name);
             same(typeof value, name === 'crypto' || name === 'performance' ? 'object' : 'function', name);
         }",
    )
    .await;
}

#[tokio::test]
async fn a_name_can_be_replaced_or_deleted_before_anything_read_it() {
    holds(
        "globalThis.URL = 5;
         same(URL, 5);
         same(delete globalThis.Event, true);
         same(typeof Event, 'undefined');
         { const atob = 7; same(atob, 7); }
         Object.defineProperty(globalThis, 'btoa', { value: 8 });
         same(btoa, 8);
         globalThis.DOMException = null;
         let thrown; try { globalThis.structuredClone(() => {}) } catch (error) { thrown = error }
         same(thrown.name, 'DataCloneError', 'ours does not depend on the global');
         same(new AbortController().signal.aborted, false);",
    )
    .await;
}

#[tokio::test]
async fn functions_and_classes_have_the_length_and_name_of_their_standard() {
    holds(
        "for (const [name, length] of [['atob', 1], ['btoa', 1], ['clearInterval', 0], ['queueMicrotask', 1], ['setInterval', 1],
                                       ['structuredClone', 1], ['AbortController', 0], ['AbortSignal', 0], ['DOMException', 0],
                                       ['Event', 1], ['EventTarget', 0], ['TextDecoder', 0], ['TextEncoder', 0], ['URL', 1],
                                       ['URLSearchParams', 0]]) {
             same(globalThis[name].name, name); same(globalThis[name].length, length, name);
         }
         for (const name of ['atob', 'btoa', 'structuredClone', 'queueMicrotask', 'setInterval']) {
             throws('TypeError', () => new globalThis[name](''), name);
             same('prototype' in globalThis[name], false, name);
         }
         for (const Class of [AbortController, AbortSignal, DOMException, Event, EventTarget, TextDecoder, TextEncoder, URL, URLSearchParams]) {
             const { writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(Class, 'prototype');
             like([writable, enumerable, configurable], [false, false, false], Class.name);
             const tag = Object.getOwnPropertyDescriptor(Class.prototype, Symbol.toStringTag);
             like(tag, { value: Class.name, writable: false, enumerable: false, configurable: true }, Class.name);
             same(Object.getOwnPropertyDescriptor(Class.prototype, 'constructor').enumerable, false);
             throws('TypeError', () => Class(), Class.name);
             for (const [key, member] of Object.entries(Object.getOwnPropertyDescriptors(Class.prototype))) {
                 if (key === 'constructor') continue;
                 same(member.enumerable, true, `${Class.name}.${key}`);
                 if (member.get) throws('TypeError', () => member.get.call({}), `${Class.name}.${key}`);
                 if (typeof member.value === 'function') throws('TypeError', () => member.value.call({}), `${Class.name}.${key}`);
                 if (typeof member.value === 'function') same('prototype' in member.value, false, `${Class.name}.${key}`);
             }
         }
         const lengths = (Class, expected) => {
             for (const [name, length] of Object.entries(expected)) same(Class.prototype[name].length, length, `${Class.name}.${name}`);
         };
         lengths(EventTarget, { addEventListener: 2, removeEventListener: 2, dispatchEvent: 1 });
         lengths(URLSearchParams, { append: 2, delete: 1, get: 1, getAll: 1, has: 1, set: 2, sort: 0, forEach: 1, entries: 0, toString: 0 });
         lengths(TextEncoder, { encode: 0, encodeInto: 2 });
         lengths(TextDecoder, { decode: 0 });
         lengths(Event, { initEvent: 1, preventDefault: 0, composedPath: 0 });
         same(AbortSignal.any.length, 1); same(AbortSignal.timeout.length, 1); same(AbortSignal.abort.length, 0);
         same(URL.canParse.length, 1); same(URL.parse.length, 1);
         same(Object.getPrototypeOf(AbortSignal), EventTarget);",
    )
    .await;
}

#[tokio::test]
async fn built_ins_changed_after_the_first_touch_change_nothing_of_ours() {
    holds(
        "const params = new URLSearchParams('b=1&a=2'), controller = new AbortController(), { signal } = controller;
         structuredClone({}); new TextDecoder(); new Event('x');
         const broken = () => { throw new Error('changed by the script') };
         const { from } = Array, stringify = JSON.stringify;
         for (const Class of [Map, Set, WeakMap]) for (const key of Object.getOwnPropertyNames(Class.prototype))
             if (key !== 'constructor' && key !== 'size') Class.prototype[key] = broken;
         const arrayKeys = ['push', 'sort', 'includes', 'indexOf', 'map', 'forEach', 'filter', 'slice', 'splice', Symbol.iterator];
         const kept = arrayKeys.map((key) => Array.prototype[key]);
         for (const key of ['slice', 'charCodeAt', 'toLowerCase', 'toWellFormed', 'startsWith']) String.prototype[key] = broken;
         for (const key of arrayKeys) Array.prototype[key] = broken;
         RegExp.prototype.exec = broken; Object.defineProperty(Object.prototype, '0', { set: broken, configurable: true });
         Object.defineProperty = broken; Reflect.apply = broken; Function.prototype.call = broken; Function.prototype.apply = broken;
         let heard = 0, outcome = [];
         try {
             signal.addEventListener('abort', () => heard++, { once: true });
             AbortSignal.any({ *[Symbol.iterator]() { yield signal } }).onabort = () => heard++;
             controller.abort();
             params.sort(); params.append('c', '?'); params.delete('b');
             const url = new URL('http://x/?q=1'); url.searchParams.set('q', '2');
             const clone = structuredClone({ list: [1, { a: 2 }], map: new Map(), text: 'x' });
             outcome = { 0: String(params), 1: url.href, 2: clone.list[1].a, 3: new TextDecoder(' UTF8 ').decode(new TextEncoder().encode('\\ufeffx')), 4: heard };
         } catch (error) { outcome = error }
         Array.prototype[Symbol.iterator] = kept[9];
         delete Object.prototype[0];
         if (outcome instanceof Error) fails(outcome);
         else same(stringify(outcome), '{\"0\":\"a=2&c=%3F\",\"1\":\"http://x/?q=2\",\"2\":2,\"3\":\"x\",\"4\":2}');",
    )
    .await;
}

#[tokio::test]
async fn built_ins_changed_before_the_first_touch_hurt_that_script_alone() {
    let script = "Map.prototype.set = Object.defineProperty = Reflect.apply = () => { throw new RangeError('mine') };
                  for (const touch of [() => URL, () => structuredClone({}), () => new AbortController().abort(), () => new TextDecoder()])
                      try { touch(); } catch (e) { text(e.message) }
                  text(atob('YQ'));";
    let items = texts(script).await;
    assert_eq!(items.last().unwrap(), "a");
    assert!(items.contains(&"mine".to_owned()), "{items:?}");
    assert_eq!(texts("text(new URL('http://a').href)").await, ["http://a/"]);
}
