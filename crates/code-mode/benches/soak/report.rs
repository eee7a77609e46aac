//! What a soak has found, as a table and as JSON, and whether it is good.

use std::time::Duration;

use serde_json::{Value, json};

use crate::arguments::Options;
use crate::figures::Figures;
use crate::latency::Latency;
use crate::record::Recorded;

/// What the allocator and V8's page pool may keep more than before. Threads that come and go leave their
/// memory to others, and who gets it is chance.
const MEMORY_SLACK_KIB: u64 = 48 * 1024;
const MAPPINGS_SLACK: u64 = 400;

/// A cell may take so many times as long as before, or this long, before it is called slower.
const LATENCY_FACTOR: u32 = 2;
const LATENCY_SLACK: Duration = Duration::from_micros(500);

pub struct Report {
    /// Before the first round, and after each.
    pub figures: Vec<Figures>,
    pub parked: usize,
    /// Whether threads that are parked stay.
    pub keeps_parked: bool,
    pub took: Duration,
    pub warm_up: Recorded,
    pub recorded: Recorded,
}

/// One line of the table.
struct Row {
    name: &'static str,
    values: Vec<u64>,
    /// The most that the last may be.
    most: u64,
}

impl Row {
    fn has_grown(&self) -> bool {
        self.values[self.values.len() - 1] > self.most
    }
}

impl Report {
    fn rows(&self) -> Vec<Row> {
        let row = |name, slack, value: fn(&Figures) -> u64| Row {
            name,
            values: self.figures.iter().map(value).collect(),
            most: value(&self.figures[0]) + slack,
        };
        let parked = match self.keeps_parked {
            true => self.parked as u64,
            false => 0,
        };
        // Each keeps its heap and its stack.
        let memory = MEMORY_SLACK_KIB + parked * 40 * 1024;
        let mut rows = vec![
            row("resident memory, KiB", memory, |f| f.resident_kib),
            row("private memory, KiB", memory, |f| f.private_kib),
            row("threads", parked, |f| f.threads),
            row("open descriptors", 0, |f| f.descriptors),
            row("mappings", MAPPINGS_SLACK + 50 * parked, |f| f.mappings),
            row("lost threads", parked, |f| f.lost_threads),
            row("isolates that stand by", 0, |f| f.standby),
            row("workers", 0, |f| f.workers.living),
            Row {
                most: self.figures[0].workers.living,
                ..row("threads that write to them", 0, |f| f.writers)
            },
            Row {
                most: 0,
                ..row("zombies", 0, |f| f.workers.zombies)
            },
            row("workers' resident, KiB", MEMORY_SLACK_KIB, |f| {
                f.workers.resident_kib
            }),
            row("workers' anonymous, KiB", MEMORY_SLACK_KIB, |f| {
                f.workers.anonymous_kib
            }),
            row("workers' threads", 0, |f| f.workers.threads),
        ];
        if self.knows_workers_descriptors() {
            rows.push(row("workers' descriptors", 0, |f| {
                f.workers.descriptors.unwrap_or(0)
            }));
        }
        rows
    }

    fn knows_workers_descriptors(&self) -> bool {
        let mut figures = self.figures.iter();
        figures.all(|figures| figures.workers.descriptors.is_some())
    }

    fn wrong(&self) -> impl Iterator<Item = &String> {
        self.warm_up.wrong.iter().chain(&self.recorded.wrong)
    }

    fn wrong_count(&self) -> u64 {
        self.warm_up.wrong_count + self.recorded.wrong_count
    }

    fn cells(&self) -> u64 {
        self.recorded.kinds.values().map(|count| count.cells).sum()
    }

    pub fn is_good(&self) -> bool {
        self.wrong_count() == 0 && !self.rows().iter().any(Row::has_grown)
    }

    pub fn print(&self) {
        self.print_kinds();
        self.print_figures();
        self.print_latency();
        println!();
        for wrong in self.wrong() {
            println!("WRONG {wrong}");
        }
        println!(
            "{}: {} cells in {} sessions in {:.0} s, {} wrong answers, {} figures grown, {} threads parked",
            if self.is_good() { "good" } else { "BAD" },
            self.cells(),
            self.recorded.sessions,
            self.took.as_secs_f64(),
            self.wrong_count(),
            self.rows().iter().filter(|row| row.has_grown()).count(),
            self.parked,
        );
    }

    fn print_kinds(&self) {
        println!("\n{:<36}{:>10}{:>14}", "cells", "", "slowest, ms");
        for (name, count) in &self.recorded.kinds {
            println!(
                "{name:<36}{:>10}{:>14}",
                count.cells,
                count.slowest.as_millis()
            );
        }
    }

    fn print_figures(&self) {
        print!("\n{:<28}{:>12}", "", "before");
        for number in 1..self.figures.len() {
            print!("{:>12}", format!("round {number}"));
        }
        println!("{:>12}", "at most");
        for row in self.rows() {
            print!("{:<28}", row.name);
            row.values.iter().for_each(|value| print!("{value:>12}"));
            let judgement = if row.has_grown() { "  GROWN" } else { "" };
            println!("{:>12}{judgement}", row.most);
        }
        if !self.knows_workers_descriptors() {
            println!("the descriptors of workers are closed to this user, and not judged");
        }
        let lasting: Vec<_> = self.figures.iter().map(|f| f.lasting_process).collect();
        if lasting.iter().any(Option::is_some) {
            let replaced = lasting.windows(2).filter(|two| two[0] != two[1]).count();
            println!(
                "the session that lasts had another worker than before after {replaced} rounds"
            );
        }
    }

    fn print_latency(&self) {
        let line = |name: &str, latency: Latency| {
            println!(
                "{name:<28}{:>12}{:>12}{:>12}",
                latency.p50.as_micros(),
                latency.p99.as_micros(),
                latency.max.as_micros()
            );
        };
        println!(
            "\n{:<28}{:>12}{:>12}{:>12}",
            "a cell that does little, µs", "p50", "p99", "max"
        );
        let (first, last) = (&self.figures[0], &self.figures[self.figures.len() - 1]);
        line("before", first.latency);
        line(
            "beside the others",
            Latency::of(self.recorded.beside.clone()),
        );
        line("after", last.latency);
        let most = (first.latency.p99 * LATENCY_FACTOR).max(first.latency.p99 + LATENCY_SLACK);
        if last.latency.p99 > most {
            println!("p99 is more than twice what it was: slower, or the machine was busy");
        }
    }

    pub fn to_json(&self, options: &Options) -> Value {
        let kinds = self.recorded.kinds.iter().map(|(name, count)| {
            json!({
                "name": name,
                "cells": count.cells,
                "slowest_ms": count.slowest.as_millis() as u64,
            })
        });
        let rows = self.rows();
        let grown: Vec<_> = rows.iter().filter(|row| row.has_grown()).collect();
        json!({
            "benchmark": "soak",
            "isolation": options.mode.name(),
            "seed": options.seed,
            "sessions_at_once": options.sessions,
            "seconds": self.took.as_secs_f64(),
            "good": self.is_good(),
            "cells": self.cells(),
            "sessions": self.recorded.sessions,
            "parked": self.parked,
            "kinds": kinds.collect::<Vec<_>>(),
            "figures": self.figures.iter().map(Figures::to_json).collect::<Vec<_>>(),
            "beside": Latency::of(self.recorded.beside.clone()).to_json(),
            "wrong": self.wrong().collect::<Vec<_>>(),
            "wrong_count": self.wrong_count(),
            "grown": grown.iter().map(|row| row.name).collect::<Vec<_>>(),
        })
    }
}
