//! Isolates that stand by: how many there are, who gets one, and that a cell in one of them is held to
//! the limits of its own session.

use std::time::{Duration, Instant};

use code_mode::standby::{self, Options};
use code_mode::{ExecuteError, Limits, RuntimeResponse, Session, StartedCell, WaitRequest};
use futures_util::future::join_all;
use serde_json::json;

use crate::alone;
use crate::probe::{probed_with, request};
use crate::support::{host, text_items};

const MIB: usize = 1024 * 1024;

/// Lets others work until it is so.
async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

/// Runs a test of the pool in a process that has no other.
fn alone<F: Future<Output = ()>>(name: &str, body: impl FnOnce() -> F) {
    alone::alone(&format!("standby::{name}"), || alone::block_on(body()));
}

fn configure(floor: usize, cap: usize) {
    standby::configure(Options::default().floor(floor).cap(cap));
}

fn limited(limits: Limits) -> Session {
    Session::builder().limits(limits).build(host())
}

/// Runs a script to its end, once so many isolates stand by.
async fn run_beside(ready: usize, session: &Session, script: &str) -> RuntimeResponse {
    until(|| standby::ready() >= ready).await;
    session.execute(request(script)).await.unwrap()
}

/// Starts a script and does not wait for it.
fn run_on(session: &Session, script: &str) -> StartedCell {
    session.start(request(script).yield_time_ms(0)).unwrap()
}

/// The numbers from nought on, each told by a cell of its own, all started at once.
async fn all_answer(session: &Session, cells: usize) {
    let answers = (0..cells).map(async |number| {
        let response = session.execute(request(&format!("text({number} * 2)")));
        assert_eq!(
            text_items(&response.await.unwrap()),
            [(number * 2).to_string()]
        );
    });
    join_all(answers).await;
}

async fn terminate(session: &Session, started: StartedCell) {
    let end = session.wait(WaitRequest::terminate(started.cell_id()));
    let end = end.await.unwrap();
    assert!(matches!(end, RuntimeResponse::Terminated { .. }), "{end:?}");
}

/// The threads of isolates that have no cell.
#[cfg(target_os = "linux")]
fn threads_without_a_cell() -> usize {
    let names = alone::thread_names();
    names
        .iter()
        .filter(|name| *name == "standby-isolate")
        .count()
}

/// The threads of cells.
#[cfg(target_os = "linux")]
fn threads_with_a_cell() -> usize {
    let is_cell = |name: &&String| {
        let number = name.strip_prefix("code-mode-");
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    alone::thread_names().iter().filter(is_cell).count()
}

#[test]
fn the_floor_is_filled_when_asked_for_and_after_the_first_exec_otherwise() {
    alone(
        "the_floor_is_filled_when_asked_for_and_after_the_first_exec_otherwise",
        async || {
            configure(3, 5);
            assert_eq!(standby::ready(), 0, "nothing was started yet");
            let session = Session::new(host());
            all_answer(&session, 1).await;
            until(|| standby::ready() == 3).await;
            all_answer(&session, 3).await;
            until(|| standby::ready() >= 3).await;
        },
    );
}

#[test]
fn start_fills_the_floor() {
    alone("start_fills_the_floor", async || {
        configure(3, 5);
        standby::start();
        until(|| standby::ready() == 3).await;
        let session = Session::new(host());
        let response = run_beside(1, &session, "text('first')").await;
        assert_eq!(text_items(&response), ["first"]);
        until(|| standby::ready() == 3).await;
    });
}

#[test]
#[cfg(target_os = "linux")]
fn with_none_no_isolate_ever_stands_by() {
    alone("with_none_no_isolate_ever_stands_by", async || {
        standby::configure(Options::none());
        standby::start();
        let session = Session::new(host());
        for cells in [1, 1, 1, 8, 1] {
            all_answer(&session, cells).await;
            assert_eq!(standby::ready(), 0);
        }
        until(|| threads_with_a_cell() + threads_without_a_cell() == 0).await;
        assert_eq!(standby::ready(), 0);
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_smaller_floor_gives_the_rest_up_and_a_greater_one_is_filled() {
    alone(
        "a_smaller_floor_gives_the_rest_up_and_a_greater_one_is_filled",
        async || {
            standby::start();
            let session = Session::new(host());
            for (floor, cap) in [(4, 4), (1, 4), (6, 6), (0, 0), (2, 8), (3, 1)] {
                configure(floor, cap);
                assert!(standby::ready() <= floor, "given up at once");
                until(|| standby::ready() == floor).await;
                until(|| threads_without_a_cell() == floor).await;
                all_answer(&session, 1).await;
            }
            for idle in [Duration::ZERO, Duration::MAX] {
                standby::configure(Options::default().floor(2).cap(4).shrink_after(idle));
                all_answer(&session, 16).await;
                until(|| standby::ready() >= 2).await;
            }
            standby::configure(Options::none());
            until(|| threads_with_a_cell() + threads_without_a_cell() == 0).await;
        },
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_burst_never_makes_more_than_the_cap_and_an_idle_process_shrinks_to_the_floor() {
    alone(
        "a_burst_never_makes_more_than_the_cap_and_an_idle_process_shrinks_to_the_floor",
        async || {
            let options = Options::default().floor(1).cap(4);
            standby::configure(options.clone().shrink_after(Duration::from_secs(3600)));
            let session = Session::new(host());
            let burst = async || {
                let mut bursts = std::pin::pin!(async {
                    for _ in 0..4 {
                        all_answer(&session, 24).await;
                    }
                });
                let watched = std::future::poll_fn(|context| {
                    let ready = standby::ready();
                    assert!(ready <= 4, "{ready} are ready");
                    bursts.as_mut().poll(context)
                });
                watched.await;
            };
            burst().await;
            // All of them, for as long as there were execs lately.
            until(|| standby::ready() == 4).await;
            standby::configure(options.shrink_after(Duration::from_millis(1)));
            for _ in 0..3 {
                burst().await;
                // Together: on the way up to more of them, too, one may be ready.
                until(|| {
                    threads_with_a_cell() == 0
                        && threads_without_a_cell() == 1
                        && standby::ready() == 1
                })
                .await;
            }
        },
    );
}

#[test]
fn a_burst_of_cells_is_answered_whatever_stands_by() {
    alone(
        "a_burst_of_cells_is_answered_whatever_stands_by",
        async || {
            let session = Session::new(host());
            // The first cells of the process, too.
            all_answer(&session, 64).await;
            for (floor, cap) in [(2, 8), (0, 0), (0, 4), (16, 16)] {
                configure(floor, cap);
                all_answer(&session, 64).await;
            }
        },
    );
}

#[test]
fn scripts_that_compute_for_ever_keep_nobody_from_being_served() {
    alone(
        "scripts_that_compute_for_ever_keep_nobody_from_being_served",
        async || {
            let processors = std::thread::available_parallelism().map_or(2, |all| all.get());
            let session = Session::new(host());
            for (floor, cap) in [(2, 8), (0, 0)] {
                configure(floor, cap);
                let mut busy = Vec::new();
                for _ in 0..processors + 1 {
                    busy.push(run_on(&session, "for (;;) {}"));
                }
                all_answer(&session, 12).await;
                for started in busy {
                    terminate(&session, started).await;
                }
                all_answer(&session, 1).await;
            }
            until(|| standby::ready() == 0).await;
        },
    );
}

#[test]
fn hosts_that_block_their_thread_keep_nobody_from_being_served() {
    use code_mode::{FunctionHost, ToolDefinition, ToolOutput};
    use std::sync::{Arc, Condvar, Mutex};

    alone(
        "hosts_that_block_their_thread_keep_nobody_from_being_served",
        async || {
            let processors = std::thread::available_parallelism().map_or(2, |all| all.get());
            let gate = Arc::new((Mutex::new(false), Condvar::new()));
            let held = Arc::clone(&gate);
            let tool = ToolDefinition::function("block", "Blocks its thread.");
            let host = FunctionHost::new().function(tool, move |_| {
                let held = Arc::clone(&held);
                async move {
                    let open = held.0.lock().unwrap();
                    drop(held.1.wait_while(open, |open| !*open).unwrap());
                    Ok(ToolOutput::text("through"))
                }
            });
            let tools = host.tools();
            let session = Session::new(host);
            let blocked: Vec<_> = (0..=processors)
                .map(|_| {
                    let script = request("text(await tools.block())").enabled_tools(tools.clone());
                    session.start(script).unwrap()
                })
                .collect();
            all_answer(&session, 12).await;
            *gate.0.lock().unwrap() = true;
            gate.1.notify_all();
            for started in blocked {
                assert_eq!(text_items(&started.response().await), ["through"]);
            }
        },
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_cell_that_is_ended_as_soon_as_it_starts_leaves_the_pool_whole() {
    alone(
        "a_cell_that_is_ended_as_soon_as_it_starts_leaves_the_pool_whole",
        async || {
            configure(2, 4);
            standby::start();
            let session = Session::new(host());
            for _ in 0..50 {
                until(|| standby::ready() > 0).await;
                let started = run_on(&session, "for (;;) {}");
                terminate(&session, started).await;
            }
            // Some while there is none to be had yet.
            let started: Vec<_> = (0..16).map(|_| run_on(&session, "for (;;) {}")).collect();
            join_all(started.into_iter().map(|one| terminate(&session, one))).await;
            until(|| threads_with_a_cell() == 0).await;
            until(|| standby::ready() >= 2).await;
            all_answer(&session, 8).await;
        },
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_shutdown_with_cells_on_their_way_leaves_the_pool_whole() {
    alone(
        "a_shutdown_with_cells_on_their_way_leaves_the_pool_whole",
        async || {
            configure(2, 4);
            standby::start();
            for _ in 0..5 {
                let session = Session::new(host());
                for script in [
                    "for (;;) {}",
                    "await new Promise((f) => setTimeout(f, 1e9))",
                ] {
                    for _ in 0..8 {
                        drop(run_on(&session, script));
                    }
                }
                session.shutdown().await;
                // A thread that a cell's thread has started bears that one's name until it first runs.
                until(|| threads_with_a_cell() == 0).await;
                let refused = session.start(request("text(1)")).err();
                assert!(matches!(refused, Some(ExecuteError::ShutDown)));
                // And one that is dropped.
                let dropped = Session::new(host());
                for _ in 0..8 {
                    drop(run_on(&dropped, "for (;;) {}"));
                }
                drop(dropped);
                all_answer(&Session::new(host()), 8).await;
            }
            until(|| threads_with_a_cell() == 0).await;
            until(|| standby::ready() >= 2).await;
        },
    );
}

#[test]
#[cfg(target_os = "linux")]
fn the_pool_outlives_the_runtime_of_its_cells() {
    let name = "standby::the_pool_outlives_the_runtime_of_its_cells";
    alone::alone(name, || {
        configure(2, 4);
        standby::start();
        for _ in 0..5 {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap();
            let session = Session::new(host());
            runtime.block_on(async {
                all_answer(&session, 2).await;
                for script in [
                    "for (;;) {}",
                    "await new Promise((f) => setTimeout(f, 1e9))",
                ] {
                    for _ in 0..8 {
                        drop(run_on(&session, script));
                    }
                }
            });
            drop(runtime);
            alone::block_on(async {
                until(|| threads_with_a_cell() == 0).await;
                all_answer(&Session::new(host()), 8).await;
                until(|| standby::ready() >= 2).await;
            });
        }
    });
}

#[test]
fn a_cell_has_the_heap_of_its_session_whether_its_isolate_stood_by_or_not() {
    const ARRAYS: &str = "new Array(131072).fill(1.5)";
    const OBJECTS: &str = "Array.from({ length: 18000 }, (_, n) => ({ n, m: [n] }))";
    alone(
        "a_cell_has_the_heap_of_its_session_whether_its_isolate_stood_by_or_not",
        async || {
            for ready in [0, 1] {
                configure(ready, ready);
                // MiB: the limit, more than that, and what fits well. Small objects take V8 long.
                for (limit, more, less, pieces) in [
                    (8, 12, 2, &[ARRAYS, OBJECTS][..]),
                    (16, 24, 8, &[ARRAYS, OBJECTS]),
                    (128, 180, 90, &[ARRAYS]),
                    (256, 300, 180, &[ARRAYS]),
                ] {
                    let session = limited(Limits::default().heap_bytes(limit * MIB));
                    for piece in pieces {
                        keeps_within(ready, &session, limit, less, piece).await;
                        keeps_too_much(ready, &session, limit, more, piece).await;
                    }
                    // What is let go is not held against it.
                    let waste = format!("for (let n = 0; n < 200; n++) {ARRAYS}; text('fine')");
                    let wasteful = run_beside(ready, &session, &waste).await;
                    assert_eq!(text_items(&wasteful), ["fine"], "{wasteful:?}");
                }
            }
        },
    );
}

/// A script that holds about so many MiB at once.
fn keeps(mib: usize, piece: &str) -> String {
    format!(
        "const kept = []; for (let n = 0; n < {mib}; n++) kept.push({piece});
         await new Promise((done) => setTimeout(done)); text(kept.length);"
    )
}

async fn keeps_within(ready: usize, session: &Session, limit: usize, mib: usize, piece: &str) {
    let response = run_beside(ready, session, &keeps(mib, piece)).await;
    assert_eq!(
        response.error_text(),
        None,
        "{mib} of {limit} MiB of {piece}"
    );
    assert_eq!(text_items(&response), [mib.to_string()]);
}

async fn keeps_too_much(ready: usize, session: &Session, limit: usize, mib: usize, piece: &str) {
    let response = run_beside(ready, session, &keeps(mib, piece)).await;
    let error = response.error_text().unwrap_or("none");
    let named = format!("more than its {limit} MiB of memory");
    assert!(
        error.contains(&named),
        "{mib} of {limit} MiB of {piece}: {error}"
    );
}

#[test]
fn standing_by_is_not_computing() {
    alone("standing_by_is_not_computing", async || {
        standby::start();
        until(|| standby::ready() > 0).await;
        let made = Instant::now();
        until(|| made.elapsed() > Duration::from_millis(100)).await;
        let limits = Limits::default().cpu_time(Duration::from_secs(20));
        let (session, mut probe) = probed_with(Session::builder().limits(limits));
        let begun = Instant::now();
        let started = session.start(request("text(await tools.call())")).unwrap();
        let reply = probe.called().await;
        let used = session.cells()[0].cpu_used;
        let since = begun.elapsed();
        reply.send(Ok(json!("done"))).unwrap();
        assert_eq!(text_items(&started.response().await), ["done"]);
        // One thread cannot have computed for longer than that since the script came.
        assert!(used <= since, "{used:?} in {since:?}");
    });
}

#[test]
fn a_standby_has_the_time_and_the_numbers_of_the_session_that_takes_it() {
    alone(
        "a_standby_has_the_time_and_the_numbers_of_the_session_that_takes_it",
        async || {
            standby::start();
            let tools = host().tools();
            let run = async |limits: Limits, script: &str| {
                until(|| standby::ready() > 0).await;
                let request = request(script).enabled_tools(tools.clone());
                limited(limits).execute(request).await.unwrap()
            };
            let limits = Limits::default;
            // From the strictest session to the most generous and back, one standby after the other.
            let calls = "for (let n = 0; n < 3; n++) await tools.echo({ n }); text('fine')";
            let flight =
                "await Promise.all([tools.echo({}), tools.echo({}), tools.echo({})]); text('fine')";
            let timers = "for (let n = 0; n < 3; n++) setTimeout(() => {}, 1e6); text('fine')";
            let output = "text('x'.repeat(50)); text('fine')";
            let few = Duration::from_millis(20);
            for (strict, script, why) in [
                (limits().max_calls(2), calls, "has made 2 nested calls"),
                (
                    limits().max_calls_in_flight(2),
                    flight,
                    "2 nested calls are under way",
                ),
                (limits().max_timers(2), timers, "2 timers are pending"),
                (limits().max_output_bytes(150), output, "may hold 150"),
                (
                    limits().cpu_time(few),
                    "for (;;) {}",
                    "longer than the 0.0 s",
                ),
            ] {
                for _ in 0..3 {
                    let refused = run(strict.clone(), script).await;
                    let error = refused.error_text().expect("it is too much");
                    assert!(error.contains(why), "{script}: {error}");
                    if why.contains("longer") {
                        continue;
                    }
                    let generous = run(limits(), script).await;
                    assert_eq!(generous.error_text(), None, "{script}");
                    assert_eq!(text_items(&generous).last().unwrap(), "fine");
                }
            }
        },
    );
}
