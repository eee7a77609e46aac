//! Random scripts: statements out of everything that can be reached, nasty values and bad moments.

use crate::chance::Chance;
use crate::script::{PRELUDE, Script};
use crate::values::VALUES;

/// Statements that make something hostile of the global state. `@` is an expression, `{}` a statement.
const STATES: &[&str] = &[
    "hook = () => { if (busy) return; busy = true; try { {} } finally { busy = false } }",
    "hook = () => { if (n++ < 50) { {} } }",
    "Error.prepareStackTrace = (e, s) => { hook(); return @ }",
    "Error.stackTraceLimit = @",
    "Array.prototype[0] = @",
    "Object.prototype.then = @",
    "Object.defineProperty(Object.prototype, 'a', { configurable: true, get() { hook(); return 1 }, set(x) { hook() } })",
    "Object.defineProperty(Array.prototype, 1, { configurable: true, get() { hook(); return 1 }, set(x) { hook() } })",
    "Object.prototype.toJSON = function () { hook(); return @ }",
    "Object.prototype.get = @",
    "Array.prototype[Symbol.iterator] = @",
    "Array[Symbol.species] = @",
    "Object.setPrototypeOf(Array.prototype, @)",
    "Object.setPrototypeOf(globalThis, @)",
    "Promise.prototype.then = @",
    "Promise.resolve = @",
    "RegExp.prototype.exec = @",
    "Symbol.prototype[Symbol.toPrimitive] = @",
    "Function.prototype[Symbol.hasInstance] = @",
    "globalThis.Error = @",
    "globalThis.Promise = @",
    "globalThis.JSON = @",
    "fill(3000)",
    "hook.buffer = new ArrayBuffer(2 ** 20 * 13)",
    "kept.length = 0",
    "globalThis.addEventListener?.('unhandledrejection', () => { })",
];

const STATEMENTS: &[&str] = &[
    "$ = @",
    "$ = @",
    "$ = call(@, @, @)",
    "$ = call(@, @)",
    "$ = call(@, @, @, @)",
    "$ = make(@, @)",
    "$ = make(@, @, @)",
    "$ = $[@]",
    "$[@] = @",
    "$.length = @",
    "delete $[@]",
    "$ = method($, @, @)",
    "$ = method($, @)",
    "$ = method($)",
    "$ = method(@, @, @)",
    "for (const x of @) { if (n++ > 200) break; {} }",
    "for (const x in @) { if (n++ > 200) break; {} }",
    "for await (const x of @) { if (n++ > 200) break; {} }",
    "[$, $ = @, ...$] = @",
    "({ a: $, length: $ = @, ...$ } = @)",
    "$ = [...@, ...@]",
    "$ = { ...@, [@]: @ }",
    "$ = `${@}${@}`",
    "$ = @ + @",
    "$ = @ ** @",
    "$ = @ << @",
    "$ = @ == @",
    "$ = @ instanceof @",
    "$ = @ in @",
    "$ = structuredClone(@, { transfer: @ })",
    "$ = structuredClone([@, @])",
    "$ = JSON.stringify(@, @, @)",
    "$ = JSON.parse(JSON.stringify(@), function (k, v) { {} return @ })",
    "$ = new Proxy(@, everything)",
    "$ = new Proxy(@, { get: @, has: @, ownKeys: @, getOwnPropertyDescriptor: @, getPrototypeOf: @, apply: @, construct: @, set: @, defineProperty: @ })",
    "Object.defineProperty(@, @, @)",
    "Object.setPrototypeOf(@, @)",
    "Object.freeze($)",
    "$ = Reflect.construct(@, [@, @], @)",
    "$ = Reflect.apply(@, @, @)",
    "$ = @.map((x) => { {} return @ })",
    "$ = @.sort((a, b) => { {} return n++ % 3 - 1 })",
    "$ = @.flatMap(() => @)",
    "$ = @.reduce((a, b) => { {} return @ })",
    "$ = @.replace(@, () => { {} return @ })",
    "$ = Array.from(@, (x) => { {} return @ })",
    "$ = Array.fromAsync(@, @)",
    "$ = Object.groupBy(@, () => @)",
    "$ = Iterator.from(@).map(@).filter(@).take(5).flatMap(@).toArray()",
    "$ = Promise.all([@, @]); $.catch(hook)",
    "$ = Promise.race(@)",
    "$ = Promise.any(@)",
    "$ = await Promise.race([@, 1])",
    "$ = new (class extends @ { constructor(...a) { {} super(...a); {} } })(@)",
    "$ = class extends @ { [@] = @; static [@] = @; static { {} } }",
    "$ = new @(@)",
    "$ = (function* () { try { $ = yield @; {} } finally { {} } })()",
    "$ = (async function* () { try { $ = yield @; {} yield* @ } finally { {} } })()",
    "$.next(@); $.return(@)",
    "$.throw(@)",
    "setTimeout(() => { {} }, @)",
    "queueMicrotask(() => { {} })",
    "Promise.resolve().then(() => { {} })",
    "try { {} } catch { {} } finally { {} }",
    "throw @",
    "text(@)",
    "console.log(@, @)",
    "image(@, @)",
    "audio(@)",
    "forward_output(@, @)",
    "store(@, @)",
    "store('k', @)",
    "$ = load('k')",
    "$ = load(@)",
    "$ = load_output(@, @)",
    "notify(@)",
    "yield_control()",
    "$ = tools.echo(@, @); $.catch(hook)",
    "$ = await tools.echo(@)",
    "$ = await tools.fail(@)",
    "tools.never(@, { signal: AbortSignal.timeout(1) }).catch(() => { {} })",
    "$ = tools[@](@)",
    "$ = search_tools(@, @)",
    "$ = describe_tool(@)",
    "$ = await import(@)",
    "$ = import('tools.js')",
    "exit()",
    "atBottom(() => { {} })",
    "atBottom(() => { {} {} })",
    "below(() => { {} }, 5)",
    "below(() => { {} }, 300)",
    "fill(1000); {}",
    "for (let i = 0; i < 300; i++) { {} }",
    "warm((x) => { {} return @ })",
    "warm((x, y) => x[y], @, @)",
    "warm((x, y) => { x[y] = @ }, @, @)",
    "warm((x, y) => x + y, @, @)",
    "with_eval(() => { {} })",
    "$ = new Intl.DateTimeFormat(@, @).formatToParts(@)",
    "$ = new Intl.NumberFormat(@, @).format(@)",
    "$ = new Intl.Collator(@, @).compare(@, @)",
    "$ = new WeakRef(@); new FinalizationRegistry(() => { {} }).register({ }, 1); kept.length = 0; await null",
    "const c = new AbortController(); c.signal.addEventListener('abort', () => { {} }); c.abort(@)",
    "globalThis.dispatchEvent?.(new Event(@))",
    "$ = new URLSearchParams(@); $.sort()",
    "$ = new TextDecoder(@).decode(@)",
    "hook.buffer?.resize(@)",
    "$ = @.buffer.transfer(@)",
    "$ = new Uint8Array(@, @, @)",
    "$ = @.set(@, @)",
    "$ = @.subarray(@, @)",
    "$ = @.slice(@, @)",
    "$ = @.splice(@, @, @)",
    "$ = @.fill(@, @, @)",
    "$ = @.concat(@, @)",
    "using u = { [Symbol.dispose]() { {} } }",
    "await using w = { async [Symbol.asyncDispose]() { {} } }",
];

const AIDS: &str = "let busy = false, all; const v = [];
const every = () => all ??= reach();
const F = (i) => every()[i % every().length][1];
const call = (f, ...a) => apply(typeof f == 'function' ? f : F(n++), a[0], a.slice(1));
const make = (f, ...a) => construct(typeof f == 'function' ? f : F(n++), a);
const method = (o, ...a) => { let p = Object(o), f = []; while (p && f.length < 200) { try { f.push(...ownKeys(p).map((k) => { try { return o[k] } catch {} }).filter((x) => typeof x == 'function')); p = getPrototypeOf(p) } catch { break } } return f.length ? apply(f[(n = n * 31 + 7 & 0xffffff) % f.length], o, a) : undefined };
const warm = (f, ...a) => { let r; for (let i = 0; i < 3000; i++) { try { r = f(...(i < 2900 ? [i, i] : a)) } catch {} } return r };
const with_eval = (f) => eval('(' + f + ')()');";

/// How many variables the statements share.
const VARIABLES: usize = 5;

/// A script of random statements.
pub fn script(chance: &mut Chance, number: usize) -> Script {
    let mut pieces = vec![PRELUDE.to_owned(), AIDS.to_owned()];
    pieces.push(format!("n = {}", chance.below(100_000)));
    for _ in 0..chance.below(4) {
        let state = chance.pick(STATES);
        pieces.push(guarded(&filled(state, chance, 2)));
    }
    for _ in 0..=chance.below(14) {
        pieces.push(guarded(&statement(chance, 2)));
    }
    Script {
        name: format!("random {number}"),
        pieces,
        heap_mib: chance.pick(&[16, 24, 64]),
        cpu_ms: chance.pick(&[150, 300]),
        most_mib: None,
    }
}

fn guarded(statement: &str) -> String {
    format!("try {{ {statement} }} catch {{}}")
}

fn statement(chance: &mut Chance, depth: usize) -> String {
    let mut statement = chance.pick(STATEMENTS);
    while depth == 0 && statement.contains("{}") {
        statement = chance.pick(STATEMENTS);
    }
    filled(statement, chance, depth)
}

/// A statement with its places filled in.
fn filled(template: &str, chance: &mut Chance, depth: usize) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['@', '$', '{']) {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("${") {
            // A place of a template literal.
            filled.push_str("${");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("{}") {
            filled.push_str(&guarded(&statement(chance, depth.saturating_sub(1))));
            filled.push(';');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('@') {
            filled.push_str(&expression(chance));
            rest = after;
        } else if let Some(after) = rest.strip_prefix('$') {
            filled.push_str(&variable(chance));
            rest = after;
        } else {
            filled.push('{');
            rest = &rest[1..];
        }
    }
    filled + rest
}

fn variable(chance: &mut Chance) -> String {
    format!("v[{}]", chance.below(VARIABLES))
}

fn expression(chance: &mut Chance) -> String {
    match chance.below(8) {
        0..3 => variable(chance),
        3 => format!("F({})", chance.below(5_000)),
        _ => format!("({})", chance.pick(VALUES)),
    }
}
