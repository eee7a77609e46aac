//! The web-standard names: what their standards say, as scripts that check it.

mod abort;
mod base64;
mod calls;
mod cells;
mod crypto;
mod dom_exception;
mod events;
mod microtasks;
mod names;
mod performance;
mod structured_clone;
mod text_coding;
mod timers;
mod url;

use crate::support::texts;

/// What the scripts check with. Every check that fails is one text; `done` ends a script that ran
/// to its end.
const CHECKS: &str = r#"
const shown = (value) => {
    try { return typeof value === 'string' ? JSON.stringify(value) : String(value); } catch { return typeof value; }
};
const fails = (what) => text(what);
const same = (actual, expected, what = '') => {
    if (!Object.is(actual, expected)) fails(`${what}: ${shown(actual)} instead of ${shown(expected)}`);
};
const like = (actual, expected, what = '') => same(JSON.stringify(actual), JSON.stringify(expected), what);
const throws = (name, body, what = String(body)) => {
    let thrown;
    try { body(); } catch (error) { thrown = error; }
    if (thrown === undefined) return fails(`${what}: did not throw`);
    const Class = Object.hasOwn(globalThis, name) ? globalThis[name] : DOMException;
    if (thrown.name !== name || !(thrown instanceof Class)) fails(`${what}: threw ${shown(thrown)}, no ${name}`);
    return thrown;
};
"#;

/// Runs a script whose checks must all hold.
async fn holds(script: &str) {
    let source = format!("{CHECKS}{script}\ntext('done');");
    assert_eq!(texts(&source).await, ["done"]);
}
