//! Standard error: what is said about a run, as opposed to what its script says.

use std::io::Write;

/// Says a sentence of the command's own.
pub fn say(sentence: &str) {
    line(&format!("code-mode: {sentence}"));
}

/// Passes on text of somebody else's, ending its last line.
pub fn line(text: &str) {
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    // One write, so that lines of calls that end together stay whole. Where standard error is closed
    // there is nobody left to tell.
    let _ = std::io::stderr().write_all(format!("{text}{newline}").as_bytes());
}
