//! What a session keeps, for how long, and how hosts see it.

use code_mode::{FunctionHost, KeptOutput, Limits, OutputError, RuntimeResponse, Session};

use super::{cell, done, image, session, text, within};

fn answer(id: u64, output: &str) -> RuntimeResponse {
    RuntimeResponse::Yielded {
        cell_id: cell(id),
        content_items: vec![text(output)],
    }
}

/// Has a session keep an output of a cell; its handle.
fn keep(session: &Session, id: u64, output: &str) -> String {
    let formatted = session.format(&answer(id, output), within(0));
    formatted
        .truncated
        .expect("nothing fits")
        .handle
        .to_string()
}

fn handles(session: &Session) -> Vec<String> {
    let handle = |output: KeptOutput| output.handle.to_string();
    session.outputs().into_iter().map(handle).collect()
}

fn small(max_kept_output_bytes: usize) -> Session {
    let limits = Limits::default().max_kept_output_bytes(max_kept_output_bytes);
    Session::builder().limits(limits).build(FunctionHost::new())
}

#[test]
fn hosts_list_what_is_kept_and_read_it() {
    let session = session();
    assert!(session.outputs().is_empty());
    let response = done(vec![text("one\ntwo é"), image(), text("three")]);
    session.format(&response, within(1));
    keep(&session, 12, "four");

    let outputs = session.outputs();
    assert_eq!(handles(&session), ["out-1-1", "out-12-1"]);
    let first = &outputs[0];
    assert_eq!(first.cell_id, cell(1));
    assert_eq!((first.bytes, first.lines, first.tokens), (16, 3, 5));
    assert_eq!(*session.output("out-1-1").unwrap(), *"one\ntwo é\nthree");
    assert_eq!(*session.output("out-12-1").unwrap(), *"four");
}

#[test]
fn only_what_is_cut_is_kept() {
    let session = session();
    session.format(&answer(1, "short"), within(2));
    assert!(session.outputs().is_empty());
}

#[test]
fn each_answer_of_a_cell_has_a_handle_of_its_own() {
    let session = session();
    let given = [3, 3, 4, 3].map(|id| keep(&session, id, "words"));
    assert_eq!(given, ["out-3-1", "out-3-2", "out-4-1", "out-3-3"]);
}

#[test]
fn the_oldest_go_first_and_their_handles_are_not_used_again() {
    // Two outputs of 36 bytes, and 64 bytes for each, fill it exactly.
    let session = small(200);
    let output = "x".repeat(36);
    keep(&session, 1, &output);
    keep(&session, 2, &output);
    assert_eq!(handles(&session), ["out-1-1", "out-2-1"]);
    assert_eq!(keep(&session, 1, &output), "out-1-2");
    assert_eq!(handles(&session), ["out-2-1", "out-1-2"]);
    keep(&session, 3, &"x".repeat(37));
    assert_eq!(handles(&session), ["out-3-1"]);
}

#[test]
fn the_newest_output_is_kept_whatever_its_size() {
    let session = small(0);
    let large = "x".repeat(10_000);
    for id in 1..=3 {
        let handle = keep(&session, id, &large);
        assert_eq!(*session.output(&handle).unwrap(), *large);
        assert_eq!(handles(&session), [handle]);
    }
}

#[test]
fn a_host_that_asks_for_nothing_there_is_told_why() {
    let session = small(100);
    let error = session.output("out-1-1").unwrap_err();
    assert!(matches!(&error, OutputError::NeverKept { kept, .. } if kept.is_empty()));
    assert_eq!(
        error.to_string(),
        "no output \"out-1-1\" was ever kept in this session; none is kept now: only output that was truncated gets a handle"
    );
    keep(&session, 1, "words");
    keep(&session, 2, &"x".repeat(100));
    let error = session.output("out-1-1").unwrap_err();
    assert!(matches!(
        &error,
        OutputError::Dropped { handle, max_bytes: 100, kept } if handle.to_string() == "out-1-1" && kept.len() == 1
    ));
}

#[test]
fn sessions_share_no_outputs() {
    let (one, other) = (session(), session());
    keep(&one, 1, "words");
    assert!(other.outputs().is_empty());
    assert!(other.output("out-1-1").is_err());
}

#[tokio::test]
async fn what_was_kept_outlives_its_cell_and_the_sessions_shutdown() {
    let session = session();
    let handle = keep(&session, 1, "words");
    session.shutdown().await;
    assert_eq!(*session.output(&handle).unwrap(), *"words");
}
