//! Finds the middle that has to go when texts cost more than their budget. Knows texts and tokens;
//! what is said in the place of the middle is `format`'s to say.
//!
//! The work is linear in the texts: beside the counts that come with them, only pieces of about the
//! budget's size are counted.

use super::tokens::TokenCounter;

/// A text and what it costs.
pub(super) struct Counted<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: usize,
}

impl<'a> Counted<'a> {
    pub(super) fn new(text: &'a str, counter: &dyn TokenCounter) -> Self {
        Self {
            text,
            tokens: counter.count(text),
        }
    }
}

/// A byte of one of several texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Which of the texts.
    pub(super) text: usize,
    /// Where in it, on a character's boundary.
    pub(super) byte: usize,
}

/// The middle that goes. The texts before `start` and after `end` stay whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Where the head ends, in the first text that does not stay whole.
    pub(super) start: Place,
    /// Where the tail begins, in the last text that does not stay whole.
    pub(super) end: Place,
    /// What head and tail cost, counted piece by piece.
    pub(super) kept_tokens: usize,
}

/// The middle to leave out of `texts`, so that the pieces that stay cost no more than `budget`: about
/// half of it goes to the head, the rest to the tail.
///
/// `None` if nothing would be left out, which is so when the pieces cost less than the whole did.
pub(super) fn cut_middle(
    texts: &[Counted<'_>],
    budget: usize,
    counter: &dyn TokenCounter,
) -> Option<Cut> {
    let head_budget = budget.div_ceil(2);
    let (before, spent) = whole_within(texts.iter(), head_budget);
    let first = texts.get(before)?;
    let head = longest(End::Head, first.text, head_budget - spent, counter);
    let head_tokens = spent + head.tokens;

    let tail_budget = budget - head_tokens;
    let (after, spent) = whole_within(texts[before + 1..].iter().rev(), tail_budget);
    let last = texts.len() - 1 - after;
    let last_text = texts[last].text;
    let open = if last == before {
        &last_text[head.text.len()..]
    } else {
        last_text
    };
    let tail = longest(End::Tail, open, tail_budget - spent, counter);

    let cut = Cut {
        start: Place {
            text: before,
            byte: head.text.len(),
        },
        end: Place {
            text: last,
            byte: last_text.len() - tail.text.len(),
        },
        kept_tokens: head_tokens + spent + tail.tokens,
    };
    (cut.start != cut.end).then_some(cut)
}

/// How many of the texts, from the first on, fit into `budget` whole, and what they cost.
fn whole_within<'a>(texts: impl Iterator<Item = &'a Counted<'a>>, budget: usize) -> (usize, usize) {
    let mut spent = 0;
    let mut count = 0;
    for text in texts {
        if text.tokens > budget - spent {
            break;
        }
        spent += text.tokens;
        count += 1;
    }
    (count, spent)
}

/// Which end of a text a piece is.
#[derive(Clone, Copy)]
enum End {
    Head,
    Tail,
}

impl End {
    /// The piece of at most `bytes` bytes, on characters' boundaries.
    fn piece(self, text: &str, bytes: usize) -> &str {
        match self {
            Self::Head => &text[..text.floor_char_boundary(bytes)],
            Self::Tail => &text[text.ceil_char_boundary(text.len() - bytes)..],
        }
    }

    /// `piece` of `text` without the line that it has in part, if that is a short one.
    fn without_partial_line<'a>(self, text: &str, piece: &'a str) -> &'a str {
        /// A line's part that may be given up for the sake of whole lines.
        const MOST_BYTES: usize = 256;
        let whole_lines = match self {
            Self::Head if text[piece.len()..].starts_with('\n') => return piece,
            Self::Head => piece.rfind('\n').map(|at| &piece[..=at]),
            Self::Tail if text[..text.len() - piece.len()].ends_with('\n') => return piece,
            Self::Tail => piece.find('\n').map(|at| &piece[at + 1..]),
        };
        let near = MOST_BYTES.min(piece.len() / 4);
        whole_lines
            .filter(|lines| piece.len() - lines.len() <= near)
            .unwrap_or(piece)
    }
}

/// The longest end of `text` that costs at most `budget`, or a little less to end at a line's end.
///
/// Only what was counted is believed, so the budget holds for any counter; that no longer piece would
/// fit is as true as the counter is steady, and to within a hundredth.
fn longest<'a>(end: End, text: &'a str, budget: usize, counter: &dyn TokenCounter) -> Counted<'a> {
    let mut fits = Counted {
        text: end.piece(text, 0),
        tokens: 0,
    };
    if budget == 0 || text.is_empty() {
        return fits;
    }
    // From four bytes a token on, which is about what they are, twice as far each time.
    let mut bytes = budget.saturating_mul(4).min(text.len());
    let mut too_many = loop {
        let piece = Counted::new(end.piece(text, bytes), counter);
        if piece.tokens > budget {
            break bytes;
        }
        fits = piece;
        if bytes == text.len() {
            return fits;
        }
        bytes = bytes.saturating_mul(2).min(text.len());
    };
    // Then between what fits and what does not.
    let mut enough = fits.text.len();
    while too_many - enough > 1 + enough / 128 {
        let middle = enough + (too_many - enough) / 2;
        let piece = Counted::new(end.piece(text, middle), counter);
        if piece.tokens > budget {
            too_many = middle;
        } else {
            enough = middle;
            fits = piece;
        }
    }
    let lines = end.without_partial_line(text, fits.text);
    if lines.len() < fits.text.len() {
        let lines = Counted::new(lines, counter);
        if lines.tokens <= budget {
            return lines;
        }
    }
    fits
}
