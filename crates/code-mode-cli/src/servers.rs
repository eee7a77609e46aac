//! The MCP servers of a run or a listing: from the configuration to connections and their tools.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use code_mode::ToolSet;
use code_mode_mcp::audit::AuditLog;
use code_mode_mcp::config::{ConfigError, Configuration, Environment, Severity};
use code_mode_mcp::gateway::mentions;
use code_mode_mcp::host::McpHost;
use code_mode_mcp::upstream::{Catalogue, ServerState, Upstream, UpstreamOptions};

use crate::arguments::servers::ServerArguments;
use crate::diagnostics;
use crate::exit::Exit;
use crate::person::Person;
use crate::signals::Signals;
use crate::status::Status;
use crate::telemetry;
use crate::terminal;

/// How long a script is held up by a server that it does not mention, so that most are there all the same.
const UNMENTIONED: Duration = Duration::from_secs(2);

/// Why there are no servers to work with.
#[derive(Debug, thiserror::Error)]
pub enum NoServers {
    #[error("{0}")]
    Configuration(#[from] ConfigError),
    #[error("the configuration in {} names no server that can be used; `code-mode config check` explains it", list(.0))]
    NoneUsable(Vec<PathBuf>),
    #[error("the working directory cannot be found: {0}")]
    NoFolder(#[from] io::Error),
}

/// Why nothing was printed of servers.
#[derive(Debug, thiserror::Error)]
pub enum NothingPrinted {
    #[error(transparent)]
    Servers(#[from] NoServers),
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Does what connects servers only to print something, unless a signal comes first.
pub fn until_signal<W>(work: W) -> Result<Exit, NothingPrinted>
where
    W: Future<Output = Result<Exit, NoServers>>,
{
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut signals = Signals::listen()?;
        tokio::select! {
            biased;
            signal = signals.next() => Ok(Exit::Signalled(signal)),
            exit = work => Ok(exit?),
        }
    })
}

fn list(files: &[PathBuf]) -> String {
    let files: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    files.join(", ")
}

/// Reads the configuration and says on standard error what is wrong with it. One broken entry does
/// not stop the others.
pub async fn load(
    arguments: &ServerArguments,
    environment: &Environment,
) -> Result<Configuration, NoServers> {
    let loaded = Configuration::load(&arguments.config, environment)?;
    telemetry::hide(loaded.configuration.redactor());
    for finding in &loaded.findings {
        // What is only worth knowing is for `config check`.
        if finding.severity != Severity::Note {
            diagnostics::say(&finding.to_string()).await;
        }
    }
    if loaded.configuration.servers.is_empty() && loaded.has_errors() {
        return Err(NoServers::NoneUsable(loaded.configuration.files));
    }
    Ok(loaded.configuration)
}

/// How the flags and the configuration have servers presented.
pub fn upstream_options(
    arguments: &ServerArguments,
    environment: &Environment,
    configuration: &Configuration,
) -> UpstreamOptions {
    let mut options = UpstreamOptions::default();
    options.policy = configuration.policy.clone();
    options.short_names = arguments.short_names;
    let folder = arguments.state_folder.clone();
    options.state_folder = folder.or_else(|| environment.state_folder());
    options
}

/// The servers of one run. Owned by it, and [shut down](Self::shutdown) at its end.
pub struct Servers {
    pub configuration: Configuration,
    pub catalogue: Arc<Catalogue>,
    upstream: Upstream,
}

impl Servers {
    /// The servers of the files that were named, if any were: a script has what its caller gives it.
    pub async fn connect_for_script(
        arguments: &ServerArguments,
        awaited: Awaited<'_>,
        status: &Status,
    ) -> Result<Option<Self>, NoServers> {
        if arguments.config.is_empty() {
            return Ok(None);
        }
        let servers = Self::connect(arguments, awaited, status).await?;
        servers.say_what_is_missing().await;
        Ok(Some(servers))
    }

    /// Reads the configuration and waits until the servers are connected or known not to be.
    pub async fn connect(
        arguments: &ServerArguments,
        awaited: Awaited<'_>,
        status: &Status,
    ) -> Result<Self, NoServers> {
        let environment = Environment::of_process()?;
        let configuration = load(arguments, &environment).await?;
        let options = upstream_options(arguments, &environment, &configuration);
        let upstream = Upstream::start(configuration.servers.clone(), options);
        until_there(&upstream, awaited, status).await;
        Ok(Self {
            configuration,
            catalogue: upstream.catalogue(),
            upstream,
        })
    }
}

/// Which servers are worth waiting for.
#[derive(Clone, Copy)]
pub enum Awaited<'a> {
    /// All.
    All,
    /// Those that this script mentions, and all if it looks for tools itself; the others for
    /// [`UNMENTIONED`].
    Mentioned(&'a str),
}

/// Whether a script finds its tools otherwise than by names that stand in it.
fn looks_for_tools(script: &str) -> bool {
    let by_helper = ["ALL_TOOLS", "search_tools", "describe_tool", "tools.js"];
    let in_name = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
    by_helper.iter().any(|helper| script.contains(helper))
        || script.match_indices("tools").any(|(at, word)| {
            let before = script[..at].chars().next_back();
            let after = &script[at + word.len()..];
            let is_word = !before.is_some_and(in_name) && !after.starts_with(in_name);
            is_word && !after.trim_start().starts_with('.')
        })
}

/// Waits for servers that are being connected; the status line says which still are.
async fn until_there(upstream: &Upstream, awaited: Awaited<'_>, status: &Status) {
    let mut changes = upstream.changes();
    let patience = tokio::time::sleep(UNMENTIONED);
    tokio::pin!(patience);
    let mut impatient = false;
    let awaited = match awaited {
        Awaited::Mentioned(script) if looks_for_tools(script) => Awaited::All,
        awaited => awaited,
    };
    loop {
        changes.borrow_and_update();
        let catalogue = upstream.catalogue();
        let names: Vec<&str> = catalogue
            .servers
            .iter()
            .filter(|server| matches!(server.state, ServerState::Connecting))
            .filter(|server| match awaited {
                Awaited::Mentioned(script) if impatient => mentions(script, &server.namespace),
                _ => true,
            })
            .map(|server| server.name.as_str())
            .collect();
        status.connecting(&names);
        if names.is_empty() {
            return;
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() {
                return;
            },
            () = &mut patience, if !impatient => impatient = true,
        }
    }
}

impl Servers {
    /// What scripts see of all servers.
    pub fn tools(&self) -> &ToolSet {
        &self.catalogue.tools
    }

    /// The servers that cannot be called: name and reason.
    pub fn missing(&self) -> impl Iterator<Item = (&str, &str)> {
        self.catalogue
            .missing()
            .map(|(server, why)| (server.name.as_str(), why))
    }

    /// Names them on standard error, with the reasons.
    pub async fn say_what_is_missing(&self) {
        for (server, why) in self.missing() {
            diagnostics::say(&format!(
                "the server {} is not there: {}",
                terminal::visible(server),
                terminal::visible_lines(why)
            ))
            .await;
        }
    }

    /// Answers calls of the servers' tools, and has the person asked whom the policy wants asked.
    pub fn host(&self, person: Arc<Person>, audit: Option<AuditLog>) -> McpHost<Person> {
        let policy = self.configuration.policy.clone();
        let host = McpHost::new(self.upstream.clone(), policy, "run", person);
        match audit {
            Some(log) => host.audit(log),
            None => host,
        }
    }

    /// Closes the connections and ends the servers that are child processes.
    pub async fn shutdown(&self) {
        self.upstream.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_looks_for_tools_unless_it_only_names_them() {
        for script in [
            "Object.keys(tools)",
            "tools[name]()",
            "const { a } = tools;",
            "ALL_TOOLS.length",
            "import { a } from 'tools.js'",
        ] {
            assert!(looks_for_tools(script), "{script}");
        }
        for script in ["tools.a()", "tools\n  .a()", "my_tools[0]", "toolset()", ""] {
            assert!(!looks_for_tools(script), "{script}");
        }
    }
}
