//! Changes to TOML: what is not changed keeps its comments, order and layout.

use std::path::Path;

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, value};

use crate::config::Holder;

use super::InstallError;
use super::places::Setting;
use super::plan::{Gateway, Present, broken};

/// Codex's file.
pub(super) struct TomlText {
    /// A byte order mark, which the parser takes and does not give back.
    mark: &'static str,
    /// Whether lines end as on Windows: the parser gives back plain line feeds.
    windows: bool,
    document: DocumentMut,
}

const KEY: &str = Holder::Codex.key();

impl TomlText {
    pub(super) fn parse(file: &Path, text: &str) -> Result<Self, InstallError> {
        let (mark, text) = match text.strip_prefix('\u{feff}') {
            Some(rest) => ("\u{feff}", rest),
            None => ("", text),
        };
        let document = text.parse::<DocumentMut>().map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let why = error.message().lines().collect::<Vec<_>>().join(", ");
            broken(file, text, at, format!("this is no valid TOML: {why}"))
        })?;
        let windows = text.contains("\r\n") && !text.replace("\r\n", "").contains('\n');
        let toml = Self {
            mark,
            windows,
            document,
        };
        match toml.document.get(KEY) {
            Some(servers) if !servers.is_table_like() => {
                let message = format!("{KEY} is not a table");
                Err(broken(file, text, 0, message))
            }
            _ => Ok(toml),
        }
    }

    fn servers(&self) -> Option<&dyn TableLike> {
        self.document.get(KEY)?.as_table_like()
    }

    pub(super) fn present(&self) -> Vec<Present> {
        let entries = self.servers().map(TableLike::iter).into_iter().flatten();
        entries
            .map(|(name, entry)| {
                let command = entry.get("command").and_then(Item::as_str);
                let args = entry.get("args").and_then(Item::as_array);
                let args: Vec<String> = args
                    .map(|args| args.iter().filter_map(|arg| arg.as_str()))
                    .into_iter()
                    .flatten()
                    .map(str::to_owned)
                    .collect();
                Present::new(name.to_owned(), command, &args)
            })
            .collect()
    }

    pub(super) fn remove(&mut self, name: &str) {
        let servers = self.document.get_mut(KEY);
        if let Some(servers) = servers.and_then(Item::as_table_like_mut) {
            servers.remove(name);
        }
    }

    pub(super) fn set_gateway(&mut self, gateway: &Gateway<'_>) {
        for (key, setting) in gateway.common_settings {
            if !self.document.contains_key(key) {
                self.document.insert(key, value_of(*setting));
            }
        }
        let servers = self.document.entry(KEY).or_insert_with(|| {
            let mut servers = Table::new();
            // No header of its own: [mcp_servers.code-mode] says it.
            servers.set_implicit(true);
            Item::Table(servers)
        });
        let Some(servers) = servers.as_table_like_mut() else {
            return;
        };
        let Some(entry) = servers
            .get_mut(&gateway.name)
            .and_then(Item::as_table_like_mut)
        else {
            let mut args = Array::from_iter(["mcp"]);
            if let Some(config) = &gateway.config {
                args.extend(["--config", config]);
            }
            let mut entry = Table::new();
            let command = gateway.command.unwrap_or(gateway.default_command);
            entry.insert("command", value(command));
            entry.insert("args", value(args));
            if !gateway.variables.is_empty() {
                entry.insert("env_vars", value(Array::from_iter(&gateway.variables)));
            }
            for (key, setting) in gateway.settings {
                entry.insert(key, value_of(*setting));
            }
            servers.insert(&gateway.name, Item::Table(entry));
            return;
        };
        if let Some(command) = gateway.command
            && entry.get("command").and_then(Item::as_str) != Some(command)
        {
            entry.insert("command", value(command));
        }
        if let Some(config) = &gateway.config
            && let Some(args) = entry.get_mut("args").and_then(Item::as_array_mut)
            && !args.iter().any(|arg| arg.as_str() == Some(config))
        {
            args.extend(["--config", config]);
        }
        if !gateway.variables.is_empty() {
            let known = entry.entry("env_vars").or_insert(value(Array::new()));
            if let Some(known) = known.as_array_mut() {
                let is = |item: &toml_edit::Value, name: &str| {
                    let table = item.as_inline_table();
                    let named = table.and_then(|table| table.get("name"));
                    named.unwrap_or(item).as_str() == Some(name)
                };
                for name in &gateway.variables {
                    if !known.iter().any(|item| is(item, name)) {
                        known.push(name);
                    }
                }
            }
        }
        for (key, setting) in gateway.settings {
            if !entry.contains_key(key) {
                entry.insert(key, value_of(*setting));
            }
        }
    }

    pub(super) fn into_text(self) -> String {
        let text = format!("{}{}", self.mark, self.document);
        match self.windows {
            true => text.replace("\r\n", "\n").replace('\n', "\r\n"),
            false => text,
        }
    }
}

fn value_of(setting: Setting) -> Item {
    match setting {
        Setting::Number(number) => value(i64::from(number)),
        Setting::Yes => value(true),
    }
}
