//! The host of the scripts that are ended: tools that answer at once, later, never, or badly, and a record
//! of what was heard when it should not have been.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use code_mode::{
    CancellationToken, CellId, Host, Notification, ToolCall, ToolDefinition, ToolError, ToolOutput,
    ToolSet,
};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::yield_now;

/// What the panics of the host say.
pub const PLANNED: &str = "a panic that was planned";

pub fn tools() -> ToolSet {
    let tool = |name, about| ToolDefinition::function(name, about);
    ToolSet::new([
        tool("now", "Answers at once."),
        tool("later", "Answers later."),
        tool("never", "Answers when it is cancelled."),
        tool("stubborn", "Answers some time after it was cancelled."),
        tool("computes", "Computes for a while, and answers at once."),
        tool("panics", "Panics."),
    ])
}

/// What the host heard of cells that it had been told were closed.
#[derive(Clone, Default)]
pub struct TooLate(Arc<Mutex<Vec<String>>>);

impl TooLate {
    pub fn heard(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap()
    }
}

pub struct Tools {
    /// Gone with the host.
    closed: mpsc::UnboundedSender<CellId>,
    gone: Mutex<HashSet<CellId>>,
    too_late: TooLate,
}

impl Tools {
    /// A host, and the cells that it was told are closed, until the host itself is gone.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<CellId>, TooLate) {
        let (closed, closings) = mpsc::unbounded_channel();
        let too_late = TooLate::default();
        let host = Self {
            closed,
            gone: Mutex::default(),
            too_late: too_late.clone(),
        };
        (host, closings, too_late)
    }

    fn hears(&self, cell: CellId, what: &str) {
        if self.gone.lock().unwrap().contains(&cell) {
            self.too_late.heard().push(format!("cell {cell}: {what}"));
        }
    }
}

impl Host for Tools {
    async fn invoke_tool(
        &self,
        call: ToolCall,
        cancellation: CancellationToken,
    ) -> Result<ToolOutput, ToolError> {
        let (cell, name) = (call.cell_id, call.tool.definition.name.clone());
        self.hears(cell, &name);
        match name.as_str() {
            "later" => {
                for _ in 0..call.call_id % 4 + 1 {
                    yield_now().await;
                }
            }
            "never" => cancellation.cancelled().await,
            "stubborn" => {
                cancellation.cancelled().await;
                for _ in 0..20 {
                    yield_now().await;
                }
            }
            "computes" => spin(Duration::from_micros(200)),
            "panics" => panic!("{PLANNED}"),
            _ => {}
        }
        self.hears(cell, &format!("{name} goes on"));
        Ok(ToolOutput::from(json!({ "name": name })))
    }

    async fn notify(&self, notification: Notification, _: CancellationToken) {
        self.hears(notification.cell_id, "a notification");
        yield_now().await;
        self.hears(notification.cell_id, "a notification goes on");
    }

    async fn cell_closed(&self, cell: CellId) {
        self.gone.lock().unwrap().insert(cell);
        if cell.to_string().ends_with(['1', '4']) {
            yield_now().await;
        }
        let _ = self.closed.send(cell);
    }
}

/// Lets time pass on this thread, to the microsecond.
pub fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}
