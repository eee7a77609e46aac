//! Random answers and budgets: what holds for all of them.

use code_mode::{ApproximateTokens, ContentItem, FormattedResponse, RuntimeResponse, TokenCounter};

use super::{audio, done, failed, image, session, shortened, text, utf16_slice, within};

/// SplitMix64: the same answers on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Characters of one to four bytes, lines of any length.
    fn text(&mut self, longest: usize) -> String {
        const CHARACTERS: [char; 8] = ['a', 'b', ' ', '\n', 'é', '→', '😀', '\u{301}'];
        let length = self.below(longest + 1);
        (0..length).map(|_| CHARACTERS[self.below(8)]).collect()
    }

    fn item(&mut self) -> ContentItem {
        match self.below(6) {
            0 => image(),
            1 => audio(1),
            _ => {
                let longest = [0, 5, 50, 500][self.below(4)];
                text(self.text(longest))
            }
        }
    }

    fn response(&mut self) -> RuntimeResponse {
        let items = (0..self.below(8)).map(|_| self.item()).collect();
        match self.below(3) {
            0 => failed(items, &format!("Error: {}", self.text(1_500))),
            _ => done(items),
        }
    }
}

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

#[test]
fn whatever_the_answer_and_the_budget_nothing_is_torn_lost_or_over() {
    let mut random = Random(3);
    let mut truncated = 0;
    for _ in 0..5_000 {
        let response = random.response();
        let budget = random.below([4, 40, 400, 1_000][random.0 as usize % 4]);
        let session = session();
        let formatted = session.format(&response, within(budget));
        let total: usize = response.content_items().iter().map(cost).sum();
        let error = response.error_text();
        let total = total + error.map_or(0, |error| ApproximateTokens.count(error));
        let Some(kept) = &formatted.truncated else {
            assert_unchanged(&response, &formatted);
            assert!(total <= budget || nothing_to_cut(&response), "{response:?}");
            continue;
        };
        truncated += 1;
        assert!(total > budget);
        assert_eq!(kept.tokens, total);
        let whole = session.output(&kept.handle.to_string()).unwrap();
        assert_eq!(*whole, whole_of(&response));
        assert_eq!(
            (kept.bytes, kept.lines),
            (whole.len(), whole.lines().count())
        );
        assert_within(&response, &formatted, budget);
        assert_in_order(&response, &formatted, &whole);
    }
    assert!((1_000..4_000).contains(&truncated), "{truncated}");
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
        .map(|error| text(format!("Script error:\n{error}")))
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
