//! The flags of what works with MCP servers: which configuration, how they are served, how listed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Arg, Args, ValueEnum};
use code_mode_mcp::audit::{AuditLog, AuditOptions, AuditUnwritable, AuditedArguments};
use code_mode_mcp::gateway::{Origin, Structured};
use code_mode_mcp::policy::ToolPattern;

use super::telemetry::TelemetryArguments;
use super::{IsolationArguments, LimitArguments, seconds};

const MCP_NOTES: &str = "\
A client starts this command and speaks with it on standard input and output; `code-mode install`
writes it into a client's configuration. With --http clients connect to http://ADDR/mcp instead, and
http://ADDR/healthz answers 200 as long as the gateway runs.

What is wrong with the configuration, and with servers that cannot be reached, is said on standard
error and to the model; the other servers go on.

Exit codes:
  0    the client closed the connection, or SIGTERM or Ctrl-C ended the gateway
  1    it could not serve any longer
  2    nothing was served: wrong usage, no configuration, an address that cannot be used
  130  a second Ctrl-C (143: SIGTERM) ended it at once

Examples:
  code-mode mcp
  code-mode mcp --config ~/.config/mcp.json --audit calls.jsonl
  code-mode mcp --http 0.0.0.0:8080 --bearer-token-env TOKEN --allow-host mcp.example.com";

const TOOLS_NOTES: &str = "\
Exit codes:
  0    every server was reached
  1    some were not; standard error says which, and why
  2    nothing could be read: wrong usage or no configuration

Examples:
  code-mode tools
  code-mode tools 'read a file'
  code-mode tools --types > tools.d.ts";

/// Which MCP servers there are, and what scripts call them.
#[derive(Debug, Args)]
#[command(next_help_heading = "MCP servers")]
pub struct ServerArguments {
    /// A file that says which MCP servers there are: `mcpServers` JSON, VS Code's `servers`, or Codex's
    /// TOML. Repeatable; of two servers with one name the first counts. Default: the first there is of
    /// ./.mcp.json, ./.vscode/mcp.json and code-mode/mcp.json in your configuration folder.
    #[arg(long, value_name = "FILE")]
    pub config: Vec<PathBuf>,

    /// Call the tools of a server NAME tools.NAME__TOOL, without the prefix mcp__.
    #[arg(long)]
    pub short_names: bool,

    /// Where types that were learned from results are kept. Default: code-mode in your state folder.
    #[arg(long, value_name = "DIR")]
    pub state_folder: Option<PathBuf>,
}

/// Says that a command does not look for a configuration by itself: a script has the tools that its
/// caller names, wherever it is run.
pub fn only_these_files(config: Arg) -> Arg {
    let help = "A file that says which MCP servers there are, for scripts to call beside the tools above: \
                `mcpServers` JSON, VS Code's `servers`, or Codex's TOML. Repeatable; of two servers with one \
                name the first counts. Default: no servers";
    config.help(help).long_help(help)
}

#[derive(Debug, Args)]
#[command(after_help = MCP_NOTES)]
pub struct McpArguments {
    /// Also offer these tools to the client directly, beside exec and wait: SERVER/TOOL with * and ? as
    /// wildcards. Repeatable; those that the configuration exposes are offered too.
    #[arg(long, value_name = "PATTERN")]
    pub expose_tools: Vec<ToolPattern>,

    /// How many tokens the description of exec may take, about; scripts find the tools that it has no
    /// room for with search_tools. Default: 8000, and 1024 for Claude Code, which cuts longer ones.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub description_tokens: Option<u32>,

    /// How long one exec or wait may take to answer a client that asked for no progress notifications.
    /// Default: 50, as clients give up after 60. A client that asked for them waits an hour.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub max_wait: Option<Duration>,

    /// When results carry an object (structuredContent) beside their text. auto: not for clients that
    /// would show the model nothing else.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub structured: StructuredArgument,

    #[command(flatten)]
    pub limits: LimitArguments,

    #[command(flatten)]
    pub isolation: IsolationArguments,

    #[command(flatten)]
    pub servers: ServerArguments,

    #[command(flatten)]
    pub audit: AuditArguments,

    #[command(flatten)]
    pub http: HttpArguments,

    #[command(flatten)]
    pub telemetry: TelemetryArguments,
}

/// Serving over HTTP instead of standard input and output.
#[derive(Debug, Args)]
#[command(next_help_heading = "HTTP")]
pub struct HttpArguments {
    /// Serve streamable HTTP at this address, an IP address and a port, or a port on 127.0.0.1,
    /// instead of standard input and output. An address that is not loopback needs
    /// --bearer-token-env.
    #[arg(long, value_name = "ADDR")]
    pub http: Option<HttpAddress>,

    /// The environment variable with the token that clients must send as `Authorization: Bearer …`.
    #[arg(long, value_name = "VARIABLE", requires = "http")]
    pub bearer_token_env: Option<String>,

    /// A name that clients may reach the gateway by (their Host header), beside the address and
    /// localhost. Repeatable.
    #[arg(long, value_name = "HOST", requires = "http")]
    pub allow_host: Vec<String>,

    /// An origin whose web pages may use the gateway, such as https://example.com, or with :* for any
    /// port, beside those of localhost. Repeatable.
    #[arg(long, value_name = "ORIGIN", requires = "http")]
    pub allow_origin: Vec<Origin>,
}

#[derive(Debug, Args)]
#[command(after_help = TOOLS_NOTES)]
pub struct ToolsArguments {
    /// What a tool should be good for; lists the tools that fit, the best first.
    #[arg(value_name = "SEARCH")]
    pub search: Option<String>,

    /// Print one JSON array, with schemas and whole descriptions.
    #[arg(long)]
    pub json: bool,

    /// Print the TypeScript declarations (.d.ts) of what scripts have with these tools.
    #[arg(long, conflicts_with_all = ["json", "search"])]
    pub types: bool,

    #[command(flatten)]
    pub servers: ServerArguments,

    #[command(flatten)]
    pub telemetry: TelemetryArguments,
}

/// What is noted of the calls of servers' tools, for whoever looks at them later.
#[derive(Debug, Args)]
#[command(next_help_heading = "MCP servers")]
pub struct AuditArguments {
    /// Append one JSON line for every call of a server's tool to this file.
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,

    /// How the audit log shows the arguments of a call: as a SHA-256 or as they are.
    #[arg(long, value_name = "HOW", default_value = "hash", requires = "audit")]
    audit_arguments: AuditedArgument,
}

impl AuditArguments {
    /// Opens the log, if one is wanted.
    pub fn open(&self) -> Result<Option<AuditLog>, AuditUnwritable> {
        let Some(file) = &self.audit else {
            return Ok(None);
        };
        let arguments = match self.audit_arguments {
            AuditedArgument::Hash => AuditedArguments::Hash,
            AuditedArgument::Text => AuditedArguments::Text,
        };
        AuditLog::open(AuditOptions::new(file).arguments(arguments)).map(Some)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AuditedArgument {
    Hash,
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StructuredArgument {
    Auto,
    Always,
    Never,
}

impl From<StructuredArgument> for Structured {
    fn from(argument: StructuredArgument) -> Self {
        match argument {
            StructuredArgument::Auto => Self::Auto,
            StructuredArgument::Always => Self::Always,
            StructuredArgument::Never => Self::Never,
        }
    }
}

/// Where HTTP is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpAddress(pub SocketAddr);

/// Text that is no address to serve at.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("write an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080, or a port alone")]
pub struct InvalidAddress;

impl FromStr for HttpAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let port = text.strip_prefix("localhost:").unwrap_or(text);
        if let Ok(port) = port.parse() {
            return Ok(Self(loopback(port)));
        }
        text.parse().map(Self).map_err(|_| InvalidAddress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_loopback_unless_it_says_otherwise() {
        let address = |text: &str| {
            text.parse::<HttpAddress>()
                .map(|parsed| parsed.0.to_string())
        };
        assert_eq!(address("8080").unwrap(), "127.0.0.1:8080");
        assert_eq!(address("localhost:0").unwrap(), "127.0.0.1:0");
        assert_eq!(address("0.0.0.0:80").unwrap(), "0.0.0.0:80");
        assert_eq!(address("[::1]:80").unwrap(), "[::1]:80");
        for bad in ["", ":80", "example.com:80", "127.0.0.1", "70000"] {
            assert_eq!(address(bad), Err(InvalidAddress), "{bad}");
        }
    }
}
