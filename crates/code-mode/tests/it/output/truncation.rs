//! What is cut, and what is said in its place.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use code_mode::{FunctionHost, Session};

use super::{audio, done, failed, image, session, shortened, shown, text, utf16_slice, within};

#[test]
fn text_over_its_budget_reads_like_this() {
    let session = session();
    let lines: Vec<_> = (0..1000).map(|n| format!("line {n} of output")).collect();
    let response = failed(
        vec![text(lines.join("\n")), image(), text("the end")],
        "Error: no\n    at exec_main.mjs:1:7\n\n1 | throw new Error('no')\n          ^",
    );
    let formatted = session.format(&response, within(100));
    let expected = include_str!("truncated.txt");
    assert_eq!(format!("{}\n", shown(&formatted).join("\n--\n")), expected);
}

#[test]
fn a_cut_text_keeps_head_and_tail_and_names_exactly_what_is_missing() {
    let session = session();
    let whole = "0123456789".repeat(100);
    let formatted = session.format(&done(vec![text(&whole)]), within(50));
    let items = shown(&formatted);
    assert_eq!(
        items[1],
        "Warning: truncated output (original token count: 250); lines in all: 1"
    );
    let cut = shortened(items[2]).unwrap();
    assert_eq!((cut.head.len(), cut.tail.len()), (100, 100));
    assert_eq!((cut.start, cut.end), (100, 900));
    assert_eq!(cut.tokens, 200);
    assert_eq!(cut.handle, "out-1-1");
    assert_eq!(
        format!("{}{}{}", cut.head, &whole[100..900], cut.tail),
        whole
    );
}

#[test]
fn a_text_is_cut_at_the_end_of_a_line_if_one_is_near() {
    // Lines of 30 bytes; 200 for the head hold six lines and a part, and so does the tail.
    let lines = format!("{}\n", "x".repeat(29)).repeat(100);
    let formatted = session().format(&done(vec![text(&lines)]), within(100));
    let cut = shortened(shown(&formatted)[2]).unwrap();
    assert_eq!(cut.head, lines[..179].to_owned());
    assert!(
        cut.tail.len().is_multiple_of(30) && cut.tail.len() >= 180,
        "{cut:?}"
    );

    // The only line's end is far from where the budget is used up: it does not matter.
    let far = format!("a\n{}\nb", "x".repeat(1_000));
    let formatted = session().format(&done(vec![text(&far)]), within(100));
    let cut = shortened(shown(&formatted)[2]).unwrap();
    assert_eq!((cut.head.len(), cut.tail.len()), (200, 200));
}

#[test]
fn no_character_is_split() {
    for character in ["é", "→", "😀", "e\u{301}", "👩‍👩‍👧"] {
        let whole = character.repeat(200);
        for budget in 0..40 {
            let formatted = session().format(&done(vec![text(&whole)]), within(budget));
            let cut = shortened(shown(&formatted)[2]).unwrap();
            assert!(whole.starts_with(cut.head) && whole.ends_with(cut.tail));
            let missing = utf16_slice(&whole, cut.start, cut.end);
            assert_eq!(format!("{}{missing}{}", cut.head, cut.tail), whole);
        }
    }
}

#[test]
fn with_no_budget_at_all_the_marker_is_what_is_left() {
    let session = session();
    let response = done(vec![text("a"), image(), text("b"), text("c")]);
    let formatted = session.format(&response, within(0));
    let items = shown(&formatted);
    assert_eq!(items.len(), 4);
    assert!(items[2].starts_with("…3 tokens truncated… "), "{items:?}");
    assert_eq!(items[3], "<image>");
}

#[test]
fn the_first_items_give_the_head_and_the_last_the_tail_around_all_images() {
    let response = done(vec![
        text("a".repeat(40)),
        image(),
        text("b".repeat(400)),
        image(),
        text("c".repeat(400)),
        audio(1),
        text("d".repeat(400)),
        image(),
        text("e".repeat(40)),
        text(""),
    ]);
    // 100 for the texts, beside 10 for the audio: 50 at each end, of which the outermost take 10.
    let formatted = session().format(&response, within(110));
    let items = shown(&formatted);
    let cut = shortened(items[4]).unwrap();
    assert_eq!((cut.head, cut.tail), (&*"b".repeat(160), ""));
    // What is joined by newlines in between counts: 40 + 1 + 160 and, from the end, 0 + 1 + 40 + 1 + 160.
    assert_eq!((cut.start, cut.end), (201, 1285 - 202));
    let (a, d, e) = ("a".repeat(40), "d".repeat(160), "e".repeat(40));
    assert_eq!(items[2..4], [&*a, "<image>"]);
    assert_eq!(items[5..], ["<image>", "<audio>", &*d, "<image>", &*e, ""]);
}

#[test]
fn an_item_that_fits_is_not_torn_and_leaves_its_share_to_others() {
    let response = done(vec![text("a".repeat(4)), text("b".repeat(400))]);
    let formatted = session().format(&response, within(21));
    let items = shown(&formatted);
    assert_eq!(items[2], "aaaa");
    let cut = shortened(items[3]).unwrap();
    assert_eq!((cut.head.len(), cut.tail.len()), (40, 40));

    // A last item that is small leaves the head its half, not more.
    let response = done(vec![text("a".repeat(400)), text("bbbb")]);
    let formatted = session().format(&response, within(20));
    let items = shown(&formatted);
    let cut = shortened(items[2]).unwrap();
    assert_eq!((cut.head.len(), cut.tail.len()), (40, 36));
    assert_eq!(items[3], "bbbb");
}

#[test]
fn media_that_cost_more_than_the_budget_stay_and_only_text_gives_way() {
    let only_media = done(vec![audio(60), image(), audio(60)]);
    let formatted = session().format(&only_media, within(10));
    assert_eq!(formatted.content_items[1..], *only_media.content_items());
    assert_eq!(formatted.truncated, None);

    let response = done(vec![audio(60), text("words"), image()]);
    let formatted = session().format(&response, within(10));
    let items = shown(&formatted);
    assert!(items[3].starts_with("…2 tokens truncated…"), "{items:?}");
    assert_eq!([items[2], items[4]], ["<audio>", "<image>"]);
    assert_eq!(formatted.truncated.unwrap().tokens, 602);
}

#[test]
fn the_error_text_is_whole_within_the_budget_and_output_gives_way_to_it() {
    let error = format!("Error: {}", "e".repeat(393));
    let response = failed(vec![text("o".repeat(4_000))], &error);
    for (budget, left_for_output) in [(200, 400), (101, 4), (100, 0)] {
        let formatted = session().format(&response, within(budget));
        let items = shown(&formatted);
        assert_eq!(items[3], format!("Script error:\n{error}"));
        let cut = shortened(items[2]).unwrap();
        assert_eq!(cut.head.len() + cut.tail.len(), left_for_output);
    }
}

#[test]
fn an_error_text_larger_than_the_budget_keeps_its_first_line_and_its_end_and_says_so() {
    let session = session();
    let frame = "    at f (exec_main.mjs:3:9)\n\n3 |   throw new Error(all)\n            ^";
    let error = format!("Error: it went wrong\n{}\n{frame}", "detail ".repeat(2_000));
    for budget in [0, 10, 256, 1_000] {
        let response = failed(vec![text("output"), text("more")], &error);
        let formatted = session.format(&response, within(budget));
        let items = shown(&formatted);
        let told = items
            .last()
            .unwrap()
            .strip_prefix("Script error:\n")
            .unwrap();
        let cut = shortened(told).unwrap();
        assert!(cut.head.starts_with("Error: it went wrong\n"), "{told}");
        assert!(cut.tail.ends_with(frame), "{told}");
        let shown_bytes = cut.head.len() + cut.tail.len();
        assert!(shown_bytes <= budget.max(256) * 4, "{shown_bytes}");
        assert!(shown_bytes >= budget.max(256) * 4 - 10, "{shown_bytes}");

        let whole = session.output(cut.handle).unwrap();
        assert_eq!(*whole, format!("output\nmore\nScript error:\n{error}"));
        let missing = utf16_slice(&whole, cut.start, cut.end);
        let head = cut.head;
        let newline = if error[head.len()..].starts_with('\n') && !missing.starts_with('\n') {
            "\n"
        } else {
            ""
        };
        assert_eq!(format!("{head}{newline}{missing}{}", cut.tail), error);
    }
}

#[test]
fn an_error_text_under_its_least_share_survives_any_budget_whole() {
    let error = "Error: ".to_owned() + &"e".repeat(256 * 4 - 7);
    let response = failed(vec![text("output")], &error);
    let formatted = session().format(&response, within(0));
    let items = shown(&formatted);
    assert!(items[2].starts_with("…2 tokens truncated…"), "{items:?}");
    assert_eq!(items[3], format!("Script error:\n{error}"));
    // If there is nothing else to cut, nothing is.
    let formatted = session().format(&failed(Vec::new(), &error), within(0));
    assert_eq!(formatted.truncated, None);
}

#[test]
fn the_words_of_ours_cost_at_most_two_hundred_tokens() {
    let response = failed(vec![text("o".repeat(1 << 20))], &"e".repeat(1 << 20));
    let formatted = session().format(&response, within(1_000));
    let bytes: usize = shown(&formatted)[1..].iter().map(|text| text.len()).sum();
    assert!(bytes <= (1_000 + 200) * 4, "{bytes}");
}

/// A session whose counter adds up the bytes it is given.
fn watched(count: fn(&str) -> usize) -> (Session, Arc<AtomicUsize>) {
    let counted = Arc::new(AtomicUsize::new(0));
    let adding = {
        let counted = Arc::clone(&counted);
        move |text: &str| {
            counted.fetch_add(text.len(), Ordering::Relaxed);
            count(text)
        }
    };
    let session = Session::builder()
        .token_counter(adding)
        .build(FunctionHost::new());
    (session, counted)
}

#[test]
fn a_large_output_is_counted_about_once() {
    const BYTES: usize = 4 << 20;
    let one = done(vec![text("some words\n".repeat(BYTES / 11))]);
    let many = done((0..BYTES / 64).map(|_| text("x".repeat(64))).collect());
    let counters: [fn(&str) -> usize; 4] = [
        |text| text.len().div_ceil(4),
        |text| text.len(),
        |text| text.split(' ').count(),
        |text| text.len().div_ceil(100),
    ];
    for response in [one, many] {
        for count in counters {
            let (session, counted) = watched(count);
            let formatted = session.format(&response, within(100));
            assert!(formatted.truncated.is_some());
            let counted = counted.load(Ordering::Relaxed);
            assert!(counted < BYTES + BYTES / 8, "{counted} bytes were counted");
        }
    }
}

#[test]
fn counters_that_are_not_steady_do_no_harm() {
    let counters: [fn(&str) -> usize; 5] = [
        |_| 0,
        |_| 7,
        |_| usize::MAX,
        |text| text.len() ^ 0x55,
        |text| 10_000_usize.saturating_sub(text.len()),
    ];
    let whole: String = (0..200).map(|n| format!("line {n} é\n")).collect();
    for count in counters {
        for budget in [0, 1, 6, 7, 100, 1_000, 5_000] {
            let (session, _) = watched(count);
            let response = failed(vec![text(&whole), image(), text(&whole)], &whole);
            let formatted = session.format(&response, within(budget));
            let images = shown(&formatted)
                .iter()
                .filter(|item| **item == "<image>")
                .count();
            assert_eq!(images, 1);
            if let Some(kept) = formatted.truncated {
                let kept = session.output(&kept.handle.to_string()).unwrap();
                assert_eq!(*kept, format!("{whole}\n{whole}\nScript error:\n{whole}"));
            } else {
                assert_eq!(formatted.content_items[1..4], *response.content_items());
            }
        }
    }
}
