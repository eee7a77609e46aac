//! The client's trace as the parent of a request's span.

use std::str::FromStr;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use rmcp::model::RequestMetaObject;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Continues the trace that the client names in `_meta`, if it does and anybody exports traces.
pub(super) fn continue_trace(span: &Span, meta: &RequestMetaObject) {
    let state = meta.get_tracestate().unwrap_or_default();
    let Some(parent) = meta.get_traceparent().and_then(|text| parse(text, state)) else {
        return;
    };
    let parent = Context::new().with_remote_span_context(parent);
    if span.set_parent(parent).is_err() {
        tracing::trace!("nobody exports traces: the client's is not continued");
    }
}

/// As W3C Trace Context writes it. A later version may have more parts.
fn parse(parent: &str, state: &str) -> Option<SpanContext> {
    let mut parts = parent.split('-');
    let version = parts.next()?;
    let (trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?);
    let lengths = [version.len(), trace.len(), span.len(), flags.len()];
    let known = version != "ff" && (version != "00" || parts.next().is_none());
    if lengths != [2, 32, 16, 2] || !known {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        // A state that cannot be read is left out; the trace goes on.
        TraceState::from_str(state).unwrap_or_default(),
    );
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_parent_is_read_as_its_standard_says_and_nothing_else_is_one() {
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        for right in [
            format!("00-{trace}-{span}-01"),
            format!("01-{trace}-{span}-01-more"),
        ] {
            let context = parse(&right, "vendor=x").unwrap();
            assert_eq!(context.trace_id().to_string(), trace);
            assert_eq!(context.span_id().to_string(), span);
            assert!(context.is_sampled() && context.is_remote());
            assert_eq!(context.trace_state().header(), "vendor=x");
        }
        for wrong in [
            "",
            "00",
            &format!("00-{trace}-{span}"),
            &format!("00-{trace}-{span}-01-more"),
            &format!("ff-{trace}-{span}-01"),
            &format!("00-{}-{span}-01", "0".repeat(32)),
            &format!("00-{trace}-{}-01", "0".repeat(16)),
            &format!("00-{trace}x-{span}-01"),
            &format!("00-{trace}-{span}-zz"),
        ] {
            assert!(parse(wrong, "").is_none(), "{wrong}");
        }
        assert!(parse(&format!("00-{trace}-{span}-01"), "no state").is_some());
    }
}
