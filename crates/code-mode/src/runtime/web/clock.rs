//! The time as `performance` and events tell it.
//!
//! In whole milliseconds: as fine as `Date`, which scripts have anyway, and no finer. What a finer
//! clock is good for is telling how long the machine took over something, which is nobody's business
//! in a script that orchestrates tools.

use std::time::{SystemTime, UNIX_EPOCH};

use super::super::callbacks::{Arguments, Return, run};

/// `now()`: milliseconds since the cell started.
pub(super) fn now<'s>(scope: &mut v8::PinScope<'s, '_>, _: Arguments<'s>, mut result: Return) {
    run(scope, |_, script| {
        result.set_double(script.started.elapsed().as_millis() as f64);
        Ok(())
    });
}

/// `timeOrigin()`: when the cell started, in milliseconds since 1970.
pub(super) fn time_origin<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    _: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |_, script| {
        let origin = *script.time_origin.get_or_init(|| {
            let start = SystemTime::now() - script.started.elapsed();
            let since_1970 = start.duration_since(UNIX_EPOCH).unwrap_or_default();
            since_1970.as_millis() as f64
        });
        result.set_double(origin);
        Ok(())
    });
}
