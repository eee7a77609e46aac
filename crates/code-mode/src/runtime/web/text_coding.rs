//! UTF-8 for `TextEncoder` and `TextDecoder`.

use super::super::Thrown;
use super::super::callbacks::{Arguments, Return, run};
use super::bytes::with_bytes;

/// `utf8Length(text)`
pub(super) fn utf8_length<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, _| {
        let text = text(&args)?;
        result.set_double(text.utf8_length(scope) as f64);
        Ok(())
    });
}

/// `utf8Write(text, bytes)`: as many characters as fit; how many UTF-16 units were read, how many
/// bytes written.
pub(super) fn utf8_write<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, _| {
        let text = text(&args)?;
        let mut read = 0;
        let written = with_bytes(args.get(1), |bytes| {
            let flags = v8::WriteFlags::kReplaceInvalidUtf8;
            text.write_utf8_v2(scope, bytes, flags, Some(&mut read))
        });
        let counts = [read, written].map(|count| v8::Number::new(scope, count as f64).into());
        result.set(v8::Array::new_with_elements(scope, &counts).into());
        Ok(())
    });
}

fn text<'s>(args: &Arguments<'s>) -> Result<v8::Local<'s, v8::String>, Thrown> {
    v8::Local::<v8::String>::try_from(args.get(0)).map_err(|_| Thrown::Pending)
}

/// `utf8Decode(bytes, held, fatal, stream)`: the text, or nothing where it must be valid and is not.
///
/// `held` says in its first byte how many bytes of a character were cut off by the end of the last
/// chunk; they follow. With `stream`, what this chunk cuts off goes there.
pub(super) fn utf8_decode<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, _| {
        let (fatal, stream) = (args.get(2).is_true(), args.get(3).is_true());
        let held = with_bytes(args.get(1), take_held);
        let (text, cut_off) = with_bytes(args.get(0), |bytes| {
            if held.is_empty() {
                decode(bytes, fatal, stream)
            } else {
                decode(&[&held, &*bytes].concat(), fatal, stream)
            }
        });
        with_bytes(args.get(1), |held| hold(held, &cut_off));
        let Some(text) = text else {
            return Ok(());
        };
        let text = v8::String::new(scope, &text).ok_or_else(|| {
            Thrown::Range("decode: the text is longer than a string may be".to_owned())
        })?;
        result.set(text.into());
        Ok(())
    });
}

/// Takes the bytes out of a store of held ones.
fn take_held(held: &mut [u8]) -> Vec<u8> {
    let Some((count, bytes)) = held.split_first_mut() else {
        return Vec::new();
    };
    let taken = bytes.iter().copied().take(usize::from(*count)).collect();
    *count = 0;
    taken
}

/// Puts bytes into a store of held ones.
fn hold(held: &mut [u8], bytes: &[u8]) {
    if let Some((count, room)) = held.split_first_mut() {
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
            *count += 1;
        }
    }
}

/// The text, `None` where it must be valid and is not; and the bytes of a character cut off at the end.
fn decode(bytes: &[u8], fatal: bool, stream: bool) -> (Option<String>, Vec<u8>) {
    let cut_off = if stream { cut_off(bytes) } else { &[] };
    let bytes = &bytes[..bytes.len() - cut_off.len()];
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.to_owned()),
        Err(_) if fatal => None,
        // U+FFFD for each maximal subpart, as the Encoding standard has it.
        Err(_) => Some(String::from_utf8_lossy(bytes).into_owned()),
    };
    (text, cut_off.to_vec())
}

/// The start of a character at the end of the bytes, where more bytes could complete it.
fn cut_off(bytes: &[u8]) -> &[u8] {
    const LONGEST_START: usize = 3;
    let from = bytes.len().saturating_sub(LONGEST_START);
    (from..bytes.len())
        .map(|start| &bytes[start..])
        .find(|end| {
            std::str::from_utf8(end)
                .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_start_of_a_character_is_held_back() {
        let cases: [(&[u8], &[u8]); 8] = [
            (b"a\xf0\x9f\x98", b"\xf0\x9f\x98"),
            (b"a\xe2\x82", b"\xe2\x82"),
            (b"a\xc3", b"\xc3"),
            (b"a\xf0\x9f\x98\x80", b""),
            (b"\x80\x80", b""),
            (b"\xe0\x80", b""),
            (b"\xed\xa0", b""),
            (b"", b""),
        ];
        for (bytes, expected) in cases {
            assert_eq!(cut_off(bytes), expected, "{bytes:?}");
        }
    }
}
