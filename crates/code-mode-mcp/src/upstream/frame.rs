//! One line of a server's standard output: a JSON-RPC message, or what is made of a line that is none.

use rmcp::model::{
    CustomResult, ErrorCode, ErrorData, RequestId, ServerJsonRpcMessage, ServerResult,
};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Bytes of one message. Longer ones are dropped, and the request they answer fails in words.
pub(super) const LONGEST_MESSAGE: usize = 64 * 1024 * 1024;

/// What a call is told whose answer is longer than that.
pub(super) const TOO_LARGE: &str =
    "the answer is larger than 64 MiB, the most that is taken; ask for less";

/// The parts of a message that tell what it is, read without looking into the rest.
#[derive(Deserialize)]
struct Envelope<'a> {
    jsonrpc: &'a str,
    #[serde(default)]
    id: Option<RequestId>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    /// Also where it is null.
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

/// How the result of a request is handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResultForm {
    /// As the type that the library sees in it. Those types drop what they do not know.
    Typed,
    /// As it is.
    Raw,
}

/// Whom a message answers.
#[derive(Debug, PartialEq)]
pub(super) enum Answers<'a> {
    /// The request of this id.
    Id(&'a RequestId),
    /// A request of which the server could not read the id.
    Unknown,
}

/// Reads one line. `answered` gives, for the id of a request that waits for its answer, the form its
/// result is wanted in, and the id as we sent it; an answer to anything else is `None`.
pub(super) fn read_line(
    line: &[u8],
    answered: impl FnOnce(Answers<'_>) -> Option<(RequestId, ResultForm)>,
) -> Result<Option<ServerJsonRpcMessage>, Unreadable> {
    // What is read into a struct may else be an array of its fields.
    if !line.starts_with(b"{") {
        return Err(Unreadable("it is no object".to_owned()));
    }
    // One wrong byte in a text must not leave its request waiting for ever.
    let line = String::from_utf8_lossy(line);
    let envelope: Envelope<'_> = serde_json::from_str(&line)?;
    if envelope.jsonrpc != "2.0" {
        return Err(Unreadable("it is not of JSON-RPC 2.0".to_owned()));
    }
    if envelope.method.is_some() {
        return Ok(Some(serde_json::from_str(&line)?));
    }
    let whom = envelope.id.as_ref().map_or(Answers::Unknown, Answers::Id);
    match (envelope.result, envelope.error) {
        (Some(_), Some(_)) => Err(Unreadable("it has a result and an error".to_owned())),
        (None, None) if whom == Answers::Unknown => {
            Err(Unreadable("it is neither request nor answer".to_owned()))
        }
        (result, error) => Ok(answered(whom).map(|(id, form)| answer(id, form, result, error))),
    }
}

/// An answer that is no proper one is still the answer: whoever waits for it must hear.
fn answer(
    id: RequestId,
    form: ResultForm,
    result: Option<&RawValue>,
    error: Option<&RawValue>,
) -> ServerJsonRpcMessage {
    if let Some(error) = error {
        return match serde_json::from_str::<ErrorData>(error.get()) {
            Ok(error) => ServerJsonRpcMessage::error(error, Some(id)),
            Err(_) => failure(id, format!("the server failed: {error}")),
        };
    }
    let Some(result) = result else {
        return failure(
            id,
            "the server's answer has neither result nor error".to_owned(),
        );
    };
    let result = match form {
        ResultForm::Raw => serde_json::from_str(result.get())
            .map(|result| ServerResult::CustomResult(CustomResult::new(result))),
        ResultForm::Typed => serde_json::from_str(result.get()),
    };
    match result {
        Ok(result) => ServerJsonRpcMessage::response(result, id),
        Err(error) => failure(id, format!("the result cannot be read: {error}")),
    }
}

/// An answer of our own for a request that has got none that can be used.
pub(super) fn failure(id: RequestId, message: String) -> ServerJsonRpcMessage {
    let error = ErrorData::new(ErrorCode::INTERNAL_ERROR, message, Some(OUR_OWN.into()));
    ServerJsonRpcMessage::error(error, Some(id))
}

/// Whether an error is one that [`failure`] made, and no answer of the server.
pub(super) fn is_our_own(error: &ErrorData) -> bool {
    error.data.as_ref().and_then(|data| data.as_str()) == Some(OUR_OWN)
}

/// The data of an error of our own.
const OUR_OWN: &str = "code-mode: the answer could not be used";

/// A line that is no message: garbage on standard output.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreadable(String);

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// Finds the `id` of a message that is too long to keep, while its bytes go by. Also in the tail:
/// many servers write the `id` after the `result`.
#[derive(Default)]
pub(super) struct IdScanner {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The string or scalar that is being read at the top level of the message.
    token: Vec<u8>,
    /// Whether what comes is the value of the key `"id"`.
    value_of_id: bool,
    found: Option<Vec<u8>>,
}

/// Bytes of an id that are looked at.
const LONGEST_TOKEN: usize = 256;

impl IdScanner {
    pub(super) fn observe(&mut self, mut bytes: &[u8]) {
        while let [byte, rest @ ..] = bytes {
            self.step(*byte);
            // Nearly all of a message that is too long is inside strings of its result, or is garbage.
            let next = if self.in_string && !self.escaped && self.depth != 1 {
                memchr::memchr2(b'"', b'\\', rest)
            } else if !self.in_string && self.depth == 0 {
                memchr::memchr3(b'"', b'{', b'[', rest)
            } else {
                Some(0)
            };
            let skipped = next.unwrap_or(rest.len());
            bytes = &rest[skipped..];
        }
    }

    /// The id, once it has gone by.
    pub(super) fn take_id(&mut self) -> Option<RequestId> {
        serde_json::from_slice(&self.found.take()?).ok()
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
                self.value_of_id = self.token == b"\"id\"";
                self.token.clear();
            }
            b',' | b'}' | b']' => {
                if self.depth == 1 && self.value_of_id {
                    self.found = Some(std::mem::take(&mut self.token));
                    self.value_of_id = false;
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
        scanner.take_id()
    }

    #[test]
    fn the_id_of_a_long_message_is_found_wherever_it_stands() {
        let number = |n| Some(RequestId::Number(n));
        assert_eq!(
            scanned(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#),
            number(7)
        );
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

    fn read(line: &str) -> Result<Option<ServerJsonRpcMessage>, Unreadable> {
        let asked = RequestId::Number(1);
        read_line(line.as_bytes(), |whom| {
            (whom == Answers::Id(&asked)).then(|| (asked.clone(), ResultForm::Raw))
        })
    }

    #[test]
    fn a_raw_result_keeps_what_the_library_does_not_know() {
        let line =
            r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"new","x":1}],"more":0.1}}"#;
        let message = serde_json::to_value(read(line).unwrap().unwrap()).unwrap();
        assert_eq!(
            message["result"],
            json!({ "content": [{ "type": "new", "x": 1 }], "more": 0.1 })
        );
    }

    #[test]
    fn an_answer_that_is_no_response_fails_its_request() {
        for line in [
            r#"{"jsonrpc":"2.0","id":1,"error":"plain text"}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":"x","message":5}}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
        ] {
            let message = read(line).unwrap().unwrap();
            let ServerJsonRpcMessage::Error(error) = message else {
                panic!("{line} was read as {message:?}");
            };
            assert_eq!(error.id, Some(RequestId::Number(1)));
        }
    }

    #[test]
    fn a_text_with_a_wrong_byte_is_read() {
        let line = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"t\":\"a\xc3(\"}}";
        let answered = |_: Answers<'_>| Some((RequestId::Number(1), ResultForm::Raw));
        let message = read_line(line, answered).unwrap().unwrap();
        let message = serde_json::to_value(message).unwrap();
        assert_eq!(message["result"]["t"], "a\u{fffd}(");
    }

    #[test]
    fn an_answer_to_no_request_is_nothing() {
        for line in [
            r#"{"jsonrpc":"2.0","id":7,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#,
        ] {
            assert!(read(line).unwrap().is_none(), "{line}");
        }
    }

    #[test]
    fn a_line_that_is_no_message_is_unreadable() {
        for line in [
            "Listening on port 80",
            "{",
            "[1]",
            "{}",
            "null",
            "\u{0}",
            r#"{"jsonrpc":"2.0"}"#,
            r#"{"jsonrpc":"1.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"both"}}"#,
            r#"{"jsonrpc":"2.0","id":{"a":1},"result":{}}"#,
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
