//! Compiled code of the scripts that a session runs again.
//!
//! Compiling is most of what a short script costs an isolate that stands by, and a model retries,
//! repeats and saves scripts. What is kept is V8's own form of compiled code: it has what the source
//! says and nothing of what a run of it did. It is found by the whole source, and sessions share none.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex};

use crate::sync::lock;

/// Sources and code that a session keeps, in bytes; those not run for longest go first.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// How many of the last sources are remembered, to tell one that comes again.
const REMEMBERED: usize = 64;

/// The compiled scripts of one session.
#[derive(Default)]
pub(crate) struct CodeCache {
    state: Mutex<State>,
    hasher: RandomState,
}

#[derive(Default)]
struct State {
    /// The one used last is the last.
    compiled: VecDeque<Compiled>,
    bytes: usize,
    /// Hashes of the last sources. Two that are alike only have one kept that came once.
    seen: VecDeque<u64>,
}

impl State {
    /// Takes out what is kept of a source.
    fn take(&mut self, source: &str) -> Option<Compiled> {
        let is_it = |compiled: &Compiled| *compiled.source == *source;
        let place = self.compiled.iter().position(is_it)?;
        let compiled = self.compiled.remove(place)?;
        self.bytes -= compiled.bytes();
        Some(compiled)
    }

    /// Puts it back, or in, as the one used last.
    fn put(&mut self, compiled: Compiled) {
        self.bytes += compiled.bytes();
        self.compiled.push_back(compiled);
    }
}

struct Compiled {
    source: Box<str>,
    code: Arc<[u8]>,
}

impl Compiled {
    fn bytes(&self) -> usize {
        self.source.len() + self.code.len()
    }
}

/// What is known of a source.
pub(super) enum Known {
    /// Its code.
    Code(Arc<[u8]>),
    /// It came before: its code is worth keeping.
    Repeated,
    New,
}

impl CodeCache {
    /// What is known of a source that is about to be compiled.
    pub(super) fn look_up(&self, source: &str) -> Known {
        let mut state = lock(&self.state);
        if let Some(found) = state.take(source) {
            let code = Arc::clone(&found.code);
            state.put(found);
            return Known::Code(code);
        }
        let hash = self.hasher.hash_one(source);
        if state.seen.contains(&hash) {
            return Known::Repeated;
        }
        state.seen.push_back(hash);
        if state.seen.len() > REMEMBERED {
            state.seen.pop_front();
        }
        Known::New
    }

    /// Keeps the code of a source.
    pub(super) fn keep(&self, source: &str, code: &[u8]) {
        let compiled = Compiled {
            source: source.into(),
            code: code.into(),
        };
        let mut state = lock(&self.state);
        if compiled.bytes() > MAX_BYTES {
            return;
        }
        state.take(source);
        state.put(compiled);
        while state.bytes > MAX_BYTES {
            let Some(oldest) = state.compiled.pop_front() else {
                return;
            };
            state.bytes -= oldest.bytes();
        }
    }

    /// Drops code that V8 would not take.
    pub(super) fn forget(&self, source: &str) {
        lock(&self.state).take(source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(cache: &CodeCache, source: &str) -> Option<Vec<u8>> {
        match cache.look_up(source) {
            Known::Code(code) => Some(code.to_vec()),
            Known::Repeated | Known::New => None,
        }
    }

    #[test]
    fn a_source_is_repeated_when_it_comes_again_and_is_soon_forgotten() {
        let cache = CodeCache::default();
        assert!(matches!(cache.look_up("a"), Known::New));
        assert!(matches!(cache.look_up("a"), Known::Repeated));
        for number in 0..REMEMBERED {
            cache.look_up(&number.to_string());
        }
        assert!(matches!(cache.look_up("a"), Known::New));
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let cache = CodeCache::default();
        let third = vec![0; MAX_BYTES / 3];
        for source in ["a", "b"] {
            cache.keep(source, &third);
        }
        assert!(code(&cache, "a").is_some());
        cache.keep("c", &third);
        assert!(code(&cache, "b").is_none());
        assert!(code(&cache, "a").is_some() && code(&cache, "c").is_some());
        cache.keep("d", &vec![0; MAX_BYTES]);
        assert!(
            code(&cache, "d").is_none(),
            "larger than all there is room for"
        );
        assert!(code(&cache, "a").is_some());
        cache.forget("a");
        assert!(code(&cache, "a").is_none());
    }
}
