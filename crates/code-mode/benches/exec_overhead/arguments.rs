//! The command line.

use std::fmt::Display;
use std::str::FromStr;

use crate::sample::Plan;
use crate::scenarios::Scenario;

pub const USAGE: &str = "\
Usage: cargo bench -p code-mode --bench exec_overhead -- [OPTIONS]

  --samples N            fresh processes for each row (default 10)
  --warm-iterations N    measured execs in each process of a warm scenario (default 10)
  --tool-counts A,B,C    a row for each of these numbers of tools (default 0,32,128)
  --scenarios A,B        only these: cold_exec, cold_raw_v8, warm_exec, raw_v8,
                         tool_roundtrip, parallel_tools, checked_calls, unchecked_calls,
                         typescript_exec, javascript_exec (default all)
  --help                 this text
";

/// What this process is asked to do.
pub enum Command {
    /// Measure, and print the table.
    Run(Options),
    /// Take one sample and print it: how the process above starts itself again.
    Child(Plan),
    Help,
}

/// What to measure.
pub struct Options {
    pub samples: usize,
    pub warm_iterations: usize,
    pub tool_counts: Vec<usize>,
    pub scenarios: Vec<Scenario>,
}

impl Command {
    /// Reads the arguments; the error says which one is wrong.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options {
            samples: 10,
            warm_iterations: 10,
            tool_counts: vec![0, 32, 128],
            scenarios: Scenario::ALL.to_vec(),
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
                "--child" => {
                    return Ok(Self::Child(Plan {
                        scenario: one(&argument, &value()?)?,
                        tools: one(&argument, &value()?)?,
                        warm_iterations: one(&argument, &value()?)?,
                    }));
                }
                // Cargo adds it to what it runs as a benchmark.
                "--bench" => {}
                "--help" | "-h" => return Ok(Self::Help),
                _ => return Err(format!("unknown argument {argument:?}")),
            }
        }
        Ok(Self::Run(options))
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
