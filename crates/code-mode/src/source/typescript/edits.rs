//! What stripping does to a text: it blanks pieces, and puts a character here and there.

use super::super::blank;

/// A piece of the source that becomes blank.
struct Edit {
    start: usize,
    end: usize,
    /// What stands in place of the first character.
    first: Option<char>,
}

#[derive(Default)]
pub(super) struct Edits {
    edits: Vec<Edit>,
}

impl Edits {
    pub(super) fn blank(&mut self, start: usize, end: usize) {
        self.edits.push(Edit {
            start,
            end,
            first: None,
        });
    }

    /// As [`Self::blank`], but the first character becomes `first`.
    pub(super) fn blank_behind(&mut self, first: char, start: usize, end: usize) {
        self.edits.push(Edit {
            start,
            end,
            first: Some(first),
        });
    }

    /// Puts a `;` at the beginning of the last piece, if it ends at `end`.
    ///
    /// There a statement ended with a type and a line break. Without the type, the next line might
    /// go on with the expression before it.
    pub(super) fn end_statement_at(&mut self, end: usize) {
        if let Some(last) = self.edits.last_mut()
            && last.end == end
        {
            last.first = Some(';');
        }
    }

    pub(super) fn len(&self) -> usize {
        self.edits.len()
    }

    /// Forgets all but the first `length`.
    pub(super) fn truncate(&mut self, length: usize) {
        self.edits.truncate(length);
    }

    /// The source with the edits made; every character left is where it was.
    pub(super) fn apply(mut self, source: &str) -> String {
        // Of pieces inside one another, the outermost counts.
        self.edits
            .sort_by_key(|edit| (edit.start, std::cmp::Reverse(edit.end)));
        let mut result = String::with_capacity(source.len());
        let mut done = 0;
        for edit in self.edits {
            if edit.start < done {
                continue;
            }
            result.push_str(&source[done..edit.start]);
            let mut blanks = blank(&source[edit.start..edit.end]);
            if let Some(first) = edit.first {
                blanks.next();
                result.push(first);
            }
            result.extend(blanks);
            done = edit.end;
        }
        result.push_str(&source[done..]);
        result
    }
}
