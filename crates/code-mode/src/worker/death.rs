//! How a worker ended, in words.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use super::protocol::{Hello, VERSIONS};

/// Why a worker is no more, or is about to be.
#[derive(Debug, Clone)]
pub(super) enum Cause {
    /// It ended by itself, or somebody else ended it.
    Ended(ExitStatus),
    /// It closed its end and went on.
    HungUp,
    /// It sent what no worker sends.
    Violation(String),
    /// It speaks another protocol.
    Version(Hello),
    /// It did not answer.
    Silent(Duration),
    /// It let what it was sent pile up.
    DoesNotRead,
    /// A script in it could not be stopped.
    WouldNotStop,
    /// A script in it computed on after its time.
    Overran,
    /// It was not needed any more.
    Closed,
}

impl Cause {
    pub(super) fn violation(what: impl fmt::Display) -> Self {
        Self::Violation(what.to_string())
    }

    /// Whether a cell of which nothing was heard may do better in another worker.
    pub(super) fn is_worth_another(&self) -> bool {
        !matches!(self, Self::Version(_) | Self::Closed)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(status) => ended(*status, f),
            Self::HungUp => f.write_str("closed its connection and was killed"),
            Self::Violation(what) => {
                write!(f, "sent what no worker sends ({what}) and was killed")
            }
            Self::Version(theirs) => write!(
                f,
                "speaks protocol versions {theirs}, and this process {} to {}; both must be of the same build",
                VERSIONS.start(),
                VERSIONS.end()
            ),
            Self::Silent(time) => write!(
                f,
                "answered nothing for {} s and was killed",
                time.as_secs()
            ),
            Self::DoesNotRead => f.write_str("did not read what it was sent and was killed"),
            Self::WouldNotStop => {
                f.write_str("was killed because a script in it could not be stopped")
            }
            Self::Overran => f.write_str(
                "was killed because a script in it computed for longer than it may and could not be stopped",
            ),
            Self::Closed => f.write_str("was ended because its session or pool was"),
        }
    }
}

fn ended(status: ExitStatus, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(signal) = status.signal() else {
        return match status.code() {
            Some(code) => write!(f, "ended with status {code}"),
            None => f.write_str("ended"),
        };
    };
    // The numbers that every Unix agrees on, and what they mean for a worker.
    let (name, meaning) = match signal {
        4 => ("SIGILL", ", as when V8 meets a fatal error"),
        5 => ("SIGTRAP", ", as when V8 meets a fatal error"),
        6 => ("SIGABRT", ", as when V8 meets a fatal error"),
        8 => ("SIGFPE", ""),
        9 => (
            "SIGKILL",
            ", by somebody or by a system that was short of memory",
        ),
        11 => ("SIGSEGV", ", a crash"),
        15 => ("SIGTERM", ", by somebody"),
        31 if cfg!(target_os = "linux") => (
            "SIGSYS",
            ", for a system call that its sandbox does not allow",
        ),
        _ => return write!(f, "was killed by signal {signal}"),
    };
    write!(f, "was killed by {name}{meaning}")
}

/// What a worker said last on its standard error, in at most one line.
pub(super) fn last_words(bytes: &[u8]) -> Option<String> {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(bytes);
    let lines = || {
        text.lines()
            .map(|line| line.trim_matches(|c: char| c == '#' || c.is_whitespace()))
            .filter(|line| !line.is_empty())
    };
    let tells = |line: &&str| {
        ["Fatal", "FATAL", "panicked"]
            .iter()
            .any(|word| line.contains(word))
    };
    // V8 says what happened on the line after the one that says that something did.
    let line = match lines().position(|line| tells(&line)) {
        Some(place) => lines().skip(place).take(2).collect::<Vec<_>>().join(" "),
        None => lines().next_back()?.to_owned(),
    };
    let shown = line.chars().filter(|c| !c.is_control()).take(LONGEST);
    Some(shown.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_the_ones_that_tell() {
        let fatal = b"\n\n#\n# Fatal error in , line 0\n# Check failed: x.\n#\n#FailureMessage Object: 0x7\n";
        assert_eq!(
            last_words(fatal).unwrap(),
            "Fatal error in , line 0 Check failed: x."
        );
        assert_eq!(last_words(b"one\ntwo \x1b[1m\n\n").unwrap(), "two [1m");
        assert_eq!(last_words(b"\n \n"), None);
        assert_eq!(last_words(&[b'x'; 5000]).unwrap().len(), 200);
    }

    #[test]
    fn signals_have_names() {
        let killed = Cause::Ended(ExitStatus::from_raw(9)).to_string();
        assert!(killed.contains("SIGKILL"), "{killed}");
        let exited = Cause::Ended(ExitStatus::from_raw(3 << 8)).to_string();
        assert_eq!(exited, "ended with status 3");
    }
}
