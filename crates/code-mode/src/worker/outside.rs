//! The outside of a cell in a worker: what the script tells it goes to the parent as frames.
//!
//! Frames that nobody waits for are gathered until somebody should see them: until the script waits or
//! takes its time, asks for something, or ends. So a short script costs one write. From then on each
//! frame is written when it comes.

use std::fmt::Display;
use std::sync::{Arc, Mutex, mpsc};

use serde::Serialize;
use serde_json::value::RawValue;

use super::protocol::{Answered, Call, Ended, Gone, Output, Store, TooLong, Usage, append, nanos};
use super::serve::{Cells, Channel};
use crate::response::ContentItem;
use crate::runtime::{CellEvents, CellIsolate, CellThread, NestedCall, Outcome, Refused};
use crate::service::{ToolError, ToolOutput};
use crate::sync::lock;

/// How much is gathered at most.
const GATHERED_BYTES: usize = 32 * 1024;

/// One cell of a worker. Held by its thread and, until the isolate is gone, by the list of cells.
pub(super) struct Outside {
    pub(super) id: u64,
    pub(super) isolate: CellIsolate,
    thread: Mutex<CellThread>,
    max_output_bytes: usize,
    channel: Arc<Channel>,
    cells: Arc<Cells>,
    /// Locked while frames are written too, so that they leave in their order.
    out: Mutex<Out>,
    answers: Mutex<mpsc::Receiver<Answered>>,
    answer: mpsc::Sender<Answered>,
}

#[derive(Default)]
struct Out {
    gathered: Vec<u8>,
    /// Whether there is no gathering any more.
    at_once: bool,
    /// Bytes of items that were sent unasked. The parent has room for as many as the limit says: it
    /// takes them all, whether or not somebody reads there.
    unasked_bytes: usize,
    ended: bool,
    gone: bool,
}

impl Outside {
    pub(super) fn new(
        id: u64,
        isolate: CellIsolate,
        thread: CellThread,
        max_output_bytes: usize,
        channel: Arc<Channel>,
        cells: Arc<Cells>,
    ) -> Self {
        let (answer, answers) = mpsc::channel();
        Self {
            id,
            isolate,
            thread: Mutex::new(thread),
            max_output_bytes,
            channel,
            cells,
            out: Mutex::default(),
            answers: Mutex::new(answers),
            answer,
        }
    }

    /// Says how a cell ended that got no thread.
    pub(super) fn never_ran(&self, why: &dyn Display) {
        let why = format!("the worker process could not start it: {why}; the session goes on");
        self.say_ended(Outcome::RuntimeFailure(why));
        self.gone();
    }

    /// What the parent answers to what the cell's thread waits for.
    pub(super) fn answered(&self, answer: Answered) {
        let _ = self.answer.send(answer);
    }

    pub(super) fn usage(&self) -> Usage {
        let control = self.isolate.control();
        Usage {
            cpu_nanos: nanos(control.cpu_used()),
            heap_bytes: control.heap_used(),
        }
    }

    /// Sends a frame when it suits.
    fn tell(&self, kind: &'static str, body: &impl Serialize) -> Result<(), TooLong> {
        let mut out = lock(&self.out);
        if out.ended {
            return Ok(());
        }
        append(&mut out.gathered, kind, self.id, body)?;
        if out.at_once || out.gathered.len() >= GATHERED_BYTES {
            self.flush(&mut out);
        }
        Ok(())
    }

    /// Sends a frame now.
    fn tell_now(&self, kind: &'static str, body: &impl Serialize) -> Result<(), TooLong> {
        let mut out = lock(&self.out);
        append(&mut out.gathered, kind, self.id, body)?;
        self.flush(&mut out);
        Ok(())
    }

    fn flush(&self, out: &mut Out) {
        if out.gone {
            out.gathered.clear();
            return;
        }
        self.channel.write(&out.gathered);
        out.gathered.clear();
        out.gathered.shrink_to(2 * GATHERED_BYTES);
    }

    /// Sends a frame and waits for what the parent says to it.
    fn ask(&self, kind: &'static str, body: &impl Serialize) -> Result<Answered, Refused> {
        if lock(&self.out).ended {
            return Err(Refused("the script has ended".to_owned()));
        }
        // Taken first: whoever asks next has its own answer to wait for.
        let answers = lock(&self.answers);
        self.tell_now(kind, body)
            .map_err(|too_long| Refused(format!("{kind}: {too_long}")))?;
        let answered = answers.recv().expect("a sender is kept beside it");
        match answered {
            Answered::Refused(why) => Err(Refused(why)),
            // The helpers have no way to say so; the cell fails with these words.
            Answered::Failed(why) => panic!("{kind}: {why}"),
            answered => Ok(answered),
        }
    }

    fn say_ended(&self, outcome: Outcome) {
        let usage = self.usage();
        let mut out = lock(&self.out);
        if std::mem::replace(&mut out.ended, true) {
            return;
        }
        let ended = Ended::new(outcome, usage);
        if let Err(too_long) = append(&mut out.gathered, "ended", self.id, &ended) {
            let why = format!(
                "Error: the script failed, and what it failed with is left out: {too_long}"
            );
            let ended = Ended::new(Outcome::Failure(why), usage);
            append(&mut out.gathered, "ended", self.id, &ended).expect("it is short");
        }
        self.flush(&mut out);
    }
}

impl CellEvents for Outside {
    fn output(&self, items: Vec<ContentItem>) -> Result<(), Refused> {
        let bytes = items.iter().map(ContentItem::held_bytes).sum();
        {
            let mut out = lock(&self.out);
            if out.ended {
                return Ok(());
            }
            let unasked = out.unasked_bytes.saturating_add(bytes);
            if unasked <= self.max_output_bytes {
                let output = Output::new(&items, false);
                append(&mut out.gathered, "output", self.id, &output)
                    .map_err(|too_long| Refused(format!("this output is too long: {too_long}")))?;
                out.unasked_bytes = unasked;
                if out.at_once || out.gathered.len() >= GATHERED_BYTES {
                    self.flush(&mut out);
                }
                return Ok(());
            }
            // Smaller ones that come later ask too: the order of items is the order of frames.
            out.unasked_bytes = self.max_output_bytes;
        }
        self.ask("output", &Output::new(&items, true)).map(drop)
    }

    fn start_call(&self, call: NestedCall) -> Option<Result<ToolOutput, ToolError>> {
        let NestedCall {
            call_id,
            tool,
            input,
            raw,
        } = call;
        let call = Call::new(call_id, &tool.global_name, &input, raw);
        let told = self.tell("call", &call);
        told.err().map(|too_long| {
            let name = &tool.global_name;
            Err(ToolError::new(format!(
                "{name}: the argument is too long: {too_long}"
            )))
        })
    }

    fn cancel_call(&self, call_id: u64) {
        let _ = self.tell("cancel", &call_id);
    }

    fn start_notification(&self, text: String) -> bool {
        if let Err(too_long) = self.tell("notify", &text) {
            let note = format!("(a notification that is too long to be sent: {too_long})");
            self.tell("notify", &note).expect("it is short");
        }
        false
    }

    fn yielded(&self) {
        if !lock(&self.out).ended {
            let _ = self.tell_now("yield", &());
        }
    }

    fn load(&self, key: &str) -> Option<Arc<RawValue>> {
        match self.ask("load", &key) {
            Ok(Answered::Value(json)) => Some(json.into()),
            _ => None,
        }
    }

    fn store(&self, key: String, json: Option<Box<RawValue>>) -> Result<(), Refused> {
        let store = Store {
            key: &key,
            json: json.as_deref(),
        };
        self.ask("store", &store).map(drop)
    }

    fn load_output(&self, handle: &str) -> Result<Arc<str>, Refused> {
        match self.ask("load_output", &handle)? {
            Answered::Text(text) => Ok(text.into()),
            _ => Err(Refused("load_output: there is no such output".to_owned())),
        }
    }

    /// The parent counts them itself.
    fn calls_pending(&self, _: usize) {}

    fn ended(&self, outcome: Outcome) -> Option<Outcome> {
        self.say_ended(outcome);
        None
    }

    fn goes_on(&self) {
        let usage = self.usage();
        let mut out = lock(&self.out);
        if out.ended {
            return;
        }
        out.at_once = true;
        append(&mut out.gathered, "goes_on", self.id, &usage).expect("it is short");
        self.flush(&mut out);
    }

    fn gone(&self) {
        // A script that found no isolate, or whose thread failed, did not come to `ended`.
        let outcome = match lock(&self.thread).outcome.try_recv() {
            Ok(Some(outcome)) => outcome,
            _ => Outcome::RuntimeFailure(
                "the engine's thread of this cell ended unexpectedly; this cell is lost, the session goes on"
                    .to_owned(),
            ),
        };
        self.say_ended(outcome);
        lock(&self.cells).remove(&self.id);
        let lost = self.isolate.control().lost().is_some();
        let _ = self.tell_now("gone", &Gone { lost });
        lock(&self.out).gone = true;
    }
}
