//! Our place in the chain of functions that `malloc` and `free` call: PartitionAlloc's shim.

use std::cell::UnsafeCell;
use std::ffi::c_void;

use super::samples::{self, Taken};
use crate::runtime::{contain_panics, lost};

/// Where V8 compiles, it takes its memory in pieces of this size (`Zone::kMaximumSegmentSize`).
const ZONE_SEGMENT: usize = 32 * 1024;

/// Where it makes handles without an end, V8 takes its memory in pieces of this size
/// (`kHandleBlockSize`, in pointers).
const HANDLE_BLOCK: usize = 1022 * 8;

/// Tables of ICU, which are made under a lock of the process's, are far smaller.
const LARGE: usize = 1024 * 1024;

type Pointer = *mut c_void;
type Allocate = unsafe extern "C" fn(size: usize, token: usize, context: Pointer) -> Pointer;
/// Of `n` times `size`; or of `size`, with the alignment before it.
type AllocateTwo = unsafe extern "C" fn(usize, usize, token: usize, context: Pointer) -> Pointer;
type Reallocate =
    unsafe extern "C" fn(Pointer, size: usize, token: usize, context: Pointer) -> Pointer;
type Free = unsafe extern "C" fn(Pointer, context: Pointer);
/// With its size, or its alignment.
type FreeOne = unsafe extern "C" fn(Pointer, usize, context: Pointer);
type FreeTwo = unsafe extern "C" fn(Pointer, usize, usize, context: Pointer);
type Untouched = Option<unsafe extern "C" fn()>;

/// `allocator_shim::AllocatorDispatch`, in the order of `allocator_dispatch.h`. What is empty is filled
/// with the next one's when it is inserted.
#[repr(C)]
struct Dispatch {
    allocate: Option<Allocate>,
    allocate_unchecked: Option<Allocate>,
    allocate_zeroed: Option<AllocateTwo>,
    allocate_zeroed_unchecked: Option<AllocateTwo>,
    allocate_aligned: Option<AllocateTwo>,
    reallocate: Option<Reallocate>,
    reallocate_unchecked: Option<Reallocate>,
    free: Option<Free>,
    free_with_size: Option<FreeOne>,
    free_with_alignment: Option<FreeOne>,
    free_with_both: Option<FreeTwo>,
    /// Of sizes, and of other systems.
    untouched: [Untouched; 11],
    next: *const Self,
}

struct Inserted(UnsafeCell<Dispatch>);

// SAFETY: written by `InsertAllocatorDispatch` alone, before it makes it known to other threads.
unsafe impl Sync for Inserted {}

static DISPATCH: Inserted = Inserted(UnsafeCell::new(Dispatch {
    allocate: Some(allocate),
    allocate_unchecked: Some(allocate_unchecked),
    allocate_zeroed: Some(allocate_zeroed),
    allocate_zeroed_unchecked: Some(allocate_zeroed_unchecked),
    allocate_aligned: Some(allocate_aligned),
    reallocate: Some(reallocate),
    reallocate_unchecked: Some(reallocate_unchecked),
    free: Some(free),
    free_with_size: Some(free_with_size),
    free_with_alignment: Some(free_with_alignment),
    free_with_both: Some(free_with_both),
    untouched: [None; 11],
    next: std::ptr::null(),
}));

unsafe extern "C" {
    /// `allocator_shim::InsertAllocatorDispatch`.
    #[link_name = "_ZN14allocator_shim23InsertAllocatorDispatchEPNS_17AllocatorDispatchE"]
    fn insert_allocator_dispatch(dispatch: *mut Dispatch);
}

pub(super) fn install() {
    // SAFETY: the table has the layout of C++'s and lives as long as the process, and the function may be
    // called while others allocate. The caller calls once.
    unsafe { insert_allocator_dispatch(DISPATCH.0.get()) };
}

/// The function that stood here before ours.
macro_rules! next {
    ($function:ident) => {{
        // SAFETY: nobody calls a function of the table before it is complete, and it is written no more.
        let next = unsafe { (*(*DISPATCH.0.get()).next).$function };
        // SAFETY: the last table of the chain has all functions, and the others are filled from it.
        unsafe { next.unwrap_unchecked() }
    }};
}

/// A function that allocates: `next` is called, and the piece counted.
macro_rules! allocating {
    ($($name:ident($($argument:ident: $type:ty),*), $length:expr;)*) => {
        $(
            unsafe extern "C" fn $name($($argument: $type),*, token: usize, context: Pointer) -> Pointer {
                let next = next!($name);
                // SAFETY: called as this was.
                let piece = unsafe { next($($argument),*, token, context) };
                count(piece, $length);
                piece
            }
        )*
    };
}

allocating! {
    allocate(size: usize), size;
    allocate_unchecked(size: usize), size;
    allocate_zeroed(n: usize, size: usize), n.saturating_mul(size);
    allocate_zeroed_unchecked(n: usize, size: usize), n.saturating_mul(size);
    allocate_aligned(alignment: usize, size: usize), size;
}

/// A function that moves a piece, or frees it if the new size is none.
macro_rules! reallocating {
    ($($name:ident)*) => {
        $(
            unsafe extern "C" fn $name(piece: Pointer, size: usize, token: usize, context: Pointer) -> Pointer {
                // One that cannot be had leaves the old one uncounted, which few scripts live to use.
                samples::forget(piece.addr());
                let next = next!($name);
                // SAFETY: called as this was.
                let piece = unsafe { next(piece, size, token, context) };
                count(piece, size);
                piece
            }
        )*
    };
}

reallocating! { reallocate reallocate_unchecked }

macro_rules! freeing {
    ($($name:ident($($argument:ident),*);)*) => {
        $(
            unsafe extern "C" fn $name(piece: Pointer, $($argument: usize,)* context: Pointer) {
                samples::forget(piece.addr());
                let next = next!($name);
                // SAFETY: called as this was.
                unsafe { next(piece, $($argument,)* context) }
            }
        )*
    };
}

freeing! {
    free();
    free_with_size(size);
    free_with_alignment(alignment);
    free_with_both(size, alignment);
}

#[inline]
fn count(piece: Pointer, length: usize) {
    if samples::is_due(length) {
        look_at(piece, length);
    }
}

/// Apart from the path of all other pieces, which is to stay short.
#[cold]
fn look_at(piece: Pointer, length: usize) {
    contain_panics(|| {
        if piece.is_null() {
            return;
        }
        let taken = samples::take(piece.addr());
        let is_safe = matches!(length, ZONE_SEGMENT | HANDLE_BLOCK | LARGE..);
        if matches!(taken, Taken::TooMuch) && is_safe {
            lost::park_if_lost();
        }
    });
}
