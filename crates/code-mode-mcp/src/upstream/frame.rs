//! One line of a server's standard output: a JSON-RPC message, or what is made of a line that is none.

use rmcp::model::{
    CustomResult, ErrorCode, ErrorData, RequestId, ServerJsonRpcMessage, ServerResult,
};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Bytes of one message. Longer ones are dropped, and the request they answer fails in words.
pub(super) const LONGEST_MESSAGE: usize = 64 * 1024 * 1024;

/// The parts of a message that tell what it is, read without looking into the rest.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    id: Option<RequestId>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Reads one line. `wants_raw` says whether the result of a request is handed on as it is, and not
/// as the type that the library sees in it: those types drop what they do not know.
pub(super) fn read_line(
    line: &[u8],
    wants_raw: impl FnOnce(&RequestId) -> bool,
) -> Result<ServerJsonRpcMessage, Unreadable> {
    let envelope: Envelope<'_> = match serde_json::from_slice(line) {
        Ok(envelope) => envelope,
        Err(error) => return Err(Unreadable(error.to_string())),
    };
    if envelope.method.is_none()
        && let Some(id) = &envelope.id
        && let Some(result) = envelope.result
        && wants_raw(id)
    {
        return Ok(raw_response(id.clone(), result));
    }
    match serde_json::from_slice(line) {
        Ok(message) => Ok(message),
        Err(error) => match envelope {
            // An answer that is no proper one is still the answer: whoever waits for it must hear.
            Envelope {
                id: Some(id),
                method: None,
                error: Some(said),
                ..
            } => Ok(failure(id, format!("the server failed: {said}"))),
            Envelope {
                id: Some(id),
                method: None,
                ..
            } => Ok(failure(
                id,
                format!("the server's answer is no JSON-RPC response: {error}"),
            )),
            _ => Err(Unreadable(error.to_string())),
        },
    }
}

fn raw_response(id: RequestId, result: &RawValue) -> ServerJsonRpcMessage {
    match serde_json::from_str::<Value>(result.get()) {
        Ok(result) => {
            let result = ServerResult::CustomResult(CustomResult::new(result));
            ServerJsonRpcMessage::response(result, id)
        }
        Err(error) => failure(id, format!("the result cannot be read: {error}")),
    }
}

/// An answer of our own for a request that has got none that can be used.
pub(super) fn failure(id: RequestId, message: String) -> ServerJsonRpcMessage {
    let error = ErrorData::new(ErrorCode::INTERNAL_ERROR, message, None);
    ServerJsonRpcMessage::error(error, Some(id))
}

/// A line that is no message: garbage on standard output.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreadable(String);

/// Finds the `id` of a message that is too long to keep, while its bytes go by. Also in the tail:
/// many servers write the `id` after the `result`.
#[derive(Default)]
pub(super) struct IdScanner {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The string or scalar that is being read at the top level of the message.
    token: Vec<u8>,
    /// Whether the last token was a key `"id"`, and then the `:` after it was seen.
    key: Key,
    found: Option<Vec<u8>>,
}

#[derive(Default, PartialEq, Clone, Copy)]
enum Key {
    #[default]
    Other,
    Id,
    IdAndColon,
}

/// Bytes of an id that are looked at.
const LONGEST_TOKEN: usize = 256;

impl IdScanner {
    pub(super) fn observe(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.step(*byte);
        }
    }

    /// The id, if the message had one.
    pub(super) fn id(self) -> Option<RequestId> {
        serde_json::from_slice(&self.found?).ok()
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            self.keep(byte);
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.token.clear();
                self.keep(byte);
            }
            b'{' | b'[' => {
                self.depth += 1;
                self.token.clear();
            }
            b':' if self.depth == 1 => {
                self.key = match self.token.as_slice() {
                    b"\"id\"" => Key::IdAndColon,
                    _ => Key::Other,
                };
                self.token.clear();
            }
            b',' | b'}' | b']' => {
                if self.depth == 1 && self.key == Key::IdAndColon {
                    self.found = Some(std::mem::take(&mut self.token));
                    self.key = Key::Other;
                }
                self.token.clear();
                if byte != b',' {
                    self.depth = self.depth.saturating_sub(1);
                }
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => self.keep(byte),
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.depth == 1 && self.token.len() < LONGEST_TOKEN {
            self.token.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scanned(message: &str) -> Option<RequestId> {
        let mut scanner = IdScanner::default();
        // Byte by byte, since a message arrives in any pieces.
        for byte in message.bytes() {
            scanner.observe(&[byte]);
        }
        scanner.id()
    }

    #[test]
    fn the_id_of_a_long_message_is_found_wherever_it_stands() {
        let number = |n| Some(RequestId::Number(n));
        assert_eq!(scanned(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#), number(7));
        assert_eq!(
            scanned(r#"{"result":{"id":1,"a":[{"id":2}],"t":"\"id\":3,}{"},"id" : 8 }"#),
            number(8)
        );
        assert_eq!(
            scanned(r#"{"id":"a\"b","result":1}"#),
            Some(RequestId::String("a\"b".into()))
        );
        assert_eq!(scanned(r#"{"result":{"id":1}}"#), None);
        assert_eq!(scanned(r#"{"x":"id","y":5}"#), None);
        assert_eq!(scanned("garbage } ] 5"), None);
    }

    #[test]
    fn a_raw_result_keeps_what_the_library_does_not_know() {
        let line = br#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"new","x":1}],"more":0.1}}"#;
        let message = read_line(line, |_| true).unwrap();
        let message = serde_json::to_value(message).unwrap();
        assert_eq!(
            message["result"],
            json!({ "content": [{ "type": "new", "x": 1 }], "more": 0.1 })
        );
    }

    #[test]
    fn an_answer_that_is_no_response_fails_its_request() {
        for line in [
            r#"{"jsonrpc":"2.0","id":1,"error":"plain text"}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
        ] {
            let message = read_line(line.as_bytes(), |_| true).unwrap();
            let ServerJsonRpcMessage::Error(error) = message else {
                panic!("{line} was read as {message:?}");
            };
            assert_eq!(error.id, Some(RequestId::Number(1)));
        }
    }

    #[test]
    fn a_line_that_is_no_message_is_unreadable() {
        for line in ["Listening on port 80", "{", "[1]", "{}", "null", "\u{0}"] {
            assert!(read_line(line.as_bytes(), |_| true).is_err(), "{line}");
        }
    }
}
