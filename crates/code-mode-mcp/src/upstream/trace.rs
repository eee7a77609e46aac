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

#[cfg(test)]
mod tests {
    use opentelemetry::Context;
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn meta_in_a_span_of(parent: Option<SpanContext>) -> RequestMetaObject {
        // The layer's own tracer makes no spans: what is current is the parent.
        let subscriber = tracing_subscriber::registry().with(tracing_opentelemetry::layer());
        let mut meta = RequestMetaObject::new();
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("call");
            if let Some(parent) = parent {
                span.set_parent(Context::new().with_remote_span_context(parent))
                    .unwrap();
            }
            span.in_scope(|| add_trace_context(&mut meta));
        });
        meta
    }

    #[test]
    fn the_trace_context_is_written_as_its_standard_says() {
        let state = TraceState::from_key_value([("vendor", "x")]).unwrap();
        let parent = SpanContext::new(
            TraceId::from_bytes([0xab; 16]),
            SpanId::from_bytes([0x01; 8]),
            TraceFlags::SAMPLED,
            true,
            state,
        );
        let meta = meta_in_a_span_of(Some(parent));
        assert_eq!(
            meta["traceparent"],
            "00-abababababababababababababababab-0101010101010101-01"
        );
        assert_eq!(meta["tracestate"], "vendor=x");
    }

    #[test]
    fn nothing_is_written_without_a_trace() {
        assert!(meta_in_a_span_of(None).is_empty());
    }
}
