//! Runs the table, a process for each script, and judges how each ended.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;

use crate::parent::{self, Bounds, Fate, Heard};
use crate::row::{Ending, Mode, Row};
use crate::scripts::GROUPS;

/// How many processes run at once.
const AT_ONCE: usize = 2;

/// Each line of a trial comes within seconds, and the processor time tells of one that does not; the silence
/// of a process that hangs has no end.
const BOUNDS: Bounds = Bounds {
    silence: Duration::from_secs(180),
    mib: 4_096,
};

/// How often a trial is made that took too much processor time and did nothing else wrong. On a machine
/// that holds up the thread that stops a script, or the one that hears of it, the script computes on
/// meanwhile; one that is slow is slow each time.
const ATTEMPTS: usize = 3;

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
    for Trial { group, row, .. } in trials {
        println!("{group}::{}", row.name);
        println!(
            "    in the process: {}",
            words(&row.endings(Mode::InProcess))
        );
        println!("    in a worker:    {}", words(&row.endings_in_worker()));
    }
}

/// A script as it ended, and what is wrong with that.
struct Judged {
    trial: Trial,
    ending: String,
    heard: Heard,
    wrong: Vec<String>,
    /// Whether it took too much processor time; that is among what is wrong.
    overran: bool,
}

impl Judged {
    fn only_overran(&self) -> bool {
        self.overran && self.wrong.len() == 1
    }
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
    let mut attempts = 0;
    loop {
        let heard = parent::run(&["--child", &trial.name()], BOUNDS, |_| {}).await;
        let judged = judge(trial, heard);
        attempts += 1;
        if !judged.only_overran() || attempts == ATTEMPTS {
            return judged;
        }
    }
}

fn judge(trial: Trial, heard: Heard) -> Judged {
    let (said, row) = (&heard.said, trial.row);
    let text = |field| said.get(field).and_then(Value::as_str);
    let mut wrong: Vec<String> = wrong_fate(&heard).into_iter().collect();
    if let Some(ending) = text("ending") {
        wrong.extend(wrong_ending(
            &row.endings(trial.mode),
            ending,
            text("text").unwrap_or_default(),
        ));
    }
    if let Some(next) = text("next").filter(|next| *next != "42") {
        wrong.push(format!("the next cell said {next}"));
    }
    if !heard.stray.is_empty() {
        let stray = &heard.stray;
        wrong.push(format!("the process wrote what nobody asked for: {stray}"));
    }
    let over = |field, most: u64, unit| {
        let number = said.get(field).and_then(Value::as_u64)?;
        (number > most).then(|| format!("it took {number} {unit}, more than {most}"))
    };
    let too_long = over("cpu_ms", row.cpu_ms(), "ms of processor time");
    let too_much = over("peak_mib", row.peak_mib, "MiB of memory");
    let overran = too_long.is_some();
    wrong.extend(too_long.into_iter().chain(too_much));
    let ending = text("ending").unwrap_or(match heard.fate {
        Fate::Froze => "FROZE",
        Fate::Grew(_) => "GREW",
        _ => "DIED",
    });
    Judged {
        trial,
        ending: ending.to_owned(),
        heard,
        wrong,
        overran,
    }
}

/// What is wrong with how the process ended.
fn wrong_fate(heard: &Heard) -> Option<String> {
    let when = if !heard.said.contains_key("ending") {
        "before it was answered"
    } else if !heard.said.contains_key("next") {
        "in the next cell"
    } else {
        "at the end of the session"
    };
    match &heard.fate {
        Fate::Exited => None,
        Fate::Died(how) => Some(format!("the process died {when}: {how}")),
        Fate::Froze => Some(format!("the process froze {when}")),
        Fate::Grew(mib) => Some(format!("the process grew to {mib} MiB {when}")),
    }
}

fn wrong_ending(allowed: &[Ending], ending: &str, text: &str) -> Option<String> {
    if allowed.iter().any(|allowed| is_as(ending, text, *allowed)) {
        return None;
    }
    Some(format!(
        "ended as {ending}, not as {}: {text}",
        words(allowed)
    ))
}

fn words(endings: &[Ending]) -> String {
    let words: Vec<String> = endings.iter().map(Ending::to_string).collect();
    words.join(" or ")
}

fn is_as(ending: &str, text: &str, allowed: Ending) -> bool {
    match allowed {
        Ending::Error(part) => ending == "error" && text.contains(part),
        other => ending == other.to_string(),
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
