//! What a child does: enters the sandbox its first argument names, says what it got, and plays a scenario.

use std::io::{Read, Write};
use std::time::Instant;

use code_mode::worker::sandbox::{Options, Part, SandboxError, Strictness, enter};

use crate::{attempts, cells, measure};

/// `config` is a list of words with commas between them: `none`, or `whole` and what differs from it.
pub fn run(config: &str, scenario: &str, rest: &[&str]) {
    // The thread lives as long as this does: to the end of the process.
    let (_keep, held) = std::sync::mpsc::channel::<()>();
    if scenario == "threads" {
        std::thread::spawn(move || held.recv());
    }
    if config != "none" {
        let started = Instant::now();
        let entered = enter(&options(config));
        let took = started.elapsed();
        match entered {
            Ok(report) => say(
                "report",
                &serde_json::to_string(&report).expect("a report is JSON"),
            ),
            Err(error) => {
                let kind = match error {
                    SandboxError::Threads(_) => "threads",
                    SandboxError::ParentGone => "orphan",
                    _ => "incomplete",
                };
                say("refused", kind);
                return;
            }
        }
        say("entered", &took.as_micros().to_string());
    }
    match scenario {
        "attempt" => attempts::make(rest),
        "cells" => cells::run(),
        "zone" => cells::run_one("zone"),
        "grow" => cells::grow(rest[0]),
        "measure" => measure::child(),
        "memory" => measure::memory(rest[0]),
        "wait" => wait(),
        "stay" => stay(),
        "mute" => mute(),
        "abort" => std::process::abort(),
        "threads" => say("result", "entered with two threads"),
        other => panic!("no scenario {other}"),
    }
}

/// One line for the parent.
pub fn say(word: &str, what: &str) {
    let line = format!("{word} {what}\n");
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).expect("the parent listens");
    out.flush().expect("the parent listens");
}

fn options(config: &str) -> Options {
    let mut options = Options::default().keep([0, 1, 2]);
    for word in config.split(',') {
        options = match word.split_once('=') {
            Some(("memory", bytes)) => options.max_memory_bytes(bytes.parse().expect("bytes")),
            Some(("parent", id)) => options.parent(id.parse().expect("a process id")),
            Some(("keep", fd)) => options.keep([fd.parse().expect("a descriptor")]),
            None if word == "no-seccomp" => options.without(Part::Seccomp),
            None if word == "everything" => options.strictness(Strictness::Everything),
            None if word == "whole" => options,
            _ => panic!("no option {word}"),
        };
    }
    options
}

/// Stays until the parent has seen enough, and has a thread and an isolate meanwhile.
fn wait() {
    cells::run_one("tools");
    say("result", "ready");
    let mut nothing = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut nothing);
}

/// Stays for ever.
fn stay() {
    say("result", "ready");
    loop {
        std::thread::park();
    }
}

/// Says where its standard input and error lead; the parent has written to the one and reads the other.
fn mute() {
    eprintln!("heard");
    let mut read = Vec::new();
    let read = std::io::stdin().read_to_end(&mut read).expect("it is open");
    // A descriptor made later must not get the number of one of them.
    // SAFETY: the call takes numbers alone.
    let next = unsafe { libc::eventfd(0, 0) };
    say(
        "result",
        &format!("{read} bytes, then descriptor {}", next.min(3)),
    );
}
