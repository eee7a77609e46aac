//! Anything as what a worker process says: nothing is believed that no script can do, and nothing panics.
//!
//! Text whose lines are frames without their lengths, said after the greeting; or, behind a zero byte,
//! all bytes as they are.
#![no_main]

use code_mode::fuzzing::hear_worker;
use libfuzzer_sys::fuzz_target;

/// More than this might not fit into a socket at once.
const MOST_BYTES: usize = 32 * 1024;

fuzz_target!(|data: &[u8]| {
    let data = &data[..data.len().min(MOST_BYTES)];
    let heard = match data.split_first() {
        Some((0, bytes)) => hear_worker(false, bytes),
        _ => hear_worker(true, &framed(data)),
    };
    assert!(heard.violation.is_none_or(|why| !why.is_empty()));
});

fn framed(lines: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let length = u32::try_from(line.len()).expect("no line is that long");
        bytes.extend(length.to_le_bytes());
        bytes.extend(line);
    }
    bytes
}
