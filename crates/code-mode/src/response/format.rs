//! From a response to what a model reads: header, items within a budget, error text.
//!
//! Decides how a budget is shared and what is said about what was left out. Where the cut falls is
//! found in `truncate`; the whole of what is cut is handed on to be kept, never dropped.

use std::time::Duration;

use serde::Serialize;

use super::tokens::TokenCounter;
use super::truncate::{Counted, Cut, Place, cut_middle};
use super::{ContentItem, RuntimeResponse, audio};
use crate::service::{DEFAULT_MAX_OUTPUT_TOKENS_PER_EXEC_CALL, KeptOutput, OutputHandle};

/// The least an error text may cost, whatever the budget: a first line and a code frame.
const LEAST_ERROR_TOKENS: usize = 256;

/// Said before an error text.
const ERROR_INTRODUCTION: &str = "Script error:\n";

/// How one response is to be formatted; see [`Session::format`](crate::Session::format).
///
/// ```
/// use std::time::Duration;
/// use code_mode::FormatOptions;
///
/// let options = FormatOptions::new(Duration::from_millis(1_234)).max_tokens(500);
/// assert_eq!(options.max_tokens, Some(500));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FormatOptions {
    /// How long the caller waited for the answer; shown in seconds with one decimal.
    pub wall_time: Duration,
    /// The budget in tokens. Default [`DEFAULT_MAX_OUTPUT_TOKENS_PER_EXEC_CALL`]. More than
    /// [`SessionBuilder::max_output_tokens`](crate::SessionBuilder::max_output_tokens) counts as that.
    pub max_tokens: Option<usize>,
}

impl FormatOptions {
    /// The default budget.
    pub fn new(wall_time: Duration) -> Self {
        Self {
            wall_time,
            max_tokens: None,
        }
    }

    /// Sets the budget: a number, or the
    /// [`ExecuteRequest::max_output_tokens`](crate::ExecuteRequest::max_output_tokens) or
    /// [`WaitRequest::max_tokens`](crate::WaitRequest::max_tokens) of the request that was answered.
    #[must_use]
    pub fn max_tokens(mut self, tokens: impl Into<Option<usize>>) -> Self {
        self.max_tokens = tokens.into();
        self
    }
}

/// What a model reads of one response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FormattedResponse {
    /// The header, then the output, then what went wrong.
    pub content_items: Vec<ContentItem>,
    /// False for a script that failed.
    pub success: bool,
    /// The whole output, if some of it was left out.
    pub truncated: Option<KeptOutput>,
}

/// Formats one response. `keep` takes a whole output of which something is left out, and what it
/// would have cost.
pub(crate) fn format(
    response: &RuntimeResponse,
    options: &FormatOptions,
    most_tokens: usize,
    counter: &dyn TokenCounter,
    keep: impl FnOnce(String, usize) -> KeptOutput,
) -> FormattedResponse {
    let budget = options
        .max_tokens
        .unwrap_or(DEFAULT_MAX_OUTPUT_TOKENS_PER_EXEC_CALL)
        .min(most_tokens);
    let output = Output::new(response, counter);
    let cuts = output.cuts(budget, counter);
    let mut content_items = vec![header(response, options.wall_time)];
    let mut truncated = None;
    if let Some(cuts) = cuts {
        let kept = keep(output.whole(), output.tokens());
        content_items.push(warning(&kept));
        output.push_cut(&cuts, &kept.handle, &mut content_items);
        truncated = Some(kept);
    } else {
        content_items.extend(response.content_items().iter().cloned());
        content_items.extend(output.error.map(|error| error_item(error.text)));
    }
    FormattedResponse {
        content_items,
        success: response.error_text().is_none(),
        truncated,
    }
}

fn header(response: &RuntimeResponse, wall_time: Duration) -> ContentItem {
    let status = match response {
        RuntimeResponse::Yielded { cell_id, .. } => {
            format!("Script running with cell ID {cell_id}")
        }
        RuntimeResponse::Terminated { .. } => "Script terminated".to_owned(),
        RuntimeResponse::Result {
            error_text: Some(_),
            ..
        } => "Script failed".to_owned(),
        RuntimeResponse::Result { .. } => "Script completed".to_owned(),
    };
    let seconds = wall_time.as_secs_f64();
    let text = format!("{status}\nWall time {seconds:.1} seconds\nOutput:\n");
    ContentItem::Text { text }
}

fn warning(whole: &KeptOutput) -> ContentItem {
    let text = format!(
        "Warning: truncated output (original token count: {}); lines in all: {}",
        whole.tokens, whole.lines
    );
    ContentItem::Text { text }
}

fn error_item(error_text: &str) -> ContentItem {
    let text = format!("{ERROR_INTRODUCTION}{error_text}");
    ContentItem::Text { text }
}

/// The parts of a response that count.
struct Output<'a> {
    items: &'a [ContentItem],
    /// The texts among the items.
    texts: Vec<Counted<'a>>,
    audio_tokens: usize,
    error: Option<Counted<'a>>,
}

/// What is left out. At least one is there.
struct Cuts {
    output: Option<Cut>,
    error: Option<Cut>,
}

impl<'a> Output<'a> {
    fn new(response: &'a RuntimeResponse, counter: &dyn TokenCounter) -> Self {
        let items = response.content_items();
        let mut texts = Vec::new();
        let mut audio_tokens = 0;
        for item in items {
            match item {
                ContentItem::Text { text } => texts.push(Counted::new(text, counter)),
                ContentItem::Audio { audio_url } => audio_tokens += audio::tokens(audio_url),
                ContentItem::Image { .. } | ContentItem::Resource { .. } => {}
            }
        }
        let error = response.error_text();
        Self {
            items,
            texts,
            audio_tokens,
            error: error.map(|text| Counted::new(text, counter)),
        }
    }

    fn text_tokens(&self) -> usize {
        // A counter may say that a text costs more than anything.
        let tokens = self.texts.iter().map(|text| text.tokens);
        tokens.fold(0, usize::saturating_add)
    }

    fn error_tokens(&self) -> usize {
        self.error.as_ref().map_or(0, |error| error.tokens)
    }

    fn tokens(&self) -> usize {
        self.text_tokens()
            .saturating_add(self.audio_tokens)
            .saturating_add(self.error_tokens())
    }

    /// Shares the budget: first the error text, as far as it goes; then audio, which cannot be cut;
    /// the texts get what is left. `None` if everything fits.
    fn cuts(&self, budget: usize, counter: &dyn TokenCounter) -> Option<Cuts> {
        let within = |texts: &[Counted<'_>], tokens: usize, share: usize| {
            (tokens > share)
                .then(|| cut_middle(texts, share, counter))
                .flatten()
        };
        let error_share = budget.max(LEAST_ERROR_TOKENS);
        let error = within(self.error.as_slice(), self.error_tokens(), error_share);
        let error_tokens = error
            .as_ref()
            .map_or(self.error_tokens(), |cut| cut.kept_tokens);
        let share = budget
            .saturating_sub(error_tokens)
            .saturating_sub(self.audio_tokens);
        let output = within(&self.texts, self.text_tokens(), share);
        (output.is_some() || error.is_some()).then_some(Cuts { output, error })
    }

    /// All text, the items and the error text each on lines of their own.
    fn whole(&self) -> String {
        let mut texts: Vec<&str> = self.texts.iter().map(|text| text.text).collect();
        let error = self
            .error
            .as_ref()
            .map(|error| format!("{ERROR_INTRODUCTION}{}", error.text));
        texts.extend(error.as_deref());
        texts.join("\n")
    }

    /// Adds what stays, and in the place of what does not, how to read it.
    fn push_cut(&self, cuts: &Cuts, handle: &OutputHandle, into: &mut Vec<ContentItem>) {
        let mut index = 0;
        for item in self.items {
            let ContentItem::Text { text } = item else {
                into.push(item.clone());
                continue;
            };
            let shown = match &cuts.output {
                Some(cut) => self.shown(index, cut, handle),
                None => Some(text.clone()),
            };
            into.extend(shown.map(|text| ContentItem::Text { text }));
            index += 1;
        }
        let Some(error) = &self.error else {
            return;
        };
        into.push(match &cuts.error {
            Some(cut) => error_item(&self.shown_error(error, cut, handle)),
            None => error_item(error.text),
        });
    }

    /// What stays of the text at `index`; `None` if nothing does.
    fn shown(&self, index: usize, cut: &Cut, handle: &OutputHandle) -> Option<String> {
        let text = self.texts[index].text;
        let tail = &text[if index == cut.end.text {
            cut.end.byte
        } else {
            0
        }..];
        if index == cut.start.text {
            let marker = self.marker(cut, handle);
            let head = &text[..cut.start.byte];
            let tail = if index == cut.end.text { tail } else { "" };
            return Some(around(head, &marker, tail));
        }
        let in_the_middle = (cut.start.text..cut.end.text).contains(&index);
        let nothing_left = index == cut.end.text && tail.is_empty();
        (!in_the_middle && !nothing_left).then(|| tail.to_owned())
    }

    fn marker(&self, cut: &Cut, handle: &OutputHandle) -> String {
        let utf16_until = |place: Place| {
            let before = &self.texts[..place.text];
            let last = &self.texts[place.text].text[..place.byte];
            utf16_lines(before) + utf16_length(last)
        };
        let tokens = self.text_tokens().saturating_sub(cut.kept_tokens);
        let range = utf16_until(cut.start)..utf16_until(cut.end);
        marker(tokens, range, handle)
    }

    fn shown_error(&self, error: &Counted<'_>, cut: &Cut, handle: &OutputHandle) -> String {
        let head = &error.text[..cut.start.byte];
        let tail = &error.text[cut.end.byte..];
        let tokens = error.tokens.saturating_sub(cut.kept_tokens);
        let start = utf16_lines(&self.texts) + ERROR_INTRODUCTION.len() + utf16_length(head);
        let missing = utf16_length(&error.text[cut.start.byte..cut.end.byte]);
        around(head, &marker(tokens, start..start + missing, handle), tail)
    }
}

/// The length of texts that are followed by others in the whole output.
fn utf16_lines(texts: &[Counted<'_>]) -> usize {
    texts.iter().map(|text| utf16_length(text.text) + 1).sum()
}

fn utf16_length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The line in the place of what was left out.
fn marker(tokens: usize, range: std::ops::Range<usize>, handle: &OutputHandle) -> String {
    format!(
        "…{tokens} tokens truncated… in a script, \
         load_output(\"{handle}\", {{ start: {}, end: {} }}) gives what is missing here, \
         load_output(\"{handle}\") the whole output, \
         load_output(\"{handle}\", {{ grep: /pattern/ }}) the lines that match",
        range.start, range.end
    )
}

/// `marker` on a line of its own between `head` and `tail`.
fn around(head: &str, marker: &str, tail: &str) -> String {
    let mut text = head.to_owned();
    if !head.is_empty() && !head.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(marker);
    if !tail.is_empty() {
        text.push('\n');
        text.push_str(tail);
    }
    text
}
