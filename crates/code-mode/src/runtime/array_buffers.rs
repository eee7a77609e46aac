//! Where the memory of ArrayBuffers comes from: V8's own allocator, behind a count.
//!
//! V8 does not hold ArrayBuffers to the limit of its heap, and a built-in can ask for any number of bytes
//! at once, between two looks of ours. So every piece is counted when it is asked for, and refused where
//! it would take the cell over its limit: V8 collects garbage then, asks again, and at last throws a
//! `RangeError`. The buffers of a thread that will never run again are given back from here.
//!
//! ArrayBuffers made with a `maxByteLength` are not counted here, for V8 takes their memory another way:
//! it is seen by the look at the heap that comes after. Until then none of them is longer than the limit
//! or [`LONGEST`]. How many there are is held to a bound by [`guards`](super::guards).

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use super::contain_panics;
use super::control::IsolateControl;
use super::guards::Count;
use crate::sync::lock;

/// V8 cannot go on without pieces of this size, which typed arrays of its own have.
const ALWAYS_GRANTED: usize = 64;

/// V8 refuses longer buffers than this, or than the limit, by itself: as lengths that are invalid. Up to
/// here they are counted first, so that a script hears that it wants too much memory.
#[cfg_attr(
    not(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")),
    expect(dead_code, reason = "V8 asks only an allocator of the other kind")
)]
const LONGEST: usize = 512 * 1024 * 1024;

/// Pieces from here on are given back one by one; all smaller ones together are little.
const LARGE: usize = 64 * 1024;

/// What one isolate's ArrayBuffers hold.
pub(super) struct ArrayBuffers {
    bytes: AtomicUsize,
    /// Where the large ones are, and how long.
    large: Mutex<BTreeMap<usize, usize>>,
    /// How many have a `maxByteLength`. Here, for this goes when V8 has let go of all of them.
    pub(super) resizable: Arc<Count>,
    /// The cell that has the isolate; set once it has one.
    cell: OnceLock<Weak<IsolateControl>>,
}

impl ArrayBuffers {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            bytes: AtomicUsize::new(0),
            large: Mutex::default(),
            resizable: Arc::default(),
            cell: OnceLock::new(),
        })
    }

    /// Holds the buffers to the limit of this cell.
    pub(super) fn limit(&self, control: &Arc<IsolateControl>) {
        let _ = self.cell.set(Arc::downgrade(control));
    }

    /// What an isolate is made with.
    pub(super) fn allocator(self: &Arc<Self>) -> v8::UniqueRef<v8::Allocator> {
        imp::allocator(Arc::clone(self))
    }

    /// Gives the memory of large buffers back to the system. Their contents are gone then.
    ///
    /// Only for an isolate whose thread never runs again.
    pub(super) fn give_back(&self) {
        for (&address, &length) in lock(&self.large).iter() {
            imp::give_back(address, length);
        }
    }

    /// The longest ArrayBuffer that V8 tries to make.
    #[cfg_attr(
        not(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")),
        expect(dead_code, reason = "V8 asks only an allocator of the other kind")
    )]
    fn longest(&self) -> usize {
        let cell = self.cell.get().and_then(Weak::upgrade);
        cell.map_or(usize::MAX, |control| control.heap_limit().max(LONGEST))
    }

    /// Counts a piece, unless the cell may not have it.
    fn grants(&self, length: usize) -> bool {
        let before = self.bytes.fetch_add(length, Ordering::Relaxed);
        let Some(control) = self.cell.get().and_then(Weak::upgrade) else {
            return true;
        };
        let all = before.saturating_add(length);
        if length <= ALWAYS_GRANTED || all <= control.heap_limit() {
            control.buffer_granted(length);
            return true;
        }
        self.bytes.fetch_sub(length, Ordering::Relaxed);
        control.buffer_refused(length);
        false
    }

    fn allocated(&self, address: *mut c_void, length: usize) {
        if address.is_null() {
            self.bytes.fetch_sub(length, Ordering::Relaxed);
        } else if length >= LARGE {
            lock(&self.large).insert(address.addr(), length);
        }
    }

    fn freed(&self, address: *mut c_void, length: usize) {
        self.bytes.fetch_sub(length, Ordering::Relaxed);
        if length >= LARGE {
            lock(&self.large).remove(&address.addr());
        }
    }
}

/// With V8's sandbox, ArrayBuffers must be inside of it, and only V8's allocator knows where that is. The
/// one here is laid out as C++ lays out an object of a class with virtual functions, on this platform.
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
mod imp {
    use super::{Arc, ArrayBuffers, OnceLock, c_void, contain_panics};

    /// The virtual functions of `v8::ArrayBuffer::Allocator`, in the order of `v8-array-buffer.h`.
    #[repr(C)]
    struct Functions {
        destroy: unsafe extern "C" fn(*mut Allocator),
        destroy_and_free: unsafe extern "C" fn(*mut Allocator),
        allocate: unsafe extern "C" fn(*mut Allocator, usize) -> *mut c_void,
        allocate_uninitialized: unsafe extern "C" fn(*mut Allocator, usize) -> *mut c_void,
        free: unsafe extern "C" fn(*mut Allocator, *mut c_void, usize),
        max_allocation_size: unsafe extern "C" fn(*const Allocator) -> usize,
        page_allocator: unsafe extern "C" fn(*mut Allocator) -> *mut c_void,
    }

    /// What C++ has before the functions of a class: nothing here is at an offset, and nobody asks for
    /// types at run time.
    #[repr(C)]
    struct Table {
        offset_to_top: isize,
        type_info: usize,
        functions: Functions,
    }

    static TABLE: Table = Table {
        offset_to_top: 0,
        type_info: 0,
        functions: Functions {
            destroy,
            destroy_and_free,
            allocate,
            allocate_uninitialized: allocate,
            free,
            max_allocation_size,
            page_allocator,
        },
    };

    /// An allocator of V8's, or ours; only ours has more than the functions.
    #[repr(C)]
    struct Allocator {
        functions: *const Functions,
        buffers: Arc<ArrayBuffers>,
    }

    pub(super) fn allocator(buffers: Arc<ArrayBuffers>) -> v8::UniqueRef<v8::Allocator> {
        let allocator = Box::into_raw(Box::new(Allocator {
            functions: &TABLE.functions,
            buffers,
        }));
        // SAFETY: to C++ it is an object of a class derived from `Allocator`, and V8 ends it by
        // `destroy_and_free`.
        unsafe { v8::UniquePtr::from_raw(allocator.cast()) }.unwrap()
    }

    /// V8's own allocator.
    #[derive(Clone, Copy)]
    struct DefaultAllocator(*mut Allocator);

    // SAFETY: V8 documents its allocators as thread-safe, and this one is never freed.
    unsafe impl Send for DefaultAllocator {}
    // SAFETY: as above.
    unsafe impl Sync for DefaultAllocator {}

    impl DefaultAllocator {
        /// The one of the process. V8 must have started.
        fn get() -> Self {
            static DEFAULT: OnceLock<DefaultAllocator> = OnceLock::new();
            *DEFAULT.get_or_init(|| Self(v8::new_default_allocator().into_raw().cast()))
        }

        fn functions(self) -> &'static Functions {
            // SAFETY: an object of such a class begins with a pointer to its functions, which are part of
            // the program.
            unsafe { &*(*self.0).functions }
        }
    }

    unsafe extern "C" fn allocate(this: *mut Allocator, length: usize) -> *mut c_void {
        let allocated = contain_panics(|| {
            // SAFETY: V8 calls with what `allocator` made, before it ends that.
            let buffers = unsafe { &(*this).buffers };
            if !buffers.grants(length) {
                return std::ptr::null_mut();
            }
            let default = DefaultAllocator::get();
            // SAFETY: called as C++ would call it; any length is allowed.
            let data = unsafe { (default.functions().allocate)(default.0, length) };
            buffers.allocated(data, length);
            data
        });
        allocated.unwrap_or(std::ptr::null_mut())
    }

    unsafe extern "C" fn free(this: *mut Allocator, data: *mut c_void, length: usize) {
        contain_panics(|| {
            // SAFETY: as for `allocate`.
            unsafe { &(*this).buffers }.freed(data, length);
            let default = DefaultAllocator::get();
            // SAFETY: V8 frees what `allocate` gave it, with the length it asked for.
            unsafe { (default.functions().free)(default.0, data, length) };
        });
    }

    unsafe extern "C" fn max_allocation_size(this: *const Allocator) -> usize {
        let most = contain_panics(|| {
            let default = DefaultAllocator::get();
            // SAFETY: called as C++ would call it.
            let most = unsafe { (default.functions().max_allocation_size)(default.0) };
            // SAFETY: as for `allocate`.
            most.min(unsafe { &(*this).buffers }.longest())
        });
        most.unwrap_or(0)
    }

    unsafe extern "C" fn page_allocator(_: *mut Allocator) -> *mut c_void {
        let pages = contain_panics(|| {
            let default = DefaultAllocator::get();
            // SAFETY: called as C++ would call it.
            unsafe { (default.functions().page_allocator)(default.0) }
        });
        pages.unwrap_or(std::ptr::null_mut())
    }

    unsafe extern "C" fn destroy(this: *mut Allocator) {
        // SAFETY: V8 ends what `allocator` made, once.
        contain_panics(|| unsafe { std::ptr::drop_in_place(this) });
    }

    unsafe extern "C" fn destroy_and_free(this: *mut Allocator) {
        // SAFETY: as for `destroy`; it was a box.
        contain_panics(|| drop(unsafe { Box::from_raw(this) }));
    }

    pub(super) fn give_back(address: usize, length: usize) {
        const PAGE: usize = 4096;
        let start = address.next_multiple_of(PAGE);
        let end = (address + length) / PAGE * PAGE;
        if start >= end {
            return;
        }
        let start = std::ptr::with_exposed_provenance_mut(start);
        // SAFETY: these pages are inside of one buffer that V8 has not freed, and nobody will read or
        // write it again: the caller says so.
        unsafe { libc::madvise(start, end - start.addr(), libc::MADV_DONTNEED) };
    }
}

/// Without the sandbox, memory from anywhere will do.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")))]
mod imp {
    use std::alloc::{Layout, alloc_zeroed, dealloc};

    use super::{Arc, ArrayBuffers, c_void, contain_panics};

    static FUNCTIONS: v8::RustAllocatorVtable<ArrayBuffers> = v8::RustAllocatorVtable {
        allocate,
        allocate_uninitialized: allocate,
        free,
        drop: release,
    };

    pub(super) fn allocator(buffers: Arc<ArrayBuffers>) -> v8::UniqueRef<v8::Allocator> {
        // SAFETY: the functions take the handle that is handed over here; `release` gives it back.
        unsafe { v8::new_rust_allocator(Arc::into_raw(buffers), &FUNCTIONS) }
    }

    fn layout(length: usize) -> Option<Layout> {
        Layout::from_size_align(length.max(1), 16).ok()
    }

    unsafe extern "C" fn allocate(buffers: &ArrayBuffers, length: usize) -> *mut c_void {
        let allocated = contain_panics(|| {
            let Some(layout) = layout(length).filter(|_| buffers.grants(length)) else {
                return std::ptr::null_mut();
            };
            // SAFETY: the layout is not empty.
            let data = unsafe { alloc_zeroed(layout) }.cast();
            buffers.allocated(data, length);
            data
        });
        allocated.unwrap_or(std::ptr::null_mut())
    }

    unsafe extern "C" fn free(buffers: &ArrayBuffers, data: *mut c_void, length: usize) {
        contain_panics(|| {
            buffers.freed(data, length);
            if let Some(layout) = layout(length) {
                // SAFETY: V8 frees what it was given, with the length it asked for.
                unsafe { dealloc(data.cast(), layout) };
            }
        });
    }

    unsafe extern "C" fn release(buffers: *const ArrayBuffers) {
        // SAFETY: the handle of `allocator`, given back once.
        contain_panics(|| drop(unsafe { Arc::from_raw(buffers) }));
    }

    /// Only a hook of our own archive parks threads in the middle of something.
    pub(super) fn give_back(_address: usize, _length: usize) {}
}
