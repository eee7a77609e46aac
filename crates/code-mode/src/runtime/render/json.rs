//! The JSON that enters and leaves a cell.

use std::borrow::Cow;

use super::{message_text, to_rust_string};

/// Why JSON text gave no value.
pub(in crate::runtime) enum NoValue {
    /// It is longer than V8's strings may be.
    TooLong,
    /// V8 has an exception pending.
    Threw,
}

/// The value of `json`, which is JSON.
pub(in crate::runtime) fn from_json<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    json: &str,
) -> Result<v8::Local<'s, v8::Value>, NoValue> {
    // The longest values are texts. V8's parser would have one copied twice.
    if let Some(text) = text_of(json) {
        let text = v8::String::new(scope, &text).ok_or(NoValue::TooLong)?;
        return Ok(text.into());
    }
    let json = v8::String::new(scope, json).ok_or(NoValue::TooLong)?;
    v8::json::parse(scope, json).ok_or(NoValue::Threw)
}

/// The text that `json` is; `None` if it is another value, or has surrogates that only V8 can hold.
fn text_of(json: &str) -> Option<Cow<'_, str>> {
    let inside = json.strip_prefix('"')?.strip_suffix('"')?;
    if !inside.as_bytes().contains(&b'\\') {
        return Some(Cow::Borrowed(inside));
    }
    serde_json::from_str(json).ok().map(Cow::Owned)
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
    fn the_text_of_json_is_what_a_parser_makes_of_it() {
        for (json, expected) in [
            (r#""""#, Some("")),
            (r#""plain é 😀""#, Some("plain é 😀")),
            (r#""a\"b\\ \n\/\u00e9\ud83d\ude00""#, Some("a\"b\\ \n/é😀")),
            (r#""\u0000""#, Some("\0")),
            (r#""\ud800""#, None),
            (r#"{"a":"b"}"#, None),
            (r#"["a"]"#, None),
            ("1", None),
            ("null", None),
        ] {
            assert_eq!(text_of(json).as_deref(), expected, "{json}");
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
