//! Outputs that were too long to be shown whole, kept by their session so that nothing is lost.
//!
//! Only keeps and finds them: what is too long is not decided here.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};

use serde::{Serialize, Serializer};

use super::request::CellId;
use crate::sync::lock;

/// Names a kept output within its session: `out-3-1` is the first that was kept of cell 3. Never used
/// twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputHandle {
    cell_id: CellId,
    number: u64,
}

impl OutputHandle {
    /// Reads a handle that is written exactly as we write it.
    fn parse(text: &str) -> Option<Self> {
        let (cell_id, number) = text.strip_prefix("out-")?.split_once('-')?;
        let handle = Self {
            cell_id: cell_id.parse().ok()?,
            number: number.parse().ok()?,
        };
        (handle.to_string() == text).then_some(handle)
    }
}

impl fmt::Display for OutputHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "out-{}-{}", self.cell_id, self.number)
    }
}

impl Serialize for OutputHandle {
    /// As the text a model sees.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A kept output as [`Session::outputs`](crate::Session::outputs) lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeptOutput {
    /// What scripts and hosts read it by.
    pub handle: OutputHandle,
    /// The cell whose output it is.
    pub cell_id: CellId,
    /// Its length in UTF-8 bytes.
    pub bytes: usize,
    /// Its lines.
    pub lines: usize,
    /// What showing all of it would have cost: texts, error text, and the audio beside them.
    pub tokens: usize,
}

/// Why there is no output under a handle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// No output of this session ever had this handle.
    #[error(
        "no output {handle:?} was ever kept in this session; {}",
        there_are(kept)
    )]
    NeverKept {
        /// The handle that was given.
        handle: String,
        /// The handles that are there, oldest first.
        kept: Vec<OutputHandle>,
    },
    /// The output had to go, to make room for newer ones.
    #[error(
        "output {handle} was dropped to make room for newer ones, for a session keeps {max_bytes} bytes of output; \
         run its script again and print less, or only what is needed; {}",
        there_are(kept)
    )]
    Dropped {
        /// The handle that was given.
        handle: OutputHandle,
        /// The limit in bytes.
        max_bytes: usize,
        /// The handles that are there, oldest first.
        kept: Vec<OutputHandle>,
    },
}

/// Names the newest handles.
fn there_are(kept: &[OutputHandle]) -> String {
    const NAMED: usize = 10;
    if kept.is_empty() {
        return "none is kept now: only output that was truncated gets a handle".to_owned();
    }
    let newest: Vec<String> = kept
        .iter()
        .rev()
        .take(NAMED)
        .map(ToString::to_string)
        .collect();
    let older = match kept.len() - newest.len() {
        0 => String::new(),
        older => format!(" and {older} older"),
    };
    format!("kept are {}{older}", newest.join(", "))
}

/// The kept outputs of one session. Shared by the session and its cells; holds its lock for
/// operations of its maps only.
pub(crate) struct KeptOutputs {
    max_bytes: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Oldest first.
    kept: VecDeque<(KeptOutput, Arc<str>)>,
    bytes: usize,
    /// How many were ever kept of a cell: tells what was dropped from what never was.
    counts: BTreeMap<CellId, u64>,
}

impl State {
    fn handles(&self) -> Vec<OutputHandle> {
        self.kept.iter().map(|(output, _)| output.handle).collect()
    }
}

impl KeptOutputs {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            state: Mutex::default(),
        }
    }

    /// Keeps an output, whatever its size; the oldest go if together they are too large.
    pub(crate) fn keep(&self, cell_id: CellId, text: String, tokens: usize) -> KeptOutput {
        let text: Arc<str> = text.into();
        let lines = text.lines().count();
        let mut state = lock(&self.state);
        let count = state.counts.entry(cell_id).or_default();
        *count += 1;
        let output = KeptOutput {
            handle: OutputHandle {
                cell_id,
                number: *count,
            },
            cell_id,
            bytes: text.len(),
            lines,
            tokens,
        };
        state.bytes += held_bytes(&text);
        state.kept.push_back((output.clone(), text));
        while state.bytes > self.max_bytes && state.kept.len() > 1 {
            if let Some((_, dropped)) = state.kept.pop_front() {
                state.bytes -= held_bytes(&dropped);
            }
        }
        output
    }

    /// What is kept, oldest first.
    pub(crate) fn list(&self) -> Vec<KeptOutput> {
        let state = lock(&self.state);
        state
            .kept
            .iter()
            .map(|(output, _)| output.clone())
            .collect()
    }

    pub(crate) fn get(&self, handle: &str) -> Result<Arc<str>, OutputError> {
        let state = lock(&self.state);
        let never_kept = || OutputError::NeverKept {
            handle: handle.to_owned(),
            kept: state.handles(),
        };
        let known = OutputHandle::parse(handle).ok_or_else(never_kept)?;
        let count = state.counts.get(&known.cell_id).copied().unwrap_or(0);
        if !(1..=count).contains(&known.number) {
            return Err(never_kept());
        }
        let found = state.kept.iter().find(|(output, _)| output.handle == known);
        match found {
            Some((_, text)) => Ok(Arc::clone(text)),
            None => Err(OutputError::Dropped {
                handle: known,
                max_bytes: self.max_bytes,
                kept: state.handles(),
            }),
        }
    }
}

/// What an output counts against [`Limits::max_kept_output_bytes`](crate::Limits::max_kept_output_bytes).
fn held_bytes(text: &str) -> usize {
    const OUTPUT_OVERHEAD: usize = 64;
    text.len() + OUTPUT_OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(outputs: &KeptOutputs, cell: u64, text: &str) -> String {
        let kept = outputs.keep(CellId(cell), text.to_owned(), 1);
        kept.handle.to_string()
    }

    #[test]
    fn handles_are_numbered_by_cell_and_never_used_twice() {
        let outputs = KeptOutputs::new(100);
        let handles: Vec<_> = [3, 3, 12, 3]
            .map(|cell| keep(&outputs, cell, "text"))
            .into();
        assert_eq!(handles, ["out-3-1", "out-3-2", "out-12-1", "out-3-3"]);
        assert_eq!(outputs.list().len(), 1);
    }

    #[test]
    fn only_what_is_written_exactly_like_a_handle_is_one() {
        let outputs = KeptOutputs::new(100);
        keep(&outputs, 1, "text");
        assert_eq!(&*outputs.get("out-1-1").unwrap(), "text");
        for wrong in [
            "",
            "out",
            "out-1",
            "out-1-",
            "out-1-01",
            "out-01-1",
            "out-1-+1",
            " out-1-1",
            "OUT-1-1",
            "out-1-0",
            "out-0-1",
            "out-1-2",
            "out-1-1-1",
            "out-99999999999999999999-1",
        ] {
            let error = outputs.get(wrong).unwrap_err();
            assert!(
                matches!(&error, OutputError::NeverKept { handle, .. } if handle == wrong),
                "{error}"
            );
        }
    }

    #[test]
    fn an_error_names_the_newest_handles_and_counts_the_others() {
        let outputs = KeptOutputs::new(10_000);
        let error = outputs.get("out-1-1").unwrap_err().to_string();
        assert!(error.contains("none is kept now"), "{error}");
        for cell in 1..=12 {
            keep(&outputs, cell, "text");
        }
        let error = outputs.get("out-1-2").unwrap_err().to_string();
        assert!(
            error.ends_with("kept are out-12-1, out-11-1, out-10-1, out-9-1, out-8-1, out-7-1, out-6-1, out-5-1, out-4-1, out-3-1 and 2 older"),
            "{error}"
        );
    }
}
