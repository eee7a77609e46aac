//! The timers of one cell: a queue on its own thread, no thread and no system timer each.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The longest delay kept apart; longer ones are as good as for ever.
const LONGEST_DELAY: Duration = Duration::from_secs(u32::MAX as u64);

/// What `setTimeout` or `setInterval` was given.
pub(super) struct Timer {
    pub(super) callback: v8::Global<v8::Function>,
    pub(super) arguments: Vec<v8::Global<v8::Value>>,
    pub(super) delay: Duration,
    pub(super) runs: Runs,
}

/// How often a timer runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    Once,
    /// Until it is cleared.
    Repeatedly,
}

#[derive(Default)]
pub(super) struct Timers {
    last_id: u32,
    pending: HashMap<u32, Rc<Timer>>,
    /// How many arguments those hold.
    arguments: usize,
    /// Due times, the earliest first, equal ones by id. Entries of cleared timers stay until they
    /// come up, but never outnumber the pending ones by much: see `compact`. A repeated timer has
    /// none while its function runs.
    queue: BinaryHeap<Reverse<(Instant, u32)>>,
}

impl Timers {
    /// Adds a timer; its id, from 1.
    pub(super) fn set(&mut self, timer: Timer) -> u32 {
        self.last_id += 1;
        self.queue
            .push(Reverse((Instant::now() + timer.delay, self.last_id)));
        self.arguments += timer.arguments.len();
        self.pending.insert(self.last_id, Rc::new(timer));
        self.last_id
    }

    /// Sets a timer that has run once more, if it is a repeated one that was not cleared meanwhile.
    pub(super) fn set_again(&mut self, id: u32) {
        if let Some(timer) = self.pending.get(&id) {
            self.queue.push(Reverse((Instant::now() + timer.delay, id)));
        }
    }

    /// Forgets a timer; unknown ids are ignored.
    pub(super) fn clear(&mut self, id: u32) {
        if self.remove(id) {
            self.compact();
        }
    }

    fn remove(&mut self, id: u32) -> bool {
        let removed = self.pending.remove(&id);
        self.arguments -= removed.as_ref().map_or(0, |timer| timer.arguments.len());
        removed.is_some()
    }

    /// How many arguments the timers hold for their functions.
    pub(super) fn arguments(&self) -> usize {
        self.arguments
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    /// When the next timer is due.
    pub(super) fn next_due(&mut self) -> Option<Instant> {
        while let Some(Reverse((due, id))) = self.queue.peek() {
            if self.pending.contains_key(id) {
                return Some(*due);
            }
            self.queue.pop();
        }
        None
    }

    /// Takes the earliest timer that is due. A repeated one stays pending, to be
    /// [`set_again`](Self::set_again) after it has run.
    pub(super) fn take_due(&mut self) -> Option<(u32, Rc<Timer>)> {
        if self.next_due()? > Instant::now() {
            return None;
        }
        let Reverse((_, id)) = self.queue.pop()?;
        let timer = Rc::clone(self.pending.get(&id)?);
        if timer.runs == Runs::Once {
            self.remove(id);
        }
        Some((id, timer))
    }

    fn compact(&mut self) {
        const WORTH_IT: usize = 64;
        if self.queue.len() > WORTH_IT && self.queue.len() > 2 * self.pending.len() {
            let pending = &self.pending;
            self.queue
                .retain(|Reverse((_, id))| pending.contains_key(id));
        }
    }
}

/// A delay as scripts give it: milliseconds, anything that is no positive number being 0.
pub(super) fn delay(milliseconds: f64) -> Duration {
    if !milliseconds.is_finite() || milliseconds <= 0.0 {
        return Duration::ZERO;
    }
    Duration::try_from_secs_f64(milliseconds / 1000.0)
        .unwrap_or(LONGEST_DELAY)
        .min(LONGEST_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_milliseconds_and_anything_odd_is_zero() {
        assert_eq!(delay(1.5), Duration::from_micros(1500));
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0] {
            assert_eq!(delay(odd), Duration::ZERO);
        }
        assert_eq!(delay(1e300), LONGEST_DELAY);
    }
}
