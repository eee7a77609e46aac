//! Changes to JSON with comments: what is not changed keeps its comments, order and layout.

use std::path::Path;

use jsonc_parser::cst::{CstInputValue, CstNode, CstObject, CstRootNode};

use crate::config::Holder;
use crate::config::moving::{Movable, Survey};
use crate::config::syntax::{self, Node, Syntax, Value, json_options};

use super::InstallError;
use super::places::Setting;
use super::plan::{Gateway, Present, broken};

/// A client's file.
pub(super) struct JsonText {
    /// A byte order mark, which the parser does not take.
    mark: &'static str,
    root: CstRootNode,
    servers: CstObject,
}

impl JsonText {
    pub(super) fn parse(file: &Path, text: &str, holder: Holder) -> Result<Self, InstallError> {
        let (mark, text) = match text.strip_prefix('\u{feff}') {
            Some(rest) => ("\u{feff}", rest),
            None => ("", text),
        };
        // First with the reader of configurations, whose words are better.
        let tree = syntax::parse(text, Syntax::Json)
            .map_err(|error| broken(file, text, error.at, error.message))?;
        if let Some(tree) = &tree {
            check_shape(file, text, tree, holder)?;
        }
        let text = if text.trim().is_empty() { "{}\n" } else { text };
        let refused = || broken(file, text, 0, "the file holds no object".to_owned());
        let root = CstRootNode::parse(text, &json_options()).map_err(|_| refused())?;
        let object = root.object_value_or_create().ok_or_else(refused)?;
        if object.get(holder.key()).is_none() {
            object.ensure_multiline();
        }
        let servers = object
            .object_value_or_create(holder.key())
            .ok_or_else(refused)?;
        Ok(Self {
            mark,
            root,
            servers,
        })
    }

    pub(super) fn present(&self) -> Vec<Present> {
        let properties = self.servers.properties().into_iter();
        properties
            .filter_map(|property| {
                let entry = property.object_value();
                let get = |key: &str| entry.as_ref()?.get(key)?.value();
                let args = get("args").and_then(|args| args.as_array());
                let args: Vec<String> = args
                    .map(|args| args.elements().iter().filter_map(text_of).collect())
                    .unwrap_or_default();
                let command = get("command").as_ref().and_then(text_of);
                Some(Present::new(
                    property.decoded_name()?,
                    command.as_deref(),
                    &args,
                ))
            })
            .collect()
    }

    pub(super) fn remove(&mut self, name: &str) {
        if let Some(property) = property(&self.servers, name) {
            property.remove();
        }
    }

    pub(super) fn set_gateway(&mut self, gateway: &Gateway<'_>) {
        let text = |text: &str| CstInputValue::String(text.to_owned());
        let present = property(&self.servers, &gateway.name).and_then(|p| p.object_value());
        let Some(entry) = present else {
            let mut args = vec![text("mcp")];
            if let Some(config) = &gateway.config {
                args.extend([text("--config"), text(config)]);
            }
            let command = gateway.command.unwrap_or(gateway.default_command);
            let mut entry = vec![
                ("type".to_owned(), text("stdio")),
                ("command".to_owned(), text(command)),
                ("args".to_owned(), CstInputValue::Array(args)),
            ];
            for (key, setting) in gateway.settings {
                entry.push(((*key).to_owned(), value_of(*setting)));
            }
            self.servers.ensure_multiline();
            self.servers
                .append(&gateway.name, CstInputValue::Object(entry));
            return;
        };
        if let (Some(command), Some(property)) = (gateway.command, entry.get("command"))
            && property.value().as_ref().and_then(text_of).as_deref() != Some(command)
        {
            property.set_value(text(command));
        }
        if let (Some(config), Some(args)) = (&gateway.config, entry.array_value("args")) {
            let named = args
                .elements()
                .iter()
                .filter_map(text_of)
                .any(|a| a == *config);
            if !named {
                args.append(text("--config"));
                args.append(text(config));
            }
        }
        for (key, setting) in gateway.settings {
            if entry.get(key).is_none() {
                entry.append(key, value_of(*setting));
            }
        }
    }

    pub(super) fn into_text(self) -> String {
        format!("{}{}", self.mark, self.root)
    }
}

/// Refuses what a change could not be made in, or would be made in the wrong place.
fn check_shape(file: &Path, text: &str, tree: &Node, holder: Holder) -> Result<(), InstallError> {
    let Some(entries) = tree.map() else {
        let message = format!("the file holds {}, not an object", tree.kind());
        return Err(broken(file, text, tree.at, message));
    };
    let key = holder.key();
    let mut holders = entries.iter().filter(|entry| entry.key == key);
    if let Some(first) = holders.next()
        && first.node.map().is_none()
    {
        let message = format!("{key} is {}, not an object", first.node.kind());
        return Err(broken(file, text, first.node.at, message));
    }
    match holders.next() {
        Some(second) => {
            let message = format!("{key} is given twice");
            Err(broken(file, text, second.key_at, message))
        }
        None => Ok(()),
    }
}

fn value_of(setting: Setting) -> CstInputValue {
    match setting {
        Setting::Number(number) => CstInputValue::Number(number.to_string()),
        Setting::Yes => CstInputValue::Bool(true),
    }
}

fn text_of(node: &CstNode) -> Option<String> {
    node.as_string_lit()?.decoded_value().ok()
}

/// The property of this name, however it is escaped.
fn property(object: &CstObject, name: &str) -> Option<jsonc_parser::cst::CstObjectProp> {
    object
        .properties()
        .into_iter()
        .find(|property| property.decoded_name().as_deref() == Some(name))
}

/// Our own configuration with the movable servers of a client's file in it.
///
/// An entry of JSON keeps its comments and layout; one of TOML becomes JSON. What is there already,
/// word for word or in another order, is not added again.
pub(super) fn with_servers(
    file: &Path,
    text: &str,
    client_text: &str,
    survey: &Survey,
) -> Result<String, InstallError> {
    let tree = syntax::parse(text, Syntax::Json)
        .map_err(|error| broken(file, text, error.at, error.message))?;
    let holder = match &tree {
        // Whoever wrote it in VS Code's form gets it back in that form.
        Some(tree) if tree.get("mcpServers").is_none() && tree.get("servers").is_some() => {
            Holder::Servers
        }
        _ => Holder::McpServers,
    };
    let ours = JsonText::parse(file, text, holder)?;
    let clash = |what, name: &str| InstallError::Clash {
        file: file.to_owned(),
        what,
        name: name.to_owned(),
    };
    // Under whichever key: we read them all.
    let present = |name: &str| {
        let holders = Holder::ALL.iter();
        holders
            .filter_map(|holder| tree.as_ref()?.get(holder.key()))
            .find_map(|servers| servers.get(name))
    };
    let client_is_json = Syntax::of(Path::new(""), client_text) == Syntax::Json;
    // An entry is put in as a text that stands for it, and the entry in its place at the end: the
    // parser takes values, and those have no comments.
    let mut mark = "stand-in".to_owned();
    while text.contains(&mark) || client_text.contains(&mark) {
        mark.push('+');
    }
    let mut stand_ins = Vec::new();
    for server in &survey.movable {
        let mut value = plain(&server.entry, &server.edits);
        if let (Some(cwd), Some(entry)) = (&server.cwd, value.as_object_mut()) {
            entry.insert("cwd".to_owned(), cwd.as_str().into());
        }
        match present(&server.name) {
            Some(there) if plain(there, &[]) == value => continue,
            Some(_) => return Err(clash("server", &server.name)),
            None => {}
        }
        ours.servers.ensure_multiline();
        match client_is_json {
            true => {
                let stand_in = format!("{mark} {}", stand_ins.len());
                ours.servers
                    .append(&server.name, CstInputValue::String(stand_in.clone()));
                stand_ins.push((stand_in, as_written(server, client_text)));
            }
            false => {
                ours.servers.append(&server.name, input(&value));
            }
        }
    }
    let known = tree.as_ref().and_then(|tree| tree.get("inputs"));
    for definition in &survey.inputs {
        let id = definition
            .get("id")
            .and_then(Node::text)
            .unwrap_or_default();
        let value = plain(definition, &[]);
        let there = match known.map(|known| &known.value) {
            Some(Value::List(known)) => known
                .iter()
                .find(|input| input.get("id").and_then(Node::text) == Some(id)),
            _ => None,
        };
        match there {
            Some(there) if plain(there, &[]) == value => {}
            Some(_) => return Err(clash("input", id)),
            None => {
                let object = ours.root.object_value_or_set();
                let Some(inputs) = object.array_value_or_create("inputs") else {
                    let message = "inputs is not an array".to_owned();
                    return Err(broken(file, text, 0, message));
                };
                inputs.ensure_multiline();
                inputs.append(input(&value));
            }
        }
    }
    let mut after = ours.into_text();
    for (stand_in, entry) in stand_ins {
        let quoted = serde_json::Value::String(stand_in).to_string();
        if let Some((before, behind)) = after.split_once(&quoted) {
            let line = before.rsplit('\n').next().unwrap_or_default();
            let indent = &line[..line.len() - line.trim_start().len()];
            // Line breaks as the rest of the file has them.
            let end = if before.contains("\r\n") {
                "\r\n"
            } else {
                "\n"
            };
            let entry = entry.replace('\n', &format!("{end}{indent}"));
            after = format!("{before}{entry}{behind}");
        }
    }
    Ok(after)
}

/// An entry as it is written, with what has to be written otherwise, and without the indentation
/// that its lines have in common with the first. The indentation inside is two blanks a level.
fn as_written(server: &Movable, text: &str) -> String {
    let mut entry = String::new();
    let mut from = server.entry.at;
    let first = server.entry.map().and_then(|entries| entries.first());
    if let (Some(cwd), Some(first)) = (&server.cwd, first) {
        // With what stands before the first key, a line break perhaps, before the next one too.
        let space = &text[from + 1..first.key_at];
        let space = if space.trim().is_empty() { space } else { " " };
        let cwd = serde_json::Value::String(cwd.clone());
        entry.push_str(&text[from..first.key_at]);
        entry.push_str(&format!("\"cwd\": {cwd},{space}"));
        from = first.key_at;
    }
    for edit in &server.edits {
        entry.push_str(&text[from..edit.at]);
        entry.push_str(&serde_json::Value::String(edit.text.clone()).to_string());
        from = edit.end;
    }
    entry.push_str(&text[from..server.entry.end]);
    let line = text[..server.entry.at]
        .rsplit('\n')
        .next()
        .unwrap_or_default();
    let indent = &line[..line.len() - line.trim_start().len()];
    let entry = entry.replace("\r\n", "\n");
    let leading = |line: &str| line.len() - line.trim_start().len();
    let mut lines = entry.split('\n');
    let mut written = lines.next().unwrap_or_default().to_owned();
    let lines: Vec<&str> = lines
        .map(|line| line.strip_prefix(indent).unwrap_or(line.trim_start()))
        .collect();
    // Their unit of indentation becomes ours, two blanks.
    let unit = lines.first().map_or("", |line| &line[..leading(line)]);
    for line in lines {
        let (mut levels, mut rest) = (0, line);
        while let Some(inner) = rest.strip_prefix(unit).filter(|_| !unit.is_empty()) {
            (levels, rest) = (levels + 1, inner);
        }
        written.push('\n');
        written.push_str(&"  ".repeat(levels));
        written.push_str(rest);
    }
    written
}

/// A value without its places, and with the edits made.
fn plain(node: &Node, edits: &[crate::config::moving::Edit]) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => {
            // TOML's numbers may have signs and underscores that JSON's do not.
            let number = number.replace('_', "");
            let number = number.trim_start_matches('+');
            serde_json::from_str(number).unwrap_or_else(|_| number.into())
        }
        Value::Text(text) => {
            let edit = edits.iter().find(|edit| edit.at == node.at);
            edit.map_or(text, |edit| &edit.text).as_str().into()
        }
        Value::List(nodes) => nodes.iter().map(|node| plain(node, edits)).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), plain(&entry.node, edits)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

fn input(value: &serde_json::Value) -> CstInputValue {
    match value {
        serde_json::Value::Null => CstInputValue::Null,
        serde_json::Value::Bool(value) => CstInputValue::Bool(*value),
        serde_json::Value::Number(number) => CstInputValue::Number(number.to_string()),
        serde_json::Value::String(text) => CstInputValue::String(text.clone()),
        serde_json::Value::Array(values) => {
            CstInputValue::Array(values.iter().map(input).collect())
        }
        serde_json::Value::Object(entries) => CstInputValue::Object(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), input(value)))
                .collect(),
        ),
    }
}
