//! Workers that die: what ran in them fails in words, and everything else goes on.

use std::process::Command;

use code_mode::worker::Pool;
use code_mode::{ExecuteRequest, Isolation, RuntimeResponse, Session, WaitRequest};

use super::{options, pool, session_in};
use crate::probe::{self, probed_with};
use crate::support::{LONG_MS, run_in};

/// Sends a signal to a process, which may be gone by now: one that was killed is listed until its end was
/// seen to.
fn kill(pid: u32, signal: &str) {
    let kill = Command::new("kill")
        .args([signal, &pid.to_string()])
        .output();
    kill.expect("there is such a command");
}

/// Kills every worker that a session has.
fn kill_all(pool: &Pool, signal: &str) {
    for worker in pool.workers().iter().filter(|worker| !worker.is_warm) {
        kill(worker.pid, signal);
    }
}

#[tokio::test]
async fn a_killed_worker_fails_its_cell_in_words_and_the_session_goes_on() {
    let pool = pool();
    let patient = std::time::Duration::from_secs(3600);
    let builder = Session::builder()
        .isolation(Isolation::Process(pool.clone()))
        .cancellation_grace(patient);
    let (session, mut host) = probed_with(builder);
    let kept = probe::request("store('kept', 1); text(0)");
    session.execute(kept).await.unwrap();
    host.closed().await;

    let script = "text('before'); store('k', 1); await tools.call({})";
    let started = session.start(probe::request(script)).unwrap();
    let _reply = host.called().await;
    kill_all(&pool, "-KILL");
    // The call is cancelled here, and the answer waits for nothing of it.
    let response = started.response().await;
    host.release_cancelled_call().await;
    host.closed().await;
    let error = response.error_text().unwrap();
    assert!(
        error.contains("that ran the script was killed by SIGKILL"),
        "{error}"
    );
    assert!(error.contains("the session goes on"), "{error}");
    assert_eq!(response.text(), "before");
    let values = session.stored_values();
    assert!(values.json("kept").is_some() && values.json("k").is_none());

    let after = probe::request("text(load('kept'))");
    assert_eq!(session.execute(after).await.unwrap().text(), "1");
}

#[tokio::test]
async fn a_worker_that_died_idle_is_replaced_unseen() {
    let pool = pool();
    let (session, tools) = session_in(&pool);
    for round in 0..10 {
        let response = run_in(&session, &tools, &format!("text({round})")).await;
        assert_eq!(response.text(), round.to_string());
        kill_all(&pool, "-KILL");
    }
}

#[tokio::test]
async fn a_frozen_worker_is_killed_when_its_cell_is_terminated() {
    let pool = pool();
    let (session, _) = session_in(&pool);
    let request =
        ExecuteRequest::new("text('a'); yield_control(); for (;;) {}").yield_time_ms(LONG_MS);
    let id = session.execute(request).await.unwrap().cell_id();
    kill_all(&pool, "-STOP");
    let end = session.wait(WaitRequest::terminate(id)).await.unwrap();
    assert!(matches!(end, RuntimeResponse::Terminated { .. }));
    let request = ExecuteRequest::new("text(1)").yield_time_ms(LONG_MS);
    assert_eq!(session.execute(request).await.unwrap().text(), "1");
}

#[tokio::test]
async fn a_worker_in_which_nothing_runs_ends_after_a_while() {
    let idle = options("worker").warm(0).idle(std::time::Duration::ZERO);
    let pool = Pool::new(idle);
    let (session, tools) = session_in(&pool);
    for round in 0..2 {
        let response = run_in(&session, &tools, &format!("text({round})")).await;
        assert_eq!(response.text(), round.to_string());
        while !pool.workers().is_empty() {
            tokio::task::yield_now().await;
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn workers_end_when_their_parent_is_killed() {
    const MARK: &str = "CODE_MODE_TEST_PARENT";
    const NAME: &str = "worker::death::workers_end_when_their_parent_is_killed";

    if std::env::var_os(MARK).is_some() {
        crate::alone::block_on(async {
            let pool = pool();
            let (session, _) = session_in(&pool);
            let endless = ExecuteRequest::new("yield_control(); for (;;) {}");
            session.execute(endless).await.unwrap();
            let pids: Vec<u32> = pool.workers().iter().map(|worker| worker.pid).collect();
            println!("workers: {pids:?}");
            kill(std::process::id(), "-KILL");
            std::future::pending::<()>().await;
        });
    }
    let parent = Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--exact", "--nocapture", "--test-threads=1"])
        .env(MARK, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&parent.stdout);
    let pids = said.split("workers: [").nth(1).expect("workers are named");
    for pid in pids.split(']').next().unwrap().split(", ") {
        while lives(pid) {
            std::thread::yield_now();
        }
    }
}

/// Whether a process is there and no zombie.
#[cfg(target_os = "linux")]
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| {
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| !rest.starts_with('Z'))
    })
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error_of_execute() {
    let pool = Pool::new(options("worker").program("/nonexistent/worker"));
    pool.start();
    let (session, _) = session_in(&pool);
    let error = session
        .execute(ExecuteRequest::new("text(1)"))
        .await
        .unwrap_err();
    let error = error.to_string();
    assert!(error.contains("no worker process runs the cell"), "{error}");
    assert!(
        error.contains("/nonexistent/worker does not start"),
        "{error}"
    );
}

#[tokio::test]
async fn a_program_that_is_no_worker_fails_the_cell_in_words() {
    let pool = Pool::new(options("dies at once"));
    let (session, tools) = session_in(&pool);
    let response = run_in(&session, &tools, "text(1)").await;
    let error = response.error_text().unwrap();
    assert!(
        error.contains("that was to run the script ended with status 7"),
        "{error}"
    );
    assert!(error.contains("it said: no luck today"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_killed_under_load_take_nothing_with_them_but_what_ran_in_them() {
    const CELLS: usize = 200;
    // More than can be dying at once, for a session whose workers all are is refused another.
    let pool = Pool::new(options("worker").cells_per_worker(2).max_workers(32));
    let (session, tools) = session_in(&pool);
    let killing = tokio_util::sync::CancellationToken::new();
    let killer = {
        let (pool, killing) = (pool.clone(), killing.clone());
        tokio::task::spawn_blocking(move || {
            let mut killed = Vec::new();
            while !killing.is_cancelled() {
                if let Some(worker) = pool.workers().iter().find(|worker| worker.cells > 0) {
                    kill(worker.pid, "-KILL");
                    killed.push(worker.pid);
                }
            }
            killed
        })
    };
    let (mut well, mut lost) = (0, 0);
    for first in (0..CELLS).step_by(4) {
        let cells = (first..first + 4).map(|number| {
            let script = format!("text(await tools.echo({{ n: {number} }}))");
            let (session, tools) = (&session, &tools);
            async move { (number, run_in(session, tools, &script).await) }
        });
        for (number, response) in futures_util::future::join_all(cells).await {
            match response.error_text() {
                None => {
                    assert_eq!(response.text(), format!("{{\"n\":{number}}}"));
                    well += 1;
                }
                Some(error) => {
                    assert!(error.contains("worker process"), "{error}");
                    lost += 1;
                }
            }
        }
    }
    killing.cancel();
    let killed = killer.await.unwrap();
    let kills = killed.len();
    println!("{CELLS} cells, {kills} kills: {well} well, {lost} lost");
    assert_eq!(well + lost, CELLS);
    // A cell is tried in a second worker, not in a third: two that die unseen are one too many.
    while pool
        .workers()
        .iter()
        .any(|worker| killed.contains(&worker.pid))
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(run_in(&session, &tools, "text(1)").await.text(), "1");
    session.shutdown().await;
}
