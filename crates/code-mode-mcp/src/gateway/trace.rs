//! The span of a request, and the client's trace as its parent.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator;
use rmcp::model::RequestMetaObject;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Continues the trace that the client names in `_meta`, if it does and anybody exports traces.
pub(super) fn continue_trace(span: &Span, meta: &RequestMetaObject) {
    let headers: HashMap<String, String> = [
        ("traceparent", meta.get_traceparent()),
        ("tracestate", meta.get_tracestate()),
        ("baggage", meta.get_baggage()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
    .collect();
    if !headers.contains_key("traceparent") {
        return;
    }
    let parent = opentelemetry::global::get_text_map_propagator(|propagator| {
        TextMapPropagator::extract(propagator, &headers)
    });
    if span.set_parent(parent).is_err() {
        tracing::trace!("nobody exports traces: the client's is not continued");
    }
}
