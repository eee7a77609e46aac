//! How long an answer may take before it is lost.
//!
//! Not a matter of the clock alone: on a machine that is busy with other things, cells that are due wait
//! for a processor. So an answer is lost when it has not come in a minute in which this process and its
//! workers have computed for a minute, far more than all of its cells together may take to their limits and to their
//! end; or when it has not come in ten minutes.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::procfs::computed;

const LOST_AFTER: Duration = Duration::from_secs(60);
const LOST_AFTER_COMPUTING: Duration = Duration::from_secs(60);
const LOST_IN_ANY_CASE: Duration = Duration::from_secs(600);

const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The answer; `None` if it is lost.
pub async fn bounded<T>(answer: impl Future<Output = T>) -> Option<T> {
    let mut answer = pin!(answer);
    let start = Instant::now();
    let mut computed_before = None;
    loop {
        if let Ok(answer) = timeout(LOOK_EVERY, answer.as_mut()).await {
            return Some(answer);
        }
        let computed = computed();
        let since = computed.saturating_sub(*computed_before.get_or_insert(computed));
        let (waited, is_computed) = (start.elapsed(), since >= LOST_AFTER_COMPUTING);
        if (waited >= LOST_AFTER && is_computed) || waited >= LOST_IN_ANY_CASE {
            return None;
        }
    }
}
