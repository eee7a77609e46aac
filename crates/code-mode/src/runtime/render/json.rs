//! The JSON that enters and leaves a cell.

use std::borrow::Cow;

use super::{message_text, to_rust_string};

/// Why JSON text gave no value.
pub(in crate::runtime) enum NoValue {
    /// It is longer than V8's strings may be.
    TooLong,
    /// It is no JSON, or execution was terminated, which is in force then.
    Unreadable,
}

/// The value of `json`.
pub(in crate::runtime) fn from_json<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    json: Cow<'_, str>,
) -> Result<v8::Local<'s, v8::Value>, NoValue> {
    // The longest values are texts. V8's parser would make two strings of one.
    let inside = json
        .strip_prefix('"')
        .and_then(|json| json.strip_suffix('"'));
    let text = match inside {
        Some(inside) if !inside.as_bytes().contains(&b'\\') => v8::String::new(scope, inside),
        Some(inside) if !has_escaped_surrogate(inside) => {
            let text = unescaped(json.into_owned()).ok_or(NoValue::Unreadable)?;
            v8::String::new(scope, &text)
        }
        _ => {
            let json = v8::String::new(scope, &json).ok_or(NoValue::TooLong)?;
            return v8::json::parse(scope, json).ok_or(NoValue::Unreadable);
        }
    };
    Ok(text.ok_or(NoValue::TooLong)?.into())
}

/// One that is alone only V8 can hold.
fn has_escaped_surrogate(json: &str) -> bool {
    json.contains("\\ud") || json.contains("\\uD")
}

/// The text that the string `json` is, made in place: no escape is shorter than its character.
fn unescaped(json: String) -> Option<String> {
    let mut bytes = json.into_bytes();
    let end = bytes.len() - 1;
    let (mut from, mut to) = (1, 0);
    while let Some(plain) = bytes[from..end].iter().position(|&byte| byte == b'\\') {
        bytes.copy_within(from..from + plain, to);
        from += plain;
        to += plain;
        let (character, length) = escape(&bytes[from..end])?;
        to += character.encode_utf8(&mut bytes[to..from + length]).len();
        from += length;
    }
    bytes.copy_within(from..end, to);
    bytes.truncate(to + end - from);
    String::from_utf8(bytes).ok()
}

/// The character of the escape that `json` begins with, and the bytes it takes.
fn escape(json: &[u8]) -> Option<(char, usize)> {
    let character = match json.get(1)? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let digits = std::str::from_utf8(json.get(2..6)?).ok()?;
            let unit = u32::from_str_radix(digits, 16).ok()?;
            return Some((char::from_u32(unit)?, 6));
        }
        other => char::from(*other),
    };
    Some((character, 2))
}

/// Why a value has no JSON.
pub(in crate::runtime) enum NoJson<'s> {
    /// Execution was terminated; that is in force.
    Terminated,
    /// V8, or code of the script, threw.
    Threw {
        /// What was thrown.
        exception: Option<v8::Local<'s, v8::Value>>,
        /// The same in words.
        why: String,
    },
}

/// The JSON text of `value`, `None` where `JSON.stringify` gives `undefined`.
///
/// Lone surrogates, which JSON parsers outside JavaScript refuse, are U+FFFD.
pub(in crate::runtime) fn to_json<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<Option<String>, NoJson<'s>> {
    v8::tc_scope!(let scope, scope);
    if let Some(json) = v8::json::stringify(scope, value) {
        let json = to_rust_string(scope, json);
        // V8's API has no other way to say it, and no JSON text reads like this.
        return Ok((json != "undefined").then(|| replace_lone_surrogates(json)));
    }
    if scope.has_terminated() {
        scope.rethrow();
        return Err(NoJson::Terminated);
    }
    let exception = scope.exception();
    let why = scope.message().map_or_else(
        || "it could not be read".to_owned(),
        |message| message_text(scope, message),
    );
    scope.reset();
    Err(NoJson::Threw { exception, why })
}

/// `json` with the escape of every lone surrogate replaced by that of U+FFFD.
///
/// V8 escapes surrogates only where they are alone; `JSON.rawJSON` may bring escaped pairs, which
/// stay.
fn replace_lone_surrogates(mut json: String) -> String {
    let mut lone = Vec::new();
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(plain) = json.get(at..).and_then(|rest| rest.find('\\')) {
        at += plain;
        match (surrogate_escape(bytes, at), surrogate_escape(bytes, at + 6)) {
            (Some(Surrogate::High), Some(Surrogate::Low)) => at += 12,
            (Some(_), _) => {
                lone.push(at);
                at += 6;
            }
            // A backslash and what it escapes, which may be another backslash.
            (None, _) => at += 2,
        }
    }
    for at in lone {
        json.replace_range(at..at + 6, "\\ufffd");
    }
    json
}

enum Surrogate {
    High,
    Low,
}

/// The surrogate whose `\uXXXX` begins at `at`.
fn surrogate_escape(json: &[u8], at: usize) -> Option<Surrogate> {
    let escape = json.get(at..at + 6)?;
    if !escape.starts_with(b"\\u") || !escape[2].eq_ignore_ascii_case(&b'd') {
        return None;
    }
    match escape[3].to_ascii_lowercase() {
        b'8' | b'9' | b'a' | b'b' => Some(Surrogate::High),
        b'c'..=b'f' => Some(Surrogate::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_unescaped_as_json_says() {
        for (json, expected) in [
            (r#""""#, ""),
            (r#""plain é 😀""#, "plain é 😀"),
            (r#""\n""#, "\n"),
            (r#""a\"b\\ \b\f\n\r\t\/""#, "a\"b\\ \u{8}\u{c}\n\r\t/"),
            (r#""\u0000\u00e9é\u20AC😀\uffff""#, "\0éé€😀\u{ffff}"),
            (r#""\\u0041\\""#, r"\u0041\"),
        ] {
            assert!(!has_escaped_surrogate(json));
            assert_eq!(serde_json::from_str::<String>(json).unwrap(), expected);
            assert_eq!(unescaped(json.to_owned()).as_deref(), Some(expected));
        }
        for json in [r#""\ud83d\ude00""#, r#""\uDC00""#] {
            assert!(has_escaped_surrogate(json), "{json}");
        }
    }

    #[test]
    fn lone_surrogate_escapes_become_the_replacement_character() {
        for (json, expected) in [
            (r#""plain""#, r#""plain""#),
            (r#""\ud800""#, r#""\ufffd""#),
            (r#""a\udfffb""#, r#""a\ufffdb""#),
            (r#""\ud800\ud800""#, r#""\ufffd\ufffd""#),
            (r#""\udc00\ud800""#, r#""\ufffd\ufffd""#),
            (r#""\\ud800""#, r#""\\ud800""#),
            (r#""\\\ud800""#, r#""\\\ufffd""#),
            (r#""\\\\ud800""#, r#""\\\\ud800""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\uD83D\uDE00 \uD83D""#, r#""\uD83D\uDE00 \ufffd""#),
            (r#""\ud7ff \n \ud800 é""#, r#""\ud7ff \n \ufffd é""#),
        ] {
            assert_eq!(replace_lone_surrogates(json.to_owned()), expected, "{json}");
            serde_json::from_str::<serde_json::Value>(expected).expect(expected);
        }
    }
}
