//! The description of `wait`.

use crate::service::DEFAULT_WAIT_YIELD_TIME_MS;

/// What [`build_wait_tool_description_with`] says differently.
///
/// ```
/// let options = code_mode::WaitDescriptionOptions::default().unasked("as long as it takes");
/// let text = code_mode::build_wait_tool_description_with(&options);
/// assert!(text.contains("Default: as long as it takes."));
/// ```
#[derive(Debug, Clone, Default)]
pub struct WaitDescriptionOptions {
    unasked: Option<String>,
}

impl WaitDescriptionOptions {
    /// How long a `wait` without `yield_time_ms` takes at most, in words. Default
    /// [`DEFAULT_WAIT_YIELD_TIME_MS`].
    #[must_use]
    pub fn unasked(mut self, words: impl Into<String>) -> Self {
        self.unasked = Some(words.into());
        self
    }
}

/// What a host shows its model as the description of `wait`, the tool beside `exec`.
///
/// It names the arguments `cell_id`, `yield_time_ms`, `max_tokens` and `terminate`, which the host's
/// input schema for the tool should have.
///
/// ```
/// assert!(code_mode::build_wait_tool_description().contains("cell_id"));
/// ```
pub fn build_wait_tool_description() -> String {
    build_wait_tool_description_with(&WaitDescriptionOptions::default())
}

/// [`build_wait_tool_description`] for a host whose `wait` has other defaults.
pub fn build_wait_tool_description_with(options: &WaitDescriptionOptions) -> String {
    let unasked = match &options.unasked {
        Some(words) => format!("Default: {words}"),
        None => format!("Default {DEFAULT_WAIT_YIELD_TIME_MS}"),
    };
    format!(
        "Waits for a script that `exec` left running, or ends it. Use it after an answer that begins \
         with \"Script running with cell ID …\".\n\
         \n\
         - `cell_id`: the id from that answer.\n\
         - `yield_time_ms`: how long to wait at most, in milliseconds. {unasked}. \
         The answer comes sooner if the script ends or yields; take a long time rather than asking often.\n\
         - `max_tokens`: how much output to show. What is cut stays readable with `load_output`.\n\
         - `terminate`: `true` stops the script and cancels its tool calls. Nothing it stored is kept.\n\
         \n\
         Each answer has the output since the last one. After \"Script completed\", \"Script failed\" or \
         \"Script terminated\" the cell is gone."
    )
}
