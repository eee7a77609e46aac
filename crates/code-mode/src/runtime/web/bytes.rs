//! The bytes behind an `ArrayBuffer` or a view of one.

use super::super::callbacks::{Arguments, Return, run};

/// `isBufferSource(value)`
pub(super) fn is_buffer_source<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |_, _| {
        let value = args.get(0);
        result.set_bool(value.is_array_buffer() || value.is_array_buffer_view());
        Ok(())
    });
}

/// Lends the bytes of a buffer or a view; of anything else, and of a detached buffer, there are none.
///
/// `body` must run no JavaScript: nothing may resize or detach the buffer while it has the bytes.
pub(super) fn with_bytes<T>(value: v8::Local<v8::Value>, body: impl FnOnce(&mut [u8]) -> T) -> T {
    let (start, length) = if let Ok(view) = v8::Local::<v8::ArrayBufferView>::try_from(value) {
        (view.data().cast::<u8>(), view.byte_length())
    } else if let Ok(buffer) = v8::Local::<v8::ArrayBuffer>::try_from(value) {
        let start = buffer
            .data()
            .map_or(std::ptr::null_mut(), |data| data.as_ptr().cast());
        (start, buffer.byte_length())
    } else {
        (std::ptr::null_mut(), 0)
    };
    if start.is_null() || length == 0 {
        return body(&mut []);
    }
    // SAFETY: V8 keeps `length` initialised bytes there as long as `value` lives. Memory shared
    // between threads is removed from scripts, and the only thread that may touch this one is inside
    // `body`, which holds no other slice of it.
    body(unsafe { std::slice::from_raw_parts_mut(start, length) })
}
