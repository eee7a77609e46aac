//! The checks, run in the parent.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use code_mode::worker::sandbox::parent::{StandardError, prepare};
use code_mode::worker::sandbox::{Part, Report, State};
use rustix::io::FdFlags;
use serde_json::{Value, json};

use crate::attempts::{self, Outcome, Targets};
use crate::cells::SCRIPTS;

pub const ALL: &[(&str, fn())] = &[
    (
        "what_the_kernel_has_is_in_force",
        what_the_kernel_has_is_in_force,
    ),
    (
        "the_kernel_confirms_the_report",
        the_kernel_confirms_the_report,
    ),
    (
        "everything_is_refused_where_a_part_is_missing",
        everything_is_refused_where_a_part_is_missing,
    ),
    ("nothing_forbidden_works", nothing_forbidden_works),
    (
        "cells_run_as_without_the_sandbox",
        cells_run_as_without_the_sandbox,
    ),
    (
        "cells_see_the_time_zone_and_locale_of_the_parent",
        cells_see_the_time_zone_and_locale_of_the_parent,
    ),
    (
        "a_process_with_threads_is_refused",
        a_process_with_threads_is_refused,
    ),
    (
        "a_worker_without_its_parent_is_refused",
        a_worker_without_its_parent_is_refused,
    ),
    (
        "a_worker_ends_with_its_parent",
        a_worker_ends_with_its_parent,
    ),
    (
        "abort_ends_a_worker_as_it_ends_others",
        abort_ends_a_worker_as_it_ends_others,
    ),
    (
        "the_memory_limit_bounds_what_a_worker_takes",
        the_memory_limit_bounds_what_a_worker_takes,
    ),
    (
        "what_is_not_kept_leads_nowhere",
        what_is_not_kept_leads_nowhere,
    ),
];

/// What a child said and how it ended.
pub struct Said {
    pub lines: Vec<(String, String)>,
    pub status: ExitStatus,
    pub stderr: String,
}

impl Said {
    pub fn all(&self, word: &str) -> impl Iterator<Item = &str> {
        let of_word = self.lines.iter().filter(move |(said, _)| said == word);
        of_word.map(|(_, what)| what.as_str())
    }

    pub fn one(&self, word: &str) -> &str {
        self.all(word).next().unwrap_or_else(|| {
            panic!(
                "no {word} of {:?}, {}: {}",
                self.lines, self.status, self.stderr
            )
        })
    }

    fn report(&self) -> Report {
        serde_json::from_str(self.one("report")).expect("a report is JSON")
    }

    fn cells(&self) -> Vec<(String, Value)> {
        let cells = self.all("cell").map(serde_json::from_str);
        cells.collect::<Result<_, _>>().expect("cells are JSON")
    }
}

pub fn command(config: &str, scenario: &str, rest: &[String]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the test has a path"));
    prepare(&mut command, StandardError::Piped);
    command.args(["child", config, scenario]).args(rest);
    command
}

pub fn run(mut command: Command) -> Said {
    let child = command.spawn().expect("the child starts");
    let output = child.wait_with_output().expect("the child ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().map(|line| {
        let (word, what) = line.split_once(' ').unwrap_or((line, ""));
        (word.to_owned(), what.to_owned())
    });
    Said {
        lines: lines.collect(),
        status: output.status,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn play(config: &str, scenario: &str, rest: &[&str]) -> Said {
    let rest: Vec<String> = rest.iter().map(|&word| word.to_owned()).collect();
    run(command(config, scenario, &rest))
}

/// A report in which everything is there, or says plainly what this kernel lacks: the version of the
/// kernel and its own words on seccomp decide which.
fn what_the_kernel_has_is_in_force() {
    let own = std::process::id();
    let report = play(
        &format!("whole,parent={own},memory=4000000000"),
        "zone",
        &[],
    )
    .report();
    println!("{report}");
    let seccomp = fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    let landlock = landlock_of_the_kernel();
    let mut lacks = Vec::new();
    for part in Part::ALL {
        let there = match part {
            Part::LandlockFiles => landlock >= 3,
            Part::LandlockTcp => landlock >= 4,
            Part::LandlockScopes => landlock >= 6,
            Part::Seccomp => seccomp.contains("kill_process"),
            _ => true,
        };
        let state = report.state(part);
        assert_eq!(state == State::InForce, there, "{part:?} is {state:?}");
        if !there {
            lacks.push(part.name());
        }
    }
    let said = report.to_string();
    for name in lacks {
        assert!(said.contains(name), "{name} is not in: {said}");
    }
}

/// The version of Landlock, by the kernel itself; 0 for none.
fn landlock_of_the_kernel() -> i64 {
    const LANDLOCK_CREATE_RULESET_VERSION: u32 = 1;
    let none = std::ptr::null::<u8>();
    // SAFETY: with this flag the call looks at no memory and returns a version.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            none,
            0_usize,
            LANDLOCK_CREATE_RULESET_VERSION,
        )
    };
    version.max(0)
}

fn everything_is_refused_where_a_part_is_missing() {
    let complete = play("whole", "zone", &[])
        .report()
        .shortcomings()
        .is_empty();
    let said = play("everything", "zone", &[]);
    if complete {
        said.report();
    } else {
        assert_eq!(said.one("refused"), "incomplete");
    }
    // A variable of the parent makes any kernel's sandbox incomplete.
    let mut secret = command("everything", "zone", &[]);
    secret.env(attempts::SECRET, "1");
    assert_eq!(run(secret).one("refused"), "incomplete");
}

fn the_kernel_confirms_the_report() {
    let mut waiting = start(command("whole,memory=4000000000", "wait", &[]));
    let report = waiting.report();
    let folder = format!("/proc/{}", waiting.child.id());
    let status = fs::read_to_string(format!("{folder}/status")).expect("the child lives");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(|line| line.trim_start_matches(':').trim().to_owned())
    };
    let in_force = |part| report.state(part) == State::InForce;
    if in_force(Part::NoNewPrivileges) {
        assert_eq!(field("NoNewPrivs").as_deref(), Some("1"));
    }
    if in_force(Part::Capabilities) {
        for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
            assert_eq!(field(set).as_deref(), Some("0000000000000000"), "{set}");
        }
    }
    let filtered = if in_force(Part::Seccomp) { "2" } else { "0" };
    assert_eq!(field("Seccomp").as_deref(), Some(filtered));
    // The mode is that of every thread, isolates' and V8's. That of the cell may be on its way to its end.
    let mut threads = 0;
    for task in fs::read_dir(format!("{folder}/task")).expect("the child lives") {
        let status = task.expect("it is listed").path().join("status");
        if let Ok(status) = fs::read_to_string(status) {
            assert!(status.contains(&format!("Seccomp:\t{filtered}\n")));
            threads += 1;
        }
    }
    assert!(threads > 1, "{threads} threads were looked at");
    let limits = fs::read_to_string(format!("{folder}/limits")).expect("the child lives");
    let limit = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().nth(1).map(str::to_owned))
    };
    if in_force(Part::ResourceLimits) {
        assert_eq!(limit("Max core file size").as_deref(), Some("0"));
        assert_eq!(limit("Max file size").as_deref(), Some("0"));
        assert_eq!(limit("Max open files").as_deref(), Some("64"));
    }
    if in_force(Part::MemoryLimit) {
        assert_eq!(limit("Max data size").as_deref(), Some("4000000000"));
    }
    waiting.end();
    // Without the sandbox it would confirm nothing.
    let open = start(command("none", "wait", &[]));
    let status = fs::read_to_string(format!("/proc/{}/status", open.child.id()));
    let status = status.expect("the child lives");
    assert!(status.contains("NoNewPrivs:\t0\n"));
    assert!(status.contains("Seccomp:\t0\n"));
    open.end();
}

fn nothing_forbidden_works() {
    let ground = Ground::new();
    let mut table = String::new();
    let mut wrong = Vec::new();
    for attempt in attempts::ALL {
        let mut row = format!("  {:40}", attempt.name);
        for config in ["whole", "no-seccomp", "none"] {
            let (outcome, report) = ground.make(config, attempt.name);
            let expected = match &report {
                Some(report) => attempt.expected(report),
                None => Some(Outcome::Worked),
            };
            row.push_str(&format!(" {:24}", format!("{outcome:?}")));
            if expected.is_some_and(|expected| expected != outcome) {
                wrong.push(format!(
                    "{} in {config}: {outcome:?}, not {expected:?}",
                    attempt.name
                ));
            }
        }
        table.push_str(row.trim_end());
        table.push('\n');
    }
    println!(
        "  attempt, and what came of it in the whole sandbox, without seccomp, without any\n{table}"
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What attempts are made on.
struct Ground {
    targets: Targets,
    folder: PathBuf,
    _tcp: TcpListener,
    _unix: UnixListener,
    _abstract: UnixListener,
    _inherited: File,
}

impl Ground {
    fn new() -> Self {
        let id = std::process::id();
        let folder = std::env::temp_dir().join(format!("code-mode-sandbox-{id}"));
        fs::create_dir_all(&folder).expect("the folder can be made");
        fs::write(folder.join("kept"), "kept").expect("the file can be made");
        let unix_path = folder.join("socket");
        let _ = fs::remove_file(&unix_path);
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let abstract_name = format!("code-mode-sandbox-{id}");
        let address = SocketAddr::from_abstract_name(&abstract_name).expect("it is short");
        let inherited = File::open(folder.join("kept")).expect("it was made");
        rustix::io::fcntl_setfd(&inherited, FdFlags::empty()).expect("it is open");
        Self {
            targets: Targets {
                folder: folder.display().to_string(),
                tcp_port: tcp.local_addr().expect("it listens").port(),
                unix_path: unix_path.display().to_string(),
                abstract_name,
                inherited: inherited.as_raw_fd(),
            },
            _tcp: tcp,
            _unix: UnixListener::bind(&unix_path).expect("the path is free"),
            _abstract: UnixListener::bind_addr(&address).expect("the name is free"),
            _inherited: inherited,
            folder,
        }
    }

    fn make(&self, config: &str, attempt: &str) -> (Outcome, Option<Report>) {
        fs::write(self.folder.join("removable"), "x").expect("the file can be made");
        let mut words = vec![attempt.to_owned()];
        words.extend(self.targets.to_arguments());
        let mut command = command(config, "attempt", &words);
        command.env(attempts::SECRET, "1");
        let said = run(command);
        let report = (config != "none").then(|| said.report());
        let result = said.all("result").next();
        let outcome = match (result.and_then(|result| result.split_once(' ')), result) {
            (Some(("refused", errno)), _) => Outcome::Refused(errno.parse().expect("a number")),
            (_, Some("worked")) => Outcome::Worked,
            _ if said.status.signal() == Some(libc::SIGSYS) => Outcome::Ended,
            // It has become another program.
            (None, None) if said.status.success() => Outcome::Worked,
            _ => panic!("{attempt} in {config}: {}, {}", said.status, said.stderr),
        };
        (outcome, report)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn cells_run_as_without_the_sandbox() {
    let inside = play("whole", "cells", &[]);
    assert_eq!(inside.one("result"), "done");
    let outside = play("none", "cells", &[]);
    let mut inside = inside.cells().into_iter();
    let mut outside = outside.cells().into_iter();
    for (name, _, expected) in SCRIPTS {
        let (cell, outcome) = inside.next().expect("each script ran");
        assert_eq!(cell, *name);
        assert_eq!(outside.next(), Some((cell, outcome.clone())));
        if let Some(text) = expected {
            assert_eq!(outcome, json!({ "text": text, "error": null }), "{name}");
        }
        println!("  {name:30} {outcome}");
    }
    for (name, outcome) in inside {
        match name.as_str() {
            "many" => assert_eq!(outcome, json!({ "text": "1,2,3", "error": null })),
            _ => assert_eq!((name.as_str(), outcome), ("terminated", json!(true))),
        }
    }
}

/// Processes with a zone and locale of their own each play the parent: what their cells see in the
/// process, and what cells of their worker see.
fn cells_see_the_time_zone_and_locale_of_the_parent() {
    let this = std::env::current_exe().expect("the test has a path");
    for (variables, in_it) in [
        (vec![], ""),
        (
            vec![("TZ", "America/New_York")],
            "America/New_York|en-US|240|",
        ),
        (
            vec![("TZ", ":Asia/Kolkata"), ("LANG", "de_DE.UTF-8")],
            "|de-DE|-330|",
        ),
        (
            vec![("LC_ALL", "fr_FR.UTF-8"), ("LANG", "de_DE")],
            "|fr-FR|",
        ),
        (
            vec![("LC_MESSAGES", "ja_JP.UTF-8"), ("LANG", "de_DE")],
            "|ja-JP|",
        ),
        (vec![("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")], ""),
    ] {
        let mut middle = Command::new(&this);
        middle
            .args(["middle", "zone"])
            .env_clear()
            .envs(variables.clone());
        let output = middle.output().expect("the middle starts");
        let said = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<_> = said.lines().collect();
        println!("  {variables:?}: {}", lines.first().unwrap_or(&""));
        assert_eq!(lines.len(), 2, "{variables:?}: {said}");
        assert_eq!(lines[0], lines[1], "{variables:?}");
        assert!(lines[0].contains(in_it), "{variables:?}: {said}");
    }
}

/// Plays the parent of a worker between this test and the worker.
#[expect(
    clippy::zombie_processes,
    reason = "it ends before its worker, on purpose"
)]
pub fn run_middle(scenario: &str, rest: &[&str]) {
    match scenario {
        "zone" => {
            crate::cells::run_one("zone");
            println!("cell {}", play("whole", "zone", &[]).one("cell"));
        }
        // Ends when its own standard input does, and its worker with it.
        "parent" => {
            let config = format!("{},parent={}", rest[0], std::process::id());
            let mut worker = command(&config, "stay", &[]);
            worker.stdout(Stdio::inherit());
            let _worker = worker.spawn().expect("the worker starts");
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
        }
        other => panic!("no scenario {other}"),
    }
}

fn a_process_with_threads_is_refused() {
    assert_eq!(play("whole", "threads", &[]).one("refused"), "threads");
    play("none", "threads", &[]).one("result");
}

fn a_worker_without_its_parent_is_refused() {
    let other = std::process::id() + 1;
    let said = play(&format!("whole,parent={other}"), "zone", &[]);
    assert_eq!(said.one("refused"), "orphan");
}

fn a_worker_ends_with_its_parent() {
    let this = std::env::current_exe().expect("the test has a path");
    let mut middle = Command::new(this);
    middle
        .args(["middle", "parent", "whole"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut worker = start(middle);
    let state = worker.report().state(Part::ParentDeath);
    assert_eq!(state, State::InForce);
    drop(worker.child.stdin.take());
    worker.child.wait().expect("the middle ends");
    // The worker holds the other end of this pipe, and waits for nothing else.
    let mut rest = String::new();
    worker
        .output
        .read_to_string(&mut rest)
        .expect("the pipe ends when the worker does");
    assert_eq!(rest, "");
}

fn abort_ends_a_worker_as_it_ends_others() {
    for config in ["whole", "none"] {
        let said = play(config, "abort", &[]);
        assert_eq!(said.status.signal(), Some(libc::SIGABRT), "{config}");
        assert!(!said.status.core_dumped() || config == "none");
    }
}

/// A script that takes a gigabyte, of which its session would allow twice as much: with the limit its cell
/// fails or its worker ends, and far less was taken.
fn the_memory_limit_bounds_what_a_worker_takes() {
    const LIMIT: u64 = 600_000_000;
    for what in ["heap", "buffers"] {
        let free = play("none", "grow", &[what]);
        assert_eq!(free.cells()[0].1["text"], "all", "{what}");
        let peak: u64 = free.one("peak").parse().expect("bytes");
        assert!(peak > 1_000_000_000, "{what} took {peak} bytes");

        let bound = play(&format!("whole,memory={LIMIT}"), "grow", &[what]);
        assert_eq!(bound.report().state(Part::MemoryLimit), State::InForce);
        println!("  {what}: {}, {:?}", bound.status, bound.cells());
        if bound.status.success() {
            assert_ne!(bound.cells()[0].1["text"], "all", "{what}");
            assert_eq!(bound.cells()[1].1["text"], "next", "{what}");
            let peak: u64 = bound.one("peak").parse().expect("bytes");
            // What the program itself has in memory does not count.
            assert!(peak < LIMIT + 200_000_000, "{what} took {peak} bytes");
        } else {
            // V8's and Rust's own ways to end a process that has no memory.
            let signal = bound.status.signal();
            let ends = [libc::SIGTRAP, libc::SIGILL, libc::SIGABRT, libc::SIGSEGV];
            assert!(
                signal.is_some_and(|signal| ends.contains(&signal)),
                "{what}: {}, {}",
                bound.status,
                bound.stderr
            );
        }
    }
}

/// Standard input and error that are not kept lead nowhere, and nothing else gets their numbers.
fn what_is_not_kept_leads_nowhere() {
    for (config, heard, result) in [
        ("whole,keep=1", "", "0 bytes, then descriptor 3"),
        ("none", "heard\n", "5 bytes, then descriptor 3"),
    ] {
        let mut child = command(config, "mute", &[]).spawn().expect("it starts");
        let mut input = child.stdin.take().expect("it is a pipe");
        // The child may have closed its end already.
        let _ = input.write_all(b"bytes");
        drop(input);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(String::from_utf8_lossy(&output.stderr), heard, "{config}");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(result), "{config}: {said}");
    }
}

/// A child that stays, up to the line in which it says so.
struct Waiting {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    said: Vec<String>,
}

fn start(mut command: Command) -> Waiting {
    let mut child = command.spawn().expect("the child starts");
    let mut output = BufReader::new(child.stdout.take().expect("it is a pipe"));
    let mut said = Vec::new();
    while said.last().is_none_or(|line| line != "result ready") {
        let mut line = String::new();
        let read = output.read_line(&mut line).expect("it is a pipe");
        assert_ne!(read, 0, "the child ended after {said:?}");
        said.push(line.trim_end().to_owned());
    }
    Waiting {
        child,
        output,
        said,
    }
}

impl Waiting {
    fn report(&mut self) -> Report {
        let report = self
            .said
            .iter()
            .find_map(|line| line.strip_prefix("report "));
        serde_json::from_str(report.expect("it entered")).expect("a report is JSON")
    }

    fn end(mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("the child ends");
    }
}
