//! Standard error: what is said about a run, as opposed to what its script says.
//!
//! Its reader may be slow, or not read at all. A write waits on a thread of its own, so that whoever
//! awaits it can give up and nothing else of the run stands still.

use std::io::Write;

/// Says a sentence of the command's own.
pub async fn say(sentence: &str) {
    line(&format!("code-mode: {sentence}")).await;
}

/// Says a sentence where there is no run yet, or none any more.
pub fn say_outside_a_run(sentence: &str) {
    write(&format!("code-mode: {sentence}\n"));
}

/// Passes on text of somebody else's, ending its last line.
pub async fn line(text: &str) {
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    let text = format!("{text}{newline}");
    // Cancelled only with the runtime, when nobody waits for it.
    let _ = tokio::task::spawn_blocking(move || write(&text)).await;
}

fn write(text: &str) {
    // One write, so that lines of calls that end together stay whole. Where standard error is closed
    // there is nobody left to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
