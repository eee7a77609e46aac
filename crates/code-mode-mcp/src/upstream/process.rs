//! The child process of a server that speaks on its standard input and output.

use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop, ProcessGroup};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use crate::config::Redactor;
use crate::config::Transport;

/// How long a server may take to end after its standard input is closed.
const CLOSED_GRACE: Duration = Duration::from_secs(2);

/// How long it may take after SIGTERM. Then the group is killed.
const TERMINATED_GRACE: Duration = Duration::from_secs(1);

/// How long the rest of its standard error is waited for when it has ended: another process may hold
/// the other end.
const LAST_WORDS_GRACE: Duration = Duration::from_millis(500);

/// Lines of standard error that errors show.
const LAST_LINES: usize = 10;

/// Bytes of one line of standard error that are looked at.
const LONGEST_LINE: usize = 4_000;

/// A running server with all the processes it started: they are one process group. Owned by its
/// connection; dropping it kills the group.
pub(super) struct Process {
    child: Box<dyn ChildWrapper>,
    stderr: Option<JoinHandle<()>>,
    last_words: LastWords,
    /// Whether the group was killed and the child reaped: its number may be another's by now.
    over: bool,
}

/// The last lines that a server wrote on its standard error, without secrets. Owned by the server's
/// task, which shows them where a connection fails; filled while a process runs.
#[derive(Clone, Default)]
pub(super) struct LastWords(Arc<Mutex<VecDeque<String>>>);

impl LastWords {
    fn push(&self, line: String) {
        let mut lines = self.lock();
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn clear(&self) {
        self.lock().clear();
    }

    /// The lines, if there are any.
    pub(super) fn text(&self) -> Option<String> {
        let lines = self.lock();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Process {
    /// Starts the program. `server` and `redactor` are for what it says on its standard error, of which
    /// the end goes to `last_words`.
    pub(super) fn start(
        transport: &Transport,
        server: &str,
        redactor: &Redactor,
        last_words: &LastWords,
    ) -> std::io::Result<(Self, ChildStdin, ChildStdout)> {
        let Transport::Stdio {
            command,
            args,
            env,
            cwd,
        } = transport
        else {
            return Err(std::io::Error::other("no program is configured"));
        };
        let mut wrapped = CommandWrap::with_new(command, |child| {
            child.args(args);
            child.envs(env.iter().map(|(name, value)| (name, value.expose())));
            if let Some(folder) = cwd {
                child.current_dir(folder);
            }
            child
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
        });
        let mut child = wrapped
            .wrap(ProcessGroup::leader())
            .wrap(KillOnDrop)
            .spawn()?;
        let missing = || std::io::Error::other("the child has no pipes");
        let stdin = child.stdin().take().ok_or_else(missing)?;
        let stdout = child.stdout().take().ok_or_else(missing)?;
        let stderr = child.stderr().take().ok_or_else(missing)?;
        last_words.clear();
        let reader = read_stderr(
            stderr,
            server.to_owned(),
            redactor.clone(),
            last_words.clone(),
        );
        let process = Self {
            child,
            stderr: Some(tokio::spawn(reader)),
            last_words: last_words.clone(),
            over: false,
        };
        Ok((process, stdin, stdout))
    }

    /// Ends the process and all that it started, and says how it ended. Its standard input must be
    /// closed already, which is how a server is asked to end.
    pub(super) async fn end(mut self) -> Ended {
        let mut status = self.ended_within(CLOSED_GRACE).await;
        if status.is_none() {
            // SIGTERM, by its number on every Unix.
            let _ = self.child.signal(15);
            status = self.ended_within(TERMINATED_GRACE).await;
        }
        // Whatever is left of the group; it may be empty.
        let _ = self.child.start_kill();
        if status.is_none() {
            status = self.child.wait().await.ok();
        }
        self.over = true;
        if let Some(reader) = self.stderr.take() {
            let stop = reader.abort_handle();
            if tokio::time::timeout(LAST_WORDS_GRACE, reader)
                .await
                .is_err()
            {
                stop.abort();
            }
        }
        Ended {
            status,
            last_words: self.last_words.text(),
        }
    }

    async fn ended_within(&mut self, grace: Duration) -> Option<ExitStatus> {
        // The child itself, not its group: processes that it left behind are killed, not waited for.
        let child = self.child.inner_mut();
        tokio::time::timeout(grace, child.wait()).await.ok()?.ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.over {
            let _ = self.child.start_kill();
        }
        if let Some(reader) = self.stderr.take() {
            reader.abort();
        }
    }
}

/// How a process ended.
pub(super) struct Ended {
    status: Option<ExitStatus>,
    last_words: Option<String>,
}

impl Ended {
    /// The exit, if it was not an orderly one, and the last lines of its standard error.
    pub(super) fn describe(&self) -> Option<String> {
        let status = self.status.filter(|status| !status.success());
        let ended = status.map(|status| format!("the process ended with {status}"));
        let words = self.last_words.as_ref();
        let words = words.map(|words| format!("it last wrote:\n{words}"));
        match (ended, words) {
            (Some(ended), Some(words)) => Some(format!("{ended}; {words}")),
            (ended, words) => ended.or(words),
        }
    }
}

async fn read_stderr(
    stderr: impl AsyncRead + Unpin,
    server: String,
    redactor: Redactor,
    last_words: LastWords,
) {
    let mut stderr = BufReader::new(stderr);
    while let Some(line) = next_line(&mut stderr).await {
        let line = redactor.redact(line.trim_end());
        if line.is_empty() {
            continue;
        }
        tracing::info!(target: "mcp_server_stderr", %server, "{line}");
        last_words.push(line);
    }
}

/// The next line, cut where it is too long; `None` at the end.
async fn next_line(stderr: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut line = Vec::new();
    loop {
        let available = stderr.fill_buf().await.ok()?;
        if available.is_empty() {
            return (!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned());
        }
        let newline = available.iter().position(|byte| *byte == b'\n');
        let end = newline.unwrap_or(available.len());
        let kept = end.min(LONGEST_LINE - line.len());
        line.extend_from_slice(&available[..kept]);
        let consumed = newline.map_or(end, |at| at + 1);
        stderr.consume(consumed);
        if newline.is_some() {
            return Some(String::from_utf8_lossy(&line).into_owned());
        }
    }
}
