//! `AbortController` and `AbortSignal`.

use super::holds;

#[tokio::test]
async fn a_controller_aborts_its_signal_once() {
    holds(
        "const controller = new AbortController(), { signal } = controller, heard = [];
         same(controller.signal, signal); same(signal.aborted, false); same(signal.reason, undefined); same(signal.throwIfAborted(), undefined);
         signal.addEventListener('abort', (event) => heard.push([event.type, event.isTrusted, event.target === signal, event.bubbles, event.cancelable, signal.aborted]));
         same(controller.abort('why'), undefined); controller.abort('again');
         same(signal.aborted, true); same(signal.reason, 'why'); like(heard, [['abort', true, true, false, false, true]]);
         let thrown; try { signal.throwIfAborted() } catch (error) { thrown = error } same(thrown, 'why');
         const plain = new AbortController(); plain.abort(); same(plain.signal.reason instanceof DOMException, true); same(plain.signal.reason.name, 'AbortError'); same(plain.signal.reason.code, 20);
         same(plain.signal.reason, plain.signal.reason);
         const nothing = new AbortController(); nothing.abort(null); same(nothing.signal.reason, null); same(nothing.signal.aborted, true);
         throws('TypeError', () => new AbortSignal()); throws('TypeError', () => AbortController.prototype.abort.call({}));
         class Mine extends AbortController {} same(new Mine().signal instanceof AbortSignal, true);
         throws('TypeError', () => new (class extends AbortSignal {})());",
    )
    .await;
}

#[tokio::test]
async fn onabort_is_called_where_it_was_first_set() {
    holds(
        "const controller = new AbortController(), { signal } = controller, order = [];
         same(signal.onabort, null);
         signal.addEventListener('abort', () => order.push(1));
         signal.onabort = () => order.push('old'); signal.addEventListener('abort', () => order.push(3));
         const handler = function (event) { order.push(this === signal && event.type) }; signal.onabort = handler; same(signal.onabort, handler);
         controller.abort(); like(order, [1, 'abort', 3]);
         const other = new AbortController().signal;
         for (const odd of [5, 'x', undefined, true]) { other.onabort = odd; same(other.onabort, null) }
         const object = {}; other.onabort = object; same(other.onabort, object);
         const moved = new AbortController(), seen = []; moved.signal.onabort = () => seen.push('never'); moved.signal.onabort = null; moved.signal.addEventListener('abort', () => seen.push(1)); moved.signal.onabort = () => seen.push(2);
         moved.abort(); like(seen, [1, 2]);",
    )
    .await;
}

#[tokio::test]
async fn signals_are_made_aborted_or_to_time_out() {
    holds(
        "same(AbortSignal.abort().reason.name, 'AbortError'); same(AbortSignal.abort('r').reason, 'r'); same(AbortSignal.abort(undefined).aborted, true); same(AbortSignal.abort() instanceof AbortSignal, true);
         const signal = AbortSignal.timeout(1); same(signal.aborted, false);
         await new Promise((resolve) => { signal.onabort = resolve });
         same(signal.reason instanceof DOMException, true); same(signal.reason.name, 'TimeoutError'); same(signal.reason.code, 23);
         await new Promise((resolve) => AbortSignal.timeout(0).addEventListener('abort', resolve));
         await new Promise((resolve) => AbortSignal.timeout('0.9').addEventListener('abort', resolve));
         AbortSignal.timeout(9007199254740991); AbortSignal.timeout(-0.5);
         for (const bad of [-1, NaN, Infinity, undefined, 'x', 2 ** 53, {}, 1n]) throws('TypeError', () => AbortSignal.timeout(bad), shown(bad));
         throws('TypeError', () => AbortSignal.timeout());",
    )
    .await;
}

#[tokio::test]
async fn any_follows_the_first_of_its_sources() {
    holds(
        "const a = new AbortController(), b = new AbortController(), any = AbortSignal.any([a.signal, b.signal]), order = [];
         same(any.aborted, false); same(any instanceof AbortSignal, true);
         any.addEventListener('abort', () => order.push('any')); a.signal.addEventListener('abort', () => order.push(['a', any.aborted]));
         a.abort('first'); b.abort('second'); same(any.reason, 'first'); like(order, [['a', true], 'any']);
         same(AbortSignal.any([b.signal, a.signal]).reason, 'second'); same(AbortSignal.any([]).aborted, false);
         const c = new AbortController(), nested = AbortSignal.any([AbortSignal.any([c.signal]), new AbortController().signal]);
         c.abort('deep'); same(nested.reason, 'deep');
         const d = new AbortController(); same(AbortSignal.any(new Set([d.signal, d.signal])).aborted, false); d.abort();
         const e = new AbortController(), one = AbortSignal.any([e.signal]), two = AbortSignal.any([one, e.signal]), seen = [];
         two.onabort = () => seen.push('two'); one.onabort = () => seen.push('one'); e.signal.onabort = () => seen.push('source'); e.abort(); like(seen, ['source', 'one', 'two']);
         await new Promise((resolve) => AbortSignal.any([AbortSignal.timeout(1), new AbortController().signal]).addEventListener('abort', resolve));
         for (const bad of [undefined, null, 5, {}, [{}], [undefined]]) throws('TypeError', () => AbortSignal.any(bad), shown(bad));
         throws('TypeError', () => AbortSignal.any());",
    )
    .await;
}

#[tokio::test]
async fn an_abort_from_inside_a_listener_reaches_every_signal_once() {
    holds(
        "const a = new AbortController(), b = new AbortController(), any = AbortSignal.any([a.signal, b.signal]); let heard = 0;
         any.addEventListener('abort', () => heard++);
         a.signal.addEventListener('abort', () => { b.abort('inner'); a.abort('again') });
         a.abort('outer'); same(heard, 1); same(any.reason, 'outer'); same(b.signal.reason, 'inner');",
    )
    .await;
}
