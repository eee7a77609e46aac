//! The description of `exec`: what a model reads before it writes a script.

mod room;

use std::cell::OnceCell;
use std::collections::BTreeMap;

use self::room::{Room, Unnamed};
use super::declaration::{Declaration, fenced};
use super::typescript::{MCP_RESULT_TYPES, mcp_structured_content};
use super::{Tool, ToolSet};
use crate::response::TokenCounter;
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
    /// then their description, then their declaration, those of small namespaces first. Where not even
    /// the names fit, half of the room is for names, the rest for declarations of some, and tools without
    /// a name are counted by namespace. The text says how many are short of something; `search_tools` and
    /// `describe_tool` have the rest.
    #[must_use]
    pub fn max_tokens(mut self, tokens: usize) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// How tokens are counted for [`max_tokens`](Self::max_tokens). Default
    /// [`ApproximateTokens`](crate::ApproximateTokens). The
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
    if tools.iter().any(|tool| tool.definition.raw_results) {
        sections.push(ABOUT_RAW.to_owned());
    }
    let mut room = Room::new(options);
    for section in &sections {
        room.take_what_there_is(section);
    }
    if !deferred.is_empty() {
        sections.push(about_deferred(&deferred, &mut room));
    }
    let entries: Vec<Entry<'_>> = declared.into_iter().map(Entry::new).collect();
    sections.extend(about_tools(&entries, room));
    sections.join("\n\n")
}

/// Said once, if any tool has raw results.
const ABOUT_RAW: &str = "`await tools.name.raw(args)` gives the untouched MCP result of a tool, \
    `{ content, structuredContent?, isError? }`, and does not reject where the tool says that it failed. \
    A `ToolError` has that result as `error.result`.";

/// Said once, if a type is marked so.
const ABOUT_OBSERVED: &str = "Types after `/** observed */` were learned from earlier results, and not \
    published by the server: other results are possible.";

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
         - `search_tools(query: string, options?: {{ server?: string; limit?: number }}): object[]`: \
         the tools that do what the query says in plain words, the best first: `name`, `server`, \
         `description`, and for the first three `declaration`.\n\
         - `text(value: unknown): void`: puts out text; objects as JSON. `console.log` does so too.\n\
         - `image(value: string | object, detail?: \"auto\" | \"low\" | \"high\" | \"original\"): void`, \
         `audio(value: string | object): void`: put out a `data:` URL or an MCP content block.\n\
         - `forward_output(...results: unknown[]): void`: puts out all text, images, audio and \
         resources of tool results.\n\
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

/// Of the tools that are never declared here: how many, by namespace, and how to find them.
fn about_deferred(deferred: &[&Tool], room: &mut Room<'_>) -> String {
    let count = deferred.len();
    let are = if count == 1 { "is" } else { "are" };
    let text = format!(
        "{} can be called but {are} not declared here. Find them from a program: \
         `text(search_tools(\"send a mail\"))` ranks them by what they do, `text(describe_tool(name))` \
         says how to call one.",
        tools(count, "more "),
    );
    room.take_what_there_is(&text);
    let namespace = |tool: &&Tool| tool.definition.namespace.clone();
    let counts: Vec<_> = deferred
        .chunk_by(|a, b| namespace(a) == namespace(b))
        .map(|group| Unnamed {
            namespace: group[0].definition.namespace.as_deref(),
            count: group.len(),
            more: "",
        })
        .collect();
    match counts.as_slice() {
        [
            Unnamed {
                namespace: None, ..
            },
        ] => text,
        counts => text + &room.lines(counts),
    }
}

fn tools(count: usize, more: &str) -> String {
    match count {
        1 => format!("1 {more}tool"),
        _ => format!("{count} {more}tools"),
    }
}

/// What can be said of one tool.
struct Entry<'a> {
    tool: &'a Tool,
    /// Rendered for those tools alone whose declaration may fit.
    declaration: OnceCell<Declaration>,
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
        Self {
            tool,
            declaration: OnceCell::new(),
        }
    }

    fn namespace(&self) -> Option<&'a str> {
        self.tool.definition.namespace.as_deref()
    }

    fn declaration(&self) -> &Declaration {
        self.declaration.get_or_init(|| Declaration::new(self.tool))
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
            parts.extend(self.declaration().note());
            parts.push(fenced(&self.declaration().text(self.tool)));
        }
        parts.join("\n\n")
    }
}

/// A tool and how much is said of it.
type Shown<'e, 'a> = (&'e Entry<'a>, Detail);

/// The sections on the tools, in what room there is.
fn about_tools(entries: &[Entry<'_>], room: Room<'_>) -> Vec<String> {
    let options = room.options;
    let (details, counts) = room.divide(entries);
    let shown: Vec<Shown<'_, '_>> = entries.iter().zip(details).collect();

    let mut sections = Vec::new();
    sections.extend(about_shortened(&shown, &counts));
    let any_declared = |is: fn(&Entry<'_>) -> bool| {
        let declared =
            |(entry, detail): &Shown<'_, '_>| *detail == Detail::Declaration && is(entry);
        shown.iter().any(declared)
    };
    if any_declared(is_observed) {
        sections.push(ABOUT_OBSERVED.to_owned());
    }
    if any_declared(uses_mcp_types) {
        sections.push(mcp_types());
    }
    // Sorted by namespace already.
    for group in shown.chunk_by(|(a, _), (b, _)| a.namespace() == b.namespace()) {
        sections.extend(about_namespace(group, options));
    }
    sections
}

/// Whether its declaration uses [`MCP_RESULT_TYPES`].
fn uses_mcp_types(entry: &Entry<'_>) -> bool {
    let schema = entry.tool.definition.output_schema.as_ref();
    schema.is_some_and(|schema| mcp_structured_content(schema).is_some())
}

/// Whether its declaration has a type that was learned from results.
fn is_observed(entry: &Entry<'_>) -> bool {
    let definition = &entry.tool.definition;
    definition.observed_output && definition.output_schema.is_some()
}

fn mcp_types() -> String {
    format!(
        "What tools of MCP servers give:\n\n{}",
        fenced(MCP_RESULT_TYPES)
    )
}

/// Says how many tools are short of something, if any are, and where those are that are not named.
fn about_shortened(shown: &[Shown<'_, '_>], counts: &str) -> Option<String> {
    let below = |least: Detail| shown.iter().filter(|(_, detail)| *detail < least).count();
    let (shortened, unnamed) = (below(Detail::Declaration), below(Detail::Name));
    let all = shown.len();
    match (shortened, unnamed) {
        (0, _) => None,
        (_, 0) => Some(format!(
            "{shortened} of {all} tools are shortened here; `describe_tool(name)` has their declarations."
        )),
        _ => Some(format!(
            "{shortened} of {all} tools are shortened here, {unnamed} of them not even named: \
             `search_tools(query, {{ server }})` finds them, and `describe_tool(name)` has their \
             declarations.{counts}"
        )),
    }
}

/// A namespace's heading and its tools: first those with an entry of their own, then those with a
/// name alone. Nothing, if none is named.
fn about_namespace(group: &[Shown<'_, '_>], options: &ExecDescriptionOptions) -> Option<String> {
    let mut parts = vec![heading(group[0].0.namespace(), options)];
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
