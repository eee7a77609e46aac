//! `tracing` spans: what is inside what, and what they say.

use std::sync::{Arc, Mutex};

use code_mode::{
    CancellationToken, CellId, ExecuteRequest, Host, Notification, Session, ToolCall,
    ToolDefinition, ToolError, ToolOutput, ToolSet,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Instrument, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::support::LONG_MS;

/// What a subscriber heard, a line each.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    /// Listens on this thread, which is also the runtime's, until the guard is dropped.
    fn listen(&self) -> DefaultGuard {
        let subscriber = tracing_subscriber::registry().with(self.clone());
        tracing::subscriber::set_default(subscriber)
    }

    fn push(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    /// The lines so far that begin so.
    fn lines(&self, start: &str) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        lines
            .iter()
            .filter(|line| line.starts_with(start))
            .cloned()
            .collect()
    }
}

/// The fields of a span or an event.
#[derive(Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!(" {field}={value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Heard {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let metadata = attributes.metadata();
        if metadata.target() == "code_mode" {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            self.push(format!(
                "new {} {}{}",
                metadata.level(),
                metadata.name(),
                fields.0
            ));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let spans = context
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root());
        let spans: Vec<_> = spans.map(|span| span.name()).collect();
        self.push(format!("event{} in {}", fields.0, spans.join(" > ")));
    }

    fn on_follows_from(&self, span: &Id, follows: &Id, context: Context<'_, S>) {
        let name = |id| context.span(id).expect("an open span").name();
        self.push(format!("{} follows {}", name(span), name(follows)));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).expect("a span that closes");
        if span.metadata().target() == "code_mode" {
            self.push(format!("closed {}", span.name()));
        }
    }
}

/// Says where it is called.
struct Saying;

impl Host for Saying {
    async fn invoke_tool(
        &self,
        _: ToolCall,
        _: CancellationToken,
    ) -> Result<ToolOutput, ToolError> {
        tracing::info!(at = "call");
        tokio::task::yield_now().await;
        tracing::info!(at = "later");
        Ok(ToolOutput::text("done"))
    }

    async fn notify(&self, _: Notification, _: CancellationToken) {
        tracing::info!(at = "notification");
    }

    async fn cell_closed(&self, _: CellId) {
        tracing::info!(at = "end");
    }
}

fn request() -> ExecuteRequest {
    let tool = ToolDefinition::function("read-log", "").namespace("mcp__git");
    ExecuteRequest::new("await tools.mcp__git__read_log({ secret: 1 }); notify('secret')")
        .tool_call_id("call_7")
        .enabled_tools(ToolSet::new([tool]))
        .yield_time_ms(LONG_MS)
}

#[tokio::test]
async fn host_futures_run_inside_the_call_inside_the_cell_inside_the_session() {
    let heard = Heard::default();
    let guard = heard.listen();
    let session = Session::new(Saying);
    session.execute(request()).await.unwrap();
    session.shutdown().await;
    assert_eq!(
        heard.lines("event"),
        [
            "event at=\"call\" in session > cell > call",
            "event at=\"later\" in session > cell > call",
            "event at=\"notification\" in session > cell",
            "event at=\"end\" in session > cell",
        ]
    );
    drop(session);
    drop(guard);
}

#[tokio::test]
async fn spans_say_names_and_ids_and_nothing_that_a_script_said() {
    let heard = Heard::default();
    let guard = heard.listen();
    let session = Session::new(Saying);
    session.execute(request()).await.unwrap();
    session
        .execute(request().tool_call_id("call_8"))
        .await
        .unwrap();
    session.shutdown().await;
    assert_eq!(
        heard.lines("new"),
        [
            "new INFO session",
            "new INFO cell cell_id=1 tool_call_id=\"call_7\"",
            "new INFO call tool=\"mcp__git__read_log\" call_id=1",
            "new INFO cell cell_id=2 tool_call_id=\"call_8\"",
            "new INFO call tool=\"mcp__git__read_log\" call_id=1",
        ]
    );
    drop(guard);
}

#[tokio::test]
async fn the_parent_of_a_cell_is_the_span_of_whoever_starts_it() {
    let heard = Heard::default();
    let guard = heard.listen();
    let session = Session::new(Saying);
    let asked = async { session.execute(request()).await.unwrap() };
    asked.instrument(tracing::info_span!("request")).await;
    session.shutdown().await;
    assert_eq!(
        heard.lines("event"),
        [
            "event at=\"call\" in request > cell > call",
            "event at=\"later\" in request > cell > call",
            "event at=\"notification\" in request > cell",
            "event at=\"end\" in request > cell",
        ]
    );
    assert_eq!(heard.lines("cell follows"), ["cell follows session"]);
    drop(guard);
}

#[tokio::test]
async fn a_cells_span_ends_with_the_cell_and_a_sessions_with_the_session() {
    let heard = Heard::default();
    let guard = heard.listen();
    let session = Session::new(Saying);
    // Its answer is read after its end.
    let started = session.start(request()).unwrap();
    session.shutdown().await;
    assert_eq!(heard.lines("closed").last().unwrap(), "closed cell");
    started.response().await;
    drop(session);
    assert_eq!(heard.lines("closed").last().unwrap(), "closed session");
    assert_eq!(heard.lines("closed cell").len(), 1);
    drop(guard);
}
