//! What holds for every formatted answer: nothing is torn, lost, out of order or over the budget. The
//! fuzz target `output_formatting` holds answers to it too.
//!
//! Texts of the answers have no `…`, with which markers begin.

use std::time::Duration;

use code_mode::{
    ApproximateTokens, ContentItem, FormatOptions, FormattedResponse, RuntimeResponse, Session,
    TokenCounter,
};

/// What a session shows at most unless told otherwise.
const DEFAULT_MOST_TOKENS: usize = 100_000;

/// Formats an answer, and panics unless all holds. Whether something was left out.
pub fn check(
    session: &Session,
    response: &RuntimeResponse,
    budget: usize,
    wall_time: Duration,
) -> bool {
    let options = FormatOptions::new(wall_time).max_tokens(budget);
    let formatted = session.format(response, options);
    let budget = budget.min(DEFAULT_MOST_TOKENS);
    assert_header(response, &formatted);
    let total: usize = response.content_items().iter().map(cost).sum();
    let error = response.error_text();
    let total = total + error.map_or(0, |error| ApproximateTokens.count(error));
    let Some(kept) = &formatted.truncated else {
        assert_unchanged(response, &formatted);
        assert!(total <= budget || nothing_to_cut(response), "{response:?}");
        return false;
    };
    assert!(total > budget);
    assert_eq!(kept.tokens, total);
    let whole = session.output(&kept.handle.to_string()).unwrap();
    assert_eq!(*whole, whole_of(response));
    assert_eq!(
        (kept.bytes, kept.lines),
        (whole.len(), whole.lines().count())
    );
    assert_within(response, &formatted, budget);
    assert_in_order(response, &formatted, &whole);
    true
}

fn assert_header(response: &RuntimeResponse, formatted: &FormattedResponse) {
    let failed = response.error_text().is_some();
    assert_eq!(formatted.success, !failed);
    let Some(ContentItem::Text { text }) = formatted.content_items.first() else {
        panic!("the header comes first");
    };
    assert!(text.starts_with("Script ") && text.ends_with(" seconds\nOutput:\n"));
}

/// What an item costs. A recording is to have a second of sound.
fn cost(item: &ContentItem) -> usize {
    match item {
        ContentItem::Text { text } => ApproximateTokens.count(text),
        ContentItem::Audio { .. } => 10,
        _ => 0,
    }
}

/// The text of `head` and a line's end that the marker's own line took the place of.
fn continued(whole: &str, at: usize, head: &str) -> bool {
    let before = utf16_slice(whole, 0, at);
    before.ends_with(head)
        || before
            .strip_suffix('\n')
            .is_some_and(|before| before.ends_with(head))
}

/// Texts may cost more than the budget only where they are an error text within its least share.
fn nothing_to_cut(response: &RuntimeResponse) -> bool {
    let is_short = |error: &str| ApproximateTokens.count(error) <= 256;
    response.text().trim_matches('\n').is_empty() && response.error_text().is_none_or(is_short)
}

fn assert_unchanged(response: &RuntimeResponse, formatted: &FormattedResponse) {
    let count = response.content_items().len();
    let items = &formatted.content_items[1..];
    assert_eq!(items[..count], *response.content_items());
    let error = response.error_text();
    let error: Vec<_> = error
        .map(|error| ContentItem::Text {
            text: format!("Script error:\n{error}"),
        })
        .into_iter()
        .collect();
    assert_eq!(items[count..], error);
}

fn whole_of(response: &RuntimeResponse) -> String {
    let is_text = |item: &&ContentItem| matches!(item, ContentItem::Text { .. });
    let mut texts: Vec<String> = Vec::new();
    for item in response.content_items().iter().filter(is_text) {
        let ContentItem::Text { text } = item else {
            unreachable!("only texts");
        };
        texts.push(text.clone());
    }
    texts.extend(
        response
            .error_text()
            .map(|error| format!("Script error:\n{error}")),
    );
    texts.join("\n")
}

/// The formatted items between warning and error, and the error.
fn parts<'a>(
    response: &RuntimeResponse,
    formatted: &'a FormattedResponse,
) -> (&'a [ContentItem], Option<&'a str>) {
    let items = &formatted.content_items[2..];
    if response.error_text().is_none() {
        return (items, None);
    }
    match items.split_last() {
        Some((ContentItem::Text { text }, output)) => {
            (output, Some(text.strip_prefix("Script error:\n").unwrap()))
        }
        _ => panic!("the error text comes last"),
    }
}

/// What a text costs without a marker, which is ours.
fn text_cost(text: &str) -> usize {
    match shortened(text) {
        Some(cut) => ApproximateTokens.count(cut.head) + ApproximateTokens.count(cut.tail),
        None => ApproximateTokens.count(text),
    }
}

fn assert_within(response: &RuntimeResponse, formatted: &FormattedResponse, budget: usize) {
    let (output, error) = parts(response, formatted);
    let error = error.map_or(0, text_cost);
    assert!(error <= budget.max(256), "error of {error} in {budget}");
    let mut texts = 0;
    let mut audio = 0;
    for item in output {
        match item {
            ContentItem::Text { text } => texts += text_cost(text),
            media => audio += cost(media),
        }
    }
    let left = budget.saturating_sub(error + audio);
    assert!(texts <= left, "texts of {texts} in {left}");
}

/// Items before the cut are the first of the answer, those after it the last, with all media between,
/// and at the cut there are a real beginning and a real end.
fn assert_in_order(response: &RuntimeResponse, formatted: &FormattedResponse, whole: &str) {
    let original = response.content_items();
    let (output, error) = parts(response, formatted);
    if let (Some(shown), Some(error)) = (error, response.error_text()) {
        match shortened(shown) {
            None => assert_eq!(shown, error),
            Some(cut) => {
                assert!(error.starts_with(cut.head) && error.ends_with(cut.tail));
                assert!(continued(whole, cut.start, cut.head));
                let after = utf16_slice(whole, cut.end, whole.encode_utf16().count());
                assert_eq!(after, cut.tail);
            }
        }
    }
    let marked = output
        .iter()
        .position(|item| matches!(item, ContentItem::Text { text } if shortened(text).is_some()));
    let Some(at) = marked else {
        assert_eq!(output, original);
        return;
    };
    let (ContentItem::Text { text: marked }, ContentItem::Text { text: first }) =
        (&output[at], &original[at])
    else {
        panic!("texts are cut, not {:?}", original[at]);
    };
    let cut = shortened(marked).unwrap();
    assert_eq!(output[..at], original[..at]);
    assert!(first.starts_with(cut.head));
    assert!(continued(whole, cut.start, cut.head));

    // From the end, what is the same; then what is left of one text; then media alone.
    let same = std::iter::zip(
        output[at + 1..].iter().rev(),
        original[at + 1..].iter().rev(),
    )
    .take_while(|(shown, given)| shown == given)
    .count();
    let mut shown = &output[at + 1..output.len() - same];
    let mut given = &original[at + 1..original.len() - same];
    let mut tail = cut.tail;
    if let (Some((ContentItem::Text { text }, rest)), Some((last, before))) =
        (shown.split_last(), given.split_last())
    {
        assert!(tail.is_empty(), "one text has the tail");
        assert!(matches!(last, ContentItem::Text { text: last } if last.ends_with(text)));
        tail = text;
        (shown, given) = (rest, before);
    }
    let media: Vec<_> = given
        .iter()
        .filter(|item| !matches!(item, ContentItem::Text { .. }))
        .collect();
    assert_eq!(shown.iter().collect::<Vec<_>>(), media);

    let after = utf16_slice(whole, cut.end, whole.encode_utf16().count());
    assert!(
        after.starts_with(tail),
        "{tail:?} is not where {after:?} begins"
    );
}

/// A text item that was cut, in its parts.
#[derive(Debug, PartialEq)]
pub struct Shortened<'a> {
    pub head: &'a str,
    pub tokens: usize,
    pub handle: &'a str,
    pub start: usize,
    pub end: usize,
    pub tail: &'a str,
}

/// Reads the marker of a text that has no `…` of its own; `None` if it has no marker.
pub fn shortened(text: &str) -> Option<Shortened<'_>> {
    let at = text.find('…')?;
    let (marker, tail) = text[at..].split_once('\n').unwrap_or((&text[at..], ""));
    let number = |before: &str, after: &str| {
        let rest = marker.split_once(before)?.1;
        rest.split_once(after)?.0.parse().ok()
    };
    Some(Shortened {
        head: text[..at].strip_suffix('\n').unwrap_or(&text[..at]),
        tokens: number("…", " tokens truncated…")?,
        handle: marker.split('"').nth(1)?,
        start: number("start: ", ",")?,
        end: number("end: ", " }")?,
        tail,
    })
}

/// `text` from one UTF-16 index to another.
pub fn utf16_slice(text: &str, start: usize, end: usize) -> String {
    let units: Vec<u16> = text.encode_utf16().skip(start).take(end - start).collect();
    String::from_utf16(&units).expect("no character is split")
}
