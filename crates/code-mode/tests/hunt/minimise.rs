//! Makes a script smaller that still does what it was caught at.

use crate::script::Script;

/// How often it is tried, at most.
const TRIALS: usize = 60;

/// Leaves out pieces while `is_bad` of what remains.
pub async fn run(script: &Script, mut is_bad: impl AsyncFnMut(&Script) -> bool) -> Script {
    let mut script = script.clone();
    let mut trials = 0;
    let mut at_once = script.pieces.len().div_ceil(2);
    while at_once > 0 && trials < TRIALS {
        let mut start = 0;
        while start < script.pieces.len() && trials < TRIALS {
            let mut smaller = script.clone();
            let end = (start + at_once).min(smaller.pieces.len());
            smaller.pieces.drain(start..end);
            trials += 1;
            if is_bad(&smaller).await {
                script = smaller;
            } else {
                start = end;
            }
        }
        at_once /= 2;
    }
    script
}
