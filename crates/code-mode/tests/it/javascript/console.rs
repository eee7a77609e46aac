//! What `console` shows: values as a person wants to read them.

use super::tables;
use crate::support::{run, texts};

#[tokio::test]
async fn values_are_shown_as_in_the_table() {
    tables::check(include_str!("console.txt")).await;
}

#[tokio::test]
async fn a_console_call_appends_one_item_its_arguments_joined_by_a_space() {
    let script = "console.log('a', 1, { b: 2 }, [3], null, undefined, true, 5n, Symbol('s'));
                  console.log();
                  console.info('info'); console.warn('warn'); console.error('error'); console.debug('debug');
                  text(Object.keys(console));";
    assert_eq!(
        texts(script).await,
        [
            "a 1 { b: 2 } [ 3 ] null undefined true 5n Symbol(s)",
            "",
            "info",
            "warn",
            "error",
            "debug",
            r#"["log","info","warn","error","debug"]"#,
        ]
    );
}

#[tokio::test]
async fn errors_are_shown_with_stack_properties_and_causes() {
    let script = "class HttpError extends Error { constructor(status, options) { super('no page', options); this.name = 'HttpError'; this.status = status } }
const cause = new TypeError('bad row');
console.log(new HttpError(404, { cause }));
text(new HttpError(404, { cause: { id: 7 } }));
console.log(new AggregateError([cause, 'text'], 'both'));
console.log({ failed: new HttpError(500, { cause }) });
const round = new Error('round'); round.cause = round; console.log(round);";
    assert_eq!(
        texts(script).await,
        [
            "HttpError: no page\n    at exec_main.mjs:3:13 { status: 404 }\n\
             Caused by: TypeError: bad row\n    at exec_main.mjs:2:15",
            "HttpError: no page\n    at exec_main.mjs:4:6\nCaused by: { id: 7 }",
            "AggregateError: both\n    at exec_main.mjs:5:13\n\
             Error 1 of 2: TypeError: bad row\n    at exec_main.mjs:2:15\nError 2 of 2: 'text'",
            "{ failed: HttpError: no page { status: 500, [cause]: TypeError: bad row } }",
            "Error: round\n    at exec_main.mjs:7:15\nCaused by an error above: the causes form a circle",
        ]
    );
}

#[tokio::test]
async fn a_value_that_goes_on_forever_is_cut() {
    let script = "const wide = () => Object.fromEntries(Array.from({ length: 200 }, (_, i) => ['key' + i, 'x'.repeat(50)]));
                  console.log(Array.from({ length: 200 }, wide));
                  const endless = new Proxy({}, { ownKeys: () => Array.from({ length: 1e5 }, (_, i) => 'k' + i), getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 1 }) });
                  console.log(endless);";
    for text in texts(script).await {
        assert!(text.len() < 65_600, "{}", text.len());
    }
}

#[tokio::test]
async fn what_the_console_reads_cannot_end_the_cell() {
    let script = "Object.defineProperty(Object.prototype, 'cause', { get() { throw 1 } });
                  const o = { get [Symbol('s')]() { throw new Error('no') }, toString() { throw 2 }, [Symbol.toPrimitive]() { throw 3 } };
                  console.log('%s %d %j', o, o, o); console.log(new Error('kept').message); console.log(Object.defineProperty(new Error('e'), 'x', { enumerable: true, get() { throw 4 } }));";
    let response = run(script).await;
    assert_eq!(response.error_text(), None);
}
