//! Text that cannot grow without end.

/// Bytes of one readable rendering. JSON and plain strings have no bound.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// Text that stops growing at [`MAX_BYTES`], with `…` where it was cut.
#[derive(Default)]
pub(super) struct BoundedText {
    pub(super) text: String,
    pub(super) is_full: bool,
}

impl BoundedText {
    fn room(&self) -> usize {
        MAX_BYTES - self.text.len().min(MAX_BYTES)
    }

    pub(super) fn push(&mut self, text: &str) {
        if self.is_full {
            return;
        }
        if text.len() <= self.room() {
            self.text.push_str(text);
            return;
        }
        let fits = text.floor_char_boundary(self.room());
        self.text.push_str(&text[..fits]);
        self.text.push('…');
        self.is_full = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_text_is_cut_between_characters() {
        let mut text = BoundedText::default();
        text.push(&"a".repeat(MAX_BYTES - 1));
        text.push("é");
        text.push("b");
        assert_eq!(text.text.len(), MAX_BYTES - 1 + '…'.len_utf8());
        assert!(text.text.ends_with("a…"));
    }
}
