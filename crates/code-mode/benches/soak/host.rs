//! The host of a soak: tools that answer at once, later, with much, never, or with a panic. It tells of
//! each cell that is closed.

use std::time::Duration;

use code_mode::{
    CancellationToken, CellId, Host, Notification, ToolCall, ToolDefinition, ToolError, ToolOutput,
    ToolSet,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// What the panics of the host say.
pub const PLANNED: &str = "a panic that was planned";

pub fn tools() -> ToolSet {
    let tool = |name, about| ToolDefinition::function(name, about);
    ToolSet::new([
        tool("echo", "Gives back its input."),
        tool("later", "Gives back its input after a while."),
        tool("much", "Gives as many bytes as it is asked for."),
        tool("never", "Answers when it is cancelled."),
        tool("fails", "Fails."),
        tool("panics", "Panics at once."),
        tool("panics_later", "Panics after a while."),
    ])
}

pub struct SoakHost {
    pub closed: mpsc::UnboundedSender<CellId>,
}

impl Host for SoakHost {
    async fn invoke_tool(
        &self,
        call: ToolCall,
        cancellation: CancellationToken,
    ) -> Result<ToolOutput, ToolError> {
        let input: Value = call.input.parse()?;
        match call.tool.definition.name.as_str() {
            "echo" => Ok(ToolOutput::from(input)),
            "later" => {
                tokio::time::sleep(Duration::from_millis(call.call_id % 8)).await;
                Ok(ToolOutput::from(input))
            }
            "much" => {
                let bytes = input["bytes"].as_u64().unwrap_or(0);
                Ok(ToolOutput::text("m".repeat(bytes as usize)))
            }
            "never" => {
                cancellation.cancelled().await;
                Err(ToolError::new("cancelled"))
            }
            "panics" => panic!("{PLANNED}"),
            "panics_later" => {
                tokio::task::yield_now().await;
                panic!("{PLANNED}")
            }
            _ => Err(ToolError::new("it failed").with_result(
                serde_json::value::to_raw_value(&json!({ "isError": true })).unwrap(),
            )),
        }
    }

    async fn notify(&self, _: Notification, _: CancellationToken) {
        tokio::task::yield_now().await;
    }

    async fn cell_closed(&self, cell: CellId) {
        let _ = self.closed.send(cell);
    }
}

/// Panics that were planned say nothing.
pub fn silence_planned_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() != Some(PLANNED) {
            usual(info);
        }
    }));
}
