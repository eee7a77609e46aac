//! Which servers of a file could as well stand in ours, and what their entries would be there.

use std::path::Path;

use super::entry::{self, Read};
use super::environment::Environment;
use super::file::{self, Holder};
use super::finding::{Report, Severity};
use super::keys::{Meaning, meaning};
use super::syntax::{self, Entry, Node, Syntax, SyntaxError, Value};
use super::variables::{self, Scope};

/// The servers of a file but our own gateway.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Those that work behind us as they do before.
    pub movable: Vec<Movable>,
    /// Those that would not, and why.
    pub staying: Vec<(String, String)>,
    /// The definitions of inputs that the movable ones need.
    pub inputs: Vec<Node>,
}

/// A server that can be moved.
#[derive(Debug)]
pub(crate) struct Movable {
    pub name: String,
    /// Its entry as it is written.
    pub entry: Node,
    /// What has to be written otherwise, so that it means the same in a file elsewhere.
    pub edits: Vec<Edit>,
    /// The folder it starts in, if that went without saying and has to be said.
    pub cwd: Option<String>,
}

/// A text in place of another.
#[derive(Debug)]
pub(crate) struct Edit {
    pub at: usize,
    pub end: usize,
    pub text: String,
}

/// Looks at the servers of a file as [`Configuration::load`](super::Configuration::load) would.
///
/// Only those under the client's own key, `holder`: nobody else reads others.
pub(crate) fn survey(
    path: &Path,
    text: &str,
    holder: Holder,
    environment: &Environment,
) -> Result<Survey, SyntaxError> {
    let syntax = Syntax::of(path, text);
    let mut survey = Survey::default();
    let Some(root) = syntax::parse(text, syntax)? else {
        return Ok(survey);
    };
    let Some(parts) = file::parts(&root, syntax, &mut Report::new(path, text)) else {
        return Ok(survey);
    };
    let scope = Scope::of(path, environment, parts.inputs);
    let servers = root.get(holder.key()).and_then(Node::map);
    let servers = servers.unwrap_or_default();
    for entry in servers {
        let mut report = Report::new(path, text);
        let read = entry::read(entry, &scope, &mut report);
        if matches!(read, Read::Gateway) {
            continue;
        }
        let same_name = servers.iter().filter(|other| other.key == entry.key);
        let why = match read {
            _ if same_name.count() > 1 => Some("its name is given twice".to_owned()),
            Read::LeftOut => report
                .into_findings()
                .into_iter()
                .find(|finding| finding.severity == Severity::Error)
                // Where it stays is said by whoever reads this.
                .map(
                    |finding| match finding.message.split_once("; the server ") {
                        Some((why, _)) => why.to_owned(),
                        None => finding.message,
                    },
                ),
            _ => lost(entry),
        };
        match why {
            Some(why) => survey.staying.push((entry.key.clone(), why)),
            None => {
                let mut movable = Movable {
                    name: entry.key.clone(),
                    entry: entry.node.clone(),
                    edits: Vec::new(),
                    cwd: None,
                };
                if let Some(project) = &scope.project {
                    elsewhere(&mut movable, project);
                }
                survey.movable.push(movable);
            }
        }
    }
    survey.inputs = needed_inputs(&root, &survey.movable);
    Ok(survey)
}

/// What a server would lose behind us, if anything.
fn lost(entry: &Entry) -> Option<String> {
    entry.node.map()?.iter().find_map(|entry| {
        let off = matches!(entry.node.value, Value::Null | Value::Bool(false));
        match meaning(&entry.key)? {
            Meaning::Lost { why, .. } if !off => {
                Some(format!("{} is not honoured: {why}", entry.key))
            }
            _ => None,
        }
    })
}

/// Notes what must be written otherwise in a file that is not the project's: its folder.
fn elsewhere(server: &mut Movable, project: &Path) {
    let Some(entries) = server.entry.map() else {
        return;
    };
    let cwd = entries.iter().find(|entry| entry.key == "cwd");
    let folder = cwd.and_then(|entry| entry.node.text());
    let folder = match folder.map(|folder| in_project(folder, project)) {
        Some(folder) => project.join(folder),
        None => project.to_owned(),
    };
    let mut edits = Vec::new();
    for entry in entries {
        let start = match entry.key.as_str() {
            "command" => Some(folder.as_path()),
            "cwd" | "envFile" => Some(project),
            _ => None,
        };
        let Some(text) = entry.node.text() else {
            named(&entry.node, project, &mut edits);
            continue;
        };
        let mut moved = in_project(text, project);
        // A command without a slash is looked for on the PATH.
        let is_path = entry.key != "command" || moved.contains('/');
        if let Some(start) = start
            && is_path
            && !moved.starts_with(['/', '$', '~'])
        {
            moved = start.join(&moved).display().to_string();
        }
        edits.extend(Edit::of(&entry.node, text, moved));
    }
    let starts = entries.iter().any(|entry| entry.key == "command");
    server.cwd = (starts && cwd.is_none()).then(|| project.display().to_string());
    server.edits = edits;
}

/// Notes the texts inside a value that name the project.
fn named(node: &Node, project: &Path, edits: &mut Vec<Edit>) {
    match &node.value {
        Value::Text(text) => edits.extend(Edit::of(node, text, in_project(text, project))),
        Value::List(nodes) => nodes.iter().for_each(|node| named(node, project, edits)),
        Value::Map(entries) => entries
            .iter()
            .for_each(|entry| named(&entry.node, project, edits)),
        _ => {}
    }
}

fn in_project(text: &str, project: &Path) -> String {
    let name = project.file_name().unwrap_or_default().to_string_lossy();
    text.replace("${workspaceFolder}", &project.display().to_string())
        .replace("${workspaceRoot}", &project.display().to_string())
        .replace("${workspaceFolderBasename}", &name)
}

impl Edit {
    fn of(node: &Node, before: &str, after: String) -> Option<Self> {
        (before != after).then_some(Self {
            at: node.at,
            end: node.end,
            text: after,
        })
    }
}

/// The variables that a configuration needs, each once, in its order: those that a client would have
/// to pass on to whoever reads it. The usual ones, such as `HOME`, are passed on anyway.
pub(crate) fn variables(path: &Path, text: &str) -> Vec<String> {
    let mut names = Vec::new();
    if let Ok(Some(root)) = syntax::parse(text, Syntax::of(path, text)) {
        for holder in Holder::ALL {
            if let Some(servers) = root.get(holder.key()) {
                gather_variables(servers, "", &mut names);
            }
        }
    }
    let mut once = Vec::new();
    for name in names {
        let needed = variables::is_name(&name)
            && !variables::is_public(&name)
            && !variables::is_editors(&name);
        if needed && !once.contains(&name) {
            once.push(name);
        }
    }
    once
}

fn gather_variables(node: &Node, key: &str, names: &mut Vec<String>) {
    match &node.value {
        Value::Text(text) if matches!(key, "bearer_token_env_var" | "env_vars") => {
            names.push(text.clone());
        }
        Value::Text(text) => {
            for form in text.split("${").skip(1) {
                let form = form.split('}').next().unwrap_or_default();
                let form = form.strip_prefix("env:").unwrap_or(form);
                names.push(match form.strip_prefix("input:") {
                    Some(id) => variables::input_variable(id),
                    None => form.split(":-").next().unwrap_or_default().to_owned(),
                });
            }
        }
        Value::List(nodes) => {
            for node in nodes {
                gather_variables(node, key, names);
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                match (key, entry.node.text()) {
                    // Here the values are names.
                    ("env_http_headers", Some(name)) => names.push(name.to_owned()),
                    ("env_vars", name) if entry.key == "name" => {
                        names.extend(name.map(str::to_owned));
                    }
                    _ => gather_variables(&entry.node, &entry.key, names),
                }
            }
        }
        _ => {}
    }
}

fn needed_inputs(root: &Node, movable: &[Movable]) -> Vec<Node> {
    let inputs = root
        .get("inputs")
        .or_else(|| root.get("mcp").and_then(|mcp| mcp.get("inputs")));
    let Some(Value::List(inputs)) = inputs.map(|node| &node.value) else {
        return Vec::new();
    };
    let needed = |input: &&Node| {
        let id = input.get("id").and_then(Node::text).unwrap_or_default();
        let form = format!("${{input:{id}}}");
        movable.iter().any(|server| mentions(&server.entry, &form))
    };
    inputs.iter().filter(needed).cloned().collect()
}

fn mentions(node: &Node, form: &str) -> bool {
    match &node.value {
        Value::Text(text) => text.contains(form),
        Value::List(nodes) => nodes.iter().any(|node| mentions(node, form)),
        Value::Map(entries) => entries.iter().any(|entry| mentions(&entry.node, form)),
        _ => false,
    }
}
