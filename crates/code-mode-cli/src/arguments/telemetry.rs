//! The flags of what a run says about its work: the log and the spans.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

#[derive(Debug, Args)]
#[command(next_help_heading = "Observability")]
pub struct TelemetryArguments {
    /// What is logged, on standard error: a level (off, error, warn, info, debug, trace), or filters
    /// such as `warn,code_mode_mcp::upstream=debug`. Default: warn. Also from CODE_MODE_LOG.
    #[arg(
        long,
        value_name = "LEVEL|FILTERS",
        env = "CODE_MODE_LOG",
        hide_env = true
    )]
    pub log: Option<LogFilter>,

    /// Append the log to this file instead.
    #[arg(long, value_name = "FILE")]
    pub log_file: Option<PathBuf>,

    /// How the log is written: text for people, or one JSON object a line.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// Export spans of sessions, cells and calls to an OpenTelemetry collector, by OTLP over HTTP,
    /// and give servers the trace context. ENDPOINT is the collector's base URL; without it the
    /// variables OTEL_EXPORTER_OTLP_… say where to and how. Default: http://localhost:4318.
    #[arg(long, value_name = "ENDPOINT", num_args = 0..=1, require_equals = true)]
    pub otlp: Option<Option<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// The protocol's library reports each failure as an error, in the words of its types; we say the same in
/// ours. Who gives filters of their own instead of a level hears it as they say.
const PROTOCOL: &str = "rmcp=off";

/// What is logged, as `tracing` filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// What is logged by default where the command itself says which servers are missing.
    pub fn without_missing_servers() -> Self {
        Self(format!("warn,{PROTOCOL},code_mode_mcp::upstream=error"))
    }

    /// The filter that this text is, or a level.
    pub fn filter(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self(format!("warn,{PROTOCOL}"))
    }
}

/// Text that says nothing about what to log.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLogFilter {
    #[error(
        "neither off, error, warn, info, debug or trace nor filters such as warn,code_mode=debug"
    )]
    NoLevel,
    #[error("no filters that can be read: {0}")]
    NoFilters(#[from] tracing_subscriber::filter::ParseError),
}

impl FromStr for LogFilter {
    type Err = InvalidLogFilter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        // A variable that is set to nothing is as good as none.
        if text.is_empty() {
            return Ok(Self::default());
        }
        if let Ok(level) = text.parse::<LevelFilter>() {
            // A level is about us: of libraries nobody wants to hear more than warnings.
            let others = level.min(LevelFilter::WARN);
            return Ok(Self(format!("{others},{PROTOCOL},code_mode={level}")));
        }
        if !text.contains(['=', ',', '[']) {
            return Err(InvalidLogFilter::NoLevel);
        }
        EnvFilter::try_new(text)?;
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_about_us_and_at_most_warnings_of_libraries() {
        let filter = |text: &str| text.parse::<LogFilter>().unwrap().0;
        assert_eq!(filter("debug"), "warn,rmcp=off,code_mode=debug");
        assert_eq!(filter("error"), "error,rmcp=off,code_mode=error");
        assert_eq!(filter(""), "warn,rmcp=off");
        assert_eq!(filter("OFF"), "off,rmcp=off,code_mode=off");
        assert_eq!(filter("rmcp=info"), "rmcp=info");
    }

    #[test]
    fn what_is_no_level_and_no_filter_is_refused() {
        for bad in ["verbos", "code_mode=loud"] {
            assert!(bad.parse::<LogFilter>().is_err(), "{bad}");
        }
    }
}
