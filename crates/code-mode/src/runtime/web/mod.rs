//! The web-standard part of what scripts find in their global object: `URL`, `AbortController`,
//! `structuredClone` and their like.
//!
//! A cell that uses none of it pays for putting the names there and for nothing else: each is a
//! property whose value is made when it is first read. Classes are JavaScript of ours, one *part* a
//! topic, compiled at the first touch of one of its names; what needs the outside of JavaScript or
//! its speed is native, one file a topic. Parts hold on to the built-ins they need when they are
//! loaded; a script that changed those before sees the effect, and nobody else does. They must not
//! reach anything a script may not.

mod base64;
mod bytes;
mod clock;
mod form;
mod kinds;
mod microtasks;
mod random;
mod signals;
mod text_coding;
mod url;

use v8::MapFnTo;

pub(super) use signals::{abort_reason, follow_call, forget_call, signal_of};

use super::callbacks::{self, run};
use super::script::Script;
use super::{Thrown, globals, render, string};

/// JavaScript of ours, run once in each cell that touches it.
struct Part {
    name: &'static str,
    /// How V8 names it; the frames of such a name are not the script's.
    resource: &'static str,
    source: v8::OneByteConst,
}

macro_rules! part {
    ($name:literal) => {
        Part {
            name: $name,
            resource: concat!("code-mode:web/", $name, ".js"),
            source: v8::String::create_external_onebyte_const(include_bytes!(concat!(
                $name, ".js"
            ))),
        }
    };
}

static PARTS: [Part; 8] = [
    part!("abort"),
    part!("crypto"),
    part!("dom_exception"),
    part!("events"),
    part!("performance"),
    part!("structured_clone"),
    part!("text_coding"),
    part!("url"),
];

/// Shared by the parts; defines no global.
static WEBIDL: Part = part!("webidl");

/// How the frames of our JavaScript begin, after the parenthesis or the space before them.
const RESOURCE_PREFIX: &str = "code-mode:web/";

/// Where a global comes from.
enum Origin {
    Native,
    Part(&'static str),
}

/// The names, and what makes the value of each.
const NAMES: [(&str, Origin); 17] = [
    ("AbortController", Origin::Part("abort")),
    ("AbortSignal", Origin::Part("abort")),
    ("DOMException", Origin::Part("dom_exception")),
    ("Event", Origin::Part("events")),
    ("EventTarget", Origin::Part("events")),
    ("TextDecoder", Origin::Part("text_coding")),
    ("TextEncoder", Origin::Part("text_coding")),
    ("URL", Origin::Part("url")),
    ("URLSearchParams", Origin::Part("url")),
    ("atob", Origin::Native),
    ("btoa", Origin::Native),
    ("clearInterval", Origin::Native),
    ("crypto", Origin::Part("crypto")),
    ("performance", Origin::Part("performance")),
    ("queueMicrotask", Origin::Native),
    ("setInterval", Origin::Native),
    ("structuredClone", Origin::Part("structured_clone")),
];

/// Puts the names on the global object, as hidden from enumeration as the helpers are.
pub(super) fn install(
    scope: &mut v8::PinScope<'_, '_>,
    global: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let no_data = v8::undefined(scope);
    for (name, _) in NAMES {
        globals::lazy_property(scope, global, name, first_touch, no_data.into())?;
    }
    Some(())
}

/// A name is read for the first time.
fn first_touch<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    name: v8::Local<'s, v8::Name>,
    _: v8::PropertyCallbackArguments<'s>,
    mut result: v8::ReturnValue<v8::Value>,
) {
    run(scope, |scope, script| {
        let text = name.to_rust_string_lossy(scope);
        let (_, origin) = NAMES
            .iter()
            .find(|(known, _)| *known == text)
            .expect("installed from the same table");
        let from = match origin {
            Origin::Native => natives(scope, script)?,
            Origin::Part(part) => exports_of(scope, script, part)?,
        };
        result.set(from.get(scope, name.into()).ok_or(Thrown::Pending)?);
        Ok(())
    });
}

/// What a part defines; runs the part unless it was run before.
fn exports_of<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    name: &str,
) -> Result<v8::Local<'s, v8::Object>, Thrown> {
    let part = PARTS
        .iter()
        .chain([&WEBIDL])
        .find(|part| part.name == name)
        .ok_or_else(|| Thrown::Type(format!("there is no part {name:?}")))?;
    if let Some(exports) = loaded(scope, script, part.name) {
        return Ok(exports);
    }
    let natives = natives(scope, script)?;
    let load =
        globals::mapped_function(scope, "part", 1, load_part.map_fn_to()).ok_or(Thrown::Pending)?;
    let function = compile(scope, part).ok_or(Thrown::Pending)?;
    let receiver = v8::undefined(scope);
    let exports = function
        .call(scope, receiver.into(), &[natives.into(), load])
        .ok_or(Thrown::Pending)?;
    let exports = v8::Local::<v8::Object>::try_from(exports).map_err(|_| Thrown::Pending)?;
    let kept = v8::Global::new(scope, exports);
    script.web_parts.borrow_mut().insert(part.name, kept);
    Ok(exports)
}

/// What a part defines, if it has been run.
fn loaded<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    name: &str,
) -> Option<v8::Local<'s, v8::Object>> {
    let parts = script.web_parts.borrow();
    let exports = parts.get(name)?;
    Some(v8::Local::new(scope, exports))
}

fn compile<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    part: &'static Part,
) -> Option<v8::Local<'s, v8::Function>> {
    let resource = string(scope, part.resource);
    let origin = v8::ScriptOrigin::new(
        scope,
        resource.into(),
        0,
        0,
        false,
        0,
        None,
        false,
        false,
        false,
        None,
    );
    let code = v8::String::new_from_onebyte_const(scope, &part.source)?;
    let mut source = v8::script_compiler::Source::new(code, Some(&origin));
    let parameters = [string(scope, "native"), string(scope, "part")];
    v8::script_compiler::compile_function(
        scope,
        &mut source,
        &parameters,
        &[],
        v8::script_compiler::CompileOptions::NoCompileOptions,
        v8::script_compiler::NoCacheReason::NoReason,
    )
}

/// `part(name)`, as our JavaScript calls it.
fn load_part<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: callbacks::Arguments<'s>,
    mut result: callbacks::Return,
) {
    run(scope, |scope, script| {
        let name = args.get(0).to_rust_string_lossy(scope);
        result.set(exports_of(scope, script, &name)?.into());
        Ok(())
    });
}

/// The native functions, those that scripts see and those that only our JavaScript does.
fn natives<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
) -> Result<v8::Local<'s, v8::Object>, Thrown> {
    if let Some(natives) = &*script.web_natives.borrow() {
        return Ok(v8::Local::new(scope, natives));
    }
    let functions: [(&str, i32, v8::FunctionCallback); 22] = [
        ("atob", 1, base64::atob.map_fn_to()),
        ("btoa", 1, base64::btoa.map_fn_to()),
        ("cancelCall", 2, signals::cancel_call.map_fn_to()),
        ("clearInterval", 0, callbacks::clear_timeout.map_fn_to()),
        ("fillRandom", 1, random::fill_random.map_fn_to()),
        ("isBufferSource", 1, bytes::is_buffer_source.map_fn_to()),
        ("kindOf", 1, kinds::kind_of.map_fn_to()),
        ("now", 0, clock::now.map_fn_to()),
        ("parseForm", 1, form::parse_form.map_fn_to()),
        ("parseUrl", 2, url::parse_url.map_fn_to()),
        ("queueMicrotask", 1, microtasks::queue_microtask.map_fn_to()),
        ("randomUuid", 0, random::random_uuid.map_fn_to()),
        ("report", 1, microtasks::report_exception.map_fn_to()),
        ("serializeForm", 1, form::serialize_form.map_fn_to()),
        ("setInterval", 1, callbacks::set_interval.map_fn_to()),
        ("setTimeout", 2, callbacks::set_timeout.map_fn_to()),
        ("setUrlPart", 3, url::set_url_part.map_fn_to()),
        ("timeOrigin", 0, clock::time_origin.map_fn_to()),
        ("urlPart", 2, url::url_part.map_fn_to()),
        ("utf8Decode", 4, text_coding::utf8_decode.map_fn_to()),
        ("utf8Length", 1, text_coding::utf8_length.map_fn_to()),
        ("utf8Write", 2, text_coding::utf8_write.map_fn_to()),
    ];
    let null = v8::null(scope);
    let natives = v8::Object::with_prototype_and_properties(scope, null.into(), &[], &[]);
    for (name, length, callback) in functions {
        let function =
            globals::mapped_function(scope, name, length, callback).ok_or(Thrown::Pending)?;
        let name = string(scope, name);
        natives
            .create_data_property(scope, name.into(), function)
            .ok_or(Thrown::Pending)?;
    }
    *script.web_natives.borrow_mut() = Some(v8::Global::new(scope, natives));
    Ok(natives)
}

/// A stack without the frames of our JavaScript.
pub(super) fn without_our_frames(stack: String) -> String {
    if !stack.contains(RESOURCE_PREFIX) {
        return stack;
    }
    let is_ours =
        |line: &str| line.trim_start().starts_with("at ") && line.contains(RESOURCE_PREFIX);
    let lines: Vec<_> = stack.lines().filter(|line| !is_ours(line)).collect();
    lines.join("\n")
}

/// A new `DOMException`; `None` if making it threw or was stopped.
pub(super) fn dom_exception<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    name: &str,
    message: &str,
) -> Option<v8::Local<'s, v8::Value>> {
    let script = Script::of(scope);
    let exports = exports_of(scope, &script, "dom_exception").ok()?;
    let class = render::get(scope, exports, "DOMException").ok()?;
    let class = v8::Local::<v8::Function>::try_from(class).ok()?;
    let arguments = [string(scope, message).into(), string(scope, name).into()];
    Some(class.new_instance(scope, &arguments)?.into())
}
