//! Serving over streamable HTTP: who is let in, `/mcp` and `/healthz`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, ConnectionKind};
use super::{HttpOptions, ServeError, Shared};
use crate::config::Secret;
use crate::upstream::ServerState;

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
    let router = router(gateway, address, &options, closed.clone());
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
    // No new connections; what requests wait for ends, so that they are answered; then the streams that
    // are still open are closed.
    stop.cancel();
    let ending = async {
        tokio::join!(
            async {
                gateway.sessions.shut_down().await;
                closed.cancel();
            },
            &mut serving,
        )
        .1
    };
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
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(options.hosts(address))
        .with_allowed_origins(options.origins())
        .enforce_origin_validation()
        .with_max_request_body_bytes(options.max_request_bytes)
        .with_cancellation_token(closed);
    let connecting = Arc::clone(gateway);
    let mcp = StreamableHttpService::new(
        move || {
            Ok(Connection::new(
                Arc::clone(&connecting),
                ConnectionKind::Http,
            ))
        },
        Arc::new(sessions),
        config,
    );
    let mcp = Router::new()
        .route_service("/mcp", mcp)
        .layer(middleware::from_fn_with_state(
            options.bearer_token.clone(),
            authorize,
        ));
    Router::new()
        .route("/healthz", get(health))
        .with_state(Arc::clone(gateway))
        .merge(mcp)
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
