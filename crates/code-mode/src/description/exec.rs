//! The description of `exec`: what a model reads before it writes a script.

use std::collections::BTreeMap;

use super::declaration::{Declaration, fenced};
use super::typescript::MCP_RESULT_TYPES;
use super::{Tool, ToolSet};
use crate::response::{ApproximateTokens, TokenCounter};
use crate::service::{DEFAULT_EXEC_YIELD_TIME_MS, DEFAULT_MAX_OUTPUT_TOKENS_PER_EXEC_CALL};

/// What [`build_exec_tool_description`] says besides the tools.
///
/// ```
/// use code_mode::ExecDescriptionOptions;
///
/// let options = ExecDescriptionOptions::default()
///     .namespace("git", "Works on this checkout.")
///     .max_tokens(4_000);
/// ```
#[derive(Default)]
pub struct ExecDescriptionOptions<'a> {
    namespaces: BTreeMap<String, String>,
    yield_time_ms: Option<u64>,
    max_output_tokens: Option<usize>,
    max_tokens: Option<usize>,
    token_counter: Option<&'a dyn TokenCounter>,
}

impl<'a> ExecDescriptionOptions<'a> {
    /// What is said under a namespace's heading. Default nothing.
    #[must_use]
    pub fn namespace(mut self, name: impl Into<String>, description: impl Into<String>) -> Self {
        self.namespaces.insert(name.into(), description.into());
        self
    }

    /// The yield time of an `exec` that asks for none, in milliseconds, if it is not
    /// [`DEFAULT_EXEC_YIELD_TIME_MS`].
    #[must_use]
    pub fn yield_time_ms(mut self, milliseconds: u64) -> Self {
        self.yield_time_ms = Some(milliseconds);
        self
    }

    /// The output shown of an `exec` that asks for nothing else, in tokens, if it is not
    /// [`DEFAULT_MAX_OUTPUT_TOKENS_PER_EXEC_CALL`].
    #[must_use]
    pub fn max_output_tokens(mut self, tokens: usize) -> Self {
        self.max_output_tokens = Some(tokens);
        self
    }

    /// The most the description may take, in tokens. Default: no bound.
    ///
    /// The text about scripts themselves is never cut. In what is left, tools get their name first,
    /// then their description, then their declaration; the text says how many are short of something,
    /// and `ALL_TOOLS` and `describe_tool` have the rest.
    #[must_use]
    pub fn max_tokens(mut self, tokens: usize) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// How tokens are counted for [`max_tokens`](Self::max_tokens). Default [`ApproximateTokens`]. The
    /// description is counted in pieces: with a counter whose pieces together come to less than their
    /// sum, it stays under its budget.
    #[must_use]
    pub fn token_counter(mut self, counter: &'a dyn TokenCounter) -> Self {
        self.token_counter = Some(counter);
        self
    }
}

/// What a host shows its model as the description of `exec`.
///
/// The same tools in any order give the same text byte for byte, so that it can be cached, as long as
/// they get the same global names (tools whose names collide are numbered in the order given).
///
/// ```
/// use code_mode::{ExecDescriptionOptions, ToolDefinition, ToolSet, build_exec_tool_description};
///
/// let tools = ToolSet::new([ToolDefinition::freeform("shell", "Runs a command.")]);
/// let text = build_exec_tool_description(&tools, &ExecDescriptionOptions::default());
/// assert!(text.contains("declare const tools: { shell(input: string): Promise<unknown>; };"));
/// ```
pub fn build_exec_tool_description(tools: &ToolSet, options: &ExecDescriptionOptions) -> String {
    let (deferred, declared): (Vec<_>, Vec<_>) = tools
        .sorted()
        .into_iter()
        .partition(|tool| tool.definition.deferred);
    let mut sections = vec![about_scripts(options)];
    if !deferred.is_empty() {
        sections.push(about_deferred(deferred.len()));
    }
    let entries: Vec<Entry<'_>> = declared.into_iter().map(Entry::new).collect();
    sections.extend(about_tools(&entries, &sections, options));
    sections.join("\n\n")
}

fn about_scripts(options: &ExecDescriptionOptions) -> String {
    let yield_time_ms = options.yield_time_ms.unwrap_or(DEFAULT_EXEC_YIELD_TIME_MS);
    let max_output_tokens = options
        .max_output_tokens
        .unwrap_or(DEFAULT_MAX_OUTPUT_TOKENS_PER_EXEC_CALL);
    format!(
        "Runs one JavaScript program that calls tools, and answers with what it puts out. Use it \
         instead of calling tools one by one: loop, filter and combine their results in the program, \
         and put out only what you need to read.\n\
         \n\
         Send the source text itself: no JSON around it. It is one ES module with top-level `await`, \
         run in a fresh V8 isolate; TypeScript types are allowed. There is no file system, network, \
         `process`, `require` or `fetch`: everything outside is reached through `tools`.\n\
         \n\
         - `await tools.name(args)`: calls a tool. Start independent calls together, with \
         `await Promise.all([…])`. A failed call rejects with a `ToolError`. A second argument \
         `{{ signal }}` takes an `AbortSignal`.\n\
         - `ALL_TOOLS: {{ name: string; description: string }}[]`: every tool. \
         `describe_tool(name: string): string`: one tool with its declaration.\n\
         - `text(value: unknown): void`: puts out text; objects as JSON. `console.log` does so too.\n\
         - `image(value: string | object, detail?: \"auto\" | \"low\" | \"high\" | \"original\"): void`, \
         `audio(value: string | object): void`: put out a `data:` URL or an MCP content block.\n\
         - `forward_output(...results: unknown[]): void`: puts out all text, images and audio of tool \
         results.\n\
         - `store(key: string, value: unknown): void`, `load(key: string): any`: JSON values that later \
         programs of the session find again.\n\
         - `load_output(handle: string, options?: {{ start?: number; end?: number; grep?: string | RegExp }}): string`: \
         reads output that was cut from an earlier answer.\n\
         - `notify(value: unknown): void`: tells the user something at once.\n\
         - `yield_control(): void`: answers with the output so far, while the program goes on.\n\
         - `exit(): never`: ends the program successfully.\n\
         - Timers, `structuredClone`, `TextEncoder`, `URL`, `AbortController`, `crypto.randomUUID` and \
         their like work as in browsers.\n\
         \n\
         A program that is not done after {yield_time_ms} ms goes on, and the answer names a cell ID for \
         `wait`. Output over {max_output_tokens} tokens is cut in the middle. To choose other numbers, \
         make this the first line, with one or both keys:\n\
         `// @exec: {{\"yield_time_ms\": {yield_time_ms}, \"max_output_tokens\": {max_output_tokens}}}`"
    )
}

fn about_deferred(count: usize) -> String {
    let (tools, are) = match count {
        1 => ("1 more tool", "is"),
        _ => (&*format!("{count} more tools"), "are"),
    };
    format!(
        "{tools} can be called but {are} not declared here. Find them from a program: \
         `text(ALL_TOOLS.filter((tool) => /mail/i.test(tool.name + tool.description)))`, then \
         `text(describe_tool(name))` for how to call one."
    )
}

/// What can be said of one tool.
struct Entry<'a> {
    tool: &'a Tool,
    declaration: Declaration,
}

/// How much is said of one tool.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Detail {
    /// Nothing: not even the names fit.
    Counted,
    Name,
    Description,
    Declaration,
}

impl<'a> Entry<'a> {
    fn new(tool: &'a Tool) -> Self {
        let declaration = Declaration::new(tool);
        Self { tool, declaration }
    }

    /// The part of the text that is this tool's, in so much detail.
    fn text(&self, detail: Detail) -> String {
        let name = &self.tool.global_name;
        match detail {
            Detail::Counted => return String::new(),
            Detail::Name => return format!("`{name}`"),
            Detail::Description | Detail::Declaration => {}
        }
        let mut parts = vec![match self.tool.original_name() {
            None => format!("### `{name}`"),
            Some(original) => format!("### `{name}` (original name {original:?})"),
        }];
        let description = self.tool.definition.description.trim();
        if !description.is_empty() {
            parts.push(description.to_owned());
        }
        if detail == Detail::Declaration {
            parts.extend(self.declaration.note());
            parts.push(fenced(&self.declaration.text(self.tool)));
        }
        parts.join("\n\n")
    }
}

/// The sections on the tools, after the sections `before`.
fn about_tools(
    entries: &[Entry<'_>],
    before: &[String],
    options: &ExecDescriptionOptions,
) -> Vec<String> {
    let details = match options.max_tokens {
        None => vec![Detail::Declaration; entries.len()],
        Some(max_tokens) => Room::new(max_tokens, before, entries, options).divide(entries),
    };
    let shown: Vec<(&Entry<'_>, Detail)> = entries.iter().zip(details).collect();

    let mut sections = Vec::new();
    sections.extend(about_shortened(&shown));
    let uses_mcp_types = shown
        .iter()
        .any(|(entry, detail)| *detail == Detail::Declaration && entry.declaration.uses_mcp_types);
    if uses_mcp_types {
        sections.push(mcp_types());
    }
    // Sorted by namespace already.
    for group in shown.chunk_by(|(a, _), (b, _)| namespace(a) == namespace(b)) {
        sections.extend(about_namespace(group, options));
    }
    sections
}

fn namespace<'a>(entry: &Entry<'a>) -> Option<&'a str> {
    entry.tool.definition.namespace.as_deref()
}

fn mcp_types() -> String {
    format!(
        "What tools of MCP servers give:\n\n{}",
        fenced(MCP_RESULT_TYPES)
    )
}

/// Says how many tools are short of something, if any are.
fn about_shortened(shown: &[(&Entry<'_>, Detail)]) -> Option<String> {
    let shortened = shown
        .iter()
        .filter(|(_, detail)| *detail < Detail::Declaration);
    let unnamed = shown
        .iter()
        .filter(|(_, detail)| *detail == Detail::Counted);
    let (shortened, unnamed) = (shortened.count(), unnamed.count());
    let all = shown.len();
    match (shortened, unnamed) {
        (0, _) => None,
        (_, 0) => Some(format!(
            "{shortened} of {all} tools are shortened here; `describe_tool(name)` has their declarations."
        )),
        _ => Some(format!(
            "{shortened} of {all} tools are shortened here, {unnamed} of them not even named: `ALL_TOOLS` \
             lists them, and `describe_tool(name)` has their declarations."
        )),
    }
}

/// A namespace's heading and its tools: first those with an entry of their own, then those with a
/// name alone. Nothing, if none is named.
fn about_namespace(
    group: &[(&Entry<'_>, Detail)],
    options: &ExecDescriptionOptions,
) -> Option<String> {
    let mut parts = vec![heading(namespace(group[0].0), options)];
    let described = group.iter().filter(|(_, detail)| *detail > Detail::Name);
    parts.extend(described.map(|(entry, detail)| entry.text(*detail)));
    let names: Vec<String> = group
        .iter()
        .filter(|(_, detail)| *detail == Detail::Name)
        .map(|(entry, detail)| entry.text(*detail))
        .collect();
    if !names.is_empty() {
        let also = if parts.len() > 1 { "Also: " } else { "" };
        parts.push(format!("{also}{}", names.join(", ")));
    }
    (parts.len() > 1).then(|| parts.join("\n\n"))
}

fn heading(namespace: Option<&str>, options: &ExecDescriptionOptions) -> String {
    let Some(namespace) = namespace else {
        return "## Tools".to_owned();
    };
    match options.namespaces.get(namespace).map(|text| text.trim()) {
        None | Some("") => format!("## {namespace}"),
        Some(description) => format!("## {namespace}\n\n{description}"),
    }
}

/// The tokens that are left for tools.
struct Room<'o> {
    tokens: usize,
    options: &'o ExecDescriptionOptions<'o>,
}

impl<'o> Room<'o> {
    /// What `before`, and all that may have to be said besides the tools themselves, leave.
    fn new(
        max_tokens: usize,
        before: &[String],
        entries: &[Entry<'_>],
        options: &'o ExecDescriptionOptions<'o>,
    ) -> Self {
        let mut room = Self {
            tokens: max_tokens,
            options,
        };
        let all_unnamed: Vec<_> = entries
            .iter()
            .map(|entry| (entry, Detail::Counted))
            .collect();
        let fixed = before.iter().cloned().chain(about_shortened(&all_unnamed));
        let mcp = entries
            .iter()
            .any(|entry| entry.declaration.uses_mcp_types)
            .then(mcp_types);
        for section in fixed.chain(mcp) {
            room.tokens = room.tokens.saturating_sub(room.cost(&section));
        }
        room
    }

    /// Gives every tool its name, then as many as possible more, in the order they are listed in.
    fn divide(mut self, entries: &[Entry<'_>]) -> Vec<Detail> {
        let mut details = vec![Detail::Counted; entries.len()];
        let mut last_heading = None;
        for (entry, detail) in entries.iter().zip(&mut details) {
            let namespace = namespace(entry);
            let mut extra = self.cost(&entry.text(Detail::Name));
            if last_heading != Some(namespace) {
                // "Also: " too, wherever it comes to stand.
                extra += self.cost(&format!("{}Also: ", heading(namespace, self.options)));
            }
            if self.take(extra) {
                *detail = Detail::Name;
                last_heading = Some(namespace);
            }
        }
        for (from, to) in [
            (Detail::Name, Detail::Description),
            (Detail::Description, Detail::Declaration),
        ] {
            for (entry, detail) in entries.iter().zip(&mut details) {
                if *detail != from {
                    continue;
                }
                let freed = self.cost(&entry.text(from));
                let extra = self.cost(&entry.text(to)).saturating_sub(freed);
                if self.take(extra) {
                    *detail = to;
                }
            }
        }
        details
    }

    fn take(&mut self, tokens: usize) -> bool {
        let fits = tokens <= self.tokens;
        if fits {
            self.tokens -= tokens;
        }
        fits
    }

    /// What a piece of the text takes, with what divides it from the next.
    fn cost(&self, piece: &str) -> usize {
        let counter = self.options.token_counter.unwrap_or(&ApproximateTokens);
        counter.count(&format!("{piece}\n\n"))
    }
}
