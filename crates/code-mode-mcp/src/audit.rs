//! The audit log: one JSON line for every nested call.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Where the log goes and how much it says.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AuditOptions {
    /// The file that lines are appended to. Made, for its owner alone, if it is not there.
    pub file: PathBuf,
    /// Whether arguments are written as they are, or as a hash.
    pub arguments: AuditedArguments,
}

impl AuditOptions {
    /// A log in this file that says the hashes of arguments.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            arguments: AuditedArguments::default(),
        }
    }

    /// Says how arguments are written.
    #[must_use]
    pub fn arguments(mut self, arguments: AuditedArguments) -> Self {
        self.arguments = arguments;
        self
    }
}

/// How the arguments of a call appear in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditedArguments {
    /// As the SHA-256 of their JSON, in hexadecimal.
    #[default]
    Hash,
    /// As they are.
    Text,
}

/// Whether a call was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The policy allows it.
    Allow,
    /// A person was asked and allowed it.
    Asked,
    /// The policy denies it.
    Denied,
    /// A person was asked and refused it, or there was nobody to ask.
    Refused,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditOutcome {
    /// It gave a result.
    Ok,
    /// It failed, or it was not made.
    Error,
    /// Nobody wanted the result any more.
    Cancelled,
    /// It took longer than the configuration allows.
    Timeout,
}

/// One call, as it is noted.
#[derive(Debug, Clone)]
pub struct AuditEntry<'a> {
    /// The session, as the gateway calls it.
    pub session: &'a str,
    /// The cell.
    pub cell: &'a str,
    /// The server, by its configured name.
    pub server: &'a str,
    /// The tool, by its own name.
    pub tool: &'a str,
    /// The arguments as JSON.
    pub arguments: &'a str,
    /// Whether it was let through.
    pub decision: Decision,
    /// What became of it.
    pub outcome: AuditOutcome,
    /// How long it took, questions to a person left out.
    pub took: Duration,
    /// What the script was told, if it failed. Without secrets.
    pub error: Option<&'a str>,
}

/// The log cannot be written to.
#[derive(Debug, thiserror::Error)]
#[error("the audit log {} cannot be written to: {cause}; choose another file, or make it writable", file.display())]
pub struct AuditUnwritable {
    file: PathBuf,
    #[source]
    cause: io::Error,
}

/// The audit log. Cheap to clone. Its owner is the process; lines are written by a thread of its own,
/// so that no call waits for the disk. The thread ends, with all lines written, when the last clone is
/// dropped; [`flush`](Self::flush) waits for the lines so far.
///
/// ```
/// use code_mode_mcp::audit::{AuditLog, AuditOptions};
///
/// # let folder = tempfile::tempdir()?;
/// let log = AuditLog::open(AuditOptions::new(folder.path().join("audit.jsonl")))?;
/// log.flush();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AuditLog {
    writer: Arc<Writer>,
    arguments: AuditedArguments,
}

struct Writer {
    /// `None` only while the log is being dropped.
    lines: Option<Sender<Note>>,
    thread: Option<JoinHandle<()>>,
}

enum Note {
    Line(String),
    /// Answered when all lines before it are written.
    Flush(Sender<()>),
}

impl AuditLog {
    /// Opens the file for appending, and makes it with mode 0600 if it is not there.
    pub fn open(options: AuditOptions) -> Result<Self, AuditUnwritable> {
        let unwritable = |cause| AuditUnwritable {
            file: options.file.clone(),
            cause,
        };
        let file = open(&options.file).map_err(unwritable)?;
        let (sender, lines) = channel();
        let path = options.file.clone();
        let thread = std::thread::Builder::new()
            .name("audit-log".to_owned())
            .spawn(move || write_lines(file, &path, &lines))
            .map_err(unwritable)?;
        Ok(Self {
            writer: Arc::new(Writer {
                lines: Some(sender),
                thread: Some(thread),
            }),
            arguments: options.arguments,
        })
    }

    /// Notes a call. Never waits.
    pub fn note(&self, entry: &AuditEntry<'_>) {
        let line = Line {
            time: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
            session: entry.session,
            cell: entry.cell,
            server: entry.server,
            tool: entry.tool,
            arguments: match self.arguments {
                AuditedArguments::Hash => None,
                AuditedArguments::Text => serde_json::from_str(entry.arguments).ok(),
            },
            arguments_sha256: match self.arguments {
                AuditedArguments::Hash => Some(sha256(entry.arguments)),
                AuditedArguments::Text => None,
            },
            decision: entry.decision,
            outcome: entry.outcome,
            ms: u64::try_from(entry.took.as_millis()).unwrap_or(u64::MAX),
            error: entry.error,
        };
        if let (Ok(line), Some(lines)) = (serde_json::to_string(&line), &self.writer.lines) {
            // Fails only if the thread is gone, which has said why.
            let _ = lines.send(Note::Line(line));
        }
    }

    /// Blocks until all lines noted so far are written and on the disk.
    pub fn flush(&self) {
        let (written, done) = channel();
        if let Some(lines) = &self.writer.lines
            && lines.send(Note::Flush(written)).is_ok()
        {
            let _ = done.recv();
        }
    }
}

impl std::fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditLog").finish_non_exhaustive()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    session: &'a str,
    cell: &'a str,
    server: &'a str,
    tool: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments_sha256: Option<String>,
    decision: Decision,
    outcome: AuditOutcome,
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

fn open(file: &std::path::Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

fn write_lines(mut file: File, path: &std::path::Path, notes: &Receiver<Note>) {
    let mut failing = false;
    while let Ok(note) = notes.recv() {
        match note {
            Note::Line(mut line) => {
                line.push('\n');
                // One write a line: others may append to the same file.
                match file.write_all(line.as_bytes()) {
                    Ok(()) => failing = false,
                    Err(error) => {
                        if !failing {
                            let file = path.display();
                            tracing::error!(%file, %error, "cannot write the audit log");
                        }
                        failing = true;
                    }
                }
            }
            Note::Flush(done) => {
                let _ = file.sync_data();
                let _ = done.send(());
            }
        }
    }
    let _ = file.sync_data();
}

fn sha256(text: &str) -> String {
    use std::fmt::Write;

    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn entry<'a>(arguments: &'a str, error: Option<&'a str>) -> AuditEntry<'a> {
        AuditEntry {
            session: "s",
            cell: "1",
            server: "git",
            tool: "git_status",
            arguments,
            decision: Decision::Allow,
            outcome: AuditOutcome::Ok,
            took: Duration::from_millis(12),
            error,
        }
    }

    fn lines(file: &std::path::Path) -> Vec<Value> {
        std::fs::read_to_string(file)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_call_is_one_line_with_the_hash_of_its_arguments() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.jsonl");
        let log = AuditLog::open(AuditOptions::new(&file)).unwrap();
        log.note(&entry("{}", None));
        log.flush();
        let mut line = lines(&file).remove(0);
        let time = line.as_object_mut().unwrap().remove("time").unwrap();
        let time = time.as_str().unwrap();
        assert_eq!((time.len(), &time[23..]), (24, "Z"), "{time}");
        assert_eq!(
            line,
            json!({
                "session": "s",
                "cell": "1",
                "server": "git",
                "tool": "git_status",
                "arguments_sha256":
                    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
                "decision": "allow",
                "outcome": "ok",
                "ms": 12,
            })
        );
    }

    #[test]
    fn arguments_are_written_if_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.jsonl");
        let options = AuditOptions::new(&file).arguments(AuditedArguments::Text);
        let log = AuditLog::open(options).unwrap();
        log.note(&entry(r#"{"path":"a\nb"}"#, Some("two\nlines")));
        log.flush();
        let line = lines(&file).remove(0);
        assert_eq!(line["arguments"], json!({ "path": "a\nb" }));
        assert_eq!(line["error"], "two\nlines");
        assert_eq!(line.get("arguments_sha256"), None);
    }

    #[test]
    fn lines_are_appended_and_all_there_when_the_log_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.jsonl");
        for _ in 0..2 {
            let log = AuditLog::open(AuditOptions::new(&file)).unwrap();
            for _ in 0..500 {
                log.note(&entry("{}", None));
            }
        }
        assert_eq!(lines(&file).len(), 1_000);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("audit.jsonl");
        let _log = AuditLog::open(AuditOptions::new(&file)).unwrap();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_cannot_be_written_to_is_an_error_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let error = AuditLog::open(AuditOptions::new(folder.path())).unwrap_err();
        assert!(
            error.to_string().contains("cannot be written to"),
            "{error}"
        );
    }
}
