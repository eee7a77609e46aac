//! What the system tells of a process's memory; elsewhere than on Linux nothing.

use std::fs;

/// Has this process's peak begin anew; the memory that is resident now, in MiB.
pub fn start() -> u64 {
    // The kernel's way to reset the peak; where it is refused, the peak is that of all scripts so far.
    let _ = fs::write("/proc/self/clear_refs", "5");
    number("self", "VmRSS:")
}

/// The most memory that was resident since [`start`], in MiB.
pub fn peak_mib() -> u64 {
    number("self", "VmHWM:")
}

/// The memory of a process that is resident, in MiB.
pub fn resident_mib(process: u32) -> u64 {
    number(&process.to_string(), "VmRSS:")
}

fn number(process: &str, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
