//! A host that has its answer at once, and one that has not: nested calls and notifications are polled
//! first where the script makes them.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use code_mode::{
    CancellationToken, CellState, ExecuteRequest, FunctionHost, Host, Limits, Notification,
    RuntimeResponse, Session, ToolCall, ToolDefinition, ToolError, ToolOutput, ToolSet,
    WaitRequest, WaitUntil,
};
use futures_util::future::join;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};

use crate::support::{LONG_MS, text_items};

/// A host that has one tool `now`, which answers with the number of the call, and what is added.
fn host() -> FunctionHost {
    FunctionHost::new()
        .function(ToolDefinition::function("now", ""), |call| async move {
            Ok(ToolOutput::from(json!(call.call_id)))
        })
        .function(ToolDefinition::function("fail", ""), |_| async move {
            Err(ToolError::new("it fails"))
        })
        .function(ToolDefinition::function("later", ""), |call| async move {
            tokio::task::yield_now().await;
            Ok(ToolOutput::from(json!(call.call_id)))
        })
        .function(ToolDefinition::function("fail_later", ""), |_| async move {
            tokio::task::yield_now().await;
            Err(ToolError::new("it fails"))
        })
}

fn with<F, R>(name: &str, answer: F) -> FunctionHost
where
    F: Fn(ToolCall) -> R + Send + Sync + 'static,
    R: Future<Output = Result<ToolOutput, ToolError>> + Send + 'static,
{
    host().function(ToolDefinition::function(name, ""), answer)
}

fn session(host: FunctionHost) -> (Session, ToolSet) {
    session_with(host, Limits::default())
}

fn session_with(host: FunctionHost, limits: Limits) -> (Session, ToolSet) {
    let tools = host.tools();
    (Session::builder().limits(limits).build(host), tools)
}

fn request(tools: &ToolSet, script: &str) -> ExecuteRequest {
    ExecuteRequest::new(script)
        .enabled_tools(tools.clone())
        .yield_time_ms(LONG_MS)
}

/// Runs a script that succeeds; its texts.
async fn texts_in(session: &Session, tools: &ToolSet, script: &str) -> Vec<String> {
    let response = session.execute(request(tools, script)).await.unwrap();
    assert_eq!(response.error_text(), None, "of: {script}");
    text_items(&response)
}

async fn texts_of(host: FunctionHost, script: &str) -> Vec<String> {
    let (session, tools) = session(host);
    texts_in(&session, &tools, script).await
}

#[tokio::test]
async fn an_answer_that_is_there_at_once_comes_after_all_that_the_script_has_under_way() {
    let script = "const order = [];
                  const call = tools.now().then(() => order.push('call'));
                  let chain = Promise.resolve();
                  for (let n = 0; n < 50; n++) chain = chain.then(() => order.length++);
                  chain = chain.then(() => order.push('microtasks'));
                  order.push('code');
                  await call;
                  text(order.filter((one) => one)); text(order.length);";
    assert_eq!(
        texts_of(host(), script).await,
        [r#"["code","microtasks","call"]"#, "53"]
    );
}

#[tokio::test]
async fn answers_that_are_there_at_once_come_in_the_order_of_the_calls() {
    let script = "const order = [];
                  const heard = (call, name) => call.then(() => order.push(name), () => order.push(name));
                  await Promise.all([heard(tools.now(), 1), heard(tools.fail(), 2), heard(tools.now(), 3), heard(tools.fail(), 4)]);
                  text(order);
                  text(await Promise.all(Array.from({ length: 500 }, () => tools.now())).then((all) => all.every((id, n) => id === n + 5)));";
    assert_eq!(texts_of(host(), script).await, ["[1,2,3,4]", "true"]);
}

#[tokio::test]
async fn an_error_that_is_there_at_once_shows_the_line_of_the_call() {
    let script = "async function ask(name) {
    await tools[name]({});
}
for (const name of ['fail', 'fail_later'])
    await ask(name).catch((e) => text(`${e.stack}`));
const at_once = tools.fail({});
const late = tools.fail_later({});
await at_once.catch((e) => text(e.stack)); await late.catch((e) => text(e.stack));";
    let texts = texts_of(host(), script).await;
    let asked = "ToolError: it fails\n    at ask (exec_main.mjs:2:22)\n    at exec_main.mjs:5:11";
    assert_eq!(texts[0], asked);
    assert_eq!(texts[1], asked, "and as one that comes late");
    assert_eq!(texts[2], "ToolError: it fails\n    at exec_main.mjs:6:23");
    assert_eq!(texts[3], "ToolError: it fails\n    at exec_main.mjs:7:20");

    let (session, tools) = session(host());
    let uncaught = request(&tools, "\n\nawait tools.fail({});");
    let response = session.execute(uncaught).await.unwrap();
    assert_eq!(
        response.error_text(),
        Some(
            "ToolError: it fails\n    at exec_main.mjs:3:13\n\n3 | await tools.fail({});\n  |             ^"
        )
    );
}

#[tokio::test]
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
async fn a_result_that_no_string_can_hold_rejects_and_shows_the_line_of_the_call() {
    // Longer than a string of the V8 of this platform; elsewhere it would take eight times as much.
    let huge = || ToolOutput::text("x".repeat(1 << 26));
    let host = with("huge", move |_| async move { Ok(huge()) }).function(
        ToolDefinition::function("huge_later", ""),
        move |_| async move {
            tokio::task::yield_now().await;
            Ok(huge())
        },
    );
    let script = "
const message = (e) => text(e.stack);
await tools.huge_later().catch(message);
await tools.huge().catch(message);
text(await tools.now());";
    let error =
        "ToolError: the result is longer than a JavaScript string may be\n    at exec_main.mjs";
    assert_eq!(
        texts_of(host, script).await,
        [
            format!("{error}:3:13"),
            format!("{error}:4:13"),
            "3".to_owned()
        ]
    );
}

#[tokio::test]
async fn a_panic_in_the_first_poll_rejects_that_call_and_nothing_else() {
    let host = with("panics", |_| async { panic!("at once") })
        .function(ToolDefinition::function("panics_first", ""), |call| {
            assert!(call.call_id == 0, "before there is a future");
            async { Ok(ToolOutput::text("")) }
        })
        .function(ToolDefinition::function("panics_later", ""), |_| async {
            tokio::task::yield_now().await;
            panic!("late")
        });
    let (session, tools) = session(host);
    for _ in 0..3 {
        let script = "const message = (e) => text(`${e.name} ${e.tool}: ${e.message}`);
                      const others = [tools.now(), tools.later()];
                      await tools.panics().catch(message);
                      await tools.panics_first().catch(message);
                      await tools.panics_later().catch(message);
                      text(await Promise.all([...others, tools.now()]));";
        assert_eq!(
            texts_in(&session, &tools, script).await,
            [
                "ToolError panics: the host's code panicked: at once",
                "ToolError panics_first: the host's code panicked: before there is a future",
                "ToolError panics_later: the host's code panicked: late",
                "[1,2,6]",
            ]
        );
    }
}

/// A future that is ready when the one it was last polled for has been woken.
struct WokenFromOutside {
    woken: Arc<AtomicBool>,
    polls: Arc<AtomicUsize>,
}

impl Future for WokenFromOutside {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<usize> {
        let polls = self.polls.fetch_add(1, Ordering::SeqCst) + 1;
        if self.woken.load(Ordering::SeqCst) {
            return Poll::Ready(polls);
        }
        let (woken, waker) = (Arc::clone(&self.woken), context.waker().clone());
        std::thread::spawn(move || {
            woken.store(true, Ordering::SeqCst);
            waker.wake();
        });
        Poll::Pending
    }
}

#[tokio::test]
async fn a_future_that_is_woken_between_or_after_its_polls_is_polled_again() {
    let host = with("wakes", |_| async {
        let future = WokenFromOutside {
            woken: Arc::default(),
            polls: Arc::default(),
        };
        Ok(ToolOutput::from(json!(future.await)))
    });
    let script = "for (let n = 0; n < 200; n++) if (await tools.wakes() < 2) text('polled once');
                  const all = await Promise.all(Array.from({ length: 50 }, () => tools.wakes()));
                  text(all.length);";
    assert_eq!(texts_of(host, script).await, ["50"]);
}

/// Has `fire` run once `waits` was polled for the first time, and before it is polled again.
async fn fired_between_polls(waits: impl Future<Output = ()>, fire: impl FnOnce()) {
    join(waits, async { fire() }).await;
}

/// Futures that remember who is to be woken, each fired between two polls.
fn fired_in_every_way() -> Vec<Pin<Box<dyn Future<Output = ()> + Send>>> {
    let told = || {
        let (sender, receiver) = oneshot::channel();
        (
            move || sender.send(()).unwrap(),
            receiver.map(Result::unwrap),
        )
    };
    let (fire, one) = told();
    let (fire_shared, shared) = told();
    let shared = shared.shared();
    let both = join(shared.clone(), shared).map(|_| ());
    let (fire_first, first) = told();
    let mut set: FuturesUnordered<_> = [first].into_iter().collect();
    let next = poll_fn(move |context| set.poll_next_unpin(context)).map(Option::unwrap);
    vec![
        Box::pin(fired_between_polls(one, fire)),
        Box::pin(fired_between_polls(both, fire_shared)),
        Box::pin(fired_between_polls(next, fire_first)),
        Box::pin(async {
            let notify = Notify::new();
            fired_between_polls(notify.notified(), || notify.notify_one()).await;
        }),
        Box::pin(async {
            let notify = Notify::new();
            fired_between_polls(notify.notified(), || notify.notify_waiters()).await;
        }),
        Box::pin(async {
            let token = CancellationToken::new();
            fired_between_polls(token.cancelled(), || token.cancel()).await;
        }),
    ]
}

#[tokio::test]
async fn what_comes_between_the_first_poll_and_the_second_is_found_by_the_second() {
    let host = with("waits", |call| async move {
        let mut ways = fired_in_every_way();
        let way: usize =
            serde_json::from_value(call.input.parse::<Value>()?["way"].take()).unwrap();
        ways.swap_remove(way).await;
        Ok(ToolOutput::from(json!(way)))
    });
    let ways = fired_in_every_way().len();
    let script =
        format!("for (let way = 0; way < {ways}; way++) text(await tools.waits({{ way }}))");
    let expected: Vec<String> = (0..ways).map(|way| way.to_string()).collect();
    assert_eq!(texts_of(host, &script).await, expected);
}

/// A host whose tool uses all that the runtime offers, from its first poll on.
fn runtime_host() -> FunctionHost {
    with("runtime", |_| async {
        let handle = tokio::runtime::Handle::current();
        tokio::time::sleep(Duration::ZERO).await;
        let spawned = tokio::spawn(async { 1 });
        let on_handle = handle.spawn(async { 2 });
        let blocking = tokio::task::spawn_blocking(|| 3);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let answering = tokio::spawn(async move { sender.send(4) });
        let within = tokio::time::timeout(Duration::from_secs(3600), receiver);
        let sum = spawned.await.unwrap() + on_handle.await.unwrap() + blocking.await.unwrap();
        let sum = sum + within.await.unwrap().unwrap();
        answering.await.unwrap().unwrap();
        Ok(ToolOutput::from(json!(sum)))
    })
    .function(ToolDefinition::function("spawns", ""), |_| async {
        // Ready at once, and leaves a task behind.
        let (sender, receiver) = mpsc::channel();
        tokio::spawn(async move { sender.send(()) });
        let dropped = tokio::time::sleep(Duration::from_secs(3600));
        drop(dropped);
        drop(receiver);
        Ok(ToolOutput::from(json!(5)))
    })
}

const USES_THE_RUNTIME: &str = "text(await tools.runtime()); text(await tools.spawns());
     text(await Promise.all([tools.runtime(), tools.spawns(), tools.runtime()]));";

#[tokio::test]
async fn the_first_poll_is_inside_the_runtime_of_one_thread() {
    let texts = texts_of(runtime_host(), USES_THE_RUNTIME).await;
    assert_eq!(texts, ["10", "5", "[10,5,10]"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_poll_is_inside_the_runtime_of_many_threads() {
    let host = runtime_host().function(ToolDefinition::function("blocks", ""), |_| async {
        Ok(ToolOutput::from(json!(tokio::task::block_in_place(|| 6))))
    });
    let script = format!("{USES_THE_RUNTIME} text(await tools.blocks())");
    let texts = texts_of(host, &script).await;
    assert_eq!(texts, ["10", "5", "[10,5,10]", "6"]);
}

#[tokio::test]
async fn a_host_has_room_on_the_stack_however_deep_the_script_is() {
    // Three times this in a build without optimisation: less than tokio gives to its workers.
    let host = with("deep", |_| async {
        let room = std::hint::black_box([1_u8; 512 * 1024]);
        let sum: u32 = room.iter().step_by(1024).map(|byte| u32::from(*byte)).sum();
        Ok(ToolOutput::from(json!(sum)))
    });
    let script = "const calls = [];
                  (function deeper(depth) {
                      if (depth % 100 === 0) calls.push(tools.deep());
                      try { deeper(depth + 1) } catch (e) { if (e instanceof RangeError && calls.length < 500) calls.push(tools.deep()); }
                  })(1);
                  const all = await Promise.allSettled(calls);
                  text(all.every(({ value, reason }) => value === 512 || reason instanceof RangeError));
                  text(all.length > 50);";
    assert_eq!(texts_of(host, script).await, ["true", "true"]);
}

/// A host with a tool that computes in its first poll for so long.
fn slow_host(time: Duration) -> FunctionHost {
    with("slow", move |_| async move {
        let start = Instant::now();
        while start.elapsed() < time {
            std::hint::spin_loop();
        }
        Ok(ToolOutput::text("slow"))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn hosts_that_take_their_time_run_beside_each_other() {
    let (left, right) = (mpsc::channel(), mpsc::channel());
    let (left, right) = (Mutex::new((left.0, right.1)), Mutex::new((right.0, left.1)));
    // Each blocks until the other has begun.
    let meet = |side: Mutex<(mpsc::Sender<()>, mpsc::Receiver<()>)>| {
        let side = Arc::new(side);
        move |_: ToolCall| {
            let side = Arc::clone(&side);
            async move {
                let (told, hears) = &*side.lock().unwrap();
                told.send(()).unwrap();
                hears.recv().unwrap();
                Ok(ToolOutput::text("met"))
            }
        }
    };
    // Longer than all first polls of a cell may take.
    let host = slow_host(Duration::from_millis(60))
        .function(ToolDefinition::function("left", ""), meet(left))
        .function(ToolDefinition::function("right", ""), meet(right));
    let script = "text(await tools.slow());
                  text(await Promise.all([tools.left(), tools.right()]));
                  text(await tools.now());";
    assert_eq!(
        texts_of(host, script).await,
        ["slow", r#"["met","met"]"#, "4"]
    );
}

#[tokio::test]
async fn what_the_host_computes_is_not_the_scripts_time() {
    // Enough for the script itself on any machine, and not for the host.
    let limits = Limits::default().cpu_time(Duration::from_millis(400));
    let host = slow_host(Duration::from_millis(500));
    let (session, tools) = session_with(host, limits);
    let texts = texts_in(&session, &tools, "text(await tools.slow())").await;
    assert_eq!(texts, ["slow"]);
}

/// A host whose tool blocks the thread that polls it, and notices when it is cancelled.
struct Blocking {
    begun: tokio::sync::mpsc::UnboundedSender<()>,
    open: Arc<AtomicBool>,
}

impl Host for Blocking {
    async fn invoke_tool(
        &self,
        _: ToolCall,
        cancellation: CancellationToken,
    ) -> Result<ToolOutput, ToolError> {
        self.begun.send(()).unwrap();
        while !cancellation.is_cancelled() && !self.open.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        Ok(ToolOutput::text("through"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_blocks_holds_up_its_own_script_alone() {
    let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
    let open = Arc::new(AtomicBool::new(false));
    let session = Session::new(Blocking {
        begun,
        open: Arc::clone(&open),
    });
    let tools = ToolSet::new([ToolDefinition::function("block", "")]);
    let script = request(
        &tools,
        "text('before'); const call = tools.block(); text('after'); text(await call);",
    );
    let response = session.execute(script.clone().yield_time_ms(0)).await;
    let id = response.unwrap().cell_id();
    begins.recv().await.unwrap();

    let cells = session.cells();
    assert_eq!(cells[0].state, CellState::Running);
    assert_eq!(cells[0].pending_calls, 1);
    let other = session.execute(request(&tools, "text('other')")).await;
    assert_eq!(text_items(&other.unwrap()), ["other"]);
    let wait = WaitRequest::new(id).yield_time_ms(0);
    let response = session.wait(wait).await.unwrap();
    assert!(matches!(response, RuntimeResponse::Yielded { .. }));
    open.store(true, Ordering::SeqCst);
    let wait = WaitRequest::new(id).yield_time_ms(LONG_MS);
    let texts = text_items(&session.wait(wait).await.unwrap());
    assert_eq!(texts.last().unwrap(), "through");

    // Ended while the host blocks, the script does not go on after it.
    open.store(false, Ordering::SeqCst);
    let started = session.start(script).unwrap();
    begins.recv().await.unwrap();
    let end = session.wait(WaitRequest::terminate(started.cell_id()));
    let end = end.await.unwrap();
    assert!(matches!(end, RuntimeResponse::Terminated { .. }), "{end:?}");
    assert_eq!(text_items(&end), ["before"]);
}

#[tokio::test]
async fn a_host_may_end_the_cell_that_calls_it() {
    for flavour in ["at once", "later"] {
        let session = Arc::new(OnceLock::<Session>::new());
        let inside = Arc::clone(&session);
        let host = with("end", move |call| {
            let inside = Arc::clone(&inside);
            async move {
                if flavour == "later" {
                    tokio::task::yield_now().await;
                }
                let session = inside.get().unwrap();
                let end = session.wait(WaitRequest::terminate(call.cell_id)).await;
                panic!("a cell was gone before its calls: {end:?}");
            }
        });
        let tools = host.tools();
        let session = session.get_or_init(|| Session::new(host));
        let script = "text('before'); const call = tools.end(); for (;;) await null;";
        let end = session.execute(request(&tools, script)).await.unwrap();
        assert!(matches!(end, RuntimeResponse::Terminated { .. }), "{end:?}");
        assert_eq!(text_items(&end), ["before"]);
        assert_eq!(
            texts_in(session, &tools, "text(await tools.now())").await,
            ["1"]
        );
    }
}

#[tokio::test]
async fn a_host_may_run_a_cell_for_the_cell_that_calls_it() {
    let session = Arc::new(OnceLock::<Session>::new());
    let inside = Arc::clone(&session);
    let host = with("inner", move |call| {
        let inside = Arc::clone(&inside);
        async move {
            let session = inside.get().unwrap();
            let cell = session
                .cells()
                .into_iter()
                .find(|cell| cell.cell_id == call.cell_id);
            assert_eq!(cell.unwrap().pending_calls, 1);
            let inner = ExecuteRequest::new("text('inner')").yield_time_ms(LONG_MS);
            let response = session.execute(inner).await;
            Ok(ToolOutput::text(response.unwrap().text()))
        }
    });
    let tools = host.tools();
    let session = session.get_or_init(|| Session::new(host));
    let script = "for (let n = 0; n < 5; n++) text(await tools.inner())";
    assert_eq!(texts_in(session, &tools, script).await, ["inner"; 5]);
}

#[tokio::test]
async fn a_signal_may_still_cancel_what_was_answered_but_not_told() {
    let script = "const controller = new AbortController(), { signal } = controller;
                  const call = tools.now({}, { signal });
                  controller.abort(new Error('no more'));
                  await call.then(text, (e) => text(e.message));
                  const told = new AbortController();
                  const heard = tools.now({}, { signal: told.signal });
                  text(await heard); told.abort(); text(await heard);
                  await tools.now({}, { signal: told.signal }).catch((e) => text(e.name));
                  const failing = new AbortController();
                  const failed = tools.fail({}, { signal: failing.signal });
                  failing.abort(new Error('in time'));
                  await failed.catch((e) => text(e.message));
                  text(await tools.now());";
    assert_eq!(
        texts_of(host(), script).await,
        ["no more", "2", "2", "AbortError", "in time", "4"]
    );
}

#[tokio::test]
async fn answers_that_were_not_told_yet_count_as_under_way() {
    let limits = Limits::default().max_calls_in_flight(3);
    let (session, tools) = session_with(host(), limits);
    let script = "const settled = await Promise.allSettled(Array.from({ length: 5 }, () => tools.now()));
                  text(settled.map((one) => one.value ?? `${one.reason.name}: ${one.reason.message}`.split(',')[0]));
                  text(await Promise.all([tools.now(), tools.now(), tools.now()]));
                  for (let n = 0; n < 10; n++) await tools.now();
                  text(await tools.now());";
    assert_eq!(
        texts_in(&session, &tools, script).await,
        [
            r#"[1,2,3,"RangeError: 3 nested calls are under way","RangeError: 3 nested calls are under way"]"#,
            "[4,5,6]",
            "17",
        ]
    );
}

/// A host that hears notifications and calls, and notes them in their order.
#[derive(Default)]
struct Ear {
    heard: Arc<Mutex<Vec<String>>>,
}

impl Host for Ear {
    async fn invoke_tool(
        &self,
        call: ToolCall,
        _: CancellationToken,
    ) -> Result<ToolOutput, ToolError> {
        self.heard.lock().unwrap().push(call.input.to_json());
        Ok(ToolOutput::from(json!(null)))
    }

    async fn notify(&self, notification: Notification, _: CancellationToken) {
        match &*notification.text {
            "panic" => panic!("asked to"),
            "late" => tokio::task::yield_now().await,
            _ => {}
        }
        self.heard.lock().unwrap().push(notification.text);
    }
}

#[tokio::test]
async fn notifications_are_heard_in_the_order_of_the_script_and_beside_its_calls() {
    let ear = Ear::default();
    let heard = Arc::clone(&ear.heard);
    let limits = Limits::default().max_calls(6);
    let session = Session::builder().limits(limits).build(ear);
    let tools = ToolSet::new([ToolDefinition::freeform("say", "")]);
    let script = "notify(1); const call = tools.say('2'); notify(3); notify(4); notify('panic');
                  await call; notify(5); notify('late');
                  try { notify(6) } catch (e) { text(e.message) }";
    let texts = texts_in(&session, &tools, script).await;
    assert!(texts[0].contains("has sent 6 notifications"), "{texts:?}");
    assert_eq!(
        *heard.lock().unwrap(),
        ["1", "\"2\"", "3", "4", "5", "late"]
    );
}

/// A script that never waits for anything but calls that are answered at once.
async fn runs_beside_calls(limits: Limits, script: &str) -> RuntimeResponse {
    let (session, tools) = session_with(host(), limits.max_calls(u64::MAX));
    session.execute(request(&tools, script)).await.unwrap()
}

#[tokio::test]
async fn calls_that_are_answered_at_once_keep_no_timer_waiting() {
    for script in [
        "let ran = 0; setTimeout(() => ran++); while (!ran) await tools.now(); text('fine')",
        "let ran = 0; setInterval(() => ran++, 1); while (ran < 3) await tools.now(); text('fine')",
        "let ran = 0; setInterval(() => ran++); while (ran < 50) await Promise.all([tools.now(), tools.fail().catch(() => {})]); text('fine')",
        "const signal = AbortSignal.timeout(1); while (!signal.aborted) await tools.now(); text('fine')",
        "let heard = 0; tools.later().then(() => heard++); while (!heard) await tools.now(); text('fine')",
        "let n = 0; setInterval(() => tools.now().then(() => n++)); while (n < 20) await tools.later(); text('fine')",
    ] {
        let response = runs_beside_calls(Limits::default(), script).await;
        assert_eq!(response.error_text(), None, "{script}");
        assert_eq!(text_items(&response), ["fine"], "{script}");
    }
}

#[tokio::test]
async fn a_timer_that_is_always_due_keeps_no_call_waiting() {
    let script = "let told = 0; (function again() { setTimeout(again) })();
                  for (let n = 0; n < 50; n++) { await tools.now(); await tools.later(); told++ }
                  text(told)";
    assert_eq!(texts_of(host(), script).await, ["50"]);
}

#[tokio::test]
async fn calls_that_are_answered_at_once_keep_nobody_from_yields_and_the_end() {
    let limits = Limits::default().max_calls(u64::MAX);
    let (session, tools) = session_with(host(), limits);
    let script = "yield_control(); text('x'); for (;;) await tools.now();";
    let started = session.start(request(&tools, script)).unwrap();
    let id = started.cell_id();
    let response = started.response().await;
    assert!(
        matches!(response, RuntimeResponse::Yielded { .. }),
        "{response:?}"
    );
    if response.content_items().is_empty() {
        let wait = WaitRequest::new(id).until(WaitUntil::NewOutput);
        let response = session.wait(wait.yield_time_ms(LONG_MS)).await.unwrap();
        assert_eq!(text_items(&response), ["x"]);
    }
    let wait = WaitRequest::new(id).yield_time_ms(0);
    let response = session.wait(wait).await.unwrap();
    assert!(
        matches!(response, RuntimeResponse::Yielded { .. }),
        "{response:?}"
    );
    let end = session.wait(WaitRequest::terminate(id)).await.unwrap();
    assert!(matches!(end, RuntimeResponse::Terminated { .. }), "{end:?}");
}

#[tokio::test]
async fn calls_that_are_answered_at_once_hide_nothing_from_the_limits() {
    let limits = Limits::default().cpu_time(Duration::from_millis(20));
    let response = runs_beside_calls(limits, "for (;;) await tools.now()").await;
    let error = response.error_text().unwrap();
    assert!(error.contains("computed for "), "{error}");

    let limits = Limits::default().heap_bytes(32 * 1024 * 1024);
    let greedy =
        "const kept = []; for (;;) { await tools.now(); kept.push(new Array(1e5).fill(1.5)); }";
    let response = runs_beside_calls(limits.clone(), greedy).await;
    let error = response.error_text().unwrap();
    assert!(error.contains("32 MiB of memory"), "{error}");
    let buffers =
        "const kept = []; for (;;) { await tools.now(); kept.push(new ArrayBuffer(1 << 20)); }";
    let response = runs_beside_calls(limits, buffers).await;
    let error = response.error_text().unwrap();
    assert!(error.contains("32 MiB of memory"), "{error}");

    let (session, tools) = session_with(host(), Limits::default().max_calls(5));
    let script = "for (;;) await tools.now().catch((e) => { text(e.message); exit(); })";
    let response = session.execute(request(&tools, script)).await.unwrap();
    assert!(
        response.text().contains("has made 5 nested calls"),
        "{response:?}"
    );
}
