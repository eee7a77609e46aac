//! What cannot be seen from the public surface: the thread under an outside of the test's own.

use std::sync::{Arc, Mutex, OnceLock};

use serde_json::value::RawValue;

use super::code_cache::{CodeCache, Known};
use super::{CellEvents, CellIsolate, CellSource, Command, NestedCall, Outcome, Refused, spawn};
use crate::description::{ArgumentValidation, ToolDefinition, ToolSet};
use crate::limits::Limits;
use crate::response::ContentItem;
use crate::service::{ToolError, ToolOutput};
use crate::sync::lock;

/// Collects output; answers the calls of a script all at once, when the last of them is made.
struct Outside {
    isolate: OnceLock<CellIsolate>,
    calls_to_come: usize,
    calls: Mutex<Vec<u64>>,
    items: Mutex<Vec<ContentItem>>,
    panics_when_no_call_is_left: bool,
}

impl Outside {
    fn new(calls_to_come: usize) -> Self {
        Self {
            isolate: OnceLock::new(),
            calls_to_come,
            calls: Mutex::default(),
            items: Mutex::default(),
            panics_when_no_call_is_left: false,
        }
    }

    fn run(self, script: &str) -> (Outcome, Vec<ContentItem>) {
        self.run_again(script, &Arc::default())
    }

    /// Runs a script of the session that keeps this code.
    fn run_again(self, script: &str, code: &Arc<CodeCache>) -> (Outcome, Vec<ContentItem>) {
        let limits = Limits::default();
        let (isolate, ends, thread) = CellIsolate::prepare(&limits);
        let outside = Arc::new(self);
        let isolate = outside.isolate.get_or_init(|| isolate);
        let source = CellSource {
            source: script.to_owned(),
            tools: ToolSet::new([ToolDefinition::function("call", "")]),
            limits,
            argument_validation: ArgumentValidation::default(),
            code_cache: Arc::clone(code),
        };
        let events: Arc<dyn CellEvents> = Arc::clone(&outside) as _;
        spawn("test".to_owned(), source, isolate, ends, events).unwrap();
        let outcome = thread.outcome.blocking_recv().expect("the thread reports");
        let outcome = outcome.expect("given back by `ended`");
        thread
            .gone
            .blocking_recv()
            .expect("the thread contains panics");
        let items = std::mem::take(&mut *lock(&outside.items));
        (outcome, items)
    }
}

impl CellEvents for Outside {
    fn output(&self, items: Vec<ContentItem>) -> Result<(), Refused> {
        lock(&self.items).extend(items);
        Ok(())
    }

    fn start_call(&self, call: NestedCall) -> Option<Result<ToolOutput, ToolError>> {
        let mut calls = lock(&self.calls);
        calls.push(call.call_id);
        if calls.len() == self.calls_to_come {
            for call_id in calls.drain(..) {
                let result = Ok(ToolOutput::text("answer"));
                let isolate = self.isolate.get().expect("set before the thread starts");
                isolate.send(Command::CallSettled { call_id, result });
            }
        }
        None
    }

    fn cancel_call(&self, _: u64) {}

    fn start_notification(&self, _: String) -> bool {
        panic!("as the test asked, inside a helper");
    }

    fn yielded(&self) {}

    fn load(&self, _: &str) -> Option<Arc<RawValue>> {
        None
    }

    fn store(&self, _: String, _: Option<Box<RawValue>>) -> Result<(), Refused> {
        Ok(())
    }

    fn load_output(&self, _: &str) -> Result<Arc<str>, Refused> {
        unreachable!("no script here loads outputs")
    }

    fn calls_pending(&self, count: usize) {
        assert!(
            count > 0 || !self.panics_when_no_call_is_left,
            "as the test asked, outside any helper"
        );
    }

    fn ended(&self, outcome: Outcome) -> Option<Outcome> {
        Some(outcome)
    }

    fn goes_on(&self) {}

    fn gone(&self) {}
}

#[test]
fn results_that_arrive_together_are_resolved_together() {
    let script = "const order = [];
        const two_steps = (name) => tools.call({})
            .then(() => order.push(name + 1))
            .then(() => order.push(name + 2));
        await Promise.all(['a', 'b', 'c'].map(two_steps));
        text(order);";
    let (outcome, items) = Outside::new(3).run(script);
    assert!(matches!(outcome, Outcome::Success), "{outcome:?}");
    let text = r#"["a1","b1","c1","a2","b2","c2"]"#.to_owned();
    assert_eq!(items, [ContentItem::Text { text }]);
}

#[test]
fn a_panic_inside_a_helper_fails_the_cell_even_if_the_script_catches_what_it_sees() {
    let script = "try { notify(1) } catch (e) { text(e.message) }";
    let (outcome, items) = Outside::new(0).run(script);
    let Outcome::RuntimeFailure(why) = outcome else {
        panic!("expected a failure of the runtime: {outcome:?}");
    };
    assert!(why.contains("as the test asked, inside a helper"), "{why}");
    assert_eq!(items.len(), 1);
}

#[test]
fn a_panic_on_the_cells_thread_is_reported_and_the_thread_ends() {
    let outside = Outside {
        panics_when_no_call_is_left: true,
        ..Outside::new(1)
    };
    let (outcome, _) = outside.run("await tools.call({})");
    let Outcome::RuntimeFailure(why) = outcome else {
        panic!("expected a failure of the runtime: {outcome:?}");
    };
    assert!(
        why.contains("as the test asked, outside any helper"),
        "{why}"
    );
}

#[test]
fn the_code_of_a_script_that_comes_again_is_kept_and_does_the_same() {
    let script = "const { length } = [1, 2].map((x) => x * 2);
        text(length);
        function late(depth) { return depth > 0 ? late(depth - 1) : new Error('e').stack }
        text(late(2));";
    let code = Arc::default();
    let runs: Vec<_> = (0..4)
        .map(|_| Outside::new(0).run_again(script, &code))
        .collect();
    assert!(matches!(code.look_up(script), Known::Code(_)));
    for (outcome, items) in &runs {
        assert!(matches!(outcome, Outcome::Success), "{outcome:?}");
        assert_eq!(items, &runs[0].1);
    }
}

#[test]
fn a_script_that_fails_again_and_again_says_the_same_each_time() {
    let script = "text('a');\nnull.b;";
    let code = Arc::default();
    let runs: Vec<_> = (0..4)
        .map(|_| Outside::new(0).run_again(script, &code))
        .collect();
    assert!(matches!(code.look_up(script), Known::Repeated));
    for (outcome, items) in &runs {
        assert_eq!(format!("{outcome:?}"), format!("{:?}", runs[0].0));
        assert_eq!(items, &runs[0].1);
    }
}
