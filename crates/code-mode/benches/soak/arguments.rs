//! The command line.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::leak::Leak;
use crate::mode::Mode;

pub const USAGE: &str = "\
Usage: cargo bench -p code-mode --bench soak -- [OPTIONS]

  --minutes N      how long the measured rounds take together (default 10; a fraction is fine). The
                   warm-up before them takes a fifth of that, and two minutes at most
  --sessions N     how many sessions there are at once (default 20)
  --wedged N       how many cells in 10,000 lose their thread to a built-in for a while (default 20)
  --park N         how many cells of each round lose their thread for good (default 0, at most 4)
  --seed N         what is drawn (default: a new one, printed)
  --isolation M    where cells run: in-process, or process, which needs the feature worker-processes
                   (default in-process)
  --json FILE      also write the run to FILE as JSON. Cargo runs this in crates/code-mode, so give
                   an absolute path
  --leak KIND      do something wrong on purpose, to see the soak fail: memory, threads, descriptors,
                   zombies, workers or answer
  --help           this text
";

pub enum Command {
    Run(Options),
    Help,
}

pub struct Options {
    pub duration: Duration,
    pub sessions: usize,
    pub wedged: u64,
    pub park: usize,
    pub seed: u64,
    pub mode: Mode,
    pub json: Option<PathBuf>,
    pub leak: Option<Leak>,
}

impl Command {
    /// Reads the arguments; the error says which one is wrong.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options {
            duration: Duration::from_secs(600),
            sessions: 20,
            wedged: 20,
            park: 0,
            seed: new_seed(),
            mode: Mode::InProcess,
            json: None,
            leak: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| format!("{argument} needs a value"))
            };
            match argument.as_str() {
                "--minutes" => options.duration = minutes(&argument, &value()?)?,
                "--sessions" => options.sessions = one(&argument, &value()?)?,
                "--wedged" => options.wedged = one(&argument, &value()?)?,
                "--park" => options.park = few(&argument, &value()?)?,
                "--seed" => options.seed = one(&argument, &value()?)?,
                "--isolation" => options.mode = one(&argument, &value()?)?,
                "--json" => options.json = Some(value()?.into()),
                "--leak" => options.leak = Some(one(&argument, &value()?)?),
                // Cargo adds it to what it runs as a benchmark.
                "--bench" => {}
                "--help" | "-h" => return Ok(Self::Help),
                _ => return Err(format!("unknown argument {argument:?}")),
            }
        }
        Ok(Self::Run(options))
    }
}

fn new_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0) >> 32
}

fn minutes(argument: &str, text: &str) -> Result<Duration, String> {
    let minutes: f64 = one(argument, text)?;
    Duration::try_from_secs_f64(minutes * 60.0)
        .map_err(|error| format!("{argument} does not take {text:?}: {error}"))
}

fn few(argument: &str, text: &str) -> Result<usize, String> {
    match one(argument, text)? {
        number @ 0..=4 => Ok(number),
        _ => Err(format!("{argument} may be 4 at most")),
    }
}

fn one<T: FromStr<Err: Display>>(argument: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|error| format!("{argument} does not take {text:?}: {error}"))
}
