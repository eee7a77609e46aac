//! A session whose cells run in workers works as one whose cells run here.

use std::time::Duration;

use code_mode::{
    ContentItem, ExecuteRequest, FormatOptions, Isolation, Limits, RuntimeResponse, Session,
    StoredValues, ToolDefinition, ToolOutput, WaitRequest,
};
use serde_json::json;

use super::{pool, session_in, session_of};
use crate::probe::{self, Event, probed_with};
use crate::support::{LONG_MS, host, run_in, text_items};

#[tokio::test]
async fn a_script_runs_in_another_process() {
    let pool = pool();
    let (session, tools) = session_in(&pool);
    assert!(pool.workers().is_empty());
    let response = run_in(&session, &tools, "text(6 * 7); text({ a: [1] })").await;
    assert_eq!(text_items(&response), ["42", r#"{"a":[1]}"#]);
    let workers = pool.workers();
    let one = workers.iter().find(|worker| !worker.is_warm).unwrap();
    assert_ne!(one.pid, std::process::id());
}

#[tokio::test]
async fn nested_calls_go_to_the_host_and_back() {
    let pool = pool();
    let (session, tools) = session_in(&pool);
    let script = r#"
        const all = await Promise.all([1, 2, 3].map((n) => tools.echo({ n })));
        text(all);
        text(await tools.shout("quietly"));
        text(await tools["hidden-dynamic-tool"]({}));
        try { await tools.fail({ message: "no luck" }) } catch (e) { text(`${e.name}: ${e.message}`) }
        const controller = new AbortController();
        controller.abort(new Error("not any more"));
        try { await tools.echo({}, { signal: controller.signal }) } catch (e) { text(e.message) }
    "#;
    let response = run_in(&session, &tools, script).await;
    assert_eq!(response.error_text(), None);
    assert_eq!(
        text_items(&response),
        [
            r#"[{"n":1},{"n":2},{"n":3}]"#,
            "QUIETLY",
            "found",
            "ToolError: no luck",
            "not any more"
        ]
    );
}

#[tokio::test]
async fn scripts_that_fail_say_what_they_say_in_the_process() {
    let pool = pool();
    let (session, tools) = session_in(&pool);
    let (here, _) = crate::support::session();
    for script in [
        "const = 1",
        "text('a'); throw new TypeError('b')",
        "await new Promise(() => {})",
        "function f() {}",
        "await tools.ech({})",
        "store('k', () => {})",
        "load_output('out-1-1')",
        "await tools.shout(1)",
        "exit(); text('never')",
    ] {
        let there = run_in(&session, &tools, script).await;
        let here = run_in(&here, &tools, script).await;
        assert_eq!(there.error_text(), here.error_text(), "of {script}");
        assert_eq!(text_items(&there), text_items(&here), "of {script}");
    }
}

#[tokio::test]
async fn stored_values_are_the_sessions_and_survive_their_worker() {
    let pool = pool();
    let (session, tools) = session_in(&pool);
    let script =
        "store('a', { n: 1 }); store('gone', 1); store('gone', undefined); store('null', null);
                  text(load('a')); text(load('null')); text(load('gone') === undefined)";
    let response = run_in(&session, &tools, script).await;
    assert_eq!(text_items(&response), [r#"{"n":1}"#, "null", "true"]);

    let response = run_in(&session, &tools, "store('a', 2); throw 1").await;
    assert!(response.error_text().is_some());
    let values = session.stored_values();
    assert_eq!(values.json("a").unwrap().get(), "2");
    assert_eq!(values.json("null").unwrap().get(), "null");

    let mut overlay = StoredValues::default();
    overlay.insert("o", &"laid over").unwrap();
    let request = ExecuteRequest::new("text(load('o')); text(load('a'))")
        .stored_values(overlay)
        .yield_time_ms(LONG_MS);
    let response = session.execute(request).await.unwrap();
    assert_eq!(text_items(&response), ["laid over", "2"]);
}

#[tokio::test]
async fn limits_are_refusals_in_a_worker_too() {
    let pool = pool();
    let limits = Limits::default()
        .max_output_bytes(10_000)
        .max_stored_bytes(1_000)
        .max_calls(3)
        .max_calls_in_flight(2)
        .max_timers(1)
        .heap_bytes(16 * 1024 * 1024);
    let (session, tools) = session_of(&pool, host(), limits.clone());
    let here = Session::builder().limits(limits).build(host());
    for script in [
        "for (let i = 0; i < 1000; i++) text('x'.repeat(100))",
        "try { for (;;) text('x'.repeat(100)) } catch (e) { text('s'); store('e', String(e)) } throw load('e')",
        "store('k', 'x'.repeat(1001))",
        "await Promise.all([1, 2, 3].map(() => tools.echo({})))",
        "for (;;) await tools.echo({})",
        "setTimeout(exit, 1); setTimeout(exit, 1)",
        "const kept = []; for (;;) kept.push(new ArrayBuffer(1 << 20))",
    ] {
        let there = run_in(&session, &tools, script).await;
        let here = run_in(&here, &tools, script).await;
        assert!(there.error_text().is_some(), "of {script}");
        assert_eq!(there.error_text(), here.error_text(), "of {script}");
        assert_eq!(
            there.content_items().len(),
            here.content_items().len(),
            "of {script}"
        );
    }
    // In a session of its own: what ends by another limit is not to be hurried.
    let limits = Limits::default().cpu_time(Duration::from_millis(200));
    let (session, tools) = session_of(&pool, host(), limits);
    let response = run_in(&session, &tools, "for (;;) {}").await;
    let error = response.error_text().unwrap();
    assert!(error.contains("longer than the 0.2 s it may"), "{error}");
    assert_eq!(run_in(&session, &tools, "text(1)").await.text(), "1");
}

#[tokio::test]
async fn output_that_was_read_makes_room_for_more() {
    let pool = pool();
    let builder = Session::builder()
        .isolation(Isolation::Process(pool))
        .limits(Limits::default().max_output_bytes(1_000));
    let (session, mut host) = probed_with(builder);
    let script = "for (let i = 0; i < 5; i++) { text('x'.repeat(800)); yield_control(); await tools.call({}) }";
    let mut response = session.execute(probe::request(script)).await.unwrap();
    let mut items = response.content_items().len();
    while let RuntimeResponse::Yielded { cell_id, .. } = response {
        // The script goes on when its output has been read.
        host.answer().await;
        let wait = WaitRequest::new(cell_id).yield_time_ms(LONG_MS);
        response = session.wait(wait).await.unwrap();
        items += response.content_items().len();
    }
    assert_eq!(response.error_text(), None);
    assert_eq!(items, 5);
}

#[tokio::test]
async fn images_audio_and_resources_come_as_they_were() {
    let pool = pool();
    let (session, tools) = session_in(&pool);
    let script = r#"
        image("data:image/png;base64,AAAA", "low");
        audio("data:audio/wav;base64,AAAA");
        forward_output({ content: [{ type: "resource_link", uri: "file:///a", name: "a" }] });
    "#;
    let response = run_in(&session, &tools, script).await;
    let (here, _) = crate::support::session();
    let here = run_in(&here, &tools, script).await;
    assert_eq!(response.error_text(), here.error_text());
    assert_eq!(response.content_items(), here.content_items());
    assert!(matches!(
        response.content_items()[2],
        ContentItem::Resource { .. }
    ));
}

#[tokio::test]
async fn what_was_cut_is_read_by_a_later_script() {
    let pool = pool();
    let (session, tools) = session_in(&pool);
    let response = run_in(&session, &tools, "text('x'.repeat(10000) + 'y')").await;
    let formatted = session.format(
        &response,
        FormatOptions::new(Duration::ZERO).max_tokens(100),
    );
    let handle = formatted.truncated.unwrap().handle;
    let script = format!("text(load_output('{handle}', {{ start: -1 }}))");
    assert_eq!(run_in(&session, &tools, &script).await.text(), "y");
}

#[tokio::test]
async fn a_cell_yields_goes_on_and_is_terminated() {
    let pool = pool();
    let (session, _) = session_in(&pool);
    let endless = "text('a'); yield_control(); for (;;) {}";
    let request = ExecuteRequest::new(endless).yield_time_ms(LONG_MS);
    let response = session.execute(request).await.unwrap();
    assert!(matches!(response, RuntimeResponse::Yielded { .. }));
    assert_eq!(response.text(), "a");
    let id = response.cell_id();
    assert_eq!(session.cells()[0].cell_id, id);
    let end = session.wait(WaitRequest::terminate(id)).await.unwrap();
    assert!(matches!(end, RuntimeResponse::Terminated { .. }));
    assert!(session.cells().is_empty());

    let waiting = "await new Promise((done) => setTimeout(done, 1e8))";
    let request = ExecuteRequest::new(waiting).yield_time_ms(1);
    let id = session.execute(request).await.unwrap().cell_id();
    let end = session.wait(WaitRequest::terminate(id)).await.unwrap();
    assert!(matches!(end, RuntimeResponse::Terminated { .. }));
}

#[tokio::test]
async fn cells_tells_what_a_script_uses() {
    let pool = pool();
    let (session, _) = session_in(&pool);
    let request = ExecuteRequest::new("yield_control(); for (;;) {}").yield_time_ms(LONG_MS);
    let id = session.execute(request).await.unwrap().cell_id();
    loop {
        let cell = &session.cells()[0];
        if cell.cpu_used > Duration::ZERO && cell.heap_used_bytes > 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    session.wait(WaitRequest::terminate(id)).await.unwrap();
}

#[tokio::test]
async fn calls_are_cancelled_and_the_cell_closed_as_in_the_process() {
    let pool = pool();
    let builder = Session::builder().isolation(Isolation::Process(pool));
    let (session, mut host) = probed_with(builder);
    let script = "notify('n'); tools.call({ n: 1 }); text('done')";
    let started = session.start(probe::request(script)).unwrap();
    let id = started.cell_id();
    let answer = tokio::spawn(started.response());
    let mut replies = Vec::new();
    let (mut notified, mut cancelled) = (false, false);
    loop {
        match host.next().await {
            Event::Notified { release, .. } => {
                notified = true;
                let _ = release.send(());
            }
            Event::CallCancelled { release } => {
                cancelled = true;
                let _ = release.send(());
            }
            // Nobody awaits it.
            Event::Called { reply, .. } => replies.push(reply),
            Event::Closed(closed) => {
                assert_eq!(closed, id);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(notified && cancelled);
    assert_eq!(answer.await.unwrap().text(), "done");
}

#[tokio::test]
async fn what_is_too_long_for_a_frame_is_refused_in_words() {
    let pool = pool();
    let much = "x".repeat(65 * 1024 * 1024);
    let host = host().function(ToolDefinition::function("much", ""), move |_| {
        let much = much.clone();
        async move { Ok(ToolOutput::text(much)) }
    });
    let limits = Limits::default()
        .max_output_bytes(1 << 30)
        .heap_bytes(1 << 30);
    let (session, tools) = session_of(&pool, host, limits);
    // Each of these characters takes six bytes in a frame.
    let script = r#"
        const tell = (e) => text(`${e.name}: ${e.message}`);
        const much = '\u0000'.repeat(12 * 1024 * 1024);
        try { text(much) } catch (e) { tell(e) }
        try { await tools.shout(much) } catch (e) { tell(e) }
        try { await tools.much() } catch (e) { tell(e) }
        text('x'.repeat(1000 * 1000).length);
    "#;
    let response = run_in(&session, &tools, script).await;
    assert_eq!(response.error_text(), None);
    let texts = text_items(&response);
    for text in &texts[..3] {
        assert!(text.contains("67108864 are allowed"), "{text}");
    }
    assert_eq!(texts[3], "1000000");
}

#[tokio::test]
async fn long_texts_come_whole_in_both_directions() {
    let pool = pool();
    let (session, tools) = session_in(&pool);
    let script = r#"
        const long = 'é"\u0000'.repeat(500_000);
        text((await tools.echo({ long })).long === long);
        text(long);
    "#;
    let response = run_in(&session, &tools, script).await;
    assert_eq!(response.error_text(), None);
    let texts = text_items(&response);
    assert_eq!(texts[0], "true");
    assert_eq!(texts[1], "é\"\0".repeat(500_000));
}

#[tokio::test]
async fn a_worker_runs_cells_of_one_session_and_ends_with_it() {
    let pool = pool();
    let (one, tools) = session_in(&pool);
    let (two, _) = session_in(&pool);
    run_in(&one, &tools, "text(1)").await;
    let ones: Vec<u32> = pids(&pool);
    run_in(&two, &tools, "text(1)").await;
    run_in(&one, &tools, "text(1)").await;
    let both = pids(&pool);
    assert_eq!(both.len(), 2, "{both:?}");
    assert!(both.contains(&ones[0]));
    one.shutdown().await;
    two.shutdown().await;
    drop((one, two));
    while !pids(&pool).is_empty() {
        tokio::task::yield_now().await;
    }
}

/// The processes of workers that a session has.
fn pids(pool: &code_mode::worker::Pool) -> Vec<u32> {
    let workers = pool.workers().into_iter();
    workers
        .filter(|worker| !worker.is_warm)
        .map(|worker| worker.pid)
        .collect()
}

#[tokio::test]
async fn cells_share_workers_up_to_a_number_and_further_when_there_are_no_more() {
    let pool = code_mode::worker::Pool::new(
        super::options("worker")
            .warm(0)
            .cells_per_worker(2)
            .max_workers(2),
    );
    let (session, _) = session_in(&pool);
    let waiting = "await new Promise((done) => setTimeout(done, 1e8))";
    for expected in [1, 1, 2, 2, 2] {
        let request = ExecuteRequest::new(waiting).yield_time_ms(1);
        session.execute(request).await.unwrap();
        assert_eq!(pool.workers().len(), expected);
    }
    let (other, tools) = session_in(&pool);
    let request = ExecuteRequest::new("text(1)")
        .enabled_tools(tools.clone())
        .yield_time_ms(LONG_MS);
    let error = other.execute(request.clone()).await.unwrap_err();
    assert!(error.to_string().contains("2 worker processes"), "{error}");
    session.shutdown().await;
    assert_eq!(other.execute(request).await.unwrap().text(), "1");
}

#[tokio::test]
async fn the_tools_of_a_cell_are_those_of_its_request() {
    let pool = pool();
    let (session, _) = session_in(&pool);
    for round in 0..20 {
        let name = format!("tool_{}", round % 12);
        let tools =
            code_mode::ToolSet::new([ToolDefinition::function(&name, "A tool.")
                .input_schema(json!({ "type": "object" }))])
            .unavailable([("git", "it is being started")]);
        let script = "text(ALL_TOOLS.map((tool) => tool.name))";
        let response = run_in(&session, &tools, script).await;
        assert_eq!(response.text(), format!("[\"{name}\"]"));
        let response = run_in(&session, &tools, "await tools.git__log({})").await;
        let error = response.error_text().unwrap();
        assert!(error.contains("it is being started"), "{error}");
    }
}
