//! The tools one cell may call, with the names scripts know them by.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde_json::value::RawValue;

use super::arguments::{InputCheck, UncheckedPart, Violations};
use super::names::{flat_name, identifier};
use super::search::Index;
use super::tool::ToolDefinition;

/// Names a nested tool never has: they are the two tools a model calls from outside.
const OUTER_TOOLS: [&str; 2] = ["exec", "wait"];

/// A tool of a [`ToolSet`]: the host's definition and the name scripts call it by.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// What the host said.
    pub definition: ToolDefinition,
    /// The identifier under `tools`; unique in its set.
    pub global_name: String,
    /// Namespace and name together, before it was made an identifier; works too, as `tools["…"]`.
    pub flat_name: String,
    check: InputCheck,
}

impl Tool {
    /// The parts of the input schema that calls are not checked against, and why: empty if calls are
    /// checked against all of it, or if there is none. Compiles the schema, unless a call has already.
    ///
    /// A part that is not checked refuses no call: the host decides about it, as it does without a
    /// schema.
    ///
    /// ```
    /// use code_mode::{ToolDefinition, ToolSet};
    /// use serde_json::json;
    ///
    /// let tools = ToolSet::new([ToolDefinition::function("find", "Finds a thing.").input_schema(
    ///     json!({ "properties": { "thing": { "$ref": "https://example.com/thing.json" } } }),
    /// )]);
    /// let unchecked = tools.get("find").unwrap().unchecked_input();
    /// assert_eq!(unchecked[0].pointer, "/properties/thing");
    /// ```
    pub fn unchecked_input(&self) -> &[UncheckedPart] {
        self.check.unchecked(self.definition.input_schema.as_ref())
    }

    /// The server the tool is of: its namespace, without the `mcp__` that such namespaces begin with.
    ///
    /// ```
    /// use code_mode::{ToolDefinition, ToolSet};
    ///
    /// let tools = ToolSet::new([ToolDefinition::function("log", "").namespace("mcp__git")]);
    /// assert_eq!(tools.get("log").unwrap().server(), Some("git"));
    /// ```
    pub fn server(&self) -> Option<&str> {
        let namespace = self.definition.namespace.as_deref()?;
        Some(server_of(namespace)).filter(|server| !server.is_empty())
    }

    /// The first line of the description.
    pub(crate) fn summary(&self) -> &str {
        let description = self.definition.description.trim();
        description.lines().next().unwrap_or("").trim_end()
    }

    /// What is wrong with the arguments of a call, by the input schema.
    pub(crate) fn violations(&self, arguments: &RawValue) -> Option<Violations> {
        let schema = self.definition.input_schema.as_ref();
        self.check.violations(schema, &self.global_name, arguments)
    }

    /// The host's name for the tool, if scripts know it by another.
    pub(super) fn original_name(&self) -> Option<&str> {
        (self.global_name != self.flat_name).then_some(self.flat_name.as_str())
    }

    /// How messages show the tool: the global name, and the host's own beside it where they differ.
    pub(crate) fn shown_name(&self) -> String {
        match self.original_name() {
            None => self.global_name.clone(),
            Some(original) => format!("{} (original name {original:?})", self.global_name),
        }
    }
}

/// The tools of a cell, named once and shared by every cell that uses them: a clone is a pointer.
///
/// Order of the definitions matters only where two of them want the same global name: the first
/// keeps it, later ones get `_2`, `_3`, … A tool whose flat name is `exec` or `wait` is left out.
///
/// ```
/// use code_mode::{ToolDefinition, ToolSet};
///
/// let tools = ToolSet::new([
///     ToolDefinition::function("read-file", "Reads a file."),
///     ToolDefinition::function("read_file", "Reads another file."),
/// ]);
/// let names: Vec<_> = tools.iter().map(|tool| tool.global_name.as_str()).collect();
/// assert_eq!(names, ["read_file", "read_file_2"]);
/// ```
#[derive(Clone)]
pub struct ToolSet {
    inner: Arc<Inner>,
    /// How names in namespaces without tools begin, the namespace, and why it has none.
    unavailable: Arc<[(String, String, String)]>,
}

struct Inner {
    tools: Vec<Arc<Tool>>,
    /// Global names, and original names where they differ, to positions in `tools`.
    by_name: HashMap<String, usize>,
    /// `ALL_TOOLS` as JSON text.
    catalogue: String,
    /// Made by the first search, of whichever cell.
    index: OnceLock<Index>,
}

/// A namespace without the prefix that the namespaces of MCP servers have.
fn server_of(namespace: &str) -> &str {
    namespace.strip_prefix("mcp__").unwrap_or(namespace)
}

/// A search among the tools of a server that has none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no server {server:?}; {}", known_servers(.servers))]
#[non_exhaustive]
pub struct UnknownServer {
    /// The server that was asked for.
    pub server: String,
    /// The servers there are, sorted.
    pub servers: Vec<String>,
}

fn known_servers(servers: &[String]) -> String {
    const SHOWN: usize = 50;
    if servers.is_empty() {
        return "no tool is of a server, so leave it out".to_owned();
    }
    let shown = servers[..servers.len().min(SHOWN)].join(", ");
    match servers.len().saturating_sub(SHOWN) {
        0 => format!("there are {shown}"),
        more => format!("there are {shown} and {more} more"),
    }
}

impl ToolSet {
    /// Names the tools, in the order given.
    pub fn new(definitions: impl IntoIterator<Item = ToolDefinition>) -> Self {
        let mut tools: Vec<Arc<Tool>> = Vec::new();
        let mut by_name = HashMap::new();
        for definition in definitions {
            let flat = flat_name(definition.namespace.as_deref(), &definition.name);
            if OUTER_TOOLS.contains(&flat.as_str()) {
                continue;
            }
            let global_name = first_free(identifier(&flat), &by_name);
            by_name.insert(global_name.clone(), tools.len());
            tools.push(Arc::new(Tool {
                definition,
                global_name,
                flat_name: flat,
                check: InputCheck::default(),
            }));
        }
        for (position, tool) in tools.iter().enumerate() {
            for original in [&tool.flat_name, &tool.definition.name] {
                by_name.entry(original.clone()).or_insert(position);
            }
        }
        let catalogue = catalogue(&tools);
        Self {
            inner: Arc::new(Inner {
                tools,
                by_name,
                catalogue,
                index: OnceLock::new(),
            }),
            unavailable: Arc::default(),
        }
    }

    /// Says of namespaces that their tools are not there at the moment, and why, so that a script that
    /// calls one is told so. Replaces what was said before.
    ///
    /// ```
    /// use code_mode::ToolSet;
    ///
    /// let tools = ToolSet::new([]).unavailable([("git", "the server is being started")]);
    /// assert!(tools.is_empty());
    /// ```
    #[must_use]
    pub fn unavailable<N, W>(mut self, namespaces: impl IntoIterator<Item = (N, W)>) -> Self
    where
        N: Into<String>,
        W: Into<String>,
    {
        let unavailable = namespaces.into_iter().map(|(namespace, why)| {
            let namespace = namespace.into();
            let beginning = identifier(&flat_name(Some(&namespace), ""));
            (beginning, namespace, why.into())
        });
        self.unavailable = unavailable.collect();
        self
    }

    /// What [`unavailable`](Self::unavailable) was told: namespaces, and why their tools are not there.
    pub fn unavailable_namespaces(&self) -> impl Iterator<Item = (&str, &str)> {
        let namespaces = self.unavailable.iter();
        namespaces.map(|(_, namespace, why)| (namespace.as_str(), why.as_str()))
    }

    /// The namespace without tools that a tool of this name would be in, and why it has none.
    pub(crate) fn why_unavailable(&self, name: &str) -> Option<(&str, &str)> {
        let beginnings = self.unavailable.iter();
        beginnings
            .filter(|(beginning, ..)| name.starts_with(beginning.as_str()))
            .max_by_key(|(beginning, ..)| beginning.len())
            .map(|(_, namespace, why)| (namespace.as_str(), why.as_str()))
    }

    /// The tools, in the order they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Tool>> {
        self.inner.tools.iter()
    }

    /// The tools by namespace, those without one first, then by global name.
    pub(super) fn sorted(&self) -> Vec<&Tool> {
        let mut tools: Vec<&Tool> = self.inner.tools.iter().map(|tool| &**tool).collect();
        tools.sort_by_key(|tool| (&tool.definition.namespace, &tool.global_name));
        tools
    }

    /// Whether both are clones of one set, whatever is said of namespaces without tools.
    #[cfg(all(unix, feature = "worker-processes"))]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// How many tools there are.
    pub fn len(&self) -> usize {
        self.inner.tools.len()
    }

    /// Whether there is no tool.
    pub fn is_empty(&self) -> bool {
        self.inner.tools.is_empty()
    }

    /// The tool with this global or original name.
    pub fn get(&self, name: &str) -> Option<&Arc<Tool>> {
        self.position(name)
            .map(|position| &self.inner.tools[position])
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.inner.by_name.get(name).copied()
    }

    pub(crate) fn at(&self, position: usize) -> Option<&Arc<Tool>> {
        self.inner.tools.get(position)
    }

    /// `ALL_TOOLS` as JSON text: `{ name, description }` by name, `original_name` where it differs.
    pub(crate) fn catalogue(&self) -> &str {
        &self.inner.catalogue
    }

    /// The tools that have something to do with a question in plain words, the best first, at most
    /// `limit`; of one server, if one is given, by its namespace with or without a leading `mcp__`.
    ///
    /// Names say most, then descriptions, then what a tool takes and gives. A tool of the very name that
    /// is asked for comes first. A question without words finds every tool, by name. The answer is the
    /// same for the same tools in any order. The first search reads the tools, a bounded part of each;
    /// a clone of the set need not do so again.
    ///
    /// # Errors
    /// When no tool is of that server; see [`UnknownServer`].
    ///
    /// ```
    /// use code_mode::{ToolDefinition, ToolSet};
    ///
    /// let tools = ToolSet::new([
    ///     ToolDefinition::function("create_directory", "Creates a directory.").namespace("mcp__files"),
    ///     ToolDefinition::function("now", "The current time in a city.").namespace("mcp__clock"),
    /// ]);
    /// let found = tools.search("make a folder", None, 10)?;
    /// assert_eq!(found[0].global_name, "mcp__files__create_directory");
    /// assert_eq!(tools.search("", Some("clock"), 10)?.len(), 1);
    /// assert!(tools.search("mail", Some("post"), 10).is_err());
    /// # Ok::<(), code_mode::UnknownServer>(())
    /// ```
    pub fn search(
        &self,
        question: &str,
        server: Option<&str>,
        limit: usize,
    ) -> Result<Vec<&Arc<Tool>>, UnknownServer> {
        if let Some(server) = server {
            self.know_server(server)?;
        }
        let tools = &self.inner.tools;
        let index = self.inner.index.get_or_init(|| Index::new(tools));
        let of_the_server = |tool: &&Arc<Tool>| {
            server.is_none_or(|server| tool.server() == Some(server_of(server)))
        };
        let named = self.get(question.trim());
        let ranked = index.ranked(question).into_iter().map(|tool| &tools[tool]);
        let others = ranked.filter(|tool| named.is_none_or(|named| !Arc::ptr_eq(named, tool)));
        Ok(named
            .into_iter()
            .chain(others)
            .filter(of_the_server)
            .take(limit)
            .collect())
    }

    fn know_server(&self, server: &str) -> Result<(), UnknownServer> {
        let servers: BTreeSet<&str> = self.iter().filter_map(|tool| tool.server()).collect();
        if servers.contains(server_of(server)) {
            return Ok(());
        }
        Err(UnknownServer {
            server: server.to_owned(),
            servers: servers.into_iter().map(str::to_owned).collect(),
        })
    }

    /// Up to three global names a person may have meant by `name`, the closest first.
    pub(crate) fn closest(&self, name: &str) -> Vec<&str> {
        closest(name, self.iter().map(|tool| tool.global_name.as_str()))
    }
}

/// Up to three of the candidates a person may have meant by `name`, the closest first.
pub(super) fn closest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    const SIMILAR_ENOUGH: f64 = 0.6;
    const SHOWN: usize = 3;
    /// In bytes. Comparing takes the product of two lengths, and scripts choose one of them.
    const LONGEST: usize = 200;
    if name.len() > LONGEST {
        return Vec::new();
    }
    let wanted = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = candidates
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (similarity(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= SIMILAR_ENOUGH)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.truncate(SHOWN);
    scored.into_iter().map(|(_, name)| name).collect()
}

/// Likeness of two names from 0 to 1; a name that contains the other is always alike enough.
fn similarity(wanted: &str, candidate: &str) -> f64 {
    let contained = !wanted.is_empty()
        && !candidate.is_empty()
        && (candidate.contains(wanted) || wanted.contains(candidate));
    let spelled = strsim::normalized_damerau_levenshtein(wanted, candidate);
    if contained { spelled.max(0.7) } else { spelled }
}

fn first_free(wanted: String, taken: &HashMap<String, usize>) -> String {
    if !taken.contains_key(&wanted) {
        return wanted;
    }
    (2..)
        .map(|number| format!("{wanted}_{number}"))
        .find(|candidate| !taken.contains_key(candidate))
        .expect("there are more numbers than tools")
}

fn catalogue(tools: &[Arc<Tool>]) -> String {
    #[derive(Serialize)]
    struct Entry<'a> {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        original_name: Option<&'a str>,
        description: &'a str,
    }

    let mut entries: Vec<Entry<'_>> = tools
        .iter()
        .map(|tool| Entry {
            name: &tool.global_name,
            original_name: tool.original_name(),
            description: &tool.definition.description,
        })
        .collect();
    entries.sort_by_key(|entry| entry.name);
    serde_json::to_string(&entries).expect("strings always serialise")
}

impl Default for ToolSet {
    fn default() -> Self {
        Self::new([])
    }
}

impl From<Vec<ToolDefinition>> for ToolSet {
    fn from(definitions: Vec<ToolDefinition>) -> Self {
        Self::new(definitions)
    }
}

impl FromIterator<ToolDefinition> for ToolSet {
    fn from_iter<I: IntoIterator<Item = ToolDefinition>>(definitions: I) -> Self {
        Self::new(definitions)
    }
}

impl std::fmt::Debug for ToolSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|tool| &tool.global_name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(definitions: Vec<ToolDefinition>) -> Vec<String> {
        ToolSet::from(definitions)
            .iter()
            .map(|tool| tool.global_name.clone())
            .collect()
    }

    #[test]
    fn colliding_names_are_numbered_in_the_order_given() {
        let tool = |name: &str| ToolDefinition::function(name, "");
        assert_eq!(
            names(vec![tool("a-b"), tool("a_b"), tool("a.b"), tool("a_b_2")]),
            ["a_b", "a_b_2", "a_b_3", "a_b_2_2"]
        );
    }

    #[test]
    fn exec_and_wait_are_never_nested_tools() {
        let tools = ToolSet::new([
            ToolDefinition::function("exec", ""),
            ToolDefinition::function("wait", ""),
            ToolDefinition::function("wait", "").namespace("queue"),
        ]);
        let names: Vec<_> = tools.iter().map(|tool| &*tool.global_name).collect();
        assert_eq!(names, ["queue__wait"]);
    }

    #[test]
    fn a_global_name_wins_over_another_tools_original_name() {
        let tools = ToolSet::new([
            ToolDefinition::function("x", "").namespace("a"),
            ToolDefinition::function("x", ""),
        ]);
        assert_eq!(tools.get("x").unwrap().global_name, "x");
        assert_eq!(tools.get("a__x").unwrap().global_name, "a__x");
    }

    #[test]
    fn closest_names_are_ranked_and_unlike_ones_left_out() {
        let tools = ToolSet::new(
            ["read_file", "read_files", "write_file", "send_mail"]
                .map(|name| ToolDefinition::function(name, "")),
        );
        assert_eq!(tools.closest("readFile")[0], "read_file");
        assert!(tools.closest("zzzz").is_empty());
    }

    #[test]
    fn the_catalogue_is_sorted_and_shows_original_names_where_they_differ() {
        let tools = ToolSet::new([
            ToolDefinition::function("z", "last"),
            ToolDefinition::function("a-b", "first"),
        ]);
        assert_eq!(
            tools.catalogue(),
            r#"[{"name":"a_b","original_name":"a-b","description":"first"},{"name":"z","description":"last"}]"#
        );
    }
}
