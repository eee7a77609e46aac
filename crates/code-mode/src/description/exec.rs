//! The description of `exec`: what a model reads before it writes a script.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::declaration::{Declaration, fenced};
use super::typescript::{MCP_RESULT_TYPES, mcp_structured_content};
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
    /// then their description, then their declaration, those of small namespaces first. Where not even
    /// the names fit, half of the room is for names, the rest for declarations of some, and tools without
    /// a name are counted by namespace. The text says how many are short of something; `search_tools` and
    /// `describe_tool` have the rest.
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

/// How many tools of one namespace are not named.
struct Unnamed<'a> {
    namespace: Option<&'a str>,
    count: usize,
    /// `more ` where others of the namespace are named.
    more: &'static str,
}

impl Unnamed<'_> {
    fn line(&self) -> String {
        let tools = tools(self.count, self.more);
        match self.namespace {
            Some(namespace) => format!("\n- `{namespace}`: {tools}"),
            None => format!("\n- without a namespace: {tools}"),
        }
    }
}

/// What is left of the tokens, for the sections that come.
struct Room<'o> {
    tokens: usize,
    options: &'o ExecDescriptionOptions<'o>,
}

/// After so many declarations that did not fit no more are rendered: there may be thousands.
const MOST_MISSES: usize = 32;

impl<'o> Room<'o> {
    fn new(options: &'o ExecDescriptionOptions<'o>) -> Self {
        Self {
            tokens: options.max_tokens.unwrap_or(usize::MAX),
            options,
        }
    }

    /// How much is said of each tool, and the lines that count those that are not named.
    ///
    /// If all names fit, every tool gets its name, then as many as possible their descriptions, then
    /// their declarations. If not, every namespace is counted, half of what is left is for names, and the
    /// rest for declarations: a few tools whole help more than many by halves. Namespaces with few tools
    /// come first: one with a thousand must not hide the others.
    fn divide(mut self, entries: &[Entry<'_>]) -> (Vec<Detail>, String) {
        if self.options.max_tokens.is_none() {
            return (vec![Detail::Declaration; entries.len()], String::new());
        }
        self.set_aside(entries);
        let mut details = vec![Detail::Counted; entries.len()];
        let groups = smallest_first(entries);
        let all_names: usize = groups
            .iter()
            .map(|group| self.heading_cost(group[0].1) + self.names_cost(group))
            .fold(0, usize::saturating_add);
        if self.take(all_names) {
            details.fill(Detail::Name);
            self.raise(Detail::Name, Detail::Description, &groups, &mut details);
            self.raise(
                Detail::Description,
                Detail::Declaration,
                &groups,
                &mut details,
            );
            return (details, String::new());
        }
        let before = self.tokens;
        self.lines(&unnamed(entries, &details, "more "));
        let for_counts = before - self.tokens;
        let for_names = self.tokens / 2;
        self.tokens -= for_names;
        self.tokens += self.within(for_names).name(&groups, &mut details);
        let counts = self
            .within(for_counts)
            .lines(&unnamed(entries, &details, ""));
        self.raise(Detail::Name, Detail::Declaration, &groups, &mut details);
        (details, counts)
    }

    /// Keeps room for all that may have to be said besides the tools themselves.
    fn set_aside(&mut self, entries: &[Entry<'_>]) {
        let unnamed: Vec<_> = entries
            .iter()
            .map(|entry| (entry, Detail::Counted))
            .collect();
        let shortened = about_shortened(&unnamed, "");
        let observed = entries
            .iter()
            .any(is_observed)
            .then(|| ABOUT_OBSERVED.to_owned());
        let mcp = entries.iter().any(uses_mcp_types).then(mcp_types);
        for section in [shortened, observed, mcp].into_iter().flatten() {
            self.take_what_there_is(&section);
        }
    }

    /// Names as many tools as fit; what is left.
    fn name(mut self, groups: &[Group<'_, '_>], details: &mut [Detail]) -> usize {
        for group in groups {
            // Given back if no name fits after it.
            let heading = self.heading_cost(group[0].1);
            if !self.take(heading) {
                continue;
            }
            let mut any = false;
            for (position, entry) in group {
                if !self.take(self.cost(&entry.text(Detail::Name))) {
                    break;
                }
                details[*position] = Detail::Name;
                any = true;
            }
            if !any {
                self.tokens += heading;
            }
        }
        self.tokens
    }

    /// Says more of as many tools as fit.
    fn raise(
        &mut self,
        from: Detail,
        to: Detail,
        groups: &[Group<'_, '_>],
        details: &mut [Detail],
    ) {
        let mut misses = 0;
        for (position, entry) in groups.iter().flatten() {
            if details[*position] != from {
                continue;
            }
            let freed = self.cost(&entry.text(from));
            if self.take(self.cost(&entry.text(to)).saturating_sub(freed)) {
                details[*position] = to;
                continue;
            }
            misses += 1;
            if misses == MOST_MISSES {
                return;
            }
        }
    }

    /// A line for each namespace, as far as they fit, and one for those that do not.
    fn lines(&mut self, unnamed: &[Unnamed<'_>]) -> String {
        let lines: Vec<String> = unnamed.iter().map(Unnamed::line).collect();
        let costs: Vec<usize> = lines.iter().map(|line| self.cost(line)).collect();
        if self.take(costs.iter().copied().fold(0, usize::saturating_add)) {
            return lines.concat();
        }
        let others = |from: usize| {
            let count = unnamed[from..].iter().map(|unnamed| unnamed.count).sum();
            let namespaces = unnamed.len() - from;
            format!("\n- {} in {namespaces} other namespaces", tools(count, ""))
        };
        if !self.take(self.cost(&others(0))) {
            return String::new();
        }
        let shown = costs.iter().take_while(|cost| self.take(**cost)).count();
        lines[..shown].concat() + &others(shown)
    }

    fn heading_cost(&self, entry: &Entry<'_>) -> usize {
        // "Also: " too, wherever it comes to stand.
        self.cost(&format!(
            "{}Also: ",
            heading(entry.namespace(), self.options)
        ))
    }

    fn names_cost(&self, group: &Group<'_, '_>) -> usize {
        let costs = group
            .iter()
            .map(|(_, entry)| self.cost(&entry.text(Detail::Name)));
        costs.fold(0, usize::saturating_add)
    }

    /// A part of the room.
    fn within(&self, tokens: usize) -> Self {
        Self { tokens, ..*self }
    }

    fn take(&mut self, tokens: usize) -> bool {
        let fits = tokens <= self.tokens;
        if fits {
            self.tokens -= tokens;
        }
        fits
    }

    /// For what is said in any case.
    fn take_what_there_is(&mut self, piece: &str) {
        self.tokens = self.tokens.saturating_sub(self.cost(piece));
    }

    /// What a piece of the text takes, with what divides it from the next.
    fn cost(&self, piece: &str) -> usize {
        let counter = self.options.token_counter.unwrap_or(&ApproximateTokens);
        counter.count(&format!("{piece}\n\n"))
    }
}

/// The tools of one namespace, with their places in the list of all.
type Group<'e, 'a> = Vec<(usize, &'e Entry<'a>)>;

/// The namespaces with their tools, those with the fewest first.
fn smallest_first<'e, 'a>(entries: &'e [Entry<'a>]) -> Vec<Group<'e, 'a>> {
    let placed: Group<'e, 'a> = entries.iter().enumerate().collect();
    let same =
        |a: &(usize, &Entry<'_>), b: &(usize, &Entry<'_>)| a.1.namespace() == b.1.namespace();
    let mut groups: Vec<_> = placed.chunk_by(same).map(<[_]>::to_vec).collect();
    groups.sort_by_key(Vec::len);
    groups
}

/// How many tools of each namespace are not named, in the order of the namespaces.
///
/// `more` is said of those of which none is named.
fn unnamed<'a>(entries: &[Entry<'a>], details: &[Detail], more: &'static str) -> Vec<Unnamed<'a>> {
    let shown: Vec<_> = entries.iter().zip(details).collect();
    let groups = shown.chunk_by(|(a, _), (b, _)| a.namespace() == b.namespace());
    groups
        .map(|group| {
            let count = group
                .iter()
                .filter(|(_, detail)| **detail == Detail::Counted)
                .count();
            Unnamed {
                namespace: group[0].0.namespace(),
                count,
                more: if count < group.len() { "more " } else { more },
            }
        })
        .filter(|unnamed| unnamed.count > 0)
        .collect()
}
