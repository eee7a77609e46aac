//! The host of hostile scripts, and the session they run in.

use std::time::Duration;

use code_mode::{
    CancellationToken, Host, Limits, Notification, Session, ToolCall, ToolDefinition, ToolError,
    ToolOutput, ToolSet,
};
use serde_json::Value;

use crate::row::Mode;

pub const HEAP_MIB: usize = 64;

/// How long a notification that is held takes, unless the cell is terminated.
const HELD: Duration = Duration::from_secs(2);

/// Answers, fails, and leaves unanswered.
pub struct HostileHost;

impl Host for HostileHost {
    async fn invoke_tool(
        &self,
        call: ToolCall,
        cancellation: CancellationToken,
    ) -> Result<ToolOutput, ToolError> {
        match call.tool.definition.name.as_str() {
            "echo" => Ok(ToolOutput::from(call.input.parse::<Value>()?)),
            "fail" => Err(ToolError::new("it fails")),
            _ => {
                cancellation.cancelled().await;
                Err(ToolError::new("it was cancelled"))
            }
        }
    }

    async fn notify(&self, notification: Notification, cancellation: CancellationToken) {
        if notification.text.starts_with("held") {
            tokio::select! {
                () = cancellation.cancelled() => {}
                () = tokio::time::sleep(HELD) => {}
            }
        }
    }
}

pub fn tools() -> ToolSet {
    ToolSet::new(["echo", "fail", "never"].map(|name| ToolDefinition::function(name, "A tool.")))
}

/// A session whose cells may compute for so long.
pub fn session(mode: Mode, cpu_time: Duration) -> Session {
    let limits = Limits::default()
        .heap_bytes(HEAP_MIB * 1024 * 1024)
        .cpu_time(cpu_time);
    match mode {
        Mode::InProcess => Session::builder().limits(limits).build(HostileHost),
    }
}
