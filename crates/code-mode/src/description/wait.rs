//! The description of `wait`.

use crate::service::DEFAULT_WAIT_YIELD_TIME_MS;

/// What a host shows its model as the description of `wait`, the tool beside `exec`.
///
/// It names the arguments `cell_id`, `yield_time_ms`, `max_tokens` and `terminate`, which the host's
/// input schema for the tool should have.
///
/// ```
/// assert!(code_mode::build_wait_tool_description().contains("cell_id"));
/// ```
pub fn build_wait_tool_description() -> String {
    format!(
        "Waits for a script that `exec` left running, or ends it. Use it after an answer that begins \
         with \"Script running with cell ID …\".\n\
         \n\
         - `cell_id`: the id from that answer.\n\
         - `yield_time_ms`: how long to wait at most, in milliseconds. Default {DEFAULT_WAIT_YIELD_TIME_MS}. \
         The answer comes sooner if the script ends or yields; take a long time rather than asking often.\n\
         - `max_tokens`: how much output to show. What is cut stays readable with `load_output`.\n\
         - `terminate`: `true` stops the script and cancels its tool calls. Nothing it stored is kept.\n\
         \n\
         Each answer has the output since the last one. After \"Script completed\", \"Script failed\" or \
         \"Script terminated\" the cell is gone."
    )
}
