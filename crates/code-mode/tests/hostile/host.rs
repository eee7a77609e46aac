//! The session that hostile scripts run in.

use std::time::Duration;

use code_mode::{Limits, Session};

use crate::row::Mode;
use crate::tools::HostileHost;

pub const HEAP_MIB: usize = 64;

/// A session whose cells may compute for so long.
pub fn session(mode: Mode, cpu_time: Duration) -> Session {
    let limits = Limits::default()
        .heap_bytes(HEAP_MIB * 1024 * 1024)
        .cpu_time(cpu_time);
    match mode {
        Mode::InProcess => Session::builder().limits(limits).build(HostileHost),
        #[cfg(feature = "worker-processes")]
        Mode::Worker => {
            use code_mode::worker::{Options, Pool};
            let pool = Pool::new(Options::default().warm(0));
            Session::builder()
                .isolation(code_mode::Isolation::Process(pool))
                .limits(limits)
                .build(HostileHost)
        }
    }
}
