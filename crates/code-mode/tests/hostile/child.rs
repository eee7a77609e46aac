//! Runs hostile scripts in this process, and says line by line how far it came.

use std::io::Write;
use std::time::{Duration, Instant};

use code_mode::{CellId, ExecuteError, ExecuteRequest, RuntimeResponse, Session, WaitRequest};
use serde_json::{Value, json};

use crate::host;
use crate::procfs;
use crate::row::{Mode, Row};
use crate::tools;

/// A yield time that no cell reaches.
const LONG_MS: u64 = 600_000;

/// What the cell of a script came to.
pub struct Answer {
    pub ending: String,
    /// The error text, or what the script put out.
    pub text: String,
}

/// One JSON object a line, each flushed: what comes after may end the process.
pub fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .expect("the parent reads");
}

/// One script, one more cell in its session, and the end of the session.
pub async fn one(mode: Mode, row: &Row) {
    let session = host::session(mode, row.cpu_time());
    let (start, cpu) = (Instant::now(), procfs::cpu_ms());
    let answer = match run(&session, row).await {
        Ok(answer) => answer,
        Err(error) => Answer {
            ending: "refused".to_owned(),
            text: error.to_string(),
        },
    };
    say(&json!({
        "ending": answer.ending,
        "text": shortened(&answer.text),
        "ms": millis(start.elapsed()),
        "cpu_ms": procfs::cpu_ms().saturating_sub(cpu),
    }));
    say(&json!({ "next": next(&session).await }));
    session.shutdown().await;
    say(&json!({ "shut_down": true, "peak_mib": procfs::peak_mib() }));
}

/// What a small cell of this session says.
pub async fn next(session: &Session) -> String {
    match run_source(session, "text(6 * 7)".to_owned(), false).await {
        Ok(answer) => answer.text,
        Err(error) => format!("refused: {error}"),
    }
}

/// Runs a script to its end.
pub async fn run(session: &Session, row: &Row) -> Result<Answer, ExecuteError> {
    run_source(session, row.script.source(), row.is_terminated()).await
}

/// Runs a script to its end, or to its first yield if it is to be terminated then.
pub async fn run_source(
    session: &Session,
    source: String,
    terminates: bool,
) -> Result<Answer, ExecuteError> {
    let request = ExecuteRequest::new(source)
        .enabled_tools(tools::tools())
        .yield_time_ms(LONG_MS);
    let mut response = session.execute(request).await?;
    while matches!(response, RuntimeResponse::Yielded { .. }) {
        let id = response.cell_id();
        let wait = if terminates {
            WaitRequest::terminate(id)
        } else {
            WaitRequest::new(id).yield_time_ms(LONG_MS)
        };
        response = session
            .wait(wait)
            .await
            .expect("a cell that yielded is there");
    }
    let ending = ending(session, &response);
    let text = response
        .error_text()
        .map_or_else(|| response.text(), str::to_owned);
    Ok(Answer { ending, text })
}

/// How the cell of this answer ended: as the answer says, unless its thread was lost.
fn ending(session: &Session, response: &RuntimeResponse) -> String {
    if let Some(lost) = lost_state(session, response.cell_id()) {
        return lost;
    }
    let ending = match response {
        RuntimeResponse::Terminated { .. } => "terminated",
        _ => match response.error_text() {
            None => "value",
            // In a worker, whose threads nobody here sees.
            Some(text) if text.contains("cannot be interrupted)") => "wedged",
            Some(text) if text.contains("worker process") => "worker lost",
            Some(text)
                if text.contains("MiB of memory (heap and ArrayBuffers together)")
                    || text.contains("MiB of memory it may have beside its heap")
                    || text.contains("the scripts of this process together") =>
            {
                "memory"
            }
            Some(text) if text.starts_with("Error: the script computed for ") => "time",
            Some(text) if text.contains("asked for more memory at once") => "parked",
            Some(_) => "error",
        },
    };
    ending.to_owned()
}

/// The state of a cell whose thread was given up, by its name.
fn lost_state(session: &Session, id: CellId) -> Option<String> {
    let cell = session
        .cells()
        .into_iter()
        .find(|cell| cell.cell_id == id)?;
    let state = serde_json::to_value(cell.state).expect("a state is a name");
    let name = state.as_str()?;
    ["parked", "wedged"]
        .contains(&name)
        .then(|| name.to_owned())
}

/// Cells of these sessions whose threads were given up and are not free again.
pub fn lost(sessions: &[Session]) -> usize {
    let cells = sessions.iter().flat_map(|session| {
        let cells = session.cells();
        cells
            .into_iter()
            .filter_map(|cell| lost_state(session, cell.cell_id))
    });
    cells.count()
}

pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The first line of a text, without its middle if that is long.
fn shortened(text: &str) -> String {
    const MOST: usize = 200;
    let line: Vec<char> = text.lines().next().unwrap_or_default().chars().collect();
    if line.len() <= 2 * MOST {
        return line.into_iter().collect();
    }
    let (start, end) = (&line[..MOST], &line[line.len() - MOST..]);
    start.iter().chain(&['…']).chain(end).collect()
}
