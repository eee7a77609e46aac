//! The same exec by QuickJS: runtime, context, functions, module, teardown. No JIT, no `Intl`.
//!
//! A binary of its own, which takes one sample and prints it. Linked beside V8, QuickJS would get its
//! memory from V8's allocator, which comes in place of the system's. An exec took it nearly twice as long
//! so: 390 µs, and 210 µs in a binary of its own (medians of medians of 200 execs, four times by turns).
//!
//! `exec_overhead_quickjs PLACE SOURCE TEXT TOOLS WARMUPS ITERATIONS`

mod peak_rss;
mod timing;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use rquickjs::{Context, Ctx, Function, Module, Object, Runtime};

use timing::Timing;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [place, source, text, tools, warmups, iterations] = &arguments[..] else {
        panic!("six arguments, from exec_overhead");
    };
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let exec = match place.as_str() {
        "callers-thread" => exec_here,
        "thread-of-its-own" => exec_on_a_thread,
        _ => panic!("no such place: {place}"),
    };
    let tool_names: Vec<_> = (0..number(tools))
        .map(|index| format!("tool_{index}"))
        .collect();

    let sample = timing::measure(number(warmups), number(iterations), || {
        let (said, timing) = exec(source, &tool_names);
        assert_eq!(said, *text);
        timing
    });
    println!("{}", serde_json::json!(sample));
}

fn exec_here(source: &str, tool_names: &[String]) -> (String, Timing) {
    let start = Instant::now();
    let mut said = None;
    run(source, tool_names, |text| {
        said = Some((text, start.elapsed()));
    });
    let total = start.elapsed();

    let (text, until_text) = said.expect("the script's text");
    let timing = Timing {
        total,
        until_text: Some(until_text),
    };
    (text, timing)
}

/// As `raw_v8` does it.
fn exec_on_a_thread(source: &str, tool_names: &[String]) -> (String, Timing) {
    let start = Instant::now();
    let (text_sender, text_receiver) = mpsc::sync_channel(1);
    let (text, until_text) = thread::scope(|scope| {
        let thread = scope.spawn(move || {
            run(source, tool_names, |text| {
                text_sender.send(text).expect("the caller waits");
            });
        });
        let text = text_receiver.recv().expect("the script's text");
        let until_text = start.elapsed();
        thread.join().expect("the runtime is torn down");
        (text, until_text)
    });
    let total = start.elapsed();

    let timing = Timing {
        total,
        until_text: Some(until_text),
    };
    (text, timing)
}

/// The whole life of one runtime. The text is handed over while the runtime is still there.
fn run(source: &str, tool_names: &[String], hand_over: impl FnOnce(String)) {
    let runtime = Runtime::new().expect("a runtime");
    let context = Context::full(&runtime).expect("a context");
    let said = Rc::new(RefCell::new(String::new()));
    context.with(|ctx| {
        install_functions(&ctx, tool_names, &said).expect("the functions are there");
        Module::evaluate(ctx, "cell.mjs", source)
            .and_then(|promise| promise.finish::<()>())
            .expect("the script succeeds");
    });
    hand_over(said.take());
}

/// Puts `text` and `tools`, with one function for each name, on the global object.
fn install_functions(
    ctx: &Ctx<'_>,
    tool_names: &[String],
    said: &Rc<RefCell<String>>,
) -> rquickjs::Result<()> {
    let said = Rc::clone(said);
    let keep_text = move |text: String| {
        said.replace(text);
    };
    let text = Function::new(ctx.clone(), keep_text)?.with_name("text")?;
    ctx.globals().set("text", text)?;

    let tools = Object::new(ctx.clone())?;
    for (index, name) in (0_i32..).zip(tool_names) {
        let tool = Function::new(ctx.clone(), move || index)?.with_name(name)?;
        tools.set(name, tool)?;
    }
    ctx.globals().set("tools", tools)
}
