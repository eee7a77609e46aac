//! What all isolates of a process have together, and run out of together: the four gigabytes of addresses
//! that V8's heaps lie in, and the 128 MiB of it that machine code lies in.
//!
//! V8 ends the process, or has its thread parked, when one of them is full, whichever cell asked last, and
//! a parked thread keeps what it has: one greedy cell, or many that hold much at once, would leave nothing
//! for any other. So a cell that has more than its equal share is stopped as long as all of them together
//! have more than the budget, which leaves V8 room to get there.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

const MIB: usize = 1024 * 1024;

/// Heaps as V8 has them from the system. The rest is for what V8 may take on top to come out of an
/// allocation, for collecting garbage, and for the isolates that have no cell.
static HEAP: Resource = Resource::new(2_560 * MIB);

/// Machine code.
static CODE: Resource = Resource::new(104 * MIB);

/// Something that all isolates share.
struct Resource {
    budget: usize,
    held: AtomicUsize,
    holders: AtomicUsize,
}

impl Resource {
    const fn new(budget: usize) -> Self {
        Self {
            budget,
            held: AtomicUsize::new(0),
            holders: AtomicUsize::new(0),
        }
    }

    /// Notes that one holder has `now` instead of `before`; whether it is to give it up.
    fn note(&self, before: &AtomicUsize, now: usize) -> bool {
        let before = before.swap(now, Ordering::Relaxed);
        if (before == 0) != (now == 0) {
            if now == 0 {
                self.holders.fetch_sub(1, Ordering::Relaxed);
            } else {
                self.holders.fetch_add(1, Ordering::Relaxed);
            }
        }
        let all = if now >= before {
            let more = now - before;
            self.held.fetch_add(more, Ordering::Relaxed) + more
        } else {
            let less = before - now;
            self.held.fetch_sub(less, Ordering::Relaxed) - less
        };
        let holders = self.holders.load(Ordering::Relaxed).max(1);
        all > self.budget && now > self.budget / holders
    }
}

/// What a cell has more of than its share, while there is not enough for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scarce {
    Heap,
    Code,
}

/// What one cell has of all that is shared.
#[derive(Debug, Default)]
pub(super) struct Shares {
    heap: AtomicUsize,
    code: AtomicUsize,
}

impl Shares {
    /// Notes what the isolate has now.
    pub(super) fn note(&self, isolate: &mut v8::Isolate, heap: usize) -> Option<Scarce> {
        let code = code_size(isolate);
        let lacks_heap = HEAP.note(&self.heap, heap);
        let lacks_code = CODE.note(&self.code, code);
        match (lacks_heap, lacks_code) {
            (true, _) => Some(Scarce::Heap),
            (false, true) => Some(Scarce::Code),
            (false, false) => None,
        }
    }

    /// The isolate is gone.
    pub(super) fn give_back(&self) {
        HEAP.note(&self.heap, 0);
        CODE.note(&self.code, 0);
    }
}

/// Bytes of the pages that machine code lies in. Asked before each wait of a script.
fn code_size(isolate: &mut v8::Isolate) -> usize {
    /// V8 has the same spaces, in the same order, in all isolates.
    static WITH_CODE: OnceLock<Vec<usize>> = OnceLock::new();
    let with_code = WITH_CODE.get_or_init(|| {
        let spaces = isolate.number_of_heap_spaces();
        let mut has_code = |index: &usize| {
            let space = isolate.get_heap_space_statistics(*index);
            space.is_some_and(|space| {
                let name = space.space_name().to_bytes();
                matches!(name, b"code_space" | b"code_large_object_space")
            })
        };
        (0..spaces).filter(|index| has_code(index)).collect()
    });
    let spaces = with_code.iter();
    spaces
        .filter_map(|index| isolate.get_heap_space_statistics(*index))
        .map(|space| space.space_size())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_more_than_an_equal_share_is_told_when_there_is_not_enough() {
        let resource = Resource::new(100);
        let [one, two, three] = [const { AtomicUsize::new(0) }; 3];
        assert!(!resource.note(&one, 90));
        assert!(!resource.note(&two, 10), "all have 100");
        assert!(!resource.note(&three, 20), "less than a third");
        assert!(resource.note(&one, 90));
        assert!(resource.note(&one, 91));
        assert!(!resource.note(&one, 0));
        assert!(!resource.note(&two, 80), "all have 100, of two");
        assert!(resource.note(&two, 81));
        resource.note(&two, 0);
        resource.note(&three, 0);
        assert_eq!(resource.held.load(Ordering::Relaxed), 0);
        assert_eq!(resource.holders.load(Ordering::Relaxed), 0);
    }
}
