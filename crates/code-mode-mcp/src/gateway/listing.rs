//! What `tools/list` says: kept up to date with the servers, so that no request waits for it to be made.

use std::sync::Arc;

use code_mode::{
    ApproximateTokens, ExecDescriptionOptions, TokenCounter, ToolDefinition,
    WaitDescriptionOptions, augment_tool_definition, build_exec_tool_description,
    build_wait_tool_description_with,
};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::arguments::{SessionArgument, exec_schema, object, wait_schema};
use super::cell::{milliseconds, shortened};
use super::options::{DescriptionLength, GatewayOptions};
use super::result::output_schema;
use crate::policy::ToolPattern;
use crate::upstream::{Catalogue, ServerState, ServerStatus, Upstream};

/// How much of a server's instructions is shown to models, in bytes.
const INSTRUCTIONS_BYTES: usize = 600;
/// How much of the reason why a server is missing is shown, in bytes.
const REASON_BYTES: usize = 200;

/// How long a `wait` takes that does not say.
const UNASKED_WAIT: &str = "until the script ends or yields, or as long as the connection allows";

/// What clients are offered at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Offer {
    /// The description of `exec`.
    exec: Arc<str>,
    /// The same for clients that would cut it.
    exec_short: Arc<str>,
    /// Tools that are offered directly.
    exposed: Vec<Tool>,
}

/// An [`Offer`], and what it was made of.
#[derive(Debug, Clone, Default)]
pub(super) struct Listing {
    pub(super) offer: Arc<Offer>,
    /// Grows with each change that clients are told of.
    pub(super) revision: u64,
    /// The number of [`Upstream::changes`] it takes in; `None` before the first was made.
    pub(super) of_change: Option<u64>,
}

/// What of a catalogue clients are told when it changes. Types that were learned from results are not
/// part of it: they would have clients read all of it again, and forget what they cached, for each tool
/// that a script calls first.
#[derive(PartialEq, Default)]
struct Essence {
    tools: Vec<ToolDefinition>,
    instructions: Vec<(String, String)>,
    missing: Option<String>,
}

impl Essence {
    fn of(catalogue: &Catalogue) -> Self {
        let tools = catalogue.tools.iter().map(|tool| {
            let mut definition = tool.definition.clone();
            if definition.observed_output {
                definition.observed_output = false;
                definition.output_schema = None;
            }
            definition
        });
        let instructions = catalogue.instructions();
        Self {
            tools: tools.collect(),
            instructions: instructions
                .map(|(namespace, text)| (namespace.to_owned(), text.to_owned()))
                .collect(),
            missing: missing_servers(&catalogue.servers),
        }
    }
}

/// Keeps the listing up to date until the token fires.
pub(super) async fn keep(
    upstream: Upstream,
    options: Arc<GatewayOptions>,
    listing: watch::Sender<Listing>,
    until: CancellationToken,
) {
    let mut changes = upstream.changes();
    let mut known = Essence::default();
    loop {
        let change = *changes.borrow_and_update();
        let catalogue = upstream.catalogue();
        let made_of = Arc::clone(&options);
        // Thousands of declarations take a while to render.
        let made = tokio::task::spawn_blocking(move || {
            (Offer::new(&catalogue, &made_of), Essence::of(&catalogue))
        });
        let Ok((offer, essence)) = made.await else {
            tracing::error!("the tools could not be described; clients see those of before");
            return;
        };
        listing.send_modify(|listing| {
            listing.of_change = Some(change);
            listing.offer = Arc::new(offer);
            if essence != known {
                listing.revision += 1;
            }
        });
        known = essence;
        tokio::select! {
            changed = changes.changed() => if changed.is_err() {
                return;
            },
            () = until.cancelled() => return,
        }
    }
}

impl Offer {
    fn new(catalogue: &Catalogue, options: &GatewayOptions) -> Self {
        Self {
            exec: exec_description(catalogue, options, DescriptionLength::Full).into(),
            exec_short: exec_description(catalogue, options, DescriptionLength::Short).into(),
            exposed: exposed(catalogue, &options.exposed),
        }
    }

    /// The tools for one client.
    pub(super) fn tools(
        &self,
        session: SessionArgument,
        structured_content: bool,
        client: Option<&str>,
    ) -> Vec<Tool> {
        let description = match DescriptionLength::of(client) {
            DescriptionLength::Full => &self.exec,
            DescriptionLength::Short => &self.exec_short,
        };
        let output_schema = structured_content.then(|| Arc::new(output_schema()));
        let ours = |name, title, description: String, schema: JsonObject, annotations| {
            let tool = Tool::new(name, description, schema)
                .with_title(title)
                .with_annotations(annotations);
            match &output_schema {
                Some(schema) => tool.with_raw_output_schema(Arc::clone(schema)),
                None => tool,
            }
        };
        let exec = ours(
            "exec",
            "Run a program",
            description.to_string(),
            exec_schema(session),
            ToolAnnotations::with_title("Run a program")
                .read_only(false)
                .destructive(true)
                .idempotent(false)
                .open_world(true),
        );
        let wait = ours(
            "wait",
            "Wait for a program",
            build_wait_tool_description_with(
                &WaitDescriptionOptions::default().unasked(UNASKED_WAIT),
            ),
            wait_schema(session),
            ToolAnnotations::with_title("Wait for a program")
                .read_only(false)
                .destructive(false)
                .idempotent(false)
                .open_world(false),
        );
        [exec, wait]
            .into_iter()
            .chain(self.exposed.iter().cloned())
            .collect()
    }

    /// The tool of this name that is offered directly.
    pub(super) fn exposed(&self, name: &str) -> Option<&Tool> {
        self.exposed.iter().find(|tool| tool.name == name)
    }
}

fn exec_description(
    catalogue: &Catalogue,
    options: &GatewayOptions,
    length: DescriptionLength,
) -> String {
    let max_tokens = options.description_tokens.unwrap_or(length.tokens());
    let missing = missing_servers(&catalogue.servers);
    let taken = missing.as_deref().map_or(0, |text| {
        ApproximateTokens.count(text) + ApproximateTokens.count("\n\n")
    });
    let mut description = ExecDescriptionOptions::default()
        .max_tokens(max_tokens.saturating_sub(taken))
        .yield_time_ms(milliseconds(options.exec_yield_time));
    for (namespace, instructions) in catalogue.instructions() {
        description = description.namespace(namespace, quoted(instructions));
    }
    let text = build_exec_tool_description(&catalogue.tools, &description);
    [Some(text), missing]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// What a server says of itself, marked as such: it may say anything.
fn quoted(instructions: &str) -> String {
    let text = shortened(instructions.trim(), INSTRUCTIONS_BYTES);
    if text.is_empty() {
        return text;
    }
    let lines: Vec<String> = text.lines().map(|line| format!("> {line}")).collect();
    format!("The server says of itself:\n{}", lines.join("\n"))
}

/// Which of these servers have no tools here, and why in short: whoever calls one is told all.
pub(super) fn missing_servers<'a>(
    servers: impl IntoIterator<Item = &'a ServerStatus>,
) -> Option<String> {
    let lines: Vec<String> = servers
        .into_iter()
        .filter_map(|server| match &server.state {
            ServerState::Connected { .. } => None,
            ServerState::Connecting => Some(format!(
                "- {}: still connecting; a program that mentions it waits for it",
                server.namespace
            )),
            ServerState::Lost { why } => Some(format!(
                "- {}: {}; it is tried again by itself",
                server.namespace,
                reason(why)
            )),
        })
        .collect();
    (!lines.is_empty()).then(|| format!("Servers that are missing now:\n{}", lines.join("\n")))
}

/// What went wrong, without what may help and without what the server wrote, which is in the log and in
/// the errors of calls.
fn reason(why: &str) -> String {
    let first = why.split([';', '\n']).next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().collect();
    shortened(&words.join(" "), REASON_BYTES)
}

fn exposed(catalogue: &Catalogue, patterns: &[ToolPattern]) -> Vec<Tool> {
    if patterns.is_empty() {
        return Vec::new();
    }
    catalogue
        .tools
        .iter()
        .filter(|tool| {
            let Some((server, name)) = catalogue.route(&tool.definition) else {
                return false;
            };
            patterns.iter().any(|pattern| pattern.matches(server, name))
        })
        .map(|tool| direct(tool))
        .collect()
}

/// A server's tool as clients are offered it.
fn direct(tool: &code_mode::Tool) -> Tool {
    let definition = augment_tool_definition(&tool.definition);
    let schema = definition
        .input_schema
        .filter(Value::is_object)
        .unwrap_or_else(|| json!({ "type": "object" }));
    let offered = Tool::new(
        tool.global_name.clone(),
        definition.description,
        object(schema),
    );
    let annotations = definition
        .annotations
        .and_then(|annotations| serde_json::from_value::<ToolAnnotations>(annotations).ok());
    match annotations {
        Some(annotations) => offered.with_annotations(annotations),
        None => offered,
    }
}

/// Whether a script calls, or at least names, tools of this namespace: then it is worth waiting for their
/// server.
///
/// ```
/// use code_mode_mcp::gateway::mentions;
///
/// assert!(mentions("await tools.mcp__git__git_log()", "mcp__git"));
/// assert!(!mentions("await tools.mcp__github__issues()", "mcp__git"));
/// ```
pub fn mentions(source: &str, namespace: &str) -> bool {
    source.match_indices(namespace).any(|(at, _)| {
        let before = source[..at].chars().next_back();
        let after = &source[at + namespace.len()..];
        let is_part = |character: char| character.is_alphanumeric() || character == '_';
        let starts = !before.is_some_and(is_part);
        let ends = after.starts_with("__") || !after.starts_with(is_part);
        starts && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_mentioned_by_itself_or_before_a_tool_and_not_inside_another() {
        for source in [
            "tools.mcp__git__git_log()",
            "tools['mcp__git__git_log']",
            "// of mcp__git",
            "'mcp__git'",
        ] {
            assert!(mentions(source, "mcp__git"), "{source}");
        }
        for source in [
            "tools.mcp__github__x()",
            "my_mcp__git__x",
            "mcp__git_hub__x",
            "git",
        ] {
            assert!(!mentions(source, "mcp__git"), "{source}");
        }
    }

    #[test]
    fn the_reason_why_a_server_is_missing_is_its_first_clause() {
        for why in [
            "the process ended",
            "the process ended; it last wrote:\nTraceback",
            "the process  ended\nTraceback",
        ] {
            assert_eq!(reason(why), "the process ended");
        }
        assert!(reason(&"x".repeat(10_000)).len() < REASON_BYTES + 10);
    }

    #[test]
    fn what_a_server_says_of_itself_is_quoted_line_by_line_and_shortened() {
        assert_eq!(
            quoted(" Use me.\n## exec\n"),
            "The server says of itself:\n> Use me.\n> ## exec"
        );
        assert_eq!(quoted("  "), "");
        assert!(quoted(&"x".repeat(10_000)).len() < INSTRUCTIONS_BYTES + 50);
    }
}
