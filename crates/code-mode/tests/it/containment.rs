//! Scripts that V8 can neither serve nor stop. Each test has a process of its own, for lost threads are
//! counted over the process.

use std::time::Duration;

use code_mode::containment::{lost_threads, max_lost_threads, set_max_lost_threads};
use code_mode::{
    CellState, ExecuteError, ExecuteRequest, FunctionHost, Limits, RuntimeResponse, Session,
    ToolDefinition, ToolOutput, WaitRequest,
};

use crate::alone;
use crate::support::{LONG_MS, host, run_in, text_items};

const MIB: usize = 1024 * 1024;

/// V8 can have no array of this length, and finds out where nobody can be told.
const FATAL: &str = "Array.prototype.sort.call(new Proxy({ length: 2 ** 53 - 1 }, {}));";

/// 2^64 steps between two interrupt checks.
const ENDLESS: &str = "let nested = []; for (let i = 0; i < 64; i++) nested = [nested, nested]; nested.flat(Infinity);";

fn session() -> Session {
    let limits = Limits::default().cpu_time(Duration::from_millis(100));
    Session::builder().limits(limits).build(host())
}

async fn run(session: &Session, script: &str) -> RuntimeResponse {
    run_in(session, &Default::default(), script).await
}

async fn goes_on(session: &Session) {
    assert_eq!(text_items(&run(session, "text(6 * 7)").await), ["42"]);
}

fn states(session: &Session) -> Vec<CellState> {
    session.cells().iter().map(|cell| cell.state).collect()
}

#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
fn a_script_that_would_end_the_process_is_parked() {
    let name = "containment::a_script_that_would_end_the_process_is_parked";
    alone::alone(name, || {
        alone::block_on(async {
            let session = session();
            let script = format!("text('before'); store('k', 1); {FATAL} text('after')");
            let response = run(&session, &script).await;
            let error = response.error_text().expect("it cannot have that array");
            assert!(
                error.contains("more memory at once than there can be"),
                "{error}"
            );
            assert!(response.text().starts_with("before"));
            assert!(!response.text().contains("after"));
            assert_eq!(session.stored_values().len(), 1);

            assert_eq!(states(&session), [CellState::Parked]);
            assert_eq!(lost_threads(), 1);
            goes_on(&session).await;
            session.shutdown().await;
            assert_eq!(states(&session), [CellState::Parked], "for good");
        });
    });
}

#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
fn what_the_array_buffers_of_a_parked_script_held_is_given_back() {
    let name = "containment::what_the_array_buffers_of_a_parked_script_held_is_given_back";
    alone::alone(name, || {
        alone::block_on(async {
            let session = session();
            goes_on(&session).await;
            let before = resident_mib();
            let script = format!("const kept = new Uint8Array(100 * 2 ** 20).fill(1); {FATAL}");
            let response = run(&session, &script).await;
            assert!(response.error_text().is_some());
            // What is said to whoever waits comes first.
            while resident_mib() > before + 50 {
                std::thread::yield_now();
            }
            goes_on(&session).await;
        });
    });
}

/// A set of hundreds of ranges for each of these, taken from the next, in one step of V8's.
const GREEDY: &str = "new RegExp('[' + '[\\\\p{L}--[a-z]]'.repeat(20000) + ']', 'v').test('a')";

/// What a cell may have on top once it is told to stop, and what goes on meanwhile.
const MORE_AFTER_STOP_MIB: usize = 256 + 180;

#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
fn memory_that_v8_takes_outside_of_its_heap_has_a_bound() {
    let name = "containment::memory_that_v8_takes_outside_of_its_heap_has_a_bound";
    alone::alone(name, || {
        alone::block_on(async {
            let limits = Limits::default().heap_bytes(64 * MIB);
            let most = limits.native_bytes() / MIB;
            let session = Session::builder().limits(limits).build(host());
            goes_on(&session).await;
            let before = resident_mib();
            let response = run(&session, GREEDY).await;
            let error = response.error_text().expect("it takes too much");
            let limit = format!("more than the {most} MiB of memory it may have beside its heap");
            assert!(error.contains(&limit), "{error}");
            // Given up first, it is parked when it asks for more.
            while states(&session) != [CellState::Parked] {
                std::thread::yield_now();
            }
            let more = resident_mib() - before;
            assert!(more < most + MORE_AFTER_STOP_MIB, "{more} MiB");
            goes_on(&session).await;
        });
    });
}

#[cfg(target_os = "linux")]
fn resident_mib() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("procfs is there");
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("procfs tells the resident pages") * 4096 / MIB
}

#[test]
fn a_script_that_does_not_stop_at_its_limit_is_answered_all_the_same() {
    let name = "containment::a_script_that_does_not_stop_at_its_limit_is_answered_all_the_same";
    alone::alone(name, || {
        alone::block_on(async {
            let session = session();
            let script = format!("text('before'); store('k', 1); {ENDLESS}");
            let response = run(&session, &script).await;
            let error = response.error_text().expect("it computes for too long");
            assert!(error.contains("longer than the 0.1 s it may"), "{error}");
            assert!(error.contains("cannot be interrupted"), "{error}");
            assert!(response.text().starts_with("before"));
            assert_eq!(session.stored_values().len(), 1);

            assert_eq!(states(&session), [CellState::Wedged]);
            assert_eq!(lost_threads(), 1);
            goes_on(&session).await;
            session.shutdown().await;
        });
    });
}

#[test]
fn a_script_that_does_not_stop_when_terminated_is_answered_all_the_same() {
    let name = "containment::a_script_that_does_not_stop_when_terminated_is_answered_all_the_same";
    alone::alone(name, || {
        alone::block_on(async {
            let session = Session::new(host());
            let script = format!("text('before'); yield_control(); store('k', 1); {ENDLESS}");
            let request = ExecuteRequest::new(script).yield_time_ms(LONG_MS);
            let started = session.execute(request).await.unwrap();
            assert!(matches!(started, RuntimeResponse::Yielded { .. }));
            let end = session
                .wait(WaitRequest::terminate(started.cell_id()))
                .await;
            assert!(
                matches!(end, Ok(RuntimeResponse::Terminated { .. })),
                "{end:?}"
            );
            assert!(session.stored_values().is_empty());
            // Told to stop before it was in there, it has just stopped.
            assert!(matches!(states(&session)[..], [] | [CellState::Wedged]));
            goes_on(&session).await;
        });
    });
}

#[test]
fn a_shutdown_does_not_wait_for_a_script_that_does_not_stop() {
    let name = "containment::a_shutdown_does_not_wait_for_a_script_that_does_not_stop";
    alone::alone(name, || {
        alone::block_on(async {
            let session = Session::new(host());
            let script = format!("yield_control(); {ENDLESS}");
            let request = ExecuteRequest::new(script).yield_time_ms(LONG_MS);
            session.execute(request).await.unwrap();
            session.shutdown().await;
            goes_on(&Session::new(host())).await;
        });
    });
}

#[test]
fn a_thread_that_comes_back_is_not_lost_any_more() {
    let name = "containment::a_thread_that_comes_back_is_not_lost_any_more";
    alone::alone(name, || {
        alone::block_on(async {
            let session = session();
            // A built-in that takes longer and longer, and then has an end.
            let mut exponent = 23;
            loop {
                let script = format!(
                    "const s = 'x'.repeat(2 ** {exponent} - 25);
                    try {{ s.replace(/x/g, 'yy') }} catch {{}}
                    text('late'); store('{exponent}', 1);"
                );
                let response = run(&session, &script).await;
                // Its thread may be back before anybody looks.
                if response
                    .error_text()
                    .is_some_and(|error| error.contains("cannot be interrupted"))
                {
                    break;
                }
                exponent += 1;
            }
            // It has the lowest priority: this process must not compute meanwhile.
            while lost_threads() > 0 || !states(&session).is_empty() {
                assert!(matches!(states(&session)[..], [] | [CellState::Wedged]));
                run(&session, "await new Promise((f) => setTimeout(f, 20))").await;
            }
            let last = exponent.to_string();
            assert!(session.stored_values().iter().all(|(key, _)| key != last));
            goes_on(&session).await;
        });
    });
}

#[test]
fn too_many_lost_threads_are_a_refusal_in_words() {
    let name = "containment::too_many_lost_threads_are_a_refusal_in_words";
    alone::alone(name, || {
        alone::block_on(async {
            set_max_lost_threads(2);
            assert_eq!(max_lost_threads(), 2);
            let session = session();
            for _ in 0..2 {
                run(&session, ENDLESS).await;
            }
            let refused = session.execute(ExecuteRequest::new("text(1)")).await;
            let refused = refused.expect_err("two are lost");
            assert!(matches!(
                refused,
                ExecuteError::TooManyLostThreads { lost: 2, .. }
            ));
            let error = refused.to_string();
            assert!(
                error.contains("2 threads of this process are lost"),
                "{error}"
            );
            assert!(session.cells().len() == 2, "{:?}", session.cells());

            set_max_lost_threads(3);
            goes_on(&session).await;
        });
    });
}

#[test]
fn an_array_buffer_beyond_the_limit_is_never_made() {
    let name = "containment::an_array_buffer_beyond_the_limit_is_never_made";
    alone::alone(name, || {
        alone::block_on(async {
            let limits = Limits::default().heap_bytes(32 * MIB);
            let session = Session::builder().limits(limits).build(host());
            for greedy in [
                "new Uint8Array(2 ** 28).fill(1)",
                "new Uint8Array({ length: 2 ** 28 })",
                "let b = new ArrayBuffer(1); for (let n = 1;; n *= 2) b = b.transfer(n);",
                "try { new ArrayBuffer(2 ** 28) } catch {} text('caught'); for (;;) {}",
            ] {
                let response = run(&session, greedy).await;
                let error = response.error_text().expect(greedy);
                assert!(
                    error.contains("more than its 32 MiB of memory"),
                    "{greedy}: {error}"
                );
            }
            // Garbage makes room, even where V8 does not know that it is needed.
            let reusing =
                "for (let i = 0; i < 64; i++) new Uint8Array(2 ** 24).fill(1); text('fine')";
            assert_eq!(text_items(&run(&session, reusing).await), ["fine"]);
            #[cfg(target_os = "linux")]
            assert!(resident_mib() < 250, "{} MiB", resident_mib());
        });
    });
}

/// How far the thread of the newest cell gives way to others.
#[cfg(target_os = "linux")]
fn niceness() -> i32 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("procfs is there");
    let of_cell = |task: std::io::Result<std::fs::DirEntry>| {
        let folder = task.ok()?.path();
        let name = std::fs::read_to_string(folder.join("comm")).ok()?;
        let number = name.trim().strip_prefix("code-mode-")?;
        let cell = number.parse::<u64>().ok()?;
        let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
        // The name, in brackets, is the second field; the nice value is the nineteenth.
        let (_, rest) = stat.rsplit_once(')')?;
        let nice = rest.split_whitespace().nth(16)?.parse().ok()?;
        Some((cell, nice))
    };
    // The isolate of an older cell may not be gone yet.
    let newest = tasks.filter_map(of_cell).max();
    newest.expect("a cell runs").1
}

#[test]
#[cfg(target_os = "linux")]
fn a_script_that_computes_for_long_gives_way_to_others() {
    let name = "containment::a_script_that_computes_for_long_gives_way_to_others";
    alone::alone(name, || {
        alone::block_on(async {
            let nice = ToolDefinition::function("nice", "How much a cell's thread gives way.");
            let host =
                FunctionHost::new().function(nice, |_| async { ToolOutput::json(&niceness()) });
            let tools = host.tools();
            let session = Session::new(host);
            let script = "const first = await tools.nice({});
                store('first', first);
                while ((await tools.nice({})) === first) for (let i = 0; i < 1e5; i++);
                text((await tools.nice({})) - first);";
            let response = run_in(&session, &tools, script).await;
            assert_eq!(text_items(&response), ["10"], "{response:?}");
            // Other cells do not get that thread, nor one that it started.
            let script = "text((await tools.nice({})) === load('first'))";
            for _ in 0..6 {
                let response = run_in(&session, &tools, script).await;
                assert_eq!(text_items(&response), ["true"]);
            }
        });
    });
}

/// Machine code without an end; all isolates have 128 MiB of addresses for it.
const COMPILES: &str = "const kept = [];
    for (let i = 0; ; i++) {
      const pattern = new RegExp(('(?:a' + i + 'b|c' + i + 'd)*x{0,50}').repeat(20));
      for (let j = 0; j < 3; j++) pattern.test('q');
      kept.push(pattern);
    }";

#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
fn one_cell_leaves_room_for_the_machine_code_of_others() {
    let name = "containment::one_cell_leaves_room_for_the_machine_code_of_others";
    alone::alone(name, || {
        alone::block_on(async {
            let limits = Limits::default().heap_bytes(256 * MIB);
            let session = Session::builder().limits(limits).build(host());
            let response = run(&session, COMPILES).await;
            let error = response.error_text().expect("there is no room");
            assert!(error.contains("had more compiled code than"), "{error}");
            assert_eq!(lost_threads(), 0);
            let hot = "let sum = 0; for (let i = 0; i < 1e6; i++) sum += i % 7; text(sum)";
            assert_eq!(text_items(&run(&session, hot).await), ["2999997"]);
        });
    });
}

#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))]
fn cells_that_hold_much_at_once_leave_room_for_others() {
    let name = "containment::cells_that_hold_much_at_once_leave_room_for_others";
    alone::alone(name, || {
        alone::block_on(async {
            let limits = Limits::default().heap_bytes(640 * MIB);
            let session = Session::builder().limits(limits).build(host());
            // All isolates have four gigabytes of addresses; these want five.
            let script = "const kept = [];
                for (let i = 0; i < 500; i++) kept.push(new Array(2 ** 18).fill(i));
                yield_control(); await new Promise(() => {}, setTimeout(() => {}, 1e9));";
            let mut stopped = 0;
            for _ in 0..10 {
                let response = run(&session, script).await;
                if let Some(error) = response.error_text() {
                    assert!(error.contains("together used more memory"), "{error}");
                    stopped += 1;
                }
            }
            assert!((1..10).contains(&stopped), "{stopped} were stopped");
            assert_eq!(lost_threads(), 0);
            goes_on(&session).await;
            session.shutdown().await;
        });
    });
}
