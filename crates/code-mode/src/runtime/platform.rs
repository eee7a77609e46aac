//! V8's process-wide set-up: flags, ICU data, platform. Done once, on the first cell's thread.

use std::sync::Once;

use super::{lost, native_memory};

/// V8's flags and why each is set. They are frozen when V8 starts.
const FLAGS: &[&str] = &[
    // All of an isolate's work happens on its cell's thread: no worker pool to share, to wait for,
    // or to run out of memory elsewhere than where it can be answered for.
    "--single-threaded",
    // Memory protection keys bind an isolate to threads made after V8 started. Embedders have their
    // threads when they call us first.
    "--no-memory-protection-keys",
    // A function is compiled by Maglev after as many calls as V8 waits for on Android; elsewhere it takes
    // 400, as another thread compiles. Here the script waits for it: a function with one nested call in it
    // takes a third of a millisecond, as long as a hundred of those calls.
    "--invocation-count-for-maglev=1000",
    // JavaScript may use this much of a cell's stack, in KiB; see STACK_BYTES for the rest.
    "--stack-size=984",
];

/// Stack of a cell's thread: what `--stack-size` gives to JavaScript, and room for V8's and our own
/// native frames below the deepest script. Address space until touched.
pub(super) const STACK_BYTES: usize = 4 * 1024 * 1024;

static START: Once = Once::new();

/// Starts V8 unless it runs already.
pub(super) fn ensure_started() {
    START.call_once(|| {
        lost::install_hook();
        native_memory::install();
        v8::V8::set_flags_from_string(&FLAGS.join(" "));
        // V8's own way is to open the system's random device and to read a page of it, eight times
        // for each isolate: a fifth of what an isolate costs.
        v8::V8::set_entropy_source(|bytes: &mut [u8]| getrandom::fill(bytes).is_ok());
        if let Err(code) = v8::icu::set_common_data_78(deno_core_icudata::ICU_DATA) {
            panic!("ICU refused its data (error {code}); deno_core_icudata must be of ICU 78");
        }
        v8::V8::initialize_platform(v8::new_single_threaded_default_platform(false).make_shared());
        v8::V8::initialize();
    });
}

#[cfg(test)]
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod tests {
    unsafe extern "C" {
        /// Part of the `v8` crate's C bindings; its own tests use it the same way.
        safe fn v8__V8__IsSandboxEnabled() -> bool;
    }

    #[test]
    fn the_linked_v8_has_its_sandbox_on() {
        super::ensure_started();
        assert!(v8__V8__IsSandboxEnabled());
    }
}
