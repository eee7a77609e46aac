//! TypeScript's small tokens: literals, property names, identifiers and comments, from any text.

use std::fmt::Write;

use serde_json::Number;

/// Integers beyond this have no exact number in JavaScript.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// A string literal. Whatever is invisible or changes the direction of text is escaped.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ if is_invisible(character) => push_escaped(&mut quoted, character),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

fn push_escaped(into: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        write!(into, "\\u{unit:04x}").expect("a String takes everything");
    }
}

/// A property name, quoted where it is no identifier.
pub(super) fn property_name(name: &str) -> String {
    if is_identifier(name) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

pub(in crate::description) fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '$'))
}

/// A number as JavaScript writes it, or `None` if JavaScript has no such number.
///
/// Numbers that JSON Schema takes for equal (`1`, `1.0`, `-0`) give equal texts.
pub(super) fn number(number: &Number) -> Option<String> {
    if let Some(integer) = number.as_i64() {
        return (integer.unsigned_abs() <= MAX_SAFE_INTEGER).then(|| integer.to_string());
    }
    let float = number.as_f64().filter(|float| float.is_finite())?;
    if float.fract() == 0.0 && float.abs() <= MAX_SAFE_INTEGER as f64 {
        return Some((float as i64).to_string());
    }
    if number.is_u64() {
        return None;
    }
    let plain = float.to_string();
    Some(if plain.len() > 21 {
        format!("{float:e}")
    } else {
        plain
    })
}

/// The characters of a template literal that stand for themselves.
pub(super) fn template_part(text: &str) -> String {
    let mut part = String::new();
    for character in text.chars() {
        match character {
            '`' | '\\' | '$' => {
                part.push('\\');
                part.push(character);
            }
            _ if is_invisible(character) => push_escaped(&mut part, character),
            _ => part.push(character),
        }
    }
    part
}

/// An identifier in PascalCase made of any text; empty if nothing of it can stay.
pub(super) fn pascal_case(text: &str) -> String {
    let mut name = String::new();
    for word in text.split(|character: char| !character.is_ascii_alphanumeric()) {
        let mut characters = word.chars();
        if let Some(first) = characters.next() {
            if name.is_empty() && first.is_ascii_digit() {
                name.push('_');
            }
            name.push(first.to_ascii_uppercase());
            name.extend(characters);
        }
    }
    name.truncate(40);
    name
}

/// Text that may stand in a comment: nothing ends it, nothing in it is invisible.
///
/// Line breaks stay; other control characters become spaces, characters that turn the direction of
/// text vanish.
pub(super) fn comment_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => safe.push('\n'),
            '\u{2028}' | '\u{2029}' => safe.push('\n'),
            '/' if safe.ends_with('*') => safe.push_str("\\/"),
            _ if character.is_control() => safe.push(' '),
            _ if is_invisible(character) => {}
            _ => safe.push(character),
        }
    }
    safe
}

/// At most `max` characters of a text, with an ellipsis where something is gone.
pub(super) fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}
