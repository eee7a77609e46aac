//! A host whose every callback the test holds in its hand: it hears of each and says when it returns.

use code_mode::{
    CancellationToken, CellId, ExecuteRequest, Host, Notification, Session, SessionBuilder,
    ToolCall, ToolDefinition, ToolError, ToolOutput, ToolSet,
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

/// What the host heard.
#[derive(Debug)]
pub enum Event {
    /// A nested call; it returns what is sent, or is as good as never answered.
    Called {
        cell_id: CellId,
        tool_call_id: String,
        input: Value,
        reply: oneshot::Sender<Result<Value, String>>,
    },
    /// A nested call's token fired; it returns when this is sent.
    CallCancelled { release: oneshot::Sender<()> },
    /// A notification; it returns when this is sent.
    Notified {
        text: String,
        release: oneshot::Sender<()>,
    },
    /// A notification's token fired; it returns when this is sent.
    NotificationCancelled { release: oneshot::Sender<()> },
    /// A cell was closed.
    Closed(CellId),
}

pub struct ProbeHost {
    events: mpsc::UnboundedSender<Event>,
}

impl Host for ProbeHost {
    async fn invoke_tool(
        &self,
        call: ToolCall,
        cancellation: CancellationToken,
    ) -> Result<ToolOutput, ToolError> {
        let (reply, answer) = oneshot::channel();
        let _ = self.events.send(Event::Called {
            cell_id: call.cell_id,
            tool_call_id: call.tool_call_id.to_string(),
            input: call.input.parse()?,
            reply,
        });
        let answer = async {
            match answer.await {
                Ok(Ok(value)) => Ok(ToolOutput::from(value)),
                Ok(Err(message)) => Err(ToolError::new(message)),
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            answer = answer => answer,
            () = cancellation.cancelled() => {
                let (release, released) = oneshot::channel();
                let _ = self.events.send(Event::CallCancelled { release });
                let _ = released.await;
                Err(ToolError::new("cancelled"))
            }
        }
    }

    async fn notify(&self, notification: Notification, cancellation: CancellationToken) {
        let (release, released) = oneshot::channel();
        let text = notification.text;
        let _ = self.events.send(Event::Notified { text, release });
        tokio::select! {
            biased;
            _ = released => {}
            () = cancellation.cancelled() => {
                let (release, released) = oneshot::channel();
                let _ = self.events.send(Event::NotificationCancelled { release });
                let _ = released.await;
            }
        }
    }

    async fn cell_closed(&self, cell_id: CellId) {
        let _ = self.events.send(Event::Closed(cell_id));
    }
}

/// What the test holds of a probed session.
pub struct Probe {
    events: mpsc::UnboundedReceiver<Event>,
}

/// A session on a [`ProbeHost`], with a grace so long that only the test ends a callback.
pub fn probed() -> (Session, Probe) {
    let patient = std::time::Duration::from_secs(3600);
    probed_with(Session::builder().cancellation_grace(patient))
}

/// A session of these settings on a [`ProbeHost`].
pub fn probed_with(builder: SessionBuilder) -> (Session, Probe) {
    let (sender, events) = mpsc::unbounded_channel();
    (
        builder.build(ProbeHost { events: sender }),
        Probe { events },
    )
}

/// The one tool of a [`ProbeHost`].
pub fn tools() -> ToolSet {
    ToolSet::new([ToolDefinition::function("call", "Asks the test.")])
}

/// A request for a script that may call the tool.
pub fn request(source: &str) -> ExecuteRequest {
    ExecuteRequest::new(source)
        .enabled_tools(tools())
        .yield_time_ms(crate::support::LONG_MS)
}

impl Probe {
    /// The next thing the host heard.
    pub async fn next(&mut self) -> Event {
        self.events.recv().await.expect("the host is there")
    }

    /// The next event, which must be a nested call; what answers it.
    pub async fn called(&mut self) -> oneshot::Sender<Result<Value, String>> {
        match self.next().await {
            Event::Called { reply, .. } => reply,
            other => panic!("expected a call, heard {other:?}"),
        }
    }

    /// The next event, which must be a nested call, answered with `null`.
    pub async fn answer(&mut self) {
        let _ = self.called().await.send(Ok(json!(null)));
    }

    /// The next event, which must be the closing of a cell.
    pub async fn closed(&mut self) -> CellId {
        match self.next().await {
            Event::Closed(cell_id) => cell_id,
            other => panic!("expected a cell to close, heard {other:?}"),
        }
    }

    /// The next event, which must be the cancellation of a call; lets that call return.
    pub async fn release_cancelled_call(&mut self) {
        match self.next().await {
            Event::CallCancelled { release } => release.send(()).expect("the call waits"),
            other => panic!("expected a call to be cancelled, heard {other:?}"),
        }
    }

    /// What was heard and not asked for yet.
    pub fn so_far(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}
