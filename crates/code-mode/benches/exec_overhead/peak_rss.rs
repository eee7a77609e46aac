//! Growth of this process's resident memory at its highest point, from Linux's `/proc`.

use std::fs::{self, OpenOptions};
use std::io::Write;

/// Resident memory at a moment, to be compared with the peak since then.
pub struct PeakRss {
    start_kib: u64,
}

impl PeakRss {
    /// Starts watching. `None` where the system does not tell.
    pub fn start() -> Option<Self> {
        // Where the peak so far cannot be forgotten, only what rises above it can be seen.
        let field = if forget_peak() { "VmRSS:" } else { "VmHWM:" };
        let start_kib = status_kib(field)?;
        Some(Self { start_kib })
    }

    /// How far the peak since the start lies above the start, in KiB.
    pub fn growth_kib(&self) -> Option<u64> {
        Some(status_kib("VmHWM:")?.saturating_sub(self.start_kib))
    }
}

/// Makes the present resident memory the peak (see `clear_refs` in proc(5)).
fn forget_peak() -> bool {
    OpenOptions::new()
        .write(true)
        .open("/proc/self/clear_refs")
        .and_then(|mut file| file.write_all(b"5"))
        .is_ok()
}

fn status_kib(field: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(field))?;
    value.trim().strip_suffix(" kB")?.parse().ok()
}
