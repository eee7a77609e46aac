//! Script values as text: what `text`, `notify` and `console` show, and the JSON that leaves a cell.
//!
//! Only reads values. It must not append output, change a script's objects or call the methods they
//! might have replaced (`toString`, `then`, iterators); guest code runs only where JSON runs it, to
//! read an error's stack, and to read enumerable properties.

use std::cell::Cell;
use std::fmt::Write as _;

use super::{Thrown, web};

/// Nested values shown below the outermost one.
const MAX_DEPTH: usize = 4;
/// Elements shown of one container.
const MAX_ELEMENTS: usize = 100;
/// Bytes of one readable rendering. JSON and plain strings have no bound here.
const MAX_BYTES: usize = 64 * 1024;
/// Proxies looked through to find what they stand for. A longer chain is nobody's honest value.
const MAX_PROXIES: usize = 64;
/// Renderings under way inside one another, see [`Rendering`].
const MAX_RENDERINGS: u32 = 6;

/// The text of `value` for `text` and `notify`.
///
/// Runs guest code where a value has getters, `toJSON` or an error stack; what it throws is pending
/// in V8 then, as is V8's own refusal of cycles and BigInts.
pub(super) fn to_text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<String, Thrown> {
    if let Ok(symbol) = v8::Local::<v8::Symbol>::try_from(value) {
        return Ok(symbol_text(scope, symbol));
    }
    let Ok(object) = v8::Local::<v8::Object>::try_from(value) else {
        return string_of(scope, value);
    };
    // JSON of a proxied Map or function is as empty as that of the thing itself.
    let target = behind_proxies(scope, object);
    if let Some(target) = target {
        if target.is_native_error() {
            return error_text(scope, target);
        }
        if is_opaque_to_json(target) {
            return inspect(scope, target.into()).map_err(Into::into);
        }
    }
    let json = v8::json::stringify(scope, value).ok_or(Thrown::Pending)?;
    let json = to_rust_string(scope, json);
    if json == "{}" && value == scope.get_current_context().global(scope) {
        return Ok("[object globalThis]".to_owned());
    }
    if json == "{}"
        && let Some(target) = target
        && shows_less_than_it_holds(scope, target)?
    {
        return inspect(scope, target.into()).map_err(Into::into);
    }
    Ok(json)
}

/// The text of `value` for `console`: as [`to_text`], but nothing that `value` holds makes it throw.
///
/// Empty when the isolate is being terminated; that stays in force.
pub(super) fn to_console_text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> String {
    let Some(_rendering) = Rendering::begin() else {
        return "…".to_owned();
    };
    let rendered = match attempt(scope, |scope| to_text(scope, value).ok()) {
        Ok(Attempt::Done(text)) => Ok(text),
        Ok(Attempt::Threw(_)) => inspect(scope, value),
        Err(terminated) => Err(terminated),
    };
    rendered.unwrap_or_default()
}

/// Why a value has no JSON.
pub(super) enum NoJson<'s> {
    /// Execution was terminated; that is in force.
    Terminated,
    /// V8, or code of the script, threw.
    Threw {
        /// What was thrown.
        exception: Option<v8::Local<'s, v8::Value>>,
        /// The same in words.
        why: String,
    },
}

/// The JSON text of `value`, `None` where `JSON.stringify` gives `undefined`.
///
/// Lone surrogates, which JSON parsers outside JavaScript refuse, are U+FFFD.
pub(super) fn to_json<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<Option<String>, NoJson<'s>> {
    v8::tc_scope!(let scope, scope);
    if let Some(json) = v8::json::stringify(scope, value) {
        let json = to_rust_string(scope, json);
        // V8's API has no other way to say it, and no JSON text reads like this.
        return Ok((json != "undefined").then(|| replace_lone_surrogates(json)));
    }
    if scope.has_terminated() {
        scope.rethrow();
        return Err(NoJson::Terminated);
    }
    let exception = scope.exception();
    let why = scope.message().map_or_else(
        || "it could not be read".to_owned(),
        |message| message_text(scope, message),
    );
    scope.reset();
    Err(NoJson::Threw { exception, why })
}

/// What a message says, without V8's "Uncaught" before it.
pub(super) fn message_text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    message: v8::Local<'s, v8::Message>,
) -> String {
    let text = message.get(scope);
    let text = to_rust_string(scope, text);
    text.strip_prefix("Uncaught ").unwrap_or(&text).to_owned()
}

/// `string` in UTF-8; each lone surrogate is one U+FFFD.
pub(super) fn to_rust_string(scope: &v8::Isolate, string: v8::Local<'_, v8::String>) -> String {
    string.to_rust_string_lossy(scope)
}

/// Reads a property as the script itself would; may run guest code.
pub(super) fn get<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
    name: &str,
) -> Result<v8::Local<'s, v8::Value>, Thrown> {
    let name = v8::String::new(scope, name).ok_or(Thrown::Pending)?;
    object.get(scope, name.into()).ok_or(Thrown::Pending)
}

/// `String(value)`; may run guest code when `value` is an object.
fn string_of<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<String, Thrown> {
    let string = value.to_string(scope).ok_or(Thrown::Pending)?;
    Ok(to_rust_string(scope, string))
}

fn symbol_text<'s>(scope: &mut v8::PinScope<'s, '_>, symbol: v8::Local<'s, v8::Symbol>) -> String {
    let description = symbol.description(scope);
    match v8::Local::<v8::String>::try_from(description) {
        Ok(description) => format!("Symbol({})", to_rust_string(scope, description)),
        Err(_) => "Symbol()".to_owned(),
    }
}

/// An error's stack, or `Name: message` where it has none.
fn error_text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    error: v8::Local<'s, v8::Object>,
) -> Result<String, Thrown> {
    let stack = get(scope, error, "stack")?;
    if let Ok(stack) = v8::Local::<v8::String>::try_from(stack)
        && stack.length() > 0
    {
        return Ok(web::without_our_frames(to_rust_string(scope, stack)));
    }
    let name = get(scope, error, "name")?;
    let name = match name.is_undefined() {
        true => "Error".to_owned(),
        false => string_of(scope, name)?,
    };
    let message = get(scope, error, "message")?;
    let message = match message.is_undefined() {
        true => String::new(),
        false => string_of(scope, message)?,
    };
    Ok(match (name.is_empty(), message.is_empty()) {
        (true, _) => message,
        (_, true) => name,
        _ => format!("{name}: {message}"),
    })
}

/// What `object` stands for once its proxies are looked through; `None` where one is revoked.
fn behind_proxies<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
) -> Option<v8::Local<'s, v8::Object>> {
    let mut object = object;
    for _ in 0..MAX_PROXIES {
        let Ok(proxy) = v8::Local::<v8::Proxy>::try_from(v8::Local::<v8::Value>::from(object))
        else {
            return Some(object);
        };
        object = proxy.get_target(scope).try_into().ok()?;
    }
    None
}

/// Whether JSON says nothing about what makes `object` the value it is.
fn is_opaque_to_json(object: v8::Local<'_, v8::Object>) -> bool {
    object.is_function()
        || object.is_map()
        || object.is_set()
        || object.is_map_iterator()
        || object.is_set_iterator()
        || object.is_weak_map()
        || object.is_weak_set()
        || object.is_array_buffer_view()
        || object.is_array_buffer()
        || object.is_shared_array_buffer()
        || object.is_promise()
        || object.is_reg_exp()
        || object.is_date()
        || object.is_generator_object()
}

/// Whether `object`, whose JSON is `{}`, has more to show: functions or symbols, or a class.
///
/// `{}` that a `toJSON` gave is what the script wanted.
fn shows_less_than_it_holds<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
) -> Result<bool, Thrown> {
    if get(scope, object, "toJSON")?.is_function() {
        return Ok(false);
    }
    if class_name(scope, object)?.is_some() {
        return Ok(true);
    }
    let keys = own_keys(scope, object).ok_or(Thrown::Pending)?;
    for index in 0..keys.length() {
        let key = keys.get_index(scope, index).ok_or(Thrown::Pending)?;
        let value = object.get(scope, key).ok_or(Thrown::Pending)?;
        if value.is_function() || value.is_symbol() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The name of the class that `object` is an instance of, `None` for plain objects.
///
/// Runs no guest code but the handlers of proxies that are prototypes.
fn class_name<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
) -> Result<Option<String>, Terminated> {
    let name = to_rust_string(scope, object.get_constructor_name());
    if name != "Object" && !name.is_empty() {
        return Ok(Some(name));
    }
    // V8 says `Object` of instances of nameless classes too.
    let prototype = object.get_prototype(scope);
    let Some(prototype) = prototype.and_then(|prototype| prototype.try_cast().ok()) else {
        return Ok(None);
    };
    let Some(constructor) = own_value(scope, prototype, "constructor")? else {
        return Ok(None);
    };
    let Ok(constructor) = v8::Local::<v8::Function>::try_from(constructor) else {
        return Ok(None);
    };
    let name = own_string(scope, constructor.into(), "name")?.unwrap_or_default();
    Ok(name.is_empty().then(|| "(anonymous)".to_owned()))
}

/// The own enumerable string keys of `object`.
pub(super) fn own_keys<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
) -> Option<v8::Local<'s, v8::Array>> {
    let names = v8::GetPropertyNamesArgsBuilder::new()
        .key_conversion(v8::KeyConversionMode::ConvertToString)
        .build();
    object.get_own_property_names(scope, names)
}

/// The value of an own property, `None` where there is none or a getter.
fn own_value<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
    name: &str,
) -> Result<Option<v8::Local<'s, v8::Value>>, Terminated> {
    let read = attempt(scope, |scope| {
        let name = v8::String::new(scope, name)?;
        let descriptor = object.get_own_property_descriptor(scope, name.into())?;
        match v8::Local::<v8::Object>::try_from(descriptor) {
            Ok(descriptor) => get(scope, descriptor, "value").ok().map(Some),
            Err(_) => Some(None),
        }
    })?;
    Ok(match read {
        Attempt::Done(value) => value,
        Attempt::Threw(_) => None,
    })
}

fn own_string<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
    name: &str,
) -> Result<Option<String>, Terminated> {
    let value = own_value(scope, object, name)?;
    let value = value.and_then(|value| v8::Local::<v8::String>::try_from(value).ok());
    Ok(value.map(|value| to_rust_string(scope, value)))
}

/// Execution is being terminated: nothing more may be asked of V8.
struct Terminated;

impl From<Terminated> for Thrown {
    fn from(_: Terminated) -> Self {
        Self::Pending
    }
}

/// What came of something that may run guest code.
enum Attempt<'s, T> {
    Done(T),
    Threw(v8::Local<'s, v8::Value>),
}

/// Runs `operation`, which gives `None` when an exception is pending, and takes that exception.
///
/// A termination is not taken: it is in force again when this returns.
fn attempt<'s, 'i, T>(
    scope: &mut v8::PinScope<'s, 'i>,
    operation: impl FnOnce(&mut v8::PinScope<'s, 'i>) -> Option<T>,
) -> Result<Attempt<'s, T>, Terminated> {
    v8::tc_scope!(let scope, scope);
    if let Some(done) = operation(scope) {
        return Ok(Attempt::Done(done));
    }
    if scope.has_terminated() || scope.is_execution_terminating() {
        scope.rethrow();
        return Err(Terminated);
    }
    let exception = scope.exception();
    scope.reset();
    let exception = exception.unwrap_or_else(|| v8::undefined(scope).into());
    Ok(Attempt::Threw(exception))
}

/// A rendering under way on this thread, which is one isolate's as long as it lasts.
///
/// A getter may render the object it belongs to, which reads the getter again. Because renderings
/// take what getters throw, and stack overflows with it, each level would begin anew on the way up:
/// time exponential in the depth of the stack. So only a few may be inside one another.
struct Rendering;

thread_local! {
    static RENDERINGS: Cell<u32> = const { Cell::new(0) };
}

impl Rendering {
    /// `None` when there are too many.
    fn begin() -> Option<Self> {
        let under_way = RENDERINGS.get();
        if under_way >= MAX_RENDERINGS {
            return None;
        }
        RENDERINGS.set(under_way + 1);
        Some(Self)
    }
}

impl Drop for Rendering {
    fn drop(&mut self) {
        RENDERINGS.set(RENDERINGS.get() - 1);
    }
}

/// A one-line rendering for people, bounded in depth, breadth and length.
fn inspect<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<String, Terminated> {
    let Some(_rendering) = Rendering::begin() else {
        return Ok("…".to_owned());
    };
    let mut inspector = Inspector {
        out: BoundedText::default(),
        ancestors: Vec::new(),
    };
    inspector.value(scope, value)?;
    Ok(inspector.out.text)
}

/// One readable rendering under way.
struct Inspector<'s> {
    out: BoundedText,
    /// The containers around the value being written, outermost first.
    ancestors: Vec<v8::Local<'s, v8::Object>>,
}

impl<'s> Inspector<'s> {
    fn value(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        value: v8::Local<'s, v8::Value>,
    ) -> Result<(), Terminated> {
        if let Ok(string) = v8::Local::<v8::String>::try_from(value) {
            let text = self.prefix_of(scope, string);
            self.quoted(&text);
            return Ok(());
        }
        if let Ok(symbol) = v8::Local::<v8::Symbol>::try_from(value) {
            self.out.push(&symbol_text(scope, symbol));
            return Ok(());
        }
        let Ok(object) = v8::Local::<v8::Object>::try_from(value) else {
            return self.plain_primitive(scope, value);
        };
        let Some(object) = behind_proxies(scope, object) else {
            self.out.push("<Revoked Proxy>");
            return Ok(());
        };
        if self.leaf(scope, object)? {
            return Ok(());
        }
        if self
            .ancestors
            .iter()
            .any(|ancestor| ancestor.strict_equals(object.into()))
        {
            self.out.push("[Circular]");
            return Ok(());
        }
        if self.ancestors.len() > MAX_DEPTH {
            let name = class_name(scope, object)?;
            let name = name.as_deref().unwrap_or("Object");
            self.out.push(&format!("[{name}]"));
            return Ok(());
        }
        self.ancestors.push(object);
        let written = self.container(scope, object);
        self.ancestors.pop();
        written
    }

    /// undefined, null, booleans, numbers and BigInts.
    fn plain_primitive(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        value: v8::Local<'s, v8::Value>,
    ) -> Result<(), Terminated> {
        if let Ok(number) = v8::Local::<v8::Number>::try_from(value)
            && number.value() == 0.0
            && number.value().is_sign_negative()
        {
            self.out.push("-0");
            return Ok(());
        }
        self.converted(scope, value)?;
        if value.is_big_int() {
            self.out.push("n");
        }
        Ok(())
    }

    /// `String(value)`, whatever that does.
    fn converted(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        value: v8::Local<'s, v8::Value>,
    ) -> Result<(), Terminated> {
        match attempt(scope, |scope| value.to_string(scope))? {
            Attempt::Done(string) => {
                let text = self.prefix_of(scope, string);
                self.out.push(&text);
                Ok(())
            }
            Attempt::Threw(exception) => self.threw(scope, exception),
        }
    }

    /// Objects written without a look inside; whether `object` is one.
    fn leaf(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        object: v8::Local<'s, v8::Object>,
    ) -> Result<bool, Terminated> {
        let value = v8::Local::<v8::Value>::from(object);
        if object.is_function() {
            self.function(scope, object)?;
        } else if object.is_native_error() {
            let text = detail_text(scope, value)?;
            self.out.push(&text);
        } else if let Ok(regexp) = v8::Local::<v8::RegExp>::try_from(value) {
            self.regexp(scope, regexp)?;
        } else if let Ok(date) = v8::Local::<v8::Date>::try_from(value) {
            let text = iso_date(date.value_of());
            self.out.push(text.as_deref().unwrap_or("Invalid Date"));
        } else if let Ok(buffer) = v8::Local::<v8::ArrayBuffer>::try_from(value) {
            let text = match buffer.was_detached() {
                true => "ArrayBuffer(detached)".to_owned(),
                false => format!("ArrayBuffer({} bytes)", buffer.byte_length()),
            };
            self.out.push(&text);
        } else if let Ok(view) = v8::Local::<v8::DataView>::try_from(value) {
            let text = format!("DataView({} bytes)", view.byte_length());
            self.out.push(&text);
        } else if object.is_shared_array_buffer() {
            self.out.push("[SharedArrayBuffer]");
        } else if object.is_weak_map() {
            self.out.push("WeakMap { <items unknown> }");
        } else if object.is_weak_set() {
            self.out.push("WeakSet { <items unknown> }");
        } else if object.is_generator_object() {
            self.out.push("Object [Generator] {}");
        } else if object.is_number_object() {
            self.boxed(scope, "Number", value)?;
        } else if object.is_boolean_object() {
            self.boxed(scope, "Boolean", value)?;
        } else if object.is_string_object() {
            self.boxed(scope, "String", value)?;
        } else if object.is_big_int_object() {
            self.boxed(scope, "BigInt", value)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// `[Function: name]`, `[AsyncFunction: name]`, `[class Name extends Base]`.
    fn function(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        function: v8::Local<'s, v8::Object>,
    ) -> Result<(), Terminated> {
        let name = own_string(scope, function, "name")?.filter(|name| !name.is_empty());
        let name = name.as_deref();
        // A function's detail string is the beginning of its source.
        let source = detail_text(scope, function.into())?;
        if !function.is_constructor() || !starts_a_class(&source) {
            let kind = match (
                function.is_async_function(),
                function.is_generator_function(),
            ) {
                (false, false) => "Function",
                (true, false) => "AsyncFunction",
                (false, true) => "GeneratorFunction",
                (true, true) => "AsyncGeneratorFunction",
            };
            let text = match name {
                Some(name) => format!("[{kind}: {name}]"),
                None => format!("[{kind} (anonymous)]"),
            };
            self.out.push(&text);
            return Ok(());
        }
        let mut text = format!("[class {}", name.unwrap_or("(anonymous)"));
        if let Some(base) = function.get_prototype(scope)
            && let Ok(base) = v8::Local::<v8::Object>::try_from(base)
            && let Some(base) = behind_proxies(scope, base)
            && base.is_function()
            && let Some(base) = own_string(scope, base, "name")?
            && !base.is_empty()
        {
            text.push_str(" extends ");
            text.push_str(&base);
        }
        text.push(']');
        self.out.push(&text);
        Ok(())
    }

    fn regexp(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        regexp: v8::Local<'s, v8::RegExp>,
    ) -> Result<(), Terminated> {
        let source = regexp.get_source(scope);
        let source = self.prefix_of(scope, source);
        let flags = attempt(scope, |scope| {
            let flags = get(scope, regexp.into(), "flags").ok()?;
            string_of(scope, flags).ok()
        })?;
        let flags = match flags {
            Attempt::Done(flags) => flags,
            Attempt::Threw(_) => String::new(),
        };
        self.out.push(&format!("/{source}/{flags}"));
        Ok(())
    }

    /// `[Number: 1]`: a primitive in its object.
    fn boxed(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        kind: &str,
        value: v8::Local<'s, v8::Value>,
    ) -> Result<(), Terminated> {
        self.out.push(&format!("[{kind}: "));
        match attempt(scope, |scope| value.to_string(scope))? {
            Attempt::Done(string) => {
                let text = self.prefix_of(scope, string);
                match kind {
                    "String" => self.quoted(&text),
                    "BigInt" => self.out.push(&format!("{text}n")),
                    _ => self.out.push(&text),
                }
            }
            Attempt::Threw(exception) => self.threw(scope, exception)?,
        }
        self.out.push("]");
        Ok(())
    }

    /// Objects that hold other values.
    fn container(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        object: v8::Local<'s, v8::Object>,
    ) -> Result<(), Terminated> {
        let name = class_name(scope, object)?;
        let name = name.as_deref();
        let value = v8::Local::<v8::Value>::from(object);
        if let Ok(array) = v8::Local::<v8::Array>::try_from(value) {
            let length = array.length() as usize;
            if let Some(name) = name.filter(|&name| name != "Array") {
                self.out.push(&format!("{name}({length}) "));
            }
            return self.elements(scope, object, length);
        }
        if let Ok(array) = v8::Local::<v8::TypedArray>::try_from(value) {
            let length = array.length();
            let name = name.unwrap_or("TypedArray");
            self.out.push(&format!("{name}({length}) "));
            return self.elements(scope, object, length);
        }
        if let Ok(map) = v8::Local::<v8::Map>::try_from(value) {
            self.sized_name(name, "Map", map.size());
            let entries = map.as_array(scope);
            return self.pairs(scope, entries);
        }
        if let Ok(set) = v8::Local::<v8::Set>::try_from(value) {
            self.sized_name(name, "Set", set.size());
            let values = set.as_array(scope);
            return self.members(scope, values);
        }
        if object.is_map_iterator() || object.is_set_iterator() {
            self.out.push(match object.is_map_iterator() {
                true => "[Map Iterator] ",
                false => "[Set Iterator] ",
            });
            return match object.preview_entries(scope) {
                (Some(entries), true) => self.pairs(scope, entries),
                (Some(values), false) => self.members(scope, values),
                (None, _) => {
                    self.out.push("{}");
                    Ok(())
                }
            };
        }
        if let Ok(promise) = v8::Local::<v8::Promise>::try_from(value) {
            return self.promise(scope, promise);
        }
        if let Some(name) = name {
            self.out.push(&format!("{name} "));
        }
        self.properties(scope, object)
    }

    /// `Map(2) `, or `Cache(2) [Map] ` for a subclass.
    fn sized_name(&mut self, name: Option<&str>, kind: &str, size: usize) {
        let text = match name.filter(|&name| name != kind) {
            Some(name) => format!("{name}({size}) [{kind}] "),
            None => format!("{kind}({size}) "),
        };
        self.out.push(&text);
    }

    /// `[ 1, 2 ]`, indexed properties from 0 to `length`.
    fn elements(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        object: v8::Local<'s, v8::Object>,
        length: usize,
    ) -> Result<(), Terminated> {
        self.items(scope, ["[", "]"], length, |this, scope, index| {
            let read = attempt(scope, |scope| {
                let value = object.get_index(scope, index)?;
                // Only `undefined` can be a hole, so only then is it worth the look.
                let present = !value.is_undefined() || {
                    let key = v8::Integer::new_from_unsigned(scope, index);
                    let key = key.to_string(scope)?;
                    object.has_own_property(scope, key.into())?
                };
                Some(present.then_some(value))
            })?;
            match read {
                Attempt::Done(Some(value)) => this.value(scope, value),
                Attempt::Done(None) => {
                    this.out.push("<empty>");
                    Ok(())
                }
                Attempt::Threw(exception) => this.threw(scope, exception),
            }
        })
    }

    /// `{ 1, 2 }`, the members V8 listed in `values`.
    fn members(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        values: v8::Local<'s, v8::Array>,
    ) -> Result<(), Terminated> {
        let length = values.length() as usize;
        self.items(scope, ["{", "}"], length, |this, scope, index| {
            this.property(scope, |scope| values.get_index(scope, index))
        })
    }

    /// `{ 'a' => 1 }`, the keys and values V8 listed in turn in `entries`.
    fn pairs(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        entries: v8::Local<'s, v8::Array>,
    ) -> Result<(), Terminated> {
        let length = entries.length() as usize / 2;
        self.items(scope, ["{", "}"], length, |this, scope, index| {
            this.property(scope, |scope| entries.get_index(scope, index * 2))?;
            this.out.push(" => ");
            this.property(scope, |scope| entries.get_index(scope, index * 2 + 1))
        })
    }

    fn promise(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        promise: v8::Local<'s, v8::Promise>,
    ) -> Result<(), Terminated> {
        self.out.push("Promise { ");
        match promise.state() {
            v8::PromiseState::Pending => self.out.push("<pending>"),
            v8::PromiseState::Fulfilled => {
                let result = promise.result(scope);
                self.value(scope, result)?;
            }
            v8::PromiseState::Rejected => {
                self.out.push("<rejected> ");
                let result = promise.result(scope);
                self.value(scope, result)?;
            }
        }
        self.out.push(" }");
        Ok(())
    }

    /// `{ a: 1, 'b c': 2 }`, the own enumerable properties.
    fn properties(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        object: v8::Local<'s, v8::Object>,
    ) -> Result<(), Terminated> {
        let keys = match attempt(scope, |scope| own_keys(scope, object))? {
            Attempt::Done(keys) => keys,
            Attempt::Threw(exception) => return self.threw(scope, exception),
        };
        let length = keys.length() as usize;
        self.items(scope, ["{", "}"], length, |this, scope, index| {
            let Attempt::Done(key) = attempt(scope, |scope| keys.get_index(scope, index))? else {
                return Ok(());
            };
            this.key(scope, key);
            this.out.push(": ");
            this.property(scope, |scope| object.get(scope, key))
        })
    }

    fn key(&mut self, scope: &mut v8::PinScope<'s, '_>, key: v8::Local<'s, v8::Value>) {
        let Ok(key) = v8::Local::<v8::String>::try_from(key) else {
            return;
        };
        let key = self.prefix_of(scope, key);
        match is_identifier(&key) {
            true => self.out.push(&key),
            false => self.quoted(&key),
        }
    }

    /// The value that `read` gives, or what its getter threw.
    fn property(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        read: impl FnOnce(&mut v8::PinScope<'s, '_>) -> Option<v8::Local<'s, v8::Value>>,
    ) -> Result<(), Terminated> {
        match attempt(scope, |scope| read(scope))? {
            Attempt::Done(value) => self.value(scope, value),
            Attempt::Threw(exception) => self.threw(scope, exception),
        }
    }

    fn threw(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        exception: v8::Local<'s, v8::Value>,
    ) -> Result<(), Terminated> {
        let message = match v8::Local::<v8::Object>::try_from(exception) {
            Ok(error) if error.is_native_error() => own_string(scope, error, "message")?,
            _ => None,
        };
        let message = match message {
            Some(message) => message,
            None => detail_text(scope, exception)?,
        };
        self.out.push(&format!("[Getter threw: {message}]"));
        Ok(())
    }

    /// Between `brackets`, what `each` writes for the first of `count` items, and how many are left.
    fn items(
        &mut self,
        scope: &mut v8::PinScope<'s, '_>,
        [open, close]: [&str; 2],
        count: usize,
        mut each: impl FnMut(&mut Self, &mut v8::PinScope<'s, '_>, u32) -> Result<(), Terminated>,
    ) -> Result<(), Terminated> {
        self.out.push(open);
        if count == 0 {
            self.out.push(close);
            return Ok(());
        }
        for (position, index) in (0..).take(count.min(MAX_ELEMENTS)).enumerate() {
            if self.out.is_full {
                return Ok(());
            }
            self.out.push(if position == 0 { " " } else { ", " });
            each(self, scope, index)?;
        }
        if count > MAX_ELEMENTS {
            let left = count - MAX_ELEMENTS;
            self.out.push(&format!(", … {left} more"));
        }
        self.out.push(" ");
        self.out.push(close);
        Ok(())
    }

    /// As much of `string` as there is room for, and a little more.
    fn prefix_of(
        &self,
        scope: &mut v8::PinScope<'s, '_>,
        string: v8::Local<'s, v8::String>,
    ) -> String {
        let room = self.out.room() + 1;
        if string.length() <= room {
            return to_rust_string(scope, string);
        }
        let mut units = vec![0; room];
        string.write_v2(scope, 0, &mut units, v8::WriteFlags::default());
        String::from_utf16_lossy(&units)
    }

    fn quoted(&mut self, text: &str) {
        let mut quoted = String::with_capacity(text.len() + 2);
        quoted.push('\'');
        for character in text.chars() {
            match character {
                '\n' => quoted.push_str("\\n"),
                '\r' => quoted.push_str("\\r"),
                '\t' => quoted.push_str("\\t"),
                '\\' => quoted.push_str("\\\\"),
                '\'' => quoted.push_str("\\'"),
                control if control.is_control() => {
                    // Writing to a String cannot fail.
                    let _ = write!(quoted, "\\x{:02x}", u32::from(control));
                }
                other => quoted.push(other),
            }
        }
        quoted.push('\'');
        self.out.push(&quoted);
    }
}

/// Text that stops growing at [`MAX_BYTES`], with `…` where it was cut.
#[derive(Default)]
struct BoundedText {
    text: String,
    is_full: bool,
}

impl BoundedText {
    fn room(&self) -> usize {
        MAX_BYTES - self.text.len().min(MAX_BYTES)
    }

    fn push(&mut self, text: &str) {
        if self.is_full {
            return;
        }
        if text.len() <= self.room() {
            self.text.push_str(text);
            return;
        }
        let fits = text.floor_char_boundary(self.room());
        self.text.push_str(&text[..fits]);
        self.text.push('…');
        self.is_full = true;
    }
}

/// V8's own description of `value`; it runs no guest code.
fn detail_text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Result<String, Terminated> {
    let described = attempt(scope, |scope| value.to_detail_string(scope))?;
    Ok(match described {
        Attempt::Done(string) => to_rust_string(scope, string),
        Attempt::Threw(_) => String::new(),
    })
}

/// Whether a constructor's source is that of a class.
fn starts_a_class(source: &str) -> bool {
    source.strip_prefix("class").is_some_and(|rest| {
        rest.starts_with(|next: char| next.is_whitespace() || "{/".contains(next))
    })
}

fn is_identifier(key: &str) -> bool {
    let mut characters = key.chars();
    characters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_' || first == '$')
        && characters.all(|next| next.is_alphanumeric() || next == '_' || next == '$')
}

/// A time in milliseconds since 1970 in the format of `Date.prototype.toISOString`.
fn iso_date(millis: f64) -> Option<String> {
    if !millis.is_finite() {
        return None;
    }
    const DAY: i64 = 24 * 60 * 60 * 1000;
    // Whole and at most 8.64e15 in either direction in every Date.
    let millis = millis as i64;
    let (year, month, day) = civil_date(millis.div_euclid(DAY));
    let time = millis.rem_euclid(DAY);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        _ => format!("{year:+07}"),
    };
    let (hour, minute, second) = (time / 3_600_000, time / 60_000 % 60, time / 1000 % 60);
    let millis = time % 1000;
    Some(format!(
        "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"
    ))
}

/// Year, month and day of a day since 1970-01-01 in the Gregorian calendar.
///
/// Counts in years that begin in March, so that the leap day is the last of its year.
fn civil_date(day: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097; // days in 400 years
    let day = day + 719_468; // since 0000-03-01
    let (era, day) = (day.div_euclid(ERA), day.rem_euclid(ERA));
    let year = (day - day / 1460 + day / 36_524 - day / (ERA - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    (year, month, day)
}

/// `json` with the escape of every lone surrogate replaced by that of U+FFFD.
///
/// V8 escapes surrogates only where they are alone; `JSON.rawJSON` may bring escaped pairs, which
/// stay.
fn replace_lone_surrogates(mut json: String) -> String {
    if !json.contains("\\ud") && !json.contains("\\uD") {
        return json;
    }
    let mut lone = Vec::new();
    let bytes = json.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match (surrogate_escape(bytes, at), surrogate_escape(bytes, at + 6)) {
            (Some(Surrogate::High), Some(Surrogate::Low)) => at += 12,
            (Some(_), _) => {
                lone.push(at);
                at += 6;
            }
            // A backslash and what it escapes, which may be another backslash.
            (None, _) => at += 2,
        }
    }
    for at in lone {
        json.replace_range(at..at + 6, "\\ufffd");
    }
    json
}

enum Surrogate {
    High,
    Low,
}

/// The surrogate whose `\uXXXX` begins at `at`.
fn surrogate_escape(json: &[u8], at: usize) -> Option<Surrogate> {
    let escape = json.get(at..at + 6)?;
    if !escape.starts_with(b"\\u") || !escape[2].eq_ignore_ascii_case(&b'd') {
        return None;
    }
    match escape[3].to_ascii_lowercase() {
        b'8' | b'9' | b'a' | b'b' => Some(Surrogate::High),
        b'c'..=b'f' => Some(Surrogate::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogate_escapes_become_the_replacement_character() {
        for (json, expected) in [
            (r#""plain""#, r#""plain""#),
            (r#""\ud800""#, r#""\ufffd""#),
            (r#""a\udfffb""#, r#""a\ufffdb""#),
            (r#""\ud800\ud800""#, r#""\ufffd\ufffd""#),
            (r#""\udc00\ud800""#, r#""\ufffd\ufffd""#),
            (r#""\\ud800""#, r#""\\ud800""#),
            (r#""\\\ud800""#, r#""\\\ufffd""#),
            (r#""\\\\ud800""#, r#""\\\\ud800""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\uD83D\uDE00 \uD83D""#, r#""\uD83D\uDE00 \ufffd""#),
            (r#""\ud7ff \n \ud800 é""#, r#""\ud7ff \n \ufffd é""#),
        ] {
            assert_eq!(replace_lone_surrogates(json.to_owned()), expected, "{json}");
            serde_json::from_str::<serde_json::Value>(expected).expect(expected);
        }
    }

    #[test]
    fn dates_are_written_as_javascript_writes_them() {
        for (millis, expected) in [
            (0.0, "1970-01-01T00:00:00.000Z"),
            (-1.0, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000.0, "2000-02-29T00:00:00.000Z"),
            (4_107_542_400_000.0, "2100-03-01T00:00:00.000Z"),
            (1_700_000_000_123.0, "2023-11-14T22:13:20.123Z"),
            (-62_167_219_200_000.0, "0000-01-01T00:00:00.000Z"),
            (-62_167_219_200_001.0, "-000001-12-31T23:59:59.999Z"),
            (253_402_300_800_000.0, "+010000-01-01T00:00:00.000Z"),
            (8.64e15, "+275760-09-13T00:00:00.000Z"),
            (-8.64e15, "-271821-04-20T00:00:00.000Z"),
        ] {
            assert_eq!(iso_date(millis).as_deref(), Some(expected));
        }
        assert_eq!(iso_date(f64::NAN), None);
    }

    #[test]
    fn bounded_text_is_cut_between_characters() {
        let mut text = BoundedText::default();
        text.push(&"a".repeat(MAX_BYTES - 1));
        text.push("é");
        text.push("b");
        assert_eq!(text.text.len(), MAX_BYTES - 1 + '…'.len_utf8());
        assert!(text.text.ends_with("a…"));
    }
}
