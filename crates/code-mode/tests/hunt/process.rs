//! A child process as its parent has it: scripts in, answers out, and what became of it if it has none.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::memory;
use crate::script::Script;

/// The most time a script may take beside its CPU time before its process counts as frozen.
const SILENCE: Duration = Duration::from_secs(25);

/// How often the child's memory is looked at, and how much of it is too much.
const LOOK: Duration = Duration::from_millis(50);
const MOST_MIB: u64 = 4_096;

/// How a child answers a script.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    pub ending: String,
    pub text: String,
    pub ms: u64,
    /// What the next cell of the session put out.
    pub next: String,
    /// How much more memory the process had at most.
    pub grown_mib: u64,
    /// Threads lost in this process so far.
    pub lost: usize,
}

/// Why there is no answer.
#[derive(Debug, Clone)]
pub enum Gone {
    Died(String),
    Froze,
    Grew(u64),
}

pub struct Process {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    errors: JoinHandle<String>,
}

impl Process {
    pub fn start() -> Self {
        let binary = std::env::current_exe().expect("the test binary has a path");
        let mut child = Command::new(binary)
            .arg("--child")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the test binary starts");
        let mut errors = child.stderr.take().expect("it is piped");
        Self {
            input: child.stdin.take().expect("it is piped"),
            lines: BufReader::new(child.stdout.take().expect("it is piped")).lines(),
            errors: tokio::spawn(async move {
                let mut text = Vec::new();
                let _ = errors.read_to_end(&mut text).await;
                String::from_utf8_lossy(&text).into_owned()
            }),
            child,
        }
    }

    /// Runs a script; after an `Err` the process is gone.
    pub async fn run(&mut self, script: &Script) -> Result<Answer, Gone> {
        let mut order = serde_json::to_vec(&script.order()).expect("an order is JSON");
        order.push(b'\n');
        // A child that died meanwhile is found when it is read from.
        let _ = self.input.write_all(&order).await;
        let bound = SILENCE + Duration::from_millis(script.cpu_ms);
        match tokio::time::timeout(bound, self.next_line()).await {
            Err(_) => self.end(Gone::Froze).await,
            Ok(Err(mib)) => self.end(Gone::Grew(mib)).await,
            Ok(Ok(None)) => {
                let status = self.child.wait().await.expect("a child can be waited for");
                Err(Gone::Died(how(status, &self.last_words().await)))
            }
            Ok(Ok(Some(line))) => {
                Ok(serde_json::from_str(&line).expect("a child says nothing but answers"))
            }
        }
    }

    /// The child's next line, `None` at its end, or the memory it has if that is too much.
    async fn next_line(&mut self) -> Result<Option<String>, u64> {
        loop {
            tokio::select! {
                line = self.lines.next_line() => return Ok(line.ok().flatten()),
                () = tokio::time::sleep(LOOK) => {}
            }
            let resident = self.resident_mib();
            if resident > MOST_MIB {
                return Err(resident);
            }
        }
    }

    /// The memory of the child that is resident, where the system tells.
    pub fn resident_mib(&self) -> u64 {
        self.child.id().map_or(0, memory::resident_mib)
    }

    async fn end(&mut self, gone: Gone) -> Result<Answer, Gone> {
        let _ = self.child.kill().await;
        Err(gone)
    }

    async fn last_words(&mut self) -> String {
        (&mut self.errors).await.unwrap_or_default()
    }
}

/// The end of a process and its last words; V8 and panics say why in the lines before the stack.
fn how(status: ExitStatus, errors: &str) -> String {
    let lines = errors.lines().filter(|line| !line.trim().is_empty());
    let lines: Vec<&str> = lines
        .filter(|line| !line.starts_with("<--- Last"))
        .take(6)
        .collect();
    format!("{status}: {}", lines.join(" | "))
}
