//! The `tools` object and `ALL_TOOLS`, made when a script first looks at them, and no more of them
//! than it looks at. Starts no call.
//!
//! To a script `tools` is an ordinary object whose properties are the tools, in the order of the set.
//! It is a proxy, so that it can be one before they are made:
//!
//! - What stands behind the proxy has the functions that were touched, as ordinary properties: `get`
//!   and `has` have no trap and find them there, without a call into this file.
//! - A tool that was not touched is found on the prototype, by [`untouched`], which V8 asks before
//!   `Object.prototype`.
//! - Whatever else can be done to an object asks the handler of the proxy for its trap first. The
//!   handler has none, but looking for one makes what stands behind it whole ([`complete`]): the
//!   operation then goes on with an object that is as it would be had all been made at the beginning.
//!   Only for the look at one property there is a trap ([`own_descriptor`]), as `Object.hasOwn` of one
//!   tool must not pay for all.
//!
//! Interceptors on the object itself would do without the proxy, but V8 lists what was touched before
//! what an interceptor lists, writes past an interceptor where a prototype has such a property, and
//! never freezes an object that has one.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};

use super::callbacks::{Arguments, Return, run};
use super::script::Script;
use super::tools::{call_error, call_tool, call_tool_raw, reject_at_once, set_message};
use super::{Thrown, globals, render, string};
use crate::description::ToolSet;

const HIDDEN: v8::PropertyAttribute = v8::PropertyAttribute::DONT_ENUM;

/// The trap for which the handler has a function.
const OWN_DESCRIPTOR: &str = "getOwnPropertyDescriptor";

/// The traps before which the object becomes whole.
const NEED_ALL: [&str; 6] = [
    "defineProperty",
    "deleteProperty",
    "ownKeys",
    "preventExtensions",
    "set",
    "setPrototypeOf",
];

/// What was made of the tools in one isolate; part of its [`Script`].
#[derive(Default)]
pub(super) struct ToolHandles {
    object: RefCell<Option<Object>>,
    /// Whether all tools are properties, or were deleted since.
    is_whole: Cell<bool>,
    /// The tools that are properties while it is not whole.
    touched: RefCell<BTreeSet<usize>>,
    /// The functions that were made, by their place in the set.
    functions: RefCell<HashMap<usize, v8::Global<v8::Function>>>,
    catalogue: RefCell<Option<v8::Global<v8::Value>>>,
}

struct Object {
    proxy: v8::Global<v8::Object>,
    /// What the proxy stands for. No script gets hold of it.
    target: v8::Global<v8::Object>,
    handler: v8::Global<v8::Object>,
}

impl ToolHandles {
    /// Lets go of every handle, before the isolate goes.
    pub(super) fn release(&self) {
        self.object.take();
        self.functions.take();
        self.catalogue.take();
    }
}

/// Puts `tools` or `ALL_TOOLS` on the global object, to be made when it is first read.
pub(super) fn install(
    scope: &mut v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
    name: &str,
) -> Option<()> {
    let nothing = v8::undefined(scope);
    globals::lazy_property(scope, global, name, first_touch, nothing.into())
}

fn first_touch<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    name: v8::Local<'s, v8::Name>,
    _: v8::PropertyCallbackArguments<'s>,
    mut result: v8::ReturnValue<v8::Value>,
) {
    run(scope, |scope, script| {
        let value = match name.to_rust_string_lossy(scope).as_str() {
            "tools" => object(scope, script).map(Into::into),
            _ => catalogue(scope, script),
        };
        result.set(value.ok_or(Thrown::Pending)?);
        Ok(())
    });
}

/// The value of `ALL_TOOLS`.
pub(super) fn catalogue<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
) -> Option<v8::Local<'s, v8::Value>> {
    let kept = &script.tool_handles.catalogue;
    if let Some(catalogue) = &*kept.borrow() {
        return Some(v8::Local::new(scope, catalogue));
    }
    let catalogue = render::from_json(scope, script.tools.catalogue().into()).ok()?;
    *kept.borrow_mut() = Some(v8::Global::new(scope, catalogue));
    Some(catalogue)
}

/// The `tools` object.
pub(super) fn object<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
) -> Option<v8::Local<'s, v8::Object>> {
    let kept = &script.tool_handles.object;
    if let Some(object) = &*kept.borrow() {
        return Some(v8::Local::new(scope, &object.proxy));
    }
    let prototype = prototype(scope)?;
    let target = v8::Object::with_prototype_and_properties(scope, prototype.into(), &[], &[]);
    let handler = handler(scope)?;
    let proxy = v8::Proxy::new(scope, target, handler)?;
    let proxy = v8::Local::<v8::Object>::from(proxy);
    *kept.borrow_mut() = Some(Object {
        proxy: v8::Global::new(scope, proxy),
        target: v8::Global::new(scope, target),
        handler: v8::Global::new(scope, handler),
    });
    Some(proxy)
}

/// The prototype of what stands behind the proxy: it answers for all names that are not there.
fn prototype<'s>(scope: &mut v8::PinScope<'s, '_>) -> Option<v8::Local<'s, v8::Object>> {
    let template = v8::ObjectTemplate::new(scope);
    template.set_named_property_handler(
        v8::NamedPropertyHandlerConfiguration::new()
            .getter(untouched)
            .query(has_untouched)
            .flags(v8::PropertyHandlerFlags::ONLY_INTERCEPT_STRINGS),
    );
    let prototype = template.new_instance(scope)?;
    let plain = v8::Object::new(scope).get_prototype(scope)?;
    prototype.set_prototype(scope, plain)?;
    Some(prototype)
}

/// The handler of the proxy. It inherits nothing, so that no script plants a trap.
fn handler<'s>(scope: &mut v8::PinScope<'s, '_>) -> Option<v8::Local<'s, v8::Object>> {
    let null = v8::null(scope);
    let handler = v8::Object::with_prototype_and_properties(scope, null.into(), &[], &[]);
    let nothing = v8::undefined(scope);
    globals::lazy_property(
        scope,
        handler,
        OWN_DESCRIPTOR,
        own_descriptor_trap,
        nothing.into(),
    )?;
    for trap in NEED_ALL {
        globals::lazy_property(scope, handler, trap, complete_first, nothing.into())?;
    }
    Some(handler)
}

/// A trap of [`NEED_ALL`] is looked for: there is none, but all the tools.
fn complete_first<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    _: v8::Local<'s, v8::Name>,
    _: v8::PropertyCallbackArguments<'s>,
    _: v8::ReturnValue<v8::Value>,
) {
    run(scope, |scope, script| {
        complete(scope, script).ok_or(Thrown::Pending)
    });
}

/// Makes all tools properties, in the order of the set, unless it was done before.
///
/// May fail for want of stack; what was made by then counts as touched, and the next one goes on.
fn complete(scope: &mut v8::PinScope<'_, '_>, script: &Script) -> Option<()> {
    let handles = &script.tool_handles;
    if handles.is_whole.get() {
        return Some(());
    }
    let (target, handler) = {
        let object = handles.object.borrow();
        let object = object.as_ref()?;
        let target = v8::Local::new(scope, &object.target);
        (target, v8::Local::new(scope, &object.handler))
    };
    // A property keeps the place it first had, so those that were touched have to go first.
    let touched = handles.touched.borrow().clone();
    for position in touched {
        let name = global_name(scope, script, position)?;
        target.delete(scope, name.into())?;
        handles.touched.borrow_mut().remove(&position);
    }
    for position in 0..script.tools.len() {
        v8::scope!(let scope, scope);
        let name = global_name(scope, script, position)?;
        touch(scope, script, position, name)?;
    }
    handles.is_whole.set(true);
    handles.touched.take();
    let name = string(scope, OWN_DESCRIPTOR);
    let no_trap = v8::undefined(scope);
    handler.create_data_property(scope, name.into(), no_trap.into())?;
    Some(())
}

/// Makes `object` whole if it is the `tools` object: somebody is about to look behind the proxy.
pub(super) fn complete_if_tools(scope: &mut v8::PinScope<'_, '_>, object: v8::Local<v8::Object>) {
    let script = Script::of(scope);
    let is_tools = {
        let tools = script.tool_handles.object.borrow();
        tools.as_ref().is_some_and(|tools| tools.proxy == object)
    };
    if is_tools {
        // Only a termination keeps it from being made, and then nothing is shown.
        let _ = complete(scope, &script);
    }
}

/// The handler's trap is looked for, when one property is to be looked at.
fn own_descriptor_trap<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    _: v8::Local<'s, v8::Name>,
    _: v8::PropertyCallbackArguments<'s>,
    mut result: v8::ReturnValue<v8::Value>,
) {
    run(scope, |scope, script| {
        if script.tool_handles.is_whole.get() {
            return Ok(());
        }
        let trap = v8::Function::new(scope, own_descriptor).ok_or(Thrown::Pending)?;
        result.set(trap.into());
        Ok(())
    });
}

/// The trap: the property, after it was made if it is a tool.
fn own_descriptor<'s>(scope: &mut v8::PinScope<'s, '_>, args: Arguments<'s>, mut result: Return) {
    run(scope, |scope, script| {
        let target = v8::Local::<v8::Object>::try_from(args.get(0)).map_err(|_| Thrown::Pending)?;
        let key = v8::Local::<v8::Name>::try_from(args.get(1)).map_err(|_| Thrown::Pending)?;
        if let Ok(name) = v8::Local::<v8::String>::try_from(key) {
            let text = render::to_rust_string(scope, name);
            if let Some(position) = pending(script, &text) {
                touch(scope, script, position, name).ok_or(Thrown::Pending)?;
            }
        }
        let descriptor = target.get_own_property_descriptor(scope, key);
        let descriptor = descriptor.ok_or(Thrown::Pending)?;
        if let Ok(descriptor) = v8::Local::<v8::Object>::try_from(descriptor) {
            // V8 reads it as it would a script's: what it inherits would count.
            let null = v8::null(scope).into();
            descriptor
                .set_prototype(scope, null)
                .ok_or(Thrown::Pending)?;
        }
        result.set(descriptor);
        Ok(())
    });
}

/// The place of the tool of this global name, as long as the object is not whole.
fn pending(script: &Script, name: &str) -> Option<usize> {
    if script.tool_handles.is_whole.get() {
        return None;
    }
    let position = script.tools.position(name)?;
    let tool = script.tools.at(position)?;
    (tool.global_name == name).then_some(position)
}

/// Makes a tool a property; gives its function.
fn touch<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    position: usize,
    name: v8::Local<'s, v8::String>,
) -> Option<v8::Local<'s, v8::Function>> {
    let handles = &script.tool_handles;
    let function = function_at(scope, script, position)?;
    if handles.touched.borrow().contains(&position) {
        return Some(function);
    }
    let target = {
        let object = handles.object.borrow();
        v8::Local::new(scope, &object.as_ref()?.target)
    };
    target.create_data_property(scope, name.into(), function.into())?;
    handles.touched.borrow_mut().insert(position);
    Some(function)
}

fn global_name<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    position: usize,
) -> Option<v8::Local<'s, v8::String>> {
    let name = &script.tools.at(position)?.global_name;
    // Identifiers of ours are ASCII.
    v8::String::new_from_one_byte(scope, name.as_bytes(), v8::NewStringType::Internalized)
}

/// The function of a tool, by its place in the set, whatever the script did to `tools`: always the
/// same one. With the function `raw` on it if the tool has raw results.
pub(super) fn function_at<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    position: usize,
) -> Option<v8::Local<'s, v8::Function>> {
    let functions = &script.tool_handles.functions;
    if let Some(function) = functions.borrow().get(&position) {
        return Some(v8::Local::new(scope, function));
    }
    let tool = script.tools.at(position)?;
    let name = global_name(scope, script, position)?;
    let place = u32::try_from(position).ok()?;
    let place = v8::Integer::new_from_unsigned(scope, place).into();
    let function = function(scope, call_tool, place, name)?;
    if tool.definition.raw_results {
        globals::lazy_property(scope, function.into(), "raw", raw_touched, place)?;
    }
    let kept = v8::Global::new(scope, function);
    functions.borrow_mut().insert(position, kept);
    Some(function)
}

/// `tools.some_tool.raw` is read for the first time.
fn raw_touched<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    _: v8::Local<'s, v8::Name>,
    args: v8::PropertyCallbackArguments<'s>,
    mut result: v8::ReturnValue<v8::Value>,
) {
    run(scope, |scope, _| {
        let name = string(scope, "raw");
        let raw = function(scope, call_tool_raw, args.data(), name).ok_or(Thrown::Pending)?;
        result.set(raw.into());
        Ok(())
    });
}

fn function<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    callback: impl v8::MapFnTo<v8::FunctionCallback>,
    place: v8::Local<'s, v8::Value>,
    name: v8::Local<'s, v8::String>,
) -> Option<v8::Local<'s, v8::Function>> {
    let function = v8::Function::builder(callback)
        .data(place)
        .length(1)
        .constructor_behavior(v8::ConstructorBehavior::Throw)
        .build(scope)?;
    function.set_name(name);
    Some(function)
}

/// Answers for properties that what stands behind the proxy does not have.
///
/// A tool that was not touched becomes a property now. A tool's original name gives the same function
/// object. A name no tool has gives a function whose call rejects and names the closest tools:
/// `tools.x(…)` fails with help, while `"x" in tools`, `Object.keys` and `hasOwn` keep telling the
/// truth. `then` and `toJSON` are asked by the language itself, of any object, and stay undefined; so
/// does the name of a tool that the script deleted.
fn untouched<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    name: v8::Local<'s, v8::Name>,
    args: v8::PropertyCallbackArguments<'s>,
    mut result: v8::ReturnValue<v8::Value>,
) -> v8::Intercepted {
    let mut intercepted = v8::Intercepted::kNo;
    run(scope, |scope, script| {
        let Ok(name) = v8::Local::<v8::String>::try_from(name) else {
            return Ok(());
        };
        let text = render::to_rust_string(scope, name);
        let function = if let Some(position) = pending(script, &text) {
            touch(scope, script, position, name)
        } else if is_inherited(scope, args.holder(), name)? {
            return Ok(());
        } else if let Some(position) = script.tools.position(&text) {
            if script
                .tools
                .at(position)
                .is_some_and(|tool| tool.global_name == text)
            {
                return Ok(());
            }
            function_at(scope, script, position)
        } else if matches!(text.as_str(), "then" | "toJSON") {
            return Ok(());
        } else {
            unknown_tool(scope, name)
        };
        result.set(function.ok_or(Thrown::Pending)?.into());
        intercepted = v8::Intercepted::kYes;
        Ok(())
    });
    intercepted
}

/// Whether the prototype of `holder` has the property: what every object has is no missing tool.
fn is_inherited<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    holder: v8::Local<'s, v8::Object>,
    name: v8::Local<'s, v8::String>,
) -> Result<bool, Thrown> {
    let prototype = holder.get_prototype(scope).ok_or(Thrown::Pending)?;
    match v8::Local::<v8::Object>::try_from(prototype) {
        Ok(prototype) => prototype.has(scope, name.into()).ok_or(Thrown::Pending),
        Err(_) => Ok(false),
    }
}

/// Whether there is such a property: yes for a tool and its original name, no for a name no tool has.
fn has_untouched<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    name: v8::Local<'s, v8::Name>,
    _: v8::PropertyCallbackArguments<'s>,
    mut result: v8::ReturnValue<v8::Integer>,
) -> v8::Intercepted {
    let mut intercepted = v8::Intercepted::kNo;
    run(scope, |scope, script| {
        let name = name.to_rust_string_lossy(scope);
        let is_there = pending(script, &name).is_some()
            || script
                .tools
                .get(&name)
                .is_some_and(|tool| tool.global_name != name);
        if is_there {
            result.set_uint32(HIDDEN.as_u32());
            intercepted = v8::Intercepted::kYes;
        }
        Ok(())
    });
    intercepted
}

fn unknown_tool<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    name: v8::Local<'s, v8::String>,
) -> Option<v8::Local<'s, v8::Function>> {
    let function = v8::Function::builder(call_unknown_tool)
        .data(name.into())
        .constructor_behavior(v8::ConstructorBehavior::Throw)
        .build(scope)?;
    function.set_name(name);
    Some(function)
}

/// `tools.no_such_tool(…)`
fn call_unknown_tool<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, script| {
        let name = args.data().to_rust_string_lossy(scope);
        let error = call_error(scope, &name)?;
        set_message(scope, error, &no_such_tool(&script.tools, &name))?;
        reject_at_once(scope, error.into(), &mut result)
    });
}

/// What is said to a script that names a tool there is not.
pub(super) fn no_such_tool(tools: &ToolSet, name: &str) -> String {
    if let Some((namespace, why)) = tools.why_unavailable(name) {
        return format!("there is no tool {name:?} now: {namespace} is not available: {why}");
    }
    let closest = tools.closest(name);
    let help = if tools.is_empty() {
        "no tools are enabled".to_owned()
    } else if closest.is_empty() {
        "ALL_TOOLS lists the ones there are".to_owned()
    } else {
        format!("did you mean {}?", closest.join(" or "))
    };
    format!("there is no tool {name:?}; {help}")
}
