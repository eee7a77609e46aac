//! An MCP server over HTTP, in this process, whose calls the test holds in its hand.

use std::sync::{Arc, Mutex};

use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ElicitRequest,
    ElicitRequestParams, ElicitationSchema, ErrorData, InputRequest, InputRequiredResult,
    InputResponses, JsonObject, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam,
    RequestMetaObject, ServerCapabilities, ServerConfig, SubscriptionFilter, Tool,
};
use rmcp::service::{RequestContext, RoleServer, SubscriptionContext};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A server and what is heard of it. Ends with it.
pub struct Server {
    pub name: String,
    pub url: String,
    /// Calls of all tools but `echo` and `asks`, as they come.
    pub calls: mpsc::UnboundedReceiver<HeldCall>,
    tools: Arc<Mutex<Vec<Tool>>>,
    changed: watch::Sender<u64>,
    _end: DropGuard,
}

/// A call that waits for its answer.
pub struct HeldCall {
    pub tool: String,
    pub arguments: JsonObject,
    pub answer: oneshot::Sender<CallToolResult>,
    /// Fires when the caller does not want it any more.
    pub cancelled: CancellationToken,
    context: RequestContext<RoleServer>,
}

impl HeldCall {
    pub fn answer_text(self, text: &str) {
        let answer = CallToolResult::success(vec![ContentBlock::text(text)]);
        let _ = self.answer.send(answer);
    }

    pub fn meta(&self) -> &RequestMetaObject {
        &self.context.meta
    }

    /// Reports progress, and returns once that is on its way.
    pub async fn progress(&self, progress: f64, total: f64, message: &str) {
        let token = self.context.meta.get_progress_token().expect("a token");
        let report = ProgressNotificationParam::new(token, progress)
            .with_total(total)
            .with_message(message);
        self.context.peer.notify_progress(report).await.unwrap();
    }
}

/// A tool that takes any object.
pub fn tool(name: &'static str) -> Tool {
    let schema = json!({ "type": "object" });
    let Value::Object(schema) = schema else {
        unreachable!()
    };
    Tool::new(name, format!("The tool {name}."), schema)
}

impl Server {
    /// A server with the tools `echo`, which answers its argument `text` by itself, and `held`.
    pub async fn start(name: &str) -> Self {
        Self::with_tools(name, vec![tool("echo"), tool("held")]).await
    }

    pub async fn with_tools(name: &str, tools: Vec<Tool>) -> Self {
        let (sender, calls) = mpsc::unbounded_channel();
        let tools = Arc::new(Mutex::new(tools));
        let changed = watch::Sender::new(0);
        let handler = Handler {
            tools: Arc::clone(&tools),
            calls: sender,
            changed: changed.clone(),
        };
        let end = CancellationToken::new();
        let config =
            StreamableHttpServerConfig::default().with_cancellation_token(end.child_token());
        let service = StreamableHttpService::new(
            move || Ok(handler.clone()),
            Arc::new(LocalSessionManager::default()),
            config,
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let router = axum::Router::new().route_service("/mcp", service);
        let ended = end.clone();
        tokio::spawn(async move {
            let serving = axum::serve(listener, router)
                .with_graceful_shutdown(async move { ended.cancelled().await });
            let _ = serving.await;
        });
        Self {
            name: name.to_owned(),
            url,
            calls,
            tools,
            changed,
            _end: end.drop_guard(),
        }
    }

    /// The next call that waits for its answer.
    pub async fn call(&mut self) -> HeldCall {
        self.calls.recv().await.expect("the server runs")
    }

    /// Offers other tools from now on, and says so.
    pub fn offer(&self, tools: Vec<Tool>) {
        *self.tools.lock().unwrap() = tools;
        self.changed.send_modify(|version| *version += 1);
    }
}

#[derive(Clone)]
struct Handler {
    tools: Arc<Mutex<Vec<Tool>>>,
    calls: mpsc::UnboundedSender<HeldCall>,
    changed: watch::Sender<u64>,
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        ServerConfig::new(capabilities).with_instructions("Made for tests.")
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changed = self.changed.subscribe();
        loop {
            tokio::select! {
                changed = changed.changed() => if changed.is_err() {
                    return Ok(());
                },
                () = context.cancelled() => return Ok(()),
            }
            let _ = context.sink().notify_tool_list_changed().await;
        }
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(
            self.tools.lock().unwrap().clone(),
        ))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        if request.name == "echo" {
            let text = arguments["text"].as_str().unwrap_or_default();
            return Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into());
        }
        if request.name == "asks" {
            return Ok(ask(request.input_responses));
        }
        let (answer, answered) = oneshot::channel();
        let cancelled = context.ct.clone();
        let call = HeldCall {
            tool: request.name.into_owned(),
            arguments,
            answer,
            cancelled: cancelled.clone(),
            context,
        };
        let _ = self.calls.send(call);
        tokio::select! {
            answer = answered => match answer {
                Ok(answer) => Ok(answer.into()),
                Err(_) => Err(ErrorData::internal_error("the test dropped the call", None)),
            },
            () = cancelled.cancelled() => Err(ErrorData::internal_error("cancelled", None)),
        }
    }
}

/// Asks a person for a branch, and answers with what they said.
fn ask(responses: Option<InputResponses>) -> CallToolResponse {
    if let Some(said) = responses.and_then(|mut said| said.remove("branch")) {
        let action = said["action"].as_str().unwrap_or_default();
        let words = format!("the person said {action} {}", said["content"]);
        return CallToolResult::success(vec![ContentBlock::text(words)]).into();
    }
    let form = ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: "Which branch?\u{200b}".to_owned(),
        requested_schema: ElicitationSchema::builder()
            .required_string("branch")
            .build_unchecked(),
    };
    let question = InputRequest::Elicitation(ElicitRequest::new(form));
    InputRequiredResult::from_input_requests([("branch".to_owned(), question)].into()).into()
}
