//! The pieces of memory that stand for others, and which cell they are of.
//!
//! Whoever frees memory looks here, on every thread of the process: most find an empty bucket and go on.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicUsize, Ordering};

use super::{INTERVAL, Meter};

const BUCKETS: usize = 8192;
/// Samples in a bucket. One more goes uncounted: that is when 10 GiB are held, more or less.
const SLOTS: usize = 8;

/// All pieces lie at multiples of it.
const ALIGNMENT_BITS: u32 = 4;
/// What of an entry is the address; the rest is how many intervals it stands for.
const ADDRESS_BITS: u32 = 44;
const ADDRESS: usize = (1 << ADDRESS_BITS) - 1;
const MOST_INTERVALS: usize = (1 << (usize::BITS - ADDRESS_BITS)) - 1;

const EMPTY: usize = 0;
/// Taken by somebody who has not written it yet. No piece lies there.
const CLAIMED: usize = 1;

struct Slot {
    entry: AtomicUsize,
    owner: AtomicPtr<Meter>,
}

static TABLE: [[Slot; SLOTS]; BUCKETS] = [const {
    [const {
        Slot {
            entry: AtomicUsize::new(EMPTY),
            owner: AtomicPtr::new(std::ptr::null_mut()),
        }
    }; SLOTS]
}; BUCKETS];

/// How many slots of each bucket are taken: small enough for the processor's nearest cache.
static TAKEN: [AtomicU8; BUCKETS] = [const { AtomicU8::new(0) }; BUCKETS];

thread_local! {
    /// Bytes until the next sample. Threads without a cell never get there.
    static LEFT: Cell<isize> = const { Cell::new(isize::MAX) };
    /// A strong reference, or null.
    static METER: Cell<*const Meter> = const { Cell::new(std::ptr::null()) };
    static RANDOM: Cell<u64> = const { Cell::new(0) };
}

pub(super) fn watch(meter: &Arc<Meter>) {
    unwatch();
    METER.set(Arc::into_raw(Arc::clone(meter)));
    // What nobody can guess; zero is where the generator would stay.
    RANDOM.set(RandomState::new().hash_one(0) | 1);
    LEFT.set(distance());
}

pub(super) fn unwatch() {
    LEFT.set(isize::MAX);
    let meter = METER.replace(std::ptr::null());
    if !meter.is_null() {
        // SAFETY: the reference `watch` made, taken out.
        drop(unsafe { Arc::from_raw(meter) });
    }
}

/// To the next sample: up to twice the interval, by xorshift.
fn distance() -> isize {
    let mut random = RANDOM.get();
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    RANDOM.set(random);
    1 + (random % (2 * INTERVAL as u64)).cast_signed() as isize
}

/// What became of a piece that was looked at.
pub(super) enum Taken {
    Counted,
    /// The thread's cell has more than it may have.
    TooMuch,
}

/// Counts down; whether the piece is to be looked at.
#[inline]
pub(super) fn is_due(length: usize) -> bool {
    let left = LEFT.get().wrapping_sub_unsigned(length);
    LEFT.set(left);
    left < 0
}

/// Takes a piece that was due as a sample.
pub(super) fn take(address: usize) -> Taken {
    let meter = METER.get();
    if meter.is_null() {
        LEFT.set(isize::MAX);
        return Taken::Counted;
    }
    // SAFETY: this thread has a strong reference.
    let watched = unsafe { &*meter };
    if watched.is_at_its_end() {
        // Nothing is counted from here on, and every piece is looked at.
        LEFT.set(0);
        return Taken::TooMuch;
    }
    let mut left = LEFT.get();
    let mut intervals = 0;
    while left < 0 {
        left += distance();
        intervals += 1;
    }
    LEFT.set(left);
    if insert(address, intervals, meter) {
        watched
            .held
            .fetch_add(intervals * INTERVAL, Ordering::Relaxed);
    }
    if watched.is_at_its_end() {
        Taken::TooMuch
    } else {
        Taken::Counted
    }
}

fn bucket(address: usize) -> usize {
    const SPREAD: usize = 0x9e37_79b9_7f4a_7c15;
    (address >> ALIGNMENT_BITS).wrapping_mul(SPREAD) >> (usize::BITS - BUCKETS.ilog2())
}

/// Whether there was room.
fn insert(address: usize, intervals: usize, meter: *const Meter) -> bool {
    let bucket = bucket(address);
    let free = TABLE[bucket].iter().find(|slot| {
        slot.entry
            .compare_exchange(EMPTY, CLAIMED, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    });
    let Some(slot) = free else {
        return false;
    };
    // SAFETY: the caller has a strong reference; this one is the table's.
    unsafe { Arc::increment_strong_count(meter) };
    slot.owner.store(meter.cast_mut(), Ordering::Relaxed);
    let entry = (address >> ALIGNMENT_BITS) | intervals.min(MOST_INTERVALS) << ADDRESS_BITS;
    slot.entry.store(entry, Ordering::Release);
    TAKEN[bucket].fetch_add(1, Ordering::Release);
    true
}

/// A piece is about to be freed, by the only thread that may.
#[inline]
pub(super) fn forget(address: usize) {
    let bucket = bucket(address);
    if TAKEN[bucket].load(Ordering::Relaxed) != 0 {
        forget_in(bucket, address);
    }
}

#[cold]
fn forget_in(bucket: usize, address: usize) {
    let wanted = address >> ALIGNMENT_BITS;
    if wanted <= CLAIMED {
        return;
    }
    for slot in &TABLE[bucket] {
        let entry = slot.entry.load(Ordering::Acquire);
        if entry & ADDRESS == wanted {
            let owner = slot.owner.load(Ordering::Relaxed);
            slot.entry.store(EMPTY, Ordering::Release);
            TAKEN[bucket].fetch_sub(1, Ordering::Relaxed);
            // SAFETY: the reference `insert` made, taken out.
            let owner = unsafe { Arc::from_raw(owner) };
            let held = (entry >> ADDRESS_BITS) * INTERVAL;
            owner.held.fetch_sub(held, Ordering::Relaxed);
            return;
        }
    }
}
