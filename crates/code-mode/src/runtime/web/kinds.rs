//! What an object is inside, for `structuredClone`: no property a script can change tells it.

use super::super::callbacks::{Arguments, Return, run};
use super::super::string;

/// `kindOf(object)`: the name of a kind that can be cloned, or words for one that cannot.
pub(super) fn kind_of<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, _| {
        let kind = string(scope, kind(args.get(0)));
        result.set(kind.into());
        Ok(())
    });
}

fn kind(object: v8::Local<v8::Value>) -> &'static str {
    match object {
        o if o.is_function() => "a function",
        o if o.is_proxy() => "a Proxy",
        o if o.is_array() => "Array",
        o if o.is_date() => "Date",
        o if o.is_reg_exp() => "RegExp",
        o if o.is_map() => "Map",
        o if o.is_set() => "Set",
        o if o.is_native_error() => "Error",
        o if o.is_array_buffer() => "ArrayBuffer",
        o if o.is_typed_array() => "TypedArray",
        o if o.is_data_view() => "DataView",
        o if o.is_boolean_object() => "Boolean",
        o if o.is_number_object() => "Number",
        o if o.is_string_object() => "String",
        o if o.is_big_int_object() => "BigInt",
        o if o.is_symbol_object() => "a Symbol object",
        o if o.is_promise() => "a Promise",
        o if o.is_weak_map() => "a WeakMap",
        o if o.is_weak_set() => "a WeakSet",
        o if o.is_generator_object() => "a generator",
        o if o.is_map_iterator() || o.is_set_iterator() => "an iterator",
        o if o.is_module_namespace_object() => "a module namespace",
        _ => "Object",
    }
}
