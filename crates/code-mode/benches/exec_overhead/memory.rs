//! What isolates that stand by, and cells that wait, hold of memory and threads.

use std::fs;
use std::sync::Arc;

use code_mode::{
    CancellationToken, ExecuteRequest, FunctionHost, RuntimeResponse, Session, ToolDefinition,
    ToolOutput, ToolSet, standby,
};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinHandle;

use crate::engine::{self, STANDBYS, Standby};
use crate::scripts::EXEC;
use crate::timing::{Sample, Timing};

/// How many isolates more stand by when their memory is looked at.
const MORE_STANDBYS: usize = 50;

const SESSIONS: usize = 20;
const CELLS_OF_A_SESSION: usize = 50;
const CELLS: usize = SESSIONS * CELLS_OF_A_SESSION;

/// Fifty isolates more than the default floor: what each holds.
pub fn of_standbys() -> Sample {
    stand_by(STANDBYS);
    let before = Usage::now();
    stand_by(STANDBYS + MORE_STANDBYS);
    let after = Usage::now();
    Usage::figures(before, after, MORE_STANDBYS, Sample::of_times(&[]))
}

fn stand_by(count: usize) {
    standby::configure(standby::Options::default().floor(count).cap(count));
    standby::start();
    engine::await_standbys(count);
}

/// A thousand cells that wait for tools: what each holds. The times are of one more exec meanwhile,
/// for which isolates stand by.
pub fn of_waiting_cells(take: impl FnOnce(&mut dyn FnMut() -> Timing) -> Sample) -> Sample {
    let runtime = engine::embedders_runtime();
    let mut exec = engine::executor(EXEC, Standby::Ready, Vec::new(), None);
    exec();
    engine::await_standbys(STANDBYS);

    let before = Usage::now();
    let waiting = WaitingCells::start(&runtime);
    engine::await_standbys(STANDBYS);
    let after = Usage::now();
    let sample = Usage::figures(before, after, CELLS, take(&mut exec));
    waiting.end(&runtime);
    sample
}

/// Cells that each await a tool which returns when all are let go.
struct WaitingCells {
    sessions: Vec<Session>,
    answers: Vec<JoinHandle<RuntimeResponse>>,
    let_go: CancellationToken,
}

impl WaitingCells {
    /// Returns when all of them wait.
    fn start(runtime: &Runtime) -> Self {
        let let_go = CancellationToken::new();
        let mut answers = Vec::with_capacity(CELLS);
        let sessions = (0..SESSIONS).map(|_| {
            let (host, mut calls) = waiting_host(let_go.clone());
            let tools = host.tools();
            let session = Session::new(host);
            for _ in 0..CELLS_OF_A_SESSION {
                let answer = runtime.block_on(start_waiting(&session, &tools, &mut calls));
                answers.push(answer);
            }
            session
        });
        Self {
            sessions: sessions.collect(),
            answers,
            let_go,
        }
    }

    fn end(self, runtime: &Runtime) {
        self.let_go.cancel();
        runtime.block_on(async {
            for answer in self.answers {
                let response = answer.await.expect("the cell answers");
                assert_eq!(response.error_text(), None);
                assert_eq!(response.text(), "done");
            }
            for session in &self.sessions {
                session.shutdown().await;
            }
        });
    }
}

/// A host whose tool tells of each call, and returns when it is let go.
fn waiting_host(let_go: CancellationToken) -> (FunctionHost, UnboundedReceiver<()>) {
    let (called, calls) = mpsc::unbounded_channel();
    let called = Arc::new(called);
    let tool = ToolDefinition::function("hold", "Takes its time.");
    let host = FunctionHost::new().function(tool, move |_call| {
        called.send(()).expect("the starter listens");
        let let_go = let_go.clone();
        async move {
            let_go.cancelled().await;
            Ok(ToolOutput::text("done"))
        }
    });
    (host, calls)
}

/// Starts a cell, and returns when it waits.
async fn start_waiting(
    session: &Session,
    tools: &ToolSet,
    calls: &mut UnboundedReceiver<()>,
) -> JoinHandle<RuntimeResponse> {
    const AN_HOUR_MS: u64 = 3_600_000;
    let request = ExecuteRequest::new("text(await tools.hold({}))")
        .enabled_tools(tools.clone())
        .yield_time_ms(AN_HOUR_MS);
    let cell = session.start(request).expect("the exec is accepted");
    let mut answer = tokio::spawn(cell.response());
    tokio::select! {
        call = calls.recv() => call.expect("the host is there"),
        early = &mut answer => panic!("the cell did not wait: {early:?}"),
    }
    answer
}

/// What this process holds, as Linux's `/proc` tells.
struct Usage {
    resident_kib: f64,
    /// Not shared with another process, as the binary's own pages may be.
    private_kib: f64,
    threads: f64,
}

impl Usage {
    /// `None` where the system does not tell.
    fn now() -> Option<Self> {
        let memory = fs::read_to_string("/proc/self/smaps_rollup").ok()?;
        let status = fs::read_to_string("/proc/self/status").ok()?;
        Some(Self {
            resident_kib: number(&memory, "Rss:")?,
            private_kib: number(&memory, "Private_Clean:")? + number(&memory, "Private_Dirty:")?,
            threads: number(&status, "Threads:")?,
        })
    }

    /// Adds to a sample by how much the process grew for each of `count`.
    fn figures(before: Option<Self>, after: Option<Self>, count: usize, sample: Sample) -> Sample {
        let (Some(before), Some(after)) = (before, after) else {
            return sample;
        };
        let each = |from: f64, to: f64| (to - from) / count as f64;
        sample
            .with_figure(
                "resident KiB each",
                each(before.resident_kib, after.resident_kib),
            )
            .with_figure(
                "private KiB each",
                each(before.private_kib, after.private_kib),
            )
            .with_figure("threads each", each(before.threads, after.threads))
            .with_figure("threads", after.threads)
    }
}

/// The first number of the line that starts with `field`.
fn number(text: &str, field: &str) -> Option<f64> {
    let value = text.lines().find_map(|line| line.strip_prefix(field))?;
    value.split_whitespace().next()?.parse().ok()
}
