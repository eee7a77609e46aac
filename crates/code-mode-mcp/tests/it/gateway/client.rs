//! A real MCP client, and what it hears.

use std::sync::Arc;

use rmcp::ClientHandler;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities,
    ClientConfig, ClientRequest, ElicitRequestParams, ElicitResult, ElicitationCapability,
    ErrorData, FormElicitationCapability, Implementation, ProgressNotificationParam,
    ProtocolVersion, ServerResult,
};
use rmcp::service::{
    ClientLifecycleMode, NotificationContext, PeerRequestOptions, RequestContext, RequestHandle,
    RoleClient, RunningService,
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

/// Which generation of the protocol a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revision {
    /// With `initialize`.
    V2025_11_25,
    /// With everything in each request.
    V2026_07_28,
}

pub const REVISIONS: [Revision; 2] = [Revision::V2025_11_25, Revision::V2026_07_28];

impl Revision {
    pub fn lifecycle(self) -> ClientLifecycleMode {
        match self {
            Self::V2025_11_25 => ClientLifecycleMode::Initialize,
            Self::V2026_07_28 => ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            },
        }
    }
}

/// Whether a person can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    Nobody,
    Somebody,
}

/// What a client heard.
#[derive(Debug)]
pub enum Heard {
    Progress(ProgressNotificationParam),
    ToolsChanged,
}

/// A form, and where its answer goes.
pub struct Asked {
    pub form: ElicitRequestParams,
    pub answer: oneshot::Sender<ElicitResult>,
}

pub struct Handler {
    name: String,
    person: Person,
    revision: Revision,
    heard: mpsc::UnboundedSender<Heard>,
    asked: mpsc::UnboundedSender<Asked>,
}

/// A connected client.
pub struct Client {
    pub service: Arc<RunningService<RoleClient, Handler>>,
    heard: tokio::sync::Mutex<mpsc::UnboundedReceiver<Heard>>,
    asked: tokio::sync::Mutex<mpsc::UnboundedReceiver<Asked>>,
}

/// What a client says of itself.
#[derive(Debug, Clone)]
pub struct Identity {
    pub name: String,
    pub revision: Revision,
    pub person: Person,
}

impl Identity {
    pub fn of(revision: Revision) -> Self {
        Self {
            name: "test".to_owned(),
            revision,
            person: Person::Nobody,
        }
    }

    pub fn with_person(mut self) -> Self {
        self.person = Person::Somebody;
        self
    }

    pub fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }
}

impl Client {
    /// Connects over whatever `transport` is.
    pub async fn connect<T, E, A>(identity: Identity, transport: T) -> Self
    where
        T: rmcp::transport::IntoTransport<RoleClient, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        let (heard_sender, heard) = mpsc::unbounded_channel();
        let (asked_sender, asked) = mpsc::unbounded_channel();
        let handler = Handler {
            name: identity.name,
            person: identity.person,
            revision: identity.revision,
            heard: heard_sender,
            asked: asked_sender,
        };
        let service = rmcp::service::serve_client_with_lifecycle(
            handler,
            transport,
            identity.revision.lifecycle(),
        )
        .await
        .expect("the gateway speaks MCP");
        Self {
            service: Arc::new(service),
            heard: tokio::sync::Mutex::new(heard),
            asked: tokio::sync::Mutex::new(asked),
        }
    }

    /// Calls a tool, answering by hand nothing but forms.
    pub async fn call(&self, tool: &str, arguments: Value) -> CallToolResult {
        let called = self.service.call_tool(params(tool, arguments)).await;
        called.expect("a result")
    }

    /// Calls a tool once, without answering what it asks.
    pub async fn call_once(&self, params: CallToolRequestParams) -> CallToolResponse {
        self.service
            .peer()
            .call_tool_once(params)
            .await
            .expect("a result")
    }

    pub async fn exec(&self, source: &str) -> CallToolResult {
        self.call("exec", json!({ "source": source })).await
    }

    /// Starts a call, to be cancelled or awaited.
    pub async fn begin(&self, tool: &str, arguments: Value) -> RequestHandle<RoleClient> {
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params(tool, arguments)));
        let options = PeerRequestOptions::no_options();
        let begun = self.service.send_cancellable_request(request, options);
        begun.await.expect("the connection is open")
    }

    /// The next thing this client hears.
    pub async fn hears(&self) -> Heard {
        self.heard
            .lock()
            .await
            .recv()
            .await
            .expect("the connection is open")
    }

    /// The text of the next progress notification.
    pub async fn hears_progress(&self) -> ProgressNotificationParam {
        loop {
            if let Heard::Progress(progress) = self.hears().await {
                return progress;
            }
        }
    }

    /// The next form that the person is shown.
    pub async fn is_asked(&self) -> Asked {
        self.asked
            .lock()
            .await
            .recv()
            .await
            .expect("the connection is open")
    }
}

/// The end of a call that was begun.
pub async fn result(call: RequestHandle<RoleClient>) -> CallToolResult {
    match call.await_response().await.expect("an answer") {
        ServerResult::CallToolResult(result) => result,
        other => panic!("no result of a call: {other:?}"),
    }
}

pub fn params(tool: &str, arguments: Value) -> CallToolRequestParams {
    let Value::Object(arguments) = arguments else {
        panic!("arguments are an object")
    };
    CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments)
}

/// The texts of a result, joined by newlines.
pub fn text(result: &CallToolResult) -> String {
    let texts: Vec<&str> = result
        .content
        .iter()
        .filter_map(|block| block.as_text())
        .map(|text| text.text.as_str())
        .collect();
    texts.join("\n")
}

/// What came after the header.
pub fn output(result: &CallToolResult) -> String {
    let text = text(result);
    let (_, output) = text.split_once("Output:\n\n").unwrap_or_default();
    output.to_owned()
}

/// The structured form of a result.
pub fn structured(result: &CallToolResult) -> &Value {
    result
        .structured_content
        .as_ref()
        .expect("structured content")
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        if self.person == Person::Somebody {
            let form = FormElicitationCapability::default();
            capabilities.elicitation = Some(ElicitationCapability::new().with_form(form));
        }
        let config = ClientConfig::new(capabilities, Implementation::new(&self.name, "1"));
        match self.revision {
            Revision::V2025_11_25 => config.with_protocol_version(ProtocolVersion::V_2025_11_25),
            Revision::V2026_07_28 => config,
        }
    }

    async fn create_elicitation(
        &self,
        form: ElicitRequestParams,
        context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let (answer, answered) = oneshot::channel();
        let _ = self.asked.send(Asked { form, answer });
        tokio::select! {
            answer = answered => {
                answer.map_err(|_| ErrorData::internal_error("nobody answered", None))
            }
            () = context.ct.cancelled() => Err(ErrorData::internal_error("withdrawn", None)),
        }
    }

    async fn on_progress(
        &self,
        progress: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        let _ = self.heard.send(Heard::Progress(progress));
    }

    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        let _ = self.heard.send(Heard::ToolsChanged);
    }
}
