//! Execs by the engine, through its public surface.

use std::cell::LazyCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use code_mode::{
    ExecuteRequest, FunctionHost, Isolation, RuntimeResponse, Session, ToolCall, ToolDefinition,
    ToolOutput, ToolSet, WaitRequest, standby,
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
    /// The same, and a pause in which the processors turn to other things.
    Rested,
    /// The floor, and the script is one that the session has run before: all the others come each for
    /// the first time.
    Repeated,
    /// Never anything.
    None,
    /// A worker process with its floor, in which the session's cells run.
    Worker,
}

/// An exec of `script` with these tools, to be called again and again. The first one makes the
/// session too.
pub fn executor(
    script: Script,
    standby: Standby,
    tool_names: Vec<String>,
    input_schema: Option<&str>,
) -> impl FnMut() -> Timing {
    let embedder = Embedder::new(tool_names, input_schema, standby.isolation());
    standby.configure();
    move || {
        standby.before_exec();
        let source = match standby {
            Standby::Repeated => script.source.to_owned(),
            _ => new_source(script),
        };
        embedder.exec(script, source)
    }
}

/// A termination of a script that loops, to be called again and again.
pub fn terminator(standby: Standby) -> impl FnMut() -> Timing {
    let embedder = Embedder::new(Vec::new(), None, standby.isolation());
    standby.configure();
    move || {
        standby.before_exec();
        embedder.terminate()
    }
}

/// The program of the workers, in a build with `worker-processes`.
pub const WORKER: Option<&str> = if cfg!(all(unix, feature = "worker-processes")) {
    option_env!("CARGO_BIN_EXE_code_mode_test_worker")
} else {
    None
};

impl Standby {
    #[cfg(all(unix, feature = "worker-processes"))]
    fn isolation(self) -> Isolation {
        use code_mode::worker::{Options, Pool};

        match (self, WORKER) {
            (Self::Worker, Some(program)) => {
                Isolation::Process(Pool::new(Options::default().program(program)))
            }
            _ => Isolation::InProcess,
        }
    }

    #[cfg(not(all(unix, feature = "worker-processes")))]
    fn isolation(self) -> Isolation {
        Isolation::InProcess
    }

    pub fn configure(self) {
        match self {
            Self::AsItComes | Self::Worker => {}
            Self::Ready | Self::Rested | Self::Repeated => {
                // No more than that: whoever waits for two is not to measure beside the making of a third.
                standby::configure(standby::Options::default().floor(STANDBYS).cap(STANDBYS));
                standby::start();
            }
            Self::None => standby::configure(standby::Options::none()),
        }
    }

    /// What has to be so when the clock starts.
    pub fn before_exec(self) {
        match self {
            Self::AsItComes | Self::None => {}
            Self::Ready | Self::Repeated => await_standbys(STANDBYS),
            Self::Worker => await_workers(),
            Self::Rested => {
                await_standbys(STANDBYS);
                thread::sleep(REST);
            }
        }
    }
}

/// Returns when no thread of the workers has anything to do: an isolate was taken down, and another one
/// stands by. Where the system does not tell, after as long as that takes.
pub fn await_workers() {
    const AS_LONG_AS_IT_TAKES: Duration = Duration::from_millis(10);

    let start = Instant::now();
    while !workers_sleep().unwrap_or(start.elapsed() >= AS_LONG_AS_IT_TAKES) {
        thread::yield_now();
    }
}

/// Whether all threads of all children of this process sleep.
fn workers_sleep() -> Option<bool> {
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let children = std::fs::read_to_string(task.ok()?.path().join("children")).ok()?;
        for child in children.split_whitespace() {
            for task in std::fs::read_dir(format!("/proc/{child}/task")).ok()? {
                let stat = std::fs::read_to_string(task.ok()?.path().join("stat")).ok()?;
                // The name in brackets may have anything in it.
                let state = stat.rsplit_once(") ")?.1;
                if !state.starts_with('S') {
                    return Some(false);
                }
            }
        }
    }
    Some(true)
}

/// A pause between two execs, as a model makes it, but for the bench's patience.
const REST: Duration = Duration::from_millis(5);

/// Returns when this many stand by. The thread of the exec before makes the last of them, after it has
/// taken its isolate down: nothing is left to do then.
pub fn await_standbys(count: usize) {
    const PATIENCE: Duration = Duration::from_secs(20);

    let start = Instant::now();
    while standby::ready() < count {
        assert!(
            start.elapsed() < PATIENCE,
            "{} of {count} isolates stand by, and no more come",
            standby::ready()
        );
        // No sleep: the processor of the caller is as awake as where execs follow one another.
        thread::yield_now();
    }
}

/// The script in words that the process has not used before: a session keeps the code of scripts that
/// come again, and bare V8 and QuickJS do not.
pub fn new_source(script: Script) -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    format!(
        "{}\n// {}",
        script.source,
        LAST.fetch_add(1, Ordering::Relaxed)
    )
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
    fn new(tool_names: Vec<String>, input_schema: Option<&str>, isolation: Isolation) -> Self {
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
            session: LazyCell::new(Box::new(|| {
                Session::builder().isolation(isolation).build(host)
            })),
            runtime: embedders_runtime(),
        }
    }

    fn terminate(&self) -> Timing {
        const LOOP: &str = "yield_control(); for (;;) {}";

        let total = self.runtime.block_on(async {
            let looping = self.session.execute(ExecuteRequest::new(LOOP)).await;
            let looping = looping.expect("the exec is accepted").cell_id();
            let start = Instant::now();
            let end = self.session.wait(WaitRequest::terminate(looping)).await;
            let total = start.elapsed();
            assert!(
                matches!(end, Ok(RuntimeResponse::Terminated { .. })),
                "{end:?}"
            );
            total
        });
        Timing {
            total,
            until_text: None,
        }
    }

    fn exec(&self, script: Script, source: String) -> Timing {
        let start = Instant::now();
        let response = self.runtime.block_on(async {
            let request = ExecuteRequest::new(source).enabled_tools(self.tools.clone());
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
