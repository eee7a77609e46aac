//! A script as text, before V8 sees it: the pragma, the code fence, TypeScript, the slips models make.
//!
//! Pure functions on text. Nothing here knows V8, a cell or a session, and nothing changes where a
//! character stands: line and column of what runs are those of the text that was sent.

mod fence;
mod lines;
mod pragma;
pub(crate) mod slips;
pub(crate) mod typescript;

pub(crate) use fence::program;
pub(crate) use lines::lines;
pub use pragma::{ExecSource, ExecSourceError, parse_exec_source};

/// `text` with every character a space, line breaks apart: as many UTF-16 units, which V8 counts
/// columns in.
fn blank(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(|character| {
        let (shown, times) = match character {
            _ if lines::is_line_break(character) => (character, 1),
            _ => (' ', character.len_utf16()),
        };
        std::iter::repeat_n(shown, times)
    })
}
