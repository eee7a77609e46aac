//! `exec`, `wait` and the tools that are offered directly, from request to result.

use std::sync::Arc;
use std::time::Duration;

use code_mode::{
    CellId, ContentItem, ExecuteRequest, RuntimeResponse, StartedCell, WaitRequest,
    parse_exec_source,
};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, JsonObject,
    ResultType,
};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::Shared;
use super::arguments::{ExecArguments, SessionArgument, WaitArguments};
use super::cell::CellLog;
use super::client::Client;
use super::listing::{mentions, missing_servers};
use super::question::{self, RequestState};
use super::result::{self, AnswerOptions, failure};
use super::session::{ClientSession, SessionError, SessionUse};
use super::watch::{NextAnswer, Seen, Watch};
use crate::upstream::{Catalogue, ServerState};

/// As long as it takes: a year.
const NO_LIMIT: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// One `tools/call`.
pub(super) struct Call<'a> {
    gateway: &'a Arc<Shared>,
    client: Client,
    /// The session of the connection; `None` where clients name their session.
    connection: Option<Arc<ClientSession>>,
    /// Fires when calls are to come to an end.
    closing: &'a CancellationToken,
    request: CallToolRequestParams,
    /// What it goes on with, if it is a request of before that comes with answers.
    resumed: Option<Resumed>,
}

/// A cell that waits for the answers to questions.
struct Resumed {
    running: SessionUse,
    cell_id: CellId,
    cell: Arc<CellLog>,
}

impl Resumed {
    /// The cell that a request state names, if it was given to this client and is still of use.
    fn find(
        gateway: &Shared,
        connection: Option<&Arc<ClientSession>>,
        state: &str,
    ) -> Option<Self> {
        let state = RequestState::parse(state)?;
        let running = match (connection, &state.session) {
            (Some(session), None) => SessionUse::connected(Arc::clone(session)),
            (None, Some(handle)) => gateway.sessions.find(handle).ok()?,
            _ => return None,
        };
        let cell_id = state.cell_id;
        let cell = running.session.cells.get(cell_id)?;
        cell.has_round(&state.round).then_some(Self {
            running,
            cell_id,
            cell,
        })
    }
}

/// What was asked for a cell.
struct Wanted {
    kind: Kind,
    yield_time: Duration,
    max_tokens: Option<usize>,
    started: Instant,
    /// Said after the answer.
    remarks: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Exec,
    Wait,
    /// A server's tool, offered directly.
    Direct,
}

impl<'a> Call<'a> {
    /// Takes a request in.
    ///
    /// # Errors
    /// When it comes with a request state that was not given to this client. That is no mistake of a
    /// model's, which never sees one, and so no result.
    pub(super) fn new(
        gateway: &'a Arc<Shared>,
        client: Client,
        connection: Option<Arc<ClientSession>>,
        closing: &'a CancellationToken,
        mut request: CallToolRequestParams,
    ) -> Result<Self, ErrorData> {
        const NOT_OURS: &str = "the request state is none that this server gave, or its cell is gone; \
                                call the tool again without it";

        let resumed = match request.request_state.take() {
            Some(state) => {
                let found = Resumed::find(gateway, connection.as_ref(), &state);
                Some(found.ok_or_else(|| ErrorData::invalid_params(NOT_OURS, None))?)
            }
            None => None,
        };
        Ok(Self {
            gateway,
            client,
            connection,
            closing,
            request,
            resumed,
        })
    }

    pub(super) async fn exec(mut self) -> CallToolResponse {
        let started = Instant::now();
        let read = ExecArguments::read(self.request.arguments.take(), self.session_argument());
        let arguments = match read {
            Ok(arguments) => arguments,
            Err(error) => return failure(error).into(),
        };
        let source = match parse_exec_source(&arguments.source) {
            Ok(source) => source,
            Err(error) => return failure(error).into(),
        };
        let yield_time = arguments.yield_time_ms.or(source.yield_time_ms);
        let yield_time =
            yield_time.map_or(self.gateway.options.exec_yield_time, Duration::from_millis);
        let pragma_tokens = source.max_output_tokens;
        let pragma_tokens = pragma_tokens.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        let mut wanted = Wanted {
            kind: Kind::Exec,
            yield_time: yield_time.min(self.longest_wait()),
            max_tokens: arguments.max_output_tokens.or(pragma_tokens),
            started,
            remarks: Vec::new(),
        };
        if let Some(resumed) = self.resumed.take() {
            return self.go_on(resumed, wanted).await;
        }

        let Some(catalogue) = self.catalogue_for(&source.source).await else {
            return cancelled().into();
        };
        let running = match self.session_for_exec(arguments.session.as_deref()) {
            Ok(running) => running,
            Err(error) => return failure(error).into(),
        };
        if let (Some(handle), None) = (&running.session.handle, &arguments.session) {
            wanted.remarks.push(format!(
                "Session {handle}: give it as session to later calls of exec and wait that are to find \
                 the stored values and cells of this one."
            ));
        }
        let servers = catalogue.servers.iter();
        let mentioned = servers
            .map(|server| &server.namespace)
            .filter(|namespace| mentions(&source.source, namespace))
            .cloned()
            .collect();
        let request = ExecuteRequest::new(source.source)
            .tool_call_id(self.client.request_id.to_string())
            .enabled_tools(catalogue.tools.clone())
            .yield_time_ms(u64::MAX);
        match running.session.engine.start(request) {
            Ok(cell) => {
                let log = running.session.cells.of(cell.cell_id());
                // A new cell's, which has none yet.
                let _ = log.mentioned.set(mentioned);
                self.watch_started(&running, cell, wanted).await
            }
            Err(error) => failure(error).into(),
        }
    }

    pub(super) async fn wait(mut self) -> CallToolResponse {
        let started = Instant::now();
        let read = WaitArguments::read(self.request.arguments.take(), self.session_argument());
        let arguments = match read {
            Ok(arguments) => arguments,
            Err(error) => return failure(error).into(),
        };
        let longest = self.longest_wait();
        let yield_time = arguments.yield_time_ms.map(Duration::from_millis);
        let wanted = Wanted {
            kind: Kind::Wait,
            yield_time: yield_time.map_or(longest, |asked| asked.min(longest)),
            max_tokens: arguments.max_tokens,
            started,
            remarks: Vec::new(),
        };
        if let Some(resumed) = self.resumed.take() {
            return self.go_on(resumed, wanted).await;
        }
        let running = match self.session_for_wait(arguments.session.as_deref()) {
            Ok(running) => running,
            Err(error) => return failure(error).into(),
        };
        Span::current().record("cell", arguments.cell_id.to_string());
        if arguments.terminate {
            return self.terminate(&running, arguments.cell_id, wanted).await;
        }
        let answer = next_answer(&running.session, arguments.cell_id);
        self.watch(&running, arguments.cell_id, answer, wanted)
            .await
    }

    /// Calls a server's tool for a client that sees it directly. It goes the way of any nested call, in
    /// a script of ours, so that policy, audit log, questions, progress and cancellation are the same.
    pub(super) async fn direct(mut self) -> CallToolResponse {
        const SCRIPT: &str = "\
            const { tool, input } = load('call');\n\
            let outcome;\n\
            try { outcome = { result: await tools[tool].raw(input) }; }\n\
            catch (error) { outcome = { error: error.message }; }\n\
            text(JSON.stringify(outcome));";

        let wanted = Wanted {
            kind: Kind::Direct,
            yield_time: NO_LIMIT,
            max_tokens: None,
            started: Instant::now(),
            remarks: Vec::new(),
        };
        if let Some(resumed) = self.resumed.take() {
            return self.go_on(resumed, wanted).await;
        }
        let running = match self.session_for_exec(None) {
            Ok(running) => running,
            Err(error) => return failure(error).into(),
        };
        let input: JsonObject = self.request.arguments.take().unwrap_or_default();
        let call = json!({ "tool": self.request.name, "input": input });
        let mut values = code_mode::StoredValues::default();
        if let Err(error) = values.insert("call", &call) {
            return failure(error).into();
        }
        let request = ExecuteRequest::new(SCRIPT)
            .tool_call_id(self.client.request_id.to_string())
            .enabled_tools(self.gateway.upstream.catalogue().tools.clone())
            .stored_values(values)
            .yield_time_ms(u64::MAX);
        match running.session.engine.start(request) {
            Ok(cell) => self.watch_started(&running, cell, wanted).await,
            Err(error) => failure(error).into(),
        }
    }

    async fn watch_started(
        self,
        running: &SessionUse,
        cell: StartedCell,
        wanted: Wanted,
    ) -> CallToolResponse {
        let cell_id = cell.cell_id();
        Span::current().record("cell", cell_id.to_string());
        let answer: NextAnswer = Box::pin(async move { Ok(cell.response().await) });
        self.watch(running, cell_id, answer, wanted).await
    }

    /// A request that comes with the answers to questions: they are given, and the cell is watched on.
    async fn go_on(mut self, resumed: Resumed, wanted: Wanted) -> CallToolResponse {
        let Resumed {
            running,
            cell_id,
            cell,
        } = resumed;
        Span::current().record("cell", cell_id.to_string());
        let responses = self.request.input_responses.take().unwrap_or_default();
        for (id, reply) in question::replies(responses) {
            running.session.cells.answer(&cell, &id, reply);
        }
        let answer = next_answer(&running.session, cell_id);
        self.watch(&running, cell_id, answer, wanted).await
    }

    async fn watch(
        mut self,
        running: &SessionUse,
        cell_id: CellId,
        answer: NextAnswer,
        wanted: Wanted,
    ) -> CallToolResponse {
        let session = &running.session;
        // Not for a cell that is gone, or never was.
        let cell = match wanted.kind {
            Kind::Wait => session.cells.get(cell_id).unwrap_or_default(),
            Kind::Exec | Kind::Direct => session.cells.of(cell_id),
        };
        let watch = Watch {
            session,
            cell_id,
            cell: Arc::clone(&cell),
            client: &mut self.client,
            yield_time: wanted.yield_time,
            progress_interval: self.gateway.options.progress_interval,
        };
        let seen = watch.until_something_happens(answer).await;
        if wanted.kind == Kind::Direct
            && !matches!(seen, Seen::Question(_))
            && let Some(handle) = &session.handle
        {
            // It was there for this call alone.
            self.gateway.sessions.end(handle);
        }
        match seen {
            Seen::Answer(response) => self.answer(session, &cell, &response, wanted).into(),
            Seen::Question(question) => question.into(),
            Seen::Cancelled => {
                if wanted.kind != Kind::Wait {
                    session.abandon(cell_id);
                }
                cancelled().into()
            }
            Seen::Error(error) => failure(error).into(),
        }
    }

    async fn terminate(
        self,
        running: &SessionUse,
        cell_id: CellId,
        wanted: Wanted,
    ) -> CallToolResponse {
        let session = &running.session;
        let answered = session.engine.wait(WaitRequest::terminate(cell_id)).await;
        match answered {
            Ok(response) => {
                let cell = session.cells.get(cell_id).unwrap_or_default();
                self.answer(session, &cell, &response, wanted).into()
            }
            Err(error) => failure(error).into(),
        }
    }

    fn answer(
        &self,
        session: &Arc<ClientSession>,
        cell: &CellLog,
        response: &RuntimeResponse,
        mut wanted: Wanted,
    ) -> CallToolResult {
        if !matches!(response, RuntimeResponse::Yielded { .. }) {
            session.cells.forget(response.cell_id());
        }
        if wanted.kind == Kind::Direct {
            return direct_result(response);
        }
        wanted
            .remarks
            .extend(self.missing_servers(session, cell, response));
        let structured = self.gateway.options.structured;
        let options = AnswerOptions {
            max_tokens: wanted.max_tokens,
            wall_time: wanted.started.elapsed(),
            structured_content: structured.as_content(self.client.name.as_deref()),
            version: self.client.version.clone(),
            remarks: wanted.remarks,
        };
        result::answer(session, cell, response, options)
    }

    /// What an answer says of servers that are missing. Of all of them once, when that may explain it; and
    /// at the end of a script of those that it mentions. The description of `exec` has them anyway.
    fn missing_servers(
        &self,
        session: &ClientSession,
        cell: &CellLog,
        response: &RuntimeResponse,
    ) -> Option<String> {
        let catalogue = self.gateway.upstream.catalogue();
        if response.error_text().is_some() || catalogue.tools.is_empty() {
            let missing = catalogue.missing();
            let missing = missing.map(|(server, _)| server.namespace.clone());
            if session.missing_is_news(missing.collect()) {
                return missing_servers(&catalogue.servers);
            }
        }
        if matches!(response, RuntimeResponse::Yielded { .. }) {
            return None;
        }
        let mentioned = cell.mentioned.get()?;
        let servers = catalogue.servers.iter();
        missing_servers(servers.filter(|server| mentioned.contains(&server.namespace)))
    }

    fn session_argument(&self) -> SessionArgument {
        match self.connection {
            Some(_) => SessionArgument::None,
            None => SessionArgument::Accepted,
        }
    }

    fn session_for_exec(&self, handle: Option<&str>) -> Result<SessionUse, SessionError> {
        match (&self.connection, handle) {
            (Some(session), _) => Ok(SessionUse::connected(Arc::clone(session))),
            (None, Some(handle)) => self.gateway.sessions.find(handle),
            (None, None) => {
                let sessions = &self.gateway.sessions;
                sessions.named(|number, cells| self.gateway.engine(number, cells))
            }
        }
    }

    fn session_for_wait(&self, handle: Option<&str>) -> Result<SessionUse, SessionError> {
        match (&self.connection, handle) {
            (None, None) => Err(SessionError::NotNamed),
            _ => self.session_for_exec(handle),
        }
    }

    /// What a request may take: progress notifications keep it alive.
    fn longest_wait(&self) -> Duration {
        let options = &self.gateway.options;
        if self.client.hears_progress() {
            options.longest_wait
        } else {
            options.longest_silent_wait
        }
    }

    /// The tools for a script, once the servers it mentions have had the time they need to connect.
    /// `None` if the client has gone meanwhile.
    async fn catalogue_for(&self, source: &str) -> Option<Arc<Catalogue>> {
        let upstream = &self.gateway.upstream;
        let mut changes = upstream.changes();
        let connected = async {
            loop {
                changes.borrow_and_update();
                let catalogue = upstream.catalogue();
                let waits = catalogue.servers.iter().any(|server| {
                    matches!(server.state, ServerState::Connecting)
                        && mentions(source, &server.namespace)
                });
                if !waits || changes.changed().await.is_err() {
                    return;
                }
            }
        };
        let longest = self.gateway.options.longest_connecting_wait;
        tokio::select! {
            _ = timeout(longest, connected) => Some(upstream.catalogue()),
            () = self.client.cancelled.cancelled() => None,
            () = self.closing.cancelled() => Some(upstream.catalogue()),
        }
    }
}

fn next_answer(session: &Arc<ClientSession>, cell_id: CellId) -> NextAnswer {
    let session = Arc::clone(session);
    Box::pin(async move {
        let request = WaitRequest::new(cell_id).yield_time_ms(u64::MAX);
        session.engine.wait(request).await
    })
}

/// Nobody reads it: the client has gone.
fn cancelled() -> CallToolResult {
    failure("the request was cancelled")
}

/// What a server answered to a direct call.
fn direct_result(response: &RuntimeResponse) -> CallToolResult {
    #[derive(Deserialize)]
    struct Outcome {
        result: Option<CallToolResult>,
        error: Option<String>,
    }

    let outcome = response.content_items().iter().find_map(|item| match item {
        ContentItem::Text { text } => serde_json::from_str::<Outcome>(text).ok(),
        _ => None,
    });
    match outcome {
        Some(Outcome {
            result: Some(mut result),
            ..
        }) => {
            // Servers of older revisions leave it out; for clients of those it is taken out again.
            result.result_type = Some(ResultType::COMPLETE);
            result
        }
        Some(Outcome {
            error: Some(error), ..
        }) => CallToolResult::error(vec![ContentBlock::text(error)]),
        _ => failure(
            response
                .error_text()
                .unwrap_or("the call was ended before it had a result"),
        ),
    }
}
