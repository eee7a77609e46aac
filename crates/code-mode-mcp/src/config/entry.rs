//! Reads the entry of one server.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};

use crate::policy::{Action, Rule, ToolPattern};

use super::finding::Report;
use super::keys::{Meaning, meaning, nearest, nearest_key};
use super::rules::{self, Of};
use super::syntax::{Entry, Node, Value, find};
use super::variables::Scope;
use super::{Secret, ServerConfig, Transport, env_file, file};

/// What came of an entry.
pub(super) enum Read {
    /// A server, and the rules for its tools.
    Server(Box<ServerConfig>, Vec<Rule>),
    /// Our own gateway.
    Gateway,
    /// No server: it is disabled, or something is wrong that was reported.
    LeftOut,
}

/// Reads an entry, and reports all that is wrong with it.
pub(super) fn read(entry: &Entry, scope: &Scope<'_>, report: &mut Report<'_>) -> Read {
    let name = &entry.key;
    let Some(keys) = entry.node.map() else {
        report.error(
            entry.node.at,
            format!(
                "the server {name:?} is {}; it must be an object",
                entry.node.kind()
            ),
            format!("write \"{name}\": {{ \"command\": \"…\" }} or {{ \"url\": \"https://…\" }}"),
        );
        return Read::LeftOut;
    };
    if gateway(keys) {
        return Read::Gateway;
    }
    let mut reader = Reader {
        name,
        at: entry.key_at,
        keys,
        scope,
        report,
        secrets: Vec::new(),
        spoilt: false,
    };
    if name.trim().is_empty() {
        reader.spoil(entry.key_at, "a server without a name", "give it a name");
    }
    if reader.disabled() {
        return Read::LeftOut;
    }
    reader.look_through_keys();
    let transport = reader.transport();
    let startup_timeout = reader.startup_timeout();
    let tool_timeout = reader.tool_timeout();
    let rules = reader.rules();
    let Reader {
        secrets, spoilt, ..
    } = reader;
    let Some(transport) = transport.filter(|_| !spoilt) else {
        return Read::LeftOut;
    };
    let mut server = ServerConfig::new(name, transport);
    server.secrets = secrets;
    server.place = Some((report.file().to_owned(), report.line(entry.key_at)));
    server.startup_timeout = startup_timeout.unwrap_or(server.startup_timeout);
    server.tool_timeout = tool_timeout;
    Read::Server(Box::new(server), rules)
}

/// Whether the entry is our own gateway, as far as can be told without filling anything in.
fn gateway(keys: &[Entry]) -> bool {
    let command = find(keys, "command").and_then(Node::text);
    let args = match find(keys, "args").map(|node| &node.value) {
        Some(Value::List(args)) => args.as_slice(),
        _ => &[],
    };
    command.is_some_and(|command| file::is_gateway(command, args.iter().filter_map(Node::text)))
}

/// How `type` says a server is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Stdio,
    Http,
}

struct Reader<'r, 't> {
    name: &'r str,
    at: usize,
    keys: &'r [Entry],
    scope: &'r Scope<'r>,
    report: &'r mut Report<'t>,
    /// What variables put into arguments and the URL.
    secrets: Vec<Secret>,
    /// Whether something is wrong that the server cannot do without.
    spoilt: bool,
}

impl<'r> Reader<'r, '_> {
    fn get(&self, key: &str) -> Option<&'r Node> {
        // null is what some editors write for nothing.
        find(self.keys, key).filter(|node| !matches!(node.value, Value::Null))
    }

    /// Reports an error that the server cannot do without repairing.
    fn spoil(&mut self, at: usize, message: impl Into<String>, todo: impl Into<String>) {
        self.spoilt = true;
        self.report.error(at, message, todo);
    }

    fn disabled(&mut self) -> bool {
        let disabled = match self.boolean("disabled") {
            Some(true) => true,
            _ => self.boolean("enabled") == Some(false),
        };
        if disabled {
            let message = format!("the server {:?} is disabled", self.name);
            self.report.note(self.at, message, None);
        }
        disabled
    }

    fn look_through_keys(&mut self) {
        let mut seen: Vec<&str> = Vec::new();
        for entry in self.keys {
            if seen.contains(&entry.key.as_str()) {
                self.report.warning(
                    entry.key_at,
                    format!("{} is given twice; the first counts", entry.key),
                    "take one of the two away",
                );
            }
            seen.push(&entry.key);
            let off = matches!(entry.node.value, Value::Null | Value::Bool(false));
            match meaning(&entry.key) {
                Some(Meaning::Honoured | Meaning::Clients) => {}
                Some(Meaning::Lost { .. } | Meaning::Missing { .. }) if off => {}
                Some(Meaning::Lost { why, todo }) => {
                    let message = format!("{} is not honoured: {why}", entry.key);
                    self.report.warning(entry.key_at, message, todo);
                }
                Some(Meaning::Missing { why, todo }) => {
                    let message = format!(
                        "{} is not honoured: {why}; the server {:?} is left out",
                        entry.key, self.name
                    );
                    self.spoil(entry.key_at, message, todo);
                }
                None => {
                    let todo = match nearest_key(&entry.key) {
                        Some(near) => format!("did you mean {near}?"),
                        None => "take it away".to_owned(),
                    };
                    let message = format!("unknown key {:?}; it is not read", entry.key);
                    self.report.warning(entry.key_at, message, todo);
                }
            }
        }
    }

    fn transport(&mut self) -> Option<Transport> {
        let command = self.get("command");
        let url = self.get("url").or_else(|| self.get("serverUrl"));
        let kind = match (self.kind()?, command, url) {
            (Some(Kind::Stdio), None, _) => {
                self.missing("command", "command: the program to start");
                return None;
            }
            (Some(Kind::Http), _, None) => {
                self.missing("url", "url: where the server listens");
                return None;
            }
            (Some(kind), Some(_), Some(url)) => {
                self.report.warning(
                    url.at,
                    "both command and url are given; type decides",
                    "take away the one that is not meant",
                );
                kind
            }
            (Some(kind), ..) => kind,
            (None, Some(_), Some(url)) => {
                let message = format!(
                    "the server {:?} has both command and url; it is left out",
                    self.name
                );
                self.spoil(
                    url.at,
                    message,
                    "keep one of the two, or say which with type",
                );
                return None;
            }
            (None, Some(_), None) => Kind::Stdio,
            (None, None, Some(_)) => Kind::Http,
            (None, None, None) => {
                self.missing(
                    "command nor url",
                    "command to start a server, or url to reach one",
                );
                return None;
            }
        };
        match kind {
            Kind::Stdio => self.stdio(command?),
            Kind::Http => self.http(url?),
        }
    }

    fn missing(&mut self, what: &str, give: &str) {
        let neither = if what.contains(" nor ") {
            "neither"
        } else {
            "no"
        };
        let message = format!("the server {:?} has {neither} {what}", self.name);
        self.spoil(self.at, message, format!("give {give}"));
    }

    /// The value of `type`: `None` if it spoils the server, `Some(None)` if there is none.
    fn kind(&mut self) -> Option<Option<Kind>> {
        let Some(node) = self.get("type") else {
            return Some(None);
        };
        let refuse = |reader: &mut Self, message: String, todo: &str| {
            reader.spoil(node.at, message, todo);
            None
        };
        let kind = self.secret_text(node, "type")?;
        match kind.as_str() {
            "stdio" | "local" => Some(Some(Kind::Stdio)),
            "http" | "streamable-http" | "streamable_http" | "streamableHttp" => {
                Some(Some(Kind::Http))
            }
            "sse" => refuse(
                self,
                format!(
                    "the old HTTP+SSE transport is not supported; the server {:?} is left out",
                    self.name
                ),
                "most such servers also speak streamable HTTP: write \"type\": \"http\" and the URL \
                 of that endpoint, often /mcp instead of /sse",
            ),
            "ws" | "websocket" => refuse(
                self,
                format!(
                    "WebSockets are not supported; the server {:?} is left out",
                    self.name
                ),
                "use the server's streamable HTTP endpoint, with \"type\": \"http\"",
            ),
            other => {
                let other = self.redacted(other);
                let known = nearest(&other, ["stdio", "http", "streamable-http"]);
                let todo = match known {
                    Some(known) => format!("did you mean {known}?"),
                    None => "write stdio or http".to_owned(),
                };
                refuse(
                    self,
                    format!(
                        "unknown type {other:?}; the server {:?} is left out",
                        self.name
                    ),
                    &todo,
                )
            }
        }
    }

    fn stdio(&mut self, node: &Node) -> Option<Transport> {
        for key in [
            "headers",
            "http_headers",
            "env_http_headers",
            "bearer_token_env_var",
        ] {
            self.pointless(key, "a server that is started has no headers");
        }
        let command = self.command(node);
        let args = self.args();
        let env = self.env();
        self.env_vars();
        let cwd = self.cwd();
        let mut command = command?;
        // As a client would find it: from the folder that the server starts in.
        if !cfg!(windows) && command.contains('/') && !command.starts_with("~/") {
            let folder = cwd.as_deref().unwrap_or(&self.scope.workspace);
            command = folder.join(command).display().to_string();
        }
        self.look_for_program(&command, node.at, &env);
        Some(Transport::Stdio {
            command,
            args,
            env,
            cwd,
        })
    }

    fn pointless(&mut self, key: &str, why: &str) {
        if let Some(node) = self.get(key) {
            self.report.warning(
                node.at,
                format!("{key} has no effect: {why}"),
                "take it away",
            );
        }
    }

    fn command(&mut self, node: &Node) -> Option<String> {
        if let Value::List(_) = node.value {
            self.spoil(
                node.at,
                "command is an array; it must be a string",
                "write \"command\": \"PROGRAM\", and the rest into \"args\": […]",
            );
            return None;
        }
        let command = self.secret_text(node, "command")?;
        if command.trim().is_empty() {
            self.spoil(node.at, "command is empty", "give the program to start");
            return None;
        }
        Some(command)
    }

    fn args(&mut self) -> Vec<String> {
        let Some(node) = self.get("args") else {
            return Vec::new();
        };
        let Value::List(nodes) = &node.value else {
            self.spoil(
                node.at,
                format!("args is {}; it must be an array of strings", node.kind()),
                "write \"args\": [\"first\", \"second\"]",
            );
            return Vec::new();
        };
        nodes
            .iter()
            .filter_map(|node| self.secret_text(node, "an argument"))
            .collect()
    }

    fn env(&mut self) -> BTreeMap<String, Secret> {
        let mut env = self.env_file();
        for (name, at, value) in self.texts("env") {
            if name.is_empty() || name.contains(['=', '\0']) {
                self.spoil(
                    at,
                    format!("{name:?} cannot be the name of a variable"),
                    "write { \"NAME\": \"value\" }",
                );
            } else if value.contains('\0') {
                self.spoil(
                    at,
                    format!("the value of {name} has a zero byte in it"),
                    "take the zero byte away",
                );
            } else {
                env.insert(name, Secret::new(value));
            }
        }
        env
    }

    fn env_file(&mut self) -> BTreeMap<String, Secret> {
        let Some(node) = self.get("envFile") else {
            return BTreeMap::new();
        };
        let Some(path) = self.secret_text(node, "envFile") else {
            return BTreeMap::new();
        };
        let path = self.scope.workspace.join(path);
        let shown = self.redacted(&path.display().to_string());
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                self.spoil(
                    node.at,
                    format!("envFile {shown} cannot be read: {error}"),
                    "name a file that is there; relative names start from the project",
                );
                return BTreeMap::new();
            }
        };
        let file = env_file::parse(&text);
        for line in file.bad_lines {
            self.report.warning(
                node.at,
                format!("{shown}:{line} is no variable"),
                "write NAME=value",
            );
        }
        let secret = |(name, value)| (name, Secret::new(value));
        file.variables.into_iter().map(secret).collect()
    }

    /// `env_vars`: a started server has all of our variables, so that there is nothing to do but to
    /// say which are not there.
    fn env_vars(&mut self) {
        let Some(node) = self.get("env_vars") else {
            return;
        };
        let Value::List(nodes) = &node.value else {
            let message = format!("env_vars is {}; it must be an array", node.kind());
            self.spoil(node.at, message, "write env_vars = [\"NAME\"]");
            return;
        };
        for node in nodes {
            let name = node
                .text()
                .or_else(|| node.get("name").and_then(Node::text));
            let Some(name) = name else {
                let message = format!("{} is no name of a variable", node.kind());
                self.spoil(node.at, message, "write env_vars = [\"NAME\"]");
                continue;
            };
            let shown = shown_variable(name);
            if node.get("source").and_then(Node::text) == Some("remote") {
                self.report.warning(
                    node.at,
                    format!("{shown} is taken from this machine, not from a remote one"),
                    "leave the server in Codex if it must be remote",
                );
            }
            if self.scope.environment.variable(name).is_none() {
                self.report.warning(
                    node.at,
                    format!("{shown} is not set; the server starts without it"),
                    "set it before the start",
                );
            }
        }
    }

    fn cwd(&mut self) -> Option<PathBuf> {
        let Some(node) = self.get("cwd") else {
            return self.scope.project.clone();
        };
        let cwd = self.secret_text(node, "cwd")?;
        let cwd = self.scope.workspace.join(cwd);
        if !cwd.is_dir() {
            let shown = self.redacted(&cwd.display().to_string());
            self.report.error(
                node.at,
                format!("the folder {shown} is not there"),
                "make it, or name another; relative names start from the project",
            );
        }
        Some(cwd)
    }

    fn look_for_program(&mut self, command: &str, at: usize, env: &BTreeMap<String, Secret>) {
        if cfg!(windows) {
            // How Windows finds a program is not for a few lines to say.
            return;
        }
        if command.contains('/') {
            let todo = match command.strip_prefix("~/") {
                Some(rest) => format!("nobody fills in ~ here: write ${{userHome}}/{rest}"),
                None => "name a program that is there and may be run".to_owned(),
            };
            if !is_program(Path::new(command)) {
                let message = format!("the program {} is not there", self.shown(command));
                self.report.error(at, message, todo);
            }
            return;
        }
        let path = env.get("PATH").map(Secret::expose);
        let path = path.or_else(|| self.scope.environment.variable("PATH"));
        let found = std::env::split_paths(path.unwrap_or_default())
            .any(|folder| is_program(&folder.join(command)));
        if !found {
            let todo = match command.split_once(' ') {
                Some(_) => format!(
                    "write \"command\": \"{}\", and the rest into \"args\": […]",
                    self.shown(command)
                ),
                None => "install it, or write its whole path".to_owned(),
            };
            let message = match command.contains(' ') {
                true => "no program on the PATH has a name with all these words".to_owned(),
                false => format!("the program {} is not on the PATH", self.shown(command)),
            };
            self.report.error(at, message, todo);
        }
    }

    /// The first word of a command: those after it may be arguments, and secret.
    fn shown(&self, command: &str) -> String {
        self.redacted(command.split(' ').next().unwrap_or(command))
    }

    /// A text that a variable may have put secrets into.
    fn redacted(&self, text: &str) -> String {
        let secrets = self.secrets.iter().map(Secret::expose);
        secrets
            .filter(|secret| !secret.is_empty())
            .fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
    }

    fn http(&mut self, node: &Node) -> Option<Transport> {
        for key in ["args", "env", "envFile", "env_vars", "cwd"] {
            self.pointless(key, "a server that is reached by a URL is not started");
        }
        let headers = self.headers();
        let text = self.secret_text(node, "url")?;
        let url = match reqwest::Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
            Ok(url) => {
                let message = format!(
                    "a URL of {}: is not supported; the server {:?} is left out",
                    url.scheme(),
                    self.name
                );
                self.spoil(node.at, message, "write https://HOST/… or http://HOST/…");
                return None;
            }
            Err(error) => {
                let message = format!(
                    "this is no URL ({error}); the server {:?} is left out",
                    self.name
                );
                self.spoil(node.at, message, "write https://HOST/… or http://HOST/…");
                return None;
            }
        };
        if url.path().trim_end_matches('/').ends_with("/sse") && self.get("type").is_none() {
            self.report.warning(
                node.at,
                "the URL looks like the old HTTP+SSE transport, which is not supported",
                "write the URL of the streamable HTTP endpoint, often /mcp instead of /sse",
            );
        }
        let open = url.scheme() == "http" && !is_loopback(&url);
        if open && (!headers.is_empty() || url.password().is_some()) {
            self.report.warning(
                node.at,
                "the headers go over the network in plain text: http to another machine",
                "use https",
            );
        }
        Some(Transport::Http { url: text, headers })
    }

    fn headers(&mut self) -> BTreeMap<String, Secret> {
        let mut headers = BTreeMap::new();
        for key in ["headers", "http_headers"] {
            for (name, at, value) in self.texts(key) {
                self.header(&mut headers, name, at, value);
            }
        }
        for (name, at, variable) in self.texts("env_http_headers") {
            match self.scope.environment.variable(&variable) {
                Some(value) => self.header(&mut headers, name, at, value.to_owned()),
                None => self.report.warning(
                    at,
                    format!(
                        "{} is not set; {name} is not sent",
                        shown_variable(&variable)
                    ),
                    "set it before the start",
                ),
            }
        }
        if let Some(node) = self.get("bearer_token_env_var")
            && let Some(variable) = self.text(node, "bearer_token_env_var")
        {
            match self.scope.environment.variable(&variable) {
                Some(token) => {
                    let value = format!("Bearer {token}");
                    self.header(&mut headers, "Authorization".to_owned(), node.at, value);
                }
                None => self.spoil(
                    node.at,
                    format!(
                        "{} is not set; the server {:?} is left out",
                        shown_variable(&variable),
                        self.name
                    ),
                    "give the name of a variable, not the token, and set it before the start",
                ),
            }
        }
        headers
    }

    fn header(
        &mut self,
        headers: &mut BTreeMap<String, Secret>,
        name: String,
        at: usize,
        value: String,
    ) {
        if HeaderName::try_from(name.as_str()).is_err() {
            let message = format!("{name:?} cannot be the name of a header");
            self.spoil(at, message, "use letters, digits and -");
        } else if HeaderValue::try_from(value.as_str()).is_err() {
            let message = format!("the value of the header {name} has a line break or the like");
            self.spoil(at, message, "take it away");
        } else {
            headers.insert(name, Secret::new(value));
        }
    }

    fn startup_timeout(&mut self) -> Option<Duration> {
        let seconds = self.duration("startup_timeout_sec", 1.0);
        let milliseconds = self.duration("startup_timeout_ms", 1000.0);
        seconds.or(milliseconds)
    }

    fn tool_timeout(&mut self) -> Option<Duration> {
        if let Some(timeout) = self.duration("tool_timeout_sec", 1.0) {
            return Some(timeout);
        }
        let timeout = self.duration("timeout", 1000.0)?;
        if timeout < Duration::from_secs(1) {
            let at = self.get("timeout").map_or(self.at, |node| node.at);
            self.report.warning(
                at,
                "timeout is in milliseconds, and under 1000 it is not honoured",
                "write 60000 for a minute",
            );
            return None;
        }
        Some(timeout)
    }

    /// A number of which `units` are a second.
    fn duration(&mut self, key: &str, units: f64) -> Option<Duration> {
        let node = self.get(key)?;
        let number = match &node.value {
            Value::Number(number) => number.replace('_', "").parse::<f64>().ok(),
            _ => None,
        };
        let duration = number
            .and_then(|number| Duration::try_from_secs_f64(number / units).ok())
            .filter(|duration| !duration.is_zero());
        if duration.is_none() {
            let unit = if units == 1.0 {
                "seconds"
            } else {
                "milliseconds"
            };
            self.report.error(
                node.at,
                format!("{key} must be a number of {unit} over 0; the default is used"),
                format!("write {key} with a number and no quotes"),
            );
        }
        duration
    }

    /// The rules of the entry: what it forbids itself, then its policy, then Codex's approvals.
    fn rules(&mut self) -> Vec<Rule> {
        let name = self.name;
        let rule = |action, tools| Rule { action, tools };
        let mut rules = Vec::new();
        for key in ["disabled_tools", "disabledTools"] {
            for tool in self.names(key) {
                rules.push(rule(Action::Deny, ToolPattern::exact(name, tool)));
            }
        }
        let approvals = self.get("tools").filter(|node| node.map().is_some());
        let lists: &[&str] = match approvals {
            Some(_) => &["enabled_tools"],
            None => &["enabled_tools", "tools"],
        };
        for key in lists {
            if self.get(key).is_some() {
                let tools = self.names(key);
                if !tools.iter().any(|tool| tool == "*") {
                    rules.push(rule(Action::Deny, ToolPattern::all_but(name, tools)));
                }
            }
        }
        if let Some(node) = self.get("policy") {
            let placed = rules::policy(node, Of::Server(name), self.report);
            rules.extend(placed.into_iter().map(|placed| placed.rule));
        }
        for entry in approvals.and_then(Node::map).unwrap_or_default() {
            if let Some(node) = entry.node.get("approval_mode") {
                let tools = ToolPattern::exact(name, &entry.key);
                rules.extend(self.approval(node).map(|action| rule(action, tools)));
            }
        }
        if let Some(node) = self.get("default_tools_approval_mode")
            && let Some(action) = self.approval(node)
        {
            let tools = ToolPattern::all_but(name, [""; 0]);
            rules.push(rule(action, tools));
        }
        rules
    }

    /// Codex's approval modes: `prompt` asks a person, the other two do not.
    fn approval(&mut self, node: &Node) -> Option<Action> {
        match node.text() {
            Some("prompt") => Some(Action::Ask),
            Some("approve") => Some(Action::Allow),
            // Codex asks for what a tool says of itself; here the policy of the file decides.
            Some("auto") => None,
            _ => {
                // Whoever wrote this wanted less than everything.
                self.report.error(
                    node.at,
                    "this is no approval mode; a person is asked",
                    "write auto, prompt or approve",
                );
                Some(Action::Ask)
            }
        }
    }

    /// A list of names. What is no name spoils the server: a list that forbids must be read whole.
    fn names(&mut self, key: &str) -> Vec<String> {
        let Some(node) = self.get(key) else {
            return Vec::new();
        };
        let Value::List(nodes) = &node.value else {
            let message = format!("{key} is {}; it must be an array of names", node.kind());
            self.spoil(node.at, message, format!("write {key} with [\"tool\"]"));
            return Vec::new();
        };
        nodes
            .iter()
            .filter_map(|node| self.text(node, "a tool's name"))
            .collect()
    }

    fn boolean(&mut self, key: &str) -> Option<bool> {
        let node = self.get(key)?;
        match node.value {
            Value::Bool(value) => Some(value),
            _ => {
                // Perhaps it was meant to be off.
                self.spoil(
                    node.at,
                    format!(
                        "{key} is {}, not true or false; the server {:?} is left out",
                        node.kind(),
                        self.name
                    ),
                    format!("write true or false without quotes after {key}"),
                );
                None
            }
        }
    }

    /// The texts of an object: name, place of the value, value filled in. Numbers and truth values
    /// are taken as they are written: everyone writes ports without quotes.
    fn texts(&mut self, key: &str) -> Vec<(String, usize, String)> {
        let Some(node) = self.get(key) else {
            return Vec::new();
        };
        let Some(entries) = node.map() else {
            self.spoil(
                node.at,
                format!("{key} is {}; it must be an object of strings", node.kind()),
                format!("write \"{key}\": {{ \"NAME\": \"value\" }}"),
            );
            return Vec::new();
        };
        let mut texts = Vec::new();
        for entry in entries {
            let node = &entry.node;
            let text = match &node.value {
                Value::Number(number) => Some(number.clone()),
                Value::Bool(value) => Some(value.to_string()),
                Value::Null => {
                    self.report.warning(
                        node.at,
                        format!("{} in {key} is null; it is left out", entry.key),
                        "give it a text, or take it away",
                    );
                    None
                }
                _ => self.text(node, &format!("{} in {key}", entry.key)),
            };
            texts.extend(text.map(|text| (entry.key.clone(), node.at, text)));
        }
        texts
    }

    /// A string, filled in; what it is of, for the case that it is none.
    fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        self.filled_in(node, what).map(|(text, _)| text)
    }

    /// The same, of an argument or a URL: what variables put into it is a secret.
    fn secret_text(&mut self, node: &Node, what: &str) -> Option<String> {
        let (text, secrets) = self.filled_in(node, what)?;
        self.secrets.extend(secrets);
        Some(text)
    }

    fn filled_in(&mut self, node: &Node, what: &str) -> Option<(String, Vec<Secret>)> {
        let Some(text) = node.text() else {
            self.spoil(
                node.at,
                format!("{what} is {}; it must be a string", node.kind()),
                "put it in double quotes",
            );
            return None;
        };
        match self.scope.expand(text) {
            Ok(expanded) => Some((expanded.text, expanded.secrets)),
            Err(faults) => {
                for fault in faults {
                    let message = format!(
                        "{}; the server {:?} is left out",
                        fault.message(),
                        self.name
                    );
                    self.spoil(node.at, message, fault.todo());
                }
                None
            }
        }
    }
}

/// The name of a variable, unless it may be a secret that someone wrote in its place.
fn shown_variable(name: &str) -> String {
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    match name.len() <= 64 && name.chars().all(plain) {
        true => format!("the variable {name}"),
        false => "the variable that is named here".to_owned(),
    }
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}
