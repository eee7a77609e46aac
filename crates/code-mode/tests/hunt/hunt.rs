//! The hunt: one child at a time, script after script, and what is done about those that are caught.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::process::{Answer, Gone, Process};
use crate::script::{self, Script};
use crate::systematic::{self, State};
use crate::{grammar, minimise, monsters};

/// A kind of scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sweeps,
    Monsters,
    Random,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Sweeps, Self::Monsters, Self::Random];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sweeps => "sweeps",
            Self::Monsters => "monsters",
            Self::Random => "random",
        }
    }
}

/// How long to hunt, and for what.
pub struct Bounds {
    pub seed: u64,
    pub time: Duration,
    /// Of each kind.
    pub scripts: usize,
    pub only: Option<Kind>,
    /// Of sweeps.
    pub state: Option<State>,
    /// How much later than its CPU time a cell may be answered, where that says something of the cell and
    /// not of the machine.
    pub late: Option<Duration>,
    /// Every answer is printed.
    pub tells_all: bool,
}

impl Bounds {
    /// What `cargo test` does: enough to see that the hunt works.
    pub fn short() -> Self {
        Self {
            seed: 1,
            time: Duration::from_secs(60),
            scripts: 4,
            only: None,
            state: None,
            late: None,
            tells_all: false,
        }
    }
}

/// As many threads may be lost in a child, and it may hold so much, before another one takes its place.
const MOST_LOST: usize = 4;
const MOST_MIB: u64 = 1_024;

/// What V8 may take besides the heap, to collect garbage and to come to where it can be stopped.
const HEADROOM_MIB: u64 = 600;

/// How often a sweep of one function goes on after a case that ended its cell.
const RESUMED: usize = 6;

/// How many scripts before a death are told of when the last one alone does not cause it.
const HISTORY: usize = 5;

/// Endings that a cell may have.
const GOOD: [&str; 7] = [
    "value",
    "error",
    "time",
    "memory",
    "wedged",
    "parked",
    "terminated",
];

struct Hunt {
    process: Process,
    deadline: Instant,
    endings: BTreeMap<String, usize>,
    before: VecDeque<Script>,
    late: Option<Duration>,
    tells_all: bool,
    findings: usize,
}

/// Hunts within these bounds; how much was found.
pub async fn run(bounds: &Bounds) -> usize {
    let mut hunt = Hunt {
        process: Process::start(),
        deadline: Instant::now() + bounds.time,
        endings: BTreeMap::new(),
        before: VecDeque::new(),
        late: bounds.late,
        tells_all: bounds.tells_all,
        findings: 0,
    };
    let mut chance = Chance::new(bounds.seed);
    let kinds = Kind::ALL
        .into_iter()
        .filter(|kind| bounds.only.is_none_or(|only| only == *kind));
    let kinds: Vec<Kind> = kinds.collect();
    for (index, kind) in kinds.iter().enumerate() {
        // Each kind has the same share of the time that is left.
        let left = hunt.deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(kinds.len() - index).unwrap_or(1);
        let end = Instant::now() + share;
        match kind {
            Kind::Sweeps => hunt.sweeps(&mut chance, bounds, end).await,
            Kind::Monsters => hunt.monsters(&mut chance, bounds.scripts, end).await,
            Kind::Random => hunt.random(&mut chance, bounds.scripts, end).await,
        }
        println!("after {}: {:?}", kind.name(), hunt.endings);
    }
    hunt.findings
}

impl Hunt {
    /// Sweeps over all functions in random order, so that a short hunt is a sample of the long one.
    async fn sweeps(&mut self, chance: &mut Chance, bounds: &Bounds, end: Instant) {
        let names = match self.process.run(&systematic::names()).await {
            Ok(answer) if answer.ending == "value" => answer.text,
            other => panic!("the functions cannot be named: {other:?}"),
        };
        let names: Vec<&str> = names.lines().collect();
        let mut sweeps: Vec<(usize, State)> = (0..names.len())
            .flat_map(|function| State::ALL.map(|state| (function, state)))
            .collect();
        sweeps.retain(|(_, state)| bounds.state.is_none_or(|only| only == *state));
        chance.shuffle(&mut sweeps);
        println!("{} functions, {} sweeps", names.len(), sweeps.len());
        for (done, (function, state)) in sweeps.iter().take(bounds.scripts).enumerate() {
            if Instant::now() > end {
                println!("{done} sweeps done");
                return;
            }
            let mut start = 0;
            for _ in 0..RESUMED {
                let name = names[*function];
                let script = systematic::sweep(*function, name, *state, start, bounds.seed);
                let Some(answer) = self.script(&script).await else {
                    break;
                };
                let Some(case) = systematic::case(&answer.text) else {
                    break;
                };
                start = case.max(start) + 16;
            }
        }
    }

    async fn monsters(&mut self, chance: &mut Chance, scripts: usize, end: Instant) {
        for script in monsters::all(chance).iter().take(scripts) {
            if Instant::now() > end {
                return;
            }
            self.script(script).await;
        }
    }

    /// Scripts without end.
    async fn random(&mut self, chance: &mut Chance, scripts: usize, end: Instant) {
        for number in 0..scripts {
            if Instant::now() > end {
                return;
            }
            let script = match chance.once_in(4) {
                true => monsters::one(chance),
                false => grammar::script(chance, number),
            };
            self.script(&script).await;
        }
    }

    /// Runs one script and looks into what is wrong with it; `None` if there is no answer.
    async fn script(&mut self, script: &Script) -> Option<Answer> {
        let answer = self.process.run(script).await;
        if self.before.len() == HISTORY {
            self.before.pop_front();
        }
        let wrong = self.wrong(&answer, script);
        if self.tells_all {
            println!("{}: {answer:.200?}", script.name);
        }
        let ending = answer.as_ref().map_or("gone", |answer| &answer.ending);
        *self.endings.entry(ending.to_owned()).or_default() += 1;
        if let Some(wrong) = wrong {
            self.look_into(script, &wrong).await;
            self.process = Process::start();
            self.before.clear();
        } else {
            self.before.push_back(script.clone());
            let is_worn = |answer: &Answer| answer.lost >= MOST_LOST;
            if answer.as_ref().is_ok_and(is_worn) || self.process.resident_mib() > MOST_MIB {
                self.process = Process::start();
                self.before.clear();
            }
        }
        answer.ok()
    }

    /// Whether it does it again in a process of its own, and how little of it does.
    async fn look_into(&mut self, script: &Script, seen: &str) {
        // A busy machine makes answers late, too.
        let Some(again) = self.wrong_alone(script).await else {
            if !seen.starts_with("late") {
                self.report(script, &format!("not alone, after others: {seen}"));
                let before: Vec<&str> = self.before.iter().map(|one| &*one.name).collect();
                println!("   before it: {before:?}");
            }
            return;
        };
        let kind = kind_of(&again).to_owned();
        let smaller = minimise::run(script, async |script: &Script| {
            let wrong = self.wrong_alone(script).await;
            wrong.is_some_and(|wrong| kind_of(&wrong) == kind)
        });
        let smaller = smaller.await;
        self.report(&smaller, &again);
    }

    /// What is wrong with a script in a process of its own.
    async fn wrong_alone(&self, script: &Script) -> Option<String> {
        let answer = Process::start().run(script).await;
        self.wrong(&answer, script)
    }

    fn wrong(&self, answer: &Result<Answer, Gone>, script: &Script) -> Option<String> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(Gone::Died(how)) => return Some(format!("died: {how}")),
            Err(Gone::Froze) => return Some("froze".to_owned()),
            Err(Gone::Grew(mib)) => return Some(format!("grew: to {mib} MiB")),
        };
        let Answer {
            ending,
            text,
            ms,
            grown_mib,
            next,
            ..
        } = answer;
        let most_mib = script
            .most_mib
            .unwrap_or(HEADROOM_MIB + script.heap_mib as u64);
        let in_time = |late: Duration| {
            Duration::from_millis(*ms) <= late + Duration::from_millis(script.cpu_ms)
        };
        if !GOOD.contains(&&**ending) {
            Some(format!("answer: {ending} {text}"))
        } else if next != "42" {
            Some(format!("next: the next cell said {next}"))
        } else if *grown_mib > most_mib {
            Some(format!("memory: {ending} with {grown_mib} MiB"))
        } else if ending != "terminated" && !self.late.is_none_or(in_time) {
            Some(format!("late: {ending} after {ms} ms"))
        } else {
            None
        }
    }

    fn report(&mut self, script: &Script, wrong: &str) {
        self.findings += 1;
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("hunt");
        let file = folder.join(format!("{}-{}.js", std::process::id(), self.findings));
        let written = std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&file, script::write(script)));
        written.expect("findings can be written");
        println!("FOUND {}: {wrong}\n   {}", script.name, file.display());
    }
}

/// The word that says what kind of wrong this is.
fn kind_of(wrong: &str) -> &str {
    wrong.split(':').next().unwrap_or_default()
}
