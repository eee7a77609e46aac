//! Strings inside a rendering: in quotes, and not without end.

use std::fmt::Write as _;

use super::to_rust_string;

/// The most that is shown of one string, in UTF-16 units.
const MAX_STRING: usize = 10_000;

/// `string` in quotes; of a long one the beginning, and how much is left.
pub(super) fn quoted_string<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    string: v8::Local<'s, v8::String>,
) -> String {
    let quoted = quoted(&beginning(scope, string));
    match string.length().checked_sub(MAX_STRING) {
        None | Some(0) => quoted,
        Some(left) => format!("{quoted}… {left} more characters"),
    }
}

/// The first [`MAX_STRING`] of `string`.
pub(super) fn beginning<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    string: v8::Local<'s, v8::String>,
) -> String {
    if string.length() <= MAX_STRING {
        return to_rust_string(scope, string);
    }
    let mut units = vec![0; MAX_STRING];
    string.write_v2(scope, 0, &mut units, v8::WriteFlags::default());
    String::from_utf16_lossy(&units)
}

/// `text` in quotes it does not have, if there are such.
pub(super) fn quoted(text: &str) -> String {
    let quote = ['\'', '"', '`']
        .into_iter()
        .find(|&quote| !text.contains(quote))
        .unwrap_or('\'');
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for character in text.chars() {
        match character {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\\' => quoted.push_str("\\\\"),
            _ if character == quote => {
                quoted.push('\\');
                quoted.push(quote);
            }
            control if control.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\x{:02x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push(quote);
    quoted
}

/// Whether a key needs no quotes.
pub(super) fn is_identifier(key: &str) -> bool {
    let mut characters = key.chars();
    characters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_' || first == '$')
        && characters.all(|next| next.is_alphanumeric() || next == '_' || next == '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_those_the_text_has_not() {
        for (text, expected) in [
            ("plain", "'plain'"),
            ("it's", "\"it's\""),
            ("'\"", "`'\"`"),
            ("'\"`", "'\\'\"`'"),
            ("a\n\\\u{1}", "'a\\n\\\\\\x01'"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
