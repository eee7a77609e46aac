//! Texts that are too long to stand in a test.

use std::path::Path;
use std::{env, fs};

/// Compares a text with a file of this folder, line by line.
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
    assert!(
        expected == text,
        "{file} says\n{expected}\nbut it is now\n{text}\n\
         If the new text is right, run the test with UPDATE_SNAPSHOTS=1 and review the change."
    );
}
