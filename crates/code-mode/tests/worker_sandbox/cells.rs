//! Real cells in a child, to see that nothing they need is missing in the sandbox.

use std::time::Duration;

use code_mode::{
    ExecuteRequest, FunctionHost, Limits, RuntimeResponse, Session, ToolDefinition, ToolOutput,
    ToolSet, WaitRequest, standby,
};
use serde_json::{Value, json};

use crate::child::say;

/// Name, script, and what it has to put out; `None` where that is whatever it puts out in a process
/// without the sandbox.
pub const SCRIPTS: &[(&str, &str, Option<&str>)] = &[
    (
        "tools",
        "const all = await Promise.all([1, 2, 3].map((n) => tools.echo({ n }))); \
         text(all.map((one) => one.n).join());",
        Some("1,2,3"),
    ),
    (
        "timers",
        "await new Promise((resolve) => setTimeout(resolve, 5)); \
         await new Promise((resolve) => queueMicrotask(resolve)); text('later');",
        Some("later"),
    ),
    (
        "regular expressions",
        "text('aXbXc'.replace(/x/gi, '-') + ' ' + /(?<=\\p{Lu})\\w/u.exec('aBcd')[0] + \
         [...'a1b22'.matchAll(/\\d+/g)].map(String));",
        Some("a-b-c c1,22"),
    ),
    (
        "a hot regular expression",
        "let n = 0; const r = /([a-z]+)(\\d+)?/g; \
         for (let i = 0; i < 20000; i++) n += `abc${i} def`.replace(r, '$2$1').length; text(n);",
        None,
    ),
    (
        "optimized code",
        "function f(a, b) { let s = 0; for (let i = 0; i < 1000; i++) s = (s + a * i + b) | 0; return s; } \
         let t = 0; for (let i = 0; i < 20000; i++) t = (t + f(i, 1.5)) | 0; text(t);",
        None,
    ),
    (
        "Intl",
        "const day = new Date(Date.UTC(2024, 6, 14, 12)); text([ \
           new Intl.DateTimeFormat('de-DE', { dateStyle: 'full', timeZone: 'Asia/Tokyo' }).format(day), \
           new Intl.NumberFormat('hi-IN', { style: 'currency', currency: 'INR' }).format(1234567.5), \
           ['ä', 'z', 'a'].sort(new Intl.Collator('sv').compare).join(''), \
           [...new Intl.Segmenter('th', { granularity: 'word' }).segment('สวัสดีชาวโลก')].length, \
           new Intl.DisplayNames('fr', { type: 'region' }).of('JP'), \
           new Intl.RelativeTimeFormat('es').format(-3, 'day'), \
           new Intl.ListFormat('en').format(['a', 'b', 'c']), \
           new Intl.PluralRules('ar').select(3), 'I'.toLocaleLowerCase('tr'), 'ﬁ'.normalize('NFKD') \
         ].join('|'));",
        None,
    ),
    (
        "zone",
        "const { timeZone, locale } = Intl.DateTimeFormat().resolvedOptions(); const day = new Date(2024, 6, 14); \
         text([timeZone, locale, day.getTimezoneOffset(), day.toString(), day.toLocaleString(), \
           (1234.5).toLocaleString(), new Date('2024-01-14T00:00').toISOString()].join('|'));",
        None,
    ),
    (
        "now",
        "text(Math.abs(Date.now() - performance.timeOrigin) < 6e5 && new Date().getFullYear() > 2023);",
        Some("true"),
    ),
    (
        "a hundred megabytes of heap",
        "const a = []; for (let i = 0; i < 100; i++) a.push(new Array(131072).fill(i + 0.5)); \
         text(a.length + ' ' + a[99][131071]);",
        Some("100 99.5"),
    ),
    (
        "ArrayBuffers",
        "let n = 0; for (let i = 0; i < 20; i++) n += new Uint8Array(32 << 20).fill(1)[i]; \
         const b = new ArrayBuffer(8, { maxByteLength: 1 << 20 }); b.resize(1 << 20); text(n + b.byteLength);",
        Some("1048596"),
    ),
    (
        "garbage",
        "let last; for (let i = 0; i < 2e6; i++) last = { i, s: 'x' + i }; text(last.s);",
        Some("x1999999"),
    ),
    (
        "BigInt, JSON, structuredClone",
        "text((2n ** 20000n % 1000007n) + ' ' + structuredClone(new Map([[1, JSON.parse('{\"a\":[1]}')]])).get(1).a);",
        None,
    ),
    (
        "chance",
        "text(crypto.randomUUID() !== crypto.randomUUID() && crypto.getRandomValues(new Uint8Array(65536)).some(Boolean) \
         && Math.random() !== Math.random());",
        Some("true"),
    ),
    (
        "the stack",
        "function down(n) { try { return down(n + 1); } catch (error) { return error.constructor.name; } } text(down(0));",
        Some("RangeError"),
    ),
    ("an error", "null.x;", None),
    ("an endless loop", "for (;;) {}", None),
    (
        "an endless expression",
        "/^(a+)+$/.test('a'.repeat(64) + 'b')",
        None,
    ),
    (
        "an endless heap",
        "const a = []; for (;;) a.push(new Array(1000).fill(0.5));",
        None,
    ),
];

/// Short where only this limit ends the script; where another does, too long to come first anywhere.
fn cpu_time(name: &str) -> Duration {
    match name {
        "an endless loop" | "an endless expression" => Duration::from_secs(1),
        _ => Duration::from_secs(600),
    }
}

fn host(cpu_time: Duration) -> (Session, ToolSet) {
    let echo = ToolDefinition::function("echo", "Gives back its input.");
    let host = FunctionHost::new().function(echo, |call| async move {
        // Not done at the first poll, so that runtime, channels and timers have a part in it.
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(ToolOutput::from(call.input.parse::<Value>()?))
    });
    let tools = host.tools();
    let limits = Limits::default().heap_bytes(256 << 20).cpu_time(cpu_time);
    (Session::builder().limits(limits).build(host), tools)
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the runtime starts")
        .block_on(future)
}

/// Text and error of a script. How long it computed is in some errors and differs, and whether V8 took so
/// long over the garbage of a full heap that its thread was given up.
async fn outcome(session: &Session, tools: &ToolSet, script: &str) -> Value {
    let request = ExecuteRequest::new(script)
        .enabled_tools(tools.clone())
        .yield_time_ms(600_000);
    let response = session.execute(request).await.expect("the cell starts");
    let error = response.error_text().map(|error| {
        let differs = [" computed for ", " (it is inside a built-in function "];
        let ends = differs.iter().filter_map(|words| error.find(words));
        &error[..ends.min().unwrap_or(error.len())]
    });
    json!({ "text": response.text(), "error": error })
}

/// Runs all scripts, many at once, and one that has to be terminated.
pub fn run() {
    standby::configure(standby::Options::default().floor(16).cap(24));
    standby::start();
    block_on(async {
        for (name, script, _) in SCRIPTS {
            let (session, tools) = host(cpu_time(name));
            let outcome = outcome(&session, &tools, script).await;
            say("cell", &json!([name, outcome]).to_string());
        }
        let (session, tools) = host(cpu_time("many"));
        let at_once = (0..32).map(|_| outcome(&session, &tools, SCRIPTS[0].1));
        for outcome in futures_util::future::join_all(at_once).await {
            say("cell", &json!(["many", outcome]).to_string());
        }
        let endless = ExecuteRequest::new("for (;;) {}").yield_time_ms(1);
        let endless = session.execute(endless).await.expect("the cell starts");
        let ended = session
            .wait(WaitRequest::terminate(endless.cell_id()))
            .await
            .expect("it runs");
        let terminated = matches!(ended, RuntimeResponse::Terminated { .. });
        say("cell", &json!(["terminated", terminated]).to_string());
        session.shutdown().await;
    });
    say("result", "done");
}

/// Runs the script of this name alone.
pub fn run_one(wanted: &str) {
    let (name, script, _) = SCRIPTS
        .iter()
        .find(|(name, _, _)| *name == wanted)
        .expect("it is in the table");
    block_on(async {
        let (session, tools) = host(cpu_time(name));
        let outcome = outcome(&session, &tools, script).await;
        say("cell", &json!([name, outcome]).to_string());
    });
}

/// Takes a gigabyte, in a session that would allow two.
pub fn grow(what: &str) {
    let script = match what {
        "heap" => {
            "const a = []; while (a.length < 1100) a.push(new Array(131072).fill(a.length + 0.5)); text('all');"
        }
        "buffers" => {
            "const a = []; while (a.length < 140) a.push(new Uint8Array(8 << 20).fill(1)); text('all');"
        }
        other => panic!("no way to grow {other}"),
    };
    block_on(async {
        let limits = Limits::default().heap_bytes(2 << 30);
        let session = Session::builder().limits(limits).build(FunctionHost::new());
        for (name, script) in [(what, script), ("next", "text('next')")] {
            let outcome = outcome(&session, &ToolSet::default(), script).await;
            say("cell", &json!([name, outcome]).to_string());
        }
    });
    say("peak", &peak_bytes().to_string());
}

/// How many bytes of memory the process ever had at once.
fn peak_bytes() -> u64 {
    // SAFETY: numbers alone, for which zero is a value.
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: it is a place to write to and lives during the call.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut used) };
    u64::try_from(used.ru_maxrss).expect("it is not negative") * 1024
}
