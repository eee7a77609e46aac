//! Runs the table, a process for each script, and judges how each ended.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;

use crate::parent::{self, Bounds, Fate, Heard};
use crate::row::{Ending, Mode, Row};
use crate::scripts::GROUPS;

/// How many processes run at once.
const AT_ONCE: usize = 2;

const BOUNDS: Bounds = Bounds {
    silence: Duration::from_secs(30),
    mib: 4_096,
};

/// How much of an error's message the table shows.
const MESSAGE: usize = 60;

/// One script in one mode.
#[derive(Clone, Copy)]
pub struct Trial {
    pub mode: Mode,
    pub group: &'static str,
    pub row: &'static Row,
}

impl Trial {
    pub fn name(&self) -> String {
        format!("{}::{}::{}", self.mode.name(), self.group, self.row.name)
    }
}

pub fn trials() -> Vec<Trial> {
    let in_mode = |mode| {
        GROUPS.iter().flat_map(move |group| {
            group.rows.iter().map(move |row| Trial {
                mode,
                group: group.name,
                row,
            })
        })
    };
    Mode::ALL.into_iter().flat_map(in_mode).collect()
}

/// Prints how each of these may end, in both modes.
pub fn print_endings(trials: &[Trial]) {
    let words = |endings: Vec<Ending>| {
        let endings: Vec<String> = endings.iter().map(Ending::to_string).collect();
        endings.join(" or ")
    };
    for Trial { group, row, .. } in trials {
        println!("{group}::{}", row.name);
        println!(
            "    in the process: {}",
            words(row.endings(Mode::InProcess))
        );
        println!("    in a worker:    {}", words(row.endings_in_worker()));
    }
}

/// A script as it ended, and what is wrong with that.
struct Judged {
    trial: Trial,
    ending: String,
    heard: Heard,
    wrong: Vec<String>,
}

/// Runs these trials and prints them as a table; what is wrong with them.
pub async fn run(trials: &[Trial]) -> Vec<String> {
    if trials.is_empty() {
        return Vec::new();
    }
    println!(
        "{:<10} {:<12} {:<44} {:<10} {:>6} {:>6} {:>5} {:>9}",
        "mode", "group", "script", "ending", "ms", "cpu ms", "MiB", "next cell"
    );
    let mut judged =
        futures_util::stream::iter(trials.iter().copied().map(run_one)).buffered(AT_ONCE);
    let mut wrong = Vec::new();
    while let Some(judged) = judged.next().await {
        print_row(&judged);
        let name = judged.trial.name();
        wrong.extend(judged.wrong.iter().map(|wrong| format!("{name}: {wrong}")));
    }
    wrong
}

async fn run_one(trial: Trial) -> Judged {
    let heard = parent::run(&["--child", &trial.name()], BOUNDS, |_| {}).await;
    judge(trial, heard)
}

fn judge(trial: Trial, heard: Heard) -> Judged {
    let (said, row) = (&heard.said, trial.row);
    let text = said
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let mut wrong = Vec::new();
    let came_to = if said.get("ending").is_none() {
        "before it was answered"
    } else if said.get("next").is_none() {
        "in the next cell"
    } else {
        "at the end of the session"
    };
    match &heard.fate {
        Fate::Exited => {}
        Fate::Died(how) => wrong.push(format!("the process died {came_to}: {how}")),
        Fate::Froze => wrong.push(format!("the process froze {came_to}")),
        Fate::Grew(mib) => wrong.push(format!("the process grew to {mib} MiB {came_to}")),
    }
    let allowed = row.endings(trial.mode);
    let ending = said
        .get("ending")
        .and_then(Value::as_str)
        .map(str::to_owned);
    if let Some(ending) = &ending
        && !allowed.iter().any(|allowed| is_as(ending, &text, *allowed))
    {
        let allowed: Vec<String> = allowed.iter().map(Ending::to_string).collect();
        wrong.push(format!(
            "ended as {ending}, not as {}: {text}",
            allowed.join(" or ")
        ));
    }
    if let Some(next) = said.get("next").filter(|next| **next != "42") {
        wrong.push(format!("the next cell said {next}"));
    }
    if !heard.stray.is_empty() {
        wrong.push(format!(
            "the process wrote what nobody asked for: {}",
            heard.stray
        ));
    }
    check_number(
        said,
        "cpu_ms",
        row.cpu_ms(),
        "ms of processor time until it was answered",
        &mut wrong,
    );
    check_number(said, "peak_mib", row.peak_mib, "MiB of memory", &mut wrong);
    let ending = ending.unwrap_or_else(|| match heard.fate {
        Fate::Froze => "FROZE".to_owned(),
        Fate::Grew(_) => "GREW".to_owned(),
        _ => "DIED".to_owned(),
    });
    Judged {
        trial,
        ending,
        heard,
        wrong,
    }
}

fn is_as(ending: &str, text: &str, allowed: Ending) -> bool {
    match allowed {
        Ending::Error(part) => ending == "error" && text.contains(part),
        other => ending == other.to_string(),
    }
}

fn check_number(
    said: &serde_json::Map<String, Value>,
    field: &str,
    most: u64,
    unit: &str,
    wrong: &mut Vec<String>,
) {
    if let Some(number) = said.get(field).and_then(Value::as_u64)
        && number > most
    {
        wrong.push(format!("it took {number} {unit}, more than {most}"));
    }
}

fn print_row(judged: &Judged) {
    let Judged { trial, heard, .. } = judged;
    let number = |field| match heard.said.get(field).and_then(Value::as_u64) {
        Some(number) => number.to_string(),
        None => "-".to_owned(),
    };
    let text = |field| heard.said.get(field).and_then(Value::as_str);
    // The message of what a script threw tells which of its own errors that was.
    let message = match judged.ending.as_str() {
        "error" => text("text").unwrap_or_default(),
        _ => "",
    };
    let message: String = message.chars().take(MESSAGE).collect();
    let mark = if judged.wrong.is_empty() {
        ""
    } else {
        "WRONG "
    };
    println!(
        "{:<10} {:<12} {:<44} {:<10} {:>6} {:>6} {:>5} {:>9}  {mark}{message}",
        trial.mode.name(),
        trial.group,
        trial.row.name,
        judged.ending,
        number("ms"),
        number("cpu_ms"),
        number("peak_mib"),
        text("next").unwrap_or("-"),
    );
}
