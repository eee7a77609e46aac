//! The trace context that a request carries in its `_meta`, as W3C Trace Context writes it.

use opentelemetry::trace::TraceContextExt;
use rmcp::model::RequestMetaObject;
use serde_json::Value;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Adds `traceparent` and `tracestate` of the current span, if an OpenTelemetry layer gave it any.
pub(super) fn add_trace_context(meta: &mut RequestMetaObject) {
    let context = tracing::Span::current().context();
    let span = context.span();
    let span = span.span_context();
    if !span.is_valid() {
        return;
    }
    let parent = format!(
        "00-{}-{}-{:02x}",
        span.trace_id(),
        span.span_id(),
        span.trace_flags().to_u8()
    );
    meta.insert("traceparent".to_owned(), Value::String(parent));
    let state = span.trace_state().header();
    if !state.is_empty() {
        meta.insert("tracestate".to_owned(), Value::String(state));
    }
}
