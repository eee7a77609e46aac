//! Where a run was made and of what. What the system does not tell is left out.

use std::fs;
use std::process::Command;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::raw_v8;

/// One line: V8, platform, processors.
pub fn platform() -> String {
    format!(
        "V8 {}, {}-{}, {} processors",
        raw_v8::version(),
        std::env::consts::ARCH,
        std::env::consts::OS,
        processors(),
    )
}

pub fn machine() -> Value {
    json!({
        "processor": field_of("/proc/cpuinfo", "model name"),
        "processors": processors(),
        "memory": field_of("/proc/meminfo", "MemTotal"),
        "architecture": std::env::consts::ARCH,
        "system": std::env::consts::OS,
        "kernel": first_word("/proc/sys/kernel/osrelease"),
        "load_average_before": first_word("/proc/loadavg"),
    })
}

pub fn versions() -> Value {
    json!({
        "code-mode": env!("CARGO_PKG_VERSION"),
        "commit": output_of("git", &["describe", "--always", "--dirty"]),
        "v8": raw_v8::version(),
        "rustc": output_of("rustc", &["--version"]),
        "debug_build": cfg!(debug_assertions),
    })
}

/// Seconds since 1970.
pub fn unix_time() -> u64 {
    SystemTime::UNIX_EPOCH
        .elapsed()
        .map_or(0, |elapsed| elapsed.as_secs())
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}

/// The value of the first line `NAME: VALUE`.
fn field_of(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start().strip_prefix(':')?.trim().to_owned())
}

fn first_word(file: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.split_whitespace().next().map(str::to_owned)
}

fn output_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
