//! What the callbacks of one isolate share. Lives on the isolate's thread, in the isolate's slot.
//!
//! A callback must hold no borrow of it while a script may run: values are converted first, borrowed
//! state is touched after.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::control::IsolateControl;
use super::errors::Rejection;
use super::events::CellEvents;
use super::timers::Timers;
use crate::description::{ArgumentValidation, ToolSet};
use crate::limits::Limits;

/// State of a running script.
pub(super) struct Script {
    pub(super) events: Arc<dyn CellEvents>,
    pub(super) control: Arc<IsolateControl>,
    pub(super) tools: ToolSet,
    pub(super) limits: Limits,
    pub(super) argument_validation: ArgumentValidation,
    pub(super) calls: RefCell<HashMap<u64, PendingCall>>,
    pub(super) calls_started: Cell<u64>,
    pub(super) notifications: Cell<usize>,
    pub(super) notifications_started: Cell<u64>,
    pub(super) timers: RefCell<Timers>,
    /// Every helper by name, as installed: what the modules export, whatever a script did to its
    /// globals since.
    pub(super) exports: RefCell<Option<v8::Global<v8::Object>>>,
    /// The functions of the tools, in the order of the set.
    pub(super) tool_functions: RefCell<Option<v8::Global<v8::Array>>>,
    pub(super) helper_module: RefCell<Option<v8::Global<v8::Module>>>,
    pub(super) tools_module: RefCell<Option<v8::Global<v8::Module>>>,
    pub(super) last_rejection: RefCell<Option<Rejection>>,
    /// Set when one of our callbacks panicked; the cell then fails whatever the script does.
    pub(super) broken: RefCell<Option<String>>,
}

/// A nested call whose result is awaited.
pub(super) struct PendingCall {
    pub(super) resolver: v8::Global<v8::PromiseResolver>,
    /// Made where the call was made, so that its stack shows that place; thrown if the call fails.
    pub(super) error: v8::Global<v8::Object>,
}

impl Script {
    pub(super) fn new(
        events: Arc<dyn CellEvents>,
        control: Arc<IsolateControl>,
        tools: ToolSet,
        limits: Limits,
        argument_validation: ArgumentValidation,
    ) -> Self {
        Self {
            events,
            control,
            tools,
            limits,
            argument_validation,
            calls: RefCell::default(),
            calls_started: Cell::new(0),
            notifications: Cell::new(0),
            notifications_started: Cell::new(0),
            timers: RefCell::default(),
            exports: RefCell::default(),
            tool_functions: RefCell::default(),
            helper_module: RefCell::default(),
            tools_module: RefCell::default(),
            last_rejection: RefCell::default(),
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
            || self.notifications.get() > 0
            || self.timers.borrow().len() > 0
    }

    /// Lets go of every handle, before the isolate goes.
    pub(super) fn release_handles(&self) {
        self.calls.borrow_mut().clear();
        self.timers.take();
        self.exports.take();
        self.last_rejection.take();
        self.tool_functions.take();
        self.helper_module.take();
        self.tools_module.take();
    }
}
