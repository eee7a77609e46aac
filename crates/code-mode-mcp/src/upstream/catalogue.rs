//! What is known of all servers at one moment: their tools, named for scripts, and how they do.

use std::collections::HashMap;
use std::sync::Arc;

use code_mode::{Tool, ToolDefinition, ToolSet};
use serde_json::Value;

use super::server::{Known, Server};
use crate::policy::{Action, Policy};

/// What is known of all servers at one moment.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Catalogue {
    /// Every tool that scripts may see, of every server that has been connected once: namespace
    /// `mcp__{server}`. Those of a server that is lost stay: a call of one waits for the connection.
    ///
    /// In the order of the configuration, and then by name.
    pub tools: ToolSet,
    /// Every configured server, in the order of the configuration.
    pub servers: Vec<ServerStatus>,
    definitions: Vec<Arc<Vec<ToolDefinition>>>,
    by_namespace: HashMap<String, usize>,
}

/// How one server does.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ServerStatus {
    /// The name it is configured under.
    pub name: String,
    /// The namespace of its tools.
    pub namespace: String,
    /// Whether it can be called.
    pub state: ServerState,
}

/// Whether a server can be called.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ServerState {
    /// The first connection is being made.
    Connecting,
    /// Connected; its tools are known.
    Connected {
        /// What it says of itself for models.
        instructions: Option<String>,
        /// The protocol revision in use.
        protocol: String,
        /// How many tools it lists, denied ones among them.
        tools: usize,
    },
    /// Not connected; it is tried again by itself.
    Lost {
        /// Why, in a sentence without secrets.
        why: String,
    },
}

/// A tool as a person wants to see it in a list.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListedTool<'a> {
    /// The server, by its configured name.
    pub server: &'a str,
    /// The tool, with its name in scripts.
    pub tool: &'a Arc<Tool>,
    /// The title it gives itself.
    pub title: Option<&'a str>,
    /// Whether it says that it changes nothing.
    pub read_only: Option<bool>,
    /// Whether it says that it may destroy something.
    pub destructive: Option<bool>,
}

impl Catalogue {
    /// The catalogue of now, or `None` if it would be the one there is.
    pub(super) fn next(&self, servers: &[Arc<Server>], policy: &Policy) -> Option<Self> {
        let known: Vec<Known> = servers.iter().map(|server| server.known()).collect();
        let statuses: Vec<ServerStatus> = servers
            .iter()
            .zip(&known)
            .map(|(server, known)| ServerStatus {
                name: server.config.name.clone(),
                namespace: server.namespace.clone(),
                state: known.state.clone(),
            })
            .collect();
        let definitions: Vec<Arc<Vec<ToolDefinition>>> =
            known.into_iter().map(|known| known.tools).collect();
        let same_tools = self.definitions.len() == definitions.len()
            && self
                .definitions
                .iter()
                .zip(&definitions)
                .all(|(a, b)| Arc::ptr_eq(a, b) || a == b);
        if same_tools && self.servers == statuses {
            return None;
        }
        let tools = if same_tools {
            self.tools.clone()
        } else {
            let all = servers
                .iter()
                .zip(&definitions)
                .flat_map(|(server, tools)| {
                    let name = &server.config.name;
                    tools
                        .iter()
                        .filter(move |tool| policy.action(name, &tool.name) != Action::Deny)
                        .cloned()
                });
            ToolSet::new(all)
        };
        let by_namespace = statuses
            .iter()
            .enumerate()
            .map(|(position, server)| (server.namespace.clone(), position))
            .collect();
        let mut catalogue = Self {
            tools,
            servers: statuses,
            definitions,
            by_namespace,
        };
        let missing = catalogue.missing();
        let unavailable: Vec<(String, String)> = missing
            .map(|(server, why)| (server.namespace.clone(), why.to_owned()))
            .collect();
        catalogue.tools = catalogue.tools.unavailable(unavailable);
        Some(catalogue)
    }

    /// The server and the tool that a definition of [`tools`](Self::tools) stands for.
    pub fn route<'a>(&'a self, tool: &'a ToolDefinition) -> Option<(&'a str, &'a str)> {
        let position = self.by_namespace.get(tool.namespace.as_deref()?)?;
        let server = self.servers.get(*position)?;
        Some((&server.name, &tool.name))
    }

    /// The servers that are not connected, with the reason in words.
    pub fn missing(&self) -> impl Iterator<Item = (&ServerStatus, &str)> {
        self.servers.iter().filter_map(|server| {
            let why = match &server.state {
                ServerState::Connected { .. } => return None,
                ServerState::Connecting => "it is still being connected",
                ServerState::Lost { why } => why,
            };
            Some((server, why))
        })
    }

    /// What connected servers say of themselves, by namespace: descriptions for
    /// [`ExecDescriptionOptions::namespace`](code_mode::ExecDescriptionOptions::namespace).
    pub fn instructions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.servers
            .iter()
            .filter_map(|server| match &server.state {
                ServerState::Connected {
                    instructions: Some(text),
                    ..
                } if !text.trim().is_empty() => Some((&*server.namespace, text.trim())),
                _ => None,
            })
    }

    /// Every tool with what it says of itself, in the order of [`tools`](Self::tools).
    pub fn listing(&self) -> impl Iterator<Item = ListedTool<'_>> {
        self.tools.iter().filter_map(|tool| {
            let (server, _) = self.route(&tool.definition)?;
            let annotations = tool.definition.annotations.as_ref();
            let hint = |name: &str| annotations?.get(name)?.as_bool();
            Some(ListedTool {
                server,
                tool,
                title: annotations
                    .and_then(|said| said.get("title"))
                    .and_then(Value::as_str),
                read_only: hint("readOnlyHint"),
                destructive: hint("destructiveHint"),
            })
        })
    }
}
