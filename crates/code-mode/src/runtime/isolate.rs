//! Isolates as cells have them: how one is made, and how it gets the limits of its cell.

use std::ffi::c_void;
use std::sync::Arc;

use super::array_buffers::ArrayBuffers;
use super::control::{IsolateControl, StopReason, after_garbage_collection};
use super::{contain_panics, errors, lost, modules};
use crate::limits::HEAP_BYTES;

const MIB: usize = 1024 * 1024;

/// The heap by which V8 sizes the young generation: the default of cells. A cell's own limit is set when
/// it gets the isolate.
const USUAL_HEAP: usize = 128 * MIB;

/// An isolate for one cell, whoever that will be, and what its ArrayBuffers hold.
pub(super) fn new() -> (v8::OwnedIsolate, Arc<ArrayBuffers>) {
    let buffers = ArrayBuffers::new();
    let parameters = v8::CreateParams::default()
        .heap_limits(0, USUAL_HEAP)
        // As much as any cell may have: V8 lowers a limit later, and collects garbage again and again
        // before it lets one be raised.
        .set_max_old_generation_size_in_bytes(old_generation(*HEAP_BYTES.end()))
        .set_initial_old_generation_size_in_bytes(old_generation(USUAL_HEAP) / 2)
        .array_buffer_allocator(buffers.allocator())
        .allow_atomics_wait(false);
    let mut isolate = v8::Isolate::new(parameters);
    isolate.set_microtasks_policy(v8::MicrotasksPolicy::Explicit);
    isolate.set_host_import_module_dynamically_callback(modules::import_dynamically);
    isolate.set_promise_reject_callback(errors::note_rejection);
    isolate.set_oom_error_handler(lost::out_of_memory);
    isolate.add_message_listener(ignore_message);
    isolate.set_slot(Arc::clone(&buffers.resizable));
    (isolate, buffers)
}

/// Holds the isolate to the heap limit of its cell. The control block must live as long as the isolate.
pub(super) fn limit_heap(isolate: &mut v8::Isolate, control: &Arc<IsolateControl>) {
    let limit = old_generation(control.heap_limit());
    let control = Arc::as_ptr(control).cast_mut().cast();
    // V8 lowers a limit only where one who may raise it is taken off.
    isolate.add_near_heap_limit_callback(near_heap_limit, control);
    isolate.remove_near_heap_limit_callback(near_heap_limit, limit);
    isolate.add_near_heap_limit_callback(near_heap_limit, control);
    isolate.add_gc_epilogue_callback(after_garbage_collection, control, v8::GCType::kGCTypeAll);
}

/// V8's share of a heap for old objects, which is what its limit counts: all but the three
/// semi-spaces of a thirty-second each.
fn old_generation(heap: usize) -> usize {
    heap - 3 * (heap / 32).clamp(2 * MIB, 32 * MIB)
}

/// An exception that nobody catches. V8 prints it on standard output where nobody listens; a script's
/// exceptions reach us by other ways.
unsafe extern "C" fn ignore_message(_: v8::Local<v8::Message>, _: v8::Local<v8::Value>) {}

/// V8 is about to run out of heap, on the isolate's thread.
unsafe extern "C" fn near_heap_limit(
    control: *mut c_void,
    current: usize,
    _initial: usize,
) -> usize {
    let headroom = contain_panics(|| {
        // SAFETY: the pointer is to the control block that the cell's thread holds until after its
        // isolate is gone.
        let control = unsafe { &*control.cast_const().cast::<IsolateControl>() };
        control.stop(StopReason::HeapLimit);
        control.take_headroom()
    });
    current + headroom.unwrap_or(0)
}
