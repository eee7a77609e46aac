//! What can be chosen about a gateway, with the defaults.

use std::net::SocketAddr;
use std::time::Duration;

use code_mode::{Isolation, Limits};

use super::origin::Origin;
use crate::audit::AuditLog;
use crate::config::Secret;
use crate::policy::ToolPattern;

/// How a gateway serves its clients. Times over a year count as a year.
///
/// ```
/// use std::time::Duration;
/// use code_mode_mcp::gateway::GatewayOptions;
///
/// let mut options = GatewayOptions::default();
/// options.longest_silent_wait = Duration::from_secs(25);
/// assert_eq!(options.longest_wait, Duration::from_secs(3600));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct GatewayOptions {
    /// The most tokens the description of `exec` may take. Default: 8,000, and for clients that are known
    /// to cut descriptions what they leave whole, which is 1,024 for `claude-code`.
    pub description_tokens: Option<usize>,
    /// Where the structured form of an answer goes. Default [`Structured::Auto`].
    pub structured: Structured,
    /// Tools that clients are also offered directly, beside `exec` and `wait`. Default none.
    pub exposed: Vec<ToolPattern>,
    /// How long an `exec` waits for its script unless the script or the request says otherwise.
    /// Default 10 s, the engine's own.
    pub exec_yield_time: Duration,
    /// The longest `exec` and `wait` take to answer a client that asked for progress notifications:
    /// those keep the request alive. Default 1 h.
    pub longest_wait: Duration,
    /// The same for a client that did not ask for any. Default 50 s, for clients usually give up after
    /// 60 s.
    pub longest_silent_wait: Duration,
    /// How often progress notifications go out while nothing happens. Default 5 s; 1 ms at least.
    pub progress_interval: Duration,
    /// How long after the gateway's start `tools/list` may wait for servers that are connecting for the
    /// first time. Default 2 s.
    pub first_list_wait: Duration,
    /// The longest a script waits for a server it mentions that is connecting for the first time; the
    /// server's own startup timeout usually ends it sooner. Default 60 s.
    pub longest_connecting_wait: Duration,
    /// After how long without a request a session of a stateless client ends, and its cells with it.
    /// Sessions by `Mcp-Session-Id` too. Default 30 min.
    pub session_idle_time: Duration,
    /// The most sessions at once over HTTP. Default 1,000. A client that would be one more is refused,
    /// in words.
    pub max_sessions: usize,
    /// How long a shutdown may take in all. Default 5 s. What has not ended by then is dropped.
    pub shutdown_time: Duration,
    /// Where cells run. Default [`Isolation::InProcess`].
    pub isolation: Isolation,
    /// What cells may use. Default [`Limits::default`].
    pub limits: Limits,
    /// Where nested calls are noted. Default nowhere.
    pub audit: Option<AuditLog>,
}

/// How long a description of `exec` can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DescriptionLength {
    Full,
    /// For a client that would cut a longer one.
    Short,
}

impl DescriptionLength {
    /// Claude Code 2.1.332 cuts at 4,096 characters what the model does not have to search for.
    pub(super) fn of(client: Option<&str>) -> Self {
        match client {
            Some("claude-code") => Self::Short,
            _ => Self::Full,
        }
    }

    /// The most tokens, of four bytes, if nobody chose another number.
    pub(super) fn tokens(self) -> usize {
        match self {
            Self::Full => 8_000,
            Self::Short => 4_096 / 4,
        }
    }
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            description_tokens: None,
            structured: Structured::default(),
            exposed: Vec::new(),
            exec_yield_time: Duration::from_millis(code_mode::DEFAULT_EXEC_YIELD_TIME_MS),
            longest_wait: Duration::from_secs(60 * 60),
            longest_silent_wait: Duration::from_secs(50),
            progress_interval: Duration::from_secs(5),
            first_list_wait: Duration::from_secs(2),
            longest_connecting_wait: Duration::from_secs(60),
            session_idle_time: Duration::from_secs(30 * 60),
            max_sessions: 1_000,
            isolation: Isolation::default(),
            shutdown_time: Duration::from_secs(5),
            limits: Limits::default(),
            audit: None,
        }
    }
}

impl GatewayOptions {
    /// The same with times that can be reckoned with: none longer than a year, and progress not all the
    /// time.
    pub(super) fn in_bounds(mut self) -> Self {
        const YEAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);
        for time in [
            &mut self.exec_yield_time,
            &mut self.longest_wait,
            &mut self.longest_silent_wait,
            &mut self.progress_interval,
            &mut self.first_list_wait,
            &mut self.longest_connecting_wait,
            &mut self.session_idle_time,
            &mut self.shutdown_time,
        ] {
            *time = (*time).min(YEAR);
        }
        self.progress_interval = self.progress_interval.max(Duration::from_millis(1));
        self
    }
}

/// Where the structured form of an answer goes: `structuredContent`, with an output schema for it in
/// `tools/list`, or `_meta` under [`RESULT_KEY`](super::RESULT_KEY).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Structured {
    /// `structuredContent`, but for clients that are known to hide `content` from the model when both
    /// are there (`claude-code`, `codex-mcp-client`), or to show the model both (`copilot-cli`): those
    /// find it in `_meta`.
    #[default]
    Auto,
    /// `structuredContent` for everybody.
    Always,
    /// `_meta` for everybody.
    Never,
}

impl Structured {
    /// Whether this client gets `structuredContent`.
    pub(super) fn as_content(self, client: Option<&str>) -> bool {
        const SHOW_IT_TO_THE_MODEL: [&str; 3] = ["claude-code", "codex-mcp-client", "copilot-cli"];
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => !client.is_some_and(|name| SHOW_IT_TO_THE_MODEL.contains(&name)),
        }
    }
}

/// How a gateway serves over HTTP.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpOptions {
    /// What clients have to send as `Authorization: Bearer …`. Required where the address is not a
    /// loopback one. Default none.
    pub bearer_token: Option<Secret>,
    /// Values of `Host` that are served, as `NAME` or `NAME:PORT`, besides `localhost`, `127.0.0.1`,
    /// `::1` and the address itself. Default none.
    pub allowed_hosts: Vec<String>,
    /// Origins whose web pages may use the gateway, besides those of loopback names. Requests without
    /// `Origin`, which is all that do not come from a browser, are served in any case. Default none.
    pub allowed_origins: Vec<Origin>,
    /// The largest request, in bytes. Default 4 MiB. A larger one is answered with status 413.
    pub max_request_bytes: usize,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            bearer_token: None,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            max_request_bytes: 4 * 1024 * 1024,
        }
    }
}

impl HttpOptions {
    /// All `Host` values that are served at this address.
    pub(super) fn hosts(&self, address: SocketAddr) -> Vec<String> {
        let mut hosts = ["localhost", "127.0.0.1", "::1"]
            .map(str::to_owned)
            .to_vec();
        if !address.ip().is_unspecified() {
            hosts.push(address.ip().to_string());
        }
        hosts.extend(self.allowed_hosts.iter().cloned());
        hosts
    }

    /// All origins that are served.
    pub(super) fn origins(&self) -> Vec<Origin> {
        let allowed = self.allowed_origins.iter().cloned();
        Origin::local().chain(allowed).collect()
    }
}
