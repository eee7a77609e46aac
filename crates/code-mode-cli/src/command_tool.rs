//! Tools that are commands, and the processes they start.
//!
//! Each call is one process, run by `sh -c` as the leader of a process group of its own, so that
//! everything it starts can be ended with it. No process group outlives the call that started it,
//! unless a command that ended by itself left something in the background.

use std::collections::HashMap;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use code_mode::{CancellationToken, ToolCall, ToolDefinition, ToolError, ToolInput, ToolOutput};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

use crate::arguments::{ToolArgument, ToolArguments};
use crate::diagnostics;

/// How much a command may print. One that prints more is killed and its call rejected.
const MAX_OUTPUT_BYTES: usize = 16 * 1024 * 1024;

/// How much of a command's standard error is kept: its end, where the reason of a failure stands.
const KEPT_STDERR_BYTES: usize = 8 * 1024;

/// Commands that run at once; further calls wait. Each takes a process and three descriptors, and a
/// script may start a thousand calls in one go.
const MAX_COMMANDS: usize = 64;

/// How long the engine waits for a cancelled call before it drops it. A killed process is gone at
/// once unless the system is badly stuck, so this is only a bound.
pub const CANCELLATION_GRACE: Duration = Duration::from_secs(10);

/// The commands of one run by their tool's name. Owned by its host.
pub struct Commands {
    tools: HashMap<String, CommandTool>,
    running: Semaphore,
}

struct CommandTool {
    command: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// JSON in, JSON or text out.
    Function,
    /// Text in, text out.
    Text,
}

impl Commands {
    /// These commands, and their description for the script.
    pub fn new(tools: ToolArguments) -> (Self, Vec<ToolDefinition>) {
        let functions = tools
            .functions
            .into_iter()
            .map(|tool| (tool, Kind::Function));
        let texts = tools.texts.into_iter().map(|tool| (tool, Kind::Text));
        let mut definitions = Vec::new();
        let mut tools = HashMap::new();
        for (ToolArgument { name, command }, kind) in functions.chain(texts) {
            let description = format!("Runs the command: {command}");
            definitions.push(match kind {
                Kind::Function => ToolDefinition::function(&name, description),
                Kind::Text => ToolDefinition::freeform(&name, description)
                    .output_schema(json!({ "type": "string" })),
            });
            tools.insert(name, CommandTool { command, kind });
        }
        let commands = Self {
            tools,
            running: Semaphore::new(MAX_COMMANDS),
        };
        (commands, definitions)
    }

    /// Runs the command of a tool that [`new`](Self::new) described.
    pub async fn invoke(
        &self,
        call: ToolCall,
        cancellation: &CancellationToken,
    ) -> Result<ToolOutput, ToolError> {
        self.call(call, cancellation)
            .await
            .map_err(|error| ToolError::new(error.to_string()))
    }

    async fn call(
        &self,
        call: ToolCall,
        cancellation: &CancellationToken,
    ) -> Result<ToolOutput, CallError> {
        let name = &call.tool.definition.name;
        let tool = self.tools.get(name).ok_or(CallError::NoCommand)?;
        let input = match call.input {
            ToolInput::Function(json) => String::from(Box::<str>::from(json)),
            ToolInput::Freeform(text) => text,
        };
        let permit = cancellation.run_until_cancelled(self.running.acquire());
        let _permit = permit.await.ok_or(CallError::Cancelled)?;
        let mut process = Process::start(&tool.command).map_err(CallError::NotStarted)?;
        let answer = cancellation
            .run_until_cancelled(process.talk(&input))
            .await
            .unwrap_or(Err(CallError::Cancelled));
        match answer {
            Ok(printed) => Ok(output_of(tool.kind, &printed)),
            Err(error) => {
                process.end().await;
                Err(error)
            }
        }
    }
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("no command belongs to this tool")]
    NoCommand,
    #[error("the command could not be started: {0}")]
    NotStarted(#[source] io::Error),
    #[error("the command's output could not be read: {0}")]
    Unreadable(#[source] io::Error),
    #[error(
        "the command printed more than {} MiB and was killed; let it print less",
        MAX_OUTPUT_BYTES / (1024 * 1024)
    )]
    TooMuchOutput,
    #[error("the command failed ({status}){}", after_colon(stderr))]
    Failed { status: ExitStatus, stderr: String },
    #[error("the call was cancelled")]
    Cancelled,
}

fn after_colon(stderr: &str) -> String {
    match stderr.trim() {
        "" => ", saying nothing on standard error".to_owned(),
        said => format!(": {said}"),
    }
}

/// What a script sees of what a command printed.
fn output_of(kind: Kind, printed: &[u8]) -> ToolOutput {
    let text = String::from_utf8_lossy(printed);
    if kind == Kind::Function
        && let Ok(json) = serde_json::from_str::<Box<RawValue>>(&text)
    {
        return json.into();
    }
    ToolOutput::text(text.strip_suffix('\n').unwrap_or(&text))
}

/// A running command and its process group. Killed when dropped before its end.
struct Process {
    child: Child,
}

impl Process {
    fn start(command: &str) -> io::Result<Self> {
        let child = Command::new("sh")
            .args(["-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        Ok(Self { child })
    }

    /// Gives the command its input, and answers with what it printed once it has ended well.
    async fn talk(&mut self, input: &str) -> Result<Vec<u8>, CallError> {
        let stdin = self.child.stdin.take();
        let stdout = self.child.stdout.take();
        let stderr = self.child.stderr.take();
        let write = async {
            if let Some(mut stdin) = stdin {
                // A command that ends without reading its input has not failed.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
            Ok(())
        };
        let ((), printed, said) = tokio::try_join!(write, read_all(stdout), read_end(stderr))?;
        let status = self.child.wait().await.map_err(CallError::Unreadable)?;
        let stderr = String::from_utf8_lossy(&said);
        if !status.success() {
            let stderr = stderr.into_owned();
            return Err(CallError::Failed { status, stderr });
        }
        if !stderr.trim().is_empty() {
            diagnostics::line(&stderr).await;
        }
        Ok(printed)
    }

    /// Kills what is left of the process group and waits for its leader.
    async fn end(mut self) {
        self.kill();
        // It is gone, or was before.
        let _ = self.child.wait().await;
    }

    fn kill(&self) {
        // No id: the leader has been waited for, and the number may be somebody else's by now.
        let leader = self.child.id().and_then(|id| Pid::from_raw(id as i32));
        if let Some(leader) = leader {
            // Fails only where nobody of the group is left.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn read_all(pipe: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, CallError> {
    let mut printed = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(MAX_OUTPUT_BYTES as u64 + 1)
            .read_to_end(&mut printed)
            .await
            .map_err(CallError::Unreadable)?;
    }
    if printed.len() > MAX_OUTPUT_BYTES {
        return Err(CallError::TooMuchOutput);
    }
    Ok(printed)
}

/// Reads to the end and keeps the last of it.
async fn read_end(pipe: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, CallError> {
    let mut kept = Vec::new();
    if let Some(mut pipe) = pipe {
        while pipe
            .read_buf(&mut kept)
            .await
            .map_err(CallError::Unreadable)?
            > 0
        {
            let excess = kept.len().saturating_sub(KEPT_STDERR_BYTES);
            kept.drain(..excess);
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_function_tool_reads_json() {
        assert_eq!(output_of(Kind::Function, b"[1]\n").as_json(), "[1]");
        assert_eq!(output_of(Kind::Text, b"[1]\n").as_json(), r#""[1]""#);
        assert_eq!(
            output_of(Kind::Function, b"a b\n\n").as_json(),
            r#""a b\n""#
        );
        assert_eq!(output_of(Kind::Function, b"").as_json(), r#""""#);
        assert_eq!(output_of(Kind::Function, b"\xff").as_json(), "\"\u{fffd}\"");
    }
}
