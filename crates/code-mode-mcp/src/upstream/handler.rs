//! The client's side of a connection: what is said of us, and what servers may ask.

#![expect(
    deprecated,
    reason = "revision 2026-07-28 has no roots and log messages; servers of older ones still ask and log"
)]

use rmcp::ErrorData;
use rmcp::RoleClient;
use rmcp::handler::client::ClientHandler;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationCapability, FormElicitationCapability, Implementation, ListRootsRequestMethod,
    ListRootsResult, LoggingLevel, LoggingMessageNotificationParam, UrlElicitationCapability,
};
use rmcp::service::{InboundStreamOrigin, NotificationContext, RequestContext};
use std::sync::Arc;
use tokio::sync::Notify;

use super::watched::{InFlight, OpenQuestion, Watch};
use crate::config::Redactor;

/// Answers the requests of one server. Owned by its connection's service.
pub(super) struct Handler {
    pub(super) server: Arc<str>,
    pub(super) redactor: Redactor,
    pub(super) in_flight: InFlight,
    /// Wakes the server's task when the list of tools has changed.
    pub(super) tools_changed: Arc<Notify>,
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        capabilities.elicitation = Some(
            ElicitationCapability::new()
                .with_form(FormElicitationCapability::default())
                .with_url(UrlElicitationCapability::default()),
        );
        ClientConfig::new(
            capabilities,
            Implementation::new("code-mode", env!("CARGO_PKG_VERSION")),
        )
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.tools_changed.notify_one();
    }

    async fn create_elicitation(
        &self,
        question: ElicitRequestParams,
        context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        // Over HTTP the question comes on the stream of its call. Else it can only be told whose it is
        // if one call is in flight.
        let call = match context.extensions.get::<InboundStreamOrigin>() {
            Some(InboundStreamOrigin::OutboundRequest(id)) => self.in_flight.get(id),
            _ => self.in_flight.only(),
        };
        let decline = || Ok(ElicitResult::new(ElicitationAction::Decline));
        let Some(Watch(call)) = call else {
            return decline();
        };
        let Some(elicit) = &call.elicit else {
            return decline();
        };
        let _open = OpenQuestion::new(&call);
        let answer = context
            .ct
            .run_until_cancelled(elicit.elicit(question))
            .await
            .unwrap_or_else(|| ElicitResult::new(ElicitationAction::Cancel));
        Ok(answer)
    }

    async fn list_roots(
        &self,
        _context: RequestContext<RoleClient>,
    ) -> Result<ListRootsResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListRootsRequestMethod>())
    }

    async fn on_logging_message(
        &self,
        said: LoggingMessageNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        let server = &*self.server;
        let logger = self.redactor.redact(&said.logger.unwrap_or_default());
        let data = self.redactor.redact(&said.data.to_string());
        match said.level {
            LoggingLevel::Debug => {
                tracing::debug!(target: "mcp_server_log", server, logger, "{data}");
            }
            LoggingLevel::Info | LoggingLevel::Notice => {
                tracing::info!(target: "mcp_server_log", server, logger, "{data}");
            }
            LoggingLevel::Warning => {
                tracing::warn!(target: "mcp_server_log", server, logger, "{data}");
            }
            _ => tracing::error!(target: "mcp_server_log", server, logger, "{data}"),
        }
    }
}
