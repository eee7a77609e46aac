//! Execs by the engine, through its public surface.

use std::cell::LazyCell;
use std::thread;
use std::time::{Duration, Instant};

use code_mode::{
    ExecuteRequest, FunctionHost, RuntimeResponse, Session, ToolCall, ToolDefinition, ToolOutput,
    ToolSet, standby,
};
use tokio::runtime::{self, Runtime};

use crate::scripts::Script;
use crate::timing::Timing;

/// Isolates that an exec finds ready where a scenario is about that: the default floor.
pub const STANDBYS: usize = 2;

/// What stands by when an exec comes.
#[derive(Clone, Copy)]
pub enum Standby {
    /// As the library does it by itself. In a fresh process that is nothing.
    AsItComes,
    /// The floor: each exec waits for it, outside its time.
    Ready,
    /// Never anything.
    None,
}

/// An exec of `script` with these tools, to be called again and again. The first one makes the
/// session too.
pub fn executor(
    script: Script,
    standby: Standby,
    tool_names: Vec<String>,
    input_schema: Option<&str>,
) -> impl FnMut() -> Timing {
    let embedder = Embedder::new(tool_names, input_schema);
    standby.configure();
    move || {
        standby.before_exec();
        embedder.exec(script)
    }
}

impl Standby {
    pub fn configure(self) {
        match self {
            Self::AsItComes => {}
            Self::Ready => {
                standby::configure(standby::Options::default().floor(STANDBYS));
                standby::start();
            }
            Self::None => standby::configure(standby::Options::none()),
        }
    }

    /// What has to be so when the clock starts.
    pub fn before_exec(self) {
        if matches!(self, Self::Ready) {
            await_standbys(STANDBYS);
        }
    }
}

/// Returns when this many stand by, and what the exec before left to do is done too.
pub fn await_standbys(count: usize) {
    /// The isolate of the exec before is torn down meanwhile. There is no event for that; bare V8
    /// needs a quarter of it.
    const TEARDOWN: Duration = Duration::from_millis(2);
    const PATIENCE: Duration = Duration::from_secs(20);

    let start = Instant::now();
    while standby::ready() < count {
        assert!(
            start.elapsed() < PATIENCE,
            "{} of {count} isolates stand by, and no more come",
            standby::ready()
        );
        thread::sleep(Duration::from_micros(100));
    }
    thread::sleep(TEARDOWN);
}

/// The runtime of a process that uses the engine.
pub fn embedders_runtime() -> Runtime {
    runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Ends the run if this is not the whole answer to `script`.
pub fn check(response: &RuntimeResponse, script: Script) {
    assert!(
        matches!(response, RuntimeResponse::Result { .. }),
        "the script is done when execute answers: {response:?}"
    );
    assert_eq!(response.error_text(), None);
    assert_eq!(response.text(), script.text);
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
            runtime: embedders_runtime(),
        }
    }

    fn exec(&self, script: Script) -> Timing {
        let start = Instant::now();
        let response = self.runtime.block_on(async {
            let request = ExecuteRequest::new(script.source).enabled_tools(self.tools.clone());
            self.session.execute(request).await
        });
        let total = start.elapsed();

        check(&response.expect("the exec is accepted"), script);
        Timing {
            total,
            until_text: None,
        }
    }
}
