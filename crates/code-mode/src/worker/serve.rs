//! A worker's side: reads frames, and has the runtime run the cells they tell of.
//!
//! It decides nothing about a session: values, outputs and calls are the parent's.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};

use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::outside::Outside;
use super::protocol::{
    Answered, Frame, FrameReader, Hello, Run, SettledCall, Tools, Usage, append,
};
use super::{NO_SIGNAL, sandbox};
use crate::description::{ToolDefinition, ToolSet};
use crate::limits::Limits;
use crate::runtime::{CellIsolate, CellSource, CodeCache, Command, StopReason, spawn, standby};
use crate::sync::lock;

/// Runs this process as a worker, and ends it: what [`Options::program`](super::Options::program) with
/// [`Options::args`](super::Options::args) must come to.
///
/// It speaks with the process that started it over its standard input, which is a socket, and ends
/// when that goes away. It must be called before anything else has been done: a worker gives up most of
/// what a process may do, and has no threads of others.
///
/// The status is 0 if the other side went away, and 2 if this process was not started as a worker or
/// could not make sense of what it was sent; its standard error says why.
///
/// ```no_run
/// if std::env::args().nth(1).as_deref() == Some("worker") {
///     code_mode::worker::run();
/// }
/// ```
pub fn run() -> ! {
    sandbox::enter();
    let status = match serve() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("code-mode worker: {error}");
            2
        }
    };
    std::process::exit(status)
}

/// Why a worker gives up.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(
        "its standard input is no socket: a worker is started by a session that runs cells in workers, not by hand ({0})"
    )]
    NoSocket(io::Error),
    #[error("the other side speaks protocol versions {0}, and this worker {ours}", ours = Hello::ours())]
    Version(Hello),
    #[error("it was greeted with something else than a hello")]
    NotGreeted,
    #[error("it was sent what it cannot read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("it was sent {0}")]
    Length(#[from] super::protocol::BadLength),
}

/// The way to the parent.
pub(super) struct Channel {
    writing: Mutex<()>,
}

impl Channel {
    /// Writes frames whole. Ends the process if there is nobody to read them.
    pub(super) fn write(&self, mut bytes: &[u8]) {
        let _writing = lock(&self.writing);
        while !bytes.is_empty() {
            match send(io::stdin().as_fd(), bytes, NO_SIGNAL) {
                Ok(count) => bytes = &bytes[count..],
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => std::process::exit(0),
            }
        }
    }
}

/// The cells of this process, until their isolates are gone.
pub(super) type Cells = Mutex<HashMap<u64, Arc<Outside>>>;

struct Server {
    channel: Arc<Channel>,
    cells: Arc<Cells>,
    tools: HashMap<u64, ToolSet>,
    /// Of the one session whose cells come here.
    code_cache: Arc<CodeCache>,
}

fn serve() -> Result<(), Failed> {
    // Nothing is sent: this only asks whether it could be.
    send(io::stdin().as_fd(), &[], SendFlags::empty())
        .map_err(|error| Failed::NoSocket(error.into()))?;
    let mut server = Server {
        channel: Arc::new(Channel {
            writing: Mutex::new(()),
        }),
        cells: Arc::default(),
        tools: HashMap::from([(0, ToolSet::default())]),
        code_cache: Arc::default(),
    };
    server.say("hello", &Hello::ours());
    let mut frames = FrameReader::new();
    let mut greeted = false;
    loop {
        while let Some(bytes) = frames.next()? {
            let frame = Frame::parse(bytes)?;
            if greeted {
                server.take(&frame)?;
            } else {
                greet(&frame)?;
                greeted = true;
                standby::start();
            }
        }
        let more = frames.fill(|into| {
            loop {
                match recv(io::stdin().as_fd(), &mut *into, RecvFlags::empty()) {
                    Ok((count, _)) => return Ok(count),
                    Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        });
        if !matches!(more, Ok(true)) {
            return Ok(());
        }
    }
}

fn greet(frame: &Frame<'_>) -> Result<(), Failed> {
    if frame.kind != "hello" {
        return Err(Failed::NotGreeted);
    }
    let theirs: Hello = frame.body()?;
    match theirs.fits() {
        true => Ok(()),
        false => Err(Failed::Version(theirs)),
    }
}

impl Server {
    /// Says something that is about no cell, or the last of one that never came to be.
    fn say(&self, kind: &'static str, body: &impl serde::Serialize) {
        let mut bytes = Vec::new();
        append(&mut bytes, kind, 0, body).expect("these are short");
        self.channel.write(&bytes);
    }

    /// Does what a frame asks for. One about a cell that is gone came too late, and asks for nothing.
    fn take(&mut self, frame: &Frame<'_>) -> Result<(), serde_json::Error> {
        let cell = || lock(&self.cells).get(&frame.cell).cloned();
        match frame.kind {
            "tools" => {
                let Tools { set, tools } = frame.body()?;
                let tools = tools.into_iter().map(ToolDefinition::from);
                self.tools.insert(set, ToolSet::new(tools));
            }
            "forget" => {
                self.tools.remove(&frame.body()?);
            }
            "run" => self.run(frame.cell, frame.body()?),
            "stop" => {
                if let Some(cell) = cell() {
                    cell.isolate.stop(StopReason::Terminated);
                }
            }
            "settled" => {
                let settled: SettledCall = frame.body()?;
                if let Some(cell) = cell() {
                    cell.isolate.send(Command::CallSettled {
                        call_id: settled.call,
                        result: settled.into_result(),
                    });
                }
            }
            "heard" => {
                let bytes: usize = frame.body()?;
                if let Some(cell) = cell() {
                    cell.isolate.send(Command::NotificationDone { bytes });
                }
            }
            "answer" => {
                let answer: Answered = frame.body()?;
                if let Some(cell) = cell() {
                    cell.answered(answer);
                }
            }
            "ping" => self.pong(),
            _ => {}
        }
        Ok(())
    }

    fn run(&self, id: u64, run: Run) {
        let argument_validation = run.argument_validation();
        let limits = Limits::from(&run.limits);
        let tools = self.tools.get(&run.tools).cloned().unwrap_or_default();
        let (isolate, ends, thread) = CellIsolate::prepare(&limits);
        let cell = Arc::new(Outside::new(
            id,
            isolate,
            thread,
            limits.max_output_bytes,
            Arc::clone(&self.channel),
            Arc::clone(&self.cells),
        ));
        lock(&self.cells).insert(id, Arc::clone(&cell));
        let source = CellSource {
            source: run.source,
            tools: tools.unavailable(run.unavailable),
            limits,
            argument_validation,
            code_cache: Arc::clone(&self.code_cache),
        };
        let events = Arc::clone(&cell) as _;
        if let Err(error) = spawn(run.name, source, &cell.isolate, ends, events) {
            cell.never_ran(&error);
        }
    }

    fn pong(&self) {
        let cells: Vec<_> = lock(&self.cells).values().cloned().collect();
        let usage: HashMap<u64, Usage> = cells.iter().map(|cell| (cell.id, cell.usage())).collect();
        self.say("pong", &usage);
    }
}
