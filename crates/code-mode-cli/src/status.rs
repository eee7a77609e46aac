//! The status line of a run: what it waits for, and for how long. Only on a terminal.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::diagnostics;
use crate::terminal;

/// The least time between two drawings: ten a second can be read and do not flicker.
const BETWEEN_DRAWINGS: Duration = Duration::from_millis(100);

/// How often a line is drawn again in which nothing but the time has changed.
const TICK: Duration = Duration::from_secs(1);

/// What a run waits for. Cheap to clone; shared by the run, its host and the task that draws.
#[derive(Clone, Default)]
pub struct Status(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waits: Mutex<Waits>,
    changed: Notify,
}

#[derive(Default)]
struct Waits {
    /// Servers that are being connected, and since when the first of them is.
    servers: Option<(String, Instant)>,
    /// Calls under way by number, so in the order they began.
    calls: BTreeMap<u64, (Arc<str>, Instant)>,
    begun: u64,
}

/// A call under way; it has ended when this is dropped.
pub struct Call {
    status: Status,
    number: u64,
}

impl Status {
    /// Draws the line until the answer is dropped, if standard error is a terminal.
    pub fn draw(&self) -> Option<Drawing> {
        let status = self.clone();
        terminal::can_redraw().then(|| Drawing(tokio::spawn(status.keep_drawing())))
    }

    /// Notes which servers are being connected.
    pub fn connecting(&self, servers: &[&str]) {
        let mut waits = self.waits();
        let since = waits
            .servers
            .as_ref()
            .map_or_else(Instant::now, |(_, since)| *since);
        let names = terminal::visible(&servers.join(", "));
        waits.servers = (!servers.is_empty()).then_some((names, since));
        drop(waits);
        self.0.changed.notify_one();
    }

    /// Notes that a call begins.
    pub fn call(&self, tool: &str) -> Call {
        let mut waits = self.waits();
        waits.begun += 1;
        let number = waits.begun;
        let name = terminal::visible(tool).into();
        waits.calls.insert(number, (name, Instant::now()));
        drop(waits);
        self.0.changed.notify_one();
        Call {
            status: self.clone(),
            number,
        }
    }

    async fn keep_drawing(self) {
        loop {
            // Without anything to show there is no time to show either.
            let idle = self.waits().is_idle();
            let tick = async {
                match idle {
                    true => std::future::pending().await,
                    false => tokio::time::sleep(TICK).await,
                }
            };
            tokio::select! {
                () = self.0.changed.notified() => {}
                () = tick => {}
            }
            tokio::time::sleep(BETWEEN_DRAWINGS).await;
            let columns = terminal::columns(&io::stderr()).unwrap_or(80);
            let line = self.waits().line(Instant::now(), columns);
            // On a thread of its own: a terminal can be stopped.
            let _ = tokio::task::spawn_blocking(move || diagnostics::draw_status(&line)).await;
        }
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.0.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.status.waits().calls.remove(&self.number);
        self.status.0.changed.notify_one();
    }
}

/// The task that draws. Ends when this is dropped; the line stays until something else is said.
pub struct Drawing(JoinHandle<()>);

impl Drop for Drawing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Waits {
    fn is_idle(&self) -> bool {
        self.servers.is_none() && self.calls.is_empty()
    }

    /// The line, or nothing if nothing is waited for. One column stays free, so that no terminal wraps.
    fn line(&self, now: Instant, columns: usize) -> String {
        let seconds = |since: Instant| now.saturating_duration_since(since).as_secs();
        let mut parts = Vec::new();
        if let Some((servers, since)) = &self.servers {
            parts.push(format!("connecting {servers} ({} s)", seconds(*since)));
        }
        if !self.calls.is_empty() {
            let noun = if self.calls.len() == 1 {
                "call"
            } else {
                "calls"
            };
            parts.push(format!(
                "{} {noun}: {}",
                self.calls.len(),
                self.tools(seconds)
            ));
        }
        terminal::fit(&parts.join("; "), columns.saturating_sub(1))
    }

    /// The tools that are being called, each once: how often, and how long the first of its calls takes.
    fn tools(&self, seconds: impl Fn(Instant) -> u64) -> String {
        let mut tools: Vec<(&str, usize, Instant)> = Vec::new();
        for (name, since) in self.calls.values() {
            match tools.iter_mut().find(|(known, ..)| **known == **name) {
                Some((_, count, _)) => *count += 1,
                None => tools.push((name, 1, *since)),
            }
        }
        let shown = tools.into_iter().map(|(name, count, since)| {
            let times = if count == 1 {
                String::new()
            } else {
                format!(" ×{count}")
            };
            format!("{name}{times} ({} s)", seconds(since))
        });
        shown.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_waited_for_and_how_long() {
        let status = Status::default();
        let start = Instant::now();
        assert_eq!(status.waits().line(start, 80), "");
        status.connecting(&["git", "time"]);
        let _slow = status.call("slow");
        let quick = status.call("quick\x1b[2J");
        let _again = status.call("slow");
        let later = Instant::now() + Duration::from_secs(3);
        assert_eq!(
            status.waits().line(later, 80),
            "connecting git, time (3 s); 3 calls: slow ×2 (3 s), quick\\u{1b}[2J (3 s)"
        );
        drop(quick);
        status.connecting(&[]);
        assert_eq!(status.waits().line(later, 80), "2 calls: slow ×2 (3 s)");
        assert_eq!(status.waits().line(later, 10), "2 calls:…");
    }
}
