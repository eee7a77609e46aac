//! `queueMicrotask`.

use super::holds;
use crate::support::{error, run};

#[tokio::test]
async fn microtasks_run_in_order_with_promise_reactions_and_before_timers() {
    holds(
        "const order = [];
         setTimeout(() => order.push('timer'));
         queueMicrotask(function (...given) { order.push(given.length); order.push(this === undefined); });
         Promise.resolve().then(() => order.push('reaction'));
         queueMicrotask(() => { order.push('second'); queueMicrotask(() => order.push('inner')); });
         same(queueMicrotask(() => {}), undefined);
         order.push('script');
         await new Promise((resolve) => setTimeout(resolve));
         like(order, ['script', 0, true, 'reaction', 'second', 'inner', 'timer']);
         for (const bad of [undefined, null, {}, 'text(1)', 5]) throws('TypeError', () => queueMicrotask(bad), shown(bad));
         throws('TypeError', () => queueMicrotask());",
    )
    .await;
}

#[tokio::test]
async fn an_error_of_a_microtask_fails_the_cell_at_the_scripts_own_line() {
    let script = "queueMicrotask(() => {\n  throw new Error('from a microtask');\n});\ntry { await new Promise(() => {}) } catch { text('never') }";
    let response = run(script).await;
    assert!(response.content_items().is_empty());
    let error = response.error_text().unwrap();
    assert!(
        error.starts_with("Error: from a microtask\n    at exec_main.mjs:2:"),
        "{error}"
    );
    assert!(error.contains("  throw new Error"), "{error}");
}

#[tokio::test]
async fn what_a_microtask_throws_need_not_be_an_error() {
    let error = error("queueMicrotask(() => { throw 'words' });\nawait 1;").await;
    assert!(error.contains("words"), "{error}");
    assert!(error.contains("exec_main.mjs:1:"), "{error}");
}
