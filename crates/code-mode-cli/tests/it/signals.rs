//! Ctrl-C and SIGTERM.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{ENDLESS, Place, wait_until_gone, wait_until_started};

#[test]
fn an_interrupt_ends_the_script() {
    let place = Place::new();
    let mut running = place.start(
        "text('ready'); store('k', 1); for (;;);",
        ["--store", "s.json"],
    );
    assert_eq!(running.stdout_line(), "ready");
    running.signal(Signal::INT);
    let ended = running.end().with(130);
    assert_eq!(
        ended.stderr,
        "code-mode: interrupted; ending the script (once more to exit at once)\n"
    );
    assert!(!place.path("s.json").exists());
}

#[test]
fn sigterm_ends_the_script_too() {
    let place = Place::new();
    let mut running = place.start(
        "text('ready'); await new Promise((r) => setTimeout(r, 1e9));",
        [],
    );
    assert_eq!(running.stdout_line(), "ready");
    running.signal(Signal::TERM);
    let ended = running.end().with(143);
    assert!(
        ended.stderr.starts_with("code-mode: asked to end; "),
        "{ended:?}"
    );
}

#[test]
fn an_interrupt_kills_the_commands_of_the_script_with_their_children() {
    let place = Place::new();
    let alive = place.fifo("alive");
    let tool = format!("endless={ENDLESS}");
    let script = "text('ready'); await tools.endless();";
    let mut running = place.start(script, ["--tool", &tool]);
    assert_eq!(running.stdout_line(), "ready");
    let alive = wait_until_started(&alive);
    running.signal(Signal::INT);
    running.end().with(130);
    wait_until_gone(alive);
}

#[test]
fn after_an_interrupt_json_still_is_a_document() {
    let place = Place::new();
    let mut running = place.start("text('a'); notify('ready'); for (;;);", ["--json"]);
    assert_eq!(running.stderr_line(), "ready");
    running.signal(Signal::INT);
    let ended = running.end().with(130);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["status"], "terminated");
    assert_eq!(document["content_items"][0]["text"], "a");
}

#[test]
fn a_second_interrupt_exits_at_once_even_if_nobody_reads_the_output() {
    let place = Place::new();
    // More than a pipe holds, and this test reads none of it.
    let script = "text('x'.repeat(10_000_000)); notify('ready'); for (;;);";
    let mut running = place.start(script, []);
    assert_eq!(running.stderr_line(), "ready");
    running.signal(Signal::INT);
    assert!(
        running
            .stderr_line()
            .starts_with("code-mode: interrupted; ")
    );
    running.signal(Signal::INT);
    assert_eq!(running.exit_code(), Some(130));
}

#[test]
fn a_timeout_and_an_interrupt_end_the_run_even_if_nobody_reads_what_is_said() {
    let place = Place::new();
    // More on standard error than a pipe holds, and this test reads none of it.
    let script = "notify('x'.repeat(10_000_000)); text('ready'); for (;;);";
    let mut running = place.start(script, ["--timeout", "3"]);
    assert_eq!(running.exit_code(), Some(1));
    // On a machine that stood still, it was not so far.
    let said = running.stdout_line();
    assert!(["ready", ""].contains(&&*said), "{said}");

    let mut running = place.start(script, []);
    assert_eq!(running.stdout_line(), "ready");
    running.signal(Signal::INT);
    assert_eq!(running.exit_code(), Some(130));
}
