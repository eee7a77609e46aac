//! `atob` and `btoa`.

use super::super::Thrown;
use super::super::callbacks::{Arguments, Return, run};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `btoa(data)`
pub(super) fn btoa<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, mut result: Return) {
    run(scope, |scope, _| {
        let data = argument(scope, &args, "btoa")?;
        if !data.contains_only_onebyte() {
            return Err(Thrown::Dom {
                name: "InvalidCharacterError",
                message: "btoa: a character is beyond U+00FF; encode text with TextEncoder first"
                    .to_owned(),
            });
        }
        let encoded = encode(&latin1(scope, data));
        result.set(one_byte_string(scope, &encoded, "btoa")?.into());
        Ok(())
    });
}

/// `atob(data)`
pub(super) fn atob<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, mut result: Return) {
    run(scope, |scope, _| {
        let data = argument(scope, &args, "atob")?;
        let decoded = data
            .contains_only_onebyte()
            .then(|| decode(&latin1(scope, data)))
            .flatten();
        let Some(decoded) = decoded else {
            return Err(Thrown::Dom {
                name: "InvalidCharacterError",
                message: "atob: the text is not base64".to_owned(),
            });
        };
        result.set(one_byte_string(scope, &decoded, "atob")?.into());
        Ok(())
    });
}

fn argument<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: &Arguments<'s>,
    function: &str,
) -> Result<v8::Local<'s, v8::String>, Thrown> {
    if args.length() < 1 {
        return Err(Thrown::Type(format!("{function} needs 1 argument, not 0")));
    }
    args.get(0).to_string(scope).ok_or(Thrown::Pending)
}

fn latin1(scope: &v8::Isolate, string: v8::Local<v8::String>) -> Vec<u8> {
    let mut bytes = vec![0; string.length()];
    string.write_one_byte_v2(scope, 0, &mut bytes, v8::WriteFlags::empty());
    bytes
}

fn one_byte_string<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    bytes: &[u8],
    function: &str,
) -> Result<v8::Local<'s, v8::String>, Thrown> {
    v8::String::new_from_one_byte(scope, bytes, v8::NewStringType::Normal).ok_or_else(|| {
        Thrown::Range(format!(
            "{function}: the result is longer than a string may be"
        ))
    })
}

fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            encoded.push(if digit <= chunk.len() {
                ALPHABET[(group >> (18 - 6 * digit)) as usize & 63]
            } else {
                b'='
            });
        }
    }
    encoded
}

/// Forgiving base64, as the Infra standard has it: ASCII whitespace is ignored, padding may be left
/// out, and left-over bits need not be zero.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut digits: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    if digits.len().is_multiple_of(4) {
        let padding = digits
            .iter()
            .rev()
            .take(2)
            .take_while(|digit| **digit == b'=');
        digits.truncate(digits.len() - padding.count());
    }
    if digits.len() % 4 == 1 {
        return None;
    }
    let mut decoded = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for chunk in digits.chunks(4) {
        let mut group = 0;
        for digit in chunk {
            group = group << 6 | u32::from(value_of(*digit)?);
        }
        group <<= 6 * (4 - chunk.len());
        decoded.extend_from_slice(&group.to_be_bytes()[1..chunk.len()]);
    }
    Some(decoded)
}

fn value_of(digit: u8) -> Option<u8> {
    Some(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}
