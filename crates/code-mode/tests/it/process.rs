//! What holds for the whole process: threads, memory, and who may call first.

use crate::alone;
use crate::support::{run_in, session, text_items};

#[test]
fn v8_starts_from_any_thread_whenever_it_was_made() {
    alone::alone(
        "process::v8_starts_from_any_thread_whenever_it_was_made",
        || {
            // All of these threads exist before V8 does; the first to call starts it.
            let gate = std::sync::Arc::new(std::sync::Barrier::new(4));
            let threads: Vec<_> = (0..4)
                .map(|n| {
                    let gate = std::sync::Arc::clone(&gate);
                    std::thread::spawn(move || {
                        let runtime = tokio::runtime::Builder::new_current_thread()
                            .enable_all()
                            .build()
                            .unwrap();
                        gate.wait();
                        runtime.block_on(async {
                            let (session, tools) = session();
                            let response =
                                run_in(&session, &tools, &format!("text({n} * 2)")).await;
                            text_items(&response)
                        })
                    })
                })
                .collect();
            for (n, thread) in threads.into_iter().enumerate() {
                assert_eq!(thread.join().unwrap(), [(n * 2).to_string()]);
            }
        },
    );
}

#[test]
#[cfg(target_os = "linux")]
fn five_thousand_cells_of_mixed_fates_leave_nothing_behind() {
    alone::alone(
        "process::five_thousand_cells_of_mixed_fates_leave_nothing_behind",
        || alone::block_on(fates::five_thousand_cells()),
    );
}

#[cfg(target_os = "linux")]
mod fates {
    use std::time::Duration;

    use code_mode::{
        ExecuteRequest, Limits, RuntimeResponse, Session, ToolSet, WaitRequest, standby,
    };

    use crate::alone::thread_names;
    use crate::support::{LONG_MS, host};

    const CELLS: usize = 5_000;
    const AT_ONCE: usize = 8;
    /// As many isolates at each measurement.
    const STANDING_BY: usize = 2;
    /// What the allocator and V8's page pool may keep after all cells are gone.
    const SLACK_KIB: usize = 16 * 1024;

    pub async fn five_thousand_cells() {
        standby::configure(
            standby::Options::default()
                .floor(STANDING_BY)
                .cap(STANDING_BY),
        );
        // A first round makes what stays for good: V8 itself, the runtime's threads, pooled pages.
        round(CELLS / 10).await;
        let resident = resident_kib();
        round(CELLS).await;
        let resident_after = resident_kib();
        println!("{CELLS} cells: resident {resident} KiB -> {resident_after} KiB");
        assert!(
            resident_after < resident + SLACK_KIB,
            "resident memory grew from {resident} to {resident_after} KiB"
        );
    }

    /// Runs `cells` cells in two sessions, a few at once, and waits until all are gone.
    async fn round(cells: usize) {
        let limits = Limits::default().heap_bytes(16 * 1024 * 1024);
        let host = host();
        let tools = host.tools();
        let session = Session::builder().limits(limits.clone()).build(host);
        // For those alone that are to run out of time.
        let hurried = Session::builder()
            .limits(limits.cpu_time(Duration::from_millis(50)))
            .build(crate::support::host());
        for first in (0..cells).step_by(AT_ONCE) {
            let batch =
                (first..first + AT_ONCE).map(|number| one(&session, &hurried, &tools, number));
            futures_util::future::join_all(batch).await;
        }
        for cell in session.cells() {
            session
                .wait(WaitRequest::terminate(cell.cell_id))
                .await
                .expect("a listed cell answers");
        }
        session.shutdown().await;
        hurried.shutdown().await;
        // A new thread bears the name of the cell's whose thread has started it until it first runs.
        while cell_threads() > 0 || standby::ready() != STANDING_BY {
            tokio::task::yield_now().await;
        }
    }

    async fn one(session: &Session, hurried: &Session, tools: &ToolSet, number: usize) {
        let request = |source: &str| {
            ExecuteRequest::new(source)
                .enabled_tools(tools.clone())
                .yield_time_ms(LONG_MS)
        };
        let run = async |source: &str| session.execute(request(source)).await.unwrap();
        match number % 10 {
            0 | 1 => succeeded(&run("text(await tools.echo({ a: 1 }))").await),
            2 => failed(&run("text('x'); throw new Error('e')").await, "Error: e"),
            3 => failed(&run("const = 1").await, "SyntaxError"),
            4 => succeeded(&run("setTimeout(exit, 1); await new Promise(() => {})").await),
            5 => failed(
                &hurried.execute(request("for (;;) {}")).await.unwrap(),
                "computed for",
            ),
            6 => failed(
                &run("const kept = []; for (;;) kept.push(new ArrayBuffer(1 << 20));").await,
                "of memory",
            ),
            7 => {
                let response = session
                    .execute(request("for (;;) await tools.echo({})").yield_time_ms(0))
                    .await
                    .unwrap();
                let id = response.cell_id();
                let response = session.wait(WaitRequest::terminate(id)).await.unwrap();
                let ended = matches!(response, RuntimeResponse::Terminated { .. });
                // The loop may have made all the calls it may before it was terminated.
                assert!(ended || response.error_text().is_some(), "{response:?}");
            }
            8 => {
                // Dropped before its answer; read, or ended, at the end of the round.
                let started = session
                    .start(request("text(await tools.shout('x'))"))
                    .unwrap();
                let id = started.cell_id();
                drop(started);
                let wait = WaitRequest::new(id).yield_time_ms(LONG_MS);
                succeeded(&session.wait(wait).await.unwrap());
            }
            _ => failed(
                &run("await new Promise(() => {})").await,
                "nothing will settle",
            ),
        }
    }

    fn succeeded(response: &RuntimeResponse) {
        assert!(matches!(response, RuntimeResponse::Result { .. }));
        assert_eq!(response.error_text(), None);
    }

    fn failed(response: &RuntimeResponse, why: &str) {
        let error = response.error_text().expect("the script fails");
        assert!(error.contains(why), "{error}");
    }

    fn cell_threads() -> usize {
        thread_names()
            .iter()
            .filter(|name| name.starts_with("code-mode-") && *name != "code-mode-watch")
            .count()
    }

    fn resident_kib() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").expect("procfs is there");
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|value| value.trim().trim_end_matches(" kB").parse().ok())
            .expect("procfs tells the resident size")
    }
}
