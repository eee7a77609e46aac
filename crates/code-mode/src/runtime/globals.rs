//! What a script finds in its global object, besides the language.

use super::callbacks;
use super::{discovery, guards, outputs, string, tool_object, web};

/// Globals of V8's that a script must not have: shared memory, its clock, and WebAssembly.
const REMOVED: [&str; 3] = ["Atomics", "SharedArrayBuffer", "WebAssembly"];

/// The names of [`install`]'s exports, in the order of the contract.
pub(super) const EXPORTS: [&str; 17] = [
    "tools",
    "ALL_TOOLS",
    "describe_tool",
    "search_tools",
    "text",
    "image",
    "audio",
    "forward_output",
    "store",
    "load",
    "load_output",
    "notify",
    "yield_control",
    "exit",
    "setTimeout",
    "clearTimeout",
    "console",
];

const CONSOLE_METHODS: [&str; 5] = ["log", "info", "warn", "error", "debug"];

/// Puts the helpers on the global object, and on an object of their own for the modules.
///
/// That object; `None` only when V8 is out of memory or terminating.
pub(super) fn install(scope: &mut v8::PinScope<'_, '_>) -> Option<v8::Global<v8::Object>> {
    let global = scope.get_current_context().global(scope);
    for name in REMOVED {
        let name = string(scope, name);
        global.delete(scope, name.into())?;
    }

    let exports = v8::Object::new(scope);
    let console = console(scope)?;
    for name in EXPORTS {
        let value: v8::Local<v8::Value> = match name {
            "tools" | "ALL_TOOLS" => {
                tool_object::install(scope, global, name)?;
                continue;
            }
            "console" => console.into(),
            "describe_tool" => function(scope, name, 1, discovery::describe_tool)?,
            "search_tools" => function(scope, name, 2, discovery::search_tools)?,
            "text" => function(scope, name, 1, callbacks::text)?,
            "image" => function(scope, name, 2, callbacks::image)?,
            "audio" => function(scope, name, 1, callbacks::audio)?,
            "forward_output" => function(scope, name, 0, callbacks::forward_output)?,
            "store" => function(scope, name, 2, callbacks::store)?,
            "load" => function(scope, name, 1, callbacks::load)?,
            "load_output" => function(scope, name, 2, outputs::load_output)?,
            "notify" => function(scope, name, 1, callbacks::notify)?,
            "yield_control" => function(scope, name, 0, callbacks::yield_control)?,
            "exit" => function(scope, name, 0, callbacks::exit)?,
            "setTimeout" => function(scope, name, 2, callbacks::set_timeout)?,
            "clearTimeout" => function(scope, name, 1, callbacks::clear_timeout)?,
            _ => unreachable!("every export has a value"),
        };
        let name = string(scope, name);
        exports.create_data_property(scope, name.into(), value)?;
        let hidden = v8::PropertyAttribute::DONT_ENUM;
        global.define_own_property(scope, name.into(), value, hidden)?;
    }
    web::install(scope, global)?;
    guards::install(scope, global)?;
    Some(v8::Global::new(scope, exports))
}

/// A hidden property whose value is what `make` gives when it is first read. V8 keeps that as an
/// ordinary property.
pub(super) fn lazy_property(
    scope: &mut v8::PinScope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
    make: impl v8::MapFnTo<v8::AccessorNameGetterCallback>,
    data: v8::Local<'_, v8::Value>,
) -> Option<()> {
    let name = string(scope, name);
    object.set_lazy_data_property_with_data(
        scope,
        name.into(),
        make,
        data,
        v8::PropertyAttribute::DONT_ENUM,
        v8::SideEffectType::HasSideEffect,
        v8::SideEffectType::HasSideEffect,
    )?;
    Some(())
}

fn function<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    name: &str,
    length: i32,
    callback: impl v8::MapFnTo<v8::FunctionCallback>,
) -> Option<v8::Local<'s, v8::Value>> {
    mapped_function(scope, name, length, callback.map_fn_to())
}

/// A function of a callback as it stands in a table.
pub(super) fn mapped_function<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    name: &str,
    length: i32,
    callback: v8::FunctionCallback,
) -> Option<v8::Local<'s, v8::Value>> {
    let function = v8::Function::builder_raw(callback)
        .length(length)
        .constructor_behavior(v8::ConstructorBehavior::Throw)
        .build(scope)?;
    let name = string(scope, name);
    function.set_name(name);
    Some(function.into())
}

/// A `console` of ours: every method of it is heard, and it has none that are not.
fn console<'s>(scope: &mut v8::PinScope<'s, '_>) -> Option<v8::Local<'s, v8::Object>> {
    let console = v8::Object::new(scope);
    for name in CONSOLE_METHODS {
        let log = function(scope, name, 0, callbacks::console_log)?;
        let name = string(scope, name);
        console.create_data_property(scope, name.into(), log)?;
    }
    Some(console)
}
