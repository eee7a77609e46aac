//! What Linux tells of this process, and of its children.

use std::fs;
use std::time::Duration;

/// All children of this process that it has not waited for, together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Children {
    pub living: u64,
    /// Those that have ended.
    pub zombies: u64,
    pub threads: u64,
    /// What they share with one another and with this process counts for each.
    pub resident_kib: u64,
    /// Resident and of no file.
    pub anonymous_kib: u64,
    /// `None` where this user may not know: workers are closed to their own.
    pub descriptors: Option<u64>,
}

impl Children {
    pub fn now() -> Self {
        let mut all = Self {
            descriptors: Some(0),
            ..Self::default()
        };
        for child in children() {
            if child.has_ended() {
                all.zombies += 1;
                continue;
            }
            let status = fs::read_to_string(format!("/proc/{}/status", child.pid));
            // It may have ended meanwhile.
            let Ok(status) = status else { continue };
            let field = |name| number(&status, name).unwrap_or(0);
            all.living += 1;
            all.threads += field("Threads:");
            all.resident_kib += field("VmRSS:");
            all.anonymous_kib += field("RssAnon:");
            let descriptors = fs::read_dir(format!("/proc/{}/fd", child.pid));
            let descriptors = descriptors.map(|entries| entries.count() as u64).ok();
            all.descriptors = all.descriptors.zip(descriptors).map(|(a, b)| a + b);
        }
        all
    }
}

/// Processor time of this process and all of its children so far, those included that have ended.
pub fn computed() -> Duration {
    // A child that is waited for between the two is missing, which makes nobody impatient.
    let this = Stat::parse(0, &read("/proc/self/stat")).expect("procfs says what it always says");
    let children: Duration = children().map(|child| child.computed).sum();
    this.computed + this.waited_for + children
}

/// The line of a process.
struct Stat {
    pid: u32,
    state: String,
    parent: u32,
    computed: Duration,
    /// What the children computed that it has waited for.
    waited_for: Duration,
}

impl Stat {
    fn parse(pid: u32, stat: &str) -> Option<Self> {
        /// Places after the name in parentheses; the times are in hundredths of a second.
        const UTIME: usize = 11;
        const CUTIME: usize = 13;
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let time = |place: usize| {
            let ticks = |place: usize| fields.get(place)?.parse::<u64>().ok();
            Some(Duration::from_millis(
                (ticks(place)? + ticks(place + 1)?) * 10,
            ))
        };
        Some(Self {
            pid,
            state: (*fields.first()?).to_owned(),
            parent: fields.get(1)?.parse().ok()?,
            computed: time(UTIME)?,
            waited_for: time(CUTIME)?,
        })
    }

    fn has_ended(&self) -> bool {
        matches!(self.state.as_str(), "Z" | "X")
    }
}

/// Not from `children` of each thread, which not every kernel has.
fn children() -> impl Iterator<Item = Stat> {
    let this = std::process::id();
    let processes = fs::read_dir("/proc").expect("procfs is there");
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Stat::parse(pid, &stat)
    })
    .filter(move |process| process.parent == this)
}

pub fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// How many entries a folder has.
pub fn entries(path: &str) -> u64 {
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    entries.count() as u64
}

/// A field of a file that has one a line.
pub fn kib(path: &str, field: &str) -> u64 {
    number(&read(path), field).unwrap_or_else(|| panic!("{path} has no {field}"))
}

fn number(text: &str, field: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(field))?;
    value.trim().trim_end_matches(" kB").parse().ok()
}
