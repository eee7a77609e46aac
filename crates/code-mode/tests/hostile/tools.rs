//! What hostile scripts can call; the hunt's too.

use std::time::Duration;

use code_mode::{
    CancellationToken, Host, Notification, ToolCall, ToolDefinition, ToolError, ToolOutput, ToolSet,
};
use serde_json::Value;

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
