//! The command line.

use std::fmt::Display;
use std::str::FromStr;

use std::path::PathBuf;

use crate::sample::Plan;
use crate::scenarios::{Method, Named, Scenario};

pub const USAGE: &str = "\
Usage: cargo bench -p code-mode --bench exec_overhead [--features bench-quickjs] -- [OPTIONS]

  --samples N            fresh processes for each row (default 10); long scenarios take fewer
  --warm-iterations N    measured execs in each process of a warm scenario (default 10)
  --tool-counts A,B,C    a row for each of these numbers of tools (default 0,32,128,1000)
  --scenarios A,B        only these (default all; a wrong name lists them)
  --pin N                keep each sample's process on processor N (with taskset, of util-linux)
  --json FILE            also write the run to FILE as JSON, for scripts/bench-report. Cargo runs
                         this in crates/code-mode, so give an absolute path
  --help                 this text
";

/// What this process is asked to do.
pub enum Command {
    /// Measure, and print the table.
    Run(Options),
    /// Take one sample, at this rate, and print it: how the process above starts itself again.
    Child(Plan, Option<f64>),
    Help,
}

/// What to measure.
pub struct Options {
    pub samples: usize,
    pub warm_iterations: usize,
    pub tool_counts: Vec<usize>,
    pub scenarios: Vec<Named>,
    pub processor: Option<usize>,
    pub json: Option<PathBuf>,
}

impl Command {
    /// Reads the arguments; the error says which one is wrong.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options {
            samples: 10,
            warm_iterations: 10,
            tool_counts: vec![0, 32, 128, 1000],
            scenarios: Scenario::available().map(Named).collect(),
            processor: None,
            json: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| format!("{argument} needs a value"))
            };
            match argument.as_str() {
                "--samples" => options.samples = positive(&argument, &value()?)?,
                "--warm-iterations" => options.warm_iterations = positive(&argument, &value()?)?,
                "--tool-counts" => options.tool_counts = list(&argument, &value()?)?,
                "--scenarios" => options.scenarios = list(&argument, &value()?)?,
                "--pin" => options.processor = Some(one(&argument, &value()?)?),
                "--json" => options.json = Some(value()?.into()),
                "--child" => {
                    let Named(scenario) = one(&argument, &value()?)?;
                    let plan = Plan {
                        scenario,
                        tools: one(&argument, &value()?)?,
                        warm_iterations: one(&argument, &value()?)?,
                    };
                    let rate = arguments.next().map(|rate| one(&argument, &rate));
                    return Ok(Self::Child(plan, rate.transpose()?));
                }
                // Cargo adds it to what it runs as a benchmark.
                "--bench" => {}
                "--help" | "-h" => return Ok(Self::Help),
                _ => return Err(format!("unknown argument {argument:?}")),
            }
        }
        options.check_rates()?;
        Ok(Self::Run(options))
    }
}

impl Options {
    /// A scenario at half the rate of another one needs that one's.
    fn check_rates(&self) -> Result<(), String> {
        for Named(scenario) in &self.scenarios {
            if let Method::HalfRateOf(other, _) = scenario.method
                && !self.scenarios.iter().any(|named| named.0.name == other)
            {
                return Err(format!("{} needs {other} in the same run", scenario.name));
            }
        }
        Ok(())
    }
}

fn positive(argument: &str, text: &str) -> Result<usize, String> {
    match one(argument, text)? {
        0 => Err(format!("{argument} must be at least 1")),
        number => Ok(number),
    }
}

/// Comma-separated values, repeated ones once.
fn list<T: FromStr<Err: Display> + PartialEq>(
    argument: &str,
    text: &str,
) -> Result<Vec<T>, String> {
    let mut values = Vec::new();
    for part in text.split(',') {
        let value = one(argument, part.trim())?;
        if !values.contains(&value) {
            values.push(value);
        }
    }
    Ok(values)
}

fn one<T: FromStr<Err: Display>>(argument: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|error| format!("{argument} does not take {text:?}: {error}"))
}
