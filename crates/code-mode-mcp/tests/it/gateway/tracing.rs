//! The client's trace goes through the gateway to the servers.

use rmcp::model::{CallToolRequest, ClientRequest, MetaObject, RequestMetaObject};
use rmcp::service::PeerRequestOptions;
use serde_json::json;
use tracing_subscriber::layer::SubscriberExt;

use super::client::{REVISIONS, params, result};
use super::rig::{LONG_MS, Rig};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[tokio::test]
async fn a_servers_call_is_part_of_the_trace_that_the_client_named() {
    // Its tracer makes no spans of its own, so the client's is what a server sees. For the whole process:
    // with one for this thread alone, spans that another test meets first would stay off everywhere.
    let subscriber = tracing_subscriber::registry().with(tracing_opentelemetry::layer());
    tracing::subscriber::set_global_default(subscriber).expect("no other test does so");
    let mut rig = Rig::new().await;
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let exec = json!({ "source": "await tools.mcp__test__held()", "yield_time_ms": LONG_MS });
        let mut meta = MetaObject::new();
        meta.set_traceparent(format!("00-{TRACE}-b7ad6b7169203331-01"));
        let options = PeerRequestOptions::no_options().with_meta(RequestMetaObject::from(meta));
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params("exec", exec)));
        let running = client.service.send_cancellable_request(request, options);
        let running = running.await.unwrap();
        let call = rig.server.call().await;
        let parent = call.meta().get_traceparent().unwrap_or_default().to_owned();
        assert_eq!(parent.split('-').nth(1), Some(TRACE), "{parent:?}");
        call.answer_text("");
        result(running).await;
    }
}
