//! The name of a thread that runs one cell after another.

/// Names the calling thread, for debuggers and process monitors; they show 15 bytes of it.
#[cfg(target_os = "linux")]
pub(super) fn set(name: &str) {
    const SHOWN: usize = 15;
    let mut text = [0_u8; SHOWN + 1];
    let length = name.len().min(SHOWN);
    text[..length].copy_from_slice(&name.as_bytes()[..length]);
    // SAFETY: the calling thread lives, and `text` ends in a zero byte and lives during the call.
    unsafe { libc::pthread_setname_np(libc::pthread_self(), text.as_ptr().cast()) };
}

/// Elsewhere it keeps the name it was started with.
#[cfg(not(target_os = "linux"))]
pub(super) fn set(_: &str) {}
