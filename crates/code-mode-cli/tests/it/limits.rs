//! `--timeout`, `--heap-mb`, `--cpu-ms`, `--isolation`.

use serde_json::Value;

use crate::support::Place;

#[test]
fn a_timeout_ends_a_script_that_waits() {
    let place = Place::new();
    let script =
        "text('before'); store('k', 1); await new Promise((done) => setTimeout(done, 1e9));";
    let ended = place
        .run(script, ["--timeout", "0.2", "--store", "store.json"])
        .with(1);
    // Whether the text came first is up to the machine; that the script was ended is not.
    assert_eq!(
        ended.stderr,
        "code-mode: the script took longer than 0.2 s; ending it\n"
    );
    assert!(!place.path("store.json").exists());
}

#[test]
fn a_timeout_ends_a_script_that_computes_and_json_says_so() {
    let ended = Place::new()
        .run("for (;;);", ["--timeout", "0.1", "--json"])
        .with(1);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["status"], "terminated");
}

#[test]
fn a_timeout_that_is_not_reached_changes_nothing() {
    let ended = Place::new().run("text(1)", ["--timeout", "3600"]).with(0);
    assert_eq!(ended.stdout, "1\n");
}

#[test]
fn heap_mb_bounds_memory() {
    let script = "const kept = []; for (;;) kept.push(new Array(1e5).fill(1.5));";
    let ended = Place::new().run(script, ["--heap-mb", "16"]).with(1);
    assert!(ended.stderr.contains("16 MiB"), "{ended:?}");
}

#[test]
fn cpu_ms_bounds_computing() {
    let ended = Place::new().run("for (;;);", ["--cpu-ms", "50"]).with(1);
    assert!(ended.stderr.contains("comput"), "{ended:?}");
}

#[test]
fn a_script_runs_in_a_process_of_its_own_or_in_this_one() {
    for isolation in ["process", "in-process"] {
        let ended = Place::new()
            .run("text(6 * 7)", ["--isolation", isolation])
            .with(0);
        assert_eq!(ended.stdout, "42\n");
    }
}

#[test]
fn a_worker_that_is_started_by_hand_says_what_it_is() {
    let ended = Place::new().command(["worker"]).output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("not by hand"), "{said}");
}
