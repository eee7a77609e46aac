//! All scripts one after the other in one process, which must be alive and well after them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::child;
use crate::host;
use crate::parent::{self, Bounds, Fate};
use crate::procfs;
use crate::row::Mode;
use crate::scripts::GROUPS;

/// Shorter than in the table: here it is not looked at how each script ends.
const CPU_TIME: Duration = Duration::from_millis(200);

/// As many threads may be lost before scripts that could lose another are left out: a process refuses
/// cells when it has lost too many.
const MOST_LOST: usize = 12;

/// Lost threads may keep what they hold, so it is more than for one script.
const BOUNDS: Bounds = Bounds {
    silence: Duration::from_secs(180),
    mib: 8_192,
};

pub fn name(mode: Mode) -> String {
    format!("sequence::{}", mode.name())
}

/// Runs the sequence in a process of its own; what is wrong with it.
pub async fn run(mode: Mode) -> Vec<String> {
    let start = Instant::now();
    let mut last = String::from("the start");
    let heard = parent::run(&["--child", &name(mode)], BOUNDS, |line| {
        if let Some(script) = line.get("script").and_then(Value::as_str) {
            script.clone_into(&mut last);
        }
    })
    .await;
    let number = |field: &str| {
        heard
            .said
            .get(field)
            .map_or("-".to_owned(), Value::to_string)
    };
    println!(
        "{}: {} scripts in {:.0} s, {} left out; {} threads lost, {} in all (before: {}); {} MiB resident (before: {}), peak {} MiB",
        name(mode),
        number("ran"),
        start.elapsed().as_secs_f64(),
        number("left_out"),
        number("lost"),
        number("threads"),
        number("threads_before"),
        number("resident_mib"),
        number("resident_mib_before"),
        number("peak_mib"),
    );
    let mut wrong = Vec::new();
    match heard.fate {
        Fate::Exited => {}
        fate => wrong.push(format!("{}: after it began {last}: {fate:?}", name(mode))),
    }
    if heard.said.get("next").is_some_and(|next| next != "42") {
        wrong.push(format!(
            "{}: the cell after all said {}",
            name(mode),
            heard.said["next"]
        ));
    }
    if !heard.stray.is_empty() {
        wrong.push(format!(
            "{}: the process wrote what nobody asked for: {}",
            name(mode),
            heard.stray
        ));
    }
    wrong
}

/// The child's part. What could lose a thread comes last.
pub async fn in_this_process(mode: Mode) {
    let mut rows: Vec<_> = GROUPS
        .iter()
        .flat_map(|group| group.rows.iter().map(move |row| (group.name, row)))
        .collect();
    rows.sort_by_key(|(_, row)| row.may_lose_its_thread());

    // The first cell makes what stays for good.
    let last = host::session(mode, CPU_TIME);
    child::next(&last).await;
    child::say(&json!({
        "threads_before": procfs::threads(),
        "resident_mib_before": procfs::resident_mib(std::process::id()),
    }));
    let (mut sessions, mut ran, mut left_out) = (Vec::new(), 0, 0);
    for (group, row) in rows {
        if row.may_lose_its_thread() && child::lost(&sessions) >= MOST_LOST {
            left_out += 1;
            continue;
        }
        child::say(&json!({ "script": format!("{group}::{}", row.name) }));
        let session = host::session(mode, CPU_TIME);
        let answer = child::run(&session, row).await;
        answer.unwrap_or_else(|error| panic!("{group}::{} was refused: {error}", row.name));
        assert_eq!(
            child::next(&session).await,
            "42",
            "after {group}::{}",
            row.name
        );
        ran += 1;
        if child::lost(std::slice::from_ref(&session)) > 0 {
            sessions.push(session);
        } else {
            session.shutdown().await;
        }
    }
    child::say(&json!({
        "ran": ran,
        "left_out": left_out,
        "next": child::next(&last).await,
        "lost": child::lost(&sessions),
        "threads": procfs::threads(),
        "resident_mib": procfs::resident_mib(std::process::id()),
        "peak_mib": procfs::peak_mib(),
    }));
    for session in sessions {
        session.shutdown().await;
    }
}
