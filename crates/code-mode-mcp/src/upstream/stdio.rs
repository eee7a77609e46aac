//! The transport to a child process: one JSON-RPC message a line on its standard input and output.
//!
//! The library's own transport drops a line that is too long and leaves the request that it answers
//! waiting for ever; and it reads results into types that drop what they do not know. Hence this one.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use rmcp::RoleClient;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, RequestId, ServerJsonRpcMessage,
};
use rmcp::transport::Transport;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::Mutex;

use super::frame::{
    Answers, IdScanner, LONGEST_MESSAGE, ResultForm, TOO_LARGE, failure, read_line,
};
use crate::config::Redactor;

/// Bytes of one message that is let go by. A server that sends more has lost its way: the connection is
/// given up.
const ENDLESS_MESSAGE: usize = 4 * LONGEST_MESSAGE;

/// Bytes of garbage that a log line shows.
const SHOWN_GARBAGE: usize = 200;

/// The two pipes of a child. Owned by the connection's service; closing it closes the child's
/// standard input, which is how a server is asked to end.
pub(super) struct StdioTransport {
    server: Arc<str>,
    redactor: Redactor,
    /// Locked for the length of one message: messages must not mix.
    stdin: Arc<Mutex<Option<ChildStdin>>>,
    stdout: BufReader<ChildStdout>,
    /// The line that is being read. Kept here since `receive` may be dropped in the middle of it.
    line: Vec<u8>,
    /// Set while the rest of a line that was too long goes by.
    too_long: Option<TooLong>,
    /// Requests that have got no answer. What answers none of them is dropped: the library gives up a
    /// connection that begins with such an answer.
    unanswered: HashMap<RequestId, ResultForm>,
    /// The `server/discover` that was sent last. A server that does not know it may not even give its
    /// id back.
    probe: Option<RequestId>,
}

impl StdioTransport {
    pub(super) fn new(
        server: Arc<str>,
        redactor: Redactor,
        stdin: ChildStdin,
        stdout: ChildStdout,
    ) -> Self {
        Self {
            server,
            redactor,
            stdin: Arc::new(Mutex::new(Some(stdin))),
            stdout: BufReader::with_capacity(64 * 1024, stdout),
            line: Vec::new(),
            too_long: None,
            unanswered: HashMap::new(),
            probe: None,
        }
    }

    /// Keeps `unanswered` in step with what is sent.
    fn note(&mut self, message: &ClientJsonRpcMessage) {
        match message {
            ClientJsonRpcMessage::Request(request) => {
                let form = match request.request {
                    ClientRequest::CallToolRequest(_) | ClientRequest::ListToolsRequest(_) => {
                        ResultForm::Raw
                    }
                    _ => ResultForm::Typed,
                };
                let given_up = match request.request {
                    ClientRequest::DiscoverRequest(_) => self.probe.replace(request.id.clone()),
                    _ => self.probe.take(),
                };
                // A server that starts slowly answers the probe after the library has gone on to
                // `initialize`, which would take that for an answer to it.
                if let Some(given_up) = given_up {
                    self.unanswered.remove(&given_up);
                }
                self.unanswered.insert(request.id.clone(), form);
            }
            ClientJsonRpcMessage::Notification(sent) => {
                if let ClientNotification::CancelledNotification(cancelled) = &sent.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.unanswered.remove(id);
                }
            }
            _ => {}
        }
    }

    /// What the line in `self.line` says, if anything. Empties it.
    fn take_message(&mut self) -> Option<ServerJsonRpcMessage> {
        let line = std::mem::take(&mut self.line);
        let text = line.trim_ascii();
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        if text.is_empty() {
            return None;
        }
        let answered = |whom: Answers<'_>| {
            let id = match whom {
                Answers::Id(id) => own_id(id),
                Answers::Unknown => self.probe.take()?,
            };
            let form = self.unanswered.remove(&id)?;
            Some((id, form))
        };
        match read_line(text, answered) {
            Ok(Some(message)) => Some(message),
            Ok(None) => {
                let server = &*self.server;
                tracing::debug!(server, "ignoring an answer to no request");
                None
            }
            Err(error) => {
                let shown = String::from_utf8_lossy(&text[..text.len().min(SHOWN_GARBAGE)]);
                tracing::warn!(
                    server = &*self.server,
                    %error,
                    line = self.redactor.redact(&shown),
                    "ignoring a line on a server's standard output that is no message"
                );
                None
            }
        }
    }

    /// The failure of the request that a line answers which is too long, as soon as it is known which.
    fn take_failure(&mut self) -> Option<ServerJsonRpcMessage> {
        let id = own_id(&self.too_long.as_mut()?.scanner.take_id()?);
        self.unanswered.remove(&id)?;
        Some(failure(id, TOO_LARGE.to_owned()))
    }

    /// Reads on to the next newline, or as far as is there of a line that is too long.
    async fn read(&mut self) -> io::Result<Read> {
        loop {
            let available = self.stdout.fill_buf().await?;
            if available.is_empty() {
                return Ok(Read::End);
            }
            let newline = memchr::memchr(b'\n', available);
            let end = newline.map_or(available.len(), |at| at + 1);
            let bytes = &available[..end];
            if self.too_long.is_none() && self.line.len() + bytes.len() > LONGEST_MESSAGE {
                let mut too_long = TooLong::default();
                too_long.observe(&self.line);
                self.too_long = Some(too_long);
                self.line = Vec::new();
            }
            match &mut self.too_long {
                Some(too_long) => too_long.observe(bytes),
                None => self.line.extend_from_slice(bytes),
            }
            // No await between the copy and this: a dropped `receive` loses nothing.
            self.stdout.consume(end);
            match (&self.too_long, newline) {
                (Some(too_long), None) if too_long.bytes > ENDLESS_MESSAGE => {
                    return Err(io::Error::other("it sends a line without end"));
                }
                (Some(_), None) => return Ok(Read::PartOfTooLong),
                (Some(_), Some(_)) => return Ok(Read::EndOfTooLong),
                (None, Some(_)) => return Ok(Read::Line),
                (None, None) => {}
            }
        }
    }
}

/// How far a read came.
enum Read {
    /// To the end of a line, which is in `line`.
    Line,
    /// Into a line that is too long.
    PartOfTooLong,
    /// To its end.
    EndOfTooLong,
    /// To the end of the stream.
    End,
}

/// A line that is too long, going by.
#[derive(Default)]
struct TooLong {
    scanner: IdScanner,
    bytes: usize,
}

impl TooLong {
    fn observe(&mut self, bytes: &[u8]) {
        self.scanner.observe(bytes);
        self.bytes += bytes.len();
    }
}

/// The id as we sent it. Ours are numbers; some servers give them back as strings.
fn own_id(id: &RequestId) -> RequestId {
    match id {
        RequestId::String(text) => text.parse().map_or_else(|_| id.clone(), RequestId::Number),
        RequestId::Number(_) => id.clone(),
    }
}

impl Transport<RoleClient> for StdioTransport {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.note(&message);
        let stdin = Arc::clone(&self.stdin);
        let line = serde_json::to_vec(&message).map_err(io::Error::other);
        async move {
            let mut line = line?;
            line.push(b'\n');
            let mut stdin = stdin.lock().await;
            let closed = || io::Error::from(io::ErrorKind::NotConnected);
            let stdin = stdin.as_mut().ok_or_else(closed)?;
            stdin.write_all(&line).await?;
            stdin.flush().await
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            let message = match self.read().await {
                Ok(Read::Line) => self.take_message(),
                Ok(Read::PartOfTooLong) => self.take_failure(),
                Ok(Read::EndOfTooLong) => {
                    let failure = self.take_failure();
                    self.too_long = None;
                    failure
                }
                Ok(Read::End) => return None,
                Err(error) => {
                    tracing::warn!(server = &*self.server, %error, "cannot read from a server");
                    return None;
                }
            };
            if message.is_some() {
                return message;
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        // A write that the server never takes holds the lock. It ends with the process.
        if let Ok(mut stdin) = self.stdin.try_lock() {
            stdin.take();
        }
        Ok(())
    }
}
