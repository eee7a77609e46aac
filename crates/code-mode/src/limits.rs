//! What a cell may use up. Every number is enforced from the first cell on; nothing here is advisory.

use std::time::Duration;

const MIB: usize = 1024 * 1024;

/// The JavaScript heaps a cell can be given: below the least, V8 cannot even start a context; the
/// most leaves room for others in the 4 GiB that all isolates of a process share.
pub(crate) const HEAP_BYTES: std::ops::RangeInclusive<usize> = 8 * MIB..=2048 * MIB;

/// The ceilings of one session's cells, handed over once when the session is built.
///
/// "The script sees" says what happens inside the cell when a limit is hit. Whatever it is, the
/// process, the session and its other cells go on.
///
/// ```
/// use code_mode::Limits;
///
/// let limits = Limits::default()
///     .heap_bytes(64 * 1024 * 1024)
///     .cpu_time(std::time::Duration::from_secs(5));
/// assert_eq!(limits.max_source_bytes, 1024 * 1024);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// JavaScript heap of one cell in bytes, ArrayBuffers included. Default 128 MiB; values under
    /// 8 MiB are raised to it, values over 2 GiB lowered. Not counted: the stack, compiled code, and what the host holds.
    ///
    /// What V8 takes outside of its heap, for objects of `Intl` or to compile a regular expression, has a
    /// limit that follows from others: [`native_bytes`](Self::native_bytes).
    ///
    /// The script sees nothing: it is stopped, and the cell fails with an error that names the limit.
    pub heap_bytes: usize,

    /// Time one cell may spend in JavaScript. Default 60 s. Not counted: waiting for tools,
    /// notifications and timers. On Linux this is the processor time of the cell's thread,
    /// elsewhere the wall time spent inside V8.
    ///
    /// The script sees nothing: it is stopped, and the cell fails saying how much it used.
    pub cpu_time: Duration,

    /// Size of a script in UTF-8 bytes. Default 1 MiB. `execute` refuses a larger one.
    pub max_source_bytes: usize,

    /// Output a cell holds for its next reader, in bytes: the text or URL of each item and a fixed
    /// 64 bytes an item. Default 16 MiB. What was delivered no longer counts.
    ///
    /// The script sees a `RangeError` from the helper call that would exceed it.
    pub max_output_bytes: usize,

    /// Outputs a session keeps because they were truncated, in bytes: the text of each and a fixed 64
    /// bytes an output. Default 16 MiB. Over it the oldest go; the newest is kept whatever its size, so
    /// that a handle just given can be read. Its size is bounded by
    /// [`max_output_bytes`](Self::max_output_bytes) and the error text. Not counted: images and audio,
    /// which are never left out.
    ///
    /// The script sees a `RangeError` from `load_output` of one that is gone.
    pub max_kept_output_bytes: usize,

    /// Keys and values stored by a session, in bytes: key, JSON, and a fixed 64 bytes an entry.
    /// Default 16 MiB.
    ///
    /// The script sees a `RangeError` from `store`.
    pub max_stored_bytes: usize,

    /// Nested calls of one cell under way at once; notifications under way are held to the same
    /// number. Default 1,024.
    ///
    /// The script sees the call rejected, or `notify` throw, with a `RangeError`.
    pub max_calls_in_flight: usize,

    /// Nested calls of one cell over its whole life; notifications are counted apart, against the
    /// same number. Default 100,000.
    ///
    /// The script sees the call rejected, or `notify` throw, with a `RangeError`.
    pub max_calls: u64,

    /// What one cell may have under way at once, in bytes: inputs of nested calls, texts of notifications,
    /// and results that the script has not taken yet because it did not pause. Default 64 MiB.
    ///
    /// The script sees the call rejected, or `notify` throw, with a `RangeError`.
    pub max_bytes_in_flight: usize,

    /// Timers of one cell pending at once, of `setTimeout`, `setInterval` and `AbortSignal.timeout`.
    /// Default 10,000.
    ///
    /// The arguments that they hold for their functions may be ten times as many in all.
    ///
    /// The script sees a `RangeError` from each of the three.
    pub max_timers: usize,

    /// Cells of a session that are running, or finished and not yet read. Default 128. `execute`
    /// refuses another one and names them.
    pub max_live_cells: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            heap_bytes: 128 * MIB,
            cpu_time: Duration::from_secs(60),
            max_source_bytes: MIB,
            max_output_bytes: 16 * MIB,
            max_kept_output_bytes: 16 * MIB,
            max_stored_bytes: 16 * MIB,
            max_calls_in_flight: 1_024,
            max_calls: 100_000,
            max_bytes_in_flight: 64 * MIB,
            max_timers: 10_000,
            max_live_cells: 128,
        }
    }
}

/// What a cell may hold outside of the heap for a moment while it is in a helper, and to compile.
const NATIVE_BYTES_AT_WORK: usize = 256 * MIB;

impl Limits {
    /// What one cell may hold outside of the heap, in bytes: as much as in it; twice what the host may
    /// hold of it, which is counted as long as it is held, for text that grows is there twice; and
    /// 256 MiB to work with. By default 576 MiB. Measured by samples, to some per cent, and only on
    /// x86_64 Linux with this project's V8.
    ///
    /// The script sees nothing: it is stopped, and the cell fails with an error that names the limit.
    #[must_use]
    pub fn native_bytes(&self) -> usize {
        let held_by_host = self
            .max_bytes_in_flight
            .saturating_add(self.max_output_bytes)
            .saturating_add(self.max_stored_bytes);
        self.heap_bytes
            .clamp(*HEAP_BYTES.start(), *HEAP_BYTES.end())
            .saturating_add(held_by_host.saturating_mul(2))
            .saturating_add(NATIVE_BYTES_AT_WORK)
    }
}

macro_rules! setters {
    ($($field:ident: $type:ty),* $(,)?) => {
        impl Limits {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self#structfield.", stringify!($field), ").")]
                #[must_use]
                pub fn $field(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }
    };
}

setters! {
    heap_bytes: usize,
    cpu_time: Duration,
    max_source_bytes: usize,
    max_output_bytes: usize,
    max_kept_output_bytes: usize,
    max_stored_bytes: usize,
    max_calls_in_flight: usize,
    max_calls: u64,
    max_bytes_in_flight: usize,
    max_timers: usize,
    max_live_cells: usize,
}
