//! What rmcp asks of a server, for one connection or, where there are none, for one request.

// Logging is deprecated from revision 2026-07-28 on; clients of older ones have nothing else.
#![expect(deprecated)]

use std::sync::{Arc, Mutex, OnceLock};

use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ErrorData, Implementation, InitializeRequestParams,
    InitializeResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    LoggingLevel, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, ResourceTemplate, ServerCapabilities, ServerConfig, SetLevelRequestParams,
    SubscriptionFilter, Tool,
};
use rmcp::service::{NotificationContext, Peer, RequestContext, RoleServer, SubscriptionContext};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout_at;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{Instrument, field, info_span};

use super::Shared;
use super::arguments::SessionArgument;
use super::calls::Call;
use super::cell::{lock, shortened};
use super::client::Client;
use super::listing::Listing;
use super::outputs;
use super::session::{ClientSession, Seat, SessionUse};
use super::trace::continue_trace;
use crate::upstream::Catalogue;

const INSTRUCTIONS: &str = "\
    exec runs one JavaScript program that can call the tools of all connected MCP servers; its \
    description says which. Prefer one program that loops, filters and combines over many single calls. \
    A program that takes longer than its yield time goes on: ask for the rest with wait.";

/// How long the names of the servers in the instructions may be, in bytes: Claude Code cuts instructions
/// at 2,048 characters.
const SERVER_NAMES_BYTES: usize = 1_600;

/// One client's connection, or one request of a client without. Its session ends with it, unless the
/// client names it by a handle.
pub(super) struct Connection {
    gateway: Arc<Shared>,
    kind: ConnectionKind,
    /// The session of this connection: made with it, or when a client over HTTP says `initialize`.
    session: OnceLock<Arc<ClientSession>>,
    seat: Mutex<Option<Seat>>,
    log_level: Mutex<LoggingLevel>,
    /// The revision of the listing that the client saw last, unless it was told of a newer one since.
    seen: watch::Sender<Option<u64>>,
    /// The revision that there was when the client asked to be told of changes.
    listening_from: Mutex<u64>,
    calls: Calls,
    ended: CancellationToken,
    _end: DropGuard,
}

/// The tool calls of a connection, for whoever closes it.
#[derive(Clone)]
pub(super) struct Calls {
    /// Those that are running.
    pub(super) running: TaskTracker,
    /// Fires when they are to come to an end.
    pub(super) closing: CancellationToken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionKind {
    /// A stream of its own.
    Stream,
    /// HTTP: a connection only once the client says `initialize`.
    Http,
}

impl Connection {
    pub(super) fn new(gateway: Arc<Shared>, kind: ConnectionKind, calls: Calls) -> Self {
        let ended = CancellationToken::new();
        let connection = Self {
            kind,
            session: OnceLock::new(),
            seat: Mutex::default(),
            log_level: Mutex::new(LoggingLevel::Info),
            seen: watch::Sender::new(None),
            listening_from: Mutex::default(),
            calls,
            _end: ended.clone().drop_guard(),
            ended,
            gateway,
        };
        if kind == ConnectionKind::Stream {
            connection.begin_session();
        }
        connection
    }

    pub(super) fn session(&self) -> Option<Arc<ClientSession>> {
        self.session.get().cloned()
    }

    fn begin_session(&self) {
        let gateway = &self.gateway;
        let sessions = &gateway.sessions;
        self.session
            .get_or_init(|| sessions.connected(|number, cells| gateway.engine(number, cells)));
    }

    /// Remembers under which `Mcp-Session-Id` the session is known, which only later requests say.
    fn learn_name(&self, context: &RequestContext<RoleServer>) {
        let parts = context.extensions.get::<axum::http::request::Parts>();
        let name = parts.and_then(|parts| super::http::session_id(&parts.headers));
        if let (Some(session), Some(name)) = (self.session.get(), name) {
            self.gateway.sessions.learn_name(name, session);
        }
    }

    fn client(&self, context: &RequestContext<RoleServer>) -> Client {
        let client = Client::of(context, *lock(&self.log_level));
        match self.session.get() {
            Some(_) => client,
            None => client.without_connection(),
        }
    }

    fn session_argument(&self) -> SessionArgument {
        match self.session.get() {
            Some(_) => SessionArgument::None,
            None => SessionArgument::Accepted,
        }
    }

    /// What is offered now. Waits for servers that are connecting for the first time, for a moment
    /// after the gateway's start and never later.
    async fn listing(&self) -> Listing {
        let gateway = &self.gateway;
        let _ = timeout_at(gateway.first_list_by, gateway.upstream.settled()).await;
        let change = *gateway.upstream.changes().borrow();
        let mut listing = gateway.listing.clone();
        let up_to_date = |listing: &Listing| listing.of_change >= Some(change);
        match listing.wait_for(up_to_date).await {
            Ok(listing) => listing.clone(),
            // The gateway is being shut down: what there was last.
            Err(_) => gateway.listing.borrow().clone(),
        }
    }
}

/// With the names of all servers, connected or not: a client that has the model search for tools tells
/// it no more than this of what exec is good for.
fn instructions(catalogue: &Catalogue) -> String {
    let names: Vec<&str> = catalogue
        .servers
        .iter()
        .map(|server| &*server.name)
        .collect();
    if names.is_empty() {
        return INSTRUCTIONS.to_owned();
    }
    let names = shortened(&names.join(", "), SERVER_NAMES_BYTES);
    format!("{INSTRUCTIONS}\n\nServers behind it: {names}.")
}

/// Calls `tell` whenever something else is offered than what the client has seen; once, until it looks
/// again. Ends when the token fires.
async fn follow<F>(
    mut listing: watch::Receiver<Listing>,
    seen: watch::Sender<Option<u64>>,
    ended: CancellationToken,
    tell: impl Fn() -> F,
) where
    F: Future<Output = bool>,
{
    let mut looks = seen.subscribe();
    loop {
        let offered = listing.borrow_and_update().revision;
        let outdated = looks.borrow_and_update().is_some_and(|seen| seen < offered);
        if outdated {
            seen.send_replace(None);
            if !tell().await {
                return;
            }
        }
        tokio::select! {
            changed = listing.changed() => if changed.is_err() {
                return;
            },
            _ = looks.changed() => {}
            () = ended.cancelled() => return,
        }
    }
}

async fn tell_list_changed(peer: Peer<RoleServer>) -> bool {
    peer.notify_tool_list_changed().await.is_ok()
}

impl ServerHandler for Connection {
    /// Whose schema may want arguments in headers too, which are checked before the call comes here:
    /// tools of servers alone.
    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.gateway.listing.borrow().offer.exposed(name).cloned()
    }

    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_logging()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .build();
        let name = Implementation::new("code-mode", env!("CARGO_PKG_VERSION"))
            .with_title("Code Mode")
            .with_description("Any number of MCP servers behind two tools, exec and wait.");
        ServerConfig::new(capabilities)
            .with_server_info(name)
            .with_instructions(instructions(&self.gateway.upstream.catalogue()))
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        if self.kind == ConnectionKind::Http {
            let seat = self.gateway.sessions.seat();
            let seat = seat.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
            *lock(&self.seat) = Some(seat);
            self.begin_session();
        }
        context.peer.set_peer_info(request.clone());
        self.negotiate_initialize(&request)
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let listing = self.gateway.listing.clone();
        let (seen, ended) = (self.seen.clone(), self.ended.clone());
        tokio::spawn(follow(listing, seen, ended, move || {
            tell_list_changed(context.peer.clone())
        }));
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let client = self.client(&context);
        let structured = self.gateway.options.structured;
        let structured = structured.as_content(client.name.as_deref());
        let listing = self.listing().await;
        self.seen.send_replace(Some(listing.revision));
        let session = self.session_argument();
        let name = client.name.as_deref();
        let tools = listing.offer.tools(session, structured, name);
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let _running = self.calls.running.token();
        let session = self.session.get().map(|session| session.number);
        let cell = field::Empty;
        let name = request.name.clone();
        let span = match &*name {
            "exec" => info_span!("exec", session, cell),
            "wait" => info_span!("wait", session, cell),
            tool => info_span!("direct", session, cell, tool),
        };
        continue_trace(&span, &context.meta);
        self.learn_name(&context);
        let client = self.client(&context);
        let call = Call::new(
            &self.gateway,
            client,
            self.session(),
            &self.calls.closing,
            request,
        )?;
        Ok(match &*name {
            "exec" => call.exec().instrument(span).await,
            "wait" => call.wait().instrument(span).await,
            other if self.listing().await.offer.exposed(other).is_some() => {
                call.direct().instrument(span).await
            }
            other => {
                let message = format!(
                    "there is no tool {other:?} here; the tools are exec, wait and those that \
                     tools/list names besides. Tools of servers are called from a program that exec runs"
                );
                return Err(ErrorData::invalid_params(message, None));
            }
        })
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let outputs = self.session.get().map(|session| outputs::list(session));
        Ok(ListResourcesResult::with_all_items(
            outputs.unwrap_or_default(),
        ))
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let template = match self.session_argument() {
            SessionArgument::None => "code-mode://output/{handle}",
            SessionArgument::Accepted => "code-mode://output/{session}/{handle}",
        };
        let template = ResourceTemplate::new(template, "output")
            .with_description("The whole of an output that an answer showed a part of.")
            .with_mime_type("text/plain");
        Ok(ListResourceTemplatesResult::with_all_items(vec![template]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let data = json!({ "uri": request.uri });
        let not_found = |why: String| ErrorData::resource_not_found(why, Some(data.clone()));
        let Some((handle, output)) = outputs::parse(&request.uri) else {
            let why = format!(
                "{:?} is no resource of this server; those are kept outputs, code-mode://output/…",
                request.uri
            );
            return Err(not_found(why));
        };
        let running = match (self.session(), handle) {
            (Some(session), None) => Ok(SessionUse::connected(session)),
            (None, Some(handle)) => self
                .gateway
                .sessions
                .find(handle)
                .map_err(|e| e.to_string()),
            _ => Err(format!("there is no resource {:?} here", request.uri)),
        };
        let running = running.map_err(not_found)?;
        let contents = outputs::contents(&running.session, output);
        let contents = contents.map_err(|error| not_found(error.to_string()))?;
        Ok(ReadResourceResult::new(vec![contents]).into())
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        *lock(&self.log_level) = request.level;
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        *lock(&self.listening_from) = self.gateway.listing.borrow().revision;
        let ours = SubscriptionFilter::builder().tools_list_changed().build();
        Some(requested.intersection(&ours))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let sink = context.sink().clone();
        let listing = self.gateway.listing.clone();
        // This client says once that it wants to hear of every change, and may list elsewhere.
        let seen = watch::Sender::new(Some(*lock(&self.listening_from)));
        let tell = || async {
            let listed = listing.borrow().revision;
            seen.send_replace(Some(listed));
            sink.notify_tool_list_changed().await.is_ok()
        };
        let ended = self.gateway.closing.clone();
        tokio::select! {
            () = follow(listing.clone(), seen.clone(), ended, tell) => {}
            () = context.cancelled() => {}
        }
        Ok(())
    }
}
