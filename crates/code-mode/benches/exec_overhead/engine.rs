//! Execs by the engine, through its public surface.

use std::cell::LazyCell;
use std::time::Instant;

use code_mode::{
    ExecuteRequest, FunctionHost, RuntimeResponse, Session, ToolCall, ToolDefinition, ToolOutput,
    ToolSet,
};
use tokio::runtime::{self, Runtime};

use crate::sample::Timing;
use crate::scenarios::Script;

/// An exec of `script` with these tools, to be called again and again. The first one makes the
/// session too.
pub fn executor(
    script: Script,
    tool_names: Vec<String>,
    input_schema: Option<&str>,
) -> impl FnMut() -> Timing {
    let embedder = Embedder::new(tool_names, input_schema);
    move || embedder.exec(script)
}

/// A process that uses the engine. Its fields are dropped in this order: the session ends before
/// the runtime it works on.
struct Embedder {
    session: LazyCell<Session, Box<dyn FnOnce() -> Session>>,
    tools: ToolSet,
    runtime: Runtime,
}

impl Embedder {
    fn new(tool_names: Vec<String>, input_schema: Option<&str>) -> Self {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let host = tool_names
            .into_iter()
            .fold(FunctionHost::new(), |host, name| {
                let mut tool = ToolDefinition::function(name, "Answers ok.");
                tool.input_schema =
                    input_schema.map(|schema| serde_json::from_str(schema).expect("JSON"));
                host.function(tool, |_call: ToolCall| async { Ok(ToolOutput::text("ok")) })
            });
        Self {
            tools: host.tools(),
            session: LazyCell::new(Box::new(|| Session::new(host))),
            runtime,
        }
    }

    fn exec(&self, script: Script) -> Timing {
        let start = Instant::now();
        let response = self.runtime.block_on(async {
            let request = ExecuteRequest::new(script.source).enabled_tools(self.tools.clone());
            self.session.execute(request).await
        });
        let total = start.elapsed();

        let response = response.expect("the exec is accepted");
        assert!(
            matches!(response, RuntimeResponse::Result { .. }),
            "the script is done when execute answers: {response:?}"
        );
        assert_eq!(response.error_text(), None);
        assert_eq!(response.text(), script.text);
        Timing {
            total,
            until_text: None,
        }
    }
}
