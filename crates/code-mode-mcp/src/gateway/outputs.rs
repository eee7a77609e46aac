//! Outputs that were cut from an answer, as MCP resources of the session they belong to.

use code_mode::KeptOutput;
use rmcp::model::{Resource, ResourceContents};

use super::session::ClientSession;

/// `code-mode://output/HANDLE`, and `code-mode://output/SESSION/HANDLE` where clients name their
/// session.
const PREFIX: &str = "code-mode://output/";

const MIME_TYPE: &str = "text/plain";

fn uri(session: &ClientSession, handle: &str) -> String {
    match &session.handle {
        Some(session) => format!("{PREFIX}{session}/{handle}"),
        None => format!("{PREFIX}{handle}"),
    }
}

/// The session, if it is named, and the output that a URI means.
pub(super) fn parse(uri: &str) -> Option<(Option<&str>, &str)> {
    let path = uri.strip_prefix(PREFIX)?;
    Some(match path.split_once('/') {
        Some((session, handle)) => (Some(session), handle),
        None => (None, path),
    })
}

/// Where the whole of an output is read.
pub(super) fn link(session: &ClientSession, kept: &KeptOutput) -> Resource {
    let handle = kept.handle.to_string();
    Resource::new(uri(session, &handle), handle)
        .with_description(format!(
            "The whole output of cell {}, of which an answer showed a part: {} lines, about {} tokens.",
            kept.cell_id, kept.lines, kept.tokens
        ))
        .with_mime_type(MIME_TYPE)
        .with_size(kept.bytes as u64)
}

/// All outputs of a session that are still there.
pub(super) fn list(session: &ClientSession) -> Vec<Resource> {
    let outputs = session.engine.outputs();
    outputs.iter().map(|kept| link(session, kept)).collect()
}

/// The text of an output.
pub(super) fn contents(
    session: &ClientSession,
    handle: &str,
) -> Result<ResourceContents, code_mode::OutputError> {
    let text = session.engine.output(handle)?;
    Ok(ResourceContents::text(&*text, uri(session, handle)).with_mime_type(MIME_TYPE))
}
