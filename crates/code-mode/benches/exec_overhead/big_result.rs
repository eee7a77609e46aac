//! What it costs to hand a long string from a tool to the caller, beside copying it.

use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use code_mode::{ExecuteRequest, FunctionHost, Session, ToolDefinition, ToolOutput, ToolSet};
use tokio::runtime::Runtime;

use crate::engine::{self, Standby};
use crate::scenarios::Buffers;
use crate::timing::Timing;

const SOURCE: &str = "text(await tools.read({}))";

/// An exec that returns a string of this size through `text`, to be called again and again.
pub fn executor(tool_names: Vec<String>, bytes: usize) -> impl FnMut() -> Timing {
    let embedder = Embedder::new(tool_names, bytes);
    move || embedder.exec()
}

/// Four copies of the string, each of the one before and all there at the end, after an exec as above.
pub fn copier(tool_names: Vec<String>, bytes: usize, buffers: Buffers) -> impl FnMut() -> Timing {
    let embedder = Embedder::new(tool_names, bytes);
    let mut copies = Default::default();
    move || {
        embedder.exec();
        match buffers {
            Buffers::Fresh => copies = Default::default(),
            Buffers::Reused => {}
        }
        let start = Instant::now();
        copy_four_times(&embedder.result, &mut copies);
        let total = start.elapsed();

        assert!(copies[3] == embedder.result, "the string arrives whole");
        Timing {
            total,
            until_text: None,
        }
    }
}

fn copy_four_times(text: &str, copies: &mut [String; 4]) {
    let mut from = text;
    for copy in copies {
        copy.clear();
        copy.push_str(black_box(from));
        from = copy;
    }
}

/// Lines of a log, in ASCII.
fn lines(bytes: usize) -> String {
    let line = "2026-01-01T00:00:00Z INFO request=0123456789abcdef took 17ms, \"ok\"\n";
    line.chars().cycle().take(bytes).collect()
}

/// A process with a tool that returns the string. Its fields are dropped in this order.
struct Embedder {
    session: Session,
    tools: ToolSet,
    runtime: Runtime,
    result: String,
    /// The tool's own copy, put here before each exec and given away by the tool.
    prepared: Arc<Mutex<String>>,
}

impl Embedder {
    fn new(tool_names: Vec<String>, bytes: usize) -> Self {
        let prepared = Arc::new(Mutex::new(String::new()));
        let host = tool_names
            .into_iter()
            .fold(FunctionHost::new(), |host, name| {
                let prepared = Arc::clone(&prepared);
                let tool = ToolDefinition::function(name, "Reads it all.");
                host.function(tool, move |_call| {
                    let result = std::mem::take(&mut *prepared.lock().expect("no panic"));
                    async { Ok(ToolOutput::text(result)) }
                })
            });
        Standby::Ready.configure();
        Self {
            tools: host.tools(),
            session: Session::new(host),
            runtime: engine::embedders_runtime(),
            result: lines(bytes),
            prepared,
        }
    }

    fn exec(&self) -> Timing {
        self.prepared
            .lock()
            .expect("no panic")
            .clone_from(&self.result);
        Standby::Ready.before_exec();

        let start = Instant::now();
        let response = self.runtime.block_on(async {
            let request = ExecuteRequest::new(SOURCE).enabled_tools(self.tools.clone());
            self.session.execute(request).await
        });
        let total = start.elapsed();

        let response = response.expect("the exec is accepted");
        assert_eq!(response.error_text(), None);
        assert!(response.text() == self.result, "the string arrives whole");
        Timing {
            total,
            until_text: None,
        }
    }
}
