//! What the command tells those who watch its work: a log, and spans for a collector.
//!
//! Neither may hold up the work or change how it ends. Log lines wait for their reader on a thread,
//! spans for their collector on another; both are given a bounded time at the end.
//!
//! Neither says a secret of the configuration, whoever wrote the text: what [`hide`] was told is taken
//! out on those threads, just before it leaves the process.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use code_mode_mcp::config::Redactor;
use opentelemetry::trace::{Status, TracerProvider};
use opentelemetry::{Array, KeyValue, Value, global};
use opentelemetry_otlp::{ExporterBuildError, Protocol, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing::Level;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::arguments::telemetry::{LogFilter, LogFormat, TelemetryArguments};
use crate::diagnostics;

/// The variables of OpenTelemetry that say how spans are encoded; the first counts.
const PROTOCOL_VARIABLES: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
];

/// How long the end of the process waits for a collector to take the last spans.
const LAST_EXPORT: Duration = Duration::from_secs(2);

/// How long the end of the process waits for somebody to read the last lines of the log.
const LAST_LINES: Duration = Duration::from_secs(1);

/// How many log lines wait for their reader; further ones are left out.
const MAX_WAITING_LINES: usize = 4096;

/// What the log and the spans must not say. Only ever grows: telemetry starts before there is a
/// configuration, and lines about it may wait after it is gone. Locked for writing for moments only.
static SECRETS: RwLock<Vec<Redactor>> = RwLock::new(Vec::new());

/// Keeps these secrets out of all that is logged and exported from now on.
pub fn hide(secrets: Redactor) {
    let mut known = SECRETS.write().unwrap_or_else(PoisonError::into_inner);
    known.push(secrets);
}

/// The text without any secret.
fn redact(text: &str) -> String {
    let known = SECRETS.read().unwrap_or_else(PoisonError::into_inner);
    known
        .iter()
        .fold(text.to_owned(), |text, secrets| secrets.redact(&text))
}

/// Why nothing can be logged or exported. Nothing was run.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("cannot write the log to {}: {source}", path.display())]
    LogFile { path: PathBuf, source: io::Error },
    #[error("cannot start the log: {0}")]
    LogThread(#[source] io::Error),
    #[error("cannot export spans: {0}; give --otlp=ENDPOINT a URL such as http://localhost:4318")]
    Otlp(#[from] ExporterBuildError),
}

/// The log and the exporter of this process. Owned by `main`, which [finishes](Self::finish) it.
pub struct Telemetry {
    log: LogWriter,
    spans: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Starts both for the whole process, as the flags say. Called once.
    pub fn start(
        arguments: &TelemetryArguments,
        default_filter: LogFilter,
    ) -> Result<Self, TelemetryError> {
        let target = match &arguments.log_file {
            None => LogTarget::StandardError,
            Some(path) => File::options()
                .append(true)
                .create(true)
                .open(path)
                .map(LogTarget::File)
                .map_err(|source| TelemetryError::LogFile {
                    path: path.clone(),
                    source,
                })?,
        };
        let colours = matches!(target, LogTarget::StandardError) && colours_on_standard_error();
        let log =
            LogWriter::start(target, arguments.log_format).map_err(TelemetryError::LogThread)?;
        let lines = tracing_subscriber::fmt::layer().with_writer(log.clone());
        let lines: Box<dyn Layer<Registry> + Send + Sync> = match arguments.log_format {
            LogFormat::Text => lines.with_ansi(colours).boxed(),
            LogFormat::Json => lines.json().boxed(),
        };
        let filter = arguments.log.clone().unwrap_or(default_filter).filter();
        // HTTP and protocol libraries log whole requests at their lower levels, with the headers, and
        // those are secrets. So whatever the filter says, only we are heard below `info`.
        let shareable = filter_fn(|metadata| {
            *metadata.level() <= Level::INFO || metadata.target().starts_with("code_mode")
        });
        let lines = lines.with_filter(filter.and(shareable));

        let spans = match &arguments.otlp {
            None => None,
            Some(endpoint) => Some(exporting(endpoint.as_deref())?),
        };
        let exported = spans.as_ref().map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("code-mode"))
                .with_location(false)
                .with_threads(false)
                // All spans of ours, and of the events inside them what is of interest to others.
                .with_filter(filter_fn(|metadata| {
                    metadata.target().starts_with("code_mode")
                        && (metadata.is_span() || *metadata.level() <= Level::INFO)
                }))
        });
        global::set_text_map_propagator(TraceContextPropagator::new());
        // Fails only where a subscriber was set before.
        let _ = tracing_subscriber::registry()
            .with(lines)
            .with(exported)
            .try_init();
        Ok(Self { log, spans })
    }

    /// Sends the last spans and writes the last lines, within three seconds.
    pub fn finish(self) {
        if let Some(spans) = self.spans
            && let Err(error) = spans.shutdown_with_timeout(LAST_EXPORT)
        {
            tracing::warn!("the last spans are lost: {error}");
        }
        self.log.flush();
    }
}

fn colours_on_standard_error() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    io::stderr().is_terminal() && !dumb && !is_set("NO_COLOR")
}

/// How spans are encoded: as JSON if OpenTelemetry's variables say so, else as the default of the
/// specification, which every collector takes.
fn protocol() -> Protocol {
    let said = PROTOCOL_VARIABLES.into_iter().find(|name| is_set(name));
    match said.and_then(|name| std::env::var(name).ok()) {
        Some(said) if said.eq_ignore_ascii_case("http/json") => Protocol::HttpJson,
        _ => Protocol::HttpBinary,
    }
}

/// Whether an environment variable says anything.
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Spans on their way to a collector, from a thread of the SDK's.
fn exporting(endpoint: Option<&str>) -> Result<SdkTracerProvider, ExporterBuildError> {
    // Fails only where the process has a provider already, which does as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut exporter = opentelemetry_otlp::SpanExporter::builder().with_http();
    if let Some(endpoint) = endpoint {
        exporter = exporter.with_endpoint(traces_url(endpoint));
    }
    let exporter = exporter.with_protocol(protocol());
    let exporter = Exporter {
        inner: exporter.build()?,
        failed: AtomicBool::new(false),
    };
    let mut resource = Resource::builder()
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    if !is_set("OTEL_SERVICE_NAME") {
        resource = resource.with_service_name("code-mode");
    }
    Ok(SdkTracerProvider::builder()
        .with_resource(resource.build())
        .with_batch_exporter(exporter)
        .build())
}

/// Where traces go at a collector with this base URL, as the OTLP specification says.
fn traces_url(base: &str) -> String {
    let base = base.trim_end_matches('/');
    if base.ends_with("/v1/traces") {
        base.to_owned()
    } else {
        format!("{base}/v1/traces")
    }
}

/// An exporter that says when it fails: once, not every few seconds, until it works again.
#[derive(Debug)]
struct Exporter {
    inner: opentelemetry_otlp::SpanExporter,
    failed: AtomicBool,
}

impl SpanExporter for Exporter {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(redact_span);
        let result = self.inner.export(batch).await;
        let failed_before = self.failed.swap(result.is_err(), Ordering::Relaxed);
        if let Err(error) = &result
            && !failed_before
        {
            tracing::warn!("spans cannot be exported, and everything else goes on: {error}");
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

fn redact_span(span: &mut SpanData) {
    span.attributes.iter_mut().for_each(redact_attribute);
    for event in &mut span.events.events {
        event.name = redact(&event.name).into();
        event.attributes.iter_mut().for_each(redact_attribute);
    }
    if let Status::Error { description } = &mut span.status {
        *description = redact(description).into();
    }
}

fn redact_attribute(attribute: &mut KeyValue) {
    match &mut attribute.value {
        Value::String(text) => *text = redact(text.as_str()).into(),
        Value::Array(Array::String(texts)) => {
            for text in texts {
                *text = redact(text.as_str()).into();
            }
        }
        _ => {}
    }
}

/// A line of the log without any secret, in the form it has.
fn redact_line(line: &str, format: LogFormat) -> String {
    match format {
        LogFormat::Text => {
            let (head, rest) = line.split_at(end_of_level(line));
            format!("{head}{}", redact(rest))
        }
        LogFormat::Json => match serde_json::from_str(line) {
            Ok(serde_json::Value::Object(mut event)) => {
                // The rest is ours: the time, the level, the target.
                for key in ["fields", "span", "spans"] {
                    event.get_mut(key).into_iter().for_each(redact_json);
                }
                format!("{}\n", serde_json::Value::Object(event))
            }
            _ => redact(line),
        },
    }
}

/// Where the time and the level end that a line of text begins with. A variable that says `DEBUG` must
/// not blank them.
fn end_of_level(line: &str) -> usize {
    let levels = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"];
    let ends = levels.map(|level| line.find(level).map(|at| at + level.len()));
    ends.into_iter().flatten().min().unwrap_or_default()
}

fn redact_json(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => *text = redact(text),
        serde_json::Value::Array(items) => items.iter_mut().for_each(redact_json),
        serde_json::Value::Object(members) => members.values_mut().for_each(redact_json),
        _ => {}
    }
}

enum LogTarget {
    StandardError,
    File(File),
}

/// Hands lines to the thread that writes them. That thread ends with the process.
#[derive(Clone)]
struct LogWriter {
    messages: Sender<LogMessage>,
    waiting: Arc<AtomicUsize>,
    lost: Arc<AtomicUsize>,
}

enum LogMessage {
    Line(Vec<u8>),
    /// All lines before this one are written.
    Flushed(Sender<()>),
}

impl LogWriter {
    fn start(target: LogTarget, format: LogFormat) -> io::Result<Self> {
        let (messages, received) = mpsc::channel();
        let writer = Self {
            messages,
            waiting: Arc::default(),
            lost: Arc::default(),
        };
        let (waiting, lost) = (writer.waiting.clone(), writer.lost.clone());
        std::thread::Builder::new()
            .name("code-mode-log".to_owned())
            .spawn(move || write_lines(target, format, &received, &waiting, &lost))?;
        Ok(writer)
    }

    fn flush(&self) {
        let (flushed, heard) = mpsc::channel();
        if self.messages.send(LogMessage::Flushed(flushed)).is_ok() {
            let _ = heard.recv_timeout(LAST_LINES);
        }
    }
}

fn write_lines(
    mut target: LogTarget,
    format: LogFormat,
    received: &Receiver<LogMessage>,
    waiting: &AtomicUsize,
    lost: &AtomicUsize,
) {
    let mut write = |line: &[u8]| match &mut target {
        LogTarget::StandardError => diagnostics::write(&String::from_utf8_lossy(line)),
        // A full disk is no reason to stop the work that is logged.
        LogTarget::File(file) => drop(file.write_all(line)),
    };
    for message in received {
        match message {
            LogMessage::Line(line) => {
                let line = String::from_utf8_lossy(&line);
                write(redact_line(&line, format).as_bytes());
                waiting.fetch_sub(1, Ordering::Relaxed);
                let lost = lost.swap(0, Ordering::Relaxed);
                if lost > 0 {
                    write(
                        format!(
                            "code-mode: {lost} lines of the log were left out, for nobody read it\n"
                        )
                        .as_bytes(),
                    );
                }
            }
            // Whoever asked may have gone on.
            LogMessage::Flushed(flushed) => drop(flushed.send(())),
        }
    }
}

impl Write for LogWriter {
    /// Takes what the formatter writes at once, which is one event.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING_LINES {
            // Fails only where the thread is gone.
            let _ = self.messages.send(LogMessage::Line(line.to_vec()));
        } else {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use code_mode_mcp::config::Secret;

    use super::*;

    #[test]
    fn a_secret_is_in_no_line_and_the_level_stays() {
        hide(Redactor::of_secrets(
            &["DEBUG", "fields", "qu\"ote-1"].map(Secret::new),
        ));
        for (format, line, expected) in [
            (
                LogFormat::Text,
                "2026-01-01T00:00:00Z DEBUG code_mode: qu\"ote-1 at DEBUG why=\"qu\\\"ote-1\"\n",
                "2026-01-01T00:00:00Z DEBUG code_mode: … at … why=\"…\"\n",
            ),
            (
                LogFormat::Json,
                "{\"level\":\"DEBUG\",\"fields\":{\"message\":\"qu\\\"ote-1\"}}\n",
                "{\"level\":\"DEBUG\",\"fields\":{\"message\":\"…\"}}\n",
            ),
        ] {
            assert_eq!(redact_line(line, format), expected);
        }
    }

    #[test]
    fn the_endpoint_is_a_base_url_or_that_of_traces() {
        for endpoint in ["http://h:1", "http://h:1/", "http://h:1/v1/traces"] {
            assert_eq!(traces_url(endpoint), "http://h:1/v1/traces");
        }
    }
}
