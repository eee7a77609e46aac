//! Starts processes for hostile scripts, watches over them, and hears what they say.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::procfs;

/// When a process is ended before it comes to its own end.
#[derive(Clone, Copy)]
pub struct Bounds {
    /// The most time between two of its lines. It finds what hangs, on a machine that is slow and busy.
    pub silence: Duration,
    /// The most memory, for the sake of the machine.
    pub mib: u64,
}

/// How often its memory is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How a process came to its end.
#[derive(Debug)]
pub enum Fate {
    Exited,
    Died(String),
    /// It said nothing more in its time, and was ended.
    Froze,
    /// It held so many MiB, and was ended.
    Grew(u64),
}

/// What a process said, and its end.
pub struct Heard {
    /// The fields of all lines, later over earlier ones.
    pub said: Map<String, Value>,
    pub fate: Fate,
    /// What it wrote that was not asked for: other lines, and to standard error.
    pub stray: String,
}

/// Runs this binary again with these arguments.
pub async fn run(
    arguments: &[&str],
    bounds: Bounds,
    mut on_line: impl FnMut(&Map<String, Value>),
) -> Heard {
    let binary = std::env::current_exe().expect("the test binary has a path");
    let mut child = Command::new(binary)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the test binary starts");
    let mut errors = child.stderr.take().expect("it is piped");
    let errors = tokio::spawn(async move {
        let mut text = Vec::new();
        let _ = errors.read_to_end(&mut text).await;
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let (mut said, mut stray) = (Map::new(), String::new());
    let ended = loop {
        match next_line(&mut child, &mut lines, bounds).await {
            Ok(Some(line)) => match serde_json::from_str(&line) {
                Ok(Value::Object(fields)) => {
                    on_line(&fields);
                    said.extend(fields);
                }
                _ => stray.push_str(&line),
            },
            Ok(None) => break None,
            Err(fate) => break Some(fate),
        }
    };
    let fate = match ended {
        Some(fate) => {
            let _ = child.kill().await;
            fate
        }
        None => {
            let status = child.wait().await.expect("a child can be waited for");
            let errors = errors.await.unwrap_or_default();
            if status.success() {
                stray.push_str(&without_v8s_words(&errors));
            }
            fate(status, &errors)
        }
    };
    Heard { said, fate, stray }
}

/// What the child says next; `None` at its end.
async fn next_line(
    child: &mut Child,
    lines: &mut Lines<BufReader<ChildStdout>>,
    bounds: Bounds,
) -> Result<Option<String>, Fate> {
    let watched = async {
        loop {
            tokio::select! {
                line = lines.next_line() => return Ok(line.ok().flatten()),
                () = tokio::time::sleep(LOOK) => {
                    let resident = child.id().and_then(procfs::resident_mib).unwrap_or(0);
                    if resident > bounds.mib {
                        return Err(Fate::Grew(resident));
                    }
                }
            }
        }
    };
    tokio::time::timeout(bounds.silence, watched)
        .await
        .map_err(|_| Fate::Froze)?
}

fn fate(status: ExitStatus, errors: &str) -> Fate {
    if status.success() {
        return Fate::Exited;
    }
    // V8 and panics say why in the lines before the stack.
    let why: Vec<&str> = errors
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(4)
        .collect();
    Fate::Died(format!("{status}: {}", why.join(" | ")))
}

/// What was written but for what V8 says itself when its heap is exhausted, before it asks anybody.
fn without_v8s_words(errors: &str) -> String {
    let strays = errors.lines().filter(|line| !is_v8s(line));
    strays.flat_map(|line| [line, "\n"]).collect()
}

/// A heading, and a line for each of the last collections that V8 has kept: none, or some.
fn is_v8s(line: &str) -> bool {
    let is_of_a_collection = || {
        let kinds = [" ms: Mark-Compact ", " ms: Scavenge "];
        line.starts_with('[') && kinds.iter().any(|kind| line.contains(kind))
    };
    line.is_empty() || line == "<--- Last few GCs --->" || is_of_a_collection()
}
