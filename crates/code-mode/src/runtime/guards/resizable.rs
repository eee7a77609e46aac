//! Resizable ArrayBuffers, of which there may be so many.
//!
//! Each is mappings of its own in the address space, however short: two, for what it has and for what it
//! may grow to. The kernel allows a process 65,530 (`vm.max_map_count`), and V8 ends the process where it
//! cannot have one. It does not ask our allocator for them, so `ArrayBuffer` itself is a function of ours,
//! and so is `transfer`, the other way to get one.
//!
//! V8 may unmap some time after a buffer is gone for us: at the next collection at the latest, so at most as
//! many again are still there.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::callbacks::{self, Arguments, Return};
use super::super::script::Script;
use super::super::{Thrown, string};

/// How many one cell may have.
const MOST_OF_A_CELL: usize = 1_024;

/// How many all cells of the process may have.
const MOST_OF_THE_PROCESS: usize = 8_192;

/// With fewer it is not worth it to look for those that are gone.
const FEW: usize = 64;

static OF_THE_PROCESS: AtomicUsize = AtomicUsize::new(0);

/// How many one isolate has, as far as we know; in its slot. Goes when the isolate is gone: never, for one
/// whose thread is parked.
#[derive(Default)]
pub(in super::super) struct Count(AtomicUsize);

impl Count {
    /// Counts one more.
    fn add(&self) -> Result<(), Full> {
        if !add_below(&self.0, MOST_OF_A_CELL) {
            return Err(Full::Cell);
        }
        if !add_below(&OF_THE_PROCESS, MOST_OF_THE_PROCESS) {
            self.0.fetch_sub(1, Ordering::Relaxed);
            return Err(Full::Process);
        }
        Ok(())
    }

    fn subtract(&self, gone: usize) {
        self.0.fetch_sub(gone, Ordering::Relaxed);
        OF_THE_PROCESS.fetch_sub(gone, Ordering::Relaxed);
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        OF_THE_PROCESS.fetch_sub(*self.0.get_mut(), Ordering::Relaxed);
    }
}

fn add_below(count: &AtomicUsize, most: usize) -> bool {
    let one_more = |count| (count < most).then_some(count + 1);
    count
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
        .is_ok()
}

/// Why there may not be one more.
#[derive(Clone, Copy)]
enum Full {
    Cell,
    Process,
}

impl From<Full> for Thrown {
    fn from(full: Full) -> Self {
        Self::Range(match full {
            Full::Cell => format!(
                "at most {MOST_OF_A_CELL} resizable ArrayBuffers of a script can be there at once; keep fewer, \
                 or make them without maxByteLength"
            ),
            Full::Process => format!(
                "at most {MOST_OF_THE_PROCESS} resizable ArrayBuffers of all scripts can be there at once; make \
                 it without maxByteLength, or try again later"
            ),
        })
    }
}

/// The resizable ArrayBuffers that a script has.
#[derive(Default)]
pub(in super::super) struct ResizableBuffers {
    list: RefCell<Vec<v8::Weak<v8::ArrayBuffer>>>,
    /// At this length those that are gone are taken off the list.
    looked_through_at: Cell<usize>,
}

impl ResizableBuffers {
    /// Lets go of every handle, before the isolate goes.
    pub(in super::super) fn release(&self) {
        self.list.take();
    }

    /// Takes those off the list that are gone, or whose bytes have gone to another one.
    fn forget_gone(&self, scope: &mut v8::PinScope<'_, '_>, count: &Count) {
        v8::scope!(let scope, scope);
        let mut list = self.list.borrow_mut();
        let before = list.len();
        list.retain(|buffer| {
            let buffer = buffer.to_local(scope);
            buffer.is_some_and(|buffer| !buffer.was_detached())
        });
        count.subtract(before - list.len());
        self.looked_through_at.set(FEW.max(2 * list.len()));
    }

    fn keep(
        &self,
        scope: &mut v8::PinScope<'_, '_>,
        buffer: v8::Local<'_, v8::ArrayBuffer>,
        place: Place,
    ) {
        let buffer = v8::Weak::new(scope, buffer);
        self.list.borrow_mut().push(buffer);
        let count = place.taken();
        if self.list.borrow().len() >= FEW.max(self.looked_through_at.get()) {
            self.forget_gone(scope, &count);
        }
    }

    /// The bytes of one are another one's now.
    fn replace(
        &self,
        scope: &mut v8::PinScope<'_, '_>,
        old: v8::Local<'_, v8::ArrayBuffer>,
        new: v8::Local<'_, v8::ArrayBuffer>,
    ) {
        let mut list = self.list.borrow_mut();
        if let Some(kept) = list.iter_mut().find(|kept| **kept == old) {
            *kept = v8::Weak::new(scope, new);
        }
    }
}

/// One that was counted and is not on the list yet.
struct Place(Option<Arc<Count>>);

impl Place {
    fn taken(mut self) -> Arc<Count> {
        self.0.take().expect("a place is taken once")
    }
}

impl Drop for Place {
    /// The buffer has not come to be.
    fn drop(&mut self) {
        if let Some(count) = &self.0 {
            count.subtract(1);
        }
    }
}

pub(super) fn install(
    scope: &mut v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let class = super::property(scope, global, "ArrayBuffer")?;
    let prototype = super::property(scope, class, "prototype")?;
    let guard = v8::Function::builder(construct)
        .data(class.into())
        .length(1)
        .build(scope)?;
    let name = string(scope, "ArrayBuffer");
    guard.set_name(name);
    share_properties(scope, global, class, guard.into())?;
    hide(scope, global, "ArrayBuffer", guard.into())?;
    hide(scope, prototype, "constructor", guard.into())?;
    super::guard_method(scope, prototype, "transfer", 0, transfer)
}

/// Defines a property as hidden from enumeration as V8 has it.
fn hide(
    scope: &mut v8::PinScope<'_, '_>,
    of: v8::Local<'_, v8::Object>,
    name: &str,
    value: v8::Local<'_, v8::Value>,
) -> Option<()> {
    let name = string(scope, name);
    let hidden = v8::PropertyAttribute::DONT_ENUM;
    of.define_own_property(scope, name.into(), value, hidden)
        .map(drop)
}

/// Gives the guard what the class has besides its code.
fn share_properties(
    scope: &mut v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
    class: v8::Local<'_, v8::Object>,
    guard: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let fixed = v8::PropertyAttribute::DONT_ENUM
        | v8::PropertyAttribute::READ_ONLY
        | v8::PropertyAttribute::DONT_DELETE;
    let prototype = super::property(scope, class, "prototype")?;
    let name = string(scope, "prototype");
    guard.define_own_property(scope, name.into(), prototype.into(), fixed)?;
    let is_view = super::property(scope, class, "isView")?;
    hide(scope, guard, "isView", is_view.into())?;

    let symbols = super::property(scope, global, "Symbol")?;
    let name = string(scope, "species");
    let species = symbols.get(scope, name.into())?;
    let species = v8::Local::<v8::Name>::try_from(species).ok()?;
    let accessor = class.get_own_property_descriptor(scope, species)?;
    let getter = super::property(scope, accessor.to_object(scope)?, "get")?;
    let setter = v8::undefined(scope);
    let mut accessor = v8::PropertyDescriptor::new_from_get_set(getter.into(), setter.into());
    accessor.set_enumerable(false);
    accessor.set_configurable(true);
    guard.define_property(scope, species, &accessor).map(drop)
}

/// `new ArrayBuffer(length, options?)`.
///
/// The function behind runs nothing of the script's: it gets numbers, and no object of which it would read
/// something.
fn construct<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, mut made: Return) {
    callbacks::run(scope, |scope, script| {
        if !args.is_construct_call() {
            let message = "Constructor ArrayBuffer requires 'new'";
            return Err(Thrown::Type(message.to_owned()));
        }
        let class = super::guarded(&args)?;
        let length = number(scope, args.get(0))?;
        let buffer = match maximum(scope, args.get(1))? {
            None => new(scope, class, &[length])?,
            Some(maximum) => {
                let options = options(scope, maximum);
                let place = place(scope, script)?;
                let buffer = new(scope, class, &[length, options])?;
                script.resizable_buffers.keep(scope, buffer, place);
                buffer
            }
        };
        inherit(scope, &args, buffer)?;
        made.set(buffer.into());
        Ok(())
    });
}

fn number<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<v8::Local<'s, v8::Value>, Thrown> {
    if value.is_number() {
        return Ok(value);
    }
    let number = value.to_number(scope).ok_or(Thrown::Pending)?;
    Ok(number.into())
}

/// `maxByteLength`, where there is one.
fn maximum<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    options: v8::Local<'s, v8::Value>,
) -> Result<Option<v8::Local<'s, v8::Value>>, Thrown> {
    let Ok(options) = v8::Local::<v8::Object>::try_from(options) else {
        return Ok(None);
    };
    let name = string(scope, "maxByteLength");
    let maximum = options.get(scope, name.into()).ok_or(Thrown::Pending)?;
    if maximum.is_undefined() {
        return Ok(None);
    }
    number(scope, maximum).map(Some)
}

fn options<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    maximum: v8::Local<'s, v8::Value>,
) -> v8::Local<'s, v8::Value> {
    let name = string(scope, "maxByteLength");
    let null = v8::null(scope);
    v8::Object::with_prototype_and_properties(scope, null.into(), &[name.into()], &[maximum]).into()
}

fn new<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    class: v8::Local<'s, v8::Function>,
    arguments: &[v8::Local<'s, v8::Value>],
) -> Result<v8::Local<'s, v8::ArrayBuffer>, Thrown> {
    let buffer = class.new_instance(scope, arguments);
    // It is one; the script may have no other answer.
    v8::Local::try_from(buffer.ok_or(Thrown::Pending)?).map_err(|_| Thrown::Pending)
}

/// Gives a buffer the class that was asked for.
fn inherit(
    scope: &mut v8::PinScope<'_, '_>,
    args: &Arguments<'_>,
    buffer: v8::Local<'_, v8::ArrayBuffer>,
) -> Result<(), Thrown> {
    // V8 has made an object of that class, for functions that need one.
    if args.this().get_prototype(scope) == buffer.get_prototype(scope) {
        return Ok(());
    }
    let Ok(class) = v8::Local::<v8::Object>::try_from(args.new_target()) else {
        return Ok(());
    };
    let name = string(scope, "prototype");
    let prototype = class.get(scope, name.into()).ok_or(Thrown::Pending)?;
    if !prototype.is_object() {
        return Ok(());
    }
    let is_set = buffer.set_prototype(scope, prototype);
    is_set.map(drop).ok_or(Thrown::Pending)
}

/// A place for one more.
fn place(scope: &mut v8::PinScope<'_, '_>, script: &Script) -> Result<Place, Thrown> {
    let count: Option<&Arc<Count>> = scope.get_slot();
    let count = Arc::clone(count.expect("an isolate is made with it"));
    let mut added = count.add();
    if added.is_err() {
        script.resizable_buffers.forget_gone(scope, &count);
        added = count.add();
    }
    if added.is_err() {
        scope.low_memory_notification();
        script.resizable_buffers.forget_gone(scope, &count);
        added = count.add();
    }
    added?;
    Ok(Place(Some(count)))
}

/// `transfer(length?)`. The bytes of a resizable buffer move into a new one, which is resizable too.
fn transfer<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, mut moved: Return) {
    callbacks::run(scope, |scope, script| {
        let length = args.get(0);
        let Ok(buffer) = v8::Local::<v8::ArrayBuffer>::try_from(args.this()) else {
            moved.set(super::call_guarded(scope, &args, &[length])?);
            return Ok(());
        };
        let length = match length.is_undefined() {
            true => length,
            false => number(scope, length)?,
        };
        if !buffer.get_backing_store().is_resizable_by_user_javascript() {
            moved.set(super::call_guarded(scope, &args, &[length])?);
            return Ok(());
        }
        let result = super::call_guarded(scope, &args, &[length])?;
        if let Ok(new) = v8::Local::<v8::ArrayBuffer>::try_from(result) {
            script.resizable_buffers.replace(scope, buffer, new);
        }
        moved.set(result);
        Ok(())
    });
}
