//! `setTimeout` and `clearTimeout`.

use crate::support::{error, texts};

#[tokio::test]
async fn timers_run_by_delay_and_equal_ones_by_id() {
    // On a machine that takes longer over the calls than lies between the delays, the times at
    // which timers are due are in another order: the script sees that and starts again.
    let script = "let order, late;
                  do {
                      order = [];
                      const start = Date.now();
                      for (const delay of [12, 4, 8, 4, 0]) setTimeout(() => order.push(delay), delay);
                      late = Date.now() - start > 2;
                      await new Promise((resolve) => setTimeout(resolve, 20));
                  } while (late);
                  text(order);
                  order = [];
                  for (let i = 1; i <= 20; i++) setTimeout(() => order.push(i));
                  await new Promise((resolve) => setTimeout(resolve));
                  text(order.every((id, index) => id === index + 1) && order.length);";
    assert_eq!(texts(script).await, ["[0,4,4,8,12]", "20"]);
}

#[tokio::test]
async fn a_delay_that_is_no_positive_number_is_zero() {
    let script = "const order = [];
                  for (const odd of [0, -1, NaN, Infinity, -Infinity, undefined, null, 'x', '', {}, [], false, '-5', new Date(NaN)])
                      setTimeout(() => order.push(odd), odd);
                  setTimeout(() => order.push('none'));
                  setTimeout(() => order.push('never'), 1e9);
                  await new Promise((resolve) => setTimeout(resolve));
                  text(order.length); text(order.at(-1));";
    assert_eq!(texts(script).await, ["15", "none"]);
}

#[tokio::test]
async fn a_delay_is_made_a_number_as_the_language_does_it() {
    let script = "const done = [];
                  setTimeout(() => done.push('string'), '1');
                  setTimeout(() => done.push('object'), { valueOf() { return 1 } });
                  setTimeout(() => done.push('true'), true);
                  setTimeout(() => done.push('far'), '1e9');
                  await new Promise((resolve) => setTimeout(resolve, 2));
                  text(done);
                  for (const bad of [1n, Symbol('s'), { valueOf() { throw new RangeError('mine') } }])
                      try { setTimeout(() => {}, bad) } catch (e) { text(String(e)) }";
    assert_eq!(
        texts(script).await,
        [
            r#"["string","object","true"]"#,
            "TypeError: Cannot convert a BigInt value to a number",
            "TypeError: Cannot convert a Symbol value to a number",
            "RangeError: mine",
        ]
    );
}

#[tokio::test]
async fn ids_count_from_one_and_are_never_used_again() {
    let script = "const ids = [setTimeout(() => {}), setTimeout(() => {}, 1e9)];
                  clearTimeout(ids[1]);
                  ids.push(setTimeout(() => {}, 1e9));
                  await new Promise((resolve) => ids.push(setTimeout(resolve)));
                  ids.push(setTimeout(() => {}));
                  text(ids);";
    assert_eq!(texts(script).await, ["[1,2,3,4,5]"]);
}

#[tokio::test]
async fn a_cleared_timer_does_not_run() {
    let script = "const run = [];
                  clearTimeout(setTimeout(() => run.push('at once')));
                  const pending = setTimeout(() => run.push('from a callback'), 0);
                  clearTimeout(String(pending));
                  let second;
                  setTimeout(() => clearTimeout(second));
                  second = setTimeout(() => run.push('second'));
                  const own = setTimeout(() => { clearTimeout(own); run.push('itself') });
                  await new Promise((resolve) => setTimeout(resolve));
                  text(run);";
    assert_eq!(texts(script).await, [r#"["itself"]"#]);
}

#[tokio::test]
async fn clearing_what_is_no_pending_timer_is_ignored() {
    let script = "setTimeout(() => text('runs'));
                  for (const id of [99, 0, -1, 1.5, NaN, Infinity, 2 ** 32 + 1, undefined, null, 'x', {}])
                      text(clearTimeout(id));
                  text(clearTimeout());
                  await new Promise((resolve) => setTimeout(resolve));
                  clearTimeout(1);";
    let mut expected = vec!["undefined"; 12];
    expected.push("runs");
    assert_eq!(texts(script).await, expected);
}

#[tokio::test]
async fn arguments_are_handed_on_and_this_is_undefined() {
    let script = "const object = {};
                  setTimeout(function (...rest) {
                      text(rest.length); text(rest[0] === object); text(rest.slice(1)); text(this === undefined);
                  }, 0, object, 2, 'three', null);
                  setTimeout((...rest) => text(rest.length), 0);
                  await new Promise((resolve) => setTimeout(resolve, 0, 'value')).then(text);";
    assert_eq!(
        texts(script).await,
        ["4", "true", r#"[2,"three",null]"#, "true", "0", "value"]
    );
}

#[tokio::test]
async fn microtasks_drain_after_each_callback() {
    let script = "const order = [];
                  for (const name of ['a', 'b']) setTimeout(async () => {
                      order.push(name + 1);
                      await null;
                      order.push(name + 2);
                      await Promise.resolve().then(() => {});
                      order.push(name + 3);
                  });
                  await new Promise((resolve) => setTimeout(resolve));
                  text(order);";
    assert_eq!(texts(script).await, [r#"["a1","a2","a3","b1","b2","b3"]"#]);
}

#[tokio::test]
async fn a_timer_set_by_a_callback_runs_after_those_that_were_due() {
    let script = "const order = [];
                  setTimeout(() => { order.push(1); setTimeout(() => order.push(3)) });
                  setTimeout(() => order.push(2));
                  await new Promise((resolve) => setTimeout(() => setTimeout(resolve)));
                  text(order);";
    assert_eq!(texts(script).await, ["[1,2,3]"]);
}

#[tokio::test]
async fn an_error_of_a_callback_fails_the_cell_and_nothing_catches_it() {
    let script = "try {
                      setTimeout(() => { throw new Error('from a timer') });
                      setTimeout(() => text('never'));
                      await new Promise(() => {});
                  } catch { text('never') } finally { text('never') }";
    let response = crate::support::run(script).await;
    assert!(response.content_items().is_empty());
    let error = response.error_text().unwrap();
    assert!(
        error.starts_with("Error: from a timer\n    at exec_main.mjs:2:"),
        "{error}"
    );
}

#[tokio::test]
async fn a_rejection_of_an_async_callback_fails_nothing() {
    let script = "setTimeout(async () => { throw new Error('unheard') });
                  await new Promise((resolve) => setTimeout(resolve));
                  text('fine');";
    assert_eq!(texts(script).await, ["fine"]);
}

#[tokio::test]
async fn what_is_no_function_is_refused() {
    let script = "for (const bad of [undefined, null, 5, 'text(1)', {}, Symbol('s')])
                      try { setTimeout(bad) } catch (e) {
                          text(e instanceof TypeError && e.message.startsWith('setTimeout: the first argument must be a function'));
                      }";
    assert_eq!(texts(script).await, ["true"; 6]);
    assert!(
        error("setTimeout('text(1)')")
            .await
            .contains("not a string")
    );
}

#[tokio::test]
async fn pending_timers_do_not_keep_a_cell_alive() {
    let script = "setTimeout(() => text('never'), 1e9);
                  setTimeout(function again() { setTimeout(again, 1) });
                  await tools.echo({});
                  text('done');";
    assert_eq!(texts(script).await, ["done"]);
}

#[tokio::test]
async fn many_timers_all_run() {
    let script = "let n = 0;
                  await Promise.all(Array.from({ length: 5000 }, (_, i) =>
                      new Promise((resolve) => setTimeout(() => { n++; resolve() }, i % 3))));
                  text(n);";
    assert_eq!(texts(script).await, ["5000"]);
}
