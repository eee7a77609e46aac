//! Header, order, budgets.

use std::time::Duration;

use code_mode::{
    ContentItem, ExecuteRequest, FormatOptions, FunctionHost, RuntimeResponse, Session, WaitRequest,
};

use super::{audio, cell, done, failed, image, session, shown, text, within};
use crate::support::{LONG_MS, run};

#[test]
fn every_status_has_its_header_and_its_success() {
    let yielded = RuntimeResponse::Yielded {
        cell_id: cell(17),
        content_items: Vec::new(),
    };
    let terminated = RuntimeResponse::Terminated {
        cell_id: cell(17),
        content_items: Vec::new(),
    };
    for (response, status, success) in [
        (yielded, "Script running with cell ID 17", true),
        (done(Vec::new()), "Script completed", true),
        (failed(Vec::new(), "Error: e"), "Script failed", false),
        (terminated, "Script terminated", true),
    ] {
        let options = FormatOptions::new(Duration::from_millis(61_250));
        let formatted = session().format(&response, options);
        assert_eq!(
            shown(&formatted)[0],
            format!("{status}\nWall time 61.2 seconds\nOutput:\n")
        );
        assert_eq!(formatted.success, success, "{status}");
        assert_eq!(formatted.truncated, None);
    }
}

#[test]
fn the_wall_time_has_one_decimal() {
    for (milliseconds, expected) in [(0, "0.0"), (49, "0.0"), (51, "0.1"), (3_600_000, "3600.0")] {
        let options = FormatOptions::new(Duration::from_millis(milliseconds));
        let formatted = session().format(&done(Vec::new()), options);
        let line = format!("Script completed\nWall time {expected} seconds\nOutput:\n");
        assert_eq!(shown(&formatted), [line]);
    }
}

#[tokio::test]
async fn items_follow_the_header_as_they_are_and_the_error_text_comes_last() {
    let script = "text('a'); image('data:image/png,x', 'low'); audio('data:,x'); text(''); throw new Error('no')";
    let response = run(script).await;
    let formatted = session().format(&response, within(1_000));
    let (items, count) = (&formatted.content_items, formatted.content_items.len());
    assert_eq!(items[1..count - 1], *response.content_items());
    let ContentItem::Text { text } = &items[count - 1] else {
        panic!("the error is text");
    };
    assert!(text.starts_with("Script error:\nError: no\n"), "{text}");
    assert!(!formatted.success);
}

#[tokio::test]
async fn running_and_terminated_cells_are_formatted_as_they_are() {
    let session = session();
    let endless = ExecuteRequest::new("text('a'); yield_control(); for (;;) {}");
    let response = session
        .execute(endless.yield_time_ms(LONG_MS))
        .await
        .unwrap();
    let formatted = session.format(&response, within(10));
    let header = "Script running with cell ID 1\nWall time 0.0 seconds\nOutput:\n";
    assert_eq!(shown(&formatted), [header, "a"]);

    let terminate = WaitRequest::terminate(response.cell_id());
    let response = session.wait(terminate).await.unwrap();
    let formatted = session.format(&response, within(10));
    let header = "Script terminated\nWall time 0.0 seconds\nOutput:\n";
    assert_eq!(shown(&formatted), [header]);
}

#[test]
fn a_formatted_response_is_json_with_handles_as_text() {
    let session = session();
    let formatted = session.format(&done(vec![text("x".repeat(100))]), within(10));
    let json = serde_json::to_value(&formatted).unwrap();
    assert_eq!(json["success"], true);
    assert_eq!(json["content_items"][0]["type"], "text");
    assert_eq!(
        json["truncated"],
        serde_json::json!({ "handle": "out-1-1", "cell_id": "1", "bytes": 100, "lines": 1, "tokens": 25 })
    );
}

#[test]
fn what_fits_exactly_is_unchanged_and_a_byte_more_is_cut() {
    let session = session();
    let exact = done(vec![text("x".repeat(200)), image(), text("y".repeat(199))]);
    let formatted = session.format(&exact, within(100));
    assert_eq!(formatted.content_items[1..], *exact.content_items());
    assert_eq!(formatted.truncated, None);
    assert!(session.outputs().is_empty());

    let more = done(vec![text("x".repeat(201)), image(), text("y".repeat(199))]);
    let formatted = session.format(&more, within(100));
    assert_eq!(formatted.truncated.unwrap().tokens, 101);
}

#[test]
fn header_and_error_introduction_are_not_counted() {
    let formatted = session().format(&done(Vec::new()), within(0));
    assert_eq!(formatted.truncated, None);
    let formatted = session().format(&failed(vec![text("1234")], "12345678"), within(3));
    assert_eq!(formatted.truncated, None);
}

#[test]
fn the_budget_is_ten_thousand_tokens_unless_told_otherwise() {
    let default = FormatOptions::new(Duration::ZERO);
    let not_given = FormatOptions::new(Duration::ZERO).max_tokens(None);
    for options in [default, not_given] {
        let session = session();
        let fits = done(vec![text("x".repeat(40_000))]);
        assert_eq!(session.format(&fits, options.clone()).truncated, None);
        let over = done(vec![text("x".repeat(40_001))]);
        assert!(session.format(&over, options).truncated.is_some());
    }
}

#[test]
fn the_budget_is_what_the_answered_request_asked_for() {
    let response = done(vec![text("x".repeat(60_000))]);
    let exec = ExecuteRequest::new("").max_output_tokens(20_000);
    let wait = WaitRequest::new(cell(1)).max_tokens(20_000);
    assert_eq!(ExecuteRequest::new("").max_output_tokens, None);
    assert_eq!(WaitRequest::new(cell(1)).max_tokens, None);
    for budget in [exec.max_output_tokens, wait.max_tokens] {
        let options = FormatOptions::new(Duration::ZERO).max_tokens(budget);
        assert_eq!(session().format(&response, options).truncated, None);
    }
}

#[test]
fn the_hosts_clamp_holds_whatever_is_asked_for() {
    let clamped = Session::builder()
        .max_output_tokens(50)
        .build(FunctionHost::new());
    let unasked = FormatOptions::new(Duration::ZERO);
    let fits = done(vec![text("x".repeat(200))]);
    let over = done(vec![text("x".repeat(201))]);
    for options in [unasked, within(51), within(usize::MAX)] {
        assert_eq!(clamped.format(&fits, options.clone()).truncated, None);
        assert!(clamped.format(&over, options).truncated.is_some());
    }
    assert!(clamped.format(&fits, within(49)).truncated.is_some());
}

#[test]
fn the_clamp_is_a_hundred_thousand_tokens_unless_told_otherwise() {
    let fits = done(vec![text("x".repeat(400_000))]);
    assert_eq!(session().format(&fits, within(usize::MAX)).truncated, None);
    let over = done(vec![text("x".repeat(400_001))]);
    let formatted = session().format(&over, within(usize::MAX));
    assert!(formatted.truncated.is_some());
}

#[test]
fn images_cost_nothing_and_audio_ten_tokens_a_second() {
    let response = done(vec![text("x".repeat(400)), audio(3), image()]);
    assert_eq!(session().format(&response, within(130)).truncated, None);
    let formatted = session().format(&response, within(129));
    assert_eq!(formatted.truncated.unwrap().tokens, 130);
}

#[test]
fn a_host_counts_with_its_own_tokenizer() {
    let words = |text: &str| text.split_whitespace().count();
    let session = Session::builder()
        .token_counter(words)
        .build(FunctionHost::new());
    let long_words = done(vec![text(format!("{0} {0} {0}", "w".repeat(1_000)))]);
    assert_eq!(session.format(&long_words, within(3)).truncated, None);
    let formatted = session.format(&long_words, within(2));
    assert_eq!(formatted.truncated.unwrap().tokens, 3);
}
