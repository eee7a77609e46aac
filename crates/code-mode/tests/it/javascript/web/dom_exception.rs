//! `DOMException`.

use super::holds;
use crate::support::{error, texts};

#[tokio::test]
async fn it_has_message_name_and_the_code_of_its_name() {
    holds(
        "const plain = new DOMException();
         same(plain.message, ''); same(plain.name, 'Error'); same(plain.code, 0);
         const abort = new DOMException('why', 'AbortError');
         same(abort.message, 'why'); same(abort.name, 'AbortError'); same(abort.code, 20);
         same(new DOMException(undefined, undefined).name, 'Error');
         same(new DOMException(null).message, 'null');
         for (const [name, code] of [['IndexSizeError', 1], ['InvalidCharacterError', 5], ['SyntaxError', 12], ['TypeMismatchError', 17],
                                     ['QuotaExceededError', 22], ['TimeoutError', 23], ['DataCloneError', 25],
                                     ['EncodingError', 0], ['OperationError', 0], ['toString', 0], ['', 0]])
             same(new DOMException('', name).code, code, name);
         same(DOMException.DATA_CLONE_ERR, 25); same(DOMException.prototype.ABORT_ERR, 20); same(abort.TIMEOUT_ERR, 23);
         throws('TypeError', () => { 'use strict'; DOMException.ABORT_ERR = 1 });
         throws('TypeError', () => DOMException('x'));",
    )
    .await;
}

#[tokio::test]
async fn it_is_an_error_of_the_language_with_a_stack() {
    holds(
        "const error = new DOMException('why', 'AbortError');
         same(error instanceof Error, true); same(error instanceof DOMException, true); same(Error.isError(error), true);
         same(Object.getPrototypeOf(DOMException), Function.prototype);
         same(Object.getPrototypeOf(DOMException.prototype), Error.prototype);
         same(Object.prototype.toString.call(error), '[object DOMException]');
         same(String(error), 'AbortError: why');
         like(Object.keys(error), []);
         same(Object.hasOwn(error, 'message') || Object.hasOwn(error, 'name'), false);
         same(error.stack.startsWith('AbortError: why\\n'), true, error.stack);
         throws('TypeError', () => DOMException.prototype.name);
         throws('TypeError', () => Object.create(DOMException.prototype).message);
         class Mine extends DOMException { constructor() { super('m', 'NotFoundError') } get extra() { return this.code } }
         same(new Mine().extra, 8); same(new Mine() instanceof Mine, true);",
    )
    .await;
}

#[tokio::test]
async fn one_that_nobody_catches_is_reported_like_any_error() {
    let text = error("function f() {\n  atob('*');\n}\nf();").await;
    assert!(
        text.starts_with("InvalidCharacterError: atob: the text is not base64\n    at f (exec_main.mjs:2:3)\n    at exec_main.mjs:4:1"),
        "{text}"
    );
    let text = error("throw new DOMException('why', 'AbortError')").await;
    assert!(
        text.starts_with("AbortError: why\n    at exec_main.mjs:1:7"),
        "{text}"
    );
}

#[tokio::test]
async fn its_text_shows_no_frames_but_the_scripts() {
    let script = "try { new URL('x') } catch (e) { text(e); console.log(e) }
                  text(new DOMException('why', 'AbortError'));";
    for item in texts(script).await {
        assert!(item.contains("exec_main.mjs:"), "{item}");
        assert!(!item.contains("code-mode:"), "{item}");
    }
}
