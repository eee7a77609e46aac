//! The transport to a child process: one JSON-RPC message a line on its standard input and output.
//!
//! The library's own transport drops a line that is too long and leaves the request that it answers
//! waiting for ever; and it reads results into types that drop what they do not know. Hence this one.

use std::collections::HashSet;
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

use super::frame::{IdScanner, LONGEST_MESSAGE, failure, read_line};
use crate::config::Redactor;

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
    too_long: Option<IdScanner>,
    /// Requests whose results are handed on as they are.
    raw: HashSet<RequestId>,
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
            raw: HashSet::new(),
        }
    }

    /// Keeps `raw` in step with what is sent.
    fn note(&mut self, message: &ClientJsonRpcMessage) {
        match message {
            ClientJsonRpcMessage::Request(request)
                if matches!(
                    request.request,
                    ClientRequest::CallToolRequest(_) | ClientRequest::ListToolsRequest(_)
                ) =>
            {
                self.raw.insert(request.id.clone());
            }
            ClientJsonRpcMessage::Notification(sent) => {
                if let ClientNotification::CancelledNotification(cancelled) = &sent.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.raw.remove(id);
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
        match read_line(text, |id| self.raw.remove(id)) {
            Ok(message) => Some(message),
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

    fn take_failure(&mut self, scanner: IdScanner) -> Option<ServerJsonRpcMessage> {
        let Some(id) = scanner.id() else {
            tracing::warn!(
                server = &*self.server,
                "ignoring a message of more than {LONGEST_MESSAGE} bytes"
            );
            return None;
        };
        self.raw.remove(&id);
        let limit = LONGEST_MESSAGE / (1024 * 1024);
        Some(failure(
            id,
            format!("the answer is larger than {limit} MiB, the most that is taken; ask for less"),
        ))
    }

    /// Reads up to and with the next newline. `false` at the end of the stream.
    async fn read(&mut self) -> io::Result<bool> {
        loop {
            let available = self.stdout.fill_buf().await?;
            if available.is_empty() {
                return Ok(false);
            }
            let newline = available.iter().position(|byte| *byte == b'\n');
            let end = newline.map_or(available.len(), |at| at + 1);
            let bytes = &available[..end];
            if let Some(scanner) = &mut self.too_long {
                scanner.observe(bytes);
            } else if self.line.len() + bytes.len() > LONGEST_MESSAGE {
                let mut scanner = IdScanner::default();
                scanner.observe(&self.line);
                scanner.observe(bytes);
                self.too_long = Some(scanner);
                self.line = Vec::new();
            } else {
                self.line.extend_from_slice(bytes);
            }
            // No await between the copy and this: a dropped `receive` loses nothing.
            self.stdout.consume(end);
            if newline.is_some() {
                return Ok(true);
            }
        }
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
            match self.read().await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    tracing::warn!(server = &*self.server, %error, "cannot read from a server");
                    return None;
                }
            }
            let message = match self.too_long.take() {
                Some(scanner) => self.take_failure(scanner),
                None => self.take_message(),
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
