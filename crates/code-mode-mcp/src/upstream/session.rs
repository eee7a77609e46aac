//! Whether a server over HTTP still knows us.
//!
//! Over HTTP nothing tells that a server was restarted: each request stands for itself, and one that
//! comes with an unknown session is refused in a form of the server's own. The library looks for a
//! status 404 alone; it waits for ever for the answer to a request that was refused with an error that
//! names no request, and tries for ever to take a stream up again. So the answers are looked at here,
//! between the library and the HTTP client.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Client;
use reqwest::StatusCode;
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::ErrorData;
use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, ErrorCode, RequestId, ServerJsonRpcMessage,
};
use rmcp::transport::common::client_side_sse::{
    BoxedSseResponse, ExponentialBackoff, SseRetryPolicy,
};
use rmcp::transport::streamable_http_client::{
    StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
    StreamableHttpResponseLimits,
};
use tokio::sync::watch;

use super::watched::InFlight;

type HttpError = StreamableHttpError<reqwest::Error>;

/// Attempts to take a broken stream up again, after the first one at once.
const MOST_RESUMPTIONS: usize = 3;

/// Before the second attempt; it doubles.
const RESUME_AFTER: Duration = Duration::from_millis(500);

/// How long requests under way may go on when the session is lost: those that the server has yet to
/// refuse may be sent again if it does.
const REFUSAL_GRACE: Duration = Duration::from_secs(1);

/// Why a connection is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// Nobody listens at the address, or what was sent or received broke.
    Unreachable,
    /// The server has forgotten the session.
    Forgotten,
    /// It refused a request as it should not.
    InDoubt,
}

impl Loss {
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Unreachable => "it could not be reached",
            Self::Forgotten => "it does not know our session any more",
            Self::InDoubt => "it refused a request in a way that leaves the connection in doubt",
        }
    }
}

/// What is found out about one connection while requests go by. Shared by its HTTP client, its calls
/// and the server's task. Of a connection over stdio only `lose` and `lost` are of use.
pub(super) struct Session {
    lost: watch::Sender<Option<Loss>>,
    in_flight: InFlight,
    /// A request was refused so that the connection should be given up once the call knows.
    in_doubt: AtomicBool,
    /// The server gave a stream for a GET: it can, and when it does so no more that says something.
    streamed: AtomicBool,
    /// POSTs whose answer has not begun.
    posts: watch::Sender<usize>,
}

impl Session {
    pub(super) fn new(in_flight: InFlight) -> Arc<Self> {
        Arc::new(Self {
            lost: watch::Sender::new(None),
            in_flight,
            in_doubt: AtomicBool::new(false),
            streamed: AtomicBool::new(false),
            posts: watch::Sender::new(0),
        })
    }

    /// The calls of the connection.
    pub(super) fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }

    /// Has the connection given up. The first reason stays.
    pub(super) fn lose(&self, loss: Loss) {
        self.lost.send_if_modified(|lost| {
            let first = lost.is_none();
            if first {
                *lost = Some(loss);
            }
            first
        });
    }

    /// The same if a request was refused as it should not be.
    pub(super) fn lose_if_in_doubt(&self) {
        if self.in_doubt.load(Ordering::Relaxed) {
            self.lose(Loss::InDoubt);
        }
    }

    /// Waits until the connection is to be given up.
    pub(super) async fn lost(&self) -> Loss {
        let mut lost = self.lost.subscribe();
        match lost.wait_for(Option::is_some).await.map(|loss| *loss) {
            Ok(Some(loss)) => loss,
            // It is borrowed, so that its sender lives.
            _ => std::future::pending().await,
        }
    }

    /// Forgets a call that failed, and says whether the server certainly has not executed it.
    pub(super) fn forget(&self, id: &RequestId) -> bool {
        self.in_flight.remove(id)
    }

    /// Waits a moment for the requests under way to be refused.
    pub(super) async fn refusals(&self) {
        let mut posts = self.posts.subscribe();
        let none = posts.wait_for(|posts| *posts == 0);
        let _ = tokio::time::timeout(REFUSAL_GRACE, none).await;
    }
}

/// Counts a POST while it lives.
struct Post<'a>(&'a Session);

impl<'a> Post<'a> {
    fn new(session: &'a Session) -> Self {
        session.posts.send_modify(|posts| *posts += 1);
        Self(session)
    }
}

impl Drop for Post<'_> {
    fn drop(&mut self) {
        self.0.posts.send_modify(|posts| *posts -= 1);
    }
}

/// The HTTP client of one connection.
#[derive(Clone)]
pub(super) struct SessionClient {
    pub(super) client: Client,
    pub(super) session: Arc<Session>,
}

impl StreamableHttpClient for SessionClient {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(
            uri,
            message,
            session_id,
            auth_header,
            custom_headers,
            limits,
        )
        .await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, HttpError> {
        let request = awaited(&message);
        let in_session = session_id.is_some();
        let under_way = Post::new(&self.session);
        let answer = self
            .client
            .post_message_with_response_limits(
                uri,
                message,
                session_id,
                auth_header,
                custom_headers,
                limits,
            )
            .await;
        let Some(id) = request else {
            return answer;
        };
        let answer = match answer {
            Ok(StreamableHttpPostResponse::Json(ServerJsonRpcMessage::Error(error), _))
                if !is_same(error.id.as_ref(), &id) =>
            {
                Err(refusal(&error.error, in_session))
            }
            answer => answer,
        };
        if let Err(error) = &answer {
            match error {
                // Noted before the POST counts as done.
                HttpError::SessionExpired => self.session.in_flight.refused(&id),
                HttpError::Client(error) if error.is_connect() => {
                    self.session.in_flight.refused(&id);
                }
                error if in_session && leaves_in_doubt(error) => {
                    self.session.in_doubt.store(true, Ordering::Relaxed);
                }
                _ => {}
            }
        }
        drop(under_way);
        answer
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), HttpError> {
        self.client
            .delete_session(uri, session_id, auth_header, custom_headers)
            .await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxedSseResponse, HttpError> {
        let most = StreamableHttpResponseLimits::default().max_sse_event_size;
        self.get_stream_with_max_sse_event_size(
            uri,
            session_id,
            last_event_id,
            auth_header,
            custom_headers,
            most,
        )
        .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
        max_sse_event_size: usize,
    ) -> Result<BoxedSseResponse, HttpError> {
        let in_session = session_id.is_some();
        let resumes = last_event_id.is_some();
        let stream = self
            .client
            .get_stream_with_max_sse_event_size(
                uri,
                session_id,
                last_event_id,
                auth_header,
                custom_headers,
                max_sse_event_size,
            )
            .await;
        match stream {
            Ok(stream) => {
                self.session.streamed.store(true, Ordering::Relaxed);
                Ok(stream)
            }
            Err(HttpError::Client(error)) if refuses_stream(&error) => {
                // Some servers that have no streams for a GET answer so instead of with 405.
                if in_session && self.session.streamed.load(Ordering::Relaxed) {
                    self.session.lose(Loss::Forgotten);
                }
                Err(match resumes {
                    // Of all errors the one that ends the attempts, and with them the call.
                    true => HttpError::ServerDoesNotSupportSse,
                    false => HttpError::Client(error),
                })
            }
            Err(error) => Err(error),
        }
    }
}

/// The id of a request whose answer is looked at. The library itself sees to that of `server/discover`,
/// which older servers refuse in many ways.
fn awaited(message: &ClientJsonRpcMessage) -> Option<RequestId> {
    match message {
        ClientJsonRpcMessage::Request(sent)
            if !matches!(sent.request, ClientRequest::DiscoverRequest(_)) =>
        {
            Some(sent.id.clone())
        }
        _ => None,
    }
}

/// Whether these are ids of one request. Some servers give a number back as a string.
fn is_same(answered: Option<&RequestId>, sent: &RequestId) -> bool {
    answered.is_some_and(|id| id.to_string() == sent.to_string())
}

/// What an error means that answers a POST without naming its request.
fn refusal(error: &ErrorData, in_session: bool) -> HttpError {
    // An internal error may have happened at any point of the execution.
    let before = error.code != ErrorCode::INTERNAL_ERROR;
    let message = error.message.to_ascii_lowercase();
    // Servers have no code for it in common, and no status; that they name it is all they share.
    let of_session = message.contains("session") || message.contains("not initialized");
    if in_session && before && of_session {
        return HttpError::SessionExpired;
    }
    HttpError::UnexpectedServerResponse(Cow::Owned(format!(
        "{} (JSON-RPC error {})",
        error.message, error.code.0
    )))
}

/// Whether the session may be at fault for a refusal: not for a lack of rights, nor where something in
/// front of the server could not reach it or holds us back.
fn leaves_in_doubt(error: &HttpError) -> bool {
    match error {
        HttpError::HttpStatus(status) => !matches!(status.status, 429 | 502..=504),
        HttpError::UnexpectedServerResponse(what) => {
            let unfit = what.starts_with("could not parse");
            let no_rights = what.starts_with("HTTP 401") || what.starts_with("HTTP 403");
            !unfit && !no_rights
        }
        _ => false,
    }
}

/// Whether the answer to a GET is what servers say to an unknown session.
fn refuses_stream(error: &reqwest::Error) -> bool {
    matches!(
        error.status(),
        Some(StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::GONE)
    )
}

/// Takes broken streams up again, a few times.
pub(super) struct Resumptions {
    delays: ExponentialBackoff,
    session: Arc<Session>,
}

impl Resumptions {
    pub(super) fn new(session: Arc<Session>) -> Self {
        let mut delays = ExponentialBackoff::default();
        delays.base_duration = RESUME_AFTER;
        delays.max_times = Some(MOST_RESUMPTIONS + 1);
        Self { delays, session }
    }
}

impl std::fmt::Debug for Resumptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resumptions").finish_non_exhaustive()
    }
}

impl SseRetryPolicy for Resumptions {
    fn retry(&self, failed: usize) -> Option<Duration> {
        let delay = self.delays.retry(failed);
        if delay.is_none() && self.session.streamed.load(Ordering::Relaxed) {
            self.session.lose(Loss::Unreachable);
        }
        delay
    }
}
