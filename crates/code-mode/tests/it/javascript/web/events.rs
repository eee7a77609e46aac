//! `EventTarget` and `Event`.

use super::holds;
use crate::support::error;

#[tokio::test]
async fn listeners_run_in_order_the_capturing_ones_first() {
    holds(
        "const target = new EventTarget(), order = [];
         target.addEventListener('x', () => order.push('a'));
         target.addEventListener('x', () => order.push('captured'), true);
         target.addEventListener('x', () => order.push('b'), { capture: false });
         target.addEventListener('x', null); target.addEventListener('y', () => order.push('y'));
         const twice = () => order.push('twice');
         target.addEventListener('x', twice); target.addEventListener('x', twice); target.addEventListener('x', twice, true);
         same(target.dispatchEvent(new Event('x')), true);
         like(order, ['captured', 'twice', 'a', 'b', 'twice']);
         target.removeEventListener('x', twice, { capture: true }); target.removeEventListener('x', twice); target.removeEventListener('x', () => {}); target.removeEventListener('x', null);
         order.length = 0; target.dispatchEvent(new Event('x')); like(order, ['captured', 'a', 'b']);",
    )
    .await;
}

#[tokio::test]
async fn callbacks_get_the_event_and_the_target_as_this_and_objects_their_handle_event() {
    holds(
        "const target = new EventTarget();
         let seen = [];
         target.addEventListener('x', function (event) { seen.push(this === target, event.target === target, event.currentTarget === target, event.srcElement === target, event.eventPhase, event.composedPath()[0] === target, event.composedPath().length) });
         const listener = { handleEvent(event) { seen.push(this === listener, event.type) } };
         target.addEventListener('x', listener);
         const event = new Event('x');
         target.dispatchEvent(event);
         like(seen, [true, true, true, true, 2, true, 1, true, 'x']);
         same(event.currentTarget, null); same(event.eventPhase, 0); same(event.target, target); like(event.composedPath(), []);
         listener.handleEvent = () => seen.push('replaced'); seen = []; target.dispatchEvent(event); same(seen.at(-1), 'replaced', 'read at each event');",
    )
    .await;
}

#[tokio::test]
async fn once_passive_and_signal_do_what_they_say() {
    holds(
        "const target = new EventTarget(); let count = 0;
         target.addEventListener('once', () => { count++; target.dispatchEvent(new Event('once')) }, { once: true });
         target.dispatchEvent(new Event('once')); target.dispatchEvent(new Event('once')); same(count, 1);
         target.addEventListener('p', (event) => { event.preventDefault(); event.returnValue = false }, { passive: true });
         same(target.dispatchEvent(new Event('p', { cancelable: true })), true);
         target.addEventListener('p', (event) => event.preventDefault());
         same(target.dispatchEvent(new Event('p', { cancelable: true })), false); same(target.dispatchEvent(new Event('p')), true, 'not cancelable');
         const controller = new AbortController(), { signal } = controller; let heard = 0;
         target.addEventListener('s', () => heard++, { signal }); target.dispatchEvent(new Event('s'));
         controller.abort(); target.dispatchEvent(new Event('s')); same(heard, 1);
         target.addEventListener('s', () => heard++, { signal }); target.dispatchEvent(new Event('s')); same(heard, 1, 'aborted before');
         const inside = new AbortController();
         target.addEventListener('t', () => inside.abort()); target.addEventListener('t', () => fails('removed while the event is under way'), { signal: inside.signal });
         target.dispatchEvent(new Event('t'));
         for (const bad of [null, {}, 5]) throws('TypeError', () => target.addEventListener('s', () => {}, { signal: bad }), shown(bad));",
    )
    .await;
}

#[tokio::test]
async fn propagation_can_be_stopped_and_listeners_changed_meanwhile() {
    holds(
        "const target = new EventTarget(), order = [];
         target.addEventListener('i', () => order.push(1)); target.addEventListener('i', (event) => { order.push(2); event.stopImmediatePropagation() }); target.addEventListener('i', () => order.push(3));
         const event = new Event('i'); target.dispatchEvent(event); like(order, [1, 2]); same(event.cancelBubble, false, 'reset');
         target.dispatchEvent(event); like(order, [1, 2, 1, 2]);
         const stopped = new Event('i'); stopped.stopPropagation(); same(stopped.cancelBubble, true); target.dispatchEvent(stopped); like(order, [1, 2, 1, 2]);
         const c = []; target.addEventListener('c', (e) => { c.push('capture'); e.stopPropagation() }, true); target.addEventListener('c', () => c.push('also'), true); target.addEventListener('c', () => c.push('bubble'));
         target.dispatchEvent(new Event('c')); like(c, ['capture', 'also']);
         const a = []; const late = () => a.push('late');
         target.addEventListener('a', () => { a.push('first'); target.addEventListener('a', late); target.removeEventListener('a', removed) }); const removed = () => a.push('removed'); target.addEventListener('a', removed);
         target.dispatchEvent(new Event('a')); like(a, ['first']); target.dispatchEvent(new Event('a')); like(a, ['first', 'first', 'late']);",
    )
    .await;
}

#[tokio::test]
async fn events_have_the_properties_of_their_standard() {
    holds(
        "const event = new Event('type', { bubbles: 1, cancelable: 'yes', composed: {} });
         like([event.type, event.bubbles, event.cancelable, event.composed, event.defaultPrevented, event.returnValue, event.isTrusted, event.target, event.currentTarget, event.eventPhase],
              ['type', true, true, true, false, true, false, null, null, 0]);
         same(Number.isInteger(event.timeStamp), true);
         event.preventDefault(); same(event.defaultPrevented, true); same(event.returnValue, false); event.returnValue = true; same(event.defaultPrevented, true);
         const own = Object.getOwnPropertyDescriptor(event, 'isTrusted');
         like([typeof own.get, own.set, own.enumerable, own.configurable], ['function', undefined, true, false]);
         same(own.get, Object.getOwnPropertyDescriptor(new Event('x'), 'isTrusted').get);
         same(Event.AT_TARGET, 2); same(event.BUBBLING_PHASE, 3); like(Object.keys(event), ['isTrusted']);
         event.initEvent('other', false, false); like([event.type, event.bubbles, event.cancelable, event.defaultPrevented], ['other', false, false, false]);
         event.cancelBubble = false; same(event.cancelBubble, false); event.cancelBubble = true; event.cancelBubble = false; same(event.cancelBubble, true);
         same(new Event(undefined).type, 'undefined'); same(new Event('x', null).bubbles, false);
         throws('TypeError', () => new Event()); throws('TypeError', () => new Event('x', 5)); throws('TypeError', () => new Event(Symbol()));
         const order = []; new Event({ toString() { order.push('type'); return '' } }, { get composed() { order.push('composed') }, get bubbles() { order.push('bubbles') }, get cancelable() { order.push('cancelable') } });
         like(order, ['type', 'bubbles', 'cancelable', 'composed']);",
    )
    .await;
}

#[tokio::test]
async fn what_is_no_event_or_listener_is_refused() {
    holds(
        "const target = new EventTarget();
         for (const bad of [undefined, null, {}, 'x', Object.create(Event.prototype)]) throws('TypeError', () => target.dispatchEvent(bad), typeof bad);
         for (const bad of [5, 'x', true, Symbol()]) throws('TypeError', () => target.addEventListener('x', bad), shown(bad));
         throws('TypeError', () => target.addEventListener('x')); throws('TypeError', () => target.removeEventListener('x')); throws('TypeError', () => target.dispatchEvent());
         throws('TypeError', () => EventTarget.prototype.addEventListener.call({}, 'x', null));
         target.addEventListener('again', (event) => throws('InvalidStateError', () => target.dispatchEvent(event))); target.dispatchEvent(new Event('again'));
         class Own extends EventTarget { fire() { return this.dispatchEvent(new Event('own')) } }
         const own = new Own(); let heard = 0; own.addEventListener('own', () => heard++); own.fire(); same(heard, 1);",
    )
    .await;
}

#[tokio::test]
async fn an_error_of_a_listener_stops_no_other_listener_and_fails_the_cell() {
    let script = "const target = new EventTarget();\ntarget.addEventListener('x', () => { throw new Error('of a listener') });\n\
                  let others = 0;\ntarget.addEventListener('x', () => others++);\ntry { target.dispatchEvent(new Event('x')) } catch { text('never') }\n\
                  if (others !== 1) text('the other did not run');\nawait 1; await 1;";
    let response = crate::support::run(script).await;
    assert_eq!(response.text(), "");
    let text = response.error_text().unwrap();
    assert!(
        text.starts_with("Error: of a listener\n    at EventTarget.<anonymous> (exec_main.mjs:2:"),
        "{text}"
    );
    assert!(!text.contains("code-mode:"), "{text}");
    let text = error(
        "const t = new EventTarget(); t.addEventListener('x', {}); t.dispatchEvent(new Event('x'))",
    )
    .await;
    assert!(text.starts_with("TypeError: "), "{text}");
}
