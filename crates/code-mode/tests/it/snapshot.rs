//! Long expected texts in files beside the tests. The tests of the gateway use this file too.

use std::path::Path;
use std::{env, fs};

/// Compares a text with a file below `tests/it`.
///
/// With `UPDATE_SNAPSHOTS` set in the environment the file is written instead; review it like code.
#[track_caller]
pub fn assert_snapshot(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it")
        .join(file);
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, text).expect("the snapshot is written");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if expected == text {
        return;
    }
    let same = expected
        .lines()
        .zip(text.lines())
        .take_while(|(expected, got)| expected == got)
        .count();
    panic!(
        "{file} differs from line {}:\n  expected: {}\n  got:      {}\n\
         If the new text is right, run the test with UPDATE_SNAPSHOTS=1 and review the change.",
        same + 1,
        expected.lines().nth(same).unwrap_or("(nothing)"),
        text.lines().nth(same).unwrap_or("(nothing)"),
    );
}
