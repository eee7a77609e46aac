//! For the fuzz target `worker_frames`: a worker that is made to say anything, and a cell that runs in it.
//!
//! The process is there and says nothing; what is said in its name goes the way of what comes from one.

use std::sync::{Arc, LazyLock, Mutex};

use serde_json::value::RawValue;
use tokio::sync::oneshot::error::TryRecvError;

use super::child::Worker;
use super::death::Cause;
use super::pool::{Assigned, Options};
use super::protocol::append;
use super::remote::{Job, RemoteCell};
use crate::description::{ArgumentValidation, ToolDefinition, ToolKind, ToolSet};
use crate::limits::Limits;
use crate::response::{ContentItem, is_data_url};
use crate::runtime::{CellEvents, CellSource, NestedCall, Outcome, Refused};
use crate::service::{ToolError, ToolInput, ToolOutput};
use crate::sync::lock;

/// What came of what a worker said.
#[derive(Debug, Default, PartialEq)]
pub struct Heard {
    /// Why it would be killed for it, if it would.
    pub violation: Option<String>,
    /// What was heard of its cell, in order.
    pub events: Vec<String>,
}

/// Has a worker with one cell, its number 1, say these bytes and end. With `greets` it says hello before.
///
/// Panics where something is believed that no script can do.
pub fn hear_worker(greets: bool, bytes: &[u8]) -> Heard {
    static WORKER: LazyLock<(Arc<Assigned>, Arc<Worker>)> = LazyLock::new(|| {
        let options = Options::default()
            .program("/bin/sh")
            .args(["-c", "exec /bin/cat >/dev/null"])
            .warm(0);
        Assigned::with_a_worker(options).expect("a process")
    });
    let (workers, worker) = &*WORKER;
    let limits = Limits::default().max_calls_in_flight(2).max_calls(8);
    let (cell, mut thread) = RemoteCell::prepare(&limits);
    let events = Arc::new(Recorder::default());
    let job = cell.shared.begin(Job {
        name: "code-mode-1".to_owned(),
        source: source(limits),
        events: Arc::clone(&events) as _,
        workers: Arc::clone(workers),
    });
    worker.begin_anew(&cell.shared, &job);
    let mut said = Vec::new();
    if greets {
        let hello = super::protocol::Hello::ours();
        append(&mut said, "hello", 0, &hello).expect("it is short");
    }
    said.extend_from_slice(bytes);
    let violation = worker.hear(&said);

    let cause = violation.clone().unwrap_or(Cause::HungUp);
    let to_be_run_again = cell.shared.lost(&cause, None).is_some();
    let is_over = thread.gone.try_recv() == Ok(());
    assert!(is_over != to_be_run_again, "a cell ends, or is run again");
    if is_over {
        let outcome = thread.outcome.try_recv();
        assert!(
            !matches!(outcome, Err(TryRecvError::Empty)),
            "a cell that is gone has ended"
        );
        assert_eq!(lock(&events.heard).gone, 1);
    }
    let heard = std::mem::take(&mut *lock(&events.heard));
    Heard {
        violation: violation.map(|cause| cause.to_string()),
        events: heard.events,
    }
}

fn source(limits: Limits) -> CellSource {
    let schema = serde_json::json!({ "properties": { "n": { "type": "number" } } });
    CellSource {
        source: String::new(),
        tools: ToolSet::new([
            ToolDefinition::function("f", "").input_schema(schema),
            ToolDefinition::freeform("g", "").raw_results(),
        ]),
        limits,
        argument_validation: ArgumentValidation::On,
        code_cache: Arc::default(),
    }
}

/// Writes down what is heard of a cell.
#[derive(Default)]
struct Recorder {
    heard: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    events: Vec<String>,
    last_call: u64,
    gone: usize,
}

impl Recorder {
    fn note(&self, event: String) {
        let mut heard = lock(&self.heard);
        assert_eq!(heard.gone, 0, "{event} of a cell that is gone");
        heard.events.push(event);
    }
}

impl CellEvents for Recorder {
    fn output(&self, items: Vec<ContentItem>) -> Result<(), Refused> {
        for item in &items {
            if let ContentItem::Image { image_url: url, .. }
            | ContentItem::Audio { audio_url: url } = item
            {
                assert!(is_data_url(url), "{url:?}");
            }
        }
        self.note(format!("output {items:?}"));
        match items.len() {
            0..=3 => Ok(()),
            _ => Err(Refused("that is too much".to_owned())),
        }
    }

    fn start_call(&self, call: NestedCall) -> Option<Result<ToolOutput, ToolError>> {
        let definition = &call.tool.definition;
        match (&call.input, definition.kind) {
            (ToolInput::Function(json), ToolKind::Function) => {
                let arguments: Result<serde_json::Value, _> = serde_json::from_str(json.get());
                // JSON may be nested deeper than can be read here.
                assert!(
                    arguments.is_ok_and(
                        |arguments| arguments["n"].is_null() || arguments["n"].is_number()
                    ) || json.get().len() > 256
                );
            }
            (ToolInput::Freeform(_), ToolKind::Freeform) => {}
            _ => panic!("{:?} for {definition:?}", call.input),
        }
        assert!(definition.raw_results || !call.raw);
        let last = std::mem::replace(&mut lock(&self.heard).last_call, call.call_id);
        assert!(call.call_id > last && call.call_id <= 8);
        self.note(format!("call {} {:?}", call.call_id, call.input));
        match call.call_id % 3 {
            0 => None,
            1 => Some(Ok(ToolOutput::text("done"))),
            _ => Some(Err(ToolError::new("no"))),
        }
    }

    fn cancel_call(&self, call_id: u64) {
        self.note(format!("cancel {call_id}"));
    }

    fn start_notification(&self, text: String) -> bool {
        let at_once = text.len().is_multiple_of(2);
        self.note(format!("notify {text}"));
        at_once
    }

    fn yielded(&self) {
        self.note("yield".to_owned());
    }

    fn load(&self, key: &str) -> Option<Arc<RawValue>> {
        self.note(format!("load {key}"));
        let json = RawValue::from_string("[1]".to_owned()).expect("JSON");
        key.len().is_multiple_of(2).then(|| json.into())
    }

    fn store(&self, key: String, json: Option<Box<RawValue>>) -> Result<(), Refused> {
        let is_short = key.len() < 8;
        self.note(format!("store {key} {json:?}"));
        is_short
            .then_some(())
            .ok_or_else(|| Refused("that is too long".to_owned()))
    }

    fn load_output(&self, handle: &str) -> Result<Arc<str>, Refused> {
        self.note(format!("load_output {handle}"));
        match handle.len() {
            0..=8 => Ok(handle.into()),
            _ => Err(Refused("there is none".to_owned())),
        }
    }

    fn calls_pending(&self, count: usize) {
        assert!(count <= 2, "{count} calls at once");
    }

    fn ended(&self, outcome: Outcome) -> Option<Outcome> {
        self.note(format!("ended {outcome:?}"));
        matches!(outcome, Outcome::Failure(_)).then_some(outcome)
    }

    fn goes_on(&self) {
        self.note("goes on".to_owned());
    }

    fn gone(&self) {
        lock(&self.heard).gone += 1;
    }
}
