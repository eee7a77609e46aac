//! How much of a model's context a text takes up.

use std::fmt;
use std::sync::Arc;

/// Counts the tokens of texts, for budgets.
///
/// Any function of a text is a counter. What it says need not grow steadily with the text, but
/// formatting cuts better, the more it does. It is called with whole outputs, which may be megabytes,
/// about once each, and some twenty times with texts of about the budget's size.
///
/// ```
/// use code_mode::{FunctionHost, Session, TokenCounter};
///
/// let words = |text: &str| text.split_whitespace().count();
/// assert_eq!(words.count("a real tokenizer goes here"), 5);
/// let session = Session::builder().token_counter(words).build(FunctionHost::new());
/// ```
pub trait TokenCounter: Send + Sync {
    /// The tokens of `text`.
    fn count(&self, text: &str) -> usize;
}

impl<F: Fn(&str) -> usize + Send + Sync> TokenCounter for F {
    fn count(&self, text: &str) -> usize {
        self(text)
    }
}

/// The counter of sessions that were given none: one token for every four UTF-8 bytes begun.
///
/// ```
/// use code_mode::{ApproximateTokens, TokenCounter};
///
/// assert_eq!(ApproximateTokens.count("hello"), 2);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct ApproximateTokens;

impl TokenCounter for ApproximateTokens {
    fn count(&self, text: &str) -> usize {
        text.len().div_ceil(4)
    }
}

/// The counter of a session.
#[derive(Clone)]
pub(crate) struct SharedCounter(pub(crate) Arc<dyn TokenCounter>);

impl Default for SharedCounter {
    fn default() -> Self {
        Self(Arc::new(ApproximateTokens))
    }
}

impl fmt::Debug for SharedCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCounter")
    }
}
