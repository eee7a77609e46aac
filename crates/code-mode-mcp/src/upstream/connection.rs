//! One connection to a server: made, asked for its tools, called, closed.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientRequest, ElicitResult, ElicitationAction,
    InputRequest, InputRequiredResult, InputResponses, ListToolsRequest, PaginatedRequestParams,
    ProtocolVersion, RequestId, RequestMetaObject, ServerPeerInfo, ServerResult,
    SubscriptionFilter,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, ClientServiceExt, Peer, PeerRequestOptions,
    RequestHandle, RunningService, ServiceError,
};
use rmcp::transport::IntoTransport;
use rmcp::transport::streamable_http_client::StreamableHttpError;
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::call::{CallError, UpstreamCall};
use super::frame::{TOO_LARGE, is_our_own};
use super::handler::Handler;
use super::process::{LastWords, Process};
use super::session::{Loss, Session};
use super::stdio::StdioTransport;
use super::trace::add_trace_context;
use super::watched::{InFlight, Watch, WatchParts, Watched};
use super::{http, tools};
use crate::config::Redactor;
use crate::config::{ServerConfig, Transport};

/// How long the goodbye to a server may take before its connection is dropped.
const CLOSE_GRACE: Duration = Duration::from_secs(3);

/// How long telling a server of a cancellation may take.
const CANCEL_GRACE: Duration = Duration::from_secs(1);

/// Rounds of questions in one call. A server that asks on has lost its way.
const MOST_ROUNDS: usize = 10;

/// Between two attempts to subscribe to changes.
const LISTEN_AGAIN: Duration = Duration::from_secs(5);

/// How a connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Lifecycle {
    /// With `server/discover`; with `initialize` if the server does not know that.
    #[default]
    Newest,
    /// With `initialize`.
    Initialize,
}

impl Lifecycle {
    fn mode(self) -> ClientLifecycleMode {
        match self {
            Self::Newest => ClientLifecycleMode::Auto {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
                legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
            },
            Self::Initialize => ClientLifecycleMode::Initialize,
        }
    }
}

/// What an attempt to connect failed of.
pub(super) struct ConnectError {
    /// A sentence without secrets.
    pub(super) why: String,
    /// Whether the server may be one that knows `initialize` alone: at the first request it went away
    /// without a word, named older revisions, or gave an answer that is none.
    pub(super) may_be_older: bool,
}

/// A connection that is up. Owned by the server's task; dropping it closes the connection and kills
/// the child process.
pub(super) struct Connection {
    service: RunningService<RoleClient, Handler>,
    process: Option<Process>,
    /// Fires when the service has ended, because the other side went away or because it was closed.
    pub(super) ended: CancellationToken,
    /// Woken by `notifications/tools/list_changed`.
    pub(super) tools_changed: Arc<Notify>,
    /// What calls use.
    pub(super) line: Arc<Line>,
}

/// The part of a connection that calls use. Shared by the calls in flight; useless once the
/// connection is closed.
pub(super) struct Line {
    pub(super) peer: Peer<RoleClient>,
    pub(super) info: Arc<ServerPeerInfo>,
    /// Whether the server still knows us: over HTTP calls find that out.
    pub(super) session: Arc<Session>,
    redactor: Redactor,
}

impl Connection {
    /// Connects. Does not ask for the tools yet.
    pub(super) async fn open(
        config: &ServerConfig,
        redactor: &Redactor,
        last_words: &LastWords,
        lifecycle: Lifecycle,
    ) -> Result<Self, ConnectError> {
        match &config.transport {
            Transport::Stdio { command, .. } => {
                let started = Process::start(&config.transport, &config.name, redactor, last_words);
                let (process, stdin, stdout) = started.map_err(|error| ConnectError {
                    why: cannot_start(command, &error),
                    may_be_older: false,
                })?;
                let server = Arc::from(config.name.as_str());
                let transport = StdioTransport::new(server, redactor.clone(), stdin, stdout);
                let session = Session::new(InFlight::default());
                Self::begin(
                    config,
                    redactor,
                    lifecycle,
                    transport,
                    session,
                    Some(process),
                )
                .await
            }
            Transport::Http { .. } => {
                let session = Session::new(InFlight::default());
                let transport =
                    http::transport(&config.transport, &session).map_err(|error| ConnectError {
                        why: redactor.redact(&with_causes(&error)),
                        may_be_older: false,
                    })?;
                Self::begin(config, redactor, lifecycle, transport, session, None).await
            }
        }
    }

    async fn begin<T, E, A>(
        config: &ServerConfig,
        redactor: &Redactor,
        lifecycle: Lifecycle,
        transport: T,
        session: Arc<Session>,
        process: Option<Process>,
    ) -> Result<Self, ConnectError>
    where
        T: IntoTransport<RoleClient, E, A>,
        E: Error + Send + Sync + 'static,
    {
        let in_flight = session.in_flight().clone();
        let tools_changed = Arc::new(Notify::new());
        let handler = Handler {
            server: config.name.as_str().into(),
            redactor: redactor.clone(),
            in_flight: in_flight.clone(),
            tools_changed: Arc::clone(&tools_changed),
        };
        let (transport, ended) = Watched::new(transport.into_transport(), in_flight);
        let begun = handler
            .serve_with_lifecycle(transport, lifecycle.mode())
            .await;
        let service = match begun {
            Ok(service) => service,
            Err(error) => return Err(not_begun(&error, redactor, process).await),
        };
        let Some(info) = service.peer().peer_info() else {
            return Err(ConnectError {
                why: "the server said nothing of itself".to_owned(),
                may_be_older: false,
            });
        };
        let line = Arc::new(Line {
            peer: service.peer().clone(),
            info,
            session,
            redactor: redactor.clone(),
        });
        Ok(Self {
            service,
            process,
            ended,
            tools_changed,
            line,
        })
    }

    /// Wakes `tools_changed` when a server of revision 2026-07-28 says that its tools have changed:
    /// those tell only who subscribed. Returns when there is nothing to subscribe to.
    pub(super) async fn follow_changes(&self) {
        let announced = &self.line.info.capabilities.tools;
        let announced = announced.as_ref().and_then(|tools| tools.list_changed);
        if self.line.info.protocol_version.has_initialize() || announced != Some(true) {
            return;
        }
        loop {
            let filter = SubscriptionFilter::builder().tools_list_changed().build();
            match self.line.peer.listen(filter).await {
                Ok(mut subscription) => {
                    // Changes from before the subscription, or between two.
                    self.tools_changed.notify_one();
                    while let Ok(Some(_)) = subscription.next().await {
                        self.tools_changed.notify_one();
                    }
                }
                Err(ServiceError::McpError(error)) => {
                    let why = self.line.redactor.redact(&error.message);
                    tracing::debug!(why, "a server takes no subscription");
                    return;
                }
                Err(error) => {
                    let why = self.line.redactor.redact(&with_causes(&error));
                    tracing::debug!(why, "a subscription failed");
                }
            }
            tokio::time::sleep(LISTEN_AGAIN).await;
        }
    }

    /// Closes the connection, ends the child process, and says what the process said of its end.
    pub(super) async fn close(mut self) -> Option<String> {
        if let Err(error) = self.service.close_with_timeout(CLOSE_GRACE).await {
            tracing::debug!(%error, "a connection did not close in order");
        }
        // The transport with the child's standard input goes with the service.
        drop(self.service);
        self.process.take()?.end().await.describe()
    }
}

async fn not_begun(
    error: &ClientInitializeError,
    redactor: &Redactor,
    process: Option<Process>,
) -> ConnectError {
    let may_be_older = match error {
        ClientInitializeError::ConnectionClosed(_)
        | ClientInitializeError::NoCompatibleProtocolVersion { .. }
        // It takes every request for one it knows.
        | ClientInitializeError::ExpectedInitResult(_) => true,
        // It was gone before it was asked, or went while it was.
        ClientInitializeError::TransportError { .. } => process.is_some(),
        _ => false,
    };
    let mut why = match error {
        ClientInitializeError::ConnectionClosed(_) if process.is_some() => {
            "the process closed its standard output before it answered".to_owned()
        }
        // The first request of a server that ended already.
        ClientInitializeError::TransportError { .. } if process.is_some() => {
            "the process took no request".to_owned()
        }
        error => begin_error(error),
    };
    if let Some(process) = process
        && let Some(end) = process.end().await.describe()
    {
        why = format!("{why}; {end}");
    }
    ConnectError {
        why: redactor.redact(&why),
        may_be_older,
    }
}

/// The words of the library, without the names of its types.
fn begin_error(error: &ClientInitializeError) -> String {
    if error.is_authorization_required() {
        return "it wants to know who we are (HTTP 401); put its credentials into the server's headers"
            .to_owned();
    }
    match error {
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => begin_error(fallback),
        ClientInitializeError::TransportError { error, .. } => with_causes(&*error.error),
        ClientInitializeError::JsonRpcError(error) => {
            format!(
                "it refused: {} (JSON-RPC error {})",
                error.message, error.code.0
            )
        }
        ClientInitializeError::ConnectionClosed(_) => {
            "it closed the connection before it answered".to_owned()
        }
        error => with_causes(error),
    }
}

fn cannot_start(command: &str, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!("the command {command:?} was not found; install it, or correct the path")
        }
        _ => format!("the command {command:?} cannot be started: {error}"),
    }
}

/// An error with all its causes, those left out that the text before already says.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = cause(error);
    while let Some(error) = next {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause(error);
    }
    text
}

/// What caused an error. The library's errors do not give out the HTTP client's, which says most.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref() {
        Some(StreamableHttpError::<reqwest::Error>::Client(error)) => Some(error),
        _ => error.source(),
    }
}

/// What became of a request.
pub(super) enum Outcome {
    /// It was answered, or it failed for good.
    Done(Result<Value, CallError>),
    /// It never left, or the server refused to look at it: another connection may take it.
    NotSent,
}

impl Line {
    /// All tools, page by page. `None` where the server has none to offer.
    pub(super) async fn list_tools(&self) -> Result<tools::Listed, String> {
        let mut listed = tools::Listed::default();
        if self.info.capabilities.tools.is_none() {
            return Ok(listed);
        }
        let mut cursor = None;
        loop {
            let mut params = PaginatedRequestParams::default();
            params.cursor = cursor;
            let request = ListToolsRequest {
                method: Default::default(),
                params: Some(params),
                extensions: Default::default(),
            };
            let answer = self
                .peer
                .send_request(ClientRequest::ListToolsRequest(request))
                .await
                .map_err(|error| self.not_listed(&error))?;
            match listed.add_page(to_value(answer)) {
                Some(next) => cursor = Some(next),
                None => return Ok(listed),
            }
        }
    }

    fn not_listed(&self, error: &ServiceError) -> String {
        if let ServiceError::TransportSend(error) = error {
            self.may_be_lost(&fate_of(error));
        }
        self.redactor.redact(&with_causes(error))
    }

    /// Has the connection given up if what became of a request says that it is of no use any more.
    fn may_be_lost(&self, fate: &Fate) {
        match fate {
            Fate::Unreached | Fate::Lost => self.session.lose(Loss::Unreachable),
            Fate::Forgotten => self.session.lose(Loss::Forgotten),
            Fate::Refused => self.session.lose_if_in_doubt(),
            Fate::TooLarge => {}
        }
    }

    /// Calls a tool and sees the call through: questions to a person, progress, time-out,
    /// cancellation.
    pub(super) async fn call(&self, call: &UpstreamCall, timeout: Option<Duration>) -> Outcome {
        let mut params =
            CallToolRequestParams::new(call.tool.clone()).with_arguments(call.arguments.clone());
        for _ in 0..MOST_ROUNDS {
            let answer = match self.round(call, params.clone(), timeout).await {
                Ok(answer) => answer,
                Err(Stopped::NotSent) => return Outcome::NotSent,
                Err(Stopped::Failed(error)) => return Outcome::Done(Err(error)),
            };
            match answer.get("resultType").and_then(Value::as_str) {
                None | Some("complete") => {
                    let checked = checked(answer).map_err(|why| failed(call, why.to_owned()));
                    return Outcome::Done(checked);
                }
                Some("input_required") => match self.ask(call, answer).await {
                    Ok((responses, state)) => {
                        params.input_responses = Some(responses);
                        params.request_state = state;
                    }
                    Err(error) => return Outcome::Done(Err(error)),
                },
                Some(other) => {
                    let why = format!("its answer is of type {other:?}, which is not supported");
                    return Outcome::Done(Err(failed(call, why)));
                }
            }
        }
        let why = format!("it asked for input {MOST_ROUNDS} times and gave no result");
        Outcome::Done(Err(failed(call, why)))
    }

    async fn round(
        &self,
        call: &UpstreamCall,
        params: CallToolRequestParams,
        timeout: Option<Duration>,
    ) -> Result<Value, Stopped> {
        let watch = Watch(Arc::new(WatchParts::new(
            call.on_progress.clone(),
            call.elicit.clone(),
        )));
        let mut request = CallToolRequest::new(params);
        request.extensions.insert(watch.clone());
        let mut meta = RequestMetaObject::new();
        add_trace_context(&mut meta);
        let options = PeerRequestOptions::no_options().with_meta(meta);
        let sent = self
            .peer
            .send_request_with_option(ClientRequest::CallToolRequest(request), options);
        let Some(sent) = call.cancellation.run_until_cancelled(sent).await else {
            return Err(Stopped::Failed(cancelled(call)));
        };
        // The library has no room for a request only when its end of the channel is gone.
        let mut sent = SentRequest::new(sent.map_err(|_| Stopped::NotSent)?);
        let id = sent.id.clone();
        let deadline = tokio::time::sleep(timeout.unwrap_or(Duration::MAX));
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                biased;
                answer = sent.answer() => return self.answered(call, &id, answer),
                () = call.cancellation.cancelled() => {
                    sent.cancel("the caller does not want the result any more").await;
                    return Err(Stopped::Failed(cancelled(call)));
                }
                () = watch.0.reported.notified() => {
                    if let Some(timeout) = timeout {
                        deadline.as_mut().reset(tokio::time::Instant::now() + timeout);
                    }
                }
                () = &mut deadline, if timeout.is_some() && !watch.0.is_asking() => {
                    sent.cancel("it took longer than the configured time-out").await;
                    return Err(Stopped::Failed(CallError::TimedOut {
                        server: call.server.clone(),
                        tool: call.tool.clone(),
                        after: timeout.unwrap_or_default(),
                    }));
                }
            }
        }
    }

    fn answered(
        &self,
        call: &UpstreamCall,
        id: &RequestId,
        answer: Result<ServerResult, ServiceError>,
    ) -> Result<Value, Stopped> {
        let error = match answer {
            Ok(result) => return Ok(to_value(result)),
            Err(error) => error,
        };
        let refused = self.session.forget(id);
        let error = match error {
            ServiceError::McpError(error) if is_our_own(&error) => {
                failed(call, self.redactor.redact(&error.message))
            }
            ServiceError::McpError(error) => CallError::Refused {
                server: call.server.clone(),
                tool: call.tool.clone(),
                code: error.code.0,
                message: self.redactor.redact(&error.message),
            },
            // The connection was given up before the refusal came this far.
            ServiceError::TransportClosed if refused => return Err(Stopped::NotSent),
            ServiceError::TransportClosed => lost(call),
            ServiceError::TransportSend(error) => {
                let fate = fate_of(&error);
                self.may_be_lost(&fate);
                match fate {
                    Fate::Unreached | Fate::Forgotten => return Err(Stopped::NotSent),
                    Fate::Lost => lost(call),
                    Fate::TooLarge => failed(call, TOO_LARGE.to_owned()),
                    Fate::Refused => {
                        failed(call, self.redactor.redact(&with_causes(&*error.error)))
                    }
                }
            }
            error => failed(call, self.redactor.redact(&with_causes(&error))),
        };
        Err(Stopped::Failed(error))
    }

    /// Has a person answer what the server needs to go on.
    async fn ask(
        &self,
        call: &UpstreamCall,
        answer: Value,
    ) -> Result<(InputResponses, Option<String>), CallError> {
        let needed: InputRequiredResult = serde_json::from_value(answer)
            .map_err(|error| failed(call, format!("it asks for input unreadably: {error}")))?;
        let mut responses = InputResponses::new();
        for (key, request) in needed.input_requests.unwrap_or_default() {
            let InputRequest::Elicitation(question) = request else {
                let why = "it asks for something other than a person's input, which is not offered";
                return Err(failed(call, why.to_owned()));
            };
            let answer = match &call.elicit {
                Some(elicit) => call
                    .cancellation
                    .run_until_cancelled(elicit.elicit(question.params))
                    .await
                    .ok_or_else(|| cancelled(call))?,
                None => ElicitResult::new(ElicitationAction::Decline),
            };
            let answer = serde_json::to_value(answer).map_err(|error| {
                failed(call, format!("the person's answer is no JSON: {error}"))
            })?;
            responses.insert(key, answer);
        }
        Ok((responses, needed.request_state))
    }
}

/// Why a request has no answer.
enum Stopped {
    NotSent,
    Failed(CallError),
}

/// A request under way. Dropping it unanswered tells the server that nobody waits any more.
struct SentRequest {
    id: RequestId,
    handle: Option<RequestHandle<RoleClient>>,
}

impl SentRequest {
    fn new(handle: RequestHandle<RoleClient>) -> Self {
        Self {
            id: handle.id.clone(),
            handle: Some(handle),
        }
    }

    async fn answer(&mut self) -> Result<ServerResult, ServiceError> {
        let Some(handle) = &mut self.handle else {
            return Err(ServiceError::TransportClosed);
        };
        let answer = (&mut handle.rx).await;
        self.handle = None;
        answer.unwrap_or(Err(ServiceError::TransportClosed))
    }

    async fn cancel(&mut self, reason: &str) {
        if let Some(handle) = self.handle.take() {
            let told = handle.cancel(Some(reason.to_owned()));
            let _ = tokio::time::timeout(CANCEL_GRACE, told).await;
        }
    }
}

impl Drop for SentRequest {
    fn drop(&mut self) {
        let (Some(handle), Ok(runtime)) =
            (self.handle.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        // Ends by itself within the grace; holds nothing but its place in the connection's queue.
        runtime.spawn(async move {
            let told = handle.cancel(Some("nobody waits for the result any more".to_owned()));
            let _ = tokio::time::timeout(CANCEL_GRACE, told).await;
        });
    }
}

/// What an error of the transport means for the request.
enum Fate {
    /// The server cannot have seen it.
    Unreached,
    /// The server refused to look at it: it has forgotten the session.
    Forgotten,
    /// The server may have seen it, and the connection is in doubt.
    Lost,
    /// The answer is larger than what is taken.
    TooLarge,
    /// The server answered over the transport, but not as it should.
    Refused,
}

fn fate_of(error: &(dyn Error + 'static)) -> Fate {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<reqwest::Error>() {
            return match error {
                error if error.is_connect() => Fate::Unreached,
                error if error.is_status() || error.is_redirect() || error.is_builder() => {
                    Fate::Refused
                }
                _ => Fate::Lost,
            };
        }
        if let Some(error) = error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
            match error {
                StreamableHttpError::Client(_) => {}
                StreamableHttpError::ResponseBodyTooLarge { .. } => return Fate::TooLarge,
                StreamableHttpError::SessionExpired => return Fate::Forgotten,
                StreamableHttpError::TransportChannelClosed
                | StreamableHttpError::ReinitializationFailed(_)
                | StreamableHttpError::SessionRecoveryTimeout
                | StreamableHttpError::UnexpectedEndOfStream
                | StreamableHttpError::Io(_)
                | StreamableHttpError::Sse(_) => return Fate::Lost,
                _ => return Fate::Refused,
            }
        }
        if error.is::<std::io::Error>() {
            return Fate::Lost;
        }
        next = cause(error);
    }
    Fate::Refused
}

/// The answer, if it has the form of a `CallToolResult` as far as anybody here looks into it.
fn checked(answer: Value) -> Result<Value, &'static str> {
    if !answer.is_object() {
        return Err("its answer is no object");
    }
    match answer.get("content") {
        None | Some(Value::Array(_)) => Ok(answer),
        Some(_) => Err("the content of its answer is no array"),
    }
}

/// The JSON of a result. Where it came as it was on the wire it is untouched; else it goes through
/// text, since a number that the library holds in 32 bits would gain digits on the direct way.
fn to_value(result: ServerResult) -> Value {
    match result {
        ServerResult::CustomResult(raw) => raw.0,
        typed => serde_json::to_string(&typed)
            .and_then(|text| serde_json::from_str(&text))
            .unwrap_or_default(),
    }
}

fn failed(call: &UpstreamCall, why: String) -> CallError {
    CallError::Failed {
        server: call.server.clone(),
        tool: call.tool.clone(),
        why,
    }
}

fn lost(call: &UpstreamCall) -> CallError {
    CallError::Lost {
        server: call.server.clone(),
        tool: call.tool.clone(),
    }
}

fn cancelled(call: &UpstreamCall) -> CallError {
    CallError::Cancelled {
        server: call.server.clone(),
        tool: call.tool.clone(),
    }
}
