//! What is known of the client behind one request, and telling it things while the request runs.

// Logging is deprecated from revision 2026-07-28 on; clients of older ones have nothing else.
#![expect(deprecated)]

use std::time::Duration;

use code_mode::CancellationToken;
use rmcp::model::{
    ElicitRequestParams, LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam,
    ProgressToken, ProtocolVersion, RequestId,
};
use rmcp::service::{Peer, RequestContext, RoleServer};
use serde_json::json;

/// How a person behind a client is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WayToAsk {
    /// By a request of ours, `elicitation/create`, while the client's is running.
    Elicit,
    /// By answering the client's request with a question; it sends it again with the answer.
    InputRequired,
}

/// The client of one request.
pub(super) struct Client {
    pub(super) peer: Peer<RoleServer>,
    /// Fires when the client does not want the answer any more.
    pub(super) cancelled: CancellationToken,
    pub(super) request_id: RequestId,
    pub(super) name: Option<String>,
    /// The revision of the protocol it speaks, if it said so.
    pub(super) version: Option<ProtocolVersion>,
    pub(super) way_to_ask: WayToAsk,
    takes_forms: bool,
    takes_urls: bool,
    progress: Option<Progress>,
    takes_log: bool,
}

struct Progress {
    token: ProgressToken,
    /// What the last notification said: it must grow.
    last: f64,
}

impl Client {
    /// `log_level` is what the client chose with `logging/setLevel`.
    pub(super) fn of(context: &RequestContext<RoleServer>, log_level: LoggingLevel) -> Self {
        let version = context.protocol_version();
        let stateless = version.as_ref().is_some_and(is_stateless);
        let elicitation = context
            .client_capabilities()
            .and_then(|capabilities| capabilities.elicitation);
        let elicitation = elicitation.as_ref();
        let way_to_ask = if stateless {
            WayToAsk::InputRequired
        } else {
            WayToAsk::Elicit
        };
        // From 2026-07-28 on a request that wants log messages says so itself.
        let log_level = if stateless {
            context.meta.log_level()
        } else {
            Some(log_level)
        };
        Self {
            peer: context.peer.clone(),
            cancelled: context.ct.clone(),
            request_id: context.id.clone(),
            name: context.client_info().map(|info| info.name),
            version,
            way_to_ask,
            // A capability that names no mode means forms, as in the revision that introduced it.
            takes_forms: elicitation
                .is_some_and(|modes| modes.form.is_some() || modes.url.is_none()),
            takes_urls: elicitation.is_some_and(|modes| modes.url.is_some()),
            progress: context
                .meta
                .get_progress_token()
                .map(|token| Progress { token, last: 0.0 }),
            takes_log: log_level
                .is_some_and(|level| matches!(level, LoggingLevel::Debug | LoggingLevel::Info)),
        }
    }

    /// A client whose answers to requests of ours would reach nobody: over HTTP, without a connection.
    pub(super) fn without_connection(mut self) -> Self {
        if self.way_to_ask == WayToAsk::Elicit {
            self.takes_forms = false;
            self.takes_urls = false;
        }
        self
    }

    /// Whether a person can be asked this here.
    pub(super) fn can_ask(&self, form: &ElicitRequestParams) -> bool {
        match form {
            ElicitRequestParams::FormElicitationParams { .. } => self.takes_forms,
            ElicitRequestParams::UrlElicitationParams { .. } => self.takes_urls,
            // Of a later revision.
            _ => false,
        }
    }

    /// Whether progress notifications keep the request alive.
    pub(super) fn hears_progress(&self) -> bool {
        self.progress.is_some()
    }

    /// Whether what a script says with `notify` can be told at once.
    pub(super) fn hears_notes(&self) -> bool {
        self.progress.is_some() || self.takes_log
    }

    /// The notification that tells this, to be awaited or dropped. `age` is that of the cell.
    pub(super) fn telling(
        &mut self,
        words: String,
        age: Duration,
    ) -> impl Future<Output = ()> + Send + use<> {
        let progress = self.progress.as_mut().map(|progress| {
            // Strictly more than before, whatever the clock says.
            progress.last = age.as_secs_f64().max(progress.last + 0.001);
            ProgressNotificationParam::new(progress.token.clone(), progress.last)
        });
        let peer = self.peer.clone();
        async move {
            // A client that is gone is noticed by the transport, not here.
            let _ = match progress {
                Some(progress) => peer.notify_progress(progress.with_message(words)).await,
                None => {
                    let message =
                        LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(words))
                            .with_logger("code-mode");
                    peer.notify_logging_message(message).await
                }
            };
        }
    }
}

/// Whether requests of this revision stand alone: no `initialize`, no requests from us.
pub(super) fn is_stateless(version: &ProtocolVersion) -> bool {
    !version.has_initialize()
}
