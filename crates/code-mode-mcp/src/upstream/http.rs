//! The transport to a server over streamable HTTP.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, redirect};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;

use super::frame::LONGEST_MESSAGE;
use super::session::{Resumptions, Session, SessionClient};
use crate::config::Transport;

/// How long a TCP and TLS connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Redirects of one request that are followed.
const MOST_REDIRECTS: usize = 5;

/// POSTs under way at once. Calls beyond it wait their turn; a call whose answer is streamed does
/// not count any more.
const CONCURRENT_POSTS: usize = 4_096;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpSetupError {
    #[error("no URL is configured")]
    NoUrl,
    #[error("{name:?} is no name of a header; correct the server's headers")]
    HeaderName { name: String },
    #[error("the value of header {name} has characters that no header may have")]
    HeaderValue { name: String },
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// Sets up the transport. Nothing is sent yet.
pub(super) fn transport(
    configured: &Transport,
    session: &Arc<Session>,
) -> Result<StreamableHttpClientTransport<SessionClient>, HttpSetupError> {
    let Transport::Http { url, headers } = configured else {
        return Err(HttpSetupError::NoUrl);
    };
    // The first provider installed stays; ring is the only one that is built in.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(same_origin())
        .build()?;
    let mut custom = HashMap::new();
    for (name, value) in headers {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| HttpSetupError::HeaderName { name: name.clone() })?;
        let mut value = HeaderValue::from_str(value.expose())
            .map_err(|_| HttpSetupError::HeaderValue { name: name.clone() })?;
        value.set_sensitive(true);
        custom.insert(header, value);
    }
    let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
        .custom_headers(custom)
        .max_concurrent_requests(CONCURRENT_POSTS)
        .max_sse_event_size(LONGEST_MESSAGE)
        .max_json_response_size(LONGEST_MESSAGE)
        // A server that lost its sessions may be another one now: its tools have to be listed again.
        .reinit_on_expired_session(false);
    config.retry_config = Arc::new(Resumptions::new(Arc::clone(session)));
    config.channel_buffer_capacity = CONCURRENT_POSTS;
    let client = SessionClient {
        client,
        session: Arc::clone(session),
    };
    Ok(StreamableHttpClientTransport::with_client(client, config))
}

/// Follows redirects within the origin: the configured headers are for it alone, and the client takes
/// only the well-known ones out where a redirect leads elsewhere.
fn same_origin() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        let first = attempt.previous().first().map(|url| url.origin());
        if first != Some(attempt.url().origin()) {
            return attempt.error("the server redirects to another origin; configure that URL");
        }
        if attempt.previous().len() > MOST_REDIRECTS {
            return attempt.error("too many redirects");
        }
        attempt.follow()
    })
}
