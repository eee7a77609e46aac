//! What the command is told: its flags, their checks, their help.

pub mod servers;
pub mod telemetry;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use code_mode::worker::{Options, Pool};
use code_mode::{Isolation, Limits};
use code_mode_mcp::install::Client;

use servers::{AuditArguments, McpArguments, ServerArguments, ToolsArguments};
use telemetry::TelemetryArguments;

const RUN_NOTES: &str = "\
The script is one ES module with top-level await; it reaches the outside only through the tools
given here. text(…) goes to standard output as it is produced, one line an item; notify(…), errors
and the names of images and audio go to standard error. Where that is a terminal, a line at the
bottom shows the calls under way.

Tools of a server NAME are tools.mcp__NAME__TOOL. Where the configuration says `ask`, the person at
the terminal is asked before a call; without a terminal it is refused.

Exit codes:
  0    the script ended well
  1    the script failed, or ran into a limit or --timeout
  2    nothing was run: wrong usage, a file that cannot be read, or what --check found
  130  Ctrl-C (143: SIGTERM) ended the script; a second one exits at once
  141  whoever read standard output went away (as in `| head`); the script was ended

Examples:
  code-mode run hello.js
  echo 'text(6 * 7)' | code-mode run -
  code-mode run log.js --tool log='git log -n 20 --format=%s'
  code-mode run count.js --text-tool lines='xargs -0 wc -l --' --store seen.json
  code-mode run report.js --config .mcp.json";

/// Runs JavaScript that a language model wrote, in a V8 isolate without I/O.
#[derive(Debug, Parser)]
#[command(
    name = "code-mode",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a script to its end.
    Run(Box<RunArguments>),
    /// Print a TypeScript declaration file (.d.ts) of all that scripts with these tools have.
    Types(TypesArguments),
    /// Serve the tools `exec` and `wait` to an MCP client, with all configured servers behind them.
    Mcp(Box<McpArguments>),
    /// List the tools of the configured MCP servers.
    Tools(ToolsArguments),
    /// Look at the configuration of MCP servers.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write the gateway into the configuration of an MCP client.
    Install(InstallArguments),
}

impl Command {
    fn tools(&self) -> Option<&ToolArguments> {
        match self {
            Self::Run(run) => Some(&run.tools),
            Self::Types(types) => Some(&types.tools),
            Self::Mcp(_) | Self::Tools(_) | Self::Config(_) | Self::Install(_) => None,
        }
    }

    /// What of the work is logged and exported; nothing of commands that only look at files.
    pub fn telemetry(&self) -> Option<&TelemetryArguments> {
        match self {
            Self::Run(run) => Some(&run.telemetry),
            Self::Types(types) => Some(&types.telemetry),
            Self::Mcp(mcp) => Some(&mcp.telemetry),
            Self::Tools(tools) => Some(&tools.telemetry),
            Self::Config(_) | Self::Install(_) => None,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say all that is wrong with the configuration, and which servers are in it.
    Check(ConfigCheckArguments),
}

const CONFIG_CHECK_NOTES: &str = "\
Exit codes:
  0  no errors; there may be warnings
  1  there are errors
  2  nothing could be read: wrong usage, or no configuration where one is looked for";

#[derive(Debug, Args)]
#[command(after_help = CONFIG_CHECK_NOTES)]
pub struct ConfigCheckArguments {
    /// A configuration of MCP servers, in the form of any client. Repeatable. Default: the first
    /// that is there of ./.mcp.json, ./.vscode/mcp.json and $XDG_CONFIG_HOME/code-mode/mcp.json.
    #[arg(long = "config", value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Print one JSON document instead.
    #[arg(long)]
    pub json: bool,
}

const INSTALL_NOTES: &str = "\
Comments, order and layout of the client's file stay as they are, and its former text is kept beside
it as NAME.bak-N. What is there already is not done again.

Exit codes:
  0  it is installed, or was already
  2  nothing was changed: wrong usage, or what the message says";

#[derive(Debug, Args)]
#[command(after_help = INSTALL_NOTES)]
pub struct InstallArguments {
    /// The client: claude (Claude Code), cursor, vscode or codex.
    #[arg(long, value_name = "CLIENT")]
    pub client: Client,

    /// Whose configuration: your own, or that of the project you are in.
    #[arg(long, value_enum, default_value_t)]
    pub scope: InstallScope,

    /// Show the change, with values that may be secret as …, and write nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// Move the client's servers into $XDG_CONFIG_HOME/code-mode/mcp.json, so that only code-mode is
    /// left. A server that would not work from there stays.
    #[arg(long)]
    pub move_servers: bool,

    /// The name of the entry. Default: code-mode.
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub name: Option<String>,

    /// The command that the client starts, a file called code-mode. Default: this executable's path;
    /// in a project, which others share, code-mode from the PATH.
    #[arg(long, value_name = "PATH", value_parser = gateway_command)]
    pub command: Option<String>,
}

/// Whose configuration is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum InstallScope {
    /// Your own, for all projects.
    #[default]
    User,
    /// That of the project you are in.
    Project,
}

/// The tools of a script that are commands.
#[derive(Debug, Args)]
pub struct ToolArguments {
    /// A function tool: tools.NAME({…}) runs COMMAND with `sh -c`, the object as JSON on its
    /// standard input. What it prints is the result: as JSON if it is JSON, else as text without its
    /// last newline. A failure rejects the call with the exit status and standard error. Repeatable.
    #[arg(long = "tool", value_name = "NAME=COMMAND")]
    pub functions: Vec<ToolArgument>,

    /// A text tool: tools.NAME("…") runs COMMAND with the string on its standard input. What it
    /// prints is the result, always as text. Otherwise like --tool. Repeatable.
    #[arg(long = "text-tool", value_name = "NAME=COMMAND")]
    pub texts: Vec<ToolArgument>,
}

#[derive(Debug, Args)]
#[command(after_help = RUN_NOTES, mut_arg("config", servers::only_these_files))]
pub struct RunArguments {
    /// The script; - is standard input.
    #[arg(value_name = "FILE")]
    pub script: PathBuf,

    #[command(flatten)]
    pub tools: ToolArguments,

    /// Type-check the script first, with `tsc` from a node_modules folder here or above, or from the
    /// PATH; run it only if nothing is found. A script named .ts or .mts is checked strictly, any
    /// other as JavaScript.
    #[arg(long)]
    pub check: bool,

    /// Load stored values from this JSON file before, and save them to it after the script; a file
    /// that is not there is an empty store. Nothing is saved if the script is ended from outside.
    #[arg(long, value_name = "FILE.json")]
    pub store: Option<PathBuf>,

    /// Write images and audio into this folder, as image-1.png and so on, over files of these names.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Print the whole response as one JSON document at the end, images and audio included, instead
    /// of text as it is produced.
    #[arg(long, conflicts_with = "out")]
    pub json: bool,

    /// End the script after this many seconds of wall-clock time. Default: never.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,

    #[command(flatten)]
    pub limits: LimitArguments,

    #[command(flatten)]
    pub isolation: IsolationArguments,

    #[command(flatten)]
    pub servers: ServerArguments,

    #[command(flatten)]
    pub audit: AuditArguments,

    #[command(flatten)]
    pub telemetry: TelemetryArguments,
}

#[derive(Debug, Args)]
#[command(mut_arg("config", servers::only_these_files))]
pub struct TypesArguments {
    #[command(flatten)]
    pub tools: ToolArguments,

    #[command(flatten)]
    pub servers: ServerArguments,

    #[command(flatten)]
    pub telemetry: TelemetryArguments,
}

/// What a script may use.
#[derive(Debug, Args)]
pub struct LimitArguments {
    /// JavaScript heap in MiB, ArrayBuffers included, from 8 to 2048. Default: 128.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(8..=2048))]
    heap_mb: Option<u32>,

    /// Time in JavaScript in milliseconds; waiting for tools and timers is free. Default: 60000.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    cpu_ms: Option<u64>,
}

impl LimitArguments {
    /// The engine's defaults, with what was given in their place.
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        if let Some(mebibytes) = self.heap_mb {
            limits = limits.heap_bytes(mebibytes as usize * 1024 * 1024);
        }
        if let Some(milliseconds) = self.cpu_ms {
            limits = limits.cpu_time(Duration::from_millis(milliseconds));
        }
        limits
    }
}

/// Where scripts run.
#[derive(Debug, Args)]
pub struct IsolationArguments {
    /// Where scripts run: in worker processes, so that nothing a script does ends this one, or on
    /// threads of this process.
    #[arg(long, value_name = "WHERE", value_enum, default_value_t)]
    isolation: IsolationArgument,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum IsolationArgument {
    #[cfg_attr(target_os = "linux", default)]
    Process,
    #[cfg_attr(not(target_os = "linux"), default)]
    InProcess,
}

impl IsolationArguments {
    /// As the engine takes it. A pool of workers is started where some are to be ready.
    pub fn isolation(&self, workers: Options) -> Isolation {
        match self.isolation {
            IsolationArgument::Process => Isolation::Process(Pool::new(workers)),
            IsolationArgument::InProcess => Isolation::InProcess,
        }
    }
}

/// `NAME=COMMAND`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolArgument {
    pub name: String,
    pub command: String,
}

/// Text that is no `NAME=COMMAND`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTool {
    #[error("no `=` in it; write NAME=COMMAND")]
    NoCommand,
    #[error("nothing after the `=`; write NAME=COMMAND")]
    EmptyCommand,
    #[error("{name:?} cannot be a tool's name; take letters, digits, _ and $, no digit first")]
    NoIdentifier { name: String },
}

impl FromStr for ToolArgument {
    type Err = InvalidTool;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, command) = text.split_once('=').ok_or(InvalidTool::NoCommand)?;
        if !is_identifier(name) {
            return Err(InvalidTool::NoIdentifier {
                name: name.to_owned(),
            });
        }
        if command.trim().is_empty() {
            return Err(InvalidTool::EmptyCommand);
        }
        Ok(Self {
            name: name.to_owned(),
            command: command.to_owned(),
        })
    }
}

fn is_identifier(name: &str) -> bool {
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
    !name.is_empty() && name.bytes().all(in_name) && !name.as_bytes()[0].is_ascii_digit()
}

/// A command that the gateway would not know itself by, and start for ever.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "its file must be called code-mode, since that is how the gateway tells itself from servers"
)]
struct NotCodeMode;

fn gateway_command(text: &str) -> Result<String, NotCodeMode> {
    let file = std::path::Path::new(text).file_stem();
    match file.is_some_and(|name| name == "code-mode") {
        true => Ok(text.to_owned()),
        false => Err(NotCodeMode),
    }
}

/// Text that is no time span.
#[derive(Debug, thiserror::Error)]
#[error("give a number of seconds over 0, such as 2 or 0.5")]
pub struct InvalidSeconds;

pub fn seconds(text: &str) -> Result<Duration, InvalidSeconds> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|span| !span.is_zero())
        .ok_or(InvalidSeconds)
}

/// Reads the process's arguments. Help, version and usage errors end the process here, with code 0
/// or 2.
pub fn parse() -> Command {
    let Arguments { command } = Arguments::parse();
    let mut names: Vec<&str> = Vec::new();
    let tools = command.tools().into_iter();
    for ToolArgument { name, .. } in
        tools.flat_map(|tools| tools.functions.iter().chain(&tools.texts))
    {
        if names.contains(&name.as_str()) {
            Arguments::command()
                .error(
                    ErrorKind::ArgumentConflict,
                    format!("two tools are called {name}; give each a name of its own"),
                )
                .exit();
        }
        names.push(name);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_tool_is_a_name_and_a_command_that_may_have_equals_signs() {
        let tool: ToolArgument = "log=git log --format=%h".parse().unwrap();
        assert_eq!(tool.name, "log");
        assert_eq!(tool.command, "git log --format=%h");
    }

    #[test]
    fn a_tool_without_a_usable_name_or_command_is_refused() {
        assert_eq!("log".parse::<ToolArgument>(), Err(InvalidTool::NoCommand));
        assert_eq!(
            "log= ".parse::<ToolArgument>(),
            Err(InvalidTool::EmptyCommand)
        );
        for name in ["", "2fa", "a-b", "a b", "ä"] {
            let refused = format!("{name}=true").parse::<ToolArgument>();
            let name = name.to_owned();
            assert_eq!(refused, Err(InvalidTool::NoIdentifier { name }));
        }
    }

    #[test]
    fn what_a_client_is_to_start_is_called_code_mode() {
        for command in ["code-mode", "/opt/bin/code-mode", "code-mode.exe"] {
            assert_eq!(gateway_command(command).as_deref(), Ok(command));
        }
        for command in ["", "/usr/bin/env", "code-mode-mcp", "/opt/code-mode/run"] {
            assert_eq!(gateway_command(command), Err(NotCodeMode), "{command}");
        }
    }

    #[test]
    fn seconds_may_be_fractions_but_not_nothing() {
        assert_eq!(seconds("0.25").unwrap(), Duration::from_millis(250));
        for bad in ["0", "-1", "x", "", "NaN", "inf", "1e300"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
