//! Lines as JavaScript counts them.

/// The lines of a text, without what ends them. There is always one.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(is_line_break) else {
            return rest.take();
        };
        let after = &text[end..];
        rest = after
            .strip_prefix("\r\n")
            .or_else(|| after.strip_prefix(is_line_break));
        Some(&text[..end])
    })
}

/// Whether a character ends a line; `\r\n` ends one line.
pub(crate) fn is_line_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_as_javascript_counts_them() {
        let read: Vec<_> = lines("a\r\nb\nc\u{2028}d\re\n\n").collect();
        assert_eq!(read, ["a", "b", "c", "d", "e", "", ""]);
        assert_eq!(lines("").collect::<Vec<_>>(), [""]);
    }
}
