//! Serving over streamable HTTP: who is let in, `/mcp` and `/healthz`.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http_body::{Frame, SizeHint};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::connection::{Calls, Connection, ConnectionKind};
use super::{HttpOptions, Origin, ServeError, Shared};
use crate::config::Secret;
use crate::upstream::ServerState;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

pub(super) async fn serve(
    gateway: &Arc<Shared>,
    listener: TcpListener,
    options: HttpOptions,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Http)?;
    if options.bearer_token.is_none() && !address.ip().is_loopback() {
        return Err(ServeError::NoToken { address });
    }
    let closed = CancellationToken::new();
    let _closed = closed.clone().drop_guard();
    let requests = TaskTracker::new();
    let router = router(gateway, address, &options, &requests, closed.clone());
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let serving = axum::serve(listener, router)
        .with_graceful_shutdown(async move { stopped.cancelled().await });
    let serving = serving.into_future();
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended.map_err(ServeError::Http),
        () = shutdown.cancelled() => {}
        () = gateway.closing.cancelled() => {}
    }
    // No new connections; what requests wait for ends, so that they are answered; once they are, the
    // streams that are still open are closed.
    stop.cancel();
    gateway.closing.cancel();
    let closing = async {
        gateway.sessions.shut_down().await;
        requests.close();
        requests.wait().await;
        closed.cancel();
    };
    let ending = async { tokio::join!(closing, &mut serving).1 };
    match tokio::time::timeout(gateway.options.shutdown_time, ending).await {
        Ok(ended) => ended.map_err(ServeError::Http),
        Err(_) => {
            tracing::warn!("some HTTP connections took too long to close; they are dropped");
            Ok(())
        }
    }
}

fn router(
    gateway: &Arc<Shared>,
    address: SocketAddr,
    options: &HttpOptions,
    requests: &TaskTracker,
    closed: CancellationToken,
) -> Router {
    let mut sessions = LocalSessionManager::default();
    // Of a request that runs for longer without a message, such as a wait without progress, the engine
    // side still holds on to its session, but nobody could be answered any more.
    sessions.session_config.keep_alive = Some(
        gateway
            .options
            .session_idle_time
            .max(gateway.options.longest_silent_wait * 2),
    );
    let origins = options.origins();
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(options.hosts(address))
        .with_allowed_origins(origins.iter().map(Origin::to_pattern))
        .enforce_origin_validation()
        .with_max_request_body_bytes(options.max_request_bytes)
        .with_cancellation_token(closed);
    let connecting = Arc::clone(gateway);
    let calls = Calls {
        running: requests.clone(),
        closing: gateway.closing.clone(),
    };
    let mcp = StreamableHttpService::new(
        move || {
            Ok(Connection::new(
                Arc::clone(&connecting),
                ConnectionKind::Http,
                calls.clone(),
            ))
        },
        Arc::new(sessions),
        config,
    );
    let mcp = Router::new()
        .route_service("/mcp", mcp)
        .layer(middleware::from_fn_with_state(requests.clone(), count))
        .layer(middleware::from_fn_with_state(
            Arc::clone(gateway),
            end_session,
        ))
        .layer(middleware::from_fn_with_state(
            options.bearer_token.clone(),
            authorize,
        ))
        // Before the token is asked for, which browsers do not send with their question.
        .layer(cors(origins));
    Router::new()
        .route("/healthz", get(health))
        .with_state(Arc::clone(gateway))
        .merge(mcp)
}

/// Tells browsers that pages of these origins may send what MCP clients send, and read the answers.
fn cors(origins: Vec<Origin>) -> CorsLayer {
    let allowed = AllowOrigin::predicate(move |origin, _| {
        let origin = origin.to_str().unwrap_or_default();
        origins.iter().any(|allowed| allowed.is_of(origin))
    });
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            SESSION_ID,
            HeaderName::from_static("mcp-protocol-version"),
            HeaderName::from_static("mcp-method"),
            HeaderName::from_static("mcp-name"),
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([SESSION_ID])
}

/// Counts a request until the last byte of its answer is handed on. Streams that clients only listen on
/// have no last byte, and do not count.
async fn count(State(requests): State<TaskTracker>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let open = requests.token();
    next.run(request)
        .await
        .map(|body| Body::new(Counted { body, _open: open }))
}

/// The body of an answer, and that it is not at its end.
struct Counted {
    body: Body,
    _open: TaskTrackerToken,
}

impl HttpBody for Counted {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Ends the cells of a session that its client ends. rmcp would let requests that are running finish
/// for some seconds first, and they may wait for a script.
async fn end_session(State(gateway): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let ended = (request.method() == Method::DELETE)
        .then(|| session_id(request.headers()).map(str::to_owned))
        .flatten();
    let response = next.run(request).await;
    if let Some(id) = ended
        && response.status().is_success()
    {
        gateway.sessions.end_named(&id).await;
    }
    response
}

/// Which session a request is for, where there are connections.
pub(super) fn session_id(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION_ID)?.to_str().ok()
}

/// Lets in who has the token, if there is one.
async fn authorize(State(token): State<Option<Secret>>, request: Request, next: Next) -> Response {
    if token.is_none_or(|token| has_token(request.headers(), &token)) {
        return next.run(request).await;
    }
    let words = "this server needs its bearer token: send Authorization: Bearer TOKEN\n";
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"code-mode\"")];
    (StatusCode::UNAUTHORIZED, challenge, words).into_response()
}

fn has_token(headers: &HeaderMap, token: &Secret) -> bool {
    let Some(given) = headers.get(header::AUTHORIZATION) else {
        return false;
    };
    let Some((scheme, given)) = given.as_bytes().split_at_checked("Bearer ".len()) else {
        return false;
    };
    // In a time that does not tell how much of the token was right.
    scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(given.ct_eq(token.expose().as_bytes()))
}

/// Whether the gateway is up, and how many servers are. Names none: everybody may ask.
async fn health(State(gateway): State<Arc<Shared>>) -> Response {
    let (mut connected, mut connecting, mut lost) = (0, 0, 0);
    for server in &gateway.upstream.catalogue().servers {
        match server.state {
            ServerState::Connected { .. } => connected += 1,
            ServerState::Connecting => connecting += 1,
            ServerState::Lost { .. } => lost += 1,
        }
    }
    let health = json!({
        "status": "ok",
        "servers": { "connected": connected, "connecting": connecting, "lost": lost },
    });
    let json = [(header::CONTENT_TYPE, "application/json")];
    (json, Body::from(health.to_string())).into_response()
}
