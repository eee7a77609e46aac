//! `setInterval` and `clearInterval`.

use super::holds;
use crate::support::{error, run};

#[tokio::test]
async fn an_interval_runs_again_and_again_until_it_is_cleared() {
    holds(
        "let runs = 0;
         const given = [];
         const id = await new Promise((resolve) => {
             const id = setInterval((...rest) => { given.push(rest); if (++runs === 3) { clearInterval(id); resolve(id) } }, 1, 'a', 2);
         });
         like(given, [['a', 2], ['a', 2], ['a', 2]]);
         await new Promise((resolve) => setTimeout(resolve, 5));
         same(runs, 3);
         same(typeof id, 'number');
         const timeout = setTimeout(() => fails('was cleared')), interval = setInterval(() => fails('was cleared'));
         same(interval, timeout + 1, 'one sequence of ids');
         clearInterval(timeout); clearTimeout(interval); clearInterval(); clearInterval(undefined); clearInterval(9e9); clearInterval(String(interval));
         await new Promise((resolve) => setTimeout(resolve, 2));",
    )
    .await;
}

#[tokio::test]
async fn an_interval_of_no_time_lets_other_timers_calls_and_microtasks_have_their_turn() {
    holds(
        "let runs = 0, microtasks = 0;
         const id = setInterval(() => { runs++; queueMicrotask(() => microtasks++) });
         await tools.echo({});
         await new Promise((resolve) => setTimeout(resolve, 3));
         while (runs < 10) await new Promise((resolve) => setTimeout(resolve));
         clearInterval(id);
         same(runs - microtasks <= 1, true);",
    )
    .await;
}

#[tokio::test]
async fn intervals_of_a_delay_that_is_no_positive_number_run_as_soon_as_they_can() {
    holds(
        "for (const odd of [0, -1, NaN, Infinity, undefined, 'x'])
             await new Promise((resolve) => { const id = setInterval(() => { clearInterval(id); resolve() }, odd) });
         for (const bad of [undefined, null, 'text(1)', {}])
             same(throws('TypeError', () => setInterval(bad)).message.startsWith('setInterval: the first argument must be a function'), true);
         throws('RangeError', () => setInterval(() => {}, { valueOf() { throw new RangeError('mine') } }));",
    )
    .await;
}

#[tokio::test]
async fn an_error_of_an_interval_fails_the_cell_and_an_interval_does_not_keep_it_alive() {
    let text = error("let n = 0; setInterval(() => {\n  if (++n === 2) throw new Error('the second time');\n});\nawait new Promise(() => {});").await;
    assert!(
        text.starts_with("Error: the second time\n    at exec_main.mjs:2:"),
        "{text}"
    );
    let response = run("setInterval(() => {}, 1); text('done')").await;
    assert_eq!(response.text(), "done");
    assert_eq!(response.error_text(), None);
}
