//! What the system tells of a process. Elsewhere than on Linux it tells nothing.

use std::fs;

fn status_number(pid: &str, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim_start_matches(':')
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// The most memory that this process ever had resident.
pub fn peak_mib() -> Option<u64> {
    status_number("self", "VmHWM").map(|kib| kib / 1024)
}

/// The memory of a process that is resident now; `None` once it is gone.
pub fn resident_mib(pid: u32) -> Option<u64> {
    status_number(&pid.to_string(), "VmRSS").map(|kib| kib / 1024)
}

/// How many threads this process has.
pub fn threads() -> Option<u64> {
    status_number("self", "Threads")
}

/// Processor time of all threads of this process.
pub fn cpu_ms() -> u64 {
    /// `utime` and `stime` after the name in parentheses, in hundredths of a second.
    const UTIME: usize = 11;
    let Ok(stat) = fs::read_to_string("/proc/self/stat") else {
        return 0;
    };
    let Some((_, fields)) = stat.rsplit_once(')') else {
        return 0;
    };
    let ticks = fields.split_whitespace().skip(UTIME).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum::<u64>()
        * 10
}
