//! Finds the servers, inputs and settings in the tree of a file, whichever form it has.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::finding::Report;
use super::keys::nearest;
use super::syntax::{Entry, Node, Syntax, Value, find};

/// The key that holds a file's servers: what tells the forms apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// `mcpServers`: Claude Code, Claude Desktop, Cursor, Windsurf and most others.
    McpServers,
    /// `servers`: VS Code.
    Servers,
    /// `mcp_servers`: Codex.
    Codex,
}

impl Holder {
    pub(crate) const ALL: [Self; 3] = [Self::McpServers, Self::Servers, Self::Codex];

    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::McpServers => "mcpServers",
            Self::Servers => "servers",
            Self::Codex => "mcp_servers",
        }
    }
}

/// The parts of a file.
pub(super) struct Parts<'n> {
    /// The entries of all servers.
    pub servers: Vec<&'n Entry>,
    /// The inputs it defines, with the default of each.
    pub inputs: BTreeMap<String, Option<String>>,
    /// Our own extension.
    pub code_mode: Option<&'n Node>,
}

/// Takes a file apart. Nothing comes back if it has no servers and cannot be meant to have any.
pub(super) fn parts<'n>(
    root: &'n Node,
    syntax: Syntax,
    report: &mut Report<'_>,
) -> Option<Parts<'n>> {
    let Some(entries) = root.map() else {
        report.error(
            root.at,
            format!("the file holds {}, not an object", root.kind()),
            example(syntax),
        );
        return None;
    };
    let code_mode = find(entries, "codeMode").or_else(|| find(entries, "code_mode"));
    let mut servers = Vec::new();
    let mut held = false;
    // VS Code's settings.json has the same two keys inside `mcp`.
    let inside = find(entries, "mcp").and_then(Node::map);
    let inside = inside.filter(|inside| find(inside, "servers").is_some());
    for level in [Some(entries), inside].into_iter().flatten() {
        for entry in level {
            if !Holder::ALL.iter().any(|holder| holder.key() == entry.key) {
                continue;
            }
            held = true;
            match entry.node.map() {
                Some(entries) => servers.extend(entries),
                None => report.error(
                    entry.node.at,
                    format!(
                        "{} is {}; it must be an object that names servers",
                        entry.key,
                        entry.node.kind()
                    ),
                    example(syntax),
                ),
            }
        }
    }
    if !held {
        without_holder(root, entries, code_mode.is_some(), syntax, report);
    }
    misspelt_extension(entries, report);
    let mut inputs = BTreeMap::new();
    for level in [Some(entries), inside].into_iter().flatten() {
        if let Some(node) = find(level, "inputs") {
            read_inputs(node, report, &mut inputs);
        }
    }
    Some(Parts {
        servers,
        inputs,
        code_mode,
    })
}

fn example(syntax: Syntax) -> String {
    match syntax {
        Syntax::Json => {
            "write { \"mcpServers\": { \"NAME\": { \"command\": \"…\", \"args\": [] } } }"
                .to_owned()
        }
        Syntax::Toml => "write [mcp_servers.NAME] and, below it, command = \"…\"".to_owned(),
    }
}

/// Says why a file has no servers: a slip in the key, servers without the key, or none at all.
fn without_holder(
    root: &Node,
    entries: &[Entry],
    extended: bool,
    syntax: Syntax,
    report: &mut Report<'_>,
) {
    let holders = Holder::ALL.map(Holder::key);
    let slip = entries
        .iter()
        .find_map(|entry| Some((entry, nearest(&entry.key, holders)?)));
    if let Some((entry, holder)) = slip {
        report.error(
            entry.key_at,
            format!("unknown key {:?}", entry.key),
            format!("did you mean {holder}?"),
        );
        return;
    }
    let is_server = |entry: &Entry| {
        ["command", "url", "serverUrl"]
            .iter()
            .any(|key| entry.node.get(key).is_some())
    };
    if let Some(entry) = entries.iter().find(|entry| is_server(entry)) {
        report.error(
            entry.key_at,
            format!("the server {:?} stands outside of mcpServers", entry.key),
            "put the servers into { \"mcpServers\": { … } }",
        );
    } else if !extended {
        report.warning(root.at, "the file configures no servers", example(syntax));
    }
}

/// `codemode` or `code-mode` would be a policy that nobody reads.
fn misspelt_extension(entries: &[Entry], report: &mut Report<'_>) {
    for entry in entries {
        if matches!(entry.key.as_str(), "codeMode" | "code_mode") {
            continue;
        }
        if nearest(&entry.key, ["codeMode"]).is_some() {
            report.error(
                entry.key_at,
                format!("unknown key {:?}: what it says is not read", entry.key),
                "did you mean codeMode?",
            );
        }
    }
}

fn read_inputs(
    node: &Node,
    report: &mut Report<'_>,
    inputs: &mut BTreeMap<String, Option<String>>,
) {
    let Value::List(list) = &node.value else {
        report.warning(
            node.at,
            format!("inputs is {}; it must be an array", node.kind()),
            "write \"inputs\": [{ \"type\": \"promptString\", \"id\": \"…\" }]",
        );
        return;
    };
    for input in list {
        match input.get("id").and_then(Node::text) {
            Some(id) => {
                let default = input.get("default").and_then(Node::text);
                inputs.insert(id.to_owned(), default.map(str::to_owned));
            }
            None => report.warning(
                input.at,
                "an input without an id",
                "give it an id: \"id\": \"api-key\"",
            ),
        }
    }
}

/// The project that a file belongs to, if its name says so: `.mcp.json` in the project, or any file
/// in its `.vscode`, `.cursor` or `.codex`. Those folders in the home folder are no project's.
pub(crate) fn project_of(file: &Path, environment: &Environment) -> Option<PathBuf> {
    let file = environment.resolve(file);
    let folder = file.parent()?;
    if file.file_name()? == ".mcp.json" {
        return Some(folder.to_owned());
    }
    let named = [".vscode", ".cursor", ".codex"];
    if !named
        .iter()
        .any(|name| folder.file_name() == Some(name.as_ref()))
    {
        return None;
    }
    let project = folder.parent()?;
    (Some(project) != environment.home().as_deref()).then(|| project.to_owned())
}

/// Whether an entry starts code-mode's own gateway, itself or through a program that starts others.
pub(crate) fn is_gateway<'a>(command: &str, args: impl IntoIterator<Item = &'a str>) -> bool {
    const STARTERS: [&str; 7] = ["bunx", "env", "nice", "nohup", "npx", "sudo", "timeout"];
    const SHELLS: [&str; 5] = ["bash", "dash", "fish", "sh", "zsh"];
    let mut args = args.into_iter();
    let started = program_of(command);
    if STARTERS.contains(&started) {
        return args.any(|argument| program_of(argument) == "code-mode")
            && args.any(|argument| argument == "mcp");
    }
    if SHELLS.contains(&started) {
        return args.any(|argument| {
            let words: Vec<&str> = argument.split_whitespace().collect();
            let pair = |pair: &[&str]| program_of(pair[0]) == "code-mode" && pair[1] == "mcp";
            words.windows(2).any(pair)
        });
    }
    started == "code-mode" && args.any(|argument| argument == "mcp")
}

/// The name of a program without its folder. Both separators count, so that an entry of another
/// system is known too.
fn program_of(command: &str) -> &str {
    let program = command.rsplit(['/', '\\']).next().unwrap_or(command);
    program.strip_suffix(".exe").unwrap_or(program)
}
