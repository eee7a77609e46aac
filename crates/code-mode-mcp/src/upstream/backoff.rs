//! How long to wait before a server is connected again.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// Before the second attempt.
const FIRST: Duration = Duration::from_millis(500);

/// However often it failed.
const LONGEST: Duration = Duration::from_secs(60);

/// Between two attempts in any case, also when a call asks for one.
pub(super) const LEAST: Duration = FIRST;

/// Counts the failures of one server. Owned by its task.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Notes a failure and says how long to wait now. A connection that has held for longer than
    /// the longest wait makes the failures before it forgotten.
    pub(super) fn after_failure(&mut self, held: Duration) -> Duration {
        if held > LONGEST {
            self.failures = 0;
        }
        let delay = delay(self.failures, random_fraction());
        self.failures = self.failures.saturating_add(1);
        delay
    }
}

/// Doubles with each failure; `random` in 0..1 spreads it over its upper half, so that servers
/// which died together do not come back together.
fn delay(failures: u32, random: f64) -> Duration {
    let whole = FIRST
        .saturating_mul(2_u32.saturating_pow(failures))
        .min(LONGEST);
    whole.mul_f64(0.5 + random / 2.0).max(LEAST)
}

/// From 0 to 1: the standard library seeds each hasher by chance.
fn random_fraction() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 32;
    bits as f64 / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_half_a_second_to_a_minute() {
        let whole: Vec<_> = (0..9).map(|n| delay(n, 1.0).as_secs_f64()).collect();
        assert_eq!(whole, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]);
        assert_eq!(delay(u32::MAX, 1.0), LONGEST);
    }

    #[test]
    fn chance_takes_at_most_half_of_a_wait_and_never_the_least() {
        assert_eq!(delay(4, 0.0), Duration::from_secs(4));
        assert_eq!(delay(0, 0.0), LEAST);
        assert!((0..100).all(|_| (0.0..=1.0).contains(&random_fraction())));
    }

    #[test]
    fn a_connection_that_held_long_makes_failures_forgotten() {
        let mut backoff = Backoff::default();
        for _ in 0..10 {
            backoff.after_failure(Duration::ZERO);
        }
        assert!(backoff.after_failure(Duration::from_secs(59)) > Duration::from_secs(29));
        assert_eq!(backoff.after_failure(Duration::from_secs(61)), LEAST);
    }
}
