//! What the callbacks of one isolate share. Lives on the isolate's thread, in the isolate's slot.
//!
//! A callback must hold no borrow of it while a script may run: values are converted first, borrowed
//! state is touched after.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::code_cache::CodeCache;
use super::control::IsolateControl;
use super::errors::Rejection;
use super::events::CellEvents;
use super::guards::ResizableBuffers;
use super::modules::Modules;
use super::place::Place;
use super::timers::Timers;
use super::tool_object::ToolHandles;
use crate::description::{ArgumentValidation, Tool, ToolSet};
use crate::limits::Limits;
use crate::service::{OutputValue, ToolError, ToolOutput};

/// State of a running script.
pub(super) struct Script {
    pub(super) events: Arc<dyn CellEvents>,
    pub(super) control: Arc<IsolateControl>,
    pub(super) tools: ToolSet,
    pub(super) limits: Limits,
    pub(super) argument_validation: ArgumentValidation,
    pub(super) code_cache: Arc<CodeCache>,
    /// The module, if its code is to be kept.
    pub(super) repeated: RefCell<Option<RepeatedModule>>,
    pub(super) calls: RefCell<HashMap<u64, PendingCall>>,
    /// Calls that the host has returned from at once: they settle in the event loop's next turn, as all
    /// do.
    pub(super) settled: RefCell<Vec<SettledCall>>,
    /// How many of those are none of the calls.
    pub(super) succeeded: Cell<usize>,
    pub(super) calls_started: Cell<u64>,
    pub(super) notifications: Cell<usize>,
    pub(super) notifications_started: Cell<u64>,
    /// Bytes of inputs and of notifications under way.
    pub(super) bytes_under_way: Cell<usize>,
    /// Bytes of the results in `settled`.
    pub(super) settled_bytes: Cell<usize>,
    pub(super) timers: RefCell<Timers>,
    /// Every helper by name, as installed, but for those made at their first touch: what the modules
    /// export, whatever a script did to its globals since.
    pub(super) exports: RefCell<Option<v8::Global<v8::Object>>>,
    pub(super) tool_handles: ToolHandles,
    pub(super) modules: Modules,
    pub(super) resizable_buffers: ResizableBuffers,
    /// Whether it has appended output or stored anything.
    pub(super) has_left_something: Cell<bool>,
    pub(super) last_rejection: RefCell<Option<Rejection>>,
    /// The first exception that nothing of the script could catch.
    pub(super) unheard: RefCell<Option<Unheard>>,
    /// What the web parts that were touched define, by their names.
    pub(super) web_parts: RefCell<HashMap<&'static str, v8::Global<v8::Object>>>,
    /// The native functions of the web parts, once one was touched.
    pub(super) web_natives: RefCell<Option<v8::Global<v8::Object>>>,
    pub(super) started: Instant,
    /// `started` in milliseconds since 1970, as first told.
    pub(super) time_origin: OnceCell<f64>,
    /// Set when one of our callbacks panicked; the cell then fails whatever the script does.
    pub(super) broken: RefCell<Option<String>>,
}

/// A module whose source the session has run before.
pub(super) struct RepeatedModule {
    pub(super) source: String,
    pub(super) module: v8::Global<v8::Module>,
}

/// A nested call that the host has not returned from.
pub(super) struct PendingCall {
    pub(super) input_bytes: usize,
    /// `None` once its signal was aborted: the script has its answer.
    pub(super) awaited: Option<AwaitedCall>,
}

/// A nested call that the host has returned from before the script went on.
pub(super) enum SettledCall {
    /// Nobody can cancel it any more, and it cannot fail: it needs no place among the calls.
    Succeeded {
        resolver: v8::Global<v8::PromiseResolver>,
        tool: Arc<Tool>,
        value: OutputValue,
    },
    /// One of the calls.
    Other {
        call_id: u64,
        result: Result<ToolOutput, ToolError>,
    },
}

/// A nested call whose result is awaited.
pub(super) struct AwaitedCall {
    pub(super) resolver: v8::Global<v8::PromiseResolver>,
    /// Made where the call was made, so that its stack shows that place; thrown if the call fails.
    pub(super) error: v8::Global<v8::Object>,
    /// The signal that cancels it.
    pub(super) signal: Option<v8::Global<v8::Object>>,
}

/// An exception of a microtask or of an event listener.
pub(super) struct Unheard {
    pub(super) exception: v8::Global<v8::Value>,
    /// Where it was thrown, for exceptions that do not know themselves.
    pub(super) place: Option<Place>,
}

impl Script {
    pub(super) fn new(
        events: Arc<dyn CellEvents>,
        control: Arc<IsolateControl>,
        tools: ToolSet,
        limits: Limits,
        argument_validation: ArgumentValidation,
        code_cache: Arc<CodeCache>,
        exports: v8::Global<v8::Object>,
    ) -> Self {
        Self {
            events,
            control,
            tools,
            limits,
            argument_validation,
            code_cache,
            repeated: RefCell::default(),
            calls: RefCell::default(),
            settled: RefCell::default(),
            succeeded: Cell::new(0),
            calls_started: Cell::new(0),
            notifications: Cell::new(0),
            notifications_started: Cell::new(0),
            bytes_under_way: Cell::new(0),
            settled_bytes: Cell::new(0),
            timers: RefCell::default(),
            exports: RefCell::new(Some(exports)),
            tool_handles: ToolHandles::default(),
            modules: Modules::default(),
            resizable_buffers: ResizableBuffers::default(),
            has_left_something: Cell::new(false),
            last_rejection: RefCell::default(),
            unheard: RefCell::default(),
            web_parts: RefCell::default(),
            web_natives: RefCell::default(),
            started: Instant::now(),
            time_origin: OnceCell::new(),
            broken: RefCell::default(),
        }
    }

    /// The script that runs in this isolate.
    pub(super) fn of(isolate: &v8::Isolate) -> Rc<Self> {
        let script: Option<&Rc<Self>> = isolate.get_slot();
        Rc::clone(script.expect("set before any script runs"))
    }

    /// Whether anything outside the isolate may still settle a promise of the script.
    pub(super) fn has_work_outside(&self) -> bool {
        !self.calls.borrow().is_empty()
            || !self.settled.borrow().is_empty()
            || self.notifications.get() > 0
            || self.timers.borrow().len() > 0
    }

    /// Takes the calls that the host has returned from at once.
    pub(super) fn take_settled(&self) -> Vec<SettledCall> {
        self.settled_bytes.take();
        if self.succeeded.take() > 0 {
            self.events.calls_pending(self.calls.borrow().len());
        }
        self.settled.take()
    }

    /// Nested calls that have not settled.
    pub(super) fn pending_calls(&self) -> usize {
        self.calls.borrow().len() + self.succeeded.get()
    }

    /// Whether so many bytes more may be under way; if not, how many are.
    pub(super) fn has_room_for(&self, bytes: usize) -> Result<(), usize> {
        let held = self.bytes_under_way.get() + self.settled_bytes.get();
        match held.saturating_add(bytes) <= self.limits.max_bytes_in_flight {
            true => Ok(()),
            false => Err(held),
        }
    }

    /// Counts bytes that are under way from now on.
    pub(super) fn sent(&self, bytes: usize) {
        self.bytes_under_way.set(self.bytes_under_way.get() + bytes);
    }

    /// Undoes [`sent`](Self::sent).
    pub(super) fn arrived(&self, bytes: usize) {
        let left = self.bytes_under_way.get().saturating_sub(bytes);
        self.bytes_under_way.set(left);
    }

    /// Whether anybody outside may have noticed the script.
    pub(super) fn has_had_effect(&self) -> bool {
        self.has_left_something.get()
            || self.calls_started.get() > 0
            || self.notifications_started.get() > 0
    }

    /// Lets go of every handle, before the isolate goes.
    pub(super) fn release_handles(&self) {
        self.calls.borrow_mut().clear();
        self.settled.take();
        self.repeated.take();
        self.timers.take();
        self.exports.take();
        self.last_rejection.take();
        self.unheard.take();
        self.web_parts.take();
        self.web_natives.take();
        self.tool_handles.release();
        self.modules.release();
        self.resizable_buffers.release();
    }
}
