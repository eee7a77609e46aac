//! The same exec by V8 alone: thread, isolate, context, functions, module, teardown.
//!
//! Nothing of the engine's is used here, and its V8 settings are repeated (see its
//! `runtime/platform.rs`); where they change there, they change here.

use std::sync::mpsc;
use std::sync::{Arc, Once};
use std::thread;
use std::time::Instant;

use crate::scripts::Script;
use crate::timing::Timing;

const FLAGS: &str = "--single-threaded --no-memory-protection-keys --stack-size=984";
const STACK_BYTES: usize = 4 * 1024 * 1024;
const HEAP_BYTES: usize = 128 * 1024 * 1024;

/// The last text a script gave, kept in a slot of its isolate.
struct LastText(String);

/// An exec of `script` with these tools, to be called again and again. The first one starts V8.
pub fn executor(script: Script, tool_names: Vec<String>) -> impl FnMut() -> Timing {
    let tool_names: Arc<[String]> = tool_names.into();
    move || {
        let start = Instant::now();
        let (text_sender, text_receiver) = mpsc::sync_channel(1);
        let names = Arc::clone(&tool_names);
        let thread = thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn(move || run(script.source, &names, &text_sender))
            .expect("a thread");
        let text = text_receiver.recv().expect("the script's text");
        let until_text = start.elapsed();
        thread.join().expect("the isolate is torn down");
        let total = start.elapsed();

        assert_eq!(text, script.text);
        Timing {
            total,
            until_text: Some(until_text),
        }
    }
}

/// Which V8 this is.
pub fn version() -> &'static str {
    v8::V8::get_version()
}

/// The whole life of one isolate. The text is sent while the isolate is still there.
fn run(source: &str, tool_names: &[String], text: &mpsc::SyncSender<String>) {
    ensure_started();
    let parameters = v8::CreateParams::default().heap_limits(0, HEAP_BYTES);
    let isolate = &mut v8::Isolate::new(parameters);
    isolate.set_microtasks_policy(v8::MicrotasksPolicy::Explicit);
    v8::scope!(let scope, isolate);
    let context = v8::Context::new(scope, v8::ContextOptions::default());
    let scope = &mut v8::ContextScope::new(scope, context);

    install_functions(scope, context, tool_names);
    evaluate(scope, source);
    let LastText(said) = scope.remove_slot().expect("the script calls text()");
    text.send(said).expect("the caller waits for the text");
}

fn ensure_started() {
    static START: Once = Once::new();
    START.call_once(|| {
        v8::V8::set_flags_from_string(FLAGS);
        v8::icu::set_common_data_78(deno_core_icudata::ICU_DATA).expect("ICU takes its data");
        v8::V8::initialize_platform(v8::new_single_threaded_default_platform(false).make_shared());
        v8::V8::initialize();
    });
}

/// Puts `text` and `tools`, with one function for each name, on the global object.
fn install_functions<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    context: v8::Local<'s, v8::Context>,
    tool_names: &[String],
) {
    let global = context.global(scope);
    let text = v8::Function::new(scope, keep_text).expect("a function");
    set(scope, global, "text", text.into());

    let tools = v8::Object::new(scope);
    for (index, name) in (0..).zip(tool_names) {
        let data = v8::Integer::new(scope, index);
        let tool = v8::Function::builder(return_index)
            .data(data.into())
            .build(scope)
            .expect("a function");
        set(scope, tools, name, tool.into());
    }
    set(scope, global, "tools", tools.into());
}

/// Sets a property; a function gets the same name.
fn set<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    object: v8::Local<'s, v8::Object>,
    name: &str,
    value: v8::Local<'s, v8::Value>,
) {
    let key = string(scope, name);
    if let Ok(function) = value.try_cast::<v8::Function>() {
        function.set_name(key);
    }
    object
        .set(scope, key.into(), value)
        .expect("the property is set");
}

fn keep_text(
    scope: &mut v8::PinScope,
    arguments: v8::FunctionCallbackArguments,
    _return_value: v8::ReturnValue,
) {
    let text = arguments.get(0).to_rust_string_lossy(scope);
    scope.set_slot(LastText(text));
}

fn return_index(
    _scope: &mut v8::PinScope,
    arguments: v8::FunctionCallbackArguments,
    mut return_value: v8::ReturnValue,
) {
    return_value.set(arguments.data());
}

/// Compiles, instantiates and evaluates one module, and runs its microtasks.
fn evaluate<'s>(scope: &mut v8::PinScope<'s, '_>, source: &str) {
    let name = string(scope, "cell.mjs");
    let origin = v8::ScriptOrigin::new(
        scope,
        name.into(),
        0,
        0,
        false,
        -1,
        None,
        false,
        false,
        true,
        None,
    );
    let source = v8::String::new(scope, source).expect("a string");
    let mut source = v8::script_compiler::Source::new(source, Some(&origin));
    let module =
        v8::script_compiler::compile_module(scope, &mut source).expect("the script compiles");
    module
        .instantiate_module(scope, no_imports)
        .expect("the script is instantiated");
    let promise = module.evaluate(scope).expect("the script is evaluated");
    scope.perform_microtask_checkpoint();
    let promise = promise.cast::<v8::Promise>();
    assert_eq!(promise.state(), v8::PromiseState::Fulfilled);
}

fn no_imports<'s>(
    _context: v8::Local<'s, v8::Context>,
    _specifier: v8::Local<'s, v8::String>,
    _attributes: v8::Local<'s, v8::FixedArray>,
    _referrer: v8::Local<'s, v8::Module>,
) -> Option<v8::Local<'s, v8::Module>> {
    None
}

/// A name: V8 keeps one copy of it.
fn string<'s>(scope: &mut v8::PinScope<'s, '_>, text: &str) -> v8::Local<'s, v8::String> {
    v8::String::new_from_utf8(scope, text.as_bytes(), v8::NewStringType::Internalized)
        .expect("a string")
}
