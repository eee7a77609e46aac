//! The child's part: runs the scripts it is given in this process, and says how each cell ended.

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use code_mode::{ExecuteRequest, Limits, RuntimeResponse, Session, WaitRequest, containment};
use serde_json::{Value, json};

use crate::memory;
use crate::script::Order;
use crate::tools::{self, HostileHost};

/// A cell that still waits so long after twice its CPU time is terminated: nothing in it computes.
const WAITS: Duration = Duration::from_secs(1);

/// The same for the next cell, which computes nothing: a busy machine is slow, too.
const NEXT_WAITS: Duration = Duration::from_secs(20);

/// A yield time that no cell reaches.
const LONG_MS: u64 = 600_000;

/// Runs one script for each line of standard input, until there are no more.
pub async fn serve() {
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("the parent writes text");
        let order = serde_json::from_str(&line).expect("the parent writes orders");
        say(&run(&order).await);
    }
}

/// One JSON object on one line, flushed: what comes after may end the process.
fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .expect("the parent reads");
}

/// One script in as many cells as it says, one more cell of its session, and the end of the session.
pub async fn run(order: &Order) -> Value {
    let limits = Limits::default()
        .heap_bytes(order.heap_mib * 1024 * 1024)
        .cpu_time(Duration::from_millis(order.cpu_ms));
    let session = Session::builder().limits(limits).build(HostileHost);
    let resident = memory::start();
    let start = Instant::now();
    let waits = WAITS + 2 * Duration::from_millis(order.cpu_ms);
    let cells = (0..order.cells).map(|_| to_its_end(&session, order.source.clone(), waits));
    let ends = futures_util::future::join_all(cells).await;
    let ms = millis(start.elapsed());
    let (next, next_text) = to_its_end(&session, "text(6 * 7)".to_owned(), NEXT_WAITS).await;
    let next = if next == "value" { next_text } else { next };
    session.shutdown().await;
    let (endings, texts): (Vec<String>, Vec<String>) = ends.into_iter().unzip();
    json!({
        "ending": endings.join(" "),
        "text": texts.join("\n"),
        "ms": ms,
        "next": next,
        "grown_mib": memory::peak_mib().saturating_sub(resident),
        "lost": containment::lost_threads(),
    })
}

/// How the cell of this script ended, and its output or error.
async fn to_its_end(session: &Session, source: String, waits: Duration) -> (String, String) {
    let request = ExecuteRequest::new(source)
        .enabled_tools(tools::tools())
        .yield_time_ms(millis(waits));
    let start = Instant::now();
    let mut response = match session.execute(request).await {
        Ok(response) => response,
        Err(error) => return ("refused".to_owned(), error.to_string()),
    };
    let mut output = response.text();
    while matches!(response, RuntimeResponse::Yielded { .. }) {
        let id = response.cell_id();
        let wait = if start.elapsed() < waits {
            WaitRequest::new(id).yield_time_ms(millis(waits))
        } else {
            WaitRequest::terminate(id).yield_time_ms(LONG_MS)
        };
        response = match session.wait(wait).await {
            Ok(response) => response,
            Err(error) => return ("refused".to_owned(), error.to_string()),
        };
        output.push_str(&response.text());
    }
    let ending = ending(&response);
    if let Some(error) = response.error_text() {
        output.push('\n');
        output.push_str(error);
    }
    (ending.to_owned(), output)
}

/// How a cell ended, by the words of its answer.
fn ending(response: &RuntimeResponse) -> &'static str {
    if matches!(response, RuntimeResponse::Terminated { .. }) {
        return "terminated";
    }
    match response.error_text() {
        None => "value",
        Some(text) if text.contains("this cell is lost, the session goes on") => "engine failed",
        Some(text) if text.contains("cannot be interrupted)") => "wedged",
        Some(text) if text.contains("asked for more memory at once") => "parked",
        Some(text) if text.contains("MiB of memory (heap and ArrayBuffers together)") => "memory",
        Some(text) if text.starts_with("Error: the script computed for ") => "time",
        Some(_) => "error",
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
