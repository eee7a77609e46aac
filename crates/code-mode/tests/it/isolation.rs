//! A cell never sees a trace of another one, whichever isolate stood by for it and whichever thread
//! made it; nor of what an isolate ran before it stood by.

use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use code_mode::standby::{self, Options};
use code_mode::{
    ExecuteRequest, FunctionHost, Limits, RuntimeResponse, Session, ToolDefinition, ToolError,
    ToolOutput, ToolSet, WaitRequest, WaitUntil,
};
use futures_util::future::join_all;
use serde_json::Value;

use crate::alone;
use crate::support::{LONG_MS, run_in, text_items};

const REACHABLE: &str = include_str!("isolation/reachable.js");
const LOOK: &str = include_str!("isolation/look.js");
const PLANT: &str = include_str!("isolation/plant.js");

const FLOOR: usize = 2;
const CAP: usize = 4;

/// A session whose tools answer at once, with an error, or never; all have raw results.
fn session() -> (Session, ToolSet) {
    let tool = |name: &str| ToolDefinition::function(name, "A tool.").raw_results();
    let host = FunctionHost::new()
        .function(tool("echo"), |call| async move {
            Ok(ToolOutput::from(call.input.parse::<Value>()?))
        })
        .function(
            tool("fail"),
            |_| async move { Err(ToolError::new("it fails")) },
        )
        .function(tool("never"), |_| std::future::pending());
    let tools = host.tools();
    let limits = Limits::default().heap_bytes(48 * 1024 * 1024);
    (Session::builder().limits(limits).build(host), tools)
}

/// What a cell sees.
struct Seen {
    /// All objects it can reach with all their properties, and what has state besides.
    all: String,
    /// What no other cell sees too: numbers by chance.
    random: String,
}

async fn look(session: &Session, tools: &ToolSet) -> Seen {
    let response = run_in(session, tools, &format!("{REACHABLE}{LOOK}")).await;
    assert_eq!(response.error_text(), None);
    let texts = text_items(&response);
    let [listing, state, random] = &texts[..] else {
        panic!("expected three texts, and none of another cell: {texts:?}");
    };
    Seen {
        all: format!("{listing}\n{state}"),
        random: random.clone(),
    }
}

/// Fails with the first line that differs.
fn assert_same(seen: &str, expected: &str, who: &str) {
    if seen == expected {
        return;
    }
    let mut owner = "";
    let (mut seen, mut expected) = (seen.lines(), expected.lines());
    loop {
        let lines = (seen.next(), expected.next());
        let (Some(one), Some(other)) = lines else {
            panic!("{who}, under {owner}: {lines:?}");
        };
        assert_eq!(one, other, "{who}, under {owner}");
        if !one.starts_with(' ') {
            owner = one;
        }
    }
}

/// How the cells that leave traces end, and what shows it.
const FATES: [&str; 6] = ["end", "throw", "exit", "compute", "grow", "wait"];

async fn plant(session: &Session, tools: &ToolSet, fate: &str) {
    let source = format!("const fate = '{fate}';{REACHABLE}{PLANT}");
    let request = ExecuteRequest::new(source)
        .enabled_tools(tools.clone())
        .yield_time_ms(LONG_MS);
    let started = session.start(request).unwrap();
    let id = started.cell_id();
    let response = if matches!(fate, "compute" | "wait") {
        let first = started.until(WaitUntil::NewOutput).response().await;
        assert!(
            matches!(first, RuntimeResponse::Yielded { .. }),
            "{first:?}"
        );
        let marked: usize = first.text().parse().unwrap();
        assert!(marked > 800, "{marked} objects were marked");
        session.wait(WaitRequest::terminate(id)).await.unwrap()
    } else {
        started.response().await
    };
    let error = response.error_text();
    match fate {
        "end" | "exit" => assert_eq!(error, None),
        "throw" => assert!(error.unwrap().contains("planted"), "{error:?}"),
        "grow" => assert!(error.unwrap().contains("48 MiB of memory"), "{error:?}"),
        _ => assert!(
            matches!(response, RuntimeResponse::Terminated { .. }),
            "{response:?}"
        ),
    }
}

/// Lets others work until it is so.
async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_cell_never_sees_a_trace_of_another() {
    alone::alone("isolation::a_cell_never_sees_a_trace_of_another", || {
        alone::block_on(async {
            // The first cell of the process, in an isolate that never stood by.
            standby::configure(Options::none());
            let (session, tools) = session();
            let first = look(&session, &tools).await;
            for known in [
                "globalThis: object open, prototype ",
                "    flatMap w-c -> ",
                "tools.echo.raw: function ",
                "globalThis.URL.prototype: object ",
                "    parseInt w-c -> globalThis.parseInt",
            ] {
                assert!(first.all.contains(known), "nothing like {known:?} is seen");
            }
            assert!(!first.all.contains("planted "), "nothing was planted yet");
            let second = look(&session, &tools).await;
            assert_same(&second.all, &first.all, "the second cell");

            let mut random = HashSet::from([first.random, second.random]);
            let mut looked = 2;
            standby::configure(Options::default().floor(FLOOR).cap(CAP));
            for fate in FATES {
                until(|| standby::ready() >= FLOOR).await;
                join_all((0..CAP).map(|_| plant(&session, &tools, fate))).await;
                // Each isolate that stands by, each thread that had one of those cells, and new ones.
                let mut seen = join_all((0..2 * CAP).map(|_| look(&session, &tools))).await;
                for _ in 0..CAP {
                    until(|| standby::ready() > 0).await;
                    seen.push(look(&session, &tools).await);
                }
                looked += seen.len();
                for seen in seen {
                    assert_same(
                        &seen.all,
                        &first.all,
                        &format!("a cell after one to {fate}"),
                    );
                    random.insert(seen.random);
                }
            }
            assert_eq!(random.len(), looked, "two cells had the same numbers");
        });
    });
}

#[test]
fn the_clocks_of_a_cell_start_with_it_however_long_its_isolate_stood_by() {
    let name = "isolation::the_clocks_of_a_cell_start_with_it_however_long_its_isolate_stood_by";
    alone::alone(name, || {
        alone::block_on(async {
            standby::start();
            until(|| standby::ready() > 0).await;
            let made = Instant::now();
            until(|| made.elapsed() > Duration::from_millis(50)).await;
            let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let (session, tools) = session();
            let script = "text(performance.timeOrigin); text(performance.now())";
            let texts = text_items(&run_in(&session, &tools, script).await);
            let origin: f64 = texts[0].parse().unwrap();
            // Whole milliseconds are told.
            let earliest = before.as_secs_f64() * 1000.0 - 1.0;
            assert!(origin >= earliest, "{origin} is before {earliest}");
            assert!(texts[1].parse::<f64>().unwrap() >= 0.0);
        });
    });
}

#[test]
fn a_cell_has_the_tools_and_the_values_of_its_own_session_alone() {
    let name = "isolation::a_cell_has_the_tools_and_the_values_of_its_own_session_alone";
    alone::alone(name, || {
        alone::block_on(async {
            standby::start();
            let sessions = ["left", "right"].map(|name| {
                let tool = ToolDefinition::function(name, "Tells whose it is.").raw_results();
                let host = FunctionHost::new()
                    .function(tool, move |_| async move { Ok(ToolOutput::text(name)) });
                let tools = host.tools();
                (name, Session::new(host), tools)
            });
            let script = "const [name] = Object.keys(tools), exported = await import('tools.js');
                          text([load('whose'), Object.keys(tools), ALL_TOOLS.map((tool) => tool.name), Object.keys(exported)]);
                          text(await exported[name]()); text(await tools[name].raw());
                          store('whose', name);";
            for round in 0..4 {
                for (name, session, tools) in &sessions {
                    until(|| standby::ready() > 0).await;
                    let stored = if round == 0 {
                        "null".to_owned()
                    } else {
                        format!("{name:?}")
                    };
                    let seen = format!(
                        r#"[{stored},[{name:?}],[{name:?}],["ALL_TOOLS",{name:?},"tools"]]"#
                    );
                    assert_eq!(
                        text_items(&run_in(session, tools, script).await),
                        [&*seen, name, name]
                    );
                }
            }
        });
    });
}
