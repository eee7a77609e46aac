//! Standard error: what is said about a run, as opposed to what its script says, and the status line
//! under it.
//!
//! Its reader may be slow, or not read at all. A write waits on a thread of its own, so that whoever
//! awaits it can give up and nothing else of the run stands still.
//!
//! All that goes to standard error goes through here, so that nothing is written behind a status line:
//! whatever is said takes its place, and it is drawn again below.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Erases the line that the cursor is in.
const ERASE_LINE: &str = "\r\x1b[K";

/// Whether a status line stands on the terminal. Standard error is the process's, and so is this. Held
/// for the length of a write, and never while anything is awaited.
static STATUS_SHOWN: Mutex<bool> = Mutex::new(false);

/// Whether a status line was ever asked for. Without one, nobody who writes to standard output waits for
/// somebody to read standard error.
static STATUS_WANTED: AtomicBool = AtomicBool::new(false);

/// How many [`HiddenStatus`] there are.
static HIDERS: AtomicUsize = AtomicUsize::new(0);

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

/// Writes the beginning of a line that a person goes on with.
pub async fn prompt(text: &str) {
    let text = text.to_owned();
    // As above.
    let _ = tokio::task::spawn_blocking(move || write(&text)).await;
}

/// Writes text as it is. Waits for the reader.
pub fn write(text: &str) {
    let mut shown = status_shown();
    // One write, so that lines of calls that end together stay whole. Where standard error is closed
    // there is nobody left to tell.
    let _ = if std::mem::take(&mut *shown) {
        std::io::stderr().write_all(format!("{ERASE_LINE}{text}").as_bytes())
    } else {
        std::io::stderr().write_all(text.as_bytes())
    };
}

/// Shows a status line in the place of the one before, or none if it is empty. Waits for the terminal.
pub fn draw_status(line: &str) {
    STATUS_WANTED.store(true, Ordering::SeqCst);
    let mut shown = status_shown();
    if line.is_empty() && !*shown || HIDERS.load(Ordering::SeqCst) > 0 {
        return;
    }
    // The old line is written over and only its rest erased: erased first, it would flicker.
    let _ = std::io::stderr().write_all(format!("\r{line}\x1b[K").as_bytes());
    *shown = !line.is_empty();
}

/// Takes the status line away for good. Does not wait for a terminal that is stopped.
pub fn end_status() {
    HIDERS.fetch_add(1, Ordering::SeqCst);
    if let Ok(mut shown) = STATUS_SHOWN.try_lock()
        && std::mem::take(&mut *shown)
    {
        let _ = std::io::stderr().write_all(ERASE_LINE.as_bytes());
    }
}

/// As long as this is there, no status line is.
pub struct HiddenStatus(());

/// Takes the status line away for somebody else who writes to the terminal.
pub async fn hide_status() -> HiddenStatus {
    HIDERS.fetch_add(1, Ordering::SeqCst);
    let hidden = HiddenStatus(());
    if !STATUS_WANTED.load(Ordering::SeqCst) {
        return hidden;
    }
    let _ = tokio::task::spawn_blocking(|| {
        let mut shown = status_shown();
        if std::mem::take(&mut *shown) {
            let _ = std::io::stderr().write_all(ERASE_LINE.as_bytes());
        }
    })
    .await;
    hidden
}

impl Drop for HiddenStatus {
    fn drop(&mut self) {
        HIDERS.fetch_sub(1, Ordering::SeqCst);
    }
}

fn status_shown() -> MutexGuard<'static, bool> {
    STATUS_SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}
